"""Tasks for worker processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from fvx import workers
from fvx.errors import StoreError
from fvx.isolation import Child, Limits


def work(number: int) -> tuple[int, int, str]:
    for _ in range(number):
        workers.step()
    return number, os.getpid(), os.environ["OMP_NUM_THREADS"]


def refuse(number: int) -> int:
    if number == 1:
        raise StoreError(f"no room for {number}")
    return number


def blunder(number: int) -> float:
    return 1 / number


def die(path: Path) -> str:
    """Work of two steps; the process dies half-way while the file holds anything."""
    workers.step()
    if rest := path.read_text():
        path.write_text(rest[1:])
        os.kill(os.getpid(), signal.SIGKILL)
    workers.step()
    return path.name


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
    """Note the worker's process id and that of its child, which hangs."""
    with Child(_hang, Limits(), workers.lifeline()) as child:
        child.call(path)


def _hang(path: Path, begin: object) -> None:
    path.write_text(f"{os.getppid()} {os.getpid()} ")
    time.sleep(600)


def step_and_hang(path: Path) -> None:
    workers.step()
    hang(path)
