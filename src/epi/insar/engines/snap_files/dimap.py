"""BEAM-DIMAP: a ``.dim`` file of XML beside a ``.data`` folder of ENVI rasters, big-endian."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from epi.errors import FileFormatError
from epi.insar.engines.snap_files.file import Floats, Raster, Scale, SnapFile, TiePoints, guarded, map_grid
from epi.insar.engines.snap_files.metadata import tree_of_xml

BYTE_ORDER = re.compile(r"byte order\s*=\s*(\d)")
TYPES = {"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"}
TYPES |= {"float32": "f4", "float64": "f8"}


def open_dimap(source: Path) -> SnapFile:
    """Open a ``.dim`` and the ENVI rasters in its ``.data`` folder."""
    header = source.with_suffix(".dim")
    root = ElementTree.parse(header).getroot()
    shape = int(_text(root, "Raster_Dimensions/NROWS")), int(_text(root, "Raster_Dimensions/NCOLS"))
    files = {_text(part, "BAND_INDEX"): part for part in root.iterfind("Data_Access/Data_File")}
    infos = [info for info in root.iterfind("Image_Interpretation/Spectral_Band_Info") if _is_real(info, files)]
    bands = {
        _text(info, "BAND_NAME"): guarded(
            header, _dimap_band(header, files[_text(info, "BAND_INDEX")].find("DATA_FILE_PATH"), info, shape)
        )
        for info in infos
    }
    wkt, transform = root.findtext(".//WKT"), root.findtext("Geoposition/IMAGE_TO_MODEL_TRANSFORM")
    sources = root.find("Dataset_Sources/MDElem")
    return SnapFile(
        header.name,
        "BEAM-DIMAP",
        shape,
        bands,
        _dimap_grids(header, root),
        tree_of_xml(sources) if sources is not None else {},
        map_grid(wkt.strip(), transform, shape) if wkt and transform else None,
    )


def _is_real(info: ElementTree.Element, files: Mapping[str, ElementTree.Element]) -> bool:
    """Whether a band has pixels: virtual ones are expressions."""
    return info.findtext("VIRTUAL_BAND") != "true" and _text(info, "BAND_INDEX") in files


def _text(element: ElementTree.Element, name: str) -> str:
    """Return the text of a child; FileFormatError where it is missing."""
    found = element.findtext(name)
    if found is None:
        raise FileFormatError(f"The .dim file has no {name} in {element.tag}: it may be truncated; write it again.")
    return found.strip()


def _dimap_band(
    header: Path, place: ElementTree.Element | None, info: ElementTree.Element, shape: tuple[int, int]
) -> Callable[[], Floats]:
    """Return how to read one band of a DIMAP product."""
    rows = int(info.findtext("BAND_RASTER_HEIGHT") or shape[0])
    columns = int(info.findtext("BAND_RASTER_WIDTH") or shape[1])
    scale = Scale(
        float(info.findtext("SCALING_FACTOR") or 1),
        float(info.findtext("SCALING_OFFSET") or 0),
        info.findtext("LOG10_SCALED") == "true",
        float(info.findtext("NO_DATA_VALUE") or 0) if info.findtext("NO_DATA_VALUE_USED") == "true" else None,
    )
    kind = _text(info, "DATA_TYPE")
    return lambda: scale.physical(_envi(_beside(header, place), kind, (rows, columns)))


def _dimap_grids(header: Path, root: ElementTree.Element) -> dict[str, TiePoints]:
    """Return the tie-point grids of a DIMAP product."""
    places = {
        _text(part, "TIE_POINT_GRID_INDEX"): part.find("TIE_POINT_GRID_FILE_PATH")
        for part in root.iterfind("Data_Access/Tie_Point_Grid_File")
    }
    grids = {}
    for info in root.iterfind("Tie_Point_Grids/Tie_Point_Grid_Info"):
        shape = int(_text(info, "NROWS")), int(_text(info, "NCOLS"))
        path = _beside(header, places[_text(info, "TIE_POINT_GRID_INDEX")])
        values = _envi(path, _text(info, "DATA_TYPE"), shape).astype(float)
        place = (float(_text(info, name)) for name in ("OFFSET_X", "OFFSET_Y", "STEP_X", "STEP_Y"))
        grids[_text(info, "TIE_POINT_GRID_NAME")] = TiePoints(values, *place)
    return grids


def _beside(header: Path, place: ElementTree.Element | None) -> Path:
    """Return the header of a raster: where the ``.dim`` says, or in its own ``.data`` folder if it was renamed."""
    href = place.get("href", "") if place is not None else ""
    stated = header.parent / href
    return stated if stated.parent.is_dir() else header.with_suffix(".data").joinpath(*Path(href).parts[1:])


def _envi(header: Path, kind: str, shape: tuple[int, int]) -> Raster:
    """Return an ENVI raster of SNAP's: big-endian unless its header says otherwise."""
    image = header.with_suffix(".img")
    if not image.is_file():
        raise FileFormatError(f"No file {image.name} in {header.parent.name}: copy the whole .data folder.")
    stated = BYTE_ORDER.search(header.read_text(errors="replace")) if header.is_file() else None
    dtype = np.dtype(("<" if stated and stated[1] == "0" else ">") + TYPES[kind])
    expected, found = shape[0] * shape[1] * dtype.itemsize, image.stat().st_size
    if found != expected:
        raise FileFormatError(
            f"{image.name} holds {found} bytes, {shape[0]} x {shape[1]} of {kind} make {expected}: "
            "the file is truncated; write it again."
        )
    return np.fromfile(image, dtype=dtype).reshape(shape)
