"""Make the next items while the last is being used."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")
_END = object()


class Ahead(Generic[T]):
    """Iterate over ``items``, which a thread makes up to ``depth`` items ahead.

    What the thread raises is raised where the items are taken.

    Attributes
    ----------
    waited_s : float
        Seconds that the taker has spent waiting, the first item aside: nothing can be ready
        before it was begun.
    """

    def __init__(self, items: Iterable[T], depth: int = 2) -> None:
        self._items = items
        self._depth = depth
        self.waited_s = 0.0

    def __iter__(self) -> Iterator[T]:
        ready: queue.Queue[object] = queue.Queue(self._depth)
        stop = threading.Event()
        maker = threading.Thread(target=self._make, args=(ready, stop), daemon=True)
        maker.start()
        first = True
        try:
            while True:
                begun_s = time.monotonic()
                item = ready.get()
                if not first:
                    self.waited_s += time.monotonic() - begun_s
                first = False
                if item is _END:
                    return
                if isinstance(item, _Raised):
                    raise item.error
                yield item  # type: ignore[misc]
        finally:
            stop.set()
            while maker.is_alive():  # it may be waiting for room
                while not ready.empty():
                    ready.get_nowait()
                maker.join(0.01)

    def _make(self, ready: queue.Queue[object], stop: threading.Event) -> None:
        try:
            for item in self._items:
                ready.put(item)
                if stop.is_set():
                    return
            ready.put(_END)
        except BaseException as error:  # noqa: BLE001 - it is raised again by the taker
            ready.put(_Raised(error))


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
