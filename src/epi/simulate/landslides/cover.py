"""What grows on the ground, how strongly it scatters, and how much of its coherence lasts until the next image."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epi.simulate.landslides.fields import PIXEL_M, Floats, broad, ranks
from epi.simulate.landslides.relief import Relief
from epi.simulate.terrain import WATER_SIGMA0_DB
from epi.source.coherence import coherence_after

if TYPE_CHECKING:
    from epi.simulate.landslides.mixture import Setting

COVERS = ("water", "forest", "crops", "grass", "bare", "snow")
"""Kinds of ground, by their number in `Cover.kind`."""
_DECAYS = {"forest": "forest", "crops": "crops", "grass": "dry grass", "bare": "bare", "snow": "snow"}
_SIGMA0_DB = {"forest": -8.5, "crops": -11.0, "grass": -12.0, "bare": -11.5, "snow": -15.0}
"""Medians of C-band at 35 degrees (Ulaby & Dobson 1989), rounded; see also `epi.simulate.terrain.LAND`."""

CROPS_DEG = 9.0  # fields lie on gentler ground
PARCEL_M = (90.0, 260.0)  # sides of fields
VARIES_DB = 0.8  # of backscatter within a kind
VARIES = 0.10  # of coherence within a kind, as a share


@dataclass(frozen=True)
class Cover:
    """Cover of a scene.

    Attributes
    ----------
    kind : (rows, columns) uint8, numbers of `COVERS`.
    parcel : float32, a number from 0 to 1 that each field has for itself.
    sigma0_db : backscatter at the first image, dB at 35 degrees.
    coherence : that stays from the first image to the second where nothing else happens, 0 to 1.
    """

    kind: NDArray[np.uint8]
    parcel: Floats
    sigma0_db: Floats
    coherence: Floats


def draw_cover(setting: "Setting", relief: Relief, rng: np.random.Generator, *, bared: NDArray[np.bool_]) -> Cover:
    """Draw what lies on the ground of an event.

    Parameters
    ----------
    setting : shares of forest, crops and bare ground, tree line and snow line, days and weather.
    relief : the ground.
    rng : source of randomness.
    bared : where old slides left no plants.
    """
    shape = relief.height.shape
    level = relief.height + 120 * broad(shape, 1.0, rng)
    level -= 150 * relief.north / (0.3 + np.abs(relief.north))  # sunny slopes grow trees, and lose snow, higher up
    kind = np.full(shape, COVERS.index("grass"), np.uint8)
    stony = ranks(broad(shape, 0.6, rng) + 0.6 * broad(shape, 0.15, rng) + 0.06 * (relief.slope_deg - 25))
    kind[stony > 1 - setting.bare * np.where(level > setting.treeline_m, 1.8, 0.6)] = COVERS.index("bare")
    grown = ranks(broad(shape, 1.5, rng) + 0.7 * broad(shape, 0.25, rng) + 0.03 * (relief.slope_deg - 15))
    kind[(grown < setting.forest) & (level < setting.treeline_m)] = COVERS.index("forest")
    parcel, size = _parcels(shape, rng)
    flat = (relief.slope_deg < CROPS_DEG) & (level < setting.treeline_m)
    kind[flat & (ranks(broad(shape, 1.2, rng)) < setting.crops)] = COVERS.index("crops")
    kind[bared] = COVERS.index("bare")
    kind[(level > setting.snowline_m) & (relief.slope_deg < 42)] = COVERS.index("snow")
    kind[relief.water] = COVERS.index("water")
    varies = 0.7 * broad(shape, 0.8, rng) + 0.7 * broad(shape, 0.12, rng)
    in_field = kind == COVERS.index("crops")
    varies = np.where(in_field, 2.5 * (size - 0.5) * 2, varies).astype(np.float32)
    db, stays = np.full((2, len(COVERS)), np.nan)
    db[0], stays[0] = WATER_SIGMA0_DB, 0.0
    for n, name in enumerate(COVERS[1:], start=1):
        db[n], stays[n] = _SIGMA0_DB[name], coherence_after(setting.days, land=_DECAYS[name])
    weather = setting.dry * (1 + 0.06 * broad(shape, 6.0, rng))
    coherence = np.clip(stays[kind] * weather * (1 + VARIES * varies), 0.0, 0.97)
    return Cover(kind, parcel, (db[kind] + VARIES_DB * varies).astype(np.float32), coherence.astype(np.float32))


def _parcels(shape: tuple[int, int], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Two numbers from 0 to 1 for each field of a countryside of bent rectangles."""
    turn = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    bent = 4 * broad(shape, 0.5, rng), 4 * broad(shape, 0.5, rng)
    along = (rows * np.cos(turn) + columns * np.sin(turn) + bent[0]) * PIXEL_M
    across = (-rows * np.sin(turn) + columns * np.cos(turn) + bent[1]) * PIXEL_M
    long, short = rng.uniform(*PARCEL_M), rng.uniform(*PARCEL_M)
    table = rng.random((2, 509, 503))
    strip = np.floor(across / short).astype(int)
    place = (np.floor((along + 0.37 * long * strip) / long).astype(int) % 509, strip % 503)
    return table[0][place].astype(np.float32), table[1][place].astype(np.float32)
