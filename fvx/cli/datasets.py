"""``fvx datasets``: known corpora."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Known corpora.")


@app.command("list")
def list_datasets() -> None:
    """List the corpora that fvx can read by name."""
    from rich.console import Console
    from rich.table import Table

    from fvx.registry import discover

    table = Table(box=None, pad_edge=False)
    for heading in ("dataset", "bona fide", "spoof", "licence", "title"):
        table.add_column(heading, justify="right" if heading in ("bona fide", "spoof") else "left")
    for name, layout in discover().datasets.items():
        counts = (str(n or "-") for n in (layout.n_bonafide, layout.n_spoof))
        table.add_row(name, *counts, layout.licence, layout.title)
    Console().print(table)


@app.command()
def info(name: Annotated[str, typer.Argument(help="A corpus's name.")]) -> None:
    """Show where a corpus comes from, its licence, citation and traps."""
    from fvx.errors import DatasetError
    from fvx.registry import discover

    known = discover().datasets
    if name not in known:
        raise DatasetError(f"no dataset {name!r}; known: {', '.join(known) or 'none'}")
    layout = known[name]
    typer.echo(f"{name}: {layout.title}")
    typer.echo(f"folder:   datasets/{layout.folder}")
    typer.echo(f"licence:  {layout.licence}")
    typer.echo(f"citation: {layout.citation}")
    for url in layout.urls:
        typer.echo(f"from:     {url}")
    for trap in layout.traps:
        typer.echo(f"trap:     {trap}")
