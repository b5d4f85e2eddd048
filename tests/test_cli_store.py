from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import h5py
import pytest
from makers import write_clip, write_tree
from typer.testing import CliRunner

from fvx import cli
from fvx.store import Store
from fvx.windows import Geometry, Windows

NAMES = "intensity,spectral_flux"


def run(*arguments: str) -> tuple[int, str, str]:
    """As the ``fvx`` command: exit code, stdout and stderr."""
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[str]]:
    """Through ``main``, where an FvxError becomes a line: exit code and lines that are ours."""
    monkeypatch.setattr(sys, "argv", ["fvx", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    lines = capsys.readouterr().err.splitlines()
    return int(stop.value.code or 0), [line for line in lines if line.startswith("fvx: ")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of four clips, of which one failed."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_tree(Path("speech"), 3)
        write_clip(Path("speech/spoof/bad.wav")).write_text("no sound")
        assert run("extract", "--dataset", "speech", "--features", NAMES)[0] == 1
    return folder


@pytest.fixture(autouse=True)
def elsewhere(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which is the current folder."""
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def the_shard() -> Path:
    (path,) = Path("features/speech").glob("*.h5")
    return path


def test_info_shows_clips_features_failures_and_size(elsewhere: Path) -> None:
    code, out, err = run("store", "info")
    lines = out.splitlines()
    assert (code, err) == (0, "store features/speech\n")
    assert re.fullmatch(r"store     features/speech: 1 shards, [\d.]+ kB, format 2", lines[0])
    assert lines[1:4] == [
        "dataset   speech, measured at 16000 Hz",
        "clips     4, 0.00 h",
        "  no split: 2 bonafide, 2 spoof",
    ]
    assert lines[4].split() == [
        "feature", "version", "kind", "columns", "clips", "rows", "size", "settings",
    ]  # fmt: skip
    (intensity,) = [line for line in lines if line.startswith("intensity ")]
    record = Store.open("features/speech").features["intensity"]
    pattern = rf"intensity +{record.version} +contour +1 +3 +63 +\d+ k?B +.*hop_s=0\.01.*"
    assert re.fullmatch(pattern, intensity.rstrip()), intensity
    assert lines[-1] == (
        "failed    1, clip: AudioError: cannot be read as audio (Format not recognised) "
        "(e.g. 'spoof/bad.wav')"
    )


def test_a_file_that_was_cut_short_is_measured_with_a_note(elsewhere: Path) -> None:
    path = write_clip(Path("more/real/cut.wav"), seconds=1.0, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[: 44 + 2 * 8_000])
    assert run("extract", "--dataset", "more", "--features", "intensity")[0] == 0
    _, out, _ = run("store", "info", "features/more")
    note = "cut short: its header says 1.00 s, 0.50 s are there"
    assert out.splitlines()[-1] == f"noted     1, e.g. 'real/cut.wav': {note}"
    assert dict(Store.open("features/more").clips["audio_notes"]) == {"real/cut.wav": note}


def test_info_can_be_read_by_a_program(elsewhere: Path) -> None:
    code, out, _ = run("store", "info", "--json")
    assert code == 0
    record = json.loads(out)
    assert record["store"] == str(Path("features/speech"))
    assert sum(sum(counts.values()) for counts in record["clips"].values()) == 4
    assert [one["record"]["name"] for one in record["features"]] == NAMES.split(",")
    (failure,) = record["failures"]
    assert (failure["n"], failure["error"]) == (1, "AudioError")


def test_info_takes_the_store_that_is_named_and_shows_its_windows(elsewhere: Path) -> None:
    store = Store.open("features/speech")
    Windows.over(store, Geometry(0.2, 0.1), ["spoof/001.wav"]).save(store)
    code, out, err = run("store", "info", "features/speech")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "windows   0.2 s every 0.1 s"


def test_verify_finds_a_sound_store_sound(elsewhere: Path) -> None:
    code, out, err = run("store", "verify")
    assert code == 0
    assert re.fullmatch(
        r"features/speech: 1 shards, 4 clips in the sound ones, [\d.]+ kB: all sound\n", out
    )
    assert "fvx: " not in err


def test_verify_lists_damage_and_says_what_to_do(elsewhere: Path) -> None:
    path = the_shard()
    with h5py.File(path, "r+") as file:
        file["features/intensity/values"][3] = 1.0
    code, out, err = run("store", "verify")
    assert code == 1
    assert out.endswith(": 1 damages\n")
    assert [line for line in err.splitlines() if line.startswith("fvx: ")] == [
        f"fvx: {path}: features/intensity/values is not as it was written (checksum); "
        "delete it and give the same `fvx extract` again"
    ]
    # And so it is mended.
    path.unlink()
    assert run("extract", "--dataset", "speech", "--features", NAMES)[0] == 1
    assert run("store", "verify")[0] == 0


def test_verify_tells_what_is_left_to_do(elsewhere: Path) -> None:
    assert run("extract", "--dataset", "speech", "--features", "f0", "--limit", "1")[0] == 0
    code, _, err = run("store", "verify")
    assert code == 0
    assert "note: 3 clips have not been tried with f0 yet; `fvx extract` goes on\n" in err


def test_export_writes_one_file(elsewhere: Path) -> None:
    code, out, _ = run("store", "export", "--hdf5", "one.h5", "--features", "intensity")
    assert (code, out) == (0, "4 clips, 1 features -> one.h5\n")
    with h5py.File("one.h5") as file:
        assert list(file["features"]) == ["intensity"]
        assert file["clips/id"].shape == (4,)


def test_export_writes_parquet(elsewhere: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    code, out, _ = run("store", "export", "features/speech", "--parquet", "out")
    assert (code, out) == (0, "4 clips, 2 features -> out\n")
    assert sorted(os.listdir("out")) == ["clips.parquet", "features"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["info", "nowhere"], "nowhere: no store there; `fvx extract` makes one"),
        (["verify", "nowhere"], "nowhere: no store there; `fvx extract` makes one"),
        (["export", "nowhere", "--hdf5", "x.h5"], "nowhere: no store there; `fvx extract` makes"),
        (["export", "--hdf5", "speech"], "speech: exists already; delete it, or name another"),
        (["export", "--hdf5", "features/speech/x.h5"], "features/speech/x.h5: lies in the store"),
        (["export", "--hdf5", "x.h5", "--features", "mfcc"], "no feature 'mfcc'; installed: int"),
        (["info", "old"], "old: store format 1, this fvx reads 2; extract again, into another st"),
        (["verify", "old"], "old: store format 1, this fvx reads 2; extract again, into another"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_1(
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    Path("old").mkdir()
    Path("old/store.json").write_text('{"format": "fvx-store", "format_version": 1}')
    code, lines = fail(monkeypatch, capsys, "store", *arguments)
    assert (code, len(lines)) == (1, 1)
    assert lines[0].startswith(f"fvx: {line}")
    assert not Path("x.h5").exists()


def test_a_store_of_an_older_format_is_refused_by_extract_too(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    about = Path("features/speech/store.json")
    about.write_text(about.read_text().replace('"format_version": 2', '"format_version": 1'))
    again = ("extract", "--dataset", "speech", "--features", NAMES)
    code, lines = fail(monkeypatch, capsys, *again)
    assert (code, lines) == (
        1,
        ["fvx: features/speech: store format 1, this fvx reads 2; extract again, into another "
         "store (--store)"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["export"], "give --hdf5 FILE or --parquet FOLDER"),
        (["export", "--hdf5", "a", "--parquet", "b"], "and not both"),
        (["export", "--hdf5", "a", "--features", " , "], "no feature is named"),
        (["export", "--csv", "a"], "--csv"),
        (["repair"], "repair"),
    ],
)
def test_wrong_usage_is_exit_code_2(elsewhere: Path, arguments: list[str], word: str) -> None:
    code, out, err = run("store", *arguments)
    assert (code, out) == (2, "")
    assert word in " ".join(err.split())


# Never mixed, seen from outside.


def test_other_settings_clips_and_versions_are_refused_with_the_way_out(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fvx_prosody.intensity import Intensity

    before = the_shard().read_bytes()
    again = ("extract", "--dataset", "speech", "--features", NAMES)
    with monkeypatch.context() as patch:
        patch.setattr(Intensity, "version", 99)
        code, lines = fail(patch, capsys, *again)
    assert (code, len(lines)) == (1, 1)
    assert re.search(r"intensity was made with version \d+ .*not version 99", lines[0])
    assert "extract into another store (--store), or leave the feature out (--features)" in lines[0]

    write_clip(Path("speech/bonafide/000.wav"), seed=99)
    code, lines = fail(monkeypatch, capsys, *again)
    assert (code, len(lines)) == (1, 1)
    assert "clip 'bonafide/000.wav' was made from other audio than the dataset has" in lines[0]
    assert "extract into another store (--store)" in lines[0]
    write_clip(Path("speech/bonafide/000.wav"), seed=0)

    write_tree(Path("other"), 2)
    code, lines = fail(
        monkeypatch, capsys, "extract", "--dataset", "other", "--features", NAMES,
        "--store", "features/speech",
    )  # fmt: skip
    assert (code, lines) == (
        1,
        ["fvx: features/speech: was made with dataset 'speech', not 'other'; name another folder "
         "with --store"],
    )  # fmt: skip
    assert the_shard().read_bytes() == before
