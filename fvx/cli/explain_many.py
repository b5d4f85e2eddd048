"""``fvx explain`` for many files: a line each, and a folder of pages with an index."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from fvx.cli import choose
from fvx.cli.predict import headline

INDEX = "index.html"


def show(
    places: Sequence[Path],
    run: Path | None,
    settings: Any,
    check: bool,
    targets: Mapping[str, Path | None],
) -> None:
    """Explain every file named, and every one below a folder named; exit 1 if one fails."""
    from fvx.atomic import write_json, write_text
    from fvx.detector import load_model
    from fvx.explain import explain as why
    from fvx.explanation import cells_csv
    from fvx.report import index_page

    files = [file for place in places for file in _below(place)]
    detector = load_model(run)
    if run is None:
        choose.say_model(detector.run)
    records, entries = [], []
    for number, (verdict, explanation) in enumerate(why(files, detector, settings), start=1):
        # A number first, since files of several folders may share a name.
        name = f"{number:04d}-{re.sub(r'[^A-Za-z0-9_.-]+', '_', Path(verdict.path).stem)[:60]}"
        entry: dict[str, Any] = {**verdict.to_json(), "page": None, "features": []}
        if explanation is None:
            choose.say(f"fvx: {verdict.error}")
        else:
            explanation = explanation.checked() if check else explanation
            strongest = explanation.record["features"][0]
            line = f"{verdict.path}: {headline(verdict)}  {strongest['name']}"
            typer.echo(choose.shown(line))
            entry["features"] = explanation.record["features"]
            for kind in ("html", "png"):
                if folder := targets[kind]:
                    entry["page"] = f"{name}.html" if kind == "html" else entry["page"]
                    save = getattr(explanation, f"save_{kind}")
                    choose.write(choose.folder(folder) / f"{name}.{kind}", save, quietly=True)
        entries.append(entry)
        records.append(verdict.to_json() if explanation is None else explanation.to_json())
    for path, save in (
        (targets["html"] and targets["html"] / INDEX, lambda path: index_page(path, entries)),
        (targets["json"], lambda path: write_json(path, records)),
        (targets["csv"], lambda path: write_text(path, cells_csv(records))),
    ):
        if path:
            choose.write(path, save)
    if any(entry["error"] for entry in entries):
        raise typer.Exit(1)


def _below(place: Path) -> list[Path]:
    from fvx.datasets.listing import Listing
    from fvx.errors import DatasetError

    if not place.is_dir():
        return [place]
    found = [place / name for name in sorted(Listing(place).walk())]
    if not found:
        raise DatasetError(f"{place}: no audio in it")
    return found
