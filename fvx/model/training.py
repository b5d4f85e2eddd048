"""Training: fvx's own network, or several of them, into the files of a run. Needs TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.hookspecs import Branch
from fvx.model.checkpoint import Checkpoint
from fvx.model.descent import (
    Epoch,
    TrainingSettings,
    begin,
    descend,
    descend_again,
    devices,
    inference,
    keras,
)
from fvx.model.keras_file import KERAS_MODEL
from fvx.model.network import (
    EachAlone,
    EachMoment,
    Models,
    build,
    count_moments,
    joined,
    of_moments,
)
from fvx.model.part import Features, Part
from fvx.model.scorer import BRANCHES, TERMINUS
from fvx.model.stretches import GEOMETRY, Stretches
from fvx.quiet import quiet

__all__ = ["Epoch", "Trained", "TrainingSettings", "describe", "fit"]


_SAMPLE_CLIPS = 512  # to know how far a branch's logits spread
_STILL = 1e-3  # a branch that spreads less has found nothing to go by


class Trained:
    """A fitted network, or the average of several.

    Attributes
    ----------
    models : tuple of keras.Model
        Branches, terminus, and both in one.
    withheld : float32 array, shape (n_features, embedding_size)
    development_logits : float64 array, shape (n_windows,)
        Of the development part's windows.
    history : list of Epoch
    training : mapping
        Settings and history, for the card.
    """

    def __init__(
        self,
        models: Models,
        withheld: NDArray[np.float32],
        development_logits: NDArray[np.float64],
        history: list[Epoch],
    ) -> None:
        self.models = models
        self.withheld = withheld
        self.development_logits = development_logits
        self.history = history
        self.training: dict[str, Any] = {}

    def save(self, run: Path) -> dict[str, str]:
        """Write the Keras model and its LiteRT form; return each file's SHA-256."""
        with quiet():
            branches, terminus, joint = self.models
            joint.save(run / KERAS_MODEL)
            branches.export(run / BRANCHES, format="litert", verbose=False)
            terminus.export(run / TERMINUS, format="litert", verbose=False)
        return {
            name: hashlib.sha256((run / name).read_bytes()).hexdigest()
            for name in (KERAS_MODEL, BRANCHES, TERMINUS)
        }


def fit(
    train: Part,
    development: Part,
    settings: TrainingSettings,
    *,
    whole: Part | None = None,
    unfinished: Path | None = None,
    branches: Mapping[str, Branch] = MappingProxyType({}),
    resume: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train with logistic loss and balanced weights; stop early on the development EER.

    Every branch learns to judge alone; how much each counts is measured on development clips.

    The same store, settings and machine give the same numbers, also when the training was
    stopped and went on. On several GPUs of one machine each takes its share of every batch.

    Parameters
    ----------
    whole : Part or None
        Training and development clips together: learnt from anew at the end, for as many epochs
        as were best, with all else as it was decided. `development_logits` stay those of the
        network that had not seen the development clips.
    unfinished : Path or None
        Folder for what is needed to go on.
    branches : mapping of str to callable
        Those that plugins supply, by feature.
    resume : bool
        Go on from what is there.

    Raises
    ------
    ModelError
        If what is there is damaged, or of another training.
    """
    statistics = train.statistics()
    members = []
    for number in range(1, settings.members + 1):
        own = replace(settings, seed=settings.seed + number - 1)
        checkpoint = None
        if unfinished:
            about = _about(train, development, own)
            checkpoint = Checkpoint(unfinished / f"member-{number}.npz", about)
        options = {"checkpoint": checkpoint, "resume": resume, "on_epoch": on_epoch}
        members.append(
            _fit_one(statistics, train, development, own, branches, whole, member=number, **options)
        )
    trained = members[0] if len(members) == 1 else average(members)
    trained.training = describe(settings, trained.history)
    return trained


def _fit_one(
    statistics: Mapping[str, Any],
    train: Part,
    development: Part,
    settings: TrainingSettings,
    own_branches: Mapping[str, Branch],
    whole: Part | None,
    **options: Any,
) -> Trained:
    def network() -> Models:
        return build(train.features, train.windows.geometry, statistics, own_branches)

    begin(settings)
    with devices(settings) as strategy:
        branches, terminus, apart = network()
        judge, sample = inference(apart), train.some(_SAMPLE_CLIPS)
        taught = _Taught(apart, train, statistics, own_branches, settings)

        def weigh() -> None:
            taught.hand_over(apart)
            _weigh(terminus, judge, sample, development)

        done = descend(
            taught.network, taught.part, development, taught.settings,
            judged=joined(branches, terminus), loss=taught.loss, strategy=strategy,
            after_epoch=weigh, **options,
        )  # fmt: skip
        if whole is not None:
            weights = terminus.get_layer("sum").get_weights()
            n_epochs = next(one.epoch for one in reversed(done.history) if one.best)
            begin(settings)
            branches, terminus, apart = network()
            taught = _Taught(apart, whole, statistics, own_branches, settings)
            descend_again(
                taught.network, taught.part, replace(taught.settings, epochs=n_epochs),
                loss=taught.loss, strategy=strategy,
            )  # fmt: skip
            taught.hand_over(apart)
            terminus.get_layer("sum").set_weights(weights)
        withheld = _mean_embedding(inference(branches), whole or train)
    if strategy is not None or keras.config.dtype_policy() != apart.dtype_policy:
        trained = (branches, terminus)
        branches, terminus, _ = network()  # as it is used: one device, single precision
        for new, old in zip((branches, terminus), trained, strict=True):
            new.set_weights(old.get_weights())
    models = (branches, terminus, joined(branches, terminus))
    return Trained(models, withheld, done.development_logits, done.history)


class _Taught:
    """What is trained, and on what: windows, or the moments of stretches.

    Where spans of clips are synthetic, and all branches leave time in, at one rate, a network of
    the same weights judges each moment, and hands its weights over: it goes over every frame once,
    where windows overlap, and is told of each moment what a window is only told by and large.
    """

    def __init__(
        self,
        apart: keras.Model,
        part: Part,
        statistics: Mapping[str, Any],
        own: Mapping[str, Branch],
        settings: TrainingSettings,
    ) -> None:
        self.network, self.part, self.loss, self.settings = apart, part, EachAlone(), settings
        if not part.labels.of_their_own:
            return
        moments = {
            count_moments(own[one.name], one, GEOMETRY) if one.name in own else 0
            for one in part.features
        }
        if len(moments) > 1 or 0 in moments:
            return
        self.network = of_moments(part.features, GEOMETRY, statistics, own)
        self.part = stretches = Stretches.of(part, *moments)
        self.loss = EachMoment(stretches.spoof_weight)
        size = settings.batch_size * part.windows.geometry.length_s / GEOMETRY.length_s
        self.settings = replace(settings, batch_size=max(1, round(size)))

    def hand_over(self, apart: keras.Model) -> None:
        """Give the network of windows what was learnt."""
        if self.network is not apart:
            apart.set_weights(self.network.get_weights())


def _weigh(
    terminus: keras.Model,
    judge: Callable[[Features], NDArray[np.float64]],
    learnt: Part,
    development: Part,
) -> None:
    """Let every branch count the same that is not worse than chance on development clips.

    Their logits are brought to one spread: a branch of many columns is surer of itself than it
    should be. Weights fitted to the few systems of a development part do worse on other systems
    than none (docs/model.md).
    """
    spread = _judged(judge, learnt)[0].std(axis=1)
    weights = 1 / np.maximum(spread, _STILL)
    logits, bonafide = _judged(judge, development)
    areas = np.array([metrics.auc(one[bonafide], one[~bonafide]) for one in logits])
    n_bonafide, n_spoof = int(bonafide.sum()), int((~bonafide).sum())
    by_chance = np.sqrt((n_bonafide + n_spoof + 1) / (12 * n_bonafide * n_spoof))
    counts = (areas > 0.5 - by_chance) & (spread > _STILL)
    weights *= counts if counts.any() else 1
    terminus.get_layer("sum").set_weights([(weights / max(1, counts.sum())).astype(np.float32)])


def _judged(
    judge: Callable[[Features], NDArray[np.float64]], part: Part
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What each branch says of a part, shape (n_features, n), and what is bona fide of it."""
    of_branches = [part.judged(one) for one in part.map(judge).T]
    return np.stack([values for values, _ in of_branches]), of_branches[0][1]


def average(members: list[Trained]) -> Trained:
    """One network of several: embeddings side by side, logits averaged.

    Branches still do not meet before the terminus, so features are withheld as before.
    """
    for number, one in enumerate(members, 1):
        for model in one.models:
            model.name = f"{model.name}_{number}"
    every_branches, every_terminus, _ = zip(*(one.models for one in members), strict=True)
    inputs = {
        name: keras.Input(one.shape[1:], name=name) for name, one in every_branches[0].input.items()
    }
    embedded = [branches(inputs) for branches in every_branches]
    branches = keras.Model(inputs, keras.ops.concatenate(embedded, axis=-1), name="branches")
    joined = keras.Input(branches.output.shape[1:], name="embeddings")
    shares = keras.ops.split(joined, len(members), axis=-1)
    logits = [terminus(share) for terminus, share in zip(every_terminus, shares, strict=True)]
    terminus = keras.Model(joined, keras.layers.Average()(logits), name="terminus")
    joint = keras.Model(inputs, terminus(branches(inputs)), name="fvx")
    return Trained(
        (branches, terminus, joint),
        np.concatenate([one.withheld for one in members], axis=1),
        np.mean([one.development_logits for one in members], axis=0),
        [epoch for one in members for epoch in one.history],
    )


def _mean_embedding(
    embed: Callable[[Features], NDArray[np.float64]], part: Part
) -> NDArray[np.float32]:
    """What each branch gives for bona fide speech, on average."""
    total: NDArray[np.float64] | float = 0.0
    n_windows = 0
    for batch in part.bonafide_sample():
        embeddings = embed(batch)
        total = total + embeddings.sum(axis=0)
        n_windows += len(embeddings)
    return np.asarray(total / n_windows, np.float32)


def _about(train: Part, development: Part, settings: TrainingSettings) -> dict[str, Any]:
    """What has to be the same for a training to go on; it may go on for longer."""
    return {
        "features": [asdict(one) for one in train.features],
        "geometry": asdict(train.windows.geometry),
        "clips": [part.windows.clips for part in (train, development)],
        "weights": hashlib.sha256(train.weights.tobytes()).hexdigest(),
        "targets": hashlib.sha256(train.window_bonafide.tobytes()).hexdigest(),
        "settings": {**asdict(settings), "epochs": None, "members": None},
    }


def describe(settings: TrainingSettings, history: Sequence[Epoch]) -> dict[str, Any]:
    """Settings and history, as a card keeps them."""
    return {"settings": asdict(settings), "history": [asdict(epoch) for epoch in history]}
