"""Running graphs for SNAP: what a stand-in for ``gpt`` does, well and badly, and what a rerun makes of it.

SNAP is not here: the stand-in reads the graph and writes files of the shape SNAP would. SNAPHU is the real one.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import types
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from epi.errors import FileFormatError, MissingPackage, ParameterError, RunError, StorageError
from epi.insar.engines.snap import (
    Gpt,
    InProcess,
    Options,
    execute,
    find_gpt,
    gpt,
    preset,
    run,
    stages,
    unwrapping,
    write_graphs,
)
from epi.insar.engines.snap.execute import PARTIAL, is_finished
from snap_stand_in import install

PAIR = (
    "S1A_IW_SLC__1SDV_20180106T025411_20180106T025438_020032_02220A_1234.zip",
    "S1A_IW_SLC__1SDV_20180118T025411_20180118T025438_020207_02279A_5678.zip",
)
SRC = Path(execute.__file__).parents[4]


@pytest.fixture
def snap(tmp_path, monkeypatch):
    """A folder with a stand-in for gpt on the PATH; ``plan`` says which stage goes wrong and how."""
    home = install(tmp_path / "snap" / "bin", monkeypatch)
    with h5py.File(home / "whole", "w") as file:
        file["bands/i"] = np.zeros((20, 30))
    return home


@pytest.fixture
def pair(tmp_path):
    """Two files of the right names; the stand-in does not look into them."""
    paths = [tmp_path / name for name in PAIR]
    for path in paths:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("manifest.safe", "")
    return paths


def chain_of(pair, **changes):
    return stages(*pair, preset("srtm-hdf5", **({"subswaths": ("IW1",)} | changes)))


def plan(snap, **what):
    (snap / "plan").write_text(json.dumps({name.replace("__", " "): how for name, how in what.items()}))


def calls(snap):
    """Names of the stages the stand-in was asked for since the last look."""
    path = snap / "calls"
    lines = path.read_text().splitlines() if path.exists() else []
    path.unlink(missing_ok=True)
    return [json.loads(line)[0].removeprefix(PARTIAL).rsplit("-", 1)[0] for line in lines]


def leftovers(folder):
    return sorted(path.name for path in folder.glob(".partial*"))


# --------------------------------------------------------------------------------------------------- all goes well


def test_a_chain_runs_and_a_rerun_does_nothing(snap, pair, tmp_path):
    chain, folder, said = chain_of(pair), tmp_path / "work", []
    report = run(chain, folder, say=said.append)
    names = [stage.name for stage in chain]
    assert calls(snap) == report.done == names
    assert report.results == {"iw1": folder / "05_iw1_refine" / "20180106_20180118_iw1.h5"}
    assert h5py.is_hdf5(report.results["iw1"])
    assert [words.split(":")[0] for words in said if not words.endswith("%")] == names
    assert any(words.endswith("30 %") or words.endswith("90 %") for words in said)
    for stage in chain:
        assert "Executing processing graph" in (folder / f"{stage.name}.log").read_text()
        assert (folder / f"{stage.name}.xml").read_text() == stage.xml(folder)
    again = run(chain, folder)
    assert (again.kept, again.done, calls(snap)) == (names, [], [])
    assert again.results == report.results
    assert leftovers(folder) == []


def test_unwrapping_by_snaphu_itself(snap, pair, tmp_path):
    chain = stages(*pair, Options(subswaths=("IW1",), esd=True))
    folder = tmp_path / "work"
    report = run(chain, folder)
    assert report.results["iw1"].name == "20180106_20180118_iw1.nc"
    own = folder / "07_iw1_unwrap"
    assert sorted(path.name for path in own.iterdir()) == [
        "UnwPhase_ifg_IW1_VV_06Jan2018_18Jan2018.snaphu.hdr",
        "UnwPhase_ifg_IW1_VV_06Jan2018_18Jan2018.snaphu.img",
        "snaphu.log",
        "stage.json",
    ]
    unwrapped = np.fromfile(next(own.glob("*.img")), dtype="<f4").reshape(40, 48)
    ramp = 0.35 * np.arange(48) + 0.2 * np.arange(40)[:, None]
    np.testing.assert_allclose(unwrapped - unwrapped[0, 0], ramp, atol=1e-3)
    assert run(chain, folder).done == []


def test_the_script_for_any_user_of_snap_runs(snap, pair, tmp_path):
    (snap / "snaphu").symlink_to(unwrapping.find_snaphu())
    folder = tmp_path / "graphs"
    written = write_graphs(*pair, folder, options=Options(subswaths=("IW1",)))
    subprocess.run([written[-1]], check=True, capture_output=True)
    assert len(calls(snap)) == len(written) - 1
    assert h5py.is_hdf5(folder / "10_iw1_geocode" / "20180106_20180118_iw1.nc")
    assert next((folder / "07_iw1_unwrap").glob("Unw*.img")).stat().st_size == 40 * 48 * 4


def test_memory_cache_and_threads_are_passed_on(snap, pair, tmp_path):
    engine = Gpt(find_gpt(), memory="12G", cache="6G", threads=2)
    run(chain_of(pair), tmp_path / "work", engine=engine)
    first = json.loads((snap / "calls").read_text().splitlines()[0])
    assert first[1] == ["-J-Xmx12G", "-c", "6G", "-q", "2"]


# ------------------------------------------------------------------------------------------------ what can go wrong


def test_no_snap_says_how_to_install_it(snap, pair, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackage, match=r"gpt was not found.*step\.esa\.int.*--engine native"):
        run(chain_of(pair), tmp_path / "work")


def test_snap_home_comes_before_the_path(snap, tmp_path, monkeypatch):
    other = tmp_path / "other" / "bin"
    other.mkdir(parents=True)
    (other / "gpt").write_text("#!/bin/sh\n")
    (other / "gpt").chmod(0o755)
    assert find_gpt() == snap / "gpt"
    monkeypatch.setenv("SNAP_HOME", str(other.parent))
    assert find_gpt() == other / "gpt"


def test_another_program_called_gpt(snap, pair, tmp_path):
    (snap / "gpt").write_text("#!/bin/sh\necho 'usage: gpt [-rv] command disk'\n")
    with pytest.raises(MissingPackage, match=r"is not SNAP's gpt.*usage: gpt"):
        run(chain_of(pair), tmp_path / "work")


def test_another_version_of_snap(snap, pair, tmp_path):
    (snap / "version").write_text("11.0.1")
    with pytest.raises(ParameterError, match=r"for SNAP 14.*version 11.*--snap-version 11"):
        run(chain_of(pair), tmp_path / "work")
    assert run(chain_of(pair, snap_version=11), tmp_path / "work").results


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        ("crash", RunError, r"exit 1\): Error: \[NodeId: Back-Geocoding\] Burst number 3 is out of range"),
        ("memory", RunError, "ran out of memory.*memory='12G'"),
        ("full", StorageError, "No space left for SNAP"),
        ("kill", RunError, r"killed half-way \(signal 9.*run again"),
        ("nothing", RunError, "says it is done, but 03_iw1_coregister.dim was not written"),
        ("cut", RunError, "says it is done, but i.img has 1000 bytes of 7680"),
        ("error and exit 0", RunError, r"exit 0\), but printed an error: .*Orbit file could not be read"),
    ],
)
def test_a_stage_that_fails_leaves_nothing_to_trust(snap, pair, tmp_path, what, error, message):
    chain, folder = chain_of(pair), tmp_path / "work"
    plan(snap, coregister=what)
    with pytest.raises(error, match=message) as caught:
        run(chain, folder)
    assert str(folder / "03_iw1_coregister.log") in str(caught.value)
    assert not (folder / "03_iw1_coregister").exists()
    assert leftovers(folder) == []
    assert calls(snap) == ["01_iw1_reference", "02_iw1_secondary", "03_iw1_coregister"]
    assert [is_finished(stage, folder) for stage in chain] == [True, True, False, False, False]


def test_words_that_are_no_failure(tmp_path):
    log = tmp_path / "log"
    log.write_text(
        "-- org.jblas ERROR Couldn't load copied link file: java.lang.UnsatisfiedLinkError: libgfortran.so.3\n"
        "java.lang.UnsatisfiedLinkError: org.jblas.util.ArchFlavor.SSELevel()I\n"
        "INFO: org.esa.snap.core.gpf.operators.tooladapter.ToolAdapterIO: Initializing\n....90% done.\n"
    )
    gpt.judge(0, log)
    with pytest.raises(RunError, match="exit 3"):
        gpt.judge(3, log)


@pytest.mark.parametrize("code", [-9, 137])
def test_a_kill_is_told_however_the_shell_says_it(tmp_path, code):
    log = tmp_path / "log"
    log.write_text("....10%")
    with pytest.raises(RunError, match=r"signal 9, by a machine out of memory perhaps"):
        gpt.judge(code, log)


def test_java_does_not_outlive_the_script_that_started_it(snap, tmp_path):
    (snap / "gpt").write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/child\nkill -9 $$\n")
    with pytest.raises(RunError, match="signal 9"):
        Gpt(find_gpt()).run(tmp_path / "graph.xml", tmp_path / "log")
    child = Path("/proc") / (tmp_path / "child").read_text().strip() / "stat"
    for _ in range(50):
        if not child.exists() or child.read_text().split()[2] == "Z":  # gone, or dead and not yet collected
            return
        time.sleep(0.1)
    pytest.fail("the child of a killed gpt still runs")


def test_a_last_product_that_is_cut_off(snap, pair, tmp_path):
    plan(snap, refine="cut")
    with pytest.raises(RunError, match=r"20180106_20180118_iw1\.h5 cannot be opened"):
        run(chain_of(pair), tmp_path / "work")


def test_a_subswath_that_fails_does_not_end_the_others(snap, pair, tmp_path):
    plan(snap, iw2_coregister="crash")
    report = run(chain_of(pair, subswaths=("IW1", "IW2", "IW3")), tmp_path / "work")
    assert set(report.results) == {"iw1", "iw3"}
    assert list(report.failed) == ["iw2"]
    assert report.failed["iw2"].startswith("08_iw2_coregister: SNAP failed")
    assert not any("iw2_interferogram" in name for name in calls(snap))


def test_killed_with_its_caller_half_way(snap, pair, tmp_path):
    """The process that runs the chain dies too, as when a machine goes down: a rerun trusts whole stages only."""
    chain, folder = chain_of(pair), tmp_path / "work"
    plan(snap, interferogram="kill both")
    code = (
        "import sys; from epi.insar.engines.snap import preset, run, stages\n"
        "run(stages(*sys.argv[1:3], preset('srtm-hdf5', subswaths=('IW1',))), sys.argv[3])"
    )
    environment = os.environ | {"PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code, *map(str, pair), str(folder)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(leftovers(folder)) == 1
    assert not (folder / "04_iw1_interferogram").exists()
    plan(snap)
    calls(snap)
    assert run(chain, folder).done == ["04_iw1_interferogram", "05_iw1_refine"]
    assert calls(snap) == ["04_iw1_interferogram", "05_iw1_refine"]
    assert leftovers(folder) == []


# ----------------------------------------------------------------------------------------------------- what is stale


def test_a_changed_input_is_read_again(snap, pair, tmp_path):
    chain, folder = chain_of(pair), tmp_path / "work"
    run(chain, folder)
    pair[1].write_bytes(pair[1].read_bytes() + b"more")
    assert run(chain, folder).kept == ["01_iw1_reference"]


def test_a_changed_value_redoes_its_stage_and_what_follows(snap, pair, tmp_path):
    folder = tmp_path / "work"
    run(chain_of(pair), folder)
    report = run(chain_of(pair, goldstein_alpha=0.5), folder)
    assert report.done == ["05_iw1_refine"]
    assert run(chain_of(pair, dem="SRTM 3Sec"), folder).done[0] == "03_iw1_coregister"


@pytest.mark.parametrize("harm", ["cut", "delete", "record"])
def test_a_product_that_was_touched_is_made_again(snap, pair, tmp_path, harm):
    chain, folder = chain_of(pair), tmp_path / "work"
    run(chain, folder)
    own = folder / "03_iw1_coregister"
    if harm == "cut":
        os.truncate(own / "03_iw1_coregister.data" / "i.img", 10)
    elif harm == "delete":
        (own / "03_iw1_coregister.dim").unlink()
    else:
        (own / "stage.json").write_text("{")
    assert not is_finished(chain[2], folder)
    assert run(chain, folder).done == ["03_iw1_coregister", "04_iw1_interferogram", "05_iw1_refine"]


def test_a_stale_product_goes_even_where_the_new_one_fails(snap, pair, tmp_path):
    """What was made of other inputs is never taken for the answer."""
    folder = tmp_path / "work"
    run(chain_of(pair), folder)
    plan(snap, refine="crash")
    with pytest.raises(RunError, match="05_iw1_refine"):
        run(chain_of(pair, goldstein_alpha=0.5), folder)
    assert not (folder / "05_iw1_refine").exists()


def test_two_runs_in_one_folder(snap, pair, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="Another run is at work"):
            run(chain_of(pair), folder)


def test_a_product_that_is_not_there(snap, pair, tmp_path):
    pair[0].unlink()
    with pytest.raises(FileFormatError, match=f"{PAIR[0]} is not there"):
        run(chain_of(pair), tmp_path / "work")


# ------------------------------------------------------------------------------------------------------------ SNAPHU


def test_band_names_other_than_expected_are_reported(snap, pair, tmp_path):
    (snap / "phase").write_text("Phase_ifg_IW1_VV_mst_slv")
    with pytest.raises(RunError, match=r"did not write UnwPhase_ifg_IW1_VV_06Jan2018_18Jan2018\.snaphu\.hdr; it wrote"):
        run(stages(*pair, Options(subswaths=("IW1",))), tmp_path / "work")


def test_snaphu_that_fails(snap, pair, tmp_path, monkeypatch):
    broken = tmp_path / "snaphu"
    broken.write_text("#!/bin/sh\necho 'Illegal cost mode'\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(unwrapping, "find_snaphu", lambda: broken)
    with pytest.raises(RunError, match=r"SNAPHU failed \(exit 1.*Illegal cost mode"):
        run(stages(*pair, Options(subswaths=("IW1",))), tmp_path / "work")
    assert not (tmp_path / "work" / "07_iw1_unwrap").exists()


# -------------------------------------------------------------------------------------------------------- in process


def java(calls, fails=""):
    """A stand-in for esa_snappy: GraphProcessor does what the stand-in for gpt does."""

    class Reader:
        def __init__(self, path):
            self.path = path

        def close(self):
            calls.append("closed")

    class GraphProcessor:
        def executeGraph(self, graph, monitor):  # noqa: N802
            calls.append(Path(graph).parent.name.removeprefix(PARTIAL).rsplit("-", 1)[0])
            if fails:
                raise RuntimeError(fails)
            subprocess.run(["gpt", graph], check=True, capture_output=True)

    types_by_name = {
        "java.io.FileReader": Reader,
        "org.esa.snap.core.gpf.graph.GraphIO": types.SimpleNamespace(read=lambda reader: reader.path),
        "com.bc.ceres.core.ProgressMonitor": types.SimpleNamespace(NULL=None),
        "org.esa.snap.core.gpf.graph.GraphProcessor": GraphProcessor,
        "org.esa.snap.core.util.SystemUtils": types.SimpleNamespace(getReleaseVersion=lambda: "14.0.0"),
    }
    registry = types.SimpleNamespace(loadOperatorSpis=lambda: calls.append("operators loaded"))
    gpf = types.SimpleNamespace(
        getDefaultInstance=lambda: types.SimpleNamespace(getOperatorSpiRegistry=lambda: registry)
    )
    return types.SimpleNamespace(GPF=gpf, jpy=types.SimpleNamespace(get_type=types_by_name.__getitem__))


def test_the_same_graphs_run_in_process(snap, pair, tmp_path, monkeypatch):
    made = []
    monkeypatch.setitem(sys.modules, "esa_snappy", java(made))
    chain = chain_of(pair)
    report = run(chain, tmp_path / "work", engine=InProcess())
    assert made[0] == "operators loaded"
    assert [name for name in made[1:] if name != "closed"] == report.done == [stage.name for stage in chain]
    assert made.count("closed") == len(chain)
    assert run(chain, tmp_path / "work").done == []  # by gpt or in process, it is the same work


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("org.esa.snap.core.gpf.graph.GraphException: no orbit file", "SNAP failed.*no orbit file"),
        ("java.lang.OutOfMemoryError: Java heap space", "java_max_mem"),
    ],
)
def test_an_error_of_java_is_stated(snap, pair, tmp_path, monkeypatch, words, message):
    monkeypatch.setitem(sys.modules, "esa_snappy", java([], fails=words))
    with pytest.raises(RunError, match=message):
        run(chain_of(pair), tmp_path / "work", engine=InProcess())
    assert not (tmp_path / "work" / "01_iw1_reference").exists()


def test_the_bridge_without_snap_says_how_to_install_it():
    """esa_snappy is installed here, SNAP is not: its own error is a module that is missing."""
    try:
        import jpyutil  # noqa: F401
    except ModuleNotFoundError:
        pass
    else:
        pytest.skip("SNAP's bridge is configured here")
    before = list(sys.path)
    with pytest.raises(MissingPackage, match=r"jpyutil.*step\.esa\.int.*native.*snappy-conf"):
        InProcess()
    assert sys.path == before
