"""`epi detect`: an answer for every scene and folder of patches, and one line for what it was not made for."""

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.transform import Affine

from conftest import ROOT, stopped
from epi import patches
from epi.insar import product
from epi.learn.detect import load_detector
from epi.simulate import Conditions, draw_rupture, simulate_scene

CLEAR = Conditions(atmosphere_m=0.003, coherence=0.85, no_data=0.05)


@pytest.fixture(scope="module")
def known():
    """An earthquake of magnitude 6.5, 8 km east and 5 km south of the middle of 80 km, under fair skies."""
    place = {"east_km": 8.0, "north_km": -5.0, "depth_km": 7.0, "strike": 30.0, "dip": 50.0, "rake": 90.0}
    rupture = draw_rupture(magnitude=6.5, length_km=22.0, width_km=12.0, rng=np.random.default_rng(1), **place)
    return simulate_scene(rupture, CLEAR, seed=1, spacing_m=400, size_km=80, origin=(39.5, 22.0), unwrapped=True)


@pytest.fixture(scope="module")
def strong(known) -> xr.Dataset:
    """Its interferogram."""
    return known.product


@pytest.fixture
def strong_file(strong, tmp_path):
    return product.save(strong, tmp_path / "strong.nc")


def test_a_strong_earthquake_is_found_and_marked(says, known, strong_file, tmp_path):
    moved = np.abs(known.truth["los_displacement"].to_numpy())
    place = np.meshgrid(known.truth["x"] / 1000, known.truth["y"] / 1000)
    east, north = (each[moved >= 0.1 * moved.max()].mean() for each in place)
    code, out, _ = says("detect", strong_file, "--mask", tmp_path / "mask.nc", "--json")
    (found,) = json.loads(out)["results"]
    assert code == 0
    assert found["present"] is True
    assert found["alarm"] <= found["probability"] <= 1
    assert np.hypot(found["centre"]["east_km"] - east, found["centre"]["north_km"] - north) < 5
    box = found["boxes"][0]
    assert box["west_km"] < east < box["east_km"]
    assert box["south_km"] < north < box["north_km"]
    with xr.open_dataset(tmp_path / "mask.nc", engine="h5netcdf") as mask:
        assert float(mask["moved_probability"].max()) <= 1
        assert mask.sizes["x"] == mask.sizes["y"] == 150  # 80 km of 533 m


def test_fair_skies_alone_are_no_earthquake(says, tmp_path):
    quiet = simulate_scene(None, CLEAR, seed=2, spacing_m=400, size_km=52, origin=(39.5, 22.0), unwrapped=True).product
    code, out, _ = says("detect", product.save(quiet, tmp_path / "quiet.nc"))
    assert code == 0
    assert ": no earthquake (probability" in out


def test_of_a_product_that_holds_both_phases_one_may_be_chosen(says, strong, strong_file, tmp_path):
    """What is said of the wrapped one is what is said where there is no other; SNAP's products are asked alike."""
    bare = strong.drop_vars(["unwrapped_phase", "los_displacement"])
    wrapped = product.save(bare, tmp_path / "wrapped.nc")
    unwrapped = product.save(strong.drop_vars(["i", "q", "phase"]), tmp_path / "unwrapped.nc")

    def answer(file, *words):
        code, out, _ = says("detect", file, *words, "--json")
        assert code == 0
        return json.loads(out)["results"][0]["probability"]

    chosen = {name: answer(strong_file, "--quantity", name) for name in ("wrapped", "unwrapped")}
    assert chosen["wrapped"] == answer(wrapped) == answer(wrapped, "--quantity", "wrapped")
    assert chosen["unwrapped"] == answer(strong_file) != chosen["wrapped"]
    for file, name in ((wrapped, "unwrapped"), (unwrapped, "wrapped")):
        stopped(says("detect", file, "--quantity", name), f"ParameterError: The product holds no {name} phase")
    refused = says("detect", strong_file, "--quantity", "displacement")
    stopped(refused, "ParameterError: strong.nc is a product and states its own conventions: leave out quantity")


def test_a_product_says_itself_which_motion_is_positive(says, strong, tmp_path):
    scene = strong.assign_attrs(stated_positive="toward")
    _, out, _ = says("detect", product.save(scene, tmp_path / "stated.nc"), "--json")
    assert json.loads(out)["results"][0]["flags"] == []


def test_two_scenes_are_two_answers(says, strong_file):
    code, out, _ = says("detect", strong_file, strong_file, "--json")
    first, second = json.loads(out)["results"]
    assert code == 0
    assert {key: value for key, value in first.items() if key != "seconds"} == {
        key: value for key, value in second.items() if key != "seconds"
    }


def test_a_file_that_is_refused_does_not_cost_the_others_their_answers(says, strong_file, tmp_path):
    flat = raster(tmp_path / "flat.tif", np.full((150, 150), 0.2))
    code, out, err = says("detect", flat, strong_file, "--json")
    bad, good = json.loads(out)["results"]
    assert code == 1
    assert bad["file"] == str(flat)
    assert bad["error"].startswith("MissingConvention: ")
    assert good["present"] is True
    assert err.startswith(f"{flat}: MissingConvention: ")
    code, out, err = says("detect", strong_file, flat)
    assert code == 1
    assert out.startswith(f"{strong_file}: an earthquake")
    assert len(err.splitlines()) == 1


def raster(path, values: np.ndarray):
    """Write a GeoTIFF of 400 m pixels about 22 E 39.5 N."""
    degree = 0.4 / 111.2
    transform = Affine(degree / np.cos(np.deg2rad(39.5)), 0, 22.0, 0, -degree, 39.5)
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:4326", transform=transform, **shape) as image:
        image.write(values.astype(np.float32), 1)
    return path


def test_a_raster_needs_no_sign_and_no_look(says, strong, tmp_path):
    metres = strong["los_displacement"].to_numpy()[::-1]
    file = raster(tmp_path / "strong.tif", np.nan_to_num(metres))
    for sign in (("--positive", "toward"), ("--positive", "away"), ()):
        code, out, _ = says("detect", file, "--quantity", "displacement", "--units", "m", *sign, "--json")
        assert code == 0
        assert json.loads(out)["results"][0]["present"] is True


def test_a_folder_of_patches_is_answered_patch_by_patch(says, strong, tmp_path):
    made = patches.cut(strong, size_km=51.2, pixels=128, overlap=0.5)
    patches.write(tmp_path / "store", made)
    code, out, _ = says("detect", tmp_path / "store", "--json")
    results = json.loads(out)["results"]
    assert code == 0
    assert [one["patch"] for one in results] == list(made.table["patch"])
    assert any(one["present"] for one in results)
    assert "earthquake (probability" in says("detect", tmp_path / "store")[1]
    refused = says("detect", tmp_path / "store", "--units", "mm", "--quantity", "displacement")
    says_so = f"{tmp_path / 'store'} holds patches, which say what they are: leave --quantity, --units out"
    stopped(refused, f"ParameterError: {says_so}")


def test_masks_of_patches_lie_where_the_patches_do(says, strong, tmp_path):
    made = patches.cut(strong, size_km=51.2, pixels=128, overlap=0.5)
    patches.write(tmp_path / "store", made)
    code, out, _ = says("detect", tmp_path / "store", "--mask", tmp_path / "mask.nc", "--json")
    results = json.loads(out)["results"]
    assert code == 0
    with xr.open_dataset(tmp_path / "mask.nc", engine="h5netcdf") as written:
        moved = written.load()
    assert moved["patch"].to_numpy().tolist() == [one["patch"] for one in results]
    assert np.allclose(moved["latitude"], made.table["center_lat"], equal_nan=True)
    threshold = load_detector(ROOT / "data" / "detector_unet_resnet10.safetensors").settings.threshold
    area = (moved["moved_probability"] >= threshold).sum(("row", "column")) * moved["x"].diff("column")[:, 0] ** 2 / 1e6
    assert np.allclose(area, [one["moved_km2"] for one in results])
    for one, mask in zip(results, moved["moved_probability"], strict=True):
        assert one["mask_file"] == str(tmp_path / "mask.nc")
        for box in one["boxes"]:  # the probability lies within
            high = (mask.y >= 1000 * box["south_km"]) & (mask.y <= 1000 * box["north_km"])
            wide = (mask.x >= 1000 * box["west_km"]) & (mask.x <= 1000 * box["east_km"])
            assert (mask.where(high & wide) >= threshold).any()


def test_what_it_was_not_made_for_is_refused_in_one_line(says, strong, strong_file, tmp_path):
    metres = np.nan_to_num(strong["los_displacement"].to_numpy())
    cases = {
        "EmptyScene: ": (raster(tmp_path / "empty.tif", np.zeros((150, 150))), "--units", "m"),
        "EmptyScene: The unwrapped phase is": (raster(tmp_path / "flat.tif", np.full((150, 150), 0.2)), "--units", "m"),
        "ParameterError: The displacement spans": (raster(tmp_path / "mm.tif", 80 * metres), "--units", "m"),
        "ParameterError: inf.tif holds infinite values": (
            raster(tmp_path / "inf.tif", np.where(metres == metres.max(), np.inf, metres)),
            *("--units", "m"),
        ),
        "EmptyScene: The scene holds data over": (raster(tmp_path / "tiny.tif", metres[:15, :15] + 1), "--units", "m"),
        "MissingConvention: ": (raster(tmp_path / "unit.tif", metres),),
        "ParameterError: --mask writes one file": (strong_file, strong_file, "--mask", tmp_path / "mask.nc"),
        "FileFormatError: No network": (strong_file, "--network", tmp_path / "none.safetensors"),
        "FileFormatError: ": (strong_file, "--network", ROOT / "data" / "locator.safetensors"),
    }
    for beginning, words in cases.items():
        stopped(says("detect", *words), beginning)
    assert not (tmp_path / "mask.nc").exists()


def test_a_mask_is_not_written_over_what_is_read(says, strong, strong_file, tmp_path):
    store = tmp_path / "store"
    patches.write(store, patches.cut(strong, size_km=51.2, pixels=128))
    (tmp_path / "link.nc").symlink_to(strong_file)
    before = {file: file.read_bytes() for file in (strong_file, *store.iterdir())}
    for given, mask, said in (
        (strong_file, strong_file, "would be written over what is read"),
        (strong_file, tmp_path / "link.nc", "would be written over what is read"),
        (store, store / "mask.nc", "lies in the folder that is read"),
        (store, store / "patches.csv", "give a file name that ends in .nc"),
        (strong_file, tmp_path, "give a file name that ends in .nc"),
        (strong_file, tmp_path / "nowhere" / "mask.nc", "in a folder that is there"),
    ):
        refused = says("detect", given, "--mask", mask)
        stopped(refused, f"ParameterError: --mask {mask}")
        assert said in refused[2]
    words = ("detect", raster(tmp_path / "known.tif", np.ones((150, 150))), "--units", "m", "--coherence", strong_file)
    stopped(says(*words, "--mask", strong_file), f"ParameterError: --mask {strong_file} would be written over")
    assert {file: file.read_bytes() for file in (strong_file, *store.iterdir())} == before


def test_patches_of_another_size_are_refused(says, strong, tmp_path):
    patches.write(tmp_path / "small", patches.cut(strong, size_km=20, pixels=128))
    stopped(says("detect", tmp_path / "small"), "ParameterError: Patches of 20.0 to 20.0 km were given")
    patches.write(tmp_path / "coarse", patches.cut(strong, size_km=51.2, pixels=64))
    stopped(says("detect", tmp_path / "coarse"), "ParameterError: Patches of 64 pixels were given")


def test_a_network_that_only_says_whether_has_no_mask(says, strong, strong_file, tmp_path):
    from epi.learn import detect

    network = detect.build_detector(detect.DetectSettings("convnext", pixels=32))
    detect.save_detector(network, tmp_path / "whether.safetensors")
    words = ("detect", strong_file, "--network", tmp_path / "whether.safetensors")
    code, out, _ = says(*words, "--json")
    assert code == 0
    assert json.loads(out)["results"][0]["moved_km2"] is None
    patches.write(tmp_path / "store", patches.cut(strong, size_km=51.2, pixels=128))
    for given in (strong_file, tmp_path / "store"):
        words = ("detect", given, "--network", tmp_path / "whether.safetensors", "--mask", tmp_path / "mask.nc")
        stopped(says(*words), "ParameterError: This network only says whether")
