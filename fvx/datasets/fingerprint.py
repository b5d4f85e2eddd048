"""Acoustic fingerprints: which recordings are the same one, whatever was done to the file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio

HOP_S = 0.016
_WINDOW_S = 0.256
_N_BANDS = 33
_BAND_RANGE_HZ = (300.0, 3000.0)
_QUIET = 1e-4  # frames this far below the loudest, in energy, say nothing
_MIN_OVERLAP = 25  # frames, 0.4 s
_MAX_DISTANCE = 0.25  # share of bits that differ; unrelated speech is at 0.5
_MIN_VOTES = 2
_COMMON = 64  # a pattern in more places than that tells nothing apart


def fingerprint(audio: Audio) -> NDArray[np.uint32]:
    """Say by 32 bits a frame whether energy rises or falls, from band to band and in time.

    Parameters
    ----------
    audio : Audio

    Returns
    -------
    uint32 array, shape (n_frames,)
        One frame each 16 ms; 0 where the clip is too quiet to tell.

    References
    ----------
    Haitsma, Kalker (2002), "A highly robust audio fingerprinting system", ISMIR.
    """
    window = round(_WINDOW_S * audio.rate_hz)
    hop = round(HOP_S * audio.rate_hz)
    padded = np.pad(audio.samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32))) ** 2
    hertz = np.fft.rfftfreq(window, 1 / audio.rate_hz)
    edges = np.searchsorted(hertz, np.geomspace(*_BAND_RANGE_HZ, _N_BANDS + 1))
    energy = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
    across = energy[:, 1:] - energy[:, :-1]
    change = np.diff(across, axis=0, prepend=across[:1])
    prints: NDArray[np.uint32] = (change > 0) @ (1 << np.arange(32, dtype=np.uint64))
    loudness = energy.sum(axis=1)
    prints[loudness <= _QUIET * loudness.max(initial=0)] = 0
    return prints.astype(np.uint32)


@dataclass(frozen=True, slots=True)
class Match:
    """Two clips that hold the same recording.

    Attributes
    ----------
    one, other : str
        Clip ids.
    shift_s : float
        How much later it is in the other.
    distance : float
        Share of bits that differ where they overlap, from 0.
    overlap_s : float
    """

    one: str
    other: str
    shift_s: float
    distance: float
    overlap_s: float


def near_duplicates(
    prints: Mapping[str, NDArray[np.uint32]], parts: Mapping[str, str] | None = None
) -> list[Match]:
    """Find clips that are the same recording, shifted, cut or coded anew.

    Parameters
    ----------
    prints : mapping of str to uint32 array
        Fingerprints by clip id.
    parts : mapping of str to str, optional
        Part of each clip: then only pairs across parts are looked for.

    Returns
    -------
    list of Match
        The closest first.
    """
    ids = list(prints)
    wanted = None if parts is None else [parts[one] for one in ids]
    matches = []
    for one, other, shift in _candidates([prints[one] for one in ids], wanted):
        found = _compare(prints[ids[one]], prints[ids[other]], shift)
        if found is not None:
            distance, n_frames = found
            matches.append(Match(ids[one], ids[other], shift * HOP_S, distance, n_frames * HOP_S))
    best: dict[tuple[str, str], Match] = {}
    for match in sorted(matches, key=lambda match: (match.distance, match.one, match.other)):
        best.setdefault((match.one, match.other), match)
    return list(best.values())


def _candidates(
    prints: Sequence[NDArray[np.uint32]], parts: Sequence[str] | None
) -> Iterator[tuple[int, int, int]]:
    """Pairs of clips with several frames alike at one shift."""
    lengths = [len(one) for one in prints]
    if not sum(lengths):
        return
    words = np.concatenate(prints)
    clips = np.repeat(np.arange(len(prints)), lengths)
    places = np.concatenate([np.arange(n) for n in lengths])
    order = np.argsort(words, kind="stable")
    words, clips, places = words[order], clips[order], places[order]
    starts = np.append(0, np.flatnonzero(np.diff(words)) + 1)
    ends = np.append(starts[1:], len(words))
    worth = (ends - starts > 1) & (ends - starts <= _COMMON) & (words[starts] != 0)
    votes: dict[tuple[int, int, int], int] = defaultdict(int)
    for start, end in zip(starts[worth].tolist(), ends[worth].tolist(), strict=True):
        held = list(zip(clips[start:end].tolist(), places[start:end].tolist(), strict=True))
        for at, (one, place) in enumerate(held):
            for other, there in held[at + 1 :]:
                if one != other and (parts is None or parts[one] != parts[other]):
                    votes[one, other, there - place] += 1
    for key, count in votes.items():
        if count >= _MIN_VOTES:
            yield key


def _compare(
    one: NDArray[np.uint32], other: NDArray[np.uint32], shift: int
) -> tuple[float, int] | None:
    """Share of bits that differ, and frames compared; None if the clips are not alike."""
    first, last = max(0, -shift), min(len(one), len(other) - shift)
    a, b = one[first:last], other[first + shift : last + shift]
    loud = (a != 0) & (b != 0)
    n_frames = int(loud.sum())
    if n_frames < _MIN_OVERLAP:
        return None
    distance = float(np.bitwise_count(a[loud] ^ b[loud]).sum() / (32 * n_frames))
    return (distance, n_frames) if distance <= _MAX_DISTANCE else None
