"""Who trains, who validates, who tests: random patches as published, or whole events that nobody learned from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from epi.errors import ParameterError, PatchStoreError
from epi.patches.splits import assert_no_leak, linked

SPLITS = ("random", "by event")
"""Patches of all events in every part, as published; or no event and no region in two parts."""
SHARES = (0.7, 0.2, 0.1)
"""Published shares that train, validate and test."""

Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Fold:
    """One division of patches.

    Attributes
    ----------
    split : of ``SPLITS``.
    number : of the fold.
    train, validation, test : numbers of the patches.
    """

    split: str
    number: int
    train: Numbers
    validation: Numbers
    test: Numbers


def random_split(count: int, *, seed: int = 0) -> Fold:
    """Patches drawn at random, whatever their event: 70 % train, 20 % validate, 10 % test, as published.

    Raises
    ------
    PatchStoreError : too few patches for three parts.
    """
    held, tested = round(SHARES[1] * count), round(SHARES[2] * count)
    if not (held and tested and count > held + tested):
        raise PatchStoreError(f"{count} patches cannot train, validate and test: cut more of them.")
    order = np.random.default_rng(seed).permutation(count)
    parts = np.split(order, [count - held - tested, count - tested])
    return Fold(SPLITS[0], 0, *(np.sort(part) for part in parts))


def event_folds(
    event: NDArray[np.str_],
    region: NDArray[np.str_] | None = None,
    *,
    folds: int | None = None,
    validation: float = 0.2,
    seed: int = 0,
) -> Iterator[Fold]:
    """Leave events out, one after the other or a few together, until each patch was tested once.

    Parameters
    ----------
    event, region : (patches,) names; events of one region stay together.
    folds : how many; None leaves one group of events out at a time.
    validation : share of the other groups that validate, drawn anew each time; at least one.
    seed : of the draws.

    Raises
    ------
    PatchStoreError : too few groups, or an event in two parts.
    ParameterError : fewer than two folds, or a share that is none.
    """
    if not 0 < validation < 1 or (folds is not None and folds < 2):
        raise ParameterError(f"{folds} folds with a share of {validation:g} to validate: give 2 or more, and 0 to 1.")
    group = groups(event, region)
    names = np.unique(group)
    wanted = len(names) if folds is None else folds
    if len(names) < max(wanted, 3):
        raise PatchStoreError(
            f"{len(names)} group(s) of events cannot be divided into {wanted} fold(s) that train, validate and test: "
            "add events of other regions, or ask fewer folds."
        )
    divided = GroupKFold(wanted, shuffle=True, random_state=seed).split(group, groups=group)
    for number, (rest, test) in enumerate(divided):
        others = np.unique(group[rest])
        order = np.random.default_rng([seed, number]).permutation(others)
        held = order[: min(max(1, round(validation * len(others))), len(others) - 1)]
        watched = np.isin(group[rest], held)
        fold = Fold(SPLITS[1], number, rest[~watched], rest[watched], test)
        check_fold(fold, event, group)
        yield fold


def groups(event: NDArray[np.str_], region: NDArray[np.str_] | None = None) -> NDArray[np.str_]:
    """Group of every patch: its event, with all events of the same region; an empty region says nothing."""
    table = pd.DataFrame({"event": event, "region": event if region is None else region}).drop_duplicates()
    first = table["region"].map(table.groupby("region")["event"].first())
    links = [(one, other) for one, other, place in zip(table["event"], first, table["region"], strict=True) if place]
    found = linked(sorted(set(table["event"])), links)
    return np.array([found[name] for name in event.tolist()])


def check_fold(fold: Fold, event: NDArray[np.str_], group: NDArray[np.str_] | None = None) -> None:
    """Refuse a fold in which an event, or a group of events, is in two parts.

    Raises
    ------
    PatchStoreError : names of those that leak; or a patch that is in no part.
    """
    part = pd.Series(pd.NA, index=range(len(event)), dtype="object")
    for name in ("train", "validation", "test"):
        part.iloc[getattr(fold, name)] = name
    table = pd.DataFrame({"event": event, "group": event if group is None else group})
    assert_no_leak(table, part)
