"""Many files: a bar on a terminal, and one verdict in memory at a time."""

from __future__ import annotations

import gc
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from fvx.detector import DEFAULT_RUN, Verdict, load_model
from fvx.explanation.analysis import Analysis
from fvx.predict import predict

FVX = Path(sys.executable).with_name("fvx")
CORPUS = Path(__file__).parents[1] / "fvx" / "demo_corpus"
CLIPS = [CORPUS / f"{number:02d}.flac" for number in range(4)]


def on_terminal(words: list[object], tmp_path: Path) -> tuple[str, str]:
    """What a command writes to a terminal, and to the file its stdout goes to."""
    ours, theirs = pty.openpty()
    with (tmp_path / "out").open("wb") as out:
        process = subprocess.Popen(
            [FVX, *map(str, words)], stdout=out, stderr=theirs, cwd=tmp_path,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0, shown
    return shown.decode(), (tmp_path / "out").read_text()


def test_the_bar_is_on_the_terminal_and_the_verdicts_are_not(tmp_path: Path) -> None:
    shown, printed = on_terminal(["predict", *CLIPS, "--json"], tmp_path)
    assert "4/4" in shown
    assert len(json.loads(printed)) == 4


def test_a_single_file_gets_no_bar(tmp_path: Path) -> None:
    shown, printed = on_terminal(["predict", CLIPS[0]], tmp_path)
    assert "1/1" not in shown
    assert "higher means bona fide" in printed


def test_of_many_files_one_is_held_in_memory() -> None:
    detector = load_model(DEFAULT_RUN)
    alive = []
    for verdict in predict(CLIPS, detector):
        assert isinstance(verdict, Verdict)
        del verdict
        gc.collect()
        alive.append(sum(isinstance(one, Analysis) for one in gc.get_objects()))
    assert max(alive) <= 1


@pytest.mark.parametrize("json_too", [False, True])
def test_without_a_terminal_there_is_no_bar(tmp_path: Path, json_too: bool) -> None:
    done = subprocess.run(
        [FVX, "predict", *CLIPS[:2], *(["--json"] if json_too else [])],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "2/2" not in done.stderr
