"""Choosing our recipe: candidates beside each other, on simulated events that are in no other table."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from epi.learn.landslides.profiles import BY_EVENT, LandslideProfile, Trial
from epi.learn.metrics import rounded
from epi.storage import atomic_path

if TYPE_CHECKING:
    from epi.learn.landslides.run import LandslideStudy


def candidates(profile: LandslideProfile) -> Iterator[Trial]:
    """What was tried, the chosen recipe among it."""
    base, ours = profile.published, profile.ours
    yield Trial("published", base, BY_EVENT)
    yield Trial("chosen", ours, BY_EVENT, base.name)
    for one in (
        replace(ours, name="slower", rate=ours.rate / 3),
        replace(ours, name="cross-entropy alone", loss="bce"),
        replace(ours, name="Tversky", loss="tversky"),
        replace(ours, name="focal", loss="focal"),
        replace(ours, name="softened over 1 pixel", sigma_px=1.0),
        replace(ours, name="oversampled", oversample=True),
        replace(ours, name="with buckets", buckets=True),
    ):
        yield Trial("tried", one, BY_EVENT, ours.name)


def choose(study: "LandslideStudy", *, command: str, home: Path) -> pd.DataFrame:
    """Train and judge every candidate, and write the table.

    Parameters
    ----------
    study : whose events are in no other table.
    command : kept in the table.
    home : the project's data folder.
    """
    rows, _ = study.rows(candidates(study.profile))
    table = rounded(pd.DataFrame(rows).assign(pixels=study.profile.pixels, seed=study.seed, command=command))
    with atomic_path(home / f"{study.tables}_choice.csv") as path:
        table.to_csv(path, index=False)
    return table
