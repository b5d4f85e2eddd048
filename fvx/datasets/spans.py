"""Spans: which parts of a spoofed clip are synthetic, where only parts of it are."""

from __future__ import annotations

import itertools
import re

from fvx.datasets.label import Label
from fvx.errors import DatasetError

COLUMN = "spans"
"""Column of a clip table that says so."""

Spans = tuple[tuple[float, float], ...]

_SPAN = re.compile(r"(\d+(?:\.\d*)?)\s*-\s*(\d+(?:\.\d*)?)")
_EXAMPLE = "0.994-1.409 or 0.31-0.94;2.2-2.9"


def parse_spans(text: str, clip: str, label: Label) -> Spans:
    """Read a cell of the column.

    Parameters
    ----------
    text : str
        Seconds from the clip's beginning, as in ``0.994-1.409``; several joined by ``;``. Empty,
        or ``-``: the whole clip is what its label says.
    clip : str
        Its id, for the error.
    label : Label
        Of the clip.

    Returns
    -------
    tuple of (start, end)
        In seconds, in order, none touching another.

    Raises
    ------
    DatasetError
        If a span is no pair of numbers, ends before it begins, or reaches into the next; or the
        clip is bona fide.
    """
    words = [] if text.strip() in ("", "-") else text.split(";")
    spans: list[tuple[float, float]] = []
    for word in words:
        pair = _SPAN.fullmatch(word.strip())
        if not pair:
            raise DatasetError(f"clip {clip}: spans is {text!r}; expected seconds, as {_EXAMPLE}")
        start_s, end_s = float(pair[1]), float(pair[2])
        if end_s <= start_s:
            raise DatasetError(f"clip {clip}: spans is {text!r}; {word.strip()} does not last")
        spans.append((start_s, end_s))
    spans.sort()
    if any(after[0] < before[1] for before, after in itertools.pairwise(spans)):
        raise DatasetError(f"clip {clip}: spans is {text!r}; one begins before another ends")
    if spans and label is Label.BONAFIDE:
        raise DatasetError(f"clip {clip}: spans is {text!r}, and its label says bona fide")
    return tuple(spans)
