"""LiteRT files: checked from end to end, then run."""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fvx.errors import ModelError
from fvx.quiet import quiet

_LIMIT_BYTES = 1 << 26
_LIMIT_ELEMENTS = 1 << 26  # of one tensor, for one window
_LIMIT_TENSORS = 100_000
_IDENTIFIER = b"TFL3"
# What the networks of fvx are made of. Everything else, and every operation that is not
# LiteRT's own, is refused: each has code of its own that a file could be made to mislead.
# fmt: off
_OPERATIONS = frozenset((
    "ABS", "ADD", "AVERAGE_POOL_2D", "BATCH_MATMUL", "BROADCAST_TO", "CAST", "CONCATENATION",
    "CONV_2D", "COS", "DEPTHWISE_CONV_2D", "DIV", "ELU", "EQUAL", "EXP", "EXPAND_DIMS", "FILL",
    "FLOOR", "FLOOR_DIV", "FLOOR_MOD", "FULLY_CONNECTED", "GATHER", "GELU", "GREATER",
    "GREATER_EQUAL", "HARD_SWISH", "L2_NORMALIZATION", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG",
    "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC", "LOG_SOFTMAX", "MAXIMUM",
    "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL", "NEG", "NOT_EQUAL", "PACK", "PAD", "PADV2", "POW",
    "PRELU", "RANGE", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "RELU", "RELU6", "RESHAPE",
    "REVERSE_V2", "RSQRT", "SELECT", "SELECT_V2", "SHAPE", "SIGN", "SIN", "SLICE", "SOFTMAX",
    "SPLIT", "SPLIT_V", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SQUEEZE", "STRIDED_SLICE", "SUB",
    "SUM", "TANH", "TILE", "TRANSPOSE", "UNPACK", "ZEROS_LIKE",
))
# fmt: on
# Operations whose options state how many tensors they read or write, besides the list of these.
_COUNTED = {
    "SPLIT": ("SplitOptions", "NumSplits", "Outputs"),
    "SPLIT_V": ("SplitVOptions", "NumSplits", "Outputs"),
    "UNPACK": ("UnpackOptions", "Num", "Outputs"),
    "PACK": ("PackOptions", "ValuesCount", "Inputs"),
}
_SIZES = {"FLOAT32": 4, "INT32": 4, "INT64": 8, "BOOL": 1, "FLOAT16": 2, "INT8": 1}


class Network:
    """A LiteRT file ready to run.

    Attributes
    ----------
    inputs : mapping of str to tuple of int
        Shape of each input, without the first axis, which is free.
    """

    def __init__(self, content: bytes, path: Path, n_threads: int) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        self._content, self._path, self._n_threads = content, path, n_threads
        try:
            with quiet():
                self._interpreter = Interpreter(
                    model_content=content,
                    num_threads=n_threads,
                    experimental_op_resolver_type=OpResolverType.BUILTIN,
                )
                self._interpreter.allocate_tensors()
            # A signature runner does not keep its interpreter alive by itself.
            self._runner = self._interpreter.get_signature_runner()
            details = self._runner.get_input_details()
            self.inputs: Mapping[str, tuple[int, ...]] = {
                name: tuple(map(int, detail["shape_signature"][1:]))
                for name, detail in details.items()
            }
        except (ValueError, RuntimeError, KeyError, TypeError, MemoryError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{path}: not a LiteRT model ({reason})") from error

    def __call__(self, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run on inputs by name; returns the one output."""
        try:
            (output,) = self._runner(**inputs).values()
        except (ValueError, RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split())
            raise ModelError(f"{self._path}: does not run ({reason})") from error
        return np.asarray(output, np.float32)

    def twin(self) -> Network:
        """The same network once more, for another thread."""
        return Network(self._content, self._path, self._n_threads)


def load(path: Path, checksum: str | None, n_threads: int = 1) -> Network:
    """Read a LiteRT file that a card vouches for.

    Parameters
    ----------
    checksum : str or None
        Its SHA-256, by the card.

    Raises
    ------
    ModelError
        If the file is missing, not the card's, too large, or not made as fvx makes them.
    """
    try:
        if path.stat().st_size > _LIMIT_BYTES:
            raise ModelError(f"{path}: larger than {_LIMIT_BYTES >> 20} MB; not a run of fvx")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from error
    if hashlib.sha256(content).hexdigest() != checksum:
        raise ModelError(f"{path}: is not the file its card was written for (checksum differs)")
    _verify(content, path)
    return Network(content, path, n_threads)


def _verify(content: bytes, path: Path) -> None:
    """Go through all that the interpreter will read, with a reader that keeps to the bounds.

    The interpreter itself is native code that trusts the file; a checksum only says that the
    file is the one the card was written for, and both may come from a stranger.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        if content[4:8] != _IDENTIFIER:
            raise ValueError("no LiteRT identifier")
        model = schema.Model.GetRootAs(content, 0)
        buffers = [model.Buffers(i) for i in range(_count(model.BuffersLength()))]
        if any(one.Offset() or one.Size() for one in buffers):
            raise ValueError("data outside of the model")
        names = {
            code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()
        }
        operations = []
        for i in range(_count(model.OperatorCodesLength())):
            code = model.OperatorCodes(i)
            number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            operations.append(str(names.get(number, number)))
            if code.CustomCode() or operations[i] not in _OPERATIONS:
                raise ValueError(f"operation {code.CustomCode() or operations[i]}")
        if model.SubgraphsLength() != 1:
            raise ValueError(f"{model.SubgraphsLength()} subgraphs")
        _verify_graph(model.Subgraphs(0), buffers, operations, schema)
        _verify_signature(model)
    except (ValueError, TypeError, IndexError, struct.error, OverflowError, AttributeError,
            RecursionError, MemoryError) as error:  # fmt: skip
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"{path}: not a LiteRT model that fvx wrote ({reason})") from error


def _verify_graph(graph: Any, buffers: list[Any], operations: list[str], schema: Any) -> None:
    types = {code: name for name, code in vars(schema.TensorType).items() if name.isupper()}
    n_tensors = _count(graph.TensorsLength())
    for i in range(n_tensors):
        tensor = graph.Tensors(i)
        size = _SIZES.get(types.get(tensor.Type(), ""))
        if size is None or tensor.IsVariable() or tensor.Sparsity() is not None:
            raise ValueError(f"tensor {i} is of another kind")
        shape = [tensor.Shape(k) for k in range(_count(tensor.ShapeLength()))]
        for k in range(_count(tensor.ShapeSignatureLength())):
            if tensor.ShapeSignature(k) not in (-1, shape[k]):
                raise ValueError(f"tensor {i} has two shapes")
        n_elements = math.prod(shape)
        if min(shape, default=1) < 0 or len(shape) > 6 or n_elements > _LIMIT_ELEMENTS:
            raise ValueError(f"tensor {i} has the shape {shape}")
        if not 0 <= tensor.Buffer() < len(buffers):
            raise ValueError(f"tensor {i} has no buffer")
        n_bytes = _count(buffers[tensor.Buffer()].DataLength(), _LIMIT_BYTES)
        if n_bytes:
            if n_bytes != n_elements * size:
                raise ValueError(f"tensor {i} has {n_bytes} bytes for the shape {shape}")
            buffers[tensor.Buffer()].Data(n_bytes - 1)
    for i in range(_count(graph.OperatorsLength())):
        operator = graph.Operators(i)
        if not 0 <= operator.OpcodeIndex() < len(operations) or operator.CustomOptionsLength():
            raise ValueError(f"operator {i} is unknown")
        if operator.IntermediatesLength():
            raise ValueError(f"operator {i} has intermediates")
        _verify_count(operator, i, operations[operator.OpcodeIndex()], schema)
        for which in _indices(operator, "Inputs"):
            if not -1 <= which < n_tensors:
                raise ValueError(f"operator {i} reads tensor {which}")
        for which in _indices(operator, "Outputs"):
            if not 0 <= which < n_tensors:
                raise ValueError(f"operator {i} writes tensor {which}")
    if not all(0 <= which < n_tensors for end in ("Inputs", "Outputs")
               for which in _indices(graph, end)):  # fmt: skip
        raise ValueError("an input or output is no tensor")


def _verify_count(operator: Any, number: int, operation: str, schema: Any) -> None:
    """The interpreter believes an operation's own count, and reads beyond its list of tensors."""
    if operation not in _COUNTED:
        return
    kind, count, end = _COUNTED[operation]
    if operator.BuiltinOptionsType() != getattr(schema.BuiltinOptions, kind):
        raise ValueError(f"operator {number} has the options of another operation")
    table, options = operator.BuiltinOptions(), getattr(schema, kind)()
    options.Init(table.Bytes, table.Pos)
    stated, listed = getattr(options, count)(), getattr(operator, f"{end}Length")()
    if stated != listed:
        raise ValueError(f"operator {number} states {stated} {end.lower()} and has {listed}")


def _verify_signature(model: Any) -> None:
    """By the signature the caller's arrays find their tensors."""
    if model.SignatureDefsLength() != 1 or model.SignatureDefs(0).SubgraphIndex():
        raise ValueError(f"{model.SignatureDefsLength()} signatures")
    signature, graph = model.SignatureDefs(0), model.Subgraphs(0)
    for end in ("Inputs", "Outputs"):
        entries = [
            getattr(signature, end)(k) for k in range(_count(getattr(signature, f"{end}Length")()))
        ]
        if sorted(one.TensorIndex() for one in entries) != sorted(_indices(graph, end)):
            raise ValueError(f"its {end.lower()} are not the graph's")
        names = [one.Name().decode() for one in entries]
        if len(set(names)) < len(names):
            raise ValueError(f"two {end.lower()} of one name")


def _indices(owner: Any, end: str) -> Iterator[int]:
    one = getattr(owner, end)
    return (int(one(k)) for k in range(_count(getattr(owner, f"{end}Length")())))


def _count(n: int, limit: int = _LIMIT_TENSORS) -> int:
    """A number of things, if there can be so many."""
    if not 0 <= n <= limit:
        raise ValueError(f"{n} entries")
    return int(n)
