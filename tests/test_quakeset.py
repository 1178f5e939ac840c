"""QuakeSet: what torchgeo reads is what was written, and every fault of a file is one clear error."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from epi.errors import FileFormatError, ParameterError
from epi.learn.libraries import import_quakeset
from epi.learn.magnitude.baselines import change_statistics
from epi.learn.magnitude.layout import check_quakeset
from epi.learn.magnitude.quakeset import (
    FLOOR_DB,
    average,
    decibels,
    measure_scaling,
    open_quakeset,
)
from epi.simulate.backscatter import FILENAME, SIMULATED, write_quakeset

RECIPE = replace(SIMULATED, side=64)
IMAGES = ("before", "pre", "post")
COUNTS = {"train": 3, "validation": 2, "test": 2}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("quakeset")
    write_quakeset(folder / FILENAME, RECIPE, 0, COUNTS, 32)
    return folder


@pytest.fixture
def folder(tmp_path, made):
    (tmp_path / FILENAME).write_bytes((made / FILENAME).read_bytes())
    return tmp_path


def test_torchgeo_reads_what_is_written(made):
    """As any user of torchgeo would: positives and hard negatives in turn."""
    for split, part in (("train", "train"), ("val", "validation"), ("test", "test")):
        dataset = import_quakeset()(str(made), split=split)
        assert len(dataset) == 2 * COUNTS[part]
        with h5py.File(made / FILENAME) as file:
            for number, sample in enumerate(dataset):
                event = file[dataset.data[number]["key"]]
                images = ("before", "pre") if number % 2 else ("pre", "post")
                both = np.concatenate([event["patch_0"][name][()] for name in images], axis=-1)
                assert np.array_equal(sample["image"].numpy(), both.transpose(2, 0, 1))
                assert sample["label"] == 1 - number % 2
                assert float(sample["magnitude"]) == pytest.approx(0 if number % 2 else event.attrs["magnitude"])


@pytest.fixture(scope="module")
def as_published(tmp_path_factory):
    """Two earthquakes of three and two patches of 512 x 512 pixels; of one patch there is no image before them."""
    folder = tmp_path_factory.mktemp("published")
    packed = {"compression": "gzip", "compression_opts": 1, "chunks": (512, 512, 2)}
    with h5py.File(folder / FILENAME, "w") as file:
        for event, magnitude, patches in (("622358245", 6.4, 2), ("611831533", 4.7, 3)):
            group = file.create_group(event)
            group.attrs["magnitude"], group.attrs["split"] = magnitude, "train"
            group["x"], group["y"] = 20.0 + np.arange(patches), 38.0 + np.arange(patches)
            for number in range(patches):
                patch = group.create_group(f"patch_{number}")
                for name in IMAGES:
                    if (event, number, name) != ("611831533", 1, "before"):
                        patch.create_dataset(name, data=published_image(event, number, name), **packed)
    return folder


def published_image(event, number, name):
    """Even ground of its own VV and VH, with a bright square in the first rows and last columns and a dark last row."""
    image = np.empty((512, 512, 2), dtype=np.float32)
    image[:] = np.array([0.1, 0.02]) * (1 + number + 0.1 * IMAGES.index(name)) * (1 if event == "611831533" else 0.5)
    image[:4, -4:] *= 10
    image[-1] = np.nan
    return image


PUBLISHED_PAIRS = [
    ("611831533", "patch_0", 1, 4.7),
    ("611831533", "patch_0", 0, 0.0),
    ("611831533", "patch_1", 1, 4.7),
    ("611831533", "patch_2", 1, 4.7),
    ("611831533", "patch_2", 0, 0.0),
    ("622358245", "patch_0", 1, 6.4),
    ("622358245", "patch_0", 0, 0.0),
    ("622358245", "patch_1", 1, 6.4),
    ("622358245", "patch_1", 0, 0.0),
]


def test_the_published_layout_is_read_by_torchgeo(as_published):
    dataset = import_quakeset()(str(as_published), split="train")
    assert [tuple(each[name] for name in ("key", "patch", "label", "magnitude")) for each in dataset.data] == (
        PUBLISHED_PAIRS
    )
    for row, names in ((3, ("pre", "post")), (4, ("before", "pre"))):
        event, patch, label, magnitude = PUBLISHED_PAIRS[row]
        both = [published_image(event, int(patch[-1]), name) for name in names]
        sample = dataset[row]
        assert np.array_equal(sample["image"], np.nan_to_num(np.concatenate(both, axis=-1)).transpose(2, 0, 1))
        assert (int(sample["label"]), float(sample["magnitude"])) == (label, pytest.approx(magnitude))


def test_the_published_layout_is_opened_in_the_same_order(as_published):
    patches = check_quakeset(as_published)
    assert patches["before"].tolist() == [True, False, True, True, True]
    assert set(patches["rows"]) == {512}
    (pairs,) = open_quakeset(as_published, pixels=128).values()
    columns = ["event", "patch", "label", "magnitude"]
    assert [tuple(row) for row in pairs.table[columns].itertuples(index=False)] == PUBLISHED_PAIRS
    assert pairs.magnitude.tolist() == [each[3] for each in PUBLISHED_PAIRS]
    power = [0.1 * 2.1, 0.02 * 2.1, 0.1 * 2.2, 0.02 * 2.2]  # VV and VH of pre, then of post
    ground = torch.tensor(power)[:, None, None].log10() * 10
    found = pairs.decibels(row := PUBLISHED_PAIRS.index(("611831533", "patch_1", 1, 4.7)))
    expected = ground.expand(4, 128, 128).clone()
    expected[:, 0, -1] += 10  # a square of 4 x 4 pixels is one; the row without data leaves its neighbours as they are
    assert torch.allclose(found, expected, atol=1e-4)
    whole = open_quakeset(as_published, pixels=512)["train"].decibels(row)
    assert torch.isnan(whole[:, -1]).all()
    assert torch.allclose(whole[:, 4:-1], ground.expand(4, 507, 512), atol=1e-4)


def test_pairs_of_parts_are_apart_and_know_their_truth(made):
    parts = open_quakeset(made, pixels=32)
    assert {name: len(pairs) for name, pairs in parts.items()} == {part: 2 * count for part, count in COUNTS.items()}
    events = [set(pairs.table["event"]) for pairs in parts.values()]
    assert len(set.union(*events)) == sum(COUNTS.values())
    train = parts["train"]
    assert (train.magnitude[1::2] == 0).all()
    assert (train.magnitude[::2] >= 4).all()
    assert train.decibels(0).shape == (4, 32, 32)
    assert torch.equal(train.decibels(0)[:2], train.decibels(1)[2:])  # pre of both pairs is the same image
    assert {"distance_km", "slid", "intensity"} <= set(train.table)


def test_decibels_have_a_floor_and_no_data_is_none():
    power = torch.tensor([[[1.0, 0.1, 1e-9, 0.0, -1.0, torch.nan, torch.inf]]])
    assert decibels(power)[0, 0].nan_to_num(99.0).tolist() == pytest.approx([0, -10, FLOOR_DB, 99, 99, 99, 99])


def test_averages_are_of_power_and_leave_holes_out():
    power = torch.full((1, 4, 4), 2.0)
    power[0, 0, 0], power[0, :2, 2:] = 6.0, 0.0
    found = average(power, 2)
    assert found[0, 0, 0] == pytest.approx(3.0)
    assert torch.isnan(found[0, 0, 1])
    assert average(power, 4) is power


def test_scaling_is_of_training_pairs_and_holes_become_the_mean(made):
    pairs = open_quakeset(made, pixels=32)["train"]
    scaling = measure_scaling(pairs)
    scaled = torch.stack([scaling(pairs.decibels(number)) for number in range(len(pairs))])
    assert scaled.mean((0, 2, 3)) == pytest.approx(torch.zeros(4), abs=1e-4)
    assert scaled.std((0, 2, 3)) == pytest.approx(torch.ones(4), abs=1e-2)
    hole = pairs.decibels(0).clone()
    hole[:, :5, :5] = torch.nan
    assert (scaling(hole)[:, :5, :5] == 0).all()


def test_larger_images_are_averaged(made):
    full, coarse = (open_quakeset(made, pixels=pixels)["test"] for pixels in (32, 16))
    power = 10 ** (full.decibels(0) / 10)
    assert torch.allclose(10 ** (coarse.decibels(0) / 10), torch.nn.functional.avg_pool2d(power, 2), rtol=1e-3)
    with pytest.raises(ParameterError, match="24 pixels were asked of images of 32"):
        open_quakeset(made, pixels=24)


def test_no_file(tmp_path):
    with pytest.raises(FileFormatError, match="give the folder that holds QuakeSet's"):
        check_quakeset(tmp_path)


def test_a_file_that_is_no_hdf5_or_was_cut_off(folder):
    whole = (folder / FILENAME).read_bytes()
    for content in (b"no hdf5 at all", whole[: len(whole) // 2]):
        (folder / FILENAME).write_bytes(content)
        with pytest.raises(FileFormatError, match="not a whole HDF5 file"):
            check_quakeset(folder)


def test_a_group_whose_bytes_are_damaged(folder):
    content = (folder / FILENAME).read_bytes()
    with h5py.File(folder / FILENAME) as file:
        at = h5py.h5o.get_info(file["0000001"]["patch_0"].id).addr
    (folder / FILENAME).write_bytes(content[:at] + b"\xff" * 64 + content[at + 64 :])
    with pytest.raises(FileFormatError, match="not a whole HDF5 file"):
        check_quakeset(folder)


def test_an_image_whose_bytes_are_damaged(folder):
    pairs = open_quakeset(folder, pixels=16)["train"]
    row = pairs.table.iloc[0]
    with h5py.File(folder / FILENAME, "a") as file:
        patch = file[row["event"]][row["patch"]]
        values = patch.pop("pre")[:]
        chunk = patch.create_dataset("pre", data=values, compression="gzip").id.get_chunk_info(0)
    with (folder / FILENAME).open("r+b") as file:
        file.seek(chunk.byte_offset)
        file.write(b"\xff" * min(64, chunk.size))
    with pytest.raises(FileFormatError, match=rf"{row['event']}/{row['patch']} cannot be read .*leave the patch out"):
        pairs.decibels(0)


def spoil_attribute(name, value):
    def spoil(file):
        if value is None:
            del file["0000000"].attrs[name]
        else:
            file["0000000"].attrs[name] = value

    return spoil


def spoil_image(name, value):
    def spoil(file):
        del file["0000000"]["patch_0"][name]
        if value is not None:
            file["0000000"]["patch_0"][name] = value

    return spoil


def empty_event(file):
    del file["0000000"]["patch_0"]


def no_group(file):
    file["9999999"] = np.zeros(3)


def all_smaller(file):
    del file["0000000"]["patch_0"]
    patch = file["0000000"].create_group("patch_0")
    for name in ("before", "pre", "post"):
        patch[name] = np.ones((16, 16, 2), np.float32)


def no_negatives(file):
    for event in file:
        if file[event].attrs["split"] == "test":
            del file[event]["patch_0"]["before"]


def same_place_in_two_parts(file):
    file.copy("0000000", "2999999")
    file["2999999"].attrs["split"] = "test"


def nothing(file):
    for event in list(file):
        del file[event]


def image_is_a_group(file):
    del file["0000000/patch_0/pre"]
    file.create_group("0000000/patch_0/pre")


def place_is_text(file):
    for name in ("x", "y"):
        if name in file["0000000"]:
            del file["0000000"][name]
        file["0000000"][name] = "east"


def other_things(file):
    file["0000000/epicenter"] = np.zeros(2)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_attribute("split", None), "earthquake 0000000 has no attribute split"),
        (spoil_attribute("split", "holdout"), "has split 'holdout'"),
        (spoil_attribute("magnitude", None), "earthquake 0000000 has no attribute magnitude"),
        (spoil_attribute("magnitude", 11.5), "has magnitude 11.5: it must be one number above 0, and at most 10"),
        (spoil_attribute("magnitude", -1.0), "has magnitude -1.0"),
        (spoil_attribute("magnitude", np.nan), "has magnitude nan"),
        (spoil_attribute("magnitude", "strong"), "has magnitude strong"),
        (spoil_image("post", None), "patch 0000000/patch_0 has no image post"),
        (spoil_image("pre", None), "has no image pre"),
        (spoil_image("post", np.ones((32, 32, 3), np.float32)), "post \\(32, 32, 3\\)"),
        (spoil_image("post", np.ones((32, 16, 2), np.float32)), "all must be alike and square"),
        (spoil_image("post", np.ones((32, 32), np.float32)), "all must be alike and square"),
        (spoil_image("post", np.ones((32, 32, 2), np.complex64)), "holds no real numbers"),
        (empty_event, "earthquake 0000000 has no patch"),
        (no_group, "9999999 is no group of patches"),
        (all_smaller, "has patches of \\[16, 32\\] pixels"),
        (spoil_attribute("magnitude", np.array([5.0])), r"has magnitude \[5\.\]: it must be one number"),
        (image_is_a_group, "patch 0000000/patch_0 has no image pre"),
        (place_is_text, "x and y of earthquake /0000000 are no numbers"),
        (other_things, "0000000/epicenter is no group of images"),
        (no_negatives, "no patch for test has an image before"),
        (same_place_in_two_parts, "0000000, 2999999 occur for test and train"),
        (nothing, "holds no earthquake"),
    ],
)
def test_every_fault_is_one_error(folder, spoil, told):
    with h5py.File(folder / FILENAME, "a") as file:
        spoil(file)
    with pytest.raises(FileFormatError, match=told):
        open_quakeset(folder, pixels=32)


def test_words_beside_a_patch_do_no_harm(folder):
    with h5py.File(folder / FILENAME, "a") as file:
        file["0000000/patch_0"].attrs["orbit"] = "ascending"
    assert "orbit" not in check_quakeset(folder)


def test_images_that_share_no_ground_are_refused_by_name(folder):
    with h5py.File(folder / FILENAME, "a") as file:
        patch = file["0000000/patch_0"]
        patch["pre"][:16], patch["post"][16:] = 0, 0
    with pytest.raises(FileFormatError, match="0000000/patch_0: its two images share data in 0 pixels"):
        change_statistics(open_quakeset(folder, pixels=32)["train"])


def test_three_bands_are_refused(folder):
    with h5py.File(folder / FILENAME, "a") as file:
        for name in ("before", "pre", "post"):
            del file["0000000"]["patch_0"][name]
            file["0000000"]["patch_0"][name] = np.ones((32, 32, 3), np.float32)
    with pytest.raises(FileFormatError, match="3 bands: give two, VV and VH"):
        check_quakeset(folder)


def test_a_patch_without_an_earlier_image_gives_no_negative(folder):
    with h5py.File(folder / FILENAME, "a") as file:
        del file["0000000"]["patch_0"]["before"]
    assert len(open_quakeset(folder, pixels=32)["train"]) == 2 * COUNTS["train"] - 1


def test_an_image_without_data_is_named(folder):
    with h5py.File(folder / FILENAME, "a") as file:
        file["0000000"]["patch_0"]["post"][:] = np.nan
    pairs = open_quakeset(folder, pixels=32)["train"]
    with pytest.raises(FileFormatError, match="0000000/patch_0 has an image without data, or in decibels"):
        pairs.decibels(0)
    pairs.decibels(1)
