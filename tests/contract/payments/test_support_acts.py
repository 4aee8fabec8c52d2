"""What SUPPORT may do while somebody waits: give a hold back, or a few credits, and see whether all is well (J6)."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import support_service_pb2 as pb
from creditd.bootstrap.system_status import NOTICED
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.ids import uuid7
from creditd.storage.controls import support_gifts
from creditd.storage.database import Connection
from tests.contract.at_once import at_once, was_replayed
from tests.support.customer import Customer, kind_of
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("J6", "D3")

LIMIT = 100


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service whose staff may give 100 chat credits a day."""
    with running_service(tmp_path_factory.mktemp("service"), support_credit_limits={"chat": LIMIT}) as service:
        yield service


@pytest.fixture
def support(service: RunningService) -> SimpleNamespace:
    """Return SUPPORT."""
    return service.as_caller("sue", "SUPPORT")


def returning(name: str, **fields: Any) -> pb.ReturnHoldRequest:
    """Return the request to give a hold back."""
    return pb.ReturnHoldRequest(name=name, reason="it hangs", request_id=uuid7(), **fields)


def giving(customer: Customer, amount: int, **fields: Any) -> pb.GiveCreditsRequest:
    """Return the request to give chat credits."""
    stated: dict[str, Any] = {
        "account_id": customer.account_id,
        "credit_type": "chat",
        "reason": "sorry",
        "request_id": uuid7(),
    }
    return pb.GiveCreditsRequest(amount=amount, **stated | fields)


def told(service: RunningService, request_id: str) -> list[tuple[str, str]]:
    """Return the audit events of a request: the kind, and who."""
    with psycopg.connect(service.config.database_url) as connection:
        query = "SELECT kind, actor FROM audit_events WHERE request_id = %s AND outcome = 1"
        return connection.execute(query, [request_id]).fetchall()


def test_a_hold_is_given_back_and_told(customer: Customer, support: SimpleNamespace) -> None:
    customer.top_up(10)
    request = returning(customer.hold(4), staff_note="she waited for an hour")
    answer = support.support.ReturnHold(request)
    assert (kind_of(answer.entry), answer.balance.available, answer.balance.reserved) == ("REFUND", 10, 0)
    assert (answer.entry.actor, answer.entry.reason) == ("sue", "it hangs")
    assert told(customer.service, request.request_id) == [("hold.return", "sue")]
    again, call = support.support.ReturnHold.with_call(request)
    assert was_replayed(call)
    assert again.entry == answer.entry


def test_what_is_spent_already_is_not_given_back(customer: Customer, support: SimpleNamespace) -> None:
    customer.top_up(10)
    name = customer.hold(4)
    customer.confirm(name, 3)
    assert refused(support.support.ReturnHold, returning(name)).reason == "RESERVATION_CONFIRMED"
    assert refused(support.credit.Refund, customer.refunding(name)).code == grpc.StatusCode.PERMISSION_DENIED
    assert customer.figures() == (7, 0)


def test_a_hold_is_given_back_only_as_it_was_seen(customer: Customer, support: SimpleNamespace) -> None:
    customer.top_up(10)
    held = customer.reserve(4)
    preview = support.support.ReturnHold(returning(held.reservation.name, validate_only=True))
    assert (preview.HasField("entry"), preview.balance.available) == (False, 10)
    assert customer.figures() == (6, 4)
    customer.top_up(1)
    request = returning(held.reservation.name, expected_version=held.balance.version)
    assert refused(support.support.ReturnHold, request).reason == "VERSION_MISMATCH"


def test_credits_are_given_up_to_the_limit_of_a_day(customer: Customer, support: SimpleNamespace) -> None:
    customer.balance()
    request = giving(customer, 60)
    answer = support.support.GiveCredits(request)
    assert (kind_of(answer.entry), answer.balance.available) == ("ADMIN_ADD", 60)
    assert told(customer.service, request.request_id) == [("credits.give", "sue")]
    refusal = refused(support.support.GiveCredits, giving(customer, 41))
    assert refusal.reason == "SUPPORT_LIMIT_EXCEEDED"
    figures = {name: refusal.metadata[name] for name in ("credit_type", "limit", "given", "requested")}
    assert figures == {"credit_type": "chat", "limit": "100", "given": "60", "requested": "41"}
    support.support.GiveCredits(giving(customer, 40))
    assert refused(support.support.GiveCredits, giving(customer, 1)).reason == "SUPPORT_LIMIT_EXCEEDED"
    assert customer.figures() == (100, 0)
    with psycopg.connect(customer.service.config.database_url) as connection:
        yesterday = "UPDATE support_gifts SET day = day - interval '1 day' WHERE account_id = %s"
        assert connection.execute(yesterday, [customer.account_id]).rowcount == 1
    support.support.GiveCredits(giving(customer, LIMIT))
    assert customer.figures() == (200, 0)


def test_a_repeat_gives_nothing_more_and_counts_once(customer: Customer, support: SimpleNamespace) -> None:
    customer.balance()
    request = giving(customer, LIMIT)
    first = support.support.GiveCredits(request)
    again, call = support.support.GiveCredits.with_call(request)
    assert was_replayed(call)
    assert again.entry == first.entry
    request.amount = 1
    assert refused(support.support.GiveCredits, request).reason == "REQUEST_ID_REUSED"
    assert told(customer.service, request.request_id) == [("credits.give", "sue")]
    assert customer.figures() == (LIMIT, 0)


def test_ten_at_once_do_not_pass_the_limit_together(customer: Customer, support: SimpleNamespace) -> None:
    customer.balance()
    outcomes = at_once(support.support.GiveCredits, [giving(customer, 30) for _ in range(10)])
    assert sum(isinstance(outcome, pb.GiveCreditsResponse) for outcome in outcomes) == 3
    assert customer.figures() == (90, 0)


def test_what_was_given_is_read_while_nobody_else_can_give(
    customer: Customer, support: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer.balance()
    seen: list[str] = []
    given = support_gifts.given

    def looked_at(connection: Connection, key: WalletKey, day: Instant) -> int:
        held = "SELECT FROM accounts WHERE account_id = %s FOR UPDATE NOWAIT"
        with psycopg.connect(customer.service.config.database_url) as other:
            try:
                other.execute(held, [key.account_id])
                seen.append("free")
            except psycopg.errors.LockNotAvailable:
                seen.append("held")
        return given(connection, key, day)

    monkeypatch.setattr(support_gifts, "given", looked_at)
    support.support.GiveCredits(giving(customer, 1))
    assert set(seen) == {"held"}


def test_nothing_is_given_of_what_has_no_limit_nor_to_who_is_not_there(
    customer: Customer, support: SimpleNamespace
) -> None:
    assert refused(support.support.GiveCredits, giving(customer, 1)).reason == "ACCOUNT_NOT_FOUND"
    customer.balance()
    refusal = refused(support.support.GiveCredits, giving(customer, 1, credit_type="spec"))
    assert (refusal.reason, refusal.metadata["limit"]) == ("SUPPORT_LIMIT_EXCEEDED", "0")
    preview = support.support.GiveCredits(giving(customer, 5, validate_only=True))
    assert (preview.HasField("entry"), preview.balance.available) == (False, 5)
    assert customer.figures() == (0, 0)
    support.support.GiveCredits(giving(customer, LIMIT))


def test_support_sees_whether_customers_notice_something(service: RunningService, support: SimpleNamespace) -> None:
    seen = support.support.GetSystemStatus(pb.GetSystemStatusRequest()).system_status
    assert {figure.name for figure in seen.figures} == NOTICED
    assert seen.is_database_ready
    assert seen.worrying_count == sum(figure.is_worrying for figure in seen.figures)
    finance = service.as_caller("fin", "FINANCE").support.GetSystemStatus(pb.GetSystemStatusRequest()).system_status
    assert {figure.name for figure in finance.figures} > NOTICED
