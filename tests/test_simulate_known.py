"""The truth of a simulated pair on a scene's own grid: motion along its look vectors, placed where it was put in."""

import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import xarray as xr
from pyproj import Geod

from epi.catalogue import find_event
from epi.errors import FileFormatError, NoGeoreference
from epi.insar import product
from epi.insar.engines.native import Choices, interferogram
from epi.insar.frame import equidistant
from epi.simulate import expected_phase, truth_of
from epi.simulate.slc.pair import PERFECT, Conditions, simulate_pair
from epi.source.okada import displacement

EVENT = find_event("20210303-thessaly")
SMALL = {"bursts": 1, "lines": 300, "samples": 600}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return simulate_pair(EVENT, tmp_path_factory.mktemp("pair"), seed=3, **SMALL)


def scene(east_km: float = 6.0, north_km: float = -3.0, *, side_km: float = 2.0, crs: object = "aeqd") -> xr.Dataset:
    """A map 2 km wide around a place near the epicentre, seen from an ascending track."""
    metres = (np.arange(21) - 10) * side_km * 50
    x, y = 1000 * east_km + metres, 1000 * north_km + metres[::-1]
    look = dict(zip(product.LOOK, product.look_vector(34.0, -12.0), strict=True))
    place = equidistant((EVENT.latitude, EVENT.longitude)) if crs == "aeqd" else crs
    return product.build({"phase": np.zeros((21, 21)), **look}, x=x, y=y, crs=place, attrs={"wavelength": 0.0555})


def test_the_truth_is_the_dislocation_along_the_scenes_look_vectors(pair):
    there = scene()
    found = truth_of(pair.truth, there)
    with xr.open_dataset(pair.truth, engine="h5netcdf") as root:
        faults = np.array(json.loads(root.attrs["faults"]))  # km about the epicentre, as the scene's x and y are
    east, north = np.meshgrid(there["x"] / 1000, there["y"] / 1000)
    moved = sum(displacement(east.ravel(), north.ravel(), part).sum(0).numpy() for part in np.array_split(faults, 12))
    expected = (moved @ np.array(product.look_vector(34.0, -12.0))).reshape(east.shape)
    assert np.abs(expected).max() > 0.02
    np.testing.assert_allclose(found["los_displacement"], expected, atol=2e-4)


def test_the_centroid_is_in_the_scenes_own_frame_and_agrees_with_its_degrees(pair):
    there = scene()
    known, frame = truth_of(pair.truth, there).attrs, product.local_frame(there)
    azimuth, _, metres = Geod(ellps="WGS84").inv(
        frame.origin[1], frame.origin[0], known["centroid_longitude"], known["centroid_latitude"]
    )
    offset = metres / 1000 * np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
    np.testing.assert_allclose([known["centroid_east_km"], known["centroid_north_km"]], offset, atol=1e-6)
    with xr.open_dataset(pair.truth, engine="h5netcdf") as root:
        assert np.hypot(*(offset - [root.attrs["centroid_east_km"] - 6, root.attrs["centroid_north_km"] + 3])) < 0.02
        assert known["magnitude"] == root.attrs["magnitude"]
        assert json.loads(known["plane"])[2:] == json.loads(root.attrs["plane"])[2:]
    faults = np.array(json.loads(known["faults"]))
    slip = np.hypot(faults[:, 7], faults[:, 8])
    np.testing.assert_allclose(slip @ faults[:, :2] / slip.sum(), offset, atol=1e-3)


def test_expected_phase_is_that_of_the_truths_own_pixels(pair):
    with xr.open_dataset(pair.truth, group="IW1", engine="h5netcdf") as ds:
        place = ds.isel(burst=0, line=20, sample=20)
        at = equidistant((float(place["latitude"]), float(place["longitude"])))
        seen = place["range_change"] - place["geometric_range_change"]
        seen = float(seen + place["delay_secondary"] - place["delay_reference"])
    there = scene(0, 0, side_km=0.2, crs=at)
    phase = expected_phase(pair.truth, there)
    assert float(phase[10, 10]) == pytest.approx(4 * np.pi / 0.05546576 * seen, abs=0.02)
    assert phase.dims == ("y", "x")
    assert np.isnan(expected_phase(pair.truth, scene(200, 0))).all()


def test_expected_phase_is_what_an_engine_finds_of_a_large_earthquake(tmp_path):
    """A metre along the flight bends every burst's phase by half a radian either way, and a step stands at the seam."""
    moved = replace(PERFECT, earthquake=True)
    large = simulate_pair(find_event("20190706-ridgecrest"), tmp_path, bursts=2, samples=600, conditions=moved)
    made = interferogram(large.reference, large.secondary, dem=large.dem, choices=Choices(unwrap=False, goldstein=0.0))
    expected = expected_phase(large.truth, made)
    left = product.wrap(made["phase"] - expected).where(made["coherence"] > 0.9)
    assert float(np.isfinite(left).sum()) > 0.8 * float(made["valid"].sum())
    assert float(np.sqrt((left**2).mean())) < 0.08
    assert float(abs(left).quantile(0.5)) < 0.03


def test_a_pair_without_an_earthquake_has_a_truth_of_zero(tmp_path):
    quiet = simulate_pair(EVENT, tmp_path, conditions=Conditions(earthquake=False), **SMALL)
    found = truth_of(quiet.truth, scene())
    assert found.attrs["earthquake"] == "none"
    assert (found["los_displacement"] == 0).all()


def test_what_is_no_truth_is_refused(pair, tmp_path):
    with pytest.raises(NoGeoreference, match="cannot be laid on it"):
        truth_of(pair.truth, scene(crs=None))
    (tmp_path / "half.nc").write_bytes(b"\x89HDF")
    with pytest.raises(FileFormatError, match="not a readable truth"):
        truth_of(tmp_path / "half.nc", scene())
    product.save(scene(), tmp_path / "scene.nc")
    with pytest.raises(FileFormatError, match="not the truth of a simulated pair"):
        expected_phase(tmp_path / "scene.nc", scene())


def test_a_truth_of_an_older_form_is_refused(pair, tmp_path):
    old = shutil.copy(pair.truth, tmp_path / "old.nc")
    with h5py.File(old, "a") as file:
        del file["IW1/squint_phase"]
        del file.attrs["plane"]
    with pytest.raises(FileFormatError, match=r"older form, without squint_phase: simulate the pair again"):
        expected_phase(old, scene())
    with pytest.raises(FileFormatError, match=r"older form, without plane: simulate"):
        truth_of(old, scene())
