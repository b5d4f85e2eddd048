"""Scores: one number per clip, higher for bona fide; their files, keys and summaries."""

from fvx.scores.comparison import compare
from fvx.scores.files import POLARITY, UNKNOWN, Format
from fvx.scores.keys import Key, read_key
from fvx.scores.scores import Scores
from fvx.scores.summary import summarise
from fvx.scores.tandem import read_asv, tandem

__all__ = [
    "POLARITY",
    "UNKNOWN",
    "Format",
    "Key",
    "Scores",
    "compare",
    "read_asv",
    "read_key",
    "summarise",
    "tandem",
]
