"""`creditd token`: what it signs is what a server verifies."""

import time
from pathlib import Path

import pytest

from creditd.cli.main import main
from creditd.server.authentication.callers import LEEWAY_SECONDS, Caller
from creditd.server.authentication.issuers import Issuer
from creditd.server.authentication.keys import KeySet, read_public_keys
from creditd.server.authentication.tokens import TokenVerifier
from creditd.server.refusals import TokenExpired


def test_a_token_says_who_one_is_and_what_one_may_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATA_DIR", str(tmp_path))
    arguments = ["--subject", "shop", "--role", "SERVICE", "--role", "USER", "--scope", "credits.read"]
    assert main(["token", *arguments, "--ttl-seconds", "60"]) == 0
    out, err = capsys.readouterr()
    public_file = tmp_path / "keys" / "development.pem"
    assert str(public_file) in err

    issuers = [Issuer(KeySet(read_public_keys([public_file])))]
    caller = TokenVerifier(issuers, clock=time.time).verify(f"Bearer {out.strip()}")
    assert caller == Caller("shop", frozenset({"SERVICE", "USER"}), frozenset({"credits.read"}), "shop")
    later = time.time() + 60 + LEEWAY_SECONDS
    with pytest.raises(TokenExpired):
        TokenVerifier(issuers, clock=lambda: later).verify(f"Bearer {out.strip()}")


def test_the_key_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATA_DIR", str(tmp_path))
    main(["token", "--subject", "a"])
    key = (tmp_path / "keys" / "development.pem").read_bytes()
    capsys.readouterr()
    assert main(["token", "--subject", "a"]) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / "keys" / "development.pem").read_bytes() == key


@pytest.mark.parametrize(
    "arguments", [[], ["--subject", "a", "--role", "KING"], ["--subject", "a", "--ttl-seconds", "0"]]
)
def test_a_token_that_makes_no_sense_is_not_signed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["token", *arguments])
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""
