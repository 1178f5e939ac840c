"""Location by physics against known sources, simulated and real."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyproj import Geod

from epi.errors import EmptyScene, NoGeoreference, ParameterError
from epi.insar import product
from epi.insar.readers.files import read_scene
from epi.settings import PROJECT_ROOT
from epi.simulate import Conditions, draw_rupture, recipe, simulate_scene
from epi.source import fit
from epi.source.invert import locate
from epi.source.noise import Noise, estimate
from epi.source.observe import observe


def thrust(east_km=4.0, north_km=-6.0):
    """A magnitude 6.2 thrust with even slip, so that a rectangle can fit it."""
    return draw_rupture(
        magnitude=6.2,
        east_km=east_km,
        north_km=north_km,
        depth_km=7.0,
        strike=30.0,
        dip=35.0,
        rake=80.0,
        length_km=14.0,
        width_km=10.0,
        rng=np.random.default_rng(2),
        roughness=0.0,
    )


@pytest.fixture(scope="module")
def ascending():
    """A good ascending scene of the thrust, georeferenced."""
    sky = Conditions(atmosphere_m=0.004, ramp_m=0.01)
    return simulate_scene(thrust(), sky, seed=11, spacing_m=400, origin=(39.0, 22.0), unwrapped=True)


@pytest.fixture(scope="module")
def descending():
    """A good descending scene of the thrust."""
    sky = Conditions(atmosphere_m=0.004, ramp_m=0.01, heading_deg=-167.0)
    return simulate_scene(thrust(), sky, seed=12, spacing_m=400, origin=(39.0, 22.0), unwrapped=True)


@pytest.fixture(scope="module")
def found(ascending):
    """Its location."""
    return locate([ascending.product])


def test_good_scene_gives_the_source_back(found, ascending):
    east, north, depth = thrust().centroid
    assert np.hypot(found.east_km - east, found.north_km - north) < 1.0
    assert found.depth_km == pytest.approx(depth, abs=1.5)
    assert found.magnitude == pytest.approx(6.2, abs=0.1)
    assert found.variance_reduction > 0.9
    assert found.visible
    _, _, metres = Geod(ellps="WGS84").inv(
        found.longitude,
        found.latitude,
        ascending.truth.attrs["centroid_longitude"],
        ascending.truth.attrs["centroid_latitude"],
    )
    assert metres < 1000


def test_up_dip_edge_is_up_dip(found):
    edge, fault = found.top_edge, found.fault
    down = fault["width_km"] * np.sin(np.deg2rad(fault["dip"]))
    assert edge["depth_km"] == pytest.approx(fault["depth_km"] - down / 2)
    length = np.hypot(edge["end_east_km"] - edge["start_east_km"], edge["end_north_km"] - edge["start_north_km"])
    assert length == pytest.approx(fault["length_km"])
    strike = np.deg2rad(fault["strike"])
    middle = (edge["start_east_km"] + edge["end_east_km"]) / 2, (edge["start_north_km"] + edge["end_north_km"]) / 2
    to_the_right = (fault["east_km"] - middle[0]) * np.cos(strike) - (fault["north_km"] - middle[1]) * np.sin(strike)
    assert to_the_right == pytest.approx(fault["width_km"] / 2 * np.cos(np.deg2rad(fault["dip"])))


def test_two_tracks_share_one_source(ascending, descending):
    both = locate([ascending.product, descending.product])
    east, north, _ = thrust().centroid
    assert np.hypot(both.east_km - east, both.north_km - north) < 0.6
    assert len(both.noise_cm) == 2
    assert both.ellipse_km[0] < 5


def test_answer_knows_nothing_of_the_catalogue(found, ascending):
    moved = ascending.product.assign_attrs(event_id="somewhere-else", event='{"latitude": 0, "longitude": 0}')
    again = locate([moved])
    assert (again.east_km, again.north_km, again.magnitude) == (found.east_km, found.north_km, found.magnitude)


def within(answer, east, north):
    """Whether a place lies in the ellipse."""
    major, minor, azimuth = answer.ellipse_km
    turn = np.deg2rad(azimuth)
    away = np.array([answer.east_km - east, answer.north_km - north])
    along, across = away @ [np.sin(turn), np.cos(turn)], away @ [np.cos(turn), -np.sin(turn)]
    return bool((along / major) ** 2 + (across / minor) ** 2 <= 1)


def test_recipe_scenes_are_located():
    """Ten scenes that nothing was chosen on."""
    errors, inside = [], []
    for seed in range(10_400, 10_410):
        made, drawn = recipe.scene(seed)
        answer = locate([made.product])
        east, north, _ = drawn.rupture.centroid
        errors.append(np.hypot(answer.east_km - east, answer.north_km - north))
        inside.append(within(answer, east, north))
    assert np.median(errors) < 2.0
    assert np.mean(inside) >= 0.8


def test_scores_that_ship_are_what_the_book_promises():
    every = pd.read_csv(PROJECT_ROOT / "data" / "location_scores.csv")
    scores, quiet = (every[every["kind"] == kind] for kind in ("earthquake", "quiet"))
    assert (sorted(scores["seed"]), len(quiet)) == ([*range(200)], 100)
    warned = scores["unsure"].astype(bool) | ~scores["visible"].astype(bool)
    assert scores["error_km"].median() < 1
    assert scores["error_km"][~warned].quantile(0.9) < 2
    assert scores["magnitude_error"].abs().median() < 0.07
    assert 0.90 <= scores["inside"].mean() <= 0.98
    assert quiet["visible"].mean() <= 0.05


def scores() -> pd.DataFrame:
    every = pd.read_csv(PROJECT_ROOT / "data" / "location_scores.csv")
    return every[every["kind"] == "earthquake"].set_index("seed")


@pytest.mark.xfail(strict=True, reason="3.3 km: signals too weak, or slip that one track hides")
def test_scores_that_ship_reach_2_km_for_nine_in_ten():
    assert scores()["error_km"].quantile(0.9) < 2


@pytest.mark.xfail(strict=True, reason="5.8 s with two scenes at a time on two cores")
def test_scores_that_ship_took_5_s_a_scene():
    assert scores()["seconds"].median() <= 5


@pytest.mark.parametrize("seed", [1, 3])
def test_scores_that_ship_are_of_this_program(seed):
    answer, (east, north, _) = locate([recipe.scene(seed)[0].product]), recipe.draw(seed).rupture.centroid
    shipped = scores().loc[seed]
    assert np.hypot(answer.east_km - east, answer.north_km - north) == pytest.approx(shipped["error_km"], abs=0.2)
    assert answer.ellipse_km[0] == pytest.approx(shipped["major_km"], rel=0.2)
    assert answer.magnitude == pytest.approx(shipped["magnitude"], abs=0.06)


def test_scene_without_an_earthquake_says_so():
    answer = locate([recipe.quiet_scene(10_400).product])
    assert not answer.visible
    assert answer.flags[0].startswith("no visible earthquake")


def test_wrapped_scene_is_unwrapped_first():
    sky = Conditions(atmosphere_m=0.003, ramp_m=0.0, coherence=0.8, no_data=0.02)
    made = simulate_scene(thrust(0, 0), sky, seed=13, size_km=60, spacing_m=200)
    assert "los_displacement" not in made.product
    answer = locate([made.product])
    assert np.hypot(answer.east_km, answer.north_km) < 1.5


def test_noise_of_a_known_covariance_is_recovered():
    rng = np.random.default_rng(3)
    scene = simulate_scene(None, Conditions(atmosphere_m=0.01, coherence=0.9), seed=3, spacing_m=400, unwrapped=True)
    track = observe(scene.product)
    truth = Noise(sill=1e-4, length_km=8.0, nugget=3e-7)
    root = np.linalg.cholesky(truth.covariance(track))
    sills = [estimate(track, root @ rng.standard_normal(len(track.los)), track.ramp) for _ in range(6)]
    assert np.median([n.sill for n in sills]) == pytest.approx(1e-4, rel=0.35)
    assert np.median([n.length_km for n in sills]) == pytest.approx(8.0)


def test_squares_are_averages_of_the_scene(ascending):
    track = observe(ascending.product)
    los = ascending.product["los_displacement"]
    assert int(track.samples.sum()) == int(np.isfinite(los).sum())
    assert np.average(track.los, weights=track.samples) == pytest.approx(float(los.mean()), abs=1e-9)
    assert 100 < len(track.los) <= 450
    np.testing.assert_allclose(np.linalg.norm(track.look, axis=1), 1, atol=1e-9)


def test_folding_keeps_the_plane():
    import torch

    over = torch.tensor([[0.0, 0.0, 8.0, 10.0, 120.0, 1.0, 0.8]], dtype=torch.float64)
    folded = fit.geometry(over)[0]
    assert float(folded[4]) == pytest.approx(60)
    assert float(folded[3]) % 360 == pytest.approx(190)


def test_nothing_and_empty_scenes_are_refused(ascending):
    with pytest.raises(ParameterError, match="at least one scene"):
        locate([])
    blank = ascending.product.copy()
    blank["los_displacement"] = xr.full_like(blank["los_displacement"], np.nan)
    with pytest.raises(EmptyScene, match="0 samples"):
        locate([blank])


def test_local_and_georeferenced_scenes_do_not_mix(ascending):
    local = simulate_scene(thrust(), Conditions(), seed=14, spacing_m=800, unwrapped=True).product
    with pytest.raises(NoGeoreference, match="only local coordinates"):
        locate([ascending.product, local])


@pytest.mark.parametrize(("name", "stated"), [("unw", ("displacement", "m")), ("diff", ("wrapped", "rad"))])
def test_real_thessaly_is_where_the_published_fit_is(shared_data, name, stated):
    scene = read_scene(
        shared_data / "scenes" / "thessaly_2021" / f"greece.{name}",
        quantity=stated[0],
        units=stated[1],
        positive="away",
        incidence=33.6,
        heading=-13.5,
        wavelength=product.SENTINEL1_WAVELENGTH_M,
    )
    answer = locate([scene])
    assert np.hypot(answer.east_km - 0.15, answer.north_km + 0.15) < 1.0
    assert answer.magnitude == pytest.approx(6.3, abs=0.25)
    assert answer.latitude is None


@pytest.fixture(scope="module")
def ridgecrest(shared_data):
    """Locations of the two tracks of Ridgecrest, where several faults broke."""
    folder = shared_data / "scenes" / "ridgecrest_2019"
    answers = []
    for name in ("t64_asc_edit.lltnde", "t71_des.lltnde"):
        scene = read_scene(folder / name, columns="lon,lat,height,e,n,u,los,weight", units="mm")
        answers.append(locate([scene]))
    return answers


def test_real_ridgecrest_tracks_confess(ridgecrest):
    assert all(any(flag.startswith("several faults") for flag in answer.flags) for answer in ridgecrest)


@pytest.mark.xfail(strict=True, reason="one rectangle puts the tracks 5 to 7 km apart: several faults broke")
def test_real_ridgecrest_tracks_agree(ridgecrest):
    first, second = ridgecrest
    _, _, metres = Geod(ellps="WGS84").inv(first.longitude, first.latitude, second.longitude, second.latitude)
    assert metres < 3000


def test_real_napa_is_a_right_lateral_strike_slip(shared_data):
    path = shared_data / "scenes" / "napa_2014" / "140807-140831_corrected.6cols"
    answer = locate([read_scene(path, columns="easting_km,northing_km,los,e,n,u", units="m", crs="EPSG:32610")])
    away = Geod(ellps="WGS84").inv(-122.3123, 38.2152, answer.longitude, answer.latitude)[2]
    assert away < 12_000  # the rupture ran some 12 km north from the epicentre
    assert answer.magnitude == pytest.approx(6.02, abs=0.35)
    assert answer.fault["dip"] > 60
    assert abs(abs(answer.fault["rake"]) - 180) < 30


def test_real_elazig_is_a_left_lateral_strike_slip(shared_data):
    path = shared_data / "scenes" / "elazig_2020" / "elazig_asc.okinv"
    answer = locate([read_scene(path, columns="easting_km,northing_km,los,e,n,u,ignore", units="m", crs="EPSG:32637")])
    away = Geod(ellps="WGS84").inv(39.0609, 38.4312, answer.longitude, answer.latitude)[2]
    assert away < 25_000  # the rupture ran some 40 km south-west from the epicentre
    assert answer.magnitude == pytest.approx(6.7, abs=0.2)
    assert abs(answer.fault["rake"]) < 45


def test_product_round_trip_gives_the_same_answer(tmp_path, found, ascending):
    path = product.save(ascending.product, tmp_path / "scene.nc")
    again = locate([product.load(path)])
    assert again.east_km == pytest.approx(found.east_km, abs=0.2)
