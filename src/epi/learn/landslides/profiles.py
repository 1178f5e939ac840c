"""What is trained, on what and beside what: the study at its published size, and a named subset for a processor."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from epi.learn.landslides.networks import FULL, SMALL
from epi.learn.landslides.recipe import OURS, PUBLISHED, LandslideRecipe
from epi.learn.landslides.splits import SPLITS

RANDOM, BY_EVENT = SPLITS


@dataclass(frozen=True)
class Practice:
    """Simulated events that a network may learn from before it sees the data.

    Attributes
    ----------
    events : how many.
    patches : kept of each, at random.
    epochs : passes over them.
    """

    events: int
    patches: int
    epochs: int


@dataclass(frozen=True)
class LandslideProfile:
    """How much of the study is done.

    Attributes
    ----------
    architectures : networks on which the published recipe is tried; the first stands for those of the devices' rows.
    published, ours : the recipes that are compared.
    pixels : side of a patch.
    event_pixels : rows and columns of a simulated event.
    patches : kept of each event, at random; None keeps all.
    folds : of events; None leaves one group of events out at a time.
    seeds : of networks.
    practice : see `Practice`.
    ablation_epochs : passes of each network of the ablation by channel, which begins with random weights.
    """

    architectures: tuple[str, ...]
    published: LandslideRecipe
    ours: LandslideRecipe
    pixels: int = 256
    event_pixels: int = 1792
    patches: int | None = None
    folds: int | None = None
    seeds: tuple[int, ...] = (0,)
    practice: Practice = Practice(events=200, patches=56, epochs=10)  # frozen
    ablation_epochs: int = 100


@dataclass(frozen=True)
class Trial:
    """A line of the tables: a recipe, and how it is divided and compared.

    Attributes
    ----------
    part : "architecture", "device", "recipe" or "channels".
    recipe : what is trained; its name is that of the row.
    split : of `epi.learn.landslides.splits.SPLITS`.
    against : name of the recipe of the same split from which the row differs in one thing; its score is subtracted.
    """

    part: str
    recipe: LandslideRecipe
    split: str
    against: str = ""


_CPU: dict[str, Any] = {"network": SMALL[2], "epochs": 8, "batch": 16, "rate": 5e-4}
PROFILES: dict[str, LandslideProfile] = {
    "full": LandslideProfile(
        (FULL[2], FULL[0], FULL[1], FULL[3]), replace(PUBLISHED, weights="auto"), OURS, seeds=(0, 1, 2)
    ),
    "cpu": LandslideProfile(
        (SMALL[2], SMALL[0], SMALL[1]),
        replace(PUBLISHED, **_CPU),
        replace(OURS, network=SMALL[0], epochs=8, batch=16),
        pixels=128,
        event_pixels=640,
        folds=4,
        practice=Practice(events=24, patches=25, epochs=8),
        ablation_epochs=4,
    ),
}
"""``full``: published networks, 256 pixels, 100 passes, for a GPU. ``cpu``: a small network of each kind, 128 pixels,
events of 25 patches and few passes at ten times the published rate, which a hundred times fewer steps need."""


def trials(profile: LandslideProfile) -> Iterator[Trial]:
    """The lines of `data/landslide_scores.csv`, in order."""
    base = profile.published
    for network in profile.architectures:
        named = base if network == base.network else replace(base, network=network, name=f"published, {network}")
        for split in SPLITS:
            yield Trial("architecture", named, split)
    for device in devices(base):
        yield Trial("device", device, BY_EVENT, base.name)
    ours = profile.ours
    yield Trial("recipe", ours, BY_EVENT, base.name)
    yield Trial("recipe", ours, RANDOM, base.name)
    for one in changes(base, ours):
        yield Trial("recipe", one, BY_EVENT, ours.name)


def devices(base: LandslideRecipe) -> tuple[LandslideRecipe, ...]:
    """The published recipe with one of its devices taken away, or all."""
    return (
        replace(base, name="no oversampling", oversample=False),
        replace(base, name="hard labels", sigma_px=0.0),
        replace(base, name="labels softened over 3 pixels", sigma_px=3.0),
        replace(base, name="no buckets", buckets=False),
        replace(base, name="no flips or turns", augment=False),
        replace(base, name="no device", oversample=False, sigma_px=0.0, buckets=False, augment=False),
        replace(base, name="published rate", rate=PUBLISHED.rate),
    )


def changes(base: LandslideRecipe, ours: LandslideRecipe) -> tuple[LandslideRecipe, ...]:
    """Our recipe with one of its parts put back to what was published."""
    return (
        replace(ours, name="ours without practice", practice=False),
        replace(ours, name="ours on the published bands", channels=base.channels),
        replace(ours, name="ours with the published loss", loss=base.loss),
        replace(ours, name="ours with the published network", network=base.network),
    )


def ablation(profile: LandslideProfile) -> Iterator[Trial]:
    """The lines of `data/landslide_ablation.csv`: our recipe on seven bands, without one of them, and on one alone."""
    whole = replace(
        profile.ours,
        name="all bands",
        channels=profile.published.channels,
        practice=False,
        epochs=profile.ablation_epochs,
    )
    yield Trial("channels", whole, BY_EVENT)
    for band in whole.channels:
        rest = tuple(name for name in whole.channels if name != band)
        yield Trial("channels", replace(whole, name=f"without {band}", channels=rest), BY_EVENT, whole.name)
    for band in whole.channels:
        yield Trial("channels", replace(whole, name=f"{band} alone", channels=(band,)), BY_EVENT, whole.name)
