"""The verb explain: why a file got its score."""

from __future__ import annotations

from pathlib import Path

from fvx.detector import Detector, Verdict
from fvx.explanation import Explanation, Method


def explain(
    file: str | Path, detector: Detector, *, method: Method = "lime", seed: int = 0
) -> tuple[Verdict, Explanation]:
    """Score one file and attribute the score to features and windows.

    Raises
    ------
    AudioError, FeatureError
        If the file cannot be read or analysed.
    """
    verdict = detector.predict(file)
    return verdict, verdict.explain(method, seed)
