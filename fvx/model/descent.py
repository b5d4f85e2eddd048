"""Descent: fit any Keras network to windows; keep the epoch that is best on development clips."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from numpy.typing import NDArray

from fvx import metrics
from fvx.quiet import quiet

with quiet():
    import keras
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for a GPU now, and says so while nobody listens
    tf.get_logger().setLevel("ERROR")  # it warns of every network after the first few

from fvx.model.background import Ahead
from fvx.model.checkpoint import Checkpoint
from fvx.model.optimizer import FlatAdamW
from fvx.model.part import Batch, Features, Part

__all__ = ["Descent", "Epoch", "TrainingSettings", "begin", "descend", "descend_again", "devices",
           "inference", "keras", "tf"]  # fmt: skip

Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]


@dataclass(frozen=True)
class TrainingSettings:
    """What decides a training, given its data.

    Attributes
    ----------
    precision : str or None
        None: half precision where there is a GPU, else single.
    """

    epochs: int = 40
    seed: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    patience_epochs: int = 10
    members: int = 1
    precision: Precision | None = None


@dataclass(frozen=True)
class Epoch:
    """What one epoch brought.

    Attributes
    ----------
    member : int
        Which network of an ensemble, from 1.
    waited_s : float
        Seconds that the network waited for windows.
    """

    epoch: int
    loss: float
    development_loss: float
    development_eer: float
    best: bool
    member: int = 1
    waited_s: float = 0.0


@dataclass
class Descent:
    """A training on its way, or done.

    Attributes
    ----------
    history : list of Epoch
    development_logits : float64 array, shape (n_windows,)
        Of the development part, in the best epoch.
    """

    history: list[Epoch] = field(default_factory=list)
    development_logits: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def begin(settings: TrainingSettings) -> None:
    """Make what follows repeat itself: the same store, settings and machine, the same numbers."""
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()


@contextmanager
def devices(settings: TrainingSettings) -> Iterator[Any]:
    """All GPUs of this machine and the precision that suits them; yields the strategy, if any."""
    gpus = tf.config.list_logical_devices("GPU")
    precision = settings.precision or ("mixed_float16" if gpus else "float32")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        if len(gpus) > 1:
            with quiet():
                strategy = tf.distribute.MirroredStrategy()
            with strategy.scope():
                yield strategy
        else:
            yield None
    finally:
        keras.config.set_dtype_policy(before)


def descend(
    network: keras.Model,
    train: Part,
    development: Part,
    settings: TrainingSettings,
    *,
    judged: keras.Model | None = None,
    loss: keras.losses.Loss | None = None,
    strategy: Any = None,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    member: int = 1,
    after_epoch: Callable[[], None] = lambda: None,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Descent:
    """Fit ``network`` (windows by feature -> logit); leave it as it was in its best epoch.

    Parameters
    ----------
    judged : keras.Model or None
        A network with the same weights whose output is the logit, where that of ``network``
        has more numbers.
    loss : keras.losses.Loss or None
        Of targets 1 (bona fide) and 0; None: logistic loss of the logit.
    strategy : tf.distribute.Strategy or None
    checkpoint : Checkpoint or None
        Where to keep the state after every epoch.
    resume : bool
        Go on from there.
    after_epoch : callable
        Called after each epoch's steps, before it is judged, and when the best is back.

    Raises
    ------
    ModelError
        If the checkpoint is damaged, or of another training.
    """
    step = _ready(network, settings, loss, strategy)
    infer = inference(judged or network)
    done = Descent()
    best: list[NDArray[Any]] = network.get_weights()
    kept = checkpoint.load() if checkpoint and resume else None
    if kept:
        record, arrays = kept
        _assign(network, arrays["state"])
        best = arrays["best"]
        done = Descent([Epoch(**one) for one in record["history"]], arrays["logits"][0])
    while len(done.history) < settings.epochs and not _stuck(done.history, settings):
        number = len(done.history) + 1
        network.reset_metrics()
        batches = Ahead(train.shuffled(settings.batch_size, (settings.seed, number)))
        mean_loss = np.nan
        # Native code speaks when a function is first compiled, and never again.
        with nullcontext() if number > 1 else quiet():
            for batch in batches:
                mean_loss = step(batch)
            after_epoch()
            logits = development.map(infer).reshape(-1)
        judged = _judge(logits, development)
        is_best = not done.history or judged < min(
            (one.development_eer, one.development_loss) for one in done.history
        )
        done.history.append(
            Epoch(number, float(mean_loss), judged[1], judged[0], is_best, member,
                  round(batches.waited_s, 3))
        )  # fmt: skip
        if is_best:
            best, done.development_logits = network.get_weights(), logits
        if checkpoint:
            checkpoint.save(
                {"history": [asdict(one) for one in done.history]},
                {"state": [one.numpy() for one in _state(network)], "best": best,
                 "logits": [done.development_logits]},
            )  # fmt: skip
        on_epoch(done.history[-1])
    network.set_weights(best)
    after_epoch()
    return done


def inference(model: keras.Model) -> Callable[[Features], NDArray[np.float64]]:
    """The model without its training behaviour, compiled once for batches of any size."""
    batches = {name: tf.TensorSpec(one.shape, tf.float32) for name, one in model.input.items()}
    compiled = tf.function(lambda x: model(x, training=False), input_signature=[batches])
    return lambda x: np.asarray(compiled(x), np.float64)


def descend_again(
    network: keras.Model,
    part: Part,
    settings: TrainingSettings,
    *,
    loss: keras.losses.Loss | None = None,
    strategy: Any = None,
) -> None:
    """Fit ``network`` for all of ``settings.epochs``, judged by nothing."""
    step = _ready(network, settings, loss, strategy)
    for number in range(1, settings.epochs + 1):
        for batch in Ahead(part.shuffled(settings.batch_size, (settings.seed, number))):
            step(batch)


def _ready(
    network: keras.Model,
    settings: TrainingSettings,
    loss: keras.losses.Loss | None,
    strategy: Any,
) -> Callable[[Batch], float]:
    """Give the network its optimiser and loss; returns what takes one step."""
    loss = loss or keras.losses.BinaryCrossentropy(from_logits=True)
    adam = keras.optimizers.AdamW if strategy else FlatAdamW
    optimizer = adam(settings.learning_rate, settings.weight_decay)
    network.compile(optimizer=optimizer, loss=loss, jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return _step(network, strategy)


def _step(network: keras.Model, strategy: Any) -> Callable[[Batch], float]:
    """One step of the optimiser; returns the epoch's mean loss so far."""
    windows = {name: tf.TensorSpec(one.shape, tf.float32) for name, one in network.input.items()}
    targets = tf.TensorSpec((None, *network.output.shape[1:-1], 1))
    signature = (windows, targets, tf.TensorSpec((None,)))
    if strategy is None:
        one = tf.function(network.train_step, input_signature=[signature])
        return lambda batch: float(one(tuple(batch))["loss"])
    n_replicas = strategy.num_replicas_in_sync
    many = tf.function(lambda shares: strategy.run(network.train_step, args=(shares,)))

    def step(batch: Batch) -> float:
        if len(batch.weight) < n_replicas:  # the last of an epoch: not one window for each
            return float(network.metrics[0].result())
        shares = keras.tree.map_structure(
            lambda whole: strategy.experimental_distribute_values_from_function(
                lambda replica: tf.constant(whole[replica.replica_id_in_sync_group :: n_replicas])
            ),
            tuple(batch),
        )
        many(shares)
        return float(network.metrics[0].result())

    return step


def _state(network: keras.Model) -> list[Any]:
    """All that the next step depends on: weights, the optimiser's and the random generators'."""
    return [*network.variables, *network.optimizer.variables]


def _assign(network: keras.Model, values: list[NDArray[Any]]) -> None:
    for variable, value in zip(_state(network), values, strict=True):
        variable.assign(value)


def _stuck(history: list[Epoch], settings: TrainingSettings) -> bool:
    waited = next((i for i, one in enumerate(reversed(history)) if one.best), 0)
    return waited >= settings.patience_epochs


def _judge(logits: NDArray[np.float64], part: Part) -> tuple[float, float]:
    """EER of what the part is judged by, and its loss with both classes weighing the same."""
    values, bonafide = part.judged(logits)
    losses = np.logaddexp(0, np.where(bonafide, -values, values))
    rate, _ = metrics.eer(values[bonafide], values[~bonafide])
    return float(rate), float((losses[bonafide].mean() + losses[~bonafide].mean()) / 2)
