"""What breaks a field's rule is refused with that field's name, changes nothing, and is told nothing of our insides."""

from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1.admin_service_pb2 import CreditAmount
from credit.v1.balance_alert_pb2 import BalanceAlert
from credit.v1.limits_pb2 import Limit
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.contract.requests_taken import METHODS, call_of, spoil
from tests.support.customer import Customer
from tests.support.refusals import refused

NAME = "accounts/a/wallets/chat/reservations/01890000-0000-7000-8000-000000000000"

FLAG = "accounts/a/flags/01890000-0000-7000-8000-000000000000"

GRANT = "accounts/a/wallets/chat/grants/01890000-0000-7000-8000-000000000000"

NUL = ["\0", "a\0b"]

BAD: Mapping[str, list[Any]] = {
    "account_id": [None, "", "x" * 129, "a b", "a/b", "ü", "a\n", "../a", "a'; --", *NUL],
    "account_ids": [[], [""], ["a", "a b"], ["a"] * 1_001],
    "credit_type": [None, "", "x" * 33, "1a", "a-b", "a b", "chat\n", "ชา", *NUL],
    "credit_types": [[""], ["chat", "a b"], ["chat"] * 101],
    "filter": ["x" * 33, "a-b", "a\n", *NUL],
    "reservation": [None, "", "x", "/", NAME[:-1], NAME + "\n", NAME + "/x", NAME.replace("-7000-", "-4000-"), *NUL],
    "flag": [None, "", "x", "accounts/a", FLAG[:-1], FLAG + "\n", FLAG + "/x", FLAG.replace("0-", "g-"), *NUL],
    "grant": [None, "", "x", "accounts/a", GRANT[:-1], GRANT + "\n", GRANT + "/x", GRANT.replace("0-", "g-"), *NUL],
    "id": ["x", "-", NAME[-36:-1], NAME[-36:] + "\n", NAME, *NUL],
    "named": ["x", "/", NAME[:-1], NAME + "\n", NAME.replace("0", "g"), *NUL],
    "request_id": [None, "", "x" * 256, *NUL],
    "text": ["x" * 501, *NUL],
    "reason": [None, "", "x" * 501, *NUL],
    "display name": ["x" * 101, *NUL],
    "account": [None, "", "x", "accounts/", "accounts/a/b", "accounts/a b", "accounts/a\n", "packages/a", *NUL],
    "prefix": ["x" * 129, "a b", "a%", "a\n", *NUL],
    "metadata": [
        {"": "v"},
        {"k" * 65: "v"},
        {"k": "v" * 4_097},
        {"k": "v" * 4_096},
        {f"k{number}": "ก" * 500 for number in range(3)},
        {str(number): "" for number in range(65)},
        {"k\0": "v"},
        {"k": "\0"},
    ],
    "amount": [0, -1, -(2**63)],
    "amounts": [
        [],
        [CreditAmount(credit_type="chat", amount=1)] * 101,
        [CreditAmount(credit_type="chat", amount=1)] * 2,
    ],
    "limits": [[Limit(credit_type="chat")] * 51, [Limit(credit_type="chat")] * 2],
    "alerts": [[BalanceAlert(credit_type="chat", below=1)] * 21, [BalanceAlert(credit_type="chat", below=1)] * 2],
    "count": [-1, -(2**63)],
    "decimals": [-1, 10],
    "page_size": [-1, 101, 2**31 - 1],
    "top_size": [-1, 51],
    "time zone": ["x" * 65, "a b", "../UTC", "Mars/Base", "Asia", "\u202eUTC", *NUL],
    "page_token": ["x", "x" * 8_193, *NUL],
    "enum": [99, -1],
    "stated enum": [0, 99, -1],
    "enums": [[0], [6, 99], [6] * 33],
    "missing": [None],
    "timestamp": [
        Timestamp(seconds=2**62),
        Timestamp(seconds=-(2**62)),
        Timestamp(seconds=253_402_300_800),
        Timestamp(seconds=-62_135_596_801),
        Timestamp(seconds=1, nanos=-1),
        Timestamp(seconds=1, nanos=2**30),
    ],
}
"""For each kind of field the values that it must not have. None: it is not there at all."""

CASES = [(method, field) for method, (_, fields) in METHODS.items() for field in fields]


@pytest.fixture
def rich(customer: Customer) -> Customer:
    """Return a customer who can afford everything."""
    customer.top_up(1_000)
    return customer


@pytest.mark.parametrize("method", METHODS)
def test_a_request_with_nothing_wrong_is_taken(rich: Customer, method: str) -> None:
    """So that what is refused below is refused for the one field that is spoilt."""
    call = call_of(rich, method)
    answer = call(METHODS[method].make(rich), timeout=20)
    if hasattr(answer, "__next__"):
        assert next(answer)
        answer.cancel()


@pytest.mark.requirement("H1", "H2")
@pytest.mark.parametrize(("method", "field"), CASES, ids=lambda value: value)
def test_a_field_that_breaks_its_rule_is_named_and_nothing_is_done(rich: Customer, method: str, field: str) -> None:
    made, fields = METHODS[method]
    for value in BAD[fields[field]]:
        request = made(rich)
        before = rich.account_balance(), rich.entries("")
        spoil(request, field, value)
        refusal = refused(call_of(rich, method), request, timeout=20)
        assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT, value
        is_no_token = field == "page_token" and len(value) < 8_193 and "\0" not in value
        expected = "PAGE_TOKEN_INVALID" if is_no_token else "INVALID_FIELD"
        assert refusal.reason == expected, value
        assert refusal.violations, value
        assert refusal.violations[0].startswith(field), (value, refusal.violations)
        assert refusal.localized.message
        assert tells_nothing_of_our_insides(refusal), value
        assert (rich.account_balance(), rich.entries("")) == before, value


@pytest.mark.requirement("H2")
def test_every_violation_is_named_at_once(customer: Customer) -> None:
    """So that a form shows all of its mistakes, and not one after the other."""
    request = customer.reserving(0, credit_type="1", request_id="", reason="x" * 501)
    request.account_id = ""
    refusal = refused(customer.app.credit.Reserve, request)
    assert set(refusal.violations) == {"account_id", "credit_type", "amount", "request_id", "reason"}


@pytest.mark.requirement("H1")
def test_values_at_the_very_limit_are_taken(rich: Customer) -> None:
    labels = {"k" * 64: "v" * (4_096 - 64)}
    answer = rich.reserve(1, request_id="x" * 255, reason="d" * 500, metadata=labels, expected_version=1)
    assert dict(answer.entry.metadata) == labels
    assert rich.deduct(1, metadata={str(number): "" for number in range(64)}).entry.version == 3
    longest = Customer(rich.service, rich.app, rich.staff, f"{'x' * 120}._:@+-1")
    assert longest.balance("spec").available == 1


@pytest.mark.parametrize(
    "text", ["ไทย 🪙 \u202ertl", "quote\" ' \\ {} , NULL", "line\nfeed\ttab\r", "\x01\x7f", "%s $1 :name"]
)
def test_any_other_text_comes_back_as_it_was(rich: Customer, text: str) -> None:
    """In a reason, a label, and a request id; none of it means anything to the database."""
    answer = rich.reserve(1, reason=text, metadata={text[:20]: text}, request_id=f"{text}{rich.request_id()[-90:]}")
    assert answer.entry.reason == text
    assert rich.reservation(answer.reservation.name).reason == text
    assert dict(rich.entries()[0].metadata) == {text[:20]: text}
