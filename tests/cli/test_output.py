"""`--output`, and what a terminal shows without it: tables that fit, colours where they are wanted, JSON in a pipe."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from creditd.cli.tables import cell_width
from tests.support.programs import Creditd
from tests.support.pseudo_terminal import on_terminal
from tests.support.service import RunningService
from tests.support.tokens import bearer

COLOUR = re.compile(r"\x1b\[[0-9]+m")


@pytest.fixture
def creditd(service: RunningService, staff: SimpleNamespace, tmp_path: Path) -> Creditd:
    """Return `creditd` that calls the service of these tests."""
    del staff
    token = bearer("tests", ("ADMIN", "SERVICE"), "credits.spend credits.read").removeprefix("Bearer ")
    return Creditd(tmp_path, {"CREDITD_LISTEN": service.address, "CREDITD_CALL_TOKEN": token})


def add(creditd: Creditd, account: str, credit_type: str, amount: int, reason: str = "a test") -> None:
    """Give an account credits."""
    amounts = [{"credit_type": credit_type, "amount": amount}]
    done = creditd("call", "AddCredits", json.dumps({"account_id": account, "amounts": amounts, "reason": reason}))
    assert done.returncode == 0, done.stderr


def of(account: str) -> str:
    return json.dumps({"account_id": account})


def test_balances_are_a_table_on_a_terminal_with_the_decimals_of_their_type(creditd: Creditd, account: str) -> None:
    add(creditd, account, "THB", 123_456_789)
    add(creditd, account, "spec", 7)
    shown = on_terminal(creditd, "call", "GetBalance", of(account), columns=120, TERM="dumb")
    assert shown.returncode == 0, shown.stderr
    head, rule, *rows = shown.lines
    assert head.split()[:5] == ["credit_type", "available", "reserved", "total", "debt"]
    assert set(rule) == {"-", " "}
    balances = {row.split()[0]: row.split()[1] for row in rows if len(row.split()) > 5}
    assert balances["THB"] == "1,234,567.89"
    ends = {line.index(figure) + len(figure) for line, figure in zip(rows, balances.values(), strict=False)}
    assert len(ends) == 1, "amounts are flush right"


def test_in_a_pipe_they_are_json_as_ever(creditd: Creditd, account: str) -> None:
    add(creditd, account, "THB", 123)
    done = creditd("call", "GetBalance", of(account))
    (wallet,) = [
        wallet
        for wallet in json.loads(done.stdout)["account_balance"]["wallets"]
        if wallet["balance"]["credit_type"] == "THB"
    ]
    assert wallet["balance"]["available"] == "123"
    assert on_terminal(creditd, "call", "GetBalance", of(account), "--output", "json").screen == done.stdout


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_transactions_fit_the_terminal(creditd: Creditd, account: str, columns: int) -> None:
    add(creditd, account, "spec", 10, reason="注文 " * 20 + "\x1b[2J\x9b31m\u202e")
    shown = on_terminal(creditd, "call", "ListTransactions", of(account), columns=columns)
    assert shown.returncode == 0, shown.stderr
    lines = [COLOUR.sub("", line) for line in shown.lines]
    assert max(map(cell_width, lines)) <= columns
    assert lines[0].split()[:2] == ["create_time", "amount"]
    assert re.match(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ  ", lines[-1])
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", COLOUR.sub("", shown.screen))
    # Where there is room for it.
    assert ("no room for" in shown.stderr) == (columns < 200)


def test_a_reason_that_steers_does_not_in_json_either(creditd: Creditd, account: str) -> None:
    reason = "a\x1b[2J\x9b31m\u202e"
    add(creditd, account, "spec", 10, reason)
    done = creditd("call", "ListTransactions", of(account))
    assert json.loads(done.stdout)["entries"][0]["reason"] == reason
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)


def test_nothing_is_told_in_words(creditd: Creditd, account: str) -> None:
    for method, words in (("ListTransactions", "No transactions."), ("ListReservations", "No reservations.")):
        shown = on_terminal(creditd, "call", method, of(account))
        assert (shown.returncode, shown.screen.splitlines()[0]) == (0, words), shown.stderr


def test_reservations_have_their_states(creditd: Creditd, account: str) -> None:
    add(creditd, account, "spec", 10)
    held = creditd("call", "Reserve", json.dumps({"account_id": account, "credit_type": "spec", "amount": 4}))
    assert held.returncode == 0, held.stderr
    shown = creditd("call", "ListReservations", of(account), "--output", "table")
    head, _, row, *_ = shown.stdout.splitlines()
    assert head.split()[:3] == ["name", "state", "amount"]
    assert row.split()[1:4] == ["PENDING", "4", "spec"]
    assert "account_id" not in head, "it was asked for this account"


def test_a_page_that_is_not_the_last_says_how_to_go_on(creditd: Creditd, account: str) -> None:
    for _ in range(2):
        add(creditd, account, "spec", 1)
    asked = {"account_id": account, "page_size": 1}
    done = creditd("call", "ListTransactions", json.dumps(asked), "--output", "table")
    token = re.search(r'there is more: ask again with "page_token": "(.+)"', done.stderr)
    assert token, done.stderr
    assert token[1] not in done.stdout
    done = creditd("call", "ListTransactions", json.dumps(asked | {"page_token": token[1]}), "--output", "table")
    assert done.returncode == 0, done.stderr


def test_what_is_no_list_is_facts_if_that_is_asked_for_and_else_json(creditd: Creditd, account: str) -> None:
    add(creditd, account, "spec", 10)
    asked = ("call", "GetAccount", json.dumps({"name": f"accounts/{account}"}))
    facts = creditd(*asked, "--output", "table")
    assert facts.returncode == 0, facts.stderr
    assert re.search(rf"^account_overview\.\S+ +\S*{account}", facts.stdout, re.MULTILINE)
    assert json.loads(on_terminal(creditd, *asked).screen)


@pytest.mark.parametrize(
    ("environment", "flags", "is_coloured"),
    [
        ({}, (), True),
        ({"NO_COLOR": "1"}, (), False),
        ({"NO_COLOR": ""}, (), True),
        ({"TERM": "dumb"}, (), False),
        ({}, ("--color", "never"), False),
        ({"NO_COLOR": "1"}, ("--color", "always"), True),
    ],
)
def test_it_is_coloured_where_that_is_wanted(
    tmp_path: Path, environment: dict[str, str], flags: tuple[str, ...], *, is_coloured: bool
) -> None:
    shown = on_terminal(Creditd(tmp_path), "config", "check", *flags, columns=300, **environment)
    assert shown.returncode == 0, shown.stderr
    assert ("\x1b[" in shown.screen) == is_coloured


def test_a_pipe_has_no_colour_unless_it_is_asked_for(tmp_path: Path) -> None:
    creditd = Creditd(tmp_path)
    assert "\x1b" not in creditd("config", "check").stdout
    assert "\x1b[1m" in creditd("config", "check", "--color", "always").stdout


def test_settings_are_whole_on_a_narrow_terminal(tmp_path: Path) -> None:
    shown = on_terminal(Creditd(tmp_path), "config", "check", columns=40, NO_COLOR="1")
    assert re.search(
        r"^setting  CREDITD_LISTEN\nvalue    127\.0\.0\.1:50051\norigin   default$", shown.screen, re.MULTILINE
    )


def test_settings_as_json_are_what_they_were(tmp_path: Path) -> None:
    creditd = Creditd(tmp_path)
    found = creditd("config", "check", "--output", "json").stdout
    assert json.loads(found)["fit"] is True
    assert creditd("config", "check", "--json").stdout == found


def test_all_methods_can_be_had_as_json(tmp_path: Path) -> None:
    methods = json.loads(Creditd(tmp_path)("call", "--output", "json").stdout)
    assert {"method": "credit.v1.AdminService/VerifyLedger", "streams": True, "fields": ["account_id"]} in methods


@pytest.mark.parametrize("columns", [40, 80])
def test_the_list_of_methods_fits_the_terminal(tmp_path: Path, columns: int) -> None:
    lines = on_terminal(Creditd(tmp_path), "call", columns=columns).lines
    assert max(map(len, lines)) <= columns
    assert "credit.v1.CreditService" in lines


def test_a_format_that_there_is_not_is_told_the_nearest(tmp_path: Path) -> None:
    done = Creditd(tmp_path)("config", "check", "--output", "jason")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean json?" in done.stderr
