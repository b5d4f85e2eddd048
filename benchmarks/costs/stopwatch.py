"""Clocks: the least time of each thing measured, and a ledger of things inside one another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time
from typing import Any

import numpy as np
import scipy.fft

from fvx.audio import Audio

TRANSFORMS = ("fft", "ifft", "rfft", "irfft", "fftn", "ifftn", "rfftn", "irfftn", "dct", "idct")


@dataclass
class Stopwatch:
    """The least milliseconds seen for each thing and clip."""

    least_ms: dict[tuple[str, int], float] = field(default_factory=dict)

    def time(self, what: str, clip: int, run: Callable[[], object]) -> float:
        """Run it, and return the milliseconds it took this time."""
        begun_s = process_time()
        run()
        took_ms = 1000 * (process_time() - begun_s)
        self.note(what, clip, took_ms)
        return took_ms

    def note(self, what: str, clip: int, took_ms: float) -> None:
        """Keep a time if it is the least so far."""
        key = what, clip
        self.least_ms[key] = min(took_ms, self.least_ms.get(key, np.inf))

    def means_ms(self, scale: float) -> dict[str, float]:
        """Mean over the clips, of those in which the thing was seen at all."""
        seen: dict[str, list[float]] = defaultdict(list)
        for (what, _), took_ms in self.least_ms.items():
            seen[what].append(took_ms)
        return {what: round(scale * float(np.mean(each)), 3) for what, each in seen.items()}


@dataclass
class Ledger:
    """Time of nested things, each without those inside it."""

    own_ms: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _inside_ms: list[float] = field(default_factory=lambda: [0.0])

    def run(self, what: str, function: Callable[[], Any]) -> Any:
        """Return what the function returns, its time booked."""
        self._inside_ms.append(0.0)
        begun_s = process_time()
        try:
            return function()
        finally:
            took_ms = 1000 * (process_time() - begun_s)
            self.own_ms[what] += took_ms - self._inside_ms.pop()
            self._inside_ms[-1] += took_ms


class WatchedAudio(Audio):
    """Audio that books what is shared."""

    ledger: Ledger

    def shared(self, function: Any, *settings: Any, **more: Any) -> Any:
        """As in Audio, booked under the function's name and settings."""
        plain = super().shared
        return self.ledger.run(
            _shared_name(function, (*settings, *more.values())),
            lambda: plain(function, *settings, **more),
        )


@contextmanager
def booked_transforms(ledger: Ledger) -> Iterator[None]:
    """Have every Fourier and cosine transform of scipy and numpy booked meanwhile."""
    kept = [
        (module, name, getattr(module, name))
        for module in (scipy.fft, np.fft)
        for name in TRANSFORMS
        if hasattr(module, name)
    ]

    def booked(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *given, **named: ledger.run("fourier", lambda: function(*given, **named))

    for module, name, function in kept:
        setattr(module, name, booked(function))
    try:
        yield
    finally:
        for module, name, function in kept:
            setattr(module, name, function)


def _shared_name(function: Callable[..., Any], settings: tuple[Hashable, ...]) -> str:
    shown = [repr(one) for one in settings if one and isinstance(one, int | float | str)]
    return f"shared {function.__name__}({', '.join(shown)})"
