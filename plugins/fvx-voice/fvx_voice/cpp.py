"""The cpp and cpp_contour features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_voice.pitch import PitchSettings
from fvx_voice.spectra import VoicedSpectra, voiced_spectra

HIGHEST_HZ = 5_000.0  # of the spectrum whose regularity is measured
PEAK_HZ = (60.0, 330.0)  # pitches at which the peak may lie
TREND_S = (0.001, 0.05)  # quefrencies that the line below the peak is fitted to
REACH_S = 0.010  # smoothing takes in so much before and after
SMOOTHING_S = 0.0005  # and so much of the quefrencies
_FLOOR = np.float32(1e-12)  # power; a frame of 16-bit rounding noise lies well above
_BLOCK_FRAMES = 512

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Cpp(Feature):
    """How strongly the voice is a voice, on the whole: regular overtones against all the rest.

    Mean and standard deviation of ``cpp_contour`` over the voiced frames: the smoothed kind
    (CPPS), which is what the field uses of running speech. Breathy, hoarse and whispered voices
    are low.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for, to tell which frames are voiced.

    Returns
    -------
    float32 array, shape (1, 3)
        ``cpp_mean_db`` and ``cpp_sd_db``, in decibels, the former at least 0 but for noise;
        ``defined``, 1 or 0. All are 0 where the clip has no voiced frame.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame of 4.5 longest periods, or ``ceiling_hz`` lies
        above a quarter of the sampling rate.

    References
    ----------
    Hillenbrand, Cleveland and Erickson (1994), "Acoustic correlates of breathy vocal quality",
    Journal of Speech and Hearing Research 37, 769-778.
    Hillenbrand and Houde (1996), "Acoustic correlates of breathy vocal quality: dysphonic
    voices and continuous speech", Journal of Speech and Hearing Research 39, 311-321.
    """

    name = "cpp"
    columns = ("cpp_mean_db", "cpp_sd_db", "defined")
    kind = "per_clip"
    perceptible = True
    hop_s = None

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0

    def extract(self, audio: Audio) -> Floats:
        height_db = audio.shared(prominence_db, PitchSettings(self.floor_hz, self.ceiling_hz))
        if not len(height_db):
            return np.zeros((1, 3), np.float32)
        return np.array([[height_db.mean(), height_db.std(), 1]], np.float32)


@dataclass(frozen=True)
class CppContour(Feature):
    """How strongly the voice is a voice at each moment: regular overtones against all the rest.

    The cepstrum is the inverse transform of the log power spectrum up to 5 kHz (Hann window of
    4.5 longest periods, 60 ms). Its power is averaged over the voiced frames 10 ms to either side
    and over 0.5 ms of quefrency (CPPS); the prominence is the height, in decibels, of its peak
    between 60 and 330 Hz over the straight line fitted by least squares from 1 to 50 ms.

    Parameters
    ----------
    floor_hz, ceiling_hz : float
        Range in which a pitch is looked for, to tell which frames are voiced.
    hop_s : float
        Step between frames, in seconds.

    Returns
    -------
    float32 array, shape (n_frames, 2)
        ``cpp_db``, in decibels, 0 where unvoiced; ``voiced``, 1 or 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one frame, or ``ceiling_hz`` lies above a quarter of the
        sampling rate.

    References
    ----------
    Hillenbrand, Cleveland and Erickson (1994), "Acoustic correlates of breathy vocal quality",
    Journal of Speech and Hearing Research 37, 769-778.
    Hillenbrand and Houde (1996), "Acoustic correlates of breathy vocal quality: dysphonic
    voices and continuous speech", Journal of Speech and Hearing Research 39, 311-321.
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page "PowerCepstrogram".
    """

    name = "cpp_contour"
    columns = ("cpp_db", "voiced")
    kind = "contour"
    perceptible = True

    floor_hz: float = 75.0
    ceiling_hz: float = 600.0
    hop_s: float = 0.010

    def extract(self, audio: Audio) -> Floats:
        settings = PitchSettings(self.floor_hz, self.ceiling_hz, self.hop_s)
        height_db = audio.shared(prominence_db, settings)
        spectra = audio.shared(voiced_spectra, settings)
        values = np.zeros((spectra.n_frames, 2), np.float32)
        values[spectra.frame, 0] = height_db
        values[spectra.frame, 1] = 1
        return values


def prominence_db(audio: Audio, settings: PitchSettings) -> Floats:
    """Smoothed cepstral peak prominence of each voiced frame; ask through ``audio.shared``."""
    spectra = audio.shared(voiced_spectra, settings)
    reach = round(REACH_S / settings.hop_s)
    n_bins = int(min(HIGHEST_HZ, spectra.rate_hz / 2) / spectra.bin_hz)
    while scipy.fft.next_fast_len(2 * n_bins, real=True) > 2 * n_bins:
        n_bins -= 1
    step_s = 1 / (2 * n_bins * spectra.bin_hz)
    parts = [np.zeros(0, np.float32)]
    for first in range(0, len(spectra.frame), _BLOCK_FRAMES):
        start = max(0, first - reach)  # neighbours that the first and last are averaged with
        rows = slice(start, first + _BLOCK_FRAMES + reach)
        cepstrum = _cepstral_power(spectra, rows, n_bins, step_s)
        smooth = _over_time(cepstrum, spectra.frame[rows], reach)
        parts.append(_prominence_db(smooth[first - start :][:_BLOCK_FRAMES], step_s))
    return np.concatenate(parts)


def _cepstral_power(spectra: VoicedSpectra, rows: slice, n_bins: int, step_s: float) -> Floats:
    """Squared cepstra up to the end of the trend line, shape (n_frames, n_quefrencies)."""
    level = np.log(spectra.power[rows, : n_bins + 1] + _FLOOR)
    cepstrum = scipy.fft.irfft(level, axis=1)[:, : min(n_bins, int(TREND_S[1] / step_s)) + 1]
    squared: Floats = cepstrum**2
    return squared


def _over_time(values: Floats, frame: NDArray[np.intp], reach: int) -> Floats:
    """Mean over each frame and those of its neighbours that no unvoiced frame parts from it."""
    total, count = values.copy(), np.ones((len(values), 1), np.float32)
    for step in range(1, min(reach, len(values) - 1) + 1):
        near = (frame[step:] - frame[:-step] == step)[:, None].astype(np.float32)
        total[step:] += near * values[:-step]
        total[:-step] += near * values[step:]
        count[step:] += near
        count[:-step] += near
    mean: Floats = total / count
    return mean


def _prominence_db(cepstrum: Floats, step_s: float) -> Floats:
    """Height of the peak over the trend line, shape (n_frames,)."""
    width = round(SMOOTHING_S / step_s) | 1
    smooth = scipy.ndimage.uniform_filter1d(cepstrum, width, axis=1, mode="nearest")
    level_db = 10 * np.log10(np.maximum(smooth, np.float32(1e-30)))
    first = int(np.ceil(TREND_S[0] / step_s))
    quefrency_s = np.arange(level_db.shape[1]) * step_s
    middle_s = quefrency_s[first:].mean()
    lever = quefrency_s[first:] - middle_s
    slope = level_db[:, first:] @ (lever / (lever @ lever)).astype(np.float32)
    shortest, longest = int(np.ceil(1 / PEAK_HZ[1] / step_s)), int(1 / PEAK_HZ[0] / step_s)
    best = shortest + level_db[:, shortest : longest + 1].argmax(axis=1)
    rows = np.arange(len(best))
    left, peak, right = (level_db[rows, best + offset] for offset in (-1, 0, 1))
    curve = left - 2 * peak + right
    shift = np.divide(left - right, 2 * curve, out=np.zeros_like(curve), where=curve < 0)
    shift = np.clip(shift, -0.5, 0.5)
    height_db = peak - 0.25 * (left - right) * shift
    line_db = level_db[:, first:].mean(axis=1) + slope * ((best + shift) * step_s - middle_s)
    above_db: Floats = (height_db - line_db).astype(np.float32)
    return above_db
