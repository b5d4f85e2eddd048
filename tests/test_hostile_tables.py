"""Everything that can be wrong with a table of clips."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from makers import write_clip
from typer.testing import CliRunner

from fvx import cli
from fvx.datasets import open_dataset
from fvx.registry import discover

HEADER, ROWS = "file,speaker,label", ("a.wav,Ann,bona-fide", "b.wav,Bob,spoof")
PLAIN = "\n".join((HEADER, *ROWS, ""))


def table(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join((header, *rows, "")).encode()


GOOD_TABLES = {
    "plain": PLAIN.encode(),
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "byte-order mark": PLAIN.encode("utf-8-sig"),
    "both": PLAIN.replace("\n", "\r\n").encode("utf-8-sig"),
    "quotes": table('"a.wav","Ann, ""A""","bona-fide"', '"b.wav","B\nob","spoof"'),
    "blank lines": PLAIN.replace("\n", "\n\n").encode(),
    "no last newline": PLAIN.strip().encode(),
    "more columns": table(*(row + ",x,,7" for row in ROWS), header=HEADER + ",codec,empty,n"),
    "another order": table("bona-fide,a.wav,Ann", "spoof,b.wav,Bob", header="label,file,speaker"),
    "capitals in labels": table("a.wav,Ann,Bona-Fide", "b.wav,Bob,SPOOF"),
}
BAD_TABLES = {
    "a clip twice": (table(*ROWS, ROWS[0]), "line 4: clip 'a.wav' is listed for the second time"),
    "one audio of two clips": (table(*ROWS, "a.flac,Ann,spoof"), "line 4: a.wav is the audio of"),
    "a field missing": (table(ROWS[0], "b.wav,Bob"), "line 3: expected 3 fields, found 2"),
    "a field too many": (table(ROWS[0], ROWS[1] + ",7"), "line 3: expected 3 fields, found 4"),
    "an unknown label": (table(ROWS[0], "b.wav,Bob,maybe"), "line 3: label 'maybe' is unknown"),
    "labels of numbers": (table("a.wav,Ann,0"), "line 2: label '0' is unknown; known: "),
    "no label": (table("a.wav,Ann,"), "line 2: label '' is unknown; known: "),
    "no name": (table(*ROWS, ",Cid,spoof"), "line 4: the clip has no name"),
    "outside": (table("../a.wav,Ann,spoof"), "line 2: '../a.wav' leads out of the corpus folder"),
    "absolute": (table("/a.wav,Ann,spoof"), "line 2: '/a.wav' leads out of the corpus folder"),
    "nothing there": (table("y.wav,Ann,spoof", "z.wav,Bob,spoof"), "none of 2 clips listed has au"),
    "a header only": (table(), "no clip is listed"),
    "a stray quote": (table('"a.wav,Ann,spoof'), "unexpected end of data"),
    "Latin-1": ("file,speaker,label\na.wav,Zoë,spoof\n".encode("latin-1"), "not UTF-8 text"),
    "UTF-16": (PLAIN.encode("utf-16"), "not UTF-8 text"),
}


@pytest.fixture
def speech(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the form of In-the-Wild, its table still to be written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "speech").mkdir()
    for number, name in enumerate(("a.wav", "b.wav")):
        write_clip(tmp_path / "speech" / name, seed=number)
    return tmp_path / "speech"


@pytest.mark.parametrize("name", GOOD_TABLES)
def test_a_table_however_written_gives_the_same_clips(speech: Path, name: str) -> None:
    (speech / "meta.csv").write_bytes(GOOD_TABLES[name])
    opened = open_dataset(speech, discover().datasets)
    assert [(clip.id, clip.path, clip.label.value) for clip in opened.clips] == [
        ("a.wav", "a.wav", "bonafide"), ("b.wav", "b.wav", "spoof"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_bad_table_is_one_line_and_exit_code_1(
    speech: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, reason = BAD_TABLES[name]
    (speech / "meta.csv").write_bytes(data)
    arguments = ["fvx", "extract", "--dataset", "speech/meta.csv", "--features", "intensity"]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    (line,) = capsys.readouterr().err.splitlines()
    assert (stop.value.code, line[:5], reason in line) == (1, "fvx: ", True), line
    assert not Path("features").exists()


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_a_manifest_with_another_delimiter_is_read(speech: Path, delimiter: str) -> None:
    (speech / "mine.csv").write_text(PLAIN.replace(",", delimiter))
    clips = open_dataset(speech / "mine.csv").clips
    assert [(clip.id, clip.speaker) for clip in clips] == [("a.wav", "Ann"), ("b.wav", "Bob")]


def test_a_clip_that_is_listed_and_not_there_is_told(speech: Path) -> None:
    (speech / "meta.csv").write_bytes(table(*ROWS, "c.wav,Cid,spoof"))
    done = CliRunner().invoke(
        cli.app, ["extract", "--dataset", "speech", "--features", "intensity"]
    )
    assert (done.exit_code, done.stdout[:7]) == (0, "2 clips"), done.stderr
    assert "note: 1 clip in the protocol without audio: c.wav\n" in done.stderr
