"""The audit: each fault planted in sound labels is found, that one alone; sound labels have none."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import KNeighborsRegressor

from epi.errors import FileFormatError, PatchStoreError
from epi.patches import (
    assert_sound,
    audit,
    audit_report,
    concatenate,
    cut,
    cut_radar,
    export_published,
    read_published,
    split_by_event,
)
from epi.patches.faults import acquired, published_distance, true_distance
from epi.patches.order import order_of, rank_as_text
from epi.patches.place import GEOD
from label_tables import image, relabelled, sound_table
from patch_scenes import plane_scene, radar_scene

CORNERS = ["top_left", "top_right", "bottom_left", "bottom_right"]
PLACE = ["center_lat", "center_lon", *(f"{axis}_{corner}" for axis in ("lat", "lon") for corner in CORNERS)]
EPICENTRE = ["epicenter_lat", "epicenter_lon"]


@pytest.fixture(scope="module")
def sound():
    return sound_table()


def names(findings):
    return [one.fault for one in findings]


def epicentre(table, event):
    return tuple(table.loc[table["event"] == event, EPICENTRE].iloc[0])


def two_events(table, seed):
    return sorted(np.random.default_rng(seed).choice(table["event"].unique(), 2, replace=False))


def test_sound_labels_have_no_fault(sound):
    times = {event: "2019-01-09T12:00:00Z" for event in sound["event"]}
    times |= {f"event-{n}": pd.Timestamp("2019-01-09", tz="UTC") + pd.Timedelta(days=30 * n) for n in range(7)}
    assert audit(sound, parts=split_by_event(sound), times=times) == []
    assert_sound(sound, parts=split_by_event(sound), times=times)
    assert audit_report([]).empty


def formula(table, seed):
    """All distances but those across the antimeridian by the published formula."""
    event = two_events(table, seed)
    wrong = table["event"].isin(event).to_numpy()
    return table.assign(distance_km=np.where(wrong, published_distance(table, short=True), table["distance_km"])), wrong


def swap(table, seed):
    first, second = two_events(table, seed)
    new = {first: epicentre(table, second), second: epicentre(table, first)}
    return relabelled(table, new), table["event"].isin([first, second]).to_numpy()


def stray(table, seed):
    event = two_events(table, seed)[0]
    return relabelled(table, {event: (0.0, 0.0)}), (table["event"] == event).to_numpy()


def as_text(table, seed):
    """Places of one event's patches dealt out in the order of its offsets as text."""
    event, table = two_events(table, seed)[0], table.copy()
    wrong = table["event"] == event
    scene = table[wrong]
    shuffled = scene.assign(r=scene["row"].astype(str), c=scene["column"].astype(str)).sort_values(["r", "c"])
    table.loc[shuffled.index, PLACE] = scene[PLACE].to_numpy()
    return relabelled(table), wrong.to_numpy()


def shuffled(table, seed):
    event, table = two_events(table, seed)[0], table.copy()
    wrong = table["event"] == event
    table.loc[wrong, PLACE] = table.loc[wrong, PLACE].sample(frac=1, random_state=seed).to_numpy()
    return relabelled(table), wrong.to_numpy()


def reverse(table, seed):
    wrong = (table["event"] == two_events(table, seed)[0]).to_numpy()
    turned = table["reference"].where(~wrong, table["secondary"])
    return table.assign(reference=turned, secondary=table["secondary"].where(~wrong, table["reference"])), wrong


def shared(table, seed):
    """Another earthquake, 30 km away, gets the pictures of one that is there."""
    event = two_events(table, seed)[0]
    again = relabelled(
        table[table["event"] == event].assign(event="another", group="another"),
        {"another": np.add(epicentre(table, event), (0.2, 0.2))},
    )
    both = pd.concat([table, again], ignore_index=True)
    return both, both["event"].isin([event, "another"]).to_numpy()


def twice(table, seed):
    row = np.random.default_rng(seed).integers(len(table))
    both = pd.concat([table, table.iloc[[row]]], ignore_index=True)
    return both, np.isin(np.arange(len(both)), [row, len(table)])


def stacked(table, seed):
    wrong = np.isin(np.arange(len(table)), [40, 41])
    table = table.copy()
    table.loc[41, PLACE] = table.loc[40, PLACE]
    return relabelled(table), wrong


def halved(table, seed):
    wrong = np.arange(len(table)) == 7 + seed
    return table.assign(distance_km=table["distance_km"].mask(wrong), offset_east_km=table["offset_east_km"]), wrong


def miles(table, seed):
    wrong = (table["event"] == two_events(table, seed)[0]).to_numpy()
    return table.assign(distance_km=table["distance_km"] * np.where(wrong, 1 / 1.609344, 1)), wrong


def mirrored(table, seed):
    wrong, east = (table["event"] == two_events(table, seed)[0]).to_numpy(), table["offset_east_km"]
    return table.assign(offset_east_km=east * np.where(wrong, -1, 1)), wrong & (abs(east) > 2).to_numpy()


def two_epicentres(table, seed):
    wrong = (table["event"] == two_events(table, seed)[0]).to_numpy()
    here = wrong & (np.arange(len(table)) % 2 == 0)
    moved = relabelled(table.assign(epicenter_lat=table["epicenter_lat"] + 0.3))
    mixed = table.copy()
    mixed.loc[here] = moved.loc[here]
    return mixed, wrong


def centre_at_zero(table, seed):
    """Mean longitude of corners on both sides of the antimeridian."""
    wrong = (table["lon_top_left"] * table["lon_top_right"] < 0) & (abs(table["lon_top_left"]) > 90)
    mean = table[[f"lon_{corner}" for corner in CORNERS]].mean(axis=1)
    return relabelled(table.assign(center_lon=table["center_lon"].mask(wrong, mean))), wrong.to_numpy()


def too_wide(table, seed):
    wrong = (table["event"] == two_events(table, seed)[0]).to_numpy()
    grown = {}
    for corner in PLACE[2:]:
        middle = table["center_" + corner[:3]]
        grown[corner] = table[corner].where(~wrong, middle + 1.5 * ((table[corner] - middle + 180) % 360 - 180))
    return table.assign(**grown), wrong


PLANTED = {
    "distance by the published formula": formula,
    "epicentres swapped": swap,
    "epicentre out of reach": stray,
    "offsets sorted as text": as_text,
    "places not in the order of the offsets": shuffled,
    "pair reversed": reverse,
    "one picture, several labels": shared,
    "row given twice": twice,
    "half a label": halved,
    "distance not the geodesic": miles,
    "offset not to the epicentre": mirrored,
    "several epicentres of one event": two_epicentres,
    "size not as said": too_wide,
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_and_no_other(sound, fault, seed):
    table, wrong = PLANTED[fault](sound, seed)
    (found,) = audit(table)
    assert found.fault == fault
    assert wrong.any()
    if fault != "offset not to the epicentre":
        np.testing.assert_array_equal(found.rows, np.flatnonzero(wrong))
    else:  # one that points straight north is no other when mirrored
        assert set(np.flatnonzero(wrong)) <= set(found.rows)
    assert set(found.events) == set(table["event"].iloc[list(found.rows)])


def test_a_centre_at_longitude_zero_is_off_its_middle(sound):
    table, wrong = centre_at_zero(sound, 0)
    found = {one.fault: one.rows for one in audit(table)}
    np.testing.assert_array_equal(found["centre off the middle"], np.flatnonzero(wrong))
    assert set(found) == {"centre off the middle", "places not in the order of the offsets"}


def test_two_patches_in_one_place(sound):
    table, wrong = stacked(sound, 0)
    (found,) = audit(table)
    assert (found.fault, found.rows) == ("one place twice", tuple(np.flatnonzero(wrong)))


def test_a_latitude_of_a_hundred_degrees_is_no_place(sound):
    found = audit(sound.assign(center_lat=sound["center_lat"].mask(np.arange(len(sound)) == 5, 100.0)))
    assert ("no place on Earth", (5,)) in [(one.fault, one.rows) for one in found]


@pytest.mark.parametrize("plane", [published_distance, lambda t: 111.2 * abs(t["epicenter_lon"] - t["center_lon"])])
def test_the_long_way_round_is_told_from_a_wrong_formula(sound, plane):
    across = (abs(sound["epicenter_lon"] - sound["center_lon"]) > 180).to_numpy()
    assert across.any()
    assert audit(sound[across]) == []
    (found,) = audit(sound.assign(distance_km=np.where(across, plane(sound), sound["distance_km"])))
    assert found.fault == "the long way round"
    np.testing.assert_array_equal(found.rows, np.flatnonzero(across))


def test_a_pair_after_the_earthquake_does_not_bracket_it(sound):
    (found,) = audit(sound, times={"event-2": "2019-01-01", "event-3": "2019-04-10T00:00:00"})
    assert (found.fault, found.events) == ("pair does not bracket the earthquake", ("event-2",))
    dated = sound.assign(reference="2019-01-03", secondary="2019-01-15")
    assert audit(dated[sound["event"] == "event-0"], times={"event-0": "2019-01-15T23:00:00"}) == []
    assert names(audit(dated[sound["event"] == "event-0"], times={"event-0": "2019-01-16T01:00:00"})) == [found.fault]


def test_an_event_in_two_parts_leaks(sound):
    parts = split_by_event(sound)
    event = sound["event"].iloc[0]
    first = (sound["event"] == event) & (sound.groupby("event").cumcount() < 3)
    other = next(part for part in ("train", "test") if part != parts.iloc[0])
    (found,) = audit(sound, parts=parts.mask(first, other))
    assert (found.fault, found.events) == ("event in several parts", (event,))
    assert found.found.startswith("1 of 7 events")


@pytest.mark.parametrize("side", ["reference", "secondary"])
def test_events_that_share_one_image_belong_in_one_part(sound, side):
    near = sound[sound["event"] == "event-1"]
    days = pd.DatetimeIndex(["2019-02-14", "2019-02-26"]).map(image)  # of event-1's pair: the 2nd and 14th of February
    moved = near.assign(event="next", group="next", reference=days[0], secondary=days[1])
    moved[side] = near["secondary"] if side == "reference" else near["reference"]
    if side == "secondary":
        moved["reference"] = image(pd.Timestamp("2019-01-21"))
    table = pd.concat([sound, moved], ignore_index=True)
    apart = pd.Series(np.where(table["event"] == "next", "test", "train"), index=table.index)
    assert audit(table) == []
    (found,) = audit(table, parts=apart)
    assert (found.fault, set(found.events)) == ("shared image in several parts", {"event-1", "next"})
    assert audit(table, parts=pd.Series("train", index=table.index)) == []


def test_images_known_by_date_alone_are_told_apart_by_their_ground(sound):
    dated = sound.assign(reference="2019-02-03", secondary="2019-02-15")
    apart = sound["event"].map({event: f"part {n}" for n, event in enumerate(sound["event"].unique())})
    assert audit(dated, parts=apart) == []


def test_a_group_in_two_parts_leaks(sound):
    grouped = sound.assign(group=sound["group"].replace("event-4", "event-2"))
    parts = pd.Series(np.where(sound["event"] == "event-4", "test", "train"), index=sound.index)
    (found,) = audit(grouped, parts=parts)
    assert (found.fault, set(found.events)) == ("shared image in several parts", {"event-2", "event-4"})


def test_a_scene_without_georeference_is_audited_in_its_own_kilometres():
    table = cut(plane_scene(60, origin=None), size_km=6, pixels=2, epicentre=(3.0, -4.0)).table
    assert audit(table) == []
    assert names(audit(table.assign(distance_km=table["distance_km"] + 3))) == ["distance not the geodesic"]
    assert names(audit(table.assign(center_east_km=table["center_east_km"].to_numpy()[::-1]))) != []


def test_patches_of_radar_pixels_are_sound():
    scene = radar_scene((126, 216), looks=(100, 100))
    epicentre = float(scene["latitude"].mean()), float(scene["longitude"].mean())
    table = cut_radar(scene, pixels=20, epicentre=epicentre, event="a").table
    assert len(table) == 77
    assert audit(table) == []
    wide = {
        corner: table[corner] + 3 * (table[corner] - table["center_lon"]) for corner in PLACE if corner[:4] == "lon_"
    }
    assert names(audit(table.assign(**wide))) == ["size not as said"]


def test_an_unknown_epicentre_is_no_fault():
    assert audit(cut(plane_scene(60), size_km=6, pixels=2).table) == []


def test_places_without_offsets_have_no_order_to_miss(sound):
    assert audit(as_text(sound, 0)[0].assign(row=np.nan, column=np.nan)) == []


def test_a_row_alone_is_audited(sound):
    assert audit(sound.iloc[[3]]) == []


def test_rows_are_found_whatever_the_index(sound):
    table, wrong = as_text(sound, 1)
    mixed = table.sample(frac=1, random_state=0)
    (found,) = audit(mixed)
    np.testing.assert_array_equal(found.rows, np.flatnonzero(wrong[mixed.index]))


def test_refusal_names_faults_rows_and_remedies(sound):
    table, wrong = swap(formula(sound, 0)[0], 1)
    table.loc[2, "distance_km"] = np.nan
    with pytest.raises(PatchStoreError, match=r"2 kind\(s\) of fault in 1008 labels") as refused:
        assert_sound(table)
    row = np.flatnonzero(wrong)[0]
    key = " ".join(table[["event", "subswath", "patch"]].iloc[row])
    for said in (f"row {row + 1} ({key})", f"and {wrong.sum() - 3} more", "row 3 (event-0 IW1 patch_000000_000020)"):
        assert said in str(refused.value)
    assert str(refused.value).count("Remedy:") == 2
    report = audit_report(audit(table))
    assert report.loc["epicentres swapped", ["rows", "events"]].tolist() == [288, 2]


def test_what_cannot_be_audited_is_refused(sound):
    with pytest.raises(PatchStoreError, match="without the columns row, distance_km"):
        audit(sound.drop(columns=["row", "distance_km"]))
    with pytest.raises(PatchStoreError, match="1000 parts for 1008 labels"):
        audit(sound, parts=split_by_event(sound).iloc[:1000])
    with pytest.raises(PatchStoreError, match="no label"):
        audit(sound.iloc[:0])


def test_text_puts_ten_thousand_before_two_thousand():
    assert rank_as_text([0, 2000, 10000, 12000]).tolist() == [0, 3, 1, 2]  # of 0, 10000, 12000, 2000, 4000, …
    assert rank_as_text([0, 4000, 8000], beyond=1).tolist() == [0, 2, 3]  # 12000 is not in the table


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 9), st.integers(12, 30), st.floats(0, 360), st.floats(0.4, 1.0), st.integers(0, 2**31))
def test_order_is_seen_whatever_the_heading_and_the_sample(rows, columns, heading, share, seed):
    rng = np.random.default_rng(seed)
    row, column = (part.ravel() for part in np.mgrid[:rows, :columns])
    turn = np.radians(heading)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * [[27.0], [8.0]]
    place = np.column_stack([row, column]) @ axes
    wrong = np.column_stack([rank_as_text(row * 2000), rank_as_text(column * 2000)]) @ axes
    drawn = rng.permutation(row.size)[: max(12, int(share * row.size))]
    assert order_of(2000 * row[drawn], 2000 * column[drawn], place[drawn])[0] == "numbers"
    assert order_of(2000 * row[drawn], 2000 * column[drawn], wrong[drawn])[0] in ("text", "neither")


def test_the_uneven_pixels_of_a_radar_image_are_no_disorder():
    slant = np.linspace(np.cos(np.radians(29)), np.cos(np.radians(46)), 27)  # equal steps of range, three subswaths
    across = 250 * (np.tan(np.arccos(slant)) - np.tan(np.radians(29))) / np.ptp(np.tan(np.arccos(slant)))
    row, column = (part.ravel() for part in np.mgrid[:7, :27])
    assert order_of(row * 2000, column * 2000, np.column_stack([27.0 * row, across[column]]))[0] == "numbers"


def test_time_of_an_image_is_read_from_its_name_or_its_date():
    found = acquired(pd.Series([image(pd.Timestamp("2018-01-06")), "2018-01-18", "", None, "a scene"]))
    assert found.iloc[:2].astype(str).tolist() == ["2018-01-06 05:42:10+00:00", "2018-01-18 00:00:00+00:00"]
    assert found.iloc[2:].isna().all()


@pytest.fixture
def exported(tmp_path):
    scene = plane_scene(60)
    scene.attrs |= {"subswath": "IW2", "polarisation": "VV", "reference": "2018-04-16", "secondary": "2018-04-28"}
    patches = concatenate([cut(scene, size_km=6, pixels=2, epicentre=(39.9, 22.3), event=e, overlap=0) for e in "a"])
    return export_published(patches, tmp_path / "labels.csv"), patches.table


def test_published_labels_come_back_a_row_a_patch(exported):
    path, table = exported
    read = read_published(path)
    assert audit(read) == []
    same = ["subswath", "row", "column", "reference", "secondary", *PLACE, *EPICENTRE]
    pd.testing.assert_frame_equal(read[same], table[same], check_dtype=False)
    np.testing.assert_allclose(read["distance_km"], table["distance_km"], atol=5e-4)
    assert set(read["event"]) == {"1"}


def test_published_labels_that_cannot_be_read_are_refused(exported, tmp_path):
    path, _ = exported
    bands = pd.read_csv(path)
    with pytest.raises(FileFormatError, match="No file"):
        read_published(tmp_path / "none.csv")
    for change, error, said in (
        ({"center_lat": bands["center_lat"].where(bands.index != 4, 12.0)}, PatchStoreError, "row 5: i_ifg_VV"),
        ({"patches": bands["patches"].where(bands.index != 2, "patch_a_b")}, FileFormatError, "row 3: .*patch_a_b"),
    ):
        bands.assign(**change).to_csv(tmp_path / "odd.csv", index=False)
        with pytest.raises(error, match=said):
            read_published(tmp_path / "odd.csv")
    bands.drop(columns="iw_band").to_csv(tmp_path / "odd.csv", index=False)
    with pytest.raises(FileFormatError, match="lacks the published columns iw_band"):
        read_published(tmp_path / "odd.csv")
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="no table of labels"):
        read_published(tmp_path / "odd.csv")


@pytest.fixture(scope="module")
def real(shared_data):
    """Labels published with the thesis, validation and test; the training part is not among them."""
    read = {part: read_published(shared_data / "seed_labels" / f"{part}.csv") for part in ("val", "test")}
    return pd.concat([table.assign(part=part) for part, table in read.items()], ignore_index=True)


@pytest.fixture(scope="module")
def found(real):
    """Rows of each fault in the published labels, as masks."""
    masks = {}
    for one in audit(real, parts=real["part"]):
        masks[one.fault] = np.isin(np.arange(len(real)), one.rows)
    return masks


def test_published_distances_are_up_to_twice_too_long(real, found):
    test = (real["part"] == "test").to_numpy()
    assert (test.sum(), found["distance by the published formula"][test].sum()) == (1499, 1489)
    ratio = (real["distance_km"] / true_distance(real))[found["distance by the published formula"] & test]
    assert (round(ratio.min(), 1), round(ratio.max(), 1)) == (1.1, 2.2)
    example = {"center_lat": [33.5663], "center_lon": [47.5934], "epicenter_lat": [33.7388], "epicenter_lon": [45.7501]}
    assert published_distance(pd.DataFrame(example))[0] == pytest.approx(202.279, abs=0.001)
    assert true_distance(pd.DataFrame(example))[0] == pytest.approx(172.048, abs=0.001)
    lat, lon, to_lat, to_lon = np.radians([value[0] for value in example.values()])
    chord = np.sin((to_lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(to_lat) * np.sin((to_lon - lon) / 2) ** 2
    assert 2 * 6371 * np.arcsin(np.sqrt(chord)) == pytest.approx(171.689, abs=0.001)  # on a sphere


def test_three_published_events_carry_the_variance(real, found):
    """Two have each other's epicentre; of the third 10 of 21 test patches see theirs across the antimeridian."""
    swapped, long_way = found["epicentres swapped"], found["the long way round"]
    assert [set(real.loc[mask, "event"]) for mask in (swapped, long_way)] == [{"10", "11"}, {"5"}]
    test = (real["part"] == "test").to_numpy()
    assert (swapped[test].sum(), long_way[test].sum()) == (84, 10)
    theirs = real["event"].isin(real.loc[swapped | long_way, "event"]).to_numpy()
    assert theirs[test].sum() == 105
    assert real.loc[test, "distance_km"].max() == pytest.approx(43_153, abs=1)
    assert real["distance_km"].max() == pytest.approx(43_166, abs=1)  # in the validation part
    published, true = real["distance_km"] / 100, true_distance(real)
    spread = published[test].std(ddof=0), published[test & ~theirs].std(ddof=0)
    assert spread == pytest.approx((43.13, 0.89), abs=0.005)
    kept = true[test & ~theirs]
    assert np.median(kept) == pytest.approx(107.6, abs=0.05)
    assert abs(kept - np.median(kept)).mean() == pytest.approx(46.6, abs=0.05)


def test_published_patches_are_out_of_place_reversed_shared_and_leaked(real, found):
    assert found["offsets sorted as text"].all()
    backward = real[found["pair reversed"]]
    assert set(zip(backward["event"], backward["subswath"], strict=True)) == {("2", "IW1")}
    assert set(real.loc[found["one picture, several labels"], "event"]) == {"8", "9", "10", "14", "15"}
    assert found["event in several parts"].all()
    assert real["event"].nunique() == 40
    assert len(found) == 7


def test_published_corners_span_the_whole_subswath(real):
    """2000 samples of IW1 to IW3 are 7 to 9 km of ground; what is cut off at the far edge is no wider."""
    corners = [real[f"{axis}_top_{side}"] for side in ("left", "right") for axis in ("lon", "lat")]
    width = GEOD.inv(*corners)[2] / 1000
    assert (round(width.min()), round(width.max())) == (75, 99)


def test_place_alone_answers_the_published_test(real):
    """Mean absolute errors of answers that see no picture; neighbours are taken from the validation part."""
    train, test = (real[real["part"] == part] for part in ("val", "test"))
    centre = ["center_lat", "center_lon"]
    truth = test[EPICENTRE].to_numpy()

    def nearest(label):
        return KNeighborsRegressor(n_neighbors=1).fit(train[centre], train[label]).predict(test[centre])

    assert abs(test[centre].to_numpy() - truth).mean() == pytest.approx(4.40, abs=0.005)
    assert abs(nearest(EPICENTRE) - truth).mean() == pytest.approx(2.28, abs=0.005)
    assert abs(truth.mean(axis=0) - truth).mean() == pytest.approx(57.0, abs=0.05)
    distance = test["distance_km"] / 100
    assert abs(train["distance_km"].median() / 100 - distance).mean() == pytest.approx(9.89, abs=0.005)
    assert abs(nearest("distance_km") / 100 - distance).mean() == pytest.approx(5.72, abs=0.005)
