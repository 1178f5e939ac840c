"""What is trained, on what and beside what: the study at its published size, and a named subset for a processor."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from epi.learn.landslides.networks import FULL, SHARP, SMALL
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
    epochs, rate : passes over them, and the highest rate of AdamW meanwhile.
    """

    events: int
    patches: int
    epochs: int
    rate: float = 1e-3


@dataclass(frozen=True)
class LandslideProfile:
    """How much of the study is done.

    Attributes
    ----------
    architectures : networks on which the published recipe is tried: its own, and others.
    published, ours : the recipes that are compared.
    pixels : side of a patch.
    event_pixels : rows and columns of a simulated event; None takes the recipe's own.
    patches : kept of each event, at random; None keeps all.
    folds : of events; None leaves one group of events out at a time.
    seeds : of networks.
    practice : see `Practice`.
    retrain : train networks anew without each band, and on each alone; what our network makes of bands
        of other patches is always in the table.
    """

    architectures: tuple[str, ...]
    published: LandslideRecipe
    ours: LandslideRecipe
    pixels: int = 256
    event_pixels: int | None = None
    patches: int | None = None
    folds: int | None = None
    seeds: tuple[int, ...] = (0,)
    practice: Practice = Practice(events=200, patches=56, epochs=10)  # frozen
    retrain: bool = True


@dataclass(frozen=True)
class Trial:
    """A line of the tables: a recipe, and how it is divided and compared.

    Attributes
    ----------
    part : "architecture", "device", "recipe" or "channels".
    recipe : what is trained; its name is that of the row.
    split : of `epi.learn.landslides.splits.SPLITS`.
    against : name of the recipe of the same split whose score is subtracted; devices differ from it in one thing,
        recipes may in several.
    """

    part: str
    recipe: LandslideRecipe
    split: str
    against: str = ""


_CPU: dict[str, Any] = {"network": SMALL[2], "epochs": 20, "batch": 16, "rate": 5e-4}
PROFILES: dict[str, LandslideProfile] = {
    "full": LandslideProfile(
        (FULL[2], FULL[0], FULL[1], FULL[3]), replace(PUBLISHED, weights="auto"), OURS, seeds=(0, 1, 2)
    ),
    "cpu": LandslideProfile(
        (SMALL[2], SMALL[0], SMALL[1]),
        replace(PUBLISHED, **_CPU),
        replace(OURS, network=SHARP[1], epochs=3, batch=16, rate=3e-5),
        pixels=128,
        event_pixels=640,
        patches=16,
        folds=3,
        practice=Practice(events=400, patches=25, epochs=8),
        retrain=False,
    ),
}
"""``full``: published networks, 256 pixels, 100 passes, for a GPU; the patches of its practice are 29 GB, and
stand in memory twice while they are prepared. ``cpu``: a small sibling of each published network for the published
recipe and a small U-Net for ours, 128 pixels, 16 patches an event and few passes, the published recipe's at ten times
its rate, which ten times fewer steps need."""


def trials(profile: LandslideProfile) -> Iterator[Trial]:
    """The lines of `data/landslide_scores.csv`, in order."""
    base, ours = profile.published, profile.ours
    others = [replace(base, network=network, name=f"published, {network}") for network in profile.architectures[1:]]
    for recipe in (base, *others):
        for split in SPLITS:
            yield Trial("architecture", recipe, split)
    for split in (BY_EVENT, RANDOM):
        yield Trial("recipe", ours, split, base.name)
    yield Trial("recipe", without_practice(profile), BY_EVENT, ours.name)
    yield Trial("recipe", with_practice(profile), BY_EVENT, ours.name)
    for device in devices(ours):
        yield Trial("device", device, BY_EVENT, ours.name)


def with_practice(profile: LandslideProfile) -> LandslideRecipe:
    """The published recipe after the practice of ours: with its own network, bands, loss, labels and devices."""
    ours = profile.ours
    return replace(profile.published, name="published with practice", practice=True, epochs=ours.epochs, rate=ours.rate)


def without_practice(profile: LandslideProfile) -> LandslideRecipe:
    """Our recipe from random weights: for as many passes as the published one, at the rate of practice."""
    epochs, rate = profile.published.epochs, profile.practice.rate
    return replace(profile.ours, name="ours without practice", practice=False, epochs=epochs, rate=rate)


def devices(base: LandslideRecipe) -> tuple[LandslideRecipe, ...]:
    """A recipe with one of the devices against few and small landslides taken away, or added where it has it not."""
    made = [
        (f"labels softened over {sigma:g} pixels", replace(base, sigma_px=sigma))
        for sigma in (0.0, 3.0, 5.0)
        if sigma != base.sigma_px
    ]
    made += [
        (_called("oversampling", base.oversample), replace(base, oversample=not base.oversample)),
        (_called("buckets", base.buckets), replace(base, buckets=not base.buckets)),
        (_called("flips or turns", base.augment), replace(base, augment=not base.augment)),
        ("one view" if base.views == 8 else "eight views", replace(base, views=9 - base.views)),
    ]
    return tuple(replace(one, name=f"{base.name}, {name}") for name, one in made)


def _called(device: str, there: bool) -> str:
    return f"{'no' if there else 'with'} {device}"


def ablation(profile: LandslideProfile) -> Iterator[Trial]:
    """Networks trained anew: on the seven bands by our recipe, without one of them, and on one alone."""
    whole = replace(without_practice(profile), name="all bands", channels=profile.published.channels)
    yield Trial("channels", whole, BY_EVENT)
    for band in whole.channels:
        rest = tuple(name for name in whole.channels if name != band)
        yield Trial("channels", replace(whole, name=f"without {band}", channels=rest), BY_EVENT, whole.name)
    for band in whole.channels:
        yield Trial("channels", replace(whole, name=f"{band} alone", channels=(band,)), BY_EVENT, whole.name)


EXCHANGED = {
    "phase": ("cosine", "sine"),
    "coherence": ("coherence", "local_coherence"),
    "intensity": ("intensity", "local_intensity"),
    "elevation": ("slope",),
    "unwrapped phase": ("local_phase",),
    "local incidence angle": ("local_incidence_angle",),
}
"""What of our channels comes from which band: exchanged together."""
