"""What a downloaded SAFE product is and where its files lie, in a folder or in the zip as downloaded.

Nothing is unpacked from a zip: XML is read from it directly, and pixels through GDAL's ``/vsizip/``.
"""

import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from epi.errors import FileFormatError

FILE = re.compile(r"s1[a-d]-(iw[123])-slc-(vv|vh|hh|hv)-.*\.(xml|tiff)")


@dataclass(frozen=True)
class Files:
    """Where one image of a product lies.

    Parameters
    ----------
    annotation : name of the XML within the product.
    measurement : of the pixels, as rasterio opens it; whether it is there shows when they are read.
    md5 : of the measurement, as the manifest states it; empty where it does not.
    """

    annotation: str
    measurement: str
    md5: str = ""


@dataclass(frozen=True)
class Product:
    """A Sentinel-1 IW SLC product, nothing of it read but its manifest.

    Parameters
    ----------
    name : of the SAFE product without ``.SAFE``, or of the burst.
    path : the folder or zip, or the GeoTIFF of one burst.
    platform : S1A to S1D.
    direction : ``ascending`` or ``descending``.
    orbit_number, track : absolute and relative orbit at its start.
    crosses_node : whether the orbit number changes within it.
    data_take : identifier shared by the slices of one data take.
    start, stop : zero-Doppler time, UTC.
    images : files by (subswath, polarisation).
    """

    name: str
    path: Path
    platform: str
    direction: str
    orbit_number: int
    track: int
    crosses_node: bool
    data_take: int
    start: np.datetime64
    stop: np.datetime64
    images: Mapping[tuple[str, str], Files] = field(repr=False)


def open_manifest(path: str | Path) -> Product:
    """Read the manifest of a SAFE folder or zip.

    Parameters
    ----------
    path : ``….SAFE``, its ``manifest.safe``, or ``….zip``.

    Raises
    ------
    FileFormatError : there is no such thing, it is truncated, or it is not an IW SLC product.
    """
    place = Path(path)
    if place.name == "manifest.safe":
        place = place.parent
    if place.is_dir():
        if not (place / "manifest.safe").is_file():
            raise FileFormatError(f"{place} is not a SAFE product: it has no manifest.safe. Give a folder ….SAFE.")
        name = place.resolve().name.removesuffix(".SAFE")
        return _product(read_xml(place, "manifest.safe"), place, name, str(place.resolve()))
    if not place.is_file():
        raise FileFormatError(f"No product {place}: check the path, relative to {Path.cwd()}.")
    root = _zip_root(place)
    name = root.rpartition("/")[2].removesuffix(".SAFE") or place.stem
    manifest = read_xml(place, f"{root}/manifest.safe".lstrip("/"))
    return _product(manifest, place, name, f"/vsizip/{{{place.resolve()}}}/{root}".rstrip("/"), root=root)


def read_xml(path: Path, name: str) -> ET.Element:
    """Read an XML file of a product, from its folder or from within its zip.

    Raises
    ------
    FileFormatError : it is missing or truncated.
    """
    try:
        if path.is_dir():
            return ET.parse(path / name).getroot()
        with zipfile.ZipFile(path) as archive, archive.open(name) as stream:
            return ET.parse(stream).getroot()
    except (FileNotFoundError, KeyError) as error:
        raise FileFormatError(f"{path} has no {name}: the product is incomplete; download it again.") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, ET.ParseError) as error:
        raise FileFormatError(f"{name} in {path} cannot be read ({error}): truncated; download it again.") from error


def described(manifest: ET.Element, path: Path, name: str, images: Mapping[tuple[str, str], Files]) -> Product:
    """Return the product with what its manifest says of type, platform, orbit and time.

    Raises
    ------
    FileFormatError : it is not an IW SLC, or the manifest lacks something.
    """

    def said(path: str) -> list[str]:
        wanted = "/".join(f"{{*}}{tag}" for tag in path.split("/"))
        return [(element.text or "").strip() for element in manifest.iterfind(f".//{wanted}")]

    parts = [*name.split("_"), "", "", ""]
    kind = next(iter(said("productType")), parts[2] or "unknown")
    mode = next(iter(said("instrumentMode/mode")), parts[1] or "unknown")
    if (kind, mode) != ("SLC", "IW"):
        raise FileFormatError(f"{path} is a product of type {kind}, mode {mode}: an interferogram needs an IW SLC.")
    if not images:
        raise FileFormatError(f"The manifest of {path} lists no annotation: it is incomplete; download it again.")
    try:
        orbits = [int(number) for number in said("orbitReference/orbitNumber")]
        return Product(
            name=name,
            path=path,
            platform=f"S1{said('platform/number')[0]}",
            direction=said("orbitProperties/pass")[0].lower(),
            orbit_number=orbits[0],
            track=int(said("orbitReference/relativeOrbitNumber")[0]),
            crosses_node=len(set(orbits)) > 1,
            data_take=int(said("missionDataTakeID")[0]),
            start=np.datetime64(said("acquisitionPeriod/startTime")[0], "ns"),
            stop=np.datetime64(said("acquisitionPeriod/stopTime")[0], "ns"),
            images=images,
        )
    except (IndexError, ValueError) as error:
        raise FileFormatError(f"The manifest of {path} is incomplete ({error}): download the product again.") from error


def _zip_root(path: Path) -> str:
    """Return the folder of the manifest within a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        with path.open("rb") as stream:
            truncated = stream.read(4) == b"PK\x03\x04"
        reason = "a truncated zip: download it again" if truncated else "neither a SAFE folder nor a zip of one"
        raise FileFormatError(f"{path} is {reason}.") from error
    manifests = sorted((name for name in names if Path(name).name == "manifest.safe"), key=len)
    if not manifests:
        raise FileFormatError(f"{path} is not a SAFE product: it has no manifest.safe. Give the zip as downloaded.")
    return manifests[0].rpartition("/")[0]


def _product(manifest: ET.Element, path: Path, name: str, place: str, *, root: str = "") -> Product:
    """Return the product a manifest describes; ``place`` is its folder for rasterio, ``root`` within a zip."""
    digests = {}
    for stream in manifest.findall(".//{*}byteStream"):
        location = stream.find("{*}fileLocation")
        if location is not None:
            digests[location.get("href", "").removeprefix("./")] = stream.findtext("{*}checksum") or ""
    hrefs = list(digests)
    annotations, measurements = (
        {
            (match[1].upper(), match[2].upper()): href
            for href in hrefs
            if href.startswith(folder) and (match := FILE.fullmatch(href.removeprefix(folder)))
        }
        for folder in ("annotation/", "measurement/")
    )
    images = {}
    for image, href in sorted(annotations.items()):
        pixels = measurements.get(image, f"measurement/{Path(href).stem}.tiff")
        images[image] = Files(f"{root}/{href}".lstrip("/"), f"{place}/{pixels}", digests.get(pixels, "").lower())
    return described(manifest, path, name, images)
