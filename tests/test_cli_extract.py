from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from makers import RATE_HZ, install_plugin, write_clip, write_tree
from typer.testing import CliRunner

from fvx import cli
from fvx.store import Store

NAMES = "intensity,spectral_flux"
FVX = Path(sys.executable).with_name("fvx")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands write below the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


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


def test_extract_and_window_one_after_the_other(elsewhere: Path) -> None:
    write_tree(Path("speech"), 4)
    code, out, err = run("extract", "--dataset", "speech", "--features", NAMES)
    assert code == 0
    assert out == ("4 clips, 2 features -> features/speech (4 extracted now, 0 there already)\n")
    assert "dataset speech: a folder tree: bonafide/ (2), spoof/ (2); 4 clips" in err
    code, out, err = run("window", "--length-s", "0.5", "--hop-s", "0.25")
    assert code == 0
    assert out == "4 windows of 0.5 s every 0.25 s over 4 clips in features/speech\n"
    assert err == "store features/speech\n"
    code, out, _ = run("extract", "--dataset", "speech", "--features", NAMES)
    assert (code, out.partition("(")[2]) == (0, "0 extracted now, 4 there already)\n")


def test_the_real_command_does_the_same(elsewhere: Path) -> None:
    write_tree(Path("speech"), 4)
    done = subprocess.run(
        [FVX, "extract", "--dataset", "speech", "--features", NAMES, "--jobs", "2",
         "--limit", "3", "--store", "out"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (
        0, "3 clips, 2 features -> out (3 extracted now, 0 there already)\n",
    ), done.stderr  # fmt: skip
    assert sorted(Store.open("out").features) == NAMES.split(",")


def test_all_features_are_those_installed(elsewhere: Path) -> None:
    from fvx.registry import discover

    write_clip(Path("speech/real/a.wav"), 0.5)
    assert run("extract", "--dataset", "speech")[0] == 0
    assert list(Store.open("features/speech").features) == [
        feature.name for feature in discover().select()
    ]


def test_all_features_are_refused_while_a_plugin_is_broken(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(Path("speech"), 2)
    install_plugin(elsewhere / "site", "fvx-broken", "fvx_not_there", None)
    monkeypatch.syspath_prepend(str(elsewhere / "site"))
    code, lines = fail(monkeypatch, capsys, "extract", "--dataset", "speech")
    assert code == 1
    assert lines == [
        "fvx: cannot load fvx-broken: ModuleNotFoundError: No module named 'fvx_not_there'; "
        "name the features you want, or repair it"
    ]
    assert not Path("features").exists()
    assert run("extract", "--dataset", "speech", "--features", NAMES)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["extract", "--dataset", "speech", "--features", "mfc"], "no feature 'mfc'; installed: "),
        (["extract", "--dataset", "speech", "--features", "all,mfcc"], "no feature 'all'; inst"),
        (["extract", "--dataset", "nowhere"], "'nowhere': neither a known corpus (add2022"),
        (["extract", "--dataset", ""], "'': neither a known corpus"),
        (["extract", "--dataset", "itw"], "itw: expected in "),
        (["extract", "--dataset", "words.csv"], "LABELS, line 2: label 'maybe' is unknown; known"),
        (["extract", "--dataset", "empty"], "empty: no clips. It holds nothing. Expected are"),
        (["extract", "--dataset", "speech", "--store", "occupied"], "occupied: not empty, and not"),
        (["extract", "--dataset", "speech", "--store", "words.csv"], "words.csv: cannot be writt"),
        (["window"], "no store under features/; make one with: fvx extract --dataset"),
        (["window", "--store", "nowhere"], "nowhere: no store there; `fvx extract` makes one"),
        (["window", "--store", "made", "--hop-s", "2"], "window hop 2.0 s exceeds the length 1.0"),
        (["window", "--store", "made", "--length-s", "nan"], "window length nan s is not a posit"),
        (["predict", "speech/spoof/001.wav", "--run", "nowhere"], "nowhere: "),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_1(
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    write_tree(Path("speech"), 2)
    Path("words.csv").write_text("file,label\nspeech/spoof/001.wav,maybe\n")
    Path("empty").mkdir()
    Path("occupied").mkdir()
    Path("occupied/letter.txt").touch()
    from makers import new_store

    new_store(Path("made"))
    code, lines = fail(monkeypatch, capsys, *arguments)
    assert (code, len(lines)) == (1, 1)
    said = lines[0].removeprefix("fvx: ").replace(f"{elsewhere}/", "")
    assert said.startswith(line.replace("LABELS", "words.csv"))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["extract"], "--dataset"),
        (["extract", "--dataset", "speech", "--jobs", "0"], "--jobs"),
        (["extract", "--dataset", "speech", "--jobs", "many"], "--jobs"),
        (["extract", "--dataset", "speech", "--limit", "0"], "--limit"),
        (["extract", "--dataset", "speech", "--features", " , "], "no feature is named"),
        (["extract", "--dataset", "speech", "--feature", "mfcc"], "--feature"),
        (["extract", "speech", "--dataset", "speech"], "speech"),
        (["window", "--length-s", "long"], "--length-s"),
        (["extrakt"], "extrakt"),
        (["predict"], "FILE"),
    ],
)
def test_wrong_usage_is_exit_code_2(elsewhere: Path, arguments: list[str], word: str) -> None:
    write_tree(Path("speech"), 2)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert word in err
    assert "Traceback" not in err
    assert not Path("features").exists()


def test_other_settings_are_refused_and_the_rest_goes_on(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from fvx_prosody.intensity import Intensity

    write_tree(Path("speech"), 2)
    assert run("extract", "--dataset", "speech", "--features", NAMES)[0] == 0
    monkeypatch.setattr(Intensity, "version", 99)
    code, lines = fail(monkeypatch, capsys, "extract", "--dataset", "speech", "--features", NAMES)
    assert (code, len(lines)) == (1, 1)
    assert "intensity was made with version" in lines[0]
    assert "extract into another store (--store)" in lines[0]
    assert run("extract", "--dataset", "speech", "--features", "spectral_flux")[0] == 0


def test_failures_are_grouped_by_reason_and_exit_with_1(elsewhere: Path) -> None:
    write_tree(Path("speech"), 2)
    for name in ("a", "b", "c"):
        write_clip(Path(f"speech/spoof/{name}.wav")).write_text("no sound")
    write_clip(Path("speech/spoof/short.wav"), 0.1)
    code, out, err = run("extract", "--dataset", "speech", "--features", NAMES)
    assert code == 1
    assert "6 clips, 2 features -> features/speech (6 extracted now" in out
    lines = [line for line in err.splitlines() if line.startswith("fvx: ")]
    assert lines == [
        "fvx: 3 failed, clip: AudioError: cannot be read as audio (Format not recognised) "
        "(e.g. 'spoof/a.wav')",
        "fvx: 1 failed, clip: AudioError: 0.1000 s long; at least 0.2 s needed "
        "(e.g. 'spoof/short.wav')",
    ]
    assert "Traceback" not in err
    # They are told of each time, and tried again when asked.
    code, out, err = run("extract", "--dataset", "speech", "--features", NAMES)
    assert code == 1
    assert "(0 extracted now, 6 there already)" in out
    for name in ("a", "b", "c", "short"):
        write_clip(Path(f"speech/spoof/{name}.wav"))
    code, out, err = run("extract", "--dataset", "speech", "--features", NAMES, "--retry-failed")
    assert (code, "(4 extracted now, 2 there already)" in out) == (0, True)


def test_windows_say_how_many_clips_have_none(elsewhere: Path) -> None:
    write_tree(Path("speech"), 2)
    write_clip(Path("speech/spoof/short.wav"), 0.1)
    assert run("extract", "--dataset", "speech", "--features", NAMES)[0] == 1
    code, out, _ = run("window")
    assert (code, out) == (
        0,
        "2 windows of 1 s every 0.5 s over 2 clips in features/speech "
        "(left out for lack of a feature: 1)\n",
    )


def test_among_several_stores_the_one_last_extracted_into_is_taken(elsewhere: Path) -> None:
    for number, name in enumerate(("one", "two")):
        write_tree(Path(name), 2)
        assert run("extract", "--dataset", name, "--features", NAMES)[0] == 0
        for path in (Path("features", name), Path("features", name, ".lock")):
            os.utime(path, (number, number))
    assert run("window")[2] == "store features/two, the newest of 2; --store names another\n"
    # Also where nothing was left to do.
    assert run("extract", "--dataset", "one", "--features", NAMES)[0] == 0
    assert run("window")[2] == "store features/one, the newest of 2; --store names another\n"


def test_a_manifest_with_formats_of_all_kinds(elsewhere: Path) -> None:
    rows = ["file,label,speaker"]
    for number, name in enumerate(("a.wav", "b.flac", "c.ogg", "d.mp3", "e.wav")):
        settings = {"subtype": "PCM_24"} if name == "e.wav" else {}
        write_clip(Path(name), 0.5, number, **settings)
        rows.append(f"{name},{('real', 'fake')[number % 2]},s{number}")
    Path("mine.csv").write_text("\n".join(rows))
    code, out, _ = run("extract", "--dataset", "mine.csv", "--features", NAMES)
    assert (code, "5 clips, 2 features -> features/mine" in out) == (0, True)
    clips = Store.open("features/mine").clips
    assert list(clips["label"]) == ["bonafide", "spoof", "bonafide", "spoof", "bonafide"]
    assert (clips["n_samples"] >= RATE_HZ // 2).all()


RECIPE = "[[step]]\nkind = 'level'\npeak_db = [-30, -20]\n"


def test_copies_are_extracted_counted_and_kept_apart_from_a_plain_store(elsewhere: Path) -> None:
    write_tree(Path("speech"), 4)
    Path("quiet.toml").write_text(RECIPE)
    arguments = ("extract", "--dataset", "speech", "--features", NAMES, "--augment", "quiet.toml")
    code, out, _ = run(*arguments, "--copies", "2")
    assert (code, out) == (
        0,
        "12 clips (8 of them copies), 2 features -> features/speech-quiet "
        "(12 extracted now, 0 there already)\n",
    )
    assert run(*arguments)[1].startswith("8 clips (4 of them copies)")
    store = Store.open(elsewhere / "features" / "speech-quiet")
    assert list(store.clips["copy"].fillna("")) == [""] * 4 + ["1"] * 4 + ["2"] * 4


def test_copies_without_a_recipe_are_wrong_usage(elsewhere: Path) -> None:
    write_tree(Path("speech"), 2)
    code, _, err = run("extract", "--dataset", "speech", "--copies", "2")
    assert code == 2
    assert "--augment" in err


def test_a_recipe_that_cannot_be_followed_is_one_line(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(Path("speech"), 2)
    Path("r.toml").write_text("[[step]]\nkind = 'echo'\n")
    code, lines = fail(monkeypatch, capsys, "extract", "--dataset", "speech", "--augment", "r.toml")
    assert code == 1
    (line,) = lines
    assert line.startswith("fvx: r.toml: no step 'echo'; known: band, codec,")
    assert not Path("features").exists()
