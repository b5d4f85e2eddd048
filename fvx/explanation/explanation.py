"""Explanation: attributions put into words, with what they rest on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.atomic import write_json
from fvx.explanation.analysis import Analysis
from fvx.explanation.attribution import Method, attribute
from fvx.explanation.faithfulness import faithfulness, seed_stability
from fvx.model.reference import COMPANIONS, Reference, clip_average
from fvx.report import explanation_page, explanation_picture
from fvx.store import FeatureRecord


@dataclass(frozen=True, eq=False)
class Explanation:
    """What moved one clip's score; each number in log-likelihood-ratio units.

    Attributes
    ----------
    record : mapping
        The verdict's fields, and ``features``, ``cells``, ``base``, ``faithfulness``,
        ``method``, ``seed``, ``model``: what ``--json`` writes.
    """

    record: Mapping[str, Any]
    _analysis: Analysis

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        return dict(self.record)

    def check(self) -> dict[str, float | None]:
        """Faithfulness with the slower figures: agreement over five seeds as well."""
        stability = seed_stability(self._analysis, self.record["method"], self.record["seed"])
        return {**self.record["faithfulness"], **stability}

    def seconds(self) -> list[tuple[float, float, float]]:
        """(start, end, contribution) of each window, summed over features, in time order."""
        sums: dict[tuple[float, float], float] = {}
        for cell in self.record["cells"]:
            span = (cell["start_s"], cell["end_s"])
            sums[span] = sums.get(span, 0.0) + cell["contribution"]
        return [(start, end, value) for (start, end), value in sorted(sums.items())]

    def save_json(self, path: str | Path) -> None:
        """Write the record."""
        write_json(path, self.record)

    def save_png(self, path: str | Path) -> None:
        """Draw waveform, cells and features as one picture."""
        explanation_picture(path, self.record, self._analysis.audio)

    def save_html(self, path: str | Path) -> None:
        """Write a self-contained page that opens offline."""
        explanation_page(path, self.record, self._analysis.audio)


def explain_analysis(
    analysis: Analysis, verdict: Mapping[str, Any], *, method: Method = "lime", seed: int = 0
) -> Explanation:
    """Attribute the clip's score and put the result into words."""
    attribution = attribute(analysis, method, seed)
    card = analysis.scorer.card
    by_feature = attribution.cells.sum(axis=0)
    order = np.argsort(-np.abs(by_feature), kind="stable")
    reference = analysis.reference()
    features = [
        {
            "name": analysis.features[i].name,
            "perceptible": analysis.features[i].perceptible,
            "contribution": float(by_feature[i]),
            "summary": _summary(analysis.features[i], analysis.values, reference),
        }
        for i in order
    ]
    cells = [
        {
            "feature": feature.name,
            "start_s": window["start_s"],
            "end_s": window["end_s"],
            "contribution": float(attribution.cells[w, f]),
        }
        for w, window in enumerate(verdict["windows"])
        for f, feature in enumerate(analysis.features)
    ]
    record = {
        **verdict,
        "features": features,
        "cells": cells,
        "base": attribution.base,
        "faithfulness": faithfulness(analysis, attribution, seed),
        "method": method,
        "seed": seed,
        "polarity": card.polarity,
        "threshold": card.threshold,
        "model": {
            "dataset": card.dataset,
            "protocol": card.protocol_sentence,
            "words": card.words,
            "fvx_version": card.fvx_version,
            "checksums": dict(card.checksums),
        },
    }
    return Explanation(record, analysis)


def _summary(
    feature: FeatureRecord, values: Mapping[str, NDArray[np.float32]], reference: Reference
) -> str:
    """The feature's most unusual column, against bona fide training speech, in words."""
    average = clip_average(feature, values[feature.name])
    if any(average[feature.columns.index(c)] == 0 for c in COMPANIONS if c in feature.columns):
        return "not to be measured in this clip"
    missing = tuple(
        name.removesuffix("defined")
        for name, value in zip(feature.columns, average, strict=True)
        if name.endswith("_defined") and value == 0
    )
    # Which measures exist is no measure itself; how much is voiced is one.
    shown = [
        column
        for column, name in enumerate(feature.columns)
        if not name.endswith("defined") and not (missing and name.startswith(missing))
    ]
    percentiles = {
        column: reference.percentile(feature.name, column, float(average[column]))
        for column in shown
    }
    column = max(shown, key=lambda column: abs(percentiles[column] - 50))
    percentile, value = percentiles[column], float(average[column])
    low, high = reference.usual(feature.name, column)
    quantity, unit = _words(feature.columns[column])
    if 5 <= percentile <= 95:
        return f"{quantity} {value:.3g}{unit}, as usual for the human speech in the reference"
    side, share = ("lower", 100 - percentile) if percentile < 50 else ("higher", percentile)
    rest = f"{share:.0f} % of" if share <= 99 else "nearly all"
    return (
        f"{quantity} {value:.3g}{unit}, {side} than {rest} the human speech in the "
        f"reference (usual: {low:.3g} to {high:.3g}{unit})"
    )


_UNITS = {"hz": " Hz", "db": " dB", "s": " s", "percent": " %"}


def _words(column: str) -> tuple[str, str]:
    """A column's name as words, and its unit."""
    head, _, unit = column.rpartition("_")
    # In share_0_250_hz and syllables_per_s the last word belongs to the name.
    if head and unit in _UNITS and not re.search(r"(\d_\d+|_per)$", head):
        return head.replace("_", " "), _UNITS[unit]
    return column.replace("_", " "), ""
