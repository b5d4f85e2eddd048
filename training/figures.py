"""The figures of the protocol by folds of sources, from a table of scores.

A table of scores has a row a clip: clip, label ("bonafide" or "spoof"), source, kind,
original_rate, fold, score. The score is a natural log-likelihood ratio, higher for bona fide, by a
model that did not see the clip's source. `figures` gives all as a dict that JSON can hold, and
`markdown` lays it out. Rates and shares are fractions; what cannot be said is None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx import metrics
from fvx.errors import ScoreError

AS_IS = "as is"
COLUMNS = ("clip", "label", "source", "kind", "original_rate", "fold", "score")
MIN_CLIPS = 5  # of each class, for the rate within a source
MIN_OF_A_RATE = 25  # of each class, for that among clips of a native rate
STRONG = 2.0  # a verdict beyond it is a strong one
NOT_STATED = "not stated"
N_RESAMPLES = 1000

Floats = NDArray[np.float64]
Figures = dict[str, Any]


def figures(
    table: pd.DataFrame,
    arrivals: pd.DataFrame | None = None,
    *,
    undecided: float = 0.4,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Figures:
    """All figures of a table of scores.

    Parameters
    ----------
    table : DataFrame
        With `COLUMNS`.
    arrivals : DataFrame, optional
        Scores of clips that came another way, for `turns`.
    undecided : float
        Scores no further than this from 0 are no verdict.

    Returns
    -------
    dict
        ``n_clips``, ``n_bonafide``, ``n_spoof``, ``n_sources``, and what the functions of these
        names give: ``within_source``, ``pooled``, ``calibration``, ``by_native_rate``,
        ``by_kind``, ``by_fold``, ``by_source``, and with arrivals ``turns``.

    Raises
    ------
    ScoreError
        If a column is missing, a label is another word, a clip occurs twice, or a score is not
        finite.
    """
    check(table)
    settings = {"n_resamples": n_resamples, "seed": seed}
    found: Figures = {
        "n_clips": len(table),
        **counts(table),
        "n_sources": int(table["source"].nunique()),
        "within_source": within_source(table, **settings),
        "pooled": pooled(table, **settings),
        "calibration": calibration(table, **settings),
        "by_native_rate": by_native_rate(table),
        "by_kind": by_kind(table),
        "by_fold": by_fold(table),
        "by_source": by_source(table),
    }
    if arrivals is not None:
        found["turns"] = turns(arrivals, table, undecided=undecided)
    return found


def check(table: pd.DataFrame, columns: Iterable[str] = COLUMNS) -> None:
    """Refuse a table that figures cannot be taken from; errors as `figures`."""
    if lacking := [name for name in columns if name not in table]:
        raise ScoreError(f"no column {', '.join(lacking)} in the table of scores")
    if others := set(table["label"]) - {"bonafide", "spoof"}:
        raise ScoreError(f"labels are bonafide and spoof, got {', '.join(map(str, others))}")
    if table["clip"].duplicated().any():
        twice = table.loc[table["clip"].duplicated(), "clip"].iloc[0]
        raise ScoreError(f"{twice} is there twice")
    split(table)  # which looks at the scores


def within_source(table: pd.DataFrame, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Figures:
    """Mean equal error rate over the sources with at least five clips of each class.

    The interval redraws sources and, within each and each time it is drawn, its clips of each
    class.

    Returns
    -------
    dict
        ``eer``, ``eer_ci95``, ``n_sources``.
    """
    rates, redrawn = [], []
    for number, (_, clips) in enumerate(table.groupby("source")):
        if min(counts(clips).values()) < MIN_CLIPS:
            continue
        rates.append(metrics.eer(*split(clips))[0])
        redrawn.append(
            metrics.resampled_figures(
                *split(clips), figures=["eer"], n_resamples=n_resamples, seed=seed + number
            )["eer"]
        )
    if not rates:
        return {"eer": None, "eer_ci95": None, "n_sources": 0}
    rng = np.random.default_rng(seed)
    shape = n_resamples, len(rates)
    # One resample of a source's clips is as good as another: any, each time it is drawn.
    source, resample = rng.integers(len(rates), size=shape), rng.integers(n_resamples, size=shape)
    means = np.array(redrawn)[source, resample].mean(axis=1)
    return {
        "eer": float(np.mean(rates)),
        "eer_ci95": list(metrics.percentile_ci95(means)) if len(rates) > 1 else None,
        "n_sources": len(rates),
    }


def pooled(table: pd.DataFrame, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Figures:
    """Equal error rate among all clips; the interval redraws sources with all their clips."""
    rates = _redrawn(table, ["eer"], n_resamples, seed)
    return {"eer": eer(table), "eer_ci95": rates.get("eer")}


def calibration(table: pd.DataFrame, *, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Figures:
    """How far scores can be believed as log-likelihood ratios; intervals redraw sources.

    Returns
    -------
    dict
        ``cllr`` (bits), ``cllr_ci95``, ``cllr_min``; and of scores beyond ±2, ``n_strong`` how
        many, ``n_strong_wrong`` how many of these are of the other class, and ``strong_wrong``
        their share, ``strong_wrong_ci95``, ``strong_wrong_expected``: the share if the scores
        were calibrated. In shares each class weighs one half, however many clips it has.
    """
    bonafide, spoof = split(table)
    groups = _sources(table)
    wrong, expected = _strong_wrong(bonafide, spoof)
    interval = None
    if not math.isnan(wrong) and groups is not None:
        low, high = metrics.bootstrap_ci(
            bonafide, spoof, lambda *scores: _strong_wrong(*scores)[0], *groups, n_resamples, seed
        )
        interval = None if math.isnan(low) else [low, high]
    return {
        "cllr": metrics.cllr(bonafide, spoof),
        "cllr_ci95": _redrawn(table, ["cllr"], n_resamples, seed).get("cllr"),
        "cllr_min": metrics.cllr_min(bonafide, spoof),
        "n_strong": int((table["score"].abs() > STRONG).sum()),
        "n_strong_wrong": int((bonafide < -STRONG).sum() + (spoof > STRONG).sum()),
        "strong_wrong": _number(wrong),
        "strong_wrong_ci95": interval,
        "strong_wrong_expected": _number(expected),
    }


def _strong_wrong(bonafide: Floats, spoof: Floats) -> tuple[float, float]:
    """Share of scores beyond ±2 that are wrong, and share expected; NaN if there are none."""
    n_strong = n_wrong = n_expected = 0.0
    for right in (bonafide, -spoof):
        strong = right[np.abs(right) > STRONG]
        n_strong += len(strong) / len(right)
        n_wrong += np.count_nonzero(strong < 0) / len(right)
        n_expected += float(np.sum(1 / (1 + np.exp(np.abs(strong))))) / len(right)
    if not n_strong:
        return math.nan, math.nan
    return n_wrong / n_strong, n_expected / n_strong


def by_native_rate(table: pd.DataFrame) -> list[Figures]:
    """Errors among clips of each native rate, lowest first; clips that state none come last.

    Returns
    -------
    list of dict
        ``original_rate`` (Hz, or "not stated"), counts, ``eer`` (None with fewer than 25 clips
        of either class), ``bonafide_called_spoof`` (share of score below 0) and
        ``spoof_called_bonafide`` (above 0).
    """
    rate_hz = pd.to_numeric(table["original_rate"], errors="coerce").fillna(np.inf)
    found = []
    for hz in np.unique(rate_hz):
        clips = table[rate_hz == hz]
        n = counts(clips)
        bonafide, spoof = split(clips)
        found.append(
            {
                "original_rate": NOT_STATED if np.isinf(hz) else round(float(hz)),
                **n,
                "eer": eer(clips) if min(n.values()) >= MIN_OF_A_RATE else None,
                "bonafide_called_spoof": _mean(bonafide < 0),
                "spoof_called_bonafide": _mean(spoof > 0),
            }
        )
    return found


def by_kind(table: pd.DataFrame) -> list[Figures]:
    """Equal error rate of each kind of spoof against all bona fide clips: kind, counts, eer."""
    bonafide, _ = split(table)
    spoof = table[table["label"] == "spoof"]
    return [
        {
            "kind": str(kind),
            "n_bonafide": len(bonafide),
            "n_spoof": len(clips),
            "eer": _eer(bonafide, clips["score"].to_numpy(float)),
        }
        for kind, clips in spoof.groupby("kind")
    ]


def by_fold(table: pd.DataFrame) -> list[Figures]:
    """Equal error rate of each fold's clips: fold, counts, eer."""
    return [
        {"fold": str(fold), **counts(clips), "eer": eer(clips)}
        for fold, clips in table.groupby("fold")
    ]


def by_source(table: pd.DataFrame) -> list[Figures]:
    """Of each source: source, counts, eer where it has both classes, mean score of each class."""
    found = []
    for source, clips in table.groupby("source"):
        bonafide, spoof = split(clips)
        found.append(
            {
                "source": str(source),
                **counts(clips),
                "eer": _eer(bonafide, spoof),
                "mean_bonafide": _mean(bonafide),
                "mean_spoof": _mean(spoof),
            }
        )
    return found


def turns(arrivals: pd.DataFrame, table: pd.DataFrame, *, undecided: float = 0.4) -> list[Figures]:
    """What becomes of verdicts when clips come another way.

    A score above ``undecided`` is a verdict of bona fide, one below ``-undecided`` of spoof.

    Parameters
    ----------
    arrivals : DataFrame
        way, clip, score; the way "as is" is what others are compared with.
    table : DataFrame
        The clips and their labels.

    Returns
    -------
    list of dict
        A way each, in the order they come in: ``way``, counts, ``eer``, ``eer_as_is`` of the same
        clips; as shares of clips ``turned`` (from one verdict to the other),
        ``became_undecided`` (from a verdict to none) and ``was_undecided`` (as is, whatever it
        became); ``shift_bonafide`` and ``shift_spoof``, the mean change of score.

    Raises
    ------
    ScoreError
        If there is nothing as is, a clip is not in the table or twice in a way, or a score is
        not finite.
    """
    label = table.set_index("clip")["label"]
    if unknown := set(arrivals["clip"]) - set(label.index):
        raise ScoreError(f"{min(unknown)} came another way, and is not in the table of scores")
    labelled = arrivals.assign(label=arrivals["clip"].map(label))
    as_is = labelled[labelled["way"] == AS_IS]
    if as_is.empty:
        raise ScoreError(f'nothing to compare with: no clip came "{AS_IS}"')
    check(as_is, ("clip", "score"))
    reference = as_is.set_index("clip")["score"].astype(float)
    found = []
    for way, every in labelled[labelled["way"] != AS_IS].groupby("way", sort=False):
        check(every, ("clip", "score"))
        clips = every[every["clip"].isin(reference.index)]
        before, after = clips["clip"].map(reference).to_numpy(), clips["score"].to_numpy(float)
        was, became = (_verdict(scores, undecided) for scores in (before, after))
        bonafide = (clips["label"] == "bonafide").to_numpy()
        found.append(
            {
                "way": str(way),
                **counts(clips),
                "eer": eer(clips),
                "eer_as_is": eer(clips.assign(score=before)),
                "turned": _mean(was * became < 0),
                "became_undecided": _mean((was != 0) & (became == 0)),
                "was_undecided": _mean(was == 0),
                "shift_bonafide": _mean((after - before)[bonafide]),
                "shift_spoof": _mean((after - before)[~bonafide]),
            }
        )
    return found


def _verdict(scores: NDArray[Any], undecided: float) -> Floats:
    """1 for bona fide, -1 for spoof, 0 for none."""
    return np.where(np.abs(scores) > undecided, np.sign(scores), 0.0)


def split(clips: pd.DataFrame) -> tuple[Floats, Floats]:
    """Scores of bona fide and of spoof clips."""
    scores = clips["score"].to_numpy(float)
    if not np.isfinite(scores).all():
        raise ScoreError(
            f"the score of {clips['clip'][~np.isfinite(scores)].iloc[0]} is not finite"
        )
    bonafide = (clips["label"] == "bonafide").to_numpy()
    return scores[bonafide], scores[~bonafide]


def counts(clips: pd.DataFrame) -> dict[str, int]:
    """How many clips of each class."""
    n_bonafide = int((clips["label"] == "bonafide").sum())
    return {"n_bonafide": n_bonafide, "n_spoof": len(clips) - n_bonafide}


def eer(clips: pd.DataFrame) -> float | None:
    """Equal error rate; None without clips of both classes."""
    return _eer(*split(clips))


def _eer(bonafide: Floats, spoof: Floats) -> float | None:
    return metrics.eer(bonafide, spoof)[0] if len(bonafide) and len(spoof) else None


def _sources(table: pd.DataFrame) -> tuple[Sequence[str], Sequence[str]] | None:
    """The source of each clip, by class; None if a class has but one: nothing to redraw."""
    bonafide = table["label"] == "bonafide"
    groups = [list(table.loc[here, "source"]) for here in (bonafide, ~bonafide)]
    return (groups[0], groups[1]) if all(len(set(group)) > 1 for group in groups) else None


def _redrawn(
    table: pd.DataFrame, names: list[str], n_resamples: int, seed: int
) -> dict[str, list[float]]:
    """Intervals of figures over redrawn sources; empty if there is nothing to redraw."""
    if (groups := _sources(table)) is None:
        return {}
    drawn = metrics.resampled_figures(
        *split(table), *groups, figures=names, n_resamples=n_resamples, seed=seed
    )
    return {name: list(metrics.percentile_ci95(values)) for name, values in drawn.items()}


def _mean(values: NDArray[Any]) -> float | None:
    return float(values.mean()) if len(values) else None


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def markdown(found: Figures) -> str:
    """The figures as a page of Markdown tables."""
    within, every, trust = found["within_source"], found["pooled"], found["calibration"]
    rows = [
        (
            f"EER within a source, mean over {within['n_sources']}",
            percent(within["eer"]),
            _between(within["eer_ci95"], percent),
        ),
        ("EER pooled", percent(every["eer"]), _between(every["eer_ci95"], percent)),
        ("Cllr, bits", plain(trust["cllr"]), _between(trust["cllr_ci95"], plain)),
        ("Cllr min, bits", plain(trust["cllr_min"]), ""),
        (
            f"wrong among verdicts beyond ±{STRONG:g}, classes weighing the same",
            percent(trust["strong_wrong"]),
            _between(trust["strong_wrong_ci95"], percent),
        ),
        ("the same if scores were calibrated", percent(trust["strong_wrong_expected"]), ""),
    ]
    classes = {"n_bonafide": ("bona fide", str), "n_spoof": ("spoof", str)}
    rate = {"eer": ("EER", percent)}
    parts = [
        f"{found['n_clips']} clips of {found['n_sources']} sources: {found['n_bonafide']} bona "
        f"fide, {found['n_spoof']} spoof. {trust['n_strong_wrong']} of {trust['n_strong']} "
        f"verdicts beyond ±{STRONG:g} are wrong.",
        _grid(["figure", "", "95 % interval"], rows),
        "### By native rate",
        _laid_out(
            found["by_native_rate"],
            {"original_rate": ("rate, Hz", str), **classes, **rate}
            | {"bonafide_called_spoof": ("bona fide called spoof", percent)}
            | {"spoof_called_bonafide": ("spoof called bona fide", percent)},
        ),
        "### By kind of synthesis, against all bona fide clips",
        _laid_out(found["by_kind"], {"kind": ("kind", str), **classes, **rate}),
        "### By fold",
        _laid_out(found["by_fold"], {"fold": ("fold", str), **classes, **rate}),
    ]
    if "turns" in found:
        parts += [
            "### Coming another way",
            _laid_out(
                found["turns"],
                {"way": ("way", str), **classes, **rate}
                | {"eer_as_is": ("EER as is", percent), "turned": ("turned", percent)}
                | {"became_undecided": ("became undecided", percent)}
                | {"was_undecided": ("was undecided", percent)}
                | {"shift_bonafide": ("shift, bona fide", signed)}
                | {"shift_spoof": ("shift, spoof", signed)},
            ),
        ]
    parts += [
        "### By source",
        _laid_out(
            found["by_source"],
            {"source": ("source", str), **classes, **rate}
            | {"mean_bonafide": ("mean score, bona fide", signed)}
            | {"mean_spoof": ("mean score, spoof", signed)},
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _laid_out(rows: Sequence[Figures], columns: Mapping[str, tuple[str, Any]]) -> str:
    """A table with these columns, each a heading and what writes its values."""
    written = [[write(row[name]) for name, (_, write) in columns.items()] for row in rows]
    return _grid([heading for heading, _ in columns.values()], written)


def _grid(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---", *["--:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))


def _between(bounds: Sequence[float] | None, write: Any) -> str:
    return "–" if bounds is None else f"{write(bounds[0])} to {write(bounds[1])}"


def percent(share: float | None) -> str:
    """One decimal."""
    return "–" if share is None else f"{100 * share:.1f} %"


def plain(value: float | None) -> str:
    """Three decimals."""
    return "–" if value is None else f"{value:.3f}"


def signed(value: float | None) -> str:
    """Two decimals, and its sign."""
    return "–" if value is None else f"{value:+.2f}"
