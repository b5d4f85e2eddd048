"""Every error fvx raises on purpose.

FvxError
├── AudioError          a clip cannot be read, or cannot be analysed
├── FeatureError        a plugin broke the Feature contract, or cannot be loaded
├── UnknownFeature      a feature was asked for that no installed plugin registered
├── DatasetError        a corpus is missing, incomplete or laid out otherwise than expected
│   └── UnknownLabel    a label word that no alias table knows
├── RecipeError         an augmentation recipe that cannot be followed
├── StoreError          a feature store is missing, damaged, in use, or made with other settings
├── WindowError         a window geometry that the store cannot give
├── SplitError          the clips cannot be divided into the parts asked for
├── ScoreError          scores that no metric can be computed from
└── ModelError          a run is missing, damaged or of another format
    └── ModelMismatch   a model was trained on other features than it is given
"""

from __future__ import annotations


class FvxError(Exception):
    """Base of them all: the CLI prints it as one line and exits with 1."""


class AudioError(FvxError):
    """A clip cannot be read, or cannot be analysed."""


class FeatureError(FvxError):
    """A plugin broke the Feature contract, or cannot be loaded."""


class UnknownFeature(FvxError):
    """A feature was asked for that no installed plugin registered."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)  # plain arguments, so it pickles out of a worker
        self.name = name
        self.known = known

    def __str__(self) -> str:
        installed = ", ".join(self.known) or "none"
        return f"no feature {self.name!r}; installed: {installed}"


class DatasetError(FvxError):
    """A corpus is missing, incomplete or laid out otherwise than expected."""


class UnknownLabel(DatasetError):
    """A label word that no alias table knows."""

    def __init__(self, word: str, where: str, known: tuple[str, ...]) -> None:
        super().__init__(word, where, known)
        self.word = word
        self.where = where
        self.known = known

    def __str__(self) -> str:
        return f"{self.where}: label {self.word!r} is unknown; known: {', '.join(self.known)}"


class RecipeError(FvxError):
    """An augmentation recipe that cannot be followed."""


class StoreError(FvxError):
    """A feature store is missing, damaged, in use, or made with other settings."""


class WindowError(FvxError):
    """A window geometry that the store cannot give."""


class SplitError(FvxError):
    """The clips cannot be divided into the parts asked for."""


class ScoreError(FvxError):
    """Scores that no metric can be computed from."""


class ModelError(FvxError):
    """A run is missing, damaged or of another format."""


class ModelMismatch(ModelError):
    """A model was trained on other features than it is given."""
