"""Where a terrain model comes from: a file whose vertical datum is known, or the Copernicus archive."""

import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.fill import fillnodata
from rasterio.transform import Affine
from scipy import ndimage

from epi.errors import DemError, MissingConvention, MissingPackage, ParameterError, RunError
from epi.insar.geometry.dem import Bounds, Dem, continuous, shown
from epi.insar.geometry.raster import Grid, read_grid
from epi.storage import atomic_path

LOWEST_M, HIGHEST_M = -1000.0, 9500.0  # no ground is outside: such values are marks for no data
LARGEST_HOLE = 100  # nodes: 0.1 km² of a 30 m DEM; more cannot be guessed from what is around


def read_dem(
    path: str | Path,
    *,
    bounds: Bounds,
    datum: str | None = None,
    undulation: float | str | Path | None = None,
    void_height: float | None = None,
) -> Dem:
    """Read heights from a file over some bounds and bring them above the ellipsoid.

    Holes of at most ``LARGEST_HOLE`` nodes are interpolated from around, with a warning that counts them.

    Parameters
    ----------
    path : anything GDAL reads (GeoTIFF, SRTM HGT, …) in any projection; metres.
    bounds : west, south, east, north in degrees; may cross the antimeridian. What the file has of them is read.
    datum : ``"ellipsoid"`` or ``"geoid"``: what the heights are above. Needed where the file does not state it.
    undulation : height of the geoid above the ellipsoid in m, a number or a grid file (EGM96 for SRTM, EGM2008 for
        Copernicus); needed where heights are above the geoid.
    void_height : height above the file's own datum of every node without data, e.g. 0 where all of them are sea.

    Raises
    ------
    FileFormatError, NoGeoreference : the file cannot be read or does not say where it is.
    MissingConvention : neither the file nor the caller states the datum, or the undulation is missing.
    ParameterError : what is stated contradicts the file.
    DemError : the file has nothing there, or a hole too large to fill.
    """

    def clean(values: NDArray[np.float32]) -> NDArray[np.float32]:
        possible = (values > LOWEST_M) & (values < HIGHEST_M)
        return np.where(possible, values, np.float32(np.nan if void_height is None else void_height))

    grid = read_grid(path, bounds=bounds, clean=clean)
    if grid.unit is not None and grid.unit.lower() not in {"m", "metre", "meter", "metres", "meters"}:
        raise ParameterError(f"{path} has heights in {grid.unit}, not metres: convert it with gdal_calc.py first.")
    kind = _datum(path, grid.vertical, datum, undulation)
    heights, filled = _fill(grid, str(path))
    if kind == "geoid":
        heights = heights + _undulation(undulation, grid)
    return Dem(
        heights=np.ascontiguousarray(heights, dtype=np.float32),
        north=grid.north,
        west=grid.west,
        latitude_step=grid.latitude_step,
        longitude_step=grid.longitude_step,
        source=Path(path).name,
        datum="ellipsoid" if kind == "ellipsoid" else f"geoid, undulation {undulation}",
        filled=filled,
    )


def fetch_dem(bounds: Bounds, *, tiles: Path | None = None) -> Dem:
    """Download the Copernicus 30 m terrain model over some bounds, above the ellipsoid; sea is at the geoid.

    Parameters
    ----------
    bounds : west, south, east, north in degrees; may cross the antimeridian.
    tiles : a folder of tiles under the archive's names, from which they are taken; default: only what the bounds need
        of each tile is fetched, and kept nowhere.

    Raises
    ------
    RunError : no network. DemError : the archive has no land there. MissingPackage : dem-stitcher is not installed.

    References
    ----------
    Copernicus DEM GLO-30 (ESA, Airbus), https://doi.org/10.5270/ESA-c5d3d65, by way of dem-stitcher.
    """
    try:
        from dem_stitcher import stitch_dem
        from dem_stitcher.exceptions import NoDEMCoverage
    except ImportError as error:
        raise MissingPackage("Fetching a DEM needs dem-stitcher: pip install dem-stitcher==3.2.0.") from error
    wanted = continuous(bounds)
    try:
        with warnings.catch_warnings():
            # dem-stitcher silences this one itself, but in threads, whose settings undo each other: it sometimes shows
            warnings.filterwarnings("ignore", "Requesting extent beyond raster bounds", RuntimeWarning)
            warnings.filterwarnings("ignore", "The directory .* exists", UserWarning)
            heights, profile = stitch_dem(
                list(wanted),
                "glo_30",
                dst_ellipsoidal_height=True,
                merge_nodata_value=0,
                n_threads_downloading=5,
                dst_tile_dir=tiles,
            )
    except NoDEMCoverage as error:
        raise DemError(
            f"The Copernicus DEM has no land in {shown(wanted)}: give a DEM file, or flat_dem for open sea."
        ) from error
    except (OSError, RasterioError, RuntimeError) as error:
        raise RunError(
            f"The Copernicus DEM of {shown(wanted)} cannot be fetched ({type(error).__name__}): check the network, or "
            "give a DEM file instead (--dem FILE)."
        ) from error
    transform = profile["transform"]
    return Dem(
        heights=np.ascontiguousarray(heights, dtype=np.float32),
        north=transform.f + transform.e / 2,
        west=transform.c + transform.a / 2,
        latitude_step=-transform.e,
        longitude_step=transform.a,
        source="Copernicus DEM GLO-30",
        datum="geoid EGM2008, made ellipsoidal by dem-stitcher",
    )


def write_dem(dem: Dem, path: str | Path) -> Path:
    """Write a terrain model as a GeoTIFF that states it is above the ellipsoid (EPSG:4979), whole or not at all.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    rows, columns = dem.heights.shape
    right, down = dem.longitude_step, dem.latitude_step
    with (
        atomic_path(path) as temporary,
        rasterio.open(
            temporary,
            "w",
            driver="GTiff",
            width=columns,
            height=rows,
            count=1,
            dtype="float32",
            crs="EPSG:4979",
            transform=Affine(right, 0, dem.west - right / 2, 0, -down, dem.north + down / 2),
            nodata=np.nan,
            compress="deflate",
            predictor=3,
            tiled=True,
        ) as ds,
    ):
        ds.write(dem.heights, 1)
    return Path(path)


def _datum(path: str | Path, vertical: str | None, datum: str | None, undulation: object) -> str:
    """Return ``ellipsoid`` or ``geoid``, which the file or the caller states."""
    if datum not in (None, "ellipsoid", "geoid"):
        raise ParameterError(f"datum is {datum!r}: give 'ellipsoid' or 'geoid'.")
    found = None if vertical is None else "ellipsoid" if "ellipsoid" in vertical.lower() else "geoid"
    if datum is not None and found is not None and datum != found:
        raise ParameterError(f"{path} states heights above the {found} ({vertical}), not the {datum}: state the same.")
    kind = datum or found
    if kind is None:
        raise MissingConvention(
            f"{path} does not say whether its heights are above the ellipsoid or the geoid, which differ by up to "
            "100 m: state the datum (epi interferogram: --heights): ellipsoid, or geoid with its undulation (SRTM, "
            "Copernicus and most others)."
        )
    if kind == "geoid" and undulation is None:
        raise MissingConvention(
            f"{path} has heights above the geoid ({vertical or 'as stated'}): give the undulation, a grid file "
            "(EGM96 for SRTM, EGM2008 for Copernicus) or metres that hold for the whole scene."
        )
    if kind == "ellipsoid" and undulation is not None:
        raise ParameterError(f"{path} has heights above the ellipsoid already: leave undulation out.")
    return kind


def _undulation(undulation: object, grid: Grid) -> NDArray[np.float32]:
    """Return the geoid's height at every node."""
    if isinstance(undulation, int | float):
        return np.float32(undulation) * np.ones((1, 1), np.float32)
    rows, columns = grid.values.shape
    latitude = grid.north - grid.latitude_step * np.arange(rows)
    longitude = grid.west + grid.longitude_step * np.arange(columns)
    pad = 1e-3
    geoid = read_grid(
        str(undulation),
        bounds=(
            longitude[0] - pad,
            max(latitude[-1] - pad, -89.999),
            longitude[-1] + pad,
            min(latitude[0] + pad, 89.999),
        ),
    )
    surface = Dem(
        geoid.values, geoid.north, geoid.west, geoid.latitude_step, geoid.longitude_step, source=str(undulation)
    )
    heights = surface.sample(*np.meshgrid(latitude, longitude, indexing="ij"))
    if np.isnan(heights).any():
        raise DemError(
            f"The undulation {undulation} covers {shown(surface.bounds)}, not the whole DEM: give a larger one."
        )
    return heights.astype(np.float32)


def _fill(grid: Grid, name: str) -> tuple[NDArray[np.float32], int]:
    """Interpolate small holes, or raise; leave what is open to the edge, where a file may end obliquely."""
    holes, count = ndimage.label(np.isnan(grid.values))
    if not count:
        return grid.values, 0
    sizes = np.bincount(holes.ravel())
    sizes[0] = 0
    edge = np.unique(np.concatenate([holes[0], holes[-1], holes[:, 0], holes[:, -1]]))
    outside = np.isin(holes, edge[sizes[edge] > LARGEST_HOLE])
    sizes[edge[sizes[edge] > LARGEST_HOLE]] = 0
    count = int(sizes.sum())
    if not count:
        return grid.values, 0
    if sizes.max() > LARGEST_HOLE:
        row, column = np.argwhere(holes == sizes.argmax()).mean(axis=0)
        raise DemError(
            f"{name} has {count} nodes without data, {sizes.max()} of them around "
            f"{grid.north - row * grid.latitude_step:.4f} N {grid.west + column * grid.longitude_step:.4f} E: too many "
            f"to fill (at most {LARGEST_HOLE} together). Give a DEM without holes, or state the height of all without "
            "data (epi interferogram: --void-height 0 where they are sea)."
        )
    warnings.warn(f"{name}: {count} nodes without data were interpolated from around.", UserWarning, stacklevel=3)
    mask = (holes == 0).astype(np.uint8)
    filled: NDArray[np.float32] = fillnodata(grid.values.copy(), mask=mask, max_search_distance=2 * LARGEST_HOLE)
    filled[outside] = np.nan
    return filled, count
