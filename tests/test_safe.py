"""SAFE products: what is read equals what was written, what xarray-sentinel reads, and what is wrong is said."""

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from epi.errors import FileFormatError, PairError, ParameterError
from epi.insar.slc.annotation import Image, burst_identifier
from epi.insar.slc.annotation_xml import read_annotation
from epi.insar.slc.matching import check_pair, common_bursts, slices
from epi.insar.slc.safe import calibration, check_pixels, open_pixels, open_safe, read_burst, read_image, slc
from tiny_safe import BORDER, EDGE, Tiny, pixels

ONE = Tiny(subswaths=("IW1",), polarisations=("VV",))
LATER = replace(ONE, node="2023-09-28T05:56:47.407340", orbit_number=50524, data_take=399000)
SUBSWATHS = ["IW1", "IW2", "IW3"]


def rewrite(path: Path, old: str, new: str) -> None:
    """Change a text within a file, which must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def morocco(shared_data: Path) -> list[Path]:
    """Two real products without pixels, the earlier first."""
    return sorted((shared_data / "slc/morocco_2023_annotations").glob("*.SAFE"))


@pytest.mark.parametrize("write", [Tiny.write, Tiny.write_zip])
def test_a_product_tells_what_it_is(tmp_path: Path, write: Callable[[Tiny, Path], Path]) -> None:
    tiny = Tiny(platform="S1C", direction="Ascending", polarisations=("HH", "HV"), subswaths=("IW1", "IW3"))
    product = open_safe(write(tiny, tmp_path))
    assert product.name == tiny.name
    assert (product.platform, product.direction, product.track, product.orbit_number) == ("S1C", "ascending", 52, 50349)
    assert list(product.images) == [("IW1", "HH"), ("IW1", "HV"), ("IW3", "HH"), ("IW3", "HV")]
    assert product.start == tiny.burst_time(tiny.first_burst)
    image = read_image(product, "IW3", "HV")
    assert (image.product, image.subswath, image.polarisation) == (tiny.name, "IW3", "HV")
    assert image.start == tiny.burst_time(tiny.first_burst, "IW3")
    assert (image.platform, image.direction, image.track) == ("S1C", "ascending", 52)


def test_the_facts_of_an_image_are_those_of_its_annotation(tmp_path: Path) -> None:
    image = read_image(ONE.write(tmp_path), "IW1", "VV")
    assert image.azimuth_steering_rate == pytest.approx(0.0277572, rel=1e-5)  # rad/s, of 1.590368784 degrees/s
    assert image.wavelength == pytest.approx(0.05546576, rel=1e-7)
    assert image.range_spacing == pytest.approx(2.329562, rel=1e-6)
    assert image.pulse_repetition_frequency == 1717.128973878037
    assert (image.range_bandwidth, image.azimuth_bandwidth) == (56.5e6, 327.0)
    assert (image.lines_per_burst, image.samples_per_burst) == (40, 60)
    assert image.fm_rates[0].coefficients == (-2331.0, 449751.6, -78163474.1)
    assert image.doppler_centroids[0](np.array([5.3e-3, 6.3e-3])) == pytest.approx([-10.0, 1.7812])
    assert image.stop - image.bursts[-1].azimuth_time == np.timedelta64(round(39 * 2.0555563e6), "ns")


def test_the_bands_of_a_real_image_are_known(morocco: list[Path]) -> None:
    image = read_image(morocco[0], "IW1", "VV")
    assert (image.range_bandwidth, image.azimuth_bandwidth) == (56.5e6, 327.0)
    assert (image.range_window, image.azimuth_window) == (0.75, 0.70)
    assert image.pulse_repetition_frequency == pytest.approx(1717.129, abs=1e-3)


@pytest.mark.parametrize("write", [Tiny.write, Tiny.write_zip])
@pytest.mark.parametrize(
    ("number", "lines", "samples"),
    [(1, None, None), (3, slice(2, 9), slice(50, 60)), (2, slice(39, 40), None), (2, None, slice(7))],
)
def test_pixels_are_those_of_the_burst(
    tmp_path: Path, write: Callable[[Tiny, Path], Path], number: int, lines: slice | None, samples: slice | None
) -> None:
    image = read_image(write(ONE, tmp_path), "IW1", "VV")
    found = read_burst(image, number, lines=lines, samples=samples)
    burst = pixels(3, 40, 60)[(number - 1) * 40 : number * 40]
    assert found.dtype == np.complex64
    np.testing.assert_array_equal(found, burst[lines or slice(None), samples or slice(None)])
    check_pixels(image)
    assert len(list(tmp_path.glob("*"))) <= 2  # the zip and what it was made of: nothing was unpacked


@pytest.mark.parametrize("write", [Tiny.write, Tiny.write_zip])
def test_pixels_of_an_open_measurement_are_the_same(tmp_path: Path, write: Callable[[Tiny, Path], Path]) -> None:
    image = read_image(write(ONE, tmp_path), "IW1", "VV")
    with open_pixels(image) as dataset:
        bursts = [read_burst(image, number, dataset=dataset) for number in (1, 2, 3)]
        np.testing.assert_array_equal(np.vstack(bursts), pixels(3, 40, 60))
    assert dataset.closed


def test_the_valid_rectangle_holds_every_sample_and_touches_the_border(tmp_path: Path) -> None:
    image = read_image(ONE.write(tmp_path), "IW1", "VV")
    for burst in image.bursts:
        valid = read_burst(image, burst.number) != 0
        assert valid[burst.first_line : burst.last_line + 1, burst.first_sample : burst.last_sample + 1].all()
        assert not valid[burst.first_line - 1].any()
        assert not valid[burst.last_line + 1].any()
        for sample in (burst.first_sample - 1, burst.last_sample + 1):
            assert 0 < valid[burst.first_line : burst.last_line + 1, sample].mean() < 1  # valid in some lines only
        assert (burst.first_line, burst.first_sample) == (BORDER, EDGE)


def test_a_burst_without_a_valid_line_is_empty(tmp_path: Path) -> None:
    safe = ONE.write(tmp_path)
    annotation = next((safe / "annotation").glob("*.xml"))
    tree = ET.parse(annotation)
    next(tree.iter("lastValidSample")).text = " ".join(["-1"] * 40)
    tree.write(annotation)
    first, second, _ = read_image(safe, "IW1", "VV").bursts
    assert (first.first_line, first.last_line) == (0, -1)
    assert second.last_line == 40 - BORDER - 1


def test_a_labelled_burst_carries_its_times(tmp_path: Path) -> None:
    image = read_image(ONE.write(tmp_path), "IW1", "VV")
    array = slc(image, 2, lines=slice(4, 8), samples=slice(10, 13))
    assert array.dims == ("azimuth", "range")
    np.testing.assert_array_equal(array.values, read_burst(image, 2)[4:8, 10:13])
    expected = image.bursts[1].azimuth_time + np.timedelta64(round(7 * image.azimuth_time_interval * 1e9), "ns")
    assert array.azimuth_time.values[-1] == expected
    range_m = array.slant_range_time.values * 299_792_458 / 2
    np.testing.assert_allclose(range_m, image.near_range + image.range_spacing * np.arange(10, 13), rtol=1e-12)
    assert array.attrs["burst_id"] == 110432
    assert array.attrs["orbit"].startswith("annotation s1a-iw1-slc-vv")


@pytest.mark.parametrize("subswath", SUBSWATHS)
@pytest.mark.parametrize("track", [1, 52, 175])
def test_a_missing_burst_number_is_computed(tmp_path: Path, subswath: str, track: int) -> None:
    first = {1: 100, 52: 110431, 175: 374500}[track]
    facts = {"subswaths": (subswath,), "polarisations": ("VV",), "track": track, "first_burst": first}
    with_ids = read_image(Tiny(**facts).write(tmp_path / "new"), subswath, "VV")
    without = read_image(Tiny(**facts, burst_ids=False).write(tmp_path / "old"), subswath, "VV")
    assert [burst.burst_id for burst in without.bursts] == [first, first + 1, first + 2]
    assert with_ids.bursts == without.bursts


def test_a_node_more_than_an_orbit_ago_is_counted_from_the_last(tmp_path: Path) -> None:
    safe = replace(ONE, burst_ids=False).write(tmp_path)
    annotation = next((safe / "annotation").glob("*.xml"))
    tree = ET.parse(annotation)
    for element in tree.iter("azimuthAnxTime"):
        element.text = repr(float(element.text) + 12 * 86400 / 175)
    tree.write(annotation)
    assert [burst.burst_id for burst in read_image(safe, "IW1", "VV").bursts] == [110431, 110432, 110433]


def test_a_burst_number_of_the_archive_is_met() -> None:
    # S1_372326_IW3_20180815T151558_VV_6BD3-BURST: 2026.218343215 s after the node, first echo 1.145003 s later
    assert burst_identifier(2026.218343215 + 1.145003, track=174, subswath="IW3") == 372326


def test_real_burst_numbers_are_met(morocco: list[Path], shared_data: Path) -> None:
    images = [read_image(path, subswath, "VV") for path in morocco for subswath in SUBSWATHS]
    path = next((shared_data / "slc/single_date_portugal").glob("*.xml"))
    images.append(read_annotation(ET.parse(path).getroot(), product="Portugal", track=9, source=path.name))
    for image in images:
        for burst in image.bursts:
            echo = burst.anx_seconds + (burst.sensing_time - burst.azimuth_time) / np.timedelta64(1, "s")
            assert burst_identifier(echo, track=image.track, subswath=image.subswath) == burst.burst_id
    assert len(images) == 7


@pytest.mark.parametrize("subswath", SUBSWATHS)
def test_a_real_annotation_reads_as_in_xarray_sentinel(morocco: list[Path], tmp_path: Path, subswath: str) -> None:
    xarray_sentinel = pytest.importorskip("xarray_sentinel")
    image = read_image(morocco[0], subswath, "VV")
    safe = tmp_path / morocco[0].name
    (safe / "measurement").mkdir(parents=True)
    (safe / "annotation").symlink_to(morocco[0] / "annotation")
    (safe / "manifest.safe").symlink_to(morocco[0] / "manifest.safe")
    empty_measurement(safe / "measurement" / Path(image.measurement).name, image)

    def other(group: str) -> object:
        name = f"{subswath}/VV/{group}".rstrip("/")
        return xarray_sentinel.open_sentinel1_dataset(safe, group=name, parse_geospatial_attrs=False)

    whole = other("")
    assert whole.attrs["burst_ids"] == [burst.burst_id for burst in image.bursts]
    assert whole.attrs["radar_frequency"] * 1e9 == pytest.approx(image.radar_frequency, rel=1e-12)
    assert np.deg2rad(whole.attrs["azimuth_steering_rate"]) == image.azimuth_steering_rate
    assert whole.sizes["line"] == image.lines_per_burst * len(image.bursts)
    times = whole.azimuth_time.values.reshape(-1, image.lines_per_burst)
    ours = read_image(safe, subswath, "VV")
    for burst, expected in zip(ours.bursts, times, strict=True):
        part = slc(ours, burst.number, lines=slice(1400, 1500), samples=slice(20, 30))
        assert np.abs(part.azimuth_time.values - expected[1400:1500]).max() <= np.timedelta64(1600, "ns")
        np.testing.assert_allclose(part.slant_range_time, whole.slant_range_time[20:30], rtol=1e-14)
    orbit = other("orbit")
    np.testing.assert_array_equal(orbit.position.values.T, image.orbit.position)
    np.testing.assert_array_equal(orbit.velocity.values.T, image.orbit.velocity)
    np.testing.assert_array_equal(orbit.azimuth_time.values, image.orbit.time)
    for group, name, polynomials in (
        ("dc_estimate", "data_dc_polynomial", image.doppler_centroids),
        ("azimuth_fm_rate", "azimuth_fm_rate_polynomial", image.fm_rates),
    ):
        theirs = other(group)
        np.testing.assert_array_equal(theirs[name].values, [polynomial.coefficients for polynomial in polynomials])
        np.testing.assert_array_equal(theirs.t0.values, [polynomial.t0 for polynomial in polynomials])
        np.testing.assert_array_equal(theirs.azimuth_time.values, [item.azimuth_time for item in polynomials])
    grid = other("gcp")
    for name in ("latitude", "longitude", "height"):
        np.testing.assert_array_equal(grid[name].values, getattr(image.grid, name))
    np.testing.assert_array_equal(grid.incidenceAngle.values, image.grid.incidence_angle)
    np.testing.assert_array_equal(grid.line.values, image.grid.line[:, 0])
    np.testing.assert_array_equal(grid.pixel.values, image.grid.pixel[0])


def empty_measurement(path: Path, image: Image) -> None:
    """Write a measurement of full shape that takes no room on disk."""
    shape = {"height": image.lines_per_burst * len(image.bursts), "width": image.samples_per_burst}
    facts = {"driver": "GTiff", "dtype": "complex_int16", "count": 1, "sparse_ok": True, "blockysize": 1}
    with rasterio.open(
        path, "w", **facts, **shape, crs="EPSG:4326", gcps=[rasterio.control.GroundControlPoint(0, 0, 0, 0)]
    ):
        pass


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")  # of the crop
def test_real_pixels_are_read_at_their_place(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "slc/single_date_portugal"
    annotation, crop = next(folder.glob("*.xml")), next(folder.glob("*.tiff"))
    root = ET.parse(annotation).getroot()
    image = read_annotation(root, product="Portugal", track=9, source="p", measurement=str(crop))
    with pytest.raises(FileFormatError, match="has 601 x 1401 pixels, its annotation says 13626 x 24203"):
        read_burst(image, 7)
    with rasterio.open(crop) as dataset:
        real = dataset.read(1)
    whole = replace(image, measurement=str(tmp_path / "whole.tiff"))
    empty_measurement(tmp_path / "whole.tiff", image)
    with rasterio.open(tmp_path / "whole.tiff", "r+") as dataset:
        dataset.write(real, 1, window=rasterio.windows.Window(9600, 9800, 1401, 601))
    first = 9800 - 6 * image.lines_per_burst
    found = read_burst(whole, 7, lines=slice(first, first + 601), samples=slice(9600, 11001))
    np.testing.assert_array_equal(found, real)
    assert whole.bursts[6].burst_id == 18029
    assert np.abs(found).mean() > 10


@pytest.mark.parametrize("zipped", [False, True])
def test_real_calibration_is_read(morocco: list[Path], tmp_path: Path, zipped: bool) -> None:
    safe = morocco[0]
    if zipped:
        with zipfile.ZipFile(tmp_path / "product.zip", "w") as archive:
            for file in (safe / "manifest.safe", *safe.glob("annotation/**/*iw2*.xml")):
                archive.write(file, Path(safe.name) / file.relative_to(safe))
    table = calibration(tmp_path / "product.zip" if zipped else safe, "IW2", "VV")
    assert table.betaNought.dims == ("line", "pixel")
    assert 200 < float(table.betaNought.mean()) < 260  # 237, the constant of every S1A product
    with pytest.raises(FileFormatError, match="no readable calibration of IW2 VH"):
        calibration(safe, "IW2", "VH")


def test_a_product_without_the_image_lists_what_it_has(tmp_path: Path) -> None:
    safe = Tiny().write(tmp_path)
    for asked in (("IW3", "VV"), ("IW1", "HH")):
        with pytest.raises(ParameterError, match=f"no image {' '.join(asked)}: it has IW1 VH, IW1 VV, IW2 VH, IW2 VV"):
            read_image(safe, *asked)


@pytest.mark.parametrize(
    ("number", "part", "message"),
    [
        (4, {}, "IW1 has no burst 4: it has 1 to 3"),
        (0, {}, "no burst 0"),
        (1, {"lines": slice(0, 41)}, "lines 0 to 41 by 1: a burst has 0 to 40"),
        (1, {"samples": slice(5, 5)}, "samples 5 to 5"),
        (1, {"samples": slice(0, 10, 2)}, "samples 0 to 10 by 2"),
        (1, {"lines": slice(-3, None)}, "lines -3 to 40"),
    ],
)
def test_pixels_that_are_not_there_are_refused(
    tmp_path: Path, number: int, part: dict[str, slice], message: str
) -> None:
    image = read_image(ONE.write(tmp_path), "IW1", "VV")
    with pytest.raises(ParameterError, match=message):
        read_burst(image, number, **part)


def test_a_truncated_zip_is_said(tmp_path: Path) -> None:
    path = ONE.write_zip(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(FileFormatError, match="is a truncated zip: download it again"):
        open_safe(path)


@pytest.mark.parametrize("place", [0.02, 0.2, 0.5, 0.99])
def test_a_damaged_member_of_a_zip_is_said(tmp_path: Path, place: float) -> None:
    path = ONE.write_zip(tmp_path)
    check_pixels(read_image(path, "IW1", "VV"))
    with zipfile.ZipFile(path) as archive:
        member = next(entry for entry in archive.infolist() if entry.filename.endswith(".tiff"))
    data = bytearray(path.read_bytes())
    data[member.header_offset + 150 + int(place * (member.compress_size - 150))] ^= 0xFF
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(data)
    with pytest.raises(FileFormatError, match=r"download .*again"):
        check_pixels(read_image(damaged, "IW1", "VV"))


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.005])
def test_a_truncated_measurement_is_said(tmp_path: Path, kept: float) -> None:
    safe = ONE.write(tmp_path)
    measurement = next((safe / "measurement").glob("*.tiff"))
    data = measurement.read_bytes()
    measurement.write_bytes(data[: int(kept * len(data))])
    image = read_image(safe, "IW1", "VV")
    with pytest.raises(FileFormatError, match=r"cannot be read \(.*truncated; download it again") as caught:
        check_pixels(image)
    assert "\n" not in str(caught.value)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_burst(image, 3)


@pytest.mark.parametrize("write", [Tiny.write, Tiny.write_zip])
def test_missing_pixels_are_said_and_the_annotation_still_read(
    tmp_path: Path, write: Callable[[Tiny, Path], Path]
) -> None:
    path = write(ONE, tmp_path)
    if path.is_dir():
        next((path / "measurement").glob("*.tiff")).unlink()
    else:
        with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "without.zip", "w") as part:
            for name in whole.namelist():
                if not name.endswith(".tiff"):
                    part.writestr(name, whole.read(name))
        path = tmp_path / "without.zip"
    image = read_image(path, "IW1", "VV")
    with pytest.raises(FileFormatError, match=r"has no pixels of IW1 VV .* is missing"):
        check_pixels(image)


def test_a_missing_annotation_is_said(tmp_path: Path) -> None:
    safe = ONE.write(tmp_path)
    next((safe / "annotation").glob("*.xml")).unlink()
    with pytest.raises(FileFormatError, match=r"has no annotation/s1a-iw1-slc-vv.*\.xml: the product is incomplete"):
        read_image(safe, "IW1", "VV")


def test_a_real_missing_annotation_is_said(morocco: list[Path]) -> None:
    with pytest.raises(FileFormatError, match=r"has no annotation/s1a-iw1-slc-vh.*\.xml"):
        read_image(morocco[0], "IW1", "VH")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "truncated; download it again"),
        (lambda text: text.replace("sensingTime", "senseTime"), "has no sensingTime"),
        (lambda text: text.replace("azimuthFmRateList", "azimuthRates"), "has no .*azimuthFmRateList/azimuthFmRate"),
        (lambda text: text.replace("<prf>1717", "<prf>x1717"), "unreadable value .*x1717"),
        (lambda text: text.replace("<swath>IW1", "<swath>S3"), "SLC image of S3: give an IW SLC"),
    ],
)
def test_a_bad_annotation_is_one_clear_error(tmp_path: Path, change: Callable[[str], str], message: str) -> None:
    safe = ONE.write(tmp_path)
    annotation = next((safe / "annotation").glob("*.xml"))
    annotation.write_text(change(annotation.read_text()))
    with pytest.raises(FileFormatError, match=message) as caught:
        read_image(safe, "IW1", "VV")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "mode"), [("GRD", "IW"), ("SLC", "EW"), ("SLC", "S3"), ("RAW", "IW"), ("OCN", "WV")])
def test_other_products_are_refused(tmp_path: Path, kind: str, mode: str) -> None:
    safe = replace(ONE, kind=kind, mode=mode).write(tmp_path)
    if kind == "RAW":  # level 0 states no product type
        rewrite(safe / "manifest.safe", ":productType>", ":other>")
    with pytest.raises(FileFormatError, match=f"of type {kind}, mode {mode}: an interferogram needs an IW SLC"):
        open_safe(safe)


def test_what_is_no_product_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"No product .*gone\.zip: check the path"):
        open_safe(tmp_path / "gone.zip")
    with pytest.raises(FileFormatError, match=r"has no manifest\.safe"):
        open_safe(tmp_path)
    (tmp_path / "notes.txt").write_text("no product")
    with pytest.raises(FileFormatError, match="neither a SAFE folder nor a zip of one"):
        open_safe(tmp_path / "notes.txt")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("notes.txt", "no product")
    with pytest.raises(FileFormatError, match=r"other\.zip is not a SAFE product"):
        open_safe(tmp_path / "other.zip")


def test_an_incomplete_manifest_is_said(tmp_path: Path) -> None:
    safe = ONE.write(tmp_path)
    rewrite(safe / "manifest.safe", "relativeOrbitNumber", "relative")
    with pytest.raises(FileFormatError, match=r"The manifest of .* is incomplete"):
        open_safe(safe)


@pytest.mark.parametrize("address", [False, True])
@pytest.mark.parametrize("index", [0, 2])
def test_a_burst_of_the_archive_equals_the_product_it_was_cut_from(tmp_path: Path, index: int, address: bool) -> None:
    tiny = Tiny()
    whole = read_image(tiny.write(tmp_path), "IW2", "VV")
    product = open_safe(tiny.write_burst(tmp_path / "burst", index, subswath="IW2", address=address))
    assert list(product.images) == [("IW2", "VV")]
    image = read_image(product, "IW2", "VV")
    (burst,) = image.bursts
    assert replace(burst, number=index + 1, byte_offset=whole.bursts[index].byte_offset) == whole.bursts[index]
    assert (product.start, product.stop) == (image.start, image.stop)
    assert image.doppler_centroids == whole.doppler_centroids
    np.testing.assert_array_equal(read_burst(image, 1), read_burst(whole, index + 1))
    np.testing.assert_array_equal(image.grid.line[:, 0], [0, 40 if index == 0 else 39])
    np.testing.assert_array_equal(image.grid.latitude, whole.grid.latitude[index : index + 2])


def test_a_burst_finds_shared_metadata_beside_it(tmp_path: Path) -> None:
    path = ONE.write_burst(tmp_path, 1)
    path.with_suffix(".xml").rename(tmp_path / "S1A_IW_SLC_VV.xml")
    assert read_image(path, "IW1", "VV").bursts[0].burst_id == 110432


def test_a_burst_without_its_metadata_or_name_is_said(tmp_path: Path) -> None:
    path = ONE.write_burst(tmp_path, 1)
    other = replace(ONE, first_burst=110500).write_burst(tmp_path / "other", 1)
    path.with_suffix(".xml").write_text(other.with_suffix(".xml").read_text())
    with pytest.raises(FileFormatError, match=r"is burst 110432, its metadata .* holds 110500 to 110502"):
        open_safe(path)
    path.with_suffix(".xml").unlink()
    with pytest.raises(FileFormatError, match="has no metadata of IW1 VV"):
        open_safe(path)
    with pytest.raises(FileFormatError, match="does not tell its burst"):
        open_safe(path.rename(tmp_path / "renamed.tiff"))


def test_bursts_are_matched_by_their_number(tmp_path: Path) -> None:
    reference = read_image(ONE.write(tmp_path / "a"), "IW1", "VV")
    later = replace(LATER, first_burst=ONE.first_burst + 1, burst_ids=False).write(tmp_path / "b")
    assert common_bursts(reference, read_image(later, "IW1", "VV")) == [(2, 1), (3, 2)]
    apart = replace(LATER, first_burst=ONE.first_burst + 3).write(tmp_path / "c")
    with pytest.raises(PairError, match=r"no common burst in IW1 \(bursts 110431 to 110433 and bursts 110434"):
        common_bursts(reference, read_image(apart, "IW1", "VV"))


def test_a_real_pair_matches(morocco: list[Path]) -> None:
    for subswath in SUBSWATHS:
        reference, secondary = (read_image(path, subswath, "VV") for path in morocco)
        assert common_bursts(reference, secondary) == [(number, number) for number in range(1, 10)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"track": 53}, r"differ in track \(52, 53\): choose two dates of one track"),
        ({"direction": "ascending"}, r"differ in direction \(descending, ascending\)"),
        ({"subswath": "IW2"}, r"differ in subswath \(IW1, IW2\)"),
        ({"polarisation": "VH"}, r"differ in polarisation \(VV, VH\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    reference = read_image(ONE.write(tmp_path / "a"), "IW1", "VV")
    secondary = read_image(LATER.write(tmp_path / "b"), "IW1", "VV")
    check_pair(reference, secondary)
    with pytest.raises(PairError, match=message):
        common_bursts(reference, replace(secondary, **change))


def test_dates_are_two_and_in_order(tmp_path: Path) -> None:
    reference = read_image(ONE.write(tmp_path / "a"), "IW1", "VV")
    secondary = read_image(LATER.write(tmp_path / "b"), "IW1", "VV")
    with pytest.raises(PairError, match="swap them; the reference is the earlier date"):
        check_pair(secondary, reference)
    with pytest.raises(PairError, match=r"are of one passage \(2023-09-16T06:37:31 UTC\): choose two dates"):
        check_pair(reference, reference)


def test_slices_are_put_in_order(tmp_path: Path) -> None:
    paths = [replace(ONE, first_burst=110431 + 3 * place).write(tmp_path) for place in range(3)]
    names = [path.name.removesuffix(".SAFE") for path in paths]
    assert [image.product for image in slices([paths[2], paths[0], paths[1]], "IW1", "VV")] == names
    with pytest.raises(PairError, match=rf"{names[0]} and {names[2]} do not touch in IW1 \(bursts 110431 to 110433"):
        slices([paths[2], paths[0]], "IW1", "VV")
    with pytest.raises(PairError, match="are the same slice: give each once"):
        slices([paths[0], paths[1], open_safe(paths[0])], "IW1", "VV")
    with pytest.raises(PairError, match="are of different data takes"):
        slices([paths[0], LATER.write(tmp_path)], "IW1", "VV")


def test_bursts_of_the_archive_are_slices_too(tmp_path: Path) -> None:
    paths = [ONE.write_burst(tmp_path, index) for index in (1, 0, 2)]
    numbers = [image.bursts[0].burst_id for image in slices(paths, "IW1", "VV")]
    assert numbers == [110431, 110432, 110433]
    with pytest.raises(PairError, match="do not touch"):
        slices(paths[1:], "IW1", "VV")
