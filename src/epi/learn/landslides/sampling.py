"""What is done to training patches because landslides are few and small: more of them, softer edges, fuller batches."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor
from torch.utils.data import WeightedRandomSampler

from epi.errors import ParameterError
from epi.learn.landslides.data import Samples

SMALL_QUANTILE, LARGE_QUANTILE = 0.25, 0.75
"""Of the landslide pixels of training patches that have any: up to the first, small; above the second, large."""
BUCKETS = {"none": 0.1, "small": 0.5, "medium": 0.3, "large": 0.1}
"""Published shares of the patches of a batch."""

Counts = NDArray[np.int64]


def small_limit(pixels: Counts) -> float:
    """Landslide pixels up to which a patch counts as one of small landslides; NaN where no patch has any."""
    positive = pixels[pixels > 0]
    return float(np.quantile(positive, SMALL_QUANTILE)) if len(positive) else float("nan")


def oversample(samples: Samples, *, limit: float) -> Samples:
    """Add a crop of every patch with small landslides; the originals stay, as published.

    The crop has half the patch's side (128 of 256 pixels), lies about the middle of the box that bounds the
    patch's landslides, moved where it would reach beyond the patch, and is set in the middle of zeros to be
    as large as a patch again; what is added around it is not valid.

    Parameters
    ----------
    samples : that are learned from, and no others.
    limit : landslide pixels up to which a patch is cropped, see `small_limit`.
    """
    pixels = samples.label.sum((1, 2))
    chosen = torch.nonzero((pixels > 0) & (pixels <= limit))[:, 0]
    if not len(chosen):
        return samples
    side = samples.label.shape[-1] // 2
    spots = [crop_corner(samples.label[number].numpy(), side) for number in chosen.tolist()]
    parts = {}
    for name in ("channels", "label", "valid", "target"):
        whole: Tensor = getattr(samples, name)
        extra = torch.zeros_like(whole[chosen])
        for place, (number, (row, column)) in enumerate(zip(chosen.tolist(), spots, strict=True)):
            inner = slice(side // 2, side // 2 + side)
            extra[place, ..., inner, inner] = whole[number, ..., row : row + side, column : column + side]
        parts[name] = torch.cat([whole, extra])
    return Samples(**parts)


def crop_corner(label: NDArray[np.bool_], side: int) -> tuple[int, int]:
    """First row and column of a square about the middle of the box that bounds what is marked, within the image."""
    rows, columns = np.nonzero(label)
    middle = [(int(line.min()) + int(line.max()) + 1) // 2 for line in (rows, columns)]
    first = [min(max(spot - side // 2, 0), size - side) for spot, size in zip(middle, label.shape, strict=True)]
    return first[0], first[1]


def soft_labels(label: NDArray[np.bool_], *, sigma_px: float) -> NDArray[np.float32]:
    """Labels that fade with a Gaussian of the distance to the nearest landslide pixel; the landslide itself stays 1.

    Parameters
    ----------
    label : (n, rows, columns).
    sigma_px : standard deviation, pixels (published: 0, 3, 5); 0 gives the label itself.

    Raises
    ------
    ParameterError : a negative or infinite one.
    """
    if not 0 <= sigma_px < np.inf:
        raise ParameterError(f"sigma_px={sigma_px:g} was asked: give 0, or so many pixels.")
    soft = label.astype(np.float32)
    for number in np.flatnonzero(label.any((1, 2))) if sigma_px else ():
        away = distance_transform_edt(~label[number])
        soft[number] = np.exp(-(away**2) / (2 * sigma_px**2))
    return soft


def soften(samples: Samples, *, sigma_px: float) -> Samples:
    """Samples whose target is `soft_labels`."""
    return replace(samples, target=torch.from_numpy(soft_labels(samples.label.numpy(), sigma_px=sigma_px)))


@dataclass(frozen=True)
class Buckets:
    """How often each sample is drawn.

    Attributes
    ----------
    weights : (n,) of the samples, sum 1.
    shares : of the batches, by bucket; those of empty buckets went to the others in proportion.
    empty : buckets without a single sample.
    """

    weights: NDArray[np.float64]
    shares: dict[str, float]
    empty: tuple[str, ...]


def bucket_names(pixels: Counts) -> NDArray[np.str_]:
    """Bucket of every sample by its landslide pixels: none, small (up to the 25th percentile), medium, large."""
    positive = pixels[pixels > 0]
    low, high = np.quantile(positive, [SMALL_QUANTILE, LARGE_QUANTILE]) if len(positive) else (0.0, 0.0)
    return np.select([pixels == 0, pixels <= low, pixels <= high], ["none", "small", "medium"], "large").astype(str)


def fill_buckets(pixels: Counts, shares: dict[str, float] | None = None) -> Buckets:
    """Weights under which each bucket has its share of the draws, however many samples it has.

    Parameters
    ----------
    pixels : landslide pixels of every sample.
    shares : by bucket; default as published.

    Raises
    ------
    ParameterError : other buckets, shares that are negative, or none for any bucket that has a sample.
    """
    wanted = BUCKETS if shares is None else shares
    if set(wanted) != set(BUCKETS) or min(wanted.values()) < 0:
        raise ParameterError(f"Shares of {wanted}: give a number from 0 for each of {', '.join(BUCKETS)}.")
    names = bucket_names(pixels)
    sizes = {name: int((names == name).sum()) for name in wanted}
    total = sum(share for name, share in wanted.items() if sizes[name])
    if not total > 0:
        raise ParameterError("No bucket with a share has a sample: give samples, or other shares.")
    found = {name: wanted[name] / total if sizes[name] else 0.0 for name in wanted}
    weights = np.array([found[name] / sizes[name] for name in names])
    return Buckets(weights, found, tuple(name for name, size in sizes.items() if not size))


def turned(samples: Samples, *, flip: bool, quarters: int) -> Samples:
    """Samples flipped left to right, then turned by so many right angles: channels, label, valid and target alike.

    As published. It is not quite what a radar would see: north is no longer up, and the satellite seems to look from
    another side, while slopes that face it still look bright and steep. A network learns from it that direction says
    nothing; what the incidence angle and the intensity say stays with the ground they belong to.
    """
    parts = (samples.channels, samples.label, samples.valid, samples.target)
    return Samples(*(turn(part, flip=flip, quarters=quarters) for part in parts))


def turn(image: Tensor, *, flip: bool, quarters: int) -> Tensor:
    """An image (…, rows, columns), flipped left to right, then turned by so many right angles."""
    return torch.rot90(image.flip(-1) if flip else image, quarters, (-2, -1))


def turn_back(image: Tensor, *, flip: bool, quarters: int) -> Tensor:
    """What `turn` made, as it was."""
    back = torch.rot90(image, -quarters, (-2, -1))
    return back.flip(-1) if flip else back


class Draws:
    """Batches without end: the n-th is the same wherever the reading began.

    Parameters
    ----------
    samples : that are learned from.
    batch : samples a batch, at most all of them; what is left at the end of a pass is dropped.
    seed : of the order, and of flips and turns.
    buckets : weights of the samples; None takes each once a pass.
    augment : flip and turn each sample by chance.
    first : number of the first batch.
    """

    def __init__(
        self,
        samples: Samples,
        *,
        batch: int,
        seed: int,
        buckets: Buckets | None = None,
        augment: bool = True,
        first: int = 0,
    ) -> None:
        if batch < 1 or not len(samples):
            raise ParameterError(f"Batches of {batch} out of {len(samples)} samples were asked: give at least 1 of 1.")
        self.samples, self.seed, self.buckets, self.augment, self.first = samples, seed, buckets, augment, first
        self.batch = min(batch, len(samples))
        self.steps = len(samples) // self.batch
        """Batches a pass."""

    def order(self, turn: int) -> list[int]:
        """Numbers of the samples of one pass."""
        chance = torch.Generator().manual_seed(1_000_003 * self.seed + turn)
        count = self.steps * self.batch
        if self.buckets is None:
            return torch.randperm(len(self.samples), generator=chance)[:count].tolist()
        weights = self.buckets.weights.tolist()
        return list(WeightedRandomSampler(weights, count, replacement=True, generator=chance))

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield channels, target and valid."""
        turn, skipped = divmod(self.first, self.steps)
        while True:
            order = self.order(turn)
            for step in range(skipped, self.steps):
                yield self._batch(order[step * self.batch : (step + 1) * self.batch], turn * self.steps + step)
            turn, skipped = turn + 1, 0

    def _batch(self, numbers: list[int], step: int) -> tuple[Tensor, Tensor, Tensor]:
        chosen = Samples(*(part[numbers] for part in vars(self.samples).values()))
        if self.augment:
            rng = np.random.default_rng([self.seed, step])
            flips, quarters = rng.integers(2, size=len(numbers)), rng.integers(4, size=len(numbers))
            singles = [Samples(*(part[n : n + 1] for part in vars(chosen).values())) for n in range(len(numbers))]
            made = [
                turned(one, flip=bool(f), quarters=int(q)) for one, f, q in zip(singles, flips, quarters, strict=True)
            ]
            chosen = Samples(*(torch.cat(parts) for parts in zip(*(vars(one).values() for one in made), strict=True)))
        return chosen.channels, chosen.target, chosen.valid
