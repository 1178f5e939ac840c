"""Known truth: ruptures, atmosphere and interferograms that were drawn, so that every method can be scored."""

from epi.simulate.acquisitions import simulated_scenes
from epi.simulate.known import expected_phase, truth_of
from epi.simulate.rupture import Rupture, draw_rupture
from epi.simulate.scene import Conditions, Simulated, simulate_event, simulate_scene

__all__ = [
    "Conditions",
    "Rupture",
    "Simulated",
    "draw_rupture",
    "expected_phase",
    "simulate_event",
    "simulate_scene",
    "simulated_scenes",
    "truth_of",
]
