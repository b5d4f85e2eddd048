"""Card: everything a run says of itself, as one JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from fvx.atomic import write_json
from fvx.errors import FvxError, ModelError, ModelMismatch
from fvx.model.pooling import POOLINGS
from fvx.store import FeatureRecord, Store
from fvx.windows import Geometry

FORMAT = "fvx-run"
FORMAT_VERSION = 1
CARD = "card.json"
SPLIT_FILE = "split.csv"
POLARITY = "log-likelihood ratio, higher means bona fide"
NETWORK = "network"

_LIMIT_BYTES = 1 << 24
# Far above all that makes sense, and far below what would fill the memory.
_LIMITS = {"features": 1_000, "columns": 10_000, "frames": 100_000, "embedding": 65_536}
_RATES_HZ = (1_000, 768_000)


@dataclass(frozen=True)
class Card:
    """What a model was made of, on what, and how its scores are read.

    Attributes
    ----------
    features : tuple of FeatureRecord
        In the order of the model's branches.
    geometry : Geometry
    rate_hz : int
        Analysis rate of the audio.
    embedding_size : int
        Numbers each branch gives the terminus; 0 for a baseline, which has no branches.
    withheld : tuple of tuple of float, shape (n_features, embedding_size)
        What each branch gives on average for bona fide training speech: its stand-in when
        the feature is withheld. Empty for a baseline.
    scale, offset : float
        ``llr = scale * logit + offset``, fitted on development clips.
    threshold : float
        LLR of the development part's equal error rate: verdicts turn here.
    undecided : float
        Half-width of the band around the threshold in which no verdict is given, in LLR.
    prior_spoof : float
        Prior at which ``p_spoof`` is stated.
    dataset : str
    protocol, protocol_sentence : str
    data : mapping
        Clips, speakers and systems of each part.
    training : mapping
        Seed, epochs, settings, history.
    development : mapping
        Figures on the development part.
    checksums : mapping of str to str
        SHA-256 of the model's files.
    kind : str
        ``network``, or the name of a baseline.
    pooling : str
        How a clip's score is made of its windows'.
    conversion : str
        How recordings are brought to what it reads (`fvx.conversion`); "": as they were read.
    """

    features: tuple[FeatureRecord, ...]
    geometry: Geometry
    rate_hz: int
    embedding_size: int
    withheld: tuple[tuple[float, ...], ...]
    scale: float
    offset: float
    threshold: float
    undecided: float
    prior_spoof: float
    dataset: str
    protocol: str
    protocol_sentence: str
    fvx_version: str
    checksums: Mapping[str, str]
    data: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    development: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""
    polarity: str = POLARITY
    kind: str = NETWORK
    pooling: str = "mean"
    conversion: str = ""

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of one window of each feature: (n_frames, n_columns); (n_columns,) per clip."""
        return {one.name: (*_frames(one, self.geometry), len(one.columns)) for one in self.features}

    def save(self, run: Path) -> None:
        """Write ``card.json`` into a run directory."""
        write_json(run / CARD, {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)})

    @classmethod
    def load(cls, run: Path) -> Card:
        """Read a run directory's card.

        Raises
        ------
        ModelError
            If there is none, or it is of another format, incomplete, or says what cannot be.
        """
        path = run / CARD
        raw = _read(run)
        if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
            raise ModelError(f"{path}: not the card of an fvx run")
        version = raw.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ModelError(f"{path}: run format {version!r:.50}; this fvx reads {FORMAT_VERSION}")
        try:
            raw["features"] = tuple(
                FeatureRecord(**{**one, "columns": tuple(one["columns"])})
                for one in raw["features"]
            )
            raw["geometry"] = Geometry(**raw["geometry"])
            raw["withheld"] = tuple(tuple(map(float, row)) for row in raw["withheld"])
            card = cls(**raw)
            _check(card)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, FvxError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ModelError(f"{path}: incomplete or malformed ({reason})") from error
        shape = {len(row) for row in card.withheld}
        fits = len(card.withheld) == len(card.features) and shape == {card.embedding_size}
        if card.kind != NETWORK:
            fits = not card.withheld and card.embedding_size == 0
        if not fits:
            raise ModelError(f"{path}: withheld embeddings do not fit the features")
        return card


def refuse_other_conversion(store: Store, card: Card) -> None:
    """Refuse a store whose audio was not brought to what the model reads.

    Raises
    ------
    ModelMismatch
    """
    if (made := str(store.about["conversion"])) != card.conversion:
        words = [
            f"converted to {one}" if one else "as it was read" for one in (card.conversion, made)
        ]
        raise ModelMismatch(
            f"the model reads audio {words[0]}; {store.path} was made of audio {words[1]}: "
            "extract again, into another store (--store)"
        )


def latest_run(home: Path = Path("runs")) -> tuple[Path | None, int]:
    """The run trained last under ``home``, if any, and how many there are."""
    cards = sorted(home.glob(f"*/{CARD}"), key=lambda path: path.stat().st_mtime)
    return (cards[-1].parent if cards else None), len(cards)


def _read(run: Path) -> Any:
    path = run / CARD
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise ModelError(f"{path}: larger than {_LIMIT_BYTES >> 20} MB; not the card of a run")
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except FileNotFoundError:
        raise ModelError(f"{run}: no {CARD} there, so not a run; `fvx train` makes one") from None
    except NotADirectoryError:
        raise ModelError(f"{run}: a file; a run is the folder that `fvx train` makes") from None
    except RecursionError:
        raise ModelError(f"{path}: cannot be read (nested too deeply)") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ModelError(f"{path}: cannot be read ({error})") from error


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _check(card: Card) -> None:
    """Refuse, by ValueError or TypeError, what no training writes."""
    for name in ("scale", "offset", "threshold", "undecided", "prior_spoof"):
        value = getattr(card, name)
        # JSON has no infinity, but 1e999 becomes one.
        if isinstance(value, bool) or not math.isfinite(value):
            raise ValueError(f"{name} is {value}")
    if card.scale < 0 or card.undecided < 0 or not 0 < card.prior_spoof < 1:
        raise ValueError("scale, undecided and prior_spoof are out of range")
    if not all(math.isfinite(value) for row in card.withheld for value in row):
        raise ValueError("withheld holds what is not finite")
    if card.pooling not in POOLINGS:
        raise ValueError(f"no pooling {card.pooling!r:.50}")
    for name, low, high in (
        ("rate_hz", *_RATES_HZ),
        ("embedding_size", 0, _LIMITS["embedding"]),
    ):
        value = getattr(card, name)
        if type(value) is not int or not low <= value <= high:
            raise ValueError(f"{name} is {value!r:.50}")
    for name in (
        "dataset",
        "protocol",
        "protocol_sentence",
        "fvx_version",
        "words",
        "kind",
        "conversion",
    ):
        if not isinstance(getattr(card, name), str):
            raise TypeError(f"{name} is no text")
    for name in ("checksums", "data", "training", "development"):
        if not isinstance(getattr(card, name), dict):
            raise TypeError(f"{name} is no table")
    if not 0 < len(card.features) <= _LIMITS["features"]:
        raise ValueError(f"{len(card.features)} features")
    if len({one.name for one in card.features}) < len(card.features):
        raise ValueError("a feature is there twice")
    for one in card.features:
        _check_feature(one, card.geometry)


def _check_feature(one: FeatureRecord, geometry: Geometry) -> None:
    texts = (one.name, one.kind, one.source, *one.columns)
    if not all(isinstance(text, str) for text in texts) or not isinstance(one.settings, dict):
        raise TypeError("a feature's name, columns or settings are not what they should be")
    if not 0 < len(one.columns) <= _LIMITS["columns"]:
        raise ValueError(f"{one.name} has {len(one.columns)} columns")
    if one.hop_s is not None and not 0 < one.hop_s < math.inf:
        raise ValueError(f"{one.name} has the hop {one.hop_s}")
    if math.prod(_frames(one, geometry)) > _LIMITS["frames"]:
        raise ValueError(f"{one.name} has too many frames")


def _frames(one: FeatureRecord, geometry: Geometry) -> tuple[int, ...]:
    return () if one.hop_s is None else (geometry.n_frames(one.hop_s),)
