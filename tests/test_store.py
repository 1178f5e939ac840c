"""The patch store: what is written comes back, and two files that disagree are refused with the rows named."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from epi.errors import PatchStoreError, StorageError
from epi.patches import check, concatenate, cut, export_published, read, read_table, write
from epi.patches.store import CSV_NAME, H5_NAME, PUBLISHED
from patch_scenes import plane_scene

KEY = "20210303-thessaly/merged"


@pytest.fixture(scope="module")
def patches():
    return cut(plane_scene(60), size_km=10, pixels=20, epicentre=(39.8, 22.3))


@pytest.fixture
def store(tmp_path, patches):
    write(tmp_path, patches)
    return tmp_path


def test_what_is_written_comes_back(store, patches):
    back = read(store)
    pd.testing.assert_frame_equal(back.table, patches.table, check_exact=True)
    for band in ("coh", "i", "q"):
        np.testing.assert_array_equal(back.band(band), patches.band(band))
    assert check(store) == 25


def test_layout_and_types(store, patches):
    with h5py.File(store / H5_NAME) as file:
        image = file[f"{KEY}/coh/{patches.table['patch'][3]}"]
        assert image.dtype == np.float32
        assert image.chunks == image.shape == (20, 20)
        assert set(file[KEY]) == {"coh", "i", "q"}
    assert len(read_table(store)) == 25
    assert sorted(path.name for path in store.iterdir()) == [CSV_NAME, H5_NAME]


def test_writing_twice_gives_the_same_bytes(store, patches):
    before = [(store / name).read_bytes() for name in (H5_NAME, CSV_NAME)]
    write(store, patches)
    assert [(store / name).read_bytes() for name in (H5_NAME, CSV_NAME)] == before


def test_several_events_and_unlabelled_scenes_share_a_store(tmp_path, patches):
    other = cut(plane_scene(60, origin=None), size_km=10, pixels=20, event="20240101-other")
    write(tmp_path, concatenate([patches, other]))
    back = read(tmp_path).table
    assert list(back["event"].unique()) == ["20210303-thessaly", "20240101-other"]
    assert back.loc[back["event"] == "20240101-other", "distance_km"].isna().all()


def break_h5(change):
    def apply(folder):
        with h5py.File(folder / H5_NAME, "r+") as file:
            change(file[KEY], sorted(file[KEY]["coh"]))

    return apply


def break_csv(change):
    def apply(folder):
        table = pd.read_csv(folder / CSV_NAME, dtype={"checksum": str})
        change(table).to_csv(folder / CSV_NAME, index=False)

    return apply


def replaced(group, name, data):
    del group[name]
    group[name] = data


def nan_in_first(group, names):
    group["q"][names[0]][2, 2] = np.nan


def changed_pixel(group, names):
    group["i"][names[4]][0, 0] += 1


FAULTS = {
    "image lost": (break_h5(lambda g, n: g["q"].pop(n[1])), r"has no q for rows of patches\.csv: row 2 \(20210303"),
    "band lost": (break_h5(lambda g, n: g.pop("coh")), r"has no coh for rows .*and 22 more"),
    "row lost": (break_csv(lambda t: t.drop(index=7)), r"3 images have no row in patches\.csv"),
    "row twice": (
        break_csv(lambda t: pd.concat([t, t.iloc[:1]])),
        r"given twice: row 26 \(20210303-thessaly patch_000000",
    ),
    "other type": (
        break_h5(lambda g, n: replaced(g["i"], n[2], np.zeros((20, 20)))),
        r"i is not a float32 square of `pixels` a side: row 3",
    ),
    "other shape": (
        break_h5(lambda g, n: replaced(g["i"], n[2], np.zeros((8, 20), "f4"))),
        r"i is not a float32 square of `pixels` a side: row 3",
    ),
    "nan": (break_h5(nan_in_first), r"q holds values that are not finite: row 1 "),
    "pixel changed": (break_h5(changed_pixel), r"pixels differ from those patches\.csv was written with: row 5 "),
    "column lost": (break_csv(lambda t: t.drop(columns="distance_km")), "lacks the columns distance_km"),
    "no pixels": (lambda folder: (folder / H5_NAME).unlink(), r"No patches\.h5 beside"),
    "no rows": (lambda folder: (folder / CSV_NAME).unlink(), r"No patches\.csv in"),
    "truncated": (lambda folder: os.truncate(folder / H5_NAME, 900), "cannot be read"),
    "not a table": (lambda folder: (folder / CSV_NAME).write_bytes(b"\x89PNG\xff\x00"), "is not a table of patches"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_store_is_refused_with_its_rows(store, fault):
    damage, message = FAULTS[fault]
    damage(store)
    with pytest.raises(PatchStoreError, match=message) as caught:
        check(store)
    assert "\n" not in str(caught.value)


def test_bad_patches_are_not_written_and_leave_what_is_there(store, patches):
    holed = patches.coh.copy()
    holed[3] = np.nan
    for bad, message in (
        (replace(patches, coh=holed), "coh holds values that are not finite: row 4 "),
        (replace(patches, i=patches.i.astype(float)), "i is .* of float64"),
        (concatenate([patches, patches]), "given twice"),
        (patches.take([]), "no patch at all"),
    ):
        with pytest.raises(PatchStoreError, match=message):
            write(store, bad)
    assert check(store) == 25


def test_killed_between_the_two_files_the_store_is_refused_not_mixed(store, patches):
    """The pixels take their name first; killed before the rows do, old rows and new pixels must not pass as one."""
    script = f"""
        import os, signal
        from pathlib import Path
        import numpy as np
        from epi.patches import read, write
        from dataclasses import replace
        found = read({str(store)!r})
        rename = Path.replace
        def die_after(self, target):
            rename(self, target)
            os.kill(os.getpid(), signal.SIGKILL)
        Path.replace = die_after
        write({str(store)!r}, replace(found, coh=found.coh / 2))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(PatchStoreError, match=r"pixels differ .* row 1 .* and 22 more\. Cut the patches again"):
        read(store)
    write(store, patches)
    assert check(store) == 25


def test_full_disk_is_said_and_leaves_what_is_there(store, patches, monkeypatch):
    """The pixels are made in memory: HDF5 itself ends in a segmentation fault when a disk fills up under it."""

    def full(path, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"No space left to write .*patches\.h5: free some disk space"):
        write(store, patches)
    assert sorted(path.name for path in store.iterdir()) == [CSV_NAME, H5_NAME]
    assert check(store) == 25


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
