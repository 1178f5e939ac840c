"""The network: a ResNet-18 that looks at one patch and says where the epicentre lies, and how far to trust it."""

import urllib.error
import urllib.request
import warnings
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from epi.errors import FileFormatError, ParameterError
from epi.learn.libraries import timm
from epi.storage import atomic_path

HUB = "https://huggingface.co"
OFFSET_UNIT_KM = 10.0
"""What an output of 1 stands for: the network's outputs stay near one."""
LEAST_SCALE_KM = 0.3
"""The network cannot claim to be surer than this."""


class WeightsUnreachable(UserWarning):
    """Pretrained weights were asked for and could not be had."""


@dataclass(frozen=True)
class Settings:
    """What a network was built for; kept in its checkpoint.

    Attributes
    ----------
    architecture : a name timm knows.
    channels : of its input.
    size_km, pixels : ground and pixels of a patch's side.
    ellipse_factor : by what a scene's scatter is multiplied to hold the epicentre 95 times in 100, once measured.
    """

    architecture: str = "resnet18"
    channels: int = 9
    size_km: float = 51.2
    pixels: int = 64
    ellipse_factor: float | None = None


class OffsetNetwork(nn.Module):
    """A backbone of timm with three outputs a patch: offset east and north (km) and its scale (km).

    The scale s is that of a two-dimensional Laplace distribution about the offset: twice the scale is how far off, in
    km, the network expects to be.
    """

    def __init__(self, settings: Settings, *, seed: int = 0, weights: str | None = None) -> None:
        super().__init__()
        self.settings = settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone = backbone(settings.architecture, channels=settings.channels, outputs=3, weights=weights)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (patches, 3): east, north and scale in km, from (patches, channels, pixels, pixels)."""
        found = self.backbone(inputs)
        scale = LEAST_SCALE_KM + OFFSET_UNIT_KM * nn.functional.softplus(found[:, 2:])
        return torch.cat([found[:, :2] * OFFSET_UNIT_KM, scale], dim=1)


def backbone(architecture: str, *, channels: int, outputs: int, weights: str | None = None) -> nn.Module:
    """Make a network of timm with its own number of channels and outputs.

    Parameters
    ----------
    architecture : a name timm knows, such as ``"resnet18"``.
    channels, outputs : of the input and of the head.
    weights : None for random ones; ``"auto"`` for those timm publishes (trained on photographs) where they can be had,
        else random ones after a `WeightsUnreachable` warning.

    Raises
    ------
    ParameterError : timm does not know the architecture, or `weights` is neither None nor ``"auto"``.
    """
    if weights not in (None, "auto"):
        raise ParameterError(f"weights={weights!r} was asked: give None (random) or 'auto' (published ones).")
    if not timm.is_model(architecture):
        near = ", ".join(get_close_matches(architecture, timm.list_models(), n=3)) or "timm.list_models()"
        raise ParameterError(f"timm knows no architecture {architecture!r}: try {near}.")
    made: dict[str, Any] = {"in_chans": channels, "num_classes": outputs}
    if weights == "auto":
        try:
            _reach_hub()
            return _module(timm.create_model(architecture, pretrained=True, **made))
        except (OSError, RuntimeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            warnings.warn(
                f"Published weights of {architecture} cannot be had ({reason}): training starts from random weights. "
                "Say weights=None to ask for that.",
                WeightsUnreachable,
                stacklevel=2,
            )
    return _module(timm.create_model(architecture, pretrained=False, **made))


def _reach_hub(seconds: float = 5.0) -> None:
    """Fail at once where the model hub is out of reach: timm alone would retry for up to a minute."""
    try:
        urllib.request.urlopen(urllib.request.Request(HUB, method="HEAD"), timeout=seconds).close()
    except urllib.error.HTTPError:
        return  # an answer, if an unfriendly one: the hub is there


def _module(made: object) -> nn.Module:
    """Narrow what timm returns."""
    if not isinstance(made, nn.Module):
        raise TypeError(f"timm returned {type(made).__name__}, not a network.")
    return made


def save_network(network: OffsetNetwork, path: str | Path) -> Path:
    """Write a network and what it was built for, whole or not at all.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    with atomic_path(path) as temporary:
        torch.save({"settings": asdict(network.settings), "weights": network.state_dict()}, temporary)
    return Path(path)


def load_network(path: str | Path) -> OffsetNetwork:
    """Read a network written by `save_network`, ready to predict.

    Raises
    ------
    FileFormatError : no such file, not a checkpoint of this kind, or weights of another architecture.
    """
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"No checkpoint {source}: train the network first.")
    try:
        kept = torch.load(source, map_location="cpu", weights_only=True)
        network = OffsetNetwork(Settings(**kept["settings"]))
        network.load_state_dict(kept["weights"])
    except Exception as error:  # torch raises many kinds for a file it did not write
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(f"{source} is not a checkpoint of this network ({reason}): train it again.") from error
    return network.eval()
