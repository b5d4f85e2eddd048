"""Pictures of an evaluation: ROC, DET curve and score histogram, as PNG files.

Figures are built as objects, without pyplot and its global state, so that threads may draw at
the same time and no display is looked for.
"""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from fvx import metrics
from fvx.atomic import replacing
from fvx.errors import ScoreError
from fvx.scores import Scores

# Okabe and Ito's palette: told apart under every common colour blindness.
BLUE, ORANGE, BLACK, GREY = "#0072B2", "#E69F00", "#222222", "#767676"
_DPI = 100
_TITLE_CHARACTERS = 140
_MOST_POINTS = 20_000
_SINGLE_IN, _TRIPLE_IN = (8.0, 6.0), (16.0, 5.6)
_DET_TICKS_PERCENT = (0.01, 0.1, 1, 5, 20, 50, 80, 95, 99, 99.9, 99.99)
_DET_TICKS_NARROW_PERCENT = (0.01, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60)


def save_roc(path: str | Path, bonafide: ArrayLike, spoof: ArrayLike) -> None:
    """Draw hits over false alarms, 800 × 600 pixels; `ScoreError` as `metrics.roc`."""
    save(roc_figure(bonafide, spoof), path)


def save_det(path: str | Path, bonafide: ArrayLike, spoof: ArrayLike) -> None:
    """Draw misses over false alarms on probit axes, 800 × 600 pixels.

    References
    ----------
    Martin et al. (1997), "The DET curve in assessment of detection task performance",
    Eurospeech.
    """
    save(det_figure(bonafide, spoof), path)


def save_histogram(
    path: str | Path, bonafide: ArrayLike, spoof: ArrayLike, threshold: float
) -> None:
    """Draw how the scores of each class are spread about the threshold, 800 × 600 pixels."""
    save(histogram_figure(bonafide, spoof, threshold), path)


def roc_figure(bonafide: ArrayLike, spoof: ArrayLike) -> Figure:
    """As `save_roc`, not saved yet."""
    figure = Figure(_SINGLE_IN)
    _roc(figure.add_subplot(), bonafide, spoof)
    return figure


def det_figure(bonafide: ArrayLike, spoof: ArrayLike) -> Figure:
    """As `save_det`, not saved yet."""
    figure = Figure(_SINGLE_IN)
    _det(figure.add_subplot(), {"DET": (bonafide, spoof)}, ((BLUE, "-"),))
    return figure


def det_overlay(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], lines: Sequence[tuple[str, str]]
) -> Figure:
    """DET curves of several systems on the same axes.

    Parameters
    ----------
    curves : mapping of str to pair of arrays
        Bona fide and spoof scores, by the name of the system.
    lines : sequence of (colour, line style)
        Taken in turn.
    """
    figure = Figure(_SINGLE_IN)
    _det(figure.add_subplot(), curves, lines)
    return figure


def histogram_figure(bonafide: ArrayLike, spoof: ArrayLike, threshold: float) -> Figure:
    """As `save_histogram`, not saved yet."""
    figure = Figure(_SINGLE_IN)
    _histogram(figure.add_subplot(), bonafide, spoof, threshold)
    return figure


def save_evaluation(path: str | Path, scores: Scores, record: Mapping[str, Any]) -> None:
    """Draw histogram, ROC and DET curve side by side, 1600 × 560 pixels.

    Parameters
    ----------
    record : mapping
        What `fvx.scores.summarise` returns for these scores.

    Raises
    ------
    ScoreError
        If labels are missing, a class is empty, or the file cannot be written.
    """
    figure = Figure(_TRIPLE_IN)
    panels = figure.subplots(1, 3)
    _histogram(panels[0], scores.bonafide, scores.spoof, record["threshold"])
    _roc(panels[1], scores.bonafide, scores.spoof)
    _det(panels[2], {"DET": (scores.bonafide, scores.spoof)}, ((BLUE, "-"),))
    interval = ""
    if record["eer_ci95"]:
        low, high = (100 * bound for bound in record["eer_ci95"])
        interval = f" (95 %: {low:.1f} to {high:.1f} %, {record['interval']})"
    eer = f"EER {100 * record['eer']:.1f} %{interval}"
    title = "\n".join([*textwrap.wrap(record["protocol"], _TITLE_CHARACTERS), eer])
    # A dollar sign in a corpus's name is no formula.
    figure.suptitle(title, fontsize=13, color=BLACK, parse_math=False)
    save(figure, path)


def _roc(axes: Axes, bonafide: ArrayLike, spoof: ArrayLike) -> None:
    false_alarms, hits, _ = metrics.roc(bonafide, spoof)
    rate, _ = metrics.eer(bonafide, spoof)
    area = metrics.auc(bonafide, spoof)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1.2, label="chance")
    axes.plot([0, 1], [1, 0], color=GREY, linestyle="--", linewidth=0.8, label="equal errors")
    keep = thinned(false_alarms, hits)
    axes.plot(
        false_alarms[keep], hits[keep], color=BLUE, linewidth=2, label=f"ROC, area {area:.3f}",
        clip_on=False,
    )  # fmt: skip
    _mark(axes, rate, 1 - rate, rate)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", title="Receiver operating characteristic")
    axes.set_xlabel("false alarm rate (spoof accepted)")
    axes.set_ylabel("hit rate (bona fide accepted)")
    finish(axes, "lower right")


def _det(
    axes: Axes,
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    lines: Sequence[tuple[str, str]],
) -> None:
    rates = {name: metrics.eer(*scores)[0] for name, scores in curves.items()}
    n_most = max(np.size(scores) for pair in curves.values() for scores in pair)
    # Rates of 0 and 1 lie at infinity: the axes end below what this many clips can show.
    low = float(np.clip(0.5 / n_most, 1e-4, 0.005))
    is_narrow = max(rates.values()) < 0.4
    high = 0.6 if is_narrow else 1 - low
    ends = _probit(np.array([low, high]))
    axes.plot(ends, ends, color=GREY, linestyle="--", linewidth=0.8, label="equal errors")
    for (name, scores), (colour, style) in zip(
        curves.items(), itertools.cycle(lines), strict=False
    ):
        false_alarms, hits, _ = metrics.roc(*scores)
        x, y = _probit(false_alarms), _probit(1 - hits)
        keep = thinned(x, y)
        label = name if len(curves) == 1 else f"{name}, EER {100 * rates[name]:.2f} %"
        axes.plot(x[keep], y[keep], color=colour, linestyle=style, linewidth=2, label=label)
    if len(curves) == 1:
        (rate,) = rates.values()
        place = float(_probit(np.clip([rate], low, high))[0])
        _mark(axes, place, place, rate)
        if rate < low:
            text = "too few errors: the curve lies below these axes"
            axes.text(
                0.5, 0.5, text, transform=axes.transAxes, ha="center", fontsize=11, color=BLACK
            )
    percents = _DET_TICKS_NARROW_PERCENT if is_narrow else _DET_TICKS_PERCENT
    ticks = [percent for percent in percents if low <= percent / 100 <= high]
    places = _probit(np.array(ticks) / 100)
    names = [f"{percent:g}" for percent in ticks]
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.set(xlim=ends, ylim=ends, aspect="equal", title="Detection error trade-off")
    axes.set_xlabel("false alarm rate (spoof accepted), %")
    axes.set_ylabel("miss rate (bona fide rejected), %")
    finish(axes, "upper right")


def _histogram(axes: Axes, bonafide: ArrayLike, spoof: ArrayLike, threshold: float) -> None:
    counts = metrics.confusion(bonafide, spoof, threshold)
    classes = (
        (np.asarray(spoof, np.float64), "spoof", ORANGE, f"{counts.fp} accepted"),
        (np.asarray(bonafide, np.float64), "bona fide", BLUE, f"{counts.fn} rejected"),
    )
    pooled = np.concatenate([scores for scores, *_ in classes])
    n_bins = int(np.clip(np.sqrt(len(pooled)), 10, 50))
    bins = np.histogram_bin_edges(pooled, n_bins)
    for scores, name, colour, errors in classes:
        weights = np.full(len(scores), 100 / len(scores))
        label = f"{name}, {len(scores)} clips, {errors}"
        axes.hist(scores, bins.tolist(), weights=weights, color=colour, alpha=0.45, label=label)
        axes.hist(
            scores, bins.tolist(), weights=weights, color=colour, histtype="step", linewidth=2
        )
    label = f"threshold {threshold:.2f}"
    axes.axvline(threshold, 0, 0.77, color=BLACK, linestyle="--", linewidth=1.4, label=label)
    axes.set_title("Scores")
    axes.set_xlabel("score (higher: bona fide)")
    axes.set_ylabel("clips of the class, %")
    axes.margins(y=0.34)  # room for the legend
    finish(axes, "upper left")


def _mark(axes: Axes, x: float, y: float, rate: float) -> None:
    """Put a dot at the equal error rate, and the figure into the legend."""
    label = f"EER {100 * rate:.2f} %"
    axes.plot(
        [x], [y], "o", color=ORANGE, markeredgecolor=BLACK, markersize=9, label=label,
        clip_on=False, zorder=5,
    )  # fmt: skip


def finish(axes: Axes, legend: Literal["lower right", "upper right", "upper left"] | None) -> None:
    """Give axes the house's grid, sizes and legend."""
    axes.grid(color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.title.set_fontsize(14)
    axes.xaxis.label.set_fontsize(12)
    axes.yaxis.label.set_fontsize(12)
    axes.tick_params(labelsize=11)
    if legend is not None:
        shown = axes.legend(loc=legend, fontsize=11, framealpha=0.9)
        for text in shown.get_texts():
            text.set_parse_math(False)


def thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_] | slice:
    """Which points of a monotone curve suffice to draw it: a million would take seconds."""
    if len(x) <= _MOST_POINTS:
        return slice(None)
    kept = np.zeros(len(x), bool)
    for values in (x, y):
        finite = np.clip(values, *np.percentile(values, [0.01, 99.99]))
        span = max(float(np.ptp(finite)), 1e-12)
        cells = ((finite - finite.min()) / span * _MOST_POINTS / 2).astype(np.int64)
        kept[np.flatnonzero(np.diff(cells, prepend=cells[0] - 1))] = True
    kept[[0, -1]] = True
    return kept


def _probit(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal deviate of each rate, those of 0 and 1 far outside any axis."""
    deviates: NDArray[np.float64] = ndtri(np.clip(rates, 1e-9, 1 - 1e-9))
    return deviates


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as a PNG file; `ScoreError` if it cannot be written."""
    figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.12)
    FigureCanvasAgg(figure)
    try:
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=_DPI, facecolor="white")
    except OSError as error:
        raise ScoreError(f"{path}: cannot be written ({error.strerror})") from error
