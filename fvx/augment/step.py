"""Step: one thing that happens to a recording on its way, drawn anew for each copy."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fvx.errors import RecipeError

Samples = NDArray[np.float32]
Range = tuple[float, float]
Limits = dict[str, Range]
Choices = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Step(ABC):
    """Base of the steps: fields are the settings, as a recipe writes them.

    A field of two numbers is a range from which each copy draws; one of words or of whole
    numbers is a choice.

    Attributes
    ----------
    kind : str
        What a recipe calls it.
    limits : mapping of str to (float, float)
        Between what each range has to lie.
    choices : mapping of str to tuple
        What each choice may name.
    probability : float
        Share of the copies that take the step.

    Raises
    ------
    RecipeError
        If a setting is of another type than its default, or lies outside its limits.
    """

    kind: ClassVar[str]
    limits: ClassVar[Limits] = {}
    choices: ClassVar[Choices] = {}

    probability: float = 1.0

    def __post_init__(self) -> None:
        if not is_number(self.probability) or not 0 <= self.probability <= 1:
            raise RecipeError(
                f"{self.kind}: probability is {self.probability!r}, not between 0 and 1"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in self.limits:
                self._check_range(field.name, value)
            elif field.name in self.choices:
                self._check_choice(field.name, value)

    @abstractmethod
    def apply(self, samples: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
        """Return the samples after the step, as many as before unless the step is to cut."""

    @property
    def settings(self) -> dict[str, Any]:
        """Kind and fields, as JSON knows them."""
        return {
            "kind": self.kind,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()},
        }

    def _check_range(self, name: str, value: Any) -> None:
        low, high = self.limits[name]
        good = (
            isinstance(value, tuple)
            and len(value) == 2
            and all(is_number(end) for end in value)
            and low <= value[0] <= value[1] <= high
        )
        if not good:
            raise RecipeError(
                f"{self.kind}: {name} is {_shown(value)}, not two numbers, the lower first, "
                f"between {low:g} and {high:g}"
            )

    def _check_choice(self, name: str, value: Any) -> None:
        known = self.choices[name]
        if not isinstance(value, tuple) or not value or any(one not in known for one in value):
            raise RecipeError(
                f"{self.kind}: {name} is {_shown(value)}; a list of some of "
                f"{', '.join(map(str, known))} is needed"
            )


def rms(samples: NDArray[Any]) -> float:
    """Root mean square, 1e-9 at least: what it divides stays finite."""
    return max(1e-9, math.sqrt(float(np.mean(np.square(samples, dtype=np.float64)))))


def draw(rng: np.random.Generator, limits: Range) -> float:
    """Draw from a range, evenly."""
    return float(rng.uniform(*limits))


def as_long_as(samples: NDArray[Any], n_samples: int) -> Samples:
    """Cut the end off, or add zeros to it."""
    kept = samples[:n_samples].astype(np.float32)
    return np.pad(kept, (0, n_samples - len(kept)))


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    return repr(list(value) if isinstance(value, tuple) else value)
