"""Patches of radar pixels: the right pixels, at the right place, averaged as complex numbers, whatever the looks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from epi.errors import EmptyScene, MissingConvention, ParameterError, ProductError
from epi.insar import product
from epi.insar.engines.snap_products import read_snap
from epi.patches import check_places, cut_radar, looks_of
from epi.patches.radar import windows
from patch_scenes import plane_scene, radar_scene

GEOD = Geod(ellps="WGS84")


def own_order(patches, n, flight):
    """Bands of a patch in the radar's own order: the first line flown first, the near range first."""
    turn = (slice(None, None, -1), slice(None)) if flight == "ascending" else (slice(None), slice(None, None, -1))
    return {name: patches.band(name)[n][turn] for name in ("coh", "i", "q")}


def test_patches_of_a_subswath_are_counted_and_named_as_published():
    """Seven rows of eleven, as the thesis counts in its first subswath; names keep the radar's own numbers."""
    patches = cut_radar(radar_scene((126, 216), looks=(100, 100)), pixels=20)  # 12,600 lines of 21,600 samples
    assert len(patches) == 77
    first = patches.table["patch"].str.split("_", expand=True)
    assert list(first[1].astype(int).unique()) == [0, 2000, 4000, 6000, 8000, 10000, 10600]
    assert list(first[2].astype(int).unique()) == [*range(0, 20000, 2000), 19600]
    assert (patches.table[["height", "width"]] == 20).all(axis=None)
    assert patches.coh.shape == patches.i.shape == patches.q.shape == (77, 20, 20)
    assert patches.coh.dtype == patches.i.dtype == np.float32
    assert (patches.table["subswath"] == "IW1").all()


def test_the_rest_of_a_subswath_is_stretched_as_published():
    scene = radar_scene((126, 216), looks=(100, 100))
    patches = cut_radar(scene, pixels=20, edges="stretch")
    assert len(patches) == 77
    last = patches.table[patches.table["patch"] == "patch_012000_020000"]
    assert (last["height"].item(), last["width"].item()) == (6, 16)
    assert check_places(scene, patches).max(axis=None) < 0.1


@pytest.mark.parametrize("flight", ["ascending", "descending"])
def test_a_patch_holds_the_lines_and_samples_of_its_name_averaged_as_complex_numbers(flight):
    scene = radar_scene((100, 60), looks=(10, 25), flight=flight)
    patches = cut_radar(scene, side=500, pixels=10)
    assert len(patches) == 2 * 3
    for n, name in enumerate(patches.table["patch"]):
        line, sample = (int(part) for part in name.split("_")[1:])
        piece = scene.isel(azimuth=slice(line // 10, line // 10 + 50), range=slice(sample // 25, sample // 25 + 20))
        found = own_order(patches, n, flight)
        for band, variable in (("coh", "coherence"), ("i", "i"), ("q", "q")):
            expected = piece[variable].to_numpy().reshape(10, 5, 10, 2).mean((1, 3))
            np.testing.assert_allclose(found[band], expected, atol=1e-6)
    table = patches.table
    assert (table["lat_top_left"] > table["lat_bottom_left"]).all()
    assert (table["lon_top_left"] < table["lon_top_right"]).all()


def test_the_same_patches_come_from_full_resolution_and_from_looks():
    """Averaging 2 x 4 pixels first and the rest when resizing gives what averaging at once gives."""
    fine = radar_scene((120, 160), looks=(1, 1))
    names = ("i", "q", "coherence", "latitude", "longitude")
    coarse = product.build(
        {name: fine[name].to_numpy().reshape(60, 2, 40, 4).mean((1, 3)) for name in names},
        geometry="radar",
        attrs=fine.attrs | {"azimuth_looks": 2, "range_looks": 4},
    )
    one, other = (cut_radar(scene, side=40, pixels=10) for scene in (fine, coarse))
    assert list(one.table["patch"]) == list(other.table["patch"])
    assert set(other.table["height"]) == {20}
    assert set(other.table["width"]) == {10}
    for band in ("coh", "i", "q"):
        np.testing.assert_allclose(one.band(band), other.band(band), atol=1e-6)
    for name in ("center_lat", "center_lon", "lat_top_left", "lon_bottom_right"):
        np.testing.assert_allclose(one.table[name], other.table[name], atol=1e-7)


def test_a_patch_is_long_along_the_flight_and_the_label_is_geodesic():
    epicentre = (39.9, 22.4)
    table = cut_radar(radar_scene((200, 80), looks=(10, 25)), pixels=64, epicentre=epicentre).table
    for _, row in table.iterrows():
        ends = (row["lon_top_left"], row["lat_top_left"], row["lon_bottom_left"], row["lat_bottom_left"])
        assert GEOD.inv(*ends)[2] / 1e3 == pytest.approx(28.0, abs=0.01)
        ends = (row["lon_top_left"], row["lat_top_left"], row["lon_top_right"], row["lat_top_right"])
        assert GEOD.inv(*ends)[2] / 1e3 == pytest.approx(8.0, abs=0.01)
        assert row["size_km"] == pytest.approx(np.sqrt(28 * 8), abs=0.01)
        metres = GEOD.inv(row["center_lon"], row["center_lat"], epicentre[1], epicentre[0])[2]
        assert row["distance_km"] == pytest.approx(metres / 1e3, abs=1e-9)


@settings(deadline=None)
@given(
    length=st.integers(1, 3000),
    looks=st.sampled_from([1, 2, 3, 7, 13, 2.5]),
    side=st.integers(200, 2500),
    edges=st.sampled_from(["inside", "stretch"]),
)
def test_windows_are_whole_lie_inside_and_leave_nothing_out(length, looks, side, edges):
    if length * looks < side and edges == "inside":
        with pytest.raises(ParameterError, match=r"were asked of \d+: ask for less, or stretch"):
            windows(length, looks, side=side, pixels=1, edges=edges, what="lines")
        return
    found = windows(length, looks, side=side, pixels=1, edges=edges, what="lines")
    covered = np.zeros(length, int)
    for one in found:
        assert 0 <= one.start < one.stop <= length
        covered[one.start : one.stop] += 1
        assert abs(one.start * looks - one.first) <= looks / 2 + 1
        if edges == "inside":
            assert abs((one.stop - one.start) * looks - side) <= looks + 1
    assert covered.min() == 1 or length * looks % side < looks
    assert len({one.first for one in found}) == len(found)


def test_looks_as_snap_and_as_the_native_engine_state_them():
    scene = radar_scene(stated=False)
    assert looks_of(scene.assign_attrs(azimuth_looks=2.0, range_looks=8.0)) == (2, 8)
    assert looks_of(scene.assign_attrs(looks_azimuth_range="4 x 13")) == (4, 13)
    with pytest.raises(MissingConvention, match=r"does not state .* looks=\(lines, samples\)"):
        cut_radar(scene)
    given_looks = cut_radar(scene, looks=(10, 25), side=500, pixels=10)
    assert given_looks.table.equals(cut_radar(radar_scene(), side=500, pixels=10).table)


def test_across_the_antimeridian_patches_have_their_places():
    scene = radar_scene((200, 80), looks=(10, 25), origin=(-17.0, 179.98))
    assert np.ptp(scene["longitude"].to_numpy()) > 300
    patches = cut_radar(scene, side=1000, pixels=20, epicentre=(-17.1, -179.9))
    assert check_places(scene, patches).max(axis=None) < 0.1
    assert patches.table["distance_km"].max() < 60
    assert patches.table["center_east_km"].abs().max() < 10


def test_patches_without_a_place_or_without_data_are_left_out():
    scene = radar_scene((100, 60), looks=(10, 25))
    whole = cut_radar(scene, side=500, pixels=10)
    lost = scene.copy(deep=True)
    lost["latitude"][60:, 45:] = np.nan
    assert len(cut_radar(lost, side=500, pixels=10)) == len(whole) - 1
    empty = scene.copy(deep=True)
    for name in ("i", "q"):
        empty[name][:50, :20] = np.nan
    assert len(cut_radar(empty, side=500, pixels=10)) == len(whole) - 1
    empty["i"][:], empty["q"][:] = np.nan, np.nan
    with pytest.raises(EmptyScene, match=r"None of 6 patches of 500 x 500 radar pixels is kept: 0 have no latitude"):
        cut_radar(empty, side=500, pixels=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": 0}, "give at least 1 of each"),
        ({"edges": "pad"}, "give 'inside' or 'stretch'"),
        ({"side": 500, "pixels": 51}, r"500 lines is 50 pixels of this product \(10 looks\), too few for 51: ask for"),
        ({"side": 900}, r"900 lines were asked of 600: ask for less, or stretch"),
    ],
)
def test_what_a_subswath_cannot_give_is_said(options, message):
    with pytest.raises(ParameterError, match=message):
        cut_radar(radar_scene(), **{"pixels": 10, **options})


def test_a_map_is_refused():
    with pytest.raises(ProductError, match=r"in map geometry: give one in azimuth and range, or cut squares"):
        cut_radar(plane_scene())


def test_a_real_subswath_written_by_snap_is_cut_where_snap_says_it_lies(shared_data):
    folder = shared_data / "slc" / "snap_pair_amsterdam"
    scene = read_snap(folder / "20230331-coreg.znap", pair=folder / "20230319-coreg.znap")  # 84 x 338 pixels, one look
    patches = cut_radar(scene, side=80, pixels=20, epicentre=(52.3, 4.9))
    assert list(patches.table["patch"].str[-6:].astype(int)) == [0, 80, 160, 240, 258] * 2
    assert (patches.table["subswath"] == "IW3").all()
    assert check_places(scene, patches).max(axis=None) < 0.01
    assert patches.table["coherence_mean"].between(0.6, 0.9).all()
    first = scene.isel(azimuth=slice(0, 80), range=slice(0, 80))
    z = (first["i"] + 1j * first["q"]).to_numpy()
    known = np.isfinite(z) & (z != 0)
    mean = (patches.i[0] + 1j * patches.q[0]).mean()
    assert np.angle(mean / z[known].mean()) == pytest.approx(0, abs=0.01)
