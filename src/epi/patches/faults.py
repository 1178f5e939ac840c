"""What can be wrong with a patch's own label: its distance, its epicentre, its place, its pair of images.

Every check takes a table in the form of ``COLUMNS`` (the optional columns may be missing) and returns what it found.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.patches.order import order_of
from epi.patches.place import CORNERS, GEOD

TOLERANCE, SLACK_KM = 0.01, 0.01
"""How far a distance may be from the geodesic: a share of it (a sphere in place of the ellipsoid errs by up to 0.6 %)
and, besides, km (the published ones are rounded to metres)."""

CENTRE, EPICENTRE = ("center_lat", "center_lon"), ("epicenter_lat", "epicenter_lon")
LOCAL = ("center_east_km", "center_north_km"), ("epicenter_east_km", "epicenter_north_km")

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Finding:
    """A fault found in a table of labels.

    Attributes
    ----------
    fault : its name.
    rows : positions of the rows concerned, from 0.
    events : their events.
    found : what was found, in numbers.
    remedy : what to do.
    """

    fault: str
    rows: tuple[int, ...]
    events: tuple[str, ...]
    found: str
    remedy: str


def finding(table: pd.DataFrame, wrong: Mask, fault: str, found: str, remedy: str) -> list[Finding]:
    """One finding for the rows of a mask, none where it is empty."""
    rows = np.flatnonzero(wrong)
    events = tuple(dict.fromkeys(table["event"].iloc[rows].astype(str)))
    return [Finding(fault, tuple(rows.tolist()), events, found, remedy)] if rows.size else []


def true_distance(table: pd.DataFrame) -> Floats:
    """Distance (km) from centre to epicentre: the geodesic, in the scene's own plane where it has no georeference."""
    distance = _geodesic(table, CENTRE, EPICENTRE)
    if not {*LOCAL[0], *LOCAL[1]} <= set(table):
        return distance
    (x, y), (to_x, to_y) = ([table[name].to_numpy(float) for name in names] for names in LOCAL)
    return np.where(np.isfinite(distance), distance, np.hypot(to_x - x, to_y - y))


def published_distance(table: pd.DataFrame, *, short: bool = False) -> Floats:
    """What the published labels call a distance (km): see the chapter on patches for what is wrong with it.

    Parameters
    ----------
    table : with the centres and the epicentres, degrees.
    short : take the difference in longitude the short way round; the published labels do not.
    """
    north, east = (
        table[to].to_numpy(float) - table[at].to_numpy(float) for at, to in zip(CENTRE, EPICENTRE, strict=True)
    )
    east = (east + 180) % 360 - 180 if short else east
    scale = np.hypot(180 * 111, 360 * 111 * np.cos(np.radians(table["center_lat"].to_numpy(float))))
    return np.asarray(np.hypot(north / 180, east / 360) * scale)


def distances(table: pd.DataFrame) -> list[Finding]:
    """Distances that are no geodesics: the long way round the globe, by the published formula, or otherwise wrong."""
    true, label = true_distance(table), table["distance_km"].to_numpy(float)
    wrong = abs(label - true) > SLACK_KM + TOLERANCE * true
    by_formula = wrong & _alike(label, published_distance(table, short=True))
    across = abs(table["epicenter_lon"].to_numpy(float) - table["center_lon"].to_numpy(float)) > 180
    long_way = wrong & across & (label > 0.8 * _along_parallel(table)) & ~by_formula
    other = wrong & ~long_way & ~by_formula
    ratio = np.divide(label, true, out=np.full(len(table), np.nan), where=true > 0)
    remedy = "take the geodesic (patches.offset)"
    return [
        *finding(
            table, long_way, "the long way round",
            f"labels of {_span(label[long_way])} km for {_span(true[long_way])} km across the antimeridian", remedy,
        ),
        *finding(
            table, by_formula, "distance by the published formula",
            f"labels {_span(ratio[by_formula], '.1f')} times the geodesic", remedy,
        ),
        *finding(
            table, other, "distance not the geodesic",
            f"labels {_span(ratio[other], '.3g')} times the geodesic", remedy,
        ),
    ]  # fmt: skip


def offsets(table: pd.DataFrame) -> list[Finding]:
    """Offsets that do not lead from the centre to the epicentre."""
    if not {"offset_east_km", "offset_north_km"} <= set(table):
        return []
    (lat, lon), (to_lat, to_lon) = ([table[name].to_numpy(float) for name in names] for names in (CENTRE, EPICENTRE))
    azimuth = np.radians(GEOD.inv(lon, lat, to_lon, to_lat)[0])
    true = _geodesic(table, CENTRE, EPICENTRE)
    off = np.hypot(
        table["offset_east_km"].to_numpy(float) - true * np.sin(azimuth),
        table["offset_north_km"].to_numpy(float) - true * np.cos(azimuth),
    )
    wrong = off > SLACK_KM + TOLERANCE * true
    text = f"they end {_span(off[wrong])} km from the epicentre"
    return finding(table, wrong, "offset not to the epicentre", text, "compute the offsets again (patches.offset)")


def epicentres(table: pd.DataFrame, *, reach_km: float) -> list[Finding]:
    """Epicentres that no patch of their event is near to, two of them swapped or not, and events that have several."""
    several = table.groupby("event")[list(EPICENTRE)].transform("nunique").gt(1).any(axis=1).to_numpy()
    table = table.reset_index(drop=True)
    nearest = pd.Series(true_distance(table)).groupby(table["event"]).transform("min").to_numpy()
    far = nearest > reach_km
    strays = {event: table.index[table["event"] == event] for event in table["event"][far].unique()}
    swapped = np.zeros(len(table), dtype=bool)
    for event, rows in strays.items():
        for other, others in strays.items():
            if event < other and max(_nearest(table, rows, others), _nearest(table, others, rows)) <= reach_km:
                swapped[rows] = swapped[others] = True
    pairs = ", ".join(table["event"][swapped].unique())
    own = f"{_span(nearest[swapped])} km from the nearest patch of their own event, in reach of the other's"
    return [
        *finding(
            table, swapped, "epicentres swapped", f"events {pairs}: {own}", "give each event its own epicentre back"
        ),
        *finding(
            table, far & ~swapped, "epicentre out of reach",
            f"{_span(nearest[far & ~swapped])} km from the nearest patch; a scene reaches {reach_km:g} km",
            "look the event up again, or leave it out",
        ),
        *finding(
            table, several, "several epicentres of one event", "rows of one event name different epicentres",
            "give each event one epicentre",
        ),
    ]  # fmt: skip


def places(table: pd.DataFrame) -> list[Finding]:
    """Places not on Earth, labels half known, centres off the middle of their corners, sizes not as said."""
    named = table.reindex(columns=[*EPICENTRE, *LOCAL[1]]).notna().to_numpy()
    has = named[:, :2].all(axis=1) | named[:, 2:].all(axis=1)
    half = np.asarray(has != table["distance_km"].notna().to_numpy())
    degrees = abs(table[[*CENTRE, *EPICENTRE]].to_numpy(float))
    nowhere = np.asarray((degrees > [90, 360, 90, 360]).any(axis=1))
    found = [
        *finding(table, nowhere, "no place on Earth", "latitudes over 90° or longitudes over 360°", "read them again"),
        *finding(table, half, "half a label", "an epicentre or a distance without the other", "label the rows anew"),
    ]
    corners = {name: (f"lat_{name}", f"lon_{name}") for name in CORNERS}
    if nowhere.any() or not {name for names in corners.values() for name in names} <= set(table):
        return found
    beside, diagonal = np.zeros(len(table)), np.zeros(len(table))
    for start, end in (("top_left", "bottom_right"), ("top_right", "bottom_left")):
        diagonal = np.fmax(diagonal, _geodesic(table, corners[start], corners[end]))
        half_way = _geodesic(table, corners[start], corners[end]) / 2
        for name in (start, end):
            beside = np.fmax(beside, abs(_geodesic(table, CENTRE, corners[name]) - half_way))
    off = np.asarray(beside > 0.1 * diagonal + SLACK_KM)
    across, down = (_geodesic(table, corners["top_left"], corners[end]) for end in ("top_right", "bottom_left"))
    side = np.sqrt(across * down)
    asked = table.reindex(columns=["size_km"]).to_numpy(float)[:, 0]
    short = ~off & (abs(side - asked) > 0.1 * asked)
    return [
        *found,
        *finding(
            table, off, "centre off the middle",
            f"{_span(beside[off])} km nearer to a corner, or farther, than half the diagonal",
            "compute it from the corners, the short way round the globe",
        ),
        *finding(
            table, short, "size not as said",
            f"corners span {_span(side[short], '.1f')} km where {_span(asked[short], '.1f')} km are said",
            "compute the corners again",
        ),
    ]  # fmt: skip


def positions(table: pd.DataFrame) -> list[Finding]:
    """Scenes whose patches do not lie in the order of their offsets."""
    verdicts = {"text": np.zeros(len(table), dtype=bool), "neither": np.zeros(len(table), dtype=bool)}
    misfits: dict[str, list[tuple[float, float]]] = {"text": [], "neither": []}
    table = table.reset_index(drop=True)
    for _, scene in table.groupby(["event", "subswath"]):
        known = np.column_stack([plane_km(scene), scene[["row", "column"]].to_numpy(float)])
        placed = np.flatnonzero(np.isfinite(known).all(axis=1))
        scene = scene.iloc[placed].drop_duplicates(["row", "column"])
        verdict, *misfit = order_of(scene["row"], scene["column"], plane_km(scene))
        if verdict in verdicts:
            rows = (table["event"] == scene["event"].iloc[0]) & (table["subswath"] == scene["subswath"].iloc[0])
            verdicts[verdict] |= rows.to_numpy()
            misfits[verdict].append((misfit[0], misfit[1]))
    number, text = (np.median(np.array(misfits["text"] or [(0, 0)])[:, n]) for n in (0, 1))
    other = np.median([one for one, _ in misfits["neither"] or [(0.0, 0.0)]])
    return [
        *finding(
            table, verdicts["text"], "offsets sorted as text",
            f"in {len(misfits['text'])} scenes places are {number:.0f} km rms off the order of their offsets, "
            f"{text:.1f} km off that of the same offsets sorted as text",
            "sort offsets as numbers, or pad their names with zeros (patches.patch_name)",
        ),
        *finding(
            table, verdicts["neither"], "places not in the order of the offsets",
            f"in {len(misfits['neither'])} scenes places are {other:.0f} km rms off it", "compute the places again",
        ),
    ]  # fmt: skip


def repeated(table: pd.DataFrame) -> list[Finding]:
    """Rows given twice, and two patches of one scene in one place."""
    twice = table.duplicated(["event", "subswath", "patch"], keep=False).to_numpy()
    names = CENTRE if table[CENTRE[0]].notna().any() else LOCAL[0]
    stacked = table.duplicated(["event", "subswath", *names], keep=False).to_numpy() & ~twice
    stacked &= table[list(names)].notna().all(axis=1).to_numpy()
    return [
        *finding(table, twice, "row given twice", "one event, subswath and patch more than once", "keep one of each"),
        *finding(table, stacked, "one place twice", "two patches of a scene share a centre", "compute places again"),
    ]


def dates(table: pd.DataFrame, times: Mapping[str, object] | None) -> list[Finding]:
    """Pairs in the wrong order, and pairs that do not bracket their earthquake where its time is given."""
    reference, secondary = acquired(table["reference"]), acquired(table["secondary"])
    reversed_ = (reference >= secondary).to_numpy()
    which = table[["reference", "secondary"]].iloc[np.flatnonzero(reversed_)[:1]].to_numpy().ravel()
    found = finding(
        table, reversed_, "pair reversed", " is not before ".join(map(str, which)),
        "swap reference and secondary, conjugate the interferogram",
    )  # fmt: skip
    time = table["event"].map({} if times is None else {k: pd.Timestamp(str(v)) for k, v in times.items()})
    time = pd.to_datetime(time, utc=True)
    days = pd.concat([reference, secondary], axis=1)
    last = days.max(axis=1)
    last = last.where(last != last.dt.normalize(), last + pd.Timedelta(days=1))  # a bare date is the whole day
    outside = ((time < days.min(axis=1)) | (time > last)).to_numpy()
    text = "the earthquake is before both images or after both"
    return found + finding(table, outside, "pair does not bracket the earthquake", text, "choose another pair")


def acquired(images: pd.Series) -> pd.Series:
    """UTC time of images by their Sentinel-1 product name or their date; NaT where neither is given."""
    names = images.fillna("").astype(str)
    stamp = names.str.extract(r"_(\d{8}T\d{6})_")[0]
    return pd.to_datetime(stamp.fillna(names), format="ISO8601", errors="coerce", utc=True)


def plane_km(table: pd.DataFrame) -> Floats:
    """Centres of one scene's patches in a plane, (patches, 2) km: by distance and azimuth from the first of them."""
    lat, lon = (table[name].to_numpy(float) for name in CENTRE)
    if not np.isfinite(lat).any():
        return table.reindex(columns=LOCAL[0]).to_numpy(float)
    azimuth, _, metres = GEOD.inv(np.full_like(lon, lon[0]), np.full_like(lat, lat[0]), lon, lat)
    angle = np.radians(azimuth)
    return np.column_stack([metres * np.sin(angle), metres * np.cos(angle)]) / 1e3


def _geodesic(table: pd.DataFrame, start: tuple[str, str], end: tuple[str, str]) -> Floats:
    """Length of the geodesic between two places of every row, km; NaN stays NaN."""
    (lat, lon), (to_lat, to_lon) = ([table[name].to_numpy(float) for name in names] for names in (start, end))
    return np.asarray(GEOD.inv(lon, lat, to_lon, to_lat)[2]) / 1e3


def _along_parallel(table: pd.DataFrame) -> Floats:
    """Way (km) from the longitude of the centre to that of the epicentre that never crosses the antimeridian."""
    degrees = abs(table["epicenter_lon"].to_numpy(float) - table["center_lon"].to_numpy(float))
    return np.asarray(111.2 * degrees * np.cos(np.radians(table["center_lat"].to_numpy(float))))


def _nearest(table: pd.DataFrame, patches: pd.Index, epicentre: pd.Index) -> float:
    """Distance (km) from some rows' centres to the epicentre of others, the smallest."""
    there = table.loc[patches].assign(**{name: table.loc[epicentre[0], name] for name in EPICENTRE})
    return float(_geodesic(there, CENTRE, EPICENTRE).min())


def _alike(first: Floats, second: Floats) -> Mask:
    """Equal but for rounding to metres and for a factor of 111 that was rounded."""
    return abs(first - second) < 0.002 * abs(second) + 0.001


def _span(values: Floats, form: str = ",.0f") -> str:
    """Smallest and largest value as text."""
    if not values.size:
        return ""
    low, high = (format(value, form) for value in (np.min(values), np.max(values)))
    return low if low == high else f"{low} to {high}"
