"""``fvx features``: what is installed, what it costs, what it looks like, what is broken."""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fvx.cli import choose

if TYPE_CHECKING:
    from fvx.audio import Audio
    from fvx.feature import Feature

_WIDE, _ROOM_FOR_SOURCE = 200, 125

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Installed features and broken plugins."
)


@app.command("list")
def list_features() -> None:
    """List the installed features, and the plugins that could not be loaded."""
    from rich.console import Console
    from rich.table import Table

    from fvx.registry import discover

    registry = discover()
    # Nothing is cut where the lines go to a file or another program.
    console = Console(width=None if sys.stdout.isatty() else _WIDE)
    headings = ["feature", "plugin", "kind", "columns", "audible", "hop", "cost", "source"]
    if console.width < _ROOM_FOR_SOURCE:
        headings.remove("source")
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        right = heading in ("columns", "hop", "cost")
        table.add_column(heading, justify="right" if right else "left", no_wrap=True)
    sample = _sample()
    for name, feature in registry.features.items():
        hop = "-" if feature.hop_s is None else f"{1000 * feature.hop_s:g} ms"
        audible = "yes" if feature.perceptible else ""
        source = re.match(r"[^()]{1,40}\(\d{4}\)", feature.source)
        cells = (
            name if feature.evidence else f"{name} *",
            registry.plugins[name], feature.kind, str(len(feature.columns)), audible, hop,
            f"{_cost_ms(feature, sample):.1f} ms", source[0] if source else feature.source[:40],
        )  # fmt: skip
        table.add_row(*cells[: len(headings)])
    console.print(table)
    typer.echo(
        f"cost: of one clip of {sample.duration_s:.1f} s, by itself; features that share "
        "intermediate results cost less together"
    )
    if not all(feature.evidence for feature in registry.features.values()):
        typer.echo("* tells recordings apart and not voices: not in 'all', not trained on")
    for distribution, reason in registry.broken.items():
        typer.echo(f"broken: {distribution}: {reason}", err=True)


@app.command()
def info(name: Annotated[str, typer.Argument(help="A feature's name.")]) -> None:
    """Show what a feature measures, its columns, settings and source."""
    from fvx.registry import discover

    registry = discover()
    (feature,) = registry.select([name])
    typer.echo(
        f"{name} ({feature.kind}, plugin {registry.plugins[name]}, version {feature.version})"
    )
    typer.echo(f"columns: {', '.join(feature.columns)}")
    typer.echo(f"settings: {', '.join(f'{k}={v!r}' for k, v in feature.settings.items()) or '-'}")
    typer.echo(f"\n{inspect.cleandoc(feature.__doc__ or '')}")


@app.command()
def plot(
    name: Annotated[str, typer.Argument(help="A feature's name.")],
    files: Annotated[list[Path], typer.Argument(help="Audio files.", metavar="FILE…")],
    png: Annotated[Path | None, typer.Option(help="Picture to write; default NAME.png.")] = None,
) -> None:
    """Draw a feature of one or more files side by side."""
    from fvx.audio import Audio
    from fvx.registry import discover
    from fvx.report.feature_plot import save_feature

    (feature,) = discover().select([name])
    clips = {str(file): feature(Audio.read(file)) for file in files}
    target = png or Path(f"{name}.png")
    save_feature(target, f"{name}: {feature.summary}", feature.columns, feature.hop_s, clips)
    choose.say(f"wrote {target}")


def _sample() -> Audio:
    """A clip to time features on: the first of the embedded corpus."""
    from fvx.audio import Audio
    from fvx.datasets import open_dataset
    from fvx.registry import discover

    corpus = open_dataset("demo", discover().datasets)
    return Audio.read(corpus.audio_path(corpus.clips[0]))


def _cost_ms(feature: Feature, sample: Audio) -> float:
    """Milliseconds for one clip, nothing shared; the better of two, the first may warm caches."""
    from time import perf_counter

    from fvx.audio import Audio

    costs = []
    for _ in range(2):
        fresh = Audio(sample.samples, sample.rate_hz)
        start_s = perf_counter()
        feature(fresh)
        costs.append(1000 * (perf_counter() - start_s))
    return min(costs)
