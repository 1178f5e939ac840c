"""What an annotation says of the instrument, its telemetry and its attitude.

A simulated image has none of them: everything is written as an undisturbed instrument would give it.
"""

from dataclasses import dataclass

import numpy as np

from epi.simulate.safe.entries import Entry, array, data_take, listing
from epi.simulate.slc.plan import Exposure

_COUNTERS = [
    "SyncMarker",
    "DataTakeId",
    "EccNumber",
    "TestMode",
    "RxChannelId",
    "InstrumentConfigId",
    "PacketCount",
    "PriCount",
    "SsbErrorFlag",
    "BaqMode",
    "BaqBlockLength",
    "RangeDecimation",
    "RxGain",
    "TxRampRate",
    "TxPulseStartFrequency",
    "Rank",
    "Pri",
    "Swst",
    "Swl",
    "Polarisation",
    "TempComp",
    "ElevationBeamAddress",
    "AzimuthBeamAddress",
    "SasTestMode",
    "CalType",
    "CalibrationBeamAddress",
    "CalMode",
    "TxPulseNumber",
    "SignalType",
    "SwapFlag",
    "SwathNumber",
    "NumberOfQuads",
]


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation of the real and imaginary samples of an image."""

    mean: complex
    real_std: float
    imaginary_std: float

    def entry(self) -> Entry:
        """Entry ``imageStatistics``."""
        return (
            "imageStatistics",
            [
                ("outputDataMean", [("re", self.mean.real), ("im", self.mean.imag)]),
                ("outputDataStdDev", [("re", self.real_std), ("im", self.imaginary_std)]),
            ],
        )


def quality(exposure: Exposure, statistics: Statistics) -> Entry:
    """Entry ``qualityInformation``: nothing was lost."""
    gaps = [
        entry
        for kind in ("Downlink", "Instrument", "SsbError")
        for entry in (
            (f"num{kind}InputDataGaps", 0),
            (f"{kind[0].lower()}{kind[1:]}GapsInInputDataSignificantFlag", False),
            (f"num{kind}InputMissingLines", 0),
            (f"{kind[0].lower()}{kind[1:]}MissingLinesSignificantFlag", False),
        )
    ]
    downlink = [
        ("iInputDataMean", 0.0),
        ("qInputDataMean", 0.0),
        ("inputDataMeanOutsideNominalRangeFlag", False),
        ("iInputDataStdDev", 8.0),
        ("qInputDataStdDev", 8.0),
        ("inputDataStDevOutsideNominalRangeFlag", False),
        *gaps,
        ("chirpSourceUsed", "Nominal"),
        ("pgSourceUsed", "Extracted"),
        ("rrfSpectrumUsed", "Extended Tapered"),
        ("replicaReconstructionFailedFlag", False),
        ("meanPgProductAmplitude", 1.0),
        ("stdDevPgProductAmplitude", 0.0),
        ("meanPgProductPhase", 0.0),
        ("stdDevPgProductPhase", 0.0),
        ("pgProductDerivationFailedFlag", False),
        ("invalidDownlinkParamsFlag", False),
    ]
    raw = [
        entry
        for name, value in (("iBias", 0.0), ("qBias", 0.0), ("iqGainImbalance", 1.0), ("iqQuadratureDeparture", 0.0))
        for entry in ((name, value), (name.replace("Imbalance", "") + "SignificanceFlag", False))
    ]
    data = [
        ("azimuthTime", exposure.image.bursts[0].azimuth_time),
        ("downlinkQuality", downlink),
        ("rawDataAnalysisQuality", raw),
        ("dopplerCentroidQuality", [("dcMethod", "Data Analysis"), ("dopplerCentroidUncertainFlag", False)]),
        (
            "imageQuality",
            [
                statistics.entry(),
                ("outputDataMeanOutsideNominalRangeFlag", False),
                ("outputDataStDevOutsideNominalRangeFlag", False),
            ],
        ),
    ]
    return ("qualityInformation", [("productQualityIndex", 0.0), listing("qualityData", [data])])


def attitudes(exposure: Exposure) -> list[list[Entry]]:
    """A satellite that flies upright: no rotation is told but the swath's roll."""
    roll = sum(exposure.swath.elevation) / 2
    return [
        [
            ("time", time),
            ("frame", "Earth Fixed"),
            *((name, float(name == "q0")) for name in ("q0", "q1", "q2", "q3")),
            *((name, 0.0) for name in ("wx", "wy", "wz")),
            ("roll", roll),
            ("pitch", 0.0),
            ("yaw", 0.0),
        ]
        for time in exposure.image.orbit.time
    ]


def downlink(exposure: Exposure) -> list[Entry]:
    """One entry of the downlink list: pulses, sampling window, and no error counted."""
    image, swath = exposure.image, exposure.swath
    first, start = image.bursts[0].azimuth_time, -swath.pulse_seconds * swath.chirp_rate / 2
    interval = 1 / swath.pulse_rate
    window = image.slant_range_time - swath.rank * interval
    values = [
        ("pri", interval),
        ("rank", swath.rank),
        ("dataTakeId", data_take(exposure) % 2**16),
        ("eccNumber", 8),
        ("rxChannelId", 0),
        ("instrumentConfigId", 7),
        (
            "dataFormat",
            [
                ("baqBlockLength", 256),
                ("echoFormat", "FDBAQ"),
                ("noiseFormat", "BAQ 5 Bit"),
                ("calibrationFormat", "Decimation"),
                ("meanBitRate", 0.5),
            ],
        ),
        (
            "rangeDecimation",
            [
                ("decimationFilterBandwidth", swath.decimation[0]),
                ("samplingFrequencyAfterDecimation", image.range_sampling_rate),
                ("filterLength", swath.decimation[1]),
            ],
        ),
        ("rxGain", -4.0),
        ("txPulseLength", swath.pulse_seconds),
        ("txPulseStartFrequency", start),
        ("txPulseRampRate", swath.chirp_rate),
        ("swathNumber", swath.code),
        listing(
            "swl",
            [[("azimuthTime", first), ("value", image.samples_per_burst / image.range_sampling_rate)]],
        ),
        listing("swst", [[("azimuthTime", first), ("value", max(window, 0.0))]]),
        listing(
            "pointingStatus",
            [
                [
                    ("azimuthTime", first),
                    ("aocsOpMode", "Normal Pointing Mode"),
                    ("rollErrorFlag", False),
                    ("pitchErrorFlag", False),
                    ("yawErrorFlag", False),
                ]
            ],
        ),
    ]
    return [
        ("swath", image.subswath),
        ("azimuthTime", first),
        ("firstLineSensingTime", image.bursts[0].sensing_time),
        ("lastLineSensingTime", image.bursts[-1].sensing_time),
        ("prf", swath.pulse_rate),
        ("bitErrorCount", [*((f"numErr{name}", 0) for name in _COUNTERS), ("numIspHeaderErrors", 0)]),
        ("downlinkValues", values),
    ]


def raw_analysis(time: np.datetime64) -> list[Entry]:
    """One entry of the raw data analysis: no bias, no imbalance."""
    names = {"iBias": 0.0, "qBias": 0.0, "iqGain": 1.0, "iqQuadratureDeparture": 0.0}
    used = {"iBias": 0.0, "qBias": 0.0, "iqGainImbalance": 1.0, "iqQuadratureDeparture": 0.0}
    bounds = [(f"{name}{side}Bound", value) for name, value in names.items() for side in ("Upper", "Lower")]
    return [
        ("azimuthTime", time),
        *((name, used[name]) for name in ("iBias", "qBias", "iqQuadratureDeparture", "iqGainImbalance")),
        ("support", [*bounds, *((f"{name}UsedForCorrection", value) for name, value in used.items())]),
    ]


def replica(exposure: Exposure) -> list[Entry]:
    """One entry of the replica list: the chirp as it was meant."""
    swath, time = exposure.swath, exposure.image.bursts[0].azimuth_time
    start = -swath.pulse_seconds * swath.chirp_rate / 2
    reference = [
        ("azimuthTime", time),
        ("chirpSource", "Nominal"),
        ("pgSource", "Extracted"),
        array("amplitudeCoefficients", [1.0, 0.0, 0.0, 0.0]),
        array("phaseCoefficients", [0.0, start, swath.chirp_rate / 2, 0.0]),
        ("timeDelay", 0.0),
        ("gain", [("re", 1.0), ("im", 0.0)]),
    ]
    measured = [
        ("azimuthTime", time),
        ("crossCorrelationBandwidth", 0.98),
        ("crossCorrelationPslr", -12.7),
        ("crossCorrelationIslr", -9.6),
        ("crossCorrelationPeakLocation", 0.0),
        ("reconstructedReplicaValidFlag", True),
        ("pgProductAmplitude", 1.0),
        ("pgProductPhase", 0.0),
        ("modelPgProductAmplitude", 1.0),
        ("modelPgProductPhase", 0.0),
        ("relativePgProductValidFlag", True),
        ("absolutePgProductValidFlag", True),
        ("internalTimeDelay", 0.0),
    ]
    return [("swath", swath.name), ("referenceReplica", reference), listing("replica", [measured])]
