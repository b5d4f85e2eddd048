"""Fit a baseline that is one Keras network, and write it for LiteRT. Needs TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.baselines.scoring import NETWORK_FILE
from fvx.model.descent import TrainingSettings, begin, descend, devices, keras
from fvx.model.keras_file import KERAS_MODEL
from fvx.model.part import Part
from fvx.model.training import describe
from fvx.quiet import quiet

Builder = Callable[[bool], tuple[keras.Model, keras.Model]]


class FittedNetwork:
    """A fitted network (windows by feature -> logit), and what it says of development."""

    def __init__(
        self,
        network: keras.Model,
        development_logits: NDArray[np.float64],
        training: dict[str, Any],
    ) -> None:
        self.network = network
        self.development_logits = development_logits
        self.training = training

    def save(self, run: Path) -> dict[str, str]:
        """Write the Keras model and its LiteRT form; return each file's SHA-256."""
        with quiet():
            self.network.save(run / KERAS_MODEL)
            self.network.export(run / NETWORK_FILE, format="litert", verbose=False)
        return {
            name: hashlib.sha256((run / name).read_bytes()).hexdigest()
            for name in (KERAS_MODEL, NETWORK_FILE)
        }


def fit_network(
    build: Builder,
    train: Part,
    development: Part,
    settings: TrainingSettings,
    *,
    loss: keras.losses.Loss | None = None,
    on_epoch: Callable[[Any], None] = lambda _: None,
) -> FittedNetwork:
    """Build and fit a network; keep the epoch with the best development EER.

    Parameters
    ----------
    build : callable
        Gives the network to train, and the same weights as a network that gives each window one
        number; they may be one and the same. It is told whether they are to become portable:
        then there must not be any loops in them.
    """
    begin(settings)
    with devices(settings) as strategy:
        network, judged = build(False)
        done = descend(
            network, train, development, settings, judged=judged, loss=loss, strategy=strategy,
            on_epoch=on_epoch,
        )  # fmt: skip
        weights = network.get_weights()
    network, judged = build(True)  # as it is used: one device, single precision
    network.set_weights(weights)
    return FittedNetwork(judged, done.development_logits, describe(settings, done.history))
