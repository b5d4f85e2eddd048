"""Label: bona fide or spoof, and the words that published corpora use for them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from fvx.errors import UnknownLabel


class Label(StrEnum):
    """What a clip is: human speech as it was recorded, or made by a machine."""

    BONAFIDE = "bonafide"
    SPOOF = "spoof"


_BONAFIDE = ["bonafide", "bona-fide", "bona_fide", "genuine", "real", "human", "authentic"]
_SPOOF = [
    "spoof",
    "spoofed",
    "fake",
    "deepfake",
    "deep-fake",
    "deep_fake",
    "synthetic",
    "synthesized",
    "synthesised",
    "generated",
    "ai-generated",
    "ai_generated",
]

# 0 and 1 are missing on purpose: corpora disagree on which of them means bona fide.
LABEL_WORDS: Mapping[str, Label] = MappingProxyType(
    dict.fromkeys([*_BONAFIDE, "bona fide"], Label.BONAFIDE)
    | dict.fromkeys([*_SPOOF, "ai generated"], Label.SPOOF)
)


def parse_label(word: str, where: str, more: Mapping[str, Label] | None = None) -> Label:
    """Return the label a word stands for, whatever its case.

    Parameters
    ----------
    word : str
        As it stands in the protocol.
    where : str
        File and line, for the error.
    more : mapping of str to Label, optional
        A corpus's own words, in lower case; they go before `LABEL_WORDS`.

    Raises
    ------
    UnknownLabel
        If no table knows the word: a row is never dropped for it.
    """
    words = {**LABEL_WORDS, **(more or {})}
    key = word.strip().casefold()
    if key not in words:
        raise UnknownLabel(word, where, tuple(words))
    return words[key]
