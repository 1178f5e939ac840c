"""Run folders: only what is stale is done again, and a killed run leaves nothing half-done that counts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import mkstemp

import pytest

from epi import run as runs_module
from epi.errors import FileFormatError, ParameterError, RunError, StorageError, UnknownEvent
from epi.notebook import check_parameters, read_parameters
from epi.run import DEFAULT_EVENT, run_event
from epi.runfolder import lock, read_run
from epi.settings import PROJECT_ROOT, Settings, settings
from quakeml_answers import quakeml_text

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {title}

# %% tags=["parameters"]
event_id: str = "20210303-thessaly"
run_folder: str = "runs/20210303-thessaly"
{parameters}

# %%
import time
from pathlib import Path
folder = Path(run_folder)
with (folder / "diary.txt").open("a") as diary:
    diary.write("{title}\\n")
def made(name, text):
    (folder / name).write_text(text[: len(text) // 2])
    while (folder / "hold-{title}").exists():
        (folder / "held").touch()
        time.sleep(0.05)
    (folder / name).write_text(text)
"""
CHAPTERS = {
    "01_catalogue": ("", 'made("event.json", event_id)'),
    "02_pairs": (
        "days: int = 15",
        'made("pairs.json", f"pairs of {(folder / \'event.json\').read_text()} in {days} days")',
    ),
    "03_interferogram": ("seed: int = 1", 'made("interferogram.nc", f"fringes {seed}")'),
}


LATER = {
    "04_displacement": (
        'source: str = "simulated"\nreader: dict = {}',
        'ours = source == "simulated"\n'
        'made("scene.nc", (folder / "interferogram.nc").read_text() if ours else f"{Path(source).name} {reader}")',
    ),
    "05_patches": ("", 'made("patches.h5", (folder / "scene.nc").read_text())\nmade("patches.csv", "one row")'),
    "07_epicentre": ("", 'made("location.json", (folder / "scene.nc").read_text())'),
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of small chapters; returns its folder."""
    notebooks = tmp_path / "notebooks"
    data = tmp_path / "data"
    package = tmp_path / "package"
    for folder in (notebooks, data, package, package / "cli"):
        folder.mkdir()
    shutil.copy(settings().data / "events.csv", data)
    for name in CHAPTERS:
        write(notebooks, *chapter(name))
    chosen = Settings(notebooks=notebooks, data=data, runs=tmp_path / "runs")
    monkeypatch.setattr(runs_module, "settings", lambda: chosen)
    monkeypatch.setattr(runs_module, "__file__", str(package / "run.py"))
    return tmp_path


def write(notebooks: Path, name: str, body: str, parameters: str = "") -> None:
    title = name.partition("_")[2]
    (notebooks / f"{name}.py").write_text(HEADER.format(title=title, parameters=parameters) + body + "\n")


def chapter(name: str) -> tuple[str, str, str]:
    parameters, body = {**CHAPTERS, **LATER}[name]
    return name, body, parameters


IMAGES = """for folder_of_images in ("images", "study"):
    (folder / folder_of_images).mkdir()
    (folder / folder_of_images / f"{seed}.SAFE").write_text("large")
made("truth.nc", "known")
made("interferogram.nc", f"fringes {seed}")"""


@pytest.fixture
def with_images(tiny: Path) -> Path:
    """The small project, in which chapter 3 keeps images and a truth and chapter 4 reads what it made, or a source."""
    write(tiny / "notebooks", "03_interferogram", IMAGES, "seed: int = 1")
    write(tiny / "notebooks", *chapter("04_displacement"))
    return tiny


LOGIN = """from epi.catalogue.online.credentials import EARTHDATA, find_login
from epi.catalogue.online.transport import Archives
login = find_login(EARTHDATA)
assert len(login.token) == 14
print(login, repr(login))
with Archives() as archives, archives.get(f"http://me:{login.token}@[{login.token}/x?{login.token}", {}):
    pass"""


def test_a_login_is_in_no_notebook_and_in_no_record(tiny, monkeypatch):
    """Neither where a chapter shows it, nor in the traceback of a download that failed there."""
    monkeypatch.setenv("EARTHDATA_TOKEN", "pl4nted-s3cret")
    write(tiny / "notebooks", "03_interferogram", LOGIN)
    with pytest.raises(RunError, match="DownloadError") as caught:
        run_event(DEFAULT_EVENT)
    assert "pl4nted" not in str(caught.value)
    folder = tiny / "runs" / DEFAULT_EVENT
    kept = {path.name: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert "EARTHDATA_TOKEN" in kept["03_interferogram.failed.ipynb"]  # where it was found
    assert json.loads(kept["run.json"])["steps"]
    assert not any("pl4nted" in text for text in kept.values())


def diary(tiny: Path) -> list[str]:
    return (tiny / "runs" / DEFAULT_EVENT / "diary.txt").read_text().split()


def test_a_run_makes_every_file_and_a_second_run_does_nothing(tiny):
    said = []
    run = run_event(DEFAULT_EVENT, progress=said.append)
    assert run.redone == list(CHAPTERS)
    assert (run.path / "pairs.json").read_text() == f"pairs of {DEFAULT_EVENT} in 15 days"
    assert [path.name for path in run.notebooks()] == [f"{name}.ipynb" for name in CHAPTERS]
    assert all(path.is_file() for path in run.notebooks())
    assert "01_catalogue: running (not done yet)" in said
    step = json.loads((run.path / "run.json").read_text())["steps"][1]
    assert step["name"] == "02_pairs"
    assert set(step["outputs"]) == {"02_pairs.ipynb", "pairs.json"}
    assert step["inputs"]["upstream"] == {"event.json": run.steps["01_catalogue"].outputs["event.json"]}
    assert step["inputs"]["versions"]["numpy"]
    assert step["seconds"] > 0

    again = run_event(DEFAULT_EVENT)
    assert again.redone == []
    assert again.steps == run.steps
    assert read_run(run.path).steps == run.steps


def test_an_earthquake_of_another_catalogue_has_a_run_of_its_own(tiny, says):
    listed = tiny / "answer.xml"
    rows = [("us2000ci3s", "2018-01-11T06:59:30Z", 33.7, 45.7, 10, 5.5), ("other", "2018-02-01T00:00:00Z", 0, 0, 10, 5)]
    listed.write_bytes(quakeml_text(rows))
    write(tiny / "notebooks", "01_catalogue", 'made("event.json", f"{event_id} of {catalogue}")', 'catalogue: str = ""')
    name = "20180111-mandali-0659"
    code, out, err = says("run", "us2000ci3s", "--catalogue", listed, "--runs", tiny / "runs", "--json")
    assert code == 0, err
    [done] = json.loads(out)["results"]
    assert (done["event_id"], Path(done["run_folder"])) == (name, tiny / "runs" / name)
    told = (tiny / "runs" / name / "event.json").read_text().removeprefix(f"{name} of ")
    assert (PROJECT_ROOT / told).resolve() == listed.resolve()  # relative, where the project lies beside it
    assert run_event(name, catalogue=listed, runs=tiny / "runs").redone == []
    listed.write_bytes(quakeml_text(rows[:1]))
    assert run_event(name, catalogue=listed, runs=tiny / "runs").redone == ["01_catalogue"]
    with pytest.raises(UnknownEvent, match="No event '20180111-mandali-0659' among"):
        run_event(name, runs=tiny / "runs")
    with pytest.raises(ParameterError, match="'catalogue' has an option of its own"):
        run_event(name, catalogue=listed, parameters={"catalogue": "usgs"})
    with pytest.raises(ParameterError, match="'catalogue' has an option of its own"):
        run_event(DEFAULT_EVENT, parameters={"catalogue": "usgs"})


def test_an_agency_s_own_name_leads_to_the_run_of_the_event(tiny):
    assert run_event("us7000df40").path.name == DEFAULT_EVENT


@pytest.mark.parametrize("chapter", sorted(settings().notebooks.glob("0[2-5]_*.py")), ids=lambda path: path.stem)
def test_a_chapter_takes_the_earthquake_that_chapter_1_left(chapter):
    """The run's event may be in no catalogue of the book's."""
    text = chapter.read_text(encoding="utf-8")
    assert "find_event(event_id)" not in text
    assert '"event.json").read_text' in text


def test_only_what_is_stale_is_done_again(tiny, monkeypatch):
    folder = run_event(DEFAULT_EVENT).path
    altered = 'made("pairs.json", f"pairs of {event_id} in {days} days")'
    changes = [  # what is changed; the steps that must be done again
        (lambda: write(tiny / "notebooks", "02_pairs", altered, "days: int = 15"), ["02_pairs"]),  # same pairs.json
        (lambda: write(tiny / "notebooks", "01_catalogue", 'made("event.json", event_id + "!")'), list(CHAPTERS)),
        (lambda: write(tiny / "notebooks", *chapter("02_pairs")), ["02_pairs", "03_interferogram"]),
        (lambda: (folder / "pairs.json").unlink(), ["02_pairs"]),
        (lambda: (folder / "interferogram.nc").write_text("half of"), ["03_interferogram"]),
        (lambda: (folder / "01_catalogue.ipynb").unlink(), ["01_catalogue"]),
        (lambda: (tiny / "data" / "more.csv").write_text("a new row"), list(CHAPTERS)),
        (lambda: (tiny / "package" / "okada.py").write_text("nu = 0.25"), list(CHAPTERS)),
        (lambda: monkeypatch.setattr(runs_module, "versions", lambda: {"python": "3.11.99"}), list(CHAPTERS)),
        (lambda: (tiny / "package" / "cli" / "app.py").write_text("a new command"), []),
    ]
    for change, redone in changes:
        change()
        assert run_event(DEFAULT_EVENT).redone == redone
        assert run_event(DEFAULT_EVENT).redone == []


def test_parameters_and_sources_reach_the_chapters_that_declare_them(with_images):
    both, named = ["03_interferogram", "04_displacement"], {"seed": 7, "parameters": {"days": 20}}
    run = run_event(DEFAULT_EVENT)
    assert (run.path / "scene.nc").read_text() == "fringes 1"
    assert run_event(DEFAULT_EVENT, seed=7).redone == both
    assert (run.path / "scene.nc").read_text() == "fringes 7"
    assert run_event(DEFAULT_EVENT, **named).redone == ["02_pairs", *both]
    assert (run.path / "pairs.json").read_text().endswith("in 20 days")

    scene = with_images / "greece.unw"
    scene.write_bytes(b"1")
    given = {"source": scene, "reader": {"units": "m", "positive": "away"}, **named}
    assert run_event(DEFAULT_EVENT, **given).redone == ["04_displacement"]
    assert (run.path / "scene.nc").read_text() == f"greece.unw {given['reader']}"
    assert run_event(DEFAULT_EVENT, **given).redone == []
    changes = [lambda: scene.write_bytes(b"2"), lambda: (with_images / "greece.par").write_text("width: 801")]
    for change in changes:
        change()
        assert run_event(DEFAULT_EVENT, **given).redone == ["04_displacement"]


def test_a_file_that_a_parameter_names_is_noticed_when_it_changes(tiny):
    write(tiny / "notebooks", "02_pairs", 'made("pairs.json", Path(outlines).read_text())', 'outlines: str = ""')
    shape, table = tiny / "slides.shp", tiny / "slides.dbf"
    shape.write_text("one outline")
    table.write_text("2018-01-01")
    named = {"parameters": {"outlines": str(shape)}}
    run = run_event(DEFAULT_EVENT, **named)
    assert (run.path / "pairs.json").read_text() == "one outline"
    assert run_event(DEFAULT_EVENT, **named).redone == []
    for part in (shape, table):
        part.write_text("another")
        assert run_event(DEFAULT_EVENT, **named).redone[0] == "02_pairs"
        assert run_event(DEFAULT_EVENT, **named).redone == []


def test_a_source_that_is_a_folder_is_read_and_noticed_when_it_changes(with_images):
    znap, dim = with_images / "pair.znap", with_images / "pair.dim"
    for folder in (znap, with_images / "pair.data"):
        folder.mkdir()
        (folder / "pixels").write_bytes(b"1")
    (znap / ".zgroup").write_text("{}")
    dim.write_text("<Dimap_Document/>")
    for source, pixels in ((znap, znap / "pixels"), (dim, with_images / "pair.data" / "pixels")):
        run = run_event(DEFAULT_EVENT, source=source)
        assert (run.path / "scene.nc").read_text() == f"{source.name} {{}}"
        assert run_event(DEFAULT_EVENT, source=source).redone == []
        pixels.write_bytes(b"2")
        assert run_event(DEFAULT_EVENT, source=source).redone == ["04_displacement"]
    with pytest.raises(FileFormatError, match=r"No file .*notebooks: it is a folder"):
        run_event(DEFAULT_EVENT, source=with_images / "notebooks")


def test_a_ready_interferogram_leaves_out_the_chapter_about_images_and_what_it_had_made(with_images):
    source = with_images / "real.txt"
    source.write_text("1")
    made = {"interferogram.nc", "truth.nc", "03_interferogram.ipynb", "images", "study"}
    said, why = [], "the source is a ready interferogram"
    run = run_event(DEFAULT_EVENT)
    assert made <= {path.name for path in run.path.iterdir()}
    assert set(run.steps["03_interferogram"].outputs) == {"interferogram.nc", "truth.nc", "03_interferogram.ipynb"}

    run = run_event(DEFAULT_EVENT, source=source, progress=said.append)
    assert f"03_interferogram: left out ({why})" in said
    assert run.redone == ["04_displacement"]
    assert not made & {path.name for path in run.path.iterdir()}
    assert list(run.steps["04_displacement"].inputs["upstream"]) == ["event.json", "pairs.json"]
    kept = read_run(run.path)
    assert list(kept.steps) == ["01_catalogue", "02_pairs", "04_displacement"]
    assert kept.left_out == {"03_interferogram": why}
    assert run_event(DEFAULT_EVENT, source=source).redone == []

    run = run_event(DEFAULT_EVENT)
    assert run.redone == ["03_interferogram", "04_displacement"]
    assert made <= {path.name for path in run.path.iterdir()}
    assert read_run(run.path).left_out == {}


@pytest.mark.parametrize("name", ["interferogram.nc", "truth.nc", "scene.nc", "images/1.SAFE"])
def test_a_source_that_the_run_makes_itself_is_refused_before_it_is_deleted(with_images, name):
    folder = run_event(DEFAULT_EVENT).path
    source, link, elsewhere = folder / name, with_images / "link.txt", with_images / "copy.txt"
    text, done = source.read_text(), read_run(folder)
    link.symlink_to(source)
    given = [{"source": source}, {"source": folder / ".." / folder.name / name}, {"source": link}]
    elsewhere.write_text("1")
    given.append({"source": elsewhere, "reader": {"coherence": source}})
    for each in given:
        with pytest.raises(ParameterError, match=r"is made by this run and would be deleted: copy it elsewhere"):
            run_event(DEFAULT_EVENT, **each)
        assert source.read_text() == text
        assert read_run(folder) == done
    shutil.copy(source, elsewhere)
    assert run_event(DEFAULT_EVENT, source=elsewhere).redone == ["04_displacement"]


def test_a_run_killed_while_a_chapter_is_left_out_leaves_nothing_of_it(with_images, monkeypatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    source = with_images / "real.txt"
    source.write_text("1")
    folder = run_event(DEFAULT_EVENT).path
    with monkeypatch.context() as while_killed:
        while_killed.setattr(runs_module.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            run_event(DEFAULT_EVENT, source=source)
    assert "03_interferogram" not in read_run(folder).steps
    assert (folder / "images").is_dir()
    assert run_event(DEFAULT_EVENT, source=source).redone == ["04_displacement"]
    assert not (folder / "images").exists()


def test_a_chapters_own_folders_are_emptied_before_it_and_not_missed_after(with_images):
    folder = run_event(DEFAULT_EVENT).path
    (folder / "images" / ".simulating-half").mkdir()
    assert run_event(DEFAULT_EVENT).redone == []
    assert run_event(DEFAULT_EVENT, seed=7).redone == ["03_interferogram", "04_displacement"]
    for name in ("images", "study"):
        assert [path.name for path in (folder / name).iterdir()] == ["7.SAFE"]
        shutil.rmtree(folder / name)
    assert run_event(DEFAULT_EVENT, seed=7).redone == []


@pytest.mark.parametrize("chapter", [*CHAPTERS, *LATER])
def test_a_run_killed_in_the_middle_of_a_step_loses_only_that_step(tiny, chapter):
    for name, (parameters, body) in LATER.items():
        write(tiny / "notebooks", name, body, parameters)
    chapters = [*CHAPTERS, *LATER]
    folder = tiny / "runs" / DEFAULT_EVENT
    folder.mkdir(parents=True)
    hold = folder / f"hold-{chapter.partition('_')[2]}"
    hold.touch()
    places = {f"EPI_{name}": str(tiny / name.lower()) for name in ("NOTEBOOKS", "DATA", "RUNS")}
    program = f"from epi import run; run.__file__ = {runs_module.__file__!r}; run.run_event({DEFAULT_EVENT!r})"
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **places})
    deadline = time.monotonic() + 60
    while not (folder / "held").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    hold.unlink()

    done = chapters[: chapters.index(chapter)]
    assert list(read_run(folder).steps) == done if done else not (folder / "run.json").exists()
    run = run_event(DEFAULT_EVENT)
    assert run.redone == chapters[len(done) :]
    assert (folder / "event.json").read_text() == DEFAULT_EVENT
    assert (folder / "pairs.json").read_text() == f"pairs of {DEFAULT_EVENT} in 15 days"
    assert (folder / "scene.nc").read_text() == "fringes 1"
    assert (folder / "patches.h5").read_text() == (folder / "location.json").read_text() == "fringes 1"
    assert len(diary(tiny)) == len(chapters) + 1
    assert not list(folder.glob(".*-*"))


def test_two_runs_do_not_work_in_one_folder(tiny):
    folder = tiny / "runs" / DEFAULT_EVENT
    with lock(folder), pytest.raises(RunError, match=rf"process {os.getpid()}\) is at work .*--runs"):
        run_event(DEFAULT_EVENT)
    assert run_event(DEFAULT_EVENT).redone == list(CHAPTERS)


def test_a_failing_cell_is_one_line_and_the_notebook_is_kept_for_reading(tiny):
    write(tiny / "notebooks", "02_pairs", 'raise ValueError("no scene\\nover there")', "days: int = 15")
    with pytest.raises(
        RunError, match=r"^02_pairs, cell 3: ValueError: no scene\. The notebook .*02_pairs\.failed\.ipynb\.$"
    ):
        run_event(DEFAULT_EVENT)
    folder = tiny / "runs" / DEFAULT_EVENT
    assert "no scene" in (folder / "02_pairs.failed.ipynb").read_text()
    assert list(read_run(folder).steps) == ["01_catalogue"]

    write(tiny / "notebooks", *chapter("02_pairs"))
    assert run_event(DEFAULT_EVENT).redone == ["02_pairs", "03_interferogram"]
    assert not (folder / "02_pairs.failed.ipynb").exists()


def test_a_chapter_that_makes_too_little_is_refused(tiny):
    write(tiny / "notebooks", "02_pairs", "pass")
    with pytest.raises(RunError, match=r"02_pairs ran to its end without making pairs\.json"):
        run_event(DEFAULT_EVENT)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {"dais": 3}}, "No parameter 'dais': did you mean 'days'\\?"),
        ({"parameters": {"days": "3"}}, "Parameter 'days' is '3', a str: give it as int"),
        ({"parameters": {"days": True}}, "Parameter 'days' is True, a bool: give it as int"),
        ({"parameters": {"source": "x"}}, "Parameter 'source' has an option of its own"),
        ({"parameters": {"zzz": 1}}, "No parameter 'zzz': there are days"),
        ({"seed": "seven"}, "Parameter 'seed' is 'seven', a str: give it as int"),
        ({"profile": "quik"}, "Profile 'quik': there are quick and full"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_runs(tiny, arguments, message):
    with pytest.raises(ParameterError, match=message):
        run_event(DEFAULT_EVENT, **arguments)
    assert not (tiny / "runs").exists()


def test_types_of_parameters(tmp_path):
    write(tmp_path, "01_x", "", "a: float = 1.0\nb: list[int] | None = None\nc: dict[str, object] = {}\nd: bool = True")
    known = read_parameters(tmp_path / "01_x.py")
    assert known["c"].default == {}
    check_parameters({"a": 2, "b": [1], "c": {}, "d": False}, known)
    check_parameters({"b": None}, known)
    for wrong in ({"a": "2"}, {"b": "x"}, {"c": []}, {"d": 1}, {"a": True}, {"a": None}):
        with pytest.raises(ParameterError):
            check_parameters(wrong, known)


@pytest.mark.parametrize("line", ["days = 15", "days: int", "days: int = 10 + 5", "print(1)"])
def test_a_parameters_cell_holds_only_typed_literals(tmp_path, line):
    write(tmp_path, "01_x", "", line)
    with pytest.raises(FileFormatError, match=r"01_x\.py, parameters cell: '.*write name: type = literal"):
        read_parameters(tmp_path / "01_x.py")


def test_exactly_one_parameters_cell(tmp_path):
    write(tmp_path, "01_x", '\n# %% tags=["parameters"]\nx: int = 1')
    with pytest.raises(FileFormatError, match="2 cells tagged 'parameters'"):
        read_parameters(tmp_path / "01_x.py")


def test_a_source_that_is_not_there(tiny):
    with pytest.raises(FileFormatError, match=r"No file greece\.unw"):
        run_event(DEFAULT_EVENT, source="greece.unw")


def test_an_unwritable_folder_and_a_full_disk(tiny, monkeypatch):
    (tiny / "file").touch()
    for place in (tiny / "file" / "runs", Path("/proc/runs")):
        with pytest.raises(StorageError, match=r"^Cannot (write|make) .*Choose a folder"):
            run_event(DEFAULT_EVENT, runs=place)
    run_event(DEFAULT_EVENT)
    monkeypatch.setattr("epi.storage.mkstemp", full_disk)
    with pytest.raises(StorageError, match=r"No space left to write .*02_pairs\.ipynb: free some disk space"):
        run_event(DEFAULT_EVENT, parameters={"days": 20})


def full_disk(dir: Path, prefix: str, suffix: str) -> tuple[int, str]:
    """Like mkstemp, but the disk fills up as the executed notebook is written."""
    if suffix != ".ipynb":
        return mkstemp(dir=dir, prefix=prefix, suffix=suffix)
    path = Path(dir) / f"{prefix}x{suffix}"
    path.symlink_to("/dev/full")
    return os.open(path, os.O_WRONLY), str(path)


def test_a_damaged_record_says_what_to_do(tiny):
    run = run_event(DEFAULT_EVENT)
    (run.path / "run.json").write_text('{"steps": [')
    with pytest.raises(RunError, match=r"run\.json cannot be read: delete it"):
        run_event(DEFAULT_EVENT)
    (run.path / "run.json").unlink()
    with pytest.raises(RunError, match="Nothing has been run in"):
        read_run(run.path)


def test_runs_of_several_events_at_the_same_time_do_not_meet(tiny):
    places = {f"EPI_{name}": str(tiny / name.lower()) for name in ("NOTEBOOKS", "DATA", "RUNS")}
    events = ["20210303-thessaly", "20140824-napa", "20190706-ridgecrest"]
    program = "import sys; from epi.run import run_event; run_event(sys.argv[1])"
    together = [
        subprocess.Popen([sys.executable, "-c", program, each], env={**os.environ, **places}) for each in events
    ]
    assert [process.wait(timeout=120) for process in together] == [0, 0, 0]
    for event in events:
        assert (tiny / "runs" / event / "event.json").read_text() == event
