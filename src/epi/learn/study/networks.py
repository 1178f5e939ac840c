"""The four published networks, by timm, with their own number of channels and answers."""

import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, Protocol

import torch
from torch import nn

from epi.errors import DownloadError, ParameterError
from epi.learn.libraries import timm

HUB = "https://huggingface.co"
TOKEN = 16
"""A vision transformer cuts the picture into squares of so many pixels."""


RANDOM, PUBLISHED, UNREACHABLE = "random", "published", "random (unreachable)"
"""What a network began with."""


class Wanted(Protocol):
    """What is asked of a network; `epi.learn.study.Recipe` is one, and so are the plans of other studies."""

    @property
    def model(self) -> str:
        """A name timm knows."""

    @property
    def channels(self) -> int:
        """How many it looks at."""

    @property
    def outputs(self) -> int:
        """How many numbers it answers with."""

    @property
    def pixels(self) -> int:
        """Side of what it looks at."""

    @property
    def weights(self) -> str | None:
        """First weights: see `epi.learn.study.recipe.WEIGHTS`."""

    @property
    def seed(self) -> int:
        """Of random weights."""


class WeightsUnreachable(UserWarning):
    """Published weights were asked for and could not be had."""


def reach_hub(seconds: float = 5.0) -> None:
    """Fail at once where the model hub is out of reach: timm alone would retry for up to a minute."""
    try:
        urllib.request.urlopen(urllib.request.Request(HUB, method="HEAD"), timeout=seconds).close()
    except urllib.error.HTTPError:
        return  # an answer, if an unfriendly one: the hub is there


def build_network(recipe: Wanted, *, reach: Callable[[], None] = reach_hub) -> nn.Module:
    """Make the network of a recipe: `begin_network` without what it began with."""
    return begin_network(recipe, reach=reach)[0]


def begin_network(recipe: Wanted, *, reach: Callable[[], None] = reach_hub) -> tuple[nn.Module, str]:
    """Make the network of a recipe; the same recipe gives the same random weights.

    Parameters
    ----------
    recipe : its model, channels, pixels, weights and seed.
    reach : called before weights are downloaded; fails where they cannot be had.

    Returns
    -------
    The network, and what it began with: ``RANDOM``, ``PUBLISHED``, or ``UNREACHABLE`` where published weights were
    looked for in vain.

    Raises
    ------
    ParameterError : timm does not know the model, or the pixels do not fit a transformer's squares.
    DownloadError : published weights and no others were asked for, and they cannot be had.
    """
    if not timm.is_model(recipe.model):
        near = ", ".join(get_close_matches(recipe.model, timm.list_models(), n=3)) or "timm.list_models()"
        raise ParameterError(f"timm knows no model {recipe.model!r}: try {near}.")
    made: dict[str, Any] = {"in_chans": recipe.channels, "num_classes": recipe.outputs}
    if recipe.model.startswith("vit"):
        if recipe.pixels % TOKEN:
            raise ParameterError(
                f"{recipe.model} cuts a patch into squares of {TOKEN} pixels, and {recipe.pixels} is no multiple: "
                f"choose {TOKEN * max(1, round(recipe.pixels / TOKEN))} pixels."
            )
        made["img_size"] = recipe.pixels
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if recipe.weights and (network := _published(recipe, made, reach)):
            return network, PUBLISHED
        network = _module(timm.create_model(recipe.model, pretrained=False, **made))
        return network, UNREACHABLE if recipe.weights else RANDOM


def _published(recipe: Wanted, made: dict[str, Any], reach: Callable[[], None]) -> nn.Module | None:
    """The network with weights learned on photographs; None after one warning where others will do."""
    model = recipe.model
    try:
        reach()
        return _module(timm.create_model(model, pretrained=True, **made))
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if recipe.weights == "published":
            raise DownloadError(
                f"Published weights of {model} cannot be had from {HUB} ({reason}): connect to it, or say "
                "weights='auto' or weights=None to begin with random ones."
            ) from error
        warnings.warn(
            f"Published weights of {model} cannot be had ({reason}): training starts from random weights. "
            "Say weights=None to ask for that.",
            WeightsUnreachable,
            stacklevel=4,
        )
        return None


def _module(made: object) -> nn.Module:
    """Narrow what timm returns."""
    if not isinstance(made, nn.Module):
        raise TypeError(f"timm returned {type(made).__name__}, not a network.")
    return made
