"""The cluster that tests share starts once and leaves nothing behind, however the run ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.support.postgres import VARIABLE, create_database, drop_database, session_cluster

PATIENCE_SECONDS = 60
AGAIN_SECONDS = 15

CONFTEST = """
from tests.support.postgres import provide_cluster

def pytest_configure(config):
    provide_cluster(config)
"""

TESTS = """
import os, time
from pathlib import Path
import psycopg
import pytest
from tests.support.postgres import admin_url, create_database, drop_database

@pytest.mark.parametrize("number", range(4))
def test_database(number, worker_id):
    url = create_database(admin_url(), f"for_{worker_id}")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE mine ()")
        folder = connection.execute("SHOW data_directory").fetchone()[0]
    with Path("used").open("a") as used:
        print(worker_id, folder, os.getppid(), file=used)
    OUTCOME
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with session_cluster(tmp_path_factory.mktemp("cluster")) as url:
        yield url


def start_pytest(folder: Path, outcome: str, *, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Starts two workers on tests that use the cluster and end with the outcome; as if typed at a terminal."""
    folder.joinpath("conftest.py").write_text(CONFTEST, encoding="utf-8")
    folder.joinpath("pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    folder.joinpath("test_it.py").write_text(TESTS.replace("OUTCOME", outcome), encoding="utf-8")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", VARIABLE))}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n2", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env={**inherited, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(folder), **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def used_by(folder: Path, *, workers: int) -> set[str]:
    """Waits until so many workers have used a cluster, and gives the data folders that they saw."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        lines = folder.joinpath("used").read_text(encoding="utf-8").split() if folder.joinpath("used").exists() else []
        if len(set(lines[::3])) >= workers:
            return set(lines[1::3])
        time.sleep(0.05)
    raise AssertionError("the workers did not come to use a database")


def nothing_runs_on(clusters: set[str]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        commands = [" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])]
        if not any(cluster in command for cluster in clusters for command in commands):
            return True
        time.sleep(0.05)
    return False


def test_workers_share_one_cluster_that_is_gone_afterwards_even_if_tests_failed(tmp_path: Path) -> None:
    with start_pytest(tmp_path, "assert not number") as run:
        output, _ = run.communicate(timeout=PATIENCE_SECONDS)
    clusters = used_by(tmp_path, workers=2)
    assert "3 failed, 1 passed" in output
    assert len(clusters) == 1
    assert nothing_runs_on(clusters)
    assert not any(Path(cluster).exists() for cluster in clusters)


@pytest.mark.parametrize("request_to_end", [signal.SIGINT, signal.SIGKILL])
def test_a_run_cut_short_leaves_nothing_running(tmp_path: Path, request_to_end: signal.Signals) -> None:
    with start_pytest(tmp_path, "time.sleep(600)") as run:
        clusters = used_by(tmp_path, workers=2)
        if request_to_end is signal.SIGINT:
            interrupt(run)
        else:
            run.send_signal(request_to_end)
            run.communicate(timeout=PATIENCE_SECONDS)
    assert nothing_runs_on(clusters)


def interrupt(run: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and again for as long as it does not end: one that falls into a destructor is lost in Python."""
    for _ in range(PATIENCE_SECONDS // AGAIN_SECONDS):
        os.killpg(run.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            run.communicate(timeout=AGAIN_SECONDS)
            return
    raise AssertionError("it does not end by Ctrl-C")


def test_a_server_that_is_given_is_used_and_left_alone(tmp_path: Path, cluster: str) -> None:
    with start_pytest(tmp_path, "pass", environment={VARIABLE: cluster}) as run:
        run.communicate(timeout=PATIENCE_SECONDS)
    with psycopg.connect(cluster) as connection:
        assert connection.execute("SHOW data_directory").fetchone() == (*used_by(tmp_path, workers=2),)
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'for_gw%'").fetchall()
    for (name,) in rows:
        drop_database(cluster, name)
    assert rows


def test_a_database_that_was_left_is_made_anew(cluster: str) -> None:
    url = create_database(cluster, "left over")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE old ()")
    url = create_database(cluster, "left over")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT to_regclass('old')").fetchone() == (None,)
    drop_database(cluster, "left over")
