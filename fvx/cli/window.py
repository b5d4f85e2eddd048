"""``fvx window``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fvx.cli import choose


def window(
    store: Annotated[Path | None, typer.Option(help="Store to index; default the newest.")] = None,
    length_s: Annotated[float, typer.Option(help="Length of a window, in seconds.")] = 1.0,
    hop_s: Annotated[float, typer.Option(help="Step between windows, in seconds.")] = 0.5,
) -> None:
    """Lay time-aligned windows over the clips of a store."""
    from fvx.store import Store
    from fvx.window import window as run
    from fvx.windows import Geometry

    target = Store.open(choose.store(store))
    windows = run(target, Geometry(length_s, hop_s))
    left_out = len(target.clips) - len(windows.clips)
    note = f" (left out for lack of a feature: {left_out})" if left_out else ""
    typer.echo(
        f"{len(windows)} windows of {length_s:g} s every {hop_s:g} s over "
        f"{len(windows.clips)} clips in {target.path}{note}"
    )
