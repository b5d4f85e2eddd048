"""Source: a model's files, and what they say of it without being loaded."""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fvx.errors import FeatureError

MODEL, LAYER, DEVICE = "FVX_SSL_MODEL", "FVX_SSL_LAYER", "FVX_SSL_DEVICE"
RATE_HZ = 16_000
Form = Literal["wave", "whisper"]

_CONFIG, _PREPROCESSOR, _WEIGHTS = "config.json", "preprocessor_config.json", "*.safetensors"
_N_BLOCKS, _BLOCK_BYTES = 16, 1 << 16
# Of wav2vec 2.0 and its kin, where no config.json says otherwise: 20 ms, and 25 ms of sound.
_STRIDES, _KERNELS = (5, 2, 2, 2, 2, 2, 2), (10, 3, 3, 3, 3, 2, 2)


@dataclass(frozen=True)
class Source:
    """A model on this machine.

    Attributes
    ----------
    path : Path
        Folder of a transformers model, or ONNX file.
    form : {"wave", "whisper"}
        What it takes: samples, or Whisper's log-mel spectrogram of half a minute.
    n_dims : int or None
        Length of an embedding; None where only the graph itself says it.
    n_layers : int or None
        Layers beyond layer 0, what goes into the first; None as above.
    hop, width : int
        Samples from one frame to the next, and that a frame of the first layers takes in.
    normalised : bool
        Whether samples are brought to zero mean and unit variance beforehand.
    """

    path: Path
    form: Form = "wave"
    n_dims: int | None = None
    n_layers: int | None = None
    hop: int = math.prod(_STRIDES)
    width: int = 400
    normalised: bool = True

    @classmethod
    def from_environment(cls) -> Source:
        """Read what lies where ``FVX_SSL_MODEL`` points.

        Raises
        ------
        FeatureError
            If there is nothing, or nothing that this plugin knows to load.
        """
        return cls.read(Path(os.environ.get(MODEL, "")))

    @classmethod
    def read(cls, path: Path) -> Source:
        """Read the description of a model; its weights are not loaded.

        Raises
        ------
        FeatureError
            As `from_environment`.
        """
        path = path.expanduser()
        if path.is_dir():
            graphs = sorted(path.glob("*.onnx"))
            if not sorted(path.glob(_WEIGHTS)):
                if len(graphs) != 1:
                    raise FeatureError(
                        f"{path}: needs weights in {_WEIGHTS}, or one ONNX file (there are "
                        f"{len(graphs)}; {MODEL} may name one); pickled weights (.bin, .pt) are "
                        "not read, since they can run code"
                    )
                path = graphs[0]
        elif path.suffix != ".onnx" or not path.is_file():
            raise FeatureError(f"{path}: neither a model's folder nor an ONNX file ({MODEL})")
        folder = path if path.is_dir() else path.parent
        config, preprocessor = _json(folder / _CONFIG), _json(folder / _PREPROCESSOR)
        if path.is_dir() and not config:
            raise FeatureError(f"{path}: no {_CONFIG} in it")
        return cls._of(path, config, preprocessor)

    @classmethod
    def _of(cls, path: Path, config: dict[str, Any], preprocessor: dict[str, Any]) -> Source:
        rate_hz = preprocessor.get("sampling_rate", RATE_HZ)
        if rate_hz != RATE_HZ:
            raise FeatureError(f"{path}: is for speech at {rate_hz} Hz; {RATE_HZ} is needed")
        if config.get("model_type") == "whisper":
            if path.suffix == ".onnx":
                raise FeatureError(
                    f"{path}: Whisper's graph takes spectrograms; give the folder of its weights"
                )
            return cls(
                path, "whisper", config.get("d_model"), config.get("encoder_layers"),
                normalised=bool(preprocessor.get("do_normalize", False)),
            )  # fmt: skip
        if config and not {"conv_stride", "conv_kernel", "hidden_size"} <= config.keys():
            kind = config.get("model_type", "a model of no kind")
            raise FeatureError(
                f"{path}: {kind} is neither like wav2vec 2.0 (WavLM, HuBERT, XLS-R, …) nor Whisper"
            )
        hop, width = 1, 1
        strides = config.get("conv_stride", _STRIDES)
        for stride, kernel in zip(strides, config.get("conv_kernel", _KERNELS), strict=True):
            width += (kernel - 1) * hop
            hop *= stride
        return cls(
            path, "wave", config.get("hidden_size"), config.get("num_hidden_layers"), hop, width,
            bool(preprocessor.get("do_normalize", True)),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """Name of the folder or, of an ONNX file without a config.json, its own."""
        alone = self.path.suffix == ".onnx" and self.n_dims is None
        return self.path.stem if alone or self.path.is_dir() else self.path.parent.name

    @property
    def hop_s(self) -> float:
        """Seconds between frames."""
        return self.hop / RATE_HZ

    def fingerprint(self) -> str:
        """A checksum of what decides the numbers: descriptions, and a sample of the weights.

        Weights may be gigabytes, and this is asked whenever a command starts: of each file its
        size and 16 blocks of 64 KiB are read. Two models of one architecture differ in
        nearly every one of them.
        """
        state = hashlib.sha256()
        folder = self.path if self.path.is_dir() else self.path.parent
        files = sorted(folder.glob(_WEIGHTS)) if self.path.is_dir() else [self.path]
        for description in (folder / _CONFIG, folder / _PREPROCESSOR):
            state.update(json.dumps(_json(description), sort_keys=True).encode())
        for path in files:
            size = path.stat().st_size
            state.update(f"{size}".encode())
            with path.open("rb") as file:
                for block in range(_N_BLOCKS):
                    file.seek((size - min(size, _BLOCK_BYTES)) * block // (_N_BLOCKS - 1))
                    state.update(file.read(_BLOCK_BYTES))
        return state.hexdigest()[:16]


def _json(path: Path) -> dict[str, Any]:
    """What a file holds; nothing if it is not there."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FeatureError(f"{path}: cannot be read ({error})") from error
    if not isinstance(found, dict):
        raise FeatureError(f"{path}: describes no model")
    return found
