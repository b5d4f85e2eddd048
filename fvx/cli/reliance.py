"""``fvx explain --global``: what a model relies on over a store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from fvx.cli import choose

_N_FEATURES, _N_GROUP = 15, 3


def show(
    run: Path | None,
    store: Path | None,
    settings: Any,
    limit: int | None,
    targets: Mapping[str, Path | None],
) -> None:
    """Print and write importance and trust by feature, class, system and speaker."""
    from fvx.atomic import write_json, write_text
    from fvx.cli.progress import clips_bar
    from fvx.detector import load_model
    from fvx.errors import FvxError
    from fvx.explanation.reliance import reliance, reliance_csv
    from fvx.model import Scorer
    from fvx.report import reliance_page, reliance_picture
    from fvx.store import Store

    place = choose.store(store)
    detector = load_model(run)
    if run is None:
        choose.say_model(detector.run)
    scorer = detector.scorer
    if not isinstance(scorer, Scorer):
        raise FvxError(f"{detector.run}: a baseline gives no reasons, only scores")
    with clips_bar("explain") as update:
        record = reliance(
            Store.open(place),
            scorer,
            settings,
            limit=limit,
            on_clip=lambda done, of: update(done, of, 0),
        )
    record["run"] = str(detector.run)
    record["note"] = _note(detector.scorer.card, record)
    _print(record)
    for path, save in (
        (targets["json"], lambda path: write_json(path, record)),
        (targets["csv"], lambda path: write_text(path, reliance_csv(record))),
        (targets["html"], lambda path: reliance_page(path, record)),
        (targets["png"], lambda path: reliance_picture(path, record)),
    ):
        if path:
            choose.write(path, save)


def _note(card: Any, record: Mapping[str, Any]) -> str:
    if record["store_dataset"] != card.dataset:
        return "The model was trained on another corpus."
    return "The model was trained on part of these clips, which flatters its trust."


def _print(record: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("feature", "audible", "importance", "trust", "right side"):
        table.add_column(heading, justify="left" if heading in ("feature", "audible") else "right")
    for row in record["features"][:_N_FEATURES]:
        table.add_row(
            row["feature"],
            "yes" if row["perceptible"] else "",
            f"{row['importance']:.3f}",
            f"{row['trust']:+.3f}",
            f"{100 * row['right']:.0f} %",
        )
    console = Console()
    console.print(f"{record['n_clips']} clips: {record['n_bonafide']} bona fide, ", end="")
    console.print(f"{record['n_spoof']} spoof\n", highlight=False)
    console.print(table)
    for by, groups in record["groups"].items():
        if not groups:
            continue
        console.print(f"\nby {by}:", highlight=False)
        for group in groups[:_N_FEATURES]:
            strongest = ", ".join(
                f"{row['feature']} {row['importance']:.2f} ({row['trust']:+.2f})"
                for row in group["features"][:_N_GROUP]
            )
            console.print(f"  {group['name']} ({group['n_clips']}): {strongest}", highlight=False)
        if len(groups) > _N_FEATURES:
            console.print(f"  and {len(groups) - _N_FEATURES} more (all: --csv, --html)")
    typer.echo(f"\n{record['note']}")
