"""What every command does alike, and what shells, pipes and terminals see of it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from makers import write_clip
from typer.testing import CliRunner

from fvx import cli
from fvx.cli import complete, habits, names
from fvx.cli.progress import clips_bar
from fvx.errors import StoreError

FVX = Path(sys.executable).with_name("fvx")
DEMO = Path(cli.__file__).parents[1] / "demo_corpus"


def fvx(*words: object, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [FVX, *map(str, words)],
        input=stdin,
        capture_output=True,
        env={**os.environ, **more},
        check=False,
    )
    out, err = (os.fsdecode(stream) for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def app_of(function: object) -> typer.Typer:
    app = typer.Typer()
    app.command()(function)  # type: ignore[arg-type]
    app.callback()(lambda: None)
    habits.form([app])
    return app


def invoke(function: object, *words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app_of(function), [function.__name__, *words])  # type: ignore[attr-defined]
    return result.exit_code, result.stdout, result.stderr


def talk() -> None:
    """Talk."""
    from fvx.cli.choose import say

    say("by the way")
    say("fvx: what went wrong")
    typer.echo("a result")


def refuse() -> None:
    """Refuse."""
    raise StoreError("no store")


def interrupt() -> None:
    """Is interrupted."""
    raise KeyboardInterrupt


class TestQuietAndVerbose:
    def test_every_command_takes_both(self) -> None:
        group = typer.main.get_command(cli.app)
        for name, command in group.commands.items():
            for one in getattr(command, "commands", {name: command}).values():
                options = {option for param in one.params for option in param.opts}
                assert {"--quiet", "-q", "--verbose", "-v"} <= options, one.name

    def test_quiet_leaves_results_and_errors(self) -> None:
        assert invoke(talk) == (0, "a result\n", "by the way\nfvx: what went wrong\n")
        assert invoke(talk, "-q") == (0, "a result\n", "fvx: what went wrong\n")

    def test_quiet_is_over_when_the_command_is(self) -> None:
        invoke(talk, "--quiet")
        assert not habits.is_quiet()
        assert "by the way" in invoke(talk)[2]

    def test_quiet_draws_no_bar(self, capsys: pytest.CaptureFixture[str]) -> None:
        def bar() -> None:
            """Draw."""
            with clips_bar("extract") as update:
                update(1, 1, 0)

        assert "extract" in invoke(bar)[2]
        assert invoke(bar, "-q")[2] == ""

    def test_verbose_says_how_long_it_took_and_of_which_version(self) -> None:
        code, out, err = invoke(talk, "-v")
        assert (code, out) == (0, "a result\n")
        assert "talk took 0." in err
        assert f"fvx {cli_version()}, Python 3." in err

    def test_verbose_adds_the_traceback_to_an_error(self) -> None:
        result = CliRunner().invoke(app_of(refuse), ["refuse", "-v"])
        assert isinstance(result.exception, StoreError)
        assert "Traceback (most recent call last)" in result.stderr
        assert 'raise StoreError("no store")' in result.stderr
        assert "Traceback" not in CliRunner().invoke(app_of(refuse), ["refuse"]).stderr

    def test_both_at_once_are_refused(self) -> None:
        code, _, err = invoke(talk, "-q", "-v")
        assert code == 2
        assert "exclude each other" in err


def cli_version() -> str:
    from fvx import __version__

    return __version__


class TestCtrlC:
    def test_it_says_that_nothing_is_half_done_and_exits_with_130(self) -> None:
        code, out, err = invoke(interrupt)
        assert (code, out) == (130, "")
        assert err == (
            "fvx: stopped; no file is left half-written, the same command starts again\n"
        )

    def test_it_says_how_to_go_on_where_that_can_be_done(self) -> None:
        def interrupt(resume: bool = False) -> None:
            """Is interrupted half-way."""
            raise KeyboardInterrupt

        assert "the same command with --resume goes on" in invoke(interrupt)[2]

    def test_a_command_that_waits_is_stopped_without_a_traceback(self) -> None:
        process = subprocess.Popen(
            [FVX, "predict", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "model: the one shipped with fvx\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said.startswith("fvx: stopped; ")
        assert "Traceback" not in said


class TestNamesFromStdin:
    @pytest.mark.parametrize(
        ("stdin", "null", "expected"),
        [
            (b"a.wav\nb c.wav\n", False, ["a.wav", "b c.wav"]),
            (b"a.wav\r\n\r\nb.wav", False, ["a.wav", "b.wav"]),
            (b"a\nb.wav\0c.wav\0", True, ["a\nb.wav", "c.wav"]),
            (b"\xff.wav\n", False, [os.fsdecode(b"\xff.wav")]),
            (b"", False, []),
            (b"", True, []),
        ],
        ids=["lines", "other line ends", "nulls", "no text", "nothing", "nothing with nulls"],
    )
    def test_names_are_read_as_they_are_written(
        self, monkeypatch: pytest.MonkeyPatch, stdin: bytes, null: bool, expected: list[str]
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        assert list(names.files([Path("-")], null=null)) == list(map(Path, expected))

    def test_they_stand_where_the_dash_stands(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"b\n")))
        given = [Path("a"), Path("-"), Path("c")]
        assert list(names.files(given)) == [Path("a"), Path("b"), Path("c")]

    def test_a_name_is_taken_before_the_next_has_come(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, write = os.pipe()
        with open(read) as stdin, open(write, "wb", buffering=0) as end:
            monkeypatch.setattr(sys, "stdin", stdin)
            end.write(b"first\n")
            assert next(names.files([Path("-")])) == Path("first")

    @pytest.mark.parametrize(
        ("words", "reason"),
        [(["-", "-"], "stdin is read once"), (["a.wav", "-0"], "--null is for names from stdin")],
    )
    def test_what_makes_no_sense_is_wrong_usage(self, words: list[str], reason: str) -> None:
        result = CliRunner().invoke(cli.app, ["predict", *words])
        assert result.exit_code == 2
        assert reason in result.stderr

    def test_find_can_be_piped_in_and_json_out(self, tmp_path: Path) -> None:
        write_clip(tmp_path / "noise\n.wav", 1.0)
        stdin = b"\0".join(map(os.fsencode, [tmp_path / "noise\n.wav", DEMO / "00.flac"])) + b"\0"
        done = fvx("predict", "-", "--null", "--json", stdin=stdin)
        assert done.returncode == 0, done.stderr
        assert [Path(one["path"]).name for one in json.loads(done.stdout)] == [
            "noise\n.wav", "00.flac",
        ]  # fmt: skip

    def test_no_name_at_all_is_an_empty_list(self) -> None:
        result = CliRunner().invoke(cli.app, ["predict", "-", "--json"], input="")
        assert result.exit_code == 0
        assert json.loads(result.stdout) == []


class TestTerminals:
    def test_there_is_no_colour_where_no_terminal_is(self) -> None:
        done = fvx("features", "list", FVX_PLUGINS="fvx-timbre", TERM="xterm-256color")
        assert done.returncode == 0
        assert "\x1b" not in done.stdout + done.stderr

    def test_the_version_is_one_line_however_it_is_asked_for(self) -> None:
        assert fvx("--version").stdout == f"fvx {cli_version()}\n"
        module = [sys.executable, "-m", "fvx", "--version"]
        assert subprocess.check_output(module, text=True) == f"fvx {cli_version()}\n"


def completed(*words: str, shell: str = "bash") -> list[str]:
    done = fvx(
        _FVX_COMPLETE=f"complete_{shell}",
        COMP_WORDS=" ".join(["fvx", *words]),
        COMP_CWORD=str(len(words)),
        FVX_PLUGINS="fvx-voice",
    )
    return done.stdout.split()


class TestCompletion:
    def test_commands_and_options_are_completed(self) -> None:
        assert completed("pre") == ["predict"]
        assert "--quiet" in completed("predict", "--q")

    def test_installed_features_are_completed(self) -> None:
        assert completed("features", "info", "jit") == ["jitter", "jitter_contour"]

    def test_the_last_of_several_features_is_completed(self) -> None:
        assert complete.listed_features("f0,jitter_") == ["f0,jitter_contour"]
        assert complete.listed_features("al") == ["all"]

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            (["extract", "--features", "f0,jitter_"], ["f0,jitter_contour"]),
            (["extract", "--dataset", "asvspoof5"], ["asvspoof5"]),
            (["predict", "--run", "runs/"], ["runs/one"]),
            (["train", "--store", "feat"], ["features/two"]),
        ],
        ids=lambda words: " ".join(words),
    )
    def test_options_of_all_commands_are_completed(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        words: list[str],
        expected: list[str],
    ) -> None:
        for path in ("runs/one/card.json", "features/two/store.json"):
            (tmp_path / path).parent.mkdir(parents=True)
            (tmp_path / path).touch()
        monkeypatch.chdir(tmp_path)
        assert completed(*words) == expected

    def test_corpora_runs_and_stores_are_completed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        for path in ("runs/one/card.json", "runs/two/other", "features/three/store.json"):
            Path(path).parent.mkdir(parents=True)
            Path(path).touch()
        assert complete.runs("runs/") == [str(Path("runs/one"))]
        assert complete.stores("feat") == [str(Path("features/three"))]
        assert "asvspoof5" in complete.datasets("asv")

    def test_a_broken_installation_completes_to_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FVX_PLUGINS", "no-such-plugin")
        assert complete.features("f") == []
        assert complete.datasets("a") == []

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
    def test_scripts_for_the_usual_shells_are_there(self, shell: str) -> None:
        done = fvx("--show-completion", shell)
        assert "_FVX_COMPLETE" in done.stdout
