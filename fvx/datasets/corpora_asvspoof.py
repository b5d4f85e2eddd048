"""The ASVspoof challenges and what is built on them: records, nothing else."""

from __future__ import annotations

from fvx.datasets.label import Label
from fvx.datasets.remote import Remote
from fvx.datasets.table import Table

_ZENODO = "https://zenodo.org/records"
_KEYS = "https://www.asvspoof.org/asvspoof2021"
_LA_2019_PARTS = {"train": 25_380, "dev": 24_844, "eval": 71_237}

ASVSPOOF_2019_LA = Table(
    name="asvspoof2019_la",
    title="ASVspoof 2019 LA",
    folder="ASVspoof2019_LA",
    urls=("https://datashare.ed.ac.uk/handle/10283/3336", f"{_ZENODO}/6906306"),
    licence="ODC-By (not verified)",
    citation=(
        "Wang, Yamagishi, Todisco et al. (2020), ASVspoof 2019: a large-scale public database "
        "of synthesized, converted and replayed speech, Computer Speech & Language 64"
    ),
    n_bonafide=12_483,
    n_spoof=108_978,
    n_parts=_LA_2019_PARTS,
    size="7.1 GB",
    remotes=(
        Remote(
            f"{_ZENODO}/6906306/files/LA.zip",
            checksum="md5:30c98f11d8b2bc21f2c257bfd78bb5c5",
        ),
    ),
    traps=(
        "There are more flacs than clips: 142 in dev and 696 in eval, for speaker enrolment, are "
        "in no protocol.",
        "The length of the leading silence alone gives 15.1 % EER; trimming it takes RawNet2 "
        "from 3.6 to 15.5 %.",
        "Attacks A01 to A06 are in train and dev, A07 to A19 in eval only.",
    ),
    protocols=(
        "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.*.txt",
        "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.*.txt",
    ),
    delimiter=" ",
    columns=("speaker", "utterance", "environment", "system", "key"),
    clip="utterance",
    audio=(
        "LA/ASVspoof2019_LA_{split}/flac/{utterance}.flac",
        "ASVspoof2019_LA_{split}/flac/{utterance}.flac",
    ),
    label="key",
    system="system",
    split="protocol",
    splits={
        "asvspoof2019.la.cm.train.trn.txt": "train",
        "asvspoof2019.la.cm.dev.trl.txt": "dev",
        "asvspoof2019.la.cm.eval.trl.txt": "eval",
    },
)

ASVSPOOF_2021_LA = Table(
    name="asvspoof2021_la",
    title="ASVspoof 2021 LA",
    folder="ASVspoof2021_LA",
    urls=(f"{_ZENODO}/4837263", f"{_KEYS}/LA-keys-full.tar.gz"),
    licence="ODC-By",
    citation=(
        "Liu, Wang, Sahidullah et al. (2023), ASVspoof 2021: towards spoofed and deepfake "
        "speech detection in the wild, IEEE/ACM TASLP 31"
    ),
    n_bonafide=18_452,
    n_spoof=163_114,
    size="7.8 GB",
    remotes=(
        Remote(
            f"{_ZENODO}/4837263/files/ASVspoof2021_LA_eval.tar.gz",
            checksum="md5:2abee34d8b0b91159555fc4f016e4562",
        ),
        Remote(f"{_KEYS}/LA-keys-full.tar.gz", checksum="md5:f052cc2ed276745afa3b5198665d3b26"),
    ),
    traps=(
        "Labels come apart from the audio, in an archive of their own; an older one of the same "
        "name has another checksum.",
        "Figures are published for the subset eval; progress and hidden (16,926 trials, silence "
        "trimmed) are to be left out.",
        "There is no training part: systems are trained on ASVspoof 2019 LA.",
        "Trials went through telephone codecs and lines; the clip id does not tell which.",
    ),
    protocols=(
        "keys/LA/CM/trial_metadata.txt",
        "keys/CM/trial_metadata.txt",
        "trial_metadata.txt",
    ),
    delimiter=" ",
    columns=("speaker", "trial", "codec", "transmission", "attack", "key", "trim", "subset"),
    clip="trial",
    audio=("ASVspoof2021_LA_eval/flac/{trial}.flac", "flac/{trial}.flac"),
    label="key",
    system="attack",
    split="subset",
)

ASVSPOOF_2021_DF = Table(
    name="asvspoof2021_df",
    title="ASVspoof 2021 DF",
    folder="ASVspoof2021_DF",
    urls=(f"{_ZENODO}/4835108", f"{_KEYS}/DF-keys-full.tar.gz"),
    licence="ODC-By (ODbL by other sources)",
    citation=ASVSPOOF_2021_LA.citation,
    n_bonafide=22_617,
    n_spoof=589_212,
    size="34.5 GB",
    remotes=(
        *(
            Remote(f"{_ZENODO}/4835108/files/ASVspoof2021_DF_eval_{part}.tar.gz", n_bytes=n_bytes)
            for part, n_bytes in (
                ("part00", 8_637_050_238),
                ("part01", 8_624_944_890),
                ("part02", 8_616_337_195),
                ("part03", 8_656_151_261),
            )
        ),
        Remote(f"{_KEYS}/DF-keys-full.tar.gz", checksum="md5:dabbc5628de4fcef53036c99ac7ab93a"),
    ),
    traps=(
        "Labels come apart from the audio, in an archive of their own.",
        "The audio comes in four archives that unpack into one folder; fvx knows their lengths "
        "and no checksums of them.",
        "Figures are published for the subset eval; progress (59,325) and hidden (18,576) are to "
        "be left out.",
        "The clips of the subset hidden had their silence trimmed.",
        "Bona fide clips name '-' or 'bonafide' as their attack.",
    ),
    protocols=(
        "keys/DF/CM/trial_metadata.txt",
        "keys/CM/trial_metadata.txt",
        "trial_metadata.txt",
    ),
    delimiter=" ",
    columns=(
        "speaker",
        "trial",
        "compression",
        "source",
        "attack",
        "key",
        "trim",
        "subset",
        "vocoder",
        "task",
        "team",
        "gender_pair",
        "language",
    ),
    clip="trial",
    audio=("ASVspoof2021_DF_eval/flac/{trial}.flac", "flac/{trial}.flac"),
    label="key",
    system="attack",
    split="subset",
)

_ASVSPOOF_5_TARS = {
    "T": {
        "aa": "b0cc86b14826a7701b52aad4f53daf9c",
        "ab": "d05be3f4be7a343fdbdd0ed29fdff2e1",
        "ac": "70d1ba4ad75a20aef3dae541fbd321e3",
        "ad": "c9bb56af2cc410d98338d74babcb95c9",
        "ae": "a3969816982f3e52300d6147ad796df7",
    },
    "D": {
        "aa": "df0be44957623991028cce59792beb17",
        "ab": "1e8cd685d89b64502692f1bcf1a13db3",
        "ac": "5e0031f08c30e4bdbf0c59f91b2d662b",
    },
    "E": {
        "aa": "a8c800766f3d4ef87971e2b4f29663e2",
        "ab": "c35064188f54f07c87aba58de22534a0",
        "ac": "ed7cbcd1b2847998b72472ddf6b445e3",
        "ad": "626a080e994b05df49c577d7b3dede8d",
        "ae": "05f19a5e64fa556714ae1b38eb2ea70b",
        "af": "2ca2f52a3bbf827f7ec155ecb47e85d6",
        "ag": "671200b5de2fc1e74a563b07b057af8f",
        "ah": "eaf885b1299a61eb07f71e82e96dba37",
        "ai": "b2625683bf440abae2af901a45542ad9",
        "aj": "c50281c8233af6f3b0899604d21ade44",
    },
}

ASVSPOOF_5 = Table(
    name="asvspoof5",
    title="ASVspoof 5, track 1",
    folder="ASVspoof5",
    urls=(f"{_ZENODO}/14498691",),
    licence="ODC-By; bona fide from MLS, CC BY 4.0",
    citation=(
        "Wang, Delgado, Tak et al. (2024), ASVspoof 5: crowdsourced speech data, deepfakes, and "
        "adversarial attacks at scale, ASVspoof Workshop"
    ),
    n_parts={"train": 182_357, "dev": 140_950, "eval": 680_774},
    size="142 GB",
    remotes=(
        Remote(
            f"{_ZENODO}/14498691/files/ASVspoof5_protocols.tar.gz",
            checksum="md5:865d0e894ea9f686f0f37e5ae3ae3616",
        ),
        *(
            Remote(f"{_ZENODO}/14498691/files/flac_{part}_{tar}.tar", checksum=f"md5:{md5}")
            for part, tars in _ASVSPOOF_5_TARS.items()
            for tar, md5 in tars.items()
        ),
    ),
    traps=(
        "The protocols are called .tsv but their columns are divided by spaces.",
        "How many clips are bona fide is not known to fvx; all are counted by part.",
        "Codecs C01 to C11 occur in eval only; CODEC_Q is 0 for eval clips without codec, and - "
        "in train and dev.",
        "The tars' checksums are published as T_aa, D_aa, E_aa …; that their names begin with "
        "flac_ is fvx's inference.",
    ),
    # Ends of .train and .track_1; track 2 has other columns, and ends otherwise.
    protocols=("ASVspoof5_protocols/ASVspoof5.*[n1].tsv", "ASVspoof5.*[n1].tsv"),
    delimiter=" ",
    columns=(
        "speaker",
        "utterance",
        "gender",
        "codec",
        "codec_q",
        "codec_seed",
        "attack_tag",
        "attack",
        "key",
        "tmp",
    ),
    clip="utterance",
    audio=(
        "flac_T/{utterance}.flac",
        "flac_D/{utterance}.flac",
        "flac_E_eval/{utterance}.flac",
    ),
    label="key",
    system="attack",
    split="protocol",
    splits={
        "asvspoof5.train.tsv": "train",
        "asvspoof5.dev.track_1.tsv": "dev",
        "asvspoof5.eval.track_1.tsv": "eval",
    },
)

PARTIAL_SPOOF = Table(
    name="partialspoof",
    title="PartialSpoof",
    folder="PartialSpoof",
    urls=(f"{_ZENODO}/5766198",),
    licence="as its Zenodo page says",
    citation=(
        "Zhang, Wang, Cooper, Evans, Yamagishi (2023), The PartialSpoof database and "
        "countermeasures for the detection of short fake speech segments embedded in an "
        "utterance, IEEE/ACM TASLP 31"
    ),
    n_bonafide=12_483,
    n_spoof=108_978,
    n_parts=_LA_2019_PARTS,
    size="five archives",
    remotes=tuple(
        Remote(f"{_ZENODO}/5766198/files/database_{part}.tar.gz")
        for part in ("train", "dev", "eval", "segment_labels_v1.2", "protocols")
    ),
    traps=(
        "A clip labelled spoof is mostly human speech: its segment labels say where it is not.",
        "Traces of the cuts alone give 6.16 % EER.",
        "Its bona fide clips are those of ASVspoof 2019 LA: do not train on one and test on the "
        "other. Its counts are taken from there.",
        "No checksums are known to fvx.",
    ),
    protocols=(
        "database/protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.*.txt",
        "protocols/PartialSpoof_LA_cm_protocols/PartialSpoof.LA.cm.*.txt",
    ),
    delimiter=" ",
    columns=("speaker", "utterance", "environment", "system", "key"),
    clip="utterance",
    audio=("database/{split}/con_wav/{utterance}.wav", "{split}/con_wav/{utterance}.wav"),
    label="key",
    system="system",
    split="protocol",
    splits={
        f"partialspoof.la.cm.{part}.{kind}.txt": part
        for part, kind in (("train", "trn"), ("dev", "trl"), ("eval", "trl"))
    },
    segments=(
        "database/segment_labels/{split}_seglab_{resolution_s}.npy",
        "segment_labels/{split}_seglab_{resolution_s}.npy",
    ),
    segment_words={"1": Label.BONAFIDE, "0": Label.SPOOF},
)

ALL = (ASVSPOOF_2019_LA, ASVSPOOF_2021_LA, ASVSPOOF_2021_DF, ASVSPOOF_5, PARTIAL_SPOOF)
