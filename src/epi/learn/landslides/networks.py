"""Networks that say which pixels slid, made of segmentation-models-pytorch's, and their files of weights."""

import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from epi.errors import ParameterError
from epi.learn.landslides.channels import PUBLISHED_CHANNELS, check_channels
from epi.learn.landslides.data import Normaliser
from epi.learn.libraries import smp
from epi.learn.study.networks import PUBLISHED, RANDOM, UNREACHABLE, WeightsUnreachable, reach_hub
from epi.learn.weights import card_in, load_weights, save_halved

OWN = {"of": "a landslide network", "remedy": "give those that python -m epi.learn.landslides writes"}
"""What an error says of these files."""
STEP = 32
"""Sides of patches are multiples of so many pixels."""

_SHALLOW: dict[str, Any] = {"encoder_depth": 4, "decoder_channels": (64, 32, 16, 8)}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "unet-resnet34": ("Unet", {"encoder_name": "resnet34"}),
    "upernet-convnext_tiny": ("UPerNet", {"encoder_name": "tu-convnext_tiny"}),
    "segformer-mit_b2": ("Segformer", {"encoder_name": "mit_b2"}),
    "segformer-mit_b3": ("Segformer", {"encoder_name": "mit_b3"}),
    "unet-resnet10": ("Unet", {"encoder_name": "tu-resnet10t", **_SHALLOW}),
    "upernet-convnext_atto": ("UPerNet", {"encoder_name": "tu-convnext_atto", "decoder_channels": 64}),
    "segformer-mit_b0": ("Segformer", {"encoder_name": "mit_b0", "decoder_segmentation_channels": 64}),
    "sharp-unet-resnet34": ("Unet", {"encoder_name": "resnet34"}),
    "sharp-unet-resnet10": ("Unet", {"encoder_name": "tu-resnet10t", **_SHALLOW}),
}
"""Names, and what they are in segmentation-models-pytorch: the four published networks, a small sibling of each kind
for a processor without a GPU, and two whose last word is `Sharp`'s."""
FULL = tuple(list(NETWORKS)[:4])
SMALL = tuple(list(NETWORKS)[4:7])
SHARP = tuple(list(NETWORKS)[7:])
LAST_CHANNELS = 8
"""Channels of a `Sharp` network's last look."""


@dataclass(frozen=True)
class LandslideSettings:
    """What a network was built and adjusted for; kept with its weights.

    Attributes
    ----------
    network : a key of ``NETWORKS``.
    normaliser : channels, with the mean and standard deviation by which they are normalised.
    pixels : side of the patches it learned from.
    pixel_m : side of their pixels, metres.
    threshold : probability from which a pixel counts as landslide.
    """

    network: str
    normaliser: Normaliser
    pixels: int = 256
    pixel_m: float = 30.0
    threshold: float = 0.5


class Sharp(nn.Module):
    """A network that looks at its channels once more, at their full resolution, before it answers.

    The finest features of an encoder that begins with a step of two are two pixels wide, and the U-Net's last layers
    see nothing finer; half of all landslides are a few pixels.
    """

    def __init__(self, inner: nn.Module, channels: int) -> None:
        super().__init__()
        self.inner = inner
        self.look = nn.Sequential(
            nn.Conv2d(channels + LAST_CHANNELS, LAST_CHANNELS, 3, padding=1, bias=False),
            nn.BatchNorm2d(LAST_CHANNELS),
            nn.ReLU(inplace=True),
        )
        self.say = nn.Conv2d(LAST_CHANNELS, 1, 3, padding=1)

    def forward(self, channels: Tensor) -> Tensor:
        """Logits (n, 1, rows, columns), for (n, channels, rows, columns)."""
        return cast(Tensor, self.say(self.look(torch.cat([self.inner(channels), channels], dim=1))))


class LandslideNetwork(nn.Module):
    """One of the networks, with its settings."""

    def __init__(self, settings: LandslideSettings, body: nn.Module) -> None:
        super().__init__()
        self.settings, self.body = settings, body

    def forward(self, channels: Tensor) -> Tensor:
        """Logits (n, rows, columns) of landslide, for (n, channels, rows, columns)."""
        return cast(Tensor, self.body(channels))[:, 0].float()


def build_landslide(
    settings: LandslideSettings,
    *,
    seed: int = 0,
    weights: str | None = None,
    reach: Callable[[], None] = reach_hub,
) -> tuple[LandslideNetwork, str]:
    """Make a network; the same seed gives the same random weights.

    Parameters
    ----------
    settings : its name, channels and side of a patch.
    seed : of random weights.
    weights : None begins with random ones; ``"auto"`` with an encoder learned on photographs where it can be had, and
        with random ones after one warning where it cannot.
    reach : called before weights are downloaded; fails where they cannot be had.

    Returns
    -------
    The network, and what it began with: "random", "published" or "random (unreachable)".

    Raises
    ------
    ParameterError : no such network, channels or weights, or a side of a patch that it cannot look at.
    """
    name = settings.network
    if name not in NETWORKS:
        raise ParameterError(f"No network {name!r}: there are {', '.join(NETWORKS)}.")
    if settings.pixels < 2 * STEP or settings.pixels % STEP:
        raise ParameterError(
            f"{name} cannot look at {settings.pixels} pixels a side: give a multiple of {STEP} from {2 * STEP}."
        )
    if weights not in (None, "auto"):
        raise ParameterError(f"weights={weights!r} were asked: give None (random), or 'auto'.")
    check_channels(settings.normaliser.channels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if weights == "auto" and (body := _learned(name, settings, reach)):
            return LandslideNetwork(settings, body), PUBLISHED
        torch.manual_seed(seed)
        began = UNREACHABLE if weights else RANDOM
        return LandslideNetwork(settings, _made(name, settings, None)), began


def save_landslide(network: LandslideNetwork, path: str | Path, card: dict[str, object] | None = None) -> Path:
    """Write the weights in half precision with settings and card, whole or not at all.

    Parameters
    ----------
    network : trained, with its threshold.
    path : a ``.safetensors`` file.
    card : how it was made and what it scored.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    return save_halved(network, path, {"landslide": asdict(network.settings), "card": card or {}})


def load_landslide(path: str | Path) -> LandslideNetwork:
    """Read a network written by `save_landslide`, ready to look; nothing in the file is executed.

    Raises
    ------
    FileFormatError : no such file, no weights of a landslide network, or of another architecture.
    """

    def make(known: dict[str, Any]) -> LandslideNetwork:
        known["normaliser"] = Normaliser(**{name: tuple(value) for name, value in known["normaliser"].items()})
        return build_landslide(LandslideSettings(**known))[0]

    return load_weights(path, "landslide", make, ships="the one that ships is data/landslide.safetensors", **OWN)


def read_landslide_card(path: str | Path) -> dict[str, Any]:
    """Read what `save_landslide` was told of a network: data, command, scores, limits.

    Raises
    ------
    FileFormatError : no such file, or of another network.
    """
    return card_in(path, "landslide", **OWN)


def blank_settings(network: str, channels: tuple[str, ...] = PUBLISHED_CHANNELS, *, pixels: int) -> LandslideSettings:
    """Settings of a network whose channels are shown as they are: to count its parameters, or to try it."""
    count = len(channels)
    return LandslideSettings(network, Normaliser(channels, (0.0,) * count, (1.0,) * count), pixels=pixels)


def _made(name: str, settings: LandslideSettings, weights: str | None) -> nn.Module:
    kind, known = NETWORKS[name]
    count = len(settings.normaliser.channels)
    sharp = name in SHARP
    made = {"encoder_weights": weights, "in_channels": count, "classes": LAST_CHANNELS if sharp else 1}
    inner = cast(nn.Module, getattr(smp, kind)(**known, **made))
    return Sharp(inner, count) if sharp else inner


def _learned(name: str, settings: LandslideSettings, reach: Callable[[], None]) -> nn.Module | None:
    """The network with an encoder learned on photographs; None after one warning."""
    try:
        reach()
        return _made(name, settings, "imagenet")
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        warnings.warn(
            f"Published weights of {name}'s encoder cannot be had ({reason}): training starts from random weights. "
            "Say weights=None to ask for that.",
            WeightsUnreachable,
            stacklevel=3,
        )
        return None
