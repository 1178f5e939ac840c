"""Scenes whose epicentre can be seen at once: the only spot of high coherence. For tests of what learning does."""

import numpy as np

from epi.insar import product
from epi.patches import Patches, concatenate, cut

SPACING_M = 1000.0


def marked(seed: int, pixels: int = 48):
    """A product without georeference, and the east and north (km) of its spot; the phase is a slope."""
    rng = np.random.default_rng(seed)
    place = (np.arange(pixels) - (pixels - 1) / 2) * SPACING_M / 1000
    east, north = np.meshgrid(place, place)
    spot = tuple(float(x) for x in rng.choice(place[12:-12], 2))
    near = np.hypot(east - spot[0], north - spot[1])
    slope = rng.uniform(0.2, 0.4, 2)
    phase = slope[0] * east + slope[1] * north
    heading = -13.0 if seed % 2 else -167.0
    made = product.build(
        {
            "i": np.cos(phase),
            "q": np.sin(phase),
            "coherence": np.where(near < 0.1, 1.0, np.clip(1 - near / 8, 0.2, 0.95)),
            **dict(zip(product.LOOK, product.look_vector(39.0, heading), strict=True)),
        },
        x=place * 1000,
        y=place * 1000,
        attrs={"wavelength": product.SENTINEL1_WAVELENGTH_M, "event_id": f"spot-{seed}"},
    )
    return made, spot


def marked_patches(seeds, *, size_km: float = 48, pixels: int = 48, overlap: float = 0.5) -> Patches:
    """Patches of several such scenes."""
    parts = []
    for seed in seeds:
        made, spot = marked(seed)
        parts.append(cut(made, size_km=size_km, pixels=pixels, overlap=overlap, epicentre=spot))
    return concatenate(parts)
