from pathlib import Path

import numpy as np
import pytest
from fvx_cepstral.lfcc import Lfcc

from fvx import Audio
from fvx.testing import RATE_HZ, FeatureContract, noise, sine


class TestLfccContract(FeatureContract):
    feature = Lfcc()


def test_agrees_with_the_baseline_of_asvspoof_2021_on_speech(
    speech: Audio, reference_dir: Path
) -> None:
    expected = np.load(reference_dir / "lfcc_D18_1000001.npz")["lfcc"]
    np.testing.assert_allclose(Lfcc()(speech), expected, rtol=0, atol=1e-4)


def test_a_tenfold_amplitude_adds_two_to_log_energy_and_nothing_else() -> None:
    quiet = noise(1.0)
    moved = Lfcc()(Audio(10 * quiet.samples, RATE_HZ)) - Lfcc()(quiet)
    np.testing.assert_allclose(moved[:, 0], 2.0, atol=1e-4)
    np.testing.assert_allclose(moved[:, 1:20], 0.0, atol=2e-3)


def test_log_energy_of_a_sine_is_that_of_its_windowed_samples() -> None:
    amplitude, hz = 0.5, 1000.0
    values = Lfcc(preemphasis=0.0)(sine(hz, amplitude=amplitude))
    # Parseval: the sum over half the bins is half of n_fft times the energy in the window.
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(320) / 320)
    energy = amplitude**2 / 2 * np.sum(window**2) / 2
    np.testing.assert_allclose(values[10:-10, 0], np.log10(energy), atol=1e-3)


@pytest.mark.parametrize("rate_hz", [48_000, 96_000])
def test_a_window_longer_than_the_transform_is_not_cut(rate_hz: int) -> None:
    tone = sine(1000.0, rate_hz=rate_hz)
    longer = Lfcc(n_fft=4096)(tone)
    # The energy of a frame does not depend on how finely its spectrum is sampled.
    np.testing.assert_allclose(Lfcc()(tone)[10:-10, 0], longer[10:-10, 0], atol=1e-3)


def test_values_are_what_they_were() -> None:
    values = Lfcc()(noise(1.0))[50, [0, 1, 2, 19, 20, 21, 40]]
    expected = [
        -0.34608737,
        -2.7248473,
        -1.0344433,
        -0.07512176,
        -0.0043382943,
        0.20633292,
        0.04067045,
    ]
    np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-5)
