from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import makers
import numpy as np
import parselmouth
import pytest
import scipy.signal
from makers import RATE_HZ, tree

import fvx
from fvx.audio import Audio
from fvx.augment import METHODS, Recipe, add_copies, augment, copy_audio, is_copy, vocode, vocoders
from fvx.augment.channel import Band, Level, Noise, Reverberation, Trim
from fvx.augment.codecs import Codec, Resample
from fvx.augment.recipe import STEPS
from fvx.augment.step import Step
from fvx.datasets import Label
from fvx.errors import AudioError, RecipeError
from fvx.testing import noise, silence, sine, vowel

READY = Path(__file__).parents[1] / "training" / "augment.toml"
SPEECH = Path(fvx.__file__).parent / "demo_corpus"
CODECS = ("mp3", "vorbis", "opus", "mu-law", "a-law", "gsm", "g721", "adpcm")


def after(step: Step, audio: Audio, seed: int = 0) -> np.ndarray[Any, Any]:
    return step.apply(audio.samples, audio.rate_hz, np.random.default_rng(seed)).astype(float)


def level_db(samples: np.ndarray[Any, Any]) -> float:
    return float(10 * np.log10(np.mean(np.square(samples))))


def power_db(samples: np.ndarray[Any, Any], low_hz: float, high_hz: float) -> float:
    """Of a band, in decibels per hertz."""
    hz, power = scipy.signal.welch(samples, RATE_HZ, nperseg=4096)
    return float(10 * np.log10(power[(hz >= low_hz) & (hz < high_hz)].mean()))


class TestSteps:
    @pytest.mark.parametrize("snr_db", [0.0, 20.0, 45.0])
    def test_noise_lies_as_far_below_the_clip_as_asked(self, snr_db: float) -> None:
        clip = vowel()
        added = after(Noise(snr_db=(snr_db, snr_db)), clip) - clip.samples
        assert level_db(clip.samples) - level_db(added) == pytest.approx(snr_db, abs=0.05)

    @pytest.mark.parametrize(("colour", "slope_db"), [("white", 0), ("pink", -3), ("brown", -6)])
    def test_coloured_noise_falls_by_so_much_an_octave(self, colour: str, slope_db: float) -> None:
        clip = sine(7_900.0, 8.0, 1e-3)
        added = after(Noise(snr_db=(0.0, 0.0), colours=(colour,)), clip) - clip.samples
        fall_db = power_db(added, 3_200, 3_600) - power_db(added, 400, 450)
        assert fall_db == pytest.approx(3 * slope_db, abs=1.2)

    def test_a_tail_decays_by_sixty_decibels_in_its_time(self) -> None:
        click = np.zeros(RATE_HZ, np.float32)
        click[0] = 0.5
        response = after(Reverberation(rt60_s=(0.4, 0.4)), Audio(click, RATE_HZ))[1:]
        left_db = 10 * np.log10(np.cumsum(np.square(response)[::-1])[::-1] + 1e-20)  # Schroeder
        start, end = round(0.05 * RATE_HZ), round(0.25 * RATE_HZ)
        slope = np.polyfit(np.arange(start, end) / RATE_HZ, left_db[start:end], 1)[0]
        assert -60 / slope == pytest.approx(0.4, rel=0.1)

    @pytest.mark.parametrize("direct_db", [0.0, 12.0])
    def test_the_direct_sound_stands_out_as_asked(self, direct_db: float) -> None:
        click = np.zeros(RATE_HZ, np.float32)
        click[100] = 0.5
        room = after(
            Reverberation(rt60_s=(0.2, 0.2), direct_db=(direct_db,) * 2), Audio(click, RATE_HZ)
        )
        assert room[100] == pytest.approx(0.5, abs=1e-6)
        tail = np.sqrt(np.sum(np.square(room[101:])))
        assert 20 * np.log10(0.5 / tail) == pytest.approx(direct_db, abs=0.01)

    def test_a_level_is_that_of_the_largest_sample(self) -> None:
        assert np.abs(after(Level(peak_db=(-6.0, -6.0)), vowel())).max() == pytest.approx(
            10 ** (-6 / 20), rel=1e-5
        )

    @pytest.mark.parametrize(("hz", "passes"), [(60, False), (1_000, True), (6_000, False)])
    def test_a_band_lets_through_what_lies_in_it(self, hz: float, passes: bool) -> None:
        clip = sine(hz)
        for seed in range(4):  # whatever the filters' order
            filtered = after(Band(low_hz=(300.0,) * 2, high_hz=(3_000.0,) * 2), clip, seed)
            loss_db = level_db(clip.samples[4_000:]) - level_db(filtered[4_000:])
            assert (loss_db < 0.5) if passes else (loss_db > 11.0)

    def test_trimming_leaves_the_margins_and_what_lies_between(self) -> None:
        quiet, tone = silence(0.5).samples, sine(500.0, 1.0).samples
        clip = Audio(np.concatenate([quiet, tone, quiet]), RATE_HZ)
        trimmed = after(Trim(below_db=(40.0, 40.0), margin_s=(0.05, 0.05)), clip)
        assert len(trimmed) / RATE_HZ == pytest.approx(1.1, abs=0.011)
        np.testing.assert_array_equal(trimmed[800:16_000], tone[: 16_000 - 800])

    @pytest.mark.parametrize("place", [0.0, 0.5, 0.95])
    def test_trimming_leaves_as_much_as_a_clip_needs(self, place: float) -> None:
        samples = np.zeros(RATE_HZ, np.float32)
        samples[round(place * RATE_HZ) :][:160] = 0.5
        trimmed = after(Trim(margin_s=(0.0, 0.0)), Audio(samples, RATE_HZ))
        assert len(trimmed) >= 0.2 * RATE_HZ
        assert trimmed.max() == 0.5

    @pytest.mark.parametrize("codec", CODECS)
    def test_a_codec_keeps_the_speech_and_its_time(self, codec: str) -> None:
        clip = vowel(seconds=0.7)
        for seed in range(4):  # several rates
            coded = after(Codec(codecs=(codec,), compression=(0.2, 0.5)), clip, seed)
            assert len(coded) == len(clip.samples)
            assert not np.array_equal(coded, clip.samples)
            lags = scipy.signal.correlate(coded, clip.samples)
            middle = len(coded) - 1
            assert abs(int(np.argmax(lags)) - middle) <= 1
            assert lags[middle] > 0.9 * np.linalg.norm(coded) * np.linalg.norm(clip.samples)

    def test_a_telephone_codec_leaves_nothing_above_four_kilohertz(self) -> None:
        coded = after(Codec(codecs=("mu-law",)), noise(2.0))
        assert power_db(coded, 500, 3_500) - power_db(coded, 4_500, 8_000) > 40

    def test_mu_law_is_as_fine_as_eight_bits_can_be(self) -> None:
        """G.711: about 38 dB at usual levels."""
        clip = sine(997.0, 1.0, 0.5)
        coded = after(Codec(codecs=("mu-law",)), clip)[1_000:-1_000]
        error = coded - clip.samples[1_000:-1_000]
        assert 34 < level_db(coded) - level_db(error) < 44

    def test_a_codec_takes_clips_beyond_full_scale(self) -> None:
        loud = Audio(sine(500.0).samples * np.float32(4.0), RATE_HZ)
        assert np.abs(after(Codec(codecs=("a-law",)), loud)).max() == pytest.approx(2.0, rel=0.1)

    def test_a_codec_that_libsndfile_lacks_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from fvx.augment import codecs

        unknown = codecs._FORMS["gsm"]._replace(subtype="GSM_FULL_RATE")
        monkeypatch.setitem(codecs._FORMS, "gsm", unknown)
        with pytest.raises(AudioError, match="cannot encode gsm"):
            after(Codec(codecs=("gsm",)), vowel())

    def test_resampling_keeps_what_both_rates_hold(self) -> None:
        clip = sine(1_000.0)
        for seed in range(6):  # resamplers good and bad
            back = after(Resample(rates_hz=(8_000, 22_050)), clip, seed)
            assert len(back) == len(clip.samples)
            error = back[500:-500] - clip.samples[500:-500]
            assert level_db(clip.samples) - level_db(error) > 15


class TestRecipe:
    def test_the_ready_recipe_can_be_read_and_followed(self) -> None:
        recipe = Recipe.read(READY)
        assert recipe.name == "augment"
        assert set(recipe.vocoders) == set(METHODS)
        for seed in range(12):
            made = augment(vowel(), recipe, seed)
            assert np.isfinite(made.samples).all()
            assert 0.1 < np.abs(made.samples).max() <= 1.0

    def test_settings_make_the_same_recipe_again(self) -> None:
        recipe = Recipe.read(READY)
        assert Recipe.of(recipe.settings, "augment") == recipe

    def test_what_is_left_out_is_as_the_step_has_it(self, tmp_path: Path) -> None:
        (tmp_path / "short.toml").write_text("[[step]]\nkind = 'noise'\n")
        assert Recipe.read(tmp_path / "short.toml") == Recipe((Noise(),), name="short")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "no step in it"),
            ("seed = -1", "seed is -1"),
            ("seed = true", "seed is True"),
            ("version = 2", "version 2; this fvx follows version 1"),
            ("sead = 1", "no setting 'sead'; it has version, seed, step, vocode"),
            ("step = 3", "written as"),
            ("vocode = 3", "written as"),
            ("step = [3]", "a step says no kind"),
            ("[[step]]\nprobability = 1", "a step says no kind; known: band, codec, level"),
            ("[[step]]\nkind = 'nois'", "no step 'nois'; known: band, codec"),
            ("[[step]]\nkind = []", "no step"),
            ("[[step]]\nkind = 'noise'\nsnr = [1, 2]", "noise has no setting 'snr'; it has prob"),
            ("[[step]]\nkind = 'noise'\nsnr_db = [3, 2]", r"snr_db is \[3, 2\], not two numbers"),
            ("[[step]]\nkind = 'noise'\nsnr_db = 3", "snr_db is 3, not two numbers"),
            ("[[step]]\nkind = 'noise'\nsnr_db = [1, nan]", "not two numbers"),
            ("[[step]]\nkind = 'noise'\nsnr_db = [1, 2, 3]", "not two numbers"),
            ("[[step]]\nkind = 'noise'\nsnr_db = [0, 1000]", "between -10 and 100"),
            ("[[step]]\nkind = 'noise'\nprobability = 1.5", "probability is 1.5"),
            ("[[step]]\nkind = 'noise'\nprobability = '1'", "probability is '1'"),
            ("[[step]]\nkind = 'codec'\ncodecs = ['aac']", "some of mp3, vorbis, opus"),
            ("[[step]]\nkind = 'codec'\ncodecs = 'mp3'", "codecs is 'mp3'; a list"),
            ("[[step]]\nkind = 'codec'\ncodecs = []", "a list"),
            ("[[step]]\nkind = 'resample'\nrates_hz = [1]", "some of 8000"),
            ("[vocode]\nshare = 2", "share is 2"),
            ("[vocode]\nshare = 0.5\nmethods = []", "of some methods"),
            ("[vocode]\nmethods = ['hifi-gan']", "known: griffin-lim, lpc, world"),
            ("[vocode]\nmethods = [[]]", "known: griffin-lim"),
            ("[vocode]\nmethod = 'lpc'", "no setting 'method'"),
            ("[[step", "cannot be read"),
        ],
    )
    def test_what_cannot_be_followed_is_refused_with_the_reason(
        self, tmp_path: Path, text: str, reason: str
    ) -> None:
        path = tmp_path / "bad.toml"
        path.write_text(text)
        with pytest.raises(RecipeError, match=rf"bad\.toml: .*{reason}"):
            Recipe.read(path)

    def test_every_step_setting_choice_and_vocoder_is_in_the_documentation(self) -> None:
        text = READY.parents[1].joinpath("docs", "augmentation.md").read_text("utf-8")
        words = {*METHODS, *STEPS}
        for step in STEPS.values():
            words |= {field.name for field in dataclasses.fields(step)}
            words |= {str(one) for known in step.choices.values() for one in known}
        rates = {str(hz) for hz in Resample.choices["rates_hz"]}
        assert not [word for word in words - rates if f"`{word}`" not in text]

    def test_a_file_that_cannot_be_read_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="cannot be read"):
            Recipe.read(tmp_path / "none.toml")
        (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
        with pytest.raises(RecipeError, match="cannot be read"):
            Recipe.read(tmp_path / "binary.toml")


class TestAugment:
    def test_the_seed_decides(self) -> None:
        recipe, clip = Recipe.read(READY), vowel()
        made = [augment(clip, recipe, seed).samples for seed in (1, 1, 2)]
        np.testing.assert_array_equal(made[0], made[1])
        assert not np.array_equal(made[0], made[2])

    def test_a_step_is_taken_as_often_as_its_probability_says(self) -> None:
        clip = sine(500.0, 0.2)
        for probability in (0.0, 0.25, 1.0):
            recipe = Recipe((Level(probability, (-40.0, -40.0)),))
            taken = [np.abs(augment(clip, recipe, i).samples).max() < 0.1 for i in range(200)]
            assert np.mean(taken) == pytest.approx(probability, abs=0.1 * (probability == 0.25))

    def test_a_step_draws_the_same_whatever_the_steps_before_it_draw(self) -> None:
        clip, end = vowel(), Noise(snr_db=(0.0, 40.0), colours=("white",))
        added = []
        for before in (Level(1.0, (-1.0, -1.0)), Level(0.0)):
            made = augment(clip, Recipe((before, end)), 5).samples
            plain = augment(clip, Recipe((before,)), 5).samples
            added.append((made - plain) / np.abs(plain).max())
        np.testing.assert_allclose(added[0], added[1], atol=1e-5)

    def test_the_clip_is_left_as_it_was_and_its_notes_go_along(self) -> None:
        clip = Audio(vowel().samples.copy(), RATE_HZ, 44_100, ("cut short",))
        before = clip.samples.copy()
        made = augment(clip, Recipe.read(READY), 3)
        np.testing.assert_array_equal(clip.samples, before)
        assert (made.original_rate_hz, made.notes) == (44_100, ("cut short",))

    def test_nothing_goes_beyond_full_scale(self) -> None:
        loud = Recipe((Level(1.0, (0.0, 0.0)), Noise(1.0, (0.0, 0.0))))
        assert np.abs(augment(vowel(), loud, 0).samples).max() == pytest.approx(1.0)

    def test_no_samples_are_refused(self) -> None:
        with pytest.raises(AudioError, match="no samples"):
            augment(Audio(np.empty(0, np.float32), RATE_HZ), Recipe.read(READY), 0)


class TestVocode:
    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
    def test_length_rate_and_level_are_kept(self, method: str, rate_hz: int) -> None:
        clip = vowel(150.0, rate_hz=rate_hz)
        made = vocode(clip, method)
        assert (made.rate_hz, len(made.samples)) == (rate_hz, len(clip.samples))
        assert level_db(made.samples) == pytest.approx(level_db(clip.samples), abs=0.01)
        assert not np.array_equal(made.samples, clip.samples)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("name", ["00.flac", "02.flac", "04.flac"])
    def test_real_speech_keeps_its_pitch_and_spectrum(self, method: str, name: str) -> None:
        clip = Audio.read(SPEECH / name)
        made = vocode(clip, method)
        f0 = [praat_f0(one) for one in (clip, made)]
        both = (f0[0] > 0) & (f0[1] > 0)
        assert both.sum() > 0.75 * (f0[0] > 0).sum()
        assert np.mean(np.abs(f0[1][both] / f0[0][both] - 1) > 0.2) < 0.1
        assert np.median(np.abs(f0[1][both] / f0[0][both] - 1)) < 0.03

    @pytest.mark.parametrize("method", METHODS)
    def test_no_channel_gives_the_vocoder_away(self, method: str) -> None:
        """Long-term spectrum and polarity: those of the microphone, not of the synthesis."""
        clip = Audio.read(SPEECH / "04.flac")
        filtered = scipy.signal.sosfilt(
            scipy.signal.butter(4, [200, 3_000], "bandpass", fs=RATE_HZ, output="sos"),
            clip.samples,
        )
        filtered = (filtered + 3e-5 * noise(clip.duration_s).samples).astype(np.float32)
        for samples in (clip.samples, -clip.samples, filtered):
            made = vocode(Audio(samples.copy(), RATE_HZ), method).samples
            spectra = [
                10 * np.log10(scipy.signal.welch(one, RATE_HZ, nperseg=512)[1][1:250])
                for one in (samples, made)
            ]
            assert np.sqrt(np.mean(np.square(spectra[0] - spectra[1]))) < 2.0
            assert np.mean(samples**3) * np.mean(made**3) >= 0

    @pytest.mark.parametrize("method", METHODS)
    def test_time_stays_where_it_was(self, method: str) -> None:
        gap, voice = silence(0.4).samples, vowel(130.0, 0.4).samples
        made = vocode(Audio(np.concatenate([gap, voice, gap]), RATE_HZ), method).samples
        inside = np.sum(np.square(made[round(0.35 * RATE_HZ) : round(0.87 * RATE_HZ)]))
        assert inside > 0.98 * np.sum(np.square(made))

    @pytest.mark.parametrize("method", METHODS)
    def test_the_same_seed_gives_the_same_samples(self, method: str) -> None:
        clip = vowel()
        np.testing.assert_array_equal(
            vocode(clip, method, 7).samples, vocode(clip, method, 7).samples
        )

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("clip", [silence(0.3), noise(0.2), noise(0.3, rate_hz=8_000)])
    def test_clips_without_a_voice_are_vocoded_too(self, method: str, clip: Audio) -> None:
        made = vocode(clip, method)
        assert np.isfinite(made.samples).all()
        assert level_db(made.samples + 1e-6) == pytest.approx(
            level_db(clip.samples + 1e-6), abs=0.1
        )

    def test_a_long_clip_is_made_in_sections_that_join(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clip = vowel(130.0, 2.0)
        whole = vocode(clip, "lpc")
        monkeypatch.setattr(vocoders, "_SECTION_S", 0.7)
        made = vocode(clip, "lpc")
        assert len(made.samples) == len(clip.samples)
        levels = [
            np.sqrt(np.square(one.samples[:31_920]).reshape(19, -1).mean(axis=1))
            for one in (whole, made)
        ]
        np.testing.assert_allclose(levels[1][1:-1], levels[0][1:-1], rtol=0.3)

    def test_an_unknown_vocoder_is_refused(self) -> None:
        with pytest.raises(RecipeError, match="no vocoder 'hifi-gan'; known: griffin-lim, lpc"):
            vocode(vowel(), "hifi-gan")

    def test_too_short_a_clip_is_refused(self) -> None:
        with pytest.raises(AudioError, match=r"at least 0\.2 s"):
            vocode(Audio(np.zeros(100, np.float32), RATE_HZ), "lpc")

    def test_a_vocoder_that_is_not_installed_is_refused_before_the_work(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vocoders, "find_spec", lambda _: None)
        with pytest.raises(RecipeError, match=r"pip install 'fvx\[augment\]'"):
            vocode(vowel(), "world")
        with pytest.raises(RecipeError, match="needs pyworld"):
            add_copies(tree(tmp_path), Recipe.read(READY), 1)


class TestCopies:
    def test_a_copy_is_its_original_under_another_name(self, tmp_path: Path) -> None:
        dataset = tree(tmp_path, 4)
        more = add_copies(dataset, Recipe((Noise(),)), 2)
        assert more.clips[:4] == dataset.clips
        assert [clip.id for clip in more.clips[4:]] == [
            f"{clip.id}~{number}" for number in (1, 2) for clip in dataset.clips
        ]
        for copy, original in zip(more.clips[4:], dataset.clips * 2, strict=True):
            for column in ("path", "label", "speaker", "system", "split"):
                assert getattr(copy, column) == getattr(original, column)
            assert copy.extra["original"] == original.id
            assert is_copy(copy)
            assert not is_copy(original)

    def test_some_copies_of_bona_fide_clips_are_vocoded_and_none_of_spoof(self) -> None:
        clips = tuple(makers.clip(f"{i}", list(Label)[i % 2], speaker=f"s{i}") for i in range(400))
        recipe = Recipe(vocoders=("lpc", "griffin-lim"), vocoded_share=0.5)
        more = add_copies(fvx.datasets.Dataset("c", Path(), clips, "made"), recipe, 1)
        copies = more.clips[400:]
        vocoded = [copy for copy in copies if copy.extra["vocoded_by"]]
        assert 70 < len(vocoded) < 130
        assert {copy.system for copy in vocoded} == {"vocoded:lpc", "vocoded:griffin-lim"}
        assert {copy.label for copy in vocoded} == {Label.SPOOF}
        for copy, original in zip(copies, clips, strict=True):
            assert copy.speaker == original.speaker
            if original.label is Label.SPOOF:
                assert copy.extra["vocoded_by"] == ""
                assert copy.label is Label.SPOOF

    def test_the_draw_depends_on_seed_clip_and_number_alone(self, tmp_path: Path) -> None:
        dataset = tree(tmp_path, 6)
        recipe = Recipe((Noise(),), vocoders=("lpc",), vocoded_share=0.5)
        few = add_copies(dataclasses.replace(dataset, clips=dataset.clips[3:]), recipe, 1)
        many = {clip.id: clip for clip in add_copies(dataset, recipe, 3).clips}
        assert all(many[clip.id] == clip for clip in few.clips)
        audio = noise(0.3)
        first, second, other = (
            copy_audio(audio, many[name], recipe).samples
            for name in (
                f"{dataset.clips[3].id}~1",
                f"{dataset.clips[3].id}~2",
                f"{dataset.clips[5].id}~1",
            )
        )
        assert not np.array_equal(first, second)
        assert not np.array_equal(first, other)
        again = dataclasses.replace(recipe, seed=1)
        assert not np.array_equal(first, copy_audio(audio, few.clips[3], again).samples)

    def test_an_original_sounds_as_it_did(self, tmp_path: Path) -> None:
        clip = tree(tmp_path, 2).clips[0]
        audio = noise(0.3)
        assert copy_audio(audio, clip, Recipe((Noise(),))) is audio

    def test_a_vocoded_copy_is_vocoded_and_then_goes_through_the_steps(self) -> None:
        clip, audio = makers.clip("a"), vowel()
        recipe = Recipe((Level(1.0, (-30.0, -30.0)),), vocoders=("lpc",), vocoded_share=1.0)
        copy = add_copies(fvx.datasets.Dataset("c", Path(), (clip,), "made"), recipe, 1).clips[1]
        made = copy_audio(audio, copy, recipe).samples
        assert np.abs(made).max() == pytest.approx(10 ** (-30 / 20), rel=1e-4)
        assert abs(np.corrcoef(made, audio.samples)[0, 1]) < 0.9

    def test_a_name_that_is_taken_is_refused(self) -> None:
        clips = (makers.clip("a"), makers.clip("a~1"))
        with pytest.raises(RecipeError, match="has a clip 'a~1' already"):
            add_copies(fvx.datasets.Dataset("c", Path(), clips, "made"), Recipe((Noise(),)), 1)


def praat_f0(audio: Audio) -> np.ndarray[Any, Any]:
    """F0 every 10 ms, in hertz; 0 where Praat hears no voice."""
    sound = parselmouth.Sound(audio.samples.astype(float), RATE_HZ)
    found: np.ndarray[Any, Any] = sound.to_pitch_ac(0.01, 75.0).selected_array["frequency"]
    return found
