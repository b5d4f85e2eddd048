"""Encoder: Whisper's convolutions and first blocks, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fvx_whisper.log_mel import N_BANDS

Array = NDArray[np.float32]

MAX_FRAMES = 1500  # as many positions as Whisper has learned to tell apart: half a minute

_PARTS = ("self_attention", "ffn")
_WIDER = 4  # inside a block's feed-forward part
_EPSILON = np.float32(1e-5)
_BLOCK_ROWS = 256  # what lies between stays in the processor's cache
# The normal distribution is (1 + tanh(x * (a + b * x**2 + ...))) / 2 to within 4e-6; NumPy's
# tanh is sixty times as fast as SciPy's erf. Highest power first.
_BENDS = (9.55692057e-07, -2.73511313e-05, -1.44452217e-04, 3.65097749e-02, 7.97805301e-01)


class Linear(NamedTuple):
    """``x @ weight.T + bias``, weight of shape (n_outputs, n_inputs)."""

    weight: Array
    bias: Array

    def __call__(self, given: Array) -> Array:
        found: Array = given @ self.weight.T
        found += self.bias
        return found


class Norm(NamedTuple):
    """Zero mean and unit variance of each row; then scaled and shifted, column by column."""

    gamma: Array
    beta: Array

    def __call__(self, given: Array) -> Array:
        found: Array = given - given.mean(axis=1, keepdims=True)
        variance = np.einsum("ij,ij->i", found, found)[:, np.newaxis] / np.float32(given.shape[1])
        found /= np.sqrt(variance + _EPSILON)
        found *= self.gamma
        found += self.beta
        return found


class Block(NamedTuple):
    """Attention, then a feed-forward network; what each finds is added to what it was given."""

    attention_norm: Norm
    queries_keys_values: Linear
    attended: Linear
    feed_norm: Norm
    up: Linear
    down: Linear


class Encoder(NamedTuple):
    """Convolutions, blocks and, where all blocks are there, the norm after the last.

    Attributes
    ----------
    n_dims, n_heads : int
        Length of an embedding; heads of attention in each block.
    """

    n_dims: int
    n_heads: int
    convolutions: tuple[Linear, Linear]
    blocks: tuple[Block, ...]
    last: Norm | None

    @classmethod
    def of(cls, arrays: Mapping[str, Array], n_heads: int) -> Self:
        """Put together what arrays by the names of `shapes` hold."""
        n_blocks = sum(name.endswith("/linear_0/bias") for name in arrays) // 2
        (n_dims,) = arrays["conv1/bias"].shape

        def linear(name: str) -> Linear:
            weight = arrays[f"{name}/weight"]
            if weight.ndim == 3:  # a convolution: its input is cut out moment by moment
                weight = weight.transpose(0, 2, 1).reshape(len(weight), -1)
            return Linear(np.ascontiguousarray(weight), arrays[f"{name}/bias"])

        def norm(name: str) -> Norm:
            return Norm(arrays[f"{name}/gamma"], arrays[f"{name}/beta"])

        def block(name: str) -> Block:
            attention, feed = f"{name}/self_attention", f"{name}/ffn"
            return Block(
                norm(f"{attention}/layer_norm"), linear(f"{attention}/linear_0"),
                linear(f"{attention}/linear_1"), norm(f"{feed}/layer_norm"),
                linear(f"{feed}/linear_0"), linear(f"{feed}/linear_1"),
            )  # fmt: skip

        return cls(
            n_dims, n_heads, (linear("conv1"), linear("conv2")),
            tuple(block(f"layer_{number}") for number in range(n_blocks)),
            norm("layer_norm") if "layer_norm/gamma" in arrays else None,
        )  # fmt: skip

    def __call__(self, mel: Array) -> Array:
        """Embeddings of a clip, or of a piece of one, which is taken for a clip of its own.

        Parameters
        ----------
        mel : float32 array, shape (2 * n_frames + 1, 80)
            Log-mel spectrogram, 1500 frames of embeddings at most: frame *k* is centred where
            the spectrogram's frame *2 k* is.

        Returns
        -------
        float32 array, shape (n_frames, n_dims)
        """
        first, second = self.convolutions
        found = gelu(second(_cut(gelu(first(_cut(mel, 1))), 2)))
        found += positions(len(found), self.n_dims)
        for block in self.blocks:
            found += self._attend(block, found)
            for start in range(0, len(found), _BLOCK_ROWS):
                rows = found[start : start + _BLOCK_ROWS]
                rows += block.down(gelu(block.up(block.feed_norm(rows))))
        return found if self.last is None else self.last(found)

    def _attend(self, block: Block, given: Array) -> Array:
        """What each frame gathers from all frames, head by head."""
        asked = block.queries_keys_values(block.attention_norm(given))
        queries, keys, values = np.split(asked, 3, axis=1)
        size = self.n_dims // self.n_heads
        queries *= np.float32(size**-0.5)
        gathered = np.empty_like(given)
        for head in range(self.n_heads):
            columns = slice(head * size, (head + 1) * size)
            for start in range(0, len(given), _BLOCK_ROWS):
                rows = slice(start, start + _BLOCK_ROWS)
                weights = queries[rows, columns] @ keys[:, columns].T
                weights -= weights.max(axis=1, keepdims=True)
                np.exp(weights, out=weights)
                total = weights.sum(axis=1, keepdims=True)
                gathered[rows, columns] = weights @ values[:, columns] / total
        return block.attended(gathered)


def shapes(n_dims: int, n_blocks: int, *, last: bool) -> dict[str, tuple[int, ...]]:
    """Names of the arrays of an encoder, as CTranslate2 calls them, and what shapes they have.

    Parameters
    ----------
    n_dims, n_blocks : int
        Length of an embedding; number of blocks.
    last : bool
        Whether the norm after the last block is among them.
    """
    found: dict[str, tuple[int, ...]] = {
        "conv1/weight": (n_dims, N_BANDS, 3), "conv1/bias": (n_dims,),
        "conv2/weight": (n_dims, n_dims, 3), "conv2/bias": (n_dims,),
    }  # fmt: skip
    linears = {
        "self_attention/linear_0": (3 * n_dims, n_dims),
        "self_attention/linear_1": (n_dims, n_dims),
        "ffn/linear_0": (_WIDER * n_dims, n_dims),
        "ffn/linear_1": (n_dims, _WIDER * n_dims),
    }
    norms = [f"layer_{n}/{part}/layer_norm" for n in range(n_blocks) for part in _PARTS]
    for norm in (*norms, *(["layer_norm"] if last else [])):
        found |= {f"{norm}/gamma": (n_dims,), f"{norm}/beta": (n_dims,)}
    for number in range(n_blocks):
        for name, shape in linears.items():
            whole = f"layer_{number}/{name}"
            found |= {f"{whole}/weight": shape, f"{whole}/bias": shape[:1]}
    return found


def gelu(values: Array) -> Array:
    """Each value times the chance that a standard normal one is smaller; in place.

    References
    ----------
    Hendrycks and Gimpel (2016), "Gaussian error linear units (GELUs)", arXiv:1606.08415.
    """
    for start in range(0, len(values), _BLOCK_ROWS // 4):
        rows = values[start : start + _BLOCK_ROWS // 4]
        near = np.clip(rows, np.float32(-5), np.float32(5))
        square = near * near
        bent = np.full_like(near, _BENDS[0])
        for factor in _BENDS[1:]:
            bent *= square
            bent += np.float32(factor)
        bent *= near
        np.tanh(bent, out=bent)
        bent += 1
        bent *= np.float32(0.5)
        rows *= bent
    return values


@lru_cache(maxsize=2)
def _all_positions(n_dims: int) -> Array:
    half = n_dims // 2
    slower = np.exp(-np.log(10_000) / (half - 1) * np.arange(half))
    phase = np.arange(MAX_FRAMES)[:, np.newaxis] * slower
    found = np.concatenate([np.sin(phase), np.cos(phase)], axis=1).astype(np.float32)
    found.flags.writeable = False
    return found


def positions(n_frames: int, n_dims: int) -> Array:
    """Sines and cosines that tell the network which frame is which, shape (n_frames, n_dims)."""
    return _all_positions(n_dims)[:n_frames]


def _cut(given: Array, step: int) -> Array:
    """Three moments around each ``step``-th one as one row, zeros before the first."""
    n_columns = given.shape[1]
    flat = np.concatenate([np.zeros(n_columns, np.float32), given.ravel()])
    triples = np.lib.stride_tricks.sliding_window_view(flat, 3 * n_columns)
    return np.ascontiguousarray(triples[:: step * n_columns])
