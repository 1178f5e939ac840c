"""How well a detector does, scene by scene, and the thresholds it is given before it is judged."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, distance_transform_edt
from torch import Tensor

from epi.errors import ParameterError
from epi.learn.detect.channels import DETECT_CHANNELS, mirrored, scene_channels
from epi.learn.detect.data import block_of, clear
from epi.learn.detect.networks import Detector
from epi.simulate.labelled import KINDS, Mixture, Scenes, only_air

BINS = 20
"""Classes of the mask's probability that are counted: thresholds are multiples of 1/20."""
AIR_ALARMS = 0.015
"""Share of validation scenes with nothing but air that may be called an earthquake."""
TAIL = 0.1
"""Share of these scenes, the likeliest, from which it is learned how much rarer a higher probability is."""
BATCH = 64

Floats = NDArray[Any]


@dataclass(frozen=True)
class Judged:
    """What a detector made of simulated scenes.

    Attributes
    ----------
    table : a row a scene: ``kind``, ``present``, ``unwrapped``, ``magnitude``, ``depth_km``, ``peak_cm``, ``fringes``
        (largest displacement over half a wavelength), ``atmosphere_cm``, ``coherence`` (mean), ``logit`` and
        ``probability`` of presence; of networks that say where, ``boundary_km``, mean distance between the outlines of
        the true and the found mask at the network's threshold (NaN where one of them is empty).
    counts : (scenes, 2, BINS) pixels with data by truth (0 still, 1 moved) and by class of probability; None of
        networks that only say whether.
    air : probabilities of presence of as many scenes of the same mixture with nothing but air, or None.
    """

    table: pd.DataFrame
    counts: NDArray[np.int64] | None
    air: Floats | None = None

    def overlap(self, threshold: float) -> pd.DataFrame:
        """Pixels of each scene with data, in the truth and in the mask at a threshold.

        Parameters
        ----------
        threshold : probability from which a pixel belongs to the mask, 0 to 1; rounded to a multiple of 1/20.

        Returns
        -------
        A row a scene: ``both`` and ``either`` (intersection and union), ``said``, ``true``, ``right`` (where mask and
        truth are the same) and ``all``.

        Raises
        ------
        ParameterError : the network only says whether.
        """
        if self.counts is None:
            raise ParameterError("A network that only says whether there is an earthquake has no mask to compare.")
        first = round(threshold * BINS)
        said, silent = self.counts[:, :, first:].sum(2), self.counts[:, :, :first].sum(2)
        both, true = said[:, 1], self.counts[:, 1].sum(1)
        found = said.sum(1)
        parts = {"both": both, "either": found + true - both, "said": found, "true": true}
        return pd.DataFrame(parts | {"right": both + silent[:, 0], "all": self.counts.sum((1, 2))}, self.table.index)


def look(network: Detector, channels: Tensor, *, batch: int = BATCH) -> tuple[Tensor, Tensor | None]:
    """Let a network look at scenes, some at a time, on the device it lies on.

    One whose settings say so is asked of each scene's mirror image too (`epi.learn.detect.channels.mirrored`): a
    mirrored earthquake is an earthquake. The means of both logits and of both masks' probabilities count.

    Parameters
    ----------
    network : trained.
    channels : (n, channels, rows, columns), as `epi.learn.detect.channels.detect_channels` makes them.
    batch : scenes at a time.

    Returns
    -------
    Logits of presence (n,), and probabilities of moved ground (n, rows, columns) or None; on the CPU, no NaN.

    Raises
    ------
    ParameterError : not as many channels as the network was built for.
    """
    if channels.ndim != 4 or channels.shape[1] != len(DETECT_CHANNELS):
        raise ParameterError(
            f"Channels of shape {tuple(channels.shape)} were given: the network sees (n, {len(DETECT_CHANNELS)}, rows, "
            "columns), as detect_channels makes them."
        )
    device = next(network.parameters()).device
    network.eval()
    with torch.inference_mode():
        seen = [_answers(network, piece.to(device)) for piece in torch.split(channels, batch)]
    masks = [mask.cpu() for _, mask in seen if mask is not None]
    return torch.cat([present.cpu() for present, _ in seen]), torch.cat(masks) if masks else None


def _answers(network: Detector, channels: Tensor) -> tuple[Tensor, Tensor | None]:
    """Logits of presence and probabilities of moved ground, or their means over scenes and mirror images."""
    plain = network(channels)
    mask = None if plain.mask is None else plain.mask.sigmoid()
    if not network.settings.mirrors:
        return plain.present, mask
    turned = network(mirrored(channels))
    other = None if turned.mask is None else turned.mask.sigmoid().flip(-1)
    return (plain.present + turned.present) / 2, None if mask is None else (mask + other) / 2


def judge(
    network: Detector, mixture: Mixture, *, seed: int, blocks: Iterable[int], outlines: bool = True, air: bool = False
) -> Judged:
    """Let a network look at simulated scenes.

    Parameters
    ----------
    network : trained.
    mixture, seed, blocks : which scenes.
    outlines : also measure how far outlines are apart, which takes longer than everything else.
    air : also look at as many scenes with nothing but air.

    Returns
    -------
    A row for every scene of the blocks, in their order; no air of its own (None) unless asked.

    Raises
    ------
    ParameterError : no blocks.
    """
    settings, blocks = network.settings, list(blocks)
    if not blocks:
        raise ParameterError("No blocks of scenes to judge: give at least one number.")
    rows, counts = [], []
    for number in blocks:
        scenes = block_of(mixture, seed, number, pixels=settings.pixels)
        present, mask = look(network, scene_channels(scenes))
        row: dict[str, Any] = facts(scenes) | {"logit": present.numpy()}
        row |= {"probability": (present / settings.temperature).sigmoid().numpy()}
        if mask is not None:
            counts.append(count_pixels(mask, scenes))
            if outlines:
                said = (mask >= settings.threshold) & scenes.valid
                row["boundary_km"] = [
                    outline_km(one.numpy(), true.numpy(), scenes.spacing_km)
                    for one, true in zip(said, scenes.mask, strict=True)
                ]
        rows.append(pd.DataFrame(row))
    quiet = judge(network, only_air(mixture), seed=seed, blocks=blocks, outlines=False).table if air else None
    return Judged(
        pd.concat(rows, ignore_index=True),
        np.concatenate(counts) if counts else None,
        None if quiet is None else quiet["probability"].to_numpy(),
    )


def facts(scenes: Scenes) -> dict[str, Floats]:
    """What is true of scenes, as columns."""
    data = scenes.valid.sum((1, 2)).clamp_min(1)
    fringes = scenes.peak_m / (scenes.wavelength_m / 2)
    return {
        "kind": np.array(KINDS)[scenes.kind.numpy()],
        "present": scenes.present.numpy(),
        "unwrapped": scenes.unwrapped.numpy(),
        "magnitude": scenes.magnitude.numpy(),
        "depth_km": scenes.depth_km.numpy(),
        "peak_cm": 100 * scenes.peak_m.numpy(),
        "fringes": fringes.numpy(),
        "atmosphere_cm": 100 * scenes.atmosphere_m.numpy(),
        "coherence": ((scenes.coherence * scenes.valid).sum((1, 2)) / data).numpy(),
    }


def count_pixels(probability: Tensor, scenes: Scenes) -> NDArray[np.int64]:
    """Pixels with data of each scene by truth and class of probability, (scenes, 2, BINS)."""
    level = (probability * BINS).long().clamp(0, BINS - 1)
    number = torch.arange(len(scenes))[:, None, None]
    place = (number * 2 + scenes.mask.long()) * BINS + level
    found = torch.bincount(place[scenes.valid], minlength=len(scenes) * 2 * BINS)
    return np.asarray(found.reshape(len(scenes), 2, BINS).numpy(), dtype=np.int64)


def outline_km(said: NDArray[np.bool_], true: NDArray[np.bool_], spacing_km: float) -> float:
    """Mean distance between the outlines of two areas, each seen from the other.

    Parameters
    ----------
    said, true : (rows, columns).
    spacing_km : of the pixels.

    Returns
    -------
    Kilometres; NaN where an area is empty or has no outline.
    """
    if not (said.any() and true.any()):
        return float("nan")
    edges = [area & ~binary_erosion(area, border_value=True) for area in (said, true)]
    if not all(edge.any() for edge in edges):
        return float("nan")
    apart = [distance_transform_edt(~edge)[other].mean() for edge, other in (edges, edges[::-1])]
    return float(np.mean(apart) * spacing_km)


def adjust_detector(network: Detector, mixture: Mixture, *, seed: int, blocks: Iterable[int]) -> dict[str, float]:
    """Choose temperature and thresholds on validation scenes; the network keeps them.

    Parameters
    ----------
    network : trained.
    mixture, seed, blocks : scenes that it did not learn from, and that are not reported.

    Returns
    -------
    ``temperature``, under which the truth of quiet scenes and of earthquakes above half a fringe is the likeliest (Guo
    et al. 2017); ``alarm``, the probability of the best F1 of such earthquakes among those that no more than 15 in 1000
    scenes with nothing but air exceed (as many such scenes are made for it as there are others); ``alarm_growth``, by
    how much a logit has to rise for e times fewer of them to exceed it, the mean excess of their tail, which is taken
    for an exponential one (Coles 2001, section 4.2); and ``threshold``, that of the best pooled IoU.
    """
    blocks = list(blocks)
    judged = judge(network, mixture, seed=seed, blocks=blocks, outlines=False)
    air = judge(network, only_air(mixture), seed=seed, blocks=blocks, outlines=False).table["logit"].to_numpy()
    table = judged.table
    kept = table[clear(table["present"], table["fringes"])]
    logit, present = (torch.tensor(kept[name].to_numpy(dtype=float)) for name in ("logit", "present"))
    choices = torch.exp(torch.linspace(-1.5, 2.5, 81))
    loss = [float(torch.nn.functional.binary_cross_entropy_with_logits(logit / each, present)) for each in choices]
    temperature = float(choices[int(np.argmin(loss))])
    air = air / temperature
    probability = torch.tensor(table["logit"].to_numpy() / temperature).sigmoid().numpy()
    alarm = choose_alarm(table, probability, torch.tensor(air).sigmoid().numpy())
    growth = mean_excess(air)
    network.settings = replace(network.settings, temperature=temperature, alarm=alarm, alarm_growth=growth)
    if judged.counts is not None:
        network.settings = replace(network.settings, threshold=choose_threshold(judged))
    chosen = ("temperature", "alarm", "alarm_growth", "threshold")
    return {name: float(getattr(network.settings, name)) for name in chosen}


def choose_alarm(table: pd.DataFrame, score: Floats, air: Floats) -> float:
    """The score of the best F1 that air alone seldom exceeds.

    Parameters
    ----------
    table, score : of the same scenes of every kind.
    air : scores of scenes with nothing but air.
    """
    strong = (table["present"] & clear(table["present"], table["fringes"])).to_numpy()
    quiet = (table["kind"] != KINDS[0]).to_numpy()
    highest = np.nextafter(max(score.max(), air.max()), np.inf)
    levels = [*np.quantile(score, np.linspace(0, 1, 401)), highest]
    allowed = [level for level in levels if (air >= level).mean() <= AIR_ALARMS]
    best = max(allowed, key=lambda level: balanced_f1((score[strong] >= level).mean(), (score[quiet] >= level).mean()))
    return float(best)


def mean_excess(air: Floats) -> float:
    """By how much the ``TAIL`` largest values exceed the smallest of them, on average."""
    least = np.quantile(air, 1 - TAIL)
    return float((air[air >= least] - least).mean())


def choose_threshold(judged: Judged) -> float:
    """The probability of the best IoU, pooled over all scenes."""
    levels = np.arange(1, BINS) / BINS
    pooled = [judged.overlap(level)[["both", "either"]].sum() for level in levels]
    return float(levels[int(np.argmax([one["both"] / max(one["either"], 1) for one in pooled]))])


def balanced_f1(recall: float, false_alarms: float) -> float:
    """F1 where there are as many scenes with an earthquake as without.

    Parameters
    ----------
    recall : share of scenes with an earthquake that are called one, 0 to 1.
    false_alarms : share of the others that are.
    """
    return float(2 * recall / (1 + recall + false_alarms))
