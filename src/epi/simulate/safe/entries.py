"""XML from plain tuples, written as Sentinel-1's processor writes it, and the header every data set begins with."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from epi.simulate.slc.plan import Exposure

Entry = tuple[Any, ...]
"""Tag, content (a value or a list of entries) and, where need be, attributes."""


def document(entry: Entry) -> bytes:
    """Serialise an entry as an XML document."""
    root = element(entry)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True))


def element(entry: Entry) -> ET.Element:
    """Turn an entry into an element."""
    tag, content, *rest = entry
    made = ET.Element(tag, {key: str(value) for key, value in (rest[0] if rest else {}).items()})
    if isinstance(content, list):
        made.extend([element(child) for child in content])
    elif content is not None:
        made.text = text(content)
    return made


def text(value: object) -> str:
    """Write a value as the processor does: 15 decimals, microseconds, lower-case truth."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, np.datetime64):
        return str(value.astype("datetime64[us]"))
    if isinstance(value, (float, np.floating)):
        return f"{value:.15e}"
    return str(value)


def listing(name: str, items: Iterable[Any]) -> Entry:
    """A list with its count, as the schema wants it."""
    made = [(name, item) for item in items]
    return (f"{name}List", made, {"count": len(made)})


def array(name: str, values: ArrayLike, form: str = "") -> Entry:
    """Numbers in one element, with their count."""
    numbers = np.asarray(values)
    form = form or ("d" if numbers.dtype.kind in "iu" else ".6e")
    return (name, " ".join(format(value, form) for value in numbers.tolist()), {"count": numbers.size})


def header(exposure: Exposure, number: int) -> Entry:
    """Entry ``adsHeader``, which every data set begins with."""
    image = exposure.image
    return (
        "adsHeader",
        [
            ("missionId", image.platform),
            ("productType", "SLC"),
            ("polarisation", image.polarisation),
            ("mode", "IW"),
            ("swath", image.subswath),
            ("startTime", image.bursts[0].azimuth_time),
            ("stopTime", last_time(exposure)),
            ("absoluteOrbitNumber", image.orbit_number),
            ("missionDataTakeId", data_take(exposure)),
            ("imageNumber", f"{number:03d}"),
        ],
    )


def data_take(exposure: Exposure) -> int:
    """A data-take number of the size that its orbit has."""
    return 8 * exposure.flight.orbit_number


def last_time(exposure: Exposure) -> np.datetime64:
    """Zero-Doppler time of the last line."""
    image = exposure.image
    length = (image.lines_per_burst - 1) * image.azimuth_time_interval
    return image.bursts[-1].azimuth_time + np.timedelta64(round(length * 1e6), "us")


def line_count(exposure: Exposure) -> int:
    """Lines of the measurement: those of all its bursts."""
    return exposure.image.lines_per_burst * len(exposure.image.bursts)
