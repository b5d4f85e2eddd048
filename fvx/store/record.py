"""What a store knows of a feature, and of a clip that has no values for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fvx.errors import FeatureError
from fvx.feature import Feature, Kind


@dataclass(frozen=True)
class FeatureRecord:
    """What a store knows of a feature without its plugin being installed."""

    name: str
    version: int
    settings: Mapping[str, Any]
    columns: tuple[str, ...]
    kind: Kind
    perceptible: bool
    hop_s: float | None
    source: str = ""
    evidence: bool = True

    @classmethod
    def of(cls, feature: Feature) -> FeatureRecord:
        """Describe an installed feature.

        Raises
        ------
        FeatureError
            If its settings are not of the kinds that JSON knows.
        """
        try:
            settings = json.loads(json.dumps(feature.settings, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise FeatureError(f"{feature.name}: a setting cannot be stored ({error})") from error
        return cls(
            feature.name,
            feature.version,
            settings,
            tuple(feature.columns),
            feature.kind,
            feature.perceptible,
            feature.hop_s,
            feature.source,
            feature.evidence,
        )

    def same_numbers(self, other: FeatureRecord) -> bool:
        """Whether both make the same numbers: version and settings agree."""
        return (self.name, self.version, self.settings) == (
            other.name,
            other.version,
            other.settings,
        )

    def to_json(self) -> str:
        """One line that ``from_json`` reads back."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> FeatureRecord:
        """Read what ``to_json`` wrote."""
        raw = json.loads(text)
        return cls(**{**raw, "columns": tuple(raw["columns"])})


@dataclass(frozen=True)
class Failure:
    """Why a clip has no values for a feature; feature "" means the whole clip."""

    clip: str
    feature: str
    error: str
    reason: str
