"""Whole scenes: tiles leave no seam, places are where they are, and what was not meant for the network is refused."""

import json

import numpy as np
import pytest
import torch
from pyproj import Geod
from scipy.ndimage import zoom

from detect_stubs import Known
from epi.errors import EmptyScene, ParameterError, ProductError
from epi.insar import product
from epi.learn.detect import scene as scenes
from epi.learn.detect.grid import as_grid
from epi.learn.detect.scene import (
    INTERPOLATED,
    LARGE,
    LOST,
    NARROW,
    NO_COHERENCE,
    SMALL,
    SPARSE,
    detect_scene,
    mask_product,
)
from epi.simulate.atmosphere import turbulence
from patch_scenes import ORIGIN, geographic_scene, plane_scene, radar_scene
from test_gridding import scattered, table_of

SPACING_KM = 1.6  # of 32 pixels over 51.2 km
MARKED = Known(lambda seen: 400 * (seen["coherence"] - 0.88))
"""Calls moved what is more coherent than 0.88."""


def constant(level, **settings):
    return Known(lambda seen: 0 * seen["data"] + level, **settings)


def marked_scene(rows=slice(20, 30), columns=slice(40, 60), pixels=80, *, origin=ORIGIN, **changes):
    """128 km of coherence 0.8, but for a rectangle of 0.95; row 0 lies in the south."""
    coherence = np.full((pixels, pixels), 0.8)
    coherence[rows, columns] = 0.95
    return plane_scene(pixels, 1600.0, origin=origin, turns_a_km=0.01, coherence=coherence, **changes)


def turned(scene, down, right):
    """The same scene with its rows or columns in the other order."""
    return scene.isel(y=slice(None, None, -1 if down else 1), x=slice(None, None, -1 if right else 1))


@pytest.mark.parametrize("size", [(80, 80), (33, 71), (32, 32), (20, 90), (12, 12)])
def test_what_all_tiles_say_is_the_mask_of_the_scene(size):
    """Of any size, larger or smaller than a tile; without data there is no answer."""
    valid = np.random.default_rng(0).random(size) > 0.2
    whole = plane_scene(max(size), 1600.0).isel(y=slice(size[0]), x=slice(size[1]))
    whole = product.add(whole, {"valid": valid})
    _, found = detect_scene(constant(-0.4), whole)
    assert found.mask.shape == size
    np.testing.assert_array_equal(np.isnan(found.mask), ~valid[::-1])
    np.testing.assert_allclose(found.mask[valid[::-1]], 1 / (1 + np.exp(0.4)), rtol=1e-6)


def test_tiles_put_together_are_one_look_at_everything():
    """A network that answers pixel by pixel says of the whole what it says of the tiles."""
    network = Known(lambda seen: 3 * seen["cosine"] + seen["coherence"])
    whole = plane_scene(90, 1600.0, turns_a_km=0.07)
    _, found = detect_scene(network, whole)
    phase = whole["phase"].to_numpy()[::-1]
    np.testing.assert_allclose(found.mask, 1 / (1 + np.exp(-3 * np.cos(phase) - 0.8)), atol=1e-5)
    assert found.tiles == 25


def test_there_is_no_seam_where_tiles_disagree():
    """Each tile says 0 in its west and 1 in its east: cut side by side that is a step of 1 every half tile.

    Blended, the largest step at a tile's edge is a few hundredths more than the tiles' own slope.
    """
    side = torch.linspace(-6, 6, 32)
    network = Known(lambda seen: 0 * seen["data"] + side)
    slope = float(torch.sigmoid(side).diff().max())
    _, found = detect_scene(network, plane_scene(112, 1600.0))
    steps = np.abs(np.diff(found.mask, axis=1))
    assert steps.max() < slope + 0.06
    assert np.abs(np.diff(found.mask, axis=0)).max() < 1e-6
    assert found.mask[:, 40:70].std() > 0.03  # and it is no mean of everything


@pytest.mark.parametrize(("down", "right"), [(True, False), (False, True), (True, True)])
def test_the_order_of_rows_and_columns_does_not_matter(down, right):
    rng = np.random.default_rng(1)
    network = Known(lambda seen: 2 * seen["sine"] + 3 * seen["turn_north"] + seen["turn_east"])
    scene = plane_scene(64, 1600.0, phase=product.wrap(np.cumsum(rng.normal(0, 0.4, (64, 64)), axis=0)))
    scene = scene.drop_vars(["i", "q"])
    first, one = detect_scene(network, scene)
    second, other = detect_scene(network, turned(scene, down, right))
    np.testing.assert_allclose(one.mask, other.mask, atol=1e-6)
    np.testing.assert_allclose(one.grid.frame.north_km, other.grid.frame.north_km, atol=1e-9)
    assert (np.diff(one.grid.frame.north_km, axis=0) < 0).all()
    assert (np.diff(one.grid.frame.east_km, axis=1) > 0).all()
    assert first["centre"] == pytest.approx(second["centre"])
    assert len(first["boxes"]) == len(second["boxes"]) > 0
    assert first["boxes"][0]["west_km"] == pytest.approx(second["boxes"][0]["west_km"])


@pytest.mark.parametrize(("down", "right"), [(False, False), (True, False), (False, True)])
def test_places_are_where_they_are(down, right):
    """A marked rectangle 16 by 32 km, north-west of it nothing: its box, its middle and its size."""
    result, _ = detect_scene(MARKED, turned(marked_scene(), down, right))
    place = (np.arange(80) - 39.5) * SPACING_KM
    (box,) = result["boxes"]
    middle = place[[20, 29]].mean(), place[[40, 59]].mean()
    assert (box["south_km"], box["north_km"]) == pytest.approx(tuple(place[[20, 29]]), abs=0.9)
    assert (box["west_km"], box["east_km"]) == pytest.approx(tuple(place[[40, 59]]), abs=0.9)
    centre = result["centre"]
    assert (centre["north_km"], centre["east_km"]) == pytest.approx(middle, abs=0.05)
    assert result["moved_km2"] == pytest.approx(10 * 20 * SPACING_KM**2)
    azimuth, _, metres = Geod(ellps="WGS84").inv(ORIGIN[1], ORIGIN[0], centre["longitude"], centre["latitude"])
    assert metres / 1000 == pytest.approx(np.hypot(*middle), abs=0.1)
    assert azimuth % 360 == pytest.approx(np.degrees(np.arctan2(middle[1], middle[0])) % 360, abs=0.2)
    latitude, longitude = np.array(box["corners"]).T
    assert latitude.min() < centre["latitude"] < latitude.max()
    assert longitude.min() < centre["longitude"] < longitude.max()


def test_finer_pixels_are_averaged_to_the_networks():
    """At 400 m a pixel: the same ground to a pixel, the same size."""
    fine = plane_scene(320, 400.0, turns_a_km=0.01, coherence=np.kron(marked_scene()["coherence"], np.ones((4, 4))))
    coarse, found = detect_scene(MARKED, marked_scene())
    result, same = detect_scene(MARKED, fine)
    np.testing.assert_allclose(same.mask, found.mask, atol=1e-3)
    assert result["centre"] == pytest.approx(coarse["centre"], abs=1e-2)
    assert result["moved_km2"] == pytest.approx(coarse["moved_km2"])


def test_a_scene_without_a_georeference_is_placed_in_its_own_metres():
    result, _ = detect_scene(MARKED, marked_scene(origin=None))
    assert set(result["centre"]) == {"east_km", "north_km"}
    assert "corners" not in result["boxes"][0]


@pytest.mark.parametrize("flight", ["ascending", "descending"])
def test_radar_geometry_is_turned_north_up(flight):
    """Coherence counts the radar's own pixels: the ground that is flown over last is marked, and lies where it lies."""
    # 60 lines of 1.4 km and 80 samples of 1 km
    radar = radar_scene((60, 80), looks=(100, 250), flight=flight)
    result, found = detect_scene(MARKED, radar)
    last = radar["coherence"].to_numpy() > 0.88
    latitude, longitude = radar["latitude"].to_numpy()[last].mean(), radar["longitude"].to_numpy()[last].mean()
    centre = result["centre"]
    _, _, metres = Geod(ellps="WGS84").inv(longitude, latitude, centre["longitude"], centre["latitude"])
    assert metres < 3000
    assert (np.diff(found.grid.frame.north_km, axis=0) < 0).all()
    assert (np.diff(found.grid.frame.east_km, axis=1) > 0).all()


def test_degrees_are_ground():
    """Pixels of a hundredth of a degree are as many kilometres as they are there."""
    grid = as_grid(geographic_scene(150, 120), SPACING_KM)
    metres = Geod(ellps="WGS84").inv(22.0, 39.4, 23.19, 39.4)[2] / 1000
    assert grid.valid.shape[1] * SPACING_KM == pytest.approx(metres, rel=0.03)


def displaced(**changes):
    east, north = np.meshgrid(*[(np.arange(80) - 39.5) * SPACING_KM] * 2)
    metres = 0.3 * np.exp(-((east - 10) ** 2 + (north + 20) ** 2) / 200) - 0.1
    scene = plane_scene(80, 1600.0).drop_vars(["i", "q", "phase"])
    return product.add(scene, {"los_displacement": metres} | changes), metres


def test_metres_and_radians_give_the_same_answer():
    """A displacement, and its unwrapped phase."""
    network = Known(lambda seen: 3 * seen["unwrapped"] + seen["cosine"], lambda seen: seen["unwrapped"].amax((1, 2)))
    scene, metres = displaced()
    phase = product.unwrapped_phase(metres, wavelength=product.SENTINEL1_WAVELENGTH_M)
    radians = product.add(scene.drop_vars("los_displacement"), {"unwrapped_phase": phase})
    first, one = detect_scene(network, scene)
    second, other = detect_scene(network, radians)
    assert one.grid.unwrapped
    assert other.grid.unwrapped
    np.testing.assert_allclose(one.mask, other.mask, atol=1e-5)
    assert first["probability"] == pytest.approx(second["probability"], abs=1e-6)
    assert first["centre"] == pytest.approx(second["centre"], abs=1e-4)
    wrapped = product.add(scene.drop_vars("los_displacement"), {"phase": product.wrap(phase)})
    assert not as_grid(wrapped, SPACING_KM).unwrapped


def test_the_phase_that_is_asked_for_is_looked_at():
    """Of a product that holds both: the wrapped one makes other channels, and there is no unwrapped one then."""
    unwrapped, metres = displaced()
    phase = product.unwrapped_phase(metres, wavelength=product.SENTINEL1_WAVELENGTH_M)
    wrapped = product.add(unwrapped.drop_vars("los_displacement"), {"phase": product.wrap(phase)})
    both = product.add(wrapped, {"los_displacement": metres})
    network = Known(lambda seen: 3 * seen["unwrapped"] + seen["cosine"], lambda seen: seen["unwrapped"].amax((1, 2)))
    alone = [detect_scene(network, scene)[1].mask for scene in (wrapped, unwrapped)]
    assert np.abs(alone[0] - alone[1]).max() > 0.1
    for quantity, expected in (("wrapped", alone[0]), ("unwrapped", alone[1]), (None, alone[1])):
        _, found = detect_scene(network, both, quantity=quantity)
        assert found.grid.unwrapped == (quantity != "wrapped")
        np.testing.assert_allclose(found.mask, expected, atol=1e-6)


def test_a_phase_that_is_not_held_is_refused():
    unwrapped, _ = displaced()
    with pytest.raises(ParameterError, match=r"no wrapped phase \(i and q, or phase\), only .*los_displacement"):
        detect_scene(constant(0.0), unwrapped, quantity="wrapped")
    for scene in (
        plane_scene(80, 1600.0),
        product.add(plane_scene(80, 1600.0), {"unwrapped_phase": np.full((80, 80), np.nan)}),
    ):
        with pytest.raises(ParameterError, match=r"no unwrapped phase \(unwrapped_phase or los_displacement\)"):
            detect_scene(constant(0.0), scene, quantity="unwrapped")


def test_the_surest_tile_speaks_for_the_scene():
    """A network that is sure where coherence is high, its logit divided by its temperature, against its alarm."""
    network = Known(None, lambda seen: 40 * (seen["coherence"].amax((1, 2)) - 0.9), temperature=2.0, alarm=0.7)
    result, found = detect_scene(network, marked_scene(rows=slice(3, 5), columns=slice(70, 72)))
    assert result["probability"] == pytest.approx(1 / (1 + np.exp(-40 * 0.05 / 2)), abs=1e-4)
    assert result["present"]
    assert result["alarm"] == 0.7
    calm, _ = detect_scene(network, plane_scene(80, 1600.0))
    assert not calm["present"]
    assert calm["probability"] == pytest.approx(1 / (1 + np.exp(2)), abs=1e-4)
    assert result["moved_km2"] is result["centre"] is found.mask is None
    assert result["boxes"] == []
    assert json.loads(json.dumps(result)) == result
    with pytest.raises(ParameterError, match="only says whether there is an earthquake"):
        mask_product(found)


@pytest.mark.parametrize(("shape", "tiles"), [((80, 80), 16), ((80, 32), 4), ((32, 32), 1)])
def test_the_more_squares_the_higher_the_alarm(shape, tiles):
    scene = plane_scene(80, 1600.0).isel(y=slice(shape[0]), x=slice(shape[1]))
    result, _ = detect_scene(constant(0.0, alarm=0.6, alarm_growth=0.4), scene)
    assert result["tiles"] == tiles
    assert result["alarm"] / (1 - result["alarm"]) == pytest.approx(0.6 / 0.4 * tiles**0.4, rel=1e-6)
    assert detect_scene(constant(0.0, alarm=0.6), scene)[0]["alarm"] == pytest.approx(0.6)


def test_squares_without_data_raise_no_alarm():
    half = product.add(plane_scene(80, 1600.0), {"valid": np.indices((80, 80))[1] < 32})
    result, _ = detect_scene(constant(0.0, alarm=0.6, alarm_growth=0.4), half)
    assert result["tiles"] == 8  # of 16, the others hold nothing
    assert result["alarm"] / (1 - result["alarm"]) == pytest.approx(0.6 / 0.4 * 8**0.4, rel=1e-6)


def test_motion_in_another_unit_is_flagged():
    """Five millimetres read as metres are under what is refused."""
    scene, metres = displaced()
    scaled = product.add(scene.drop_vars("los_displacement"), {"los_displacement": 5.0 / np.ptp(metres) * metres})
    assert LARGE in detect_scene(constant(0.0), scaled)[0]["flags"]
    assert LARGE not in detect_scene(constant(0.0), scene)[0]["flags"]


@pytest.mark.parametrize("finer", [1, 4, 16])
def test_air_in_radians_that_is_read_as_metres_is_refused_at_any_pixels(finer):
    """It spans less than an earthquake may, and neighbours of fine pixels differ by little."""
    air = turbulence((40, 40), spacing_km=1.6, rms=2.2, rng=np.random.default_rng(5))
    fine = zoom(air, finer, order=1, grid_mode=True, mode="nearest")
    scene = product.add(plane_scene(40 * finer, 1600.0 / finer), {"los_displacement": fine})
    with pytest.raises(ParameterError, match="is it in radians or millimetres"):
        detect_scene(constant(0.0), scene)
    right = fine * product.SENTINEL1_WAVELENGTH_M / (4 * np.pi)
    detect_scene(constant(0.0), product.add(scene, {"los_displacement": right}))


@pytest.mark.parametrize("fringes", [1, 3, 7])
@pytest.mark.parametrize("pixels", [80, 640])
def test_a_wrapped_phase_that_is_stated_as_unwrapped_is_refused(pixels, fringes):
    """However fine its pixels; an unwrapped one is not, nor one that stays within a turn, noise and all."""
    row, column = np.indices((pixels, pixels)) / pixels - 0.5
    ramp = 2 * np.pi * fringes * (column + 0.3)
    bowl = 2 * np.pi * (fringes + 0.5) * np.exp(-20 * (row**2 + column**2))
    small = 2 * bowl / bowl.max() + np.random.default_rng(0).normal(0, 0.5, bowl.shape).clip(-1.5, 1.5)
    for phase in (ramp, bowl, small):
        detect_scene(constant(0.0), product.add(plane_scene(pixels, 128e3 / pixels), {"unwrapped_phase": phase}))
    for wrong in (np.angle(np.exp(1j * ramp)), np.mod(ramp, 2 * np.pi), np.angle(np.exp(1j * bowl))):
        scene = product.add(plane_scene(pixels, 128e3 / pixels), {"unwrapped_phase": wrong})
        with pytest.raises(ParameterError, match=r"neighbours half a turn apart: it is a wrapped one"):
            detect_scene(constant(0.0), scene)


def test_lost_ground_is_flagged():
    for level, lost in ((0.1, True), (0.2, True), (0.3, False)):
        scene = product.add(plane_scene(80, 1600.0), {"coherence": np.full((80, 80), level)})
        assert (LOST in detect_scene(constant(0.0), scene)[0]["flags"]) == lost


def test_the_corners_of_a_box_go_around_it():
    result, _ = detect_scene(MARKED, marked_scene())
    south_west, south_east, north_east, north_west = result["boxes"][0]["corners"]
    assert south_west[1] < south_east[1]
    assert north_west[1] < north_east[1]
    assert max(south_west[0], south_east[0]) < min(north_east[0], north_west[0])


def test_nothing_moved_is_said_so():
    result, _ = detect_scene(constant(-5.0), plane_scene(80, 1600.0))
    assert result["moved_km2"] == 0
    assert result["centre"] is None
    assert result["boxes"] == []


def test_the_mask_is_a_map_of_its_own():
    _, found = detect_scene(MARKED, marked_scene())
    made = mask_product(found)
    moved = made["moved_probability"]
    assert tuple(made["x"].shape) == tuple(made["y"].shape) == (80,)
    assert moved.attrs["units"] == "1"
    north, east = (
        made[name].to_numpy()[np.argwhere(moved.to_numpy() > 0.5)[:, axis]] for axis, name in enumerate("yx")
    )
    assert north.mean() == pytest.approx(1000 * (24.5 - 39.5) * SPACING_KM, abs=100)
    assert east.mean() == pytest.approx(1000 * (49.5 - 39.5) * SPACING_KM, abs=100)
    about = made[made["moved_probability"].attrs["grid_mapping"]].attrs
    centre = [about["latitude_of_projection_origin"], about["longitude_of_projection_origin"]]
    assert centre == pytest.approx(list(ORIGIN), abs=1e-6)


def test_flags_say_what_to_know():
    valid = np.zeros((80, 80), dtype=bool)
    valid[:35, :60] = True
    cases = {
        (): plane_scene(80, 1600.0),
        (SMALL,): plane_scene(20, 1600.0),
        (SPARSE,): product.add(plane_scene(80, 1600.0), {"valid": valid}),
        (NO_COHERENCE,): plane_scene(80, 1600.0).drop_vars("coherence"),
        (NARROW,): plane_scene(80, 1600.0, turns_a_km=0.003),
    }
    for flags, scene in cases.items():
        result = detect_scene(constant(0.0), scene)[0]
        assert set(result["flags"]) == set(flags)


@pytest.mark.parametrize("name", ["unwrapped_phase", "los_displacement"])
def test_an_unwrapped_phase_of_less_than_half_a_turn_is_flagged(name):
    """A displacement of decimetres that was read as thousandths of them."""
    scene, metres = displaced()
    wavelength = product.SENTINEL1_WAVELENGTH_M
    values = metres if name == "los_displacement" else product.unwrapped_phase(metres, wavelength=wavelength)
    for factor, flags in ((1, []), (0.001, [NARROW])):
        scaled = product.add(scene.drop_vars("los_displacement"), {name: factor * values})
        assert set(detect_scene(constant(0.0), scaled)[0]["flags"]) == set(flags)


@pytest.mark.parametrize("name", ["unwrapped_phase", "los_displacement"])
def test_an_unwrapped_phase_that_is_the_same_everywhere_is_refused(name):
    values = np.full((80, 80), 0.25)
    values[:20] = np.nan
    scene = product.add(displaced()[0].drop_vars("los_displacement"), {name: values})
    with pytest.raises(EmptyScene, match=r"The unwrapped phase is -?[0-9.]+ rad everywhere"):
        detect_scene(constant(0.0), scene)


def test_tables_of_points_are_interpolated_and_flagged():
    east, north = scattered(0, 400, 40.0)
    metres = 0.2 * np.exp(-((east - 8) ** 2 + (north + 12) ** 2) / 150)
    network = Known(lambda seen: 20 * (-seen["unwrapped"] - 1.1))
    result, found = detect_scene(network, table_of(east, north, metres))
    assert INTERPOLATED in result["flags"]
    assert found.grid.unwrapped
    assert (result["centre"]["east_km"], result["centre"]["north_km"]) == pytest.approx((8, -12), abs=3)


def test_scenes_too_small_or_empty_are_refused():
    network = constant(0.0)
    with pytest.raises(EmptyScene, match=r"holds data over 41 km², and the network needs 8 km squared at least"):
        detect_scene(network, plane_scene(4, 1600.0))
    nothing = product.add(plane_scene(80, 1600.0), {"valid": np.zeros((80, 80), dtype=bool)})
    with pytest.raises(EmptyScene, match=r"holds data over 0 km²"):
        detect_scene(network, nothing)
    few = np.zeros((400, 400), dtype=bool)
    few[::8, ::8] = True
    with pytest.raises(EmptyScene, match=rf"No tile of 51.2 km holds {scenes.LEAST_DATA:.0%} of data"):
        detect_scene(network, product.add(plane_scene(400, 1600.0), {"valid": few}))
    metres, _ = displaced(los_displacement=np.full((80, 80), np.nan))
    with pytest.raises(EmptyScene, match=r"holds data over 0 km²"):
        detect_scene(network, metres)


def test_other_units_are_refused():
    scene, metres = displaced()
    for factor in (1000, 226.6):  # millimetres; radians, of some metres
        wrong = product.add(scene.drop_vars("los_displacement"), {"los_displacement": factor * metres})
        with pytest.raises(ParameterError, match=r"The displacement spans [0-9.e+]+ m, or differs .*--units"):
            detect_scene(constant(0.0), wrong)
    noisy = np.random.default_rng(0).uniform(-np.pi, np.pi, metres.shape) * 0.3 + np.angle(np.exp(1j * 300 * metres))
    with pytest.raises(ParameterError, match=r"or a wrapped phase\? State its own --units and --quantity"):
        detect_scene(constant(0.0), product.add(scene.drop_vars("los_displacement"), {"los_displacement": noisy}))
    turns = product.unwrapped_phase(metres, wavelength=product.SENTINEL1_WAVELENGTH_M)
    absurd = product.add(scene.drop_vars("los_displacement"), {"unwrapped_phase": 1000 * turns})
    with pytest.raises(ParameterError, match=r"The displacement spans 300 m, or differs"):
        detect_scene(constant(0.0), absurd)


def test_what_holds_no_interferogram_is_refused():
    with pytest.raises(ProductError, match=r"Patches need i and q, a phase or los_displacement"):
        detect_scene(constant(0.0), plane_scene(80, 1600.0).drop_vars(["i", "q", "phase"]))


def test_too_many_tiles_are_refused(monkeypatch):
    monkeypatch.setattr(scenes, "MOST_TILES", 15)
    with pytest.raises(ParameterError, match=r"needs 16 tiles, more than 15: cut it, or check its spacing"):
        detect_scene(constant(0.0), plane_scene(80, 1600.0))
