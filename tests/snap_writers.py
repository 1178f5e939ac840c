"""Tiny products laid out on disk as SNAP lays them out, for tests."""

import base64
import json
import shutil
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np

UTC = "%d-%b-%Y %H:%M:%S.%f"
TYPES = {"f4": "float32", "f8": "float64", "i2": "int16", "u1": "uint8"}
CLASSES = {"f4": "4", "f8": "5", "i2": "2", "u1": "1"}  # of ENVI
WGS84 = (
    'GEOGCS["WGS84(DD)", DATUM["WGS84", SPHEROID["WGS84", 6378137.0, 298.257223563]], PRIMEM["Greenwich", 0.0], '
    'UNIT["degree", 0.017453292519943295], AXIS["Geodetic longitude", EAST], AXIS["Geodetic latitude", NORTH], '
    'AUTHORITY["EPSG","4326"]]'
)


@dataclass
class Raw:
    """A band as stored: its numbers and what is said of them."""

    values: np.ndarray
    factor: float = 1.0
    offset: float = 0.0
    no_data: float | None = None


@dataclass
class Made:
    """A product to write: bands, names of virtual bands, tie points with (offset x, y, step x, y), metadata."""

    bands: dict
    virtual: tuple = ()
    grids: dict = field(default_factory=dict)
    metadata: dict = field(default_factory=dict)
    wkt: str | None = None
    transform: tuple | None = None  # in the order of a Java AffineTransform

    @property
    def shape(self):
        return next(iter(self.bands.values())).values.shape


def write_dimap(path: Path, made: Made) -> Path:
    """Write ``name.dim`` and ``name.data``."""
    path = path.with_suffix(".dim")
    data = path.with_suffix(".data")
    (data / "tie_point_grids").mkdir(parents=True)
    root = ElementTree.Element("Dimap_Document", name=path.name)
    if made.wkt:
        _leaf(ElementTree.SubElement(root, "Coordinate_Reference_System"), "WKT", "\n  " + made.wkt + "\n")
        place = ElementTree.SubElement(root, "Geoposition")
        _leaf(place, "IMAGE_TO_MODEL_TRANSFORM", ",".join(str(number) for number in made.transform))
    size = ElementTree.SubElement(root, "Raster_Dimensions")
    _leaf(size, "NCOLS", made.shape[1])
    _leaf(size, "NROWS", made.shape[0])
    access = ElementTree.SubElement(root, "Data_Access")
    points = ElementTree.SubElement(root, "Tie_Point_Grids")
    bands = ElementTree.SubElement(root, "Image_Interpretation")
    for index, (name, (values, *place)) in enumerate(made.grids.items()):
        file = ElementTree.SubElement(access, "Tie_Point_Grid_File")
        href = f"{data.name}/tie_point_grids/{name}.hdr"
        ElementTree.SubElement(file, "TIE_POINT_GRID_FILE_PATH", href=href)
        _leaf(file, "TIE_POINT_GRID_INDEX", index)
        info = ElementTree.SubElement(points, "Tie_Point_Grid_Info")
        facts = {"TIE_POINT_GRID_INDEX": index, "TIE_POINT_GRID_NAME": name, "DATA_TYPE": "float32"}
        facts |= {"NCOLS": values.shape[1], "NROWS": values.shape[0]}
        for key, value in (facts | dict(zip(("OFFSET_X", "OFFSET_Y", "STEP_X", "STEP_Y"), place, strict=True))).items():
            _leaf(info, key, value)
        _envi(path.parent / href, values.astype("f4"))
    for index, name in enumerate([*made.bands, *made.virtual]):
        info = ElementTree.SubElement(bands, "Spectral_Band_Info")
        raw = made.bands.get(name)
        kind = raw.values.dtype.str[1:] if raw else "f4"
        facts = {"BAND_INDEX": index, "BAND_NAME": name, "DATA_TYPE": TYPES[kind]}
        facts |= {"SCALING_FACTOR": raw.factor if raw else 1.0, "SCALING_OFFSET": raw.offset if raw else 0.0}
        facts |= {"LOG10_SCALED": "false", "NO_DATA_VALUE_USED": str(bool(raw and raw.no_data is not None)).lower()}
        facts |= {"NO_DATA_VALUE": raw.no_data if raw and raw.no_data is not None else 0.0}
        facts |= {} if raw else {"VIRTUAL_BAND": "true", "EXPRESSION": "atan2(q,i)"}
        for key, value in facts.items():
            _leaf(info, key, value)
        if raw:
            file = ElementTree.SubElement(access, "Data_File")
            ElementTree.SubElement(file, "DATA_FILE_PATH", href=f"{data.name}/{name}.hdr")
            _leaf(file, "BAND_INDEX", index)
            _envi(data / f"{name}.hdr", raw.values)
    sources = ElementTree.SubElement(root, "Dataset_Sources")
    _elements(ElementTree.SubElement(sources, "MDElem", name="metadata"), made.metadata)
    ElementTree.ElementTree(root).write(path, encoding="ISO-8859-1", xml_declaration=True)
    return path


def write_znap(path: Path, made: Made, *, compressed: bool = False) -> Path:
    """Write ``name.znap``, a folder of zarr version 2."""
    path = path.with_suffix(".znap")
    (path / "SNAP").mkdir(parents=True)
    (path / ".zgroup").write_text('{"zarr_format" : 2}')
    top = {"product_scene_raster_height": made.shape[0], "product_scene_raster_width": made.shape[1]}
    if made.wkt:
        transform = ",".join(str(number) for number in made.transform)
        place = {
            "Coordinate_Reference_System": {"WKT": made.wkt},
            "Geoposition": {"IMAGE_TO_MODEL_TRANSFORM": transform},
        }
        top["geocoding"] = {"CrsGeoCoding": place}
    (path / ".zattrs").write_text(json.dumps(top))
    if made.metadata:
        elements = [_json(name, tree) for name, tree in made.metadata.items()]
        (path / "SNAP" / "product_metadata.json").write_text(json.dumps(elements))
    for name, (values, *place) in made.grids.items():
        facts = dict(zip(("offset_x", "offset_y", "subsampling_x", "subsampling_y"), place, strict=True))
        _zarr(path / name, values.astype("f4"), facts, compressed=compressed)
    for name, raw in made.bands.items():
        facts = {} if raw.factor == 1 else {"scale_factor": raw.factor}
        facts |= {"add_offset": raw.offset} if raw.offset else {}
        if raw.no_data is not None:
            facts |= {"no_data_value_used": True} | ({"_FillValue": raw.no_data} if raw.no_data else {})
        _zarr(path / name, raw.values, facts, compressed=compressed)
    for name in made.virtual:
        _zarr(path / name, np.zeros(made.shape, "f4"), {"virtual_band_expression": "atan2(q,i)"}, pixels=False)
    return path


def write_hdf5(path: Path, made: Made) -> Path:
    """Write ``name.h5``; SNAP keeps neither virtual bands, nor no-data values, nor a map grid."""
    path = path.with_suffix(".h5")
    with h5py.File(path, "w") as file:
        for name, (values, *place) in made.grids.items():
            item = file.create_dataset(f"tie_point_grids/{name}", data=values.astype("f4"))
            for key, value in zip(("offset_x", "offset_y", "sub_sampling_x", "sub_sampling_y"), place, strict=True):
                item.attrs.create(key, value, dtype="f8")
        _groups(file.create_group("metadata"), made.metadata)
        for name, raw in made.bands.items():
            item = file.create_dataset(f"bands/{name}", data=raw.values)
            item.attrs.create("scaling_factor", raw.factor, dtype="f8")
            item.attrs.create("scaling_offset", raw.offset, dtype="f8")
            item.attrs["log10_scaled"] = np.bytes_("false")
    return path


def write_netcdf(path: Path, made: Made, *, turned: bool = False) -> Path:
    """Write ``name.nc`` in the CF profile: tie points at full size, latitude and longitude as planes or as axes."""
    path = path.with_suffix(".nc")
    dims = ("lat", "lon") if made.wkt else ("y", "x")
    rows, columns = made.shape
    with h5py.File(path, "w") as file:
        file.attrs["Conventions"], file.attrs["TileSize"] = "CF-1.4", "512:512"
        axes = {dims[0]: np.arange(rows, dtype="f8"), dims[1]: np.arange(columns, dtype="f8")}
        if made.wkt:
            scale_x, _, _, scale_y, left, top = made.transform
            axes = {"lat": top + scale_y * (axes["lat"] + 0.5), "lon": left + scale_x * (axes["lon"] + 0.5)}
        for name, values in axes.items():
            file.create_dataset(name, data=values).make_scale(name)
        planes = dict(made.bands)
        for name, (values, *place) in made.grids.items():
            planes[name] = Raw(_full(values, place, made.shape).astype("f4"))
            if name in ("latitude", "longitude"):
                planes[name[:3]] = Raw(_full(values, place, made.shape))
        for name, raw in planes.items():
            item = file.create_dataset(name, data=raw.values.T if turned else raw.values)
            for axis, dimension in enumerate(dims[::-1] if turned else dims):
                item.dims[axis].attach_scale(file[dimension])
            facts = {} if raw.factor == 1 else {"scale_factor": raw.factor}
            facts |= {"add_offset": raw.offset} if raw.offset else {}
            for key, value in (facts | ({"_FillValue": raw.no_data} if raw.no_data is not None else {})).items():
                item.attrs.create(key, [value], dtype=raw.values.dtype if key == "_FillValue" else "f8")
        if made.metadata:
            _groups(file.create_group("metadata"), made.metadata)
    return path


def zipped(folder: Path) -> Path:
    """Turn a ``.znap`` folder into a ``.znap.zip``."""
    return Path(shutil.make_archive(str(folder), "zip", folder))


WRITERS = {"BEAM-DIMAP": write_dimap, "ZNAP": write_znap, "HDF5": write_hdf5, "NetCDF4-CF": write_netcdf}


def _full(values, place, shape):
    offset_x, offset_y, step_x, step_y = place
    x, y = (np.arange(shape[1]) - offset_x) / step_x, (np.arange(shape[0]) - offset_y) / step_y
    along = np.stack([np.interp(x, np.arange(values.shape[1]), row) for row in values])
    return np.stack([np.interp(y, np.arange(values.shape[0]), column) for column in along.T], axis=1)


def _leaf(parent, name, value):
    ElementTree.SubElement(parent, name).text = str(value)


def _envi(header: Path, values):
    rows, columns = values.shape
    kind = CLASSES[values.dtype.str[1:]]
    header.write_text(
        f"ENVI\nsamples = {columns}\nlines = {rows}\nbands = 1\nheader offset = 0\ndata type = {kind}\nbyte order = 1\n"
    )
    values.astype(values.dtype.newbyteorder(">")).tofile(header.with_suffix(".img"))


def _text(value):
    return value.strftime(UTC).upper() if isinstance(value, datetime) else value


def _elements(parent, tree):
    for name, value in tree.items():
        if isinstance(value, dict):
            _elements(ElementTree.SubElement(parent, "MDElem", name=name), value)
        else:
            ElementTree.SubElement(parent, "MDATTR", name=name).text = str(_text(value))


def _groups(parent, tree):
    for name, value in tree.items():
        if isinstance(value, dict):
            _groups(parent.create_group(name), value)
        else:
            text = _text(value)
            parent.attrs[name] = np.bytes_(text) if isinstance(text, str) else text


def _json(name, tree):
    inner = [_json(key, value) for key, value in tree.items() if isinstance(value, dict)]
    leaves = [{"name": key, "data": _data(value)} for key, value in tree.items() if not isinstance(value, dict)]
    return {"name": name, "attributes": leaves, "elements": inner}


def _data(value):
    if isinstance(value, datetime):
        since = value - datetime(2000, 1, 1)
        return {"type": "utc", "elems": [since.days, since.seconds, since.microseconds]}
    if isinstance(value, bool):
        return {"type": "uint8", "elems": base64.b64encode(bytes([value])).decode()}
    if isinstance(value, str):
        return {"type": "ascii", "elems": value}
    return {"type": "float64" if isinstance(value, float) else "int32", "elems": [value]}


def _zarr(folder: Path, values, facts, *, compressed=False, pixels=True):
    folder.mkdir()
    kind = values.dtype.newbyteorder(">").str if values.dtype.itemsize > 1 else values.dtype.str
    chunks = [max(1, -(-size // 2)) for size in values.shape]
    header = {"chunks": chunks, "compressor": {"id": "zlib", "level": 3} if compressed else None, "dtype": kind}
    header |= {"fill_value": 0.0, "filters": None, "order": "C", "shape": list(values.shape)}
    header |= {"dimension_separator": ".", "zarr_format": 2}
    (folder / ".zarray").write_text(json.dumps(header))
    (folder / ".zattrs").write_text(json.dumps(facts))
    for row in range(-(-values.shape[0] // chunks[0]) if pixels else 0):
        for column in range(-(-values.shape[1] // chunks[1])):
            piece = np.zeros(chunks, kind)
            part = values[row * chunks[0] : (row + 1) * chunks[0], column * chunks[1] : (column + 1) * chunks[1]]
            piece[: part.shape[0], : part.shape[1]] = part
            raw = piece.tobytes()
            (folder / f"{row}.{column}").write_bytes(zlib.compress(raw, 3) if compressed else raw)
