"""The verb predict: a verdict for each file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from fvx.detector import Detector, Verdict
from fvx.errors import AudioError, FeatureError


def predict(files: Iterable[str | Path], detector: Detector) -> Iterator[Verdict]:
    """Score files one after another, in order.

    A file that cannot be scored gives a verdict with ``error`` set; the others go on.
    """
    for file in files:
        try:
            yield detector.predict(file)
        except (AudioError, FeatureError) as error:
            yield Verdict(str(file), error=str(error))
