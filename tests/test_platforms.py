"""What does not need Linux does not ask for it: verdicts, explanations, names of files.

Neither macOS nor Windows is tested here; this makes of Linux what they lack.
"""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from makers import write_clip

from fvx.datasets import read_manifest
from fvx.errors import DatasetError

DEMO = Path(__file__).resolve().parents[1] / "fvx" / "demo_corpus"
_WITHOUT = """
import os, sys
import h5py, numpy, pandas, scipy.signal, sklearn, soundfile, soxr, ai_edge_litert.interpreter
for name in ("fcntl", "resource", "termios", "pwd", "grp"):
    sys.modules[name] = None
for name in ("fork", "sysconf", "sched_getaffinity", "killpg", "memfd_create"):
    delattr(os, name)
"""
VERDICT = """
from fvx.detector import load_model
verdict = load_model().predict(sys.argv[1])
verdict.explain().save_json(sys.argv[2])
print(verdict.verdict)
"""
STORE = """
from pathlib import Path
from fvx.errors import StoreError
from fvx.store.lock import locked
try:
    with locked(Path(sys.argv[1])):
        print("locked")
except StoreError as error:
    print(error)
"""


def without(code: str, *words: object) -> str:
    """What code prints where modules and functions of POSIX are not there."""
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT + code, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_verdict_and_its_reasons_do_without_posix(tmp_path: Path) -> None:
    why = tmp_path / "why.json"
    said = without(f"os.fdatasync = None\n{VERDICT}", DEMO / "00.flac", why)
    assert said in ("bona fide", "spoof", "undecided")
    assert why.stat().st_size > 1000


def test_a_store_that_cannot_be_locked_is_not_written(tmp_path: Path) -> None:
    assert without(STORE, tmp_path) == f"{tmp_path}: stores are written on Linux and macOS only"
    assert not list(tmp_path.iterdir())


def manifest(folder: Path, *names: str) -> Path:
    path = folder / "clips.csv"
    rows = "".join(f"{name},bonafide\n" for name in names)
    path.write_bytes(f"file,label\r\n{rows}".replace("\n", "\r\n").encode())
    return path


class TestManifestsOfOtherSystems:
    def test_folders_may_be_divided_as_windows_does(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "wav" / "one" / "a.wav")
        (found,) = read_manifest(manifest(tmp_path, "wav\\one\\a.wav")).clips
        assert found.path == "wav/one/a.wav"

    def test_a_file_that_has_a_backslash_in_its_name_is_meant_itself(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "wav" / "a.wav")
        write_clip(tmp_path / "wav\\a.wav")
        (found,) = read_manifest(manifest(tmp_path, "wav\\a.wav")).clips
        assert found.path == "wav\\a.wav"

    @pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
    @pytest.mark.parametrize("listed", ["NFC", "NFD"])
    def test_accents_may_be_written_apart_from_their_letters(
        self, tmp_path: Path, on_disk: str, listed: str
    ) -> None:
        name = unicodedata.normalize(on_disk, "Löfqvist é.wav")
        write_clip(tmp_path / name)
        path = manifest(tmp_path, unicodedata.normalize(listed, "Löfqvist é.wav"))
        (found,) = read_manifest(path).clips
        assert found.path == name

    def test_no_spelling_leads_out_of_the_corpus(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "a.wav")
        folder = tmp_path / "corpus"
        folder.mkdir()
        with pytest.raises(DatasetError, match="leads out of the corpus folder"):
            read_manifest(manifest(folder, "..\\a.wav"))
