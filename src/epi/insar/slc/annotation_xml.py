"""Read the annotation XML of a Sentinel-1 IW SLC image.

It is read directly, not through xarray-sentinel: that one decodes every group through the XML schema (seconds an image
against hundredths), and has no valid samples, sensing times, bandwidths or pulse repetition frequency, which the deramp
and the resampling need. Where the two read the same they agree, and a test holds it.
"""

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epi.errors import FileFormatError
from epi.insar.slc.annotation import (
    MIDDLE_OF_CYCLE,
    NOMINAL_ORBIT,
    Burst,
    GeolocationGrid,
    Image,
    RangePolynomial,
    burst_identifier,
)
from epi.insar.slc.orbits import Orbit


def read_annotation(
    root: ET.Element, *, product: str, track: int, source: str, measurement: str = "", crosses_node: bool = False
) -> Image:
    """Read the annotation of an IW SLC image.

    Parameters
    ----------
    root : the ``product`` element of the annotation.
    product : name of the SAFE product it belongs to.
    track : relative orbit at the product's start, which the annotation itself does not say.
    source : name of the annotation, for messages.
    measurement : what rasterio opens for the pixels.
    crosses_node : whether the satellite passes its ascending node within the product.

    Raises
    ------
    FileFormatError : a field is missing or is no number, or the image is not an IW SLC.

    References
    ----------
    ESA, Sentinel-1 Product Specification, S1-RS-MDA-52-7441.
    """
    reader = _Reader(root, source)
    kind, swath = reader.text("adsHeader/productType"), reader.text("adsHeader/swath")
    if kind != "SLC" or swath not in MIDDLE_OF_CYCLE:
        raise FileFormatError(f"{source} describes a {kind} image of {swath}: give an IW SLC (IW1, IW2 or IW3).")
    try:
        return _image(reader, product, track, measurement, crosses_node)
    except (TypeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"Annotation {source} has an unreadable value ({error}): download it again.") from error


@dataclass(frozen=True)
class _Reader:
    """The fields of an XML element, with an error that names the one that is missing."""

    root: ET.Element
    source: str

    def text(self, path: str) -> str:
        value = self.root.findtext(path)
        if value is None:
            raise FileFormatError(f"Annotation {self.source} has no {path}: it is incomplete; download it again.")
        return value.strip()

    def number(self, path: str) -> float:
        value = float(self.text(path))
        if not np.isfinite(value):
            raise FileFormatError(f"Annotation {self.source} has {path} = {value}: it is damaged; download it again.")
        return value

    def time(self, path: str) -> np.datetime64:
        return np.datetime64(self.text(path), "ns")

    def each(self, path: str) -> list["_Reader"]:
        found = [_Reader(element, self.source) for element in self.root.findall(path)]
        if not found:
            raise FileFormatError(f"Annotation {self.source} has no {path}: it is incomplete; download it again.")
        return found


def _image(reader: _Reader, product: str, track: int, measurement: str, crosses_node: bool) -> Image:
    """Return the image an annotation describes."""
    about = "generalAnnotation/productInformation"
    timing = "imageAnnotation/imageInformation"
    processing = "imageAnnotation/processingInformation/swathProcParamsList/swathProcParams"
    return Image(
        product=product,
        platform=reader.text("adsHeader/missionId"),
        subswath=reader.text("adsHeader/swath"),
        polarisation=reader.text("adsHeader/polarisation"),
        direction=reader.text(f"{about}/pass").lower(),
        orbit_number=int(reader.text("adsHeader/absoluteOrbitNumber")),
        track=track,
        radar_frequency=reader.number(f"{about}/radarFrequency"),
        range_sampling_rate=reader.number(f"{about}/rangeSamplingRate"),
        slant_range_time=reader.number(f"{timing}/slantRangeTime"),
        azimuth_time_interval=reader.number(f"{timing}/azimuthTimeInterval"),
        azimuth_steering_rate=float(np.deg2rad(reader.number(f"{about}/azimuthSteeringRate"))),
        pulse_repetition_frequency=reader.number("generalAnnotation/downlinkInformationList/downlinkInformation/prf"),
        range_bandwidth=reader.number(f"{processing}/rangeProcessing/processingBandwidth"),
        azimuth_bandwidth=reader.number(f"{processing}/azimuthProcessing/processingBandwidth"),
        range_window=reader.number(f"{processing}/rangeProcessing/windowCoefficient"),
        azimuth_window=reader.number(f"{processing}/azimuthProcessing/windowCoefficient"),
        lines_per_burst=int(reader.text("swathTiming/linesPerBurst")),
        samples_per_burst=int(reader.text("swathTiming/samplesPerBurst")),
        bursts=_bursts(reader, track, crosses_node),
        fm_rates=_polynomials(reader, "generalAnnotation/azimuthFmRateList/azimuthFmRate", "azimuthFmRatePolynomial"),
        doppler_centroids=_polynomials(reader, "dopplerCentroid/dcEstimateList/dcEstimate", "dataDcPolynomial"),
        orbit=_orbit(reader),
        grid=_grid(reader),
        measurement=measurement,
    )


def _bursts(reader: _Reader, track: int, crosses_node: bool) -> tuple[Burst, ...]:
    """Return the bursts in order of time."""
    subswath = reader.text("adsHeader/swath")
    elements = reader.each("swathTiming/burstList/burst")
    first = elements[0].number("azimuthAnxTime")
    late = NOMINAL_ORBIT if first > NOMINAL_ORBIT and not crosses_node else 0.0  # counted from the node before last
    bursts = []
    for number, element in enumerate(elements, start=1):
        azimuth, sensing = element.time("azimuthTime"), element.time("sensingTime")
        anx = element.number("azimuthAnxTime")
        echo = anx - late + float((sensing - azimuth) / np.timedelta64(1, "ns")) * 1e-9
        given = element.root.findtext("burstId")
        identifier = int(given) if given else burst_identifier(echo, track=track, subswath=subswath)
        bursts.append(
            Burst(number, azimuth, sensing, anx, identifier, int(element.text("byteOffset")), *_valid(element))
        )
    return tuple(bursts)


def _valid(burst: _Reader) -> tuple[int, int, int, int]:
    """Return first and last line, first and last sample of the rectangle valid in every line; −1 as last where none."""
    first = np.array(burst.text("firstValidSample").split(), dtype=int)
    last = np.array(burst.text("lastValidSample").split(), dtype=int)
    lines = np.flatnonzero((first >= 0) & (last >= first))
    if lines.size == 0:
        return 0, -1, 0, -1
    return int(lines[0]), int(lines[-1]), int(first[lines].max()), int(last[lines].min())


def _polynomials(reader: _Reader, path: str, name: str) -> tuple[RangePolynomial, ...]:
    """Return polynomials in order of time; processors before 2015 wrote the coefficients as c0, c1, c2."""
    found = []
    for element in reader.each(path):
        old = [element.root.findtext(power) for power in ("c0", "c1", "c2")]
        text = " ".join(value for value in old if value) if all(old) else element.text(name)
        values = tuple(float(value) for value in text.split())
        found.append(RangePolynomial(element.time("azimuthTime"), element.number("t0"), values))
    return tuple(sorted(found, key=lambda polynomial: polynomial.azimuth_time))


def _orbit(reader: _Reader) -> Orbit:
    """Return the annotation's state vectors."""
    vectors = reader.each("generalAnnotation/orbitList/orbit")
    position, velocity = (
        np.array([[vector.number(f"{quantity}/{axis}") for axis in "xyz"] for vector in vectors])
        for quantity in ("position", "velocity")
    )
    times = np.array([vector.time("time") for vector in vectors])
    return Orbit(times, position, velocity, "annotation", reader.source, reader.text("adsHeader/missionId"))


def _grid(reader: _Reader) -> GeolocationGrid:
    """Return the tie points as a grid."""
    points = reader.each("geolocationGrid/geolocationGridPointList/geolocationGridPoint")
    line = np.array([int(point.text("line")) for point in points])
    columns = int((line == line[0]).sum())

    def field_of(name: str) -> NDArray[np.float64]:
        return np.array([point.number(name) for point in points]).reshape(-1, columns)

    return GeolocationGrid(
        azimuth_time=np.array([point.time("azimuthTime") for point in points]).reshape(-1, columns),
        slant_range_time=field_of("slantRangeTime"),
        line=line.reshape(-1, columns),
        pixel=field_of("pixel").astype(np.int64),
        latitude=field_of("latitude"),
        longitude=field_of("longitude"),
        height=field_of("height"),
        incidence_angle=field_of("incidenceAngle"),
    )
