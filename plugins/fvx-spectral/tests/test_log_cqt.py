import warnings

import numpy as np
import pytest
from fvx_spectral.log_cqt import LogCqt

from fvx import Audio
from fvx.errors import FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel

CENTRES_HZ = 60 * 2 ** (np.arange(84) / 12)


class TestLogCqtContract(FeatureContract):
    feature = LogCqt()


class TestLogCqtOfOtherSettingsContract(FeatureContract):
    feature = LogCqt(bins_per_octave=24, n_octaves=5, lowest_hz=100.0, hop_s=0.005)


@pytest.mark.parametrize("index", [12, 40, 70, 83])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_a_sine_of_full_scale_is_at_0_db_in_its_own_bin(index: int, rate_hz: int) -> None:
    tone = sine(float(CENTRES_HZ[index]), amplitude=1.0, seconds=2.0, rate_hz=rate_hz)
    middle = LogCqt()(tone)[50:150]
    assert (middle.argmax(axis=1) == index).all()
    np.testing.assert_allclose(middle[:, index], 0.0, atol=0.1)


def agreement_with_librosa(clips: list[Audio]) -> tuple[float, float]:
    """Correlation, and median difference in decibels, where a bin is above -70 dB."""
    import librosa

    # Twice its window in time has the bandwidth of ours in frequency.
    options = {"filter_scale": 2, "gamma": None}
    lengths, _ = librosa.filters.wavelet_lengths(freqs=CENTRES_HZ, sr=RATE_HZ, **options)
    ours, theirs = [], []
    for clip in clips:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that its window is longer than a short clip
            transform = librosa.vqt(
                clip.samples,
                sr=RATE_HZ,
                hop_length=160,
                fmin=60,
                n_bins=84,
                bins_per_octave=12,
                tuning=0,
                **options,
            )
        magnitude = 2 * np.abs(transform) / np.sqrt(lengths)[:, np.newaxis]
        expected = 20 * np.log10(magnitude.T + 1e-9)
        values = LogCqt()(clip)
        n_frames = min(len(values), len(expected)) - 10
        ours.append(values[10:n_frames])
        theirs.append(expected[10:n_frames])
    together = np.concatenate(ours), np.concatenate(theirs)
    audible = together[0] > -70
    first, second = (part[audible] for part in together)
    return float(np.corrcoef(first, second)[0, 1]), float(np.median(np.abs(first - second)))


def test_agrees_with_librosa() -> None:
    voice = vowel(140.0, 1.9).samples
    breathy = Audio((voice + 0.1 * noise(2.0).samples[: len(voice)]).astype(np.float32), RATE_HZ)
    r, difference_db = agreement_with_librosa([noise(2.0), breathy])
    assert r > 0.98
    assert difference_db < 0.5


def test_agrees_with_librosa_on_speech(real_clips: list[Audio]) -> None:
    # Achieved on the 24 clips: r 0.992, median difference 0.26 dB.
    r, difference_db = agreement_with_librosa(real_clips)
    assert r > 0.99
    assert difference_db < 0.3


def test_a_click_is_loudest_in_the_frame_it_is_at_and_over_in_the_treble_at_once() -> None:
    samples = np.zeros(2 * RATE_HZ, np.float32)
    samples[83 * 160] = 1.0
    values = LogCqt()(Audio(samples, RATE_HZ))
    assert (values.argmax(axis=0) == 83).all()
    assert (values[86, 60:] < values[83, 60:] - 30).all()


def test_a_tenfold_amplitude_is_20_db_louder() -> None:
    quiet = noise(1.0)
    louder = LogCqt()(Audio(10 * quiet.samples, RATE_HZ)) - LogCqt()(quiet)
    np.testing.assert_allclose(louder[20:-20], 20.0, atol=1e-2)


def test_silence_and_bins_above_half_the_rate_lie_at_the_floor() -> None:
    assert np.unique(LogCqt()(silence())).tolist() == [-100.0]
    values = LogCqt()(noise(1.0, rate_hz=8_000))
    assert np.unique(values[:, CENTRES_HZ > 4_000]).tolist() == [-100.0]
    assert values[20:-20, CENTRES_HZ < 3_700].min() > -99


@pytest.mark.parametrize("lowest_hz", [5.0, 9_000.0])
def test_a_lowest_bin_outside_the_spectrum_is_refused(lowest_hz: float) -> None:
    with pytest.raises(FeatureError, match="does not fit"):
        LogCqt(lowest_hz=lowest_hz)(noise(1.0))


def test_values_are_what_they_were() -> None:
    values = LogCqt()(noise(1.0))[50, [0, 30, 60, 83]]
    expected = [-61.42908, -44.97621, -49.3049, -43.11279]
    np.testing.assert_allclose(values, expected, rtol=1e-4)
