"""What the site needs beyond the pages as they are; ``mkdocs.yml`` names this file as its hook.

Pages are written to be read in the repository, too. So links lead to files that lie outside
``docs/``: those that are linked to join the site, under ``repository/``. Formulas become HTML here,
since the usual renderers are fetched from elsewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
OUTSIDE = "repository"
DECISIONS = "decisions/index.md"

_LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
_CODE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)$|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_SYMBOLS = {
    r"\varphi": "φ", r"\pi": "π", r"\ln": "ln", r"\log": "log", r"\,": " ", r"\cdot": "·",
    "-": "−",
}  # fmt: skip


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the navigation."""
    pages = [{title(path): f"decisions/{path.name}"} for path in decisions()]
    config.nav = [
        {"Decisions": [DECISIONS, *pages]} if "Decisions" in one else one
        for one in config.nav or []
    ]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the list of decisions, and all files outside ``docs/`` that a page links to."""
    listed = "".join(f"- [{title(path)}]({path.name})\n" for path in decisions())
    index = f"# Decisions\n\nWhy things are as they are, one argument a page.\n\n{listed}"
    files.append(File.generated(config, DECISIONS, content=index))
    for path in sorted(linked_outside()):
        uri = f"{OUTSIDE}/{path.relative_to(ROOT).as_posix()}"
        files.append(File.generated(config, uri, abs_src_path=str(path)))
        if path.suffix == ".md":  # reached by links only
            files.src_uris[uri].inclusion = files.src_uris[uri].inclusion.NOT_IN_NAV
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead links to where the site has their targets, and write formulas as HTML."""
    source = source_of(page.file.src_uri)

    def moved(link: re.Match[str]) -> str:
        opening, target, anchor, end = link.groups()
        if "://" in target or target.startswith("mailto:"):
            return link[0]
        uri = uri_of((source.parent / target).resolve())
        return f"{opening}{os.path.relpath(uri, Path(page.file.src_uri).parent)}{anchor or ''}{end}"

    parts = _CODE.split(markdown)
    parts[::2] = (_LINK.sub(moved, _formulas(part)) for part in parts[::2])
    return "".join(parts)


def decisions() -> list[Path]:
    """The pages of decisions, in order."""
    return sorted(DOCS.glob("decisions/[0-9]*.md"))


def title(path: Path) -> str:
    """What stands in the first heading of a page."""
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


@cache
def linked_outside() -> frozenset[Path]:
    """Files outside ``docs/`` that pages lead to, directly or through one another.

    Raises
    ------
    FileNotFoundError
        If one of them is not there.
    """
    found: set[Path] = set()
    waiting = sorted(DOCS.rglob("*.md"))
    while waiting:
        for path in _targets(waiting.pop()):
            if path in found or path.is_relative_to(DOCS):
                continue
            if not path.is_file():
                raise FileNotFoundError(path)
            found.add(path)
            if path.suffix == ".md":
                waiting.append(path)
    return frozenset(found)


def _targets(page: Path) -> Iterator[Path]:
    prose = "".join(_CODE.split(page.read_text(encoding="utf-8"))[::2])
    for _, target, _, _ in _LINK.findall(prose):
        if "://" not in target and not target.startswith("mailto:"):
            path = (page.parent / target).resolve()
            yield path if path.suffix or path.is_file() else path / "index.md"


def source_of(uri: str) -> Path:
    """Where a page of the site lies in the repository."""
    inside = uri.removeprefix(f"{OUTSIDE}/")
    return DOCS / uri if inside == uri else ROOT / inside


def uri_of(path: Path) -> str:
    """Where a file of the repository lies on the site; of a folder, its list."""
    if path.is_relative_to(DOCS):
        uri = path.relative_to(DOCS).as_posix()
        return f"{uri}/index.md" if path.is_dir() else uri
    return f"{OUTSIDE}/{path.relative_to(ROOT).as_posix()}"


def _formulas(text: str) -> str:
    return re.sub(r"\$([^$\n]+)\$", lambda formula: html_of(formula[1]), text)


def html_of(formula: str) -> str:
    r"""HTML of a formula in the little of LaTeX that docstrings have: indices, powers, symbols.

    Raises
    ------
    ValueError
        If it has a command that is not known here.
    """
    for command, symbol in _SYMBOLS.items():
        formula = formula.replace(command, symbol)
    if "\\" in formula:
        raise ValueError(f"cannot write this formula as HTML: {formula}")
    formula = re.sub(r"(?<![a-z])([A-Za-zφ])(?![a-z])", r"<i>\1</i>", formula)
    formula = re.sub(r"_(?:\{([^}]*)\}|(<i>\w</i>|\w))", r"<sub>\1\2</sub>", formula)
    return re.sub(r"\^(?:\{([^}]*)\}|(<i>\w</i>|\w))", r"<sup>\1\2</sup>", formula)
