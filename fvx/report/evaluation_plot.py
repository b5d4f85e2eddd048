"""Pictures of an evaluation beyond its curves: calibration, groups, ablation, robustness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fvx.report import plots
from fvx.report.plots import BLACK, BLUE, GREY, ORANGE
from fvx.scores import Scores

_MOST_BARS = 40
_SQUARE_IN = (8.0, 6.0)
_LINES = ((BLUE, "-"), (ORANGE, "--"), ("#009E73", "-."), ("#CC79A7", ":"), (BLACK, "-"))


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with what a reader needs beside it.

    Attributes
    ----------
    figure : Figure
    title : str
    words : str
        How to read it, in a sentence or two.
    """

    figure: Figure
    title: str
    words: str


def pictures(systems: Mapping[str, Scores], record: Mapping[str, Any]) -> dict[str, Picture]:
    """Draw whatever an evaluation has something to show of.

    Parameters
    ----------
    systems : mapping of str to Scores
        One system, or several on the same clips; all but the DET curve show the first.
    record : mapping
        What ``metrics.json`` holds.

    Returns
    -------
    dict of str to Picture
        By the name of the file, without ending.
    """
    first = next(iter(systems.values()))
    pair = first.bonafide, first.spoof
    drawn = {
        "det": Picture(
            _det(systems),
            "Detection error trade-off",
            "Misses against false alarms at every threshold, on axes on which normally "
            "distributed scores give straight lines. Nearer to the lower left is better.",
        ),
        "roc": Picture(
            plots.roc_figure(*pair),
            "Receiver operating characteristic",
            "Bona fide clips accepted against spoofs accepted. The area is the chance that a "
            "bona fide clip scores above a spoof.",
        ),
        "histogram": Picture(
            plots.histogram_figure(*pair, record["threshold"]),
            "Scores",
            "How the scores of each class are spread about the threshold.",
        ),
        "reliability": Picture(
            _reliability(record["reliability"]),
            "Reliability",
            "Where a probability is stated, how often is it so? Below the diagonal, scores "
            "claim more for bona fide than is true. Both classes weigh the same.",
        ),
        "tippett": Picture(
            _tippett(first),
            "Tippett plot",
            "Share of the clips of each class whose score is at least so high. Where a curve "
            "crosses 0 shows how much of the evidence points to the wrong class.",
        ),
    }
    systems_known = {name: one for name, one in record["by_system"].items() if name != "-"}
    if systems_known:
        drawn["systems"] = _groups("EER by system", systems_known, record["eer"])
    for column, groups in record["by"].items():
        if len(groups) > 1:
            drawn[f"by_{_plain(column)}"] = _groups(f"EER by {column}", groups, record["eer"])
    if "ablation" in record:
        drawn["ablation"] = _ablation(record["ablation"])
    if "robustness" in record:
        drawn["robustness"] = _robustness(record)
    return drawn


def _det(systems: Mapping[str, Scores]) -> Figure:
    if len(systems) == 1:
        (only,) = systems.values()
        return plots.det_figure(only.bonafide, only.spoof)
    curves = {name: (scores.bonafide, scores.spoof) for name, scores in systems.items()}
    return plots.det_overlay(curves, _LINES)


def _reliability(record: Mapping[str, Any]) -> Figure:
    figure = Figure(_SQUARE_IN)
    axes, below = figure.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=0.8, label="as stated")
    label = f"found (mean distance {record['error']:.3f})"
    axes.plot(
        record["stated"], record["found"], "o-", color=BLUE, markersize=8, linewidth=2,
        label=label, clip_on=False,
    )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(0, 1), title="Reliability")
    axes.set_ylabel("share of bona fide found")
    plots.finish(axes, "upper left")
    below.bar(record["stated"], record["n"], width=0.03, color=GREY)
    below.set_xlabel("probability of bona fide stated, at even odds")
    below.set_ylabel("clips")
    plots.finish(below, None)
    return figure


def _tippett(scores: Scores) -> Figure:
    figure = Figure(_SQUARE_IN)
    axes = figure.add_subplot()
    classes = (("bona fide", scores.bonafide, BLUE), ("spoof", scores.spoof, ORANGE))
    low, high = np.percentile(scores.values, [0.1, 99.9])
    margin = 0.05 * max(float(high - low), 1e-6)
    ends = min(float(low), 0.0) - margin, max(float(high), 0.0) + margin
    for name, values, colour in classes:
        ranked = np.sort(values)
        share = 1 - np.arange(len(ranked)) / len(ranked)
        x = np.concatenate(([ends[0]], ranked, [max(ends[1], ranked[-1])]))
        y = 100 * np.concatenate(([1.0], share, [0.0]))
        keep = plots.thinned(x, y)
        wrong = (values < 0).mean() if name == "bona fide" else (values >= 0).mean()
        label = f"{name}, {100 * wrong:.1f} % on the wrong side of 0"
        axes.step(x[keep], y[keep], where="pre", color=colour, linewidth=2, label=label)
    axes.axvline(0, 0, 0.82, color=BLACK, linestyle="--", linewidth=1.2)
    axes.set(xlim=ends, ylim=(0, 100), title="Tippett plot")
    axes.margins(y=0.2)
    axes.set_ylim(0, 124)
    axes.set_yticks(range(0, 101, 20))
    axes.set_xlabel("log-likelihood ratio (higher: bona fide)")
    axes.set_ylabel("clips of the class that score so high, %")
    plots.finish(axes, "upper right")
    return figure


def _groups(title: str, groups: Mapping[str, Mapping[str, Any]], pooled: float) -> Picture:
    ranked = sorted(groups.items(), key=lambda item: -item[1]["eer"])
    shown = ranked[:_MOST_BARS]
    figure, axes = _bars([name for name, _ in shown], [_sizes(one) for _, one in shown])
    places = np.arange(len(shown))
    rates = [100 * one["eer"] for _, one in shown]
    # A figure that is set against clips of other groups is another kind: hollow.
    own = np.array([one.get("against", "its own clips") == "its own clips" for _, one in shown])
    for mask, face, label in (
        (own, BLUE, "EER"),
        (~own, "white", "set against all of the other class"),
    ):
        if mask.any():
            axes.plot(
                np.array(rates)[mask], places[mask], "o", color=BLUE, markerfacecolor=face,
                markersize=8, label=label, zorder=4, clip_on=False,
            )  # fmt: skip
    _whiskers(axes, places, [one["eer_ci95"] for _, one in shown])
    axes.axvline(100 * pooled, color=BLACK, linestyle="--", linewidth=1.2, label="pooled")
    axes.axvline(50, color=GREY, linestyle=":", linewidth=1.2, label="chance")
    _to_percent(axes, title)
    words = "Hardest first, with 95 % intervals; the number of clips stands beside each name."
    if len(ranked) > len(shown):
        words += f" The {len(shown)} hardest of {len(ranked)}."
    return Picture(figure, title, words)


def _ablation(record: Mapping[str, Mapping[str, Any]]) -> Picture:
    names = list(record)[:_MOST_BARS]
    figure, axes = _bars(names, [""] * len(names))
    places = np.arange(len(names))
    brings = [100 * record[name]["brings"] for name in names]
    colours = [BLUE if value >= 0 else ORANGE for value in brings]
    axes.barh(places, brings, color=colours, height=0.6)
    intervals = [record[name]["brings_ci95"] for name in names]
    _whiskers(axes, places, intervals)
    axes.axvline(0, color=BLACK, linewidth=1)
    axes.set_title("What each feature brings")
    axes.set_xlabel("EER without the feature, less EER with it, in points")
    plots.finish(axes, None)
    axes.grid(axis="y", visible=False)
    return Picture(
        figure,
        "What each feature brings",
        "How much worse the error rate becomes when one feature is withheld and nothing is "
        "trained again, with 95 % intervals. An interval that reaches 0 shows nothing; a "
        "feature that others can stand in for brings little, however good it is alone.",
    )


def _robustness(record: Mapping[str, Any]) -> Picture:
    rows = record["robustness"]
    names = ["as they are", *(row["condition"] for row in rows)]
    sizes = ["", *(f"{row['n_lost']} lost" if row["n_lost"] else "" for row in rows)]
    figure, axes = _bars(names, sizes)
    places = np.arange(len(names))
    rates = [100 * record["eer"], *(100 * row["eer"] for row in rows)]
    axes.plot(rates[:1], places[:1], "o", color=BLACK, markersize=9, zorder=4)
    axes.plot(rates[1:], places[1:], "o", color=BLUE, markersize=8, zorder=4, label="EER")
    _whiskers(axes, places, [record["eer_ci95"], *(row["eer_ci95"] for row in rows)])
    axes.axvline(100 * record["eer"], color=BLACK, linestyle="--", linewidth=1.2,
                 label="as they are")  # fmt: skip
    axes.axvline(50, color=GREY, linestyle=":", linewidth=1.2, label="chance")
    _to_percent(axes, "EER under perturbation")
    return Picture(
        figure,
        "Robustness",
        "The same clips through a codec, noise, a room or a filter, measured again and scored, "
        "with 95 % intervals.",
    )


def _bars(names: Sequence[str], beside: Sequence[str]) -> tuple[Figure, Axes]:
    """Axes with a name on each line, the first on top."""
    figure = Figure((8.0, float(np.clip(1.9 + 0.34 * len(names), 3.0, 16.0))))
    axes = figure.add_subplot()
    labels = [
        f"{_short(name)}  {note}" if note else _short(name)
        for name, note in zip(names, beside, strict=True)
    ]
    axes.set_yticks(np.arange(len(names)), labels, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)
    return figure, axes


def _whiskers(axes: Axes, places: Any, intervals: Sequence[Sequence[float] | None]) -> None:
    for place, interval in zip(places, intervals, strict=True):
        if interval is not None:
            low, high = (100 * bound for bound in interval)
            axes.plot([low, high], [place, place], color=BLACK, linewidth=1.4, alpha=0.7)


def _to_percent(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_xlabel("EER, %")
    axes.set_xlim(0, max(55.0, axes.get_xlim()[1]))
    plots.finish(axes, None)
    axes.grid(axis="y", visible=False)
    axes.figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=10)


def _sizes(group: Mapping[str, Any]) -> str:
    return f"({group['n']})" if "n" in group else f"({group['n_bonafide']}+{group['n_spoof']})"


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:22]}…{name[-17:]}"


def _plain(column: str) -> str:
    """A column's name as part of the name of a file."""
    return "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in column)
