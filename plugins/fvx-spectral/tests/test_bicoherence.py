import numpy as np
import pytest
import scipy.signal
import scipy.stats
from fvx_spectral.bicoherence import Bicoherence, bicoherence

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, vowel


class TestBicoherenceContract(FeatureContract):
    feature = Bicoherence()


def slow(audio: Audio, window_s: float = 0.008) -> dict[tuple[int, int], complex]:
    """Every pair's bicoherence from sums written out, in double precision."""
    size = round(window_s * audio.rate_hz)
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    starts = range(0, len(audio.samples) - size + 1, size // 2)
    cuts = [audio.samples[start : start + size].astype(np.float64) for start in starts]
    kernel = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size)
    y = np.array([(cut - cut.mean()) * taper for cut in cuts]) @ kernel
    values = {}
    for i in range(1, size // 2):
        for j in range(1, i + 1):
            if 2 * (i + j) < size:
                pair, total = y[:, i] * y[:, j], y[:, i + j]
                norm = (np.abs(pair) ** 2).sum() * (np.abs(total) ** 2).sum()
                values[i, j] = (pair * total.conj()).sum() / np.sqrt(norm)
    return values


def narrow_noise(hz: float, seed: int, seconds: float = 5.0) -> np.ndarray:
    """A carrier whose phase and amplitude wander within about 20 Hz."""
    generator = np.random.default_rng(seed)
    slowly = scipy.signal.butter(2, 20, fs=RATE_HZ)
    quadrature = scipy.signal.lfilter(
        *slowly, generator.standard_normal((2, int(seconds * RATE_HZ)))
    )
    turns = np.exp(2j * np.pi * hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)
    wave = ((quadrature[0] + 1j * quadrature[1]) * turns).real
    return wave / wave.std()


def mixed(third: np.ndarray) -> Audio:
    tones = narrow_noise(2000.0, 1) + narrow_noise(3000.0, 2)
    return Audio((0.1 * (tones + third)).astype(np.float32), RATE_HZ)


def test_a_tone_made_by_two_others_is_coherent_with_them() -> None:
    made = 2 * narrow_noise(2000.0, 1) * narrow_noise(3000.0, 2)
    assert abs(bicoherence(mixed(made), 0.008)[24, 16]) > 0.97  # 125 Hz a bin


def test_a_tone_of_its_own_is_not() -> None:
    # Wandering within 20 Hz, 5 s hold about 100 independent looks at the phases.
    assert abs(bicoherence(mixed(narrow_noise(5000.0, 3)), 0.008)[24, 16]) < 0.25


@pytest.mark.parametrize("seconds", [1.0, 5.0, 20.0])
def test_gaussian_noise_lies_at_the_level_of_chance(seconds: float) -> None:
    samples = np.random.default_rng(5).standard_normal(int(seconds * RATE_HZ)).astype(np.float32)
    values = Bicoherence()(Audio(samples, RATE_HZ))[0]
    n_segments = len(samples) // 64 - 1
    assert values[0] == pytest.approx(np.sqrt(np.pi / 4 / n_segments), rel=0.06)  # Rayleigh
    assert values[1] == pytest.approx((1 - np.pi / 4) / n_segments, rel=0.15)
    assert values[5] == pytest.approx(np.pi**2 / 3, rel=0.15)  # any phase is as likely


@pytest.mark.parametrize(("sign", "phase_rad"), [(1.0, 0.0), (-1.0, np.pi)])
def test_pulses_are_coherent_everywhere_with_the_phase_of_their_sign(
    sign: float, phase_rad: float
) -> None:
    # At irregular times, at most one in a segment.
    samples = np.zeros(5 * RATE_HZ, np.float32)
    samples[np.cumsum(np.random.default_rng(6).integers(200, 400, 250))] = sign
    coherence = bicoherence(Audio(samples, RATE_HZ), 0.008)[10:30, 10:30]
    inside = np.abs(coherence) > 0
    assert np.abs(coherence[inside]).min() > 0.97
    np.testing.assert_allclose(np.abs(np.angle(coherence[inside])), phase_rad, atol=0.05)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050])
def test_agrees_with_sums_written_out(rate_hz: int) -> None:
    audio = vowel(seconds=0.5, rate_hz=rate_hz)
    got = bicoherence(audio, 0.008)
    expected = slow(audio)
    assert np.count_nonzero(got) == len(expected)
    for (i, j), value in expected.items():
        assert got[i, j] == pytest.approx(value, abs=5e-3)


def test_agrees_with_sums_written_out_on_real_speech(real_clips: list[Audio]) -> None:
    # Achieved on 24 clips: 0.00007 at worst (kurtosis), 0.0000005 for the mean magnitude.
    for clip in real_clips:
        short = Audio(clip.samples[:RATE_HZ].copy(), RATE_HZ)
        expected = np.array(list(slow(short).values()))
        got = Bicoherence()(short)[0]
        for values, columns in ((np.abs(expected), got[:4]), (np.angle(expected), got[4:8])):
            moments = values.mean(), values.var(), *(
                scipy.stats.skew(values), scipy.stats.kurtosis(values, fisher=False)
            )  # fmt: skip
            np.testing.assert_allclose(columns, moments, rtol=0, atol=5e-4)


def test_blocks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Bicoherence()(vowel())
    monkeypatch.setattr("fvx_spectral.bicoherence._BLOCK_SEGMENTS", 7)
    np.testing.assert_allclose(Bicoherence()(vowel()), whole, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("level", [1e-6, 1e-2])
def test_the_level_does_not_matter(level: float) -> None:
    loud = noise(1.0)
    faint = Audio(loud.samples * np.float32(level), RATE_HZ)
    np.testing.assert_allclose(Bicoherence()(faint), Bicoherence()(loud), atol=1e-3)


@pytest.mark.parametrize("level", [0.0, 0.25])
def test_silence_and_a_constant_have_none(level: float) -> None:
    assert not Bicoherence()(Audio(np.full(RATE_HZ, level, np.float32), RATE_HZ)).any()


def test_values_are_what_they_were() -> None:
    expected = [
        *(0.05673107, 0.0008175914, 0.497840, 2.957149),
        *(0.09401201, 3.517434, -0.08161516, 1.709507, 1.0),
    ]
    np.testing.assert_allclose(Bicoherence()(noise(1.0))[0], expected, rtol=1e-3)
