"""What others offer for the quantities that fvx measures, to be timed beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from fvx.audio import Audio


@dataclass(frozen=True)
class Peer:
    """A function of another tool that does what a feature of fvx does.

    Attributes
    ----------
    feature : str
        The feature of fvx it stands beside; ``all`` beside all of them together.
    title : str
        What it is called there.
    module : str
        What has to be importable for it.
    run : callable
        Does the work, from the waveform on; what it returns is thrown away.
    """

    feature: str
    title: str
    module: str
    run: Callable[[Audio], object]

    @property
    def installed(self) -> bool:
        """Whether it can be run here."""
        return find_spec(self.module) is not None
