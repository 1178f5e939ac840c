"""From fringes to displacement: phase unwrapping with SNAPHU."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, MissingPackage, ProductError, RunError
from epi.insar.filters import block_sums, robust_fringes, steadiness
from epi.insar.product import add, los_displacement, wavelength_of

STEADY = 0.6  # mean resultant length of phase steps below which fringes cannot be followed
LARGEST_STEP_RAD = 3.0  # a phase step between neighbours must stay below π to be unwrapped
ENOUGH_PIXELS = 450**2  # more are averaged first, where the fringes allow: SNAPHU's time grows faster than their number

Floats = NDArray[np.floating[Any]]


def unwrap(ds: xr.Dataset, *, cost: Literal["smooth", "defo"] = "smooth", looks: int | None = None) -> xr.Dataset:
    """Unwrap the phase of a product and turn it into line-of-sight displacement.

    The fringes are filtered, places where they cannot be followed (a surface rupture, water) are left out, pixels are
    averaged where the fringes are wide enough, SNAPHU unwraps, and each pixel takes the whole number of turns that
    brings it nearest to the result: the phase itself is not changed.

    Parameters
    ----------
    ds : a map or radar product with ``phase`` (rad, wrapped); NaN, and ``valid`` false, ``water`` or ``layover_shadow``
        true, are no data; ``coherence`` is used where there is one.
    cost : SNAPHU's statistical cost: ``"smooth"``, or ``"defo"`` where the ground may have torn.
    looks : side in pixels of the blocks averaged before unwrapping; default 1, 2 or 4 by the scene's size and fringes.

    Returns
    -------
    The product with ``unwrapped_phase`` (rad) and ``los_displacement`` (m, positive toward the satellite). Both are
    known but for one constant: the median phase is brought within half a turn of zero. NaN where there is no data, no
    fringe to follow, or a value that is not of the fringes around it.

    Raises
    ------
    ProductError : no phase on a grid. EmptyScene : no pixel with steady fringes. RunError : SNAPHU failed.

    References
    ----------
    Chen and Zebker (2001), J. Opt. Soc. Am. A 18(2); Chen and Zebker (2002), IEEE Trans. Geosci. Remote Sens. 40(8).
    """
    if "phase" not in ds or ds["phase"].ndim != 2:
        raise ProductError(
            "Unwrapping needs a grid with variable phase: points and displacements are unwrapped already."
        )
    phase = ds["phase"].to_numpy()
    for name, good in (("valid", True), ("water", False), ("layover_shadow", False)):
        if name in ds:
            phase = np.where(ds[name].to_numpy() == good, phase, np.nan)
    fringes, belongs = robust_fringes(phase)
    steady, rate = steadiness(fringes)
    follow = belongs & (steady >= STEADY)
    if not follow.any():
        raise EmptyScene("No pixel has fringes to follow: the phase is empty or noise everywhere.")
    if looks is None:
        looks = _looks(phase.shape, float(np.quantile(rate[follow], 0.999)))
    del rate, belongs
    trust = steady * (np.nan_to_num(ds["coherence"].to_numpy()) if "coherence" in ds else 1.0)
    turns = _whole_turns(phase, fringes, np.where(follow, trust, 0), follow, looks=looks, cost=cost)
    unwrapped = np.where(follow, phase + 2 * np.pi * turns, np.nan)
    del fringes, steady, trust, turns
    unwrapped -= 2 * np.pi * np.round(np.nanmedian(unwrapped) / (2 * np.pi))
    displacement = los_displacement(unwrapped, wavelength=wavelength_of(ds))
    unwrapped_ds = add(ds, {"unwrapped_phase": unwrapped, "los_displacement": displacement})
    return unwrapped_ds.assign_attrs(unwrapping="snaphu", unwrapping_cost=cost, unwrapping_looks=looks)


def _looks(shape: tuple[int, ...], step: float) -> int:
    """Return the least averaging that makes the scene small enough, as far as the fringes' steepest step allows."""
    looks = 1
    while looks < 4 and np.prod(shape) / looks**2 > ENOUGH_PIXELS and step * 2 * looks < LARGEST_STEP_RAD:
        looks *= 2
    return looks


def _whole_turns(
    phase: Floats,
    fringes: NDArray[np.complexfloating[Any, Any]],
    trust: Floats,
    follow: NDArray[np.bool_],
    *,
    looks: int,
    cost: str,
) -> Floats:
    """Return how many turns to add to each pixel's phase."""
    block = (looks, looks)
    count = block_sums(follow, block)
    coarse = block_sums(np.where(follow, fringes, 0), block)
    mask = count > 0
    coherence = np.where(mask, block_sums(trust, block) / np.maximum(count, 1), 0.0).clip(0, 1)
    smooth = _snaphu(np.where(mask, coarse, 0.0), coherence, mask, cost=cost)
    smooth = np.repeat(np.repeat(smooth, looks, axis=0), looks, axis=1)[: phase.shape[0], : phase.shape[1]]
    filtered = np.angle(fringes)
    filtered = filtered + 2 * np.pi * np.round((smooth - filtered) / (2 * np.pi))
    turns: Floats = np.round((filtered - np.nan_to_num(phase)) / (2 * np.pi))
    return turns


def _snaphu(
    interferogram: NDArray[np.complexfloating[Any, Any]], coherence: Floats, mask: NDArray[np.bool_], *, cost: str
) -> Floats:
    """Unwrap with SNAPHU, which prints a lot: its words are kept for the error only."""
    try:
        import snaphu
    except ImportError as error:
        raise MissingPackage("Unwrapping needs the package snaphu: pip install snaphu==0.4.1.") from error
    with _captured_stdout() as words:
        try:
            unwrapped, _ = snaphu.unwrap(
                interferogram.astype("complex64"), coherence.astype("float32"), nlooks=50.0, cost=cost, mask=mask
            )
        except RuntimeError as error:
            words.seek(0)
            last = words.read().decode(errors="replace").strip().splitlines()[-1:]
            raise RunError(f"SNAPHU could not unwrap the scene: {' '.join([str(error), *last])}") from error
    return np.asarray(unwrapped)


@contextmanager
def _captured_stdout() -> Iterator[Any]:
    """Send file descriptor 1, which a child process inherits, to a temporary file for the block."""
    with tempfile.TemporaryFile() as words:
        saved = os.dup(1)
        try:
            os.dup2(words.fileno(), 1)
            yield words
        finally:
            os.dup2(saved, 1)
            os.close(saved)
