"""What every test may ask for."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from epi.book import render
from epi.cli import main
from epi.run import DEFAULT_EVENT, run_event
from epi.runfolder import RunFolder

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("EPI_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real interferograms and archive responses kept outside the project; skips where absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data folder ../shared/data is absent (set EPI_SHARED_DATA to it)")
    return SHARED_DATA


MAY_SKIP = re.compile(r"SNAP|GPU|\.\./shared/data")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With EPI_NO_SKIPS set, fail what is skipped for want of anything but SNAP, a GPU or ../shared/data."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")  # what fails as expected was not skipped
    if skipped and os.environ.get("EPI_NO_SKIPS") and not MAY_SKIP.search(str(report.longrepr)):
        report.outcome = "failed"
    return report


@contextmanager
def turn() -> Iterator[None]:
    """Let the workers of one test session make what they share one after the other."""
    (ROOT / "_build").mkdir(exist_ok=True)
    with (ROOT / "_build" / ".tests-lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def default_run() -> RunFolder:
    """The default event's executed chapters, the same ones `make book` shows; done only where missing or stale."""
    with turn():
        return run_event(DEFAULT_EVENT)


@pytest.fixture(scope="session")
def rendered_book(default_run: RunFolder) -> Path:
    """First page of the book made from them, without a warning."""
    with turn():
        return render(strict=True)


@pytest.fixture
def says(capsys):
    """Run the command line; return its exit code, its stdout and its stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def stopped(answer: tuple[int, str, str], beginning: str) -> None:
    """Check that a command ended in a stated error, whatever it said of its progress before."""
    code, out, err = answer
    assert code == 1
    assert out == ""
    assert err.splitlines()[-1].startswith(beginning), err
