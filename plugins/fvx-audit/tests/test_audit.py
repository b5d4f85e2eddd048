"""The audit feature: generated defects, each of a known size."""

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from fvx_audit import Audit, fvx_features
from fvx_audit.levels import clipped, zero_runs

from fvx.audio import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"


class TestAuditContract(FeatureContract):
    feature = Audit()


def _named(audio: Audio) -> dict[str, float]:
    return dict(zip(Audit().columns, Audit()(audio)[0].tolist(), strict=True))


def _words(audio: Audio) -> str:
    return "; ".join(Audit().words(Audit()(audio)))


def _clip(*parts) -> Audio:
    return Audio(np.concatenate(parts).astype(np.float32), RATE_HZ)


def _hiss(seconds: float, level_db: float) -> np.ndarray:
    samples = np.random.default_rng(3).normal(size=round(seconds * RATE_HZ))
    return samples * 10 ** (level_db / 20)


def _speech(seconds: float = 1.0) -> np.ndarray:
    """A vowel in hiss, as wide as the rate allows and without peculiarities."""
    hiss = _hiss(seconds, -50.0)
    return 0.4 * vowel(120.0, seconds).samples[: len(hiss)] + hiss


def _saved(samples: np.ndarray) -> np.ndarray:
    """As a file of 16 bits holds it."""
    return np.round(samples * 2**15) / 2**15


def test_the_plugin_offers_an_audit_that_is_no_evidence() -> None:
    (audit,) = fvx_features()
    assert audit == Audit()
    assert not audit.evidence
    assert not audit.perceptible


def test_a_recording_without_peculiarities_needs_no_words() -> None:
    pause = _hiss(0.15, -50.0)
    assert Audit().words(Audit()(_clip(pause, _speech(), pause, _speech(), pause))) == ()


@pytest.mark.parametrize("lead_s", [0.1, 0.41, 1.3])
@pytest.mark.parametrize("trail_s", [0.2, 0.77])
@pytest.mark.parametrize("noise_db", [-100.0, -70.0, -50.0])
def test_silence_at_the_ends_is_measured(lead_s: float, trail_s: float, noise_db: float) -> None:
    values = _named(_clip(_hiss(lead_s, noise_db), _speech(), _hiss(trail_s, noise_db)))
    assert values["leading_silence_s"] == pytest.approx(lead_s, abs=0.021)
    assert values["trailing_silence_s"] == pytest.approx(trail_s, abs=0.021)


def test_a_click_does_not_end_the_silence() -> None:
    lead = _hiss(0.5, -70.0)
    lead[3000] = 0.5
    assert _named(_clip(lead, _speech()))["leading_silence_s"] == pytest.approx(0.5, abs=0.021)


def test_continuous_speech_has_no_silence() -> None:
    values = _named(_clip(_speech(2.0)))
    assert values["leading_silence_s"] <= 0.02
    assert values["trailing_silence_s"] <= 0.02


def test_zeros_are_counted_exactly() -> None:
    clip = _clip(np.zeros(6560), _speech(), np.zeros(9000), _speech(), np.zeros(1600))
    values = _named(clip)
    assert values["leading_zeros_s"] == pytest.approx(0.41, abs=1e-6)
    assert values["trailing_zeros_s"] == pytest.approx(0.1, abs=1e-6)
    assert values["zero_run_s"] == pytest.approx(9000 / RATE_HZ, abs=1e-6)
    assert values["zero_ratio"] == pytest.approx(17160 / len(clip.samples), abs=1e-4)
    assert _words(clip) == (
        "0.41 s of digital silence at the start; 0.10 s of digital silence at the end; "
        "0.56 s of digital silence between sounds"
    )


def test_an_unnaturally_quiet_background_is_named() -> None:
    quiet = _hiss(0.3, -95.0)
    assert "hardly any background noise" in _words(_clip(quiet, _speech(), quiet))


def test_zero_runs_of_a_few_samples() -> None:
    samples = np.array([0, 0, 1, 0, 0, 0, 1, 1, 0], np.float32)
    assert zero_runs(samples) == (2, 1, 3, 6)
    assert zero_runs(np.ones(4, np.float32)) == (0, 0, 0, 0)


@pytest.mark.parametrize("cut_hz", [3400.0, 3900.0, 5500.0, 7000.0])
def test_a_band_limit_is_found_and_named(cut_hz: float) -> None:
    taps = scipy.signal.firwin(1001, cut_hz, fs=RATE_HZ, window=("kaiser", 8.0))
    wide = _clip(np.zeros(1000), _speech(), _hiss(1.0, -30.0), np.zeros(1000))
    clip = Audio(
        _saved(scipy.signal.fftconvolve(wide.samples, taps, "same")).astype(np.float32), RATE_HZ
    )
    assert _named(clip)["effective_bandwidth_hz"] == pytest.approx(cut_hz, abs=100.0)
    assert f"nothing above {_named(clip)['effective_bandwidth_hz'] / 1000:.3g} kHz" in _words(clip)
    assert _named(wide)["effective_bandwidth_hz"] == RATE_HZ / 2


def test_the_rate_of_the_file_is_remembered() -> None:
    clip = Audio(_clip(_speech()).samples, RATE_HZ, original_rate_hz=8_000)
    assert _named(clip)["file_rate_hz"] == 8_000
    assert "sampled at 8 kHz: nothing above 4 kHz can be in it" in _words(clip)
    assert _named(_clip(_speech()))["file_rate_hz"] == RATE_HZ


@pytest.mark.parametrize("noise_db", [-80.0, -60.0, -40.0])
def test_the_noise_floor_is_that_of_the_pauses(noise_db: float) -> None:
    values = _named(_clip(_speech(), _hiss(0.5, noise_db), _speech()))
    assert values["noise_floor_db"] == pytest.approx(noise_db, abs=1.5)


def test_noise_close_to_the_speech_is_named() -> None:
    assert "background only" in _words(_clip(_hiss(2.0, -30.0)))


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.99])
def test_clipping_is_counted_at_any_level(limit: float) -> None:
    tone = np.sin(2 * np.pi * 200.0 * np.arange(RATE_HZ) / RATE_HZ)
    clip = _clip(limit * np.clip(1.5 * tone, -1, 1))
    expected = 1 - 2 * np.arcsin(1 / 1.5) / np.pi
    assert _named(clip)["clipped_ratio"] == pytest.approx(expected, abs=0.02)
    assert "% of the samples are clipped" in _words(clip)


@pytest.mark.parametrize("audio", [sine(50.0), sine(440.0), noise(1.0), vowel()])
def test_what_is_not_clipped_is_not_called_so(audio: Audio) -> None:
    assert clipped(audio.samples) == 0


def test_clipping_on_one_side_counts() -> None:
    tone = sine(200.0, amplitude=0.9).samples
    assert _named(_clip(np.minimum(tone, 0.5)))["clipped_ratio"] > 0.1


def test_an_offset_is_measured_and_named() -> None:
    clip = _clip(_hiss(1.0, -30.0) + 0.02)
    assert _named(clip)["dc_offset"] == pytest.approx(0.02, abs=1e-3)
    assert "a constant offset of 2.0 % of full scale" in _words(clip)


@pytest.mark.parametrize("amplitude", [0.05, 0.9])
def test_a_sine_has_the_crest_and_level_of_a_sine(amplitude: float) -> None:
    values = _named(sine(500.0, amplitude=amplitude))
    assert values["crest_db"] == pytest.approx(3.01, abs=0.01)
    assert values["speech_level_db"] == pytest.approx(20 * np.log10(amplitude) - 3.01, abs=0.05)


def test_silence_is_nothing_but_silence() -> None:
    values = _named(silence(1.5))
    assert values["leading_silence_s"] == values["duration_s"] == values["zero_run_s"] == 1.5
    assert values["noise_floor_db"] == values["speech_level_db"] == -120
    assert values["effective_bandwidth_hz"] == values["crest_db"] == values["clipped_ratio"] == 0
    assert Audit().words(Audit()(silence())) == ("nothing but digital silence",)


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        Audit().words([1.0, 2.0])


def test_padding_real_speech_is_found_to_the_sample() -> None:
    # Zeros are exact on 24 clips. With zeros in the clip its floor is lower, so that less of what
    # is there already may count as silence, but never more.
    paths = sorted(DATA.glob("demos/*/*.flac")) or sorted(DATA.glob("package_sample/*/*.flac"))
    if len(paths) < 24:
        pytest.skip("no real speech at hand: the development clips are not on this machine")
    for path in paths[:: len(paths) // 24][:24]:
        clip = Audio.read(path)
        plain, padded = _named(clip), _named(_clip(np.zeros(8000), clip.samples))
        assert padded["leading_zeros_s"] == pytest.approx(0.5 + plain["leading_zeros_s"], abs=1e-6)
        assert 0.49 <= padded["leading_silence_s"] <= 0.51 + plain["leading_silence_s"]
        assert padded["effective_bandwidth_hz"] == plain["effective_bandwidth_hz"]


def test_golden_audit_of_a_voice_in_hiss() -> None:
    values = Audit()(_clip(np.zeros(800), _speech(), _hiss(0.3, -60.0)))[0]
    np.testing.assert_allclose(values, GOLDEN, rtol=1e-4, atol=1e-6)


GOLDEN = [
    *(1.35, 16000.0, 0.05, 0.3, 0.05, 0.0, 0.05, 0.03703704),
    *(-22.95030, -60.71629, 8000.0, 0.0, 1.523369e-03, 11.95285),
]
