"""Tandem: what a countermeasure is worth before speaker verification, given the latter's scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fvx import metrics
from fvx.errors import ScoreError
from fvx.metrics import Floats
from fvx.scores.scores import Scores

_KINDS = ("target", "nontarget", "spoof")


def read_asv(path: str | Path) -> dict[str, Floats]:
    """Read scores of a speaker verification system.

    Parameters
    ----------
    path : path
        A line a trial: anything, then the key (target, nontarget or spoof), then the score;
        as ASVspoof 2019 publishes them.

    Returns
    -------
    dict of str to float64 array
        Scores of the trials of each kind.

    Raises
    ------
    ScoreError
        If it cannot be read, a line is otherwise, or a kind is missing.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as error:
        raise ScoreError(f"{path}: cannot be read ({error.strerror})") from error
    kinds: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    for number, line in enumerate(lines, 1):
        cells = line.split()
        if not cells:
            continue
        try:
            kinds[cells[-2]].append(float(cells[-1]))
        except (KeyError, IndexError, ValueError):
            raise ScoreError(
                f"{path}:{number}: expected target, nontarget or spoof and a score at the end, "
                f"got {line!r}"
            ) from None
    missing = [kind for kind in _KINDS if not kinds[kind]]
    if missing:
        raise ScoreError(f"{path}: no {' and no '.join(missing)} trial in it")
    return {kind: np.array(scores) for kind, scores in kinds.items()}


def tandem(scores: Scores, asv: dict[str, Floats]) -> dict[str, Any]:
    """Tandem costs of a countermeasure's scores, as `metrics.json` records them.

    Returns
    -------
    dict
        Minimum t-DCF in the forms of 2021 and of 2019; errors of the verification system at
        its equal error rate; the a-DCF of that system alone, without a countermeasure.

    Raises
    ------
    ScoreError
        As `metrics.min_tdcf`.
    """
    rates = metrics.asv_rates(asv["target"], asv["nontarget"], asv["spoof"])
    pair = scores.bonafide, scores.spoof
    return {
        "min_tdcf": metrics.min_tdcf(*pair, rates),
        "min_tdcf_2019": metrics.min_tdcf_2019(*pair, rates),
        "asv_miss": rates.miss,
        "asv_false_alarm": rates.false_alarm,
        "asv_spoof_false_alarm": rates.spoof_false_alarm,
        "asv_adcf_alone": metrics.a_dcf(asv["target"], asv["nontarget"], asv["spoof"]),
    }
