"""Vocoders that need no training: a recording taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from fvx.audio import MIN_DURATION_S, Audio
from fvx.augment.griffin_lim import griffin_lim
from fvx.augment.linear_prediction import lpc
from fvx.augment.step import as_long_as, rms
from fvx.errors import AudioError, RecipeError

Wave = NDArray[np.float64]
_SECTION_S, _CONTEXT_S, _FADE_S = 30.0, 0.5, 0.02


def vocode(audio: Audio, method: str, seed: int = 0) -> Audio:
    """Synthesise a clip again from what a vocoder keeps of it: copy-synthesis.

    Speaker, words, timing, and much of room and channel stay; phase and fine structure are
    the vocoder's.

    Parameters
    ----------
    method : str
        One of `METHODS`: ``griffin-lim``, phase found again from a mel spectrogram; ``lpc``,
        pulses and noise through linear prediction; ``world``, the vocoder WORLD, which needs
        pyworld.
    seed : int
        Decides the phases and noise it starts from.

    Returns
    -------
    Audio
        Of the same length, rate and level (root mean square).

    Raises
    ------
    RecipeError
        If there is no such method, or pyworld is not installed.
    AudioError
        If the clip is shorter than 0.2 s.

    References
    ----------
    Wang and Yamagishi (2023), "Spoofed training data for speech spoofing countermeasure can be
    efficiently created using neural vocoders", ICASSP. Griffin and Lim (1984), "Signal
    estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32(2); Perraudin,
    Balazs and Søndergaard (2013), "A fast Griffin-Lim algorithm", WASPAA. Atal and Hanauer
    (1971), "Speech analysis and synthesis by linear prediction of the speech wave", JASA
    50(2). Morise, Yokomori and Ozawa (2016), "WORLD: a vocoder-based high-quality speech
    synthesis system for real-time applications", IEICE Trans. E99-D(7).
    """
    if method not in METHODS:
        raise RecipeError(f"no vocoder {method!r}; known: {', '.join(METHODS)}")
    if audio.duration_s < MIN_DURATION_S:
        raise AudioError(
            f"{audio.duration_s:.3f} s long; at least {MIN_DURATION_S} s needed to vocode"
        )
    refuse_missing([method])
    wave, rng = audio.samples.astype(np.float64), np.random.default_rng(seed)
    made = np.zeros(len(wave))
    for first, last, weight in _sections(len(wave), audio.rate_hz):
        section = wave[first:last]
        again = as_long_as(METHODS[method](section, audio.rate_hz, rng), len(section))
        made[first:last] += again * weight * (rms(section) / rms(again))
    made = _in_the_channel(made, wave, audio.rate_hz)
    samples = (made / max(1.0, np.abs(made).max())).astype(np.float32)
    return Audio(samples, audio.rate_hz, audio.original_rate_hz, audio.notes)


def refuse_missing(methods: Collection[str]) -> None:
    """Refuse vocoders whose library is not installed.

    Raises
    ------
    RecipeError
        If WORLD is among them, and pyworld is not here.
    """
    if "world" in methods and find_spec("pyworld") is None:
        raise RecipeError(
            "vocoding by WORLD needs pyworld; install it with: pip install 'fvx[augment]'"
        )


def world(wave: Wave, rate_hz: int, rng: np.random.Generator) -> Wave:
    """F0, spectral envelope and aperiodicity, by WORLD."""
    import pyworld

    rough, time_s = pyworld.dio(wave, rate_hz)
    f0_hz = pyworld.stonemask(wave, rough, time_s, rate_hz)
    envelope = pyworld.cheaptrick(wave, f0_hz, time_s, rate_hz)
    aperiodicity = pyworld.d4c(wave, f0_hz, time_s, rate_hz)
    made: Wave = pyworld.synthesize(f0_hz, envelope, aperiodicity, rate_hz)
    return made


METHODS: dict[str, Callable[[Wave, int, np.random.Generator], Wave]] = {
    "griffin-lim": griffin_lim,
    "lpc": lpc,
    "world": world,
}


def _in_the_channel(made: Wave, wave: Wave, rate_hz: int) -> Wave:
    """Give what was made the original's long-term spectrum, polarity and level.

    They are microphone's and channel's: left to the vocoder, they alone would give it away.
    """
    size = min(len(wave), 1 << round(np.log2(0.064 * rate_hz)))
    powers = [scipy.signal.welch(one, rate_hz, nperseg=size)[1] for one in (wave, made)]
    smooth = [np.convolve(np.pad(p, 1, "edge"), [0.25, 0.5, 0.25], "valid") for p in powers]
    floor = 1e-12 * max(1e-12, smooth[0].max())
    gain = np.clip(np.sqrt((smooth[0] + floor) / (smooth[1] + floor)), 0.001, 30.0)
    response = np.roll(np.fft.irfft(gain), len(gain) - 1)
    response *= scipy.signal.get_window("hann", len(response))
    equal = scipy.signal.fftconvolve(made, response, "same")
    if np.mean(equal**3) * np.mean(wave**3) < 0:
        equal = -equal
    result: Wave = equal * (rms(wave) / rms(equal))
    return result


def _sections(n_samples: int, rate_hz: int) -> Iterator[tuple[int, int, Wave]]:
    """Where sections begin and end, with context on both sides, and their weights: one in all.

    However long a clip is, no more than a section is worked on at once.
    """
    n_sections = -(-n_samples // round(_SECTION_S * rate_hz))
    bounds = np.linspace(0, n_samples, n_sections + 1).astype(int)
    context, half = round(_CONTEXT_S * rate_hz), _FADE_S * rate_hz / 2
    for start, end in pairwise(bounds):
        first, last = max(0, start - context), min(n_samples, end + context)
        corners, weights = [start - half, start + half, end - half, end + half], [0, 1, 1, 0]
        weights[0], weights[-1] = int(start == 0), int(end == n_samples)
        yield first, last, np.interp(np.arange(first, last), corners, weights)
