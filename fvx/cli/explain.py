"""``fvx explain``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fvx.cli import choose, explain_many, habits, reliance
from fvx.cli.predict import headline

if TYPE_CHECKING:
    from fvx.explanation import Explanation

_N_FEATURES = 12


def explain(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Audio files, or folders.", metavar="FILE…")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Run to use; default newest, or shipped.")
    ] = None,
    model: Annotated[
        choose.Shipped | None, typer.Option(help="A model shipped with fvx, instead of a run.")
    ] = None,
    method: Annotated[
        Literal["lime", "shapley", "occlusion", "gradients"],
        typer.Option(help="How the score is attributed."),
    ] = "lime",
    kernel: Annotated[
        Literal["lime", "shap"], typer.Option(help="For lime: how variations are weighted.")
    ] = "lime",
    units: Annotated[
        Literal["features", "cells"], typer.Option(help="For lime: what a variation withholds.")
    ] = "features",
    n_samples: Annotated[
        int | None, typer.Option(min=1, help="Variations; default as many as make it stable.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the explanation as JSON.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the cells as a table.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write a page to read; of many files, a folder of them.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Write a picture; of many files, a folder of them.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the neighbourhood.")] = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Print how faithful and stable it is.")
    ] = False,
    overall: Annotated[
        bool, typer.Option("--global", help="Say what the model relies on over a whole store.")
    ] = False,
    store: Annotated[Path | None, typer.Option(help="For --global: default newest.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="For --global: explain only so many clips.")
    ] = None,
) -> None:
    """Say what spoke for and against a file being bona fide, and when."""
    habits.keep_to_one_thread()
    from fvx.explanation import Settings

    if overall == bool(files):
        raise typer.BadParameter("name files to explain, or --global and a store")
    run = choose.model(run, model)
    settings = Settings(method, seed, kernel, units, n_samples)
    targets = {"json": json, "csv": csv, "html": html, "png": png}
    if overall:
        reliance.show(run, store, settings, limit, targets)
    elif files and len(files) == 1 and not files[0].is_dir():
        _one(files[0], run, settings, check, targets)
    else:
        explain_many.show(files or [], run, settings, check, targets)


def _one(
    file: Path, run: Path | None, settings: Any, check: bool, targets: Mapping[str, Path | None]
) -> None:
    from fvx.detector import load_model
    from fvx.errors import FvxError
    from fvx.explain import explain as why

    detector = load_model(run)
    if run is None:
        choose.say_model(detector.run)
    ((verdict, explanation),) = why([file], detector, settings)
    if explanation is None:
        raise FvxError(str(verdict.error))
    if check:
        explanation = explanation.checked()
    # First what is asked for by name: who reads the text through `head` ends the command early.
    for path, save in _writers(explanation, targets):
        choose.write(path, save)
    typer.echo(choose.shown(f"{file}: {headline(verdict)}"))
    for warning in verdict.warnings:
        typer.echo(f"  note: {warning}")
    _show(explanation)
    if check:
        _show_check(explanation.record["faithfulness"])


def _writers(
    explanation: Explanation, targets: Mapping[str, Path | None]
) -> Iterator[tuple[Path, Callable[[Path], None]]]:
    for kind, path in targets.items():
        if path is not None:
            yield path, getattr(explanation, f"save_{kind}")


def _show(explanation: Explanation) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("speaks for", "LLR", "feature", "audible", "measured"):
        table.add_column(heading, justify="right" if heading == "LLR" else "left")
    record = explanation.record
    features = record["features"]
    for feature in features[:_N_FEATURES]:
        audible = "yes" if feature["perceptible"] else ""
        side = Text(_side(feature["contribution"]), _colour(feature["contribution"]))
        table.add_row(
            side, f"{feature['contribution']:+.3f}", feature["name"], audible, feature["summary"]
        )
    console = Console()
    console.print()
    console.print(table)
    if rest := features[_N_FEATURES:]:
        total = sum(feature["contribution"] for feature in rest)
        console.print(
            f"and {len(rest)} features of less weight, together {total:+.3f} (all: --json, --html)",
            highlight=False,
        )
    heard = record["families"]["by_ear"]
    console.print(
        f"What a person could hear {heard['perceptible']:+.3f}, what only measurement shows "
        f"{heard['imperceptible']:+.3f}; from {record['base']:+.3f} with all withheld.",
        highlight=False,
    )
    console.print("\nThe seconds that mattered:")
    for moment in record["moments"]:
        value = moment["contribution"]
        console.print(
            f"  {moment['start_s']:6.2f} to {moment['end_s']:6.2f} s  {value:+.3f}  {_side(value)}",
            highlight=False,
        )
        for reason in moment["reasons"]:
            console.print(f"      {reason['feature']}: {reason['summary']}", highlight=False)
    if record["mattered"]:
        spans = ", ".join(f"{m['start_s']:.1f} to {m['end_s']:.1f} s" for m in record["mattered"])
        console.print(f"Within them, most of what spoke for the verdict: {spans}", highlight=False)
    for one in record["inside"]:
        band = max(one["bands"], key=lambda band: abs(band["contribution"]))
        console.print(
            f"  inside {one['feature']} from {one['start_s']:.2f} s: {band['contribution']:+.3f} "
            f"in {band['first']} to {band['last']}",
            highlight=False,
        )


def _side(value: float) -> str:
    return "bona fide" if value >= 0 else "spoof"


def _colour(value: float) -> str:
    return "blue" if value >= 0 else "yellow"


def _show_check(figures: Mapping[str, float | None]) -> None:
    typer.echo("\nIs the explanation true to the model?")
    for name, value in figures.items():
        if not name.endswith("_random"):
            chance = figures.get(f"{name}_random")
            beside = "" if chance is None else f" (in random order {chance:.4g})"
            shown = "-" if value is None else f"{value:.4g}"
            typer.echo(f"  {name.replace('_', ' ')}: {shown}{beside}")
