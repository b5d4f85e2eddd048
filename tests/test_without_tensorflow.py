"""Without TensorFlow files are judged and explained, and training says what it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CLIP = Path(__file__).parents[1] / "fvx" / "demo_corpus" / "00.flac"

# As if they were not there: found by no finder, whatever is on the path.
WITHOUT = """
import importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"tensorflow", "keras", "jax", "torch"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from fvx.cli import main
sys.argv = ["fvx", *sys.argv[1:]]
main()
"""


def fvx(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, *map(str, words)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_file_is_judged(tmp_path: Path) -> None:
    done = fvx(tmp_path, "predict", CLIP, "--json")
    assert done.returncode == 0, done.stderr
    (verdict,) = json.loads(done.stdout)
    assert verdict["error"] is None
    assert verdict["windows"]


def test_a_file_is_explained(tmp_path: Path) -> None:
    done = fvx(tmp_path, "explain", CLIP, "--json", "why.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "why.json").read_text())["cells"]


def test_training_says_in_one_line_what_it_needs(tmp_path: Path) -> None:
    extracted = fvx(tmp_path, "extract", "--dataset", "demo", "--features", "jitter")
    assert extracted.returncode == 0, extracted.stderr
    done = fvx(tmp_path, "train")
    assert done.returncode == 1
    *_, last = done.stderr.splitlines()
    assert last.startswith("fvx: training needs TensorFlow")
    assert "pip install 'fvx[train]'" in last
    assert not (tmp_path / "runs").exists()
