"""Writes the part of corpora.md that the records say: `python docs/make_corpora.py`."""

from __future__ import annotations

from pathlib import Path

from fvx.cli.datasets import how_to_get, protocols_of
from fvx.datasets import Layout, Paths, Table, corpora

PAGE = Path(__file__).with_name("corpora.md")
BEGIN, END = "<!-- corpora -->\n\n", "\n<!-- /corpora -->\n"


def page(old: str) -> str:
    """The page with the part between its marks made new."""
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    layouts = sorted(corpora.fvx_datasets(), key=lambda layout: layout.name)
    return before + BEGIN + "\n".join(_section(one) for one in layouts) + END + after


def _section(layout: Layout) -> str:
    lines = [f"### `{layout.name}`: {layout.title}\n"]
    counts = (
        f"{count:,} {what}"
        for what, count in (("bona fide", layout.n_bonafide), ("spoof", layout.n_spoof))
        if count is not None
    )
    parts = (f"{count:,} in {part}" for part, count in layout.n_parts.items())
    where = "comes with fvx" if layout.shipped else f"`datasets/{layout.folder}/`"
    facts = {
        "clips": ", ".join((*counts, *parts)) or "not known to fvx",
        "size": ", ".join(
            word for word in (layout.size, f"{layout.hours:g} h" if layout.hours else "") if word
        ),
        "folder": where,
        "how to get it": how_to_get(layout) + (f": {layout.gated}" if layout.gated else ""),
        "from": ", ".join(f"<{url}>" for url in layout.urls),
        "layout": _layout(layout),
        "protocols": ", ".join(protocols_of(layout)),
        "licence": layout.licence,
        "citation": layout.citation,
    }
    lines += [f"- {name}: {fact}" for name, fact in facts.items() if fact]
    lines += [f"- **trap:** {trap}" for trap in layout.traps]
    return "\n".join(lines) + "\n"


def _layout(layout: Layout) -> str:
    if isinstance(layout, Paths):
        return "paths like " + " or ".join(f"`{one}`" for one in layout.templates)
    assert isinstance(layout, Table)
    how = {" ": "spaces", ",": "commas", "|": "bars, unquoted"}[layout.delimiter]
    columns = f" ({len(layout.columns)} columns, no header)" if layout.columns else " (with header)"
    return f"`{layout.protocols[0]}`, divided by {how}{columns}; audio `{layout.audio[0]}`"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
