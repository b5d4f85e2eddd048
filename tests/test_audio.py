from __future__ import annotations

import os
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fvx import audio as module
from fvx.audio import Audio
from fvx.errors import AudioError
from fvx.feature import Feature
from fvx.testing import noise, sine

TONE = sine(440.0).samples
FORMATS = {
    "plain.wav": {"subtype": "PCM_16"},
    "deep.wav": {"subtype": "PCM_24"},
    "float.wav": {"subtype": "FLOAT"},
    "double.wav": {"subtype": "DOUBLE"},
    "phone.wav": {"subtype": "ULAW"},
    "plain.flac": {},
    "lossy.ogg": {},
    "lossy.mp3": {},
    "plain.aiff": {},
    "plain.au": {},
}


def level_at(audio: Audio, hz: float) -> float:
    """Amplitude of the tone at a frequency, from the middle of the clip."""
    middle = audio.samples[len(audio.samples) // 4 : -len(audio.samples) // 4]
    time_s = np.arange(len(middle)) / audio.rate_hz
    window = np.hanning(len(middle))
    wave = window * np.exp(-2j * np.pi * hz * time_s)
    return float(2 * np.abs(middle @ wave) / window.sum())


@pytest.mark.parametrize("name", FORMATS)
def test_every_common_format_gives_the_same_tone(tmp_path: Path, name: str) -> None:
    soundfile.write(tmp_path / name, TONE, 16_000, **FORMATS[name])
    audio = Audio.read(tmp_path / name)
    assert audio.samples.dtype == np.float32
    assert audio.rate_hz == audio.original_rate_hz == 16_000
    assert audio.duration_s == pytest.approx(1.0, abs=0.06)  # mp3 pads to whole frames
    assert level_at(audio, 440.0) == pytest.approx(0.5, rel=0.03)


@pytest.mark.parametrize("rate_hz", [4_000, 8_000, 11_025, 22_050, 44_100, 48_000, 192_000])
def test_other_rates_are_brought_to_the_analysis_rate(tmp_path: Path, rate_hz: int) -> None:
    soundfile.write(tmp_path / "a.wav", sine(440.0, rate_hz=rate_hz).samples, rate_hz)
    audio = Audio.read(tmp_path / "a.wav")
    assert (audio.rate_hz, audio.original_rate_hz) == (16_000, rate_hz)
    assert len(audio.samples) == pytest.approx(16_000, abs=1)
    assert level_at(audio, 440.0) == pytest.approx(0.5, rel=0.01)


def test_what_lies_above_the_analysis_band_does_not_fold_back(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sine(15_000.0, rate_hz=48_000).samples, 48_000)
    assert level_at(Audio.read(tmp_path / "a.wav"), 1_000.0) < 1e-3


def test_channels_are_averaged(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([TONE, TONE / 2], 1), 16_000, subtype="FLOAT")
    np.testing.assert_allclose(Audio.read(tmp_path / "a.wav").samples, 0.75 * TONE, atol=1e-6)


def test_a_file_read_in_many_blocks_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([TONE] * 3, 1), 16_000)
    whole = Audio.read(tmp_path / "a.wav").samples
    monkeypatch.setattr(module, "_BLOCK_VALUES", 1_000)
    np.testing.assert_array_equal(Audio.read(tmp_path / "a.wav").samples, whole)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 768_000])
def test_resampling_block_by_block_is_resampling_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int
) -> None:
    samples = noise(0.5, rate_hz=rate_hz).samples
    soundfile.write(tmp_path / "a.wav", samples, rate_hz, subtype="FLOAT")
    monkeypatch.setattr(module, "_BLOCK_VALUES", 1_001)
    whole = soxr.resample(samples, rate_hz, 16_000)
    np.testing.assert_array_equal(Audio.read(tmp_path / "a.wav").samples, whole)


def test_a_name_need_not_be_utf8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\xfe.wav")
    soundfile.write(os.fsencode(path), TONE, 16_000, format="WAV")
    assert Audio.read(path).duration_s == 1.0


def wav(samples: object, path: Path, rate_hz: int = 16_000, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, np.asarray(samples, np.float64), rate_hz, subtype=subtype)
    return path


def chopped(path: Path, n_bytes: int) -> Path:
    path.write_bytes(path.read_bytes()[:n_bytes])
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def with_value(value: float) -> NDArray[np.float64]:
    samples = TONE.astype(np.float64)
    samples[123] = value
    return samples


def fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


BAD = {
    "missing": (lambda p: p / "no.wav", "no such file"),
    "under a file": (lambda p: written(p / "a", b"x") / "b.wav", "no such file"),
    "name too long": (lambda p: p / ("a" * 300 + ".wav"), r"File name too long"),
    "directory": (lambda p: folder(p / "a.wav"), "not a regular file"),
    "pipe": (lambda p: fifo(p / "a.wav"), "not a regular file"),
    "empty": (lambda p: written(p / "a.wav", b""), "empty file"),
    "text": (lambda p: written(p / "a.wav", b"no sound in here\n" * 99), "cannot be read as"),
    "text as mp3": (lambda p: written(p / "a.mp3", b"no sound in here\n" * 99), "cannot be read"),
    "raw": (lambda p: written(p / "a.raw", b"\1\2" * 9999), "cannot be read as audio"),
    "header cut": (lambda p: chopped(wav(TONE, p / "a.wav"), 20), "cannot be read as audio"),
    "header only": (lambda p: chopped(wav(TONE, p / "a.wav", subtype="PCM_16"), 44), "no samples"),
    "no samples": (lambda p: wav([], p / "a.wav"), "no samples"),
    "one sample": (lambda p: wav([0.5], p / "a.wav"), r"0\.0001 s long; at least 0\.2 s"),
    "too short": (lambda p: wav(TONE[:3199], p / "a.wav"), r"0\.1999 s long; at least 0\.2 s"),
    "silent": (lambda p: wav(0 * TONE, p / "a.wav"), "digital silence, every sample is zero"),
    "constant": (lambda p: wav(0 * TONE + 0.25, p / "a.wav"), "every sample is 0.25"),
    "constant, 8 kHz": (lambda p: wav(0 * TONE - 0.25, p / "a.wav", 8_000), "sample is -0.25"),
    "NaN": (lambda p: wav(with_value(np.nan), p / "a.wav"), "NaN or infinite"),
    "infinite": (lambda p: wav(with_value(-np.inf), p / "a.wav"), "NaN or infinite"),
    "overflow": (lambda p: wav(with_value(1e300), p / "a.wav", subtype="DOUBLE"), "infinite"),
    "2 kHz": (lambda p: wav(TONE, p / "a.wav", 2_000), "sampled at 2000 Hz; at least 4000"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_their_reason(tmp_path: Path, case: str) -> None:
    make, reason = BAD[case]
    path = make(tmp_path)
    with pytest.raises(AudioError, match=reason) as error:
        Audio.read(path)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).count("\n") == 0


def test_a_folder_that_must_not_be_entered_is_an_audio_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(AudioError, match=r"\(Permission denied\)$"):
        Audio.read(tmp_path / "a.wav")


def test_opposite_channels_leave_silence(tmp_path: Path) -> None:
    path = wav(np.stack([TONE, -TONE], 1), tmp_path / "a.wav")
    with pytest.raises(AudioError, match="digital silence"):
        Audio.read(path)


def test_opposite_infinities_are_refused_without_a_warning(tmp_path: Path) -> None:
    path = wav(np.stack([with_value(np.inf), with_value(-np.inf)], 1), tmp_path / "a.wav")
    with pytest.raises(AudioError, match="NaN or infinite"):
        Audio.read(path)


def test_a_file_over_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = wav(TONE, tmp_path / "a.wav")
    monkeypatch.setattr(module, "MAX_DURATION_S", 1.0)
    assert Audio.read(path).duration_s == 1.0
    monkeypatch.setattr(module, "MAX_DURATION_S", 0.99)
    with pytest.raises(AudioError, match="longer than 1 s; cut it"):
        Audio.read(path)


def test_exactly_the_least_length_is_read(tmp_path: Path) -> None:
    assert len(Audio.read(wav(TONE[:3200], tmp_path / "a.wav")).samples) == 3200


def test_truncated_data_gives_what_is_there_and_a_note(tmp_path: Path) -> None:
    path = chopped(wav(TONE, tmp_path / "a.wav", subtype="PCM_16"), 44 + 2 * 8_000)
    audio = Audio.read(path)
    assert len(audio.samples) == 8_000
    assert audio.notes == ("cut short: its header says 1.00 s, 0.50 s are there",)
    assert pickle.loads(pickle.dumps(audio)).notes == audio.notes


@pytest.mark.parametrize(
    ("name", "reason"), [("a.flac", "cannot be read as audio"), ("a.ogg", "or cut short")]
)
def test_compressed_data_cut_short_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    soundfile.write(tmp_path / name, noise(2.0).samples, 16_000)
    path = chopped(tmp_path / name, (tmp_path / name).stat().st_size // 2)
    with pytest.raises(AudioError, match=reason):
        Audio.read(path)


def with_data_size(path: Path, size: int) -> Path:
    data = bytearray(path.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", size)
    return written(path, bytes(data))


@pytest.mark.parametrize("size", [0x7FFFFFFF, 0xFFFFFFFF, 10_000_000])
def test_a_header_that_promises_too_much_is_not_believed(tmp_path: Path, size: int) -> None:
    path = with_data_size(wav(TONE, tmp_path / "a.wav", subtype="PCM_16"), size)
    assert len(Audio.read(path).samples) == 16_000


def test_many_channels_are_read_in_blocks_of_fewer_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels = np.repeat(TONE[:3200, None], 1_000, axis=1)
    path = wav(channels, tmp_path / "a.wav", subtype="PCM_16")
    sizes: list[int] = []
    read = soundfile.SoundFile.read

    def record(file: soundfile.SoundFile, *more: int, **settings: object) -> object:
        block = read(file, *more, **settings)
        sizes.append(block.size)
        return block

    monkeypatch.setattr(soundfile.SoundFile, "read", record)
    np.testing.assert_allclose(Audio.read(path).samples, TONE[:3200], atol=1e-4)
    assert max(sizes) <= module._BLOCK_VALUES < sum(sizes)


@pytest.mark.parametrize(
    "samples",
    [np.zeros(9), np.zeros((9, 1), np.float32), np.zeros(9, np.int16), np.float32(0)],
    ids=["float64", "two axes", "int16", "scalar"],
)
def test_samples_must_be_float32_in_one_row(samples: NDArray[np.float32]) -> None:
    with pytest.raises(AudioError, match="expected float32 samples of shape"):
        Audio(np.asarray(samples), 16_000)


def test_samples_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        noise(0.2).samples[0] = 1.0


@given(
    n_samples=st.integers(0, 100_000),
    hop=st.integers(1, 4_000),
    rate_hz=st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]),
)
def test_the_last_frame_is_centred_within_the_clip(n_samples: int, hop: int, rate_hz: int) -> None:
    n_frames = Audio(np.zeros(n_samples, np.float32), rate_hz).n_frames(hop / rate_hz)
    assert (n_frames - 1) * hop <= n_samples < n_frames * hop


@pytest.mark.parametrize(("rate_hz", "hop"), [(22_050, 220), (11_025, 110), (16_000, 160)])
def test_a_hop_is_a_whole_number_of_samples(rate_hz: int, hop: int) -> None:
    assert Audio(np.zeros(hop * 50, np.float32), rate_hz).n_frames(0.010) == 51


class Counted:
    """A function to share that counts its calls."""

    def __init__(self) -> None:
        self.n_calls = 0

    def __call__(self, audio: Audio, scale: float = 1.0) -> NDArray[np.float32]:
        self.n_calls += 1
        return audio.samples * np.float32(scale)


def test_what_is_shared_is_computed_once_for_each_setting() -> None:
    audio, function = noise(0.2), Counted()
    first = audio.shared(function, 2.0)
    assert audio.shared(function, 2.0) is first
    assert function.n_calls == 1
    assert audio.shared(function, 3.0)[0] == pytest.approx(1.5 * first[0])
    assert audio.shared(function, scale=2.0)[0] == first[0]
    assert function.n_calls == 3
    noise(0.2).shared(function, 2.0)
    assert function.n_calls == 4


def test_what_failed_is_not_shared() -> None:
    def fail(audio: Audio) -> None:
        raise AudioError("no")

    audio = noise(0.2)
    for _ in range(2):
        with pytest.raises(AudioError):
            audio.shared(fail)


@dataclass(frozen=True)
class Track:
    f0_hz: NDArray[np.float32]
    more: tuple[NDArray[np.float32], int]


@dataclass(frozen=True, slots=True)
class Slotted:
    f0_hz: NDArray[np.float32]


def arrays_of(result: object) -> list[NDArray[np.float32]]:
    if isinstance(result, np.ndarray):
        return [result]
    if isinstance(result, tuple):
        return [array for part in result for array in arrays_of(part)]
    if isinstance(result, Track):
        return [result.f0_hz, *arrays_of(result.more)]
    return [result.f0_hz] if isinstance(result, Slotted) else []


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.ones(3, np.float32),
        lambda: (np.ones(3, np.float32), (np.ones(2, np.float32), "x")),
        lambda: Track(np.ones(3, np.float32), (np.ones(3, np.float32), 1)),
        lambda: Slotted(np.ones(3, np.float32)),
    ],
    ids=["array", "tuple", "dataclass", "slots"],
)
def test_shared_arrays_are_read_only(make: object) -> None:
    result = noise(0.2).shared(lambda audio: make())  # type: ignore[operator]
    arrays = arrays_of(result)
    assert arrays
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0


def test_pickling_keeps_the_samples_and_drops_what_was_shared() -> None:
    audio = Audio(noise(0.2).samples, 16_000, original_rate_hz=8_000)
    bare = len(pickle.dumps(audio))
    audio.shared(Counted(), 2.0)
    copy = pickle.loads(pickle.dumps(audio))
    assert len(pickle.dumps(audio)) == bare
    np.testing.assert_array_equal(copy.samples, audio.samples)
    assert (copy.rate_hz, copy.original_rate_hz) == (16_000, 8_000)
    with pytest.raises(ValueError, match="read-only"):
        copy.samples[0] = 1.0


def test_of_a_long_clip_no_more_is_kept_than_has_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest go first, even if the latest was made of them; the latest stays."""
    audio = noise(0.2)
    monkeypatch.setattr(module, "_SHARED_BYTES", 2 * audio.samples.nbytes)
    computed: list[int] = []

    def copies(audio: Audio, n: int) -> NDArray[np.float32]:
        if n == 3:
            audio.shared(copies, 2)
        computed.append(n)
        return np.tile(audio.samples, n)

    for n in (1, 2, 3, 3, 1):
        assert len(audio.shared(copies, n)) == n * len(audio.samples)
    assert computed == [1, 2, 3]
    for n in (2, 1, 3):
        audio.shared(copies, n)
    assert computed == [1, 2, 3, 2, 3], "either of the large ones had to go for the other"
    for n in (9, 9, 1):
        audio.shared(copies, n)
    assert computed[5:] == [9], "the latest is kept, and costs the small ones nothing"


@dataclass(frozen=True)
class Sharing(Feature):
    """Shares something large on its way."""

    name = "sharing"
    columns = ("n",)
    kind = "per_clip"
    perceptible = False
    hop_s = None

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        return np.full((1, 1), len(audio.shared(lambda audio: audio.samples.copy())), np.float32)


@pytest.mark.parametrize(("room", "n_kept"), [(1, 0), (10**6, 1)])
def test_what_a_feature_shared_stays_if_there_is_room(
    monkeypatch: pytest.MonkeyPatch, room: int, n_kept: int
) -> None:
    audio = noise(0.2)
    audio.shared(lambda audio: "")  # takes nothing
    monkeypatch.setattr(module, "_SHARED_BYTES", room)
    assert Sharing()(audio)[0, 0] == len(audio.samples)
    assert len(audio._shared) == 1 + n_kept


def test_a_view_counts_with_all_that_it_keeps(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = noise(0.2)
    monkeypatch.setattr(module, "_SHARED_BYTES", audio.samples.nbytes // 2)
    function = Counted()
    views = [audio.shared(lambda audio: function(audio)[:1]) for _ in range(2)]
    assert [len(view) for view in views] == [1, 1]
    assert len(audio._shared) == 1
