"""Tables of points: places, displacements along a line of sight, and usually the line of sight itself."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pyproj import CRS, Transformer

from epi.errors import EmptyScene, FileFormatError, MissingConvention, ParameterError
from epi.insar.product import LOOK, build
from epi.insar.readers.stated import METRES, Floats, Stated, check_size

COLUMNS: dict[str, str] = {
    "lon": "longitude, degrees east",
    "lat": "latitude, degrees north",
    "easting": "easting in the stated crs, m",
    "northing": "northing in the stated crs, m",
    "easting_km": "easting in the stated crs, km",
    "northing_km": "northing in the stated crs, km",
    "x": "east of any origin, m: a table without georeference",
    "y": "north of any origin, m",
    "x_km": "east of any origin, km",
    "y_km": "north of any origin, km",
    "height": "height, m",
    "los": "displacement along the line of sight, in the stated units",
    "e": "east component of the line-of-sight unit vector",
    "n": "north component of the line-of-sight unit vector",
    "u": "up component of the line-of-sight unit vector",
    "weight": "relative weight of the point",
    "ignore": "a column to leave out; may be repeated",
}
SYNONYMS = {"longitude": "lon", "latitude": "lat", "look_east": "e", "look_north": "n", "look_up": "u", "hgt": "height"}
POSITIONS = (("lon", "lat"), ("easting", "northing"), ("easting_km", "northing_km"), ("x", "y"), ("x_km", "y_km"))

SMALLEST_EXTENT_M = 500.0  # a table smaller than this has kilometres in columns of metres

Table = dict[str, Floats]


def read_points(
    path: str | Path,
    stated: Stated | None = None,
    *,
    columns: str | Sequence[str] | None = None,
    crs: str | int | CRS | None = None,
) -> xr.Dataset:
    """Read a table of points: numbers separated by blanks or commas, one point a line.

    Parameters
    ----------
    path : text file; a first line of names (``#`` allowed) names the columns.
    stated : the unit of ``los`` (m, cm or mm). Where the table has a vector (``e, n, u``), ``los`` is the displacement
        along it, so no sign or look may be stated: a vector that points down is flipped together with its ``los``.
        Where it has none, the sign and the look direction must be stated.
    columns : names out of ``COLUMNS`` in the file's order, e.g. ``"lon,lat,height,e,n,u,los,weight"``; they override
        a header.
    crs : of easting and northing, e.g. ``"EPSG:32610"``; longitude and latitude are WGS84.

    Returns
    -------
    A product of points with ``los_displacement`` positive toward the satellite and ``look_east/north/up`` pointing up;
    rows that are not finite are left out.

    Raises
    ------
    FileFormatError, EmptyScene, MissingConvention, ParameterError : as their names say, with what to do.
    """
    source, stated = Path(path), stated or Stated()
    header, rows = _parse(source)
    table = _name_columns(source.name, header, rows, columns)
    x, y, reference = _position(source.name, table, crs)
    vectors = {"e", "n", "u"} <= set(table)
    if vectors:
        variables, attrs = _along_vectors(source.name, table, stated)
    else:
        variables, attrs = _without_vectors(source.name, table, stated)
    for column, variable in (("height", "elevation"), ("weight", "weight")):
        if column in table:
            variables[variable] = table[column]
    keep = np.isfinite(variables["los_displacement"]) & np.isfinite(x) & np.isfinite(y)
    for name in LOOK:
        keep &= np.isfinite(variables[name])
    if not keep.any():
        raise EmptyScene(f"{source.name} holds no point with a finite place, displacement and line of sight.")
    variables = {name: np.broadcast_to(values, keep.shape)[keep] for name, values in variables.items()}
    facts = {"source_file": source.name, "stated_units": stated.units, "points_left_out": int((~keep).sum())}
    wavelength = {"wavelength": stated.metres_of_wave(source.name)}
    return build(variables, x=x[keep], y=y[keep], crs=reference, attrs=facts | attrs | wavelength, geometry="points")


def _parse(path: Path) -> tuple[list[str] | None, Floats]:
    """Return the names of a header line, if there is one, and the numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FileFormatError(f"{path.name} is not a text table: it holds bytes that are not text.") from None
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    header: list[str] | None = None
    rows: list[list[float]] = []
    for number, line in lines:
        tokens = [token for token in re.split(r"[,;\s]+", line.lstrip("#").strip()) if token]
        try:
            row = [float(token) for token in tokens]
        except ValueError:
            if rows:
                raise FileFormatError(f"{path.name}, line {number}: {line[:60]!r} is not a row of numbers.") from None
            header = tokens
            continue
        if rows and len(row) != len(rows[0]):
            raise FileFormatError(f"{path.name}, line {number}: {len(row)} columns, {len(rows[0])} in the first row.")
        rows.append(row)
    if not lines:
        raise EmptyScene(f"{path.name} is empty.")
    if not rows or not rows[0]:
        raise FileFormatError(f"{path.name} holds no row of numbers: it is not a point table.")
    return header, np.asarray(rows, dtype=float)


def _name_columns(name: str, header: list[str] | None, rows: Floats, columns: str | Sequence[str] | None) -> Table:
    """Return the table's columns by their name in ``COLUMNS``; unknown names of a header are left out."""
    count = rows.shape[1]
    if columns is not None:
        names = [part.strip() for part in (columns.split(",") if isinstance(columns, str) else columns)]
    elif header is not None:
        names = header
    else:
        raise MissingConvention(
            f"{name} has {count} columns and no header line: name them with columns, e.g. lon,lat,los,e,n,u; "
            f"names are {', '.join(COLUMNS)}."
        )
    names = [SYNONYMS.get(part.lower(), part.lower()) for part in names]
    if len(names) != count:
        raise FileFormatError(f"{name} has {count} columns, {len(names)} are named ({','.join(names)}): name each.")
    known = [part for part in names if part in COLUMNS and part != "ignore"]
    if columns is not None and (unknown := sorted(set(names) - set(COLUMNS))):
        raise ParameterError(f"Unknown column {', '.join(unknown)}: names are {', '.join(COLUMNS)}.")
    if len(set(known)) < len(known):
        raise ParameterError(f"A column is named twice in {','.join(names)}: name each once, or 'ignore'.")
    if "los" not in known:
        raise MissingConvention(f"{name} names no column 'los' among {','.join(names)}: say which one it is.")
    if 0 < len({"e", "n", "u"} & set(known)) < 3:
        raise FileFormatError(f"{name} names only part of a look vector ({','.join(names)}): it needs e, n and u.")
    return {part: rows[:, index] for index, part in enumerate(names) if part in known}


def _position(name: str, table: Table, crs: str | int | CRS | None) -> tuple[Floats, Floats, CRS | None]:
    """Return x, y in degrees or metres and their reference system."""
    pairs = [pair for pair in POSITIONS if set(pair) <= set(table)]
    if len(pairs) != 1:
        raise MissingConvention(
            f"{name} needs one pair of position columns, it names {len(pairs)}: one of "
            + "; ".join(",".join(pair) for pair in POSITIONS)
            + "."
        )
    pair = pairs[0]
    scale = 1e3 if pair[0].endswith("_km") else 1.0
    x, y = table[pair[0]] * scale, table[pair[1]] * scale
    reference = CRS.from_user_input(crs) if crs is not None else None
    if pair == ("lon", "lat"):
        reference = reference or CRS.from_epsg(4326)
        if not reference.is_geographic:
            raise ParameterError(f"{name} has columns lon,lat, but crs {crs} is not in degrees: leave the crs out.")
        if np.nanmax(np.abs(y)) > 90 or np.nanmax(np.abs(x)) > 360:
            raise FileFormatError(
                f"{name} has latitudes up to {np.nanmax(np.abs(y)):g}: are lon and lat in this order?"
            )
    elif pair[0].startswith("easting"):
        if reference is None:
            raise MissingConvention(
                f"{name} has eastings and northings of an unknown system: state crs, e.g. EPSG:32610, or name "
                "the columns x_km,y_km where there is no georeference."
            )
        check_area(name, x, y, reference)
    return x, y, reference


def check_area(name: str, x: Floats, y: Floats, crs: CRS) -> None:
    """Refuse coordinates that cannot be: km given as m, or far outside their reference system's area.

    Parameters
    ----------
    name : of the file, for the message. x, y : coordinates in ``crs``, any shape; NaN is ignored.

    Raises
    ------
    FileFormatError : with the extent and the place found.
    """
    longitude, latitude = Transformer.from_crs(crs, CRS.from_epsg(4326), always_xy=True).transform(
        np.nanmedian(x), np.nanmedian(y)
    )
    local = crs.is_projected and all(np.nanmin(each) <= 0 <= np.nanmax(each) for each in (x, y))
    area, margin = crs.area_of_use, 0.5 if local else 6.0  # degrees: a UTM zone's width, unless counted from any origin
    extent = max(float(np.ptp(x[np.isfinite(x)])), float(np.ptp(y[np.isfinite(y)])))
    inside = (crs.is_geographic or extent > SMALLEST_EXTENT_M) and (
        area is None
        or (
            area.south - margin <= latitude <= area.north + margin
            and (longitude - area.west + margin) % 360 <= ((area.east - area.west) % 360 or 360) + 2 * margin
        )
    )
    if not (np.isfinite([longitude, latitude]).all() and inside):
        unit = "degrees" if crs.is_geographic else "m"
        raise FileFormatError(
            f"{name} spans {extent:.4g} {unit} about latitude {latitude:.2f}, longitude {longitude:.2f} in {crs.name}: "
            "check the crs, and whether the coordinates are in km (a table's easting_km,northing_km) or local."
        )


def _along_vectors(name: str, table: Table, stated: Stated) -> tuple[Table, dict[str, Any]]:
    """Return displacement and look vectors pointing up, of a table that carries vectors."""
    if extra := [part for part in stated.given() if part in ("positive", "incidence", "heading", "pass_direction")]:
        raise ParameterError(
            f"{name} carries its line-of-sight vectors, and los is the displacement along them: "
            f"leave out {', '.join(extra)}."
        )
    if stated.units is None:
        raise MissingConvention(f"{name} does not say the unit of los: state units, one of m, cm, mm.")
    if stated.units not in METRES:
        raise ParameterError(f"{name} has displacements along vectors, which cannot be in rad: state m, cm or mm.")
    vector = np.stack([table[part] for part in ("e", "n", "u")])
    length = np.linalg.norm(vector, axis=0)
    if (worst := float(np.nanmax(np.abs(length - 1)))) > 0.02:
        raise FileFormatError(
            f"{name} has vectors e,n,u whose length differs from 1 by {worst:.3g}: check the columns."
        )
    up = np.where(vector[2] < 0, -1.0, 1.0)
    vector = vector / length * up
    displacement = table["los"] * up * METRES[stated.units]
    check_size(displacement, name, stated.units)
    variables = dict(zip(LOOK, vector, strict=True)) | {"los_displacement": displacement}
    return variables, {"look_source": "file", "vectors_flipped": int((up < 0).sum())}


def _without_vectors(name: str, table: Table, stated: Stated) -> tuple[Table, dict[str, Any]]:
    """Return displacement and look vectors of a table that carries none."""
    if stated.quantity == "wrapped":
        raise ParameterError(f"{name} is a point table: wrapped phase cannot be unwrapped there; give displacements.")
    if stated.units == "rad" and stated.quantity is None:
        stated = Stated(**{part: getattr(stated, part) for part in stated.given()} | {"quantity": "unwrapped"})
    look, attrs = stated.look(name)
    variables: Table = {part: np.full(table["los"].shape, value) for part, value in look.items()}
    variables["los_displacement"] = stated.variables(table["los"], name)["los_displacement"]
    return variables, attrs | {"stated_positive": stated.positive}
