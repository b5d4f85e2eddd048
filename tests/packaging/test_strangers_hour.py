"""A stranger's first hour: install, ask of a file, train on clips, add a feature, ask again."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import soundfile

from fvx.audio import Audio
from fvx.datasets import open_dataset
from fvx.registry import discover

from .conftest import ROOT, Environment, about

N_CLIPS = 12  # of each class
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="session")
def own_file(environment: Environment) -> Path:
    """A recording as a stranger has them: two channels, 44.1 kHz."""
    clips = sorted(Path(ROOT / "fvx" / "demo_corpus").glob("*.flac"))
    samples = Audio.read(clips[-1], 44_100).samples
    path = environment.home / "my_recording.wav"
    soundfile.write(path, samples[:, None].repeat(2, axis=1), 44_100)
    return path


@pytest.fixture(scope="session")
def own_clips(environment: Environment) -> Path:
    """A folder with ``real`` and ``fake`` in it."""
    corpus = open_dataset("demo", discover().datasets)
    folder = environment.home / "my_clips"
    for label, name in (("bonafide", "real"), ("spoof", "fake")):
        chosen = [clip for clip in corpus.clips if clip.label.value == label][:N_CLIPS]
        for number, clip in enumerate(chosen):
            path = folder / name / f"{number:02d}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(corpus.audio_path(clip), path)
    return folder


class TestAsInstalled:
    def test_nothing_but_what_was_asked_for_is_there(self, environment: Environment) -> None:
        for name in ("tensorflow", "keras", "dask", "pytest", "librosa", "parselmouth"):
            found = environment.run(
                "python", "-c", f"import importlib.util as u; print(u.find_spec({name!r}))"
            )
            assert found == "None\n", name

    def test_fvx_is_that_of_the_wheel(self, environment: Environment) -> None:
        where = environment.run("python", "-c", "import fvx; print(fvx.__file__)")
        assert Path(where.strip()).is_relative_to(environment.site)

    def test_a_file_gets_a_verdict_without_tensorflow(
        self, environment: Environment, own_file: Path
    ) -> None:
        (verdict,) = json.loads(
            environment.run("fvx", "predict", "-", "--json", stdin=f"{own_file.name}\n")
        )
        assert verdict["verdict"] in ("bona fide", "spoof", "undecided")
        assert verdict["windows"]

    def test_and_its_reasons(self, environment: Environment, own_file: Path) -> None:
        said = environment.run("fvx", "explain", own_file.name, "--html", "why.html")
        assert said.startswith(f"{own_file.name}: ")
        page = (environment.home / "why.html").read_text(encoding="utf-8")
        assert own_file.name in page

    def test_training_says_what_to_install(self, environment: Environment, own_clips: Path) -> None:
        source = ("--dataset", own_clips.name, "--features", "intensity")
        environment.run("fvx", "extract", *source, "--store", "other")
        words = ("--store", "other", "--split", "random", "--run", "no")
        refused = environment.run("fvx", "train", *words, code=1)
        assert "pip install 'fvx[train]'" in refused
        assert not (environment.home / "no").exists()


class TestAsExtended:
    def test_the_tutorial_works_as_it_is_written(
        self, environment: Environment, own_file: Path, own_clips: Path
    ) -> None:
        """A plugin is made, installed and checked; its feature is trained on and explained."""
        environment.lend([*about(ROOT)["optional-dependencies"]["train"], "setuptools", "pytest"])
        here, printed = environment.home, ""
        for language, block in BLOCKS:
            if language == "python":
                path = here / block.partition("\n")[0].removeprefix("# ")
                assert path.exists(), "fvx plugin new has written this file"
                path.write_text(block, encoding="utf-8")
                continue
            for line in block.splitlines():
                command = shlex.split(line.removeprefix("$ "))
                if not line.startswith("$ "):
                    assert line in printed
                elif command[0] == "cd":
                    here = here / command[1]
                elif command[0] == "pip":
                    assert command == ["pip", "install", "-e", ".[test]"]
                    environment.install("-e", f"{here}[test]")
                else:
                    printed = environment.run(*command, folder=here)
        assert printed.startswith(f"{own_file.name}: ")
        why = environment.home / "why.json"
        environment.run("fvx", "explain", own_file.name, "--json", why)
        explanation = json.loads(why.read_text(encoding="utf-8"))
        assert {one["name"] for one in explanation["features"]} == {"teager", "intensity"}
        assert explanation["model"]["run"] == str(Path("runs/my_clips"))
