"""Detector: a model ready for audio files; Verdict: what it says of one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx import notebook
from fvx.audio import Audio
from fvx.baselines import BaselineScorer, open_scorer
from fvx.conversion import converted, refuse_unknown
from fvx.errors import FvxError, ModelError, ModelMismatch
from fvx.explanation import Explanation, Method, Settings, explain_analysis
from fvx.explanation.analysis import Analysis
from fvx.feature import Feature
from fvx.model import Scorer, latest_run
from fvx.model.card import NETWORK
from fvx.model.familiarity import FAMILIARITY, Familiarity
from fvx.model.pooling import pool
from fvx.model.reference import Reference
from fvx.registry import Registry, discover
from fvx.speech import voters
from fvx.store import FeatureRecord
from fvx.windows import cut

DEFAULT_RUN = Path(__file__).parent / "model" / "default"
SHIPPED = {name: DEFAULT_RUN.with_name(name) for name in ("default", "partial")}


@dataclass(frozen=True)
class WindowScore:
    """Score of one window, as a log-likelihood ratio; higher means bona fide."""

    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True)
class Verdict:
    """What a detector says of one file.

    Attributes
    ----------
    path : str
    score : float or None
        Log-likelihood ratio, mean over the windows; higher means bona fide.
    p_spoof : float or None
        Probability of a spoof at the card's prior.
    verdict : {"bona fide", "spoof", "undecided"} or None
    duration_s : float or None
    windows : tuple of WindowScore
    warnings : tuple of str
        What a reader should know before relying on it.
    error : str or None
        Why there is no score.
    """

    path: str
    score: float | None = None
    p_spoof: float | None = None
    verdict: str | None = None
    duration_s: float | None = None
    windows: tuple[WindowScore, ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None
    _analysis: Analysis | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values, ready for ``json.dumps``.

        Besides the fields what the verdict rests on: ``prior_spoof``, ``threshold``, and
        ``undecided``, the half-width of the band around it without a verdict; null if there is
        no score.
        """
        record = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)[:-1]}
        for name in ("prior_spoof", "threshold", "undecided"):
            record[name] = self._analysis and getattr(self._analysis.scorer.card, name)
        record["windows"] = [dataclasses.asdict(window) for window in self.windows]
        record["warnings"] = list(self.warnings)
        return record

    def _repr_html_(self) -> str:
        return notebook.verdict_html(self.to_json())

    def explain(self, method: Method = "lime", seed: int = 0, **more: Any) -> Explanation:
        """Say what moved the score.

        Parameters
        ----------
        method : {"lime", "shapley", "occlusion", "gradients"}
        seed : int
        **more
            Other fields of `fvx.explanation.Settings`.

        Raises
        ------
        FvxError
            If there is no score to explain, or a setting is unknown.
        """
        if self._analysis is None:
            raise FvxError(f"{self.path}: no score to explain ({self.error})")
        kind = self._analysis.scorer.card.kind
        if kind != NETWORK:
            raise FvxError(f"{self.path}: a baseline ({kind}) gives no reasons, only a score")
        settings = Settings(method=method, seed=seed, **more)
        return explain_analysis(self._analysis, self.to_json(), settings)


class Detector:
    """A trained model with the features it reads.

    Attributes
    ----------
    run : Path
    scorer : Scorer
    """

    def __init__(
        self,
        run: Path,
        scorer: Scorer | BaselineScorer,
        features: tuple[Feature, ...],
        audits: tuple[Feature, ...] = (),
        plugins: Mapping[str, str] | None = None,
    ) -> None:
        self.run = run
        self.scorer = scorer
        self.features = features
        self._audits = audits
        self._plugins = dict(plugins or {})
        self._reference: Reference | None = None
        self._familiarity: Familiarity | None = None

    @property
    def reference(self) -> Reference:
        """What bona fide training speech shows; read when first needed."""
        if self._reference is None:
            self._reference = Reference.load(self.run, self.scorer.card.features)
        return self._reference

    @property
    def familiarity(self) -> Familiarity | None:
        """What the model was trained on, as it hears it; None for a run that does not say."""
        card = self.scorer.card
        if self._familiarity is None and FAMILIARITY in card.checksums:
            n_columns = sum(len(feature.columns) for feature in card.features)
            checksum = card.checksums[FAMILIARITY]
            self._familiarity = Familiarity.load(self.run, checksum, n_columns)
        return self._familiarity

    def predict(self, file: str | Path) -> Verdict:
        """Score one file.

        Raises
        ------
        AudioError
            If the file cannot be read or analysed.
        FeatureError
            If a feature breaks its contract on it.
        """
        card = self.scorer.card
        audio = Audio.read(file, card.rate_hz)
        analysis = self._analyse(str(file), audio)
        score = analysis.score
        margin = score - card.threshold
        if abs(margin) <= card.undecided:
            verdict = "undecided"
        else:
            verdict = "bona fide" if margin > 0 else "spoof"
        length_s = min(card.geometry.length_s, audio.duration_s)
        windows = tuple(
            WindowScore(float(start), round(float(start) + length_s, 6), float(one))
            for start, one in zip(analysis.starts_s, analysis.window_scores, strict=True)
        )
        prior_log_odds = np.log(card.prior_spoof / (1 - card.prior_spoof))
        return Verdict(
            path=str(file),
            score=score,
            p_spoof=float(1 / (1 + np.exp(np.clip(score - prior_log_odds, -700, 700)))),
            verdict=verdict,
            duration_s=round(audio.duration_s, 6),
            windows=windows,
            warnings=(
                *_warnings(audio, card.geometry.length_s),
                *self._unfamiliar(analysis),
                *self._audit(audio),
            ),
            _analysis=analysis,
        )

    def _unfamiliar(self, analysis: Analysis) -> tuple[str, ...]:
        if self.familiarity is None:
            return ()
        averages = [
            analysis.values[feature.name].mean(axis=0, dtype=np.float64)
            for feature in self.scorer.card.features
        ]
        return self.familiarity.words(np.concatenate(averages))

    def _audit(self, audio: Audio) -> tuple[str, ...]:
        """What installed features that are no evidence have to say of a clip."""
        return tuple(words for audit in self._audits for words in audit.words(audit(audio)))

    def _pool(self, window_scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Pool the last axis as the run does."""
        flat = window_scores.reshape(-1, window_scores.shape[-1])
        clip = np.repeat(np.arange(len(flat)), flat.shape[1])
        pooled = pool(flat.reshape(-1), clip, len(flat), self.scorer.card.pooling)
        return pooled.reshape(window_scores.shape[:-1])

    def _analyse(self, path: str, audio: Audio) -> Analysis:
        card = self.scorer.card
        heard = converted(audio, card.conversion)
        values = {feature.name: feature(heard) for feature in self.features}
        starts_s = card.geometry.starts_s(audio.duration_s)
        windows = {
            feature.name: cut(values[feature.name], card.geometry, starts_s, feature.hop_s)
            for feature in card.features
        }
        embeddings = self.scorer.embed(windows)
        heard_in = np.ones(len(starts_s), bool)
        if card.conversion:
            heard_in = voters(heard, card.geometry, starts_s)
        return Analysis(
            path=path,
            audio=audio,
            values=values,
            starts_s=starts_s,
            embeddings=embeddings,
            window_scores=self.scorer.llr(embeddings),
            scorer=self.scorer,  # type: ignore[arg-type]  # a baseline is not explained
            pool=lambda scores: self._pool(scores[..., heard_in]),
            reference=lambda: self.reference,
            run=self.run,
            plugins=self._plugins,
            descriptions={f.name: (f.__doc__ or "").partition("\n\n")[0] for f in self.features},
        )


def load_model(run: str | Path | None = None, registry: Registry | None = None) -> Detector:
    """Load a run directory; without one, the run trained last here, else the shipped model.

    Raises
    ------
    ModelError
        If there is no such run, or it is damaged.
    ModelMismatch
        If an installed feature makes other numbers than the model was trained on.
    UnknownFeature
        If a feature of the model is not installed.
    """
    folder = Path(run) if run is not None else latest_run()[0] or DEFAULT_RUN
    scorer = open_scorer(folder)
    try:
        refuse_unknown(scorer.card.conversion)
    except ModelError as error:
        raise ModelMismatch(f"{folder}: {error}") from error
    registry = registry or discover()
    features = []
    for record in scorer.card.features:
        (installed,) = registry.select([record.name])
        try:
            feature = dataclasses.replace(installed, **record.settings)  # type: ignore[type-var]
        except TypeError as error:
            raise ModelMismatch(
                f"{folder}: {record.name} has other settings now ({error})"
            ) from error
        if not FeatureRecord.of(feature).same_numbers(record):
            raise ModelMismatch(
                f"{folder}: was trained on {record.name} version {record.version}; "
                f"version {feature.version} is installed: train again, or install the old one"
            )
        features.append(feature)
    audits = tuple(feature for feature in registry.features.values() if not feature.evidence)
    return Detector(folder, scorer, tuple(features), audits, registry.plugins)


def _warnings(audio: Audio, window_s: float) -> tuple[str, ...]:
    if audio.duration_s >= window_s:
        return audio.notes
    return (
        *audio.notes,
        f"{audio.duration_s:.2f} s is shorter than one window of {window_s:g} s; "
        "it was repeated to fill it",
    )
