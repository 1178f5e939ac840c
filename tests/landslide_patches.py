"""Patches of landslide stacks whose answer is known, made in no time."""

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from epi.insar.stack_bands import BANDS


def toy_patches(
    *, events: int = 6, each: int = 4, side: int = 64, seed: int = 0, regions: int | None = None, gap: bool = True
) -> xr.Dataset:
    """Squares that slid: coherence is lost, the phase is noise; the left columns of some patches have no data."""
    rng = np.random.default_rng(seed)
    count = events * each
    label = np.zeros((count, side, side), dtype=np.uint8)
    for number in range(count):
        for _ in range(number % 4):
            size = int(rng.integers(2, 12))
            row, column = rng.integers(8, side - size, size=2)
            label[number, row : row + size, column : column + size] = 1
    smooth = np.stack([gaussian_filter(rng.standard_normal((side, side)), 12) for _ in range(count)])
    smooth *= 20
    noise = rng.standard_normal((count, side, side))
    coherence = np.clip(0.7 + 0.1 * smooth + 0.05 * noise - 0.5 * label, 0, 1)
    unwrapped = 2 * smooth + 0.2 * noise + label * rng.uniform(-3, 3, label.shape)
    bands = {
        "phase": np.angle(np.exp(1j * unwrapped)),
        "coherence": coherence,
        "intensity": -10 + 3 * smooth + noise,
        "elevation": 500 + 200 * smooth,
        "los_displacement": -0.05546576 / (4 * np.pi) * unwrapped,
        "unwrapped_phase": unwrapped,
        "local_incidence_angle": 38 + 10 * smooth,
    }
    valid = np.ones(label.shape, dtype=bool)
    if gap:
        valid[::3, :, :5] = False
    stacked = np.stack([np.where(valid, bands[name], np.nan) for name in BANDS], axis=1).astype(np.float32)
    names = [f"event-{number // each:02d}" for number in range(count)]
    places = [f"region-{number // each % (regions or events):02d}" for number in range(count)]
    dims = ("patch", "y", "x")
    return xr.Dataset(
        {
            "bands": (("patch", "band", "y", "x"), stacked),
            "landslide": (dims, label * valid),
            "valid": (dims, valid),
        },
        coords={
            "band": list(BANDS),
            "event": ("patch", names),
            "region": ("patch", places),
            "row": ("patch", np.zeros(count, dtype=int)),
            "column": ("patch", np.zeros(count, dtype=int)),
        },
        attrs={"pixel_m": 30.0, "invalid_patches": 0},
    )
