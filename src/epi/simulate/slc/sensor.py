"""Facts of Sentinel-1's interferometric wide swath, as numbers, for images that are drawn and not taken.

The numbers are those of the annotations of S1A_IW_SLC__1SDV_20230904T063730_20230904T063757_050174_0609E3_DAA1 (a real
product, read once) and of ESA's product specification (S1-RS-MDA-52-7441). Beam angles are those at the first and the
last valid sample of its bursts: neighbours share 0.11 degrees, some two km of ground, though their files share twelve.
"""

from dataclasses import dataclass

RADAR_FREQUENCY = 5.40500045433435e9  # Hz
RANGE_SAMPLING_RATE = 64.34523812571428e6  # Hz
LINE_SECONDS = 2.055556299999998e-03
"""Time between lines of a focused burst, s."""

BURST_STEP = 1342
"""Lines from the first of one burst to the first of the next: the cycle over three subswaths lasts 2.758 s."""

GAIN = 237.0
"""Digital number over the square root of beta nought, the calibration constant of the processor since 2015."""

NOISE_SIGMA0_DB = -24.0
"""Thermal noise as backscatter: the specification asks for -22 dB and the instrument does better."""


@dataclass(frozen=True)
class Subswath:
    """One of the three beams.

    Parameters
    ----------
    name : IW1 to IW3.
    elevation : degrees off nadir at the first and last valid sample.
    empty : samples before the first and after the last valid one, of which the echo is not whole.
    lines : of a whole burst.
    delay : lines by which its bursts begin after those of IW1.
    sensing_delay : seconds from the zero-Doppler time of a burst's first line to its first echo.
    first_line, last_line : valid lines of a burst.
    steering_rate : degrees/s.
    range_bandwidth, azimuth_bandwidth : processed, Hz.
    pulse_rate, rank, pulse_seconds, chirp_rate : of the raw data: Hz, pulses in the air, s, Hz/s.
    decimation : bandwidth (Hz) and length of the decimation filter.
    code : number of the swath in the instrument.
    """

    name: str
    elevation: tuple[float, float]
    empty: tuple[int, int]
    lines: int
    delay: int
    sensing_delay: float
    first_line: int
    last_line: int
    steering_rate: float
    range_bandwidth: float
    azimuth_bandwidth: float
    pulse_rate: float
    rank: int
    pulse_seconds: float
    chirp_rate: float
    decimation: tuple[float, int]
    code: int


RANGE_WINDOW, AZIMUTH_WINDOW = 0.75, 0.70
"""Coefficients of the Hamming windows."""

SUBSWATHS = {
    each.name: each
    for each in (
        Subswath(
            name="IW1",
            elevation=(27.4534, 32.4316),
            empty=(171, 2419),
            lines=1507,
            delay=0,
            sensing_delay=1.148,
            first_line=21,
            last_line=1487,
            steering_rate=1.590368784,
            range_bandwidth=56.5e6,
            azimuth_bandwidth=327.0,
            pulse_rate=1717.128973878037,
            rank=9,
            pulse_seconds=5.240481033595628e-05,
            chirp_rate=1.078230321255894e12,
            decimation=(56.59e6, 36),
            code=10,
        ),
        Subswath(
            name="IW2",
            elevation=(32.3182, 36.9076),
            empty=(157, 2207),
            lines=1519,
            delay=460,
            sensing_delay=1.043,
            first_line=19,
            last_line=1499,
            steering_rate=0.979863325,
            range_bandwidth=48.3e6,
            azimuth_bandwidth=313.0,
            pulse_rate=1451.627112193990,
            rank=8,
            pulse_seconds=6.199592966536363e-05,
            chirp_rate=7.792817275120481e11,
            decimation=(48.35e6, 44),
            code=11,
        ),
        Subswath(
            name="IW3",
            elevation=(36.8066, 40.3515),
            empty=(140, 1943),
            lines=1524,
            delay=-418,
            sensing_delay=1.157,
            first_line=19,
            last_line=1504,
            steering_rate=1.397440818,
            range_bandwidth=42.78991840322842e6,
            azimuth_bandwidth=314.0,
            pulse_rate=1685.817302492702,
            rank=10,
            pulse_seconds=5.339056426703426e-05,
            chirp_rate=8.014509490705804e11,
            decimation=(42.86e6, 68),
            code=12,
        ),
    )
}
