"""One burst as the Alaska Satellite Facility cuts it out of a SAFE product: a GeoTIFF and an XML.

The XML is ``<burst>`` with ``<metadata>``, where each ``<product>`` names its ``<swath>`` and ``<polarisation>`` and
holds the annotation of that whole subswath as ``<content>``, and ``<manifest>``, the manifest of the SAFE product. The
GeoTIFF holds the burst's lines alone, and only its name says which burst it is:
``S1_<burst id>_<subswath>_<time>_<polarisation>_<product>-BURST.tiff`` as downloaded, or ``IW1/VV/<index from 0>.tiff``
as in the archive's address. No specification of this form is published; it is what ASF's burst2safe reads.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

from epi.errors import FileFormatError
from epi.insar.slc.annotation import Image
from epi.insar.slc.annotation_xml import read_annotation
from epi.insar.slc.manifest import Files, Product, described, read_xml

NAME = re.compile(r"S1_(?P<id>\d+)_(?P<subswath>IW[123])_\d+T\d+_(?P<polarisation>VV|VH|HH|HV)_\w+-BURST\.tiff?$")
ADDRESS = re.compile(r"(?P<subswath>IW[123])/(?P<polarisation>VV|VH|HH|HV)/(?P<index>\d+)\.tiff?$")


def open_burst(path: Path) -> Product:
    """Read which burst a GeoTIFF holds, as a product of one image of one burst.

    Parameters
    ----------
    path : the GeoTIFF under ASF's name, its XML beside it: of the same name, or the one in the folder that fits.

    Raises
    ------
    FileFormatError : the name does not tell the burst, or the XML is missing or of another product.
    """
    key = (_facts(path)["subswath"], _facts(path)["polarisation"])
    name, root = _metadata(path, *key)
    manifest = root.find("manifest")
    if manifest is None:
        raise FileFormatError(f"{path.parent / name} has no manifest: it is incomplete; download it again.")
    product = described(manifest, path, path.stem, {key: Files(name, str(path.resolve()))})
    image = _burst(root, product, *key)
    return replace(product, start=image.start, stop=image.stop)


def read_burst_image(product: Product, subswath: str, polarisation: str) -> Image:
    """Read the annotation of a burst product as an image whose only burst is number 1.

    Parameters
    ----------
    product : as :func:`open_burst` gives it.
    subswath, polarisation : its one image.
    """
    name = product.images[subswath, polarisation].annotation
    return _burst(read_xml(product.path.parent, name), product, subswath, polarisation)


def _facts(path: Path) -> dict[str, str]:
    """Return what the name of a GeoTIFF says."""
    match = NAME.search(path.name) or ADDRESS.search(path.resolve().as_posix())
    if match is None:
        raise FileFormatError(
            f"{path} does not tell its burst: keep ASF's name, as S1_372326_IW3_20180815T151558_VV_6BD3-BURST.tiff, "
            "or give the SAFE folder or zip it belongs to."
        )
    return match.groupdict()


def _metadata(path: Path, subswath: str, polarisation: str) -> tuple[str, ET.Element]:
    """Return the XML of a burst: the one of its own name, else the first in its folder that holds its image."""
    own = path.with_suffix(".xml")
    for candidate in [own] if own.is_file() else sorted(path.parent.glob("*.xml")):
        root = read_xml(path.parent, candidate.name)
        if _content(root, subswath, polarisation) is not None:
            return candidate.name, root
    raise FileFormatError(
        f"{path} has no metadata of {subswath} {polarisation}: put the XML that ASF gives with it beside it, "
        f"as {own.name}."
    )


def _content(root: ET.Element, subswath: str, polarisation: str) -> ET.Element | None:
    """Return the annotation of one image within the combined XML, or None."""
    for element in root.findall("metadata/product"):
        if (element.findtext("swath"), element.findtext("polarisation")) == (subswath, polarisation):
            return element.find("content")
    return None


def _burst(root: ET.Element, product: Product, subswath: str, polarisation: str) -> Image:
    """Return the image of the one burst, with the tie points that surround it."""
    files = product.images[subswath, polarisation]
    content = _content(root, subswath, polarisation)
    assert content is not None  # open_burst chose an XML that has it
    whole = read_annotation(
        content,
        product=product.name,
        track=product.track,
        source=files.annotation,
        measurement=files.measurement,
        crosses_node=product.crosses_node,
    )
    facts = _facts(product.path)
    wanted = int(facts.get("id") or facts["index"])
    known = [burst.burst_id for burst in whole.bursts] if "id" in facts else list(range(len(whole.bursts)))
    if wanted not in known:
        raise FileFormatError(
            f"{product.path} is burst {wanted}, its metadata {files.annotation} holds {known[0]} to {known[-1]}: "
            "put the XML that ASF gives with it beside it."
        )
    index = known.index(wanted)
    first = index * whole.lines_per_burst
    near = (whole.grid.line[:, 0] >= first) & (whole.grid.line[:, 0] <= first + whole.lines_per_burst)
    grid = whole.grid.rows(near, first)
    return replace(whole, bursts=(replace(whole.bursts[index], number=1, byte_offset=0),), grid=grid)
