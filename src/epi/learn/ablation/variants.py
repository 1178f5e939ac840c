"""What is left out, made smaller or added, one thing at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import ParameterError
from epi.learn.ablation.network import View
from epi.learn.ablation.pool import Pool
from epi.learn.channels import CHANNELS
from epi.simulate.stream import Weather

KM_A_DEGREE = 111.2
WEATHERS = {"usual": Weather(), "weak": Weather(atmosphere_m=(0.002, 0.01))}
"""What the training patches are drawn from: the large network's weather (air of 0.2 to 4 cm), or 0.2 to 1 cm of air."""


def everything(channels: Tensor) -> Tensor:
    """All channels."""
    return channels


def without(channels: Tensor, *, names: tuple[str, ...]) -> Tensor:
    """Zero in place of some channels."""
    channels[:, [CHANNELS.index(name) for name in names]] = 0
    return channels


def angle(channels: Tensor, *, steps: bool) -> Tensor:
    """The wrapped phase itself, in units of π, in place of its cosine and sine; with its steps or without."""
    channels[:, 0] = torch.atan2(channels[:, 1], channels[:, 0]) / torch.pi
    channels[:, 1] = 0
    return channels if steps else without(channels, names=STEPS)


STEPS, LOOK = ("turn_east", "turn_north"), ("look_east", "look_north")


@dataclass(frozen=True)
class Variant:
    """One way to train the small network.

    Attributes
    ----------
    title : to write beside its score.
    sees : of the channels.
    earthquakes : in its training set; None is all of the pool.
    weather : a key of ``WEATHERS``.
    start : the variant from whose weights of the same seed it starts.
    coordinates : whether it is told where on Earth its patches lie.
    """

    title: str
    sees: View = everything
    earthquakes: int | None = None
    weather: str = "usual"
    start: str | None = None
    coordinates: bool = False


FULL, WEAK = "full", "weak-air"
VARIANTS = {
    FULL: Variant("all channels, all earthquakes"),
    "no-steps": Variant("no phase steps", partial(without, names=STEPS)),
    "angle": Variant("angle for cosine and sine", partial(angle, steps=True)),
    "angle-no-steps": Variant("angle, no phase steps", partial(angle, steps=False)),
    "no-look": Variant("no look vector", partial(without, names=LOOK)),
    "no-coherence": Variant("no coherence", partial(without, names=("coherence",))),
    "130": Variant("130 earthquakes", earthquakes=130),
    "40": Variant("40 earthquakes", earthquakes=40),
    "40-coordinates": Variant("40 earthquakes, coordinates", earthquakes=40, coordinates=True),
    "40-pretrained": Variant("40 after weak air (twice as long)", earthquakes=40, start=WEAK),
    WEAK: Variant("air of 1 cm at most", weather="weak"),
}
"""All variants by name."""
FIRST = (FULL, "40", "no-steps", "angle-no-steps", "130", "40-coordinates", "no-look", "no-coherence", "angle")
ORDER = (*FIRST, WEAK, "40-pretrained")
"""In this order they are trained: what says most first, weak air late because its patches must be drawn."""


def chosen(names: Iterable[str]) -> list[str]:
    """Check names of variants.

    Raises
    ------
    ParameterError : one is unknown, or starts from one that does not come before it.
    """
    listed = list(names)
    for number, name in enumerate(listed):
        if name not in VARIANTS:
            raise ParameterError(f"There is no variant {name!r}: choose from {', '.join(VARIANTS)}.")
        start = VARIANTS[name].start
        if start and start not in listed[:number]:
            raise ParameterError(f"The variant {name} starts from {start}: name that one before it.")
    return listed


def made_up_coordinates(pool: Pool, *, seed: int) -> NDArray[np.float32]:
    """Coordinates of patches, were each earthquake somewhere on Earth at random.

    Returns
    -------
    (n, 2) latitude / 90 and longitude / 180 of the patches' centres, as the published five-channel input has them.
    """
    events, which = np.unique(pool.event, return_inverse=True)
    rng = np.random.default_rng([seed, 29])
    latitude, longitude = rng.uniform(-60, 60, events.size)[which], rng.uniform(-180, 180, events.size)[which]
    east, north = pool.offset_km.T / KM_A_DEGREE
    centre = latitude - north, longitude - east / np.cos(np.deg2rad(latitude))
    return np.stack([centre[0] / 90, centre[1] / 180], 1).astype(np.float32)
