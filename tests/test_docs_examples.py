"""Examples of the documentation: each parses, and those that are cheap are run."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fvx.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "datasets/README.md")),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("plugins/*/README.md"),
    ]
)
GENERATED = {"cli.md"}  # what --help prints has its own test
SHELL = {"|", "||", "&&", ";", "&", ">", "<"}
LOOKING = {"features list", "features info", "datasets list", "datasets info", "--version"}
DEMO = ROOT / "fvx" / "demo_corpus"
ROOT_COMMAND: Any = typer.main.get_command(app)


def prose_and_code(page: Path) -> tuple[str, list[str]]:
    """Text outside of fenced blocks, and the console blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE), blocks


def split(line: str) -> list[str]:
    """Words of a line of shell, its operators by themselves, without a comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    return list(lexer)


def commands_of(line: str) -> Iterator[list[str]]:
    """Words after each ``fvx`` of a line."""
    command: list[str] = []
    for word in [*split(line), ";"]:
        if word not in SHELL:
            command.append(word)
            continue
        while command and re.fullmatch(r"[A-Z_]+=.*", command[0]):
            del command[0]
        if command and command[0] == "fvx":
            yield command[1:]
        command = []


def lines_of(page: Path) -> list[str]:
    blocks = "".join(prose_and_code(page)[1])
    return [line[2:] for line in blocks.splitlines() if line.startswith("$ ")]


def find(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words name, and what they give it."""
    command = ROOT_COMMAND
    words = list(words)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    return command, words


def options_of(command: Any) -> set[str]:
    named = {one for p in command.params for one in (*p.opts, *p.secondary_opts)}
    return {*named, "--help"}


EXAMPLES = [
    pytest.param(words, id=f"{page.relative_to(ROOT)}: fvx {' '.join(words)}")
    for page in PAGES
    if page.name not in GENERATED
    for line in lines_of(page)
    for words in commands_of(line)
]
MENTIONED = sorted(
    {
        mention
        for page in PAGES
        for mention in re.findall(r"`fvx ([^`\n]*)`", prose_and_code(page)[0])
    }
)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 60
    assert len(MENTIONED) > 30


@pytest.mark.parametrize("words", EXAMPLES)
def test_every_command_line_can_be_given(words: list[str]) -> None:
    command, rest = find(words)
    if hasattr(command, "commands"):  # fvx itself, or a group: nothing but options of its own
        assert rest
        assert set(rest) <= options_of(command)
    else:
        command.make_context(command.name, rest)  # parses; raises what a person would be told


@pytest.mark.parametrize("mention", MENTIONED)
def test_every_command_and_option_of_the_prose_exists(mention: str) -> None:
    words = split(mention)
    if words[0] in {"…", "COMMAND"}:
        return
    command, rest = find(words)
    assert command is not ROOT_COMMAND or words[0].startswith("--"), f"no command fvx {words[0]}"
    given = {re.split("[=…]", word)[0] for word in rest if re.match(r"--?[a-z]", word)}
    assert given <= options_of(command)


class TestTheCheck:
    @pytest.mark.parametrize(
        ("line", "commands"),
        [
            (
                "find . -name '*.wav' | fvx predict - --json | jq '.[]'",
                [["predict", "-", "--json"]],
            ),
            ("FVX_PLUGINS=a,b fvx features list  # which", [["features", "list"]]),
            ("fvx doctor && fvx demo --out x", [["doctor"], ["demo", "--out", "x"]]),
            ("pip install 'fvx[train]'", []),
        ],
    )
    def test_lines_are_read_as_a_shell_does(self, line: str, commands: list[list[str]]) -> None:
        assert list(commands_of(line)) == commands

    def test_an_option_that_is_not_there_is_noticed(self) -> None:
        command, rest = find(["extract", "--dataset", "itw", "--nonsense"])
        with pytest.raises(Exception, match="No such option"):
            command.make_context(command.name, rest)


def run(words: list[str]) -> str:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, f"fvx {' '.join(words)}: {result.output} {result.exception}"
    return result.stdout


def test_what_only_looks_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    looking = [list(words) for words in sorted({tuple(one.values[0]) for one in EXAMPLES})]
    looking = [words for words in looking if " ".join(words[:2]) in LOOKING]
    assert len(looking) >= 4
    for words in looking:
        if words[-1] != "teager":  # the tutorial's own
            assert run(words)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples speak of: recordings and a corpus."""
    home = tmp_path_factory.mktemp("session")
    corpus = home / "my_corpus"
    for name in ("real", "fake"):
        (corpus / name).mkdir(parents=True)
    for i, (human, synthetic) in enumerate([("55", "74"), ("00", "75"), ("01", "76")]):
        write_wav(DEMO / f"{human}.flac", corpus / "real" / f"{i}.wav")
        write_wav(DEMO / f"{synthetic}.flac", corpus / "fake" / f"{i}.wav")
    for name in ("sample.wav", "a.wav", "b.wav"):
        shutil.copy(corpus / "fake" / "0.wav", home / name)
    return home


def write_wav(source: Path, target: Path) -> None:
    import soundfile

    samples, rate_hz = soundfile.read(source, dtype="float32")
    soundfile.write(target, samples, rate_hz)


def examples_of(page: str, *beginnings: str) -> list[list[str]]:
    """The first command of a page with each beginning, in that order."""
    words = [one for line in lines_of(ROOT / page) for one in commands_of(line)]
    return [
        next(one for one in words if " ".join(one).startswith(beginning))
        for beginning in beginnings
    ]


def test_the_examples_of_the_guides_run_one_after_another(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(session)
    in_order = [
        *examples_of(
            "docs/guide.md",
            "extract", "window", "store info", "store verify", "store export",
            "predict", "explain sample.wav",
        ),
        *examples_of("docs/guides/your-own-data.md", "datasets verify", "datasets audit"),
        *examples_of("docs/features.md", "features plot"),
        *examples_of("docs/plugins.md", "plugin new"),
    ]  # fmt: skip
    for words in in_order:
        run(["2" if word == "8" else word for word in words])  # as many jobs as here are cores
    for made in ("one.h5", "why.html", "why.png", "why.json", "audit.png", "fvx-breathiness"):
        assert (session / made).exists(), made
    for page in ("docs/guide.md", "docs/python.md"):
        text = (ROOT / page).read_text(encoding="utf-8")
        for code in re.findall(r"^```python\n(from fvx import.*?)^```$", text, re.S | re.M):
            (session / "why.html").unlink()
            exec(compile(code, page, "exec"), {})
            assert (session / "why.html").exists()
