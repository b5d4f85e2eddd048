"""Write a version everywhere it stands: ``python release/version.py 0.2.0``.

``fvx.__version__`` is the one that counts. What cannot read it when it is built repeats it: fvx's
own plugins, which come in step, the pins that say so, and the citation.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

PLACES = {
    "fvx/__init__.py": r'^__version__ = "(.+)"$',
    "pyproject.toml": r'^    "fvx-[a-z]+==(.+)",$',
    "plugins/*/pyproject.toml": r'^version = "(.+)"$',
    "plugins/optional/*/pyproject.toml": r'^version = "(.+)"$',
    "CITATION.cff": r"^version: (.+)$",
}


def places(root: Path) -> list[tuple[Path, re.Pattern[str]]]:
    """Files that repeat the version, and the line of each in which it stands."""
    return [
        (path, re.compile(pattern, re.M))
        for glob, pattern in PLACES.items()
        for path in sorted(root.glob(glob))
    ]


def main(arguments: list[str] | None = None) -> int:
    """Write the version given; without one, list where another stands than fvx's."""
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("version", nargs="?", help="for instance 0.2.0")
    parser.add_argument("--root", type=Path, default=root, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.version and not re.fullmatch(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?", given.version):
        parser.error(f"{given.version!r} is no version such as 0.2.0 or 0.2.0rc1")
    found = places(given.root)
    wanted = given.version or found[0][1].findall(found[0][0].read_text(encoding="utf-8"))[0]
    stale = 0
    for path, pattern in found:
        text = path.read_text(encoding="utf-8")
        for match in pattern.finditer(text):
            if match[1] != wanted:
                print(f"{path.relative_to(given.root)}: {match[1]}")
                stale += 1
        if given.version:
            path.write_text(
                pattern.sub(lambda match: match[0].replace(match[1], wanted), text),
                encoding="utf-8",
            )
    if given.version:
        print(f"now {wanted}; tell of it in CHANGELOG.md")
        return 0
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
