"""How well landslides are found: pooled over valid pixels, by size, by event, with intervals over events."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import label as label_components

from epi.learn.metrics import with_bounds

SIZES = ("small", "medium", "large")
"""Terciles: of landslides, by their pixels; of patches with a landslide, by all landslide pixels."""
LEVELS = np.linspace(-10.0, 10.0, 401)
"""Logits between which probabilities are counted: thresholds are chosen among them, as fine near 0 as near 1."""
DRAWS = 1000

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_EIGHT = np.ones((3, 3), dtype=int)
_PIXELS = ("both", "said", "true")
COLUMNS = (
    *_PIXELS,
    *(f"{name}_{size}" for size in SIZES for name in ("hit", "pixels", "found", "number")),
    *(f"patch_{name}_{size}" for size in SIZES for name in _PIXELS),
    *(f"truth_{name}" for name in _PIXELS),
)
"""What is counted of every patch, to be added up: pixels that are landslide and said to be, said, and landslide; by
size of landslide its pixels that were said, all its pixels, landslides touched at all, and landslides; by size class of
the patch the first three again; and against what really slid, where that is known (0 elsewhere), the first three."""


@dataclass(frozen=True)
class Terciles:
    """Pixels up to which a landslide, and a patch with landslides, is small or medium."""

    landslide: tuple[float, float]
    patch: tuple[float, float]

    def facts(self) -> dict[str, float]:
        """The pixels by name, as columns of the tables."""
        names = ("small_px", "medium_px", "patch_small_px", "patch_medium_px")
        return dict(zip(names, (*self.landslide, *self.patch), strict=True))


@dataclass(frozen=True)
class Judged:
    """What a method made of patches.

    Attributes
    ----------
    table : a row a patch: ``event`` and ``COLUMNS``.
    levels : pixels by event, truth (0 other, 1 landslide) and class of probability, (events, 2, len(LEVELS) + 1);
        events in alphabetical order.
    threshold : probability from which a pixel counted as landslide.
    """

    table: pd.DataFrame
    levels: NDArray[np.int64]
    threshold: float


def landslides_of(label: Bools) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number each landslide of a patch, pixels that touch at a corner being of one.

    Returns
    -------
    Numbers from 1, 0 elsewhere, (rows, columns); and the pixels of each.
    """
    number, _ = label_components(label, _EIGHT)
    return number.astype(np.int32), np.bincount(number.ravel())[1:].astype(np.int64)


def terciles(label: Bools) -> Terciles:
    """Terciles of the landslides, and of the patches with a landslide, of a set of patches (n, rows, columns).

    Landslides are connected pixels of one patch: what a patch's edge cuts counts as two.
    """
    none = np.zeros(0, dtype=np.int64)
    sizes = np.concatenate([none, *(landslides_of(one)[1] for one in label)])
    pixels = label.sum((1, 2))
    parts = [values if len(values) else np.zeros(1) for values in (sizes, pixels[pixels > 0])]
    cuts = [np.quantile(values, [1 / 3, 2 / 3]) for values in parts]
    return Terciles(*((float(low), float(high)) for low, high in cuts))


def count_levels(logits: Floats, label: Bools, valid: Bools, event: NDArray[np.str_]) -> NDArray[np.int64]:
    """Valid pixels by event (in alphabetical order), truth and class of probability: `Judged.levels`."""
    names, which = np.unique(event, return_inverse=True)
    bins = len(LEVELS) + 1
    place = (which[:, None, None] * 2 + label) * bins + np.searchsorted(LEVELS, logits, side="right")
    return np.bincount(place[valid], minlength=len(names) * 2 * bins).reshape(len(names), 2, bins).astype(np.int64)


def choose_threshold(levels: NDArray[np.int64]) -> float:
    """The probability of the best IoU, pooled over all pixels; of equal ones the highest."""
    iou = _curve(levels.sum(0))["iou"]
    best = len(iou) - 1 - int(np.argmax(iou[::-1]))
    return float(1 / (1 + np.exp(-LEVELS[best])))


def best_iou(levels: NDArray[np.int64]) -> float:
    """IoU at `choose_threshold`, on the same pixels."""
    return float(_curve(levels.sum(0))["iou"].max())


def average_precision(levels: NDArray[np.int64]) -> float:
    """Area under precision over recall, as steps from one class of probability to the next; (2, classes) or more axes.

    References
    ----------
    Boyd et al. (2013), Area under the precision-recall curve, section 3 (the interpolation-free sum).
    """
    right, wrong = levels[1, ::-1].cumsum(), levels[0, ::-1].cumsum()
    if not right[-1]:
        return float("nan")
    precision = right / np.maximum(right + wrong, 1)
    return float((precision * np.diff(right, prepend=0)).sum() / right[-1])


def judge(
    logits: Floats,
    label: Bools,
    valid: Bools,
    event: NDArray[np.str_],
    *,
    threshold: float,
    sizes: Terciles,
    truth: Bools | None = None,
) -> Judged:
    """Count what a method made of patches at a frozen threshold, over valid pixels only.

    Parameters
    ----------
    logits : (n, rows, columns) log odds of landslide.
    label, valid : of the same shape.
    event : (n,) names.
    threshold : probability, chosen on other patches.
    sizes : terciles of the whole data, so that every method is judged by the same classes.
    truth : of the same shape, what really slid; None where nobody knows.
    """
    said = (logits >= np.log(threshold / (1 - threshold)) - 1e-9) & valid
    rows = [_count(*one, sizes=sizes) for one in zip(said, label & valid, strict=True)]
    known = [] if truth is None else zip(rows, said, truth & valid, strict=True)
    for row, marked, slid in known:
        row |= {"truth_both": int((marked & slid).sum())}
        row |= {"truth_said": int(marked.sum()), "truth_true": int(slid.sum())}
    table = pd.DataFrame(rows, columns=list(COLUMNS)).assign(event=event)
    return Judged(table, count_levels(logits, label & valid, valid, event), threshold)


Sums = Mapping[str, NDArray[np.float64]]


def measures(sums: Sums) -> dict[str, Floats]:
    """Statistics by name, of sums of ``COLUMNS`` (arrays of any shape).

    ``precision``, ``recall``, ``f1``, ``iou``; of landslides by size, ``recall_…`` (share of their pixels) and
    ``found_…`` (share of them that are touched at all); of patches by size class, ``patch_…_precision`` and so on;
    against what really slid, ``truth_precision`` and so on, NaN where nobody knows.
    """
    made: dict[str, Floats] = {}
    kinds = {"": "{}", "truth_": "truth_{}"} | {f"patch_{size}_": f"patch_{{}}_{size}" for size in SIZES}
    for prefix, form in kinds.items():
        both, said, true = (sums[form.format(name)] for name in _PIXELS)
        made[f"{prefix}precision"] = _ratio(both, said)
        made[f"{prefix}recall"] = _ratio(both, true)
        made[f"{prefix}f1"] = _ratio(2 * both, said + true)
        made[f"{prefix}iou"] = _ratio(both, said + true - both)
    for size in SIZES:
        made[f"recall_{size}"] = _ratio(sums[f"hit_{size}"], sums[f"pixels_{size}"])
        made[f"found_{size}"] = _ratio(sums[f"found_{size}"], sums[f"number_{size}"])
    return made


WITH_INTERVALS = (
    *("precision", "recall", "f1", "iou", "truth_iou"),
    *(f"{name}_{size}" for size in SIZES for name in ("recall", "found")),
)
"""Measures whose intervals are in the tables."""


def event_sums(judged: list[Judged]) -> tuple[list[str], Floats]:
    """Sums of ``COLUMNS`` by seed and event, (seeds, events, columns); a judgement a seed, of the same events."""
    tables = [one.table.groupby("event")[list(COLUMNS)].sum().sort_index() for one in judged]
    return list(tables[0].index), np.stack([table.to_numpy(dtype=float) for table in tables])


def score(judged: list[Judged], *, seed: int = 0, draws: int = DRAWS) -> dict[str, float]:
    """Every measure, pooled over patches and seeds, with 95 % intervals (``…_low``, ``…_high``).

    Parameters
    ----------
    judged : a judgement a seed, of the same patches.
    seed, draws : of the bootstrap over events, and over seeds where there are several (Efron & Tibshirani 1993).
    """
    names, sums = event_sums(judged)
    drawn = measures(_named(draw(sums, seed=seed, draws=draws)))
    found: dict[str, float] = {"events": float(len(names)), "patches": float(len(judged[0].table))}
    for name, value in measures(_named(sums.sum((0, 1)))).items():
        found |= with_bounds(name, float(value), drawn[name]) if name in WITH_INTERVALS else {name: float(value)}
    pooled = np.stack([one.levels for one in judged]).sum(0)
    weights = _weights(len(names), seed=seed, draws=min(draws, 200))
    each = [average_precision(np.einsum("e,ekb->kb", one, pooled)) for one in weights]
    return found | with_bounds("average_precision", average_precision(pooled.sum(0)), each)


def difference(one: list[Judged], other: list[Judged], name: str, *, seed: int = 0, draws: int = DRAWS) -> Floats:
    """How much better a method is than another in a measure: the difference, and its 95 % interval, (3,).

    The same events are drawn for both, so that what is common to an event cancels (paired bootstrap).

    Raises
    ------
    ValueError : the two were judged on different events or with different numbers of seeds.
    """
    names, sums = event_sums(one)
    others, theirs = event_sums(other)
    if names != others or sums.shape != theirs.shape:
        raise ValueError(f"Judged on {len(names)} and {len(others)} events: compare methods on the same ones.")
    whole = [measures(_named(each.sum((0, 1))))[name] for each in (sums, theirs)]
    apart = whole[0] - whole[1]
    drawn = [measures(_named(draw(each, seed=seed, draws=draws)))[name] for each in (sums, theirs)]
    return np.array(list(with_bounds("d", float(apart), drawn[0] - drawn[1]).values()))


def by_event(judged: list[Judged]) -> pd.DataFrame:
    """A row an event: its landslide pixels, and precision, recall, F1 and IoU over all seeds."""
    names, sums = event_sums(judged)
    whole = _named(sums.sum(0))
    found = measures(whole)
    kept = {name: found[name] for name in ("precision", "recall", "f1", "iou")}
    return pd.DataFrame({"event": names, "landslide_pixels": whole["true"] / len(judged), **kept})


def joined(parts: list[Judged]) -> Judged:
    """One judgement of several of different patches: of folds, each at its own threshold; it has none (NaN)."""
    order = np.unique(np.concatenate([one.table["event"].to_numpy().astype(str) for one in parts]))
    levels = np.zeros((len(order), 2, len(LEVELS) + 1), dtype=np.int64)
    for one in parts:
        own = np.unique(one.table["event"].to_numpy().astype(str))
        levels[np.searchsorted(order, own)] += one.levels
    table = pd.concat([one.table for one in parts], ignore_index=True)
    return Judged(table, levels, float("nan"))


def draw(sums: Floats, *, seed: int, draws: int) -> Floats:
    """Sums of columns under events (and seeds) drawn with replacement, (draws, columns)."""
    seeds, events, _ = sums.shape
    weights = _weights(events, seed=seed, draws=draws)
    rng = np.random.default_rng([seed, 1])
    chosen = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws).astype(float)
    return np.asarray(np.einsum("ds,de,sek->dk", chosen, weights, sums, optimize=True))


def _weights(events: int, *, seed: int, draws: int) -> Floats:
    """How often each event is drawn, (draws, events)."""
    return np.random.default_rng(seed).multinomial(events, np.full(events, 1 / events), size=draws).astype(float)


def _count(said: Bools, true: Bools, *, sizes: Terciles) -> dict[str, int]:
    both = said & true
    row = dict.fromkeys(COLUMNS, 0)
    row |= {"both": int(both.sum()), "said": int(said.sum()), "true": int(true.sum())}
    if not row["true"]:
        return row
    number, pixels = landslides_of(true)
    hits = np.bincount(number[said], minlength=len(pixels) + 1)[1:]
    for place, size in enumerate(SIZES):
        own = np.searchsorted(sizes.landslide, pixels, side="left") == place
        row |= {f"hit_{size}": int(hits[own].sum()), f"pixels_{size}": int(pixels[own].sum())}
        row |= {f"found_{size}": int((hits[own] > 0).sum()), f"number_{size}": int(own.sum())}
    size = SIZES[int(np.searchsorted(sizes.patch, row["true"], side="left"))]
    return row | {f"patch_{name}_{size}": row[name] for name in _PIXELS}


def _curve(levels: NDArray[np.int64]) -> dict[str, Floats]:
    """IoU at every threshold of ``LEVELS``, of pixels (2, classes)."""
    said = levels[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
    true = levels[1].sum()
    return {"iou": _ratio(said[1].astype(float), (said[0] + true).astype(float), empty=0.0)}


def _named(sums: Floats) -> dict[str, NDArray[np.float64]]:
    return {name: sums[..., place] for place, name in enumerate(COLUMNS)}


def _ratio(part: Floats, whole: Floats, *, empty: float = np.nan) -> Floats:
    """Share, and what it is where there is nothing to share."""
    part, whole = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, empty), where=whole > 0))
