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

from fvx import notebook
from fvx.atomic import write_json, write_text
from fvx.explanation import reasons
from fvx.explanation.analysis import Analysis
from fvx.explanation.attribution import Attribution, Settings, attribute
from fvx.explanation.faithfulness import Figures, faithfulness, randomisation, seed_stability
from fvx.explanation.placing import moment_s
from fvx.explanation.words import strength
from fvx.report import explanation_page, explanation_picture

_LIBRARIES = ("fvx", "numpy", "ai-edge-litert", "lime", "soundfile", "soxr")


@dataclass(frozen=True, eq=False)
class Explanation:
    """What moved one clip's score; each number in log-likelihood-ratio units.

    Attributes
    ----------
    record : mapping
        The verdict's fields, and ``features``, ``families``, ``cells``, ``times``,
        ``relevance`` (contributions moment by moment, as the page draws them), ``mattered``
        (when it spoke for its verdict most), ``moments``, ``inside``, ``base``,
        ``faithfulness``, ``method``, ``seed``, ``settings``, ``model``, ``file``, ``versions``,
        ``command``: what ``--json`` writes.
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
        courses = {f.name: reasons.course(self._analysis, f) for f in self._analysis.features}
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
    relevance = reasons.relevance(analysis, cells)
    direction = 1.0 if analysis.score >= card.threshold else -1.0
    record = {
        **verdict,
        "strength": strength(analysis.score),
        "features": reasons.features(analysis, cells),
        "families": reasons.families(analysis, cells),
        "cells": [
            {**reasons.span(window), "feature": feature.name, "contribution": float(cells[w, f])}
            for w, window in enumerate(spans)
            for f, feature in enumerate(analysis.features)
        ],
        "times": [
            {**reasons.span(window), "contribution": float(total)}
            for window, total in zip(spans, cells.sum(axis=1), strict=True)
        ],
        "relevance": relevance,
        "mattered": reasons.mattered(relevance, direction, analysis.audio.duration_s),
        "moments": reasons.moments(analysis, cells, spans),
        "inside": reasons.bands(analysis, cells) if settings.method == "gradients" else [],
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
            "moment_s": moment_s(card.geometry.length_s),
            "development": dict(card.development),
            "n_reference_clips": analysis.reference().n_clips,
        },
        "file": _file(analysis),
        "versions": {"python": platform.python_version(), **{n: version(n) for n in _LIBRARIES}},
        "command": _command(analysis, settings),
    }
    return Explanation(record, analysis, attribution)


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
