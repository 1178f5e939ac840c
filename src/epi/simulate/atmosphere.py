"""Turbulent atmospheric delay of an interferogram."""

import numpy as np
from numpy.typing import NDArray

INNER_SCALE_KM = 0.5  # below it the delay differs between neighbours as white-ish turbulence
MIXING_SCALE_KM = 2.0  # thickness of the turbulent layer: above it the turbulence is two-dimensional
OUTER_SCALE_KM = 60.0  # wavelength beyond which the delay does not grow


def turbulence(
    shape: tuple[int, int],
    *,
    spacing_km: float,
    rms: float,
    rng: np.random.Generator,
    outer_scale_km: float = OUTER_SCALE_KM,
) -> NDArray[np.float64]:
    """One draw of the turbulent delay, a Gaussian field with the broken power law seen in interferograms.

    The two-dimensional power spectrum falls as k^-8/3 between the outer scale and 2 km, as k^-11/3 down to 0.5 km and
    as k^-5/3 below; it is flat beyond the outer scale.

    Parameters
    ----------
    shape : rows and columns of the scene.
    spacing_km : pixel spacing, km, the same both ways.
    rms : standard deviation over the scene, in the unit wanted back (metres of LOS displacement).
    rng : source of randomness.
    outer_scale_km : wavelength beyond which the delay does not grow, km.

    Returns
    -------
    Array of ``shape`` with zero mean and standard deviation ``rms``; no NaN.

    References
    ----------
    Hanssen (2001), Radar Interferometry, section 4.7.
    """
    rows, columns = (2 * n for n in shape)  # twice the scene, cropped: the spectrum alone would make it periodic
    wavenumber = np.hypot(
        np.fft.fftfreq(rows, spacing_km)[:, None], np.fft.rfftfreq(columns, spacing_km)[None, :]
    )  # cycles a km
    white = np.fft.rfft2(rng.standard_normal((rows, columns)))
    root = np.sqrt(power_spectrum(wavenumber, outer_scale_km=outer_scale_km))
    field = np.fft.irfft2(white * root, s=(rows, columns))[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) * (rms / field.std()))


def power_spectrum(wavenumber: NDArray[np.float64], *, outer_scale_km: float) -> NDArray[np.float64]:
    """Two-dimensional power of the turbulent delay, in no unit: only its shape counts.

    Parameters
    ----------
    wavenumber : cycles a km, any shape.
    outer_scale_km : wavelength beyond which the power grows no more.

    Returns
    -------
    Array of that shape; nothing where the wavenumber is 0.
    """
    k_outer, k_mixing, k_inner = 1 / outer_scale_km, 1 / MIXING_SCALE_KM, 1 / INNER_SCALE_KM
    k = np.maximum(wavenumber, k_outer)
    power = k ** (-8 / 3)
    power = np.where(k > k_mixing, k_mixing ** (-8 / 3) * (k / k_mixing) ** (-11 / 3), power)
    at_inner = k_mixing ** (-8 / 3) * (k_inner / k_mixing) ** (-11 / 3)
    power = np.where(k > k_inner, at_inner * (k / k_inner) ** (-5 / 3), power)
    return np.where(wavenumber == 0, 0.0, power)


def smooth_field(
    shape: tuple[int, int], *, spacing_km: float, correlation_km: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """One draw of a smooth Gaussian field of unit variance, for land cover and water.

    Parameters
    ----------
    shape : rows and columns.
    spacing_km : pixel spacing, km.
    correlation_km : distance over which the field is alike, km.
    rng : source of randomness.

    Returns
    -------
    Array of ``shape``, zero mean and unit standard deviation.
    """
    rows, columns = (2 * n for n in shape)
    squared = np.fft.fftfreq(rows, spacing_km)[:, None] ** 2 + np.fft.rfftfreq(columns, spacing_km)[None, :] ** 2
    white = np.fft.rfft2(rng.standard_normal((rows, columns)))
    weight = np.exp(-2 * np.pi**2 * correlation_km**2 * squared / 2)
    field = np.fft.irfft2(white * weight, s=(rows, columns))[: shape[0], : shape[1]]
    return np.asarray((field - field.mean()) / field.std())


def variance_within(covariance: NDArray[np.float64]) -> float:
    """Variance of a field over a square scene about the scene's own mean, on average.

    Parameters
    ----------
    covariance : (n, n) between pixels so many rows and columns apart, for a scene of n by n pixels.

    Returns
    -------
    In the unit of the covariance.
    """
    apart = np.arange(len(covariance))
    pairs = (len(covariance) - apart) * np.where(apart == 0, 1, 2) / len(covariance) ** 2
    return float(covariance[0, 0] - pairs @ covariance @ pairs)
