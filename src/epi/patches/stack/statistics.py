"""Mean and spread of each band, from training patches alone."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, ParameterError
from epi.insar.stack_bands import BANDS
from epi.patches.stack.cut import check_patches

ANGLE = {"mean": 0.0, "std": np.pi / np.sqrt(3)}
"""Of a wrapped phase, which has no mean: those of an angle that is anywhere with the same probability."""


def band_statistics(
    patches: xr.Dataset,
    *,
    rows: NDArray[np.bool_] | NDArray[np.integer] | Sequence[int] | None = None,
    events: Collection[str] | None = None,
) -> pd.DataFrame:
    """Mean and standard deviation of each band over the valid pixels of training patches.

    Parameters
    ----------
    patches : from `cut_patches` or `join_patches`.
    rows : which patches train, as a mask or by position; or
    events : the names of the events that train. One of the two is needed: what is tested must not be counted.

    Returns
    -------
    A row a band, index ``band``: ``mean``, ``std`` in the band's unit, and ``pixels``, how many were counted. The
    wrapped ``phase`` is an angle, and its row says 0 and π/√3 whatever is in the patches: a network should be shown its
    cosine and sine, which need no scaling, and not its number, which jumps where it wraps. A band that is the same
    everywhere has ``std`` 1, so that it can be divided by.

    Raises
    ------
    ParameterError : neither or both of ``rows`` and ``events``, or an event without a patch.
    EmptyScene : no patch, or no valid pixel, to count.
    """
    chosen = _chosen(check_patches(patches), rows, events)
    bands, valid = patches["bands"].to_numpy(), patches["valid"].to_numpy()
    rows_of = [mean_and_spread(bands[:, band], valid, chosen) for band in range(len(BANDS))]
    table = pd.DataFrame(rows_of, columns=["mean", "std", "pixels"], index=pd.Index(BANDS, name="band"))
    table.loc["phase", list(ANGLE)] = list(ANGLE.values())
    return table


def mean_and_spread(
    images: NDArray[np.float32], valid: NDArray[np.bool_], rows: NDArray[np.intp]
) -> tuple[float, float, int]:
    """Mean and standard deviation of some images over their valid pixels, and how many pixels these are.

    Parameters
    ----------
    images : (patches, rows, columns) of one band or channel, in its own unit; what is not finite does not count.
    valid : (patches, rows, columns).
    rows : numbers of the patches that train.

    Returns
    -------
    Mean and standard deviation in the unit of the images, and the number of pixels. What is the same everywhere has a
    standard deviation of 1, so that it can be divided by.

    Raises
    ------
    EmptyScene : no valid pixel.

    References
    ----------
    Chan, Golub & LeVeque (1983), The American Statistician 37(3), for adding up one patch after the other.
    """
    mean, square, count = 0.0, 0.0, 0
    for number in rows:  # a patch at a time: all of them would be copied as float64
        values = images[number][valid[number]].astype(float)
        values = values[np.isfinite(values)]
        if values.size:
            together, own = count + values.size, float(values.mean())
            square += float(np.square(values - own).sum()) + (own - mean) ** 2 * count * values.size / together
            mean += (own - mean) * values.size / together
            count = together
    if not count:
        raise EmptyScene(f"The {len(rows)} training patches hold no valid pixel: choose others.")
    return mean, float(np.sqrt(square / count)) or 1.0, count


def _chosen(
    patches: xr.Dataset,
    rows: NDArray[np.bool_] | NDArray[np.integer] | Sequence[int] | None,
    events: Collection[str] | None,
) -> NDArray[np.intp]:
    """Positions of the training patches."""
    if (rows is None) == (events is None):
        raise ParameterError(
            "Statistics are of training patches alone: name them by rows or by events, one of the two."
        )
    if events is not None:
        names = patches["event"].to_numpy().astype(str)
        if unknown := sorted(set(events) - set(names)):
            raise ParameterError(f"No patch of {', '.join(unknown)}: there are {', '.join(sorted(set(names)))}.")
        rows = np.isin(names, list(events))
    picked = np.asarray(rows)
    if picked.dtype == bool and picked.shape != (patches.sizes["patch"],):
        raise ParameterError(f"A mask of {picked.size} for {patches.sizes['patch']} patches: give one value a patch.")
    return np.flatnonzero(picked) if picked.dtype == bool else picked.astype(np.intp)
