"""Names of files from the command line and, where one of them is ``-``, from stdin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import typer

from fvx.cli import choose

_STDIN = Path("-")


def files(given: Iterable[Path], *, null: bool = False) -> Iterator[Path]:
    """Yield the names in order; those of stdin as they come, one a line.

    Parameters
    ----------
    null : bool
        A null ends each name of stdin instead, as ``find -print0`` writes them: names may then
        hold newlines.
    """
    given = list(given)
    if given.count(_STDIN) > 1:
        raise typer.BadParameter("- can be given once only: stdin is read once")
    if null and _STDIN not in given:
        raise typer.BadParameter("--null is for names from stdin, which - stands for")
    return _named(given, null)


def _named(given: list[Path], null: bool) -> Iterator[Path]:
    for path in given:
        if path == _STDIN:
            yield from _from_stdin(null)
        else:
            yield path


def _from_stdin(null: bool) -> Iterator[Path]:
    if sys.stdin.isatty():
        choose.say("names of files, one a line; Ctrl-D ends")
    # Bytes, since a name need not be text of any encoding.
    stdin = sys.stdin.buffer
    names: Iterable[bytes] = stdin.read().split(b"\0") if null else stdin
    for name in names:
        if stripped := name if null else name.rstrip(b"\r\n"):
            yield Path(os.fsdecode(stripped))
