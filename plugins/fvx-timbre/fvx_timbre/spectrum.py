"""Shares of the spectrum, frame by frame, that a listener has words for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.signal import power
from fvx_timbre.loudness import BAND_BARK, HOP_S, WINDOW_S, bark, loudness

BRIGHT_HZ = 2000.0  # above which energy makes a sound bright
DEEP_HZ = (30.0, 200.0)  # within which it makes it deep
BOOMY_HZ = 280.0  # below which loudness makes it boomy
_KNEE_BARK = 15.8  # DIN 45692: from here up, loudness counts more and more
_ACUM = 0.1067  # brings a critical band of noise at 1 kHz, 60 dB, to 1 acum (0.105 to 0.115)

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Shares:
    """Weights of what is bright, deep, sharp and boomy in each frame, shape (n_frames,) each.

    Sums over frames give those of a longer stretch.

    Attributes
    ----------
    energy, bright, deep : float32 array
        Energy of the frame, and of its parts above 2 kHz and from 30 to 200 Hz.
    loudness, boomy : float32 array
        Loudness in sone, and that of it which lies below 280 Hz.
    sharp : float32 array
        Sharpness in acum times loudness.
    """

    energy: Floats
    bright: Floats
    deep: Floats
    loudness: Floats
    boomy: Floats
    sharp: Floats


def shares(audio: Audio) -> Shares:
    """Weigh the spectrum of each frame; ask for it through ``audio.shared``."""
    spectrum = audio.shared(power, WINDOW_S, HOP_S)
    bins_hz = np.linspace(0, audio.rate_hz / 2, spectrum.shape[1])
    heard = bins_hz > 20.0
    bright, deep = bins_hz >= BRIGHT_HZ, (bins_hz >= DEEP_HZ[0]) & (bins_hz <= DEEP_HZ[1])
    energies = spectrum @ np.stack([heard, bright, deep], axis=1).astype(np.float32)
    model = audio.shared(loudness)
    z = model.centre_bark.astype(np.float64)
    sharpness = np.where(z <= _KNEE_BARK, 1.0, 0.15 * np.exp(0.42 * (z - _KNEE_BARK)) + 0.85)
    boomy = np.clip((bark(np.array(BOOMY_HZ)) - z) / BAND_BARK + 0.5, 0, 1)
    weights = np.stack([np.ones_like(z), boomy, _ACUM * sharpness * z], axis=1) * BAND_BARK
    sums = model.specific @ weights.astype(np.float32)
    energies, sums = np.ascontiguousarray(energies.T), np.ascontiguousarray(sums.T)
    return Shares(*energies, *sums)


def share(part: Floats, whole: Floats) -> float:
    """Sum of the one over the sum of the other; 0 where the other is nothing."""
    total = float(whole.sum(dtype=np.float64))
    return float(part.sum(dtype=np.float64)) / total if total > 0 else 0.0
