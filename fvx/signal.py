"""Frames and short-time spectra, by the frame law; ask for them through ``audio.shared``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import AudioError, FeatureError

# Worked through a block at a time, what lies between stays in cache: fresh memory for whole
# clips costs more than the transform. A multiple of 16, whichever number of rows is taken at
# once by the transform.
_BLOCK_ROWS = 64


def frames(audio: Audio, window_s: float, hop_s: float) -> NDArray[np.float32]:
    """Cut the clip into overlapping frames, zeros beyond its ends.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a frame, and step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, window_s * rate_hz)
        Frame *k* is centred at ``k * hop_s``. A read-only view: copy before writing.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    """
    size, hop = round(window_s * audio.rate_hz), max(1, round(hop_s * audio.rate_hz))
    if len(audio.samples) < size:
        raise AudioError(f"{audio.duration_s:.3f} s is shorter than one window of {window_s} s")
    n_frames = audio.n_frames(hop_s)
    left = size // 2
    right = max(0, (n_frames - 1) * hop + size - left - len(audio.samples))
    padded = np.pad(audio.samples, (left, right))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:n_frames]


def stft(
    audio: Audio,
    window_s: float,
    hop_s: float,
    n_fft: int | None = None,
    window: str = "hann",
    preemphasis: float = 0.0,
) -> NDArray[np.complex64]:
    """Short-time Fourier transform by the frame law.

    Parameters
    ----------
    window_s, hop_s : float
        Length of a frame, and step between frames, in seconds.
    n_fft : int or None
        Transform length in samples; None: the next power of two.
    window : str
        A periodic window that ``scipy.signal.get_window`` knows.
    preemphasis : float
        ``y[n] = x[n] - preemphasis * x[n - 1]`` over the whole clip beforehand.

    Returns
    -------
    complex64 array, shape (n_frames, n_fft // 2 + 1)
        Bin *b* lies at ``b * rate_hz / n_fft`` hertz.

    Raises
    ------
    AudioError
        If the clip is shorter than one window.
    FeatureError
        If the transform is shorter than the window, whose end it would leave out.
    """
    shape, blocks = _transformed(audio, window_s, hop_s, n_fft, window, preemphasis)
    spectrum = np.empty(shape, np.complex64)
    for start, block in blocks:
        spectrum[start : start + len(block)] = block
    return spectrum


def power(
    audio: Audio,
    window_s: float,
    hop_s: float,
    n_fft: int | None = None,
    window: str = "hann",
    preemphasis: float = 0.0,
) -> NDArray[np.float32]:
    """Squared magnitude of ``stft`` with the same settings, shape (n_frames, n_bins)."""
    spectrum = audio.shared(stft, window_s, hop_s, n_fft, window, preemphasis)
    squared = np.empty(spectrum.shape, np.float32)
    for start in range(0, len(spectrum), _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        np.square(spectrum[rows].real, out=squared[rows])
        squared[rows] += np.square(spectrum[rows].imag)
    return squared


def power_alone(
    audio: Audio,
    window_s: float,
    hop_s: float,
    n_fft: int | None = None,
    window: str = "hann",
    preemphasis: float = 0.0,
) -> NDArray[np.float32]:
    """Same as ``power``, for settings whose ``stft`` nobody asks for: it is not kept.

    That spares two thirds of the memory, and the time to write it.
    """
    shape, blocks = _transformed(audio, window_s, hop_s, n_fft, window, preemphasis)
    squared = np.empty(shape, np.float32)
    for start, block in blocks:
        rows = slice(start, start + len(block))
        np.square(block.real, out=squared[rows])
        squared[rows] += np.square(block.imag)
    return squared


def _transformed(
    audio: Audio,
    window_s: float,
    hop_s: float,
    n_fft: int | None,
    window: str,
    preemphasis: float,
) -> tuple[tuple[int, int], Iterator[tuple[int, NDArray[np.complex64]]]]:
    """Shape of the transform, and its rows by the block, each with the number of its first."""
    if preemphasis:
        samples = audio.samples.copy()
        samples[1:] -= np.float32(preemphasis) * audio.samples[:-1]
        audio = Audio(samples, audio.rate_hz)
    cut = frames(audio, window_s, hop_s)
    size = cut.shape[1]
    taper = scipy.signal.get_window(window, size).astype(np.float32)
    length = n_fft or 1 << (size - 1).bit_length()
    if length < size:
        raise FeatureError(
            f"a transform of {length} points cannot hold a window of {window_s} s, "
            f"{size} samples at {audio.rate_hz} Hz"
        )

    def blocks() -> Iterator[tuple[int, NDArray[np.complex64]]]:
        padded = np.zeros((min(_BLOCK_ROWS, len(cut)), length), np.float32)
        for start in range(0, len(cut), _BLOCK_ROWS):
            block = cut[start : start + _BLOCK_ROWS]
            tapered = padded[: len(block)]
            np.multiply(block, taper, out=tapered[:, :size])
            yield start, scipy.fft.rfft(tapered, axis=1)

    return (len(cut), length // 2 + 1), blocks()
