"""``fvx plugin``: a plugin to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fvx.cli import choose

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Plugins of your own.")


@app.callback()
def _plugin() -> None:
    """Plugins of your own."""  # of one command: without this it would be the group itself


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What the feature is called: breathiness.")],
    kind: Annotated[
        Literal["per_clip", "contour", "matrix"],
        typer.Option(help="One row a clip, one column over time, or many columns over time."),
    ] = "contour",
    out: Annotated[Path, typer.Option(help="Folder in which to make fvx-NAME.")] = Path(),
) -> None:
    """Write a plugin to start from, complete with its tests."""
    import shlex

    from fvx.plugin import new_plugin
    from fvx.registry import discover

    folder = new_plugin(name, kind, out, taken=discover().features)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        typer.echo(path)
    choose.say("next, in this order:")
    choose.say(f"  cd {shlex.quote(str(folder))}")
    choose.say("  pip install -e '.[test]'   # fvx features list shows it")
    choose.say("  python -m pytest           # passes as it is")
    choose.say(f"  fvx features check {name}")
    choose.say("then measure what you mean to, in the .py file")
