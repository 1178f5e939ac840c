"""The published form: a row a band, images by interferogram, band and patch; what is exported can be read back."""

from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from epi.errors import FileFormatError, PatchStoreError
from epi.patches import PUBLISHED, cut, cut_radar, export_published, import_published, read_published
from patch_scenes import plane_scene, radar_scene


@pytest.fixture(scope="module")
def patches():
    return cut(plane_scene(60), size_km=10, pixels=20, epicentre=(39.8, 22.3))


def test_published_form_has_a_row_a_band_and_true_distances(tmp_path, patches):
    described = patches.table.assign(
        subswath="IW1", polarisation="VV", reference="2021-02-25T16:31:00", secondary="2021-03-03T16:31:00"
    )
    path = export_published(replace(patches, table=described), tmp_path / "labels.csv", index={"20210303-thessaly": 7})
    published = pd.read_csv(path)
    assert tuple(published) == PUBLISHED
    assert len(published) == 75
    assert published["patch_index"].is_unique
    assert list(published["band"][:3]) == [
        "coh_IW1_VV_25Feb2021_03Mar2021",
        "i_ifg_VV_25Feb2021_03Mar2021",
        "q_ifg_VV_25Feb2021_03Mar2021",
    ]
    assert published["interferogram"].eq("Interferogram_7_IW1").all()
    assert published["patches"][3] == "patch_0_10"
    lon, lat = published["center_lon"], published["center_lat"]
    metres = Geod(ellps="WGS84").inv(lon, lat, published["epicenter_lon"], published["epicenter_lat"])[2]
    np.testing.assert_allclose(published["distance"], metres, atol=0.51)


def test_published_columns_are_those_of_the_published_labels(shared_data):
    """Also the published definition of normalized_distance, on rows that do not cross the antimeridian."""
    published = pd.read_csv(shared_data / "seed_labels/test.csv")
    assert tuple(published) == PUBLISHED
    north = (published["epicenter_lat"] - published["center_lat"]) / 180
    east = (published["epicenter_lon"] - published["center_lon"]) / 360
    np.testing.assert_allclose(np.hypot(north, east), published["normalized_distance"], atol=2e-6)


def test_nothing_is_published_without_a_georeference(tmp_path):
    local = cut(plane_scene(60, origin=None), size_km=10, pixels=20)
    with pytest.raises(PatchStoreError, match="No latitude and longitude to publish: row 1"):
        export_published(local, tmp_path / "labels.csv")


@pytest.fixture
def subswath():
    scene = radar_scene((100, 60), looks=(10, 25)).assign_attrs(
        polarisation="VV",
        reference="S1A_IW_SLC__1SDV_20180106T025411_20180106T025439_020028_0221F4_0110",
        secondary="S1A_IW_SLC__1SDV_20180118T025410_20180118T025438_020203_022783_6334",
    )
    return cut_radar(scene, side=500, pixels=10, epicentre=(39.8, 22.3))


@pytest.fixture
def published(tmp_path, subswath):
    export_published(subswath, tmp_path / "labels.csv", index={"20210303-thessaly": 7}, pixels=tmp_path / "images.h5")
    return tmp_path / "labels.csv", tmp_path / "images.h5"


def test_images_and_names_are_keyed_as_published(published, subswath):
    """The keys that the thesis's own training code reads: interferogram, band, patch."""
    labels = pd.read_csv(published[0])
    assert labels["patches"].unique().tolist() == [f"patch_{y}_{x}" for y in (0, 500) for x in (0, 500, 1000)]
    assert labels["band"][0] == "coh_IW1_VV_06Jan2018_18Jan2018"
    with h5py.File(published[1]) as file:
        for _, row in labels.iterrows():
            assert file[f"{row['interferogram']}/{row['iw_band']}/{row['patches']}"].shape == (10, 10)
        np.testing.assert_array_equal(file["Interferogram_7_IW1/q/patch_500_1000"], subswath.q[5])


def test_what_is_exported_is_read_back(published, subswath):
    back = import_published(*published)
    for band in ("coh", "i", "q"):
        np.testing.assert_array_equal(back.band(band), subswath.band(band))
    same = [name for name in subswath.table if name.startswith(("lat_", "lon_", "center_l", "epicenter_l"))]
    same += ["subswath", "patch", "pixels", "valid_fraction", "coherence_mean"]
    pd.testing.assert_frame_equal(back.table[same], subswath.table[same], check_dtype=False)
    np.testing.assert_allclose(back.table["distance_km"], subswath.table["distance_km"], atol=5e-4)
    assert set(back.table["event"]) == {"7"}
    assert list(back.table["reference"].unique()) == ["2018-01-06"]


def test_faulty_labels_are_refused_unless_asked_for(published):
    labels = pd.read_csv(published[0])
    labels.assign(distance=labels["distance"] * 2).to_csv(published[0], index=False)
    with pytest.raises(PatchStoreError, match=r"kind\(s\) of fault in 6 labels: .*row 1 "):
        import_published(*published)
    assert len(import_published(*published, sound=False)) == 6


def test_images_that_are_missing_or_spoilt_are_named(published):
    with h5py.File(published[1], "r+") as file:
        del file["Interferogram_7_IW1/i/patch_0_500"]
    with pytest.raises(PatchStoreError, match=r"has no i for rows of its table: row 2 \(7 IW1 patch_0_500\)"):
        import_published(*published)
    with h5py.File(published[1], "r+") as file:
        file["Interferogram_7_IW1/i/patch_0_500"] = np.full((10, 10), np.nan, "f4")
    with pytest.raises(PatchStoreError, match=r"i holds values that are not finite: row 2 "):
        import_published(*published)
    published[1].write_bytes(b"no HDF5")
    with pytest.raises(PatchStoreError, match=r"holds no image of Interferogram_7_IW1/coh .*: give the HDF5 file that"):
        import_published(*published)
    with pytest.raises(FileFormatError, match="No file"):
        import_published(published[0].with_name("none.csv"), published[1])


def test_an_event_without_a_number_is_not_published(tmp_path, subswath):
    with pytest.raises(PatchStoreError, match=r"No number to publish: row 1 .*Name the event in index"):
        export_published(subswath, tmp_path / "labels.csv", index={"another": 1})


def test_the_thesis_labels_are_read_and_their_faults_seen(tmp_path, shared_data):
    """1,499 patches of 40 earthquakes; images that stand in for its own, which were not published."""
    path = shared_data / "seed_labels/test.csv"
    labels = read_published(path)
    with h5py.File(tmp_path / "images.h5", "w") as file:
        for row in labels.itertuples():
            for band in ("coh", "i", "q"):
                file[f"Interferogram_{row.event}_{row.subswath}/{band}/{row.patch}"] = np.full((2, 2), 0.5, "f4")
    back = import_published(path, tmp_path / "images.h5", sound=False)
    assert len(back) == 1499
    assert back.table["event"].nunique() == 40
    assert back.table["distance_km"].max() > 20_004  # km, half the globe: kept as published
    with pytest.raises(PatchStoreError, match=r"kind\(s\) of fault in 1499 labels"):
        import_published(path, tmp_path / "images.h5")
