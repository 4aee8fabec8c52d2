"""What all commands have in common: help, slips, settings."""

import re
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pytest

from creditd.cli.main import COMMANDS, main
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.schema import schema_head
from tests.support.programs import COMMAND, Creditd


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_it_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """With the newest migrations that it brings, which say whether a database fits, and the Python that runs it."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"creditd {version('creditd')}",
        f"schema {schema_head()}, identity's {schema_head(IDENTITY)}",
        f"Python {'.'.join(map(str, sys.version_info[:3]))}",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: creditd {name}" in capsys.readouterr().out


def test_a_command_that_is_not_there_is_met_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server"]) == 2
    assert "did you mean serve?" in capsys.readouterr().err


def options() -> list[tuple[str, str]]:
    """Return every option of every command, as its help has them."""
    found = []
    for name in COMMANDS:
        with pytest.raises(SystemExit), redirect_stdout(StringIO()) as said:
            main([name, "--help"])
        found += [(name, option) for option in sorted(set(re.findall(r"(?<![\w-])--[a-z-]+", said.getvalue())))]
    return found


@pytest.mark.parametrize(("name", "option"), options())
def test_a_slip_in_an_option_is_told_the_nearest_in_one_line(
    name: str, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where another one is needed: it is the one that was meant."""
    for slip in (option[:3] + option[4:], f"{option}x=1"):
        with pytest.raises(SystemExit) as ended:
            main([name, slip])
        said = capsys.readouterr().err
        assert ended.value.code == 2
        assert said.startswith(f"creditd {name}: there is no option {slip.partition('=')[0]}; did you mean --")
        assert said.count("\n") == 1
        assert f"did you mean {option}?" in said


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["token", "--subject", "me", "--scope", "credits.raed"], "did you mean credits.read?"),
        (["token", "--subject", "me", "--role", "admin"], "did you mean ADMIN?"),
        (["call", "GetBalance", "--role", "SERVCE"], "did you mean SERVICE?"),
        (["call", "GetBalance", "--scope", "everything"], "known are credits.admin, "),
        (["reconcile", "--provider", "strip"], "did you mean stripe?"),
        (["srve"], "did you mean serve?"),
        (["token", "--subject", "me", "--ttl-seconds", "1h"], "1 or more"),
        (["reconcile"], "--provider"),
        (["serve", "--workers", "two"], "--workers"),
    ],
)
def test_a_word_that_cannot_be_used_is_told_in_one_line(
    arguments: list[str], near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1)
    assert near in said.err


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" | head -1', "sh", *COMMAND, "migrate", "--sql"],
        cwd=tmp_path,
        env=Creditd(tmp_path).environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "SET lock_timeout = '5s';\n"
    assert done.stderr == ""
