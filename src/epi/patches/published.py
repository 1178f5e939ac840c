"""Labels in the published form, a row a band, brought into the one form that everything here takes."""

from pathlib import Path

import pandas as pd

from epi.errors import FileFormatError, PatchStoreError
from epi.patches.patch import PUBLISHED

SAME = [name for name in PUBLISHED if name.startswith(("lat_", "lon_", "center_", "epicenter_", "distance"))]
"""What the bands of one patch must say alike."""


def read_published(path: str | Path) -> pd.DataFrame:
    """Read published labels: one row a patch, with the columns an audit needs.

    Parameters
    ----------
    path : a CSV file with the columns of ``PUBLISHED``, such as `export_published` writes.

    Returns
    -------
    Columns ``event`` (the published index as text), ``subswath``, ``patch``, ``row``, ``column``, ``reference`` and
    ``secondary`` (dates, ISO 8601; empty where the band's name has none), the corners, the centre and the epicentre in
    degrees, and ``distance_km``, as published: nothing is corrected.

    Raises
    ------
    FileFormatError : no such file, no such columns, or names that follow another pattern.
    PatchStoreError : the bands of one patch disagree.
    """
    bands = _table(Path(path))
    patch = bands["patches"].str.extract(r"^patch_(?P<row>\d+)_(?P<column>\d+)$")
    subswath = bands["interferogram"].str.extract(r"^Interferogram_\d+_(\w+)$")[0]
    if (odd := patch.isna().any(axis=1) | subswath.isna()).any():
        row = bands[odd].iloc[0]
        raise FileFormatError(
            f"{path}, row {odd.to_numpy().argmax() + 1}: {row['interferogram']!r} and {row['patches']!r} are no "
            "published names: Interferogram_<number>_<subswath> and patch_<row>_<column> were expected."
        )
    dates = bands["band"].str.extract(r"_(\d{2}[A-Z][a-z]{2}\d{4})_(\d{2}[A-Z][a-z]{2}\d{4})$")
    facts = {"event": bands["index"].astype(str), "subswath": subswath, "patch": bands["patches"]}
    table = pd.DataFrame(
        facts | dict(patch.astype(int).items()) | {"reference": _iso(dates[0]), "secondary": _iso(dates[1])}
    )
    table = table.join(bands[SAME])
    differ = table.duplicated(["event", "subswath", "patch"]) & ~table.duplicated()
    if differ.any():
        number = int(differ.to_numpy().argmax())
        raise PatchStoreError(
            f"{path}, row {number + 1}: {bands['band'].iloc[number]} says otherwise than another band of its patch."
        )
    table = table.drop_duplicates().reset_index(drop=True)
    return table.assign(distance_km=table.pop("distance") / 1000)


def _iso(days: pd.Series) -> pd.Series:
    """Dates such as 16Apr2018 as 2018-04-16, empty where there are none."""
    return pd.to_datetime(days, format="%d%b%Y").dt.strftime("%Y-%m-%d").fillna("")


def _table(path: Path) -> pd.DataFrame:
    """The file as it is; FileFormatError where it is no table of published labels."""
    if not path.is_file():
        raise FileFormatError(f"No file {path}: give the CSV of published labels.")
    try:
        bands = pd.read_csv(path, dtype={"interferogram": str, "band": str, "patches": str})
    except (ValueError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path} is no table of labels ({error}).") from error
    if missing := [name for name in PUBLISHED if name not in bands]:
        raise FileFormatError(f"{path} lacks the published columns {', '.join(missing)}.")
    return bands
