import numpy as np
import pytest
import scipy.linalg
import scipy.signal
from fvx_spectral.lp_residual import LpResidual, autocorrelation, filtered, linear_predictor

from fvx import Audio
from fvx.signal import frames, power
from fvx.testing import RATE_HZ, FeatureContract, noise, silence, sine, vowel


class TestLpResidualContract(FeatureContract):
    feature = LpResidual()


def process(poles: list[complex], innovation: np.ndarray) -> Audio:
    """An autoregressive process, through conjugate pairs of poles."""
    filter_ = np.poly([*poles, *np.conj(poles)]).real
    samples = scipy.signal.lfilter([1.0], filter_, innovation)
    return Audio((0.1 * samples / samples.std()).astype(np.float32), RATE_HZ)


def innovation(law: str, seconds: float = 10.0) -> np.ndarray:
    generator = np.random.default_rng(11)
    n_samples = int(seconds * RATE_HZ)
    return {
        "uniform": generator.uniform(-1, 1, n_samples),
        "normal": generator.standard_normal(n_samples),
        "laplace": generator.laplace(size=n_samples),
    }[law]


def slow(audio: Audio) -> np.ndarray:
    """The whole feature from textbook parts, frame by frame, in double precision."""
    samples, rate_hz, order = audio.samples.astype(np.float64), audio.rate_hz, 18
    hop, n_frames = round(0.01 * rate_hz), audio.n_frames(0.01)
    size = round(0.025 * rate_hz)
    n_fft = 1 << (size - 1).bit_length()
    n_fft *= 1 if n_fft >= size + order else 2
    tapered = frames(audio, 0.025, 0.01) * scipy.signal.get_window("hann", size)
    parts, firsts = [], []
    for k, frame in enumerate(tapered.astype(np.float64)):
        lags = np.correlate(frame, frame, "full")[size - 1 :][: order + 1]
        lags[0] *= 1 + 1e-9
        predictor = np.append(1, -scipy.linalg.solve_toeplitz(lags[:-1], lags[1:]))
        error = predictor @ lags
        residual = scipy.signal.lfilter(predictor, [1.0], samples)
        first = k * hop - hop // 2
        parts.append(residual[max(first, 0) : first + hop])
        spectrum = np.abs(np.fft.fft(frame, n_fft)) ** 2
        flatness = np.exp(np.log(np.maximum(spectrum, 1e-12 * spectrum.mean())).mean()) / error
        firsts.append((10 * np.log10(lags[0] / error), 10 * np.log10(flatness)))
    rows = []
    for k in range(n_frames):
        residual = np.concatenate(parts[max(k - 1, 0) : k + 2])
        kurtosis = (residual**4).mean() / (residual**2).mean() ** 2
        crest_db = 20 * np.log10(np.abs(residual).max() / np.sqrt((residual**2).mean()))
        rows.append((firsts[k][0], kurtosis, crest_db, firsts[k][1], 1.0))
    return np.array(rows)


@pytest.mark.parametrize("radius", [0.5, 0.8, 0.95])
def test_an_autoregressive_process_has_its_own_gain(radius: float) -> None:
    pole = radius * np.exp(0.3j * np.pi)
    # Energy of the impulse response: what the innovation is amplified by.
    response = scipy.signal.lfilter([1.0], np.poly([pole, pole.conj()]).real, np.eye(1, 4000)[0])
    expected_db = 10 * np.log10((response**2).sum())
    values = LpResidual(order=2)(process([pole], innovation("normal")))
    assert 10 * np.log10((10 ** (values[5:-5, 0] / 10)).mean()) == pytest.approx(
        expected_db, abs=0.6
    )


@pytest.mark.parametrize(("law", "kurtosis"), [("uniform", 1.8), ("normal", 3.0), ("laplace", 6.0)])
def test_the_residual_has_the_distribution_of_the_innovation(law: str, kurtosis: float) -> None:
    poles = [0.9 * np.exp(0.2j * np.pi), 0.8 * np.exp(0.6j * np.pi)]
    values = LpResidual(order=4)(process(poles, innovation(law)))[5:-5]
    assert values[:, 1].mean() == pytest.approx(kurtosis, rel=0.1)


def test_white_noise_cannot_be_predicted_and_is_as_flat_as_theory_says() -> None:
    samples = (0.1 * innovation("normal")).astype(np.float32)
    values = LpResidual(order=1)(Audio(samples, RATE_HZ))[5:-5]
    assert values[:, 0].mean() < 0.1
    # The power of each bin is exponentially distributed: its mean logarithm is -0.5772.
    assert values[:, 3].mean() == pytest.approx(-10 * np.log10(np.e) * np.euler_gamma, abs=0.1)


def test_a_voice_leaves_pulses_and_noise_does_not() -> None:
    voiced, unvoiced = LpResidual()(vowel())[10:-10], LpResidual()(noise(1.0))[10:-10]
    assert voiced[:, 0].min() > 10 > unvoiced[:, 0].max()
    assert voiced[:, 1].min() > 10 > unvoiced[:, 1].max()
    assert voiced[:, 2].min() > 12 > unvoiced[:, 2].max()


def test_a_tone_is_predicted_almost_wholly() -> None:
    assert LpResidual()(sine(440.0))[5:-5, 0].min() > 50


def test_the_predictor_is_that_of_the_normal_equations() -> None:
    spectrum = power(noise(0.5), 0.025, 0.01)
    lags = autocorrelation(spectrum, 18)
    predictor, error = linear_predictor(lags)
    for row in range(0, len(lags), 7):
        expected = -scipy.linalg.solve_toeplitz(lags[row, :-1], lags[row, 1:])
        np.testing.assert_allclose(predictor[row, 1:], expected, atol=1e-6)
        assert error[row] == pytest.approx(predictor[row] @ lags[row], rel=1e-6)


def test_the_predictor_nears_that_of_librosa() -> None:
    import librosa

    poles = [0.9 * np.exp(0.2j * np.pi), 0.8 * np.exp(0.6j * np.pi)]
    audio = process(poles, innovation("normal", 1.0))  # the frame at 0.5 s: all of it
    lags = autocorrelation(power(audio, 1.0, 0.5), 4)
    predictor, _ = linear_predictor(lags)
    burg = librosa.lpc(audio.samples.astype(np.float64), order=4)
    np.testing.assert_allclose(predictor[1], burg, atol=0.03)


def test_each_row_is_filtered_with_its_own_coefficients() -> None:
    generator = np.random.default_rng(2)
    rows, coefficients = generator.standard_normal((3, 50)), generator.standard_normal((3, 5))
    got = filtered(rows.astype(np.float32), coefficients.astype(np.float32))
    for row, taps, values in zip(rows, coefficients, got, strict=True):
        np.testing.assert_allclose(values, np.convolve(row, taps, "valid"), atol=1e-5)


@pytest.mark.parametrize("rate_hz", [4_000, 16_000, 20_480, 44_100])
def test_agrees_with_textbook_parts(rate_hz: int) -> None:
    # At 20,480 Hz the window is as long as the usual transform.
    audio = noise(0.437, rate_hz=rate_hz)
    np.testing.assert_allclose(LpResidual()(audio), slow(audio), rtol=1e-3, atol=2e-3)


def test_agrees_with_textbook_parts_on_real_speech(real_clips: list[Audio]) -> None:
    # Achieved on 24 clips, 2424 frames, at worst: gain 0.00014 dB, kurtosis 0.0008, crest
    # 0.0004 dB, flatness 0.0026 dB (single precision, in frames of hardly any noise).
    ours, expected = [], []
    for clip in real_clips:
        short = Audio(clip.samples[:RATE_HZ].copy(), RATE_HZ)
        ours.append(LpResidual()(short))
        expected.append(slow(short))
    difference = np.abs(np.concatenate(ours) - np.concatenate(expected))
    assert difference.max() < 0.01


def test_blocks_do_not_change_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = LpResidual()(vowel())
    monkeypatch.setattr("fvx_spectral.lp_residual._BLOCK_FRAMES", 7)
    np.testing.assert_allclose(LpResidual()(vowel()), whole, rtol=1e-4, atol=1e-4)


def test_silence_has_none() -> None:
    assert not LpResidual()(silence()).any()


def test_values_are_what_they_were() -> None:
    values = LpResidual()(noise(1.0))[50]
    np.testing.assert_allclose(values, [0.3716399, 2.052252, 8.159015, -2.320374, 1.0], rtol=1e-3)
