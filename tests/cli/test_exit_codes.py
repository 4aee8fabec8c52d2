"""The exit codes of every command, as docs/operations.md has them."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from creditd.backup.backup_folder import BUSY
from creditd.cli.main import main
from creditd.cli.output import DONE, FAILED, INTERRUPTED, MISUSED, SIGNALLED
from tests.support.ports import free_address
from tests.support.programs import COMMAND, Creditd
from tests.support.tokens import write_public_key

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"

AT_ONCE = (SIGNALLED + signal.SIGPIPE, SIGNALLED + signal.SIGTERM)

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def taken() -> Iterator[str]:
    """Return an address on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def creditd(tmp_path: Path) -> Creditd:
    """Return `creditd` with all that its commands need, and a database that is not there."""
    (tmp_path / "token").write_text("a.b.c")
    return Creditd(
        tmp_path,
        {
            "CREDITD_DATABASE_URL": NOWHERE,
            "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
            "CREDITD_WEBHOOKS_TOKEN_FILE": str(tmp_path / "token"),
            "CREDITD_LISTEN": free_address(),
            "CREDITD_METRICS_LISTEN": "",
            "CREDITD_WEBHOOKS_LISTEN": free_address(),
        },
    )


@dataclass
class Here:
    """Runs commands in this process, which is quicker than a process for each: for those that end before they begin."""

    creditd: Creditd
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> tuple[int, str]:
        """Run a command; return its exit code, and what it says on standard error."""
        for name in [name for name in os.environ if name.startswith("CREDITD_")]:
            self.patch.delenv(name)
        for name, value in self.creditd.settings.items():
            self.patch.setenv(name, value)
        self.patch.chdir(self.creditd.folder)
        with pytest.raises(SystemExit) as ended:
            sys.exit(main(arguments))
        assert isinstance(ended.value.code, int)
        return ended.value.code, self.capsys.readouterr().err


@pytest.fixture
def here(creditd: Creditd, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Here]:
    """Return what runs commands in this process, with all that they need."""
    with monkeypatch.context() as patch:
        yield Here(creditd, patch, capsys)


def test_the_table_has_each_code_and_no_other() -> None:
    table = OPERATIONS.read_text(encoding="utf-8").partition("## Exit codes")[2].partition("\n## ")[0]
    codes = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    assert [int(code) for code in codes] == [DONE, FAILED, MISUSED, BUSY, INTERRUPTED, *AT_ONCE]


@pytest.mark.parametrize("arguments", [("--version",), ("call",), ("migrate", "--sql"), ("token", "--subject", "me")])
def test_done_is_0(creditd: Creditd, arguments: tuple[str, ...]) -> None:
    assert creditd(*arguments).returncode == DONE


@pytest.mark.parametrize(
    "arguments",
    [
        ("migrate",),
        ("run",),
        ("call", "GetBalance", '{"account_id": "ann"}'),
        ("reconcile", "--provider", "stripe", "--since", "2026-11-18"),
    ],
)
def test_what_may_do_later_is_1_in_one_line(creditd: Creditd, arguments: tuple[str, ...]) -> None:
    done = creditd(*arguments)
    assert done.returncode == FAILED, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("serve", "--no-such-option"),
        ("serve", "--workers", "0"),
        ("serve", "--listen", "nowhere"),
        ("config", "--no-such-option"),
    ],
)
def test_a_slip_in_the_command_line_is_2(creditd: Creditd, arguments: tuple[str, ...]) -> None:
    done = creditd(*arguments)
    assert done.returncode == MISUSED, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        *((name, "--no-such-option") for name in ("run", "demo", "call", "token", "webhooks", "migrate")),
        ("call", "NoSuchMethod"),
        ("call", "GetBalance", "no json"),
        ("reconcile", "--provider", "nobody", "--since", "2026-11-18"),
        ("reconcile", "--provider", "stripe", "--since", "yesterday"),
        ("token", "--subject", "me", "--role", "NO_SUCH_ROLE"),
    ],
)
def test_so_is_a_slip_of_any_other_command(here: Here, arguments: tuple[str, ...]) -> None:
    code, said = here(*arguments)
    assert code == MISUSED, said
    assert said.startswith("creditd ")


@pytest.mark.parametrize(
    "name",
    [
        "run",
        "call GetBalance {}",
        "serve",
        "webhooks",
        "console",
        "reconcile",
        "migrate",
        "token --subject me",
        "config check",
    ],
)
def test_a_setting_that_cannot_be_used_is_2(here: Here, name: str) -> None:
    here.creditd.settings["CREDITD_LISTNE"] = "127.0.0.1:50051"
    extra = ("--provider", "stripe", "--since", "2026-11-18") if name == "reconcile" else ()
    code, said = here(*name.split(), *extra)
    assert code == MISUSED, said
    assert "did you mean CREDITD_LISTEN?" in said


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("run", "CREDITD_LISTEN"),
        ("run", "CREDITD_METRICS_LISTEN"),
        ("run", "CREDITD_WEBHOOKS_LISTEN"),
        ("serve", "CREDITD_LISTEN"),
        ("serve", "CREDITD_METRICS_LISTEN"),
        ("webhooks", "CREDITD_WEBHOOKS_LISTEN"),
        ("console", "CREDITD_CONSOLE_LISTEN"),
    ],
)
def test_a_port_that_is_taken_is_2_in_one_line(creditd: Creditd, name: str, setting: str, taken: str) -> None:
    creditd.settings[setting] = taken
    done = creditd(name)
    assert done.returncode == MISUSED, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("creditd ")]
    assert len(said) == 1
    assert taken in said[0]


def test_what_is_interrupted_before_it_is_done_is_130(creditd: Creditd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        creditd.settings["CREDITD_DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/nothing"
        with creditd.started("run") as started:
            started.says("creditd for development")
            connection, _ = silent.accept()
            with connection:
                assert started.stop(signal.SIGTERM) == INTERRUPTED


def test_what_nobody_reads_to_its_end_is_141_without_a_word(creditd: Creditd) -> None:
    nobody, pipe = os.pipe()
    os.close(nobody)
    with os.fdopen(pipe, "wb") as output:
        for arguments in (("--help",), ("call",), ("call", "--help"), ("migrate", "--sql"), ("config", "check")):
            done = subprocess.run(
                [*COMMAND, *arguments],
                cwd=creditd.folder,
                env=creditd.environment(),
                stdout=output,
                stderr=subprocess.PIPE,
                check=False,
            )
            assert (done.returncode, done.stderr) == (SIGNALLED + signal.SIGPIPE, b""), arguments


def test_a_disk_that_is_full_is_1_in_one_line(creditd: Creditd) -> None:
    with Path("/dev/full").open("wb") as output:
        done = subprocess.run(
            [*COMMAND, "call"],
            cwd=creditd.folder,
            env=creditd.environment(),
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == FAILED
    assert done.stderr.decode().splitlines() == ["creditd call: a file cannot be written: No space left on device"]
