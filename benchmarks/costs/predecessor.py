"""The formulas of the research prototype before fvx, as published, written anew.

All 15 features of its explainable detector (jacoblarock/fake_voices_xai, 2025), each from the
waveform as there: a pitch track of YIN is taken for each of the jitters again, shimmer runs over
single samples, and what loops in Python there does so here. librosa's defaults are kept where it
keeps them. What comes out is known to be wrong in places (YIN is not told the sampling rate); it
is here for its cost alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from costs.peer import Peer
from fvx.audio import Audio

_FLOOR_HZ, _CEILING_HZ = 65, 2093


def _magnitudes(audio: Audio) -> NDArray[Any]:
    import librosa

    magnitudes: NDArray[Any] = np.abs(librosa.stft(audio.samples))
    return magnitudes


def _mel(audio: Audio) -> NDArray[Any]:
    import librosa

    spectrogram: NDArray[Any] = librosa.feature.melspectrogram(
        S=_magnitudes(audio), sr=audio.rate_hz
    )
    return spectrogram


def _mfcc(audio: Audio) -> object:
    import librosa

    return librosa.feature.mfcc(S=librosa.power_to_db(_mel(audio)), n_mfcc=20)


def _periods(audio: Audio) -> NDArray[Any]:
    import librosa

    track: NDArray[Any] = librosa.yin(audio.samples, fmin=_FLOOR_HZ, fmax=_CEILING_HZ)
    return 1 / track


def _step_percent(values: NDArray[Any]) -> float:
    """Mean difference of neighbours over the mean value, summed term by term."""
    steps = np.abs(values[:-1] - np.roll(values, -1)[:-1])
    return float(100 * (sum(steps) / (len(values) - 1)) / (sum(np.abs(values)) / len(values)))


def _deviation_percent(values: NDArray[Any], n_points: int) -> float:
    """Mean difference from the average of ``n_points`` around, over the mean value."""
    reach = (n_points - 1) // 2
    total = 0.0
    for middle in range(reach, len(values) - reach):
        around = values[middle - reach : middle + reach + 1]
        total += np.abs(values[middle] - np.average(around))
    return float(100 * (total / (len(values) - 1)) / (sum(np.abs(values)) / len(values)))


def _jitter(audio: Audio) -> object:
    local = _step_percent(_periods(audio))
    return [local, *(_deviation_percent(_periods(audio), points) for points in (3, 5, 55))]


def _shimmer(audio: Audio) -> object:
    samples = audio.samples
    around = (_deviation_percent(samples, points) for points in (3, 5, 55))
    return [_step_percent(samples), *around]


def _peaks(audio: Audio) -> tuple[NDArray[Any], NDArray[Any]]:
    """Frequency and magnitude of every spectral peak, and 0 elsewhere."""
    import librosa

    found: tuple[NDArray[Any], NDArray[Any]] = librosa.piptrack(
        y=audio.samples, sr=audio.rate_hz, fmin=_FLOOR_HZ, fmax=_CEILING_HZ
    )
    return found


def _hnr(audio: Audio) -> object:
    harmonic = np.sum(_peaks(audio)[1], axis=0)
    rest = np.sum(_magnitudes(audio), axis=0) - harmonic
    ratio = harmonic[rest != 0] / rest[rest != 0]
    return 20 * np.log10(ratio[ratio > 0])


def _onset(audio: Audio) -> object:
    from librosa.onset import onset_strength_multi

    return onset_strength_multi(y=audio.samples, sr=audio.rate_hz, hop_length=160)


def _intensity(audio: Audio) -> object:
    import librosa

    return librosa.power_to_db(np.sum(_magnitudes(audio), axis=1))


def _pitch_fluctuation(audio: Audio) -> object:
    frequencies, magnitudes = _peaks(audio)
    strongest = frequencies[np.argmax(magnitudes, axis=0), range(magnitudes.shape[1])]
    return (strongest - np.roll(strongest, 1))[1:]


_BESIDE: dict[str, tuple[str, Callable[[Audio], object]]] = {
    "f0": ("f0_lens", _periods),
    "hnr": ("hnrs", _hnr),
    "intensity": ("intensity", _intensity),
    "jitter": ("4 jitters", _jitter),
    "log_mel": ("mel_spec", _mel),
    "mfcc": ("mfccs", _mfcc),
    "onset_strength": ("onset_strength", _onset),
    "pitch_fluctuation": ("pitch_flucs", _pitch_fluctuation),
    "shimmer": ("4 shimmers", _shimmer),
}


def _everything(audio: Audio) -> object:
    return [run(audio) for _, run in _BESIDE.values()]


PREDECESSOR = (
    *(Peer(name, f"predecessor {title}", "librosa", run) for name, (title, run) in _BESIDE.items()),
    Peer("all", "predecessor, its 15 features", "librosa", _everything),
)
