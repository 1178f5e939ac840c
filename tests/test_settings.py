"""Where things are; that pyproject's and conda's packages are one list, and that it holds what is imported."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from conftest import ROOT
from epi.settings import PROJECT_ROOT, Settings, settings


def test_the_project_is_where_its_pyproject_is():
    assert PROJECT_ROOT == ROOT
    assert (settings().notebooks / "01_catalogue.py").is_file()
    assert (settings().data / "events.csv").is_file()
    assert settings().runs == Path("runs")


def test_the_environment_decides(monkeypatch, tmp_path):
    monkeypatch.setenv("EPI_RUNS", str(tmp_path))
    assert Settings().runs == tmp_path
    assert settings() is settings()


def test_unknown_settings_and_changes_are_refused():
    with pytest.raises(ValidationError, match="runz"):
        Settings(runz="x")
    with pytest.raises(ValidationError, match="frozen"):
        settings().runs = Path("elsewhere")


def test_conda_installs_the_same_packages():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    with_pip = next(line["pip"] for line in environment if isinstance(line, dict))
    assert "python=3.11" in environment
    assert with_pip[0] == "-e ."
    assert sorted(with_pip[1:]) == sorted(project["dependencies"] + project["optional-dependencies"]["test"])
    assert all("==" in line for line in with_pip[1:])


def test_every_imported_package_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {line.partition("==")[0].partition("[")[0].lower().replace("_", "-") for line in project["dependencies"]}
    imported = set()
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "notebooks").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    known = packages_distributions()
    outside = imported - set(sys.stdlib_module_names) - {"epi"}
    missing = {name for name in outside if not {d.lower().replace("_", "-") for d in known.get(name, [name])} & pinned}
    assert missing <= {"jpy", "jpyutil"}, missing  # SNAP brings its own


def test_only_the_snap_engine_knows_snap():
    engine = ROOT / "src" / "epi" / "insar" / "engines" / "snap"
    for path in (ROOT / "src").rglob("*.py"):
        assert engine in path.parents or "esa_snappy" not in path.read_text(), path
