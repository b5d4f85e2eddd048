"""librosa, Praat, spafe and openSMILE, with settings as near to those of fvx as they go.

Frames of 25 ms, 10 ms apart, where a tool lets one choose. Imports stand inside the functions:
none of these is needed by fvx, and each may be missing.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from costs.peer import Peer
from fvx.audio import Audio


def _frame(audio: Audio, window_s: float = 0.025) -> dict[str, Any]:
    """Keyword arguments of librosa's spectral functions."""
    size, hop = round(window_s * audio.rate_hz), round(0.010 * audio.rate_hz)
    return {
        "y": audio.samples,
        "sr": audio.rate_hz,
        "n_fft": 1 << (size - 1).bit_length(),
        "win_length": size,
        "hop_length": hop,
    }


def _librosa_mfcc(audio: Audio) -> object:
    import librosa

    static = librosa.feature.mfcc(n_mfcc=20, n_mels=64, **_frame(audio))
    return static, librosa.feature.delta(static), librosa.feature.delta(static, order=2)


def _librosa_mel(audio: Audio) -> object:
    import librosa

    return librosa.power_to_db(librosa.feature.melspectrogram(n_mels=64, **_frame(audio)))


def _librosa_chroma(audio: Audio) -> object:
    import librosa

    return librosa.feature.chroma_stft(**_frame(audio, 0.064))


def _librosa_contrast(audio: Audio) -> object:
    import librosa

    return librosa.feature.spectral_contrast(**_frame(audio, 0.064))


def _librosa_shape(audio: Audio) -> object:
    import librosa

    settings = _frame(audio)
    samples, rate_hz = settings.pop("y"), settings.pop("sr")
    magnitude = np.abs(librosa.stft(samples, **settings))
    return (
        librosa.feature.spectral_centroid(S=magnitude, sr=rate_hz),
        librosa.feature.spectral_bandwidth(S=magnitude, sr=rate_hz),
        librosa.feature.spectral_rolloff(S=magnitude, sr=rate_hz),
        librosa.feature.spectral_flatness(S=magnitude),
        librosa.feature.zero_crossing_rate(samples, hop_length=settings["hop_length"]),
    )


def _librosa_onset(audio: Audio) -> object:
    from librosa.onset import onset_strength

    hop = round(0.010 * audio.rate_hz)
    return onset_strength(y=audio.samples, sr=audio.rate_hz, hop_length=hop)


def _librosa_cqt(audio: Audio, bins_per_octave: int, n_bins: int, lowest_hz: float) -> object:
    import librosa

    transform = librosa.cqt(
        audio.samples,
        sr=audio.rate_hz,
        hop_length=round(0.010 * audio.rate_hz),
        fmin=lowest_hz,
        bins_per_octave=bins_per_octave,
        n_bins=n_bins,
    )
    return np.abs(transform)


def _librosa_cqt_96(audio: Audio) -> object:
    top_hz = audio.rate_hz / 2
    n_octaves = int(np.ceil(np.log2(top_hz / 20)))
    return _librosa_cqt(audio, 96, 96 * n_octaves - 1, top_hz / 2**n_octaves)


def _librosa_cqt_12(audio: Audio) -> object:
    return _librosa_cqt(audio, 12, 12 * 7, 60.0)


def _librosa_yin(audio: Audio) -> object:
    import librosa

    hop = round(0.010 * audio.rate_hz)
    return librosa.yin(audio.samples, sr=audio.rate_hz, fmin=75, fmax=600, hop_length=hop)


def _librosa_pyin(audio: Audio) -> object:
    import librosa

    hop = round(0.010 * audio.rate_hz)
    return librosa.pyin(audio.samples, sr=audio.rate_hz, fmin=75, fmax=600, hop_length=hop)


def _praat(audio: Audio, command: str, *settings: object) -> tuple[Any, Any]:
    """The clip as a Praat sound, and what the command makes of it."""
    from parselmouth import Sound, praat

    sound = Sound(audio.samples.astype(np.float64), audio.rate_hz)
    return sound, praat.call(sound, command, *settings)


def _praat_pitch(audio: Audio) -> object:
    return _praat(audio, "To Pitch (ac)", 0.01, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 600)


def _praat_jitter(audio: Audio) -> object:
    from parselmouth import praat

    _, pulses = _praat(audio, "To PointProcess (periodic, cc)", 75, 600)
    kinds = ("local", "local, absolute", "rap", "ppq5", "ddp")
    return [praat.call(pulses, f"Get jitter ({kind})", 0, 0, 1e-4, 0.02, 1.3) for kind in kinds]


def _praat_shimmer(audio: Audio) -> object:
    from parselmouth import praat

    sound, pulses = _praat(audio, "To PointProcess (periodic, cc)", 75, 600)
    kinds = ("local", "local_dB", "apq3", "apq5", "apq11", "dda")
    limits = (0, 0, 1e-4, 0.02, 1.3, 1.6)
    return [praat.call([sound, pulses], f"Get shimmer ({kind})", *limits) for kind in kinds]


def _praat_hnr(audio: Audio) -> object:
    return _praat(audio, "To Harmonicity (ac)", 0.01, 75, 0.1, 4.5)


def _praat_hnr_cc(audio: Audio) -> object:
    return _praat(audio, "To Harmonicity (cc)", 0.01, 75, 0.1, 1.0)


def _praat_formants(audio: Audio) -> object:
    return _praat(audio, "To Formant (burg)", 0.01, 5, 5000, 0.025, 50)


def _praat_cpps(audio: Audio) -> object:
    from parselmouth import praat

    _, cepstrogram = _praat(audio, "To PowerCepstrogram", 60, 0.002, 5000, 50)
    smoothing = ("yes", 0.02, 0.0005)
    peak = (60, 330, 0.05, "Parabolic")
    line = (0.001, 0.05, "Straight", "Robust")
    return praat.call(cepstrogram, "Get CPPS", *smoothing, *peak, *line)


def _praat_gne(audio: Audio) -> object:
    return _praat(audio, "To Harmonicity (gne)", 500, 4500, 1000, 80)


def _praat_intensity(audio: Audio) -> object:
    return _praat(audio, "To Intensity", 100, 0.01, "yes")


def _praat_ltas(audio: Audio) -> object:
    return _praat(audio, "To Ltas", 100)


def _spafe(name: str, audio: Audio, **settings: object) -> object:
    extract = getattr(import_module(f"spafe.features.{name}"), name)
    return extract(audio.samples.astype(np.float64), fs=audio.rate_hz, num_ceps=20, **settings)


def _spafe_lfcc(audio: Audio) -> object:
    window = import_module("spafe.utils.preprocessing").SlidingWindow(0.020, 0.010, "hamming")
    return _spafe("lfcc", audio, nfft=1024, nfilts=20, window=window)


@cache
def _smile(level: str) -> Any:
    opensmile = import_module("opensmile")
    return opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, getattr(opensmile.FeatureLevel, level))


def _egemaps(level: str, audio: Audio) -> object:
    return _smile(level).process_signal(audio.samples, audio.rate_hz)


LIBRARIES = (
    Peer("cqcc", "librosa cqt, B = 96: the transform alone", "librosa", _librosa_cqt_96),
    Peer("cqcc", "spafe cqcc, B = 24", "spafe", lambda audio: _spafe("cqcc", audio)),
    Peer("chroma", "librosa chroma_stft", "librosa", _librosa_chroma),
    Peer("cpp", "Praat CPPS", "parselmouth", _praat_cpps),
    Peer("f0", "Praat pitch, ac", "parselmouth", _praat_pitch),
    Peer("f0", "librosa yin: decides nothing on voicing", "librosa", _librosa_yin),
    Peer("f0", "librosa pyin", "librosa", _librosa_pyin),
    Peer("formants", "Praat formants, burg", "parselmouth", _praat_formants),
    Peer("gne", "Praat harmonicity, gne", "parselmouth", _praat_gne),
    Peer("gtcc", "spafe gfcc", "spafe", lambda audio: _spafe("gfcc", audio, nfilts=64)),
    Peer("hnr", "Praat harmonicity, ac", "parselmouth", _praat_hnr),
    Peer("hnr", "Praat harmonicity, cc", "parselmouth", _praat_hnr_cc),
    Peer("intensity", "Praat intensity", "parselmouth", _praat_intensity),
    Peer("jitter", "Praat pulses, 5 jitters", "parselmouth", _praat_jitter),
    Peer("lfcc", "spafe lfcc", "spafe", _spafe_lfcc),
    Peer("log_cqt", "librosa cqt, B = 12, magnitudes", "librosa", _librosa_cqt_12),
    Peer("log_mel", "librosa melspectrogram, dB", "librosa", _librosa_mel),
    Peer("ltas", "Praat ltas", "parselmouth", _praat_ltas),
    Peer("mfcc", "librosa mfcc, two deltas", "librosa", _librosa_mfcc),
    Peer("mfcc", "spafe mfcc", "spafe", lambda audio: _spafe("mfcc", audio, nfilts=64)),
    Peer("onset_strength", "librosa onset_strength", "librosa", _librosa_onset),
    Peer("shimmer", "Praat pulses, 6 shimmers", "parselmouth", _praat_shimmer),
    Peer("spectral_contrast", "librosa spectral_contrast", "librosa", _librosa_contrast),
    Peer("spectral_shape", "librosa: 5 of the 8", "librosa", _librosa_shape),
    Peer(
        "all", "openSMILE eGeMAPSv02, 88 numbers a clip", "opensmile",
        lambda audio: _egemaps("Functionals", audio),
    ),
    Peer(
        "all", "openSMILE eGeMAPSv02, 25 contours", "opensmile",
        lambda audio: _egemaps("LowLevelDescriptors", audio),
    ),
)  # fmt: skip
