"""What was refused, and rejected tokens, are told in the audit log soon after, so many a minute (requirement D2)."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import jwt
import psycopg
import pytest
from psycopg.rows import namedtuple_row

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1.limits_pb2 import Limit
from creditd.domain.resource_names import account_name
from creditd.service.controls.refused_acts import EVENTS_A_MINUTE, MORE, REJECTED_TOKEN
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService
from tests.support.tokens import KEY, KEY_ID, bearer

pytestmark = pytest.mark.requirement("D2")

MINUTE_SECONDS = 60.0

HOUR_SECONDS = 3_600.0


def told(service: RunningService, where: str, *values: object) -> list[Any]:
    """Return the refusals of the audit log that pass a condition, oldest first."""
    query = f"SELECT * FROM audit_events WHERE outcome = 2 AND {where} ORDER BY event_id"  # noqa: S608 - a test's own.
    with psycopg.connect(service.config.database_url, row_factory=namedtuple_row) as connection:
        return connection.execute(query.encode(), values).fetchall()


def soon(service: RunningService, count: int, where: str, *values: object) -> list[Any]:
    """Wait for so many refusals, and return them."""
    eventually(lambda: len(told(service, where, *values)) >= count)
    found = told(service, where, *values)
    assert len(found) == count
    return found


@pytest.fixture
def support(customer: Customer) -> SimpleNamespace:
    """Return the stubs of somebody of the test's own who may look and do nothing."""
    return customer.service.as_caller(f"support.{customer.account_id}", "SUPPORT")


def test_an_act_that_its_caller_may_not_do_is_told(customer: Customer, support: SimpleNamespace) -> None:
    request = customer.adding(5, reason="for a friend")
    assert refused(support.admin.AddCredits, request).reason == "PERMISSION_DENIED"
    (row,) = soon(customer.service, 1, "actor = %s", f"support.{customer.account_id}")
    assert (row.kind, row.refusal, row.roles) == ("credits.add", "PERMISSION_DENIED", ["SUPPORT"])
    assert (row.account, row.target) == (customer.account_id, account_name(customer.account_id))
    assert (row.reason, row.request_id, row.occurrences) == ("for a friend", request.request_id, 1)
    assert (row.before, row.after) == (None, None)
    assert row.correlation_id
    assert row.address.startswith("127.0.0.1:")


def test_the_person_behind_a_second_account_is_told(customer: Customer) -> None:
    claims: dict[str, Any] = {"sub": f"second.{customer.account_id}", "person": "somebody", "roles": ["SUPPORT"]}
    claims["exp"] = customer.after(HOUR_SECONDS).seconds
    token = jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": KEY_ID})
    metadata = [("authorization", f"Bearer {token}")]
    channel = customer.service.channel()
    call = channel.unary_unary(
        "/credit.v1.AdminService/AddCredits",
        request_serializer=admin.AddCreditsRequest.SerializeToString,
        response_deserializer=admin.AddCreditsResponse.FromString,
    )
    assert refused(call, customer.adding(5), metadata=metadata).reason == "PERMISSION_DENIED"
    (row,) = soon(customer.service, 1, "actor = %s", claims["sub"])
    assert row.person == "somebody"


REFUSED: dict[str, tuple[str, Callable[[Customer], tuple[Any, Any]]]] = {
    "credits.remove": ("INSUFFICIENT_CREDIT", lambda c: (c.staff.admin.RemoveCredits, c.removing(5))),
    "credits.add": ("CREDIT_TYPE_NOT_FOUND", lambda c: (c.staff.admin.AddCredits, c.adding(5, credit_type="none"))),
    "account.set_plan": (
        "EXPIRY_IN_PAST",
        lambda c: (c.staff.admin.SetPlan, c.planning(account_pb2.PLAN_KIND_UNLIMITED, -60)),
    ),
    "account.set_limits": (
        "CREDIT_TYPE_NOT_FOUND",
        lambda c: (c.staff.admin.SetLimits, c.limiting(Limit(credit_type="none"))),
    ),
    "account.set_balance_alerts": (
        "CREDIT_TYPE_NOT_FOUND",
        lambda c: (c.staff.admin.SetBalanceAlerts, c.alerting(none=1)),
    ),
    "account.set_status": (
        "ACCOUNT_NOT_EMPTY",
        lambda c: (c.staff.admin.SetAccountStatus, c.becoming(account_pb2.ACCOUNT_STATUS_CLOSED)),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_an_act_that_a_rule_refuses_is_told(customer: Customer, kind: str) -> None:
    customer.top_up(1)
    refusal, make = REFUSED[kind]
    call, request = make(customer)
    assert refused(call, request).reason == refusal
    (row,) = soon(customer.service, 1, "account = %s", customer.account_id)
    assert (row.kind, row.refusal, row.actor, row.roles) == (kind, refusal, "staff", ["ADMIN"])
    assert row.request_id == request.request_id


def test_a_call_that_is_no_act_is_told_if_it_is_denied(customer: Customer) -> None:
    """Somebody reads another's balance: on the transport of the hot methods too."""
    name = f"user.{customer.account_id}"
    user = customer.service.as_caller(name, "USER")
    assert refused(user.credit.GetBalance, credit.GetBalanceRequest(account_id=customer.account_id)).reason
    (row,) = soon(customer.service, 1, "actor = %s", name)
    assert (row.kind, row.target) == ("call.deny", "/credit.v1.CreditService/GetBalance")
    assert (row.refusal, row.account) == ("PERMISSION_DENIED", customer.account_id)


def test_what_is_malformed_and_what_is_no_act_are_not_told(customer: Customer) -> None:
    assert refused(customer.staff.admin.AddCredits, customer.adding(5, reason="")).reason == "INVALID_FIELD"
    assert refused(customer.app.credit.Reserve, customer.reserving(5)).reason == "INSUFFICIENT_CREDIT"
    # What comes after them is told, and nothing else.
    refused(customer.staff.admin.RemoveCredits, customer.removing(5))
    (row,) = soon(customer.service, 1, "account = %s", customer.account_id)
    assert row.kind == "credits.remove"


def test_beyond_so_many_a_minute_the_rest_is_one_row(customer: Customer, support: SimpleNamespace) -> None:
    """And others are told of as before."""
    service, name = customer.service, f"support.{customer.account_id}"
    service.clock.advance(MINUTE_SECONDS)
    total = EVENTS_A_MINUTE + 30
    for _ in range(total):
        refused(support.admin.AddCredits, customer.adding(5))
    refused(customer.staff.admin.RemoveCredits, customer.removing(5))
    soon(service, 1, "account = %s AND actor = 'staff'", customer.account_id)
    service.clock.advance(MINUTE_SECONDS)
    eventually(lambda: sum(row.occurrences for row in told(service, "actor = %s", name)) == total)
    rows = told(service, "actor = %s", name)
    # The minute may have ended by itself in between: then there is one such row for each.
    single, counts = [row for row in rows if row.kind != MORE], [row for row in rows if row.kind == MORE]
    assert EVENTS_A_MINUTE <= len(single) <= 2 * EVENTS_A_MINUTE
    assert 1 <= len(counts) <= 2
    assert {(row.refusal, row.person) for row in counts} == {("PERMISSION_DENIED", name)}


def rejected(service: RunningService, authorization: str | None) -> str:
    call = service.channel().unary_unary(
        "/credit.v1.CreditService/GetBalance",
        request_serializer=credit.GetBalanceRequest.SerializeToString,
        response_deserializer=credit.GetBalanceResponse.FromString,
    )
    metadata = [("authorization", authorization)] if authorization else []
    return refused(call, credit.GetBalanceRequest(account_id="any"), metadata=metadata).reason


def test_rejected_tokens_are_counted_by_what_is_wrong_with_them(service: RunningService) -> None:
    """In one row a minute each, without the token and whatever it says."""
    service.clock.advance(MINUTE_SECONDS)

    def counts() -> dict[str, int]:
        found: dict[str, int] = {}
        for row in told(service, "kind = %s", REJECTED_TOKEN):
            found[row.refusal] = found.get(row.refusal, 0) + row.occurrences
            assert (row.actor, row.person, row.roles, row.target) == ("", "", [], "")
            assert row.address
        return found

    before = counts()
    signature = bearer("me", ["ADMIN"])[:-10] + "AAAAAAAAAA"
    for _ in range(30):
        assert rejected(service, signature) == "TOKEN_INVALID"
    for _ in range(3):
        assert rejected(service, bearer("me", ["ADMIN"], ttl_seconds=-(10**9))) == "TOKEN_EXPIRED"
    assert rejected(service, None) == "TOKEN_INVALID"
    service.clock.advance(MINUTE_SECONDS)
    wanted = {"TOKEN_INVALID.signature": 30, "TOKEN_EXPIRED": 3, "TOKEN_INVALID.missing": 1}

    def grown() -> dict[str, int]:
        return {name: count - before.get(name, 0) for name, count in counts().items()}

    eventually(lambda: all(grown().get(name, 0) >= count for name, count in wanted.items()))
    assert {name: grown()[name] for name in wanted} == wanted


@pytest.fixture
def log_away(service: RunningService) -> Iterator[psycopg.Connection]:
    """Have the audit log refuse every row, until the test says otherwise."""
    with psycopg.connect(service.config.database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_events ADD CONSTRAINT none CHECK (occurrences < 0) NOT VALID")
        yield owner
        owner.execute("ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS none")


def test_a_refusal_is_answered_though_it_cannot_be_told_and_told_once_it_can(
    customer: Customer, support: SimpleNamespace, log_away: psycopg.Connection
) -> None:
    name = f"support.{customer.account_id}"
    for _ in range(3):
        assert refused(support.admin.AddCredits, customer.adding(5)).code is grpc.StatusCode.PERMISSION_DENIED
    failures = customer.service.server.credit.refused_acts.background.failures.counts
    eventually(lambda: failures["IntegrityError"])
    assert told(customer.service, "actor = %s", name) == []
    log_away.execute("ALTER TABLE audit_events DROP CONSTRAINT none")
    soon(customer.service, 3, "actor = %s", name)
