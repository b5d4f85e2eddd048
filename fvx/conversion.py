"""Conversion: the one way every recording goes before anything is measured for a model.

Converters of sampling rate leave an edge near 8 kHz, codecs leave holes, 16 bits leave a floor, and
a microphone its level. Models read these before they read the voice, and then judge how a
recording came to us. So every recording is brought to the same band, the same level of speech and
the same floor of noise: what lies outside is not there to be read.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import ModelError

CONVERSION = "60-7000 Hz, floor -60 dB"
"""What stores and models say of it; those that say nothing were made of audio as it was read."""

LOW_HZ, HIGH_HZ = 60.0, 7000.0
SPEECH_RMS = 0.05
FLOOR_DB = -60.0  # below the level of the speech
_TRANSITION_TAPS = 401
_STOP_DB_BETA = 8.0  # Kaiser's: 80 dB
_FRAME_S = 0.02
_SPEECH_RANGE_DB = 30.0  # below the loudest frame
_NOISE_S = 10.0


def convert(audio: Audio) -> Audio:
    """Bring a recording to the band, level and noise floor that models read.

    Band 60 Hz to 7 kHz (linear phase above, so that nothing moves in time); the root mean square
    of frames of 20 ms within 30 dB of the loudest becomes 0.05, wherever the pauses are and
    however long; white noise 60 dB below it, the same in every recording.

    Returns
    -------
    Audio
        As long as before; at rates too low for the band, up to what there is.
    """
    import scipy.signal

    sharp, high_pass = _filters(audio.rate_hz)
    samples = scipy.signal.sosfilt(high_pass, audio.samples.astype(np.float64))
    if sharp is not None:
        samples = scipy.signal.oaconvolve(samples, sharp, "same")
    level = _speech_rms(samples, audio.rate_hz)
    if level > 0:
        samples *= SPEECH_RMS / level
    noise = np.resize(_noise(round(_NOISE_S * audio.rate_hz)), len(samples))
    samples += SPEECH_RMS * 10 ** (FLOOR_DB / 20) * noise
    return Audio(samples.astype(np.float32), audio.rate_hz, audio.original_rate_hz, audio.notes)


def refuse_unknown(conversion: str) -> None:
    """Refuse what this fvx cannot do.

    Raises
    ------
    ModelError
        If it is another version's.
    """
    if conversion not in ("", CONVERSION):
        raise ModelError(f"reads audio by another conversion ({conversion!r:.80}) than fvx has")


def converted(audio: Audio, conversion: str) -> Audio:
    """Convert as a store or a model says: by `CONVERSION`, or not at all for "".

    Raises
    ------
    ModelError
        If it is another version's.
    """
    refuse_unknown(conversion)
    return convert(audio) if conversion else audio


@lru_cache
def _filters(rate_hz: int) -> tuple[NDArray[np.float64] | None, NDArray[np.float64]]:
    import scipy.signal

    sharp = None
    if rate_hz > 2 * HIGH_HZ:
        window = ("kaiser", _STOP_DB_BETA)
        sharp = scipy.signal.firwin(_TRANSITION_TAPS, HIGH_HZ, fs=rate_hz, window=window)
    return sharp, scipy.signal.butter(4, LOW_HZ, "highpass", fs=rate_hz, output="sos")


def _speech_rms(samples: NDArray[np.float64], rate_hz: int) -> float:
    """Root mean square of the frames within 30 dB of the loudest."""
    size = max(1, round(_FRAME_S * rate_hz))
    n_frames = max(1, len(samples) // size)
    frames = samples[: n_frames * size].reshape(n_frames, -1)
    power = np.mean(np.square(frames), axis=1)
    loud = power[power >= power.max() * 10 ** (-_SPEECH_RANGE_DB / 10)]
    return float(np.sqrt(loud.mean()))


@lru_cache
def _noise(n_samples: int) -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal(n_samples)
