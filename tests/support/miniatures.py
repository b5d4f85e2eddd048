"""Miniatures of the published corpora: their layout, a few clips, and their traps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

NOISE = np.random.default_rng(0).uniform(-0.1, 0.1, 4000).astype(np.float32)


@dataclass(frozen=True)
class Miniature:
    """What to write, and what a reader must make of it.

    Attributes
    ----------
    tables : dict of str to str
    audio : tuple of str
        Files to write a quarter of a second of noise into.
    clips : dict of str to tuple of str
        By id: path, label, speaker, system, split.
    notes : tuple of str
        Words that must stand in a note each.
    """

    tables: dict[str, str]
    audio: tuple[str, ...]
    clips: dict[str, tuple[str, str, str, str, str]]
    notes: tuple[str, ...] = ()
    extra: dict[str, dict[str, str]] = field(default_factory=dict)
    more: Callable[[Path], None] = lambda root: None

    def write(self, root: Path) -> Path:
        for name, content in self.tables.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())
        for name in self.audio:
            write_audio(root / name)
        self.more(root)
        return root


def write_audio(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = path.suffix[1:].upper()
    if kind in ("WAV", "FLAC", "MP3", "OGG"):
        soundfile.write(path, NOISE, 16_000, format=kind)
    else:
        path.write_bytes(b"not a kind that libsndfile knows")


def write_segment_labels(root: Path) -> None:
    folder = root / "database/segment_labels"
    folder.mkdir(parents=True)
    labels = {
        "train": {"CON_T_0000001": list("1111100000111")},
        "dev": {"CON_D_0000002": list("11")},
        "eval": {"CON_E_0000003": list("01")},
    }
    for split, words in labels.items():
        arrays = {name: np.array(row) for name, row in words.items()}
        with (folder / f"{split}_seglab_0.16.npy").open("wb") as file:
            np.save(file, np.array(arrays, dtype=object), allow_pickle=True)


_LA = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm"
_PS = "database/protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm"

MINIATURES = {
    "itw": Miniature(
        {"meta.csv": "file,speaker,label\n0.wav,Alec Guinness,spoof\n4.wav,C. H.,bona-fide\n"},
        ("0.wav", "4.wav", "9.wav"),
        {
            "0.wav": ("0.wav", "spoof", "Alec Guinness", "-", ""),
            "4.wav": ("4.wav", "bonafide", "C. H.", "-", ""),
        },
        ("1 audio file not in the protocol", "19,963 bona fide"),
    ),
    "asvspoof2019_la": Miniature(
        {
            f"{_LA}.train.trn.txt": "LA_0079 LA_T_1138215 - - bonafide\n",
            f"{_LA}.dev.trl.txt": (
                "LA_0069 LA_D_1047731 - - bonafide\nLA_0069 LA_D_1 - A01 spoof\n"
            ),
            f"{_LA}.eval.trl.txt": "LA_0039 LA_E_2834763 - A11 spoof\n",
        },
        (
            "LA/ASVspoof2019_LA_train/flac/LA_T_1138215.flac",
            "LA/ASVspoof2019_LA_dev/flac/LA_D_1047731.flac",
            "LA/ASVspoof2019_LA_dev/flac/LA_D_enrolment.flac",
            "LA/ASVspoof2019_LA_eval/flac/LA_E_2834763.flac",
        ),
        {
            "LA_D_1047731": (
                "LA/ASVspoof2019_LA_dev/flac/LA_D_1047731.flac", "bonafide", "LA_0069", "-", "dev",
            ),
            "LA_E_2834763": (
                "LA/ASVspoof2019_LA_eval/flac/LA_E_2834763.flac", "spoof", "LA_0039", "A11", "eval",
            ),
            "LA_T_1138215": (
                "LA/ASVspoof2019_LA_train/flac/LA_T_1138215.flac", "bonafide", "LA_0079", "-",
                "train",
            ),
        },
        (
            "1 clip in the protocol without audio: LA_D_1",
            "not in the protocol, left out: LA/ASVspoof2019_LA_dev/flac/LA_D_enrolment.flac",
            "25,380 clips in train as published; 1 are listed",
            "71,237 clips in eval",
        ),
        {"LA_E_2834763": {"environment": "-"}},
    ),
    "asvspoof2021_la": Miniature(
        {
            "keys/LA/CM/trial_metadata.txt": (
                "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval\n"
                "LA_0020 LA_E_6866159 gsm - bonafide bonafide notrim progress\n"
                "LA_0020 LA_E_5464494 none - bonafide bonafide trim hidden\n"
            )
        },
        tuple(
            f"ASVspoof2021_LA_eval/flac/LA_E_{n}.flac" for n in (9332881, 6866159, 5464494)
        ),
        {
            "LA_E_9332881": (
                "ASVspoof2021_LA_eval/flac/LA_E_9332881.flac", "spoof", "LA_0009", "A07", "eval",
            ),
            "LA_E_6866159": (
                "ASVspoof2021_LA_eval/flac/LA_E_6866159.flac", "bonafide", "LA_0020", "-",
                "progress",
            ),
            "LA_E_5464494": (
                "ASVspoof2021_LA_eval/flac/LA_E_5464494.flac", "bonafide", "LA_0020", "-", "hidden",
            ),
        },
        ("18,452 bona fide and 163,114 spoof",),
        {"LA_E_9332881": {"codec": "alaw", "transmission": "ita_tx", "trim": "notrim"}},
    ),
    "asvspoof2021_df": Miniature(
        {
            "keys/DF/CM/trial_metadata.txt": (
                "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress "
                "traditional_vocoder - - - -\n"
                "TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval "
                "neural_vocoder_nonautoregressive Task1 team20 FF E\n"
                "LA_0038 DF_E_2000026 nocodec asvspoof - bonafide trim hidden bonafide - - - -\n"
                "LA_0038 DF_E_2000027 low_ogg asvspoof bonafide bona-fide notrim eval bonafide "
                "- - - -\n"
            )
        },
        tuple(f"ASVspoof2021_DF_eval/flac/DF_E_20000{n}.flac" for n in (11, 13, 26, 27)),
        {
            f"DF_E_20000{number}": (
                f"ASVspoof2021_DF_eval/flac/DF_E_20000{number}.flac", label, speaker, system, split,
            )
            for number, label, speaker, system, split in (
                (11, "spoof", "LA_0023", "A14", "progress"),
                (13, "spoof", "TEF2", "Task1-team20", "eval"),
                (26, "bonafide", "LA_0038", "-", "hidden"),
                (27, "bonafide", "LA_0038", "-", "eval"),
            )
        },
        ("22,617 bona fide and 589,212 spoof",),
    ),
    "asvspoof5": Miniature(
        {
            "ASVspoof5.train.tsv": "T_4850 T_0000000000 F - - - AC3 A05 spoof -\n",
            "ASVspoof5.dev.track_1.tsv": (
                "D_4461 D_0000000169 F - - - AC1 A14 spoof -\n"
                "D_0062 D_0000000022 M - - - - bonafide bonafide -\n"
            ),
            "ASVspoof5.eval.track_1.tsv": (
                "E_1607 E_0009538969 M C05 2 E_0009538970 AC3 A30 spoof -\n"
            ),
            "ASVspoof5.dev.track_2.enroll.tsv": "D_0755 D_E_1,D_E_2\n",
        },
        (
            "flac_T/T_0000000000.flac",
            "flac_D/D_0000000169.flac",
            "flac_D/D_0000000022.flac",
            "flac_E_eval/E_0009538969.flac",
        ),
        {
            "D_0000000169": ("flac_D/D_0000000169.flac", "spoof", "D_4461", "A14", "dev"),
            "D_0000000022": ("flac_D/D_0000000022.flac", "bonafide", "D_0062", "-", "dev"),
            "E_0009538969": ("flac_E_eval/E_0009538969.flac", "spoof", "E_1607", "A30", "eval"),
            "T_0000000000": ("flac_T/T_0000000000.flac", "spoof", "T_4850", "A05", "train"),
        },
        ("182,357 clips in train as published; 1 are listed",),
        {"E_0009538969": {"codec": "C05", "codec_q": "2", "gender": "M"}},
    ),
    "partialspoof": Miniature(
        {
            f"{_PS}.train.trn.txt": "LA_0079 CON_T_0000001 - CON spoof\n",
            f"{_PS}.dev.trl.txt": "LA_0069 CON_D_0000002 - - bonafide\n",
            f"{_PS}.eval.trl.txt": "LA_0039 CON_E_0000003 - CON spoof\n",
        },
        (
            "database/train/con_wav/CON_T_0000001.wav",
            "database/dev/con_wav/CON_D_0000002.wav",
            "database/eval/con_wav/CON_E_0000003.wav",
        ),
        {
            "CON_D_0000002": (
                "database/dev/con_wav/CON_D_0000002.wav", "bonafide", "LA_0069", "-", "dev",
            ),
            "CON_E_0000003": (
                "database/eval/con_wav/CON_E_0000003.wav", "spoof", "LA_0039", "CON", "eval",
            ),
            "CON_T_0000001": (
                "database/train/con_wav/CON_T_0000001.wav", "spoof", "LA_0079", "CON", "train",
            ),
        },
        ("24,844 clips in dev",),
        more=write_segment_labels,
    ),
    "wavefake": Miniature(
        {"generated_audio/README.txt": "no protocol"},
        (
            "generated_audio/ljspeech_melgan/LJ001-0001_gen.wav",
            "generated_audio/jsut_parallel_wavegan/BASIC5000_0001_gen.wav",
            "stray.wav",
        ),
        {
            f"generated_audio/{system}/{take}": (
                f"generated_audio/{system}/{take}", "spoof", "-", system, "",
            )
            for system, take in (
                ("jsut_parallel_wavegan", "BASIC5000_0001_gen.wav"),
                ("ljspeech_melgan", "LJ001-0001_gen.wav"),
            )
        },
        ("1 audio file that the corpus does not name so, left out: stray.wav", "117,985 spoof"),
    ),
    "fake_or_real": Miniature(
        {},
        (
            "for-norm/training/real/file1.wav_16k.wav",
            "for-norm/validation/fake/file2.mp3",
            "for-norm/testing/fake/file3.wav",
            "for-2sec/training/real/file1.wav",
        ),
        {
            "for-norm/testing/fake/file3.wav": (
                "for-norm/testing/fake/file3.wav", "spoof", "-", "-", "test",
            ),
            "for-norm/training/real/file1.wav_16k.wav": (
                "for-norm/training/real/file1.wav_16k.wav", "bonafide", "-", "-", "train",
            ),
            "for-norm/validation/fake/file2.mp3": (
                "for-norm/validation/fake/file2.mp3", "spoof", "-", "-", "dev",
            ),
        },
        ("left out: for-2sec/training/real/file1.wav",),
    ),
    "mlaad": Miniature(
        {
            f"fake/{language}/{system}/meta.csv": (
                "path|original_file|language|is_original_language|duration|training_data|"
                f"model_name|architecture|transcript\n{rows}"
            )
            for language, system, rows in (
                (
                    "ja", "kokoro",
                    './fake/ja/kokoro/a b.wav|o.wav|ja|False|1.0|x|kokoro|StyleTTS|"one\n'
                    './fake/ja/kokoro/c.wav|o.wav|ja|False|1.0|x|kokoro|StyleTTS|two"\n',
                ),
                ("de", "bark", "./fake/de/bark/d.wav|o.wav|de|True|1.0|x|bark|GPT|drei\n"),
            )
        },
        ("fake/ja/kokoro/a b.wav", "fake/ja/kokoro/c.wav", "fake/de/bark/d.wav"),
        {
            "./fake/de/bark/d.wav": ("fake/de/bark/d.wav", "spoof", "-", "bark", ""),
            "./fake/ja/kokoro/a b.wav": ("fake/ja/kokoro/a b.wav", "spoof", "-", "kokoro", ""),
            "./fake/ja/kokoro/c.wav": ("fake/ja/kokoro/c.wav", "spoof", "-", "kokoro", ""),
        },
        ("456,000 spoof",),
        {"./fake/ja/kokoro/a b.wav": {"transcript": '"one', "language": "ja"}},
    ),
    "add2022": Miniature(
        {
            "train/label.txt": "ADD_T_00000000.wav genuine\nADD_T_00000001.wav fake\n",
            "dev/label.txt": "ADD_D_00000000.wav fake\n",
        },
        ("train/wav/ADD_T_00000000.wav", "train/wav/ADD_T_00000001.wav", "dev/ADD_D_00000000.wav"),
        {
            "ADD_D_00000000.wav": ("dev/ADD_D_00000000.wav", "spoof", "-", "-", "dev"),
            "ADD_T_00000000.wav": ("train/wav/ADD_T_00000000.wav", "bonafide", "-", "-", "train"),
            "ADD_T_00000001.wav": ("train/wav/ADD_T_00000001.wav", "spoof", "-", "-", "train"),
        },
    ),
    "add2023": Miniature(
        {
            "Track1.2/testR2/label.txt": (
                "ADD2023_T1.2R2_E_00000003.wav genuine\nADD2023_T1.2R2_E_00000004.wav fake\n"
            ),
            "Track1.2/testR2/log.txt": "a log",
        },
        tuple(f"Track1.2/testR2/wav/ADD2023_T1.2R2_E_0000000{n}.wav" for n in (3, 4)),
        {
            f"ADD2023_T1.2R2_E_0000000{n}.wav": (
                f"Track1.2/testR2/wav/ADD2023_T1.2R2_E_0000000{n}.wav", label, "-", "-",
                "Track1.2/testR2",
            )
            for n, label in ((3, "bonafide"), (4, "spoof"))
        },
    ),
    "codecfake_wu": Miniature(
        {},
        (
            "academicodec_hifi_16k_320d/p225_001.wav",
            "encodec_24khz/wav/p226_002.wav",
            "README.wav",
        ),
        {
            "academicodec_hifi_16k_320d/p225_001.wav": (
                "academicodec_hifi_16k_320d/p225_001.wav", "spoof", "p225",
                "academicodec_hifi_16k_320d", "",
            ),
            "encodec_24khz/wav/p226_002.wav": (
                "encodec_24khz/wav/p226_002.wav", "spoof", "p226", "encodec_24khz", "",
            ),
        },
        ("left out: README.wav",),
    ),
    "codecfake_xie": Miniature(
        {
            "label/train.txt": "SSB13650058.wav real 0\nF01_SSB13650058.wav fake 1\n",
            "label/C7.txt": "F07_p225_001.wav fake 7\n",
        },
        ("train/SSB13650058.wav", "train/F01_SSB13650058.wav", "C7/F07_p225_001.wav"),
        {
            "F07_p225_001.wav": ("C7/F07_p225_001.wav", "spoof", "-", "7", "C7"),
            "SSB13650058.wav": ("train/SSB13650058.wav", "bonafide", "-", "-", "train"),
            "F01_SSB13650058.wav": ("train/F01_SSB13650058.wav", "spoof", "-", "1", "train"),
        },
    ),
    "spoofceleb": Miniature(
        {
            "metadata/train.csv": (
                "file,speaker,attack\na00/id10318/YYsxcZ5saac-00002-006.flac,id10318,a00\n"
            ),
            "metadata/evaluation.csv": "file,speaker,attack\na23/id2/x.flac,id2,a23\n",
        },
        (
            "flac/train/a00/id10318/YYsxcZ5saac-00002-006.flac",
            "flac/evaluation/a23/id2/x.flac",
        ),
        {
            "a23/id2/x.flac": (
                "flac/evaluation/a23/id2/x.flac", "spoof", "id2", "a23", "evaluation",
            ),
            "a00/id10318/YYsxcZ5saac-00002-006.flac": (
                "flac/train/a00/id10318/YYsxcZ5saac-00002-006.flac", "bonafide", "id10318", "-",
                "train",
            ),
        },
    ),
    "deepfake_eval_2024": Miniature(
        {
            "audio-metadata-publish.csv": (
                "Filename,Language,Ground Truth,Finetuning Set\n"
                '1.mp3,"English, French",Real,Train\n2.mp4,en,Fake,Test\n3.wav,en,Unknown,Test\n'
                "4.dat,en,Fake,Test\n5.wav,en,Fake,Train\n"
            )
        },
        (
            "audio-data/1.mp3",
            "audio-data/2.mp4",
            "audio-data/2.wav",
            "audio-data/3.wav",
            "audio-data/4.dat",
        ),
        {
            "1.mp3": ("audio-data/1.mp3", "bonafide", "-", "-", "train"),
            "2.mp4": ("audio-data/2.wav", "spoof", "-", "-", "test"),
            "4.dat": ("audio-data/4.dat", "spoof", "-", "-", "test"),
        },
        (
            "1 clip labelled 'Unknown' by its authors, left out",
            "1 file of a kind that fvx does not decode, to be converted: audio-data/4.dat",
            "1 clip in the protocol without audio: 5.wav",
        ),
        {"1.mp3": {"Language": "English, French"}},
    ),
    "habla": Miniature(
        {},
        (
            "FinalDataset_16khz/CycleGAN/female/x.wav",
            "FinalDataset_16khz/Diff/y.wav",
            "FinalDataset_16khz/Real/z.wav",
        ),
        {
            "FinalDataset_16khz/CycleGAN/female/x.wav": (
                "FinalDataset_16khz/CycleGAN/female/x.wav", "spoof", "-", "CycleGAN", "",
            ),
            "FinalDataset_16khz/Diff/y.wav": (
                "FinalDataset_16khz/Diff/y.wav", "spoof", "-", "Diff", "",
            ),
            "FinalDataset_16khz/Real/z.wav": (
                "FinalDataset_16khz/Real/z.wav", "bonafide", "-", "-", "",
            ),
        },
    ),
    "dfadd": Miniature(
        {},
        (
            "DATASET_MatchaTTS/train/p225_001.wav",
            "DATASET_MatchaTTS/test/p226_001.wav",
            "DATASET_VCTK_BONAFIDE/valid/p225_001.wav",
        ),
        {
            path: (path, label, "-", system, split)
            for path, label, system, split in (
                ("DATASET_MatchaTTS/test/p226_001.wav", "spoof", "MatchaTTS", "test"),
                ("DATASET_MatchaTTS/train/p225_001.wav", "spoof", "MatchaTTS", "train"),
                ("DATASET_VCTK_BONAFIDE/valid/p225_001.wav", "bonafide", "-", "valid"),
            )
        },
    ),
    "ljspeech": Miniature(
        {"metadata.csv": 'LJ001-0001|He said "yes|He said yes\nLJ001-0002|in being|in being\n'},
        ("wavs/LJ001-0001.wav", "wavs/LJ001-0002.wav"),
        {
            f"LJ001-000{n}": (f"wavs/LJ001-000{n}.wav", "bonafide", "LJ", "-", "") for n in (1, 2)
        },
        ("13,100 bona fide",),
        {"LJ001-0001": {"transcript": 'He said "yes', "normalised": "He said yes"}},
    ),
    "vctk": Miniature(
        {},
        (
            "wav48_silence_trimmed/p225/p225_001_mic1.flac",
            "wav48_silence_trimmed/p225/p225_001_mic2.flac",
            "wav48_silence_trimmed/s5/s5_002_mic1.flac",
        ),
        {
            path: (path, "bonafide", speaker, "-", "")
            for path, speaker in (
                ("wav48_silence_trimmed/p225/p225_001_mic1.flac", "p225"),
                ("wav48_silence_trimmed/s5/s5_002_mic1.flac", "s5"),
            )
        },
        ("1 audio file that the corpus does not name so, left out",),
        {"wav48_silence_trimmed/s5/s5_002_mic1.flac": {"sentence": "002"}},
    ),
    "libritts": Miniature(
        {"LibriTTS/train-clean-100/19/198/19_198_000000_000000.normalized.txt": "hello"},
        (
            "LibriTTS/train-clean-100/19/198/19_198_000000_000000.wav",
            "LibriTTS/dev-clean/84/121123/84_121123_000007_000001.wav",
        ),
        {
            path: (path, "bonafide", speaker, "-", "")
            for path, speaker in (
                ("LibriTTS/dev-clean/84/121123/84_121123_000007_000001.wav", "84"),
                ("LibriTTS/train-clean-100/19/198/19_198_000000_000000.wav", "19"),
            )
        },
        (),
        {
            "LibriTTS/dev-clean/84/121123/84_121123_000007_000001.wav": {
                "part": "dev-clean", "chapter": "121123",
            }
        },
    ),
    "vcc2020": Miniature(
        {},
        ("source/SEF1/E10001.wav", "target_task1/TEF1/E10001.wav", "target_task2/TFF1/F10001.wav"),
        {
            path: (path, "bonafide", speaker, "-", "")
            for path, speaker in (
                ("source/SEF1/E10001.wav", "SEF1"),
                ("target_task1/TEF1/E10001.wav", "TEF1"),
                ("target_task2/TFF1/F10001.wav", "TFF1"),
            )
        },
        (),
        {"source/SEF1/E10001.wav": {"set": "source", "sentence": "E10001"}},
    ),
}  # fmt: skip
