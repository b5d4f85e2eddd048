"""``fvx features``: what is installed, and what is broken."""

from __future__ import annotations

import inspect
from typing import Annotated

import typer

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
    table = Table(box=None, pad_edge=False)
    for heading in ("feature", "plugin", "kind", "columns", "audible", "hop", "what it is"):
        table.add_column(heading)
    for name, feature in registry.features.items():
        hop = "-" if feature.hop_s is None else f"{1000 * feature.hop_s:g} ms"
        audible = "yes" if feature.perceptible else ""
        table.add_row(
            name, registry.plugins[name], feature.kind, str(len(feature.columns)), audible, hop,
            feature.summary,
        )  # fmt: skip
    Console().print(table)
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
