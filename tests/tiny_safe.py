"""Write small Sentinel-1 products whose content is known: what a reader needs, and pixels that tell their place."""

import xml.etree.ElementTree as ET
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint

from epi.insar.slc.annotation import BEAM_CYCLE, MIDDLE_OF_CYCLE, NOMINAL_ORBIT, PREAMBLE

BORDER = 3  # invalid lines at either end of a burst
EDGE = 5  # invalid samples at either side, one fewer in odd lines
SENSING_DELAY = 1.148  # s from the zero-Doppler time of a burst's first line to its first echo


@dataclass(frozen=True)
class Tiny:
    """What a small product holds; ``node`` is when its orbit began."""

    node: str = "2023-09-16T05:56:47.407340"
    platform: str = "S1A"
    orbit_number: int = 50349
    track: int = 52
    direction: str = "Descending"
    data_take: int = 397261
    first_burst: int = 110431
    bursts: int = 3
    lines: int = 40
    samples: int = 60
    subswaths: tuple[str, ...] = ("IW1", "IW2")
    polarisations: tuple[str, ...] = ("VV", "VH")
    burst_ids: bool = True
    kind: str = "SLC"
    mode: str = "IW"

    @property
    def name(self) -> str:
        """Name of the product without its suffix."""
        start, stop = (_compact(self.burst_time(self.first_burst + number)) for number in (0, self.bursts))
        return f"{self.platform}_{self.mode}_{self.kind}__1SDV_{start}_{stop}_{self.orbit_number:06d}_060FCD_6814"

    def anx_seconds(self, identifier: int, subswath: str = "IW1") -> float:
        """Seconds from the node to the first line of a burst."""
        cycle = (identifier - 0.51) * BEAM_CYCLE + PREAMBLE - (self.track - 1) * NOMINAL_ORBIT
        return cycle - MIDDLE_OF_CYCLE[subswath] - SENSING_DELAY

    def burst_time(self, identifier: int, subswath: str = "IW1") -> np.datetime64:
        """Zero-Doppler time of the first line of a burst."""
        return _after(self.node, self.anx_seconds(identifier, subswath))

    def write(self, folder: Path) -> Path:
        """Write the product as a SAFE folder and return it."""
        safe = folder / f"{self.name}.SAFE"
        for part in ("annotation", "measurement"):
            (safe / part).mkdir(parents=True)
        for subswath in self.subswaths:
            for polarisation in self.polarisations:
                stem = self.stem(subswath, polarisation)
                _save(self.annotation(subswath, polarisation), safe / "annotation" / f"{stem}.xml")
                write_tiff(safe / "measurement" / f"{stem}.tiff", pixels(self.bursts, self.lines, self.samples))
        _save(self.manifest(), safe / "manifest.safe")
        return safe

    def write_zip(self, folder: Path) -> Path:
        """Write the product as a zip, as an archive gives it, and return it."""
        safe = self.write(folder / "unzipped")
        path = folder / f"{self.name}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(safe.rglob("*")):
                archive.write(file, file.relative_to(safe.parent))
        return path

    def write_burst(self, folder: Path, index: int, *, subswath: str = "IW1", address: bool = False) -> Path:
        """Write one burst as ASF does, its XML beside it, and return the GeoTIFF."""
        root = ET.Element("burst")
        metadata = ET.SubElement(root, "metadata")
        for polarisation in self.polarisations:
            product = _add(metadata, "product", {"swath": subswath, "polarisation": polarisation})
            content = ET.SubElement(product, "content")
            content.extend(self.annotation(subswath, polarisation))
        ET.SubElement(root, "manifest").append(self.manifest())
        name = f"S1_{self.first_burst + index}_{subswath}_20230916T063731_VV_6814-BURST"
        path = folder / subswath / "VV" / f"{index}.tiff" if address else folder / f"{name}.tiff"
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = pixels(self.bursts, self.lines, self.samples)
        write_tiff(path, whole[index * self.lines : (index + 1) * self.lines])
        _save(root, path.with_suffix(".xml"))
        return path

    def stem(self, subswath: str, polarisation: str) -> str:
        """Name of the files of an image without their suffix."""
        start = _compact(self.burst_time(self.first_burst, subswath)).lower()
        image = f"{self.platform}-{subswath}-slc-{polarisation}".lower()
        return f"{image}-{start}-{start}-{self.orbit_number:06d}-060fcd-001"

    def manifest(self) -> ET.Element:
        """Return the manifest."""
        safe, s1, sar = (
            f"{{http://www.esa.int/safe/sentinel-1.0{part}}}" for part in ("", "/sentinel-1", "/sentinel-1/sar/level-1")
        )
        root = ET.Element("{urn:ccsds:schema:xfdu:1}XFDU")
        section = ET.SubElement(root, "metadataSection")
        stop = _after(str(self.burst_time(self.first_burst + self.bursts - 1)), 3.1)
        facts = {
            f"{safe}platform": {f"{safe}number": self.platform[2], f"{sar}instrumentMode": {f"{sar}mode": self.mode}},
            f"{safe}orbitReference": {
                f"{safe}orbitNumber": self.orbit_number,
                f"{safe}relativeOrbitNumber": self.track,
                f"{s1}orbitProperties": {f"{s1}pass": self.direction.upper()},
            },
            f"{sar}standAloneProductInformation": {
                f"{sar}missionDataTakeID": self.data_take,
                f"{sar}productType": self.kind,
            },
            f"{safe}acquisitionPeriod": {
                f"{safe}startTime": self.burst_time(self.first_burst),
                f"{safe}stopTime": stop,
            },
        }
        for tag, children in facts.items():
            _add(section, tag, children)
        objects = ET.SubElement(root, "dataObjectSection")
        for subswath in self.subswaths:
            for polarisation in self.polarisations:
                stem = self.stem(subswath, polarisation)
                for href in (f"./annotation/{stem}.xml", f"./measurement/{stem}.tiff"):
                    stream = ET.SubElement(ET.SubElement(objects, "dataObject"), "byteStream")
                    ET.SubElement(stream, "fileLocation", href=href)
        return root

    def annotation(self, subswath: str, polarisation: str) -> ET.Element:
        """Return the annotation of an image."""
        root = ET.Element("product")
        first = self.burst_time(self.first_burst, subswath)
        header = {"missionId": self.platform, "productType": self.kind, "polarisation": polarisation, "mode": self.mode}
        _add(root, "adsHeader", header | {"swath": subswath, "absoluteOrbitNumber": self.orbit_number})
        general = ET.SubElement(root, "generalAnnotation")
        steering = {"IW1": 1.590368784, "IW2": 0.979863325, "IW3": 1.397440818}
        about = {"pass": self.direction, "rangeSamplingRate": 64345238.12571428, "radarFrequency": 5405000454.33435}
        _add(general, "productInformation", about | {"azimuthSteeringRate": steering[subswath]})
        _add(ET.SubElement(general, "downlinkInformationList"), "downlinkInformation", {"prf": 1717.128973878037})
        self._orbit(ET.SubElement(general, "orbitList"), first)
        rates = ET.SubElement(general, "azimuthFmRateList")
        rate = {"azimuthTime": first, "t0": 5.3e-3, "azimuthFmRatePolynomial": "-2331.0 449751.6 -78163474.1"}
        _add(rates, "azimuthFmRate", rate)
        image = ET.SubElement(root, "imageAnnotation")
        timing = {"slantRangeTime": 5.3e-3, "azimuthTimeInterval": 2.0555563e-3}
        _add(image, "imageInformation", timing)
        window = {"windowCoefficient": 0.75, "processingBandwidth": 56.5e6}
        processing = {"rangeProcessing": window, "azimuthProcessing": window | {"processingBandwidth": 327.0}}
        _add(image, "processingInformation", {"swathProcParamsList": {"swathProcParams": processing}})
        centroids = ET.SubElement(ET.SubElement(root, "dopplerCentroid"), "dcEstimateList")
        _add(centroids, "dcEstimate", {"azimuthTime": first, "t0": 5.3e-3, "dataDcPolynomial": "-10.0 11781.2"})
        self._timing(ET.SubElement(root, "swathTiming"), subswath)
        self._grid(ET.SubElement(root, "geolocationGrid"), subswath)
        return root

    def _orbit(self, parent: ET.Element, first: np.datetime64) -> None:
        """Write state vectors of a circular orbit."""
        for step in range(-6, 11):
            time = _after(str(first), 10.0 * step)
            position, velocity = circular(time)
            _add(
                parent,
                "orbit",
                {
                    "time": time,
                    "position": dict(zip("xyz", position, strict=True)),
                    "velocity": dict(zip("xyz", velocity, strict=True)),
                },
            )

    def _timing(self, parent: ET.Element, subswath: str) -> None:
        """Write the burst list."""
        _add(parent, "linesPerBurst", self.lines)
        _add(parent, "samplesPerBurst", self.samples)
        bursts = ET.SubElement(parent, "burstList")
        inside = [BORDER <= line < self.lines - BORDER for line in range(self.lines)]
        for number in range(self.bursts):
            identifier = self.first_burst + number
            time = self.burst_time(identifier, subswath)
            facts = {
                "azimuthTime": time,
                "azimuthAnxTime": self.anx_seconds(identifier, subswath),
                "sensingTime": _after(str(time), SENSING_DELAY),
                "byteOffset": 1000 + number * self.lines * self.samples * 4,
                "firstValidSample": " ".join(
                    str(EDGE - line % 2 if inside[line] else -1) for line in range(self.lines)
                ),
                "lastValidSample": " ".join(
                    str(self.samples - EDGE - 1 + line % 2 if inside[line] else -1) for line in range(self.lines)
                ),
            }
            _add(bursts, "burst", facts | ({"burstId": identifier} if self.burst_ids else {}))

    def _grid(self, parent: ET.Element, subswath: str) -> None:
        """Write tie points at the first line of every burst and the last of all."""
        points = ET.SubElement(parent, "geolocationGridPointList")
        for row in range(self.bursts + 1):
            line = min(row * self.lines, self.bursts * self.lines - 1)
            for pixel in (0, self.samples // 2, self.samples - 1):
                place = {"latitude": 31.0 - 0.01 * row, "longitude": -8.0 + 1e-4 * pixel, "height": 500.0}
                facts = {
                    "azimuthTime": self.burst_time(self.first_burst + row, subswath),
                    "slantRangeTime": 5.3e-3 + pixel / 64345238.12571428,
                    "line": line,
                    "pixel": pixel,
                }
                _add(points, "geolocationGridPoint", facts | place | {"incidenceAngle": 33.0})


def pixels(bursts: int, lines: int, samples: int) -> NDArray[np.complex64]:
    """Return pixels: 1000 x burst number + line as real part, the sample as imaginary part, zero in the border."""
    number, line, sample = np.meshgrid(np.arange(1, bursts + 1), np.arange(lines), np.arange(samples), indexing="ij")
    values = (1000 * number + line + 1j * sample).astype(np.complex64)
    valid = (
        (line >= BORDER) & (line < lines - BORDER) & (sample >= EDGE - line % 2) & (sample < samples - EDGE + line % 2)
    )
    return np.where(valid, values, np.complex64(0)).reshape(bursts * lines, samples)


def circular(time: np.datetime64) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return position (m) and velocity (m/s) on a circular orbit over a turning Earth."""
    seconds = float((time - np.datetime64("2023-09-16T00:00:00", "ns")) / np.timedelta64(1, "ns")) * 1e-9 % 86400
    radius, rate, turn, tilt = 7_071_000.0, 2 * np.pi / 5924.57, -7.2921159e-5, np.deg2rad(98.18)
    angle, spin = rate * seconds, turn * seconds
    flat = np.array([np.cos(angle), np.sin(angle) * np.cos(tilt), np.sin(angle) * np.sin(tilt)])
    slope = rate * np.array([-np.sin(angle), np.cos(angle) * np.cos(tilt), np.cos(angle) * np.sin(tilt)])
    rotate = np.array([[np.cos(spin), -np.sin(spin), 0], [np.sin(spin), np.cos(spin), 0], [0, 0, 1]])
    turning = turn * np.array([[-np.sin(spin), -np.cos(spin), 0], [np.cos(spin), -np.sin(spin), 0], [0, 0, 0]])
    return radius * rotate @ flat, radius * (rotate @ slope + turning @ flat)


def write_orbit_file(
    folder: Path, *, kind: str = "POEORB", platform: str = "S1A", start: str = "2023-09-16T05:30:00", vectors: int = 500
) -> Path:
    """Write an orbit file with a circular orbit, a state vector every 10 s, and return it."""
    times = [_after(start, 10.0 * step) for step in range(vectors)]
    root = ET.Element("Earth_Explorer_File")
    header = {"Mission": f"Sentinel-1{platform[2]}", "File_Type": f"AUX_{kind}"}
    _add(root, "Earth_Explorer_Header", {"Fixed_Header": header, "Variable_Header": {"Ref_Frame": "EARTH_FIXED"}})
    listed = ET.SubElement(ET.SubElement(root, "Data_Block"), "List_of_OSVs")
    for time in times:
        position, velocity = circular(time)
        values = dict(zip(("X", "Y", "Z", "VX", "VY", "VZ"), (*position, *velocity), strict=True))
        _add(listed, "OSV", {"UTC": f"UTC={np.datetime_as_string(time, unit='us')}"} | values)
    folder.mkdir(parents=True, exist_ok=True)
    validity = f"V{_compact(times[0])}_{_compact(times[-1])}"
    path = folder / f"{platform}_OPER_AUX_{kind}_OPOD_20231006T080000_{validity}.EOF"
    _save(root, path)
    return path


def write_tiff(path: Path, values: NDArray[np.complex64]) -> None:
    """Write complex integers as the processor does: strips of a line, tie points for georeference."""
    height, width = values.shape
    corners = [(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)]
    gcps = [GroundControlPoint(row, column, -8 + 1e-4 * column, 31 - 1e-4 * row, 0) for row, column in corners]
    profile = {"driver": "GTiff", "dtype": "complex_int16", "count": 1, "height": height, "width": width}
    with rasterio.open(path, "w", **profile, blockysize=1, gcps=gcps, crs="EPSG:4326") as dataset:
        dataset.write(values, 1)


def _add(parent: ET.Element, tag: str, content: object) -> ET.Element:
    """Add an element with children (a dict) or text."""
    element = ET.SubElement(parent, tag)
    if isinstance(content, dict):
        for name, value in content.items():
            _add(element, name, value)
    else:
        element.text = repr(float(content)) if isinstance(content, float) else str(content)
    return element


def _save(root: ET.Element, path: Path) -> None:
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _after(time: str, seconds: float) -> np.datetime64:
    """Return a time some seconds later, to the microsecond as annotations give it."""
    return np.datetime64(time, "us") + np.timedelta64(round(seconds * 1e6), "us")


def _compact(time: np.datetime64) -> str:
    return np.datetime_as_string(time, unit="s").replace("-", "").replace(":", "")
