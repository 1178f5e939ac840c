"""What an interferogram of two passages is made from, out of the archives: images, orbits, terrain."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from epi.catalogue.images.scenes import Scene
from epi.catalogue.online.cache import cache_folder, check_space
from epi.catalogue.online.download import download
from epi.catalogue.online.wanted import USUAL_BYTES, Fetched, Progress, Wanted, scene_files
from epi.errors import ParameterError, RunError
from epi.insar.geometry.dem import Bounds, continuous
from epi.insar.geometry.heights import fetch_dem, write_dem
from epi.insar.slc.orbit_files import fetch_orbit, find_orbit

MARGIN_DEG = 0.1
"""Of the terrain around the images: a mountain is seen from the side, so the ground under a pixel may lie outside."""

_ROUND_DEG = 0.05


@dataclass(frozen=True)
class Inputs:
    """What lies in the cache for one interferogram.

    Parameters
    ----------
    references, secondaries : images of the earlier and the later passage, as the native engine takes them.
    orbits : folder of the orbit files.
    terrain : heights above the ellipsoid; None where the records do not say what the images show, or it is open sea.
    files : all that was brought, verified.
    """

    references: tuple[Path, ...]
    secondaries: tuple[Path, ...]
    orbits: Path
    terrain: Path | None
    files: tuple[Fetched, ...]


def bring(
    references: Sequence[Scene],
    secondaries: Sequence[Scene],
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> Inputs:
    """Bring all that an interferogram of two passages is made from into the shared cache, or find it there.

    Parameters
    ----------
    references, secondaries : slices or bursts of the earlier and the later passage.
    progress : is told of every byte.
    say : called once, with what is to come.

    Raises
    ------
    ParameterError : an image has no file. StorageError : all of it together does not fit; nothing was fetched then.
    AccountError, DownloadError, OrbitError, StorageError : one does not come.
    """
    sides = (references, secondaries)
    images = scene_files([*references, *secondaries])
    bounds = ground(references)
    tiles = terrain_tiles(bounds) if bounds else []
    say(_cost(images, tiles))
    _check_sum(images, tiles, sides)
    found = download(images, progress=progress)
    orbits = [bring_orbit(side) for side in sides]
    relief = download(tiles, progress=progress)
    found += [*orbits, *relief]
    heights = make_terrain(bounds, relief) if bounds and relief else None
    found += [heights] if heights else []
    first, second = (tuple(scene_files([scene])[0].path for scene in side) for side in sides)
    return Inputs(first, second, orbits[0].path.parent, heights.path if heights else None, tuple(found))


def _cost(images: Sequence[Wanted], tiles: Sequence[Wanted]) -> str:
    """Say what is to come before it does."""
    cache = images[0].path.parent.parent
    free = shutil.disk_usage(cache).free / 1e9
    missing = [sum(wanted.missing for wanted in files) / 1e9 for files in (images, tiles)]
    return (
        f"{len(images)} files of images ({missing[0]:.2f} GB still to come), {len(tiles)} tiles of terrain (about "
        f"{missing[1]:.2f} GB), two orbit files; {free:.0f} GB are free in {cache}"
    )


def _check_sum(images: Sequence[Wanted], tiles: Sequence[Wanted], sides: Sequence[Sequence[Scene]]) -> None:
    """Make sure that images, terrain and orbits fit together, where each alone might."""
    folder = cache_folder("orbits")
    orbits = sum(USUAL_BYTES["orbits"] for side in sides if find_orbit(passage(side), folder) is None)
    missing = sum(wanted.missing for wanted in (*images, *tiles)) + orbits
    check_space(folder, missing, what="What is missing of images, terrain and orbits together")


@dataclass(frozen=True)
class Passage:
    """Images of one satellite, one after the other: what one orbit file covers.

    Parameters
    ----------
    product : name of the first image.
    platform : S1A to S1D.
    start, stop : of all of them, UTC.
    """

    product: str
    platform: str
    start: np.datetime64
    stop: np.datetime64


def passage(scenes: Sequence[Scene]) -> Passage:
    """Return the passage that slices or bursts are of.

    Raises
    ------
    ParameterError : they are of two satellites.
    """
    if len({scene.platform for scene in scenes}) != 1:
        raise ParameterError(f"{scenes[0].name} and its neighbours are of more than one satellite: give one passage.")
    start, stop = min(scene.start for scene in scenes), max(scene.stop for scene in scenes)
    times = [np.datetime64(time.tz_convert(None).isoformat(), "ns") for time in (start, stop)]
    return Passage(scenes[0].name, scenes[0].platform, *times)


def bring_orbit(scenes: Sequence[Scene]) -> Fetched:
    """Return the orbit file of a passage from the shared cache, fetched into it where it is not there yet.

    Raises
    ------
    OrbitError, StorageError : as for `fetch_orbit`.
    """
    image, folder = passage(scenes), cache_folder("orbits")
    held = find_orbit(image, folder)
    path = fetch_orbit(image, folder)
    return Fetched(path, path.stat().st_size, "read as an orbit of that satellite and time", came=path != held)


def ground(scenes: Sequence[Scene]) -> Bounds | None:
    """Return the bounds of what images show, with a margin; across the antimeridian east is above 180.

    None where no image says what it shows.
    """
    shown = [scene.footprint for scene in scenes if scene.footprint is not None]
    if not shown:
        return None
    longitude, latitude = np.concatenate([shapely.get_coordinates(footprint) for footprint in shown]).T
    if np.ptp(longitude) > 180:
        longitude = longitude % 360
    low = [np.floor((values.min() - MARGIN_DEG) / _ROUND_DEG) * _ROUND_DEG for values in (longitude, latitude)]
    high = [np.ceil((values.max() + MARGIN_DEG) / _ROUND_DEG) * _ROUND_DEG for values in (longitude, latitude)]
    return continuous((float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def terrain_tiles(bounds: Bounds) -> list[Wanted]:
    """Return the tiles of the Copernicus 30 m terrain model that bounds need; none over open sea.

    Where the archive has a country only at 90 m, those tiles are among them.
    """
    from dem_stitcher.datasets import get_overlapping_dem_tiles

    addresses = [
        str(address)
        for name in ("glo_30", "glo_90_missing")
        for address in get_overlapping_dem_tiles(list(continuous(bounds)), name).url
    ]
    folder = cache_folder("terrain")
    return [Wanted(address, folder / address.rpartition("/")[2]) for address in dict.fromkeys(addresses)]


def make_terrain(bounds: Bounds, tiles: Sequence[Fetched]) -> Fetched:
    """Join tiles to one terrain model above the ellipsoid, as ``epi interferogram --dem`` takes it.

    Parameters
    ----------
    bounds : as `terrain_tiles` took them.
    tiles : as fetched for these bounds, at least one.

    Raises
    ------
    RunError : a tile or the geoid cannot be read.
    """
    if not tiles:
        raise RunError(f"No tile of terrain for {bounds}: it is open sea, where no terrain model is needed.")
    place = "_".join(f"{edge:.2f}" for edge in bounds)
    path = cache_folder("terrain") / f"ellipsoidal_{place}.tif"
    made_of = f"made here from {len(tiles)} verified tiles"
    if came := not path.is_file() or any(tile.came for tile in tiles):
        write_dem(fetch_dem(bounds, tiles=Path(tiles[0].path).parent), path)
    return Fetched(path, path.stat().st_size, made_of, came=came)
