"""The five published networks, by timm, with one answer: a magnitude."""

import copy
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from epi.errors import ParameterError
from epi.learn.magnitude.quakeset import CHANNELS, Pairs, Scaling
from epi.learn.study.networks import begin_network, reach_hub
from epi.learn.weights import card_in, load_weights, save_halved

OWN = {"of": "a magnitude network", "remedy": "give those of python -m epi.learn.magnitude --profile cpu"}
"""What an error says of these files."""
LEAST_PIXELS = 32


class Published(NamedTuple):
    """What was printed of a network: parameters and FLOPs (millions), and MAE on the test without and with ranking."""

    parameters: float
    flops: float
    mae: float
    mae_ranking: float


MODELS = {
    "convnextv2_atto": Published(3.4, 373.08, 0.2577, 0.2287),
    "mobilenetv3_small_100": Published(1.5, 44.10, 0.4540, 0.3678),
    "mobilenetv3_large_100": Published(4.2, 155.33, 0.5465, 0.5414),
    "mobilevitv2_100": Published(4.4, 964.60, 0.3539, 0.3383),
    "vit_tiny_patch16_224": Published(5.7, 1541.56, 0.3150, 0.2613),
}
"""Networks by their names in timm, with table 1 of Rege Cambrin et al. (2024)."""


@dataclass(frozen=True)
class MagnitudeSettings:
    """What a network was built for; kept with its weights.

    Attributes
    ----------
    model : a key of `MODELS`.
    pixels : a side.
    scaling : of its channels.
    centre, spread : its answer is centre + spread x what the body says: 0 and 1 as published; mean and standard
        deviation of the training magnitudes where it begins with random weights and has little time.
    """

    model: str
    pixels: int
    scaling: Scaling
    centre: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True)
class _Wanted:
    """The same as `epi.learn.study.networks` asks for it."""

    model: str
    pixels: int
    weights: str | None
    seed: int
    channels: int = CHANNELS
    outputs: int = 1


class MagnitudeNetwork(nn.Module):
    """One of timm's networks that says a magnitude."""

    def __init__(self, settings: MagnitudeSettings, body: nn.Module) -> None:
        super().__init__()
        self.settings, self.body = settings, body

    def forward(self, channels: Tensor) -> Tensor:
        """Look at scaled (n, 4, pixels, pixels) and give magnitudes, (n,); nothing keeps them above 0."""
        said: Tensor = self.body(channels)[:, 0].float()
        return self.settings.centre + self.settings.spread * said


def build_magnitude(
    settings: MagnitudeSettings, *, seed: int = 0, weights: str | None = None
) -> tuple[MagnitudeNetwork, str]:
    """Make a network, and say what it begins with: see `epi.learn.study.networks.begin_network`.

    Raises
    ------
    ParameterError : none of the published networks, or a side it cannot look at.
    DownloadError : published weights and no others were asked for, and they cannot be had.
    """
    if settings.model not in MODELS:
        raise ParameterError(f"No network '{settings.model}': there are {', '.join(MODELS)}.")
    if settings.pixels < LEAST_PIXELS or settings.pixels % LEAST_PIXELS:
        raise ParameterError(
            f"{settings.model} cannot look at {settings.pixels} pixels a side: give a multiple of {LEAST_PIXELS}."
        )
    body, began = begin_network(_Wanted(settings.model, settings.pixels, weights, seed), reach=reach_hub)
    _begin_head(body, settings, seed)
    return MagnitudeNetwork(settings, body), began


def _begin_head(body: nn.Module, settings: MagnitudeSettings, seed: int) -> None:
    """First weights of the last layer: torch's own, as published; none where answers begin at the mean.

    timm draws those of its mobile networks for many classes, by the number of answers: with one, they are as large as 1
    each, and first answers are off by more than any earthquake.
    """
    head = body.get_classifier()  # type: ignore[operator]  # timm's own
    if settings.spread != 1.0:
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head.reset_parameters()


@torch.inference_mode()
def predict(network: MagnitudeNetwork, pairs: Pairs, *, batch: int = 32, device: str = "cpu") -> np.ndarray:
    """Magnitudes that a network says of all pairs.

    Parameters
    ----------
    network : its own scaling is used; it is left ready to look.
    pairs : of as many pixels as the network was built for; ground without data is the mean to it.
    batch : pairs at a time; the answers do not depend on it.
    device : where it looks.

    Returns
    -------
    (n,) in the order of the pairs.

    Raises
    ------
    FileFormatError : a pair cannot be read, see `Pairs.decibels`.
    ParameterError : pairs of other pixels than the network was built for.
    """
    if pairs.pixels != network.settings.pixels:
        raise ParameterError(
            f"Pairs of {pairs.pixels} pixels were given: the network looks at {network.settings.pixels}, read them so."
        )
    network = network.eval().to(device)
    said = []
    for start in range(0, len(pairs), batch):
        numbers = range(start, min(start + batch, len(pairs)))
        channels = network.settings.scaling(torch.stack([pairs.decibels(number) for number in numbers]))
        said.append(network(channels.to(device, memory_format=torch.channels_last)).cpu())
    return np.asarray(torch.cat(said).double().numpy())


class Size(NamedTuple):
    """How much of everything a network takes.

    Attributes
    ----------
    parameters : numbers that are learned.
    mflops : millions of floating-point operations for one pair, as torch counts them: 2 for each multiplication with
        addition in convolutions, matrix products and attention; nothing else is counted.
    latency_ms : least time of several for one pair on this processor, with the threads torch has: whatever else the
        processor does only adds to it.
    """

    parameters: int
    mflops: float
    latency_ms: float


@torch.inference_mode()
def measure_size(network: nn.Module, *, pixels: int, repeats: int = 40) -> Size:
    """Count and time a network on the CPU.

    Parameters
    ----------
    network : takes (1, 4, pixels, pixels).
    pixels : a side.
    repeats : times it is timed, of which the least counts.
    """
    network = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    channels = torch.zeros(1, CHANNELS, pixels, pixels).to(memory_format=torch.channels_last)
    network(channels)  # the first time prepares what later ones use
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        network(channels)
        times.append(time.perf_counter() - start)
    parameters = sum(each.numel() for each in network.parameters())
    return Size(parameters, count_mflops(network, pixels=pixels), 1000 * min(times))


def count_mflops(network: nn.Module, *, pixels: int) -> float:
    """Count millions of floating-point operations for one pair (see `Size`).

    Nothing is computed: shapes alone are followed, on torch's device without data. On a CPU the counter would miss
    attention, which is computed in one piece there: half of the transformer's operations at 512 pixels.
    """
    shadow = copy.deepcopy(network).eval().to("meta")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        shadow(torch.zeros(1, CHANNELS, pixels, pixels, device="meta"))
    return float(counter.get_total_flops()) / 1e6


def save_magnitude(network: MagnitudeNetwork, path: str | Path, card: Mapping[str, object] | None = None) -> Path:
    """Write the weights in half precision with settings and card, whole or not at all.

    Parameters
    ----------
    network : what is kept.
    path : the file, ``.safetensors``.
    card : plain values that say where the weights are from, and how far to trust them.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    return save_halved(network, path, {"magnitude": asdict(network.settings), "card": dict(card or {})})


def load_magnitude(path: str | Path) -> MagnitudeNetwork:
    """Read a network written by `save_magnitude`, ready to look; nothing in the file is executed.

    Raises
    ------
    FileFormatError : no such file, no weights of such a network, or of another architecture.
    """

    def make(known: dict[str, Any]) -> MagnitudeNetwork:
        scaling = Scaling(*(tuple(known["scaling"][name]) for name in ("mean", "spread")))
        return build_magnitude(MagnitudeSettings(**(known | {"scaling": scaling})))[0]

    return load_weights(path, "magnitude", make, ships="the one that ships is data/magnitude_*.safetensors", **OWN)


def read_magnitude_card(path: str | Path) -> dict[str, Any]:
    """Read what `save_magnitude` was told of a network: data, seed, command, scores, limits.

    Raises
    ------
    FileFormatError : no such file, or no such network's.
    """
    return card_in(path, "magnitude", **OWN)
