"""Tasks for worker processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from fvx import executors


def work(number: int) -> tuple[int, int, str]:
    for _ in range(number):
        executors.step()
    return number, os.getpid(), os.environ["OMP_NUM_THREADS"]


def write_or_die(item: tuple[Path, bool]) -> None:
    path, dies = item
    if dies:
        while not (path.parent / "0").exists():
            time.sleep(0.01)
        os._exit(9)
    temporary = path.with_suffix(".tmp")
    temporary.write_text("done")
    temporary.rename(path)


def hang(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(600)
