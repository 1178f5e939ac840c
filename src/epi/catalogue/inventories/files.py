"""Vector files as people keep them: one GeoDataFrame, whatever the format, the layers and the wrapping."""

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from shapely.errors import ShapelyError

from epi.errors import EpiError, FileFormatError, InventoryError, ParameterError

if TYPE_CHECKING:
    import geopandas as gpd

FORMATS = (".shp", ".kml", ".kmz", ".geojson", ".json", ".gpkg")
KML = (".kml", ".kmz")  # their folders are layers


def read_features(path: str | Path, *, layer: str | None = None) -> tuple["gpd.GeoDataFrame", NDArray[np.bool_]]:
    """Read all features of a vector file.

    Parameters
    ----------
    path : a shapefile (``.shp``, its ``.shx`` and ``.dbf`` beside it), KML, KMZ, GeoJSON or GeoPackage; or a ``.zip``
        that holds one of them, in any of its folders.
    layer : which layer of a GeoPackage, which folder of a KML, or which file of a zip; needed where there are several,
        except in KML, whose folders are read together.

    Returns
    -------
    The features as they are, and which of them had rings that were not closed, which are closed.

    Raises
    ------
    FileFormatError : no such file, another format, truncated or damaged.
    InventoryError : no layer with geometry. ParameterError : several layers and none chosen, or none of that name.
    """
    file = Path(path)
    if not file.is_file():
        raise FileFormatError(f"No inventory at {file}: check the path, relative to {Path.cwd()}.")
    zipped = file.suffix.lower() == ".zip"
    place, inside = _member(file, layer) if zipped else (str(file), file.name)
    if Path(inside).suffix.lower() not in FORMATS:
        raise FileFormatError(f"{file} is no inventory that can be read: give one of {', '.join(FORMATS)}, or a zip.")
    if Path(inside).suffix.lower() == ".shp":
        _check_length(file, inside if zipped else None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks; what they say of is mended and counted
            layers = _layers(place, inside, None if zipped and Path(inside).suffix.lower() != ".gpkg" else layer)
            parts = [_features(place, name) for name in layers]
    except (RuntimeError, ShapelyError, ValueError, OSError) as error:
        if isinstance(error, EpiError):
            raise
        said = " ".join(str(error).split(";")[0].split())
        beside = " A shapefile needs its .shx and .dbf beside it." if inside.lower().endswith(".shp") else ""
        raise FileFormatError(
            f"{file} cannot be read ({said}): it may be truncated or of another format.{beside}"
        ) from (error)
    return _joined([frame for frame, _ in parts]), np.concatenate([closed for _, closed in parts])


def _member(file: Path, layer: str | None) -> tuple[str, str]:
    """Return GDAL's path of the one vector file in a zip, and its name."""
    try:
        with zipfile.ZipFile(file) as packed:
            names = [name for name in packed.namelist() if not name.startswith("__MACOSX")]
    except (zipfile.BadZipFile, OSError) as error:
        raise FileFormatError(f"{file} cannot be read as a zip ({error}): it may be truncated.") from error
    found = [name for name in names if Path(name).suffix.lower() in FORMATS]
    chosen = [name for name in found if layer in (None, name, Path(name).stem, Path(name).name)]
    if len(found) == 1 and found[0].lower().endswith(".gpkg"):
        chosen = found  # layer is one of its layers
    if not found:
        raise FileFormatError(
            f"{file} holds no inventory ({', '.join(FORMATS)}): its files are {', '.join(names[:5])}."
        )
    if len(chosen) != 1:
        raise ParameterError(
            f"{file} holds {', '.join(sorted(Path(name).stem for name in found))}: name the one to read as layer."
        )
    return f"/vsizip/{{{file.resolve()}}}/{chosen[0]}", chosen[0]


def _check_length(file: Path, inside: str | None) -> None:
    """Refuse a shapefile shorter than its header says: GDAL would read the records that are left and say nothing."""
    if inside is None:
        with file.open("rb") as stream:
            head, size = stream.read(28), file.stat().st_size
    else:
        with zipfile.ZipFile(file) as packed, packed.open(inside) as stream:
            head, size = stream.read(28), packed.getinfo(inside).file_size
    stated = 2 * int.from_bytes(head[24:28], "big")  # in 16-bit words: ESRI Shapefile Technical Description (1998)
    if len(head) == 28 and size < stated:
        raise FileFormatError(f"{file} is truncated: it holds {size} of the {stated} bytes it states; get it again.")


def _layers(place: str, inside: str, layer: str | None) -> list[str]:
    """Return the layers to read: the one asked for, else all of a KML, else the only one that has geometry."""
    import geopandas as gpd

    table = gpd.list_layers(place)
    names = [str(name) for name in table.loc[table["geometry_type"].notna(), "name"]]
    if layer is not None:
        if layer not in names:
            raise ParameterError(f"{inside} has no layer {layer!r}: it has {', '.join(names) or 'none'}.")
        return [layer]
    if not names:
        raise InventoryError(f"{inside} is empty: it has no layer with geometry. Choose the inventory of the event.")
    if len(names) > 1 and Path(inside).suffix.lower() not in KML:
        raise ParameterError(f"{inside} has the layers {', '.join(names)}: name the one to read as layer.")
    return names


def _features(place: str, layer: str) -> tuple["gpd.GeoDataFrame", NDArray[np.bool_]]:
    """Return the features of a layer, and which of them had rings that were not closed."""
    import geopandas as gpd

    def read(on_invalid: str) -> gpd.GeoDataFrame:
        return gpd.read_file(place, layer=layer, engine="pyogrio", on_invalid=on_invalid)

    try:
        whole = read("raise")
    except ShapelyError:
        closed, lost = read("fix"), read("ignore")
        return closed, np.asarray(lost.geometry.isna() & closed.geometry.notna())
    return whole, np.zeros(len(whole), dtype=bool)


def _joined(frames: list["gpd.GeoDataFrame"]) -> "gpd.GeoDataFrame":
    """Return layers one below the other."""
    import geopandas as gpd

    if len(frames) == 1:
        return frames[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # columns that are empty in one of them
        return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry", crs=frames[0].crs)
