"""Constant-Q power spectra of a whole clip, by non-stationary Gabor frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fvx import Audio
from fvx.audio import MIN_DURATION_S
from fvx.errors import AudioError

# Bandwidth at 0 Hz, over that a constant-Q bin would have at 1 Hz: 24.7 / 0.108, the ratio of
# the equivalent rectangular bandwidths of Glasberg and Moore (1990).
_ERB_RATIO = 228.7
_MIN_WINDOW = 4  # spectral samples
_BLOCK_VALUES = 1 << 16  # a block of bins of about this many values stays in cache
# Zeros after the clip keep its ends from seeing each other: at this distance the response of
# even the narrowest bin of CQCC (3.5 Hz) has fallen by 43 dB.
_GAP_S = 1.0
# Transforms come in whole multiples of this many frames: few distinct lengths, and quick ones.
_FRAMES_STEP = 64
_CACHED_FRAMES = 1024  # a plan takes half a megabyte per second of audio, and 2 ms to make


@dataclass(frozen=True)
class Scale:
    """Where the bins of a constant-Q transform lie.

    Attributes
    ----------
    bins_per_octave : int
        Resolution in frequency.
    lowest_hz : float
        Centre of the lowest bin.
    n_octaves : int
        How many octaves up from there.
    """

    bins_per_octave: int
    lowest_hz: float
    n_octaves: int


@dataclass(frozen=True)
class Layout:
    """The geometry of one constant-Q transform.

    Attributes
    ----------
    rate_hz : int
        Sampling rate.
    n_samples, n_frames : int
        Length of the clip, and how many frames are spread evenly over it, the first at its
        first sample. The transform is circular: frames near one end see the other end.
    scale : Scale
        Where its bins lie.
    """

    rate_hz: int
    n_samples: int
    n_frames: int
    scale: Scale


def bins_hz(scale: Scale, rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and bandwidth of each bin, in hertz; both of shape (n_bins,).

    Bins whose band would leave [0, rate_hz / 2] are left out.
    """
    steps = np.arange(scale.n_octaves * scale.bins_per_octave)
    centre_hz = scale.lowest_hz * 2 ** (steps / scale.bins_per_octave)
    spacing = 2 ** (1 / scale.bins_per_octave) - 2 ** (-1 / scale.bins_per_octave)
    width_hz = spacing * (centre_hz + _ERB_RATIO)
    inside = (centre_hz >= width_hz / 2) & (centre_hz + width_hz / 2 <= rate_hz / 2)
    return centre_hz[inside], width_hz[inside]


def clip_layout(audio: Audio, scale: Scale, hop_s: float) -> Layout:
    """Layout for a whole clip, its frames where the frame law wants them, and zeros after it.

    Of ``n_frames`` the first ``audio.n_frames(hop_s)`` are the clip's; the transform's input is
    ``audio.shared(clip_spectrum, layout.n_samples)``.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.2 s.
    """
    if audio.duration_s < MIN_DURATION_S:
        raise AudioError(f"{audio.duration_s:.3f} s long; at least {MIN_DURATION_S} s needed")
    hop = max(1, round(hop_s * audio.rate_hz))
    with_gap = (len(audio.samples) + _GAP_S * audio.rate_hz) / hop
    n_frames = _FRAMES_STEP * scipy.fft.next_fast_len(int(np.ceil(with_gap / _FRAMES_STEP)))
    return Layout(audio.rate_hz, hop * n_frames, n_frames, scale)


def clip_spectrum(audio: Audio, n_samples: int) -> NDArray[np.complex64]:
    """Transform of the whole clip and zeros after it, ``n_samples`` in all.

    One serves every scale; ask for it through ``audio.shared``.
    """
    # In double precision here and in single afterwards: only here can the rounding errors
    # of a loud band reach a faint one.
    samples = audio.samples.astype(np.float64)
    spectrum: NDArray[np.complex64] = scipy.fft.rfft(samples, n=n_samples).astype(np.complex64)
    return spectrum


def power_blocks(
    spectrum: NDArray[Any], layout: Layout
) -> Iterator[tuple[slice, NDArray[np.floating[Any]]]]:
    """Squared magnitude of the transform, some bins at a time so that memory is bounded.

    Parameters
    ----------
    spectrum : complex64 or complex128 array, shape (n_samples // 2 + 1,)
        ``rfft`` of the clip; its precision is that of the result.
    layout : Layout
        ``layout.n_samples`` must be the clip's length.

    Yields
    ------
    bins : slice
        Which bins, in the order of ``bins_hz``.
    power : float array, shape (n_bins in the block, n_frames)
        Full scale 1: a sine of amplitude 1 at a bin's centre has power 1.

    References
    ----------
    Schörkhuber, Klapuri, Holighaus and Dörfler (2014), "A Matlab toolbox for efficient perfect
    reconstruction time-frequency transforms with log-frequency resolution", AES 53rd
    International Conference.
    Velasco, Holighaus, Dörfler and Grill (2011), "Constructing an invertible constant-Q
    transform with non-stationary Gabor frames", DAFx-11.
    """
    plan = _cached_plan if layout.n_frames <= _CACHED_FRAMES else _plan
    scale = 2 * layout.n_frames / layout.n_samples
    for bins, turns in plan(layout, spectrum.dtype.char):
        bands = np.zeros((bins.stop - bins.start, layout.n_frames), spectrum.dtype)
        flat = bands.reshape(-1)
        first, *wrapped = turns
        flat[first.target] = spectrum[first.source] * first.weight
        for turn in wrapped:
            flat[turn.target] += spectrum[turn.source] * turn.weight
        bands = scipy.fft.ifft(bands, axis=1, overwrite_x=True)
        bands *= scale
        yield bins, bands.real**2 + bands.imag**2


@dataclass(frozen=True)
class _Turn:
    """Spectral samples that land in distinct places of a block: source, target, weight."""

    source: NDArray[np.intp]
    target: NDArray[np.intp]
    weight: NDArray[Any]  # single or double precision


def _plan(layout: Layout, dtype: str) -> Iterator[tuple[slice, tuple[_Turn, ...]]]:
    """Where each band's spectral samples go.

    A band of *n_frames* or fewer samples is windowed and transformed back as it is. A wider
    one is folded first, which takes every so-manyth sample of its longer transform: frames
    may be as far apart as wanted, at no loss of exactness. The phase of a bin is not kept.
    """
    centre_hz, width_hz = bins_hz(layout.scale, layout.rate_hz)
    step_hz = layout.rate_hz / layout.n_samples
    sizes = np.maximum(np.round(width_hz / step_hz), _MIN_WINDOW).astype(np.intp)
    centres = np.floor(centre_hz / step_hz).astype(np.intp)
    real = np.float64 if dtype == "D" else np.float32
    n_rows = max(1, _BLOCK_VALUES // layout.n_frames)
    for start in range(0, len(sizes), n_rows):
        bins = slice(start, min(start + n_rows, len(sizes)))
        size = sizes[bins]
        row = np.repeat(np.arange(len(size)), size)
        place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
        offset = place - (size // 2)[row]
        weight = (0.5 + 0.5 * np.cos(2 * np.pi * offset / size[row])).astype(real)
        source = np.maximum(centres[bins][row] + offset, 0)
        target = row * layout.n_frames + offset % layout.n_frames
        lap = place // layout.n_frames
        laps = (np.flatnonzero(lap == n) for n in range(int(lap.max()) + 1))
        yield bins, tuple(_Turn(source[at], target[at], weight[at]) for at in laps)


@lru_cache(maxsize=32)
def _cached_plan(layout: Layout, dtype: str) -> tuple[tuple[slice, tuple[_Turn, ...]], ...]:
    return tuple(_plan(layout, dtype))
