from pathlib import Path

import pytest

from fvx import Audio

_REFERENCE = Path(__file__).resolve().parents[3] / ".." / "shared" / "reference"


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    if not _REFERENCE.is_dir():
        pytest.skip("the field's own output on real speech is not on this machine")
    return _REFERENCE


@pytest.fixture
def speech(reference_dir: Path) -> Audio:
    return Audio.read(reference_dir / "D18_1000001.wav")
