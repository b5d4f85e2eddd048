"""Objects as a notebook shows them: small tables in HTML, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_N_FEATURES, _N_CLIPS = 12, 10
_BAR_PX = 120
_BLUE, _YELLOW = "#4477aa", "#ccaa33"  # told apart also by those who see few colours
_CELL = "padding:1px 8px;text-align:left"


def verdict_html(record: Mapping[str, Any]) -> str:
    """Verdict of one file; ``record`` is what ``Verdict.to_json`` gives."""
    title = f"<b>{_text(record['path'])}</b>"
    if record["error"] is not None:
        return f"<div>{title}: {_text(record['error'])}</div>"
    words = (
        f"{_text(record['verdict'])}, score {record['score']:+.2f} (higher means bona fide), "
        f"probability of a spoof {100 * record['p_spoof']:.0f} %"
    )
    notes = "".join(f"<br><i>note: {_text(note)}</i>" for note in record["warnings"])
    return f"<div>{title}: {words}{notes}</div>"


def explanation_html(record: Mapping[str, Any]) -> str:
    """Verdict, and the features that moved it most; ``record`` is an explanation's."""
    features = record["features"]
    largest = max((abs(one["contribution"]) for one in features), default=0.0) or 1.0
    rows = []
    for one in features[:_N_FEATURES]:
        value = one["contribution"]
        side, colour = ("bona fide", _BLUE) if value >= 0 else ("spoof", _YELLOW)
        width_px = round(_BAR_PX * abs(value) / largest)
        bar = (
            f'<span style="display:inline-block;height:0.7em;width:{width_px}px;'
            f'background:{colour}"></span>'
        )
        audible = "yes" if one["perceptible"] else ""
        cells = (side, f"{value:+.3f}", one["name"], audible, one["summary"])
        rows.append([*map(_text, cells), bar])
    headings = ("speaks for", "LLR", "feature", "audible", "measured", "")
    rest = len(features) - _N_FEATURES
    foot = f"<div>and {rest} features of less weight</div>" if rest > 0 else ""
    return f"{verdict_html(record)}{_table(headings, rows)}{foot}"


def scores_html(
    n_clips: int, columns: Mapping[str, Sequence[object]], n_shown: int = _N_CLIPS
) -> str:
    """The first rows of columns of clips, and how many there are."""
    rows = [
        [_text(f"{one:+.4f}" if isinstance(one, float) else str(one)) for one in row]
        for row in zip(*(column[:n_shown] for column in columns.values()), strict=True)
    ]
    foot = f"<div>{n_clips} clips; a higher score means bona fide</div>"
    return f"{_table(columns, rows)}{foot}"


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f'<th style="{_CELL}">{_text(word)}</th>' for word in headings)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(words: str) -> str:
    """Words of others, names of files for instance, as text and nothing else."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
    return escape(shown)
