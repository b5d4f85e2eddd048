"""Roughness: beating too fast to follow and too slow to be a pitch of its own."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx_timbre.loudness import LOWER_SLOPE, UPPER_SLOPE, bark

ROUGHEST_HZ = 70.0  # modulation that sounds roughest
_STEEPNESS = 3.0  # of the curve around it: a fifth is left at 20 Hz, a third at 150 Hz
_HIGHEST_MODULATION_HZ = 300.0
_WIDTH_BARK, _STEP_BARK, _HIGHEST_BARK = 3.0, 1.5, 18.0  # 4.4 kHz; fricatives lie above
_ALONE = 0.2  # neighbours with less than this share of a band's energy have little to say about it
_ASPER = 5.45  # brings the tone of reference to 1 asper

# How rough a fully modulated tone is by its carrier, over what the rest of the model says.
_CARRIER_BARK = (0.0, 2.5, 5.0, 8.5, 13.0, 17.3)
_CARRIER_WEIGHT = (0.3, 0.5, 0.73, 1.0, 0.67, 0.36)
_PIECE_S = 8.0  # bounds memory on long clips

Doubles = NDArray[np.float64]


def roughness_asper(audio: Audio) -> float:
    """Share of the envelopes' energy that beats at about 70 Hz, over the critical bands.

    The clip is cut into bands up to 18 Bark, 3 Bark wide and half overlapping. Of each band's
    envelope, the energy of the modulation, weighted with a curve that peaks at 70 Hz, is
    taken relative to all of its energy; it counts as far as neighbouring bands beat with it,
    which those of noise do not. Bands count by the fourth root of their energy, as loudness
    does, by the share of it that their neighbours do not mask, and by how rough a tone
    there can sound. A tone of 1 kHz, modulated fully at 70 Hz, has 1 asper; silence has 0.

    References
    ----------
    Daniel and Weber (1997), "Psychoacoustical roughness: implementation of an optimized model",
    Acustica 83, 113-123. It sums over 47 bands what is averaged over 11 here.
    """
    n_samples = len(audio.samples)
    n_pieces = max(1, round(n_samples / (_PIECE_S * audio.rate_hz)))
    cuts = np.linspace(0, n_samples, n_pieces + 1).astype(int)
    beating, whole, joint = np.sum(
        [_energies(audio.samples[first:last], audio.rate_hz) for first, last in pairwise(cuts)],
        axis=0,
    )
    if not whole.any():
        return 0.0
    share = np.divide(beating, whole, out=np.zeros_like(whole), where=whole > 0)
    weight = _weight(whole)
    centre_bark = _STEP_BARK * np.arange(len(whole)) + _WIDTH_BARK / 2
    share *= np.interp(centre_bark, _CARRIER_BARK, _CARRIER_WEIGHT)
    share *= _agreement(beating, joint[:-1], whole)
    return float(_ASPER * (weight * share).sum() / weight.sum())


def _weight(whole: Doubles) -> Doubles:
    """How much each band is heard, shape (n_bands,): a loudness, less what is masked."""
    band_bark = _STEP_BARK * np.arange(len(whole))
    offset = band_bark[:, None] - band_bark[None, :]
    slope_db = np.where(offset > 0, UPPER_SLOPE, LOWER_SLOPE)
    spread = np.where(offset == 0, 0.0, 10 ** (-slope_db * (np.abs(offset) - 0.5) / 10))
    masked = spread @ whole
    audible = np.divide(whole, whole + masked, out=np.zeros_like(whole), where=whole > 0)
    weight: Doubles = whole**0.25 * audible
    return weight


def _agreement(beating: Doubles, joint: Doubles, whole: Doubles) -> Doubles:
    """Correlation of each band's modulation with its neighbours', 1 where it has none."""
    norm = np.sqrt(beating[1:] * beating[:-1])
    pair = np.divide(joint, norm, out=np.zeros_like(joint), where=norm > 0).clip(0, 1)
    below, above = np.append(0, whole[:-1]), np.append(whole[1:], 0)
    around = below + above
    mean = below * np.append(0, pair) + above * np.append(pair, 0)
    mean = np.divide(mean, around, out=np.zeros_like(mean), where=around > 0)
    least = _ALONE * whole
    company = np.divide(around, least, out=np.ones_like(mean), where=least > 0).clip(0, 1)
    agreement: Doubles = 1 - company * (1 - mean)
    return agreement


def _energies(samples: NDArray[np.float32], rate_hz: int) -> tuple[Doubles, Doubles, Doubles]:
    """Energies of each band's modulation, of its envelope, and of what it shares, (n_bands,).

    The first is weighted; so is the last, between each band and the next, 0 for the highest.
    """
    length = scipy.fft.next_fast_len(len(samples), real=True)
    spectrum = scipy.fft.rfft(samples, length)
    edges = np.round(_edges_hz() * length / rate_hz).astype(int)
    n_modulations = int(_HIGHEST_MODULATION_HZ * length / rate_hz) + 1
    ratio = np.arange(n_modulations) * (rate_hz / length / ROUGHEST_HZ)
    curve = np.sqrt((ratio * np.exp(1 - ratio)) ** _STEEPNESS).astype(np.float32)
    modulation = np.zeros((len(edges) - 2, n_modulations), np.complex64)
    whole = np.zeros(len(edges) - 2)
    for band, (first, last) in enumerate(zip(edges[:-2], edges[2:], strict=True)):
        if last > len(spectrum):
            break
        filtered = spectrum[first:last].copy()
        quarter = (last - first) // 4
        ramp = np.sin(np.arange(quarter, dtype=np.float32) * np.float32(0.5 * np.pi / quarter)) ** 2
        filtered[:quarter] *= ramp
        filtered[len(filtered) - quarter :] *= ramp[::-1]
        n_points = scipy.fft.next_fast_len(last - first)
        envelope = np.abs(scipy.fft.ifft(filtered, n_points, overwrite_x=True))
        beats = scipy.fft.rfft(envelope)[:n_modulations]
        np.multiply(beats, curve[: len(beats)], out=modulation[band, : len(beats)])
        whole[band] = n_points * np.dot(envelope, envelope)  # on the scale of ``beats`` squared
    parts = modulation.view(np.float32)
    beating = 2 * np.einsum("ij,ij->i", parts, parts)
    joint = np.append(2 * np.einsum("ij,ij->i", parts[1:], parts[:-1]), 0)
    return beating.astype(np.float64), whole, joint.astype(np.float64)


@cache
def _edges_hz() -> Doubles:
    """Frequencies half a band apart: a band reaches from each to the next but one."""
    hz = np.arange(0.0, 6000.0, 5.0)
    edges_hz: Doubles = np.interp(np.arange(0, _HIGHEST_BARK + 0.1, _STEP_BARK), bark(hz), hz)
    return edges_hz
