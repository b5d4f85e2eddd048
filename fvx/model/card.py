"""Card: everything a run says of itself, as one JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fvx.atomic import write_json
from fvx.errors import ModelError
from fvx.store import FeatureRecord
from fvx.windows import Geometry

FORMAT = "fvx-run"
FORMAT_VERSION = 1
CARD = "card.json"
SPLIT_FILE = "split.csv"
POLARITY = "log-likelihood ratio, higher means bona fide"


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
        Numbers each branch gives the terminus.
    withheld : tuple of tuple of float, shape (n_features, embedding_size)
        What each branch gives on average for bona fide training speech: its stand-in when
        the feature is withheld.
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

    def save(self, run: Path) -> None:
        """Write ``card.json`` into a run directory."""
        write_json(run / CARD, {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)})

    @classmethod
    def load(cls, run: Path) -> Card:
        """Read a run directory's card.

        Raises
        ------
        ModelError
            If there is none, or it is of another format, or incomplete.
        """
        path = run / CARD
        try:
            raw = json.loads(path.read_text())
        except FileNotFoundError:
            raise ModelError(
                f"{run}: no {CARD} there, so not a run; `fvx train` makes one"
            ) from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path}: cannot be read ({error})") from error
        if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
            raise ModelError(f"{path}: not the card of an fvx run")
        version = raw.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise ModelError(f"{path}: run format {version}; this fvx reads {FORMAT_VERSION}")
        try:
            raw["features"] = tuple(
                FeatureRecord(**{**one, "columns": tuple(one["columns"])})
                for one in raw["features"]
            )
            raw["geometry"] = Geometry(**raw["geometry"])
            raw["withheld"] = tuple(tuple(map(float, row)) for row in raw["withheld"])
            card = cls(**raw)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: incomplete or malformed ({error})") from error
        shape = {len(row) for row in card.withheld}
        if len(card.withheld) != len(card.features) or shape != {card.embedding_size}:
            raise ModelError(f"{path}: withheld embeddings do not fit the features")
        return card


def latest_run(home: Path = Path("runs")) -> tuple[Path | None, int]:
    """The run trained last under ``home``, if any, and how many there are."""
    cards = sorted(home.glob(f"*/{CARD}"), key=lambda path: path.stat().st_mtime)
    return (cards[-1].parent if cards else None), len(cards)
