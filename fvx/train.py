"""The verb train: a store's features into a run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fvx import __version__, metrics
from fvx.errors import ModelError, StoreError
from fvx.model.card import SPLIT_FILE, Card
from fvx.model.data import WindowData
from fvx.model.reference import Reference
from fvx.protocol import DEVELOPMENT, PARTS, TRAIN, Protocol, SplitName, split
from fvx.store import Store
from fvx.windows import Geometry, Windows, saved_geometry

if TYPE_CHECKING:
    from fvx.model.training import Epoch, Part

_UNDECIDED_LLR = 0.4  # odds of 1.5 to 1: within it the verdict would hang on chance
_PRIOR_SPOOF = 0.5


def train(
    store: Store,
    run: str | Path,
    *,
    features: Sequence[str] = (),
    split_name: SplitName | None = None,
    epochs: int = 40,
    seed: int = 0,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    on_protocol: Callable[[Protocol], None] = lambda _: None,
) -> Card:
    """Train one branch per feature, joined by a terminus, and write a run directory.

    Model, calibration and threshold are chosen on the development part; the test part is not
    touched.

    Parameters
    ----------
    run : path
        Directory to make; it appears when everything in it is written.
    features : sequence of str
        Names; when empty, all that the store holds and that are evidence.
    split_name : str or None
        None: the corpus's own parts if it names them, else speaker-disjoint ones.

    Raises
    ------
    ModelError
        If ``run`` exists, or TensorFlow is not installed.
    StoreError, SplitError, UnknownFeature
        If no clip has all the features, a part lacks a class, or a feature is not stored.
    """
    run = Path(run)
    if run.exists():
        raise ModelError(f"{run}: exists already; name another with --run")
    evidence = (name for name, record in store.features.items() if record.evidence)
    names = tuple(sorted(features)) or tuple(evidence)
    records = [store[name].record for name in names]
    complete = store.complete(names)
    if not complete:
        raise StoreError(f"{store.path}: no clip has all of {', '.join(names) or 'its features'}")
    try:
        from fvx.model.training import Part, TrainingSettings, describe, fit
    except ImportError as error:
        raise ModelError(
            f"training needs TensorFlow ({error}); install it with: pip install 'fvx[train]'"
        ) from error
    clips = store.clips.loc[complete]
    protocol = split(clips, split_name, seed)
    on_protocol(protocol)
    geometry = saved_geometry(store) or Geometry()

    def part(name: str) -> Part:
        members = protocol.clips(name)
        data = WindowData.load(store, records, Windows.over(store, geometry, members))
        return Part(data, (clips.loc[members, "label"] == "bonafide").to_numpy())

    training_part, development_part = part(TRAIN), part(DEVELOPMENT)
    settings = TrainingSettings(epochs=epochs, seed=seed)
    trained = fit(records, training_part, development_part, settings, on_epoch)

    logits, bonafide = trained.development_logits, development_part.bonafide
    scale, offset = metrics.fit_calibration(logits[bonafide], logits[~bonafide])
    scores = scale * logits + offset
    rate, threshold = metrics.eer(scores[bonafide], scores[~bonafide])
    try:
        run.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=run.parent, prefix=f".{run.name}.") as temporary:
            folder = Path(temporary) / run.name
            folder.mkdir()
            checksums = trained.save(folder)
            Reference.measure(records, training_part.data, training_part.bonafide).save(folder)
            protocol.parts.rename("part").to_csv(folder / SPLIT_FILE, index_label="clip")
            card = Card(
                features=tuple(records),
                geometry=geometry,
                rate_hz=int(store.about["rate_hz"]),
                embedding_size=trained.withheld.shape[1],
                withheld=tuple(tuple(map(float, row)) for row in trained.withheld),
                scale=scale,
                offset=offset,
                threshold=threshold,
                undecided=_UNDECIDED_LLR,
                prior_spoof=_PRIOR_SPOOF,
                dataset=str(store.about["dataset"]),
                protocol=protocol.name,
                protocol_sentence=protocol.sentence,
                fvx_version=__version__,
                checksums=checksums,
                data={name: _counts(clips.loc[protocol.clips(name)]) for name in PARTS},
                training=describe(settings, trained.history),
                development={
                    "eer": rate,
                    "cllr": metrics.cllr(scores[bonafide], scores[~bonafide]),
                    "note": "chosen on these clips, so this flatters",
                },
            )
            card.save(folder)
            shutil.move(folder, run)
    except OSError as error:
        raise ModelError(f"{run}: cannot be written ({error.strerror or error})") from error
    return card


def _counts(clips: pd.DataFrame) -> dict[str, Any]:
    spoof = clips["label"] == "spoof"
    named = ~clips["speaker"].isin(["", "-"])
    return {
        "n_bonafide": int((~spoof).sum()),
        "n_spoof": int(spoof.sum()),
        "hours": round(float(clips["duration_s"].sum()) / 3600, 4),
        "n_speakers": int(clips.loc[named, "speaker"].nunique()),
        "systems": sorted(set(clips.loc[spoof, "system"]) - {"", "-"}),
    }
