"""Write ``docs/cli.md`` from what ``--help`` prints: ``make docs``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer
from typer.testing import CliRunner

from fvx.cli import app

PAGE = Path(__file__).resolve().parent / "cli.md"
WIDTH = 80

OPENING = """\
# Command line

<!-- Made by `make docs` from what `--help` prints: what is changed here is lost. -->

Every command with all its options. The [guide](guide.md) goes through them in the order in which they
are used. Results go to stdout; progress, notes and errors go to stderr.

## Exit codes

| code | when | what then |
|--:|---|---|
| 0 | all went well | |
| 1 | something that you can mend: one line on stderr says what; or some clips or files failed and are listed, and the others are done; or `fvx doctor` found something broken | mend it and give the same command again |
| 2 | wrong usage: an unknown option, or a value out of its range | `--help` after the command |
| 130 | stopped by Ctrl-C; no file is left half-written | the line says how to go on |

## Environment

| variable | what it does |
|---|---|
| `FVX_PLUGINS` | names exactly the plugins to load, with commas; empty: none ([plugins](plugins.md#which-are-used)) |
| `NO_COLOR` | set to anything: no colour, no bars |
| `COLUMNS` | width of what is printed, where no terminal says it |
"""  # noqa: E501 - rows of a table


def commands() -> list[tuple[str, ...]]:
    """Every command and group, as the words that follow ``fvx``; fvx itself first."""
    return [(), *_below(typer.main.get_command(app), ())]


def _below(group: object, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield (*path, name)
        yield from _below(command, (*path, name))


def help_of(words: tuple[str, ...]) -> str:
    """What ``--help`` prints, as in a terminal of 80 columns without colour."""
    environment = {"COLUMNS": str(WIDTH), "TERMINAL_WIDTH": str(WIDTH), "NO_COLOR": "1"}
    done = CliRunner().invoke(app, [*words, "--help"], prog_name="fvx", env=environment)
    if done.exit_code:
        raise RuntimeError(f"fvx {' '.join(words)} --help: {done.output}")
    return done.output


def page() -> str:
    """The whole page, in Markdown."""
    sections = (
        f"## `{' '.join(('fvx', *words))}`\n\n```text\n{help_of(words).strip()}\n```\n"
        for words in commands()
    )
    return "\n".join([OPENING, *sections])


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote docs/{PAGE.name}")


if __name__ == "__main__":
    main()
