"""Copy-synthesis from a mel spectrogram."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from fvx.augment.overlap import frames, overlap_add
from fvx.augment.step import Samples, as_long_as

Wave = NDArray[np.float64]


def griffin_lim(wave: Wave, rate_hz: int, rng: np.random.Generator) -> Wave:
    """Phase estimated for a magnitude of which a mel spectrogram is all that is left."""
    n_fft = scipy.fft.next_fast_len(round(0.064 * rate_hz), real=True)
    hop = n_fft // 4
    bank = _mel_bank(int(rng.choice([64, 80, 100])), n_fft, rate_hz)
    given = wave.astype(np.float32)  # in single precision throughout, for speed
    magnitude = np.abs(_spectrum(given, n_fft, hop)).astype(np.float64)
    # Back from mel by the least-squares inverse; what would be negative is nothing.
    target = np.maximum(0.0, (magnitude @ bank.T) @ np.linalg.pinv(bank).T).astype(np.float32)
    phase = np.exp(2j * np.pi * rng.random(target.shape)).astype(np.complex64)
    before = np.zeros_like(phase)
    for _ in range(32):
        consistent = _spectrum(_wave(target * phase, n_fft, hop, len(wave)), n_fft, hop)
        ahead = consistent + np.float32(0.99) * (consistent - before)
        phase, before = ahead / np.maximum(np.float32(1e-12), np.abs(ahead)), consistent
    return _wave(target * phase, n_fft, hop, len(wave)).astype(np.float64)


def _spectrum(wave: Samples, n_fft: int, hop: int) -> NDArray[np.complex64]:
    spectrum: NDArray[np.complex64] = scipy.fft.rfft(
        frames(wave, n_fft, hop) * _taper(n_fft), axis=1
    )
    return spectrum


def _wave(spectrum: NDArray[np.complex64], n_fft: int, hop: int, n_samples: int) -> Samples:
    """The wave whose spectrum is nearest, by least squares."""
    taper = _taper(n_fft)
    total = overlap_add(scipy.fft.irfft(spectrum, n_fft, axis=1) * taper, hop)
    weight = overlap_add(np.broadcast_to(np.square(taper), (len(spectrum), n_fft)), hop)
    return as_long_as((total / np.maximum(1e-6, weight))[n_fft // 2 :], n_samples)


def _taper(size: int) -> Samples:
    taper: Samples = scipy.signal.get_window("hann", size).astype(np.float32)
    return taper


def _mel_bank(n_bands: int, n_fft: int, rate_hz: int) -> NDArray[np.float64]:
    """Triangles, evenly spaced on the mel scale from 0 to half the rate."""
    top_mel = 2595 * np.log10(1 + rate_hz / 2 / 700)
    edges_hz = 700 * (10 ** (np.linspace(0, top_mel, n_bands + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(n_fft, 1 / rate_hz)
    rising = (hz - edges_hz[:-2, None]) / np.diff(edges_hz)[:-1, None]
    falling = (edges_hz[2:, None] - hz) / np.diff(edges_hz)[1:, None]
    return np.maximum(0.0, np.minimum(rising, falling))
