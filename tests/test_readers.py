"""What others wrote becomes a product only with what the caller states; real scenes move the way they did."""

import warnings

import numpy as np
import pytest
import rasterio

from epi.catalogue import find_event
from epi.errors import EmptyScene, FileFormatError, MissingConvention, NoGeoreference, ParameterError
from epi.insar import product
from epi.insar.readers.files import read_scene
from epi.source.okada import displacement

LOOK = {"incidence": 39.0, "heading": -13.0}
ANYTHING = np.array([[0.01, -0.02, np.nan], [0.0, 0.04, 0.05]], dtype="<f4")


@pytest.fixture
def floats(tmp_path):
    """A 2 x 3 scene of metres, its parameters beside it."""
    path = tmp_path / "scene.unw"
    ANYTHING.tofile(path)
    path.with_suffix(".par").write_text(
        "ifg_length: 2\nifg_width: 3\ncorner_x: -100\ncorner_y: -50\nx_spacing: 100\ny_spacing: 100\n"
    )
    return path


@pytest.fixture
def tiff(tmp_path):
    """Make a GeoTIFF; keywords go to rasterio."""

    def make(values, name="scene.tif", **options):
        path = tmp_path / name
        profile = {"driver": "GTiff", "height": values.shape[-2], "width": values.shape[-1], "count": 1}
        profile |= {"dtype": "float32", "crs": "EPSG:4326", "transform": rasterio.Affine(0.01, 0, 20, 0, -0.01, 40)}
        with warnings.catch_warnings(), rasterio.open(path, "w", **(profile | options)) as image:
            image.write(values.astype("float32"), 1)
        return path

    return make


@pytest.fixture
def table(tmp_path):
    """Write a text table."""

    def make(text, name="points.txt"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


def test_floats_keep_row_zero_south_and_drop_zeros(floats):
    ds = read_scene(floats, units="m", positive="away", **LOOK)
    assert ds["x"].values.tolist() == [-100, 0, 100]
    assert ds["y"].values.tolist() == [-50, 50]
    expected = np.array([[-0.01, 0.02, np.nan], [np.nan, -0.04, -0.05]])
    np.testing.assert_allclose(ds["los_displacement"], expected, atol=1e-8)
    assert ds["valid"].values.tolist() == np.isfinite(expected).tolist()
    assert ds.attrs["origin"] == "local"
    np.testing.assert_allclose(
        product.los_displacement(ds["unwrapped_phase"], wavelength=ds.attrs["wavelength"]), expected, atol=1e-7
    )


@pytest.mark.parametrize(("units", "metres"), [("m", 1.0), ("cm", 0.01), ("mm", 0.001)])
@pytest.mark.parametrize(("positive", "sign"), [("toward", 1.0), ("away", -1.0)])
def test_stated_unit_and_sign_are_obeyed(floats, units, metres, positive, sign):
    ds = read_scene(floats, units=units, positive=positive, **LOOK)
    assert float(ds["los_displacement"][0, 0]) == pytest.approx(0.01 * metres * sign)


def test_unwrapped_radians_become_metres_by_the_wavelength(floats):
    ds = read_scene(floats, quantity="unwrapped", positive="away", wavelength=0.24, **LOOK)
    assert float(ds["los_displacement"][0, 0]) == pytest.approx(-0.01 * 0.24 / (4 * np.pi))
    with pytest.warns(UserWarning, match="no wavelength stated"):
        read_scene(floats, quantity="unwrapped", positive="away", **LOOK)


def test_wrapped_phase_follows_the_stated_sign(floats):
    for positive, sign in (("away", 1), ("toward", -1)):
        ds = read_scene(floats, quantity="wrapped", positive=positive, wavelength=0.0555, **LOOK)
        assert float(ds["phase"][0, 0]) == pytest.approx(0.01 * sign)
        assert "los_displacement" not in ds
    with pytest.warns(UserWarning, match="read as wrapped phase"):
        read_scene(floats, units="rad", positive="away", wavelength=0.0555, **LOOK)


def test_heading_and_pass_must_agree(floats):
    with pytest.raises(ParameterError, match="heading 200 degrees is not that of a pass ascending"):
        read_scene(floats, units="m", positive="away", pass_direction="ascending", heading=200)


def test_only_what_was_assumed_is_warned_about(floats):
    with pytest.warns(UserWarning, match="incidence 39 assumed"):
        ds = read_scene(floats, units="m", positive="away", pass_direction="ascending", heading=-10)
    assert ds.attrs["look_source"].startswith("incidence of the middle")


def test_middle_values_of_a_pass_are_used_with_a_warning(floats):
    with pytest.warns(UserWarning, match="incidence 39 and heading -167"):
        ds = read_scene(floats, units="m", positive="away", pass_direction="descending")
    assert float(ds["look_east"][0, 0]) == pytest.approx(0.613, abs=1e-3)
    assert float(ds["look_north"][0, 0]) == pytest.approx(-0.142, abs=1e-3)


@pytest.mark.parametrize(
    ("stated", "error", "message"),
    [
        ({}, MissingConvention, "does not say its unit.*-0.02 to 0.05"),
        ({"units": "m"}, MissingConvention, "which motion is positive"),
        ({"units": "m", "positive": "away"}, MissingConvention, "does not say its incidence and heading"),
        ({"units": "m", "positive": "away", "incidence": 39}, MissingConvention, "does not say its heading"),
        ({"units": "km"}, ParameterError, "units is 'km'.*rad, m, cm, mm"),
        ({"units": "m", "positive": "up"}, ParameterError, "positive is 'up'.*away, toward"),
        ({"units": "m", "quantity": "wrapped"}, ParameterError, "contradict"),
        ({"units": "rad", "quantity": "displacement"}, ParameterError, "contradict"),
        ({"units": "m", "positive": "away", "incidence": 95, "heading": 0}, ParameterError, "incidence is 95"),
        ({"units": "m", "positive": "away", "incidence": "39", "heading": 0}, ParameterError, "must be a number"),
        ({"units": "m", "positive": "away", "pass_direction": "descending", **LOOK}, ParameterError, "heading -13"),
        ({"columns": "lon,lat,los"}, ParameterError, "float file, for which columns"),
        ({"units": "m", "positive": "away", "crs": "EPSG:1"}, ParameterError, "Unknown crs"),
    ],
)
def test_what_is_not_stated_or_impossible_is_refused(floats, stated, error, message):
    with pytest.raises(error, match=message):
        read_scene(floats, **stated)


def test_units_that_make_hundreds_of_metres_are_refused(floats):
    (ANYTHING * 1e4).tofile(floats)
    with pytest.raises(ParameterError, match="reaches 500 m"):
        read_scene(floats, units="m", positive="away", **LOOK)
    with pytest.raises(ParameterError, match="not wrapped phase"):
        read_scene(floats, quantity="wrapped", positive="away", **LOOK)


def test_float_files_of_the_wrong_size_or_kind_are_refused(floats, tmp_path):
    state = {"units": "m", "positive": "away", **LOOK}
    with pytest.raises(FileFormatError, match="No file"):
        read_scene(tmp_path / "absent.unw", **state)
    floats.with_suffix(".par").write_text("ifg_length: 2\nifg_width: 4\n")
    with pytest.raises(FileFormatError, match=r"lacks corner_x, corner_y"):
        read_scene(floats, **state)
    floats.with_suffix(".par").write_text(
        "ifg_length: 2\nifg_width: 4\ncorner_x: 0\ncorner_y: 0\nx_spacing: 1\ny_spacing: 1\n"
    )
    with pytest.raises(FileFormatError, match=r"24 bytes, 2 x 4 float32 pixels make 32"):
        read_scene(floats, **state)
    with pytest.raises(FileFormatError, match="No parameter file"):
        read_scene(floats, par=tmp_path / "absent.par", **state)
    floats.write_bytes(b"")
    with pytest.raises(FileFormatError, match="empty"):
        read_scene(floats, **state)
    other = tmp_path / "photo.jpg"
    other.write_bytes(bytes(range(256)))
    with pytest.raises(FileFormatError, match=r"photo\.jpg is no interferogram"):
        read_scene(other)


def test_big_endian_floats_are_refused(floats):
    ANYTHING.astype(">f4").tofile(floats)
    with pytest.raises(FileFormatError, match="no sensible numbers"):
        read_scene(floats, units="m", positive="away", **LOOK)


def test_empty_scenes_are_named(floats, tiff, table):
    np.full((2, 3), np.nan, dtype="<f4").tofile(floats)
    for path, options in (
        (floats, {}),
        (tiff(np.zeros((3, 4))), {}),
        (table("lon lat los\n1 2 nan\n"), {}),
    ):
        with pytest.raises(EmptyScene):
            read_scene(path, units="m", positive="away", **LOOK, **options)


def test_geotiffs_keep_pixel_centres_and_their_nodata(tiff):
    values = np.array([[1.0, -2.0, 3.0], [-9999.0, 0.0, 6.0]])
    ds = read_scene(tiff(values, nodata=-9999.0), units="cm", positive="toward", **LOOK)
    assert ds["x"].values == pytest.approx([20.005, 20.015, 20.025])
    assert ds["y"].values == pytest.approx([39.995, 39.985])
    np.testing.assert_allclose(ds["los_displacement"], [[0.01, -0.02, 0.03], [np.nan, 0.0, 0.06]], atol=1e-8)
    frame = product.local_frame(ds)
    assert frame.origin == pytest.approx((39.99, 20.015))
    assert frame.east_km[0, 2] - frame.east_km[0, 0] == pytest.approx(1.708, abs=0.002)


def test_geotiff_coherence_comes_along_on_the_same_grid(tiff):
    phase, coherence = np.full((3, 4), 0.5), np.full((3, 4), 0.8)
    state = {"quantity": "wrapped", "positive": "away", "wavelength": 0.0555, **LOOK}
    ds = read_scene(tiff(phase), coherence=tiff(coherence, "coherence.tif"), **state)
    assert float(ds["coherence"].min()) == pytest.approx(0.8)
    with pytest.raises(FileFormatError, match="differ in size"):
        read_scene(tiff(phase), coherence=tiff(coherence[:2], "small.tif"), **state)


def test_geotiffs_that_say_too_little_are_refused(tiff, tmp_path):
    state = {"units": "m", "positive": "away", **LOOK}
    bare = tiff(np.ones((3, 4)), "bare.tif", crs=None)
    with pytest.raises(NoGeoreference, match="state crs"):
        read_scene(bare, **state)
    assert read_scene(bare, crs="EPSG:4326", **state).sizes["x"] == 4
    with pytest.raises(FileFormatError, match=r"2 band\(s\)"):
        read_scene(tiff(np.ones((3, 4)), "two.tif", count=2), **state)
    with pytest.raises(FileFormatError, match="rotated"):
        read_scene(tiff(np.ones((3, 4)), "turned.tif", transform=rasterio.Affine(1, 1, 0, 1, -1, 0)), **state)
    cut = tmp_path / "cut.tif"
    cut.write_bytes(bare.read_bytes()[:50])
    with pytest.raises(FileFormatError, match=r"cut\.tif"):
        read_scene(cut, crs="EPSG:4326", **state)


UP = "0.6 0.0 0.8"
DOWN = "-0.6 0.0 -0.8"


def test_a_vector_that_points_down_is_flipped_with_its_displacement(table):
    ds = read_scene(table(f"# lon lat los e n u\n20 40 5 {UP}\n20.1 40 -5 {DOWN}\n"), units="mm")
    assert ds["los_displacement"].values == pytest.approx([0.005, 0.005])
    assert ds["look_up"].values == pytest.approx([0.8, 0.8])
    assert ds["look_east"].values == pytest.approx([0.6, 0.6])
    assert ds.attrs["vectors_flipped"] == 1


def test_names_come_from_the_caller_before_the_header(table):
    path = table(f"a,b,c,d,e,f,g\n20,40,5,{UP.replace(' ', ',')},9\n20.1,40,6,{UP.replace(' ', ',')},9\n")
    ds = read_scene(path, units="cm", columns="lon,lat,los,e,n,u,ignore")
    assert ds["los_displacement"].values == pytest.approx([0.05, 0.06])
    with pytest.raises(MissingConvention, match="no column 'los'"):
        read_scene(path, units="cm")


def test_points_without_vectors_need_sign_and_look(table):
    path = table("x_km y_km los\n0 0 1\n5 5 2\n")
    with pytest.raises(MissingConvention, match="look vectors"):
        read_scene(path, units="cm")
    with pytest.raises(MissingConvention, match="which motion is positive"):
        read_scene(path, units="cm", **LOOK)
    ds = read_scene(path, units="cm", positive="away", **LOOK)
    assert ds["los_displacement"].values == pytest.approx([-0.01, -0.02])
    assert product.local_frame(ds).origin is None
    assert product.local_frame(ds).north_km.tolist() == [0, 5]


@pytest.mark.parametrize(
    ("text", "stated", "error", "message"),
    [
        (f"20 40 5 {UP}\n", {}, MissingConvention, "6 columns and no header"),
        (f"lon lat los e n u\n20 40 5 {UP}\n", {}, MissingConvention, "unit of los"),
        (f"lon lat los e n u\n20 40 5 {UP}\n", {"positive": "away"}, ParameterError, "leave out positive"),
        (f"lon lat los e n u\n20 40 5 {UP}\n", {**LOOK}, ParameterError, "leave out incidence, heading"),
        (f"lon lat los e n u\n20 40 5 {UP}\n", {"units": "rad"}, ParameterError, "cannot be in rad"),
        ("lon lat los e n u\n20 40 5 1 1 1\n", {"units": "m"}, FileFormatError, "differs from 1"),
        ("lon lat los e n\n20 40 5 1 1\n", {"units": "m"}, FileFormatError, "only part of a look vector"),
        (f"lat lon los e n u\n20 140 5 {UP}\n", {"units": "m", "columns": "lon,lat,los,e,n,u"}, FileFormatError, "140"),
        (f"20 40 5 {UP}\n", {"columns": "lon,lat,los"}, FileFormatError, "6 columns, 3 are named"),
        (f"20 40 5 {UP}\n", {"columns": "lon,lat,los,e,n,w"}, ParameterError, "Unknown column w"),
        (f"los e n u x y\n5 {UP} 1 2\n", {"units": "m", "columns": "los,e,n,u,lon,y"}, MissingConvention, "names 0"),
        (f"easting northing los e n u\n5e5 4e6 5 {UP}\n", {"units": "m"}, MissingConvention, "state crs"),
        ("1 2 3\n1 2\n", {"columns": "x,y,los", "units": "m"}, FileFormatError, "line 2: 2 columns, 3 in the first"),
        ("1 2 3\n1 two 3\n", {"columns": "x,y,los", "units": "m"}, FileFormatError, "line 2: '1 two 3'"),
    ],
)
def test_tables_that_say_too_little_or_the_wrong_thing_are_refused(table, text, stated, error, message):
    with pytest.raises(error, match=message):
        read_scene(table(text), **stated)


def test_kilometres_in_columns_of_metres_are_noticed(table):
    path = table(f"easting northing los e n u\n500 4240 1 {UP}\n540 4200 1 {UP}\n")
    with pytest.raises(FileFormatError, match="easting_km"):
        read_scene(path, units="cm", crs="EPSG:32610")


def test_a_product_states_its_own_conventions(floats, tmp_path):
    ds = read_scene(floats, units="m", positive="away", event=find_event("20210303-thessaly"), **LOOK)
    path = product.save(ds, tmp_path / "scene.nc")
    assert read_scene(path).attrs["event_id"] == "20210303-thessaly"
    with pytest.raises(ParameterError, match="leave out units"):
        read_scene(path, units="m")


def project(ds, faults, origin=None):
    """Line-of-sight displacement of a fault at a scene's points."""
    frame = product.local_frame(ds, origin)
    moved = displacement(frame.east_km.ravel(), frame.north_km.ravel(), np.asarray([faults])).sum(0).numpy()
    look = np.stack([ds[name].to_numpy().ravel() for name in product.LOOK], axis=1)
    return (moved * look).sum(axis=1).reshape(frame.east_km.shape)


def likeness(ds, model):
    """Correlation of a scene with a model."""
    los = ds["los_displacement"].to_numpy()
    known = np.isfinite(los)
    return np.corrcoef(los[known], model[known])[0, 1]


@pytest.fixture(scope="module")
def thessaly(shared_data):
    """The unwrapped and the wrapped file of the same interferogram."""
    folder = shared_data / "scenes" / "thessaly_2021"
    unwrapped = read_scene(folder / "greece.unw", units="m", positive="away", **LOOK)
    wrapped = read_scene(folder / "greece.diff", quantity="wrapped", positive="away", wavelength=0.05546576, **LOOK)
    return unwrapped, wrapped


def test_thessaly_sank_north_east_of_a_normal_fault(thessaly):
    unwrapped, _ = thessaly
    assert unwrapped.sizes == {"y": 801, "x": 801}
    assert float(unwrapped["los_displacement"].min()) == pytest.approx(-0.476, abs=0.001)
    slip = 1.15 * np.array([np.cos(np.deg2rad(-100)), np.sin(np.deg2rad(-100)), 0])
    published = (0.15, -0.15, 4.5, 315, 36, 9.9, 9.4, *slip)
    assert likeness(unwrapped, project(unwrapped, published)) > 0.85


def test_thessaly_files_agree_in_sign_but_not_in_scale(thessaly):
    """A tenth of a wavelength a radian was used for the metres, where a wavelength over 4π is due."""
    unwrapped, wrapped = thessaly
    both = (wrapped["valid"] & unwrapped["valid"]).to_numpy()
    phase, metres = wrapped["phase"].to_numpy()[both], unwrapped["los_displacement"].to_numpy()[both]

    def match(radians_per_metre):
        return abs(np.exp(1j * (phase + radians_per_metre * metres)).mean())

    due = 4 * np.pi / 0.05546576
    assert match(10 / 0.05546576) > 0.985
    assert match(due) < 0.75
    assert match(-10 / 0.05546576) < 0.5


def test_napa_is_positive_toward_the_satellite(shared_data):
    """Right-lateral slip on a fault that strikes north-north-west moves the west side north, the east side south."""
    path = shared_data / "scenes" / "napa_2014" / "140807-140831_corrected.6cols"
    ds = read_scene(path, columns="easting_km,northing_km,los,e,n,u", units="m", crs="EPSG:32610")
    assert ds.sizes["point"] == 1638
    assert ds.attrs["vectors_flipped"] == 0
    assert np.degrees(np.arccos(float(ds["look_up"].median()))) == pytest.approx(22.6, abs=1.0)
    fault = (0.0, 0.0, 5.0, 341.0, 90.0, 12.0, 9.0, -0.7, 0.0, 0.0)
    model = project(ds, fault, origin=(38.27, -122.32))
    assert likeness(ds, model) > 0.6


def test_ridgecrest_is_in_millimetres_and_right_lateral_in_both_passes(shared_data):
    fault = (0.0, 0.0, 6.0, 322.0, 81.0, 45.0, 12.0, -3.0, 0.0, 0.0)
    for name in ("t64_asc_edit.lltnde", "t71_des.lltnde"):
        path = shared_data / "scenes" / "ridgecrest_2019" / name
        ds = read_scene(path, columns="lon,lat,height,e,n,u,los,weight", units="mm")
        assert 0.5 < float(np.abs(ds["los_displacement"]).max()) < 1.5
        assert likeness(ds, project(ds, fault, origin=(35.77, -117.6))) > 0.6


def test_elazig_vectors_point_down_and_are_turned(shared_data):
    path = shared_data / "scenes" / "elazig_2020" / "elazig_asc.okinv"
    ds = read_scene(path, columns="easting_km,northing_km,los,e,n,u,ignore", units="m", crs="EPSG:32637")
    assert ds.attrs["vectors_flipped"] == ds.sizes["point"] == 194
    assert float(ds["los_displacement"][0]) == pytest.approx(-0.022181)
    assert float(ds["look_up"].min()) > 0.69
    fault = (0.0, 0.0, 6.0, 243.0, 78.0, 40.0, 12.0, 1.5, 0.0, 0.0)
    assert likeness(ds, project(ds, fault, origin=(38.36, 39.1))) > 0.6


def test_a_real_geotiff_with_its_coherence(shared_data):
    folder = shared_data / "scenes" / "morocco_quiet_crop"
    ds = read_scene(
        folder / "phi_vv.tif",
        quantity="wrapped",
        positive="away",
        wavelength=0.05546576,
        coherence=folder / "coh_vv.tif",
        **LOOK,
    )
    assert ds.sizes == {"y": 552, "x": 673}
    assert np.ptp(product.local_frame(ds).east_km) == pytest.approx(9.8, abs=0.1)
    assert 0.5 < float(ds["coherence"].median()) < 1
