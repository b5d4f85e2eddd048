"""Reasons: an attribution by feature, family and time, with what was measured there in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.explanation.analysis import Analysis
from fvx.explanation.gradients import inside
from fvx.explanation.placing import placed
from fvx.explanation.words import UNMEASURED, Measure, column_words, measures, summary
from fvx.model.reference import COMPANIONS
from fvx.report.course import Course
from fvx.store import FeatureRecord

_N_MOMENTS, _N_REASONS = 4, 2
_N_INSIDE = 6
_N_INSIDE_WINDOWS = 2
_N_COLUMNS = 8
_MATTERED = 0.5  # of the strongest moment
_AUDIBLE_S, _PAUSE_S = 0.4, 0.2  # the shortest piece, and the shortest pause between two


def span(window: Mapping[str, Any]) -> dict[str, float]:
    """Start and end of a window."""
    return {"start_s": window["start_s"], "end_s": window["end_s"]}


def relevance(analysis: Analysis, cells: NDArray[np.float64]) -> list[dict[str, float]]:
    """Contributions over time, side by side."""
    return [
        {"start_s": a, "end_s": b, "contribution": value} for a, b, value in placed(analysis, cells)
    ]


def mattered(
    relevance: Sequence[Mapping[str, float]], direction: float, duration_s: float
) -> list[dict[str, float]]:
    """When a clip spoke for its verdict at least half as strongly as where it did most strongly.

    ``direction`` is 1 where the verdict is bona fide and -1 where it is spoof. Each piece is long
    enough to be heard; two that are near are one.
    """
    strongest = max((direction * one["contribution"] for one in relevance), default=0.0)
    found: list[dict[str, float]] = []
    for one in relevance:
        if strongest <= 0 or direction * one["contribution"] < _MATTERED * strongest:
            continue
        lacks_s = max(0.0, _AUDIBLE_S - (one["end_s"] - one["start_s"])) / 2
        start_s = round(max(0.0, one["start_s"] - lacks_s), 6)
        end_s = round(min(duration_s, one["end_s"] + lacks_s), 6)
        if found and start_s - found[-1]["end_s"] < _PAUSE_S:
            found[-1]["end_s"] = max(found[-1]["end_s"], end_s)
        else:
            found.append({"start_s": start_s, "end_s": end_s})
    return found


def features(analysis: Analysis, cells: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Every feature with its contribution and what was measured, the weightiest first."""
    by_feature = cells.sum(axis=0)
    found = []
    for i in np.argsort(-np.abs(by_feature), kind="stable"):
        feature = analysis.features[i]
        shown = measures(feature, analysis.values[feature.name], analysis.reference())
        found.append(
            {
                "name": feature.name,
                "perceptible": feature.perceptible,
                "contribution": float(by_feature[i]),
                "summary": summary(feature, shown, analysis.reference()),
                "plugin": analysis.plugins.get(feature.name, ""),
                "description": analysis.descriptions.get(feature.name, ""),
                "kind": feature.kind,
                "version": feature.version,
                "settings": dict(feature.settings),
                "columns": [_column(one) for one in shown[:_N_COLUMNS]],
            }
        )
    return found


def _column(measure: Measure) -> dict[str, Any]:
    return {
        "name": measure.column,
        "value": measure.value,
        "z_score": measure.z_score,
        "percentile": measure.percentile,
        "usual": list(measure.usual),
    }


def families(analysis: Analysis, cells: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Contributions summed by what a person can hear, and by plugin."""
    heard = {"perceptible": 0.0, "imperceptible": 0.0}
    plugins: dict[str, float] = {}
    for feature, total in zip(analysis.features, cells.sum(axis=0), strict=True):
        heard["perceptible" if feature.perceptible else "imperceptible"] += float(total)
        plugin = analysis.plugins.get(feature.name, "")
        plugins[plugin] = plugins.get(plugin, 0.0) + float(total)
    return {"by_ear": heard, "by_plugin": plugins}


def moments(
    analysis: Analysis, cells: NDArray[np.float64], spans: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The windows that moved the score most, each with the cells that did most of it.

    Of features that have a course over time: a per-clip feature says nothing of one moment.
    """
    timed = np.array([feature.hop_s is not None for feature in analysis.features])
    totals = cells.sum(axis=1)
    what = "moments of human speech" if analysis.reference().has_windows else "human speech"
    found = []
    for w in np.argsort(-np.abs(totals), kind="stable")[:_N_MOMENTS]:
        along = np.where(timed, cells[w] * np.sign(totals[w]), 0.0)
        strongest = [f for f in np.argsort(-along, kind="stable")[:_N_REASONS] if along[f] > 0]
        reasons = []
        for f in strongest:
            shown = _window_measures(analysis, analysis.features[f], int(w))
            reasons.append(
                {
                    "feature": analysis.features[f].name,
                    "contribution": float(cells[w, f]),
                    "summary": shown[0].sentence(what) if shown else UNMEASURED,
                    "columns": [_column(one) for one in shown[:_N_COLUMNS]],
                }
            )
        found.append({**span(spans[w]), "contribution": float(totals[w]), "reasons": reasons})
    return found


def _window_measures(analysis: Analysis, feature: FeatureRecord, window: int) -> list[Measure]:
    geometry, values = analysis.scorer.card.geometry, analysis.values[feature.name]
    rows = geometry.rows(analysis.starts_s[window : window + 1], len(values), feature.hop_s)[0]
    return measures(feature, values[rows], analysis.reference(), window=True)


def bands(analysis: Analysis, cells: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Bands and times of matrix features, in the windows that moved the score most."""
    windows = np.argsort(-np.abs(cells.sum(axis=1)), kind="stable")[:_N_INSIDE_WINDOWS]
    records = {feature.name: feature for feature in analysis.features}
    found: list[dict[str, Any]] = []
    for one in inside(analysis, map(int, windows)):
        feature = records[one.feature]
        if feature.kind != "matrix":
            continue
        found.append(
            {
                "feature": one.feature,
                "start_s": float(analysis.starts_s[one.window]),
                "contribution": sum(value for _, _, value in one.bands),
                "bands": [
                    {
                        "first": feature.columns[a],
                        "last": feature.columns[b],
                        "contribution": value,
                    }
                    for a, b, value in one.bands
                ],
                "times": [
                    {"start_s": a, "end_s": b, "contribution": value} for a, b, value in one.times
                ],
            }
        )
    found.sort(key=lambda one: -abs(one["contribution"]))
    return found[:_N_INSIDE]


def course(analysis: Analysis, feature: FeatureRecord) -> Course | None:
    """The course over time of a feature's most unusual column; None if it has none."""
    values = analysis.values[feature.name]
    shown = measures(feature, values, analysis.reference())
    if feature.hop_s is None or not shown:
        return None
    column = feature.columns.index(shown[0].column)
    exists = np.ones(len(values), bool)
    for companion in COMPANIONS:
        if companion in feature.columns and companion != shown[0].column:
            exists = values[:, feature.columns.index(companion)] > 0.5
    windows = []
    for w, start_s in enumerate(analysis.starts_s):
        own = [m for m in _window_measures(analysis, feature, w) if m.column == shown[0].column]
        windows.append((float(start_s), own[0].value if own else None))
    quantity, unit = column_words(shown[0].column)
    return Course(
        quantity=quantity,
        unit=unit.strip(),
        times_s=feature.hop_s * np.arange(len(values), dtype=np.float64),
        values=np.where(exists, values[:, column], np.nan).astype(np.float64),
        windows=tuple(windows),
        window_s=analysis.scorer.card.geometry.length_s,
        usual=analysis.reference().usual(feature.name, column, window=True),
    )
