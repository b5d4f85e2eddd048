"""``fvx explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fvx.cli import choose
from fvx.cli.predict import headline

if TYPE_CHECKING:
    from fvx.explanation import Explanation

_N_FEATURES, _N_SECONDS = 12, 5


def explain(
    file: Annotated[Path, typer.Argument(help="Audio file.", metavar="FILE")],
    run: Annotated[
        Path | None, typer.Option(help="Run to use; default newest, or shipped.")
    ] = None,
    method: Annotated[
        Literal["lime", "shapley"], typer.Option(help="How the score is attributed.")
    ] = "lime",
    json: Annotated[Path | None, typer.Option(help="Write the explanation as JSON.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to read.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write a picture.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the neighbourhood.")] = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Print how faithful and stable it is.")
    ] = False,
) -> None:
    """Say what spoke for and against a file being bona fide, and when."""
    from fvx.detector import load_model
    from fvx.explain import explain as why

    detector = load_model(run)
    if run is None:
        choose.say_model(detector.run)
    verdict, explanation = why(file, detector, method=method, seed=seed)
    typer.echo(f"{file}: {headline(verdict)}")
    for warning in verdict.warnings:
        typer.echo(f"  note: {warning}")
    _show(explanation)
    if check:
        _show_check(explanation)
    _save(explanation, json, html, png)


def _show(explanation: Explanation) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("speaks for", "LLR", "feature", "audible", "measured"):
        table.add_column(heading, justify="right" if heading == "LLR" else "left")
    features = explanation.record["features"]
    for feature in features[:_N_FEATURES]:
        value = feature["contribution"]
        side, colour = ("bona fide", "blue") if value >= 0 else ("spoof", "yellow")
        audible = "yes" if feature["perceptible"] else ""
        table.add_row(
            Text(side, colour), f"{value:+.3f}", feature["name"], audible, feature["summary"]
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
    console.print("\nThe seconds that mattered:")
    ranked = sorted(explanation.seconds(), key=lambda span: -abs(span[2]))[:_N_SECONDS]
    for start_s, end_s, value in ranked:
        side = "bona fide" if value >= 0 else "spoof"
        console.print(f"  {start_s:6.2f} to {end_s:6.2f} s  {value:+.3f}  {side}", highlight=False)


def _show_check(explanation: Explanation) -> None:
    typer.echo("\nIs the explanation true to the model?")
    for name, value in explanation.check().items():
        typer.echo(f"  {name.replace('_', ' ')}: {'-' if value is None else f'{value:.4g}'}")


def _save(explanation: Explanation, json: Path | None, html: Path | None, png: Path | None) -> None:
    from fvx.errors import FvxError

    writers = (
        (json, explanation.save_json),
        (html, explanation.save_html),
        (png, explanation.save_png),
    )
    for path, save in writers:
        if path is not None:
            try:
                save(path)
            except OSError as error:
                raise FvxError(f"{path}: cannot be written ({error.strerror or error})") from error
            choose.say(f"wrote {path}")
