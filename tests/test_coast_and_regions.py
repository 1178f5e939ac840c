"""Land and sea, the way to the coast, and the names of regions."""

import numpy as np
import pandas as pd
import pytest

from epi.catalogue import coast_km, read_events, region_names, select_events
from epi.catalogue.events.places import make_ids, slug
from epi.errors import ParameterError

LAND = {
    "Paris": (48.86, 2.35),
    "Alice Springs": (-23.7, 133.9),
    "Manaus": (-3.1, -60.0),
    "Moscow": (55.75, 37.6),
    "middle of Greenland": (75, -40),
    "South Pole": (-90, 0),
    "Vostok": (-78.46, 106.8),
    "Chukotka, west of the antimeridian": (67, 179.9),
    "Chukotka, east of it": (67, -179.9),
    "Chukotka, on it": (67.5, 180),
    "Antarctica beside it": (-86, 179.8),
    "Wrangel Island": (71.2, 179.9),
    "Taveuni, Fiji": (-16.85, -179.97),
    "Lesbos": (39.2, 26.3),
    "La Paz": (-16.5, -68.15),
}
SEA = {
    "North Pole": (90, 0),
    "middle of the Atlantic": (30, -40),
    "Black Sea": (43, 34),
    "Caspian Sea": (41, 51),
    "Ionian Sea": (37.5, 19.0),
    "Gulf of California": (26.62, -110.95),
    "Bering Sea, beside the antimeridian": (60, 179.9),
    "Fiji Basin, on it": (-20, -180),
    "Weddell Sea": (-70, -40),
}


def test_land_is_land_and_sea_is_sea():
    names = list(LAND | SEA)
    signed = coast_km(*zip(*(LAND | SEA).values(), strict=True))
    assert {name for name, km in zip(names, signed, strict=True) if km > 0} == set(LAND)


def test_distances_are_those_of_the_map():
    """Read from maps: Paris to the Channel some 147 km, La Paz to the Pacific some 325 km."""
    assert coast_km(48.86, 2.35)[0] == pytest.approx(147, abs=15)
    assert coast_km(-16.5, -68.15)[0] == pytest.approx(325, abs=20)
    assert abs(coast_km(37.94, 23.64)[0]) < 8  # Piraeus


def test_the_share_of_land_is_that_of_the_earth():
    random = np.random.default_rng(0)
    latitude = np.rad2deg(np.arcsin(random.uniform(-1, 1, 20_000)))
    land = coast_km(latitude, random.uniform(-180, 180, 20_000)) > 0
    assert land.mean() == pytest.approx(0.29, abs=0.015)  # 29 % of the Earth is land


def test_both_names_of_the_antimeridian_are_one_place():
    latitude = np.linspace(-85, 85, 35)
    west, east = coast_km(latitude, np.full(35, -180.0)), coast_km(latitude, np.full(35, 180.0))
    np.testing.assert_allclose(west, east)


def test_events_are_kept_by_their_distance_from_the_coast():
    events = read_events()
    land = select_events(events, sea_km=0)
    near = select_events(events, sea_km=30)
    assert 0 < len(land) < len(near) < len(events)
    assert {"20210303-thessaly", "20180111-iran-iraq"} <= set(land["event_id"])
    assert "20180119-gulf-of-california" not in set(land["event_id"])
    assert "20181025-zakynthos" in set(near["event_id"]) - set(land["event_id"])
    with pytest.raises(ParameterError, match="land alone"):
        select_events(events, sea_km=-1)


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ((39.75, 22.18), "Greece"),
        ((33.74, 45.75), "Iran-Iraq Border Region"),
        ((-17.8, -179.57), "Fiji Islands Region"),
        ((0, 180), "Gilbert Islands, Kiribati Region"),
        ((0, -180), "Gilbert Islands, Kiribati Region"),
        ((90, 0), "Lomonosov Ridge"),
        ((-90, 123), "Antarctica"),
    ],
)
def test_regions_by_flinn_and_engdahl(place, name):
    assert region_names([place[0]], [place[1]]) == [name]


def test_a_place_off_the_earth_has_no_region():
    for latitude, longitude in [(91, 0), (np.nan, 0), (0, np.inf)]:
        with pytest.raises(ParameterError, match="has no region"):
            region_names([latitude], [longitude])


@pytest.mark.parametrize(
    ("place", "word"),
    [
        ("9 km W of Týrnavos, Greece", "tyrnavos"),
        ("15km WSW of Ferndale, CA", "ferndale"),
        ("near the coast of Chiapas, Mexico", "coast-of-chiapas"),
        ("Iran-Iraq Border Region", "iran-iraq-border-region"),
        ("南海", "somewhere"),
        ("", "somewhere"),
    ],
)
def test_the_word_of_a_place(place, word):
    assert slug(place) == word


def test_ids_are_unique_and_do_not_change_with_the_company():
    times = pd.Series(pd.to_datetime(["2018-01-11T07:00:52Z", "2018-01-11T07:00:59Z", "2018-01-11T08:00:00Z"]))
    places = pd.Series(["Mandali"] * 3)
    assert list(make_ids(times, places)) == [
        "20180111-mandali-070052",
        "20180111-mandali-070059",
        "20180111-mandali-0800",
    ]
    assert list(make_ids(times[[2]], places[[2]])) == ["20180111-mandali-0800"]
    same = times[[0, 0]].reset_index(drop=True)
    assert list(make_ids(same, places[:2])) == [
        "20180111-mandali-070052",
        "20180111-mandali-070052-2",
    ]
