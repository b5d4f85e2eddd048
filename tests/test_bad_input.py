"""One corpus with everything that can be wrong with a file, through the real command."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from makers import write_clip
from numpy.typing import NDArray

from fvx.store import Store
from fvx.testing import sine

TONE = sine(300.0, 0.5).samples
GOOD = {
    "pcm16.wav": (16_000, {"subtype": "PCM_16"}),
    "pcm24.wav": (16_000, {"subtype": "PCM_24"}),
    "float.wav": (16_000, {"subtype": "FLOAT"}),
    "ulaw.wav": (16_000, {"subtype": "ULAW"}),
    "phone.wav": (8_000, {}),
    "studio.wav": (192_000, {}),
    "cd.flac": (44_100, {}),
    "lossy.ogg": (22_050, {}),
    "lossy.mp3": (16_000, {}),
    "plain.aiff": (16_000, {}),
    "Größe — naïve 声.wav": (16_000, {}),
    "no wav but flac.wav": (16_000, {"format": "FLAC"}),
}


def with_value(value: float) -> NDArray[np.float64]:
    samples = TONE.astype(np.float64)
    samples[99] = value
    return samples


def sound(samples: object, rate_hz: int = 16_000, subtype: str = "FLOAT") -> Callable[[Path], None]:
    data = np.asarray(samples, np.float64)
    return lambda path: soundfile.write(path, data, rate_hz, subtype=subtype)


def data(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def cut(n_bytes: int, name: str = "x.wav") -> Callable[[Path], None]:
    def make(path: Path) -> None:
        write_clip(path, 0.5)
        path.write_bytes(path.read_bytes()[:n_bytes])

    return make


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "empty.wav": (data(b""), "empty file"),
    "one byte.wav": (data(b"R"), "cannot be read as audio"),
    "text.wav": (data(b"Dear reader,\n" * 50), "cannot be read as audio (Format not recognised)"),
    "text.mp3": (data(b"Dear reader,\n" * 50), "cannot be read as audio"),
    "text.flac": (data(b"Dear reader,\n" * 50), "cannot be read as audio"),
    "picture.ogg": (data(PNG), "cannot be read as audio"),
    "zeros.wav": (data(bytes(20_000)), "cannot be read as audio"),
    "cut header.wav": (cut(30), "cannot be read as audio"),
    "header only.wav": (cut(44), "no samples in it"),
    "cut.flac": (cut(2_000), "cannot be read as audio"),
    "no samples.wav": (sound([]), "no samples in it"),
    "one sample.wav": (sound([0.5]), "0.0001 s long; at least 0.2 s needed"),
    "short.wav": (sound(TONE[:3_000]), "0.1875 s long; at least 0.2 s needed"),
    "silent.wav": (sound(0 * TONE), "digital silence, every sample is zero"),
    "silent stereo.wav": (sound(np.zeros((8_000, 2))), "digital silence, every sample is zero"),
    "opposite.wav": (sound(np.stack([TONE, -TONE], 1)), "digital silence, every sample is zero"),
    "constant.wav": (sound(0 * TONE + 0.25), "digital silence, every sample is 0.25"),
    "nan.wav": (sound(with_value(np.nan)), "holds NaN or infinite samples"),
    "all nan.wav": (sound(np.nan * TONE), "holds NaN or infinite samples"),
    "inf.wav": (sound(with_value(np.inf)), "holds NaN or infinite samples"),
    "huge.wav": (sound(with_value(1e300), subtype="DOUBLE"), "holds NaN or infinite samples"),
    "slow.wav": (sound(TONE, 2_000), "sampled at 2000 Hz; at least 4000 needed"),
    "long.wav": (sound(np.tile(sine(50.0, 1.0, rate_hz=4_000).samples, 601), 4_000, "PCM_U8"),
                 "longer than 600 s; cut it into shorter files"),
}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The folder it happened in, and ``fvx extract`` over good and bad clips."""
    home = tmp_path_factory.mktemp("bad input")
    for folder in ("corpus/bonafide", "corpus/spoof"):
        (home / folder).mkdir(parents=True)
    for name, (rate_hz, settings) in GOOD.items():
        samples = sine(300.0, 0.5, rate_hz=rate_hz).samples
        soundfile.write(home / "corpus" / "bonafide" / name, samples, rate_hz, **settings)
    for name, (make, _) in BAD.items():
        make(home / "corpus" / "spoof" / name)
    done = command(home, "extract", "--dataset", "corpus", "--features", "intensity,jitter")
    return home, done


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("fvx"), *arguments],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


Done = tuple[Path, subprocess.CompletedProcess[str]]


def test_bad_clips_exit_with_1_and_no_traceback(run: Done) -> None:
    _, done = run
    n_clips = len(GOOD) + len(BAD)
    assert done.returncode == 1
    assert done.stdout == (
        f"{n_clips} clips, 2 features -> features/corpus "
        f"({n_clips} extracted now, 0 there already)\n"
    )
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


def test_every_bad_clip_is_recorded_with_its_own_reason(run: Done) -> None:
    failures = Store.open(run[0] / "features" / "corpus").failures.set_index("clip")
    assert sorted(failures.index) == sorted(f"spoof/{name}" for name in BAD)
    assert set(failures["feature"]) == {""}
    assert set(failures["error"]) == {"AudioError"}
    for name, (_, reason) in BAD.items():
        assert failures.loc[f"spoof/{name}", "reason"].startswith(reason), name


def test_each_reason_is_one_line_on_stderr(run: Done) -> None:
    home, done = run
    lines = [line for line in done.stderr.splitlines() if line.startswith("fvx: ")]
    reasons = Store.open(home / "features" / "corpus").failures["reason"]
    assert len(lines) == reasons.nunique()
    assert sum(int(line.split()[1]) for line in lines) == len(BAD)
    for reason, group in reasons.groupby(reasons):
        assert sum(f"fvx: {len(group)} failed, clip: AudioError: {reason} (e.g. " in line
                   for line in lines) == 1  # fmt: skip


def test_every_good_clip_is_done(run: Done) -> None:
    store = Store.open(run[0] / "features" / "corpus")
    complete = store.complete(("intensity", "jitter"))
    assert sorted(complete) == sorted(f"bonafide/{name}" for name in GOOD)
    # The same tone, whatever it was wrapped in, as far as the codec keeps it.
    levels = [np.median(store["intensity"][clip][10:-10, 0]) for clip in complete]
    np.testing.assert_allclose(levels, levels[0], atol=1.0)


def test_windows_are_laid_over_the_good_ones(run: Done) -> None:
    done = command(run[0], "window", "--length-s", "0.2", "--hop-s", "0.1")
    assert done.returncode == 0, done.stderr
    assert f"over {len(GOOD)} clips in features/corpus" in done.stdout
    assert f"(left out for lack of a feature: {len(BAD)})" in done.stdout


def test_the_same_command_again_does_no_work_and_says_the_same(run: Done) -> None:
    home, done = run
    shards = {p: p.stat().st_mtime_ns for p in (home / "features" / "corpus").glob("*.h5")}
    again = command(home, "extract", "--dataset", "corpus", "--features", "intensity,jitter")
    assert again.returncode == 1
    assert f"(0 extracted now, {len(GOOD) + len(BAD)} there already)" in again.stdout
    ours = [
        [line for line in one.stderr.splitlines() if line.startswith("fvx: ")]
        for one in (done, again)
    ]
    assert ours[0] == ours[1]
    assert shards == {p: p.stat().st_mtime_ns for p in shards}
    assert not [name for name in os.listdir(home / "features" / "corpus") if ".tmp" in name]
