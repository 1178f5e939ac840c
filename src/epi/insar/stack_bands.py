"""The bands of a landslide stack: seven of what an interferometric pair tells of a slope, in one fixed order."""

from epi.insar.contract import VARIABLES, Variable

BANDS = (
    "phase",
    "coherence",
    "intensity",
    "elevation",
    "los_displacement",
    "unwrapped_phase",
    "local_incidence_angle",
)
_INTENSITY = Variable("dB", "modulus of the multilooked interferogram, 10 log10 |i + jq|")
BAND_FACTS: dict[str, Variable] = {name: VARIABLES.get(name, _INTENSITY) for name in BANDS}
"""What each band means: its unit and the closed range its finite values keep to. All but the intensity are variables of
a product."""
