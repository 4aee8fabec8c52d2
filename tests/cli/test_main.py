"""What all commands have in common: help, slips, settings; and the tables that people read."""

import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from creditd.cli.main import COMMANDS, main
from creditd.cli.output import table
from tests.support.programs import COMMAND, Creditd


@pytest.mark.parametrize("arguments", [[], ["--help"], ["help"]])
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in COMMANDS)


def test_it_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"creditd {version('creditd')}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"usage: creditd {name}" in capsys.readouterr().out


def test_a_command_that_is_not_there_is_met_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server"]) == 2
    assert "did you mean serve?" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" | head -1', "sh", *COMMAND, "migrate", "--sql"],
        cwd=tmp_path,
        env=Creditd(tmp_path).environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("BEGIN")
    assert done.stderr == ""


def test_tables_stand_in_columns_with_numbers_flush_right() -> None:
    assert table(("who", "how many"), [("ann", 5), ("bob", "+12")]).splitlines() == [
        "who  how many",
        "---  --------",
        "ann         5",
        "bob       +12",
    ]
    assert table(("who",), []).splitlines() == ["who", "---"]
