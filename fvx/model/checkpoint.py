"""Checkpoint: how far a training has come, so that it can go on after it was stopped."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.atomic import replacing
from fvx.errors import ModelError

Arrays = dict[str, list[NDArray[Any]]]


class Checkpoint:
    """Arrays and a record in one file of a folder, replaced whole after every epoch.

    Parameters
    ----------
    path : Path
        The file; its folder exists.
    about : mapping
        What decides the training: data, settings. A checkpoint of another training is refused.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path = path
        text = json.dumps(about, sort_keys=True, default=str)
        self._digest = hashlib.sha256(text.encode()).hexdigest()

    def save(self, record: Mapping[str, Any], arrays: Arrays) -> None:
        """Keep a record (of what JSON knows) and lists of arrays by name."""
        flat = {f"{name}/{i}": one for name, many in arrays.items() for i, one in enumerate(many)}
        about = json.dumps({"digest": self._digest, "record": record})
        with replacing(self.path) as temporary:
            np.savez(temporary, about=np.array(about), **flat)  # type: ignore[arg-type]

    def load(self) -> tuple[dict[str, Any], Arrays] | None:
        """What was kept last; None if nothing was.

        Raises
        ------
        ModelError
            If the file is damaged, or of a training with other data or settings.
        """
        if not self.path.exists():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                digest, record = about["digest"], about["record"]
                arrays: Arrays = {}
                for key in file.files:
                    name, _, _ = key.partition("/")
                    if name != "about":
                        arrays.setdefault(name, []).append(file[key])
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"{self.path}: cannot be read ({error}); delete it to begin again"
            ) from error
        if digest != self._digest:
            raise ModelError(
                f"{self.path}: is of a training on other data or with other settings; "
                "train without --resume to begin again"
            )
        return record, arrays
