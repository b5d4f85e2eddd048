"""The Feature contract, clause by clause: what is demanded of a feature, and how to mend it.

Each clause is a function of a feature that raises `FeatureError` if it is broken, or lets through
what the feature raised. Its docstring is what a plugin author gets to read: the demand first,
then the remedy. ``fvx.testing`` makes tests of them, ``fvx features check`` a report.
"""

from __future__ import annotations

import inspect
import json
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np

from fvx.audio import Audio
from fvx.errors import AudioError, FeatureError
from fvx.feature import Feature, Kind
from fvx.synthetic import RATE_HZ, noise, silence, vowel

Clause = Callable[[Feature], None]

DURATIONS_S = (0.2, 0.3, 1.0, 1.2345, 7.3)
RATES_HZ = (8_000, 16_000, 22_050, 48_000)
GAINS = (10.0, 1e-5)


@dataclass(frozen=True)
class Breach:
    """A clause that a feature breaks.

    Attributes
    ----------
    clause : str
        Name of the clause.
    demand : str
        What it asks for.
    found : str
        What was found instead.
    remedy : str
        How to mend it.
    """

    clause: str
    demand: str
    found: str
    remedy: str


def breaches(feature: Feature) -> list[Breach]:
    """Try every clause; return those that the feature breaks, in order."""
    found = []
    for clause in CLAUSES:
        try:
            clause(feature)
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way
            demand, _, remedy = inspect.cleandoc(clause.__doc__ or "").partition("\n\n")
            what = str(error) if isinstance(error, FeatureError) else _described(error)
            found.append(Breach(clause.__name__, _line(demand), what, _line(remedy)))
    return found


def settings_survive_storage(feature: Feature) -> None:
    """Settings can be written as JSON and make the same feature again.

    Make fields of numbers, words and booleans only; a tuple comes back as a list, so name its
    members one by one.
    """
    stored = json.loads(json.dumps(feature.settings))
    again = type(feature)(**stored)
    if again != feature:
        raise FeatureError(f"{feature!r} came back as {again!r}")


def travels_to_a_worker(feature: Feature) -> None:
    """A feature can be pickled, since worker processes extract it.

    Define the class at the top of the module, not in a function; keep what cannot be pickled
    (open files, functions) out of its fields.
    """
    again = pickle.loads(pickle.dumps(feature))
    if again != feature:
        raise FeatureError(f"{feature!r} came back as {again!r}")


def docstring_cites_its_source(feature: Feature) -> None:
    """The docstring says where the feature comes from.

    End it with a section headed "References", underlined with ten hyphens, that names the
    paper.
    """
    if not feature.source:
        raise FeatureError("the docstring needs a References section")


def columns_are_unique(feature: Feature) -> None:
    """There is at least one column, and no two have one name.

    Set ``columns`` to a tuple of different names: ``("f0_hz", "voiced")``. A tuple of one needs
    its comma.
    """
    if not isinstance(feature.columns, tuple):
        raise FeatureError(f"columns is {feature.columns!r}, which is no tuple")
    if not len(set(feature.columns)) == len(feature.columns) > 0:
        raise FeatureError(f"columns are {', '.join(feature.columns) or 'none'}")


def names_are_lower_case_words(feature: Feature) -> None:
    """Names of feature and columns are lower-case letters, digits and underscores.

    Rename them, unit last: ``slope_db_per_octave``.
    """
    for name in (feature.name, *feature.columns):
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise FeatureError(f"{name!r} is another kind of name")


def kind_and_hop_agree(feature: Feature) -> None:
    """A per-clip feature has no hop, a contour or matrix has one; audible is said.

    Set ``kind`` to "per_clip" with ``hop_s = None``, or to "contour" or "matrix" with
    ``hop_s: float = 0.010``; set ``perceptible`` to True or False.
    """
    if feature.kind not in get_args(Kind):
        raise FeatureError(f"kind is {feature.kind!r}; known: {', '.join(get_args(Kind))}")
    if (feature.hop_s is None) != (feature.kind == "per_clip"):
        raise FeatureError(f"kind is {feature.kind!r} and hop_s is {feature.hop_s!r}")
    if not isinstance(feature.perceptible, bool):
        raise FeatureError(f"perceptible is {feature.perceptible!r}, neither True nor False")


def same_clip_same_values(feature: Feature) -> None:
    """The same clip gives the same values.

    Seed what is random with a constant, and keep nothing from one clip to the next.
    """
    if not np.array_equal(feature(noise(1.0)), feature(noise(1.0))):
        raise FeatureError("two extractions of one clip differ")


def the_clip_is_left_as_it_was(feature: Feature) -> None:
    """The samples are not written to, since other features read them next.

    Copy before writing: ``samples = audio.samples.copy()``.
    """
    audio = noise(1.0)
    before = audio.samples.copy()
    feature(audio)
    if not np.array_equal(audio.samples, before):
        raise FeatureError("the samples have changed")


def frames_follow_the_hop(feature: Feature, durations_s: tuple[float, ...] = DURATIONS_S) -> None:
    """A contour or matrix has a row for each hop, a per-clip feature one row, of float32.

    Take the number of rows from ``audio.n_frames(self.hop_s)``, or cut frames by
    ``fvx.signal.frames`` or ``stft``, which keep to it; end with ``.astype(np.float32)``. From
    0.2 s on every clip has to work.
    """
    for duration_s in durations_s:
        feature(noise(duration_s))  # the call itself refuses another shape


def any_sampling_rate_works(feature: Feature, rates_hz: tuple[int, ...] = RATES_HZ) -> None:
    """Clips of 8 to 48 kHz work.

    Count in seconds and hertz, take ``audio.rate_hz`` for granted nowhere, and leave out of
    account what lies above ``audio.rate_hz / 2``.
    """
    for rate_hz in rates_hz:
        feature(noise(0.5, rate_hz=rate_hz))


def loud_and_faint_clips_are_finite(feature: Feature, gains: tuple[float, ...] = GAINS) -> None:
    """Full scale and -125 dBFS both give finite values.

    Keep divisors and the arguments of logarithms above a floor: ``np.maximum(power, 1e-10)``.
    """
    for gain in gains:
        feature(Audio((noise(1.0).samples * np.float32(gain)).astype(np.float32), RATE_HZ))


def silence_is_finite(feature: Feature) -> None:
    """Digital silence gives finite values.

    Say in the docstring what the value is where the quantity does not exist, give that, and add
    a companion column that says where it is defined: ``voiced``, ``defined``.
    """
    feature(silence())


def half_silent_speech_is_finite(feature: Feature) -> None:
    """A clip of silence and then speech gives finite values.

    As for silence, frame by frame: one frame without a value is not to spoil the others.
    """
    voice = vowel(seconds=0.5).samples
    feature(Audio(np.concatenate([np.zeros_like(voice), voice]), RATE_HZ))


def too_short_a_clip_is_refused(feature: Feature) -> None:
    """A clip of one sample raises AudioError.

    Begin ``extract`` with: ``if audio.duration_s < self.window_s: raise AudioError(…)``.
    ``fvx.signal.frames`` and ``stft`` do so themselves.
    """
    try:
        feature(Audio(np.zeros(1, np.float32), RATE_HZ))
    except AudioError:
        return
    raise FeatureError("a clip of one sample was measured")


CLAUSES: tuple[Clause, ...] = (
    settings_survive_storage,
    travels_to_a_worker,
    docstring_cites_its_source,
    columns_are_unique,
    names_are_lower_case_words,
    kind_and_hop_agree,
    same_clip_same_values,
    the_clip_is_left_as_it_was,
    frames_follow_the_hop,
    any_sampling_rate_works,
    loud_and_faint_clips_are_finite,
    silence_is_finite,
    half_silent_speech_is_finite,
    too_short_a_clip_is_refused,
)


def _line(text: str) -> str:
    return " ".join(text.split())


def _described(error: Exception) -> str:
    return _line(f"{type(error).__name__}: {error}")
