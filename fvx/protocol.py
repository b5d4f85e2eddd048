"""Protocol: which clips train, which choose, which judge, in words that every figure carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from fvx.augment import COPY, ORIGINAL
from fvx.datasets.clip import Dataset
from fvx.errors import SplitError
from fvx.groups import NOBODY, choose, components, divisible, speakers

SplitName = Literal["speaker", "official", "ancestor", "random", "cross", "leave-one-system-out"]
TRAIN, DEVELOPMENT, TEST = "train", "development", "test"
PARTS = (TRAIN, DEVELOPMENT, TEST)

_FRACTION = 0.15  # of the clips, for each of development and test
_ANCESTOR_N_TRAIN = 10_000
CORPUS = "corpus"  # column that says which of several corpora a clip is from
_WORDS = {
    TRAIN: {"train", "training", "trn"},
    DEVELOPMENT: {"dev", "development", "valid", "validation", "val", "progress"},
    TEST: {"test", "testing", "eval", "evaluation"},
}


@dataclass(frozen=True)
class Protocol:
    """A division of clips into train, development and test.

    Attributes
    ----------
    name : str
        One of `SplitName`.
    parts : pandas.Series
        ``train``, ``development``, ``test``, or "" for a clip in no part; indexed by clip id.
        A copy is in its original's part.
    sentence : str
        What a reader of a figure must know.
    copies : frozenset of str
        Ids of the clips that are copies; they train, but neither choose nor judge.
    """

    name: str
    parts: pd.Series
    sentence: str
    copies: frozenset[str] = frozenset()

    def clips(self, part: str) -> list[str]:
        """Ids of the clips that serve as a part, in the table's order; copies only train."""
        members = (str(clip) for clip in self.parts.index[self.parts == part])
        return [clip for clip in members if part == TRAIN or clip not in self.copies]

    def shared(self, clips: pd.DataFrame, column: str) -> pd.DataFrame:
        """Return what stands in a column (speaker, system) of more than one part.

        Returns
        -------
        pandas.DataFrame
            Clips in each part, by name; without a row where the parts are disjoint. Names
            that say nothing (``-``) are no names.
        """
        inside = (self.parts != "") & ~clips[column].isin(NOBODY)
        inside &= ~self.parts.index.isin(self.copies)  # in training only, with their original
        counts = pd.crosstab(clips[column][inside], self.parts[inside])
        counts = counts.reindex(columns=list(PARTS), fill_value=0)
        shared: pd.DataFrame = counts[(counts > 0).sum(axis=1) > 1]
        return shared


def split(
    clips: pd.DataFrame,
    name: SplitName | None = None,
    seed: int = 0,
    held_out: str | None = None,
) -> Protocol:
    """Divide a clip table (columns label, speaker, system, split) into parts.

    Copies (columns original, copy) follow their originals, which alone are divided.

    Parameters
    ----------
    name : str or None
        None: the corpus's own division if its ``split`` column names one, else by speaker.
    held_out : str or None
        What is kept for the test: for ``leave-one-system-out`` the system; for ``cross`` the
        corpus, of those in the column ``corpus`` (None: all but the first).

    Raises
    ------
    SplitError
        If a part would be empty of bona fide or of spoof clips, or what is to be held out is
        not there.
    """
    if held_out is not None and name not in ("cross", "leave-one-system-out"):
        raise SplitError(f"nothing is held out by name in the {name or 'default'} split")
    everything, copied = clips, is_copy(clips)
    clips = clips[~copied]
    if name is None:
        name = "official" if len(set(_official_words(clips).values())) > 1 else "speaker"
    divide: dict[SplitName, Callable[[pd.DataFrame, pd.Series, int], str]] = {
        "official": _official,
        "speaker": _speaker,
        "ancestor": _ancestor,
        "random": _random,
        "cross": partial(_cross, held_out=held_out),
        "leave-one-system-out": partial(_leave_one_system_out, held_out=held_out),
    }
    parts = pd.Series(TRAIN, index=clips.index, dtype=object)
    sentence = divide[name](clips, parts, seed)
    for part in PARTS:
        labels = set(clips["label"][parts == part])
        if labels != {"bonafide", "spoof"}:
            raise SplitError(
                f"the {name} split leaves {sorted(labels) or 'nothing'} in the {part} part; "
                "bona fide and spoof are needed in each (another --split, or more clips)"
            )
    if not copied.any():
        return Protocol(name, parts, sentence)
    originals = everything[ORIGINAL].where(copied, everything.index.to_series())
    parts = originals.map(parts).fillna("").astype(object).rename(None)
    n_training = int((parts[copied] == TRAIN).sum())
    sentence += f"; trained on {n_training} altered copies besides, which judge nothing"
    return Protocol(name, parts, sentence, frozenset(map(str, everything.index[copied])))


def is_copy(clips: pd.DataFrame) -> pd.Series:
    """Which clips of a table are copies, made by a recipe of augmentation."""
    if ORIGINAL not in clips or COPY not in clips:
        return pd.Series(False, index=clips.index)
    # Some corpora have columns of these names, too.
    called = clips[ORIGINAL].astype(str) + "~" + clips[COPY].astype(str)
    return called == clips.index.astype(str)


def _official(clips: pd.DataFrame, parts: pd.Series, seed: int) -> str:
    words = _official_words(clips)
    named = set(words.values())
    if TRAIN not in named:
        raise SplitError(
            f"the corpus names no training part (its split column has: "
            f"{', '.join(sorted(set(clips['split']) - {''})) or 'nothing'})"
        )
    parts[:] = clips["split"].str.lower().map(words).fillna("")
    if TEST in named and DEVELOPMENT in named:
        return "the corpus's own training, development and test parts"
    if named == {TRAIN}:
        raise SplitError("the corpus names a training part only; nothing is left to judge by")
    # The one part held out judges; were it also to choose, its figures would flatter.
    held_out = " and ".join(f"'{word}'" for word in sorted(words) if words[word] != TRAIN)
    parts[parts == DEVELOPMENT] = TEST
    how = _carve(clips, parts, DEVELOPMENT, _FRACTION, seed)
    return f"the corpus's own parts, tested on {held_out}; development carved from train, {how}"


def _speaker(clips: pd.DataFrame, parts: pd.Series, seed: int) -> str:
    test = _carve(clips, parts, TEST, _FRACTION, seed)
    development = _carve(clips, parts, DEVELOPMENT, _FRACTION / (1 - _FRACTION), seed + 1)
    return f"test part {test}; development part {development}"


def _ancestor(clips: pd.DataFrame, parts: pd.Series, seed: int) -> str:
    parts[:] = TEST
    parts.iloc[:_ANCESTOR_N_TRAIN] = TRAIN
    how = _carve(clips, parts, DEVELOPMENT, _FRACTION, seed)
    return (
        f"first {_ANCESTOR_N_TRAIN} rows train, the rest test, speakers and systems shared; "
        f"development carved from train, {how}"
    )


def _random(clips: pd.DataFrame, parts: pd.Series, seed: int) -> str:
    rng = np.random.default_rng(seed)
    for label in ("bonafide", "spoof"):
        members = rng.permutation(np.flatnonzero(clips["label"] == label))
        n_each = round(_FRACTION * len(members))
        parts.iloc[members[:n_each]] = TEST
        parts.iloc[members[n_each : 2 * n_each]] = DEVELOPMENT
    return "clips drawn at random: speakers and systems are shared between the parts"


def _cross(clips: pd.DataFrame, parts: pd.Series, seed: int, held_out: str | None) -> str:
    corpora = list(dict.fromkeys(clips[CORPUS])) if CORPUS in clips else []
    if len(corpora) < 2:
        raise SplitError("the cross split needs several corpora: give --dataset twice or more")
    if held_out is not None and held_out not in corpora:
        raise SplitError(f"no corpus {held_out!r} to test on; there are {', '.join(corpora)}")
    test = corpora[1:] if held_out is None else [held_out]
    parts[clips[CORPUS].isin(test).to_numpy()] = TEST
    how = _carve(clips, parts, DEVELOPMENT, _FRACTION, seed)
    train = ", ".join(corpus for corpus in corpora if corpus not in test)
    return (
        f"trained on {train}, tested on {', '.join(test)} (cross-corpus); development carved "
        f"from train, {how}"
    )


def _leave_one_system_out(
    clips: pd.DataFrame, parts: pd.Series, seed: int, held_out: str | None
) -> str:
    there = systems(clips)
    if held_out not in there:
        raise SplitError(
            f"name the system to leave out; there are {', '.join(there) or 'none'}"
            if held_out is None
            else f"no system {held_out!r}; there are {', '.join(there) or 'none'}"
        )
    test = ((clips["system"] == held_out) & (clips["label"] == "spoof")).to_numpy()
    bonafide = (clips["label"] == "bonafide").to_numpy()
    # The system judges against human speakers who are not heard in training either.
    groups = speakers(clips)
    people = groups[bonafide]
    chosen = set(people[choose(people, np.zeros(len(people), bool), _FRACTION, seed)])
    judges = np.isin(groups, list(chosen | set(groups[test])))
    rest = ~bonafide & ~test
    apart = judges[bonafide].mean() <= 0.5 and not judges[rest].sum() > 0.5 * rest.sum()
    if not apart:  # it imitates nearly everyone
        judges = np.isin(groups, list(chosen))
    parts[test | (bonafide & judges)] = TEST
    # Other systems' imitations of a speaker who judges would betray that speaker.
    parts[rest & judges] = ""
    n_out = int((rest & judges).sum())
    left = f", {n_out} clips of them by other systems in no part" if n_out else ""
    whose = "all speakers of that part" if apart else "its human speakers (those imitated shared)"
    how = _carve(clips, parts, DEVELOPMENT, _FRACTION, seed + 1)
    return (
        f"system {held_out} is in the test part only, and so are {whose}{left}; development "
        f"carved from train, {how}"
    )


def systems(clips: pd.DataFrame) -> list[str]:
    """Return the synthesis systems that spoof clips name, sorted."""
    return sorted(set(clips["system"][clips["label"] == "spoof"]) - set(NOBODY))


def clip_table(dataset: Dataset) -> pd.DataFrame:
    """Return what a dataset says of its clips, as `split` reads it.

    Returns
    -------
    pandas.DataFrame
        Columns label, speaker, system, split and corpus; indexed by clip id.
    """
    rows = [
        (str(clip.label), clip.speaker, clip.system, clip.split, clip.extra.get(CORPUS, ""))
        for clip in dataset.clips
    ]
    index = pd.Index([clip.id for clip in dataset.clips], name="id")
    return pd.DataFrame(
        rows, columns=["label", "speaker", "system", "split", CORPUS], index=index, dtype=object
    )


def _official_words(clips: pd.DataFrame) -> dict[str, str]:
    """Words of the split column that are known, to our names."""
    return {
        word: part
        for word in set(clips["split"].str.lower())
        for part, known in _WORDS.items()
        if word in known
    }


def _carve(clips: pd.DataFrame, parts: pd.Series, part: str, fraction: float, seed: int) -> str:
    """Move whole groups of clips from train to ``part``; say how disjoint that is."""
    train = np.flatnonzero(parts == TRAIN)
    table = clips.iloc[train]
    groups, how = components(table), "disjoint by speaker and by synthesis system"
    spoof = (table["label"] == "spoof").to_numpy()
    if not divisible(groups, spoof, fraction):
        groups, how = speakers(table), "disjoint by speaker (systems shared)"
    chosen = choose(groups, spoof, fraction, seed)
    parts.iloc[train[chosen]] = part
    return how + _unnamed(table)


def _unnamed(table: pd.DataFrame) -> str:
    """What a claim of disjointness cannot cover."""
    spoof = table["label"] == "spoof"
    no_speaker = table["speaker"].isin(NOBODY).sum()
    no_system = table["system"][spoof].isin(NOBODY).sum()
    lacks = []
    if no_speaker:
        lacks.append(f"{no_speaker} of {len(table)} clips name no speaker")
    if no_system:
        lacks.append(f"{no_system} of {spoof.sum()} spoof clips name no system")
    return f" as far as is known: {', '.join(lacks)}" if lacks else ""
