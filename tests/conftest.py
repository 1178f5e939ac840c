"""What every test may ask for."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = Path(os.environ.get("EPI_SHARED_DATA", ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real interferograms and archive responses kept outside the project; skips where absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("real data folder ../shared/data is absent (set EPI_SHARED_DATA to it)")
    return SHARED_DATA
