"""Progress on stderr: a bar on a terminal, a line at the end elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fvx.cli import habits


@contextmanager
def clips_bar(title: str, unit: str = "clips") -> Iterator[Callable[[int, int, int], None]]:
    """Yield a function of (clips done, clips to do, failures) that draws the bar."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("[red]{task.fields[failed]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=habits.is_quiet()) as progress:
        task = progress.add_task(title, total=None, rate="", failed="")

        def update(n_done: int, n_todo: int, n_failed: int) -> None:
            elapsed_s = progress.tasks[0].elapsed or 0.0
            rate = f"{n_done / elapsed_s:.1f} {unit}/s" if elapsed_s > 0 and n_done else ""
            failed = f"{n_failed} failed" if n_failed else ""
            progress.update(task, total=n_todo, completed=n_done, rate=rate, failed=failed)

        yield update
