"""Cutting: every patch lies where its row says, holds what the scene holds there, and points at the epicentre."""

import numpy as np
import pytest
import xarray as xr
from pyproj import Geod

from epi.errors import EmptyScene, ParameterError, ProductError
from epi.insar import product
from epi.patches import COLUMNS, concatenate, cut, patch_name
from epi.patches.cut import starts
from patch_scenes import geographic_scene, plane_scene

GEOD = Geod(ellps="WGS84")


def test_patches_cover_the_scene_and_overlap_as_asked():
    patches = cut(plane_scene(60), size_km=10, pixels=20, overlap=0.5)  # a scene of 30 km: 5 x 5 steps of 5 km
    assert len(patches) == 25
    assert tuple(patches.table) == COLUMNS
    assert patches.coh.shape == patches.i.shape == patches.q.shape == (25, 20, 20)
    assert patches.coh.dtype == patches.i.dtype == patches.q.dtype == np.float32
    assert sorted(patches.table["row"].unique()) == [0, 10, 20, 30, 40]
    assert patches.table["valid_fraction"].eq(1).all()


@pytest.mark.parametrize(("length", "window", "overlap"), [(100, 30, 0.0), (101, 30, 0.5), (47, 46, 0.75), (30, 30, 0)])
def test_windows_reach_both_edges_and_never_overlap_less(length, window, overlap):
    found = np.array(starts(length, window, overlap, 1.0))
    assert found[0] == 0
    assert found[-1] == length - window
    assert (np.diff(found) <= np.ceil(1.05 * window * (1 - overlap))).all()


def test_names_sort_as_their_positions_do():
    names = [patch_name(row, 0) for row in (0, 2000, 10000, 12000)]
    assert names == sorted(names)


def test_row_0_is_north_and_column_0_is_west_whatever_the_scene():
    scene = plane_scene(60)
    turned = scene.isel(y=slice(None, None, -1), x=slice(None, None, -1))
    first, second = (cut(ds, size_km=10, pixels=20) for ds in (scene, turned))
    np.testing.assert_array_equal(first.q, second.q)
    assert first.table.equals(second.table)
    table = first.table
    assert table["center_lat"].is_monotonic_decreasing or table["center_lat"].iloc[0] > table["center_lat"].iloc[-1]
    assert (table["lat_top_left"] > table["lat_bottom_left"]).all()
    assert (table["lon_top_left"] < table["lon_top_right"]).all()


def test_every_pixel_is_where_its_patch_says():
    """The plane's phase at each pixel, computed from the patch's own centre and size, is the phase in the patch."""
    turns = 0.05
    patches = cut(plane_scene(60, turns_a_km=turns), size_km=10, pixels=20, overlap=0.3)
    inside = (np.arange(20) - 9.5) * 0.5
    for n, row in patches.table.iterrows():
        expected = 2 * np.pi * turns * (row["center_east_km"] + inside)
        found = np.angle(patches.i[n] + 1j * patches.q[n])
        assert np.abs(np.angle(np.exp(1j * (found - expected[None, :])))).max() < 1e-4
        assert np.hypot(patches.i[n], patches.q[n]) == pytest.approx(0.8, abs=1e-5)


def test_corners_and_centre_are_the_products_own_coordinates():
    scene = geographic_scene()
    patches = cut(scene, size_km=10, pixels=8, overlap=0)
    x, y = scene["x"].to_numpy(), scene["y"].to_numpy()
    width = round(10 / (GEOD.inv(x[0], y[25], x[1], y[25])[2] / 1e3))
    height = round(10 / (GEOD.inv(x[20], y[0], x[20], y[1])[2] / 1e3))
    for _, row in patches.table.iterrows():
        r, c = row["row"], row["column"]
        assert row["center_lon"] == pytest.approx(x[c : c + width].mean(), abs=2e-5)
        assert row["center_lat"] == pytest.approx(y[r : r + height].mean(), abs=2e-5)
        assert row["lon_top_left"] == pytest.approx(x[c] - 0.005, abs=2e-5)
        assert row["lat_bottom_right"] == pytest.approx(y[r + height - 1] - 0.004, abs=2e-5)
        side = GEOD.inv(row["lon_top_left"], row["lat_top_left"], row["lon_bottom_left"], row["lat_bottom_left"])[2]
        assert side / 1e3 == pytest.approx(10, abs=0.5)


def test_radar_geometry_is_cut_by_its_latitude_and_longitude():
    latitude = 40.0 + 0.002 * np.arange(80)[:, None] + 0.0005 * np.arange(70)[None, :]  # azimuth goes north
    longitude = 22.0 - 0.001 * np.arange(80)[:, None] + 0.003 * np.arange(70)[None, :]
    scene = product.build(
        {"phase": np.zeros((80, 70)), "coherence": latitude - 40.0, "latitude": latitude, "longitude": longitude},
        geometry="radar",
        attrs={"wavelength": product.SENTINEL1_WAVELENGTH_M, "subswath": "IW2"},
    )
    patches = cut(scene, size_km=8, pixels=16, overlap=0)
    assert (patches.table["subswath"] == "IW2").all()
    np.testing.assert_allclose(patches.table["coherence_mean"], patches.table["center_lat"] - 40.0, atol=2e-4)


def test_offset_leads_from_the_centre_to_the_epicentre():
    epicentre = (39.80, 22.30)
    table = cut(plane_scene(60), size_km=10, pixels=20, epicentre=epicentre).table
    for _, row in table.iterrows():
        metres = GEOD.inv(row["center_lon"], row["center_lat"], epicentre[1], epicentre[0])[2]
        assert row["distance_km"] == pytest.approx(metres / 1e3, abs=1e-9)
        assert np.hypot(row["offset_east_km"], row["offset_north_km"]) == pytest.approx(row["distance_km"])
    # over 30 km, the plane difference of the scene's frame and the geodesic offset agree within metres
    np.testing.assert_allclose(table["offset_east_km"], table["epicenter_east_km"] - table["center_east_km"], atol=0.05)


def test_scene_without_georeference_has_local_kilometres_and_no_degrees():
    table = cut(plane_scene(60, origin=None), size_km=10, pixels=20, epicentre=(1.0, -2.0)).table
    assert table[[name for name in COLUMNS if name.startswith(("lat_", "lon_"))]].isna().all(axis=None)
    assert table[["center_lat", "epicenter_lat"]].isna().all(axis=None)
    np.testing.assert_allclose(table["offset_east_km"], 1.0 - table["center_east_km"])
    np.testing.assert_allclose(table["offset_north_km"], -2.0 - table["center_north_km"])


def test_unknown_epicentre_leaves_the_labels_empty():
    table = cut(plane_scene(60), size_km=10, pixels=20).table
    assert table[["epicenter_lat", "distance_km", "offset_east_km"]].isna().all(axis=None)
    assert table["center_lat"].notna().all()


def test_holes_are_zero_in_the_bands_and_counted():
    valid = np.ones((60, 60), bool)
    valid[:, :30] = False
    scene = plane_scene(60, valid=valid)
    scene["phase"][40:, 40:] = np.nan
    scene["i"][40:, 40:] = np.nan
    patches = cut(scene, size_km=10, pixels=20, overlap=0)
    assert len(patches) == 5  # of nine, three are west and one is in the hole
    assert np.isfinite(patches.coh).all()
    assert np.isfinite(patches.i).all()
    empty = (patches.i == 0) & (patches.q == 0)
    assert (patches.coh[empty] == 0).all()
    np.testing.assert_allclose(1 - empty.mean((1, 2)), patches.table["valid_fraction"])
    np.testing.assert_allclose(patches.table["coherence_mean"], 0.8, rtol=1e-6)


def test_look_vector_of_the_ground_in_the_patch():
    table = cut(plane_scene(60), size_km=10, pixels=20).table
    np.testing.assert_allclose(
        table[["look_east", "look_north", "look_up"]].to_numpy()[0], product.look_vector(39, -13)
    )
    without = plane_scene(60).drop_vars(list(product.LOOK))
    assert cut(without, size_km=10, pixels=20).table["look_east"].isna().all()


def test_scene_without_coherence_gets_the_agreement_of_its_phase():
    patches = cut(plane_scene(60).drop_vars("coherence"), size_km=10, pixels=20)
    assert (patches.table["coherence_mean"] > 0.9).all()


def test_real_scene_without_georeference(shared_data):
    """The Thessaly interferogram: 80 km at 100 m, in local metres, its fringes within the middle patch."""
    raw = np.fromfile(shared_data / "scenes/thessaly_2021/greece.diff", "<f4").reshape(801, 801).astype(float)
    raw[raw == 0] = np.nan
    metres = (np.arange(801) - 400) * 100.0
    scene = product.build({"phase": product.wrap(raw)}, x=metres, y=metres, attrs={"wavelength": 0.05546576})
    patches = cut(scene, size_km=40, pixels=80, overlap=0.5)
    assert len(patches) == 9
    assert np.isfinite(patches.i).all()
    middle = patches.table["center_east_km"].abs() + patches.table["center_north_km"].abs()
    assert patches.table.loc[middle.idxmin(), "valid_fraction"] > 0.9


def test_join_and_take():
    first = cut(plane_scene(60), size_km=10, pixels=20, event="a")
    second = cut(plane_scene(60), size_km=10, pixels=20, event="b")
    both = concatenate([first, second])
    assert len(both) == 50
    back = both.take((both.table["event"] == "b").to_numpy())
    np.testing.assert_array_equal(back.q, second.q)
    with pytest.raises(ParameterError, match=r"\[10, 20\] pixels a side"):
        concatenate([first, cut(plane_scene(60), size_km=10, pixels=10)])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size_km": 0.01}, "at least the size of one pixel"),
        ({"size_km": 10, "overlap": 1.0}, "An overlap of 1 was asked"),
        ({"size_km": 10, "event": "a/b"}, "'a/b' cannot name an event"),
    ],
)
def test_impossible_wishes_are_refused(options, message):
    with pytest.raises(ParameterError, match=message):
        cut(plane_scene(60), pixels=20, **options)


def test_a_map_smaller_than_a_patch_is_framed_evenly_by_no_data():
    scene = plane_scene(60)  # 30 km
    patches = cut(scene, size_km=51.2, pixels=64)
    assert len(patches) == 1
    row, frame = patches.table.iloc[0], product.local_frame(scene)
    assert row["valid_fraction"] == pytest.approx((60 / 102) ** 2)  # 51.2 km are 102 pixels
    assert row["center_east_km"] == pytest.approx(frame.east_km.mean(), abs=0.02)
    assert row["center_north_km"] == pytest.approx(frame.north_km.mean(), abs=0.02)
    side = GEOD.inv(row["lon_top_left"], row["lat_top_left"], row["lon_bottom_left"], row["lat_bottom_left"])[2]
    assert side / 1e3 == pytest.approx(51, abs=0.1)
    full = (patches.i[0] != 0) | (patches.q[0] != 0)
    rows, columns = np.flatnonzero(full.any(1)), np.flatnonzero(full.any(0))
    assert rows[0] == pytest.approx(63 - rows[-1], abs=1)
    assert columns[0] == pytest.approx(63 - columns[-1], abs=1)
    assert (patches.coh[0][~full] == 0).all()
    inside = (np.arange(64) - 31.5) * 51 / 64
    expected = np.broadcast_to(2 * np.pi * 0.05 * (row["center_east_km"] + inside), (64, 64))
    core = np.s_[rows[1] : rows[-1], columns[1] : columns[-1]]
    found = np.angle(patches.i[0] + 1j * patches.q[0])
    assert np.abs(np.angle(np.exp(1j * (found - expected))))[core].max() < 0.05


def test_a_map_narrower_than_a_patch_on_one_side_only():
    table = cut(plane_scene(60).isel(x=slice(0, 12)), size_km=10, pixels=20).table
    assert table["column"].unique().tolist() == [0]
    assert sorted(table["row"].unique()) == [0, 10, 20, 30, 40]
    np.testing.assert_allclose(table["valid_fraction"], 12 / 20)


def test_a_radar_image_smaller_than_a_patch_is_refused():
    latitude = np.broadcast_to(40.0 + 0.002 * np.arange(40)[:, None], (40, 30))
    longitude = np.broadcast_to(22.0 + 0.003 * np.arange(30)[None, :], (40, 30))
    fields = {"phase": np.zeros((40, 30)), "latitude": latitude, "longitude": longitude}
    with pytest.raises(ParameterError, match=r"50 km were asked of a scene of 8\.\d km"):
        cut(product.build(fields, geometry="radar", attrs={"wavelength": 0.0555}), size_km=50, pixels=20)


def test_scenes_that_hold_no_patch_are_refused():
    with pytest.raises(EmptyScene, match="None of 25 patches of 10 km holds 25% valid ground"):
        cut(plane_scene(60, valid=np.zeros((60, 60), bool)), size_km=10, pixels=20)
    points = xr.Dataset({"los_displacement": ("point", [1.0])}, coords={"x": ("point", [0.0]), "y": ("point", [0.0])})
    with pytest.raises(ProductError, match="table of points"):
        cut(points, size_km=10, pixels=20)
