"""Labels of windows: those of their clips, or, where only spans are synthetic, their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx.datasets import Label
from fvx.datasets.spans import COLUMN, Spans, parse_spans
from fvx.errors import DatasetError
from fvx.windows import Windows

_SPOOF, _BONAFIDE = 0.5, 0.1  # overlap, as a share of the window, or of the span if it is shorter
_LATE_S = 0.05  # how far a span may reach beyond the end: tables round


@dataclass(frozen=True, eq=False)
class WindowLabels:
    """What is known of each window.

    Attributes
    ----------
    bonafide : bool array, shape (n_windows,)
    clear : bool array, shape (n_windows,)
        False where a window holds too much of a span to be bona fide, and too little to be a
        spoof.
    of_their_own : bool
        Whether any clip names spans.
    """

    bonafide: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    of_their_own: bool

    @classmethod
    def of(cls, windows: Windows, table: pd.DataFrame) -> WindowLabels:
        """Judge windows by the clip table.

        A window is a spoof if at least half of it, or of a span that is shorter than it, lies
        in spans; bona fide if it holds no more than a tenth of itself, or of the span, of any.

        Parameters
        ----------
        table : pandas.DataFrame
            One row for each of the windows' clips, in their order: label, duration_s, and, where
            the corpus has it, spans.

        Raises
        ------
        DatasetError
            If spans cannot be read, or lie beyond the clip's end.
        """
        bonafide = (table["label"] == "bonafide").to_numpy()[windows.clip]
        clear = np.ones(len(windows), np.bool_)
        by_clip = _spans(table)
        edges = np.searchsorted(windows.clip, np.arange(len(windows.clips) + 1))
        for clip, spans in by_clip.items():
            some = slice(edges[clip], edges[clip + 1])
            length_s = min(windows.geometry.length_s, float(table["duration_s"].iloc[clip]))
            spoof, bonafide[some] = _judge(windows.start_s[some], length_s, spans)
            clear[some] = spoof | bonafide[some]
        return cls(bonafide, clear, bool(by_clip))


def _spans(table: pd.DataFrame) -> dict[int, Spans]:
    """By position, the spans of those clips that name some."""
    found: dict[int, Spans] = {}
    if COLUMN not in table:
        return found
    cells = table[COLUMN].fillna("").astype(str)
    rows = zip(table.index, cells, table["label"], table["duration_s"], strict=True)
    for place, (clip, text, label, duration_s) in enumerate(rows):
        spans = parse_spans(text, str(clip), Label(label))
        if spans and spans[-1][1] > duration_s + _LATE_S:
            raise DatasetError(
                f"clip {clip}: spans is {text!r}, and the clip ends at {duration_s:.3f} s"
            )
        if spans:
            found[place] = spans
    return found


def _judge(
    starts_s: NDArray[np.float64], length_s: float, spans: Spans
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which windows of a clip are a spoof, and which are bona fide."""
    first, last = np.array(spans).T
    begun = np.maximum(starts_s[:, np.newaxis], first)
    overlap_s = np.maximum(0, np.minimum(starts_s[:, np.newaxis] + length_s, last) - begun)
    least_s = np.minimum(length_s, last - first)
    share = overlap_s / least_s
    # Windows begin on a grid of decimals that binary numbers only come near.
    spoof = (share >= _SPOOF - 1e-6).any(axis=1)
    spoof |= overlap_s.sum(axis=1) >= _SPOOF * length_s - 1e-6
    return spoof, ~spoof & (share <= _BONAFIDE + 1e-6).all(axis=1)
