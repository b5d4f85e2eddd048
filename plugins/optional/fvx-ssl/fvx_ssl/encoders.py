"""Encoders: a model, loaded, from samples to the embeddings of one of its layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fvx.errors import FeatureError
from fvx_ssl.source import DEVICE, LAYER, RATE_HZ, Source

Samples = NDArray[np.float32]


class Encoder(NamedTuple):
    """A loaded model.

    Attributes
    ----------
    source : Source
    encode : callable
        From samples at 16 kHz and the number of a layer to float32 embeddings, shape
        (n_frames, n_dims).
    n_dims, n_layers : int
        Length of an embedding; number of the last layer.
    """

    source: Source
    encode: Callable[[Samples, int], NDArray[np.float32]]
    n_dims: int
    n_layers: int

    def layer(self, number: int | None) -> int:
        """Number of a layer, checked; negative ones count from the last, None is the last.

        Raises
        ------
        FeatureError
            If there is no such layer.
        """
        return resolve(number, self.n_layers)


@lru_cache(maxsize=1)
def load(source: Source) -> Encoder:
    """Load a model, once per process.

    Raises
    ------
    FeatureError
        If the library that runs it is not installed, or it cannot be loaded.
    """
    return _graph(source) if source.path.suffix == ".onnx" else _transformer(source)


def resolve(layer: int | None, n_layers: int) -> int:
    """Return a layer's number from 0 on; negative ones count from the last, None is the last.

    Raises
    ------
    FeatureError
        If there is no such layer.
    """
    number = n_layers if layer is None else layer if layer >= 0 else n_layers + 1 + layer
    if not 0 <= number <= n_layers:
        raise FeatureError(f"the model has no layer {layer}; there are 0 to {n_layers} ({LAYER})")
    return number


def _graph(source: Source) -> Encoder:
    """By ONNX Runtime: outputs of three dimensions are the layers, in order."""
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise FeatureError(
            f"{source.path}: needs onnxruntime ({error}); pip install 'fvx-ssl[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # --jobs is the parallelism
    options.log_severity_level = 4  # what is wrong is raised as well
    provider = "CPUExecutionProvider" if _device() == "cpu" else "CUDAExecutionProvider"
    try:
        session = onnxruntime.InferenceSession(str(source.path), options, providers=[provider])
    except Exception as error:  # its errors have no common base
        raise FeatureError(f"{source.path}: cannot be loaded ({_line(error)})") from error
    inputs = {one.name: one for one in session.get_inputs()}
    mask = inputs.pop("attention_mask", None)
    layers = [one for one in session.get_outputs() if len(one.shape) == 3]
    if len(inputs) != 1 or not layers or any(len(one.shape) != 2 for one in inputs.values()):
        raise FeatureError(
            f"{source.path}: expected one input of samples, (1, n_samples), and outputs "
            "(1, n_frames, n_dims)"
        )
    (samples_name,) = inputs

    def encode(samples: Samples, layer: int) -> NDArray[np.float32]:
        feed: dict[str, Any] = {samples_name: samples[None]}
        if mask is not None:
            feed[mask.name] = np.ones((1, len(samples)), np.int64)
        try:
            (found,) = session.run([layers[layer].name], feed)
        except Exception as error:  # as above
            raise FeatureError(f"{source.path}: cannot be run ({_line(error)})") from error
        return np.asarray(found[0], np.float32)

    n_dims = layers[-1].shape[2]
    if not isinstance(n_dims, int):  # the graph does not say
        n_dims = encode(np.zeros(RATE_HZ // 2, np.float32), len(layers) - 1).shape[1]
    return Encoder(source, encode, n_dims, len(layers) - 1)


def _transformer(source: Source) -> Encoder:
    """By transformers and PyTorch, from files of this machine only, running no code of theirs."""
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
        import transformers  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise FeatureError(
            f"{source.path}: needs transformers and torch ({error}); "
            "pip install 'fvx-ssl[transformers]'"
        ) from error
    if source.n_dims is None or source.n_layers is None:
        raise FeatureError(f"{source.path}: config.json does not say its layers and dimensions")
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _hushed(transformers.utils.logging):
            model = transformers.AutoModel.from_pretrained(
                source.path, use_safetensors=True, dtype=torch.float32, **local
            )
            if source.form == "whisper":
                spectrogram = transformers.AutoFeatureExtractor.from_pretrained(
                    source.path, **local
                )
                model = model.get_encoder()
    except Exception as error:  # its errors, and those of safetensors, have no common base
        raise FeatureError(f"{source.path}: cannot be loaded ({_line(error)})") from error
    device = _device()
    model = model.to(device).eval()

    def encode(samples: Samples, layer: int) -> NDArray[np.float32]:
        if source.form == "whisper":
            given = spectrogram(samples, sampling_rate=RATE_HZ, return_tensors="pt").input_features
        else:
            given = torch.from_numpy(np.array(samples)[None])
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # --jobs is the parallelism
        try:
            with torch.inference_mode():
                found = model(given.to(device), output_hidden_states=True).hidden_states[layer]
        finally:
            torch.set_num_threads(before)
        return np.asarray(found[0].cpu().numpy(), np.float32)

    return Encoder(source, encode, source.n_dims, source.n_layers)


@contextmanager
def _hushed(logging: Any) -> Iterator[None]:
    """Keep transformers from the terminal: of weights for other tasks it warns, and draws bars."""
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _device() -> str:
    return os.environ.get(DEVICE) or "cpu"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
