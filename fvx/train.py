"""The verb train: a store's features into a run."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fvx import __version__
from fvx.baselines import BaselineName, Fitted, find, open_scorer
from fvx.errors import ModelError, StoreError
from fvx.model.calibrating import calibrate, compare
from fvx.model.card import NETWORK, SPLIT_FILE, Card
from fvx.model.familiarity import FAMILIARITY, Familiarity
from fvx.model.folds import SOURCE, fold_by_source
from fvx.model.part import Part
from fvx.model.pooling import Pooling
from fvx.model.reference import Reference
from fvx.protocol import DEVELOPMENT, PARTS, TRAIN, Protocol, SplitName, is_copy, split
from fvx.registry import discover
from fvx.store import Store
from fvx.windows import Geometry, saved_geometry

if TYPE_CHECKING:
    from fvx.model.cross_fitting import CrossFitted
    from fvx.model.training import Epoch, Trained

_UNDECIDED_LLR = 0.4  # odds of 1.5 to 1: within it the verdict would hang on chance
_PRIOR_SPOOF = 0.5
_MOST_EPOCHS = 40
_OF_DEVELOPMENT = "on the development part, which chose, so this flatters"
_NO_TENSORFLOW = "training needs TensorFlow ({}); install it with: pip install 'fvx[train]'"
_MAX_CLIPS = 1024  # of each part, to know what is familiar
_REFERENCE_BYTES = 1 << 30  # of all features, to know what is usual; held one after the other


def train(
    store: Store,
    run: str | Path,
    *,
    features: Sequence[str] = (),
    split_name: SplitName | None = None,
    protocol: Protocol | None = None,
    epochs: int | None = None,
    seed: int = 0,
    members: int = 1,
    whole: bool = False,
    balance: Sequence[str] = (),
    pooling: Pooling | None = "mean",
    baseline: BaselineName | None = None,
    resume: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    on_words: Callable[[str], None] = lambda _: None,
    on_protocol: Callable[[Protocol], None] = lambda _: None,
) -> Card:
    """Train one branch per feature, joined by a head that judges all together; write a run.

    Training and development clips are divided into five folds of sources (of speakers, where
    no sources are named). Each fold is judged by networks that learnt from the others: by that
    branches that do not help are left out, and the scores are calibrated; then all are learnt
    from. Where sources and speakers are too few, the development part alone calibrates. The test
    part is not touched.

    Where plugins supply branches of their own, the branches judge alone and are added up, and the
    development part decides (`fvx.model.training`).

    Parameters
    ----------
    run : path
        Directory to make; it appears when everything in it is written.
    features : sequence of str
        Names; when empty, all that the store holds and that are evidence. A baseline has its
        own.
    split_name : str or None
        None: the corpus's own parts if it names them, else speaker-disjoint ones.
    protocol : Protocol or None
        A division of one's own, in place of ``split_name``.
    epochs : int or None
        None: 10, which are all gone through; 40 at most where branches judge alone, and for a
        baseline.
    members : int
        Networks to train, each with a seed of its own, and to average.
    whole : bool
        Where branches judge alone: learn from training and development clips together at the
        end. Calibration and all figures stay those of the network that knew the training clips.
    balance : sequence of str
        Columns of the clip table (source, system, …): within each class a value weighs as the
        root of the number of its windows, so that a few large sources do not decide.
    pooling : str or None
        How a clip's score is made of its windows'; None: whichever has the lowest Cllr on the
        development part.
    baseline : str or None
        A detector to compare with, in place of fvx's own network.
    resume : bool
        Go on with a training that was stopped.

    Raises
    ------
    ModelError
        If ``run`` exists, TensorFlow is not installed, or there is nothing to go on with.
    StoreError, SplitError, UnknownFeature
        If no clip has all the features, a part lacks a class, or a feature is not stored.
    """
    run = Path(run)
    if run.exists():
        raise ModelError(f"{run}: exists already; name another with --run")
    plan = find(baseline) if baseline else None
    if plan and (features or resume or whole or members > 1):
        raise ModelError(
            f"{plan.name} has its own features, is one model, learns once, and is not resumed"
        )
    unfinished = run.parent / f".{run.name}.unfinished"
    if resume and not any(unfinished.glob("*.npz")):
        raise ModelError(f"{run}: no training of it was stopped; train without --resume")
    evidence = (name for name, record in store.features.items() if record.evidence)
    names = plan.features if plan else tuple(sorted(features)) or tuple(evidence)
    records = [store[name].record for name in names]
    complete = store.complete(names)
    if not complete:
        raise StoreError(f"{store.path}: no clip has all of {', '.join(names) or 'its features'}")
    clips = store.clips.loc[complete]
    if lacking := [column for column in balance if column not in clips]:
        raise StoreError(
            f"{store.path}: its clips have no {lacking[0]} to balance; there are "
            f"{', '.join(map(str, clips.columns))}"
        )
    protocol = protocol or split(clips, split_name, seed)
    on_protocol(protocol)
    geometry = plan.geometry if plan else saved_geometry(store) or Geometry()

    def part(ids: Sequence[str]) -> Part:
        return Part.over(store, records, geometry, ids, balance=balance)

    training, development = (part(protocol.clips(name)) for name in (TRAIN, DEVELOPMENT))
    own = [] if plan else sorted(set(names) & discover().branches.keys())
    fitted: Fitted | Trained
    how = _OF_DEVELOPMENT
    judged, logits = development, None
    if plan:
        fitted = plan.fit(
            training, development, epochs=epochs or _MOST_EPOCHS, seed=seed, on_epoch=on_epoch
        )
    elif own:
        fitted = _fit(
            training, development, unfinished, resume=resume, on_epoch=on_epoch,
            epochs=epochs or _MOST_EPOCHS, seed=seed, members=members,
            whole=part(_learnt(clips, protocol)) if whole else None,
        )  # fmt: skip
    else:
        learnt = part(_learnt(clips, protocol))
        fold, column = fold_by_source(clips.loc[list(learnt.windows.clips)])
        if not column:
            held = protocol.parts[list(learnt.windows.clips)] == DEVELOPMENT
            fold = held.to_numpy().astype(np.int64)
        crossed = _cross_fit(
            learnt, fold, unfinished, whole=bool(column), resume=resume, on_words=on_words,
            epochs=epochs, seed=seed, members=members,
        )  # fmt: skip
        fitted = crossed.trained
        records = [one for one, says in zip(records, crossed.kept, strict=True) if says]
        training, development = (part(protocol.clips(name)) for name in (TRAIN, DEVELOPMENT))
        if column:
            how = f"cross-fitted over five folds that share no {column}; branches chosen by them"
            judged = part([one for one in learnt.windows.clips if one not in protocol.copies])
        mine = np.isin(np.asarray(learnt.windows.clips), judged.windows.clips)
        logits = crossed.logits[mine[learnt.windows.clip]]
    if logits is None:
        logits = fitted.development_logits
    # A baseline has no branches.
    withheld = getattr(fitted, "withheld", np.zeros((0, 0)))
    sources = clips.loc[list(judged.windows.clips), SOURCE].fillna("") if SOURCE in clips else None
    poolings = compare(logits, judged, sources)
    best = min(poolings.values(), key=lambda one: one.cllr)
    chosen = calibrate(logits, judged, pooling or best.pooling, sources)
    card = Card(
        features=tuple(records),
        geometry=geometry,
        rate_hz=int(store.about["rate_hz"]),
        conversion=str(store.about["conversion"]),
        embedding_size=withheld.shape[1],
        withheld=tuple(tuple(map(float, row)) for row in withheld),
        scale=chosen.scale,
        offset=chosen.offset,
        threshold=chosen.threshold,
        undecided=_UNDECIDED_LLR,
        prior_spoof=_PRIOR_SPOOF,
        dataset=str(store.about["dataset"]),
        protocol=protocol.name,
        protocol_sentence=protocol.sentence,
        fvx_version=__version__,
        checksums={},
        data={name: _counts(clips.loc[protocol.clips(name)]) for name in PARTS},
        training={**fitted.training, "balance": list(balance), "own_branches": own,
                  "whole": whole},
        development={
            "eer": chosen.eer,
            "cllr": chosen.cllr,
            "note": how,
            "n_clips": len(judged.bonafide),
            "poolings": {name: {"eer": one.eer, "cllr": one.cllr}
                         for name, one in poolings.items()},
        },
        words=plan.words if plan else "",
        kind=plan.name if plan else NETWORK,
        pooling=chosen.pooling,
    )  # fmt: skip
    try:
        run.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=run.parent, prefix=f".{run.name}.") as temporary:
            folder = Path(temporary) / run.name
            folder.mkdir()
            card = dataclasses.replace(card, checksums=fitted.save(folder))
            protocol.parts.rename("part").to_csv(folder / SPLIT_FILE, index_label="clip")
            if not plan:
                share = min(1.0, _REFERENCE_BYTES / max(1, training.n_bytes))
                some = training.some(max(1, round(share * len(training.bonafide))))
                Reference.measure(records, some.lazy(), some.bonafide).save(folder)
                card = _know_the_familiar(folder, card, training, development)
            card.save(folder)
            open_scorer(folder)  # what was written can be read
            shutil.move(folder, run)
        shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise ModelError(f"{run}: cannot be written ({error.strerror or error})") from error
    return card


def _learnt(clips: pd.DataFrame, protocol: Protocol) -> list[str]:
    """Training and development clips in the table's order, copies of both among them."""
    return list(clips.index[protocol.parts[clips.index].isin([TRAIN, DEVELOPMENT])])


def _cross_fit(
    learnt: Part,
    fold: NDArray[np.int64],
    unfinished: Path,
    *,
    whole: bool,
    resume: bool,
    epochs: int | None,
    on_words: Callable[[str], None],
    **settings: Any,
) -> CrossFitted:
    try:
        from fvx.model.cross_fitting import EPOCHS, cross_fit
        from fvx.model.descent import TrainingSettings
    except ImportError as error:
        raise ModelError(_NO_TENSORFLOW.format(error)) from error
    with _kept(unfinished, resume):
        return cross_fit(
            learnt, fold, TrainingSettings(epochs=epochs or EPOCHS, **settings),
            whole=whole, unfinished=unfinished, resume=resume, on_words=on_words,
        )  # fmt: skip


def _fit(
    training: Part,
    development: Part,
    unfinished: Path,
    *,
    resume: bool,
    whole: Part | None,
    on_epoch: Callable[[Epoch], None],
    **settings: Any,
) -> Trained:
    try:
        from fvx.model.training import TrainingSettings, fit
    except ImportError as error:
        raise ModelError(_NO_TENSORFLOW.format(error)) from error
    with _kept(unfinished, resume):
        return fit(
            training, development, TrainingSettings(**settings),
            unfinished=unfinished, resume=resume, on_epoch=on_epoch,
            branches=discover().branches, whole=whole,
        )  # fmt: skip


@contextmanager
def _kept(unfinished: Path, resume: bool) -> Iterator[None]:
    """The folder of what is needed to go on: emptied first, unless that is wanted."""
    try:
        if not resume:
            shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ModelError(f"{unfinished}: cannot be written ({error.strerror or error})") from error


def _know_the_familiar(folder: Path, card: Card, training: Part, development: Part) -> Card:
    """Keep what training clips are like, so that others can be told from them."""
    some = (part.some(_MAX_CLIPS).averages() for part in (training, development))
    checksum = Familiarity.measure(*some).save(folder)
    return dataclasses.replace(card, checksums={**card.checksums, FAMILIARITY: checksum})


def _counts(clips: pd.DataFrame) -> dict[str, Any]:
    spoof = clips["label"] == "spoof"
    named = ~clips["speaker"].isin(["", "-"])
    return {
        **({"n_copies": n_copies} if (n_copies := int(is_copy(clips).sum())) else {}),
        "n_bonafide": int((~spoof).sum()),
        "n_spoof": int(spoof.sum()),
        "hours": round(float(clips["duration_s"].sum()) / 3600, 4),
        "n_speakers": int(clips.loc[named, "speaker"].nunique()),
        "systems": sorted(set(clips.loc[spoof, "system"]) - {"", "-"}),
    }
