import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fvx import Store
from fvx.errors import ModelError, UnknownFeature
from fvx.train import train

from .conftest import FVX, Demo

PLUGIN = '''
"""Zero crossings: how often the waveform changes sign."""

from dataclasses import dataclass

import numpy as np

from fvx import Audio, Feature, hookimpl
from fvx.signal import frames


@dataclass(frozen=True)
class ZeroCrossings(Feature):
    """Share of neighbouring samples that differ in sign.

    References
    ----------
    Kedem (1986), "Spectral analysis and discrimination by zero-crossings", Proc. IEEE.
    """

    name = "zero_crossings"
    columns = ("zero_crossing_rate",)
    kind = "contour"
    perceptible = False

    hop_s: float = 0.010

    def extract(self, audio: Audio) -> np.ndarray:
        signs = audio.shared(frames, 0.025, self.hop_s) >= 0
        return (signs[:, 1:] != signs[:, :-1]).mean(axis=1, dtype=np.float32)[:, np.newaxis]


@hookimpl
def fvx_features():
    return [ZeroCrossings()]
'''

TOML = """[project]
name = "somebodys-crossings"
version = "0.1"
dependencies = ["fvx"]
[project.entry-points.fvx]
crossings = "somebodys_crossings"
[tool.setuptools]
py-modules = ["somebodys_crossings"]
"""


def test_a_third_party_plugin_gets_a_branch_without_a_change_to_fvx(tmp_path: Path) -> None:
    source, site = tmp_path / "plugin", tmp_path / "site"
    source.mkdir()
    (source / "somebodys_crossings.py").write_text(PLUGIN)
    (source / "pyproject.toml").write_text(TOML)
    install = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
        "--no-index", "--target", site, source,
    ]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True)

    def fvx(*arguments: object) -> str:
        done = subprocess.run(
            [FVX, *map(str, arguments)], cwd=tmp_path, capture_output=True, text=True,
            env={"PYTHONPATH": str(site), "PATH": "", "COLUMNS": "200"}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert re.search("zero_crossings +somebodys_crossings", fvx("features", "list"))
    fvx("extract", "--dataset", "demo", "--features", "zero_crossings,jitter", "--jobs", 2)
    fvx("train", "--epochs", 2)
    card = json.loads((tmp_path / "runs" / "demo" / "card.json").read_text())
    assert [feature["name"] for feature in card["features"]] == ["jitter", "zero_crossings"]
    clip = Path(__file__).parents[2] / "fvx" / "demo_corpus" / "00.flac"
    assert "zero_crossings" in fvx("explain", clip)


def test_the_same_seed_trains_the_same_model(demo: Demo, tmp_path: Path) -> None:
    cards = []
    for name in ("a", "b"):
        subprocess.run(
            [FVX, "train", "--store", demo.store, "--run", tmp_path / name, "--epochs", "2",
             "--features", "jitter,f0", "--seed", "7"],
            check=True, capture_output=True,
        )  # fmt: skip
        cards.append(json.loads((tmp_path / name / "card.json").read_text()))
    for key in ("withheld", "scale", "offset", "threshold", "training"):
        assert cards[0][key] == cards[1][key], key


def test_an_existing_run_is_not_overwritten(demo: Demo) -> None:
    before = (demo.run / "card.json").read_bytes()
    with pytest.raises(ModelError, match="exists already"):
        train(Store.open(demo.store), demo.run)
    assert (demo.run / "card.json").read_bytes() == before


def test_a_feature_that_is_not_stored_is_named(demo: Demo, tmp_path: Path) -> None:
    with pytest.raises(UnknownFeature, match="no feature 'nonsense'"):
        train(Store.open(demo.store), tmp_path / "run", features=["nonsense"])
    assert not (tmp_path / "run").exists()


def test_without_a_store_train_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run([FVX, "train"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("fvx: no store under features/")
    assert "fvx extract" in done.stderr
