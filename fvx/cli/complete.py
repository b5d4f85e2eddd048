"""What the shell offers when Tab is pressed; wrong guesses are silent there."""

from __future__ import annotations


def features(incomplete: str) -> list[str]:
    """Names of installed features."""
    from fvx.errors import FvxError
    from fvx.registry import discover

    try:
        names = discover().features
    except FvxError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def listed_features(incomplete: str) -> list[str]:
    """The same for the last of several with commas: ``f0,jit`` gives ``f0,jitter``."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in ["all", *features(last)] if name.startswith(last)]


def datasets(incomplete: str) -> list[str]:
    """Names of known corpora."""
    from fvx.errors import FvxError
    from fvx.registry import discover

    try:
        names = discover().datasets
    except FvxError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """Runs under ``runs/``."""
    from fvx.cli.choose import RUNS

    found = sorted(str(path.parent) for path in RUNS.glob("*/card.json"))
    return [name for name in found if name.startswith(incomplete)]


def stores(incomplete: str) -> list[str]:
    """Stores under ``features/``."""
    from fvx.cli.choose import STORES

    found = sorted(str(path.parent) for path in STORES.glob("*/store.json"))
    return [name for name in found if name.startswith(incomplete)]
