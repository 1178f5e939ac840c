"""Whether the radar sees an earthquake in one chosen pair: from which side, after how many days, on which ground."""

import math

import pandas as pd

from epi.catalogue.events.coast import coast_km
from epi.catalogue.events.event import Event
from epi.catalogue.pairs.choice import Pair
from epi.source.coherence import Decay, coherence_after
from epi.source.detectability import NOISE_M, Passes, detectability

USUAL_LAND = "dry grass"
"""Kind of land (a key of `epi.source.coherence.LAND`) that is taken where nothing is known: neither rock nor forest."""

EPICENTRE_KM = 10.0
"""Ground this close to the epicentre counts as moved whatever the magnitude: the epicentre is not known better."""


def pair_probability(event: Event, pair: Pair, *, land: str | Decay = USUAL_LAND, air_m: float = NOISE_M) -> float:
    """Probability that one pair of images shows an earthquake.

    It is that of `epi.source.detectability.probability` for the pass of the pair and the coherence that the land keeps
    over the days between its images, times the share of the area that the pair shows: somewhere in there is what moved.
    The perpendicular baseline is left out, for Sentinel-1's are short beside the critical one.

    Parameters
    ----------
    event : the earthquake.
    pair : as `epi.catalogue.match_pairs` chooses it.
    land : what grows there, as in `epi.source.coherence.coherence_after`.
    air_m : expected rms of the LOS delay over 80 km, m.

    Returns
    -------
    0 to 1; 0 at sea, where the ground that moves reaches no coast; NaN of what is no earthquake, and where magnitude or
    depth is unknown.

    Raises
    ------
    ParameterError : another land, or air that is not positive.
    """
    coherence = float(coherence_after(pair.temporal_baseline_days, land=land))
    passes: Passes = "ascending" if pair.reference.direction == "ascending" else "descending"
    row = pd.DataFrame([vars(event)])
    found = detectability(row, noise_m=air_m, coherence=coherence, passes=passes).iloc[0]
    if event.kind != "earthquake" or math.isnan(found["probability"]):
        return math.nan
    at_sea = coast_km(event.latitude, event.longitude)[0] < -max(found["extent_km"], EPICENTRE_KM)
    return 0.0 if at_sea else float(found["probability"]) * pair.coverage
