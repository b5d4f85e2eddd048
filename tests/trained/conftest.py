"""One real demo, run once; the tests in this folder look at what it left."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

FVX = Path(sys.executable).with_name("fvx")


@dataclass(frozen=True)
class Demo:
    """A finished ``fvx demo`` and what it printed."""

    folder: Path
    output: str
    messages: str

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def store(self) -> Path:
        return self.folder / "features"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:  # all on one worker, so that the demo runs once
            item.add_marker(pytest.mark.xdist_group("trained"))


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [FVX, "demo", "--out", "out"], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Demo(home / "out", done.stdout, done.stderr)
