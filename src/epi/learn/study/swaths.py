"""Forty simulated earthquakes seen as the published study saw its own: three subswaths, cut in radar proportions.

A published patch is 2000 x 2000 radar pixels shrunk to 256 x 256: some 7 km across the swath and 28 km along it, never
a square of ground. Simulating those pixels only to average them again would cost a thousand times more and give the
same, so patches are made at their final size: displacement, air and land cover are drawn on a grid of the whole scene
and read off where a patch's pixels lie; what averaging leaves of the speckle is drawn pixel by pixel.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import map_coordinates

from epi.catalogue.events.read import Event
from epi.errors import ParameterError
from epi.insar.product import LOOK, SENTINEL1_WAVELENGTH_M, look_vector
from epi.patches import COLUMNS, Patches, concatenate, groups_by_scene, offset, patch_name, shifted
from epi.patches.place import CORNERS
from epi.simulate.atmosphere import smooth_field, turbulence
from epi.simulate.scene import event_rupture
from epi.source.okada import displacement

EPICENTRES = (
    *((33.74, 45.75), (33.70, 45.74), (18.35, 96.00), (26.62, -110.95), (-17.81, -179.57), (36.49, 70.86)),
    *((24.16, 121.72), (24.15, 121.76), (24.11, 121.73), (23.98, 121.77), (-19.01, 169.47), (24.07, 121.82)),
    *((18.92, -104.73), (16.35, -97.93), (16.33, -97.72), (45.02, 147.87), (45.40, 150.04), (38.68, 69.92)),
    *((6.81, 126.75), (13.84, -91.59), (35.19, 132.70), (15.70, -94.97), (28.33, 51.70), (-15.28, -174.35)),
    *((5.13, -75.59), (43.36, 145.75), (14.49, 124.04), (13.17, -88.06), (36.91, 71.41), (10.14, 125.56)),
    *((42.78, 145.43), (55.16, 162.01), (-19.57, -173.73), (7.40, -80.56), (14.87, 119.73), (34.83, 135.63)),
    *((14.20, -90.66), (10.73, -62.65), (36.72, 21.41), (15.64, -94.06)),
)
"""Latitude and longitude (degrees) of the 40 earthquakes of the thesis, events 10 and 11 put right."""

PIXELS, AZIMUTH_SPACING_M, SLANT_SPACING_M = 2000, 14.0, 2.33
"""Radar pixels a side of a published patch, and the spacing of an interferometric wide swath image."""

ROWS = 7
SUBSWATHS = {"IW1": (11, 34.0), "IW2": (13, 39.0), "IW3": (13, 43.5)}
"""Patches across a subswath and its incidence angle (degrees): 77, 91 and 91 patches, as published for event 1."""

LENGTH_KM = PIXELS * AZIMUTH_SPACING_M / 1000
WIDTH_KM = {
    name: PIXELS * SLANT_SPACING_M / np.sin(np.deg2rad(incidence)) / 1000 for name, (_, incidence) in SUBSWATHS.items()
}
"""Ground covered by a patch: along the flight, and across it by subswath, km."""

SWATH_KM = sum(columns * WIDTH_KM[name] for name, (columns, _) in SUBSWATHS.items())
INCIDENCE_DEG = (29.0, 46.0)  # at the near and the far edge of the swath
HEADING_DEG = (-13.0, -167.0)
GRID_KM, NODES_KM = 0.5, 2.0  # spacing of the scene's grid, and of the points where the displacement is computed
MAGNITUDE = (5.5, 7.0)  # the share of each falls tenfold a unit, as in a catalogue
DEPTH_KM = (5.0, 30.0)
AIR_M, RAMP_M, COHERENCE = (0.005, 0.03), 0.03, (0.3, 0.8)
REGION_KM = 300.0  # earthquakes nearer than this are seen in the same images, and are never split apart
INDEPENDENT = 0.6  # share of the averaged radar pixels that are independent looks


class Scene(NamedTuple):
    """One earthquake seen by one passage: fields over (along, across), and where the scene lies."""

    los_m: NDArray[np.float64]
    coherence: NDArray[np.float64]
    brightness: NDArray[np.float64]
    origin: tuple[float, float]
    heading: float
    centroid: tuple[float, float]


def simulate_patches(
    *, events: int = 40, pixels: int = 256, every: int = 1, seed: int = 0, subswaths: Sequence[str] = tuple(SUBSWATHS)
) -> Patches:
    """Patches of simulated earthquakes at the places of the published ones.

    Parameters
    ----------
    events : how many of ``EPICENTRES``.
    pixels : side of a patch after shrinking.
    every : keep every n-th patch of a subswath, in the order of rows and columns, starting elsewhere in each.
    seed : of everything drawn.
    subswaths : which of ``SUBSWATHS``.

    Returns
    -------
    Patches with true labels: epicentre means the centroid of the slip, distances are geodesic. ``size_km`` is the side
    of a square of the patch's area.

    Raises
    ------
    ParameterError : more events than there are, or fewer than one.
    """
    if not 1 <= events <= len(EPICENTRES):
        raise ParameterError(f"{events} earthquakes were asked: give 1 to {len(EPICENTRES)}.")
    groups = _groups(events)
    made = []
    for number in range(1, events + 1):
        rng = np.random.default_rng([seed, number])
        scene = _scene(number, rng)
        made += [_cut(scene, number, name, groups, pixels, every, rng) for name in subswaths]
    return concatenate([part for part in made if len(part)])


def event_name(number: int) -> str:
    """Name of an earthquake of the study, counted from 1 as published."""
    return f"study-{number:02d}"


def _groups(events: int) -> dict[str, str]:
    """Group of every event: those near enough to be seen in the same images, directly or through a third."""
    names = [event_name(number + 1) for number in range(events)]
    places = np.array(EPICENTRES[:events])
    seen: dict[str, list[str]] = {name: [name] for name in names}
    for n, place in enumerate(EPICENTRES[:events]):
        away = offset(places[:, 0], places[:, 1], place)[0]
        near = np.flatnonzero(away < REGION_KM).tolist()
        seen[names[n]] += [f"{names[min(n, other)]}+{names[max(n, other)]}" for other in near]
    return groups_by_scene(seen)


def _scene(number: int, rng: np.random.Generator) -> Scene:
    """Draw the rupture, the passage and the sky of one earthquake."""
    latitude, longitude = EPICENTRES[number - 1]
    span = 1 - 10.0 ** (MAGNITUDE[0] - MAGNITUDE[1])
    event = Event(
        event_id=event_name(number),
        kind="earthquake",
        time=pd.Timestamp("2018-01-07", tz="UTC") + pd.Timedelta(days=4 * number),
        latitude=latitude,
        longitude=longitude,
        depth_km=float(rng.uniform(*DEPTH_KM)),
        magnitude=float(MAGNITUDE[0] - np.log10(1 - rng.uniform() * span)),
        magnitude_type="mw",
        place="simulated",
        strike=np.nan,
        dip=np.nan,
        rake=np.nan,
        source="simulated",
    )
    rupture = event_rupture(event, rng)
    heading = float(rng.choice(HEADING_DEG))
    along, across = (np.arange(0, side, GRID_KM) - side / 2 for side in (ROWS * LENGTH_KM, SWATH_KM))
    shape = (along.size, across.size)
    seen_at = rng.uniform(-0.45, 0.45, 2) * (ROWS * LENGTH_KM, SWATH_KM)  # the epicentre, along and across
    away_east, away_north = _east_north(seen_at[0], seen_at[1], heading)
    origin = shifted(latitude, longitude, -away_east, -away_north)
    look = look_vector(np.interp(across, across[[0, -1]], INCIDENCE_DEG), np.full(across.size, heading))
    moved = _displacement(rupture.faults, along - seen_at[0], across - seen_at[1], heading)
    los = sum(part * vector for part, vector in zip(moved, look, strict=True))
    slope = rng.standard_normal(2) * RAMP_M
    los = los + slope[0] * along[:, None] / np.ptp(along) + slope[1] * across[None, :] / np.ptp(across)
    air = float(np.exp(rng.uniform(*np.log(AIR_M))))
    los = los + turbulence(shape, spacing_km=GRID_KM, rms=air, rng=rng)
    land = smooth_field(shape, spacing_km=GRID_KM, correlation_km=4.0, rng=rng)
    coherence = np.clip(rng.uniform(*COHERENCE) + 0.15 * land, 0.05, 0.98)
    brightness = np.exp(0.4 * smooth_field(shape, spacing_km=GRID_KM, correlation_km=3.0, rng=rng))
    east, north, _ = rupture.centroid
    centroid = shifted(latitude, longitude, east, north)
    place = (float(origin[0]), float(origin[1])), heading, (float(centroid[0]), float(centroid[1]))
    return Scene(np.asarray(los), coherence, brightness, *place)


def _east_north(
    along: NDArray[np.float64], across: NDArray[np.float64], heading: float
) -> tuple[NDArray[np.float64], ...]:
    """East and north (km) of places along the flight and to its right."""
    turn = np.deg2rad(heading)
    return along * np.sin(turn) + across * np.cos(turn), along * np.cos(turn) - across * np.sin(turn)


def _displacement(
    faults: NDArray[np.float64], along: NDArray[np.float64], across: NDArray[np.float64], heading: float
) -> NDArray[np.float64]:
    """East, north and up (m) over the grid, computed on coarser nodes and splined."""
    lines = [np.linspace(line[0], line[-1], round(np.ptp(line) / NODES_KM) + 1) for line in (along, across)]
    east, north = _east_north(lines[0][:, None], lines[1][None, :], heading)
    total = np.zeros((east.size, 3))
    for block in np.array_split(np.arange(len(faults)), len(faults) // 4 + 1):
        total += displacement(east.ravel(), north.ravel(), faults[block]).sum(0).numpy()
    nodes = total.T.reshape(3, *east.shape)
    return np.stack([RectBivariateSpline(*lines, part)(along, across) for part in nodes])


def _windows(subswath: str, every: int) -> Iterator[tuple[int, int, float, float]]:
    """Row and column of the kept patches, and their centres along and across the swath (km about the scene's)."""
    names = list(SUBSWATHS)
    before = sum(SUBSWATHS[name][0] * WIDTH_KM[name] for name in names[: names.index(subswath)])
    columns = SUBSWATHS[subswath][0]
    for count in range(names.index(subswath) * every // len(names), ROWS * columns, every):
        row, column = divmod(count, columns)
        along = (row + 0.5) * LENGTH_KM - ROWS * LENGTH_KM / 2
        yield row, column, along, before + (column + 0.5) * WIDTH_KM[subswath] - SWATH_KM / 2


def _cut(
    scene: Scene, number: int, subswath: str, groups: dict[str, str], pixels: int, every: int, rng: np.random.Generator
) -> Patches:
    """The kept patches of one subswath, row 0 in the north and column 0 in the west."""
    kept = list(_windows(subswath, every))
    sides = (LENGTH_KM, WIDTH_KM[subswath])
    turn = (-1, 1) if np.cos(np.deg2rad(scene.heading)) > 0 else (1, -1)
    step = (np.arange(pixels) + 0.5) / pixels - 0.5
    bands = []
    for _, _, along, across in kept:
        lines = [at + side * way * step for at, side, way in zip((along, across), sides, turn, strict=True)]
        bands.append(_pixels(scene, lines[0], lines[1], rng))
    coh, i, q = (np.ascontiguousarray(part, dtype=np.float32) for part in np.stack(bands, axis=1))
    table = _rows(scene, number, subswath, kept, sides, turn)
    facts = {"group": groups[event_name(number)], "pixels": pixels, "coherence_mean": coh.mean((1, 2), dtype=float)}
    return Patches(table.assign(**facts).reindex(columns=list(COLUMNS)), coh, i, q)


def _pixels(
    scene: Scene, along: NDArray[np.float64], across: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Coherence, i and q of one patch, (3, pixels, pixels).

    Of many looks, what is left of the speckle is Gaussian: its share along the true phasor has the variance
    (1 − γ²)²/2L, across it (1 − γ²)/2L (Goodman 1963; Hanssen 2001, section 4.2).
    """
    first = -ROWS * LENGTH_KM / 2, -SWATH_KM / 2  # where the scene's grid begins
    at = np.meshgrid((along - first[0]) / GRID_KM, (across - first[1]) / GRID_KM, indexing="ij")
    los, coherence, bright = (
        map_coordinates(field, at, order=1, mode="nearest")
        for field in (scene.los_m, scene.coherence, scene.brightness)
    )
    looks = max(1.0, INDEPENDENT * (PIXELS / along.size) ** 2)
    left = 1 - coherence**2
    noise = rng.standard_normal((2, *los.shape)) / np.sqrt(2 * looks)
    phasor = (coherence + left * noise[0] + 1j * np.sqrt(left) * noise[1]) * np.exp(
        -4j * np.pi / SENTINEL1_WAVELENGTH_M * los
    )
    return np.stack([np.clip(np.abs(phasor), 0, 1), bright * phasor.real, bright * phasor.imag])


def _rows(
    scene: Scene,
    number: int,
    subswath: str,
    kept: list[tuple[int, int, float, float]],
    sides: tuple[float, float],
    turn: tuple[int, int],
) -> pd.DataFrame:
    """Facts of the kept patches of one subswath."""
    row, column, along, across = (np.array(part) for part in zip(*kept, strict=True))
    east, north = _east_north(along, across, scene.heading)
    latitude, longitude = shifted(*scene.origin, east, north)
    distance, to_east, to_north = offset(latitude, longitude, scene.centroid)
    _, centroid_east, centroid_north = offset(*scene.origin, scene.centroid)
    incidence = np.interp(across, (-SWATH_KM / 2, SWATH_KM / 2), INCIDENCE_DEG)
    first = pd.Timestamp("2018-01-01") + pd.Timedelta(days=4 * number)
    last = ROWS - 1, SUBSWATHS[subswath][0] - 1
    row, column = (  # counted from the north and from the west
        PIXELS * (at if way > 0 else end - at) for at, way, end in zip((row, column), turn, last, strict=True)
    )
    facts: dict[str, object] = {
        **{"event": event_name(number), "subswath": subswath, "row": row, "column": column},
        **{"height": PIXELS, "width": PIXELS, "patch": [patch_name(*at) for at in zip(row, column, strict=True)]},
        **{"size_km": float(np.sqrt(sides[0] * sides[1])), "valid_fraction": 1.0, "polarisation": "VV"},
        **{"center_lat": latitude, "center_lon": longitude, "center_east_km": east, "center_north_km": north},
        **{"epicenter_lat": scene.centroid[0], "epicenter_lon": scene.centroid[1]},
        **{"epicenter_east_km": float(centroid_east), "epicenter_north_km": float(centroid_north)},
        **{"distance_km": distance, "offset_east_km": to_east, "offset_north_km": to_north},
        **dict(zip(LOOK, look_vector(incidence, np.full(incidence.size, scene.heading)), strict=True)),
        **{"reference": str(first.date()), "secondary": str((first + pd.Timedelta(days=12)).date())},
    }
    for corner, ends in CORNERS.items():
        edge = [
            at + way * side * (end - 0.5) for at, way, side, end in zip((along, across), turn, sides, ends, strict=True)
        ]
        places = shifted(*scene.origin, *_east_north(edge[0], edge[1], scene.heading))
        facts |= {f"lat_{corner}": places[0], f"lon_{corner}": places[1]}
    return pd.DataFrame(facts)
