"""The native engine on simulated products whose truth is known: accuracy, the whole chain, and what goes wrong."""

import hashlib
import shutil
import warnings
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning

from epi.catalogue import find_event
from epi.errors import DemError, FileFormatError, OrbitError, PairError, ParameterError
from epi.insar import product
from epi.insar.engines import native
from epi.insar.engines.native import Choices, interferogram, radar_product
from epi.insar.geometry.geocode import MapGrid
from epi.insar.geometry.terrain import read_dem
from epi.insar.geometry.zero_doppler import burst_geometry
from epi.insar.slc.matching import SUBSWATHS, burst_pairs, open_products
from epi.insar.slc.safe import read_burst
from epi.insar.topsar.bursts import looked_burst
from epi.insar.topsar.deburst import overlap_lines
from epi.insar.topsar.interferogram import STEPS, coherence, form
from epi.insar.topsar.misregistration import azimuth_shift
from epi.insar.topsar.ramp import Ramp, coregister
from epi.simulate.slc.pair import PERFECT, Conditions, simulate_pair

BOUNDS = (20.0, 38.0, 24.0, 41.0)
EVENT = "20210303-thessaly"


def perfect(folder, subswath):
    """Two bursts without noise, air or motion: what a processor leaves in them is the processor's."""
    return simulate_pair(find_event(EVENT), folder, seed=7, samples=500, subswaths=(subswath,), conditions=PERFECT)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    """A narrow strip across the earthquake, with air, noise and decorrelation."""
    return simulate_pair(find_event(EVENT), tmp_path_factory.mktemp("usual"), seed=5, samples=1600)


@pytest.fixture(scope="module")
def made(usual):
    return interferogram(usual.reference, usual.secondary, dem=usual.dem, choices=Choices(spacing_m=100.0))


def pairs_of(simulated, subswath="IW1"):
    return burst_pairs(open_products(simulated.reference), open_products(simulated.secondary), subswath, "VV")


def map_of(made):
    return MapGrid(made["x"].to_numpy(), made["y"].to_numpy(), product.crs_of(made))


def full_resolution(pair, dem):
    """Reference, coregistered secondary and interferogram of one burst."""
    geometry = burst_geometry(
        *(pair.reference, pair.reference_burst, pair.secondary, pair.secondary_burst, dem),
        line_step=STEPS[0],
        sample_step=STEPS[1],
    )
    secondary = read_burst(pair.secondary, pair.secondary_burst.number)
    moved = coregister(secondary, Ramp.of(pair.secondary, pair.secondary_burst), geometry)
    reference = read_burst(pair.reference, pair.reference_burst.number)
    return reference, moved, form(reference, moved, geometry, pair.reference.wavelength)


@pytest.mark.parametrize("subswath", SUBSWATHS)
def test_a_perfect_pair_leaves_nothing(tmp_path, subswath):
    """Perpendicular baseline 8 m, coherence over 5 x 20 pixels; 0.02 rad at a seam are 0.0003 lines."""
    simulated = perfect(tmp_path, subswath)
    dem, pairs = read_dem(simulated.dem, bounds=BOUNDS), pairs_of(simulated, subswath)
    waves = []
    for pair in pairs:
        reference, moved, z = full_resolution(pair, dem)
        alike = coherence(reference, moved, z, window=(5, 20))
        assert np.nanmedian(alike) >= 0.995
        assert abs(np.angle(z.sum())) <= 0.02
        middles = np.arange(40, z.shape[0] - 100, 60)
        phase = [np.angle(z[line : line + 60].sum()) for line in middles]
        assert abs(np.polyfit(middles, phase, 1)[0]) * 1000 <= 0.01
        waves.append(z)
    before, after = overlap_lines(pairs[0].reference, pairs[0].reference_burst, pairs[1].reference_burst)
    assert abs(np.angle(waves[0][before].sum() * np.conj(waves[1][after].sum()))) <= 0.02


def test_spectral_diversity_finds_a_planted_shift(tmp_path):
    planted = 0.005
    still = Conditions(earthquake=False, azimuth_error_lines=planted)
    simulated = simulate_pair(find_event(EVENT), tmp_path, seed=3, samples=1200, conditions=still)
    found = azimuth_shift(pairs_of(simulated), read_dem(simulated.dem, bounds=BOUNDS))
    assert found.lines == pytest.approx(planted, abs=0.0005)
    assert 0 < found.standard_deviation < 0.0005


@pytest.mark.parametrize(
    ("longitude", "subswaths"), [(178.87, ("IW1", "IW2")), (179.999, None)], ids=["two subswaths", "antimeridian"]
)
def test_a_perfect_pair_has_no_seam_on_the_map(tmp_path, longitude, subswaths):
    """South of the equator, descending: where two subswaths meet, and across the line where longitudes jump."""
    far = replace(find_event(EVENT), latitude=-17.0, longitude=longitude)
    both = simulate_pair(
        far, tmp_path, seed=8, bursts=1, samples=1500, lines=400, subswaths=subswaths, conditions=PERFECT
    )
    joined = interferogram(both.reference, both.secondary, dem=both.dem, choices=Choices(unwrap=False, goldstein=0.0))
    valid = joined["valid"].to_numpy()
    assert valid.mean() > 0.3
    assert joined.attrs["subswath"].count("IW") == (2 if subswaths else 1)
    assert np.ptp(product.local_frame(joined).east_km) < 30
    assert np.abs(joined["phase"].to_numpy()[valid]).max() < 0.2
    assert np.median(joined["coherence"].to_numpy()[valid]) > 0.99


def test_bursts_of_one_number_must_show_one_ground(usual):
    first, second = pairs_of(usual)
    wrong = replace(first, secondary_burst=second.secondary_burst)
    with pytest.raises(PairError, match="lines apart"):
        looked_burst(wrong, read_dem(usual.dem, bounds=BOUNDS), looks=(7, 24), window=(4, 20))


def test_the_product_is_whole(made, usual):
    product.validate(made)
    assert set(made.data_vars) >= {
        *("i", "q", "coherence", "phase", "unwrapped_phase", "los_displacement", "intensity_reference", "elevation"),
        *("intensity_secondary", "incidence_angle", "local_incidence_angle", "look_east", "look_north", "look_up"),
        *("layover_shadow", "valid"),
    }
    assert made.attrs["reference"] == usual.reference.stem
    assert made.attrs["secondary"] == usual.secondary.stem
    assert (made.attrs["track"], made.attrs["direction"], made.attrs["engine"]) == (102, "ascending", "native")
    assert made.attrs["perpendicular_baseline_m"] == pytest.approx(40, abs=1)
    valid = made["valid"].to_numpy()
    assert valid.mean() > 0.3
    for name, array in made.data_vars.items():
        if array.dtype != bool and name not in ("elevation",):
            assert np.isnan(array.to_numpy()[~valid]).all(), name


def test_the_displacement_is_that_of_the_truth(made, usual):
    import h5py

    with h5py.File(usual.truth) as file:
        known = {name: file["IW1"][name][:].ravel() for name in ("latitude", "longitude", "los_displacement", "water")}
    crs = made["spatial_ref"].attrs["crs_wkt"]
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(known["longitude"], known["latitude"])
    column = np.rint((x - float(made.x[0])) / 100).astype(int)
    row = np.rint((float(made.y[0]) - y) / 100).astype(int)
    inside = (row >= 0) & (row < made.sizes["y"]) & (column >= 0) & (column < made.sizes["x"]) & (known["water"] < 0.5)
    found = made["los_displacement"].to_numpy()[row[inside], column[inside]]
    true = known["los_displacement"][inside]
    both = np.isfinite(found) & np.isfinite(true)
    left = found[both] - true[both]
    assert np.ptp(true[both]) > 0.1
    assert np.std(left) < 0.02  # two dates of air, 6 mm each, and what is stratified in it
    assert np.corrcoef(found[both], true[both])[0, 1] > 0.95


def test_choices_change_what_they_say(usual, made):
    plain = interferogram(
        usual.reference,
        usual.secondary,
        dem=usual.dem,
        bursts=(2, 2),
        choices=Choices(spacing_m=100.0, goldstein=0.0, unwrap=False),
    )
    assert "los_displacement" not in plain
    assert plain.attrs["bursts"] == 1
    assert plain.sizes["y"] < made.sizes["y"]
    unfiltered, valid = np.arctan2(plain["q"], plain["i"]), plain["valid"].to_numpy()
    np.testing.assert_allclose(plain["phase"].to_numpy()[valid], unfiltered.to_numpy()[valid], atol=1e-6)


def test_the_radar_grid_holds_the_same_fringes(usual, made):
    dem, pairs = read_dem(usual.dem, bounds=BOUNDS), pairs_of(usual)
    radar = radar_product(pairs, dem, choices=Choices(spacing_m=100.0, goldstein=0.0))
    product.validate(radar)
    offset = overlap_lines(pairs[0].reference, pairs[0].reference_burst, pairs[1].reference_burst)[0].start
    assert radar.sizes["azimuth"] == pytest.approx((offset + pairs[1].reference_burst.last_line) / 7, rel=0.02)
    lines = radar["latitude"].to_numpy()[:, radar.sizes["range"] // 2]
    np.testing.assert_allclose(np.diff(lines), np.diff(lines).mean(), rtol=0.2)  # no step at the seam
    row, column = (
        np.rint(place).astype(int)
        for place in map_of(made).pixel(radar["latitude"].to_numpy(), radar["longitude"].to_numpy())
    )
    inside = (row >= 0) & (row < made.sizes["y"]) & (column >= 0) & (column < made.sizes["x"])
    one = (radar["i"] + 1j * radar["q"]).to_numpy()[inside]
    other = (made["i"] + 1j * made["q"]).to_numpy()[row[inside], column[inside]]
    both = np.isfinite(one) & np.isfinite(other)
    likeness = np.abs((one[both] * other[both].conj()).sum())
    assert likeness / np.sqrt((np.abs(one[both]) ** 2).sum() * (np.abs(other[both]) ** 2).sum()) > 0.8


def cut_slice(product_folder, folder, first, last):
    """A slice that holds some bursts of a product, under a name of its own."""
    slice_folder = folder / product_folder.name.replace("_1SSV_", f"_1SSV_{first}")
    shutil.copytree(product_folder, slice_folder)
    annotation = next((slice_folder / "annotation").glob("*.xml"))
    tree = ElementTree.parse(annotation)
    bursts = tree.find("swathTiming/burstList")
    lines = int(tree.findtext("swathTiming/linesPerBurst"))
    for number, burst in enumerate(list(bursts), 1):
        if not first <= number <= last:
            bursts.remove(burst)
    bursts.set("count", str(last - first + 1))
    tree.write(annotation)
    tiff = next((slice_folder / "measurement").glob("*.tiff"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(tiff) as file:
            pixels = file.read(1)[lines * (first - 1) : lines * last]
        tiff.unlink()
        shape = {"height": pixels.shape[0], "width": pixels.shape[1], "count": 1, "dtype": "complex_int16"}
        with rasterio.open(tiff, "w", driver="GTiff", **shape) as file:
            file.write(pixels, 1)
    manifest = slice_folder / "manifest.safe"
    old = hashlib.md5((product_folder / "measurement" / tiff.name).read_bytes()).hexdigest()
    manifest.write_text(manifest.read_text().replace(old, hashlib.md5(tiff.read_bytes()).hexdigest()))
    return slice_folder


def test_neighbouring_slices_make_one_interferogram(tmp_path):
    """Two slices of each date that share a burst give what the product they were cut from gives."""
    whole = simulate_pair(
        find_event(EVENT), tmp_path, seed=4, bursts=3, samples=200, conditions=Conditions(earthquake=False)
    )
    how = Choices(spacing_m=50.0, unwrap=False)
    once = interferogram(whole.reference, whole.secondary, dem=whole.dem, choices=how)
    sides = [
        [cut_slice(side, tmp_path / "cut", 2, 3), cut_slice(side, tmp_path / "cut", 1, 2)]
        for side in (whole.reference, whole.secondary)
    ]
    joined = interferogram(*sides, dem=whole.dem, choices=how)
    assert joined.attrs["bursts"] == once.attrs["bursts"] == 3
    np.testing.assert_allclose(joined["i"], once["i"], rtol=1e-4, atol=1e-2)
    with pytest.raises(PairError, match="same slice"):
        interferogram([sides[0][0], sides[0][0]], sides[1], dem=whole.dem)
    apart = cut_slice(whole.reference, tmp_path / "gap", 1, 1), cut_slice(whole.reference, tmp_path / "gap", 3, 3)
    with pytest.raises(PairError, match="do not touch"):
        interferogram(apart, sides[1], dem=whole.dem)


def without_a_place(subswath):
    """The engine's own making of bursts, but for one subswath whose terrain is nowhere."""
    making = native.looked_bursts

    def made(pairs, *args, **options):
        looked = making(pairs, *args, **options)
        if pairs[0].reference.subswath != subswath:
            return looked
        return [replace(burst, latitude=np.full_like(burst.latitude, np.nan)) for burst in looked]

    return made


def test_a_subswath_that_fails_does_not_end_the_others(tmp_path, monkeypatch):
    both = simulate_pair(
        find_event(EVENT), tmp_path / "two", seed=2, bursts=1, samples=600, lines=400, subswaths=("IW1", "IW2")
    )
    with monkeypatch.context() as patch:
        patch.setattr(native, "looked_bursts", without_a_place("IW2"))
        found = interferogram(both.reference, both.secondary, dem=both.dem, choices=Choices(unwrap=False))
    assert found.attrs["subswath"] == "IW1"
    assert found.attrs["failed"].startswith("IW2: None of the pixels has a place on the ground")
    tiff = next((both.secondary / "measurement").glob("*iw2*"))
    tiff.write_bytes(tiff.read_bytes()[:20_000])
    found = interferogram(both.reference, both.secondary, dem=both.dem, choices=Choices(unwrap=False))
    assert found.attrs["subswath"] == "IW1"
    assert "IW2" in found.attrs["failed"]
    assert "truncated" in found.attrs["failed"]
    with pytest.raises(FileFormatError, match="truncated"):
        interferogram(both.reference, both.secondary, dem=both.dem, subswaths=("IW2",))


def test_what_cannot_make_an_interferogram_is_refused(usual, tmp_path):
    reference, secondary, dem = usual.reference, usual.secondary, usual.dem
    with pytest.raises(PairError, match="swap them"):
        interferogram(secondary, reference, dem=dem)
    with pytest.raises(PairError, match="two dates"):
        interferogram(reference, reference, dem=dem)
    with pytest.raises(ParameterError, match="IW9"):
        interferogram(reference, secondary, dem=dem, subswaths=("IW9",))
    with pytest.raises(ParameterError, match="bursts 1 to 2"):
        interferogram(reference, secondary, dem=dem, bursts=(1, 3))
    with pytest.raises(PairError, match="VH"):
        interferogram(reference, secondary, dem=dem, polarisation="VH")
    with pytest.raises(OrbitError, match="covers"):
        interferogram(reference, secondary, dem=dem, orbits=tmp_path)
    shutil.copytree(reference, tmp_path / reference.name)
    for file in (tmp_path / reference.name / "annotation").glob("*.xml"):
        file.unlink()
    with pytest.raises(FileFormatError, match="annotation"):
        interferogram(tmp_path / reference.name, secondary, dem=dem)


def test_a_terrain_that_lies_elsewhere_is_refused(usual, tmp_path):
    from epi.insar.geometry.terrain import Dem, write_dem

    heights = np.zeros((50, 50), dtype=np.float32)
    elsewhere = write_dem(Dem(heights, 10.0, 10.0, 0.001, 0.001, "elsewhere"), tmp_path / "elsewhere.tif")
    with pytest.raises(DemError, match="elsewhere"):
        interferogram(usual.reference, usual.secondary, dem=elsewhere)


@pytest.mark.parametrize(
    "wrong", [{"spacing_m": 5.0}, {"goldstein": 1.5}, {"window": (1, 2)}, {"spacing_m": float("nan")}]
)
def test_choices_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ParameterError):
        Choices(**wrong)
