"""Run the commands of ``docs/start.md`` and write what they print into it: ``make docs``.

A block between ``<!-- run: same -->`` and ``<!-- /run -->`` gives the same output wherever it is
run, and the tests compare it; ``once`` marks one whose output holds times, or what a training gave.
With ``lines=20`` no more of an output is shown. The blocks are run one after another in one folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "start.md"
PICTURE = DOCS / "drawings" / "explanation.png"
MADE = "why.png"  # what a command of the page writes, and the page shows

BLOCK = re.compile(
    r"<!-- run: (?P<kind>same|once)(?: lines=(?P<n_lines>\d+))? -->\n"
    r"```console\n(?P<text>.*?)```\n<!-- /run -->",
    re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """Commands of the page, and what stands below them."""

    kind: str
    n_lines: int | None
    text: str

    @property
    def commands(self) -> list[str]:
        """Lines that are given to the shell."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]

    def run(self, folder: Path) -> str:
        """The block as it reads after running its commands in a folder.

        Raises
        ------
        RuntimeError
            If a command fails.
        """
        lines: list[str] = []
        for command in self.commands:
            shown = _output(command, folder)
            if self.n_lines is not None and len(shown) > self.n_lines:
                shown = [*shown[: self.n_lines], "…"]
            lines += [f"$ {command}", *shown]
        return "".join(f"{line}\n" for line in lines)


def blocks(page: str) -> Iterator[Block]:
    """Blocks of a page, in order."""
    for found in BLOCK.finditer(page):
        n_lines = found["n_lines"]
        yield Block(found["kind"], None if n_lines is None else int(n_lines), found["text"])


def written(page: str, folder: Path) -> str:
    """The page with all its commands run in a folder."""
    texts = iter([(block.text, block.run(folder)) for block in blocks(page)])

    def renewed(found: re.Match[str]) -> str:
        old, new = next(texts)
        return found[0].replace(old, new)

    return BLOCK.sub(renewed, page)


def _output(command: str, folder: Path) -> list[str]:
    home = {name: value for name, value in os.environ.items() if not name.startswith("FVX_")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**home, "PATH": path, "COLUMNS": "80", "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command}: exit code {done.returncode}\n{done.stdout}")
    return [line.rstrip() for line in done.stdout.splitlines()]


def main() -> None:
    """Write the page, and the picture that one of its commands draws."""
    with tempfile.TemporaryDirectory() as folder:
        page = written(PAGE.read_text(encoding="utf-8"), Path(folder))
        shutil.copyfile(Path(folder) / MADE, PICTURE)
    PAGE.write_text(page, encoding="utf-8")
    print(f"wrote docs/{PAGE.name} and docs/drawings/{PICTURE.name}")


if __name__ == "__main__":
    main()
