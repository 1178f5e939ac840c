"""Answers of the archives, in the forms they are saved in, to scenes."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import yaml
from shapely.geometry import MultiPolygon, Polygon, shape

from epi.catalogue.events.cells import read_cells
from epi.catalogue.events.event import utc
from epi.catalogue.images.scenes import (
    ORBITS_PER_CYCLE,
    OrbitState,
    Scene,
    integer,
    is_product_name,
    known,
    scene_from_name,
)
from epi.errors import FileFormatError
from epi.settings import settings

SCENES_FILE = "scenes.csv"
"""Name of the shipped table of scenes inside the data folder."""

_NEEDED = ("name", "platform", "start", "stop")
"""Columns without which a row is no scene; what else a table lacks is unknown."""

CDSE_DOWNLOAD = "https://download.dataspace.copernicus.eu/odata/v1"
"""Where the Copernicus Data Space gives out the products its catalogue lists."""


def read_scenes(path: str | Path | None = None) -> list[Scene]:
    """Read the scenes an archive answered with.

    Parameters
    ----------
    path : the shipped table of facts by default; else a CSV file with its columns, or JSON or YAML: an answer of the
        Alaska Satellite Facility (GeoJSON or a list of features), records of NASA's CMR (UMM), or an answer of the
        Copernicus Data Space (OData, with its attributes).

    Returns
    -------
    The scenes in the order of the file. What a record lacks is taken from its UMM part, then from the product name;
    what is still unknown is None or empty, and pair matching says so.

    Raises
    ------
    FileFormatError : the file is missing, of another kind, or holds no record, or a record has no name or time or
        cannot be read; of a CSV file it is named by line and column.
    """
    if "://" in str(path):  # nothing of it is shown: an address may hold a password
        raise FileFormatError("An address is no file of scenes: name an archive to ask (asf, cdse), or a saved answer.")
    file = settings().data / SCENES_FILE if path is None else Path(path)
    try:
        if file.suffix.lower() == ".csv":
            return _table(file)
        text = file.read_text(encoding="utf-8")
        answer = _load_yaml(text) if file.suffix.lower() in (".yml", ".yaml") else json.loads(text)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise FileFormatError(f"No scenes at {file}: give a CSV, JSON or YAML file of archive records.") from error
    except FileFormatError:
        raise
    except (ValueError, KeyError, TypeError, yaml.YAMLError, shapely.errors.ShapelyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(
            f"{file} holds no scenes that can be read ({reason}): save the archive's answer again."
        ) from error
    scenes = scenes_of(answer, str(file))
    if not scenes:
        raise FileFormatError(f"{file} holds no archive record: expected features of an ASF or CMR answer.")
    return scenes


def scenes_of(answer: object, where: str) -> list[Scene]:
    """Turn what an archive answered into scenes, in its order; an empty answer gives none.

    Parameters
    ----------
    answer : decoded JSON or YAML in any of the forms of `read_scenes`.
    where : names the answer in an error.

    Raises
    ------
    FileFormatError : a record has no name or time, or holds what cannot be read.
    """
    return [_scene(record, f"record {number} of {where}") for number, record in enumerate(_records(answer), 1)]


def _table(file: Path) -> list[Scene]:
    """Read a CSV file with the columns of the shipped table; a fault is named by line and column."""
    cells = read_cells(file)
    if lacks := [name for name in _NEEDED if name not in cells]:
        raise FileFormatError(f"{file}, line 1: no column {' and no column '.join(lacks)}. A scene needs them.")
    for name in ("name", "platform"):
        cells.refuse(cells.unknown(name), name, f"no {name}")
    cells.refuse(cells.times("stop") < cells.times("start"), "stop", "{} is before the start")
    if not cells.unknown("node").all():
        cells.where(~cells.unknown("node")).times("node")
    cells.numbers("track", low=1, high=ORBITS_PER_CYCLE)
    for name in ("frame", "bytes"):
        cells.numbers(name, low=0)
    sides = cells.text("direction").isin(["ascending", "descending"]) | cells.unknown("direction")
    cells.refuse(~sides, "direction", "{} is neither ascending nor descending")
    for row, text in enumerate(cells.text("footprint")):
        try:
            ground = shapely.from_wkt(text) if known(text) else None
        except shapely.errors.ShapelyError:
            raise cells.fault(row, "footprint", f"{text[:60]!r} is no WKT such as POLYGON ((0 1, …))") from None
        if ground is not None and not isinstance(ground, Polygon | MultiPolygon):
            raise cells.fault(row, "footprint", f"{ground.geom_type} is no area")
    columns = [str(name) for name in cells.table]
    rows = zip(*(cells.text(name).mask(cells.unknown(name), "") for name in columns), strict=True)
    return [Scene.from_dict(dict(zip(columns, row, strict=True))) for row in rows]


def _load_yaml(text: str) -> object:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _records(answer: object) -> Iterable[dict[str, Any]]:
    """Find the records in an answer: a list, a feature collection, CMR ``items``, or one record alone."""
    if isinstance(answer, list):
        for item in answer:
            yield from _records(item)
    elif isinstance(answer, dict):
        if "properties" in answer or "umm" in answer or "ContentDate" in answer:
            yield answer
        else:
            for key in ("features", "items", "results", "value"):
                yield from _records(answer.get(key))


def _scene(record: dict[str, Any], where: str) -> Scene:
    try:
        return _scene_of(record, where)
    except FileFormatError:
        raise
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{where} cannot be read ({reason}): save the archive's answer again.") from error


def _scene_of(record: dict[str, Any], where: str) -> Scene:
    """Build a scene from one record: its properties, then its UMM part, then its product name."""
    facts = _odata_facts(record) if "ContentDate" in record else _umm_facts(record.get("umm") or {})
    facts |= {key: value for key, value in (record.get("properties") or {}).items() if known(value)}
    name = str(facts.get("sceneName", ""))
    named = scene_from_name(name) if is_product_name(name) else None
    start = facts.get("startTime") or (named.start if named else None)
    stop = facts.get("stopTime") or (named.stop if named else None)
    if not name or start is None:
        raise FileFormatError(f"{where} has no {'start time' if name else 'name'}: save the archive's answer again.")
    state = _state(record.get("baseline") or {})
    polarisations = tuple(str(facts["polarization"]).split("+")) if "polarization" in facts else ()
    level = str(facts.get("processingLevel") or (named.level if named else ""))
    return Scene(
        name=name,
        platform=_platform(str(facts.get("platform") or (named.platform if named else ""))),
        start=utc(start),
        stop=utc(stop or start),
        track=integer(facts.get("pathNumber")) or (named.track if named else None),
        frame=integer(facts.get("frameNumber")),
        direction=_direction(facts.get("flightDirection"), state),
        polarisations=polarisations or (named.polarisations if named else ()),
        mode=str(facts.get("beamModeType") or (named.mode if named else "")),
        level=level.split("_")[0],
        footprint=_footprint(record.get("geometry") or record.get("GeoFootprint"), facts.get("points")),
        url=str(facts.get("url", "")),
        bytes=integer(facts.get("bytes")),
        md5=str(facts.get("md5sum", "")),
        burst=str((facts.get("burst") or {}).get("fullBurstID", "")),
        version=str(facts.get("pgeVersion", "")),
        state=state,
        node=utc(facts["node"]) if "node" in facts else None,
    )


def _umm_facts(umm: dict[str, Any]) -> dict[str, Any]:
    """Translate CMR's record (UMM-G) into ASF's property names."""
    extra = {item["Name"]: item["Values"][0] for item in umm.get("AdditionalAttributes", []) if item.get("Values")}
    span = umm.get("TemporalExtent", {}).get("RangeDateTime", {})
    kinds = ("GET DATA", "USE SERVICE API")  # the second is where single bursts are cut out
    urls = [item.get("URL") for item in umm.get("RelatedUrls", []) if item.get("Type") in kinds]
    polygons = umm.get("SpatialExtent", {}).get("HorizontalSpatialDomain", {}).get("Geometry", {}).get("GPolygons", [])
    facts = {
        "sceneName": re.sub(r"-(SLC|GRD\w*|RAW|OCN)$", "", str(umm.get("GranuleUR", ""))),
        "startTime": span.get("BeginningDateTime"),
        "stopTime": span.get("EndingDateTime"),
        "pathNumber": extra.get("PATH_NUMBER"),
        "frameNumber": extra.get("FRAME_NUMBER"),
        "flightDirection": extra.get("ASCENDING_DESCENDING"),
        "polarization": extra.get("POLARIZATION"),
        "beamModeType": extra.get("BEAM_MODE_TYPE") or extra.get("BEAM_MODE"),
        "processingLevel": extra.get("PROCESSING_TYPE"),
        "platform": (umm.get("Platforms") or [{}])[0].get("ShortName"),
        "bytes": extra.get("BYTES") or extra.get("BYTE_LENGTH"),
        "md5sum": extra.get("MD5SUM"),
        "pgeVersion": umm.get("PGEVersionClass", {}).get("PGEVersion"),
        "url": urls[0] if urls else None,
        "burst": {"fullBurstID": extra["BURST_ID_FULL"]} if "BURST_ID_FULL" in extra else None,
        "node": extra.get("ASC_NODE_TIME"),
        "points": polygons[0]["Boundary"]["Points"] if polygons else None,
    }
    return {key: value for key, value in facts.items() if known(value)}


def _odata_facts(record: dict[str, Any]) -> dict[str, Any]:
    """Translate the Copernicus Data Space's record (OData, its attributes expanded) into ASF's property names."""
    extra = {item["Name"]: item["Value"] for item in record.get("Attributes") or []}
    sums = {item.get("Algorithm"): item.get("Value") for item in record.get("Checksum") or []}
    facts = {
        "sceneName": str(record.get("Name", "")).removesuffix(".SAFE"),
        "startTime": record["ContentDate"].get("Start"),
        "stopTime": record["ContentDate"].get("End"),
        "pathNumber": extra.get("relativeOrbitNumber"),
        "flightDirection": extra.get("orbitDirection"),
        "polarization": str(extra.get("polarisationChannels") or "").replace("&", "+").replace(",", "+"),
        "beamModeType": extra.get("operationalMode"),
        "bytes": record.get("ContentLength"),
        "md5sum": sums.get("MD5"),
        "pgeVersion": extra.get("processorVersion"),
        "url": f"{CDSE_DOWNLOAD}/Products({record['Id']})/$value" if "Id" in record else None,
    }
    return {key: value for key, value in facts.items() if known(value)}


def _platform(text: str) -> str:
    """Return ``S1A`` for ``Sentinel-1A``, ``SENTINEL-1A`` and ``S1A``."""
    return re.sub(r"(?i)^sentinel-1", "S1", text).upper()


def _direction(text: object, state: OrbitState | None) -> str | None:
    """Return the pass from the record, else from the orbit: northward is ascending."""
    if known(text):
        return {"A": "ascending", "D": "descending"}.get(str(text).upper()[0])
    return None if state is None else ("ascending" if state.velocities[0, 2] > 0 else "descending")


def _footprint(geometry: dict[str, Any] | None, points: list[dict[str, float]] | None) -> Polygon | MultiPolygon | None:
    if geometry and geometry.get("coordinates"):
        return shape(geometry)
    if points:
        return Polygon([(point["Longitude"], point["Latitude"]) for point in points])
    return None


def _state(baseline: dict[str, Any]) -> OrbitState | None:
    """Read ASF's pair of state vectors; None unless positions, velocities and their times are all there."""
    vectors = baseline.get("stateVectors") or {}
    positions, velocities = vectors.get("positions") or {}, vectors.get("velocities") or {}
    found = [positions.get(f"{side}Position") for side in ("pre", "post")]
    found += [velocities.get(f"{side}Velocity") for side in ("pre", "post")]
    times = [positions.get(f"{side}PositionTime") for side in ("pre", "post")]
    if not all(known(value) for value in (*times, *map(str, found))):
        return None
    numbers = np.asarray(found, dtype=float)
    return OrbitState((utc(str(times[0])), utc(str(times[1]))), numbers[:2], numbers[2:])
