"""On random orbits and events: what a pair is, whatever the order, the place or the window; alone and in bulk."""

import itertools
import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Polygon, box

from epi.catalogue import Event, Scene, find_event, match_pairs, read_events, read_scenes
from epi.catalogue.images.scenes import OrbitState, track_of
from epi.catalogue.pairs.area import LARGEST_RADIUS_KM, area_radius_km, search_polygons
from epi.catalogue.pairs.batch import SceneIndex, match_many
from epi.catalogue.pairs.bursts import CYCLE_S, PREAMBLE_S, burst_bytes, burst_names, bursts_over
from epi.catalogue.pairs.choice import COVERAGE_STEP
from epi.errors import ParameterError
from epi.simulate.acquisitions import simulated_scenes

BORREGO = find_event("20160610-borrego-springs")
DAY = pd.Timedelta(days=1)
SLICE = pd.Timedelta(seconds=25)
TRACKS = ((64, "ascending"), (71, "descending"), (166, "ascending"))


def event_at(latitude: float, longitude: float, **changes: object) -> Event:
    return replace(BORREGO, latitude=latitude, longitude=longitude, **changes)


def footprint(event: Event, east: float, north: float) -> Polygon:
    """A slice of 250 x 170 km whose centre lies some km from an epicentre, on the sphere."""
    ring = np.array([(-125, -85), (125, -85), (125, 85), (-125, 85)]) + np.array([east, north])
    distance, bearing = np.hypot(*ring.T) / 6371.0, np.arctan2(*ring.T)
    here = math.radians(event.latitude)
    sine = np.sin(here) * np.cos(distance) + np.cos(here) * np.sin(distance) * np.cos(bearing)
    latitude = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    turn = np.arctan2(np.sin(bearing) * np.sin(distance) * np.cos(here), np.cos(distance) - np.sin(here) * sine)
    longitude = (event.longitude + np.degrees(turn) + 180) % 360 - 180
    return Polygon(np.column_stack((longitude, latitude)))


def scene_at(
    event: Event, days: float, name: str, *, east: float = 0.0, north: float = 0.0, **changes: object
) -> Scene:
    start = event.time + pd.Timedelta(days=days)
    plain = {
        "name": name,
        "platform": "S1A",
        "start": start,
        "stop": start + SLICE + pd.Timedelta(seconds=2),
        "track": 64,
        "frame": None,
        "direction": "ascending",
        "polarisations": ("VV", "VH"),
        "mode": "IW",
        "level": "SLC",
        "footprint": footprint(event, east, north),
    }
    return Scene(**(plain | changes))


with np.errstate(invalid="ignore"):
    NOWHERE = Polygon([(0, 0), (math.nan, 1), (1, 1)])

ORBIT = st.tuples(
    st.floats(-40, 40),
    st.sampled_from(TRACKS),
    st.sampled_from([("VV",), ("VV", "VH"), ("HH",)]),
    st.sampled_from(["S1A", "S1B", "S1C", "S1D"]),
    st.floats(-250, 250),
    st.integers(1, 3),
)
ORBITS = st.lists(ORBIT, max_size=7)
PLACE = st.tuples(st.floats(-89.9, 89.9), st.floats(-180, 180), st.floats(4, 8.5), st.floats(0, 60))


def passes(event: Event, orbits: list) -> list[Scene]:
    """Data takes of one to three slices each."""
    return [
        scene_at(
            event,
            days + number * SLICE / DAY,
            f"{n}-{number}",
            east=east,
            north=(number - 1) * 160.0,
            **{"track": track, "direction": way, "polarisations": polarised, "platform": platform},
        )
        for n, (days, (track, way), polarised, platform, east, slices) in enumerate(orbits)
        for number in range(slices)
    ]


def told(match) -> tuple:
    """All that a match says, in no order."""
    return [pair.to_dict() for pair in match.pairs], sorted((scene.name, why) for scene, why in match.rejected)


@given(PLACE, ORBITS, st.randoms())
@settings(max_examples=60, deadline=None)
def test_every_candidate_has_one_role_and_every_pair_is_one(place, orbits, shuffle):
    latitude, longitude, magnitude, depth = place
    event = event_at(latitude, longitude, magnitude=magnitude, depth_km=depth)
    scenes = passes(event, orbits)
    match = match_pairs(event, scenes)
    roles = [scene.name for pair in match.pairs for _, scene in pair.members] + [s.name for s, _ in match.rejected]
    assert sorted(roles) == sorted(scene.name for scene in scenes)
    assert all(why for _, why in match.rejected)
    for pair in match.pairs:
        assert pair.reference in pair.references
        assert pair.secondary in pair.secondaries
        assert all(scene.stop < event.time for scene in pair.references)
        assert all(scene.start > event.time for scene in pair.secondaries)
        assert len({(s.track, s.direction, s.mode, s.level) for _, s in pair.members}) == 1
        assert all(pair.polarisation in scene.polarisations for _, scene in pair.members)
        assert 0 < pair.coverage <= 1
        for side in (pair.references, pair.secondaries):
            assert len({scene.platform for scene in side}) == 1
            assert all(b.start - a.stop <= pd.Timedelta(seconds=3) for a, b in itertools.pairwise(side))
    mixed = list(scenes)
    shuffle.shuffle(mixed)
    assert told(match_pairs(event, mixed)) == told(match)
    [bulk] = match_many([event], mixed)
    assert [pair.to_dict() for pair in bulk.pairs] == [pair.to_dict() for pair in match.pairs]


@given(ORBITS, st.floats(1, 15), st.floats(0, 15))
@settings(max_examples=40, deadline=None)
def test_a_wider_window_is_never_worse(orbits, days, more):
    scenes = passes(BORREGO, orbits)
    narrow, wide = (match_pairs(BORREGO, scenes, days=window, radius_km=60) for window in (days, days + more))
    best = {pair.track: pair for pair in wide.pairs}
    for pair in narrow.pairs:
        assert pair.track in best
        assert best[pair.track].coverage >= pair.coverage - COVERAGE_STEP - 0.02
    assert len(wide.pairs) >= len(narrow.pairs)


@given(st.floats(-75, 75), st.floats(-180, 180), ORBITS)
@settings(max_examples=40, deadline=None)
def test_the_longitude_of_a_place_changes_nothing(latitude, longitude, orbits):
    found = []
    for east in (10.0, longitude):
        event = event_at(latitude, east, magnitude=6.5)
        match = match_pairs(event, passes(event, orbits))
        found.append(
            (told(match)[1], [(p.track, [s.name for _, s in p.members], round(p.coverage, 3)) for p in match.pairs])
        )
    assert found[0] == found[1]


@pytest.mark.parametrize("latitude", [90.0, -90.0])
def test_a_ring_around_a_pole_covers_it(latitude):
    event = event_at(latitude, 20.0)
    ring = Polygon([(east, latitude * 0.98) for east in (-170, -80, 10, 100)])
    scenes = [scene_at(event, -6, "before", footprint=ring), scene_at(event, 6, "after", footprint=ring)]
    match = match_pairs(event, scenes)
    assert match.best.coverage == pytest.approx(1)
    assert [pair.to_dict() for pair in next(match_many([event], scenes)).pairs] == [match.best.to_dict()]


@pytest.mark.parametrize("latitude", [89.99, -89.99])
def test_a_pole_is_a_place_like_others(latitude):
    event = event_at(latitude, 20.0)
    scenes = [scene_at(event, -6, "before"), scene_at(event, 6, "after"), scene_at(event, 5, "beside", east=400)]
    match = match_pairs(event, scenes)
    assert match.best.coverage == pytest.approx(1)
    assert told(match)[1] == [("beside", told(match)[1][0][1])]
    assert [pair.to_dict() for pair in next(match_many([event], scenes)).pairs] == [match.best.to_dict()]


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (Polygon(), "unusable footprint: empty"),
        (Polygon([(-117, 33), (-116, 34), (-117, 33)]), "unusable footprint: it encloses nothing"),
        (box(-117, 85, -116, 95), "unusable footprint: a corner is not on the Earth"),
        (NOWHERE, "unusable footprint: a corner is no number"),
    ],
)
def test_a_footprint_without_ground_is_said_so(shape, reason):
    scenes = [scene_at(BORREGO, -6, "odd", footprint=shape), scene_at(BORREGO, -12, "a"), scene_at(BORREGO, 6, "b")]
    for match in (match_pairs(BORREGO, scenes), *match_many([BORREGO], scenes)):
        assert match.best.reference.name == "a"
    assert dict((s.name, why) for s, why in match_pairs(BORREGO, scenes).rejected) == {"odd": reason}


def test_a_crossed_outline_is_mended_and_parts_are_one():
    corners = list(footprint(BORREGO, 0, 0).exterior.coords)[:4]
    crossed = Polygon([corners[0], corners[2], corners[1], corners[3]])
    fiji = event_at(-17.0, 180.0)
    halves = MultiPolygon([box(178.8, -18, 180, -16), box(-180, -18, -178.8, -16)])
    for event, shape in ((BORREGO, crossed), (fiji, halves)):
        scenes = [scene_at(event, -6, "a", footprint=shape), scene_at(event, 6, "b", footprint=shape)]
        match = match_pairs(event, scenes)
        assert match.best.coverage > 0.3
        assert [p.to_dict() for p in next(match_many([event], scenes)).pairs] == [match.best.to_dict()]


def test_slices_are_joined_where_one_does_not_show_the_area():
    scenes = [
        scene_at(BORREGO, days + number * SLICE / DAY, f"{side}{number}", north=(number - 1) * 160.0)
        for side, days in (("before", -6), ("after", 6))
        for number in range(3)
    ]
    small, middle, large = (match_pairs(BORREGO, scenes, radius_km=radius).best for radius in (60, 84, 120))
    assert [len(small.references), len(small.secondaries)] == [1, 1]
    assert [len(middle.references), len(middle.secondaries)] == [1, 1]  # what the others add is under one percent
    assert [scene.name for scene in large.references] == ["before0", "before1", "before2"]
    assert large.reference.name == "before1"
    assert large.coverage == pytest.approx(1)
    assert "3 slices joined" in large.reason
    alone = match_pairs(BORREGO, [s for s in scenes if s.name[-1] == "1"], radius_km=120).best
    assert alone.coverage < 0.9
    reasons = dict((s.name, why) for s, why in match_pairs(BORREGO, scenes, radius_km=86).rejected)
    assert reasons["before0"].startswith("not needed")


def test_slices_with_a_gap_are_not_joined():
    far = [
        scene_at(BORREGO, days + gap, f"{days}{gap}", north=n) for days in (-6, 6) for gap, n in ((0, 0), (0.001, 160))
    ]
    assert [len(side) for side in (match_pairs(BORREGO, far, radius_km=120).best.references,)] == [1]


def test_an_epicentre_at_sea_is_seen_from_a_quarter_of_its_area():
    event = replace(BORREGO, magnitude=8.0)
    beside = [scene_at(event, days, f"{days}", east=126, north=0) for days in (-6, 6)]
    match = match_pairs(event, beside)
    assert match.radius_km == LARGEST_RADIUS_KM
    assert 0.25 < match.best.coverage < 0.5
    little = [scene_at(event, days, f"{days}", east=270, north=0) for days in (-6, 6)]
    match = match_pairs(event, little)
    assert not match.pairs
    assert all(why.startswith("covers too little: with its best partner") for _, why in match.rejected)
    assert "share a polarisation and cover" in match.missing


def state(height: float, event: Event) -> OrbitState:
    """Straight above the place, flying north, some metres higher or lower."""
    up = np.array([math.cos(math.radians(event.longitude)), math.sin(math.radians(event.longitude)), 0.0])
    middle = up * (7_071_000.0 + height)
    velocity = np.array([0.0, 0.0, 7500.0])
    times = (pd.Timestamp("2020-01-01", tz="UTC"), pd.Timestamp("2020-01-01T00:00:10", tz="UTC"))
    return OrbitState(times, np.array([middle - 5 * velocity, middle + 5 * velocity]), np.array([velocity, velocity]))


def test_the_perpendicular_baseline_decides_before_nearness():
    event = event_at(0.0, 20.0)
    common = {"footprint": footprint(event, 140, 0)}
    scenes = [
        scene_at(event, -6, "far orbit", **common, state=state(400, event)),
        scene_at(event, -5.99, "near orbit", **common, state=state(0, event)),
        scene_at(event, 6, "later", **common, state=state(10, event)),
    ]
    match = match_pairs(event, scenes, radius_km=150)
    assert match.best.reference.name == "near orbit"
    reasons = dict((scene.name, why) for scene, why in match.rejected)
    assert reasons["far orbit"].startswith("not the best: a pair with it has a perpendicular baseline of")
    assert "m, the chosen one a perpendicular baseline of" in reasons["far orbit"]


def test_satellites_are_mixed_and_their_tracks_known():
    match = match_pairs(
        BORREGO, [scene_at(BORREGO, -6, "a", platform="S1B"), scene_at(BORREGO, 6, "b", platform="S1D")]
    )
    assert match.best.reference.platform != match.best.secondary.platform
    assert track_of("S1C", 1681) == 110  # as the satellite's own first products say
    assert track_of("S1C", 8018) == 147
    assert track_of("S1C", 8019) == 46  # after it was moved along its orbit
    assert track_of("S1D", 2389) == 73


def test_the_area_grows_with_magnitude_and_has_limits():
    radius = [area_radius_km(replace(BORREGO, magnitude=size)) for size in np.arange(2, 9.5, 0.25)]
    assert radius == sorted(radius)
    assert radius[0] == area_radius_km(replace(BORREGO, magnitude=math.nan)) > 0
    assert radius[-1] == LARGEST_RADIUS_KM
    assert area_radius_km(replace(BORREGO, depth_km=math.nan)) > 0
    assert area_radius_km(replace(BORREGO, depth_km=-2.0)) == area_radius_km(replace(BORREGO, depth_km=0.0))


@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 200), st.floats(0, 360))
@settings(max_examples=100, deadline=None)
def test_the_boxes_asked_for_hold_the_area(latitude, longitude, radius, bearing):
    from pyproj import Geod

    east, north, _ = Geod(ellps="WGS84").fwd(longitude, latitude, bearing, radius * 999)
    areas = search_polygons(latitude, longitude, radius)
    west, _, right, _ = zip(*(area.bounds for area in areas), strict=True)
    assert min(west) >= -180
    assert max(right) <= 180
    assert min(area.distance(Polygon(box(east, north, east, north).exterior).centroid) for area in areas) < 1e-6


@pytest.mark.parametrize("days", [0, -1, math.nan, math.inf])
def test_a_window_or_an_area_without_size_is_refused(days):
    with pytest.raises(ParameterError, match="holds no image"):
        match_pairs(BORREGO, [], days=days)
    with pytest.raises(ParameterError, match="area of"):
        match_pairs(BORREGO, [], radius_km=days)


def test_an_index_gives_all_versions_of_an_image():
    old = scene_at(BORREGO, -6, "old", version="1", north=-400)
    new = scene_at(BORREGO, -6, "new", version="2")
    bare = scene_at(BORREGO, -6, "bare", version="3", footprint=None)
    index = SceneIndex([old, new, bare, scene_at(BORREGO, 60, "late")])
    assert {scene.name for scene in index.near(BORREGO)} == {"old", "new", "bare"}


def test_bursts_of_one_take_are_one_side(shared_data):
    [record] = read_scenes(shared_data / "asf" / "SLC_BURST.yml")
    event = event_at(57.04, -135.92, time=record.start + 3 * DAY)
    ids = [f"174_{number}_IW3" for number in (372325, 372326, 372327)]
    scenes = []
    for side, shift in (("a", 0), ("b", 12)):
        for number, name in enumerate(ids[: 3 if side == "a" else 2]):
            start = record.start + shift * DAY + pd.Timedelta(seconds=CYCLE_S * (number - 1))
            moved = {
                "start": start,
                "stop": start + pd.Timedelta(seconds=3.1),
                "name": f"{side}{number}",
                "burst": name,
            }
            for polarised in ("VV", "VH"):
                scenes.append(
                    replace(record, **(moved | {"polarisations": (polarised,), "name": f"{side}{number}{polarised}"}))
                )
    match = match_pairs(event, scenes)
    assert [scene.name for scene in match.best.references] == ["a0VV", "a1VV"]
    assert [scene.name for scene in match.best.secondaries] == ["b0VV", "b1VV"]
    reasons = dict((scene.name, why) for scene, why in match.rejected)
    assert reasons["a2VV"] == "no partner: burst 174_372327_IW3 is not on the other side of the earthquake"
    assert reasons["a1VH"] == "not the best: VH of the same ground, the chosen one VV"
    assert burst_names(match.best, event, match.radius_km) == ids[:2]
    assert burst_bytes(match.best, event, match.radius_km) == 4 * record.bytes


def test_burst_numbers_are_those_of_the_real_annotations(shared_data):
    checked = 0
    for path in sorted((shared_data / "slc" / "morocco_2023_annotations").glob("*.SAFE/annotation/*.xml")):
        root = ElementTree.parse(path).getroot()
        node = pd.Timestamp(root.findtext(".//ascendingNodeTime"), tz="UTC")
        begin, end = (pd.Timestamp(root.findtext(f".//adsHeader/{name}Time"), tz="UTC") for name in ("start", "stop"))
        track = track_of("S1A", int(root.findtext(".//absoluteOrbitNumber")))
        points = root.findall(".//geolocationGridPoint")
        spots = [(float(p.findtext("longitude")), float(p.findtext("latitude"))) for p in points]
        ring = Polygon(spots).minimum_rotated_rectangle
        shape = Polygon(ring.exterior.coords)
        swath = path.name[4:7].upper()
        event = event_at(shape.centroid.y, shape.centroid.x)
        plain = scene_at(event, 0, path.name, direction="descending", track=track, node=node, footprint=shape)
        found = bursts_over(replace(plain, start=begin, stop=end), event, 190.0)
        real = {int(burst.text) for burst in root.findall(".//burstId")}
        named = {int(burst.name.split("_")[1]) for burst in found if burst.swath == swath}
        assert real <= named | {min(real), max(real)}
        assert len(named - real) <= 1
        checked += 1
    assert checked == 6
    assert PREAMBLE_S < CYCLE_S


def test_the_published_pairs_of_california_are_the_rules(shared_data):
    """Every M5 and more near track 64 in ten years of records: two have a pair, of the others it is said why not."""
    scenes = read_scenes(shared_data / "asf" / "frame_9847_asf_results.json")
    quakes = pd.read_csv(shared_data / "catalogue" / "usgs_m5_2013_2023.csv", parse_dates=["time"])
    near = quakes[quakes["latitude"].between(30, 35) & quakes["longitude"].between(-119.5, -115)]
    events = [
        replace(
            BORREGO,
            event_id=str(row.id),
            time=row.time,
            latitude=row.latitude,
            longitude=row.longitude,
            magnitude=row.mag,
            depth_km=row.depth,
        )
        for row in near.itertuples()
    ]
    chosen = {}
    for event, bulk in zip(events, match_many(events, scenes), strict=True):
        plain = match_pairs(event, scenes)
        days = [f"{pair.reference.start:%Y-%m-%d} {pair.secondary.start:%Y-%m-%d}" for pair in plain.pairs]
        chosen[event.event_id] = days
        assert plain.missing.startswith("no scene within 15 days") == (not plain.pairs)
        assert [pair.to_dict() for pair in bulk.pairs] == [pair.to_dict() for pair in plain.pairs]
        for pair in plain.pairs:
            days = pair.temporal_baseline_days
            assert min(abs(days - cycle) for cycle in (6, 12, 18, 24)) < 0.01
        assert len(plain.rejected) + sum(len(pair.members) for pair in plain.pairs) == 463
    assert chosen == {
        "ci15481673": [],  # Brea 2014-03-29, before Sentinel-1
        "ci37374687": ["2016-06-01 2016-06-13"],  # Borrego Springs 2016-06-10
        "ci39347679": ["2020-08-09 2020-08-21"],  # Maneadero 2020-08-17
        "ci39919392": [],  # Calipatria 2021-06-05, outside the frame like the next two
        "us7000irjd": [],  # Las Brisas 2022-11-22
        "ci39645386": [],  # Ojai 2023-08-20
    }


@pytest.mark.parametrize(
    ("place", "reference", "secondary"),
    [
        ("pasaman", "2022-02-23", "2022-03-07"),
        ("maerkang", "2022-06-03", "2022-06-15"),
        ("luding", "2022-08-28", "2022-09-09"),
        ("michoacan", "2022-09-13", "2022-09-25"),
        ("cugenang", "2022-11-19", "2022-12-01"),
        ("beijing", "2023-07-24", "2023-08-05"),
        ("gori", "2023-07-28", "2023-08-09"),
        ("jishishan", "2023-12-14", "2023-12-26"),
    ],
)
def test_with_one_satellite_the_published_pair_is_chosen_on_its_track(place, reference, secondary):
    """Pairs of a published landslide study; with two satellites the calendar offers shorter ones than it used."""
    events = read_events()
    [name] = events.loc[(events["kind"] == "landslide") & events["event_id"].str.contains(place), "event_id"]
    event = find_event(name, events)
    pairs = match_pairs(event, simulated_scenes(event)).pairs
    assert (reference, secondary) in [(f"{p.reference.start:%Y-%m-%d}", f"{p.secondary.start:%Y-%m-%d}") for p in pairs]
