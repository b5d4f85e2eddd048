"""Embeddings of tiny models, made here: a graph whose numbers are known, and untrained networks."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fvx import Audio, discover
from fvx.errors import AudioError, FeatureError
from fvx.testing import RATE_HZ, FeatureContract, noise, sine

fvx_ssl = pytest.importorskip("fvx_ssl", reason="the optional plugin fvx-ssl is not installed")

from fvx_ssl import LAYER, MODEL, Source, SslEmbeddings, encoders  # noqa: E402

HOP, WIDTH = 320, 400
KIN = ["wav2vec2", "wav2vec2-robust", "hubert", "wavlm"]


@pytest.fixture(autouse=True)
def nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (MODEL, LAYER, "FVX_SSL_DEVICE"):
        monkeypatch.delenv(name, raising=False)
    encoders.load.cache_clear()


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of two dimensions: the sample in a frame's middle and the mean; their doubles."""
    onnx = pytest.importorskip("onnx", reason="onnx, which makes a graph to test on, is missing")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    kernel = np.zeros((2, 1, WIDTH), np.float32)
    kernel[0, 0, WIDTH // 2] = 1
    kernel[1] = 1 / WIDTH
    helper, numbers = onnx.helper, onnx.numpy_helper
    constants = [
        numbers.from_array(kernel, "kernel"),
        numbers.from_array(np.array([1], np.int64), "one"),
        numbers.from_array(np.array(2, np.float32), "two"),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["input_values", "one"], ["channels"]),
        helper.make_node("Conv", ["channels", "kernel"], ["found"], strides=[HOP]),
        helper.make_node("Transpose", ["found"], ["hidden_states.0"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["hidden_states.0", "two"], ["hidden_states.1"]),
    ]
    kind = onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("input_values", kind, [1, "n"])]
    outputs = [
        helper.make_tensor_value_info(f"hidden_states.{i}", kind, [1, "m", 2]) for i in range(2)
    ]
    made = helper.make_graph(nodes, "tiny", inputs, outputs, constants)
    opset = helper.make_opsetid("", 17)
    path = tmp_path_factory.mktemp("graph") / "tiny.onnx"
    onnx.save(helper.make_model(made, opset_imports=[opset], ir_version=9), path)
    return path


def plain(graph: Path, folder: Path) -> Path:
    """The same, and said not to want its samples normalised."""
    folder.mkdir()
    (folder / "preprocessor_config.json").write_text('{"do_normalize": false}')
    (folder / "tiny.onnx").write_bytes(graph.read_bytes())
    return folder


@pytest.fixture(scope="session")
def networks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of untrained networks of the kinds that there are, two layers of 16 dimensions."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    home = tmp_path_factory.mktemp("networks")
    small = {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "conv_dim": [8] * 7, "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
    }  # fmt: skip
    robust = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
    configs = {
        "wav2vec2": transformers.Wav2Vec2Config(**small),
        "wav2vec2-robust": transformers.Wav2Vec2Config(**small, **robust),
        "hubert": transformers.HubertConfig(**small),
        "wavlm": transformers.WavLMConfig(**small),
        "whisper": transformers.WhisperConfig(
            d_model=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32,
            decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32, vocab_size=64,
            pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1,
            suppress_tokens=None, begin_suppress_tokens=None,
        ),
    }  # fmt: skip
    for name, config in configs.items():
        transformers.AutoModel.from_config(config).save_pretrained(home / name)
        if name == "whisper":
            transformers.WhisperFeatureExtractor().save_pretrained(home / name)
        else:
            normalised = name != "hubert"
            transformers.Wav2Vec2FeatureExtractor(do_normalize=normalised).save_pretrained(
                home / name
            )
    return {name: home / name for name in configs}


def use(monkeypatch: pytest.MonkeyPatch, path: Path, layer: str = "") -> SslEmbeddings:
    """The feature that the environment describes."""
    monkeypatch.setenv(MODEL, str(path))
    monkeypatch.setenv(LAYER, layer)
    (feature,) = fvx_ssl.fvx_features()
    assert isinstance(feature, SslEmbeddings)
    return feature


class TestGraphContract(FeatureContract):
    @pytest.fixture(autouse=True)
    def _model(self, graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.feature = use(monkeypatch, graph)


class TestTransformerContract(FeatureContract):
    @pytest.fixture(autouse=True)
    def _model(self, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        self.feature = use(monkeypatch, networks["wavlm"], "1")


class TestWhisperContract(FeatureContract):
    @pytest.fixture(autouse=True)
    def _model(self, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
        self.feature = use(monkeypatch, networks["whisper"])


class TestGraph:
    def test_a_frame_is_centred_at_its_time(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The sample in a frame's middle is the one at k * 20 ms, from the clip's first on."""
        clip = noise(1.003)
        values = use(monkeypatch, plain(graph, tmp_path / "plain"), "0")(clip)
        np.testing.assert_array_equal(values[:, 0], clip.samples[::HOP][: len(values)])
        padded = np.pad(clip.samples, WIDTH)
        frames = np.lib.stride_tricks.sliding_window_view(padded, WIDTH)[WIDTH // 2 :: HOP]
        np.testing.assert_allclose(values[:, 1], frames[: len(values)].mean(axis=1), atol=1e-7)

    def test_samples_are_brought_to_unit_variance(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clip = Audio(noise(1.0).samples + np.float32(0.05), RATE_HZ)
        scaled = (clip.samples - clip.samples.mean()) / clip.samples.std()
        values = use(monkeypatch, graph, "0")(clip)
        np.testing.assert_allclose(values[:50, 0], scaled[::HOP], atol=1e-3)

    @pytest.mark.parametrize(
        ("layer", "number"), [("0", 0), ("1", 1), ("", 1), ("-1", 1), ("-2", 0)]
    )
    def test_the_layer_named_is_taken(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch, layer: str, number: int
    ) -> None:
        values = use(monkeypatch, graph, layer)
        assert values.layer == number
        first = use(monkeypatch, graph, "0")(noise(1.0))
        np.testing.assert_array_equal(values(noise(1.0)), first * np.float32(1 + number))

    @pytest.mark.parametrize(
        ("layer", "reason"), [("2", "no layer 2; there are 0 to 1"), ("-3", "-3"), ("top", "'top'")]
    )
    def test_a_layer_that_there_is_not_is_refused(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch, layer: str, reason: str
    ) -> None:
        with pytest.raises(FeatureError, match=reason):
            use(monkeypatch, graph, layer)

    @pytest.mark.parametrize("piece_s", [0.02, 0.5, 3.0])
    def test_a_long_clip_goes_through_in_pieces_that_fit(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch, piece_s: float
    ) -> None:
        whole = use(monkeypatch, graph)
        settings = {**whole.settings, "piece_s": piece_s, "context_s": 0.1}
        clip = noise(7.77)
        np.testing.assert_allclose(SslEmbeddings(**settings)(clip), whole(clip), atol=1e-6)

    def test_no_piece_is_longer_than_asked(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, graph)
        encoder, given = encoders.load(Source.read(graph)), []

        def watched(samples: np.ndarray[Any, Any], layer: int) -> np.ndarray[Any, Any]:
            given.append(len(samples) / RATE_HZ)
            return encoder.encode(samples, layer)

        monkeypatch.setattr("fvx_ssl.embeddings.load", lambda _: encoder._replace(encode=watched))
        assert len(feature(noise(130.0))) == 6501
        assert len(given) == 7
        assert max(given) < 24.1

    @pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100])
    def test_another_rate_is_brought_to_that_of_the_model(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int
    ) -> None:
        feature = use(monkeypatch, plain(graph, tmp_path / "plain"))
        clips = [sine(110.0, 1.0, rate_hz=hz) for hz in (RATE_HZ, rate_hz)]
        values = [feature(clip)[5:45] for clip in clips]
        np.testing.assert_allclose(values[1], values[0], atol=0.01)

    def test_a_mask_that_a_graph_asks_for_is_given(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onnx = pytest.importorskip("onnx")
        model = onnx.load(graph)
        kind = onnx.TensorProto.INT64
        model.graph.input.append(
            onnx.helper.make_tensor_value_info("attention_mask", kind, [1, "n"])
        )
        onnx.save(model, tmp_path / "masked.onnx")
        expected = use(monkeypatch, graph)(noise(0.5))
        np.testing.assert_array_equal(
            use(monkeypatch, tmp_path / "masked.onnx")(noise(0.5)), expected
        )

    def test_a_file_that_is_no_graph_is_refused(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "bad.onnx").write_bytes(b"not a graph")
        with pytest.raises(FeatureError, match=r"bad\.onnx: cannot be loaded"):
            use(monkeypatch, tmp_path / "bad.onnx")

    def test_a_graph_that_takes_no_samples_is_refused(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        onnx = pytest.importorskip("onnx")
        model = onnx.load(graph)
        model.graph.input[0].type.tensor_type.shape.dim.add().dim_value = 3
        del model.graph.node[0]
        model.graph.node[0].input[0] = "input_values"
        onnx.save(model, tmp_path / "mel.onnx")
        with pytest.raises(FeatureError, match="expected one input of samples"):
            use(monkeypatch, tmp_path / "mel.onnx")

    def test_a_hop_other_than_the_description_says_is_an_error(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = plain(graph, tmp_path / "halved")
        halved = {"hidden_size": 2, "num_hidden_layers": 1}
        halved |= {"conv_stride": [5, 2, 2, 2, 2, 2], "conv_kernel": [10, 3, 3, 3, 3, 2]}
        (folder / "config.json").write_text(json.dumps(halved))
        feature = use(monkeypatch, folder)
        assert feature.hop_s == 0.010
        with pytest.raises(FeatureError, match=r"its hop is not 0\.01 s"):
            feature(noise(1.0))


class TestTransformers:
    @pytest.mark.parametrize("kind", KIN)
    @pytest.mark.parametrize("layer", [0, 1, 2])
    def test_values_are_those_of_transformers(
        self, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch, kind: str, layer: int
    ) -> None:
        import torch
        import transformers

        clip = noise(1.003)
        extractor = transformers.AutoFeatureExtractor.from_pretrained(networks[kind])
        given = extractor(clip.samples, sampling_rate=RATE_HZ, return_tensors="pt").input_values
        # Half a frame of silence before and after, as the frame law wants it.
        n_frames = 1 + len(clip.samples) // HOP
        after = (n_frames - 1) * HOP + WIDTH // 2 - len(clip.samples)
        given = torch.nn.functional.pad(given, (WIDTH // 2, after))
        model = transformers.AutoModel.from_pretrained(networks[kind]).eval()
        with torch.inference_mode():
            expected = model(given, output_hidden_states=True)
        values = use(monkeypatch, networks[kind], str(layer))(clip)
        np.testing.assert_allclose(values, expected.hidden_states[layer][0], atol=2e-5)
        if layer == 2 and kind != "wav2vec2-robust":
            np.testing.assert_allclose(values, expected.last_hidden_state[0], atol=2e-5)

    def test_values_are_those_of_whispers_encoder(
        self, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import torch
        import transformers

        clip = noise(3.0)
        extractor = transformers.AutoFeatureExtractor.from_pretrained(networks["whisper"])
        given = extractor(clip.samples, sampling_rate=RATE_HZ, return_tensors="pt")
        model = transformers.AutoModel.from_pretrained(networks["whisper"]).eval()
        with torch.inference_mode():
            expected = model.encoder(given.input_features).last_hidden_state[0]
        values = use(monkeypatch, networks["whisper"])(clip)
        assert values.shape == (151, 16)
        np.testing.assert_allclose(values, expected[:151], atol=2e-5)

    @pytest.mark.parametrize("kind", ["hubert", "whisper"])
    def test_a_click_is_heard_at_its_time(
        self, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        """In layer 0, before any attention: frames away from it are as without it."""
        feature = use(monkeypatch, networks[kind], "0")
        quiet = noise(2.0).samples * np.float32(0.1)
        click = quiet.copy()
        click[50 * HOP] += 0.5
        change = np.abs(feature(Audio(click, RATE_HZ)) - feature(Audio(quiet, RATE_HZ))).sum(axis=1)
        assert np.argmax(change) == pytest.approx(50, abs=1)

    def test_a_clip_longer_than_whisper_hears_goes_through_in_pieces(
        self, networks: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, networks["whisper"])
        assert len(feature(noise(61.0))) == 3051
        wide = SslEmbeddings(**{**feature.settings, "piece_s": 60.0})
        assert len(wide(noise(31.0))) == 1551

    def test_pickled_weights_are_not_read(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "wav2vec2"}')
        (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps({}))
        with pytest.raises(FeatureError, match="pickled weights"):
            Source.read(tmp_path)

    def test_damaged_weights_are_refused_with_the_reason(
        self, networks: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for file in networks["wavlm"].iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
        feature = use(monkeypatch, tmp_path)
        with pytest.raises(FeatureError, match="cannot be loaded"):
            feature(noise(0.5))

    def test_nothing_is_said_on_the_terminal(
        self,
        networks: dict[str, Path],
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        use(monkeypatch, networks["wav2vec2"])(noise(0.5))
        assert capfd.readouterr() == ("", "")


class TestSource:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """A model that is described and not there."""
        config = {
            "model_type": "wavlm", "hidden_size": 768, "num_hidden_layers": 12,
            "conv_stride": [5, 2, 2, 2, 2, 2, 2], "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
        }  # fmt: skip
        folder = tmp_path / "wavlm-base"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "model.safetensors").write_bytes(np.random.default_rng(0).bytes(3_000_000))
        return folder

    def test_a_folder_is_described_without_being_loaded(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, folder)
        assert (feature.model, feature.n_dims, feature.layer) == ("wavlm-base", 768, 12)
        assert feature.hop_s == 0.020
        assert (Source.read(folder).hop, Source.read(folder).width) == (HOP, WIDTH)
        assert feature.columns[:2] == ("ssl_0", "ssl_1")

    def test_other_weights_and_descriptions_have_other_fingerprints(self, folder: Path) -> None:
        prints = [Source.read(folder).fingerprint()]
        weights = folder / "model.safetensors"
        content = weights.read_bytes()
        weights.write_bytes(np.random.default_rng(1).bytes(3_000_000))
        prints.append(Source.read(folder).fingerprint())
        weights.write_bytes(content)
        assert Source.read(folder).fingerprint() == prints[0]
        (folder / "preprocessor_config.json").write_text('{"do_normalize": false}')
        prints.append(Source.read(folder).fingerprint())
        weights.write_bytes(content + b"\0")
        prints.append(Source.read(folder).fingerprint())
        assert len(set(prints)) == 4

    def test_the_place_is_no_setting(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = use(monkeypatch, folder)
        elsewhere = tmp_path / "elsewhere" / "wavlm-base"
        elsewhere.parent.mkdir()
        folder.rename(elsewhere)
        assert use(monkeypatch, elsewhere) == here

    @pytest.mark.parametrize(
        ("config", "reason"),
        [
            ({"model_type": "bert", "hidden_size": 3}, "bert is neither like wav2vec 2.0"),
            ({"model_type": "wav2vec2-bert"}, "wav2vec2-bert is neither"),
            ([], "describes no model"),
            (None, "no config.json in it"),
        ],
    )
    def test_a_folder_of_another_kind_is_refused(
        self, folder: Path, config: Any, reason: str
    ) -> None:
        (folder / "config.json").unlink()
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config))
        with pytest.raises(FeatureError, match=reason):
            Source.read(folder)

    def test_a_model_for_another_rate_is_refused(self, folder: Path) -> None:
        (folder / "preprocessor_config.json").write_text('{"sampling_rate": 8000}')
        with pytest.raises(FeatureError, match="for speech at 8000 Hz"):
            Source.read(folder)

    @pytest.mark.parametrize("name", ["none", "notes.txt", "none.onnx"])
    def test_a_place_without_a_model_is_refused(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "notes.txt").write_text("hello")
        with pytest.raises(FeatureError, match="neither a model's folder nor an ONNX file"):
            Source.read(tmp_path / name)

    def test_an_empty_folder_and_one_of_two_graphs_are_refused(self, tmp_path: Path) -> None:
        for name in ("a.onnx", "b.onnx"):
            with pytest.raises(FeatureError, match=r"needs weights|there are"):
                Source.read(tmp_path)
            (tmp_path / name).touch()
            if name == "a.onnx":
                assert Source.read(tmp_path).path == tmp_path / name
                (tmp_path / name).rename(tmp_path / "c.onnx")
                (tmp_path / "b.onnx").touch()

    def test_whisper_as_a_graph_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "whisper"}')
        (tmp_path / "encoder.onnx").touch()
        with pytest.raises(FeatureError, match="give the folder of its weights"):
            Source.read(tmp_path)


class TestEmbeddings:
    def test_without_a_model_nothing_is_offered(self) -> None:
        assert list(fvx_ssl.fvx_features()) == []
        assert "ssl" not in discover().features

    def test_fvx_finds_the_feature_of_the_environment(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, graph)
        found = discover()
        assert found.features["ssl"] == feature
        assert not feature.perceptible
        assert feature.evidence

    def test_a_wrong_place_breaks_the_plugin_and_nothing_else(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(MODEL, str(tmp_path / "gone"))
        found = discover()
        assert "neither a model's folder" in found.broken["fvx-ssl"]
        assert "lfcc" in found.features

    def test_another_model_than_the_one_meant_is_refused(
        self, graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        feature = use(monkeypatch, graph)
        use(monkeypatch, plain(graph, tmp_path / "plain"))
        with pytest.raises(FeatureError, match="another model than the one meant"):
            feature(noise(0.5))
        monkeypatch.delenv(MODEL)
        with pytest.raises(FeatureError, match="FVX_SSL_MODEL names no model"):
            feature(noise(0.5))

    def test_less_than_a_tenth_of_a_second_is_refused(
        self, graph: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(AudioError, match="too short for"):
            use(monkeypatch, graph)(noise(0.099))

    @pytest.mark.parametrize("library", ["onnxruntime", "torch"])
    def test_a_library_that_is_missing_is_named(
        self, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(__import__("sys").modules, library, None)
        path = tmp_path / "m.onnx" if library == "onnxruntime" else tmp_path
        with pytest.raises(FeatureError, match=f"needs .*{library}.*pip install 'fvx-ssl"):
            encoders.load(Source(path))
