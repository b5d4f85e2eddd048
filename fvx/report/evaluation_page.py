"""The page of an evaluation: every table and picture in one self-contained HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from fvx import __version__
from fvx.atomic import write_text
from fvx.report.evaluation_plot import Picture
from fvx.report.evaluation_text import comparison, main_table, tables, title

_TEMPLATE = "evaluation.html"
# What a reader wants first; the rest, some of it tall, follows in the order it was drawn.
_FIRST = ("robustness", "by_source", "det", "histogram", "reliability", "tippett", "roc")
_LONG_ROWS = 12


def save_evaluation_page(
    path: Path, record: Mapping[str, Any], pictures: Mapping[str, Picture], folder: Path
) -> None:
    """Write the page; every name from outside is escaped.

    Parameters
    ----------
    record : mapping
        What ``metrics.json`` holds.
    pictures : mapping of str to Picture
        By name of their files, which lie in ``folder`` already.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    order = sorted(pictures, key=lambda name: _FIRST.index(name) if name in _FIRST else 99)
    shown = [
        {
            "title": pictures[name].title,
            "words": pictures[name].words,
            "data": base64.b64encode((folder / f"{name}.png").read_bytes()).decode(),
        }
        for name in order
    ]
    page = environment.get_template(_TEMPLATE).render(
        record=record,
        title=title(record),
        comparison=comparison(record),
        main=main_table(record),
        tables=list(tables(record)),
        pictures=shown,
        headline=_headline(record),
        long_rows=_LONG_ROWS,
        version=__version__,
    )
    write_text(path, page)


def _headline(record: Mapping[str, Any]) -> list[dict[str, str]]:
    """The few figures that stand large on top."""
    main = {row[0]: row for row in main_table(record).rows}
    within = next((name for name in main if name.startswith("EER within")), "")
    wanted = {"EER": "EER, pooled", within: "EER within a source", "AUC": "AUC", "Cllr": "Cllr"}
    return [
        {"name": words, "value": main[name][1], "interval": main[name][2]}
        for name, words in wanted.items()
        if name in main
    ]
