"""Picture of what a model relies on over a corpus: importance and trust of each feature."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from fvx.atomic import replacing
from fvx.report.plots import BLACK, BLUE, GREY, ORANGE

_N_FEATURES = 25


def save_reliance(path: str | Path, record: Mapping[str, Any]) -> None:
    """Draw it, 1100 pixels wide; the file appears whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(reliance_png(record))


def reliance_png(record: Mapping[str, Any]) -> bytes:
    """The picture as PNG bytes: the 25 most important features, by class."""
    rows = record["features"][:_N_FEATURES]
    names = [row["feature"] for row in rows]
    places = np.arange(len(rows))
    figure = Figure((11.0, 1.6 + 0.3 * len(rows)), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    left.barh(places, [row["importance"] for row in rows], color=GREY, label="importance")
    left.barh(places, [row["trust"] for row in rows], height=0.4, color=BLACK, label="trust")
    left.set_yticks(places, names)
    left.invert_yaxis()
    left.axvline(0, color=BLACK, linewidth=0.8)
    left.set_xlabel("mean over clips (LLR)")
    left.legend(loc="lower right", frameon=False)
    left.set_title("How far each moves the score, and how far the right way", fontsize=11)
    for kind, colour, offset in (("bonafide", BLUE, -0.2), ("spoof", ORANGE, 0.2)):
        values = [row["mean"].get(kind, 0.0) for row in rows]
        words = "human speech" if kind == "bonafide" else "synthetic speech"
        right.barh(places + offset, values, height=0.4, color=colour, label=words)
    right.axvline(0, color=BLACK, linewidth=0.8)
    right.set_xlabel("mean contribution (LLR)\n← spoof        bona fide →")
    right.legend(loc="lower right", frameon=False)
    right.set_title("What it does to each class", fontsize=11)
    for axes in (left, right):
        for place in ("top", "right"):
            axes.spines[place].set_visible(False)
    figure.suptitle(
        f"{record['run']} over {record['store']}: {record['n_clips']} clips", parse_math=False
    )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
