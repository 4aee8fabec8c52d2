"""`--help` of every command: it has examples that work, and fits a narrow terminal without breaking a word."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from creditd.cli.examples import EXAMPLES, WITHOUT_COMMAND
from creditd.cli.help_text import continued
from creditd.cli.main import COMMANDS, command_module, main
from tests.support.programs import Creditd
from tests.support.service import RunningService
from tests.support.tokens import bearer

NARROW, WIDE = 40, 200

ELSEWHERE: dict[str, str] = {
    WITHOUT_COMMAND: "those of its commands",
    "run": "tests/cli/test_run.py: it goes on until it is stopped",
    "demo": "tests/cli/test_demo.py",
    "serve": "tests/cli/test_serve.py: it goes on until it is stopped",
    "webhooks": "tests/webhooks: it goes on until it is stopped",
    "console": "tests/console: it goes on until it is stopped",
    "reconcile": "tests/cli/test_reconcile.py: it needs a provider",
    "audit": "tests/docs, with docs/audit.md",
    "rollup": "tests/cli/test_rollup.py",
    "archive": "tests/cli/test_archive.py: it needs a database that is a year old",
    "import": "tests/cli/test_import.py: it needs somebody's customers",
    "export": "tests/cli/test_import.py",
    "backup": "tests/backup: it needs a server that is its own",
    "restore": "tests/backup",
    "drill": "tests/backup",
    "distribute": "tests/layouts/test_distribute.py: it needs Citus",
    "health": "tests/cli/test_health.py: it needs a server beside it",
    "keys": "tests/identity: it needs identity's database",
    "admin": "tests/identity: it needs identity's database",
}
"""Commands whose examples are parsed here, and run where they can be."""

ALL = [(name, example.line) for name, examples in EXAMPLES.items() for example in examples]


def said(name: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the help of a command, as a terminal of so many columns has it."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as ended:
        sys.exit(main([name, "--help"] if name else ["--help"]))
    assert ended.value.code == 0
    return capsys.readouterr().out


def words_of(text: str) -> list[str]:
    """Return the words of a help, but for what continues a line or begins a remark."""
    return [word for word in text.split() if word not in ("\\", "#")]


def arguments_in(line: str) -> list[str]:
    """Return what a shell would hand to creditd of a command line, which may be a pipe."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    ours = words[words.index("creditd") + 1 :]
    ends = [place for place, word in enumerate(ours) if re.fullmatch(r"[|<>&;]+", word)]
    return ours[: ends[0]] if ends else ours


@pytest.mark.parametrize("name", [WITHOUT_COMMAND, *COMMANDS])
def test_there_is_an_example_at_least(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    help_text = said(name, WIDE, monkeypatch, capsys)
    shown = help_text.partition("\nexamples:\n")[2]
    assert EXAMPLES[name]
    for example in EXAMPLES[name]:
        assert example.does in shown


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert EXAMPLES.keys() == {WITHOUT_COMMAND, *COMMANDS}


@pytest.mark.parametrize(("name", "line"), ALL)
def test_an_example_is_taken_by_the_parser(name: str, line: str) -> None:
    command, *arguments = arguments_in(line)
    if name == WITHOUT_COMMAND:
        assert command in (*COMMANDS, "help")
        return
    assert command == name
    assert command_module(name).command_parser().parsed(arguments)


@pytest.mark.parametrize("columns", [NARROW, 60, 80])
@pytest.mark.parametrize("name", [WITHOUT_COMMAND, *COMMANDS])
def test_it_fits_the_terminal(
    name: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is longer is one word, such as a path, and in one piece."""
    for line in said(name, columns, monkeypatch, capsys).splitlines():
        assert len(line) <= columns or len(words_of(line)) == 1, line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", [WITHOUT_COMMAND, *COMMANDS])
def test_no_word_is_broken(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    narrow, wide = (words_of(said(name, columns, monkeypatch, capsys)) for columns in (NARROW, WIDE))
    assert narrow == wide


@pytest.mark.parametrize(("name", "line"), ALL)
def test_an_example_that_goes_on_in_the_next_line_is_the_same(name: str, line: str) -> None:
    del name
    pasted = shlex.split("\n".join(continued(line, NARROW)).replace("\\\n", ""))
    assert [meant(word) for word in pasted] == [meant(word) for word in shlex.split(line)]


def meant(word: str) -> Any:
    """Return what a word says: JSON is the same with other spaces."""
    return json.loads(word) if word.startswith("{") else word


def test_help_is_had_by_the_word_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["help", "call"])
    assert capsys.readouterr().out.startswith("usage: creditd call ")
    assert main(["help", "cal"]) == 2
    assert "did you mean call?" in capsys.readouterr().err


def runnable() -> Iterator[tuple[str, str]]:
    """Return the examples that are run here."""
    return ((name, line) for name, line in ALL if name not in ELSEWHERE)


def test_what_is_run_elsewhere_is_there() -> None:
    assert ELSEWHERE.keys() <= EXAMPLES.keys()


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, line in runnable() if name in ("token", "certs")])
def test_an_example_that_needs_nothing_works(name: str, line: str, tmp_path: Path) -> None:
    done = Creditd(tmp_path)(name, *arguments_in(line)[1:])
    assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, line in runnable() if name == "config"])
def test_an_example_of_settings_works(name: str, line: str, tmp_path: Path) -> None:
    """Where a setting has to change for it, it says so: 2."""
    done = Creditd(tmp_path)(name, *arguments_in(line)[1:])
    assert done.returncode in (0, 2), done.stderr
    assert "CREDITD_WORKERS" in done.stdout


@pytest.mark.parametrize("line", [line for name, line in runnable() if name == "migrate"])
def test_an_example_of_migrating_works(line: str, tmp_path: Path, database: str) -> None:
    settings = {"CREDITD_DATABASE_URL": database}
    if "--identity" in line:
        settings = {
            "CREDITD_IDENTITY_DATABASE_URL": database,
            "CREDITD_IDENTITY_KEY_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
        }
    done = Creditd(tmp_path, settings)(*arguments_in(line))
    # An empty database does not fit.
    expected = 1 if "--check" in line else 0
    assert (done.returncode, bool(done.stdout)) == (expected, True), done.stderr


@pytest.mark.parametrize("line", [line for name, line in runnable() if name == "call"])
def test_an_example_of_a_call_works(line: str, service: RunningService, tmp_path: Path) -> None:
    creditd = Creditd(tmp_path, {"CREDITD_LISTEN": service.address})
    creditd.settings["CREDITD_CALL_TOKEN"] = bearer("tests", ("ADMIN", "SERVICE"), "credits.spend credits.read")[7:]
    amounts = [{"credit_type": "spec", "amount": 10}]
    given = creditd("call", "AddCredits", json.dumps({"account_id": "ann", "amounts": amounts, "reason": "an example"}))
    assert given.returncode == 0, given.stderr
    words = arguments_in(line)
    for flag in ("--address", "--ca", "--token"):
        if flag in words:
            # Of a server elsewhere: tests/cli/test_call_tls.py.
            del words[words.index(flag) : words.index(flag) + 2]
    done = creditd(*words, stdin='{"account_id": "ann"}')
    assert (done.returncode, bool(done.stdout)) == (0, True), done.stderr
