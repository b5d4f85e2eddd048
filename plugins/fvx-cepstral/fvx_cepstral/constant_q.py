"""Constant-Q power spectra of a whole clip, by non-stationary Gabor frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

# Bandwidth at 0 Hz, over that a constant-Q bin would have at 1 Hz: 24.7 / 0.108, the ratio of
# the equivalent rectangular bandwidths of Glasberg and Moore (1990).
_ERB_RATIO = 228.7
_MIN_WINDOW = 4  # spectral samples
_BLOCK_VALUES = 1 << 16  # a block of bins of about this many values stays in cache
_CACHED_FRAMES = 1024  # a plan takes half a megabyte per second of audio, and 2 ms to make


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
    bins_per_octave : int
        Resolution in frequency.
    floor_hz : float
        The lowest bin is the first whole number of octaves below half the rate that is at or
        below this.
    """

    rate_hz: int
    n_samples: int
    n_frames: int
    bins_per_octave: int = 96
    floor_hz: float = 20.0


def bins_hz(
    rate_hz: int, bins_per_octave: int, floor_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centre and bandwidth of each bin, in hertz; both of shape (n_bins,).

    Bins whose band would leave [0, rate_hz / 2] are left out.
    """
    top_hz = rate_hz / 2
    n_octaves = int(np.ceil(np.log2(top_hz / floor_hz)))
    steps = np.arange(n_octaves * bins_per_octave + 1)
    centre_hz = top_hz / 2**n_octaves * 2 ** (steps / bins_per_octave)
    spacing = 2 ** (1 / bins_per_octave) - 2 ** (-1 / bins_per_octave)
    width_hz = spacing * (centre_hz + _ERB_RATIO)
    inside = (centre_hz >= width_hz / 2) & (centre_hz + width_hz / 2 <= top_hz)
    return centre_hz[inside], width_hz[inside]


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
    centre_hz, width_hz = bins_hz(layout.rate_hz, layout.bins_per_octave, layout.floor_hz)
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


@lru_cache(maxsize=16)
def _cached_plan(layout: Layout, dtype: str) -> tuple[tuple[slice, tuple[_Turn, ...]], ...]:
    return tuple(_plan(layout, dtype))
