from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.datasets import corpora, open_dataset
from fvx.datasets.fingerprint import HOP_S, fingerprint, near_duplicates
from fvx.testing import silence

KNOWN = {layout.name: layout for layout in corpora.fvx_datasets()}
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def clips() -> dict[str, Audio]:
    """Real clips of at least one second, no two of them re-synthesis of one another."""
    dataset = open_dataset("demo", KNOWN)
    found = {
        clip.id: Audio.read(dataset.audio_path(clip))
        for clip in dataset.clips
        if clip.system not in ("griffin-lim", "world")
    }
    return {name: audio for name, audio in found.items() if audio.duration_s > 1}


def coded(audio: Audio, folder: Path, kind: str, rate_hz: int = RATE_HZ, **more: str) -> Audio:
    samples = soxr.resample(audio.samples, RATE_HZ, rate_hz)
    soundfile.write(folder / f"x.{kind}", samples, rate_hz, format=kind.upper(), **more)
    return Audio.read(folder / f"x.{kind}")


def shifted(audio: Audio) -> Audio:
    lead = np.random.default_rng(0).normal(0, 1e-3, 5147).astype(np.float32)  # 0.322 s
    return Audio(np.concatenate([lead, audio.samples]), RATE_HZ)


def noisy(audio: Audio) -> Audio:
    noise = np.random.default_rng(0).normal(0, 1, len(audio.samples))
    noise *= 0.1 * np.sqrt(np.mean(audio.samples**2) / np.mean(noise**2))  # 20 dB below
    return Audio((audio.samples + noise).astype(np.float32), RATE_HZ)


COPIES: dict[str, tuple[Callable[[Audio, Path], Audio], float]] = {
    "mp3": (lambda audio, folder: coded(audio, folder, "mp3"), 0.95),
    "ogg": (lambda audio, folder: coded(audio, folder, "ogg"), 0.95),
    "telephone": (lambda audio, folder: coded(audio, folder, "wav", 8000, subtype="ULAW"), 0.95),
    "shifted": (lambda audio, folder: shifted(audio), 0.95),
    "shifted mp3": (lambda audio, folder: coded(shifted(audio), folder, "mp3"), 0.95),
    "cut": (lambda audio, folder: Audio(audio.samples[2191:-2000].copy(), RATE_HZ), 0.9),
    "softer": (lambda audio, folder: Audio(0.1 * audio.samples, RATE_HZ), 0.95),
    "noisy": (lambda audio, folder: noisy(audio), 0.95),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_known_again_and_nothing_else_is(
    name: str, clips: dict[str, Audio], tmp_path: Path
) -> None:
    make, share = COPIES[name]
    prints = {f"original/{one}": fingerprint(audio) for one, audio in clips.items()}
    prints |= {f"copy/{one}": fingerprint(make(audio, tmp_path)) for one, audio in clips.items()}
    found = near_duplicates(prints, {one: one.partition("/")[0] for one in prints})
    right = [m for m in found if m.one.partition("/")[2] == m.other.partition("/")[2]]
    assert len(right) >= share * len(clips)
    assert len(right) == len(found)


def test_a_shift_is_measured(clips: dict[str, Audio]) -> None:
    audio = next(iter(clips.values()))
    found = near_duplicates({"a": fingerprint(audio), "b": fingerprint(shifted(audio))})
    assert [(one.one, one.other) for one in found] == [("a", "b")]
    assert found[0].shift_s == pytest.approx(5147 / RATE_HZ, abs=HOP_S)
    assert found[0].overlap_s <= audio.duration_s + HOP_S


def test_the_same_clip_has_no_bit_that_differs(clips: dict[str, Audio]) -> None:
    prints = fingerprint(next(iter(clips.values())))
    assert [one.distance for one in near_duplicates({"a": prints, "b": prints})] == [0.0]


def test_only_pairs_across_parts_are_looked_for_where_parts_are_given(
    clips: dict[str, Audio],
) -> None:
    prints = fingerprint(next(iter(clips.values())))
    three = {"a": prints, "b": prints, "c": prints}
    found = near_duplicates(three, {"a": "train", "b": "train", "c": "test"})
    assert {(one.one, one.other) for one in found} == {("a", "c"), ("b", "c")}
    assert len(near_duplicates(three)) == 3


def test_silence_is_like_nothing_not_even_silence() -> None:
    quiet = fingerprint(silence(2.0))
    assert not quiet.any()
    assert near_duplicates({"a": quiet, "b": quiet}) == []


@pytest.mark.parametrize("prints", [{}, {"a": np.zeros(0, np.uint32)}])
def test_nothing_to_compare_gives_nothing(prints: dict[str, NDArray[np.uint32]]) -> None:
    assert near_duplicates(prints) == []


def test_a_frame_stands_every_sixteen_milliseconds(clips: dict[str, Audio]) -> None:
    for audio in clips.values():
        prints = fingerprint(audio)
        assert prints.dtype == np.uint32
        assert len(prints) == pytest.approx(audio.duration_s / HOP_S, abs=2)
