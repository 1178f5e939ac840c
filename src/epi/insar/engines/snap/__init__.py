"""The chain through ESA's SNAP: the same steps as the native engine, as graphs of SNAP operators.

SNAP itself was not at hand when this was written: graphs are checked against facts read from its sources
(``data/snap_operators.json``), and running them is tested with a stand-in for ``gpt``.

``chain``      stages: from two SLC products to a displacement map, as `Stage` objects
``presets``    Options, preset, PRESETS: the chains of two theses
``scripts``    write_graphs: one XML a stage, for anyone who has SNAP
``execute``    run: stage by stage, through ``gpt`` (`Gpt`, `find_gpt`) or in this process (`InProcess`)
``operators``  check_operator: what SNAP 10 to 14 accept; ``traps``: what they accept and do not do
``graph``      Node, Stage, check_graph; ``bands``: the names of the bands that will be there
"""

from epi.insar.engines.snap.chain import stages
from epi.insar.engines.snap.execute import Report, run
from epi.insar.engines.snap.gpt import Gpt, find_gpt
from epi.insar.engines.snap.graph import Stage
from epi.insar.engines.snap.inprocess import InProcess
from epi.insar.engines.snap.presets import PRESETS, Options, preset
from epi.insar.engines.snap.scripts import write_graphs

__all__ = [
    "PRESETS",
    "Gpt",
    "InProcess",
    "Options",
    "Report",
    "Stage",
    "find_gpt",
    "preset",
    "run",
    "stages",
    "write_graphs",
]
