"""Comparison: several systems on the same clips, side by side, with significance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from fvx import metrics
from fvx.errors import ScoreError
from fvx.scores.groups import part, units
from fvx.scores.scores import Scores, examples


def compare(
    systems: Mapping[str, Scores], thresholds: Sequence[float], seed: int = 0
) -> list[dict[str, Any]]:
    """Compare each of several systems with the first.

    Parameters
    ----------
    systems : mapping of str to Scores
        Two or more, of the same clips in any order.
    thresholds : sequence of float
        Where each makes its decisions.

    Returns
    -------
    list of dict
        For each system after the first: difference of the EERs (``eer_difference``, positive
        where the first is better), its 95 % interval over the same redrawn speakers or clips,
        and *p*; decisions that only one of the two gets right, and *p* of McNemar's test.

    Raises
    ------
    ScoreError
        If clips or labels differ; says how many and names some.
    """
    (first_name, first), *others = systems.items()
    record = []
    for (name, scores), threshold in zip(others, thresholds[1:], strict=True):
        second = _aligned(first_name, first, name, scores)
        _, of_bonafide, of_spoof = units(first)
        difference = metrics.paired_difference(
            (first.bonafide, first.spoof), (second.bonafide, second.spoof), of_bonafide, of_spoof,
            seed=seed,
        )  # fmt: skip
        is_bonafide = first.where("bonafide")
        right = [
            (one.values >= limit) == is_bonafide
            for one, limit in ((first, thresholds[0]), (second, threshold))
        ]
        only = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
        found = asdict(difference)
        record.append(
            {
                "first": first_name,
                "second": name,
                "eer_difference": found["value"],
                "eer_difference_ci95": list(found["ci95"]),
                "p_value": found["p_value"],
                "only_first_right": only[0],
                "only_second_right": only[1],
                "mcnemar_p": metrics.mcnemar(*only),
            }
        )
    return record


def _aligned(first_name: str, first: Scores, name: str, scores: Scores) -> Scores:
    """The second system's scores, in the order of the first's."""
    place = {clip: row for row, clip in enumerate(scores.clips)}
    lacking = [clip for clip in first.clips if clip not in place]
    surplus = sorted(place.keys() - set(first.clips))
    for who, lost in ((name, lacking), (first_name, surplus)):
        if lost:
            raise ScoreError(
                f"compared are scores of the same clips; {who} has none for {len(lost)}, such as "
                f"{examples(lost)}"
            )
    aligned = part(scores, np.array([place[clip] for clip in first.clips]))
    other = [
        clip
        for clip, ours, theirs in zip(
            first.clips, first.labels or (), aligned.labels or (), strict=True
        )
        if ours != theirs
    ]
    if other:
        raise ScoreError(
            f"{first_name} and {name} disagree on the labels of {len(other)} clips, such as "
            f"{examples(other)}"
        )
    return aligned
