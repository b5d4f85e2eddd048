from pathlib import Path

import pytest

from fvx import Audio

_REFERENCE = Path(__file__).resolve().parents[3] / ".." / "shared" / "reference"
_DATA = _REFERENCE.parent / "data"
N_CLIPS = 24


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    if not _REFERENCE.is_dir():
        pytest.skip("the field's own output on real speech is not on this machine")
    return _REFERENCE


@pytest.fixture
def speech(reference_dir: Path) -> Audio:
    return Audio.read(reference_dir / "D18_1000001.wav")


@pytest.fixture(scope="session")
def real_clips() -> list[Audio]:
    """Two dozen recordings and syntheses."""
    for pattern in ("demos/*/*.flac", "package_sample/*/*.flac"):
        paths = sorted(_DATA.glob(pattern))
        if len(paths) >= N_CLIPS:
            return [Audio.read(path) for path in paths[:: len(paths) // N_CLIPS][:N_CLIPS]]
    pytest.skip("no real speech at hand: the development clips are not on this machine")
