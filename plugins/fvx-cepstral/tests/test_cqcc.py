import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.fft
import scipy.interpolate
from fvx_cepstral.cqcc import Cqcc, cepstra, cepstral_matrix, octaves_below
from fvx_cepstral.deltas import slope
from fvx_spectral.constant_q import Layout, Scale, bins_hz, power_blocks

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise

N_COEFFICIENTS = 20


class TestCqccContract(FeatureContract):
    feature = Cqcc()


class TestCqccOfOtherSettingsContract(FeatureContract):
    feature = Cqcc(bins_per_octave=12, floor_hz=100.0, n_coefficients=13, hop_s=0.005)


def scale() -> Scale:
    return octaves_below(RATE_HZ / 2, 96, 20.0)


def test_agrees_with_the_published_implementation_on_speech(
    speech: Audio, reference_dir: Path
) -> None:
    reference = np.load(reference_dir / "cqcc_D18_1000001.npz")
    expected = reference["cqcc_zsdD"].T
    layout = Layout(speech.rate_hz, len(speech.samples), len(expected), scale())
    spectrum = scipy.fft.rfft(speech.samples.astype(np.float64))
    static = cepstra(spectrum, layout, cepstral_matrix(Cqcc(), speech.rate_hz), len(expected))
    delta = slope(static, 3)
    for ours, theirs in zip(
        (static, delta, slope(delta, 3)), np.split(expected, 3, axis=1), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9 * np.abs(theirs).max())
    centre_hz, _ = bins_hz(scale(), speech.rate_hz)
    np.testing.assert_allclose(centre_hz, reference["freq_hz"], rtol=1e-12)
    power = np.concatenate([block for _, block in power_blocks(spectrum, layout)])
    log_power = np.log(power + 2.0**-52)
    np.testing.assert_allclose(log_power, reference["log_power_cqt"], atol=1e-5)  # kept in single


def test_frames_at_the_same_moment_agree_with_the_published_ones(
    speech: Audio, reference_dir: Path
) -> None:
    published = np.load(reference_dir / "cqcc_D18_1000001.npz")["cqcc_zsdD"].T[:, :N_COEFFICIENTS]
    ours = Cqcc()(speech)[:, :N_COEFFICIENTS]
    # Its frames are 8.5 ms apart, ours 10 ms: compare those that fall on the same moment.
    published_s = np.arange(len(published)) * speech.duration_s / len(published)
    our_s = np.arange(len(ours)) * 0.010
    nearest = np.abs(published_s - our_s[:, np.newaxis]).argmin(axis=1)
    together = np.abs(published_s[nearest] - our_s) < 0.0002
    together[:60] = together[-60:] = False  # the published transform wraps around the ends
    assert together.sum() > 10
    error = np.sqrt(np.mean((ours - published[nearest])[together] ** 2, axis=0))
    assert (error < 0.03 * ours.std(axis=0)).all()


def test_interpolation_and_dct_are_one_matrix() -> None:
    centre_hz, _ = bins_hz(scale(), RATE_HZ)
    values = np.random.default_rng(0).normal(size=(len(centre_hz), 3))
    even_hz = np.arange(centre_hz[0], centre_hz[-1], centre_hz[0] / 16)
    resampled = scipy.interpolate.CubicSpline(centre_hz, values)(even_hz)
    expected = scipy.fft.dct(resampled, axis=0, norm="ortho")[:N_COEFFICIENTS]
    np.testing.assert_allclose(cepstral_matrix(Cqcc(), RATE_HZ) @ values, expected, atol=1e-9)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_a_click_is_loudest_in_the_frame_it_is_at(rate_hz: int) -> None:
    samples = np.zeros(2 * rate_hz, np.float32)
    samples[83 * round(0.010 * rate_hz)] = 1.0
    assert Cqcc()(Audio(samples, rate_hz))[:, 0].argmax() == 83


def test_gain_moves_nothing_but_the_zeroth_coefficient() -> None:
    quiet = noise(2.0)
    moved = (Cqcc()(Audio(4 * quiet.samples, RATE_HZ)) - Cqcc()(quiet))[:, :N_COEFFICIENTS]
    # Away from the ends, where even the power of noise is far above the floor.
    np.testing.assert_allclose(moved[:, 0], np.log(16) * np.sqrt(8059), rtol=1e-4)
    np.testing.assert_allclose(moved[:, 1:], 0, atol=0.1)


def test_single_precision_costs_next_to_nothing(speech: Audio) -> None:
    layout = Layout(speech.rate_hz, len(speech.samples), 470, scale())
    spectrum = scipy.fft.rfft(speech.samples.astype(np.float64))
    matrix = cepstral_matrix(Cqcc(), speech.rate_hz)
    double = cepstra(spectrum, layout, matrix, 470)
    single = cepstra(spectrum.astype(np.complex64), layout, matrix.astype(np.float32), 470)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, atol=0.02)  # they range over tens to hundreds


def test_speech_sounds_the_same_within_a_minute_of_audio(speech: Audio) -> None:
    lead_s = 28
    minute = np.zeros(60 * RATE_HZ, np.float32)
    minute[lead_s * RATE_HZ :][: len(speech.samples)] = speech.samples
    alone = Cqcc()(speech)[:, :N_COEFFICIENTS]
    within = Cqcc()(Audio(minute, RATE_HZ))[lead_s * 100 :][: len(alone), :N_COEFFICIENTS]
    error = np.sqrt(np.mean((within - alone) ** 2, axis=0))
    assert (error < 0.05 * alone.std(axis=0)).all()


def test_memory_grows_by_less_than_a_megabyte_a_second() -> None:
    audio = noise(60.0)
    Cqcc()(noise(1.0))  # what is kept for every clip is not this clip's
    tracemalloc.start()
    try:
        Cqcc()(audio)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60e6


def test_values_are_what_they_were() -> None:
    values = Cqcc()(noise(1.0))[50, [0, 1, 2, 19, 20, 21, 40]]
    expected = [-1044.84, -68.7234, -16.4855, -4.98764, -2.68395, -0.649737, -0.551585]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-3)
