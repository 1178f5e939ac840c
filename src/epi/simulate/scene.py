"""An interferogram whose truth is known: dislocation, atmosphere, ramp, decorrelation and holes."""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.interpolate import RectBivariateSpline

from epi.catalogue.events.read import Event
from epi.errors import ParameterError
from epi.insar import product
from epi.insar.frame import equidistant
from epi.simulate.acquisitions import passages
from epi.simulate.atmosphere import smooth_field, turbulence
from epi.simulate.rupture import Rupture, draw_rupture
from epi.source.okada import displacement
from epi.source.size import Mechanism, scaling

INCIDENCE_RATE_DEG_PER_KM = 0.068  # 29 to 46 degrees over the 250 km swath
RELIEF_KM = 25.0  # wavelength of the largest mountains of a scene with layered air
PROFILES = {"quick": 200.0, "full": 100.0}  # pixel spacing, m


@dataclass(frozen=True)
class Conditions:
    """What the radar and the sky do to a scene.

    Attributes
    ----------
    incidence_deg, heading_deg : at the scene's centre; heading about -13 ascending, -167 descending.
    atmosphere_m : standard deviation of the delay over the scene, metres of LOS.
    ramp_m : standard deviation of the residual orbital ramp over the scene, metres of LOS.
    coherence : median coherence of the land.
    no_data : fraction of the scene without data (water, masked ground).
    looks : independent looks behind one pixel.
    stratified : share of the delay's variance that follows the terrain, air being layered; 0 to 1.
    """

    incidence_deg: float = product.SENTINEL1_INCIDENCE_DEG
    heading_deg: float = product.SENTINEL1_HEADING_DEG["ascending"]
    atmosphere_m: float = 0.01
    ramp_m: float = 0.01
    coherence: float = 0.7
    no_data: float = 0.05
    looks: int = 40
    stratified: float = 0.0


@dataclass(frozen=True)
class Simulated:
    """A simulated product and what it holds: ``truth`` has the noise-free ``los_displacement`` and, in its attributes,
    the rupture (JSON), its centroid (km about the centre; degrees where georeferenced) and magnitude.
    """

    product: xr.Dataset
    truth: xr.Dataset


def simulate_scene(
    rupture: Rupture | None,
    conditions: Conditions,
    *,
    seed: int,
    size_km: float = 80.0,
    spacing_m: float = 200.0,
    origin: tuple[float, float] | None = None,
    unwrapped: bool = False,
    attrs: dict[str, Any] | None = None,
) -> Simulated:
    """One interferogram of a rupture (or of none) under given conditions.

    Parameters
    ----------
    rupture : in km about the scene's centre; None for a scene without an earthquake.
    conditions : radar geometry and noise.
    seed : the same seed gives the same scene.
    size_km, spacing_m : side of the square scene and pixel spacing.
    origin : latitude and longitude of the centre; the map is then azimuthal equidistant about it. None: local metres.
    unwrapped : also give ``unwrapped_phase`` and ``los_displacement``, as a perfect unwrapper would.
    attrs : more attributes for the product.

    Returns
    -------
    Product on the map with ``phase``, ``coherence``, ``i``, ``q``, look vectors and ``valid``; NaN where there is no
    data. Phase noise is that of the sample covariance of ``looks`` circular Gaussian samples.

    References
    ----------
    Goodman (1963), Ann. Math. Stat. 34; Hanssen (2001), Radar Interferometry, chapters 4 and 5.
    """
    rng = np.random.default_rng(seed)
    pixels = round(size_km * 1000 / spacing_m)
    offset_km = (np.arange(pixels) - (pixels - 1) / 2) * spacing_m / 1000
    east, north = np.meshgrid(offset_km, offset_km)
    look = _look(east, north, conditions)
    true = _rupture_los(rupture, offset_km, look, spacing_m / 1000)
    spacing_km = spacing_m / 1000
    sky = _delay(true.shape, spacing_km, conditions, rng, np.random.default_rng([seed, 2]))
    sky += _ramp(east, north, conditions.ramp_m, rng)
    land = smooth_field(true.shape, spacing_km=spacing_km, correlation_km=2.0, rng=rng)
    coherence = np.clip(conditions.coherence + 0.15 * land, 0.05, 0.98)
    cover = smooth_field(true.shape, spacing_km=spacing_km, correlation_km=4.0, rng=rng)
    valid = cover > np.quantile(cover, conditions.no_data)
    wavelength = product.SENTINEL1_WAVELENGTH_M
    phase = -4 * np.pi / wavelength * (true + sky)
    interferogram, sample_coherence = _speckle(phase, coherence, conditions.looks, rng)
    variables: dict[str, Any] = {
        "i": interferogram.real,
        "q": interferogram.imag,
        "phase": np.angle(interferogram),
        "coherence": sample_coherence,
        **dict(zip(("look_east", "look_north", "look_up"), look, strict=True)),
    }
    if unwrapped:
        noise = np.angle(interferogram * np.exp(-1j * phase))
        variables["unwrapped_phase"] = phase + noise
        variables["los_displacement"] = -(phase + noise) * wavelength / (4 * np.pi)
    blank = {name: np.where(valid, values, np.nan) for name, values in variables.items() if "look" not in name}
    place = _placement(offset_km, origin)
    described = {"wavelength": wavelength, "engine": "simulated", "seed": seed, **vars(conditions), **(attrs or {})}
    made = product.build({**variables, **blank, "valid": valid}, **place, attrs=described)
    truth = product.build(
        {"los_displacement": true, "valid": valid}, **place, attrs=truth_attributes(rupture, origin, wavelength)
    )
    return Simulated(made, truth)


def simulate_event(
    event: Event,
    *,
    seed: int,
    profile: str = "quick",
    track: int | None = None,
    conditions: Conditions | None = None,
    unwrapped: bool = False,
) -> Simulated:
    """The interferogram that an event of the catalogue would give, its rupture centred on the catalogue's epicentre.

    The rectangle's size comes from the scaling relation; its depth is the catalogue's, or as deep as its top edge
    needs to stay 500 m below the ground. Unknown strike, dip or rake are drawn from the seed.

    Parameters
    ----------
    event : from the catalogue.
    seed : of the slip, the missing mechanism and the noise.
    profile : ``"quick"`` (200 m pixels) or ``"full"`` (100 m).
    track : relative orbit whose incidence and heading at the epicentre to take, for those of ``conditions``.
    conditions : radar geometry and noise; default a good Sentinel-1 pair.
    unwrapped : also give the unwrapped phase, as a perfect unwrapper would.

    Raises
    ------
    ParameterError : the track does not see the epicentre.
    """
    rupture = event_rupture(event, np.random.default_rng([seed, 1]))
    return simulate_scene(
        rupture,
        _seen_from(event, track, conditions or Conditions()),
        seed=seed,
        size_km=max(80.0, 4 * rupture.plane[5]),
        spacing_m=PROFILES[profile],
        origin=(event.latitude, event.longitude),
        unwrapped=unwrapped,
        attrs={"event_id": event.event_id, "source": "simulated"},
    )


def event_rupture(event: Event, rng: np.random.Generator) -> Rupture:
    """A rupture as an event of the catalogue asks for, centred on its epicentre.

    Parameters
    ----------
    event : its magnitude gives the rectangle's size by the scaling relation; its depth is deepened where the top edge
        would come closer than 500 m to the ground.
    rng : of the slip and of an unknown strike, dip or rake.
    """
    strike = event.strike if np.isfinite(event.strike) else rng.uniform(0, 360)
    dip = event.dip if np.isfinite(event.dip) else rng.uniform(30, 90)
    rake = event.rake if np.isfinite(event.rake) else rng.uniform(-180, 180)
    mechanism: Mechanism = "strike-slip" if abs(np.cos(np.deg2rad(rake))) > np.sqrt(0.5) else "dip-slip"
    length, width, _ = map(float, scaling(event.magnitude, mechanism=mechanism))
    depth = max(float(event.depth_km), width / 2 * float(np.sin(np.deg2rad(dip))) + 0.5)
    return draw_rupture(
        magnitude=event.magnitude,
        east_km=0.0,
        north_km=0.0,
        depth_km=depth,
        strike=strike,
        dip=dip,
        rake=rake,
        length_km=length,
        width_km=width,
        rng=rng,
    )


def _seen_from(event: Event, track: int | None, conditions: Conditions) -> Conditions:
    """The conditions with the incidence and heading that a track has at the epicentre."""
    if track is None:
        return conditions
    passes = {each.track: each for each in passages(event.latitude, event.longitude)}
    if track not in passes:
        raise ParameterError(
            f"Track {track} does not see {event.event_id} ({event.latitude:.2f} N {event.longitude:.2f} E): "
            f"choose one of {', '.join(map(str, sorted(passes)))}."
        )
    return replace(conditions, incidence_deg=passes[track].incidence, heading_deg=passes[track].heading)


def _look(east: NDArray[Any], north: NDArray[Any], conditions: Conditions) -> tuple[NDArray[np.float64], ...]:
    """Look vectors over the scene: the incidence angle grows away from the satellite's track."""
    heading = np.deg2rad(conditions.heading_deg)
    across = east * np.cos(heading) - north * np.sin(heading)  # km to the right of the flight direction
    incidence = conditions.incidence_deg + INCIDENCE_RATE_DEG_PER_KM * across
    return product.look_vector(incidence, np.full_like(incidence, conditions.heading_deg))


def _rupture_los(
    rupture: Rupture | None, offset_km: NDArray[Any], look: tuple[NDArray[Any], ...], spacing_km: float
) -> NDArray[np.float64]:
    """LOS displacement (m, toward positive), evaluated no finer than a quarter of the top depth, then splined."""
    shape = (offset_km.size, offset_km.size)
    if rupture is None:
        return np.zeros(shape)
    _, _, depth, _, dip, _, width = rupture.plane
    top = depth - width / 2 * np.sin(np.deg2rad(dip))
    step = max(spacing_km, min(top / 4, 2.0))
    reach = offset_km[-1]
    nodes = np.linspace(-reach, reach, max(8, int(np.ceil(2 * reach / step)) + 1)) if step > spacing_km else offset_km
    east, north = np.meshgrid(nodes, nodes)
    total = np.zeros((east.size, 3))
    for block in np.array_split(np.arange(len(rupture.faults)), len(rupture.faults) // 8 + 1):
        total += displacement(east.ravel(), north.ravel(), rupture.faults[block]).sum(0).numpy()
    moved = total.T.reshape(3, nodes.size, nodes.size)
    if nodes.size != offset_km.size:
        moved = np.stack([RectBivariateSpline(nodes, nodes, part)(offset_km, offset_km) for part in moved])
    return np.asarray(sum(part * vector for part, vector in zip(moved, look, strict=True)))


def _delay(
    shape: tuple[int, int],
    spacing_km: float,
    conditions: Conditions,
    rng: np.random.Generator,
    terrain: np.random.Generator,
) -> NDArray[np.float64]:
    """Delay of turbulent air, and of layered air over relief, which has a power law of its own kind."""
    turbulent, layered = np.sqrt([1 - conditions.stratified, conditions.stratified]) * conditions.atmosphere_m
    sky = turbulence(shape, spacing_km=spacing_km, rms=turbulent, rng=rng)
    if layered == 0:
        return sky
    return sky + turbulence(shape, spacing_km=spacing_km, rms=layered, rng=terrain, outer_scale_km=RELIEF_KM)


def _ramp(east: NDArray[Any], north: NDArray[Any], rms: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Plane of random direction and standard deviation ``rms`` (m) over the scene, plus a constant offset alike."""
    slope = rng.standard_normal(2)
    plane = slope[0] * east + slope[1] * north
    return np.asarray(plane * (rms / max(plane.std(), 1e-12)) + rms * rng.standard_normal())


def _speckle(
    phase: NDArray[Any], coherence: NDArray[Any], looks: int, rng: np.random.Generator
) -> tuple[NDArray[np.complex128], NDArray[np.float64]]:
    """Multilooked interferogram and sample coherence, drawn from the complex Wishart distribution of ``looks`` samples.

    The Bartlett decomposition gives the 2 x 2 sample covariance of any number of looks at the cost of one.
    """
    first = np.sqrt(rng.gamma(looks, size=phase.shape))
    second = np.sqrt(rng.gamma(looks - 1, size=phase.shape))
    cross = (rng.standard_normal(phase.shape) + 1j * rng.standard_normal(phase.shape)) / np.sqrt(2)
    root = np.sqrt(1 - coherence**2)
    # reference = a, secondary = conj(rotation) (coherence a + root b): reference x conj(secondary) has the phase wanted
    power_reference = first**2
    mixed = coherence * first + root * cross
    power_secondary = np.abs(mixed) ** 2 + (root * second) ** 2
    product_ = first * np.conj(mixed) * np.exp(1j * phase)
    return product_ / looks, np.clip(np.abs(product_) / np.sqrt(power_reference * power_secondary), 0, 1)


def _placement(offset_km: NDArray[Any], origin: tuple[float, float] | None) -> dict[str, Any]:
    """Coordinates of the grid: metres east and north of the origin, true to scale and direction there, or local."""
    return {"x": offset_km * 1000, "y": offset_km * 1000, "crs": None if origin is None else equidistant(origin)}


def truth_attributes(rupture: Rupture | None, origin: tuple[float, float] | None, wavelength: float) -> dict[str, Any]:
    """Attributes of the truth: centroid (km about the centre, degrees where georeferenced), magnitude and cells."""
    if rupture is None:
        return {"wavelength": wavelength, "earthquake": "none"}
    east, north, depth = rupture.centroid
    known: dict[str, Any] = {
        "wavelength": wavelength,
        "centroid_east_km": east,
        "centroid_north_km": north,
        "centroid_depth_km": depth,
        "magnitude": rupture.magnitude,
        "plane": json.dumps(list(rupture.plane)),
        "rake": rupture.rake,
        "faults": json.dumps(np.round(rupture.faults, 5).tolist()),
    }
    if origin is not None:
        to_degrees = Transformer.from_crs(equidistant(origin), 4326, always_xy=True)
        known["centroid_longitude"], known["centroid_latitude"] = to_degrees.transform(1000 * east, 1000 * north)
    return known
