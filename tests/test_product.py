"""The product keeps its contract: units, signs, places, and a file that gives back what was put in."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from epi.errors import FileFormatError, NoGeoreference, ProductError, StorageError
from epi.insar import product
from epi.insar.contract import VARIABLES
from epi.settings import PROJECT_ROOT

WAVELENGTH = product.SENTINEL1_WAVELENGTH_M


def make(crs="EPSG:32634", **changes):
    rng = np.random.default_rng(1)
    phase = rng.uniform(-20, 20, (6, 5))
    east, north, up = product.look_vector(39.0, -13.0)
    variables = {
        "phase": product.wrap(phase),
        "unwrapped_phase": phase,
        "los_displacement": product.los_displacement(phase, wavelength=WAVELENGTH),
        "coherence": rng.uniform(0, 1, (6, 5)),
        "look_east": east,
        "look_north": north,
        "look_up": up,
        "valid": True,
    }
    x, y = (21.0 + 0.01 * np.arange(5), 40.0 - 0.01 * np.arange(6))
    if crs != "EPSG:4326":
        x, y = 5e5 + 100.0 * np.arange(5), 4.4e6 - 100.0 * np.arange(6)
    attrs = {"wavelength": WAVELENGTH, "event": {"event_id": "test"}, "nothing": None}
    return product.build({**variables, **changes}, x=x, y=y, crs=crs, attrs=attrs)


def test_arrays_are_copied_unless_they_may_be_taken_over():
    given = np.full((6, 5), 0.5, np.float32)
    place = {"x": 100.0 * np.arange(5), "y": 100.0 * np.arange(6)[::-1]}
    for copy in (True, False):
        ds = product.build({"coherence": given, "valid": True}, **place, copy=copy)
        assert np.shares_memory(ds["coherence"].to_numpy(), given) != copy
        ds["valid"][0, 0] = False  # what was one number is a whole array of the product's own
        assert ds["valid"].to_numpy().sum() == 29


def test_one_fringe_is_half_a_wavelength_away():
    away = product.los_displacement(np.array([2 * np.pi]), wavelength=WAVELENGTH)
    assert away == pytest.approx(-WAVELENGTH / 2)
    assert product.unwrapped_phase(away, wavelength=WAVELENGTH) == pytest.approx(2 * np.pi)


@given(st.floats(-1e4, 1e4))
def test_wrapping_keeps_the_angle_and_stays_within_half_a_turn(phase):
    wrapped = product.wrap(np.array([phase]))[0]
    assert abs(wrapped) <= np.pi + 1e-9
    assert np.exp(1j * wrapped) == pytest.approx(np.exp(1j * phase), abs=1e-9)


def test_nan_stays_nan():
    assert np.isnan(product.wrap(np.array([np.nan]))).all()
    assert np.isnan(product.los_displacement(np.array([np.nan]), wavelength=WAVELENGTH)).all()


def test_dataarrays_get_the_unit_of_the_result():
    ds = make()
    metres = product.los_displacement(ds["unwrapped_phase"], wavelength=WAVELENGTH)
    assert metres.attrs["units"] == "m"
    assert product.wrap(ds["unwrapped_phase"]).attrs["units"] == "rad"
    assert ds["unwrapped_phase"].attrs["units"] == "rad"


def test_look_vector_of_the_middle_ascending_pass_points_west_a_little_south_and_up():
    assert np.array(product.look_vector(39.0, -13.0)) == pytest.approx([-0.6132, -0.1416, 0.7771], abs=1e-4)


@settings(max_examples=30)
@given(st.floats(1, 89), st.floats(-180, 180))
def test_look_vector_is_a_unit_vector_left_of_the_flight_direction(incidence, heading):
    east, north, up = product.look_vector(incidence, heading)
    assert east**2 + north**2 + up**2 == pytest.approx(1)
    along = np.sin(np.deg2rad(heading)), np.cos(np.deg2rad(heading))
    assert east * along[0] + north * along[1] == pytest.approx(0, abs=1e-12)
    assert along[0] * north - along[1] * east > 0  # left of the flight: the radar looks right, the vector points back


@pytest.mark.parametrize("crs", ["EPSG:32634", "EPSG:4326", None])
def test_saved_and_loaded_products_are_identical(tmp_path, crs):
    ds = make(crs)
    loaded = product.load(product.save(ds, tmp_path / "scene.nc"))
    xr.testing.assert_identical(loaded, ds)
    assert loaded["valid"].dtype == bool
    assert product.crs_of(loaded) == product.crs_of(ds)


def test_plain_hdf5_reads_the_file(tmp_path):
    ds = make()
    with h5py.File(product.save(ds, tmp_path / "scene.nc")) as stream:
        assert np.array_equal(stream["phase"][...], ds["phase"])
        assert stream["los_displacement"].attrs["units"] == "m"
        assert stream["phase"].attrs["grid_mapping"] == "spatial_ref"


def test_points_and_radar_geometry_survive_the_file(tmp_path):
    points = product.build(
        {"los_displacement": [0.1, -0.2]}, x=[1.0, 2.0], y=[40.0, 41.0], crs="EPSG:4326", geometry="points"
    )
    grid = np.arange(6.0).reshape(2, 3)
    radar = product.build(
        {"phase": grid / 10, "latitude": 40 + grid, "longitude": 20 + grid},
        geometry="radar",
        attrs={"wavelength": WAVELENGTH},
    )
    for ds, geometry in ((points, "points"), (radar, "radar")):
        loaded = product.load(product.save(ds, tmp_path / f"{geometry}.nc"))
        xr.testing.assert_identical(loaded, ds)
        assert product.geometry_of(loaded) == geometry
        assert product.local_frame(loaded).east_km.shape == next(iter(loaded.data_vars.values())).shape


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda ds: ds["phase"].attrs.update(units="degree"), "'degree'.*'rad'"),
        (lambda ds: ds.attrs.pop("wavelength"), "no wavelength"),
        (lambda ds: ds["look_up"].__imul__(-1), "look_up spans"),
        (lambda ds: ds["look_east"].__imul__(0.5), "unit length"),
        (lambda ds: ds["phase"].__iadd__(4), "phase spans"),
        (lambda ds: ds["coherence"].__iadd__(1), "coherence spans"),
        (lambda ds: ds.__delitem__("look_north"), "look_east, look_up only"),
        (lambda ds: ds.update({"valid": ds["valid"].astype("float32").assign_attrs(units="1")}), "valid is of type"),
        (lambda ds: ds.update({"coherence": ds["coherence"].T}), "transpose"),
        (lambda ds: ds.update({"extra": ds["phase"].drop_attrs()}), "extra has no unit"),
        (lambda ds: ds.__delitem__("spatial_ref"), "neither a grid mapping"),
    ],
)
def test_a_broken_contract_is_named(break_it, message):
    ds = make().copy(deep=True)
    break_it(ds)
    with pytest.raises(ProductError, match=message):
        product.validate(ds)


def test_uneven_grids_wrong_shapes_and_unknown_names_are_refused():
    with pytest.raises(ProductError, match="not evenly spaced"):
        product.build({"coherence": np.zeros((2, 3))}, x=[0, 1, 5], y=[0, 1])
    with pytest.raises(ProductError, match=r"shape \(3, 2\), the product \(2, 3\)"):
        product.build({"coherence": np.zeros((3, 2))}, x=[0, 1, 2], y=[0, 1])
    with pytest.raises(ProductError, match="Unknown variable colour"):
        product.build({"colour": np.zeros((2, 3))}, x=[0, 1, 2], y=[0, 1])


def test_local_frame_is_geodesic_about_its_origin():
    ds = make("EPSG:32634")
    frame = product.local_frame(ds)
    latitude, longitude = frame.to_geographic(frame.east_km, frame.north_km)
    distance = Geod(ellps="WGS84").inv(
        np.full(latitude.shape, frame.origin[1]), np.full(latitude.shape, frame.origin[0]), longitude, latitude
    )[2]
    assert np.hypot(frame.east_km, frame.north_km) == pytest.approx(distance / 1000, abs=1e-6)
    east, north = frame.from_geographic(latitude, longitude)
    assert east == pytest.approx(frame.east_km, abs=1e-6)
    assert north == pytest.approx(frame.north_km, abs=1e-6)
    assert frame.north_km[0, 0] > frame.north_km[-1, 0]  # the rows run from north to south


def test_two_scenes_share_an_origin():
    first = product.local_frame(make("EPSG:32634"))
    again = product.local_frame(make("EPSG:32634"), origin=first.origin)
    assert np.array_equal(first.east_km, again.east_km)
    moved = product.local_frame(make("EPSG:32634"), origin=(first.origin[0] + 0.09, first.origin[1]))
    assert (moved.north_km - first.north_km).mean() == pytest.approx(-10.0, abs=0.02)


def test_a_local_scene_has_kilometres_but_no_latitude():
    frame = product.local_frame(make(None))
    assert frame.origin is None
    assert np.ptp(frame.east_km) == pytest.approx(0.4)
    with pytest.raises(NoGeoreference):
        frame.to_geographic(0.0, 0.0)
    with pytest.raises(NoGeoreference, match="latitude 40"):
        product.local_frame(make(None), origin=(40.0, 21.0))


def test_missing_foreign_and_truncated_files_are_named(tmp_path):
    with pytest.raises(FileFormatError, match="No file"):
        product.load(tmp_path / "absent.nc")
    text = tmp_path / "text.nc"
    text.write_text("not a product")
    with pytest.raises(FileFormatError, match=r"text\.nc is not a readable NetCDF-4"):
        product.load(text)
    cut = product.save(make(), tmp_path / "cut.nc")
    cut.write_bytes(cut.read_bytes()[:3000])
    with pytest.raises(FileFormatError, match=r"cut\.nc is not a readable"):
        product.load(cut)
    other = tmp_path / "other.nc"
    xr.Dataset({"a": ("t", [1.0, 2.0])}).to_netcdf(other, engine="h5netcdf")
    with pytest.raises(ProductError, match="Not a product"):
        product.load(other)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    kept = product.save(make(), tmp_path / "scene.nc")
    before = kept.read_bytes()

    def full(_, data):
        with open("/dev/full", "wb", buffering=0) as stream:
            stream.write(data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="No space left"):
        product.save(make(), kept)
    assert kept.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["scene.nc"]


def test_every_variable_is_on_the_page_of_conventions():
    page = (PROJECT_ROOT / "book" / "conventions.md").read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in page] == []
