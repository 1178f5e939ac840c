"""The audit of labels: every fault that can be told from the rows alone, found before anything learns from them."""

from collections.abc import Mapping

import pandas as pd

from epi.errors import PatchStoreError
from epi.patches import faults, sharing
from epi.patches.faults import Finding

NEEDED = (
    *("event", "subswath", "patch", "row", "column", "reference", "secondary"),
    *(*faults.CENTRE, *faults.EPICENTRE, "distance_km"),
)
"""Columns without which labels cannot be audited; corners, offsets, sizes and groups are looked at where they are."""

REACH_KM = 400.0
"""An epicentre inside a Sentinel-1 scene, 250 km wide and seldom longer, is nearer than this to all of its patches."""


def audit(
    table: pd.DataFrame,
    *,
    parts: pd.Series | None = None,
    times: Mapping[str, object] | None = None,
    reach_km: float = REACH_KM,
) -> list[Finding]:
    """Find the faults of a table of labels.

    Parameters
    ----------
    table : one row a patch, as `read_table`, `cut` or `read_published` give it. Labels that are NaN throughout are
        unknown, which is no fault.
    parts : part of every row (train, test, …) on the index of ``table``; None leaves leaks unlooked for.
    times : UTC time of each event; None leaves it unsaid whether the pairs bracket their earthquakes.
    reach_km : how far an epicentre may lie from the nearest patch of its event.

    Returns
    -------
    What was found, faults of single rows first; empty where the labels are sound. Two swapped epicentres that both lie
    within ``reach_km`` of both events' patches cannot be told from the rows alone, nor can a scene of fewer than five
    patches be said to be scrambled.

    Raises
    ------
    PatchStoreError : no row, a column is missing, or ``parts`` are of other rows.
    """
    if missing := [name for name in NEEDED if name not in table]:
        raise PatchStoreError(f"Labels cannot be audited without the columns {', '.join(missing)}: see NEEDED.")
    if not len(table):
        raise PatchStoreError("There is no label to audit: cut a scene first.")
    if parts is not None and not parts.index.equals(table.index):
        raise PatchStoreError(f"{len(parts)} parts for {len(table)} labels of another index: give each row its part.")
    return [
        *faults.repeated(table),
        *faults.places(table),
        *faults.positions(table),
        *faults.epicentres(table, reach_km=reach_km),
        *faults.distances(table),
        *faults.offsets(table),
        *faults.dates(table, times),
        *sharing.two_labels(table),
        *(sharing.leaks(table, parts) if parts is not None else []),
    ]


def audit_report(findings: list[Finding]) -> pd.DataFrame:
    """One line a fault: how many rows and events, what was found, what to do."""
    lines = [(one.fault, len(one.rows), len(one.events), one.found, one.remedy) for one in findings]
    return pd.DataFrame(lines, columns=["fault", "rows", "events", "found", "remedy"]).set_index("fault")


def assert_sound(
    table: pd.DataFrame,
    *,
    parts: pd.Series | None = None,
    times: Mapping[str, object] | None = None,
    reach_km: float = REACH_KM,
) -> None:
    """Refuse faulty labels.

    Parameters
    ----------
    table, parts, times, reach_km : as in `audit`.

    Raises
    ------
    PatchStoreError : each fault with its first rows (counted from 1), what was found and what to do.
    """
    findings = audit(table, parts=parts, times=times, reach_km=reach_km)
    if findings:
        said = "; ".join(f"{one.fault}: {_rows(table, one)}: {one.found}. Remedy: {one.remedy}" for one in findings)
        raise PatchStoreError(f"{len(findings)} kind(s) of fault in {len(table)} labels: {said}.")


def _rows(table: pd.DataFrame, one: Finding) -> str:
    """The first rows of a finding by number, event and patch, and how many more there are."""
    keys = table[["event", "subswath", "patch"]]
    named = ", ".join(f"row {n + 1} ({' '.join(map(str, keys.iloc[n]))})" for n in one.rows[:3])
    return named + (f" and {len(one.rows) - 3} more" if len(one.rows) > 3 else "")
