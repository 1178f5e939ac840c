"""The study's earthquakes, their patches, the labels, the split and the loader."""

import pickle

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from pyproj import Geod
from torch.utils.data import DataLoader

from epi.errors import ParameterError, PatchStoreError
from epi.learn.study import HeldImages, Samples, StoredImages, published_labels, simulate_patches, split
from epi.learn.study.loader import Scaling, measure_scaling
from epi.learn.study.swaths import EPICENTRES, INCIDENCE_DEG, LENGTH_KM, WIDTH_KM, event_name
from epi.learn.study.targets import Target, labels
from epi.patches import assert_no_leak, write
from epi.patches.place import CORNERS


@pytest.fixture(scope="module")
def patches():
    return simulate_patches(events=11, pixels=24, every=19, seed=3)


@pytest.fixture(scope="module")
def store(patches, tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    write(folder, patches)
    return folder


def test_a_whole_event_has_as_many_patches_as_published():
    table = simulate_patches(events=1, pixels=4).table
    assert table["subswath"].value_counts().to_dict() == {"IW1": 77, "IW2": 91, "IW3": 91}
    assert not table.duplicated(["subswath", "patch"]).any()
    assert len(set(EPICENTRES)) == 40


def test_patches_lie_and_are_labelled_as_the_geodesic_says(patches):
    table, geod = patches.table, Geod(ellps="WGS84")
    lat, lon = table["center_lat"].to_numpy(), table["center_lon"].to_numpy()
    azimuth, _, metres = geod.inv(lon, lat, table["epicenter_lon"].to_numpy(), table["epicenter_lat"].to_numpy())
    assert np.allclose(table["distance_km"], np.array(metres) / 1000)
    assert np.allclose(table["offset_east_km"], table["distance_km"] * np.sin(np.radians(azimuth)), atol=1e-6)
    side = {}
    for first, second in (("top_left", "bottom_left"), ("top_left", "top_right")):
        ends = [table[f"{axis}_{corner}"].to_numpy() for corner in (first, second) for axis in ("lon", "lat")]
        side[second] = np.array(geod.inv(*ends)[2]) / 1000
    assert np.allclose(side["bottom_left"], LENGTH_KM, rtol=0.01)
    assert np.allclose(side["top_right"], table["subswath"].map(WIDTH_KM), rtol=0.01)
    assert (table["lat_top_left"] > table["lat_bottom_left"]).all()
    assert (((table["lon_top_right"] - table["lon_top_left"] + 180) % 360 - 180) > 0).all()
    assert set(CORNERS) == {"top_left", "top_right", "bottom_left", "bottom_right"}


def test_the_line_of_sight_and_the_names_follow_the_geometry(patches):
    table = patches.table
    incidence = np.degrees(np.arccos(table["look_up"]))
    assert incidence.between(*INCIDENCE_DEG).all()
    means = incidence.groupby(table["subswath"]).mean()
    assert means["IW1"] < means["IW2"] < means["IW3"]
    for _, scene in table.groupby(["event", "subswath"]):
        north = scene.sort_values("row").drop_duplicates("row")["center_lat"]
        assert north.is_monotonic_decreasing
    near = table.groupby("event")["distance_km"].min()
    assert near.max() < 120  # the epicentre lies inside its scene


def test_the_phase_goes_on_across_the_seam_of_two_patches():
    made = simulate_patches(events=1, pixels=64, seed=1, subswaths=("IW2",))
    number = {place: n for n, place in enumerate(zip(made.table["row"], made.table["column"], strict=True))}
    phasor = made.i + 1j * made.q
    seams = {"east": [], "south": []}
    for (row, column), here in number.items():
        if (right := number.get((row, column + 2000))) is not None:
            seams["east"].append(np.angle((phasor[here][:, -1] * phasor[right][:, 0].conj()).mean()))
        if (below := number.get((row + 2000, column))) is not None:
            seams["south"].append(np.angle((phasor[here][-1] * phasor[below][0].conj()).mean()))
    assert (len(seams["east"]), len(seams["south"])) == (7 * 12, 6 * 13)
    for steps in seams.values():
        assert np.median(np.abs(steps)) < 0.3  # of patches that do not fit together: 1.6


def test_phase_noise_is_that_of_the_coherence():
    """Of few looks a low coherence scatters, a high one does not; the sample coherence says which."""
    made = simulate_patches(events=2, pixels=96, every=20, seed=5)
    phasor = made.i + 1j * made.q
    step = np.abs(np.angle(phasor[:, 1:, 1:] * phasor[:, 1:, :-1].conj()))
    coherence = made.coh[:, 1:, 1:]
    low, high = step[coherence < 0.3], step[coherence > 0.8]
    assert low.size > 1000
    assert high.size > 1000
    assert np.median(low) > 2 * np.median(high)


def test_the_same_seed_gives_the_same_patches_and_another_does_not(patches):
    again, other = (simulate_patches(events=1, pixels=24, every=19, seed=seed) for seed in (3, 4))
    assert np.array_equal(again.i, patches.i[: len(again)])
    assert not np.array_equal(again.i, other.i)


def test_earthquakes_seen_in_the_same_images_are_one_group(patches):
    group = patches.table.groupby("event")["group"].first()
    assert group[event_name(1)] == group[event_name(2)] != group[event_name(3)]  # 4 km apart, and another country
    assert group[event_name(7)] == group[event_name(10)] != group[event_name(11)]


def test_more_earthquakes_than_there_are():
    with pytest.raises(ParameterError, match="1 to 40"):
        simulate_patches(events=41)


def test_as_published_every_earthquake_is_in_every_part_and_honestly_in_one():
    table = pd.DataFrame({"event": np.repeat([event_name(n) for n in range(1, 41)], 60)})
    table["group"] = table["event"]
    published, honest = (split(table, protocol, seed=1) for protocol in ("as published", "honest"))
    assert published.value_counts(normalize=True).round(2).to_dict() == {"train": 0.7, "validation": 0.15, "test": 0.15}
    assert (published.groupby(table["event"]).nunique() == 3).all()
    with pytest.raises(PatchStoreError, match="more than one part"):
        assert_no_leak(table, published)
    assert_no_leak(table, honest)
    assert set(honest) == {"train", "validation", "test"}
    with pytest.raises(ParameterError, match="'as published' or 'honest'"):
        split(table, "random")


def test_published_labels_carry_the_published_faults(patches):
    table = patches.table
    faulty = published_labels(table)
    swapped = table["event"].isin([event_name(10), event_name(11)])
    assert (faulty.loc[swapped, "epicenter_lat"] != table.loc[swapped, "epicenter_lat"]).all()
    assert (faulty.loc[~swapped, "epicenter_lat"] == table.loc[~swapped, "epicenter_lat"]).all()
    ratio = faulty["distance_km"] / table["distance_km"]
    across = (table["center_lon"] - table["epicenter_lon"]).abs() > 180
    assert ratio[~swapped & ~across].between(1.0, 2.3).all()
    assert (faulty.loc[swapped, "distance_km"] > 5000).all()


def test_the_published_example_of_a_distance():
    """Of the thesis: 202,279 m for what is 172,048 m on the ellipsoid."""
    facts = {"center_lat": 33.5663, "center_lon": 47.5934, "epicenter_lat": 33.7388, "epicenter_lon": 45.7501}
    table = pd.DataFrame(
        [{**facts, "event": event_name(1), "distance_km": 0.0, "offset_east_km": 0.0, "offset_north_km": 0.0}]
    )
    faulty = published_labels(table)
    assert float(faulty["distance_km"].iloc[0]) == pytest.approx(202.279, abs=0.001)
    assert float(np.hypot(*faulty[["offset_east_km", "offset_north_km"]].iloc[0])) == pytest.approx(172.048, abs=0.001)


@pytest.mark.parametrize(("task", "kind"), [
    ("distance", "raw"), ("distance", "hundred_km"), ("distance", "normalised"),
    ("epicentre", "raw"), ("epicentre", "normalised"), ("epicentre", "offset"),
])  # fmt: skip
def test_a_target_is_read_back_as_it_was_written(patches, task, kind):
    table = patches.table
    target = Target.of(task, kind, table.iloc[:40])
    written = target.write(table)
    assert np.allclose(target.read(written, table), labels(table, task), atol=1e-6)
    if kind in ("normalised", "offset"):  # fitted to the training part, and to it alone
        assert np.allclose(written[:40].mean(axis=0), 0, atol=1e-9)
        assert np.allclose(written[:40].std(axis=0), 1)
        assert not np.allclose(written.mean(axis=0), 0, atol=1e-3)


def test_unknown_labels_and_targets_are_refused(patches):
    with pytest.raises(ParameterError, match="no distance to learn"):
        labels(patches.table.assign(distance_km=np.nan), "distance")
    with pytest.raises(ParameterError, match="'offset' was asked"):
        Target.of("distance", "offset", patches.table)


def test_what_is_read_from_the_store_is_what_was_written(store, patches):
    stored, held = StoredImages(store), HeldImages(patches)
    rows = [7, 0, len(patches) - 1, 7]
    assert np.array_equal(stored.read(rows), held.read(rows))
    again = pickle.loads(pickle.dumps(stored))  # as a worker process gets it
    assert np.array_equal(again.read(rows), held.read(rows))
    by_sevens, at_once = (measure_scaling(stored, range(len(patches)), batch=batch) for batch in (7, 1000))
    assert by_sevens.mean == pytest.approx(at_once.mean)
    assert by_sevens.deviation == pytest.approx([patches.band(name).std() for name in ("coh", "i", "q")], rel=1e-4)


def test_a_batch_is_standardised_and_carries_its_centre(store, patches):
    stored = StoredImages(store)
    rows = list(range(0, len(patches), 2))
    scaling = measure_scaling(stored, rows, signed=True)
    answers = np.arange(len(rows), dtype=float)[:, None]
    samples = Samples(stored, rows, answers, scaling, channels=5)
    inputs, said = next(iter(DataLoader(samples, batch_size=len(rows), collate_fn=tuple)))
    assert inputs.shape == (len(rows), 5, 24, 24)
    assert torch.allclose(inputs[:, :3].mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(inputs[:, :3].std((0, 2, 3)), torch.ones(3), atol=1e-3)
    latitude = torch.tensor(patches.table["center_lat"].iloc[rows].to_numpy() / 90, dtype=torch.float32)
    assert torch.allclose(inputs[:, 3], latitude[:, None, None].expand(-1, 24, 24), atol=1e-6)
    assert torch.equal(said[:, 0], torch.arange(len(rows), dtype=torch.float32))
    one, _ = samples[3]
    assert torch.equal(one, inputs[3])
    unsigned = Scaling(scaling.mean, scaling.deviation).planes(patches.table)
    assert ((unsigned >= 0) & (unsigned <= 1)).all()


def test_values_that_are_not_finite_are_refused_wherever_they_come_from(store, patches, tmp_path):
    broken = patches.take(range(6))
    broken.q[4, 3, 3] = np.nan
    with pytest.raises(PatchStoreError, match=r"1 of 6 patches .* first row 5 \(study-01"):
        HeldImages(broken)
    write(tmp_path, patches.take(range(6)))
    images = StoredImages(tmp_path)
    event, subswath, patch = patches.table.loc[2, ["event", "subswath", "patch"]]
    with h5py.File(tmp_path / "patches.h5", "r+") as file:
        file[f"{event}/{subswath}/i/{patch}"][0, 0] = np.inf
    with pytest.raises(PatchStoreError, match=r"pixels differ .* row 3"):
        StoredImages(tmp_path)
    images.read([0, 1])
    with pytest.raises(PatchStoreError, match="first row 3"):
        images.read([1, 2])


def test_a_store_that_is_not_whole_is_refused(patches, tmp_path):
    write(tmp_path, patches.take(range(5)))
    event, subswath, patch = patches.table.loc[3, ["event", "subswath", "patch"]]
    with h5py.File(tmp_path / "patches.h5", "r+") as file:
        del file[f"{event}/{subswath}/coh/{patch}"]
    with pytest.raises(PatchStoreError, match=r"has no coh for rows of patches\.csv: row 4"):
        StoredImages(tmp_path)
    write(tmp_path, patches.take(range(5)))
    with h5py.File(tmp_path / "patches.h5", "r+") as file:
        image = file[f"{event}/{subswath}/coh/{patch}"][:]
        del file[f"{event}/{subswath}/coh/{patch}"]
        file.create_dataset(f"{event}/{subswath}/coh/{patch}", data=image.astype("f8"))
    with pytest.raises(PatchStoreError, match=r"1 rows without three plain float32 images .* first row 4"):
        StoredImages(tmp_path)
    (tmp_path / "patches.h5").write_bytes(b"no HDF5")
    with pytest.raises(PatchStoreError, match="cannot be read"):
        StoredImages(tmp_path)
    (tmp_path / "patches.h5").unlink()
    with pytest.raises(PatchStoreError, match=r"No patches\.h5"):
        StoredImages(tmp_path)


def test_pixels_of_another_run_and_lost_rows_are_refused(patches, tmp_path):
    """The keys are the same: only checksums, and images without a row, tell."""
    some = patches.take(range(8))
    write(tmp_path / "one", some)
    other = patches.take(range(8))
    other.i[5] *= 1.5
    write(tmp_path / "other", other)
    (tmp_path / "one" / "patches.h5").write_bytes((tmp_path / "other" / "patches.h5").read_bytes())
    with pytest.raises(PatchStoreError, match=r"pixels differ .*: row 6 \(study-01"):
        StoredImages(tmp_path / "one")
    csv = tmp_path / "other" / "patches.csv"
    csv.write_text("".join(csv.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(PatchStoreError, match="6 images have no row in"):
        StoredImages(tmp_path / "other")
