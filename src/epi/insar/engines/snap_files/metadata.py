"""What SNAP writes about a product: its tree of metadata, and the facts the field asks of it.

Times are ``datetime64[ns]`` in UTC. SNAP writes 99999, ``-`` or nothing for what it does not know.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import h5py
import numpy as np

from epi.errors import MissingConvention
from epi.insar.slc.annotation import SPEED_OF_LIGHT
from epi.insar.slc.orbits import Orbit

TREES = ("Abstracted_Metadata", "Processing_Graph", "Slave_Metadata", "Secondary_Metadata")  # what is read of it
BLANK = (None, "", "-", 99999, 99999.0)
DAY_ZERO = np.datetime64("2000-01-01", "ns")  # SNAP counts days from it
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

Metadata = dict[str, Any]


def tree_of_json(elements: list[dict[str, Any]]) -> Metadata:
    """Return the tree of a ZNAP product's ``SNAP/product_metadata.json``."""
    return {part["name"]: _json_element(part) for part in elements if part["name"] in TREES}


def tree_of_xml(root: ElementTree.Element) -> Metadata:
    """Return the tree under a DIMAP product's ``MDElem`` of metadata."""
    return {name: _xml_element(part) for part in root.iterfind("MDElem") if (name := part.get("name", "")) in TREES}


def tree_of_hdf(group: h5py.Group | None) -> Metadata:
    """Return the tree of the group ``metadata`` of HDF5 or NetCDF-4; empty where there is none."""
    if not isinstance(group, h5py.Group):
        return {}
    return {name: _hdf_element(group[name]) for name in TREES if name in group}


def plain(value: object) -> object:
    """Return a scalar attribute of HDF5 as a text or a number; arrays stay."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    if isinstance(value, bytes):
        return value.decode(errors="replace").rstrip("\x00")
    return value.item() if isinstance(value, np.generic) else value


def attributes(item: h5py.HLObject) -> Metadata:
    """Return the attributes of a group or a dataset of HDF5 as texts and numbers."""
    return {name: plain(value) for name, value in item.attrs.items()}


def utc(value: object) -> np.datetime64 | None:
    """Return a time as SNAP writes it, ``31-MAR-2023 05:50:35.812250``; None where it is not one."""
    if isinstance(value, np.datetime64):
        return value
    try:
        day, month, rest = str(value).split("-")
        year, clock = rest.split()
        return np.datetime64(f"{year}-{MONTHS.index(month.title()) + 1:02d}-{int(day):02d}T{clock}", "ns")
    except ValueError:
        return None


def day_of(text: str) -> np.datetime64:
    """Return the day of a date in a band's name, ``19Mar2023``."""
    return np.datetime64(f"{text[5:]}-{MONTHS.index(text[2:5].title()) + 1:02d}-{text[:2]}", "D")


def name_of(day: np.datetime64) -> str:
    """Return a day as SNAP writes it in names, ``19Mar2023``."""
    year, month, date = str(day).split("-")
    return f"{date}{MONTHS[int(month) - 1]}{year}"


def fact(metadata: Metadata, name: str) -> object:
    """Return an entry of ``Abstracted_Metadata``, or None where SNAP left it blank."""
    value = metadata.get("Abstracted_Metadata", {}).get(name)
    return None if value in BLANK else value


def number(metadata: Metadata, name: str) -> float | None:
    """Return a number of ``Abstracted_Metadata``, or None where it is blank."""
    value = fact(metadata, name)
    if not isinstance(value, str | int | float):
        return None
    try:
        return None if float(value) in BLANK else float(value)
    except ValueError:
        return None


def wavelength(metadata: Metadata, name: str) -> float:
    """Return the radar wavelength in metres from ``radar_frequency`` in MHz; MissingConvention where it is blank."""
    frequency = number(metadata, "radar_frequency")
    if frequency is None or frequency <= 0:
        raise MissingConvention(
            f"{name} does not state its radar frequency (Abstracted_Metadata/radar_frequency): state wavelength in "
            "metres (Sentinel-1: 0.05546576), or write the product with its metadata."
        )
    return SPEED_OF_LIGHT / (frequency * 1e6)


def products(metadata: Metadata) -> list[Metadata]:
    """Return the metadata of every date of a stack, SNAP's own reference first."""
    first = metadata.get("Abstracted_Metadata", {})
    others = (metadata.get(name, {}) for name in ("Slave_Metadata", "Secondary_Metadata"))
    return [first, *(part for tree in others for part in tree.values() if isinstance(part, dict))]


def days(metadata: Metadata) -> list[np.datetime64]:
    """Return the days of a stack's products, SNAP's own reference first."""
    times = (utc(product.get("first_line_time")) for product in products(metadata))
    return [time.astype("datetime64[D]") for time in times if time is not None]


def product_of(metadata: Metadata, day: np.datetime64) -> Metadata:
    """Return the metadata of one day's product; empty where there is none."""
    for product in products(metadata):
        time = utc(product.get("first_line_time"))
        if time is not None and time.astype("datetime64[D]") == day:
            return product
    return {}


def perpendicular_baseline(metadata: Metadata, reference: np.datetime64, secondary: np.datetime64) -> float | None:
    """Return SNAP's perpendicular baseline (m, its sign) from one day to another, or None where it states none."""
    table = metadata.get("Abstracted_Metadata", {}).get("Baselines", {})
    for first, second, sign in ((reference, secondary, 1), (secondary, reference, -1)):
        row = _ending(table, name_of(first))
        value = _ending(row, name_of(second)).get("Perp Baseline")
        if value is not None:
            return sign * float(value)
    return None


def orbit(product: Metadata) -> Orbit | None:
    """Return the state vectors of one product of a stack (see :func:`products`), or None where it holds none."""
    vectors = [part for part in product.get("Orbit_State_Vectors", {}).values() if isinstance(part, dict)]
    times = [utc(vector.get("time")) for vector in vectors]
    if not vectors or None in times:
        return None
    order = np.argsort(np.array(times, dtype="datetime64[ns]"))
    fields = [f"{axis}_{part}" for part in ("pos", "vel") for axis in "xyz"]
    numbers = np.array([[float(vector[name]) for name in fields] for vector in vectors])
    source = orbit_source(product)
    kind = orbit_kind(source)
    time = np.array(times, dtype="datetime64[ns]")[order]
    return Orbit(time=time, position=numbers[order, :3], velocity=numbers[order, 3:], kind=kind, source=source)


def orbit_source(product: Metadata) -> str:
    """Return the orbit file a product's vectors were read from, or ``annotation``."""
    words = str(product.get("orbit_state_vector_file", "")).split()
    return next((word for word in words if "ORB_" in word), "annotation")


def orbit_kind(source: str) -> str:
    """Return ``POEORB``, ``RESORB`` or ``annotation``, by the name of an orbit file."""
    return next((kind for kind in ("POEORB", "RESORB") if kind in source), "annotation")


def orbit_label(product: Metadata) -> str:
    """Return the kind of a product's orbit and the file it is from, ``POEORB S1A_….EOF``, or ``annotation``."""
    source = orbit_source(product)
    return source if source == "annotation" else f"{orbit_kind(source)} {source}"


def version(metadata: Metadata) -> str | None:
    """Return the version of SNAP's last operator, or None where the graph is not kept."""
    nodes = [node for node in metadata.get("Processing_Graph", {}).values() if isinstance(node, dict)]
    return next((str(node["moduleVersion"]) for node in reversed(nodes) if node.get("moduleVersion")), None)


def processing(metadata: Metadata) -> str:
    """Return the operators of the processing graph and their parameters as JSON, without names of files."""
    steps = []
    for node in metadata.get("Processing_Graph", {}).values():
        if isinstance(node, dict) and "operator" in node:
            given = node.get("parameters", {})
            given = given if isinstance(given, dict) else {}
            kept = {
                name: value
                for name, value in given.items()
                if not isinstance(value, dict) and "file" not in name.lower()
            }
            steps.append({"operator": node["operator"], "version": node.get("moduleVersion"), "parameters": kept})
    return json.dumps(steps, default=str) if steps else ""


def _ending(tree: Mapping[str, Any], ending: str) -> Metadata:
    """Return the element whose name ends so: ``Ref_19Mar2023``, or ``Master: 19Mar2023`` of older versions."""
    return next((part for name, part in tree.items() if name.endswith(ending) and isinstance(part, dict)), {})


def _json_element(part: dict[str, Any]) -> Metadata:
    """Return one element of the JSON as a dict."""
    tree = {item["name"]: _json_value(item.get("data", {})) for item in part.get("attributes", [])}
    return tree | {child["name"]: _json_element(child) for child in part.get("elements", [])}


def _json_value(data: dict[str, Any]) -> object:
    """Return a value of the JSON: bytes are base64, times days, seconds and microseconds."""
    kind, elements = data.get("type"), data.get("elems")
    if kind == "utc" and isinstance(elements, list) and len(elements) == 3:
        day, second, micro = (int(element) for element in elements)
        return DAY_ZERO + np.timedelta64(day, "D") + np.timedelta64(second, "s") + np.timedelta64(micro, "us")
    if kind in ("uint8", "int8") and isinstance(elements, str):
        elements = list(base64.b64decode(elements))
    return elements[0] if isinstance(elements, list) and len(elements) == 1 else elements


def _xml_element(element: ElementTree.Element) -> Metadata:
    """Return one ``MDElem`` as a dict."""
    tree: Metadata = {part.get("name", ""): (part.text or "").strip() for part in element.iterfind("MDATTR")}
    return tree | {part.get("name", ""): _xml_element(part) for part in element.iterfind("MDElem")}


def _hdf_element(group: h5py.Group) -> Metadata:
    """Return one group as a dict."""
    return attributes(group) | {
        name: _hdf_element(part) for name, part in group.items() if isinstance(part, h5py.Group)
    }
