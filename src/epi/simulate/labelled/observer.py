"""How far an earthquake stands out of its scene for an observer who knows all of it but whether it happened."""

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2
from scipy.sparse.linalg import LinearOperator, cg

from epi.errors import ParameterError
from epi.simulate.atmosphere import OUTER_SCALE_KM, variance_within
from epi.simulate.labelled.sky import MARGIN, spectrum

FREE_M = 1.0
"""Standard deviation of the constant that all of a scene has in common, of which nobody knows anything."""
PRECISION = 1e-3
"""Largest residual of the weights, as a share of the displacement."""
MOST_STEPS = 2000

Floats = NDArray[np.floating]


def matched_filter(
    displacement: Floats,
    valid: NDArray[np.bool_],
    *,
    air_m: float,
    error_m: Floats,
    spacing_km: float,
    ramp_m: float = 0.03,
) -> tuple[Floats, float]:
    """Weights that lift a displacement out of its noise as far as any can, and how far that is.

    The noise is Gaussian: turbulent delay of the spectrum that the scenes' air is drawn from, a constant, a ramp, and
    the phase error of each pixel. The weighted sum over an unwrapped scene is 0 on average without the earthquake and
    the ratio with it, and its standard deviation is 1. Of such noise, no test finds more of such earthquakes at as many
    false alarms (Neyman and Pearson 1933), of wrapped phase neither.

    Parameters
    ----------
    displacement : (pixels, pixels) along the line of sight, metres.
    valid : of the same shape, where there is data.
    air_m : rms of the delay over a scene, metres.
    error_m : of the same shape, standard deviation of the phase error, metres; more than 0 where there is data.
    spacing_km : of the pixels.
    ramp_m : standard deviation of the ramp along either axis, metres.

    Returns
    -------
    Weights (pixels, pixels), 1/m, 0 without data; and the ratio, 0 where nothing moves.

    Raises
    ------
    ParameterError : an error of 0 or less, or weights that were not found: errors far below the air.

    References
    ----------
    Turin (1960), IRE Trans. Inf. Theory 6(3), for matched filters. Neyman and Pearson (1933), Phil. Trans. A 231.
    """
    if not (np.asarray(error_m)[valid] > 0).all():
        raise ParameterError(
            "error_m is 0 or less on some pixels with data: give the phase error's standard deviation."
        )
    pixels = displacement.shape[-1]
    wanted = np.where(valid, displacement, 0.0)
    if not wanted.any():
        return np.zeros_like(wanted), 0.0
    side = pixels + MARGIN
    power = spectrum(side, spacing_km, outer_km=OUTER_SCALE_KM, slope=0.0)
    power = air_m**2 * power / variance_within(irfft2(power, s=(side, side))[:pixels, :pixels])
    error = np.where(valid, np.square(error_m), 0.0)
    line = np.linspace(-(3**0.5), 3**0.5, pixels)  # of unit standard deviation
    ones = np.ones((pixels, pixels))
    planes = np.stack([FREE_M * ones, ramp_m * line * ones, ramp_m * line[:, None] * ones])

    def blurred(field: Floats, by: Floats) -> Floats:
        return np.asarray(irfft2(rfft2(field, s=(side, side)) * by, s=(side, side))[:pixels, :pixels])

    def covariance(flat: Floats) -> Floats:
        field = np.where(valid, flat.reshape(pixels, pixels), 0.0)
        shared = np.tensordot((planes * field).sum((1, 2)), planes, 1)
        return np.asarray(np.where(valid, blurred(field, power) + shared + error * field, 0.0).ravel())

    usual = 1 / (power + error[valid].mean())

    def nearly(flat: Floats) -> Floats:
        return np.asarray(
            np.where(valid, blurred(np.where(valid, flat.reshape(pixels, pixels), 0.0), usual), 0.0).ravel()
        )

    size = pixels * pixels
    weights, failed = cg(
        LinearOperator((size, size), matvec=covariance, dtype=float),
        wanted.ravel(),
        rtol=PRECISION,
        maxiter=MOST_STEPS,
        M=LinearOperator((size, size), matvec=nearly, dtype=float),
    )
    if failed:
        raise ParameterError(f"No weights after {MOST_STEPS} steps: give errors that are not so far below the air.")
    ratio = float(np.sqrt(max(weights @ wanted.ravel(), 0.0)))
    return weights.reshape(pixels, pixels) / ratio, ratio
