"""Everything that can be wrong with a file, through the real commands.

``python tests/test_hostile_audio.py FOLDER`` makes the corpus there and prints what became of each.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))  # for when it is run as a script

from hostile import AMPLITUDE, CUT, FORMATS, NO_FILES, ODD, SECONDS, TONE, Case
from makers import install_plugin, write_tree

from fvx.audio import Audio
from fvx.datasets import open_dataset
from fvx.store import Store

pytestmark = pytest.mark.xdist_group("hostile")  # one corpus for all

SUPPORT = Path(__file__).parent / "support"
FVX = Path(sys.executable).with_name("fvx")
CASES: Mapping[str, Case] = {**ODD, **FORMATS}
GOOD = [name for name, case in CASES.items() if case.reason is None]
BAD = [name for name, case in CASES.items() if case.reason is not None]
SLOW = {"420 s.wav"}  # seven minutes of features
MAX_MB = 600
# Runs a command and tells what the largest of its processes took, in kilobytes.
WATCHED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[2:])
with open(sys.argv[1], "w") as told:
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=told)
sys.exit(done.returncode)
"""


@dataclass(frozen=True)
class Run:
    """What a command answered."""

    code: int
    out: str
    err: str
    max_mb: float


def command(home: Path, *arguments: str) -> Run:
    with tempfile.NamedTemporaryFile("r") as told:
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, told.name, FVX, *arguments],
            cwd=home,
            capture_output=True,
            check=False,
            timeout=300,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(home / "site"), str(SUPPORT)])},
        )
        max_mb = int(told.read()) / 1024
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode(), max_mb)


def write_manifest(path: Path, names: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label"])
        writer.writerows([name, ("real", "fake")[i % 2]] for i, name in enumerate(names))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("hostile"))


def make_home(folder: Path) -> Path:
    """A folder with all the files, and a manifest that lists them."""
    corpus = folder / "corpus"
    for name, case in CASES.items():
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        case.make(corpus / name)
    for name, (make, _) in NO_FILES.items():
        make(corpus / name)
    write_manifest(corpus / "all.csv", [*CASES, *NO_FILES])
    install_plugin(folder / "site", "fvx-fakes", "fakes")
    return folder


@pytest.fixture(scope="module")
def extracted(home: Path) -> Run:
    return extract(home)


def extract(home: Path) -> Run:
    return command(
        home, "extract", "--dataset", "corpus/all.csv", "--features", "level,ends", "--jobs", "2"
    )


@pytest.fixture(scope="module")
def store(home: Path, extracted: Run) -> Store:
    return Store.open(home / "features" / "all")


def test_there_are_enough_of_them() -> None:
    assert len(BAD) + len(NO_FILES) >= 60
    assert len(FORMATS) >= 100


def test_bad_clips_exit_with_1_and_no_traceback(extracted: Run) -> None:
    n = len(CASES)
    assert extracted.code == 1
    assert extracted.out == (
        f"{n} clips, 2 features -> features/all ({n} extracted now, 0 there already)\n"
    )
    assert "Traceback" not in extracted.err
    assert "Warning" not in extracted.err


def test_whatever_the_files_memory_is_bounded(extracted: Run) -> None:
    assert extracted.max_mb < MAX_MB


def test_every_bad_clip_is_recorded_with_its_own_reason(store: Store) -> None:
    failures = store.failures.set_index("clip")
    assert sorted(failures.index) == sorted(BAD)
    assert set(failures["feature"]) == {""}
    assert set(failures["error"]) == {"AudioError"}
    assert set(failures["reason"].str.count("\n")) == {0}
    wrong = {n: failures.loc[n, "reason"] for n in BAD}
    assert not {n: said for n, said in wrong.items() if not said.startswith(str(CASES[n].reason))}


def test_each_reason_is_one_line_on_stderr(extracted: Run, store: Store) -> None:
    lines = [line for line in extracted.err.splitlines() if line.startswith("fvx: ")]
    reasons = store.failures["reason"]
    assert len(lines) == reasons.nunique()
    assert sum(int(line.split()[1]) for line in lines) == len(BAD)
    for reason, group in reasons.groupby(reasons):
        expected = f"fvx: {len(group)} failed, clip: AudioError: {reason} (e.g. "
        assert sum(expected in line for line in lines) == 1


def test_what_is_no_file_is_told_before(extracted: Run) -> None:
    assert f"{len(NO_FILES)} clips in the protocol without audio: " in extracted.err
    assert "1 link out of the folder not followed: device.wav" in extracted.err


def test_names_without_a_file_in_a_tree_are_told(tmp_path: Path) -> None:
    CASES["stereo.wav"].make(write_tree(tmp_path / "c", 1) / "bonafide" / "stereo.wav")
    for name, (make, _) in NO_FILES.items():
        make(tmp_path / "c" / "bonafide" / name)
    dataset = open_dataset(tmp_path / "c")
    assert [clip.id for clip in dataset.clips] == ["bonafide/000.wav", "bonafide/stereo.wav"]
    links, without = dataset.notes
    assert links == "1 link not followed: bonafide/device.wav"
    assert without.startswith("3 audio names without a file (a broken link, or a pipe): bonafide/")


def test_every_good_clip_is_done(store: Store) -> None:
    assert sorted(store.complete(("ends", "level"))) == sorted(GOOD)
    lengths_s = store.clips.loc[GOOD, "duration_s"]
    # Codecs pad to whole frames; a truncated file is what is left of it.
    whole = [name for name in GOOD if CASES[name].tone]
    assert lengths_s[whole].between(SECONDS - 0.01, SECONDS + 0.09).all()


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_read_for_what_it_is(home: Path, name: str) -> None:
    case, audio = CASES[name], Audio.read(home / "corpus" / name)
    assert [note[: len(case.note)] for note in audio.notes] == ([case.note] if case.note else [])
    if case.tone:
        inside = audio.samples[1_000:-1_000].astype(np.float64)
        amplitude = np.sqrt(2) * np.std(inside)  # whatever its offset
        assert amplitude == pytest.approx(AMPLITUDE, rel=0.03)


def test_a_promised_length_is_told_in_seconds(home: Path) -> None:
    told = {name: Audio.read(home / "corpus" / name).notes for name in ("cut.wav", "cut.w64")}
    assert told["cut.wav"] == ("cut short: its header says 0.50 s, 0.25 s are there",)
    assert told["cut.w64"] == ("cut short: its header says 0.50 s, 0.25 s are there",)


@pytest.mark.parametrize("mode", ["VARIABLE", "AVERAGE", "CONSTANT"])
@pytest.mark.parametrize("tag", [b"", b"ID3\3\0\0\0\0\7\x68" + bytes(1_000)], ids=["bare", "tag"])
@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (44_100, 2), (8_000, 2)])
def test_an_mp3_that_does_not_say_its_length_is_read_whole(
    tmp_path: Path, mode: str, tag: bytes, rate_hz: int, channels: int
) -> None:
    """libsndfile alone reckons with the first frame's bit rate, and may stop at a third."""
    import soundfile

    from fvx.testing import noise

    loud = noise(1.5, rate_hz=rate_hz).samples
    samples = np.concatenate([loud, 0.5 * np.resize(TONE, 2 * rate_hz), 1e-4 * loud, loud])
    data = np.repeat(samples[:, None], channels, 1)
    soundfile.write(
        tmp_path / "a.mp3", data, rate_hz, format="MP3", bitrate_mode=mode, compression_level=0.3
    )
    whole = (tmp_path / "a.mp3").read_bytes()
    mute = whole.replace(b"Xing", bytes(4), 1).replace(b"Info", bytes(4), 1)
    (tmp_path / "b.mp3").write_bytes(tag + mute)
    one, other = (Audio.read(tmp_path / name, rate_hz) for name in ("a.mp3", "b.mp3"))
    assert len(one.samples) == pytest.approx(len(samples), abs=0.05 * rate_hz)
    # What the encoder put before the first sample is not known either, and so is left in.
    late = int(np.correlate(other.samples[: rate_hz // 2], one.samples[: rate_hz // 3]).argmax())
    assert 0 < late < 0.2 * rate_hz
    n = min(len(one.samples), len(other.samples) - late)
    assert n > 0.99 * len(one.samples)
    np.testing.assert_allclose(other.samples[late : late + n], one.samples[:n], atol=1e-4)
    assert other.notes == ()


def test_windows_are_laid_over_the_good_ones(home: Path, extracted: Run) -> None:
    done = command(home, "window", "--length-s", "0.2", "--hop-s", "0.1")
    assert done.code == 0, done.err
    assert f"over {len(GOOD)} clips in features/all" in done.out
    assert f"(left out for lack of a feature: {len(BAD)})" in done.out


def test_the_store_of_them_is_sound(home: Path, extracted: Run) -> None:
    done = command(home, "store", "verify")
    assert (done.code, done.out.endswith(": all sound\n")) == (0, True), done.err


def test_the_same_command_again_does_no_work_and_says_the_same(home: Path, extracted: Run) -> None:
    shards = {p: p.stat().st_mtime_ns for p in (home / "features" / "all").glob("*.h5")}
    again = extract(home)
    assert again.code == 1
    assert f"(0 extracted now, {len(CASES)} there already)" in again.out
    ours = [
        [line for line in one.err.splitlines() if line.startswith("fvx: ")]
        for one in (extracted, again)
    ]
    assert ours[0] == ours[1]
    assert shards == {p: p.stat().st_mtime_ns for p in shards}
    assert not [name for name in os.listdir(home / "features" / "all") if ".tmp" in name]


# One process over all of them.

PREDICTED = [name for name in CASES if name not in SLOW] + list(NO_FILES)
REASONS = {name: case.reason for name, case in CASES.items()} | {
    name: reason for name, (_, reason) in NO_FILES.items()
}


@pytest.fixture(scope="module")
def predicted(home: Path) -> tuple[Run, list[dict[str, Any]]]:
    return predict(home)


def predict(home: Path) -> tuple[Run, list[dict[str, Any]]]:
    run = command(home / "corpus", "predict", "--json", "--", *PREDICTED)
    return run, json.loads(run.out)


def test_predict_answers_for_each_in_order(predicted: tuple[Run, list[dict[str, Any]]]) -> None:
    run, verdicts = predicted
    assert run.code == 1
    assert run.err == "model: the one shipped with fvx\n"
    assert run.max_mb < MAX_MB
    assert [verdict["path"] for verdict in verdicts] == PREDICTED
    for name, verdict in zip(PREDICTED, verdicts, strict=True):
        reason = REASONS[name]
        if reason is None:
            assert verdict["error"] is None, (name, verdict["error"])
            assert np.isfinite(verdict["score"])
            assert verdict["windows"]
        else:
            assert verdict["score"] is None
            assert verdict["error"].startswith(f"{name}: {reason}")


def test_whatever_its_name_a_file_has_a_line(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the terminal takes plain English letters only, and says so."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii:strict")
    names = ["two\nlines.wav", "gone\nfor good.wav", "\u00fc.wav", "\udcff\x1b[31m.wav", "cut.wav"]
    for name in {*names} - {"gone\nfor good.wav"}:
        shutil.copy(home / "corpus" / "cut.wav", tmp_path / name)
    done = command(tmp_path, "predict", "--", *names)
    assert done.code == 1
    assert [line.partition(": ")[0] for line in done.out.splitlines() if line[0] != " "] == [
        "two\\nlines.wav", "\\xfc.wav", "\\udcff\\x1b[31m.wav", "cut.wav",
    ]  # fmt: skip
    assert f"  note: {CUT} 0.50 s, 0.25 s are there" in done.out.splitlines()
    assert done.err.splitlines()[1:] == ["fvx: gone\\nfor good.wav: no such file"]


def main(folder: str) -> None:
    """Print a table of what became of each file."""
    home = make_home(Path(folder).absolute())
    run = extract(home)
    store = Store.open(home / "features" / "all")
    failed = store.failures.set_index("clip")["reason"]
    _, verdicts = predict(home)
    said = {one["path"]: one for one in verdicts}
    rows = []
    for name in [*CASES, *NO_FILES]:
        if name in failed:
            outcome = f"refused: {failed[name]}"
        elif name in store.clips.index:
            outcome = f"read, {store.clips.loc[name, 'duration_s']:.2f} s"
            outcome += "".join(f"; {n}" for n in Audio.read(home / "corpus" / name).notes)
        else:
            outcome = "told as missing"
        verdict = said.get(name, {"error": "not tried", "verdict": None})
        error = str(verdict["error"]).removeprefix(f"{name}: ")
        same = outcome.removeprefix("refused: ") == error
        answer = verdict["verdict"] or ("the same" if same else error)
        rows.append((ascii(name)[1:-1], outcome, answer))
    print("| file | extract | predict |\n|---|---|---|")
    for row in rows:
        print("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    print(f"\nlargest process of extract: {run.max_mb:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
