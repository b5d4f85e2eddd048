"""The command line: parse, call the library, print. No science here.

One small file per command; heavy imports happen inside the commands, so that ``--help`` is
quick.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from fvx.errors import FvxError

app = typer.Typer(
    name="fvx",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,  # plain help, the same at any width and in the README
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from fvx import __version__

        typer.echo(f"fvx {__version__}")
        raise typer.Exit


@app.callback()
def _fvx(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    """Tell bona fide human speech from synthetic speech, and say why."""


from fvx.cli import (  # noqa: E402 - the commands register themselves on the app above
    choose,
    datasets,
    demo,
    doctor,
    evaluate,
    explain,
    extract,
    features,
    habits,
    plugin,
    predict,
    store,
    train,
    window,
)

app.command()(demo.demo)
app.add_typer(datasets.app, name="datasets")
app.add_typer(features.app, name="features")
app.add_typer(store.app, name="store")
app.add_typer(plugin.app, name="plugin")
app.command()(extract.extract)
app.command()(window.window)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(predict.predict)
app.command()(explain.explain)
app.command()(doctor.doctor)
habits.form((app, datasets.app, features.app, store.app, plugin.app))


def main() -> None:
    """Run the CLI; an FvxError becomes one line on stderr and exit code 1."""
    try:
        app()
    except KeyboardInterrupt:  # before a command had begun
        sys.exit(130)
    except FvxError as error:
        choose.say(f"fvx: {' '.join(str(error).split())}")
        sys.exit(1)
