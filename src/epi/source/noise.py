"""The noise of a scene, estimated from the scene: correlated atmosphere plus what averages away."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.spatial.distance import cdist

from epi.source.observe import Track

UNEVENNESS = 0.25  # of the spread within a square: what its average misses where the displacement bends or jumps
MODEL_LENGTHS_KM, MODEL_FRACTIONS = (1.0, 2.5, 6.0), (0.01, 0.02, 0.04, 0.08, 0.16)
LENGTHS_KM = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
NUGGETS = (0.0, 0.003, 0.02, 0.1)  # of the sill
EXPONENTS = (2 / 3, 1.0, 1.5)  # 2/3 is that of turbulence wider than the layer it fills, 5/3 that of narrower

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Covariance ``sill exp(-(h / length)^exponent)`` plus an uncorrelated ``nugget`` (m^2) at the finest squares."""

    sill: float
    length_km: float
    nugget: float
    exponent: float = 1.0

    def covariance(self, track: Track) -> Array:
        """(N, N) covariance of a track's observations, m^2; averaging over a square lowers its variance."""
        return self.sill * _correlation(track, self.length_km, self.exponent) + np.diag(
            self.nugget * _share(track) + (UNEVENNESS * track.spread) ** 2
        )


def first_guess(track: Track) -> Noise:
    """Noise before anything is fitted: the scene's own scatter about a plane, with a length of 10 km."""
    design = track.ramp
    residual = track.los - design @ np.linalg.lstsq(design, track.los, rcond=None)[0]
    sigma = max(1.4826 * float(np.median(np.abs(residual - np.median(residual)))), 1e-4)
    return Noise(sigma**2, 10.0, 0.05 * sigma**2)


def far_field(track: Track, signal: Array) -> NDArray[np.bool_]:
    """Observations that the source hardly moved: at most 5 % of its largest displacement, or the quietest half."""
    moved = np.abs(signal)
    return np.asarray(moved <= max(0.05 * moved.max(), float(np.median(moved))))


def estimate(track: Track, residual: Array, effects: Array) -> Noise:
    """Most likely noise of a residual, with what was fitted counted as fixed effects (restricted maximum likelihood).

    Parameters
    ----------
    track : where the observations are.
    residual : (N,) observed minus fitted, metres.
    effects : (N, K) design of everything fitted, ramp included; nearly dependent columns are dropped.

    Returns
    -------
    The noise.

    References
    ----------
    Patterson and Thompson (1971), Biometrika 58(3).
    """
    left, singular, _ = np.linalg.svd(effects / np.maximum(np.linalg.norm(effects, axis=0), 1e-12), full_matrices=False)
    basis = left[:, singular > 1e-6 * singular[0]]
    best: tuple[float, Noise] | None = None
    n, k = len(residual), basis.shape[1]
    share = _share(track)
    shapes = {shape: _correlation(track, *shape) for shape in product(LENGTHS_KM, EXPONENTS)}
    for (shape, correlation), ratio in product(shapes.items(), NUGGETS):
        factor = cho_factor(correlation + np.diag(ratio * share), lower=True)
        log_det = 2 * np.log(np.diag(factor[0])).sum()
        solved = cho_solve(factor, np.column_stack([residual, basis]))
        normal = basis.T @ solved[:, 1:]
        fitted = np.linalg.solve(normal, basis.T @ solved[:, 0])
        quadratic = float(residual @ solved[:, 0] - fitted @ (basis.T @ solved[:, 0]))
        sill = max(quadratic / (n - k), 1e-12)
        restricted = (n - k) * np.log(sill) + log_det + np.linalg.slogdet(normal)[1]
        if best is None or restricted < best[0]:
            best = (float(restricted), Noise(sill, shape[0], ratio * sill, shape[1]))
    assert best is not None
    return best[1]


def model_error(track: Track, residual: Array, effects: Array, signal: Array, background: Array) -> tuple[float, float]:
    """How far a rectangle misses the earthquake: the most likely fraction of the largest signal, and reach (km).

    Parameters
    ----------
    track, residual, effects : as in `estimate`, all observations.
    signal : (N,) fitted displacement, metres.
    background : (N, N) covariance of the scene's noise and of what uneven slip may do, m^2.
    """
    basis = np.linalg.qr(effects / np.maximum(np.linalg.norm(effects, axis=0), 1e-12))[0]
    scores = {}
    for length in MODEL_LENGTHS_KM:
        whole = misfit_covariance(track, signal, 1.0, length)
        for fraction in MODEL_FRACTIONS:
            factor = cho_factor(background + fraction**2 * whole, lower=True)
            solved = cho_solve(factor, np.column_stack([residual, basis]))
            normal = basis.T @ solved[:, 1:]
            fitted = np.linalg.solve(normal, basis.T @ solved[:, 0])
            quadratic = float(residual @ solved[:, 0] - fitted @ (basis.T @ solved[:, 0]))
            scores[fraction, length] = quadratic + 2 * np.log(np.diag(factor[0])).sum() + np.linalg.slogdet(normal)[1]
    return min(scores, key=scores.__getitem__)


def misfit_covariance(track: Track, signal: Array, fraction: float, length_km: float) -> Array:
    """(N, N) covariance of what a rectangle misses, m^2.

    A fraction of the largest displacement, the same wherever the source moved the ground by a tenth of that or more (in
    proportion to the signal it would forgive a wrong rectangle most where it is most wrong), exponentially correlated.
    """
    moved = np.abs(signal)
    weight = fraction * moved.max() * np.minimum(1.0, moved / (0.1 * moved.max()))
    place = np.column_stack([track.east, track.north])
    return np.asarray(np.outer(weight, weight) * np.exp(-cdist(place, place) / length_km))


def _correlation(track: Track, length_km: float, exponent: float) -> Array:
    """Correlation of squares' averages; each square is the mean of four points, so the matrix is positive definite."""
    shift = track.size[:, None] / 4 * np.array([[-1, -1, 1, 1], [-1, 1, -1, 1]])[:, None, :]
    place = np.stack([track.east[:, None] + shift[0], track.north[:, None] + shift[1]], axis=-1).reshape(-1, 2)
    full = np.exp(-((cdist(place, place) / length_km) ** exponent))
    return np.asarray(full.reshape(len(track.east), 4, len(track.east), 4).mean(axis=(1, 3)))


def _share(track: Track) -> Array:
    """What is left of uncorrelated noise in a square's average, as a fraction of that at the finest square."""
    return np.asarray((track.size.min() / track.size) ** 2)
