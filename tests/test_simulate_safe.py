"""The products on disk: the schema of the real ones, other people's readers, and our own."""

import binascii
import hashlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr
import xarray_sentinel
from lxml import etree

from epi.catalogue.events.read import find_event
from epi.catalogue.images.scenes import is_product_name, scene_from_name
from epi.insar.geometry.heights import read_dem, write_dem
from epi.insar.slc.annotation import Image
from epi.insar.slc.safe import check_pixels, read_burst, read_image
from epi.simulate.slc import sensor
from epi.simulate.slc.pair import Conditions, SimulatedPair, simulate_pair
from epi.simulate.terrain import fractal_dem

REAL = "slc/morocco_2023_annotations"
SIZE = {"lines": 240, "samples": 120, "bursts": 2}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> SimulatedPair:
    """Two subswaths, so that a product has two images."""
    return simulate_pair(
        find_event("20210303-thessaly"),
        tmp_path_factory.mktemp("safe"),
        subswaths=("IW1", "IW2"),
        conditions=Conditions(water=0.0),
        **SIZE,
    )


@pytest.fixture(scope="module", params=["reference", "secondary"])
def product(request: pytest.FixtureRequest, pair: SimulatedPair) -> Path:
    return Path(getattr(pair, request.param))


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("s1-level-1-product.xsd", "annotation/s1*.xml"),
        ("s1-level-1-calibration.xsd", "annotation/calibration/calibration-*.xml"),
        ("s1-level-1-noise.xsd", "annotation/calibration/noise-*.xml"),
    ],
)
def test_data_sets_meet_the_schema_of_real_products(
    product: Path, shared_data: Path, schema: str, pattern: str
) -> None:
    folders = sorted((shared_data / REAL).glob("*.SAFE/support"))
    if not folders:
        pytest.skip(f"no schemas in {shared_data / REAL}")
    for folder in folders:
        validator = etree.XMLSchema(etree.parse(folder / schema))
        files = sorted(product.glob(pattern))
        assert len(files) == 2
        for file in files:
            assert validator.validate(etree.parse(file)), validator.error_log


def test_elements_are_those_of_a_real_annotation(product: Path, shared_data: Path) -> None:
    """Nothing that a real annotation of 2023 says is missing, and nothing is invented."""
    real = sorted((shared_data / REAL).glob("*.SAFE/annotation/*iw1*vv*.xml"))
    if not real:
        pytest.skip(f"no annotations in {shared_data / REAL}")
    ours = next((product / "annotation").glob("*-iw1-*.xml"))
    assert _paths(ours) == _paths(real[0])


def _paths(file: Path) -> set[str]:
    found = set()

    def walk(element: ET.Element, above: str) -> None:
        found.add(f"{above}/{element.tag}")
        for child in element:
            walk(child, f"{above}/{element.tag}")

    walk(ET.parse(file).getroot(), "")
    return found


def test_manifest_has_the_parts_of_a_real_one(product: Path, shared_data: Path) -> None:
    real = sorted((shared_data / REAL).glob("*.SAFE/manifest.safe"))
    if not real:
        pytest.skip(f"no manifest in {shared_data / REAL}")
    for tag in ("safe:orbitReference", "safe:platform", "s1sarl1:standAloneProductInformation", "safe:frameSet"):
        wanted, found = (
            re.findall(r"<([\w:]+)", re.search(f"<{tag}[ >].*?</{tag}>", path.read_text(), re.DOTALL)[0])
            for path in (real[0], product / "manifest.safe")
        )
        assert set(found) == set(wanted), tag


def test_manifest_names_every_file_with_its_checksum(product: Path) -> None:
    root = ET.parse(product / "manifest.safe").getroot()
    named = set()
    for stream in root.iter("byteStream"):
        path = product / stream.find("fileLocation").attrib["href"]
        named.add(path.resolve())
        assert path.stat().st_size == int(stream.attrib["size"])
        assert hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == stream.findtext("checksum")
    inside = {path.resolve() for path in product.rglob("*") if path.is_file()} - {(product / "manifest.safe").resolve()}
    assert named == inside
    assert product.stem[-4:] == f"{binascii.crc_hqx((product / 'manifest.safe').read_bytes(), 0xFFFF):04X}"


def test_manifest_says_that_nobody_took_it(product: Path) -> None:
    assert 'name="epi simulator"' in (product / "manifest.safe").read_text()


def test_name_is_that_of_a_product_of_its_track(product: Path) -> None:
    assert is_product_name(product.stem)
    scene = scene_from_name(product.stem)
    assert (scene.mode, scene.level, scene.polarisations, scene.track) == ("IW", "SLC", ("VV",), 102)


def test_gdal_opens_manifest_and_measurement(product: Path) -> None:
    with rasterio.open(product / "manifest.safe") as opened:
        assert opened.driver == "SAFE"
        subdatasets = opened.subdatasets
    wanted = [name for name in subdatasets if name.startswith("SENTINEL1_CALIB:UNCALIB") and "IW2_VV:COMPLEX" in name]
    assert len(wanted) == 1
    ours = read_burst(read_image(product, "IW2", "VV"), 1)
    with rasterio.open(wanted[0]) as opened:
        assert opened.shape == (2 * SIZE["lines"], SIZE["samples"])
        assert len(opened.gcps[0]) == 3 * 21
        np.testing.assert_array_equal(opened.read(1)[: SIZE["lines"]], ours)


def test_xarray_sentinel_reads_all_groups(product: Path) -> None:
    described = xarray_sentinel.open_sentinel1_dataset(product).attrs
    assert described["relative_orbit_number"] == 102
    image = read_image(product, "IW1", "VV")
    for group in described["subgroups"]:
        opened = xr.open_dataset(product, engine="sentinel-1", group=group)
        opened.close()
    measured = xr.open_dataset(product, engine="sentinel-1", group="IW1/VV")
    second = xarray_sentinel.crop_burst_dataset(measured, burst_index=1)
    np.testing.assert_array_equal(second["measurement"].values, read_burst(image, 2))
    assert abs(second["azimuth_time"].values[0] - image.bursts[1].azimuth_time) < np.timedelta64(1, "us")


def test_bursts_begin_at_their_byte_offsets(product: Path) -> None:
    image = read_image(product, "IW1", "VV")
    raw = np.fromfile(image.measurement, dtype="<i2", offset=image.bursts[1].byte_offset)
    samples = raw[: 2 * SIZE["samples"] * SIZE["lines"]].astype(np.float32).view(np.complex64)
    np.testing.assert_array_equal(samples.reshape(SIZE["lines"], -1), read_burst(image, 2))


def test_border_is_zero_and_annotated(product: Path) -> None:
    image = read_image(product, "IW1", "VV")
    check_pixels(image)
    for burst in image.bursts:
        pixels = read_burst(image, burst.number)
        inside = np.zeros(pixels.shape, bool)
        inside[burst.first_line : burst.last_line + 1, burst.first_sample : burst.last_sample + 1] = True
        assert not pixels[~inside].any()
        assert (pixels[inside] != 0).mean() > 0.99
        assert inside.mean() < 1


def test_digital_numbers_and_calibration_agree(product: Path) -> None:
    """Backscatter by the calibration is that of the land cover drawn: between -14 and -7 dB."""
    image = read_image(product, "IW1", "VV")
    tables = xr.open_dataset(product, engine="sentinel-1", group="IW1/VV/calibration")
    pixels = read_burst(image, 1)
    power = np.mean(np.abs(pixels[pixels != 0]) ** 2) / float(tables["sigmaNought"].mean()) ** 2
    assert -14 < 10 * np.log10(power) < -7
    assert float(tables["betaNought"].max()) == sensor.GAIN


def test_annotation_is_what_was_simulated(pair: SimulatedPair) -> None:
    reference, secondary = (read_image(path, "IW1", "VV") for path in (pair.reference, pair.secondary))
    facts = sensor.SUBSWATHS["IW1"]
    assert (reference.platform, secondary.platform) == ("S1A", "S1B")
    assert reference.track == secondary.track == 102
    assert reference.direction == "ascending"
    assert reference.azimuth_bandwidth == facts.azimuth_bandwidth
    assert reference.range_bandwidth == facts.range_bandwidth
    assert np.degrees(reference.azimuth_steering_rate) == pytest.approx(facts.steering_rate)
    assert [burst.burst_id for burst in reference.bursts] == [burst.burst_id for burst in secondary.bursts]
    assert reference.bursts[1].burst_id == reference.bursts[0].burst_id + 1
    days = (secondary.start - reference.start) / np.timedelta64(1, "D")
    assert days == pytest.approx(6, abs=0.01)
    assert _step(reference) == pytest.approx(_step(secondary), abs=1e-6)


def _step(image: Image) -> float:
    return float((image.bursts[1].azimuth_time - image.bursts[0].azimuth_time) / np.timedelta64(1, "ns")) * 1e-9


def test_geolocation_grid_lies_on_the_terrain(pair: SimulatedPair) -> None:
    grid = read_image(pair.reference, "IW2", "VV").grid
    with rasterio.open(pair.dem) as dem:
        assert dem.crs.to_epsg() == 4979
        places = zip(grid.longitude.ravel(), grid.latitude.ravel(), strict=True)
        nearest = np.array([value[0] for value in dem.sample(places)])
    np.testing.assert_allclose(grid.height.ravel(), nearest, atol=60.0)  # 3" apart, slopes to 45 degrees
    assert np.abs(grid.height.ravel() - nearest).mean() < 12.0
    assert grid.incidence_angle.min() > 36.0  # the second subswath begins there


def test_terrain_is_read_back_as_it_was_drawn(tmp_path: Path) -> None:
    bounds = (22.0, 39.0, 22.1, 39.1)
    dem = fractal_dem(bounds, relief_m=200.0, water=0.2, seed=1)
    again = read_dem(write_dem(dem, tmp_path / "dem.tif"), bounds=bounds)
    assert again.datum == "ellipsoid"
    latitude, longitude = np.meshgrid(np.linspace(39.01, 39.09, 30), np.linspace(22.01, 22.09, 30))
    np.testing.assert_allclose(again.sample(latitude, longitude), dem.sample(latitude, longitude), atol=1e-3)
    assert np.mean(dem.heights == dem.heights.min()) == pytest.approx(0.2, abs=0.02)
