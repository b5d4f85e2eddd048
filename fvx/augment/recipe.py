"""Recipe: which steps copies take, how often, and between what settings."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from fvx.audio import Audio
from fvx.augment.channel import Band, Level, Noise, Reverberation, Trim
from fvx.augment.codecs import Codec, Resample
from fvx.augment.step import Step, is_number
from fvx.augment.vocoders import METHODS
from fvx.errors import AudioError, RecipeError

VERSION = 1  # raised whenever the same recipe would give other copies
STEPS: Mapping[str, type[Step]] = {
    step.kind: step for step in (Band, Codec, Level, Noise, Resample, Reverberation, Trim)
}


@dataclass(frozen=True)
class Recipe:
    """What happens to copies: steps, one after the other, each with its probability.

    Attributes
    ----------
    steps : tuple of Step
    seed : int
        With a clip's id and a copy's number it decides all that is drawn.
    vocoders : tuple of str
        Of `METHODS`: by what bona fide clips are made into spoof copies.
    vocoded_share : float
        Share of the copies of bona fide clips that are.
    name : str
        What it is called; decides nothing.
    """

    steps: tuple[Step, ...] = ()
    seed: int = 0
    vocoders: tuple[str, ...] = ()
    vocoded_share: float = 0.0
    name: str = "augmented"

    @classmethod
    def read(cls, path: str | Path) -> Recipe:
        """Read a recipe, a TOML file; it is called as the file is.

        Raises
        ------
        RecipeError
            If it cannot be read, names a step, setting or vocoder that there is not, or gives
            one a value that it cannot have.
        """
        path = Path(path)
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RecipeError(f"{path}: cannot be read ({reason})") from error
        try:
            return cls.of(raw, path.stem)
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}") from None

    @classmethod
    def of(cls, raw: Mapping[str, Any], name: str = "augmented") -> Recipe:
        """Make a recipe of what a TOML file, or the `settings` of a recipe, hold.

        Raises
        ------
        RecipeError
            As `read`.
        """
        _refuse_unknown("a recipe", raw, ("version", "seed", "step", "vocode"))
        if (version := raw.get("version", VERSION)) != VERSION:
            raise RecipeError(f"version {version!r}; this fvx follows version {VERSION}")
        vocode, steps = raw.get("vocode", {}), raw.get("step", [])
        seed = raw.get("seed", 0)
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise RecipeError(f"seed is {seed!r}, not a whole number from 0 on")
        if not isinstance(vocode, Mapping) or not isinstance(steps, list):
            raise RecipeError("steps are written as [[step]], vocoding as [vocode]")
        _refuse_unknown("vocode", vocode, ("methods", "share"))
        methods = vocode.get("methods", list(METHODS) if vocode else [])
        share = vocode.get("share", 0.5 if vocode else 0.0)
        if not isinstance(methods, list) or any(method not in list(METHODS) for method in methods):
            raise RecipeError(f"vocode: methods is {methods!r}; known: {', '.join(METHODS)}")
        if not is_number(share) or not 0 <= share <= 1 or (share and not methods):
            raise RecipeError(f"vocode: share is {share!r}, not between 0 and 1, of some methods")
        made = tuple(_step(one) for one in steps)
        if not made and not share:
            raise RecipeError("no step in it, and nothing to vocode: copies would be the originals")
        return cls(made, seed, tuple(methods), float(share), name)

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the copies, as JSON knows it; `of` makes the recipe again."""
        return {
            "version": VERSION,
            "seed": self.seed,
            "step": [step.settings for step in self.steps],
            "vocode": {"methods": list(self.vocoders), "share": self.vocoded_share},
        }


def augment(audio: Audio, recipe: Recipe, seed: int) -> Audio:
    """Take a clip through the steps of a recipe.

    Parameters
    ----------
    seed : int
        Decides all that is drawn; the recipe's own seed does not count here.

    Returns
    -------
    Audio
        At the clip's rate; of its length, unless a step trims. Scaled down where it would go
        beyond full scale.

    Raises
    ------
    AudioError
        If there are no samples, or libsndfile lacks a codec.
    """
    if not len(audio.samples):
        raise AudioError("no samples to augment")
    samples = audio.samples
    for place, step in enumerate(recipe.steps):
        # A generator for each step: a change to one leaves the others' draws as they were.
        rng = np.random.default_rng([seed, place])
        if rng.random() < step.probability:
            samples = step.apply(samples, audio.rate_hz, rng)
    peak = float(np.abs(samples).max(initial=0.0))
    if not math.isfinite(peak):
        raise RecipeError("a step gave samples that are not finite")
    scaled = (samples / np.float32(max(1.0, peak))).astype(np.float32)
    return Audio(scaled, audio.rate_hz, audio.original_rate_hz, audio.notes)


def _step(raw: Any) -> Step:
    if not isinstance(raw, Mapping) or "kind" not in raw:
        raise RecipeError(f"a step says no kind; known: {', '.join(STEPS)}")
    kind = raw["kind"]
    if kind not in list(STEPS):
        raise RecipeError(f"no step {kind!r}; known: {', '.join(STEPS)}")
    settings = {key: value for key, value in raw.items() if key != "kind"}
    _refuse_unknown(kind, settings, [field.name for field in fields(STEPS[kind])])
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()
    }
    return STEPS[kind](**values)


def _refuse_unknown(where: str, raw: Mapping[str, Any], known: Any) -> None:
    for key in raw:
        if key not in known:
            raise RecipeError(f"{where} has no setting {key!r}; it has {', '.join(known)}")
