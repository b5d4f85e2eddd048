"""What a store's folder says of itself: its ``store.json``, and which of its files are shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fvx.errors import StoreError

FORMAT = "fvx-store"
FORMAT_VERSION = 2


def read_about(path: Path) -> dict[str, Any]:
    """Read what a store says of itself, its ``store.json``.

    Raises
    ------
    StoreError
        If there is none, or it is another format's, or damaged.
    """
    try:
        about = json.loads((path / "store.json").read_text())
    except FileNotFoundError:
        raise StoreError(f"{path}: no store there; `fvx extract` makes one") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: store.json cannot be read ({error})") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise StoreError(f"{path}: store.json is not an fvx store's")
    version = about.get("format_version")
    if version != FORMAT_VERSION:
        raise StoreError(
            f"{path}: store format {version}, this fvx reads {FORMAT_VERSION}; "
            "extract again, into another store (--store)"
        )
    about.setdefault("conversion", "")  # of before there was one: audio as it was read
    for key, kind in (
        ("conversion", str),
        ("dataset", str),
        ("rate_hz", int),
        ("clips_per_shard", int),
    ):
        if not isinstance(about.get(key), kind):
            raise StoreError(f"{path}: store.json is damaged: {key} is {about.get(key)!r}")
    return about


def shard_paths(path: Path) -> list[Path]:
    """Return the shards of a store, sorted by name.

    Those whose name starts with a dot are being written, or were when a run was killed.
    """
    return sorted(shard for shard in path.glob("*.h5") if not shard.name.startswith("."))
