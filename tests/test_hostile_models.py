"""A run made to attack is refused in one line, before anything in it can act."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fvx import load_model
from fvx.baselines.gmm import MIXTURES
from fvx.detector import DEFAULT_RUN, SHIPPED
from fvx.errors import ModelError, ModelMismatch
from fvx.model import litert
from fvx.model.arrays import load_arrays, save_arrays
from fvx.model.card import Card
from fvx.model.checkpoint import Checkpoint
from fvx.model.keras_file import KERAS_MODEL, check_keras

FVX = Path(sys.executable).with_name("fvx")
CLIP = Path(__file__).parents[1] / "fvx" / "demo_corpus" / "00.flac"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for file in DEFAULT_RUN.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def rewrite(run: Path, **changes: Any) -> None:
    card = json.loads((run / "card.json").read_text())
    (run / "card.json").write_text(json.dumps(card | changes))


def replace(run: Path, name: str, content: bytes) -> None:
    """Put a file in place of another, and let the card vouch for it."""
    (run / name).write_bytes(content)
    card = json.loads((run / "card.json").read_text())
    card["checksums"][name] = hashlib.sha256(content).hexdigest()
    (run / "card.json").write_text(json.dumps(card))


class Bomb:
    """Unpickled, it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mknod, (str(self.mark),)


class TestCard:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("[" * 100_000, "nested too deeply"),
            ('{"format": "fvx-run", "scale": NaN}', "NaN is no number"),
            ('{"format": "fvx-run", "scale": -Infinity}', "-Infinity is no number"),
            ('{"format": "fvx-run"', "cannot be read"),
            ('["fvx-run"]', "not the card"),
            ('{"format": "fvx-run", "format_version": 1}', "incomplete or malformed"),
        ],
    )
    def test_text_that_is_no_card_is_refused(self, run: Path, text: str, reason: str) -> None:
        (run / "card.json").write_text(text)
        with pytest.raises(ModelError, match=reason):
            load_model(run)

    def test_bytes_that_are_no_text_are_refused(self, run: Path) -> None:
        (run / "card.json").write_bytes(b"\xff\xfe\x00\x80")
        with pytest.raises(ModelError, match="cannot be read"):
            load_model(run)

    def test_a_huge_card_is_not_even_read(self, run: Path) -> None:
        with (run / "card.json").open("wb") as file:
            file.truncate(1 << 34)  # sixteen gigabytes that take no room on disk
        with pytest.raises(ModelError, match="larger than 16 MB"):
            load_model(run)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"scale": 1e999}, "scale is inf|Infinity is no number"),
            ({"threshold": "0"}, "malformed"),
            ({"offset": True}, "offset is True"),
            ({"scale": -1.0}, "out of range"),
            ({"prior_spoof": 1.0}, "out of range"),
            ({"rate_hz": 0}, "rate_hz is 0"),
            ({"rate_hz": 1e4}, "rate_hz is"),
            ({"rate_hz": 10**12}, "rate_hz is"),
            ({"embedding_size": 10**9}, "embedding_size is"),
            ({"features": []}, "0 features"),
            ({"checksums": []}, "checksums is no table"),
            ({"words": {"a": 1}}, "words is no text"),
            ({"pooling": "__import__"}, "no pooling"),
            ({"kind": "lfcc-gmm"}, "do not fit"),
            ({"surprise": 1}, "malformed"),
            ({"geometry": {"length_s": 1e300, "hop_s": 0.5}}, "frames|malformed"),
        ],
    )
    def test_what_cannot_be_is_refused(
        self, run: Path, change: dict[str, Any], reason: str
    ) -> None:
        rewrite(run, **change)
        with pytest.raises(ModelError, match=reason):
            load_model(run)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"hop_s": 0.0}, "hop"),
            ({"hop_s": -0.01}, "hop"),
            ({"hop_s": 1e-9}, "too many frames"),
            ({"columns": []}, "0 columns"),
            ({"columns": [1]}, "not what they should be"),
            ({"settings": ["a"]}, "not what they should be"),
        ],
    )
    def test_a_feature_that_cannot_be_is_refused(
        self, run: Path, change: dict[str, Any], reason: str
    ) -> None:
        features = json.loads((run / "card.json").read_text())["features"]
        first = next(i for i, one in enumerate(features) if one["hop_s"])
        features[first] |= change
        rewrite(run, features=features)
        with pytest.raises(ModelError, match=reason):
            load_model(run)

    def test_a_feature_that_is_there_twice_is_refused(self, run: Path) -> None:
        card = json.loads((run / "card.json").read_text())
        rewrite(
            run,
            features=[*card["features"], card["features"][0]],
            withheld=[*card["withheld"], card["withheld"][0]],
        )
        with pytest.raises(ModelError, match="there twice"):
            load_model(run)

    def test_a_kind_that_is_not_known_is_refused(self, run: Path) -> None:
        rewrite(run, kind="os.system", withheld=[], embedding_size=0)
        with pytest.raises(ModelError, match=r"kind 'os.system', unknown"):
            load_model(run)

    def test_a_card_of_other_features_than_the_file_is_refused(self, run: Path) -> None:
        card = json.loads((run / "card.json").read_text())
        rewrite(run, features=card["features"][1:], withheld=card["withheld"][1:])
        with pytest.raises(ModelError, match="do not fit its card"):
            load_model(run)

    def test_a_file_where_a_run_is_asked_for_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
        with pytest.raises(ModelError, match="a run is the folder"):
            load_model(path)
        assert not (tmp_path / "mark").exists()


class TestLiteRt:
    def test_a_file_the_card_does_not_know_is_refused(self, run: Path) -> None:
        with (run / "branches.tflite").open("ab") as file:
            file.write(b"\0")
        with pytest.raises(ModelError, match="checksum differs"):
            load_model(run)

    @pytest.mark.parametrize("share", [0, 0.01, 0.05, 0.3, 0.9, 0.99])
    def test_a_truncated_file_is_refused(self, run: Path, share: float) -> None:
        whole = (run / "terminus.tflite").read_bytes()
        replace(run, "terminus.tflite", whole[: int(share * len(whole))])
        with pytest.raises(ModelError, match=r"terminus\.tflite: not a LiteRT model"):
            load_model(run)

    @pytest.mark.parametrize(
        "content",
        [b"PK\x03\x04" * 100, b"\x1c\0\0\0TFL3" + b"\xff" * 500, b"\x80\x04" + b"." * 64],
        ids=["zip", "offsets that lead nowhere", "pickle"],
    )
    def test_what_is_no_litert_is_refused(self, run: Path, content: bytes) -> None:
        replace(run, "branches.tflite", content)
        with pytest.raises(ModelError, match="not a LiteRT model"):
            load_model(run)

    def test_a_huge_file_is_not_even_read(self, run: Path) -> None:
        with (run / "branches.tflite").open("wb") as file:
            file.truncate(1 << 34)
        with pytest.raises(ModelError, match="larger than 64 MB"):
            load_model(run)

    def test_terminus_and_branches_are_not_taken_for_each_other(self, run: Path) -> None:
        replace(run, "branches.tflite", (run / "terminus.tflite").read_bytes())
        with pytest.raises(ModelError, match="inputs do not fit"):
            load_model(run)

    @pytest.mark.parametrize(
        ("harm", "reason"),
        [
            (lambda model: set_operation(model, 32), "CUSTOM"),
            (lambda model: set_operation(model, 119), "WHILE"),
            (lambda model: set_operation(model, 10_000), "10000"),
            (lambda model: setattr(model.operatorCodes[0], "customCode", "Evil"), "Evil"),
            (lambda model: model.subgraphs.append(model.subgraphs[0]), "2 subgraphs"),
            (lambda model: set_shape(model, [1 << 30, 1 << 30]), "has the shape"),
            (lambda model: set_shape(model, [-5]), "has the shape"),
            (lambda model: set_shape(model, [1, 11]), "bytes for the shape"),
            (lambda model: set_splits(model, 1_507_331), "states 1507331 outputs and has 2"),
            (lambda model: set_options(model, None), "options of another operation"),
            (lambda model: set_options(model, "PackOptions"), "options of another operation"),
            (lambda model: setattr(model.subgraphs[0].tensors[0], "buffer", 10**6), "no buffer"),
            (lambda model: setattr(model.buffers[1], "offset", 10**9), "outside of the model"),
            (lambda model: set_input(model, 10**6), "reads tensor"),
            (lambda model: set_input(model, -2), "reads tensor"),
            (lambda model: set_signature(model, 10**6), "inputs are not the graph's"),
            (lambda model: model.signatureDefs.clear(), "0 signatures"),
        ],
    )
    def test_a_structure_that_misleads_is_refused(
        self, run: Path, harm: Callable[[Any], None], reason: str
    ) -> None:
        replace(run, "terminus.tflite", changed((run / "terminus.tflite").read_bytes(), harm))
        with pytest.raises(ModelError, match=reason):
            load_model(run)

    @pytest.mark.parametrize(("name", "n_refused"), [("partial", 50), ("default", 0)])
    def test_flipped_bits_never_bring_the_process_down(self, name: str, n_refused: int) -> None:
        # Of the default model nearly all bytes are weights, which may be anything.
        # In a process of its own, since the fault looked for would end this one.
        done = subprocess.run(
            [sys.executable, "-c", FLIP, SHIPPED[name] / "terminus.tflite"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        refused, loaded = map(int, done.stdout.split())
        assert refused >= n_refused
        assert refused + loaded == 300

    def test_the_shipped_model_passes(self) -> None:
        card = Card.load(DEFAULT_RUN)
        network = litert.load(DEFAULT_RUN / "branches.tflite", card.checksums["branches.tflite"])
        assert network.inputs == card.input_shapes


FLIP = """
import pathlib, random, sys
import numpy as np
from fvx.errors import ModelError
from fvx.model import litert

path = pathlib.Path(sys.argv[1])
content, random = path.read_bytes(), random.Random(0)
refused = 0
for _ in range(300):
    broken = bytearray(content)
    for _ in range(3):
        broken[random.randrange(len(content))] = random.randrange(256)
    try:
        litert._verify(bytes(broken), path)
        network = litert.Network(bytes(broken), path, 1)
        network(**{n: np.zeros((2, *s), np.float32) for n, s in network.inputs.items()})
    except ModelError:
        refused += 1
print(refused, 300 - refused)
"""


def changed(content: bytes, harm: Callable[[Any], None]) -> bytes:
    """A LiteRT file with one thing changed, and otherwise well-formed."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    harm(model)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def set_operation(model: Any, code: int) -> None:
    model.operatorCodes[0].builtinCode = code
    model.operatorCodes[0].deprecatedBuiltinCode = min(code, 127)


def set_signature(model: Any, tensor: int) -> None:
    model.signatureDefs[0].inputs[0].tensorIndex = tensor


def set_shape(model: Any, shape: list[int]) -> None:
    graph = model.subgraphs[0]
    weights = next(one for one in graph.tensors if model.buffers[one.buffer].data is not None)
    weights.shape = np.array(shape, np.int32)
    weights.shapeSignature = None


def set_splits(model: Any, number: int) -> None:
    split(model).builtinOptions.numSplits = number


def set_options(model: Any, kind: str | None) -> None:
    from ai_edge_litert import schema_py_generated as schema

    split(model).builtinOptions = getattr(schema, f"{kind}T")() if kind else None
    split(model).builtinOptionsType = getattr(schema.BuiltinOptions, kind or "NONE")


def split(model: Any) -> Any:
    """The operation that takes the networks of the shipped ensemble apart."""
    return next(one for one in model.subgraphs[0].operators if len(one.outputs) > 1)


def set_input(model: Any, tensor: int) -> None:
    model.subgraphs[0].operators[0].inputs = np.array([tensor], np.int32)


class TestKeras:
    """The file is looked through without Keras: none of this needs TensorFlow."""

    def refuse(self, run: Path, content: bytes, reason: str) -> None:
        (run / KERAS_MODEL).write_bytes(content)
        with pytest.raises(ModelError, match=reason) as caught:
            check_keras(run, hashlib.sha256(content).hexdigest())
        assert "\n" not in str(caught.value)

    def test_another_file_than_the_card_s_is_refused(self, run: Path) -> None:
        (run / KERAS_MODEL).write_bytes(keras_file())
        with pytest.raises(ModelError, match="checksum differs"):
            check_keras(run, "0" * 64)

    def test_a_plain_file_passes(self, run: Path) -> None:
        content = keras_file()
        (run / KERAS_MODEL).write_bytes(content)
        check_keras(run, hashlib.sha256(content).hexdigest())

    @pytest.mark.parametrize(
        ("layer", "reason"),
        [
            ({"module": "keras.layers", "class_name": "Lambda"}, "Lambda"),
            ({"module": "keras.layers", "class_name": "TFSMLayer"}, "TFSMLayer"),
            ({"module": "os", "class_name": "system"}, "something of 'os'"),
            ({"module": "keras.src.saving", "class_name": "x"}, "something of 'keras.src.saving'"),
            ({"class_name": "__lambda__", "config": {"value": "YQ=="}}, "__lambda__"),
            ({"module": "builtins", "class_name": "function", "config": "eval"}, "function"),
        ],
    )
    def test_a_layer_that_runs_code_is_refused(
        self, run: Path, layer: dict[str, Any], reason: str
    ) -> None:
        self.refuse(run, keras_file(layer), reason)

    def test_weights_linked_from_another_file_are_refused(self, run: Path) -> None:
        link = h5py.ExternalLink("/etc/passwd", "/secret")
        self.refuse(run, keras_file(weights={"kernel": link}), "linked from elsewhere")
        soft = h5py.SoftLink("/other")
        self.refuse(run, keras_file(weights={"kernel": soft}), "linked from elsewhere")

    def test_weights_kept_in_another_file_are_refused(self, run: Path) -> None:
        def outside(file: h5py.File) -> None:
            file.create_dataset("kernel", (8,), np.uint8, external=[("/etc/passwd", 0, 8)])

        self.refuse(run, keras_file(harm=outside), "kept elsewhere")

    def test_weights_that_fill_the_memory_are_refused(self, run: Path) -> None:
        def huge(file: h5py.File) -> None:
            file.create_dataset("kernel", (1 << 40,), np.float32, chunks=(1 << 20,))

        self.refuse(run, keras_file(harm=huge), "MB or of no numbers")

    def test_python_objects_among_the_weights_are_refused(self, run: Path) -> None:
        def text(file: h5py.File) -> None:
            file["kernel"] = "cos\nsystem\n"

        self.refuse(run, keras_file(harm=text), "no numbers")

    def test_a_truncated_file_is_refused(self, run: Path) -> None:
        self.refuse(run, keras_file()[:200], "not a Keras model")

    def test_an_archive_that_swells_is_refused(self, run: Path) -> None:
        bomb = io.BytesIO()
        with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("metadata.json", "{}")
            archive.writestr("config.json", b"[" * (1 << 29))
            archive.writestr("model.weights.h5", "")
        self.refuse(run, bomb.getvalue(), "unpacks to more than")

    def test_an_archive_with_more_in_it_is_refused(self, run: Path) -> None:
        more = io.BytesIO(keras_file())
        with zipfile.ZipFile(more, "a") as archive:
            archive.writestr("../../evil.py", "import os")
        self.refuse(run, more.getvalue(), "holds other files")


def keras_file(
    layer: dict[str, Any] | None = None,
    weights: dict[str, Any] | None = None,
    harm: Callable[[h5py.File], None] = lambda _: None,
) -> bytes:
    store, packed = io.BytesIO(), io.BytesIO()
    with h5py.File(store, "w") as file:
        group = file.create_group("layers/dense")
        group["vars"] = np.zeros((2, 2), np.float32)
        for name, link in (weights or {}).items():
            group[name] = link
        harm(file)
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}
    config = {
        "module": "keras.src.models.functional", "class_name": "Functional",
        "config": {"layers": [layer or dense]},
    }  # fmt: skip
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", store.getvalue())
    return packed.getvalue()


class TestArrays:
    def test_python_objects_are_refused_and_not_unpickled(self, tmp_path: Path) -> None:
        path = tmp_path / MIXTURES
        np.savez(path, weights=np.array([Bomb(tmp_path / "mark")], object))
        with pytest.raises(ModelError, match="cannot be read"):
            load_arrays(path, {"weights": 1})
        assert not (tmp_path / "mark").exists()

    def test_a_pickle_in_place_of_the_file_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / MIXTURES
        path.write_bytes(pickle.dumps(Bomb(tmp_path / "mark")))
        with pytest.raises(ModelError, match="cannot be read"):
            load_arrays(path, {"weights": 1})
        assert not (tmp_path / "mark").exists()

    @pytest.mark.parametrize(
        ("arrays", "reason"),
        [
            ({"weights": np.array([1.0, np.nan])}, "NaN"),
            ({"weights": np.ones((2, 2))}, "1 dimensions"),
            ({"weights": np.ones(0)}, "1 dimensions"),
            ({"weights": np.array(["a"])}, "1 dimensions"),
            ({"weights": np.ones(2), "more": np.ones(2)}, "nothing else"),
            ({"other": np.ones(2)}, "nothing else"),
        ],
    )
    def test_other_arrays_than_expected_are_refused(
        self, tmp_path: Path, arrays: dict[str, Any], reason: str
    ) -> None:
        save_arrays(tmp_path / MIXTURES, **arrays)
        with pytest.raises(ModelError, match=reason):
            load_arrays(tmp_path / MIXTURES, {"weights": 1})

    def test_an_archive_that_swells_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / MIXTURES
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("weights.npy", bytes(1 << 29))
        with pytest.raises(ModelError, match="holds 512 MB"):
            load_arrays(path, {"weights": 1})

    def test_a_checkpoint_of_python_objects_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "member-1.npz"
        np.savez(path, about=np.array([Bomb(tmp_path / "mark")], object))
        with pytest.raises(ModelError, match="delete it to begin again"):
            Checkpoint(path, {}).load()
        assert not (tmp_path / "mark").exists()

    def test_a_checkpoint_of_another_training_is_refused(self, tmp_path: Path) -> None:
        Checkpoint(tmp_path / "a.npz", {"seed": 0}).save({}, {"state": [np.ones(2)]})
        with pytest.raises(ModelError, match="other data or with other settings"):
            Checkpoint(tmp_path / "a.npz", {"seed": 1}).load()


@pytest.mark.parametrize("name", ["card.json", "branches.tflite"])
def test_the_command_says_it_in_one_line(run: Path, name: str) -> None:
    (run / name).write_bytes(b"\0" * 100)
    done = subprocess.run(
        [FVX, "predict", CLIP, "--run", run], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("fvx: ")
    assert name in line


def test_a_conversion_that_is_not_ours_is_refused_when_the_run_is_opened(tmp_path: Path) -> None:
    shutil.copytree(DEFAULT_RUN, tmp_path / "run")
    raw = json.loads((tmp_path / "run" / "card.json").read_text())
    (tmp_path / "run" / "card.json").write_text(json.dumps(raw | {"conversion": "x" * 10_000}))
    with pytest.raises(ModelMismatch, match="run: reads audio by another conversion") as refused:
        load_model(tmp_path / "run")
    assert len(str(refused.value)) < 500


class TestReference:
    """What an explanation compares with is a file from a stranger, too."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda raw: raw | {"percentiles": {}},
            lambda raw: raw | {"percentiles": 7},
            lambda raw: raw | {"window_percentiles": {"lfcc": [[1.0]]}},
            lambda raw: raw | {"n_clips": float("inf")},
            lambda raw: raw | {"percentiles": raw["percentiles"] | {"lfcc": [[1], [2, 3]]}},
            lambda raw: raw | {"percentiles": raw["percentiles"] | {"lfcc": "none"}},
            lambda raw: raw["percentiles"]["lfcc"][0].reverse() or raw,
            lambda raw: raw["percentiles"]["lfcc"][0].__setitem__(3, float("nan")) or raw,
            lambda raw: [raw],
        ],
    )
    def test_it_is_refused_in_one_line(self, run: Path, change: Callable[[Any], Any]) -> None:
        file = run / "reference.json"
        file.write_text(json.dumps(change(json.loads(file.read_text()))))
        with pytest.raises(ModelError, match=r"reference\.json: cannot be read \(.*\)$"):
            _ = load_model(run).reference

    def test_one_that_is_nested_too_deeply_is_refused(self, run: Path) -> None:
        (run / "reference.json").write_text("[" * 200_000)
        with pytest.raises(ModelError, match="cannot be read"):
            _ = load_model(run).reference

    def test_every_shipped_one_is_taken(self) -> None:
        for folder in SHIPPED.values():
            assert load_model(folder).reference.n_clips > 0
