"""Choosing: which branches have a say, by what they bring on sources that were not learnt from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.model.joint import Joint
from fvx.model.summaries import Summaries

N_ROUNDS = 4
_ENOUGH_WINDOWS = 10_000  # to tell what helps; more would only take longer
_AT_LEAST = 3
_SAMPLE = 4096  # windows, to know what a branch gives on average
_DROPPED = 0.5  # of those that are left, in one round at most


@dataclass(frozen=True)
class Choice:
    """Which branches stay, and what each round of choosing found.

    Attributes
    ----------
    kept : bool array, shape (n_features,)
    rounds : tuple of mappings
        ``loss`` (on sources not learnt from), its ``error``, ``n_branches``, and ``gains``: how
        much larger the loss is, by feature, with that feature withheld.
    """

    kept: NDArray[np.bool_]
    rounds: tuple[Mapping[str, Any], ...]


def choose(
    joint: Joint,
    data: Summaries,
    fold: NDArray[np.int64],
    *,
    epochs: int,
    seed: int,
    on_round: Callable[[int, float, int], None] = lambda *_: None,
) -> Choice:
    """Leave out, round by round, the branches without which unheard sources are judged no worse.

    In each round a network learns from all folds but one, and judges that one with everything,
    and with each branch withheld. Branches whose absence does not raise the loss lose their say,
    at most half of them a round. Of the rounds whose loss is within a standard error over folds
    of the least, that of the fewest branches is taken.

    Parameters
    ----------
    fold : int64 array, shape (n_clips,)
        Of the clips of ``data.part``.
    """
    data = data.some_clips(_ENOUGH_WINDOWS, seed)
    n_features = len(joint.names)
    kept = np.ones(n_features, bool)
    rounds: list[dict[str, Any]] = []
    masks = []
    for number in range(N_ROUNDS):
        losses, gains = [], []
        for one in np.unique(fold):
            learnt = data.of_clips(fold != one)
            joint.learn(learnt, epochs=epochs, seed=seed, kept=kept)
            loss, gain = _without(joint, learnt, data.of_clips(fold == one), kept)
            losses.append(loss)
            gains.append(gain)
        mean = np.mean(gains, axis=0)
        rounds.append({
            "loss": float(np.mean(losses)),
            "error": float(np.std(losses, ddof=1) / np.sqrt(len(losses))),
            "n_branches": int(kept.sum()),
            "gains": {name: float(gain) for name, gain, says in
                      zip(joint.names, mean, kept, strict=True) if says},
        })  # fmt: skip
        masks.append(kept.copy())
        on_round(number + 1, rounds[-1]["loss"], rounds[-1]["n_branches"])
        useless = np.flatnonzero(kept & (mean <= 0))
        most = min(int(_DROPPED * kept.sum()), int(kept.sum()) - _AT_LEAST)
        if not len(useless) or most < 1:
            break
        kept[useless[np.argsort(mean[useless])][:most]] = False
    least = min(rounds, key=lambda one: float(one["loss"]))
    limit = least["loss"] + _by_chance(least)
    good = [i for i, one in enumerate(rounds) if one["loss"] <= limit]
    best = min(good, key=lambda i: int(rounds[i]["n_branches"]))
    return Choice(masks[best], tuple(rounds))


def _by_chance(one: Mapping[str, Any]) -> float:
    """What the losses of rounds differ by chance: a quarter of the error over folds, which
    differ far more from each other than rounds do on the same fold."""
    return 0.25 * float(one["error"])


def _without(
    joint: Joint, learnt: Summaries, held: Summaries, kept: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """Loss on clips that were not learnt from, and how much larger with each branch withheld."""
    some = learnt.some(_SAMPLE)
    stand_in = joint.embeddings(some)[some.bonafide].mean(axis=0)
    embeddings = joint.embeddings(held)
    everything = _loss(held, joint.judge(embeddings))
    gains = np.zeros(len(kept))
    for feature in np.flatnonzero(kept):
        changed = embeddings.copy()
        changed[:, feature] = stand_in[feature]
        gains[feature] = _loss(held, joint.judge(changed)) - everything
    return everything, gains


def _loss(data: Summaries, logits: NDArray[np.float64]) -> float:
    """Logistic loss, weighted as in training."""
    weights, bonafide = data.part.weights[data.rows], data.bonafide
    losses = np.logaddexp(0, np.where(bonafide, -logits, logits))
    total = sum(
        np.average(losses[mask], weights=np.maximum(weights[mask], 1e-9))
        for mask in (bonafide, ~bonafide)
    )
    return float(total / 2)
