"""What an installation has, what it lacks, and the remedy."""

import platform
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import requires
from importlib.util import find_spec
from tempfile import TemporaryFile
from typing import Literal
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from epi.catalogue.online.credentials import COPERNICUS, EARTHDATA, Account, find_login
from epi.errors import AccountError, MissingPackage, StorageError
from epi.runfolder import versions
from epi.settings import PROJECT_ROOT, settings
from epi.storage import make_folder

ENOUGH_DISK_GB = 2.0  # the book's own run and its pages take a tenth of that
ARCHIVES = {
    "USGS catalogue": "https://earthquake.usgs.gov/fdsnws/event/1/version",
    "ASF archive": "https://api.daac.asf.alaska.edu/health",
    "Copernicus archive": "https://catalogue.dataspace.copernicus.eu/odata/v1/Products?$top=1",
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    name : what was looked at.
    state : "ok"; "missing", where the book needs it; "absent", where only something optional does.
    found : what is there.
    remedy : what to do; empty where all is well.
    """

    name: str
    state: Literal["ok", "missing", "absent"]
    found: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return what JSON can hold."""
        return asdict(self)


def examine(*, online: bool = False) -> list[Finding]:
    """Look at everything; with ``online``, also ask the archives whether they answer."""
    findings = [
        python(),
        packages(),
        torch_device(),
        coastline(),
        run_folder(),
        disk(),
        browser(),
        snap(),
        cache(),
        credentials(EARTHDATA),
        credentials(COPERNICUS),
    ]
    return findings + ([archive(name, address) for name, address in ARCHIVES.items()] if online else [])


def python() -> Finding:
    """Compare the interpreter with the one the packages are pinned for."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] == (3, 11):
        return Finding("Python", "ok", found)
    return Finding("Python", "missing", found, "Install Python 3.11, delete .venv and run make again.")


def packages() -> Finding:
    """Compare the installed packages with the pinned versions; a build's own suffix (+cpu) does not count."""
    lines = [re.sub(r"\[.*?\]|\s", "", line) for line in requires("epi") or [] if "extra ==" not in line]
    pins = {name: pin for name, _, pin in (line.partition("==") for line in lines) if pin}
    found = versions()
    wrong = [f"{name} {found[name]} (pinned {pin})" for name, pin in pins.items() if found[name].split("+")[0] != pin]
    if not wrong:
        return Finding("packages", "ok", f"{len(pins)} as pinned")
    return Finding("packages", "missing", "; ".join(wrong), "Run make .venv, or pip install -e . in your environment.")


def torch_device() -> Finding:
    """Say what torch computes on."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding("torch", "missing", str(error).splitlines()[0], "Install it anew: pip install torch==2.13.0.")
    if torch.cuda.is_available():
        return Finding("torch", "ok", f"{torch.__version__} on {torch.cuda.get_device_name()}")
    return Finding("torch", "ok", f"{torch.__version__} on {torch.get_num_threads()} CPU threads")


def coastline() -> Finding:
    """Look for the coastline that maps are drawn with."""
    files = list((settings().data / "cartopy").rglob("*coastline.shp"))
    if files:
        return Finding("coastline", "ok", files[0].name)
    return Finding(
        "coastline", "missing", f"none under {settings().data}", "Restore data/ from the project: git restore data."
    )


def run_folder() -> Finding:
    """Try to write where runs go."""
    folder = PROJECT_ROOT / settings().runs
    try:
        with TemporaryFile(dir=make_folder(folder)):
            return Finding("run folder", "ok", f"{folder} can be written")
    except (StorageError, OSError) as error:
        return Finding("run folder", "missing", str(error), "Set EPI_RUNS to a folder you may write to.")


def disk() -> Finding:
    """Compare the free space with what the book takes."""
    place = next(folder for folder in [PROJECT_ROOT / settings().runs, *PROJECT_ROOT.parents] if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    if free >= ENOUGH_DISK_GB:
        return Finding("disk", "ok", f"{free:.0f} GB free")
    return Finding(
        "disk", "missing", f"{free:.1f} GB free", f"Free {ENOUGH_DISK_GB:.0f} GB, or set EPI_RUNS elsewhere."
    )


def browser() -> Finding:
    """Look for the browser that tests of the rendered book drive."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return Finding("Chromium", "ok", found)
    return Finding("Chromium", "absent", "none: tests of the rendered book are skipped", "apt-get install chromium")


def snap() -> Finding:
    """Look for ESA's SNAP, through its command line and its Python bridge."""
    from epi.insar.engines.snap import find_gpt

    bridge = "with" if find_spec("jpyutil") else "without"
    try:
        return Finding("SNAP", "ok", f"{find_gpt()}, {bridge} its Python bridge")
    except MissingPackage as error:
        return Finding("SNAP", "absent", f"none, {bridge} its Python bridge", f"Nothing in the book needs it. {error}")


def cache() -> Finding:
    """Look at the folder that downloads are kept in: whether it can be written, what is in it, what is free."""
    folder = settings().cache
    try:
        with TemporaryFile(dir=make_folder(folder)):
            files = [path for path in folder.rglob("*") if path.is_file()]
            held, free = sum(path.stat().st_size for path in files) / 1e9, shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Finding("cache", "absent", str(error), "Only downloads need it: set EPI_CACHE to a folder to write to.")
    return Finding("cache", "ok", f"{folder} holds {held:.1f} GB, {free:.0f} GB free; a pair takes 0.3 to 20 GB")


def credentials(account: Account = EARTHDATA) -> Finding:
    """Say whether there is a login for an archive and in which place, never which."""
    name = f"{account.name.split()[0]} login"
    try:
        login = find_login(account)
    except AccountError as error:
        return Finding(name, "absent", "one that cannot be used", str(error))
    if login is not None:
        return Finding(name, "ok", login.where)
    return Finding(name, "absent", "none found", f"Only downloads need it. {account.remedy()}")


def archive(name: str, address: str) -> Finding:
    """Ask an archive whether it is there; any answer will do."""
    try:
        with urlopen(Request(address, headers={"User-Agent": "epi"}), timeout=10) as answer:
            return Finding(name, "ok", f"answers ({answer.status})")
    except HTTPError as error:
        return Finding(name, "ok", f"answers ({error.code})")
    except (URLError, OSError) as error:
        found = " ".join(str(error).split())
        return Finding(name, "absent", found, "Check the network and its proxy; the book itself needs none.")
