"""Where things are; and that the two lists of packages, pyproject's and conda's, are one."""

import tomllib
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
