"""Where things are and what a user may set, from the environment (``EPI_*``) or the call."""

from functools import cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parents[2]


class Settings(BaseSettings):
    """Folders of one installation; every field can be set by an ``EPI_`` environment variable."""

    model_config = SettingsConfigDict(env_prefix="EPI_", extra="forbid", frozen=True)

    data: Path = PROJECT_ROOT / "data"
    """Small facts that ship with the project."""
    notebooks: Path = PROJECT_ROOT / "notebooks"
    """The chapters, as percent scripts."""
    runs: Path = Path("runs")
    """Where run folders are made, one an event."""
    cache: Path = Path.home() / ".cache" / "epi"
    """What comes from archives, shared by all runs: scenes, orbits, terrain, answers."""
    tokens: Path = Path.home() / ".config" / "epi"
    """Where token files of the archives' accounts may lie."""


@cache
def settings() -> Settings:
    """Return the settings of this process, read once from the environment."""
    return Settings()
