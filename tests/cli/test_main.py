"""What all commands have in common: help, slips, settings; and the tables that people read."""

import os
import subprocess
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest

from creditd.cli.main import COMMANDS, main
from creditd.cli.screen import table
from creditd.cli.settings import settings
from creditd.config import Config, ConfigError
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


def test_the_environments_settings_are_all_good_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)
    assert settings() == Config()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", "50051"),
        ("listen", "127.0.0.1:65536"),
        ("metrics_listen", "somewhere"),
        ("log_level", "LOUD"),
        ("spend_order", "free,promo"),
        ("spend_order", "free,promo,admin,stolen"),
        ("workers", "0"),
        ("database_pool_size", "0"),
        ("sweep_interval_seconds", "0"),
        ("reservation_ttl_seconds", "-1"),
        ("jwt_public_key_files", "/not/there.pem"),
        ("tls_certificate_file", __file__),
        ("tls_client_ca_file", __file__),
        ("reflection", "perhaps"),
        ("page_token_secret", "short"),
        ("credit_types", "zz=99"),
        ("credit_types", "zz=-1"),
        ("credit_types", "a-b=0"),
        ("credit_types", "=0"),
        ("credit_types", "spec=0,spec=2"),
        ("credit_types", "spec"),
        ("sign_up_credits", "gold=1"),
        ("sign_up_credits", "spec=0"),
        ("sign_up_credits", "spec=9223372036854775808"),
        ("sweep_interval_seconds", "inf"),
        ("drain_seconds", "nan"),
        ("payment_poll_interval_seconds", "0"),
        ("reservation_ttl_seconds", "86401"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert name in {item.name for item in fields(Config)}
    forget_settings(monkeypatch)
    monkeypatch.setenv(f"CREDITD_{name.upper()}", value)
    with pytest.raises(ConfigError, match=f"CREDITD_{name.upper()}"):
        settings()


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("CREDITD_DATABASE_ULR", "x", "did you mean CREDITD_DATABASE_URL?"),
        ("CREDITD_NOTHING_LIKE_IT_AT_ALL", "x", "known are CREDITD_"),
        ("CREDITD_SIGN_UP_CREDITS", "chta=1", "did you mean chat?"),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(name: str, value: str, near: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refusal:
        settings()
    assert near in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_token_secret", "hunter2"),
        ("tls_key_file", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"),
        ("jwt_public_key_files", "-----BEGIN PRIVATE KEY-----\nhunter2"),
    ],
)
def test_a_secret_stands_in_no_message(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a key in the place of its file's name."""
    forget_settings(monkeypatch)
    monkeypatch.setenv(f"CREDITD_{name.upper()}", value)
    with pytest.raises(ConfigError, match=f"CREDITD_{name.upper()}") as refusal:
        settings()
    assert "hunter2" not in str(refusal.value)


def forget_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("CREDITD_"):
            monkeypatch.delenv(name)


def test_tables_stand_in_columns_with_numbers_flush_right() -> None:
    assert table(("who", "how many"), [("ann", 5), ("bob", "+12")]).splitlines() == [
        "who  how many",
        "---  --------",
        "ann         5",
        "bob       +12",
    ]
    assert table(("who",), []).splitlines() == ["who", "---"]
