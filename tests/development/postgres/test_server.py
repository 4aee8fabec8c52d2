"""The embedded PostgreSQL keeps its data, ends with the process that started it, and always starts again."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from creditd.development.postgres import (
    DataFolderInUse,
    EmbeddedPostgres,
    EmbeddedPostgresError,
    embedded_postgres,
    program,
)
from creditd.development.postgres.account import owner_of
from creditd.development.postgres.folder import hold, mark
from creditd.development.postgres.programs import as_owner, environment

PATIENCE_SECONDS = 60

# A killed program loses nothing by it, only a machine would; and a slow disk does not slow the tests.
FAST = {"fsync": "off"}

OTHER_PROCESS = """
import sys, time
from pathlib import Path
import psycopg
from creditd.development.postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1]), settings={"fsync": "off"}) as url:
    try:
        print(url, flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        time.sleep(0.5)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE last_words ()")
"""

FORKING_PROCESS = """
import os, signal, sys, time
from pathlib import Path
import psycopg
from creditd.development.postgres import embedded_postgres
with embedded_postgres(Path(sys.argv[1]), settings={"fsync": "off"}) as url:
    one_that_ends = os.fork()
    if not one_that_ends:
        sys.exit()
    os.waitpid(one_that_ends, 0)
    psycopg.connect(url).close()
    one_that_stays = os.fork()
    if not one_that_stays:
        time.sleep(600)
os.kill(one_that_stays, signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    assert left_on(tmp_path / "data") == []


@contextmanager
def other_process(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Another process that runs PostgreSQL on the folder, and the URL; in a session of its own, like a terminal's."""
    with subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(folder)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def left_on(folder: Path) -> list[psutil.Process]:
    """Every process of PostgreSQL that has to do with the folder, keepers included."""
    signs = (str(folder), mark(folder))
    return [process for process in psutil.process_iter() if any(sign in _story(process) for sign in signs)]


def _story(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline()) if process.status() != psutil.STATUS_ZOMBIE else ""
    return ""


def keeper_of(folder: Path) -> psutil.Process:
    return next(process for process in left_on(folder) if "creditd-postgres-keeper" in process.cmdline())


def eventually(fact: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
    return fact()


def write(url: str, number: int) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (number int)")
        connection.execute("INSERT INTO numbers VALUES (%s)", [number])


def read(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM numbers ORDER BY 1")]


def test_data_stay_in_the_folder_across_restarts(folder: Path) -> None:
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 2)
        assert read(url) == [1, 2]


def test_commits_are_durable_unless_a_setting_says_otherwise(folder: Path) -> None:
    settings = ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"]

    def current(url: str) -> list[str]:
        with psycopg.connect(url) as connection:
            rows = connection.execute("SELECT current_setting(name) FROM unnest(%s::text[]) AS name", [settings])
            return [value for (value,) in rows]

    with embedded_postgres(folder) as url:
        assert current(url) == ["on", "on", "on", "on"]
    with embedded_postgres(folder, settings={"fsync": "off"}) as url:
        assert current(url) == ["off", "on", "on", "on"]


def test_it_has_the_memory_and_the_time_of_day_that_it_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine's time zone is, in its answers and in its log."""
    monkeypatch.setenv("TZ", "Asia/Bangkok")
    with embedded_postgres(folder, settings=FAST | {"log_line_prefix": "%m "}) as url:
        with psycopg.connect(url) as connection:
            (now, buffers) = (
                connection.execute("SELECT now()::text, current_setting('shared_buffers')").fetchone() or ()
            )
        assert now.endswith("+00")
        assert buffers == "256MB"
    assert {line.split()[2] for line in (folder / "postgres.log").read_text().splitlines() if "LOG:" in line} == {"UTC"}


def test_it_listens_on_a_private_socket_alone(folder: Path) -> None:
    with embedded_postgres(folder, settings=FAST) as url, psycopg.connect(url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert (folder / "socket").stat().st_mode & 0o077 == 0


def test_tcp_is_on_loopback_and_asks_for_the_password(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = EmbeddedPostgres(folder, settings=FAST, tcp_port=port)
    server.start()
    try:
        write(server.tcp_url, 1)
        assert read(server.url) == [1]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="creditd", passfile="/dev/null")
    finally:
        server.stop()


def test_a_second_start_names_the_folder_and_the_process(folder: Path) -> None:
    with other_process(folder) as (process, url):
        with pytest.raises(DataFolderInUse) as refusal, embedded_postgres(folder, settings=FAST):
            pass
        assert (refusal.value.folder, refusal.value.pid) == (folder, process.pid)
        assert str(folder) in str(refusal.value)
        assert str(process.pid) in str(refusal.value)
        write(url, 1)
    assert eventually(lambda: left_on(folder) == [])


def test_a_second_start_within_one_process_is_refused_too(folder: Path) -> None:
    with embedded_postgres(folder, settings=FAST) as url:
        with pytest.raises(DataFolderInUse), embedded_postgres(folder, settings=FAST):
            pass
        write(url, 1)


def test_ctrl_c_ends_everything_in_order(folder: Path) -> None:
    with other_process(folder) as (process, _):
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE_SECONDS)
        assert left_on(folder) == []
    assert "database system is shut down" in (folder / "postgres.log").read_text(encoding="utf-8")
    with embedded_postgres(folder, settings=FAST) as url, psycopg.connect(url) as connection:
        connection.execute("TABLE last_words")


def test_postgresql_does_not_outlive_a_killed_parent(folder: Path) -> None:
    with other_process(folder) as (process, url):
        write(url, 1)
        process.kill()
        assert eventually(lambda: left_on(folder) == [])
    with embedded_postgres(folder, settings=FAST) as url:
        assert read(url) == [1]


def test_a_start_right_after_a_kill_waits_for_the_old_one(folder: Path) -> None:
    with other_process(folder) as (process, url):
        write(url, 1)
        process.kill()
        process.wait()
        with embedded_postgres(folder, settings=FAST) as url_after:
            assert read(url_after) == [1]


def test_an_orphan_whose_keeper_was_killed_too_is_stopped_by_the_next_start(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with other_process(folder) as (process, url):
        write(url, 1)
        keeper_of(folder).kill()
        process.kill()
        process.wait()
        assert left_on(folder) != []
        with caplog.at_level(logging.WARNING), embedded_postgres(folder, settings=FAST) as url_after:
            assert read(url_after) == [1]
    assert "left on" in caplog.text
    assert str(folder) in caplog.text


def test_stopping_works_without_the_keeper(folder: Path) -> None:
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)
        keeper_of(folder).kill()
    assert left_on(folder) == []


def test_committed_rows_survive_a_killed_postgresql(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=FAST)
    server.start()
    write(server.url, 1)
    psutil.Process(server.pid).kill()
    server.stop()
    server.start()
    try:
        assert read(server.url) == [1]
    finally:
        server.stop()


def test_a_backend_too_busy_to_notice_its_postmasters_death_does_not_block_the_next_start(folder: Path) -> None:
    server = EmbeddedPostgres(folder, settings=FAST)
    server.start()
    write(server.url, 1)
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(run_for_ever, server.url)
        assert eventually(lambda: len(statements(server.url)) == 1)
        psutil.Process(server.pid).kill()
        server.stop()
        assert isinstance(busy.exception(PATIENCE_SECONDS), psycopg.OperationalError)
    server.start()
    try:
        assert read(server.url) == [1]
    finally:
        server.stop()


def run_for_ever(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DO $$ BEGIN LOOP END LOOP; END $$")


def statements(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT query FROM pg_stat_activity WHERE query LIKE 'DO %'").fetchall()


def test_a_process_number_that_another_program_has_now_blocks_nothing(folder: Path) -> None:
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)
        stale = (folder / "cluster" / "postmaster.pid").read_text(encoding="utf-8")
    with other_account_process(folder) as program_with_the_number:
        _, _, rest = stale.partition("\n")
        pid_file = folder / "cluster" / "postmaster.pid"
        pid_file.write_text(f"{program_with_the_number.pid}\n{rest}", encoding="utf-8")
        with embedded_postgres(folder, settings=FAST) as url:
            assert read(url) == [1]
        assert program_with_the_number.poll() is None


def test_a_sockets_lock_that_names_another_program_now_blocks_nothing(folder: Path) -> None:
    """As after a power cut, when the process ids are given out anew."""
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)
        lock = (folder / "socket" / ".s.PGSQL.5432.lock").read_text()
    with other_account_process(folder) as other:
        stale = folder / "socket" / ".s.PGSQL.5432.lock"
        stale.write_text(lock.replace(lock.split()[0], str(other.pid), 1))
        with embedded_postgres(folder, settings=FAST) as url:
            assert read(url) == [1]


@contextmanager
def other_account_process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A harmless process of the account that PostgreSQL runs under: the only kind that it would take for its own."""
    account = as_owner(owner_of(folder / "cluster"), folder / "cluster")
    with subprocess.Popen([*account, "sleep", "600"], cwd="/") as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_postgresql_that_a_person_started_on_the_folder_is_left_alone(folder: Path) -> None:
    with embedded_postgres(folder, settings=FAST):
        pass
    cluster = folder / "cluster"
    account = as_owner(owner_of(cluster), cluster)
    options = ["-o", f"-c listen_addresses='' -c unix_socket_directories={folder / 'socket'}"]

    def pg_ctl(*arguments: str) -> None:
        command = [*account, str(program("pg_ctl")), "-s", "-w", "-D", str(cluster), *arguments]
        subprocess.run(command, check=True, cwd="/", env=environment(), stdout=subprocess.DEVNULL)

    pg_ctl("start", "-l", "/dev/null", *options)
    try:
        with pytest.raises(DataFolderInUse), embedded_postgres(folder, settings=FAST):
            pass
        assert left_on(folder) != []
    finally:
        pg_ctl("stop", "-m", "fast")


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / ("long " * 20).strip() / "data"
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)
        assert read(url) == [1]
    assert left_on(folder) == []


def test_the_data_may_be_kept_where_only_its_owner_can_go(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_postgres(closed / "data", settings=FAST) as url:
        write(url, 1)
    assert closed.stat().st_mode & 0o777 == 0o700


def test_an_initdb_that_was_interrupted_is_not_taken_for_a_cluster(folder: Path) -> None:
    unfinished = folder / "cluster.new-abc"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n", encoding="ascii")
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)
    assert not unfinished.exists()


def test_data_of_another_major_version_are_refused_and_left_as_they_are(folder: Path) -> None:
    version = folder / "cluster" / "PG_VERSION"
    version.parent.mkdir(parents=True)
    version.write_text("17\n", encoding="ascii")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 17"), embedded_postgres(folder, settings=FAST):
        pass
    assert list(version.parent.iterdir()) == [version]


def test_what_postgresql_says_when_it_does_not_start_is_in_the_error(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        EmbeddedPostgres(folder, settings={**FAST, "no_such_setting": "1"}).start()
    with embedded_postgres(folder, settings=FAST) as url:
        write(url, 1)


def test_the_folder_is_free_after_a_failed_start(folder: Path) -> None:
    with pytest.raises(EmbeddedPostgresError), embedded_postgres(folder, settings={**FAST, "max_connections": "none"}):
        pass
    hold(folder).close()


def test_forked_children_neither_take_the_server_along_nor_keep_it(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", FORKING_PROCESS, str(folder)], check=True, timeout=PATIENCE_SECONDS)
