"""Corpora of synthetic speech, with or without human speech beside it: records, nothing else."""

from __future__ import annotations

from fvx.datasets.label import Label
from fvx.datasets.paths import Paths
from fvx.datasets.remote import Remote
from fvx.datasets.table import Table

_ZENODO = "https://zenodo.org/records"

IN_THE_WILD = Table(
    name="itw",
    title="In-the-Wild",
    folder="release_in_the_wild",
    urls=(
        "https://huggingface.co/datasets/mueller91/In-The-Wild/resolve/main/release_in_the_wild.zip",
        "https://deepfake-total.com/in_the_wild",
    ),
    licence="Apache-2.0 by its page, CC BY-SA 4.0 by its Hugging Face card",
    citation=(
        "Müller, Czempin, Dieckmann, Froghyar, Böttinger (2022), "
        "Does audio deepfake detection generalize?, Interspeech"
    ),
    n_bonafide=19_963,
    n_spoof=11_816,
    hours=37.9,
    size="8.2 GB",
    remotes=(
        Remote(
            "https://huggingface.co/datasets/mueller91/In-The-Wild/resolve/main/release_in_the_wild.zip",
            strip="release_in_the_wild",
        ),
    ),
    traps=(
        "Bona fide and spoof clips come from different recordings, so channel and room tell "
        "them apart as well as the voice does.",
        "There is no official division into training and test; its authors only test on it.",
        "Human speech is labelled bona-fide, with a hyphen.",
        "Samples are 32-bit float.",
        "No checksum is published.",
    ),
    protocols=("meta.csv", "release_in_the_wild/meta.csv"),
    clip="file",
    audio=("{folder}/{file}",),
)

WAVEFAKE = Paths(
    name="wavefake",
    title="WaveFake 1.2.0",
    folder="WaveFake",
    urls=(f"{_ZENODO}/5642694",),
    licence="CC BY-SA 4.0",
    citation=(
        "Frank, Schönherr (2021), WaveFake: a data set to facilitate audio deepfake detection, "
        "NeurIPS Datasets and Benchmarks"
    ),
    n_bonafide=0,
    n_spoof=117_985,
    hours=196,
    size="28.9 GB",
    remotes=(
        Remote(
            f"{_ZENODO}/5642694/files/generated_audio.zip",
            checksum="md5:76b3e62d69f866e57ad6b1debaff434b",
            n_bytes=28_918_626_084,
        ),
    ),
    traps=(
        "There is no bona fide speech in it: add LJSpeech (--dataset wavefake --dataset ljspeech) "
        "and, for the two jsut folders, JSUT.",
        "117,985 clips are published, and 117,983 different ones have been seen.",
        "Sample rates are mixed (22.05 and 24 kHz), and differ from those of the human side.",
        "Most of it is one voice saying what LJSpeech says.",
    ),
    templates=("generated_audio/{system}/*", "{system}/*"),
    label=Label.SPOOF,
    constants={"speaker": "-"},
    markers=("generated_audio/ljspeech_melgan", "ljspeech_melgan"),
)

FAKE_OR_REAL = Paths(
    name="fake_or_real",
    title="Fake-or-Real",
    folder="Fake-or-Real",
    urls=tuple(
        f"https://bil.eecs.yorku.ca/share/for-{version}.tar.gz"
        for version in ("norm", "original", "2sec", "rerec")
    ),
    licence="not stated: download it, pass it on to nobody",
    citation=("Reimao, Tzerpos (2019), FoR: a dataset for synthetic speech detection, SpeD"),
    size="four archives",
    remotes=(Remote("https://bil.eecs.yorku.ca/share/for-norm.tar.gz"),),
    traps=(
        "It comes in four versions of the same speech (for-original, for-norm, for-2sec, "
        "for-rerec); fvx downloads for-norm and reads whichever lies there, one at a time.",
        "for-original mixes mp3 and wav, and the format tells the classes apart.",
        "No speakers and no systems are named.",
        "Its authors count more than 195,000 utterances; no exact counts or checksums are known "
        "to fvx.",
    ),
    templates=(
        "for-norm/{split}/{label}/*",
        "for-original/{split}/{label}/*",
        "for-2sec/{split}/{label}/*",
        "for-rerec/{split}/{label}/*",
        "{split}/{label}/*",
    ),
    markers=("for-norm", "for-original", "for-2sec", "for-rerec"),
    splits={"training": "train", "validation": "dev", "testing": "test"},
)

MLAAD = Table(
    name="mlaad",
    title="MLAAD",
    folder="MLAAD",
    urls=("https://huggingface.co/datasets/mueller91/MLAAD",),
    gated="accept its conditions at https://huggingface.co/datasets/mueller91/MLAAD",
    licence="CC BY-NC 4.0",
    citation=(
        "Müller, Kawa, Choong et al. (2024), MLAAD: the multi-language audio anti-spoofing "
        "dataset, IJCNN"
    ),
    n_bonafide=0,
    n_spoof=456_000,
    size="183 GB (version 8)",
    traps=(
        "There is no bona fide speech in it; its authors pair it with M-AILABS.",
        "Its tables hold stray quotation marks: read with quoting on, 53 of 1,000 rows of "
        "ja/kokoro are lost in silence. fvx reads without quoting.",
        "File names hold spaces.",
        "It grows: the counts are those of version 10, in 54 languages.",
    ),
    protocols=("fake/*/*/meta.csv", "*/*/meta.csv"),
    delimiter="|",
    quoting=False,
    clip="path",
    audio=("{path}", "{folder}/{path}"),
    label=Label.SPOOF,
    speaker="",
    system="model_name",
)

ADD_2022 = Table(
    name="add2022",
    title="ADD 2022",
    folder="ADD2022",
    urls=tuple(
        f"{_ZENODO}/{record}"
        for record in (12188127, 12188083, 10843991, 12187997, 12188035, 12188055)
    ),
    licence="as its Zenodo pages say",
    citation=(
        "Yi, Fu, Tao et al. (2022), ADD 2022: the first audio deep synthesis detection challenge, "
        "ICASSP"
    ),
    size="six Zenodo records",
    traps=(
        "The six records are training and development, adaptation, track 1, track 2, and two "
        "rounds of track 3.2, in the order of the addresses.",
        "fvx knows neither the archives' names nor their checksums or counts: download by hand "
        "and unpack each in a folder of its own.",
        "Human speech is labelled genuine.",
        "No speakers and no systems are named.",
    ),
    protocols=("*/label.txt", "label.txt"),
    delimiter=" ",
    columns=("file", "key"),
    clip="file",
    audio=("{folder}/wav/{file}", "{folder}/{file}"),
    label="key",
    speaker="",
    split="folder",
)

ADD_2023 = Table(
    name="add2023",
    title="ADD 2023 track 1.2",
    folder="ADD2023",
    urls=(f"{_ZENODO}/12175884", f"{_ZENODO}/12176326", "http://addchallenge.cn/downloadADD2023"),
    licence="as its Zenodo pages say",
    citation=(
        "Yi, Tao, Fu et al. (2023), ADD 2023: the second audio deepfake detection challenge, "
        "IJCAI workshop DADA"
    ),
    size="two Zenodo records",
    traps=(
        "fvx knows neither the archives' names nor their checksums or counts: download by hand.",
        "Human speech is labelled genuine.",
        "No speakers and no systems are named.",
    ),
    protocols=("Track1.2/testR*/label.txt", "testR*/label.txt"),
    delimiter=" ",
    columns=("file", "key"),
    clip="file",
    audio=("{folder}/wav/{file}",),
    label="key",
    speaker="",
    split="folder",
)

CODECFAKE_WU = Paths(
    name="codecfake_wu",
    title="CodecFake (Wu)",
    folder="CodecFake_wavs",
    urls=("https://huggingface.co/datasets/rogertseng/CodecFake_wavs",),
    licence="as its Hugging Face page says",
    citation=(
        "Wu, Tseng, Lee (2024), CodecFake: enhancing anti-spoofing models against deepfake audios "
        "from codec-based speech synthesis systems, Interspeech"
    ),
    size="one zip per codec",
    traps=(
        "There is no bona fide speech in it: it is VCTK through codecs, so add VCTK.",
        "Speaker names are VCTK's: the same speakers are on both sides.",
        "It is read by name only: nothing but codec names gives its folders away.",
        "No checksums or counts are known to fvx; unpack each zip in datasets/CodecFake_wavs.",
    ),
    templates=("{system}/**/{speaker}_*",),
    label=Label.SPOOF,
)

CODECFAKE_XIE = Table(
    name="codecfake_xie",
    title="Codecfake (Xie)",
    folder="Codecfake",
    urls=(f"{_ZENODO}/11169781",),
    licence="as its Zenodo page says",
    citation=(
        "Xie, Lu, Fu et al. (2025), The Codecfake dataset and countermeasures for the universally "
        "detection of deepfake audio, IEEE/ACM TASLP"
    ),
    size="a Zenodo record",
    traps=(
        "Fakes are human clips through codecs: F01_SSB13650058.wav was made from "
        "SSB13650058.wav, and speakers are not named apart from that.",
        "The third column numbers the codec; 0 is bona fide.",
        "fvx knows neither the archives' names nor their checksums or counts: download by hand, "
        "with the audio of each part in a folder of its name.",
    ),
    protocols=("label/*.txt",),
    delimiter=" ",
    columns=("file", "key", "codec"),
    clip="file",
    audio=("{split}/{file}", "wav/{split}/{file}", "{split}/wav/{file}"),
    label="key",
    speaker="",
    system="codec",
    split="protocol",
    splits={
        f"{part.lower()}.txt": part for part in ("train", "dev", *(f"C{n}" for n in range(1, 8)))
    },
    placeholders=("", "-", "0"),
)

SPOOFCELEB = Table(
    name="spoofceleb",
    title="SpoofCeleb",
    folder="SpoofCeleb",
    urls=("https://jungjee.github.io/spoofceleb/",),
    gated="follow https://jungjee.github.io/spoofceleb/",
    licence="as its page says",
    citation=(
        "Jung, Wu, Wang et al. (2025), SpoofCeleb: speech deepfake detection and SASV in the "
        "wild, IEEE Open Journal of Signal Processing 6"
    ),
    size="more than 2.5 million clips",
    traps=(
        "There is no label column: attack a00 is bona fide, a01 to a23 are spoof.",
        "Paths in the tables lie below the folder of their part.",
    ),
    protocols=("metadata/*.csv",),
    audio=("flac/{split}/{file}",),
    label="attack",
    labels={"a00": Label.BONAFIDE} | {f"a{n:02}": Label.SPOOF for n in range(1, 24)},
    system="attack",
    split="protocol",
    splits={f"{part}.csv": part for part in ("train", "development", "evaluation")},
    placeholders=("", "-", "a00"),
)

DEEPFAKE_EVAL_2024 = Table(
    name="deepfake_eval_2024",
    title="Deepfake-Eval-2024, audio",
    folder="Deepfake-Eval-2024",
    urls=("https://huggingface.co/datasets/nuriachandra/Deepfake-Eval-2024",),
    gated=(
        "accept its conditions at https://huggingface.co/datasets/nuriachandra/Deepfake-Eval-2024"
    ),
    licence="CC BY-SA 4.0",
    citation=(
        "Chandra, Murtfeldt, Qiu et al. (2025), Deepfake-Eval-2024: a multi-modal in-the-wild "
        "benchmark of deepfakes circulated in 2024, arXiv:2503.02857"
    ),
    hours=56.5,
    size="1,980 files",
    traps=(
        "Some clips are labelled Unknown by its authors; they are left out and counted.",
        "It mixes mp3, m4a, mp4 and wav, and four files called .dat are MP4: what libsndfile does "
        "not read has to be converted to wav beside it; fvx then takes the wav.",
        "Clips are long (minutes, some with music), in 52 languages; fvx reads up to 7 minutes.",
        "No speakers and no systems are named.",
    ),
    protocols=("audio-metadata-publish.csv",),
    clip="Filename",
    audio=("audio-data/{Filename}",),
    label="Ground Truth",
    unlabelled=("unknown",),
    speaker="",
    split="Finetuning Set",
    splits={"train": "train", "test": "test"},
)

HABLA = Paths(
    name="habla",
    title="HABLA",
    folder="HABLA",
    licence="not known to fvx",
    citation=(
        "Tamayo Flórez, Manrique, Pereira Nunes (2023), HABLA: a dataset of Latin American "
        "Spanish accents for voice anti-spoofing, Interspeech"
    ),
    traps=(
        "Where to get it, its counts and checksums are not known to fvx.",
        "Whatever folder is not called Real is taken for the name of a system.",
    ),
    templates=("FinalDataset_16khz/{system}/**/*",),
    label="system",
    others=Label.SPOOF,
    markers=("FinalDataset_16khz",),
)

DFADD = Paths(
    name="dfadd",
    title="DFADD",
    folder="DFADD",
    urls=("https://huggingface.co/datasets/isjwdu/DFADD",),
    licence="as its page says",
    citation=(
        "Du, Lin, Chiu et al. (2024), DFADD: the diffusion and flow-matching based audio deepfake "
        "dataset, SLT"
    ),
    traps=(
        "Bona fide speech is the folder DATASET_VCTK_BONAFIDE; all speech says VCTK's sentences.",
        "The second part is called valid in some folders and test in others; fvx keeps the words.",
        "Counts and checksums are not known to fvx.",
    ),
    templates=("DATASET_{system}/{split}/*", "**/DATASET_{system}/{split}/*"),
    label="system",
    labels={"vctk_bonafide": Label.BONAFIDE},
    others=Label.SPOOF,
    markers=("DATASET_VCTK_BONAFIDE", "*/DATASET_VCTK_BONAFIDE"),
)

ALL = (
    IN_THE_WILD,
    WAVEFAKE,
    FAKE_OR_REAL,
    MLAAD,
    ADD_2022,
    ADD_2023,
    CODECFAKE_WU,
    CODECFAKE_XIE,
    SPOOFCELEB,
    DEEPFAKE_EVAL_2024,
    HABLA,
    DFADD,
)
