"""What every command does alike: ``--quiet``, ``--verbose``, completion, an end on Ctrl-C."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from time import perf_counter
from typing import Annotated, Any

import typer

from fvx.cli import complete
from fvx.errors import FvxError

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)

_OPTIONS = {
    "quiet": (
        Annotated[
            bool, typer.Option("--quiet", "-q", help="Print results and errors, nothing else.")
        ],
        False,
    ),
    "verbose": (
        Annotated[
            bool, typer.Option("--verbose", "-v", help="Print what took how long, and tracebacks.")
        ],
        False,
    ),
}

_COMPLETED = {
    "dataset": complete.datasets,
    "features": complete.listed_features,
    "run": complete.runs,
    "store": complete.stores,
}
"""What the Tab key offers for a parameter of this name."""


def is_quiet() -> bool:
    """Whether the command that runs was given ``--quiet``."""
    return _quiet.get()


def form(apps: Iterable[typer.Typer]) -> None:
    """Give all commands of these groups the common options, completion, and an end on Ctrl-C."""
    for app in apps:
        for command in app.registered_commands:
            if command.callback is not None:
                command.callback = _formed(command.callback)


def _formed(function: Callable[..., Any]) -> Callable[..., None]:
    signature = inspect.signature(function, eval_str=True)
    again = "with --resume goes on" if "resume" in signature.parameters else "starts again"

    @functools.wraps(function)
    def command(*given: Any, quiet: bool = False, verbose: bool = False, **named: Any) -> None:
        from fvx.cli.choose import say

        if quiet and verbose:
            raise typer.BadParameter("--quiet and --verbose exclude each other")
        token, start_s = _quiet.set(quiet), perf_counter()
        try:
            function(*given, **named)
        except KeyboardInterrupt:
            say(f"fvx: stopped; no file is left half-written, the same command {again}")
            raise typer.Exit(130) from None
        except FvxError:
            if verbose:
                import traceback

                typer.echo(traceback.format_exc().rstrip(), err=True)
            raise
        finally:
            _quiet.reset(token)
            if verbose:
                say(f"{function.__name__} took {perf_counter() - start_s:.2f} s; {_versions()}")

    for name, completer in _COMPLETED.items():
        if name in signature.parameters:
            for about in getattr(signature.parameters[name].annotation, "__metadata__", ()):
                about.autocompletion = about.autocompletion or completer
    # Typer reads options off the signature.
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
        for name, (kind, default) in _OPTIONS.items()
    ]
    command.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), *added]
    )
    return command


def _versions() -> str:
    import platform

    from fvx import __version__

    return f"fvx {__version__}, Python {platform.python_version()}, {platform.platform()}"


def keep_to_one_thread() -> None:
    """Before NumPy loads: on arrays of a clip's size a second thread of BLAS only waits, busily."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
