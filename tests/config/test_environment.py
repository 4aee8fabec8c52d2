"""The configuration is what the environment says, and nothing in it that cannot be used is taken."""

import logging
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from creditd.config import SETTINGS, Config, ConfigError, config_from_environment, configuration
from creditd.config.environment import with_secret


def test_the_environments_settings_are_all_good_as_they_come(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)
    assert configuration() == Config()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", "50051"),
        ("listen", "127.0.0.1:65536"),
        ("metrics_listen", "somewhere"),
        ("log_level", "LOUD"),
        ("log_level", "WARN"),
        ("log_level", "FATAL"),
        ("log_level", "NOTSET"),
        ("log_level", "10"),
        ("stripe_api_url", "api.stripe.com"),
        ("omise_api_url", "http://"),
        ("lemonsqueezy_api_url", "https//api"),
        ("otlp_endpoint", "collector:4317"),
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
        ("velocity_rules", "refunds=3/60"),
        ("velocity_rules", "refund=3/60/flag"),
        ("velocity_rules", "refunds=0/60/flag"),
        ("velocity_rules", "refunds=3/0/flag"),
        ("velocity_rules", "refunds=3/60/close"),
        ("velocity_rules", "refunds=1001/60/flag"),
        ("velocity_rules", "refunds=3/31622401/flag"),
        ("velocity_rules", "refunds=3/60/flag,refunds=4/60/flag"),
        ("velocity_rules", ",".join(f"refunds=3/{window}/flag" for window in range(1, 22))),
        ("most_per_day", "gold=1"),
        ("most_per_hour", "gold/*=1"),
        ("most_per_movement", "spec=0"),
        ("least_per_movement", "spec/ann=1"),
        ("most_per_day", "spec/*=9223372036854775808"),
        ("sweep_interval_seconds", "inf"),
        ("drain_seconds", "nan"),
        ("payment_poll_interval_seconds", "0"),
        ("reservation_ttl_seconds", "86401"),
        ("rate_limits_redis_url", "redis://redis.example:6379"),
        ("rate_limits_redis_url", "127.0.0.1:6379"),
        ("rate_limits_redis_ca_file", __file__),
        ("fakes_listen", "0.0.0.0:8082"),
        ("fakes_listen", "[::]:8082"),
        ("fakes_listen", "10.0.0.1:8082"),
        ("method_calls_per_minute", "credit.v1.CreditService/GetBalances=1"),
        ("jwt_public_key_files", "/"),
        ("audit_key_file", "/"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_setting(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert name in {item.name for item in fields(Config)}
    forget_settings(monkeypatch)
    monkeypatch.setenv(f"CREDITD_{name.upper()}", value)
    with pytest.raises(ConfigError, match=f"CREDITD_{name.upper()}"):
        configuration()


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("CREDITD_DATABASE_ULR", "x", "did you mean CREDITD_DATABASE_URL?"),
        ("CREDITD_NOTHING_LIKE_IT_AT_ALL", "x", "known are CREDITD_"),
        ("CREDITD_SIGN_UP_CREDITS", "chta=1", "did you mean chat?"),
        ("CREDITD_LOG_LEVEL", "WARN", "did you mean WARNING?"),
        ("CREDITD_LOG_LEVEL", "info", "did you mean INFO?"),
        ("CREDITD_SPEND_ORDER", "free,promo,admin,purchsed", "did you mean purchased?"),
        ("CREDITD_REFLECTION", "ture", "did you mean true?"),
    ],
)
def test_a_misspelt_name_is_told_the_nearest(name: str, value: str, near: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as refusal:
        configuration()
    assert near in str(refusal.value)
    assert "\n" not in str(refusal.value)


def few_words() -> list[tuple[str, str, str]]:
    """Return each setting that is one of few words, with a slip in each of them."""
    settings = SETTINGS.values()
    closed = [(one.name, word) for one in settings for word in one.rule.known]
    closed += [(one.name, word) for one in settings if isinstance(one.default, bool) for word in ("true", "false")]
    return [(name, word[:2] + word[3:], word) for name, word in closed]


@pytest.mark.parametrize(("name", "slip", "word"), few_words())
def test_a_slip_in_one_of_few_words_is_told_the_word(
    name: str, slip: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_settings(monkeypatch)
    monkeypatch.setenv(f"CREDITD_{name.upper()}", slip)
    with pytest.raises(ConfigError, match=f"CREDITD_{name.upper()} is .*{slip}.*; did you mean {word}\\?") as refusal:
        configuration()
    assert "\n" not in str(refusal.value)


def test_each_level_is_one_that_is_logged_at(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_settings(monkeypatch)
    for level in SETTINGS["log_level"].rule.known:
        monkeypatch.setenv("CREDITD_LOG_LEVEL", level)
        assert logging.getLevelName(getattr(logging, configuration().log_level)) == level


def test_what_stands_around_a_value_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An issuer with a blank at its end would have every token refused."""
    forget_settings(monkeypatch)
    monkeypatch.setenv("CREDITD_JWT_ISSUER", " https://login.example \n")
    monkeypatch.setenv("CREDITD_REFLECTION", " False ")
    assert (configuration().jwt_issuer, configuration().reflection) == ("https://login.example", False)


@pytest.mark.requirement("I7")
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
        configuration()
    assert "hunter2" not in str(refusal.value)


def forget_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("CREDITD_"):
            monkeypatch.delenv(name)


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.is_secret])
def test_any_secret_may_be_in_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("c2VjcmV0\n")
    config = config_from_environment({f"CREDITD_{name.upper()}_FILE": str(file)})
    assert getattr(config, name) in ("c2VjcmV0", ("c2VjcmV0",))


def test_a_secret_is_in_one_place(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one")
    environment = {"CREDITD_STRIPE_API_KEY_FILE": str(file), "CREDITD_STRIPE_API_KEY": "other"}
    with pytest.raises(ConfigError, match="CREDITD_STRIPE_API_KEY and CREDITD_STRIPE_API_KEY_FILE are both set"):
        config_from_environment(environment)
    assert config_from_environment({**environment, "CREDITD_STRIPE_API_KEY": ""}).stripe_api_key == "one"


def test_a_secret_that_is_handed_on_replaces_its_file_and_no_other() -> None:
    environment = {"CREDITD_PAGE_TOKEN_SECRET_FILE": "a", "CREDITD_STRIPE_API_KEY_FILE": "b"}
    handed = with_secret(environment, "page_token_secret", "c")
    assert handed == {"CREDITD_STRIPE_API_KEY_FILE": "b", "CREDITD_PAGE_TOKEN_SECRET": "c"}


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff"])
def test_a_file_that_holds_no_secret_is_refused_and_not_shown(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "hunter2"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match="CREDITD_OMISE_SECRET_KEY_FILE") as refusal:
        config_from_environment({"CREDITD_OMISE_SECRET_KEY_FILE": str(file)})
    assert "hunter2" not in str(refusal.value)


def test_only_a_secret_may_be_in_a_file() -> None:
    with pytest.raises(ConfigError, match="CREDITD_LISTEN_FILE is not a setting"):
        config_from_environment({"CREDITD_LISTEN_FILE": "/etc/hostname"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tls_key_file": __file__}, "CREDITD_TLS_CERTIFICATE_FILE and CREDITD_TLS_KEY_FILE go together"),
        ({"webhooks_tls_key_file": __file__}, "CREDITD_WEBHOOKS_TLS_KEY_FILE go together"),
        (
            {"webhooks_tls_certificate_file": __file__, "webhooks_tls_key_file": __file__},
            "CREDITD_WEBHOOKS_TLS_CERTIFICATE_FILE needs CREDITD_WEBHOOKS_TLS_CA_FILE",
        ),
        ({"executors_tls_key_file": __file__}, "CREDITD_EXECUTORS_TLS_KEY_FILE go together"),
        (
            {"executors_tls_certificate_file": __file__, "executors_tls_key_file": __file__},
            "CREDITD_EXECUTORS_TLS_CERTIFICATE_FILE needs CREDITD_EXECUTORS_TLS_CA_FILE",
        ),
        ({"executors": "a=1.2.3.4:1"}, "a is not on this machine: set CREDITD_EXECUTORS_TLS_CA_FILE"),
        ({"executors": "a=127.0.0.1:1", "plaintext_executors": "b"}, "names 'b', which is none of CREDITD_EXECUTORS"),
        ({"executors": "a=127.0.0.1:1,a=127.0.0.1:2"}, "CREDITD_EXECUTORS is .*expected at most 32 of name=host:port"),
        ({"console_listen_tls_key_file": __file__}, "CREDITD_CONSOLE_LISTEN_TLS_KEY_FILE go together"),
        (
            {"console_tls_certificate_file": __file__, "console_tls_key_file": __file__},
            "CREDITD_CONSOLE_TLS_CERTIFICATE_FILE needs CREDITD_CONSOLE_TLS_CA_FILE",
        ),
    ],
)
def test_settings_that_go_together_are_named(
    changes: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_settings(monkeypatch)
    for name, value in changes.items():
        monkeypatch.setenv(f"CREDITD_{name.upper()}", value)
    with pytest.raises(ConfigError, match=message):
        configuration()


@pytest.mark.requirement("I7")
def test_what_is_called_like_a_secret_is_one() -> None:
    """A new setting with such a name is masked, and may be in a file, or names a file itself."""
    called = {name for name in SETTINGS if re.search(r"(secret|token|passw|credential|_key|database_url)s?$", name)}
    assert called >= {"database_url", "metrics_token", "page_token_secret", "stripe_api_key"}
    assert {name for name in called if not SETTINGS[name].is_secret} == set()


@pytest.mark.requirement("I7")
def test_a_configuration_that_is_printed_shows_no_secret() -> None:
    given: dict[str, Any] = {name: "canary" for name, setting in SETTINGS.items() if setting.is_secret}
    assert "canary" not in repr(Config(**given))
    assert "127.0.0.1:50051" in repr(Config())


def test_the_least_of_a_movement_is_no_more_than_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITD_LEAST_PER_MOVEMENT", "spec=3,chat/*=3")
    monkeypatch.setenv("CREDITD_MOST_PER_MOVEMENT", "spec=3,chat/*=2")
    with pytest.raises(ConfigError, match=r"CREDITD_LEAST_PER_MOVEMENT .* for chat/\*"):
        configuration()
