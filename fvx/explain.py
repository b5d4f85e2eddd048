"""The verb explain: why a file got its score."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from fvx.detector import Detector, Verdict
from fvx.errors import AudioError, FeatureError
from fvx.explanation import Explanation, Settings


def explain(
    files: Sequence[str | Path], detector: Detector, settings: Settings | None = None
) -> Iterator[tuple[Verdict, Explanation | None]]:
    """Score files one after another, and attribute each score to features and windows.

    A file that cannot be scored gives a verdict with ``error`` set and no explanation; the
    others go on.
    """
    settings = settings or Settings()
    for file in files:
        try:
            verdict = detector.predict(file)
        except (AudioError, FeatureError) as error:
            yield Verdict(str(file), error=str(error)), None
        else:
            yield verdict, verdict.explain(**dataclasses.asdict(settings))
