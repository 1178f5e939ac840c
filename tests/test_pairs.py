"""Pairs bracket the earthquake, and every candidate that is not in one says why."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, box

from epi.catalogue import Scene, find_event, match_pairs, perpendicular_baseline, read_scenes
from epi.catalogue.images.scenes import OrbitState
from epi.catalogue.pairs.batch import match_many
from epi.catalogue.pairs.choice import best_of, in_order
from epi.errors import NoPairFound

QUAKE = replace(find_event("20180111-iran-iraq"), time=pd.Timestamp("2018-01-11T12:00:00Z"))


NOTHING_AFTER = "nothing within 15 days after the earthquake covers the epicentre"


def scene(days: float, *, centre: tuple[float, float] = (45.75, 33.74), **changes: object) -> Scene:
    """Make an image a number of days after QUAKE; 2.5 degrees wide and 1.7 high about its centre."""
    start = QUAKE.time + pd.Timedelta(days=days)
    lon, lat = centre
    plain = {
        "name": f"S1A_{start:%Y%m%dT%H%M%S}",
        "platform": "S1A",
        "start": start,
        "stop": start + pd.Timedelta(seconds=27),
        "track": 6,
        "frame": 1,
        "direction": "descending",
        "polarisations": ("VV", "VH"),
        "mode": "IW",
        "level": "SLC",
        "footprint": box(lon - 1.25, lat - 0.85, lon + 1.25, lat + 0.85),
    }
    return Scene(**(plain | changes))


def reason_of(match, name: str) -> str:
    [reason] = [reason for other, reason in match.rejected if other.name == name]
    return reason


def test_instants_decide_not_dates():
    same_day = scene(-0.3)
    assert same_day.start.date() == QUAKE.time.date()
    pair = match_pairs(QUAKE, [same_day, scene(0.2)]).best
    assert pair.reference is same_day
    assert pair.secondary.start > QUAKE.time
    assert pair.temporal_baseline_days == pytest.approx(0.5)


def test_an_image_being_taken_at_the_origin_time_shows_neither():
    during = scene(-10 / 86400, name="during")
    match = match_pairs(QUAKE, [during, scene(-6), scene(6)])
    assert reason_of(match, "during") == "during the earthquake: neither before nor after"
    assert len(match.pairs) == 1


def test_what_takes_days_must_be_over_before_an_image_is_after_it():
    source = f"x; until:{QUAKE.time + pd.Timedelta(days=3):%Y-%m-%d}"
    slide = replace(QUAKE, kind="landslide", magnitude=math.nan, source=source)
    assert slide.end - slide.time == pd.Timedelta(days=3.5)
    during = [scene(days, name=f"during {days}") for days in (-10 / 86400, 0.1, 2, 3.4999)]
    last = scene(18.4, name="last")
    match = match_pairs(slide, [scene(-6, name="before"), *during, last], radius_km=20)
    assert {reason_of(match, image.name) for image in during} == {"during the event: neither before nor after"}
    assert (match.best.reference.name, match.best.secondary.name) == ("before", "last")  # the window opens at the end
    assert next(match_many([slide], [scene(-6), *during, last], radius_km=20)).best.secondary.name == "last"
    late = match_pairs(slide, [scene(-6), scene(18.6, name="late")], radius_km=20)
    assert reason_of(late, "late") == "outside the window: 15.1 days after the event, more than 15"
    assert "secondary 14.9 days after the event;" in match.best.reason
    assert match_pairs(QUAKE, [scene(-6), during[1]]).best.secondary.name == "during 0.1"
    midnight = replace(QUAKE, time=QUAKE.time.normalize())  # an instant, not a day
    assert match_pairs(midnight, [scene(-6), scene(0.1, name="that noon")]).best.secondary.name == "that noon"


def options(*rows: tuple[float, float, float, int]) -> list[SimpleNamespace]:
    names = ("coverage", "days", "baseline_length_m", "last")
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows]


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([(0.876, 12, 100, 1), (0.874, 6, 100, 0)], 1),  # two sides of a rounding, less than a step apart
        ([(0.876, 12, 100, 1), (0.825, 6, 100, 0)], 0),
        ([(0.90, 6.24, 100, 1), (0.90, 6.26, 20, 0)], 1),
        ([(0.90, 6, 76, 1), (0.90, 6, 74, 0)], 1),  # the one that comes first of two like baselines
        ([(0.90, 6, 76, 1), (0.90, 6, 127, 0)], 0),
        ([(0.97, 24, 0, 0), (0.93, 12, 0, 1), (0.91, 6, 0, 2)], 1),  # what is near the second need not be near the best
    ],
)
def test_less_than_a_step_never_decides_wherever_it_lies(rows, chosen):
    for order in permutations(range(len(rows))):
        assert best_of(options(*(rows[number] for number in order))).last == rows[chosen][-1]


@given(st.lists(st.tuples(st.floats(0.25, 1), st.floats(1, 30)), min_size=1, max_size=6), st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_tracks_does_not_hang_on_theirs(rows, shuffle):
    pairs = [
        SimpleNamespace(
            coverage=share, temporal_baseline_days=days, secondary=scene(1), reference=scene(-1, name=str(n))
        )
        for n, (share, days) in enumerate(rows)
    ]
    mixed = list(pairs)
    shuffle.shuffle(mixed)
    ordered = in_order(pairs)
    assert ordered == in_order(mixed)
    assert ordered[0].coverage > max(share for share, _ in rows) - 0.05


def test_coverage_comes_before_time_and_time_before_nearness():
    far_short = scene(-2, centre=(46.9, 33.74), name="edge")
    whole_long = scene(-8, name="whole")
    match = match_pairs(QUAKE, [far_short, whole_long, scene(4, name="after")], radius_km=40)
    assert match.best.reference.name == "whole"
    assert match.best.coverage == pytest.approx(1.0)
    assert reason_of(match, "edge") == "not the best: a pair with it covers 65% of the area, the chosen one 100%"

    match = match_pairs(QUAKE, [scene(-8, name="long"), scene(-2, name="short"), scene(4, name="after")])
    assert match.best.reference.name == "short"
    assert reason_of(match, "long") == "not the best: a pair with it spans 12 days, the chosen one 6"

    candidates = [scene(days, name=f"{days}") for days in (-5, -1, 1, 5)]
    candidates[0] = replace(candidates[0], polarisations=("HH",))
    candidates[2] = replace(candidates[2], polarisations=("HH",))
    match = match_pairs(QUAKE, candidates)
    assert [match.best.reference.name, match.best.secondary.name] == ["-5", "1"]
    assert reason_of(match, "5") == "not the best: a pair with it is no shorter and its secondary is later"


def test_both_passes_are_kept_each_with_its_reason():
    up = {"track": 72, "direction": "ascending"}
    match = match_pairs(QUAKE, [scene(-6), scene(6), scene(-3, name="a", **up), scene(3, name="b", **up)])
    assert {pair.track for pair in match.pairs} == {"track 6 descending IW", "track 72 ascending IW"}
    assert match.best.secondary.name == "b"
    assert match.best.reason == (
        "track 72 ascending IW, VV: both cover 100% of the area, 6.0 days apart, "
        "secondary 3.0 days after the earthquake; the only combination"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"level": "GRD"}, "no phase: GRD, only SLC carries it"),
        ({"footprint": None, "direction": None}, "incomplete record: no flight direction and no footprint"),
        ({"polarisations": ()}, "incomplete record: no polarisation"),
        ({"track": None}, "incomplete record: no track"),
        ({"centre": (48.0, 33.74)}, "misses the epicentre: by 93 km"),
        ({"days": -15.1}, "outside the window: 15.1 days before the earthquake, more than 15"),
        ({"days": 16.0}, "outside the window: 16.0 days after the earthquake, more than 15"),
        ({"mode": "EW"}, f"no partner: {NOTHING_AFTER} on track 6 descending EW"),
        ({"track": 7}, f"no partner: {NOTHING_AFTER} on track 7 descending IW"),
        ({"polarisations": ("HH",)}, "no common polarisation: HH is alone on track 6 descending IW"),
    ],
)
def test_every_fault_has_its_reason(changes, reason):
    days = changes.pop("days", -4)
    match = match_pairs(QUAKE, [scene(days, name="odd", **changes), scene(-6), scene(6)])
    assert reason_of(match, "odd") == reason
    assert len(match.pairs) == 1


def test_the_common_polarisation_is_used_copolarised_first():
    assert match_pairs(QUAKE, [scene(-6, polarisations=("VV",)), scene(6)]).best.polarisation == "VV"
    cross = match_pairs(QUAKE, [scene(-6, polarisations=("VH", "VV")), scene(6, polarisations=("VH",))])
    assert cross.best.polarisation == "VH"


def test_an_image_processed_twice_counts_once():
    old, new = scene(-6, name="old", version="002.90"), scene(-6, name="new", version="003.40")
    match = match_pairs(QUAKE, [old, new, scene(6), scene(6)])
    assert match.best.reference.name == "new"
    assert reason_of(match, "old") == "processed twice: new is kept"
    assert reason_of(match, match.best.secondary.name) == "listed twice"


def test_the_next_slice_of_a_pass_is_no_duplicate():
    later = scene(-6 + 25 / 86400, name="next slice", centre=(45.75, 32.2))
    match = match_pairs(QUAKE, [scene(-6), later, scene(6)])
    assert reason_of(match, "next slice") == "misses the epicentre: by 76 km"


def test_a_burst_pairs_only_with_itself():
    first = {"level": "BURST", "burst": "174_372326_IW3"}
    match = match_pairs(QUAKE, [scene(-6, **first), scene(6, level="BURST", burst="174_372327_IW3", name="other")])
    assert not match.pairs
    assert match_pairs(QUAKE, [scene(-6, **first), scene(6, **first)]).best.secondary.burst == "174_372326_IW3"


@pytest.mark.parametrize("longitude", [179.95, -179.95, 180.0])
def test_the_antimeridian_is_no_edge(longitude):
    quake = replace(QUAKE, latitude=-17.8, longitude=longitude)
    ring = Point(0, 0).buffer(1.2, quad_segs=2).exterior.coords
    footprint = type(box(0, 0, 1, 1))([((x + 360) % 360 - 180, y - 17.8) for x, y in ring])
    pair = match_pairs(quake, [scene(-6, footprint=footprint), scene(6, footprint=footprint)]).best
    assert pair.coverage == pytest.approx(1.0)


def test_a_footprint_at_the_antipode_covers_nothing():
    antipode = (QUAKE.longitude - 180, -QUAKE.latitude)
    match = match_pairs(QUAKE, [scene(-6, centre=antipode, name="antipode"), scene(6)])
    assert "misses the epicentre: by 198" in reason_of(match, "antipode")


def test_no_pair_says_which_image_is_missing():
    with pytest.raises(NoPairFound) as error:
        _ = match_pairs(QUAKE, [scene(-6), scene(-12), scene(20)]).best
    assert str(error.value) == (
        "no scene within 15 days after 2018-01-11 on track 6 covers 33.74 N 45.75 E "
        "(3 candidates rejected: epi pairs 20180111-iran-iraq --explain). Widen with --days."
    )
    with pytest.raises(NoPairFound, match="no scene within 15 days before 2018-01-11 on track 6"):
        _ = match_pairs(QUAKE, [scene(6)]).best
    with pytest.raises(NoPairFound, match=r"no scene within 15 days of 2018-01-11 covers .* \(1 candidate rejected"):
        _ = match_pairs(QUAKE, [scene(40)]).best
    with pytest.raises(NoPairFound, match="no candidate was given"):
        _ = match_pairs(QUAKE, []).best
    with pytest.raises(NoPairFound, match="share a polarisation"):
        _ = match_pairs(QUAKE, [scene(-6, polarisations=("HH",)), scene(6)]).best
    assert match_pairs(QUAKE, [scene(-6), scene(20)], days=21).pairs


@given(
    st.lists(
        st.tuples(
            st.floats(-30, 30),
            st.sampled_from([(6, "descending"), (72, "ascending")]),
            st.sampled_from([("VV",), ("VV", "VH"), ("HH",)]),
            st.sampled_from(["SLC", "GRD"]),
            st.floats(-2, 2),
        ),
        max_size=12,
    )
)
@settings(max_examples=150, deadline=None)
def test_every_candidate_is_in_one_pair_or_has_one_reason(rows):
    scenes = [
        scene(
            days, name=f"S{i}", track=track, direction=way, polarisations=pol, level=level, centre=(45.75 + east, 33.7)
        )
        for i, (days, (track, way), pol, level, east) in enumerate(rows)
    ]
    match = match_pairs(QUAKE, scenes)
    used = [member.name for pair in match.pairs for member in (pair.reference, pair.secondary)]
    assert sorted(used + [other.name for other, _ in match.rejected]) == sorted(one.name for one in scenes)
    assert all(reason for _, reason in match.rejected)
    assert len({pair.track for pair in match.pairs}) == len(match.pairs)
    for pair in match.pairs:
        assert pair.reference.stop < QUAKE.time < pair.secondary.start
        assert pair.secondary.start - QUAKE.time <= pd.Timedelta(days=15)
        assert pair.polarisation in pair.reference.polarisations
        assert pair.polarisation in pair.secondary.polarisations
        assert 0 < pair.coverage <= 1 + 1e-9
    assert list(match.table()["start"]) == sorted(one.start for one in scenes)
    json.dumps(match.to_dict(), allow_nan=False)


def test_the_shipped_scenes_bracket_borrego_springs():
    pair = match_pairs(find_event("20160610-borrego-springs"), read_scenes()).best
    assert (pair.reference.track, pair.reference.frame, pair.secondary.frame) == (64, 104, 104)
    assert f"{pair.reference.start:%Y%m%d} {pair.secondary.start:%Y%m%d}" == "20160601 20160613"
    assert pair.polarisation == "VV"
    assert pair.temporal_baseline_days == pytest.approx(12, abs=1e-3)
    assert math.isnan(pair.perpendicular_baseline_m)
    assert pair.to_dict()["perpendicular_baseline_m"] is None


def test_the_whole_archive_answer_gives_the_shipped_pair(shared_data):
    event = find_event("20160610-borrego-springs")
    whole = match_pairs(event, read_scenes(shared_data / "asf" / "frame_9847_asf_results.json"))
    assert whole.best.to_dict() == match_pairs(event, read_scenes()).best.to_dict()
    assert len(whole.rejected) == 463 - 2


def snap_scene(file, part: int) -> Scene:
    """Build a scene from the orbit that SNAP wrote into a product: 23 state vectors, a second apart."""
    epoch = pd.Timestamp("2000-01-01", tz="UTC")
    found: list[list[dict]] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("name") == "Orbit_State_Vectors":
                found.append(node["elements"])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(json.loads(file.read_text()))
    rows = [{item["name"]: item["data"]["elems"] for item in vector["attributes"]} for vector in found[part]]
    first, last = rows[0], rows[-1]
    units = ("days", "seconds", "microseconds")
    times = tuple(epoch + pd.Timedelta(**dict(zip(units, row["time"], strict=True))) for row in (first, last))
    state = OrbitState(
        times,
        np.array([[row[f"{axis}_pos"][0] for axis in "xyz"] for row in (first, last)]),
        np.array([[row[f"{axis}_vel"][0] for axis in "xyz"] for row in (first, last)]),
    )
    return scene(0, footprint=Point(4.9, 52.37).buffer(0.1), state=state)


def test_the_perpendicular_baseline_is_the_one_snap_computes(shared_data):
    folder = shared_data / "slc" / "snap_pair_amsterdam"
    [file] = folder.rglob("20230319-coreg.znap/SNAP/product_metadata.json")
    late, early = snap_scene(file, 0), snap_scene(file, 1)
    assert late.state.times[0].date().isoformat() == "2023-03-31"
    assert perpendicular_baseline(late, early) == pytest.approx(33.8997, abs=0.3)
    assert perpendicular_baseline(early, late) == pytest.approx(-33.8997, abs=0.3)
    assert perpendicular_baseline(early, early) == 0


def test_the_perpendicular_baseline_is_the_one_the_archive_gives(shared_data):
    """The Alaska Satellite Facility's: whole metres, from the same state vectors, at a place it does not name."""
    for file, count, most in (("Fairbanks_S1_stack.yml", 3, 2.5), ("SLC_BURST_stack.yml", 166, 11.0)):
        records = yaml.load((shared_data / "asf" / file).read_text(), Loader=yaml.CSafeLoader)
        rows = list(baselines_in(records))
        theirs = {name: metres for name, metres, _ in rows}
        [first] = [name for name, _, days in rows if days == 0]
        scenes = {scene.name: scene for scene in read_scenes(shared_data / "asf" / file)}
        ours = {name: perpendicular_baseline(scenes[first], scenes[name]) for name in theirs}
        assert len(ours) == count
        apart = np.array([ours[name] - theirs[name] for name in theirs])
        assert np.abs(apart).max() < most
        assert np.median(np.abs(apart)) < 4


def baselines_in(node: object) -> Iterator[tuple[str, int, int]]:
    """Find what an answer says of baselines, m and days, wherever it stands."""
    if isinstance(node, dict) and "perpendicularBaseline" in node:
        yield node["sceneName"], node["perpendicularBaseline"], node["temporalBaseline"]
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from baselines_in(child)


def test_a_missing_state_vector_leaves_the_baseline_unknown():
    assert math.isnan(perpendicular_baseline(scene(-6), scene(6)))
