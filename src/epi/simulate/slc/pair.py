"""Two SAFE products of an earthquake that are as real as annotations can be, with the truth beside them.

What is physical: two orbits that slowly draw apart, zero-Doppler geometry on a terrain, an earthquake's motion in three
components (it moves the ground's pixels as well as its phase), the delay of the air, land cover, thermal noise, the
processor's bands, the steering ramp, burst overlaps in which two bursts see the same ground under two Doppler
frequencies, 16-bit samples.
What is not: one Gaussian point a sample of the reference image stands for the ground, so layover is seen once and
shadow is not dark; the air is looked through broadside, the antenna has no pattern within a burst, and nothing moves
during a passage. A burst cropped in lines keeps the overlap of a whole one and so comes too soon after its neighbour.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from epi.catalogue.events.read import Event
from epi.errors import ParameterError
from epi.insar.geometry.dem import Bounds, Dem
from epi.insar.geometry.ellipsoid import from_ecef
from epi.insar.geometry.heights import write_dem
from epi.simulate.rupture import Rupture
from epi.simulate.safe.publish import hidden_folder, keep_apart, publish
from epi.simulate.safe.writer import Writer
from epi.simulate.scene import event_rupture
from epi.simulate.slc import sensor, view
from epi.simulate.slc.aim import choose_subswath
from epi.simulate.slc.passage import pair_flights
from epi.simulate.slc.pixels import Sight, expose, see
from epi.simulate.slc.plan import Exposure, first_image, second_image, with_grid
from epi.simulate.slc.truth import Ground, draw_ground, results, truth_dataset, truth_header, write_truth
from epi.simulate.terrain import fractal_dem
from epi.storage import make_folder

_BORDER_DEG = 0.06  # of terrain beyond the bursts
_FEWEST_LINES, _FEWEST_SAMPLES = 240, 64
_MOST_SAMPLES = 20000  # that every beam has valid


@dataclass(frozen=True)
class Conditions:
    """What the pair goes through; the defaults are a good pair.

    Attributes
    ----------
    baseline_m, parallel_m : baseline across and along the line of sight at the epicentre.
    convergence : m/s by which the second flight draws aside from the first at most, and in height a tenth of it; drawn.
    synchronisation : seconds by which the secondary's bursts begin late over the same ground.
    relief_m : standard deviation of the fractal relief.
    water : share of the area under water.
    atmosphere_m : standard deviation of each date's turbulent delay along the line of sight.
    stratified_m : each date's delay per km of height, drawn from a Gaussian of this standard deviation.
    coherence : of the middle class of land cover; 1 switches decorrelation off.
    noise : thermal noise.
    earthquake : the ground's motion.
    azimuth_error_lines : lines by which the secondary's pixels lie late against its annotation.
    """

    baseline_m: float = 40.0
    parallel_m: float = 12.0
    convergence: float = 0.2
    synchronisation: float = 0.0008
    relief_m: float = 250.0
    water: float = 0.03
    atmosphere_m: float = 0.006
    stratified_m: float = 0.01
    coherence: float = 0.75
    noise: bool = True
    earthquake: bool = True
    azimuth_error_lines: float = 0.0


PERFECT = Conditions(
    baseline_m=8.0,
    parallel_m=5.0,
    synchronisation=0.00005,
    relief_m=150.0,
    water=0.0,
    atmosphere_m=0.0,
    stratified_m=0.0,
    coherence=1.0,
    noise=False,
    earthquake=False,
)
"""A pair with geometry, bands and quantisation only: what a processor leaves in it is the processor's."""


@dataclass(frozen=True)
class SimulatedPair:
    """What was written: two SAFE folders, the terrain (GeoTIFF, ellipsoidal heights) and the truth (NetCDF)."""

    reference: Path
    secondary: Path
    dem: Path
    truth: Path


def simulate_pair(
    event: Event,
    folder: str | Path,
    *,
    seed: int = 0,
    conditions: Conditions = Conditions(),
    track: int | None = None,
    dates: tuple[str, str] | None = None,
    subswaths: tuple[str, ...] | None = None,
    bursts: int = 2,
    samples: int | None = 7600,
    lines: int | None = None,
    polarisation: str = "VV",
    dem: Dem | None = None,
    rupture: Rupture | None = None,
    progress: Callable[[str], None] | None = None,
) -> SimulatedPair:
    """Draw what Sentinel-1 would have seen of an earthquake, and write it as it would have been delivered.

    Parameters
    ----------
    event : from the catalogue.
    folder : where the four results go. They appear whole, products last, when all is drawn, and take the place of
        those of an earlier simulation of the event. One at a time: what a killed one left is removed.
    seed : of everything drawn: the same seed gives the same pixels.
    conditions : see `Conditions`; `PERFECT` for a pair without noise.
    track, dates : of the pair (days of the two images); default the best pair of the calendar.
    subswaths : names; default the one that sees the epicentre.
    bursts, samples : size around the epicentre, per subswath; ``samples=None`` is the whole beam with its empty edges.
        Parts of neighbouring subswaths meet where the epicentre lies near their common edge; whole ones always do.
    lines : of a burst, for small tests; default a whole burst.
    polarisation : VV, VH, HH or HV.
    dem : terrain with heights above the ellipsoid; default a fractal one.
    rupture : km about the epicentre; default drawn from the event's magnitude, depth and mechanism.
    progress : called with a line of text at every burst.

    Returns
    -------
    Paths of the products, the terrain and the truth.

    Raises
    ------
    ParameterError : no passage sees the epicentre, an unknown subswath, or a terrain that does not cover the bursts.
    RunError : another simulation is at work in the folder, or it holds images that are not of one of this event.
    """
    _check(bursts=bursts, samples=samples, lines=lines, subswaths=subswaths, polarisation=polarisation)
    drift = _drift(conditions, seed)
    first, second = pair_flights(
        event,
        track=track,
        dates=dates,
        baseline_m=conditions.baseline_m,
        parallel_m=conditions.parallel_m,
        drift=drift,
    )
    pairs = []
    for name in subswaths or (choose_subswath(first, event.latitude, event.longitude),):
        reference = first_image(
            first,
            subswath=name,
            bursts=bursts,
            samples=samples,
            lines=lines,
            latitude=event.latitude,
            longitude=event.longitude,
            polarisation=polarisation,
        )
        pairs.append((reference, second_image(reference, second, synchronisation=conditions.synchronisation)))
    target = make_folder(folder)
    with hidden_folder(target) as hidden:
        before = results(target, event.event_id)
        keep_apart(target, before)
        ground = _ground(event, _bounds([reference for reference, _ in pairs]), dem, rupture, conditions, seed)
        pairs = [(with_grid(reference, ground.dem), with_grid(secondary, ground.dem)) for reference, secondary in pairs]
        made = _draw(event, hidden, pairs, ground, conditions, seed, progress or (lambda _: None))
        written, truth, first_product, second_product = publish(made, target, replaces=before)
    return SimulatedPair(first_product, second_product, written, truth)


def _drift(conditions: Conditions, seed: int) -> tuple[float, float]:
    """How fast the second flight draws aside and up, m/s: of the real passages of 2023 over Morocco, 0.15 and 0.01."""
    aside, above = conditions.convergence * np.random.default_rng([seed, 14]).uniform(-1, 1, 2)
    return float(aside), float(above) / 10


def _ground(
    event: Event, bounds: Bounds, dem: Dem | None, rupture: Rupture | None, conditions: Conditions, seed: int
) -> Ground:
    """Draw terrain and rupture where they are not given, and what lies on and above them."""
    if not conditions.earthquake:
        rupture = None
    elif rupture is None:
        rupture = event_rupture(event, np.random.default_rng([seed, 1]))
    return draw_ground(
        event,
        bounds,
        dem=dem or fractal_dem(bounds, relief_m=conditions.relief_m, water=conditions.water, seed=seed),
        rupture=rupture,
        atmosphere_m=conditions.atmosphere_m,
        stratified_m=conditions.stratified_m,
        coherence=conditions.coherence,
        seed=seed,
    )


def _draw(
    event: Event,
    folder: Path,
    pairs: list[tuple[Exposure, Exposure]],
    ground: Ground,
    conditions: Conditions,
    seed: int,
    progress: Callable[[str], None],
) -> list[Path]:
    """Write terrain, truth and the two products into a folder, one burst at a time."""
    writers = [Writer(folder, [pair[date] for pair in pairs]) for date in (0, 1)]
    truths = {}
    for reference, secondary in pairs:
        image, parts = reference.image, []
        for number in range(len(image.bursts)):
            progress(f"{image.subswath} burst {number + 1} of {len(image.bursts)}")
            sight = see(reference, secondary, number, ground, azimuth_error_lines=conditions.azimuth_error_lines)
            _check_terrain(sight, ground, _bounds([reference]))
            pictures = expose(reference, secondary, number, sight, seed=seed, noise=conditions.noise)
            for writer, picture in zip(writers, pictures, strict=True):
                writer.burst(image.subswath, number, picture)
            fields = {name: values for name, values in sight.fields.items() if name != "brightness"}
            parts.append((number + 1, sight.lines, sight.samples, fields))
        truths[image.subswath] = truth_dataset(parts, size=(image.lines_per_burst, image.samples_per_burst))
    first, second = (writer.close() for writer in writers)
    wavelength = pairs[0][0].image.wavelength
    drift = pairs[0][1].flight.right_rate, pairs[0][1].flight.up_rate
    header = truth_header(
        event, ground, asdict(conditions), (first.stem, second.stem), drift=drift, seed=seed, wavelength=wavelength
    )
    dem = write_dem(ground.dem, folder / f"{event.event_id}_dem.tif")
    return [dem, write_truth(folder / f"{event.event_id}_truth.nc", truths, header), first, second]


def _check(
    *, bursts: int, samples: int | None, lines: int | None, subswaths: tuple[str, ...] | None, polarisation: str
) -> None:
    """Refuse sizes and names that no product has."""
    unknown = [name for name in subswaths or () if name not in sensor.SUBSWATHS]
    if unknown or subswaths == ():
        raise ParameterError(f"No subswath {', '.join(unknown) or 'given'}: choose from {', '.join(sensor.SUBSWATHS)}.")
    if polarisation not in ("VV", "VH", "HH", "HV"):
        raise ParameterError(f"No polarisation {polarisation}: choose VV, VH, HH or HV.")
    if (
        bursts < 1
        or not _FEWEST_SAMPLES <= (samples or 1000) <= _MOST_SAMPLES
        or not _FEWEST_LINES <= (lines or 1000) <= 1507
    ):
        raise ParameterError(
            f"{bursts} bursts of {lines} lines x {samples} samples cannot be drawn: ask for 1 burst or more, "
            f"{_FEWEST_LINES} to 1507 lines and {_FEWEST_SAMPLES} to {_MOST_SAMPLES} samples (None for all)."
        )


def _bounds(images: list[Exposure]) -> Bounds:
    """West, south, east, north of the ground of some images, with a margin; longitudes may run on past 180."""
    longitudes, latitudes = [], []
    for exposure in images:
        image = exposure.image
        last = len(image.bursts) - 1
        begin, end = exposure.burst_seconds(0), exposure.burst_seconds(last)
        seconds = np.array([begin, end + image.lines_per_burst * image.azimuth_time_interval])
        seconds = np.repeat(seconds, 2)
        ranges = image.near_range + np.tile([0, image.samples_per_burst], 2) * image.range_spacing
        latitude, longitude, _ = from_ecef(view.ground(exposure.arc, seconds, ranges, view.FLAT))
        latitudes.append(latitude)
        longitudes.append(longitude)
    east = np.unwrap(np.concatenate(longitudes), period=360.0)
    north = np.concatenate(latitudes)
    wide = _BORDER_DEG / np.cos(np.radians(north.mean()))
    return (
        float(east.min() - wide),
        float(north.min() - _BORDER_DEG),
        float(east.max() + wide),
        float(north.max() + _BORDER_DEG),
    )


def _check_terrain(sight: Sight, ground: Ground, bounds: Bounds) -> None:
    """Refuse a terrain that ends before the burst does."""
    if not np.isfinite(sight.fields["elevation"]).all():
        raise ParameterError(
            f"The terrain ({ground.dem.source}) does not cover the bursts, or has holes: give one without, that spans "
            f"longitudes {bounds[0]:.3f} to {bounds[2]:.3f} and latitudes {bounds[1]:.3f} to {bounds[3]:.3f}."
        )
