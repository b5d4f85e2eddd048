"""The one way in: band, level, floor; and which windows vote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

import fvx
from fvx import Audio
from fvx.conversion import CONVERSION, FLOOR_DB, HIGH_HZ, SPEECH_RMS, convert, converted
from fvx.errors import ModelError
from fvx.speech import active, voters
from fvx.windows import Geometry

RATE_HZ = 16_000
CORPUS = Path(fvx.__file__).parent / "demo_corpus"
CLIPS = ("00.flac", "20.flac", "45.flac", "70.flac")


def speech(name: str) -> Audio:
    return Audio.read(CORPUS / name)


def of(samples: NDArray[np.floating]) -> Audio:
    return Audio(np.asarray(samples, np.float32), RATE_HZ)


def level_db(samples: NDArray[np.floating], low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].mean()))


def tone(hz: float, seconds: float = 2.0) -> NDArray[np.floating]:
    return 0.1 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)


@pytest.mark.parametrize("hz", [100.0, 1000.0, 6500.0])
def test_a_tone_within_the_band_comes_out_at_the_level_of_speech(hz: float) -> None:
    out = convert(of(tone(hz))).samples
    assert np.sqrt(np.mean(out[4000:-4000] ** 2)) == pytest.approx(SPEECH_RMS, rel=0.03)


@pytest.mark.parametrize("hz", [7400.0, 7900.0])
def test_what_lies_above_the_band_is_below_the_floor(hz: float) -> None:
    voice = tone(300.0)
    alone, both = (convert(of(x)).samples for x in (voice, voice + tone(hz)))
    assert level_db(both[4000:-4000], HIGH_HZ + 300, 8000) == pytest.approx(
        level_db(alone[4000:-4000], HIGH_HZ + 300, 8000), abs=1.0
    )


def test_silence_comes_out_at_the_floor() -> None:
    loud = np.concatenate([tone(500.0, 1.0), np.zeros(2 * RATE_HZ)])
    out = convert(of(loud)).samples[-RATE_HZ:]
    floor_db = 20 * np.log10(np.sqrt(np.mean(out**2)) / SPEECH_RMS)
    assert floor_db == pytest.approx(FLOOR_DB, abs=0.5)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("gain", [0.01, 0.3, 1.9])
def test_a_gain_changes_nothing(name: str, gain: float) -> None:
    audio = speech(name)
    there = convert(audio).samples
    np.testing.assert_allclose(convert(of(audio.samples * gain)).samples, there, atol=1e-6)


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("rate_hz", [22_050, 24_000, 48_000])
def test_another_rate_changes_nothing_that_stands_out_of_the_floor(name: str, rate_hz: int) -> None:
    """The edge of a converter near 8 kHz is gone; the rest moves by less than the floor."""
    audio = speech(name)
    back = soxr.resample(soxr.resample(audio.samples, RATE_HZ, rate_hz), rate_hz, RATE_HZ)
    n = min(len(back), len(audio.samples))
    one, other = convert(of(audio.samples[:n])), convert(of(back[:n]))
    difference = np.sqrt(np.mean((one.samples - other.samples) ** 2))
    assert difference < SPEECH_RMS * 10 ** (FLOOR_DB / 20)


def test_the_length_and_the_time_of_things_stay() -> None:
    click = np.zeros(RATE_HZ)
    click[5000] = 0.9
    out = convert(of(click)).samples
    assert len(out) == RATE_HZ
    assert abs(int(np.argmax(np.abs(out))) - 5000) <= 4


def test_one_value_throughout_stays_finite() -> None:
    assert np.isfinite(convert(of(np.zeros(RATE_HZ))).samples).all()


def test_a_low_rate_has_no_upper_edge_to_take_off() -> None:
    audio = Audio(tone(300.0).astype(np.float32), 8_000)
    assert len(convert(audio).samples) == len(audio.samples)


def test_a_model_says_how_it_was_converted() -> None:
    audio = speech(CLIPS[0])
    assert converted(audio, "") is audio
    np.testing.assert_array_equal(converted(audio, CONVERSION).samples, convert(audio).samples)
    with pytest.raises(ModelError, match=r"another conversion .'3 kHz'."):
        converted(audio, "3 kHz")


def test_silence_behind_speech_does_not_vote() -> None:
    voice = speech(CLIPS[0]).samples[: 3 * RATE_HZ]
    geometry = Geometry(3.0, 1.0)
    for silence in (
        np.zeros(10 * RATE_HZ),
        1e-4 * np.random.default_rng(0).standard_normal(160_000),
    ):
        audio = of(np.concatenate([voice, silence]))
        starts = geometry.starts_s(audio.duration_s)
        assert voters(convert(audio), geometry, starts)[:1].all()
        assert not voters(convert(audio), geometry, starts)[1:].any()


def test_short_pauses_are_part_of_speech_and_long_ones_are_not() -> None:
    voice = tone(300.0, 1.0)
    pause, silence = np.zeros(round(0.2 * RATE_HZ)), np.zeros(RATE_HZ)
    found = active(of(np.concatenate([voice, pause, voice, silence, voice])))
    assert found[: 2 * 50 + 10].all()
    assert not found[115:155].any()
    assert found[-40:].all()


def test_a_window_votes_whatever_the_recording_is() -> None:
    geometry = Geometry(3.0, 1.0)
    for audio in (
        of(np.full(8000, 0.1)),
        of(1e-3 * np.random.default_rng(0).standard_normal(99_999)),
    ):
        assert voters(audio, geometry, geometry.starts_s(audio.duration_s)).any()
