"""A Dask cluster, scheduler and workers as processes of their own, makes what one machine makes."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fakes
import pytest
from makers import contents, install_plugin, write_tree
from processes import AVAILABLE, wait_for
from typer.testing import CliRunner

from fvx import cli, executors
from fvx.datasets import open_dataset
from fvx.errors import FvxError
from fvx.extract import extract

FEATURES = (fakes.Ends(), fakes.Moody(), fakes.Slow())
SUPPORT = Path(__file__).parent / "support"
BIN = Path(sys.executable).parent
N_CLIPS, N_LONG = 160, 2
PATIENCE_S = 60.0

needs_dask = [
    pytest.mark.xdist_group("dask"),
    pytest.mark.skipif(not AVAILABLE, reason="looks into /proc"),
    pytest.mark.skipif(
        importlib.util.find_spec("distributed") is None, reason="distributed is not installed"
    ),
]


class Cluster:
    """A scheduler and workers that know the fakes, on the loopback interface only."""

    def __init__(self, home: Path) -> None:
        self.home = home
        install_plugin(home / "site", "fvx-fakes", "fakes")
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(home / "site"), str(SUPPORT)]),
            "FVX_TEST_MOOD": "die",
            "FVX_TEST_SLOW": str(home / "slow"),
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s",
        }
        self._file = home / "scheduler.json"
        self.processes = [self._begin("scheduler", "--port", "0")]
        # The file is there before its content is, for workers that would read it, too.
        wait_for(lambda: self._file.exists() and self._file.read_text().endswith("}"), PATIENCE_S)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [self._worker(), self._worker()]

    def _worker(self) -> subprocess.Popen[bytes]:
        where = self.home / f"worker-{len(self.processes)}"
        where.mkdir()
        return self._begin(
            "worker", "--nthreads", "1", "--no-nanny", "--death-timeout", str(PATIENCE_S),
            "--local-directory", str(where),
        )  # fmt: skip

    def _begin(self, what: str, *options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", what, *options, "--host", "127.0.0.1",
             "--no-dashboard", "--scheduler-file", self._file],
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if what == "worker":
            self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()

    def command(self, store: str, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [BIN / "fvx", "extract", "--dataset", "c", "--features", "ends,moody,slow",
             "--store", store, "--scheduler", self.address, *more],
            cwd=self.home, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("dask")
    write_tree(home / "c", N_CLIPS, N_LONG)
    one = Cluster(home)
    try:
        yield one
    finally:
        one.end()


@pytest.fixture(scope="module")
def local(cluster: Cluster) -> Path:
    """The same on this machine alone, undisturbed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FVX_TEST_MOOD", "die")
        extract(open_dataset(cluster.home / "c"), FEATURES, cluster.home / "local", jobs=2)
    return cluster.home / "local"


def whole_shards(store: Path) -> list[Path]:
    return list(store.glob("[!.]*.h5"))


class TestACluster:
    pytestmark = needs_dask

    def test_killed_half_way_and_begun_again_it_ends_as_one_machine_does(
        self, cluster: Cluster, local: Path
    ) -> None:
        store = cluster.home / "resumed"
        (cluster.home / "slow").write_text("0.02")
        run = cluster.command("resumed")
        try:
            wait_for(lambda: len(whole_shards(store)) >= 2, PATIENCE_S)
        finally:
            run.kill()
            run.communicate(timeout=PATIENCE_S)
        assert len(whole_shards(store)) < 10
        # What was begun is given up, and not finished for nobody.
        wait_for(lambda: not list(store.glob(".*.tmp.h5")))
        n_done = 16 * len(whole_shards(store))
        (cluster.home / "slow").unlink()
        out, err = cluster.command("resumed").communicate(timeout=PATIENCE_S)
        assert f"({160 - n_done} extracted now, {n_done} there already)" in out
        assert "Traceback" not in err
        assert contents(store) == contents(local) != {}

    def test_a_worker_killed_half_way_costs_nothing(self, cluster: Cluster, local: Path) -> None:
        store = cluster.home / "bereaved"
        (cluster.home / "slow").write_text("0.02")
        run = cluster.command("bereaved")
        try:
            wait_for(
                lambda: len(whole_shards(store)) >= 2 and len(list(store.glob(".*.tmp.h5"))) == 2,
                PATIENCE_S,
            )
            cluster.workers[0].send_signal(signal.SIGKILL)
            out, err = run.communicate(timeout=PATIENCE_S)
        finally:
            run.kill()
            (cluster.home / "slow").unlink()
        assert run.returncode == 1
        assert "160 clips, 3 features -> bereaved (160 extracted now, 0 there already)" in out
        assert [line for line in err.splitlines() if line.startswith("fvx: ")] == [
            "fvx: 2 failed, moody: ProcessDied: ended its process (exit code 9) "
            "(e.g. 'bonafide/000.wav')"
        ]
        assert contents(store) == contents(local) != {}
        assert sorted(os.listdir(store)) == sorted(os.listdir(local))

    def test_a_scheduler_that_is_lost_is_one_line(self, cluster: Cluster) -> None:
        """The last test of the cluster, for it does not survive it."""
        store = cluster.home / "lost"
        (cluster.home / "slow").write_text("0.05")
        run = cluster.command("lost")
        try:
            wait_for(lambda: whole_shards(store), PATIENCE_S)
            cluster.processes[0].kill()
            out, err = run.communicate(timeout=PATIENCE_S)
        finally:
            run.kill()
        assert (run.returncode, out) == (1, "")
        assert [line for line in err.splitlines() if line.startswith("fvx: ")] == [
            f"fvx: {cluster.address}: the scheduler was lost; what was finished is kept: give the "
            "same command again"
        ]
        assert "Traceback" not in err
        out, err = cluster.command("lost").communicate(timeout=PATIENCE_S)
        assert f"fvx: {cluster.address}: no Dask scheduler can be reached (" in err
        assert "Traceback" not in err


def test_a_cluster_needs_dask_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(FvxError, match=r"--scheduler needs Dask .*pip install 'fvx\[cluster\]'"):
        list(executors.run(time.sleep, [0], scheduler="tcp://127.0.0.1:1"))


def test_a_cluster_and_jobs_are_not_asked_for_at_once(tmp_path: Path) -> None:
    write_tree(tmp_path / "c", 2)
    done = CliRunner().invoke(
        cli.app,
        ["extract", "--dataset", str(tmp_path / "c"), "--jobs", "2", "--scheduler", "tcp://a:1"],
    )
    assert done.exit_code == 2
    assert "--jobs is for this machine, --scheduler for a cluster" in done.stderr
