"""The manifest of a simulated product: what is in it, where and when it was taken, and by what."""

import hashlib
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np

from epi.simulate.safe.entries import data_take, last_time
from epi.simulate.slc.plan import Exposure

_SAFE = "http://www.esa.int/safe/sentinel-1.0"
_NAMESPACES = {
    "gml": "http://www.opengis.net/gml",
    "xfdu": "urn:ccsds:schema:xfdu:1",
    "safe": _SAFE,
    "s1": f"{_SAFE}/sentinel-1",
    "s1sar": f"{_SAFE}/sentinel-1/sar",
    "s1sarl1": f"{_SAFE}/sentinel-1/sar/level-1",
}
_FIRST_CYCLE_ORBIT = {"S1A": 73, "S1B": 27}  # see epi.catalogue.images.scenes
_NSSDC = {"S1A": "2014-016A", "S1B": "2016-025A"}

SCHEMAS = {
    "s1Level1ProductSchema": "s1-level-1-product.xsd",
    "s1Level1NoiseSchema": "s1-level-1-noise.xsd",
    "s1Level1CalibrationSchema": "s1-level-1-calibration.xsd",
    "s1ObjectTypesSchema": "s1-object-types.xsd",
    "s1Level1MeasurementSchema": "s1-level-1-measurement.xsd",
}
"""Kinds of files by the name the manifest gives them. The schemas themselves are not written."""


def manifest_xml(exposures: list[Exposure], objects: list[tuple[str, str, Path]]) -> bytes:
    """The manifest of a product.

    Parameters
    ----------
    exposures : its images.
    objects : identifier, schema and path of every file; each image has product, noise, calibration and measurement.
    """
    for prefix, address in _NAMESPACES.items():
        ET.register_namespace(prefix, address)
    root = ET.Element(_tag("xfdu:XFDU"))
    root.set("version", "esa/safe/sentinel-1.0/sentinel-1/sar/level-1/slc/standard/iwdp")
    _information(root, objects)
    section = ET.SubElement(root, "metadataSection")
    for identifier, schema, _ in objects:
        if schema != "s1Level1MeasurementSchema":
            entry = _metadata(section, f"{identifier}Annotation", "DMD")
            ET.SubElement(entry, "dataObjectPointer", dataObjectID=identifier)
    for name, content in _described(exposures).items():
        wrap = ET.SubElement(
            _metadata(section, name, "PDI" if name == "processing" else "DMD"),
            "metadataWrap",
            mimeType="text/xml",
            vocabularyName="SAFE",
            textInfo=content[0],
        )
        ET.SubElement(wrap, "xmlData").append(_element(content[1]))
    for name, file in SCHEMAS.items():
        ET.SubElement(
            _metadata(section, name, "REP"),
            "metadataReference",
            mimeType="text/xml",
            vocabularyName="XML Schema",
            locatorType="URL",
            href=f"./support/{file}",
        )
    files = ET.SubElement(root, "dataObjectSection")
    for identifier, schema, path in objects:
        _data_object(files, identifier, schema, path)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def _information(root: ET.Element, objects: list[tuple[str, str, Path]]) -> None:
    """The map of what belongs to what."""
    package = ET.SubElement(ET.SubElement(root, "informationPackageMap"), _tag("xfdu:contentUnit"))
    package.set("unitType", "SAFE Archive Information Package")
    package.set("textInfo", "Sentinel-1 IW Level-1 SLC Product")
    package.set(
        "dmdID", "acquisitionPeriod platform generalProductInformation measurementOrbitReference measurementFrameSet"
    )
    package.set("pdiID", "processing")
    for index, (identifier, schema, _) in enumerate(objects):
        pixels = schema == "s1Level1MeasurementSchema"
        unit = ET.SubElement(package, _tag("xfdu:contentUnit"))
        unit.set("unitType", "Measurement Data Unit" if pixels else "Metadata Unit")
        unit.set("repID", schema)
        if pixels:
            unit.set("dmdID", " ".join(f"{name}Annotation" for name, *_ in objects[index - 3 : index]))
        ET.SubElement(unit, "dataObjectPointer", dataObjectID=identifier)


def _metadata(section: ET.Element, name: str, category: str) -> ET.Element:
    classes = {"DMD": "DESCRIPTION", "PDI": "PROVENANCE", "REP": "SYNTAX"}
    return ET.SubElement(section, "metadataObject", ID=name, classification=classes[category], category=category)


def _data_object(section: ET.Element, identifier: str, schema: str, path: Path) -> None:
    pixels = schema == "s1Level1MeasurementSchema"
    stream = ET.SubElement(
        ET.SubElement(section, "dataObject", ID=identifier, repID=schema),
        "byteStream",
        mimeType="application/octet-stream" if pixels else "text/xml",
        size=str(path.stat().st_size),
    )
    parents = 1 if pixels or schema == "s1Level1ProductSchema" else 2
    place = path.relative_to(path.parents[parents]).as_posix()
    ET.SubElement(stream, "fileLocation", locatorType="URL", href=f"./{place}")
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    ET.SubElement(stream, "checksum", checksumName="MD5").text = digest


def _described(exposures: list[Exposure]) -> dict[str, tuple[str, Any]]:
    """What the manifest says of the product, by name: a title and an entry (tag, content, attributes)."""
    exposure = exposures[0]
    image = exposure.image
    start = min(each.image.bursts[0].azimuth_time for each in exposures)
    stop = max(last_time(each) for each in exposures)
    begin, end = (_stamp(time) for time in (start, stop))
    after_node = [float((time - exposure.flight.node_time) / np.timedelta64(1, "us")) / 1000 for time in (start, stop)]
    orbit = [
        *(("safe:orbitNumber", image.orbit_number, {"type": side}) for side in ("start", "stop")),
        *(("safe:relativeOrbitNumber", image.track, {"type": side}) for side in ("start", "stop")),
        ("safe:cycleNumber", (image.orbit_number - _FIRST_CYCLE_ORBIT[image.platform]) // 175 + 1),
        ("safe:phaseIdentifier", 1),
        (
            "safe:extension",
            [
                (
                    "s1:orbitProperties",
                    [
                        ("s1:pass", image.direction.upper()),
                        ("s1:ascendingNodeTime", _stamp(exposure.flight.node_time)),
                    ],
                )
            ],
        ),
    ]
    software = ("safe:software", None, {"name": "epi simulator", "version": "1"})
    facility = ("safe:facility", [software], {"country": "", "name": "simulated", "organisation": "", "site": ""})
    mode = (
        "s1sarl1:instrumentMode",
        [("s1sarl1:mode", "IW"), *(("s1sarl1:swath", e.image.subswath) for e in exposures)],
    )
    instrument = [
        ("safe:familyName", "Synthetic Aperture Radar", {"abbreviation": "SAR"}),
        ("safe:extension", [mode]),
    ]
    platform = [
        ("safe:nssdcIdentifier", _NSSDC[image.platform]),
        ("safe:familyName", "SENTINEL-1"),
        ("safe:number", image.platform[-1]),
        ("safe:instrument", instrument),
    ]
    general = [
        ("s1sarl1:instrumentConfigurationID", 7),
        ("s1sarl1:missionDataTakeID", data_take(exposure)),
        ("s1sarl1:transmitterReceiverPolarisation", image.polarisation),
        ("s1sarl1:productClass", "S"),
        ("s1sarl1:productClassDescription", "SAR Standard L1 Product"),
        ("s1sarl1:productComposition", "Slice"),
        ("s1sarl1:productType", "SLC"),
        ("s1sarl1:productTimelinessCategory", "Fast-24h"),
        ("s1sarl1:sliceProductFlag", "true"),
        ("s1sarl1:segmentStartTime", begin),
        ("s1sarl1:sliceNumber", 1),
        ("s1sarl1:totalSlices", 1),
    ]
    acquisition = [
        ("safe:startTime", begin),
        ("safe:stopTime", end),
        (
            "safe:extension",
            [
                (
                    "s1:timeANX",
                    [("s1:startTimeANX", f"{after_node[0]:.6e}"), ("s1:stopTimeANX", f"{after_node[1]:.6e}")],
                )
            ],
        ),
    ]
    outline = ("gml:coordinates", _outline(exposures))
    srs = {"srsName": "http://www.opengis.net/gml/srs/epsg.xml#4326"}
    frame = [("safe:frame", [("safe:footPrint", [outline], srs)])]
    return {
        "processing": (
            "Processing",
            ("safe:processing", [facility], {"name": "SLC simulation", "start": begin, "stop": end}),
        ),
        "platform": ("Platform Description", ("safe:platform", platform)),
        "measurementOrbitReference": ("Orbit Reference", ("safe:orbitReference", orbit)),
        "generalProductInformation": (
            "General Product Information",
            ("s1sarl1:standAloneProductInformation", general),
        ),
        "acquisitionPeriod": ("Acquisition Period", ("safe:acquisitionPeriod", acquisition)),
        "measurementFrameSet": ("Frame Set", ("safe:frameSet", frame)),
    }


def _outline(exposures: list[Exposure]) -> str:
    """Corners of the product, latitude and longitude: last line near and far, first line far and near."""
    near, far = exposures[0].image.grid, exposures[-1].image.grid
    corners = [
        (grid.latitude[row, column], grid.longitude[row, column])
        for grid, row, column in ((near, -1, 0), (far, -1, -1), (far, 0, -1), (near, 0, 0))
    ]
    return " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude in corners)


def _stamp(time: np.datetime64) -> str:
    return str(time.astype("datetime64[us]"))


def _tag(name: str) -> str:
    prefix, local = name.split(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _element(entry: tuple[Any, ...]) -> ET.Element:
    """Turn (prefixed tag, content, attributes) into an element with its namespace."""
    tag, content, *rest = entry
    made = ET.Element(_tag(tag), rest[0] if rest else {})
    if isinstance(content, list):
        made.extend([_element(child) for child in content])
    elif content is not None:
        made.text = str(content)
    return made
