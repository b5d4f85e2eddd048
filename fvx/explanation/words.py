"""What was measured, in words: each column beside what bona fide speech of the reference shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fvx.model.reference import COMPANIONS, Reference, clip_average
from fvx.store import FeatureRecord

UNMEASURED = "not to be measured in this clip"
UNVARYING = "measured against the clip's own average, so only its moments say something"
_BOUNDS = (10, 100, 1000)
_UNITS = {"hz": " Hz", "db": " dB", "s": " s", "percent": " %", "sone": " sone"}
_SCALES = {"hz": "Hz", "bark": "Bark"}


@dataclass(frozen=True)
class Measure:
    """The average of one column over a clip or a window, beside the reference.

    Attributes
    ----------
    column : str
    quantity, unit : str
        The column's name as words, and its unit with a space before it.
    value : float
    z_score : float or None
        From the reference's median, in robust deviations; None where it never varies.
    percentile : float
        Share of the reference below ``value``, in percent.
    usual : tuple of float
        The reference's percentiles 5 and 95.
    """

    column: str
    quantity: str
    unit: str
    value: float
    z_score: float | None
    percentile: float
    usual: tuple[float, float]

    @property
    def unusual(self) -> float:
        """By which columns are ranked: percentile first, then distance."""
        return abs(self.percentile - 50) + min(abs(self.z_score or 0.0), 1e3) / 1e3

    def sentence(self, what: str = "human speech") -> str:
        """Such as: shimmer 1.2 %, lower than 97 % of the human speech in the reference."""
        colon = ":" if self.quantity[-1].isdigit() else ""
        measured = f"{self.quantity}{colon} {self.value:.3g}{self.unit}"
        if 5 <= self.percentile <= 95:
            return f"{measured}, as usual for the {what} in the reference"
        high = self.percentile > 50
        share = self.percentile if high else 100 - self.percentile
        rest = f"{share:.0f} % of" if share <= 99 else "nearly all"
        low, top = self.usual
        return (
            f"{measured}, {'higher' if high else 'lower'} than {rest} the {what} in the "
            f"reference (usual: {low:.3g} to {top:.3g}{self.unit})"
        )


def measures(
    feature: FeatureRecord,
    values: NDArray[np.float32],
    reference: Reference,
    *,
    window: bool = False,
) -> list[Measure]:
    """Measure a clip's, or one window's, values; the most unusual column first.

    Parameters
    ----------
    values : float32 array, shape (n_frames, n_columns)

    Returns
    -------
    list of Measure
        Empty if the feature does not exist there, or, of a clip, is the same in all of them.
    """
    average = clip_average(feature, values)
    if any(average[feature.columns.index(c)] == 0 for c in COMPANIONS if c in feature.columns):
        return []
    found = []
    varies = np.ones(len(average), bool) if window else reference.varies(feature.name)
    for column in _shown(feature.columns, average):
        if not varies[column]:
            continue
        value = float(average[column])
        quantity, unit = column_words(feature.columns[column])
        found.append(
            Measure(
                feature.columns[column],
                quantity,
                unit,
                value,
                reference.z_score(feature.name, column, value, window=window),
                reference.percentile(feature.name, column, value, window=window),
                reference.usual(feature.name, column, window=window),
            )
        )
    return sorted(found, key=lambda one: -one.unusual)


def summary(feature: FeatureRecord, shown: Sequence[Measure], reference: Reference) -> str:
    """The most unusual of a clip's measures as a sentence, or why there is none."""
    if shown:
        return shown[0].sentence()
    return UNMEASURED if reference.varies(feature.name).any() else UNVARYING


def _shown(columns: Sequence[str], average: NDArray[np.float64]) -> list[int]:
    """Which measures exist is no measure itself; how much is voiced is one."""
    missing = tuple(
        name.removesuffix("defined")
        for name, value in zip(columns, average, strict=True)
        if name.endswith("_defined") and value == 0
    )
    return [
        column
        for column, name in enumerate(columns)
        if not name.endswith("defined") and not (missing and name.startswith(missing))
    ]


def column_words(column: str) -> tuple[str, str]:
    """A column's name as words, and its unit."""
    head, _, unit = column.rpartition("_")
    # In share_0_250_hz and syllables_per_s the last word belongs to the name.
    named = not head or unit not in _UNITS or re.search(r"(\d_\d+|_per)$", head)
    words, unit = (column, "") if named else (head, _UNITS[unit])
    words = re.sub(
        r"(\d+)(?:_(\d+))?_(hz|bark)(?=_|$)",
        lambda found: " to ".join(filter(None, found.groups()[:2])) + f" {_SCALES[found[3]]}",
        words,
    )
    return words.replace("_", " "), unit


def strength(score: float) -> str:
    """What a log-likelihood ratio says, in the manner of forensic reports.

    References
    ----------
    ENFSI (2015), "Guideline for evaluative reporting in forensic science": the bounds 2, 10,
    100 and 1000 of its verbal scale.
    """
    ratio = float(np.exp(min(abs(score), 20.0)))
    kind = "human" if score >= 0 else "synthetic"
    other = "synthetic" if score >= 0 else "human"
    if ratio < 2:
        return "By itself this recording says almost nothing either way"
    words = ("Weak", "Moderate", "Moderately strong", "Strong")
    word = words[int(np.searchsorted(_BOUNDS, ratio, "right"))]
    times = f"about {float(f'{ratio:.2g}'):.0f}" if ratio < _BOUNDS[-1] else "more than 1000"
    return (
        f"{word} support for {kind} speech: such a recording is {times} times as likely from the "
        f"{kind} speech the model knows as from the {other}"
    )
