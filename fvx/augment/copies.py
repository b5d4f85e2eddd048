"""Copies: clips that a recipe makes of a corpus's clips, and what becomes of their audio."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache

import numpy as np

from fvx.audio import Audio
from fvx.augment.channel import Trim
from fvx.augment.recipe import Recipe, augment
from fvx.augment.vocoders import refuse_missing, vocode
from fvx.datasets import Clip, Dataset, Label
from fvx.datasets.clip import Columns
from fvx.datasets.spans import COLUMN as SPANS
from fvx.errors import RecipeError

# Columns of a copy: the clip it is of, its number, and what vocoder made it a spoof, if any.
ORIGINAL, COPY, VOCODED_BY = "original", "copy", "vocoded_by"


def add_copies(dataset: Dataset, recipe: Recipe, n_copies: int) -> Dataset:
    """Let the copies follow a corpus's clips: all first copies, then all second ones, ….

    A copy of ``a.wav`` is called ``a.wav~1``; speaker, split and the other columns are the
    original's, with ``original``, ``copy`` and ``vocoded_by`` besides. One that is vocoded is
    a spoof of the system ``vocoded:<method>``, unless the original was one before: then it is
    never vocoded.

    Raises
    ------
    RecipeError
        If the corpus has a clip that is called as a copy would be, or a vocoder is not
        installed; or the recipe trims, and spans of clips are known, which would then be
        elsewhere.
    """
    if any(step.kind == Trim.kind for step in recipe.steps):
        for clip in dataset.clips:
            if clip.extra.get(SPANS):
                raise RecipeError(f"clip {clip.id} has spans, and a recipe that trims moves them")
    if recipe.vocoded_share:
        refuse_missing(recipe.vocoders)
    copies = tuple(
        _copy(clip, recipe, number) for number in range(1, n_copies + 1) for clip in dataset.clips
    )
    taken = {clip.id for clip in dataset.clips}
    for copy in copies:
        if copy.id in taken:
            raise RecipeError(f"{dataset.name} has a clip {copy.id!r} already: no name for a copy")
    return replace(dataset, clips=dataset.clips + copies)


def is_copy(clip: Clip) -> bool:
    """Whether `add_copies` made it."""
    original, number = clip.extra.get(ORIGINAL, ""), clip.extra.get(COPY, "")
    return bool(number) and clip.id == f"{original}~{number}"


def copy_audio(audio: Audio, clip: Clip, recipe: Recipe) -> Audio:
    """Make of an original's audio what a copy of it sounds like; an original's own stays.

    Raises
    ------
    AudioError, RecipeError
        If the clip cannot be vocoded or encoded here.
    """
    if not is_copy(clip):
        return audio
    seed = _seed(recipe, clip.extra[ORIGINAL], clip.extra[COPY])
    if method := clip.extra[VOCODED_BY]:
        audio = vocode(audio, method, seed)
    return augment(audio, recipe, seed)


def _copy(clip: Clip, recipe: Recipe, number: int) -> Clip:
    rng = np.random.default_rng([_seed(recipe, clip.id, str(number)), 0])
    drawn = rng.random() < recipe.vocoded_share
    method = recipe.vocoders[rng.integers(len(recipe.vocoders))] if drawn else ""
    if clip.label is Label.SPOOF:
        method = ""
    own = {ORIGINAL: clip.id, COPY: str(number), VOCODED_BY: method}
    columns = {**clip.extra, **own}
    extra = Columns(_one(tuple(columns)), tuple(columns.values()))
    copy = replace(clip, id=f"{clip.id}~{number}", extra=extra)
    if method:
        copy = replace(copy, label=Label.SPOOF, system=f"vocoded:{method}")
    return copy


@lru_cache
def _one(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same names in one place, since a corpus may have a million copies."""
    return names


def _seed(recipe: Recipe, original: str, number: str) -> int:
    """A seed of 64 bits, the same on every machine."""
    words = f"{recipe.seed}\0{original}\0{number}".encode()
    return int.from_bytes(hashlib.sha256(words).digest()[:8], "big")
