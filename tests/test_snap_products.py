"""What SNAP writes, in each of its four layouts, becomes one and the same product; a real pair keeps its coherence."""

from datetime import datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from epi.errors import (
    EmptyScene,
    FileFormatError,
    MissingConvention,
    NoGeoreference,
    ParameterError,
)
from epi.insar import product
from epi.insar.engines.snap_files import metadata as meta
from epi.insar.engines.snap_products import layout_of, open_snap, read_snap
from epi.insar.readers.files import read_scene
from snap_writers import WGS84, WRITERS, Made, Raw, write_dimap, write_hdf5, write_netcdf, write_znap, zipped

SHAPE = (6, 8)
FREQUENCY = 5405.000454334349  # MHz, as Sentinel-1's products state it
WAVELENGTH = 299792458 / 5405.000454334349e6
DATES = "11Jan2018_23Jan2018"
RNG = np.random.default_rng(7)
REAL, IMAGINARY = (RNG.normal(size=SHAPE).astype("f4") for _ in range(2))
COHERENCE = RNG.uniform(0.1, 0.9, SHAPE).astype("f4")
HEIGHT = RNG.uniform(0, 500, SHAPE).astype("f4")
LINES, SAMPLES = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
MAP = (0.001, 0.0, 0.0, -0.001, 45.0, 34.0)  # upper left corner 45 E 34 N


def grid(at, *, offset=(-3.0, -2.0), step=(7.0, 5.0)):
    """Tie points (3 x 3) of a function of line and sample, with offset and step in x and y."""
    y, x = offset[1] + step[1] * np.arange(3.0)[:, None], offset[0] + step[0] * np.arange(3.0)[None, :]
    return (at(y, x) + 0 * (x + y), *offset, *step)


def latitude(y, x):
    return 34 - 1e-3 * y - 2e-4 * x


def longitude(y, x):
    return 45 - 2e-4 * y + 1e-3 * x


def incidence(y, x):
    return 33 + 0.5 * x


def grids():
    return {"latitude": grid(latitude), "longitude": grid(longitude), "incident_angle": grid(incidence)}


def metadata(**changes):
    """SNAP's tree for a pair whose first date is its reference; a change of None takes an entry away."""
    baseline = {"Perp Baseline": 33.5, "Temp Baseline": 12.0}
    stack = {"Ref_11Jan2018": {"Secondary_11Jan2018": {"Perp Baseline": 0.0}, "Secondary_23Jan2018": baseline}}
    vector = {"time": datetime(2018, 1, 11, 3, 0, 1, 500000), "x_pos": 1.0, "y_pos": 2.0, "z_pos": 3.0}
    vector |= {"x_vel": 4.0, "y_vel": 5.0, "z_vel": 6.0}
    earlier = vector | {"time": datetime(2018, 1, 11, 2, 59, 51, 500000), "x_pos": -1.0}
    facts = {
        "PRODUCT": "S1A_A",
        "MISSION": "SENTINEL-1A",
        "PASS": "DESCENDING",
        "SWATH": "IW1",
        "first_line_time": datetime(2018, 1, 11, 3, 0, 5, 812250),
        "radar_frequency": FREQUENCY,
        "REL_ORBIT": 6,
        "range_looks": 1.0,
        "azimuth_looks": 1.0,
        "centre_heading": 190.0,
        "slant_range_to_first_pixel": 850000.0,
        "orbit_state_vector_file": "Sentinel Precise  S1A_OPER_AUX_POEORB_OPOD_x.EOF",
        "Orbit_State_Vectors": {"orbit_vector1": vector, "orbit_vector2": earlier},
        "Baselines": stack,
    } | changes
    facts = {name: value for name, value in facts.items() if value is not None}
    second = {"PRODUCT": "S1A_B", "first_line_time": datetime(2018, 1, 23, 3, 0, 4)}
    graph = {"operator": "Interferogram", "moduleVersion": "12.0.0", "parameters": {"cohWinRg": "10"}}
    read = {"operator": "Read", "moduleVersion": "12.0.0", "parameters": {"file": "somewhere.zip"}}
    return {
        "Abstracted_Metadata": facts,
        "Slave_Metadata": {"S1A_B_Orb": second},
        "Processing_Graph": {"node.0": read, "node.1": graph},
    }


def bands(dates=DATES, *, swath="IW1_VV"):
    found = {
        f"i_ifg_{swath}_{dates}": Raw(REAL),
        f"q_ifg_{swath}_{dates}": Raw(IMAGINARY),
        f"coh_{swath}_{dates}": Raw(COHERENCE),
    }
    return found | {"elevation": Raw(HEIGHT)}


def radar(**changes):
    facts = {"bands": bands(), "virtual": (f"Phase_ifg_IW1_VV_{DATES}",), "grids": grids(), "metadata": metadata()}
    return Made(**(facts | changes))


def on_map(name="displacement_VV", raw=None, **changes):
    facts = {"bands": {name: raw or Raw(0.01 * REAL)}, "wkt": WGS84, "transform": MAP}
    return Made(**(facts | {"metadata": metadata(is_terrain_corrected=True)} | changes))


@pytest.fixture(params=WRITERS)
def write(request, tmp_path):
    """Write a product in one layout after the other."""

    def writer(made, name="target"):
        return WRITERS[request.param](tmp_path / name, made)

    writer.layout = request.param
    return writer


def test_every_layout_gives_the_same_product(write, tmp_path):
    path = write(radar())
    assert layout_of(path) == write.layout
    ds = read_snap(path)
    assert ds["i"].dims == ("azimuth", "range")
    for name, expected in {"i": REAL, "q": IMAGINARY, "coherence": COHERENCE, "elevation": HEIGHT}.items():
        np.testing.assert_array_equal(ds[name], expected)
    np.testing.assert_allclose(ds["phase"], np.arctan2(IMAGINARY, REAL), atol=1e-6)
    for name, at in {"latitude": latitude, "longitude": longitude, "incidence_angle": incidence}.items():
        np.testing.assert_allclose(ds[name], at(LINES, SAMPLES), atol=5e-6)
    assert ds["valid"].all()
    heading = np.rad2deg(np.arctan2(-2e-4 * np.cos(np.deg2rad(34)), -1e-3))
    assert ds.attrs["heading"] == pytest.approx(heading, abs=0.1)
    np.testing.assert_allclose(ds["look_up"], np.cos(np.deg2rad(incidence(LINES, SAMPLES))), atol=1e-6)
    assert (ds["look_east"] > 0).all()  # a satellite that flies south and looks right is in the east
    again = product.load(product.save(ds, tmp_path / "again.nc"))
    assert again.identical(ds)


def test_every_layout_tells_the_same_facts(write):
    ds = read_snap(write(radar()))
    expected = {
        "engine": "snap",
        "engine_version": "12.0.0",
        "layout": write.layout,
        "subswath": "IW1",
        "polarisation": "VV",
        "platform": "S1A",
        "direction": "descending",
        "track": 6,
        "reference": "S1A_A",
        "secondary": "S1A_B",
        "reference_time": "2018-01-11T03:00:05.812250000",
        "secondary_time": "2018-01-23T03:00:04.000000000",
        "orbits": "POEORB S1A_OPER_AUX_POEORB_OPOD_x.EOF; annotation",
        "reversed_by_reader": 0,
    }
    assert {name: ds.attrs[name] for name in expected} == expected
    assert ds.attrs["perpendicular_baseline_m"] == pytest.approx(33.5)
    assert ds.attrs["temporal_baseline_days"] == pytest.approx(12 - 1.81225 / 86400, abs=1e-9)
    assert ds.attrs["wavelength"] == pytest.approx(WAVELENGTH, rel=1e-12)
    assert '"cohWinRg": "10"' in ds.attrs["processing"]
    assert "somewhere" not in ds.attrs["processing"]


def test_every_layout_gives_the_state_vectors_in_order_of_time(write):
    first = meta.products(open_snap(write(radar())).metadata)[0]
    orbit = meta.orbit(first)
    assert orbit.kind == "POEORB"
    assert orbit.time.tolist() == np.array(["2018-01-11T02:59:51.5", "2018-01-11T03:00:01.5"], "M8[ns]").tolist()
    assert orbit.position.tolist() == [[-1, 2, 3], [1, 2, 3]]
    assert orbit.velocity.tolist() == [[4, 5, 6], [4, 5, 6]]


def test_every_layout_scales_and_leaves_out_what_is_no_data(write):
    counts = np.arange(48, dtype="i2").reshape(SHAPE)
    made = radar(bands={f"Unw_Phase_ifg_{DATES}": Raw(counts, 0.5, -3.0, no_data=7.0)})
    ds = read_snap(write(made))
    expected = counts * 0.5 - 3.0
    expected[expected == 0] = np.nan  # zero is no data of what was measured
    if write.layout != "HDF5":  # which does not say what is no data
        expected[counts == 7] = np.nan
    np.testing.assert_allclose(ds["unwrapped_phase"], expected)
    np.testing.assert_array_equal(ds["valid"], np.isfinite(expected))


@pytest.mark.parametrize(("first", "sign"), [("11Jan2018_23Jan2018", 1), ("23Jan2018_11Jan2018", -1)])
def test_the_sign_is_that_of_the_earlier_date_as_reference(write, first, sign):
    made = bands(first) | {f"Unw_Phase_ifg_{first}": Raw(5 * REAL), "displacement": Raw(0.01 * REAL)}
    ds = read_snap(write(radar(bands=made)))
    np.testing.assert_array_equal(ds["i"], REAL)
    np.testing.assert_array_equal(ds["q"], sign * IMAGINARY)
    np.testing.assert_allclose(ds["phase"], sign * np.arctan2(IMAGINARY, REAL), atol=1e-6)
    np.testing.assert_allclose(ds["unwrapped_phase"], sign * 5 * REAL)
    np.testing.assert_allclose(ds["los_displacement"], sign * 0.01 * REAL)
    assert ds.attrs["reversed_by_reader"] == (sign < 0)
    assert (ds.attrs["reference"], ds.attrs["perpendicular_baseline_m"]) == ("S1A_A", 33.5)


def test_intensities_belong_to_their_dates(write):
    """A stack whose reference is the later date names it ref; the virtual intensity of the interferogram is neither."""
    later_first = "23Jan2018_11Jan2018"
    added = {"Intensity_IW1_VV_ref_23Jan2018": Raw(HEIGHT + 2), "Intensity_IW1_VV_sec1_11Jan2018": Raw(HEIGHT + 1)}
    added |= {f"Intensity_ifg_IW1_VV_{later_first}": Raw(HEIGHT + 3)}
    ds = read_snap(write(radar(bands=bands(later_first) | added)))
    np.testing.assert_array_equal(ds["intensity_reference"], HEIGHT + 1)
    np.testing.assert_array_equal(ds["intensity_secondary"], HEIGHT + 2)


def test_an_unnamed_displacement_takes_its_dates_from_the_stack(tmp_path):
    made = radar(bands={"displacement": Raw(0.01 * REAL)})
    assert read_snap(write_dimap(tmp_path / "a", made)).attrs["reversed_by_reader"] == 0
    tree = metadata(first_line_time=datetime(2018, 2, 4, 3, 0, 5))  # SNAP's reference is now the later date
    ds = read_snap(write_dimap(tmp_path / "b", radar(bands=made.bands, metadata=tree)))
    np.testing.assert_allclose(ds["los_displacement"], -0.01 * REAL)
    del tree["Slave_Metadata"]
    with pytest.raises(MissingConvention, match="which of its dates is SNAP's reference"):
        read_snap(write_dimap(tmp_path / "c", radar(bands=made.bands, metadata=tree)))


def test_displacement_and_unwrapped_phase_follow_from_each_other(tmp_path):
    turns = read_snap(write_hdf5(tmp_path / "a", radar(bands={f"Unw_Phase_ifg_{DATES}": Raw(9 * REAL)})))
    np.testing.assert_allclose(turns["los_displacement"], -WAVELENGTH / (4 * np.pi) * 9 * REAL, rtol=1e-6)
    metres = read_snap(write_hdf5(tmp_path / "b", radar(bands={"displacement": Raw(turns["los_displacement"].values)})))
    np.testing.assert_allclose(metres["unwrapped_phase"], 9 * REAL, rtol=1e-5)
    np.testing.assert_allclose(np.exp(1j * metres["phase"]), np.exp(9j * REAL), atol=1e-4)


def test_zeros_of_the_interferogram_are_no_data(tmp_path):
    made = bands()
    for name in list(made)[:2]:
        made[name] = Raw(np.where(SAMPLES < 2, 0, made[name].values).astype("f4"))
    ds = read_snap(write_znap(tmp_path / "a", radar(bands=made)))
    for name in ("i", "q", "phase", "coherence"):
        np.testing.assert_array_equal(np.isnan(ds[name]), SAMPLES < 2)
    assert ds["elevation"].notnull().all()


def test_bands_of_latitude_and_longitude_come_before_tie_points(write):
    known = SAMPLES > 0  # SNAP writes zero where it has no height
    precise = {"orthorectifiedLat": Raw(known * (latitude(LINES, SAMPLES) + 0.01))}
    precise |= {"orthorectifiedLon": Raw(known * 45.5)}
    ds = read_snap(write(radar(bands=bands() | precise)))
    np.testing.assert_allclose(ds["longitude"][:, 1:], 45.5, atol=1e-9)
    expected = latitude(LINES, SAMPLES) + 0.01
    np.testing.assert_allclose(ds["latitude"], np.where(SAMPLES == 0, np.nan, expected), atol=1e-9)


def test_tie_points_of_a_multilooked_scene_lie_at_the_middle_of_its_looks(tmp_path):
    """A pixel of 4 samples averages samples 4n to 4n + 3, whose middle is 4n + 1.5."""
    tree = metadata(range_looks=4.0, azimuth_looks=2.0)
    found = {name: (values, x / 4, y / 2, dx / 4, dy / 2) for name, (values, x, y, dx, dy) in grids().items()}
    ds = read_snap(write_dimap(tmp_path / "a", radar(grids=found, metadata=tree)))
    np.testing.assert_allclose(ds["latitude"], latitude(2 * LINES + 0.5, 4 * SAMPLES + 1.5), atol=5e-6)
    np.testing.assert_allclose(ds["incidence_angle"], incidence(0, 4 * SAMPLES + 1.5), atol=1e-4)


def test_tie_points_cross_the_antimeridian(tmp_path):
    def east(y, x):
        return (179.996 + 1e-3 * x + 180) % 360 - 180

    ds = read_snap(write_znap(tmp_path / "a", radar(grids=grids() | {"longitude": grid(east)})))
    np.testing.assert_allclose(ds["longitude"] % 360, 179.996 + 1e-3 * SAMPLES, atol=2e-5)
    assert ds["longitude"].max() < 180


@pytest.mark.parametrize("writer", [write_dimap, write_znap, write_netcdf])
def test_a_terrain_corrected_product_lies_on_a_map(writer, tmp_path):
    mask = {"layoverShadowMask_VV": Raw((SAMPLES > 5).astype("u1")), "localIncidenceAngle_VV": Raw(0 * REAL + 40)}
    angle = {"incidenceAngleFromEllipsoid_VV": Raw(0 * REAL + 36)}
    ds = read_snap(writer(tmp_path / "a", on_map(bands={"displacement_VV": Raw(0.01 * REAL)} | mask | angle)))
    assert product.crs_of(ds).to_epsg() == 4326
    np.testing.assert_allclose(ds["x"], 45 + 0.001 * (np.arange(8) + 0.5))
    np.testing.assert_allclose(ds["y"], 34 - 0.001 * (np.arange(6) + 0.5))
    np.testing.assert_allclose(ds["los_displacement"], 0.01 * REAL)
    np.testing.assert_array_equal(ds["layover_shadow"], SAMPLES > 5)
    assert float(ds["local_incidence_angle"][0, 0]) == 40
    assert ds.attrs["heading"] == pytest.approx(-170)
    assert float(ds["look_east"][0, 0]) == pytest.approx(np.sin(np.deg2rad(36)) * np.cos(np.deg2rad(10)))


def test_a_projected_map_keeps_its_metres(tmp_path):
    from pyproj import CRS

    wkt = CRS.from_epsg(32638).to_wkt("WKT1_GDAL")
    made = on_map(wkt=wkt, transform=(20.0, 0.0, 0.0, -20.0, 500000.0, 3800000.0))
    for writer in (write_dimap, write_znap):
        ds = read_snap(writer(tmp_path / "a", made))
        assert product.crs_of(ds).to_epsg() == 32638
        assert (float(ds["x"][0]), float(ds["y"][0])) == (500010.0, 3799990.0)


def test_hdf5_keeps_no_map_grid_but_latitudes_and_longitudes_can_make_it(tmp_path):
    rows, columns = 34 - 0.001 * (LINES + 0.5), 45 + 0.001 * (SAMPLES + 0.5)
    made = on_map(bands={"displacement_VV": Raw(0.01 * REAL), "latitude": Raw(rows), "longitude": Raw(columns)})
    ds = read_snap(write_hdf5(tmp_path / "a", made))
    np.testing.assert_allclose(ds["x"], columns[0])
    np.testing.assert_allclose(ds["y"], rows[:, 0])
    with pytest.raises(NoGeoreference, match=r"b\.h5 is terrain-corrected, but HDF5 does not keep its map grid"):
        read_snap(write_hdf5(tmp_path / "b", on_map()))
    turned = made.bands | {"latitude": Raw(rows + columns)}
    with pytest.raises(NoGeoreference):
        read_snap(write_hdf5(tmp_path / "c", on_map(bands=turned)))


def test_netcdf_with_its_axes_the_other_way_round(tmp_path):
    ds = read_snap(write_netcdf(tmp_path / "a", radar(), turned=True))
    np.testing.assert_array_equal(ds["q"], IMAGINARY)
    np.testing.assert_allclose(ds["latitude"], latitude(LINES, SAMPLES), atol=5e-6)


def test_znap_compressed_or_zipped_is_the_same(tmp_path):
    plain = read_snap(write_znap(tmp_path / "a", radar()))
    folder = write_znap(tmp_path / "b", radar(), compressed=True)
    for path in (folder, zipped(folder)):
        assert read_snap(path).drop_attrs().identical(plain.drop_attrs())


def test_dimap_by_its_data_folder_and_renamed(tmp_path):
    path = write_dimap(tmp_path / "a", radar())
    np.testing.assert_array_equal(read_snap(path.with_suffix(".data"))["i"], REAL)
    path.with_suffix(".data").rename(tmp_path / "b.data")
    renamed = path.rename(tmp_path / "b.dim")
    np.testing.assert_array_equal(read_snap(renamed)["i"], REAL)


def test_one_of_several_subswaths_is_selected(tmp_path):
    other = {name: Raw(raw.values / 2) for name, raw in bands(swath="IW2_VV").items()}
    path = write_hdf5(tmp_path / "a", radar(bands=other | bands()))
    with pytest.raises(ParameterError, match=f"i_ifg_IW1_VV_{DATES}, i_ifg_IW2_VV_{DATES}. Choose with select"):
        read_snap(path)
    ds = read_snap(path, select="IW1_VV")
    np.testing.assert_array_equal(ds["i"], REAL)
    np.testing.assert_array_equal(read_snap(path, select="IW2_VV")["q"], IMAGINARY / 2)
    with pytest.raises(FileFormatError, match="holds no interferogram with 'IW3'"):
        read_snap(path, select="IW3")


def slc(date, phase, *, size=SHAPE, **changes):
    image = np.exp(1j * phase) * 2
    made = {f"i_VV_{date}": Raw(image.real.astype("f4")), f"q_VV_{date}": Raw(image.imag.astype("f4"))}
    return radar(**({"bands": {name: Raw(raw.values[: size[0], : size[1]]) for name, raw in made.items()}} | changes))


def test_a_pair_of_dates_makes_reference_times_conjugate_of_secondary(write):
    ramp = 0.3 * SAMPLES
    early, late = write(slc("11Jan2018", 2 * ramp), "early"), write(slc("23Jan2018", ramp), "late")
    for path, pair in ((early, late), (late, early)):
        ds = read_snap(path, pair=pair, window=(1, 3))
        np.testing.assert_allclose(ds["phase"], ramp - 2 * np.pi * np.round(ramp / (2 * np.pi)), atol=1e-5)
        np.testing.assert_allclose(ds["i"] ** 2 + ds["q"] ** 2, 16, rtol=1e-5)
        np.testing.assert_allclose(ds["intensity_secondary"], 4, rtol=1e-6)
        inner = (1 + 2 * np.cos(0.3)) / 3  # three phasors 0.3 rad apart
        np.testing.assert_allclose(ds["coherence"][:, 1:-1], inner, rtol=1e-5)
        times = ds.attrs["reference_time"], ds.attrs["secondary_time"]
        assert [time[:10] for time in times] == ["2018-01-11", "2018-01-23"]


def test_what_makes_no_pair_is_refused(tmp_path):
    early = write_znap(tmp_path / "early", slc("11Jan2018", SAMPLES))
    small = write_znap(tmp_path / "small", slc("23Jan2018", SAMPLES, size=(5, 8)))
    with pytest.raises(ParameterError, match=r"early.znap and small.znap differ in size \(6 x 8 and 5 x 8\)"):
        read_snap(early, pair=small)
    with pytest.raises(ParameterError, match="both of 2018-01-11: give two dates"):
        read_snap(early, pair=early)
    elsewhere = slc("23Jan2018", SAMPLES, metadata=metadata(slant_range_to_first_pixel=850100.0))
    with pytest.raises(ParameterError, match="different radar grids"):
        read_snap(early, pair=write_znap(tmp_path / "elsewhere", elsewhere))
    late = write_znap(tmp_path / "late", slc("23Jan2018", SAMPLES))
    with pytest.raises(ParameterError, match="window is"):
        read_snap(early, pair=late, window=(0, 3))
    with pytest.raises(FileFormatError, match="no complex image of one date"):
        read_snap(early, pair=write_znap(tmp_path / "ifg", radar()))
    with pytest.raises(FileFormatError, match=r"bands are i_VV_11Jan2018, q_VV_11Jan2018.*read with pair"):
        read_snap(early)


def test_missing_metadata_is_one_stated_error_and_a_wavelength_stands_in(write):
    path = write(radar(metadata={}))
    with pytest.raises(MissingConvention, match="does not state its radar frequency"):
        read_snap(path)
    bare = read_snap(path, wavelength=0.0555).attrs
    assert (bare["wavelength"], bare["reference_time"], bare["temporal_baseline_days"]) == (0.0555, "2018-01-11", 12)
    assert not {"reference", "orbits", "perpendicular_baseline_m", "track"} & set(bare)
    with pytest.raises(MissingConvention, match="radar frequency"):
        read_snap(write(radar(metadata=metadata(radar_frequency=99999.0)), "blank"))


def test_older_names_of_the_baselines_are_understood(tmp_path):
    table = {"Master: 23Jan2018": {"Slave: 11Jan2018": {"Perp Baseline": 20.0}}}
    ds = read_snap(write_dimap(tmp_path / "a", radar(metadata=metadata(Baselines=table))))
    assert ds.attrs["perpendicular_baseline_m"] == -20  # from the later date to the earlier one, turned round


def test_a_missing_band_is_named_with_those_there(write):
    only = {"elevation": Raw(HEIGHT), f"coh_IW1_VV_{DATES}": Raw(COHERENCE)}
    with pytest.raises(FileFormatError, match=r"holds no interferogram.*its bands are .*elevation"):
        read_snap(write(radar(bands=only)))
    half = {name: raw for name, raw in bands().items() if not name.startswith("q_")}
    with pytest.raises(FileFormatError, match="its bands are"):
        read_snap(write(radar(bands=half), "half"))


def test_a_product_without_a_place_or_without_data_is_refused(write):
    with pytest.raises(NoGeoreference, match="no latitude and longitude"):
        read_snap(write(radar(grids={})))
    with pytest.raises(EmptyScene, match="no finite, non-zero value"):
        read_snap(write(radar(bands={f"Unw_Phase_ifg_{DATES}": Raw(0 * REAL)}), "empty"))


def pieces(path: Path):
    """The largest file of a product: what a copy that stops half-way cuts."""
    files = [part for part in path.with_suffix(".data").glob("i_*.img")] if path.suffix == ".dim" else [path]
    return next(path.glob("i_*/1.1")) if path.is_dir() else files[0]


def test_a_truncated_product_is_one_stated_error(write):
    path = write(radar())
    file = pieces(path)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(FileFormatError, match="truncated"):
        read_snap(path)


def test_a_missing_piece_is_one_stated_error(tmp_path):
    store = write_znap(tmp_path / "a", radar())
    next(store.glob("i_*/0.1")).unlink()
    with pytest.raises(FileFormatError, match=r"holds 3 of the 4 pieces of i_ifg"):
        read_snap(store)
    header = write_dimap(tmp_path / "b", radar())
    next(header.with_suffix(".data").glob("q_*.img")).unlink()
    with pytest.raises(FileFormatError, match=r"No file q_ifg.*copy the whole \.data folder"):
        read_snap(header)
    cut = write_dimap(tmp_path / "c", radar())
    cut.write_bytes(cut.read_bytes()[:900])
    with pytest.raises(FileFormatError, match="truncated"):
        read_snap(cut)


def test_another_kind_of_file_is_refused(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("1 2 3")
    for path in (text, tmp_path):
        assert layout_of(path) is None
        with pytest.raises(FileFormatError, match="is no product of SNAP that epi reads"):
            read_snap(path)
    with pytest.raises(FileFormatError, match="No file"):
        read_snap(tmp_path / "absent.dim")
    beam = write_netcdf(tmp_path / "beam", radar())
    with h5py.File(beam, "a") as file:
        file.attrs["metadata_profile"] = "beam"
    with pytest.raises(FileFormatError, match=r"NetCDF4-BEAM.*NetCDF4-CF"):
        read_snap(beam)
    ours = product.build({"phase": REAL}, x=np.arange(8.0), y=np.arange(6.0), attrs={"wavelength": 0.05})
    assert layout_of(product.save(ours, tmp_path / "ours.nc")) is None


def test_read_scene_takes_what_snap_wrote(write):
    path = write(radar())
    assert read_scene(path).identical(read_snap(path))
    with pytest.raises(ParameterError, match="states its conventions: leave out positive"):
        read_scene(path, positive="away")


@pytest.fixture
def amsterdam(shared_data):
    folder = shared_data / "slc" / "snap_pair_amsterdam"
    if not folder.is_dir():
        pytest.skip("real SNAP pair is absent from ../shared/data")
    return folder / "20230319-coreg.znap", folder / "20230331-coreg.znap"


def test_the_real_pair_keeps_its_coherence_and_its_baseline(amsterdam, tmp_path):
    earlier, later = amsterdam
    ds = read_snap(later, pair=earlier)
    assert ds["i"].shape == (84, 338)
    assert 28300 < int(ds["valid"].sum()) < 84 * 338  # three samples are empty in one date or the other
    total = np.sqrt(float(ds["intensity_reference"].sum()) * float(ds["intensity_secondary"].sum()))
    assert np.hypot(float(ds["i"].sum()), float(ds["q"].sum())) / total == pytest.approx(0.768, abs=5e-4)
    whole = read_snap(earlier, pair=later, window=(2 * 84 - 1, 2 * 338 - 1))["coherence"]
    assert (float(whole.min()), float(whole.max())) == pytest.approx((0.768, 0.768), abs=5e-4)
    assert abs(ds.attrs["perpendicular_baseline_m"]) == pytest.approx(33.9, abs=0.1)
    assert ds.attrs["reference_time"].startswith("2023-03-19T")
    assert ds.attrs["secondary_time"].startswith("2023-03-31T")
    assert ds.attrs["wavelength"] == pytest.approx(product.SENTINEL1_WAVELENGTH_M, rel=1e-6)
    assert ds.attrs["orbits"].startswith("POEORB S1A_OPER_AUX_POEORB_OPOD_20230408")
    assert product.load(product.save(ds, tmp_path / "real.nc")).identical(ds)


def test_real_tie_points_lie_where_the_annotation_puts_them(amsterdam):
    """Slant-range time at sample 0 is that of the first pixel; half a sample further it would be 7.8 ns more."""
    file = open_snap(amsterdam[0])
    nanoseconds = file.grids["slant_range_time"].at(file.shape)[0, 0]
    metres = meta.number(file.metadata, "slant_range_to_first_pixel")
    assert nanoseconds == pytest.approx(2e9 * metres / 299792458, abs=0.5)


def test_real_state_vectors_of_both_dates(amsterdam):
    tree = open_snap(amsterdam[0]).metadata
    for product_facts in meta.products(tree):
        orbit = meta.orbit(product_facts)
        assert orbit.kind == "POEORB"
        assert len(orbit.time) == 23
        moved = np.gradient(orbit.position, np.arange(23.0), axis=0)[5:-5]  # one vector a second
        np.testing.assert_allclose(moved, orbit.velocity[5:-5], atol=0.01)
