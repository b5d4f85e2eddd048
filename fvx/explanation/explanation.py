"""Explanation: attributions put into words, with what they rest on."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import platform
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx import notebook
from fvx.atomic import write_json, write_text
from fvx.explanation.analysis import Analysis
from fvx.explanation.attribution import Attribution, Settings, attribute
from fvx.explanation.faithfulness import Figures, faithfulness, randomisation, seed_stability
from fvx.explanation.gradients import inside
from fvx.explanation.localisation import slots
from fvx.explanation.words import UNMEASURED, Measure, column_words, measures, strength
from fvx.report import explanation_page, explanation_picture
from fvx.report.course import Course
from fvx.store import FeatureRecord

_N_MOMENTS, _N_REASONS = 4, 2
_N_INSIDE = 6
_N_INSIDE_WINDOWS = 2
_N_COLUMNS = 8
_LIBRARIES = ("fvx", "numpy", "ai-edge-litert", "lime", "soundfile", "soxr")


@dataclass(frozen=True, eq=False)
class Explanation:
    """What moved one clip's score; each number in log-likelihood-ratio units.

    Attributes
    ----------
    record : mapping
        The verdict's fields, and ``features``, ``families``, ``cells``, ``times``,
        ``moments``, ``inside``, ``base``, ``faithfulness``, ``method``, ``seed``,
        ``settings``, ``model``, ``file``, ``versions``, ``command``: what ``--json`` writes.
    """

    record: Mapping[str, Any]
    _analysis: Analysis
    _attribution: Attribution

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``."""
        return dict(self.record)

    def _repr_html_(self) -> str:
        return notebook.explanation_html(self.record)

    def check(self) -> Figures:
        """Faithfulness with the slower figures: agreement over seeds, a randomised model."""
        settings = Settings(**self.record["settings"])
        game = self._analysis.game
        return {
            **self.record["faithfulness"],
            **seed_stability(game, settings),
            **randomisation(game, self._attribution, settings),
        }

    def checked(self) -> Explanation:
        """The same explanation with the figures of `check` in its record."""
        record = {**self.record, "faithfulness": self.check()}
        return dataclasses.replace(self, record=record)

    def seconds(self) -> list[tuple[float, float, float]]:
        """(start, end, contribution) of each window, summed over features, in time order."""
        return [(t["start_s"], t["end_s"], t["contribution"]) for t in self.record["times"]]

    def save_json(self, path: str | Path) -> None:
        """Write the record."""
        write_json(path, self.record)

    def save_csv(self, path: str | Path) -> None:
        """Write the cells as a table: file, feature, start_s, end_s, contribution."""
        write_text(path, cells_csv([self.record]))

    def save_png(self, path: str | Path) -> None:
        """Draw waveform, cells and features as one picture."""
        explanation_picture(path, self.record, self._analysis.audio)

    def save_html(self, path: str | Path) -> None:
        """Write a self-contained page that opens offline."""
        courses = {f.name: course(self._analysis, f) for f in self._analysis.features}
        explanation_page(path, self.record, self._analysis.audio, courses)


def cells_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """Cells of one or several explanations as CSV, one row a cell."""
    table = io.StringIO()
    columns = ("feature", "start_s", "end_s", "contribution")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("path", *columns))
    for record in records:
        cells = record.get("cells", ())  # none of a file that could not be read
        writer.writerows((record["path"], *map(cell.get, columns)) for cell in cells)
    # The name of a file need not be UTF-8.
    return table.getvalue().encode("utf-8", "backslashreplace").decode()


def explain_analysis(
    analysis: Analysis, verdict: Mapping[str, Any], settings: Settings
) -> Explanation:
    """Attribute the clip's score and put the result into words."""
    attribution = attribute(analysis.game, settings)
    cells, spans = attribution.cells, verdict["windows"]
    card = analysis.scorer.card
    record = {
        **verdict,
        "strength": strength(analysis.score),
        "features": _features(analysis, cells),
        "families": _families(analysis, cells),
        "cells": [
            {**_span(window), "feature": feature.name, "contribution": float(cells[w, f])}
            for w, window in enumerate(spans)
            for f, feature in enumerate(analysis.features)
        ],
        "times": [
            {**_span(window), "contribution": float(total)}
            for window, total in zip(spans, cells.sum(axis=1), strict=True)
        ],
        "relevance": _relevance(spans, cells.sum(axis=1)),
        "moments": _moments(analysis, cells, spans),
        "inside": _inside(analysis, cells) if settings.method == "gradients" else [],
        "base": attribution.base,
        "faithfulness": faithfulness(analysis.game, attribution, settings.seed, card.threshold),
        "method": settings.method,
        "seed": settings.seed,
        "settings": dataclasses.asdict(settings),
        "polarity": card.polarity,
        "threshold": card.threshold,
        "undecided": card.undecided,
        "model": {
            "run": str(analysis.run),
            "dataset": card.dataset,
            "protocol": card.protocol_sentence,
            "words": card.words,
            "fvx_version": card.fvx_version,
            "checksums": dict(card.checksums),
            "window_s": card.geometry.length_s,
            "hop_s": card.geometry.hop_s,
            "development": dict(card.development),
            "n_reference_clips": analysis.reference().n_clips,
        },
        "file": _file(analysis),
        "versions": {"python": platform.python_version(), **{n: version(n) for n in _LIBRARIES}},
        "command": _command(analysis, settings),
    }
    return Explanation(record, analysis, attribution)


def _span(window: Mapping[str, Any]) -> dict[str, float]:
    return {"start_s": window["start_s"], "end_s": window["end_s"]}


def _relevance(
    spans: Sequence[Mapping[str, Any]], totals: NDArray[np.float64]
) -> list[dict[str, float]]:
    """Contributions of windows laid out side by side."""
    bounds = [(window["start_s"], window["end_s"]) for window in spans]
    laid = slots([(a, b, float(one)) for (a, b), one in zip(bounds, totals, strict=True)])
    return [{"start_s": a, "end_s": b, "contribution": value} for a, b, value in laid]


def _features(analysis: Analysis, cells: NDArray[np.float64]) -> list[dict[str, Any]]:
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
                "summary": shown[0].sentence() if shown else UNMEASURED,
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


def _families(analysis: Analysis, cells: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Contributions summed by what a person can hear, and by plugin."""
    heard = {"perceptible": 0.0, "imperceptible": 0.0}
    plugins: dict[str, float] = {}
    for feature, total in zip(analysis.features, cells.sum(axis=0), strict=True):
        heard["perceptible" if feature.perceptible else "imperceptible"] += float(total)
        plugin = analysis.plugins.get(feature.name, "")
        plugins[plugin] = plugins.get(plugin, 0.0) + float(total)
    return {"by_ear": heard, "by_plugin": plugins}


def _moments(
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
        found.append({**_span(spans[w]), "contribution": float(totals[w]), "reasons": reasons})
    return found


def _window_measures(analysis: Analysis, feature: FeatureRecord, window: int) -> list[Measure]:
    geometry, values = analysis.scorer.card.geometry, analysis.values[feature.name]
    rows = geometry.rows(analysis.starts_s[window : window + 1], len(values), feature.hop_s)[0]
    return measures(feature, values[rows], analysis.reference(), window=True)


def _inside(analysis: Analysis, cells: NDArray[np.float64]) -> list[dict[str, Any]]:
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
    for companion in ("voiced", "defined"):
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


def _file(analysis: Analysis) -> dict[str, Any]:
    """Which bytes were judged, so that another examiner can be sure to have the same."""
    content = Path(analysis.path).read_bytes()
    return {
        "sha256": hashlib.sha256(content).hexdigest(),
        "n_bytes": len(content),
        "rate_hz": analysis.audio.original_rate_hz,
        "analysis_rate_hz": analysis.audio.rate_hz,
    }


def _command(analysis: Analysis, settings: Settings) -> str:
    words = ["fvx", "explain", analysis.path, "--run", str(analysis.run)]
    for option in dataclasses.fields(settings):
        value = getattr(settings, option.name)
        if value is not None:
            words += [f"--{option.name.replace('_', '-')}", str(value)]
    return shlex.join(words)
