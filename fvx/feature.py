"""Feature: the one thing a plugin author implements."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from fvx.audio import Audio
from fvx.errors import FeatureError

Kind = Literal["per_clip", "contour", "matrix"]


class Feature(ABC):
    """One way of turning a clip into numbers.

    Subclasses are frozen dataclasses: their fields *are* their settings, so equality,
    hashing, ``repr`` and storage come for free. Authors write ``extract``; everyone else
    calls ``feature(audio)``, which checks the result once.

    Attributes
    ----------
    name : str
        How the feature is asked for; lower case, unique among the installed plugins.
    version : int
        Raise it whenever the numbers change.
    columns : tuple of str
        What each column holds, unit last: ``("f0_hz", "voiced")``.
    kind : {"per_clip", "contour", "matrix"}
        One row for the clip; one quantity over time (with companions such as ``voiced``);
        or many columns over time.
    perceptible : bool
        Whether a person can hear what the numbers say.
    evidence : bool
        False for what tells recordings apart but not voices (silence, level, bandwidth): known
        shortcuts, left out of ``all`` and of training unless named.
    by_name_only : bool
        True for what is too large, or too slow to learn from, to come with ``all``.
    hop_s : float or None
        Seconds between frames, 10 ms unless there is a reason; None for ``per_clip``.

    Notes
    -----
    The frame law: frame *k* is centred at ``k * hop_s``, and a clip of *n* samples has
    ``1 + floor(n / (hop_s * rate_hz))`` frames, the hop being a whole number of samples.
    Where a quantity does not exist the value is what the docstring says, never NaN; a
    companion column says where it is defined.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    columns: tuple[str, ...]
    kind: ClassVar[Kind]
    perceptible: ClassVar[bool]
    evidence: ClassVar[bool] = True
    by_name_only: ClassVar[bool] = False
    hop_s: float | None

    @abstractmethod
    def extract(self, audio: Audio) -> NDArray[np.float32]:
        """Return the values, shape (n_frames, n_columns), or (1, n_columns) per clip."""

    def __call__(self, audio: Audio) -> NDArray[np.float32]:
        """Extract, and refuse a result that breaks the contract.

        Raises
        ------
        FeatureError
            If shape, number of frames or dtype are wrong, or a value is not finite.
        """
        values = self.extract(audio)
        audio.forget()
        if not isinstance(values, np.ndarray) or values.dtype != np.float32:
            got = getattr(values, "dtype", type(values).__name__)
            raise FeatureError(f"{self.name}: expected a float32 array, got {got}")
        n_frames = 1 if self.hop_s is None else audio.n_frames(self.hop_s)
        expected = (n_frames, len(self.columns))
        if values.shape != expected:
            raise FeatureError(f"{self.name}: expected shape {expected}, got {values.shape}")
        if not np.isfinite(values).all():
            raise FeatureError(f"{self.name}: returned NaN or infinity")
        return values

    def words(self, row: NDArray[np.float32]) -> tuple[str, ...]:
        """What a person should be told about these values of a clip, in plain words.

        Asked of features that are no evidence; nothing unless a feature says otherwise.
        """
        return ()

    @property
    def settings(self) -> dict[str, Any]:
        """The fields by name: all that, with ``version``, decides the numbers."""
        return dataclasses.asdict(self)  # type: ignore[call-overload, no-any-return]

    @property
    def source(self) -> str:
        """The literature the docstring cites, on one line."""
        _, found, cited = (self.__doc__ or "").partition("References\n")
        return " ".join(cited.replace("----------", "", 1).split()) if found else ""

    @property
    def summary(self) -> str:
        """The docstring's first line."""
        return (self.__doc__ or "").strip().split("\n", 1)[0]
