"""The Keras file of a run, looked through before Keras builds anything of it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py

from fvx.errors import ModelError
from fvx.model.card import Card
from fvx.quiet import quiet

KERAS_MODEL = "model.keras"
_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_MEMBERS = {"metadata.json", _CONFIG, _WEIGHTS}
_LIMIT_BYTES = 1 << 28
_OUR_CLASSES = "fvx.model.network"
# These run code, or read other files, that a configuration names.
_REFUSED = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer", "__lambda__"}
# What h5py raises over bytes that it cannot make sense of.
_DAMAGED = (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError)


def load_keras(run: str | Path) -> Any:
    """Load a run's network as a Keras model, for training on. Needs TensorFlow.

    Raises
    ------
    ModelError
        If the file is missing, changed, damaged, or holds what could execute code, read other
        files or fill the memory.
    """
    run = Path(run)
    check_keras(run, Card.load(run).checksums.get(KERAS_MODEL))
    try:
        import fvx.model.network  # noqa: F401 - Keras knows its layers from here on
        from fvx.model.descent import keras
    except ImportError as error:
        raise ModelError(
            f"{run / KERAS_MODEL}: needs TensorFlow ({error}); "
            "install it with: pip install 'fvx[train]'"
        ) from error
    try:
        with quiet():
            return keras.saving.load_model(run / KERAS_MODEL, compile=False, safe_mode=True)
    except (ValueError, TypeError, KeyError, OSError, AttributeError) as error:
        raise _refusal(run / KERAS_MODEL, error) from error


def check_keras(run: Path, checksum: str | None) -> None:
    """Look through the file without building anything of it.

    Parameters
    ----------
    checksum : str or None
        Its SHA-256, by the card.

    Raises
    ------
    ModelError
    """
    path = run / KERAS_MODEL
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise ValueError(f"larger than {_LIMIT_BYTES >> 20} MB")
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != checksum:
            raise ValueError("not the file its card was written for: checksum differs")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if {one.filename for one in members} != _MEMBERS or len(members) != len(_MEMBERS):
                raise ValueError(f"holds other files than {', '.join(sorted(_MEMBERS))}")
            if sum(one.file_size for one in members) > _LIMIT_BYTES:
                raise ValueError(f"unpacks to more than {_LIMIT_BYTES >> 20} MB")
            _check_config(json.loads(archive.read(_CONFIG)))
            with h5py.File(io.BytesIO(archive.read(_WEIGHTS)), "r") as file:
                _check_weights(file)
    except (*_DAMAGED, RecursionError, MemoryError, EOFError, NotImplementedError,
            zipfile.BadZipFile) as error:  # fmt: skip
        raise _refusal(path, error) from error


def _check_config(node: Any) -> None:
    """Every class that the configuration names has to be Keras's own, or fvx's."""
    if isinstance(node, list):
        for one in node:
            _check_config(one)
    if not isinstance(node, dict):
        return
    name, module = node.get("class_name"), node.get("module")
    if name in _REFUSED:
        raise ValueError(f"a {name} layer, which can execute code")
    if module is not None and not _is_known(str(module)):
        raise ValueError(f"something of {str(module)!r:.50}")
    if node.get("class_name") == "function" or "__lambda__" in node:
        raise ValueError("a function of its own")
    for one in node.values():
        _check_config(one)


def _is_known(module: str) -> bool:
    return module in ("keras", "builtins", _OUR_CLASSES) or module.startswith(
        (
            "keras.layers",
            "keras.initializers",
            "keras.regularizers",
            "keras.ops",
            "keras.src.ops",
            "keras.src.models",
        )
    )


def _check_weights(group: h5py.Group) -> None:
    """No links to elsewhere, no data elsewhere, nothing but numbers."""
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"weights linked from elsewhere ({name!r:.50})")
        one = group[name]
        if isinstance(one, h5py.Group):
            _check_weights(one)
        elif not isinstance(one, h5py.Dataset) or one.external or one.is_virtual:
            raise ValueError(f"weights kept elsewhere ({name!r:.50})")
        elif one.dtype.kind not in "fiub" or one.nbytes > _LIMIT_BYTES:
            raise ValueError(f"weights of {one.nbytes >> 20} MB or of no numbers ({name!r:.50})")


def _refusal(path: Path, error: BaseException) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    return ModelError(f"{path}: not a Keras model that fvx wrote ({reason})")
