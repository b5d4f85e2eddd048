"""Cross-fitting: choose branches, judge every source by networks that have not heard it, learn all.

Needs TensorFlow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.model.checkpoint import Checkpoint
from fvx.model.choosing import choose
from fvx.model.descent import TrainingSettings, begin
from fvx.model.joint import Joint, Weights
from fvx.model.part import Part
from fvx.model.summaries import Summaries, reader
from fvx.model.training import Trained, average

EPOCHS = 10
_ENOUGH_CLIPS = 2000  # to know each column's mean and deviation


@dataclass(frozen=True)
class CrossFitted:
    """What was learnt, and what it says of clips that it did not learn from.

    Attributes
    ----------
    trained : Trained
        Of the chosen features, in the order of the part's.
    kept : bool array, shape (n_features,)
    logits : float64 array, shape (n_windows,)
        Of every window of a fold, by networks that learnt from the other folds; NaN where the
        clip is of no fold that was held out.
    """

    trained: Trained
    kept: NDArray[np.bool_]
    logits: NDArray[np.float64]


def cross_fit(
    part: Part,
    fold: NDArray[np.int64],
    settings: TrainingSettings,
    *,
    whole: bool,
    unfinished: Path | None = None,
    resume: bool = False,
    on_words: Callable[[str], None] = lambda _: None,
) -> CrossFitted:
    """Learn from summaries of a part.

    Parameters
    ----------
    part : Part
    fold : int64 array, shape (n_clips,)
        Which fold each clip is of.
    settings : TrainingSettings
    whole : bool
        Hold out each fold in turn, choose branches by that, and learn from all in the end. Else
        hold out the last fold only: it calibrates, and is not learnt from.
    unfinished : Path or None
        Folder for what is needed to go on.
    resume : bool
        Go on from what is there.
    on_words : callable
        Told what is done.

    Raises
    ------
    ModelError
        If what is there is damaged, or of another training.
    """
    keeper = _Keeper(unfinished, _about(part, fold, settings, whole), resume)
    statistics = part.some(_ENOUGH_CLIPS).statistics()
    data = Summaries.measure(part, reader(part.features, statistics), unfinished)
    begin(settings)
    joint = Joint(data.moments())
    held_out = np.unique(fold) if whole else fold.max(initial=0)[np.newaxis]
    kept, rounds = np.ones(len(joint.names), bool), ()
    if whole and len(joint.names) > 1:
        found = keeper.load("choice")
        if found is None:
            choice = choose(
                joint, data, fold, epochs=settings.epochs, seed=settings.seed,
                on_round=lambda number, loss, n: on_words(
                    f"choosing, round {number}: {n} branches, loss {loss:.4f} on sources held out"
                ),
            )  # fmt: skip
            found = keeper.save("choice", {"rounds": list(choice.rounds)}, [choice.kept])
        rounds, kept = tuple(found[0]["rounds"]), found[1][0].astype(bool)
    history: list[dict[str, Any]] = []

    def learn(name: str, mine: Summaries, seed: int) -> Weights:
        there = keeper.load(name)
        if there is None:
            learnt = joint.learn(mine, epochs=settings.epochs, seed=seed, kept=kept)
            there = keeper.save(name, {"losses": list(learnt.losses)}, learnt.weights)
        history.append({"network": name, "losses": there[0]["losses"]})
        return there[1]

    logits = np.full(len(part), np.nan)
    for one in held_out:
        mine, held = data.of_clips(fold != one), data.of_clips(fold == one)
        said = []
        for member in range(1, settings.members + 1):
            joint.take(learn(f"fold-{one}-{member}", mine, settings.seed + member - 1))
            said.append(joint.logits(held))
        logits[held.rows] = np.mean(said, axis=0)
        values, bonafide = held.judged(logits[held.rows])
        rate = float(metrics.eer(values[bonafide], values[~bonafide])[0])
        on_words(f"fold {one + 1} held out: EER {100 * rate:.1f} %, copies included")
    learnt_from = data if whole else data.of_clips(~np.isin(fold, held_out))
    members = []
    for member in range(1, settings.members + 1):
        joint.take(learn(f"member-{member}", learnt_from, settings.seed + member - 1))
        some = learnt_from.some(4096)
        withheld = joint.embeddings(some)[some.bonafide].mean(axis=0)[kept].astype(np.float32)
        models = joint.models(part.features, part.windows.geometry, statistics, kept)
        members.append(Trained(models, withheld, logits, []))
        on_words(f"network {member} of {settings.members} learnt")
    trained = members[0] if len(members) == 1 else average(members)
    trained.training = {"settings": asdict(settings), "history": history, "choice": list(rounds)}
    return CrossFitted(trained, kept, logits)


class _Keeper:
    """Keeps what is done of a training, piece by piece."""

    def __init__(self, folder: Path | None, about: Mapping[str, Any], resume: bool) -> None:
        self._folder, self._about, self._resume = folder, about, resume

    def load(self, name: str) -> tuple[dict[str, Any], Weights] | None:
        if self._folder is None or not self._resume:
            return None
        there = self._of(name).load()
        return there and (there[0], there[1]["arrays"])

    def save(
        self, name: str, record: dict[str, Any], arrays: Weights
    ) -> tuple[dict[str, Any], Weights]:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._of(name).save(record, {"arrays": arrays})
        return record, arrays

    def _of(self, name: str) -> Checkpoint:
        assert self._folder is not None
        return Checkpoint(self._folder / f"{name}.npz", self._about)


def _about(
    part: Part, fold: NDArray[np.int64], settings: TrainingSettings, whole: bool
) -> dict[str, Any]:
    """What has to be the same for a training to go on."""
    return {
        "features": [asdict(one) for one in part.features],
        "geometry": asdict(part.windows.geometry),
        "clips": part.windows.clips,
        "fold": hashlib.sha256(fold.tobytes()).hexdigest(),
        "weights": hashlib.sha256(part.weights.tobytes()).hexdigest(),
        "targets": hashlib.sha256(part.window_bonafide.tobytes()).hexdigest(),
        "settings": {**asdict(settings), "members": None},
        "whole": whole,
    }
