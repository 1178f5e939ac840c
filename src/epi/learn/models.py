"""The network: it looks at one patch and answers with a map of where the epicentre may lie."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from epi.learn.channels import CHANNELS
from epi.learn.weights import card_in, load_weights
from epi.storage import atomic_path

OWN = {"of": "this network", "remedy": "train it again with make train-locator"}
"""What an error says of these files."""
CELLS = 24
"""Cells a side of the map that is answered; a patch of 128 pixels covers the inner 16."""
PIXELS_A_CELL = 8
LEAST_SIGMA_KM = 0.3
"""The network cannot claim to be surer than this."""
MIDDLE_MAGNITUDE, MAGNITUDE_UNIT = 6.2, 0.6
"""What an output of 0 stands for, and of 1 more: the network's outputs stay near one."""


@dataclass(frozen=True)
class Settings:
    """What a network was built and calibrated for; kept with its weights.

    Attributes
    ----------
    pixels, size_km : side of a patch.
    widths : channels where a place is half a cell wide, one cell, and two.
    mixers : layers in which every place of the map hears of every other.
    temper : exponent of the geometric mean of the densities of a scene's patches.
    ellipse_factor : by what a scene's covariance is multiplied to hold the epicentre 95 times in 100, once measured.
    presence : probability from which a scene is called one with an earthquake, which 5 quiet scenes of 100 reach.
    """

    pixels: int = 128
    size_km: float = 51.2
    widths: tuple[int, int, int] = (48, 128, 256)
    mixers: int = 4
    temper: float = 1.0
    ellipse_factor: float | None = None
    presence: float = 0.5

    @property
    def cell_km(self) -> float:
        """Side of a cell of the map."""
        return PIXELS_A_CELL * self.size_km / self.pixels


class Answer(NamedTuple):
    """What the network says of each patch: a mixture of Gaussians, one a cell, and what it believes beside.

    Attributes
    ----------
    log_weight : (n, cells² + 1) of each cell's Gaussian; the last one is for an epicentre beyond the map, or none.
    mean_km : (n, 2, cells²) east and north of the patch's centre.
    sigma_km : (n, cells²), the same both ways.
    visible : (n,) logit of an earthquake that moves the ground of this patch by 3 cm or more.
    magnitude, log_sigma : (n,) of a Gaussian.
    """

    log_weight: Tensor
    mean_km: Tensor
    sigma_km: Tensor
    visible: Tensor
    magnitude: Tensor
    log_sigma: Tensor


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a way around them (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm, self.last_norm = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        nn.init.zeros_(self.last_norm.weight)

    def forward(self, seen: Tensor) -> Tensor:
        """Keep the shape."""
        inner = nn.functional.relu(self.norm(self.first(seen)))
        return nn.functional.relu(seen + self.last_norm(self.second(inner)))


class Mixer(nn.Module):
    """A layer that mixes over places, then over channels (Tolstikhin et al. 2021): every place hears of all others."""

    def __init__(self, places: int, width: int) -> None:
        super().__init__()
        self.over_places, self.over_channels = _perceptron(places), _perceptron(width)
        self.norm, self.last_norm = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Keep the shape (n, places, width)."""
        tokens = tokens + self.over_places(self.norm(tokens).transpose(1, 2)).transpose(1, 2)
        return torch.as_tensor(tokens + self.over_channels(self.last_norm(tokens)))


def _perceptron(size: int) -> nn.Sequential:
    last = nn.Linear(2 * size, size)
    nn.init.zeros_(last.weight)
    return nn.Sequential(nn.Linear(size, 2 * size), nn.GELU(), last)


class Locator(nn.Module):
    """Convolutions down to two cells a place, mixing over a map wider than the patch, and back up to one cell."""

    side = CELLS

    def __init__(self, settings: Settings | None = None, *, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings or Settings()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._build(*self.settings.widths)

    def _build(self, fine: int, middle: int, coarse: int) -> None:
        self.stem = nn.Sequential(
            nn.Conv2d(len(CHANNELS), fine // 2, 4, 2, 1),
            nn.ReLU(),
            nn.Conv2d(fine // 2, fine, 3, 2, 1, bias=False),
            nn.BatchNorm2d(fine),
            nn.ReLU(),
            Residual(fine),
        )
        self.cells = nn.Sequential(
            nn.Conv2d(fine, middle, 2, 2), nn.BatchNorm2d(middle), *(Residual(middle) for _ in range(3))
        )
        self.coarse = nn.Sequential(nn.Conv2d(middle, coarse, 2, 2), nn.BatchNorm2d(coarse), nn.ReLU())
        places = (self.side // 2) ** 2
        self.place = nn.Parameter(0.02 * torch.randn(1, places, coarse))
        self.mixers = nn.Sequential(*(Mixer(places, coarse) for _ in range(self.settings.mixers)))
        head = 3 * middle // 4
        self.up, self.across = nn.ConvTranspose2d(coarse, head, 2, 2), nn.Conv2d(middle, head, 1)
        self.map = nn.Sequential(nn.BatchNorm2d(head), Residual(head), nn.Conv2d(head, 4, 1))
        self.whole = nn.Linear(coarse, 4)

    def forward(self, channels: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n, 4, cells, cells) and (n, 4) raw numbers, of which `answer` makes sense.

        Parameters
        ----------
        channels : (n, channels, pixels, pixels), as `epi.learn.channels` makes them.
        """
        cells = self.cells(self.stem(channels))
        coarse = self.coarse(cells)
        margin = (self.side // 2 - coarse.shape[-1]) // 2
        tokens = nn.functional.pad(coarse, (margin,) * 4).flatten(2).transpose(1, 2)
        tokens = self.mixers(tokens + self.place)
        up = self.up(tokens.transpose(1, 2).unflatten(2, (self.side // 2, self.side // 2)))
        found = self.map(up + nn.functional.pad(self.across(cells), (2 * margin,) * 4))
        return found.float(), self.whole(tokens.mean(1)).float()

    def answer(self, channels: Tensor) -> Answer:
        """Say where the epicentre may lie, for (n, channels, pixels, pixels)."""
        found, whole = self(channels)
        cell = self.settings.cell_km
        logits = torch.cat([found[:, 0].flatten(1), whole[:, :1]], 1)
        mean = self.centres_km().to(found) + cell * torch.tanh(found[:, 1:3].flatten(2))
        sigma = LEAST_SIGMA_KM + nn.functional.softplus(found[:, 3].flatten(1)) * cell / 2
        magnitude = MIDDLE_MAGNITUDE + MAGNITUDE_UNIT * whole[:, 2]
        return Answer(logits.log_softmax(1), mean, sigma, whole[:, 1], magnitude, whole[:, 3].clamp(-4, 2))

    def centres_km(self) -> Tensor:
        """Centres of the cells, (2, cells²): east and north of the patch's centre; the first row lies in the north."""
        line = (torch.arange(self.side) - (self.side - 1) / 2) * self.settings.cell_km
        return torch.stack(torch.meshgrid(line, -line, indexing="xy")).flatten(1)


def save_network(network: Locator, path: str | Path, card: dict[str, object] | None = None) -> Path:
    """Write the weights, with what the network was built and calibrated for, whole or not at all.

    Parameters
    ----------
    network : trained.
    path : a ``.safetensors`` file.
    card : how it was made and what it scored: kept as JSON beside the settings.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    facts = {"settings": json.dumps(asdict(network.settings)), "card": json.dumps(card or {})}
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with atomic_path(path) as temporary:
        safetensors.torch.save_file(weights, temporary, metadata=facts)
    return Path(path)


def load_network(path: str | Path) -> Locator:
    """Read a network written by `save_network`, ready to predict.

    Raises
    ------
    FileFormatError : no such file, not weights of this kind, or weights of another architecture.
    """

    def make(known: dict[str, Any]) -> Locator:
        return Locator(Settings(**known | {"widths": tuple(known["widths"])}))

    return load_weights(path, "settings", make, ships="the one that ships is data/locator.safetensors", **OWN)


def read_card(path: str | Path) -> dict[str, object]:
    """Read what `save_network` was told of a network: data, seed, command, scores, limits.

    Raises
    ------
    FileFormatError : no such file, or no network's.
    """
    return card_in(path, "settings", **OWN)
