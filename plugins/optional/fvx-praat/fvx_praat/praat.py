"""The way to Praat: sounds as it wants them, its answers as fvx wants them."""

from __future__ import annotations

from typing import Any

import numpy as np
import parselmouth
from numpy.typing import NDArray

from fvx import Audio
from fvx.errors import AudioError

MIN_DURATION_S = 0.1  # below, some of Praat's analyses fail, and one ends the process


def sound(audio: Audio) -> Any:
    """``parselmouth.Sound`` of a clip; ask for it through ``audio.shared``.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.
    """
    _check_length(audio)
    return parselmouth.Sound(audio.samples.astype(np.float64), audio.rate_hz)


def framed_sound(audio: Audio, window_s: float, hop_s: float) -> Any:
    """``parselmouth.Sound`` of a clip, begun and ended with silence.

    Praat centres its row of frames in the sound. With just over half a window before the clip,
    and as much after its last whole hop, its frame *k* is centred at ``k * hop_s`` of the clip.

    Parameters
    ----------
    window_s : float
        What Praat takes in for one frame, in seconds; at least two hops.
    hop_s : float
        Step between frames, in seconds.

    Raises
    ------
    AudioError
        If the clip is shorter than 0.1 s.
    """
    _check_length(audio)
    beyond = len(audio.samples) % round(hop_s * audio.rate_hz)
    pad = int(window_s / 2 * audio.rate_hz) + 2
    samples = np.pad(audio.samples.astype(np.float64), (pad, pad - beyond))
    return parselmouth.Sound(samples, audio.rate_hz, -pad / audio.rate_hz)


def exact_hop_s(audio: Audio, hop_s: float) -> float:
    """Step between frames by the frame law: a whole number of samples, in seconds."""
    return max(1, round(hop_s * audio.rate_hz)) / audio.rate_hz


def pulses(audio: Audio, floor_hz: float, ceiling_hz: float) -> Any:
    """Praat's PointProcess of glottal pulses; ask for it through ``audio.shared``."""
    plain = audio.shared(sound)
    return ask(plain, "To PointProcess (periodic, cc)", floor_hz, ceiling_hz)


def measures(
    objects: Any, commands: tuple[tuple[str, float], ...], *settings: float
) -> list[float]:
    """Answers to several questions, each times its factor; empty if one has no answer."""
    answers = [factor * ask(objects, command, *settings) for command, factor in commands]
    return answers if np.isfinite(answers).all() else []


def ask(objects: Any, command: str, *settings: Any) -> Any:
    """Run one of Praat's commands.

    Raises
    ------
    AudioError
        If Praat refuses, with its reason.
    """
    try:
        return parselmouth.praat.call(objects, command, *settings)
    except parselmouth.PraatError as error:
        reason = " ".join(str(error).split())
        raise AudioError(f"Praat refuses {command!r}: {reason}") from error


def per_clip(answers: list[float], n_columns: int) -> NDArray[np.float32]:
    """One row: the answers and a 1, or zeros if there are none."""
    row = [*answers, 1.0] if answers else [0.0] * n_columns
    return np.array([row], np.float32)


def _check_length(audio: Audio) -> None:
    if audio.duration_s < MIN_DURATION_S:
        raise AudioError(
            f"{audio.duration_s:.3f} s is too short for Praat, "
            f"which needs at least {MIN_DURATION_S} s"
        )
