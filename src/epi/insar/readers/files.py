"""Readers of interferograms that others made: whatever the file, a product comes out."""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import xarray as xr
from pyproj import CRS
from pyproj.exceptions import CRSError

from epi.errors import FileFormatError, NoGeoreference, ParameterError
from epi.insar.engines.snap_products import layout_of, read_snap
from epi.insar.product import build, load
from epi.insar.readers.points import check_area, read_points
from epi.insar.readers.stated import METRES, Floats, PassDirection, Positive, Quantity, Stated, Units

if TYPE_CHECKING:
    from epi.catalogue.events.read import Event

__all__ = ["Stated", "read_floats", "read_geotiff", "read_points", "read_product", "read_scene"]

PAR_KEYS = ("ifg_width", "ifg_length", "corner_x", "corner_y", "x_spacing", "y_spacing")
TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
HDF5_MAGIC = b"\x89HDF"


def read_scene(
    path: str | Path,
    *,
    quantity: Quantity | None = None,
    units: Units | None = None,
    positive: Positive | None = None,
    wavelength: float | None = None,
    incidence: float | None = None,
    heading: float | None = None,
    pass_direction: PassDirection | None = None,
    columns: str | Sequence[str] | None = None,
    crs: str | int | None = None,
    par: str | Path | None = None,
    coherence: str | Path | None = None,
    event: "Event | None" = None,
) -> xr.Dataset:
    """Read an interferogram of any supported kind into a product.

    Parameters
    ----------
    path : a product (``.nc``), what SNAP wrote (``.dim``, ``.znap``, ``.h5``, ``.nc``), a GeoTIFF, float32 pixels with
        a ``.par`` beside them, or a text table of points.
    quantity, units, positive, wavelength, incidence, heading, pass_direction : what the file does not say; see
        :class:`epi.insar.readers.stated.Stated`. A product says everything itself, and none may be stated for it.
    columns : names of a point table's columns, see :data:`epi.insar.readers.points.COLUMNS`.
    crs : of a file that does not carry its own.
    par : parameter file of float32 pixels; default the same name with the suffix ``.par``.
    coherence : a second file of the same kind and grid that holds the coherence [0, 1].
    event : the earthquake, kept in the product's attributes.

    Returns
    -------
    A valid product; what was stated is kept in its attributes.

    Raises
    ------
    FileFormatError : the file is missing, truncated or of no supported kind.
    MissingConvention : a unit, a sign or a look direction was not stated.
    ParameterError : something stated is not possible or contradicts the file.
    EmptyScene : no finite, non-zero sample. NoGeoreference : a GeoTIFF without a reference system.
    """
    source = Path(path)
    stated = Stated(
        quantity=quantity,
        units=units,
        positive=positive,
        wavelength=wavelength,
        incidence=incidence,
        heading=heading,
        pass_direction=pass_direction,
    )
    kind = kind_of(source, par)
    _refuse_unused(source.name, kind, {"columns": columns, "crs": crs, "par": par, "coherence": coherence})
    reference = _crs(crs)
    if kind == "product":
        ds = read_product(source, stated)
    elif kind == "SNAP product":
        if given := [name for name in stated.given() if name != "wavelength"]:
            raise ParameterError(f"{source.name} is SNAP's and states its conventions: leave out {', '.join(given)}.")
        ds = read_snap(source, wavelength=wavelength)
    elif kind == "GeoTIFF":
        ds = read_geotiff(source, stated, crs=reference, coherence=coherence)
    elif kind == "float file":
        ds = read_floats(source, stated, par=par, crs=reference, coherence=coherence)
    else:
        ds = read_points(source, stated, columns=columns, crs=reference)
    if event is not None:
        ds = ds.assign_attrs(event_id=event.event_id, event=json.dumps(event.to_dict()))
    return ds


def kind_of(path: str | Path, par: str | Path | None = None) -> str:
    """Return ``"product"``, ``"SNAP product"``, ``"GeoTIFF"``, ``"float file"`` or ``"point table"``, by its content.

    Raises
    ------
    FileFormatError : no such file, empty, or none of these.
    """
    source = Path(path)
    if layout_of(source) is not None:
        return "SNAP product"
    if not source.is_file():
        remedy = (
            "it is a folder that holds neither patches nor a SNAP product"
            if source.is_dir()
            else f"check the path, relative to {Path.cwd()}"
        )
        raise FileFormatError(f"No file {source}: {remedy}.")
    with source.open("rb") as stream:
        start = stream.read(4096)
    if not start:
        raise FileFormatError(f"{source.name} is empty (0 bytes): fetch or make it again.")
    if start[:4] == HDF5_MAGIC:
        return "product"
    if start[:4] in TIFF_MAGIC:
        return "GeoTIFF"
    if par is not None or (source.suffix != ".par" and source.with_suffix(".par").is_file()):
        return "float file"
    if b"\x00" not in start and all(byte >= 32 or byte in b"\t\r\n\f" for byte in start):
        return "point table"
    raise FileFormatError(
        f"{source.name} is no interferogram epi reads: give a product (.nc), what SNAP wrote, a GeoTIFF, a text "
        f"table of points, or float32 pixels with their parameters in {source.with_suffix('.par').name}."
    )


def read_product(path: str | Path, stated: Stated | None = None) -> xr.Dataset:
    """Read a product from NetCDF; it states its own conventions, so ``stated`` must be empty (ParameterError)."""
    if stated is not None and stated.given():
        raise ParameterError(
            f"{Path(path).name} is a product and states its own conventions: leave out {', '.join(stated.given())}."
        )
    return load(path)


def read_floats(
    path: str | Path,
    stated: Stated,
    *,
    par: str | Path | None = None,
    crs: CRS | None = None,
    coherence: str | Path | None = None,
) -> xr.Dataset:
    """Read float32 little-endian pixels as LiCSAR's and COMET's training material keeps them.

    Parameters
    ----------
    path : pixels, row after row; zero and NaN are no data.
    stated : unit, sign and look direction.
    par : text of ``key: value`` with ``ifg_width, ifg_length`` (pixels) and ``corner_x, corner_y, x_spacing,
        y_spacing`` (m, centre of the first pixel); default ``path`` with the suffix ``.par``.
    crs : of the corner; None where its metres are local, counted from any origin.
    coherence : float32 pixels [0, 1] of the same grid.
    """
    source = Path(path)
    facts = _read_par(Path(par) if par is not None else source.with_suffix(".par"))
    shape = int(facts["ifg_length"]), int(facts["ifg_width"])
    values = _floats(source, shape)
    x = facts["corner_x"] + facts["x_spacing"] * np.arange(shape[1])
    y = facts["corner_y"] + facts["y_spacing"] * np.arange(shape[0])
    extra = {"coherence": _coherent(_floats(Path(coherence), shape), coherence)} if coherence is not None else {}
    return _grid(source.name, values, stated, x=x, y=y, crs=crs, extra=extra)


def read_geotiff(
    path: str | Path, stated: Stated, *, crs: CRS | None = None, coherence: str | Path | None = None
) -> xr.Dataset:
    """Read a one-band GeoTIFF of displacement or phase.

    Parameters
    ----------
    path : one real band on a north-up grid; its nodata value and NaN are no data, and zero where it declares none.
    stated : unit, sign and look direction.
    crs : where the file carries none.
    coherence : a GeoTIFF of the coherence [0, 1] on the same grid.
    """
    source = Path(path)
    values, x, y, reference = _band(source)
    reference = reference or crs
    if reference is None:
        raise NoGeoreference(f"{source.name} carries no reference system: state crs, e.g. EPSG:4326.")
    extra = {}
    if coherence is not None:
        extra["coherence"] = _coherent(_band(Path(coherence))[0], coherence)
        if extra["coherence"].shape != values.shape:
            raise FileFormatError(f"{Path(coherence).name} and {source.name} differ in size: give the same grid.")
    return _grid(source.name, values, stated, x=x, y=y, crs=reference, extra=extra)


def _grid(
    name: str,
    values: Floats,
    stated: Stated,
    *,
    x: Floats,
    y: Floats,
    crs: CRS | None,
    extra: dict[str, Floats],
) -> xr.Dataset:
    """Build the product of a grid from its numbers and what is stated about them."""
    if crs is not None:
        check_area(name, x, y, crs)
    variables: dict[str, Any] = dict(stated.variables(values, name))
    look, attrs = stated.look(name)
    attrs |= {
        "source_file": name,
        "quantity": _quantity(variables, stated),
        "stated_units": stated.units or "rad",
        "stated_positive": stated.positive,
        "wavelength": stated.metres_of_wave(name, warn="unwrapped_phase" not in variables),
    }
    return build(variables | look | extra | {"valid": np.isfinite(values)}, x=x, y=y, crs=crs, attrs=attrs)


def _coherent(values: Floats, path: str | Path) -> Floats:
    """Return a file's coherence; ParameterError where it holds something else."""
    low, high = np.nanmin(values, initial=0.0), np.nanmax(values, initial=0.0)
    if low < 0 or high > 1 + 1e-5:
        raise ParameterError(f"{Path(path).name} spans {low:.4g} to {high:.4g}: coherence lies between 0 and 1.")
    return values


def _quantity(variables: dict[str, Any], stated: Stated) -> str:
    """Return what the file's numbers were taken for."""
    if "unwrapped_phase" not in variables:
        return "wrapped"
    return "displacement" if stated.units in METRES else "unwrapped"


def _read_par(path: Path) -> dict[str, float]:
    """Return the numbers of a ``.par`` file."""
    if not path.is_file():
        raise FileFormatError(f"No parameter file {path}: give par, the text file with {', '.join(PAR_KEYS)}.")
    facts: dict[str, float] = {}
    for line in path.read_text(errors="replace").splitlines():
        key, _, value = line.partition(":")
        try:
            facts[key.strip()] = float(value.split()[0])
        except (ValueError, IndexError):
            continue
    if missing := [key for key in PAR_KEYS if key not in facts]:
        raise FileFormatError(f"{path.name} lacks {', '.join(missing)}: a parameter file holds 'key: value' lines.")
    if facts["ifg_width"] < 1 or facts["ifg_length"] < 1 or not facts["x_spacing"] or not facts["y_spacing"]:
        raise FileFormatError(f"{path.name} gives an empty grid: width, length and spacings must not be zero.")
    return facts


def _floats(path: Path, shape: tuple[int, int]) -> Floats:
    """Return float32 pixels as a grid, zero as NaN."""
    if not path.is_file():
        raise FileFormatError(f"No file {path}: check the path, relative to {Path.cwd()}.")
    expected, found = 4 * shape[0] * shape[1], path.stat().st_size
    if found != expected:
        raise FileFormatError(
            f"{path.name} holds {found} bytes, {shape[0]} x {shape[1]} float32 pixels make {expected}: "
            "the file is truncated, of another kind, or its .par belongs to another file."
        )
    values = np.fromfile(path, dtype="<f4").astype(float).reshape(shape)
    values[values == 0] = np.nan
    if np.isinf(values).any() or (np.isfinite(values).any() and np.nanmax(np.abs(values)) > 1e6):
        raise FileFormatError(f"{path.name} holds no sensible numbers as little-endian float32: convert it first.")
    return values


def _band(path: Path) -> tuple[Floats, Floats, Floats, CRS | None]:
    """Return a GeoTIFF's band (NaN for no data), its pixel centres and its reference system."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)  # stated by the caller of this
            image = rasterio.open(path)
        with image:
            count, kind, transform, nodata = image.count, image.dtypes[0], image.transform, image.nodata
            if count != 1 or "complex" in kind:
                raise FileFormatError(f"{path.name} has {count} band(s) of {kind}: give one band of real numbers.")
            values = image.read(1).astype(float)
            reference = CRS.from_wkt(image.crs.to_wkt()) if image.crs else None
    except rasterio.errors.RasterioError as error:
        raise FileFormatError(f"{path.name} cannot be read as a GeoTIFF ({error}): it may be truncated.") from error
    if transform.b or transform.d:
        raise FileFormatError(f"{path.name} is a rotated grid: warp it to north-up first (gdalwarp).")
    values[values == (0.0 if nodata is None else nodata)] = np.nan
    rows, columns = values.shape
    x = transform.c + transform.a * (np.arange(columns) + 0.5)
    y = transform.f + transform.e * (np.arange(rows) + 0.5)
    return values, x, y, reference


def _crs(crs: str | int | None) -> CRS | None:
    """Return a reference system by its name; ParameterError where pyproj knows none."""
    try:
        return CRS.from_user_input(crs) if crs is not None else None
    except CRSError:
        raise ParameterError(f"Unknown crs {crs!r}: give an EPSG code such as EPSG:32634.") from None


def _refuse_unused(name: str, kind: str, options: dict[str, object]) -> None:
    """Refuse options that mean nothing for this kind of file."""
    used = {
        "product": (),
        "SNAP product": (),
        "GeoTIFF": ("crs", "coherence"),
        "float file": ("crs", "par", "coherence"),
        "point table": ("columns", "crs"),
    }[kind]
    if unused := [option for option, value in options.items() if value is not None and option not in used]:
        raise ParameterError(f"{name} is a {kind}, for which {', '.join(unused)} means nothing: leave it out.")
