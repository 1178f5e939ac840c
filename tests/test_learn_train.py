"""Training: it learns, it can be interrupted, and it says what it cannot do."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest
import torch

from epi.errors import FileFormatError, ParameterError
from epi.learn import Plan, Settings, train_network
from epi.learn.train import CHECKPOINT, Learning
from epi.simulate.stream import Weather

SMALL = Settings(pixels=64, size_km=51.2, widths=(8, 16, 32), mixers=1)
EASY = Weather(magnitude=(6.6, 6.9), depth_km=(8.0, 12.0), atmosphere_m=(0.001, 0.002), quiet=0.05)
PLAN = Plan(
    patches=192,
    cycles=2,
    batch=16,
    checks=3,
    watched=32,
    memory=4,
    workers=0,
    half=False,
    device="cpu",
    settings=SMALL,
    weather=EASY,
)


class Ambush:
    """What leaves a file behind where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).touch, (self.path,)


def same(one, other):
    return all(torch.equal(one.state_dict()[name], value) for name, value in other.state_dict().items())


@pytest.fixture(scope="module")
def unbroken():
    return train_network(PLAN)


def test_the_seed_decides_the_weights(unbroken):
    assert same(unbroken.network, train_network(PLAN).network)
    assert not same(unbroken.network, train_network(replace(PLAN, seed=1)).network)
    assert list(unbroken.history["patches"]) == [64, 128, 192]
    assert not unbroken.network.training


def test_killed_and_taken_up_again_it_gives_the_same_weights(unbroken, tmp_path):
    """Killed without warning after a checkpoint, in the middle of a block of the stream."""
    program = (
        f"import torch; torch.set_num_threads({torch.get_num_threads()}); "  # sums depend on how they are shared out
        "import test_learn_train as t, epi.learn as l; l.train_network(t.PLAN, folder=t.sys.argv[1], every=5)"
    )
    folder = str(tmp_path / "kept")
    surroundings = {**os.environ, "PYTHONPATH": os.pathsep.join(["tests", *sys.path])}
    child = subprocess.Popen([sys.executable, "-c", program, folder], env=surroundings)
    while not (tmp_path / "kept" / CHECKPOINT).is_file():
        assert child.poll() is None, "it ended without a checkpoint"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert torch.load(tmp_path / "kept" / CHECKPOINT, weights_only=True)["global_step"] < PLAN.steps
    again = train_network(PLAN, folder=folder, every=5)
    assert same(unbroken.network, again.network)
    pd.testing.assert_frame_equal(again.history, unbroken.history)


def test_the_rate_rises_and_falls_in_every_cycle():
    given = Learning(replace(PLAN, patches=1600), []).configure_optimizers()
    optimiser, schedule = given["optimizer"], given["lr_scheduler"]["scheduler"]
    rates = []
    for _ in range(100):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    assert rates[:50] == pytest.approx(rates[50:], abs=1e-12)
    assert max(rates) == pytest.approx(PLAN.rate, rel=0.02)
    assert rates.index(max(rates)) in (4, 5)
    assert rates[49] < 0.01 * PLAN.rate


def test_it_learns():
    """A small network on easy earthquakes: half a minute's learning makes the truth likelier than any guess does."""
    trained = train_network(replace(PLAN, patches=2048, cycles=1, rate=3e-3, checks=4, watched=128, memory=20))
    history = trained.history
    assert history["place"].iloc[-1] < history["place"].iloc[0] - 0.5
    assert history["median_error_km"].iloc[-1] < 0.75 * history["median_error_km"].iloc[0]


def test_no_gpu_where_one_was_asked(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ParameterError, match=r"device cuda was asked, and PyTorch sees no GPU here: give --device cpu"):
        train_network(replace(PLAN, device="cuda"))


def test_checkpoints_of_another_kind_are_refused(tmp_path):
    train_network(replace(PLAN, patches=16, cycles=1, watched=16), folder=tmp_path, every=1)
    wider = replace(PLAN, settings=replace(SMALL, widths=(8, 16, 64)))
    with pytest.raises(FileFormatError, match=r"is of another architecture: give another folder"):
        train_network(wider, folder=tmp_path)
    for change in ({"seed": 1}, {"patches": 32}, {"patches": 32, "cycles": 2}):
        told = rf"is of another plan \({', '.join(sorted(change, reverse=True))}\): give another folder"
        with pytest.raises(FileFormatError, match=told):
            train_network(replace(PLAN, **({"patches": 16, "cycles": 1, "watched": 16} | change)), folder=tmp_path)
    kept = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    del kept["plan"]
    torch.save(kept, tmp_path / CHECKPOINT)
    with pytest.raises(FileFormatError, match=r"is of another plan \(patches, cycles, batch, .*seed, .*weather\)"):
        train_network(replace(PLAN, patches=16, cycles=1, watched=16), folder=tmp_path)
    torch.save({"global_step": 1, "state_dict": {}, "plan": Ambush(tmp_path / "sprung")}, tmp_path / CHECKPOINT)
    with pytest.raises(FileFormatError, match=r"is not a checkpoint \(UnpicklingError\): delete it"):
        train_network(PLAN, folder=tmp_path)
    assert not (tmp_path / "sprung").exists()  # nothing in it was executed
    (tmp_path / CHECKPOINT).write_text("not a checkpoint")
    with pytest.raises(FileFormatError, match=r"is not a checkpoint .* delete it to start again"):
        train_network(PLAN, folder=tmp_path)
