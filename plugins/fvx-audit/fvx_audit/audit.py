"""The audit feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fvx.audio import Audio
from fvx.feature import Feature
from fvx.signal import power
from fvx_audit.levels import clipped, levels, zero_runs
from fvx_audit.wording import warnings


@dataclass(frozen=True)
class Audit(Feature):
    """How the file was made, cut and stored, which says nothing about the voice in it.

    Detectors that are let learn from these numbers do well on the corpus they were
    trained on and fail elsewhere: silence before the first word alone separates much of
    ASVspoof 2019. So they are no evidence; they are here to warn.

    Parameters
    ----------
    bandwidth_range_db : float
        How far below its highest point the clip's mean spectrum counts as nothing.

    Returns
    -------
    float32 array, shape (1, 14)
        - ``duration_s``, ``file_rate_hz``: length, and the sampling rate before any resampling.
        - ``leading_silence_s``, ``trailing_silence_s``: until the first and after the last
          10 ms that are louder than silence: 40 dB below the speech level, or 6 dB above
          the noise floor if that is more, but at least 20 dB below speech.
        - ``leading_zeros_s``, ``trailing_zeros_s``, ``zero_run_s``, ``zero_ratio``: samples
          that are exactly zero at the start, at the end, in the longest run, and their share.
        - ``speech_level_db``, ``noise_floor_db``: 95th and 5th percentile of the mean squares
          of blocks of 10 ms, in decibels re full scale (a full-scale sine: -3), at least -120.
          Where nobody pauses the floor is that of the softest speech.
        - ``effective_bandwidth_hz``: highest frequency at which the mean spectrum, smoothed over
          three bins, is within ``bandwidth_range_db`` of its highest point.
        - ``clipped_ratio``: share of samples in runs of three or more at the very peak.
        - ``dc_offset``: mean of the samples, full scale 1.
        - ``crest_db``: peak over root mean square.

        In digital silence bandwidth, ratio of clipping, offset and crest are 0.

    Raises
    ------
    AudioError
        If the clip is shorter than one window of 25 ms.

    References
    ----------
    Müller, Dieckmann, Czempin, Canals, Böttinger and Williams (2021), "Speech is silver, silence
    is golden: what do ASVspoof-trained models really learn?", ASVspoof workshop,
    arXiv 2106.12914.
    Liu et al. (2023), "Hidden-in-Wave: a novel idea to camouflage AI-synthesized voices based on
    speaker-irrelative features", ISSRE.
    """

    name = "audit"
    columns = (
        "duration_s",
        "file_rate_hz",
        "leading_silence_s",
        "trailing_silence_s",
        "leading_zeros_s",
        "trailing_zeros_s",
        "zero_run_s",
        "zero_ratio",
        "speech_level_db",
        "noise_floor_db",
        "effective_bandwidth_hz",
        "clipped_ratio",
        "dc_offset",
        "crest_db",
    )
    kind = "per_clip"
    perceptible = False
    evidence = False
    hop_s = None

    bandwidth_range_db: float = 60.0

    def extract(self, audio: Audio) -> NDArray[np.float32]:
        samples, rate_hz = audio.samples, audio.rate_hz
        bandwidth_hz = self._bandwidth_hz(audio)  # refuses what is too short for all the rest
        found = levels(samples, rate_hz)
        leading, trailing, longest, n_zeros = zero_runs(samples)
        peak = max(float(samples.max()), -float(samples.min()))
        square = float(np.dot(samples, samples)) / len(samples)
        return np.array(
            [
                [
                    audio.duration_s,
                    audio.original_rate_hz or rate_hz,
                    found.leading_s,
                    found.trailing_s,
                    leading / rate_hz,
                    trailing / rate_hz,
                    longest / rate_hz,
                    n_zeros / len(samples),
                    found.speech_db,
                    found.noise_db,
                    bandwidth_hz,
                    clipped(samples) / len(samples),
                    samples.mean(dtype=np.float64),
                    10 * np.log10(peak**2 / square) if square > 0 else 0.0,
                ]
            ],
            np.float32,
        )

    def words(self, row: ArrayLike) -> tuple[str, ...]:
        """Say in plain words what is suspicious about a row of values.

        Parameters
        ----------
        row : array_like, shape (14,) or (1, 14)
            As ``extract`` returns it.

        Returns
        -------
        tuple of str
            One warning each, such as "0.41 s of digital silence at the start"; none for a
            recording without peculiarities.
        """
        values = np.asarray(row, np.float64).reshape(-1).tolist()
        return warnings(dict(zip(self.columns, values, strict=True)))

    def _bandwidth_hz(self, audio: Audio) -> float:
        spectrum = audio.shared(power, 0.025, 0.010).mean(axis=0)
        spectrum[1:-1] = (spectrum[2:] + spectrum[1:-1] + spectrum[:-2]) / 3
        above = np.flatnonzero(spectrum > spectrum.max() * 10 ** (-self.bandwidth_range_db / 10))
        bin_hz = audio.rate_hz / (2 * (len(spectrum) - 1))
        return float(above[-1] * bin_hz) if len(above) else 0.0
