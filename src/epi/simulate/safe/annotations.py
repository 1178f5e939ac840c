"""The annotation data set of a simulated image, in the order that the product's schema asks for."""

import numpy as np

from epi.insar.geometry.ellipsoid import from_ecef, to_ecef
from epi.insar.slc.annotation import BEAM_CYCLE, NOMINAL_ORBIT, SPEED_OF_LIGHT, Burst, RangePolynomial
from epi.simulate.safe.calibration import incidence_over_range
from epi.simulate.safe.entries import Entry, array, document, header, last_time, line_count, listing
from epi.simulate.safe.telemetry import Statistics, attitudes, downlink, quality, raw_analysis, replica
from epi.simulate.slc import view
from epi.simulate.slc.plan import Exposure


def product_xml(exposure: Exposure, statistics: Statistics, *, number: int) -> bytes:
    """The annotation data set of an image.

    Parameters
    ----------
    exposure : image with its grid and its bursts' byte offsets.
    statistics : of its samples.
    number : of the image in the product, from 1.
    """
    return document(
        (
            "product",
            [
                header(exposure, number),
                quality(exposure, statistics),
                ("generalAnnotation", _general(exposure)),
                ("imageAnnotation", [_image_information(exposure, statistics), _processing(exposure)]),
                (
                    "dopplerCentroid",
                    [listing("dcEstimate", [_doppler(exposure, each) for each in exposure.image.doppler_centroids])],
                ),
                ("antennaPattern", [listing("antennaPattern", _antenna(exposure))]),
                ("swathTiming", _timing(exposure)),
                ("geolocationGrid", [listing("geolocationGridPoint", _tie_points(exposure))]),
                ("coordinateConversion", [listing("coordinateConversion", [])]),
                ("swathMerging", [listing("swathMerge", [])]),
            ],
        )
    )


def _general(exposure: Exposure) -> list[Entry]:
    image = exposure.image
    orbit = [
        [
            ("time", time),
            ("frame", "Earth Fixed"),
            ("position", list(zip("xyz", position, strict=True))),
            ("velocity", list(zip("xyz", velocity, strict=True))),
        ]
        for time, position, velocity in zip(image.orbit.time, image.orbit.position, image.orbit.velocity, strict=True)
    ]
    first = image.bursts[0].azimuth_time
    heights = [[("azimuthTime", burst.azimuth_time), ("value", _height(exposure))] for burst in image.bursts]
    rates = [
        [
            ("azimuthTime", rate.azimuth_time),
            ("t0", rate.t0),
            array("azimuthFmRatePolynomial", rate.coefficients, ".15e"),
        ]
        for rate in image.fm_rates
    ]
    return [
        (
            "productInformation",
            [
                ("pass", image.direction.capitalize()),
                ("timelinessCategory", "Fast-24h"),
                ("platformHeading", _signed(exposure.flight.passage.heading)),
                ("projection", "Slant Range"),
                ("rangeSamplingRate", image.range_sampling_rate),
                ("radarFrequency", image.radar_frequency),
                ("azimuthSteeringRate", float(np.degrees(image.azimuth_steering_rate))),
            ],
        ),
        listing("downlinkInformation", [downlink(exposure)]),
        listing("orbit", orbit),
        listing("attitude", attitudes(exposure)),
        listing("rawDataAnalysis", [raw_analysis(first)]),
        listing("replicaInformation", [replica(exposure)]),
        listing(
            "noise",
            [
                [
                    ("swath", image.subswath),
                    ("azimuthTime", first),
                    ("noisePowerCorrectionFactor", 1.0),
                    ("numberOfNoiseLines", 8),
                ]
            ],
        ),
        listing("terrainHeight", heights),
        listing("azimuthFmRate", rates),
    ]


def _signed(degrees: float) -> float:
    return (degrees + 180.0) % 360.0 - 180.0


def _height(exposure: Exposure) -> float:
    return float(np.mean(exposure.image.grid.height))


def _image_information(exposure: Exposure, statistics: Statistics) -> Entry:
    image = exposure.image
    middle = image.bursts[len(image.bursts) // 2]
    speed = float(np.linalg.norm(exposure.arc.velocity(np.array(0.0))))
    position = exposure.arc.position(np.array(0.0))
    over_ground = speed * (1 - float(from_ecef(position)[2]) / float(np.linalg.norm(position)))
    incidence = incidence_over_range(exposure, middle.azimuth_time, np.array([image.samples_per_burst // 2]))
    first, last = image.bursts[0].azimuth_time, last_time(exposure)
    piece = [("sliceNumber", 1), ("sensingStartTime", image.bursts[0].sensing_time), ("sensingStopTime", last)]
    return (
        "imageInformation",
        [
            ("productFirstLineUtcTime", first),
            ("productLastLineUtcTime", last),
            ("ascendingNodeTime", exposure.flight.node_time),
            ("anchorTime", first),
            ("productComposition", "Slice"),
            ("sliceNumber", 1),
            listing("slice", [piece]),
            ("slantRangeTime", image.slant_range_time),
            ("pixelValue", "Complex"),
            ("outputPixels", "16 bit Signed Integer"),
            ("rangePixelSpacing", image.range_spacing),
            ("azimuthPixelSpacing", over_ground * image.azimuth_time_interval),
            ("azimuthTimeInterval", image.azimuth_time_interval),
            ("azimuthFrequency", 1 / image.azimuth_time_interval),
            ("numberOfSamples", image.samples_per_burst),
            ("numberOfLines", line_count(exposure)),
            ("zeroDopMinusAcqTime", 0.0),
            ("incidenceAngleMidSwath", float(incidence[0])),
            statistics.entry(),
        ],
    )


def _processing(exposure: Exposure) -> Entry:
    image = exposure.image
    bands = [
        (
            name,
            [
                ("windowType", "Hamming"),
                ("windowCoefficient", window),
                ("totalBandwidth", bandwidth),
                ("processingBandwidth", bandwidth),
                ("lookBandwidth", bandwidth),
                ("numberOfLooks", 1),
                ("lookOverlap", 0.0),
            ],
        )
        for name, window, bandwidth in (
            ("rangeProcessing", image.range_window, image.range_bandwidth),
            ("azimuthProcessing", image.azimuth_window, image.azimuth_bandwidth),
        )
    ]
    dimensions = [
        ("azimuthTime", image.bursts[0].azimuth_time),
        ("swath", image.subswath),
        ("numberOfInputSamples", image.samples_per_burst),
        ("numberOfInputLines", line_count(exposure)),
    ]
    return (
        "processingInformation",
        [
            ("rawDataAnalysisUsed", True),
            ("orbitDataFileUsed", True),
            ("attitudeDataFileUsed", False),
            ("rxVariationCorrectionApplied", True),
            ("antennaElevationPatternApplied", True),
            ("antennaAzimuthPatternApplied", True),
            ("antennaAzimuthElementPatternApplied", True),
            ("dcMethod", "Data Analysis"),
            ("dcInputData", "Range Compressed"),
            ("rangeSpreadingLossCompensationApplied", True),
            ("srgrConversionApplied", False),
            ("detectionPerformed", False),
            ("thermalNoiseCorrectionPerformed", False),
            ("rfiMitigationPerformed", "Never"),
            ("rfiMitigationDomain", "TimeAndFrequency"),
            ("chirpSource", "Nominal"),
            ("pgSource", "Extracted"),
            ("rrfSpectrum", "Extended Tapered"),
            ("applicationLutId", "IW_Default"),
            listing("swathProcParams", [[("swath", image.subswath), *bands, ("processorScalingFactor", 1.0)]]),
            listing("inputDimensions", [dimensions]),
            ("referenceRange", 8e5),
            ("ellipsoidName", "WGS84"),
            ("ellipsoidSemiMajorAxis", 6378137.0),
            ("ellipsoidSemiMinorAxis", 6356752.314245),
            ("bistaticDelayCorrectionApplied", True),
            ("topsFilterConvention", "Only Echo Lines"),
            ("orbitSource", "Auxiliary"),
            ("attitudeSource", "Downlink"),
        ],
    )


def _doppler(exposure: Exposure, estimate: RangePolynomial) -> list[Entry]:
    image = exposure.image
    tau = image.slant_range_time + np.linspace(0, image.samples_per_burst - 1, 20) / image.range_sampling_rate
    half = np.timedelta64(round(image.lines_per_burst / 2 * image.azimuth_time_interval * 1e6), "us")
    fine = [
        [("slantRangeTime", float(time)), ("frequency", float(value))]
        for time, value in zip(tau, estimate(tau), strict=True)
    ]
    return [
        ("azimuthTime", estimate.azimuth_time),
        ("t0", estimate.t0),
        array("geometryDcPolynomial", [0.0, 0.0, 0.0]),
        array("dataDcPolynomial", estimate.coefficients, ".15e"),
        ("dataDcRmsError", 0.0),
        ("dataDcRmsErrorAboveThreshold", False),
        ("fineDceAzimuthStartTime", estimate.azimuth_time - half),
        ("fineDceAzimuthStopTime", estimate.azimuth_time + half),
        listing("fineDce", fine),
    ]


def _antenna(exposure: Exposure) -> list[list[Entry]]:
    """A flat antenna pattern every burst: the image is written as if corrected for it."""
    image = exposure.image
    pixel = np.linspace(0, image.samples_per_burst - 1, 40)
    found = []
    for burst in image.bursts:
        seconds = np.full(pixel.size, float(exposure.arc.seconds(burst.azimuth_time)))
        ranges = image.near_range + pixel * image.range_spacing
        points = view.ground(exposure.arc, seconds, ranges, view.FLAT)
        incidence, elevation, _ = view.incidence(exposure.arc, seconds, points)
        found.append(
            [
                ("swath", image.subswath),
                ("azimuthTime", burst.azimuth_time),
                array("slantRangeTime", 2 * ranges / SPEED_OF_LIGHT, ".15e"),
                array("elevationAngle", elevation),
                ("elevationPattern", " ".join(["1.0 0.0"] * pixel.size), {"count": pixel.size}),
                array("incidenceAngle", incidence),
                ("terrainHeight", _height(exposure)),
                ("roll", sum(exposure.swath.elevation) / 2),
            ]
        )
    return found


def _timing(exposure: Exposure) -> list[Entry]:
    image = exposure.image
    bursts = [_burst(exposure, burst) for burst in image.bursts]
    return [
        ("linesPerBurst", image.lines_per_burst),
        ("samplesPerBurst", image.samples_per_burst),
        listing("burst", bursts),
    ]


def _burst(exposure: Exposure, burst: Burst) -> list[Entry]:
    line = np.arange(exposure.image.lines_per_burst)
    inside = (line >= burst.first_line) & (line <= burst.last_line)
    cycles = exposure.image.orbit_number - exposure.image.track
    return [
        ("azimuthTime", burst.azimuth_time),
        ("azimuthAnxTime", burst.anx_seconds),
        ("sensingTime", burst.sensing_time),
        ("byteOffset", burst.byte_offset),
        array("firstValidSample", np.where(inside, burst.first_sample, -1)),
        array("lastValidSample", np.where(inside, burst.last_sample, -1)),
        ("burstId", burst.burst_id, {"absolute": burst.burst_id + round(cycles * NOMINAL_ORBIT / BEAM_CYCLE)}),
    ]


def _tie_points(exposure: Exposure) -> list[list[Entry]]:
    grid = exposure.image.grid
    seconds = exposure.arc.seconds(grid.azimuth_time)
    points = [part.ravel() for part in (grid.latitude, grid.longitude, grid.height)]
    ecef = to_ecef(*points).reshape(*grid.latitude.shape, 3)
    elevation = view.incidence(exposure.arc, seconds, ecef)[1]
    names = {
        "azimuthTime": grid.azimuth_time,
        "slantRangeTime": grid.slant_range_time,
        "line": grid.line,
        "pixel": grid.pixel,
        "latitude": grid.latitude,
        "longitude": grid.longitude,
        "height": grid.height,
        "incidenceAngle": grid.incidence_angle,
        "elevationAngle": elevation,
    }
    columns = [values.ravel() for values in names.values()]
    return [list(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
