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

from epi.errors import ParameterError, PatchStoreError, StorageError
from epi.patches import check, concatenate, cut, read, read_table, write
from epi.patches.store import CSV_NAME, H5_NAME
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


def test_some_rows_are_read_and_checked_alone(store, patches):
    for rows in ([20, 3, 3], np.arange(25) % 2 == 0):
        part, wanted = read(store, rows=rows), patches.take(rows)
        pd.testing.assert_frame_equal(part.table, wanted.table, check_exact=True)
        np.testing.assert_array_equal(part.q, wanted.q)
    FAULTS["nan"][0](store)
    assert len(read(store, rows=[1, 2])) == 2
    with pytest.raises(PatchStoreError, match="q holds values that are not finite: row 2 "):
        read(store, rows=[4, 0])
    for rows in ([25], [-1], [], np.ones(24, bool)):
        with pytest.raises(ParameterError, match=r"store of 25 patches were asked by \d+ values: give a mask"):
            read(store, rows=rows)


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


def infinite_in_second(group, names):
    group["coh"][names[1]][0, 19] = np.inf


def exchanged(group, names):
    first, third = (group["q"][names[n]][()] for n in (0, 2))
    group["q"][names[0]][...], group["q"][names[2]][...] = third, first


FAULTS = {
    "image lost": (break_h5(lambda g, n: g["q"].pop(n[1])), r"has no q for rows of patches\.csv: row 2 \(20210303"),
    "band lost": (break_h5(lambda g, n: g.pop("coh")), r"has no coh for rows .*and 22 more"),
    "row lost": (break_csv(lambda t: t.drop(index=7)), r"3 images have no row in patches\.csv"),
    "row twice": (
        break_csv(lambda t: pd.concat([t, t.iloc[:1]])),
        r"given twice: row 26 \(20210303-thessaly merged patch_000000",
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
    "band of another kind": (
        break_h5(lambda g, n: replaced(g, "coh", np.zeros(3, "f4"))),
        r"has no coh for rows of patches\.csv: row 1 .*and 22 more",
    ),
    "bytes the other way round": (
        break_h5(lambda g, n: replaced(g["i"], n[2], g["i"][n[2]][()].astype(">f4"))),
        r"i is not a float32 square of `pixels` a side: row 3",
    ),
    "infinite": (break_h5(infinite_in_second), r"coh holds values that are not finite: row 2 "),
    "two images exchanged": (
        break_h5(exchanged),
        r"pixels differ from those patches\.csv was written with: row 1 .*, row 3 ",
    ),
    "image of no patch": (
        break_h5(lambda g, n: g.create_dataset("extra", data=np.zeros((20, 20), "f4"))),
        r"1 images have no row in patches\.csv \(first 20210303-thessaly/merged/extra\)",
    ),
    "key lost": (
        break_csv(lambda t: t.assign(patch=t["patch"].mask(t.index == 5))),
        r"event, subswath or patch is empty or holds a slash: row 6 ",
    ),
    "text for a number": (
        break_csv(lambda t: t.assign(distance_km=t["distance_km"].astype(object).mask(t.index == 2, "far"))),
        r"distance_km is no number: row 3 .*Put the number back",
    ),
    "endless": (
        break_csv(lambda t: t.assign(center_east_km=t["center_east_km"].mask(t.index == 3, np.inf))),
        r"center_east_km is infinite: row 4 .*Put the number back",
    ),
    "size lost": (
        break_csv(lambda t: t.assign(pixels=t["pixels"].astype(float).mask(t.index == 8))),
        r"pixels is no whole number: row 9 ",
    ),
    "two sizes": (
        break_csv(lambda t: t.assign(pixels=t["pixels"].mask(t.index == 8, 10))),
        r"patches of \[10, 20\] pixels a side in one store",
    ),
    "rows all lost": (break_csv(lambda t: t.iloc[:0]), r"patches\.csv has no row"),
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
        (replace(patches, q=patches.q[:, :-1]), r"q is \(25, 19, 20\) of float32 for 25 rows: give .* of float32"),
        (replace(patches, q=patches.q[:-1]), r"q is \(24, 20, 20\) of float32 for 25 rows"),
        (replace(patches, table=patches.table.drop(columns=["group", "row"])), "columns group, row are missing"),
        (replace(patches, table=patches.table.assign(pixels=64)), "pixels is not the 20 of the images: row 1 "),
        (replace(patches, table=patches.table.assign(event="a/b")), "is empty or holds a slash: row 1 "),
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
