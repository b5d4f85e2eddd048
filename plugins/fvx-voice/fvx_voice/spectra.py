"""Power spectra of the voiced frames, which clearness, noise and cepstral peak all start from."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.signal import frames
from fvx_voice.autocorrelation import TAPS, hann
from fvx_voice.pitch import PitchSettings, pitch_track

PERIODS_PER_WINDOW = 4.5  # Boersma (1993): with three, the window itself limits what is measured
NEIGHBOURHOOD = 0.1  # share of the period within which the autocorrelation peaks
_BLOCK_FRAMES = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class VoicedSpectra:
    """Power spectra where there is a pitch.

    Attributes
    ----------
    frame : int array, shape (n_voiced,)
        Number of each frame within the clip, increasing.
    f0_hz : float32 array, shape (n_voiced,)
        Its fundamental frequency, in hertz.
    power : float32 array, shape (n_voiced, n_fft // 2 + 1)
        Squared magnitude of its transform under a Hann window, its mean taken off before.
    n_frames, n_fft, window_samples : int
        Frames in the clip, voiced or not; length of the transform, and of the window, in samples.
    rate_hz : int
        Sampling rate of the clip.
    """

    frame: NDArray[np.intp]
    f0_hz: Floats
    power: Floats
    n_frames: int
    n_fft: int
    window_samples: int
    rate_hz: int

    @property
    def bin_hz(self) -> float:
        """Distance of two bins, in hertz."""
        return self.rate_hz / self.n_fft


def voiced_spectra(audio: Audio, settings: PitchSettings) -> VoicedSpectra:
    """Transform every voiced frame; ask for it through ``audio.shared``.

    A frame is 4.5 longest periods long; the transform leaves room for the autocorrelation up to
    the longest period.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame, or where ``pitch_track`` does.
    """
    track = audio.shared(pitch_track, settings)
    cut = frames(audio, PERIODS_PER_WINDOW / settings.floor_hz, settings.hop_s)
    size = cut.shape[1]
    room = size + ceil((1 + NEIGHBOURHOOD) * audio.rate_hz / settings.floor_hz) + TAPS + 2
    n_fft = 16 * scipy.fft.next_fast_len(-(-room // 16), real=True)  # so that halves are fast too
    frame = np.flatnonzero(track.voiced)
    power = np.empty((len(frame), n_fft // 2 + 1), np.float32)
    for first in range(0, len(frame), _BLOCK_FRAMES):
        block = cut[frame[first : first + _BLOCK_FRAMES]]
        block -= block.mean(axis=1, keepdims=True)
        block *= hann(size)
        spectrum = scipy.fft.rfft(block, n=n_fft, axis=1)
        power[first : first + _BLOCK_FRAMES] = spectrum.real**2 + spectrum.imag**2
    return VoicedSpectra(
        frame, track.f0_hz[frame], power, len(track.f0_hz), n_fft, size, audio.rate_hz
    )
