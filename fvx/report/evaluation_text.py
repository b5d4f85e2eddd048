"""Tables of an evaluation: rows that the terminal, the Markdown file and the page share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

UNDEFINED = "–"


@dataclass(frozen=True)
class Table:
    """A table in words.

    Attributes
    ----------
    title : str
    head : tuple of str
    rows : tuple of tuple of str
        The first column is a name; the others are figures.
    note : str
        What a reader should know of it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def title(record: Mapping[str, Any]) -> str:
    """What is judged, by name."""
    return f"Evaluation of {' and '.join(record.get('runs', [record['name']]))}"


def main_table(record: Mapping[str, Any]) -> Table:
    """The pooled figures with their intervals, the protocol in the title."""
    counts = record["confusion"]
    rows = [
        ("EER", _percent(record["eer"]), _percents(record["eer_ci95"])),
        ("EER, ASVspoof convention", _percent(record["eer_asvspoof"]), ""),
        ("EER, convex hull", _percent(record["eer_hull"]), ""),
    ]
    if _has_sources(record):
        one = record["within"]
        name = f"EER within {one['column']}, mean of {one['n_sources']}"
        rows.append((name, _percent(one["eer"]), _percents(one["eer_ci95"])))
    if "windows" in record:
        one = record["windows"]
        rows.append(("EER of windows", _percent(one["eer"]), _percents(one["eer_ci95"])))
    rows += [
        ("AUC", *_plain(record, "auc")),
        ("TPR at FPR 1 %", *_rate(record, "tpr_at_fpr_1pct")),
        ("TPR at FPR 0.1 %", *_rate(record, "tpr_at_fpr_0.1pct")),
        ("min DCF", *_plain(record, "min_dcf")),
        ("actual DCF", *_plain(record, "act_dcf")),
        ("Cllr", *_plain(record, "cllr")),
        ("Cllr min", f"{record['cllr_min']:.3f}", ""),
        ("calibration loss", f"{record['calibration_loss']:.3f}", ""),
        ("Brier score", *_plain(record, "brier")),
        ("accuracy", *_rate(record, "accuracy")),
        ("balanced accuracy", *_rate(record, "balanced_accuracy")),
        ("F1, bona fide", *_plain(record, "f1")),
    ]
    if "tandem" in record:
        one = record["tandem"]
        rows += [
            ("min t-DCF (2021)", f"{one['min_tdcf']:.4f}", ""),
            ("min t-DCF (2019)", f"{one['min_tdcf_2019']:.4f}", ""),
            ("a-DCF of the verification alone", f"{one['asv_adcf_alone']:.4f}", ""),
        ]
    note = (
        f"{record['n_bonafide']} bona fide, {record['n_spoof']} spoof. Intervals: "
        f"{record['interval']}. Threshold {record['threshold']:+.3f}, from "
        f"{record['threshold_from']}: bona fide {counts['tp']} accepted, {counts['fn']} rejected; "
        f"spoof {counts['tn']} rejected, {counts['fp']} accepted. DCF: prior of a spoof 0.05, a "
        "miss costs 1, a false alarm 10. Cllr, actual DCF and Brier score read the scores as "
        "natural log-likelihood ratios."
    )
    return Table(record["protocol"], ("figure", "value", "95 % interval"), tuple(rows), note)


def comparison(record: Mapping[str, Any]) -> list[Table]:
    """Several systems side by side, and whether they differ; none for a single one."""
    return list(_comparison(record)) if "comparison" in record else []


def tables(record: Mapping[str, Any]) -> Iterator[Table]:
    """All other tables: ablation, robustness, groups."""
    if _has_sources(record):
        yield _within(record)
    if "ablation" in record:
        yield _ablation(record["ablation"])
    if "robustness" in record:
        yield _robustness(record["robustness"])
    if set(record["by_system"]) - {"-"}:
        yield Table(
            "By system",
            ("system", "clips", "EER, %", "95 % interval", "mean score"),
            tuple(
                (
                    name, str(one["n"]), _number(one["eer"]), _numbers(one["eer_ci95"]),
                    f"{one['mean_score']:+.2f}",
                )
                for name, one in _hardest(record["by_system"])
            ),
            "Each against all bona fide clips; hardest first.",
        )  # fmt: skip
    for column, groups in record["by"].items():
        yield _groups(f"By {column}", column, groups)
    if record["by_speaker"]:
        yield _speakers(record["by_speaker"])


def markdown(record: Mapping[str, Any]) -> str:
    """All tables as one Markdown file."""
    shown = [*comparison(record), main_table(record), *tables(record)]
    parts = [f"# {_cell(title(record))}", *map(_as_markdown, shown)]
    return "\n\n".join(parts) + "\n"


def _as_markdown(table: Table) -> str:
    lines = [f"## {_cell(table.title)}", ""]
    lines.append("| " + " | ".join(map(_cell, table.head)) + " |")
    lines.append("|---|" + "---:|" * (len(table.head) - 1))
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in table.rows]
    if table.note:
        lines += ["", _cell(table.note)]
    return "\n".join(lines)


def _cell(text: str) -> str:
    # A name from outside is neither a column nor markup.
    return "".join(f"\\{sign}" if sign in "\\|*_`<>[]#" else sign for sign in text)


def _comparison(record: Mapping[str, Any]) -> Iterator[Table]:
    yield Table(
        "Side by side",
        ("system", "EER, %", "95 % interval", "AUC", "min DCF", "Cllr", "accuracy, %"),
        tuple(
            (
                name, _number(one["eer"]), _numbers(one["eer_ci95"]), f"{one['auc']:.3f}",
                f"{one['min_dcf']:.3f}", f"{one['cllr']:.3f}", _number(one["accuracy"]),
            )
            for name, one in record["runs"].items()
        ),
        f"The same clips for all: {record['protocol']}. All further figures are of "
        f"{record['name']}.",
    )  # fmt: skip
    yield Table(
        "Is the difference more than chance?",
        ("pair", "EER, points", "95 % interval", "p", "only first right", "only second right",
         "McNemar p"),
        tuple(
            (
                f"{one['second']} less {one['first']}",
                _signed(one["eer_difference"]), _numbers(one["eer_difference_ci95"], sign=True),
                _p(one["p_value"]), str(one["only_first_right"]), str(one["only_second_right"]),
                _p(one["mcnemar_p"]),
            )
            for one in record["comparison"]
        ),
        "Interval and p over the same redrawn speakers or clips for both; McNemar's test counts "
        "decisions, clip by clip. Neither allows for several comparisons.",
    )  # fmt: skip


def _has_sources(record: Mapping[str, Any]) -> bool:
    """Whether some source has clips enough of both classes."""
    return "within" in record and record["within"]["n_sources"] > 0


def _within(record: Mapping[str, Any]) -> Table:
    one, groups = record["within"], record["by_source"]
    least = one["min_clips_of_each_class"]
    counted = {
        name: group
        for name, group in groups.items()
        if min(group["n_bonafide"], group["n_spoof"]) >= least
    }
    table = _groups(f"Within {one['column']}", one["column"], counted)
    note = (
        f"Mean {_percent(one['eer'])} ({_percents(one['eer_ci95']) or 'no interval'}) over "
        f"{one['n_sources']} of {one['n_sources_all']}, those with {least} clips of each class "
        f"or more. Both classes share the {one['column']} there, so that it cannot give them away. "
        f"Interval: {one['interval']}."
    )
    return Table(table.title, table.head, table.rows, note)


def _groups(title: str, column: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = tuple(
        (
            name, str(one["n_bonafide"]), str(one["n_spoof"]),
            _number(one["eer"]) + ("" if one["against"] == "its own clips" else "*"),
            _numbers(one["eer_ci95"]), f"{one['auc']:.3f}",
        )
        for name, one in _hardest(groups)
    )  # fmt: skip
    starred = any(one["against"] != "its own clips" for one in groups.values())
    note = "* clips of one class only, set against all clips of the other." if starred else ""
    head = (column, "bona fide", "spoof", "EER, %", "95 % interval", "AUC")
    return Table(title, head, rows, note)


def _speakers(groups: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = tuple(
        (
            name, str(one["n_bonafide"]), str(one["n_spoof"]), _number(one["eer"]),
            UNDEFINED if one["mean_score"] is None else f"{one['mean_score']:+.2f}",
        )
        for name, one in groups.items()
    )  # fmt: skip
    head = ("speaker", "bona fide", "spoof", "EER, %", "mean score")
    return Table("By speaker", head, rows, "An EER where a speaker has clips of both classes.")


def _ablation(record: Mapping[str, Mapping[str, Any]]) -> Table:
    rows = tuple(
        (
            name, _signed(one["brings"]), _numbers(one["brings_ci95"], sign=True),
            _p(one["p_value"]), _number(one["eer_without"]), f"{one['cllr_brings']:+.3f}",
            _number(one["eer_alone"]),
        )
        for name, one in record.items()
    )  # fmt: skip
    return Table(
        "What each feature brings",
        ("feature", "EER, points", "95 % interval", "p", "EER without, %", "Cllr, bits",
         "EER alone, %"),
        rows,
        "Each feature withheld in turn, nothing trained again; positive where it helps. Alone: all "
        "others withheld. The p values do not allow for how many features there are.",
    )  # fmt: skip


def _robustness(rows: Sequence[Mapping[str, Any]]) -> Table:
    lost = [f"{row['condition']}: {row['lost'][0]}" for row in rows if row["n_lost"]]
    note = "Difference from the very same clips as they are."
    if lost:
        note += f" Clips that could not be scored any more are left out ({'; '.join(lost)})."
    return Table(
        "Robustness",
        ("condition", "EER, %", "95 % interval", "difference, points", "95 % interval", "p",
         "score of bona fide", "score of spoof", "lost"),
        tuple(
            (
                row["condition"], _number(row["eer"]), _numbers(row["eer_ci95"]),
                _signed(row["difference"]), _numbers(row["difference_ci95"], sign=True),
                _p(row["p_value"]), f"{row['mean_change_bonafide']:+.2f}",
                f"{row['mean_change_spoof']:+.2f}", str(row["n_lost"]),
            )
            for row in rows
        ),
        note,
    )  # fmt: skip


def _hardest(groups: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(groups.items(), key=lambda item: -item[1]["eer"])


def _plain(record: Mapping[str, Any], name: str) -> tuple[str, str]:
    interval = record["ci95"] and record["ci95"][name]
    words = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
    return f"{record[name]:.3f}", words


def _rate(record: Mapping[str, Any], name: str) -> tuple[str, str]:
    return _percent(record[name]), _percents(record["ci95"] and record["ci95"][name])


def _percent(rate: float | None) -> str:
    return UNDEFINED if rate is None else f"{100 * rate:.2f} %"


def _percents(interval: Sequence[float] | None) -> str:
    return f"{_numbers(interval)} %" if interval else ""


def _number(rate: float | None) -> str:
    return UNDEFINED if rate is None else f"{100 * rate:.2f}"


def _numbers(interval: Sequence[float] | None, *, sign: bool = False) -> str:
    if not interval:
        return UNDEFINED if interval is None and sign else ""
    low, high = (100 * bound for bound in interval)
    return f"{low:+.2f} to {high:+.2f}" if sign else f"{low:.2f} to {high:.2f}"


def _signed(rate: float) -> str:
    return f"{100 * rate:+.2f}"


def _p(value: float | None) -> str:
    if value is None:
        return UNDEFINED
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
