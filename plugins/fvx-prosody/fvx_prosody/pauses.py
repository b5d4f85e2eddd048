"""The pauses feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx_prosody.activity import HOP_S, ActivitySettings, activity


@dataclass(frozen=True)
class Pauses(Feature):
    """How often and how long the speaker falls silent between words.

    A pause is a stretch of at least ``min_pause_s`` whose intensity stays more than ``range_db``
    below the speech level (the 99th percentile of intensity), between two sounds that last
    longer than ``min_sounding_s``. Silence before the first sound and after the last is no
    pause: it says how the file was cut. Where noise lies less than ``range_db`` below speech no
    pause is found. The window of the intensity makes each pause next to loud sound some 30 ms
    shorter than it is.

    Parameters
    ----------
    range_db, min_pause_s, min_sounding_s : float
        As above: in decibels, and in seconds.

    Returns
    -------
    float32 array, shape (1, 6)
        ``pauses_count``; ``pauses_per_s`` and ``pauses_ratio``, number and total length over
        the time from the first sound to the last; ``pause_mean_s`` and ``pause_sd_s`` of their
        lengths, 0 when there is none; ``defined``, 1 if there is a pause, else 0.

    Raises
    ------
    AudioError
        If the clip is shorter than 64 ms.

    References
    ----------
    Campione and Véronis (2002), "A large-scale multilingual study of silent pause duration",
    Speech Prosody (pauses under 0.2 s are a class of their own).
    Boersma and Weenink, "Praat: doing phonetics by computer", manual page
    "Sound: To TextGrid (silences)..." (the rule).
    Barrington, Barua, Koorma and Farid (2023), "Single and multi-speaker cloned voice
    detection: from perceptual to learned features", IEEE WIFS (the statistics).
    """

    name = "pauses"
    columns = (
        "pauses_count",
        "pauses_per_s",
        "pauses_ratio",
        "pause_mean_s",
        "pause_sd_s",
        "defined",
    )
    kind = "per_clip"
    perceptible = True
    hop_s = None

    range_db: float = 25.0
    min_pause_s: float = 0.2
    min_sounding_s: float = 0.05

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        found = audio.shared(activity, ActivitySettings(**self.settings))
        lengths_s = found.pauses_s
        if not len(lengths_s):
            return np.zeros((1, 6), np.float32)
        span_s = (found.span.stop - found.span.start) * HOP_S
        count, total_s = len(lengths_s), lengths_s.sum()
        rate, ratio = count / span_s, total_s / span_s
        return np.array([[count, rate, ratio, total_s / count, lengths_s.std(), 1.0]], np.float32)
