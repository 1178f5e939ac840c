"""What a network is shown of a stack: its seven bands as published, or what physics makes of them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.insar.stack_bands import BANDS

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Bands = Mapping[str, Floats]

PUBLISHED_CHANNELS = BANDS
"""The seven bands, each brought to mean 0 and standard deviation 1, as published."""
AROUND_M = 1000.0
"""What is said relative to the surroundings is said relative to a Gaussian of this standard deviation: wider than
nearly all landslides, narrower than most of the air's delay (Hanssen 2001, figure 4.6)."""
DERIVED = (
    "cosine",
    "sine",
    "slope",
    "local_phase",
    "local_coherence",
    "local_intensity",
    "valid",
)
"""Cosine and sine of the wrapped phase, which has no jump at ±π; slope of the ground, degrees; unwrapped phase (by the
inverse hyperbolic sine), coherence and intensity relative to their surroundings; and where there is data (1)
or not (0)."""
CHANNELS = (*BANDS, *DERIVED)
"""All that can be shown."""
PHYSICAL_CHANNELS = (
    *("cosine", "sine", "coherence", "intensity", "slope", "local_incidence_angle"),
    *("local_phase", "local_coherence", "local_intensity", "valid"),
)
"""What is shown beside the published bands: no height above the sea and no whole-scene delay, which differ from
event to event for reasons that are no landslide's."""
AS_THEY_ARE = ("cosine", "sine", "valid")
"""Channels that lie between -1 and 1 and are not normalised."""


def make_channel(name: str, bands: Bands, valid: Bools, *, pixel_m: float) -> Floats:
    """Make one channel of patches.

    Parameters
    ----------
    name : of ``CHANNELS``.
    bands : the seven bands by name, (n, rows, columns) each; what they hold where ``valid`` is false does not count.
    valid : (n, rows, columns).
    pixel_m : side of a pixel, metres.

    Returns
    -------
    (n, rows, columns) float32 in the unit of the band, degrees (slope) or 1; 0 where there is no data.

    Raises
    ------
    ParameterError : no channel of that name.
    """
    if name in BANDS:
        return _filled(bands[name], valid)
    if name not in _MAKERS:
        raise ParameterError(f"No channel {name!r}: there are {', '.join(CHANNELS)}.")
    return _filled(_MAKERS[name](bands, valid, pixel_m), valid)


def high_pass(images: Floats, valid: Bools, *, sigma_px: float) -> Floats:
    """Images less their mean over a Gaussian, of which only pixels with data have a part; 0 without data.

    Parameters
    ----------
    images, valid : (..., rows, columns).
    sigma_px : standard deviation of the Gaussian, pixels.

    References
    ----------
    Knutsson & Westin (1993), normalized convolution.
    """
    down, across = (_gaussian(size, sigma_px) for size in images.shape[-2:])
    weight = down @ valid.astype(np.float32) @ across
    mean = down @ _filled(images, valid) @ across / np.maximum(weight, 1e-6)
    return _filled(images - mean, valid)


def slope_deg(elevation: Floats, valid: Bools, *, pixel_m: float) -> Floats:
    """Steepness of the ground, degrees, by central differences; 0 without data and where a neighbour has none.

    Parameters
    ----------
    elevation, valid : (rows, columns), metres.
    pixel_m : side of a pixel, metres.
    """
    down, across = np.gradient(np.where(valid, elevation, np.nan).astype(np.float32), pixel_m)
    steep = np.rad2deg(np.arctan(np.hypot(down, across)))
    return np.asarray(np.nan_to_num(steep), dtype=np.float32)


def check_channels(names: Sequence[str]) -> None:
    """Refuse channels that do not exist, repeat, or are none.

    Raises
    ------
    ParameterError : says which.
    """
    unknown = [name for name in names if name not in CHANNELS]
    if unknown or not names or len(set(names)) != len(names):
        what = f"no channel {', '.join(unknown)}" if unknown else "give each channel once, and at least one"
        raise ParameterError(f"Channels {', '.join(names) or '(none)'}: {what}. There are {', '.join(CHANNELS)}.")


def _relative(band: str) -> Callable[[Bands, Bools, float], Floats]:
    def make(bands: Bands, valid: Bools, pixel_m: float) -> Floats:
        return high_pass(bands[band], valid, sigma_px=AROUND_M / pixel_m)

    return make


def _slopes(bands: Bands, valid: Bools, pixel_m: float) -> Floats:
    pairs = zip(bands["elevation"], valid, strict=True)
    return np.stack([slope_deg(image, data, pixel_m=pixel_m) for image, data in pairs])


def _gaussian(size: int, sigma_px: float) -> Floats:
    """Weight of each pixel of a line in the mean about each other one."""
    place = np.arange(size)
    return np.exp(-((place[:, None] - place) ** 2) / (2 * sigma_px**2)).astype(np.float32)


def _filled(image: Floats, valid: Bools) -> Floats:
    return np.where(valid, image, np.float32(0)).astype(np.float32)


_MAKERS: dict[str, Callable[[Bands, Bools, float], Floats]] = {
    "cosine": lambda bands, valid, _: np.cos(_filled(bands["phase"], valid)),
    "sine": lambda bands, valid, _: np.sin(_filled(bands["phase"], valid)),
    "slope": _slopes,
    "local_phase": lambda *given: np.arcsinh(_relative("unwrapped_phase")(*given)),
    "local_coherence": _relative("coherence"),
    "local_intensity": _relative("intensity"),
    "valid": lambda _, valid, __: valid.astype(np.float32),
}
