"""The bands of a landslide stack: seven of what an interferometric pair tells of a slope, in one fixed order."""

from dataclasses import dataclass

import numpy as np

__all__ = ["BANDS", "BAND_FACTS", "Band"]


@dataclass(frozen=True)
class Band:
    """What a band of the stack means: its unit and the closed range its finite values keep to."""

    unit: str
    meaning: str
    low: float = -np.inf
    high: float = np.inf


BAND_FACTS: dict[str, Band] = {
    "phase": Band("rad", "wrapped interferometric phase, motion away positive", -np.pi, np.pi),
    "coherence": Band("1", "interferometric coherence magnitude", 0.0, 1.0),
    "intensity": Band("dB", "modulus of the multilooked interferogram, 10 log10 |i + jq|"),
    "elevation": Band("m", "height of the ground", -12e3, 9e3),
    "los_displacement": Band("m", "line-of-sight displacement, positive toward the satellite"),
    "unwrapped_phase": Band("rad", "unwrapped interferometric phase, motion away positive"),
    "local_incidence_angle": Band("degree", "angle between line of sight and terrain normal", 0.0, 180.0),
}
BANDS: tuple[str, ...] = tuple(BAND_FACTS)
