"""Every administrative act is told in the audit log, in its own transaction (requirement D2)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from creditd.bootstrap.credit import SERVICES
from creditd.bootstrap.identity import IDENTITY_SERVICES
from creditd.server.acts import KINDS, OF_OTHERS
from tests.contract.at_once import at_once, was_replayed
from tests.contract.payments.audited import ACTS, adding, contains, done, method_of, rows
from tests.contract.payments.shopper import Shopper
from tests.support.market import Market
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("D2")

NOT_OF_STAFF = {
    "CreditService",
    "PaymentService",
    "WebhookService",
    "IdentityService",
    "EventService",
    "WorkflowService",
}
"""Services of applications, payers, the adapter and users; whatever else there is is of staff."""

OF_EXAMPLES = {"AdminService", "PaymentAdminService", "PromoService"}
"""Services whose acts have an example here; the others have tests of their own."""

OF_OWNERS = {"RedeemPromoCode"}
"""What owners do among what staff do."""

READING = ("Get", "List", "Verify", "Exchange", "Export", "Explain", "Search")
"""How the names of RPCs begin that change nothing for anybody."""

AGAIN = sorted(set(ACTS) - {"payments.reconcile"})
"""Acts that have a request id."""


def url_of(shopper: Shopper) -> str:
    return shopper.market.service.config.database_url


def test_every_rpc_that_changes_something_for_staff_is_an_act() -> None:
    """A new one has to be given its name in the audit log, and an example here."""
    changing = {
        method.input_type.full_name: service.name
        for service in (*SERVICES, *IDENTITY_SERVICES)
        if service.name not in NOT_OF_STAFF
        for method in service.methods
        if not method.name.startswith(READING) and method.name not in OF_OWNERS
    }
    assert changing.keys() - KINDS.keys() == set()
    ours = {KINDS[name] for name, service in changing.items() if service in OF_EXAMPLES}
    assert ours == set(ACTS)


def test_every_kind_is_explained() -> None:
    text = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert [kind for kind in (*KINDS.values(), *OF_OTHERS.values()) if f"`{kind}`" not in text] == []


@pytest.mark.parametrize("kind", ACTS)
def test_an_act_is_told_with_who_what_why_before_and_after(shopper: Shopper, kind: str) -> None:
    example = ACTS[kind](shopper)
    began = time.time()
    known = {row.event_id for row in rows(url_of(shopper), "kind = %s", kind)}
    done(shopper, example.request)
    (row,) = (row for row in rows(url_of(shopper), "kind = %s", kind) if row.event_id not in known)
    assert (row.actor, row.person, row.roles, row.outcome, row.refusal) == ("staff", "staff", ["ADMIN"], 1, "")
    assert (row.target, row.account, row.occurrences) == (example.target, example.account_id, 1)
    assert row.reason == getattr(example.request, "reason", "")
    assert row.request_id == getattr(example.request, "request_id", "")
    assert contains(row.before, example.before), row.before
    assert contains(row.after, example.after), row.after
    assert row.correlation_id
    assert row.address.startswith("127.0.0.1:")
    assert began - 60 < row.create_time.timestamp()
    assert abs(int(row.event_id.hex[:12], 16) / 1000 - row.create_time.timestamp()) < 1


@pytest.mark.parametrize("kind", AGAIN)
def test_a_repeat_is_not_told_again(shopper: Shopper, kind: str) -> None:
    example = ACTS[kind](shopper)
    done(shopper, example.request)
    assert was_replayed(done(shopper, example.request))
    assert len(rows(url_of(shopper), "request_id = %s", example.request.request_id)) == 1


@pytest.mark.parametrize("kind", ["credits.add", "account.set_status", "package.create"])
def test_ten_at_once_with_one_id_are_told_once(shopper: Shopper, kind: str) -> None:
    example = ACTS[kind](shopper)
    at_once(method_of(shopper, example.request).with_call, [example.request] * 10)
    assert len(rows(url_of(shopper), "request_id = %s", example.request.request_id)) == 1


@pytest.mark.parametrize(
    "kind", ["credits.add", "credits.remove", "debt.write_off", "account.set_status", "account.set_plan"]
)
def test_what_is_only_tried_is_not_told(shopper: Shopper, kind: str) -> None:
    request = ACTS[kind](shopper).request
    request.validate_only = True
    done(shopper, request)
    assert rows(url_of(shopper), "request_id = %s", request.request_id) == []


@contextmanager
def nothing_can_be_told(market: Market) -> Iterator[None]:
    """Have the database refuse every row of the audit log."""
    with psycopg.connect(market.service.config.database_url, autocommit=True) as owner:
        owner.execute("ALTER TABLE audit_events ADD CONSTRAINT none CHECK (occurrences < 0) NOT VALID")
        try:
            yield
        finally:
            owner.execute("ALTER TABLE audit_events DROP CONSTRAINT none")


@pytest.mark.parametrize("kind", ACTS)
def test_what_cannot_be_told_is_not_done(shopper: Shopper, kind: str) -> None:
    """Not even its request id is used: both are one transaction, and nothing can come in between."""
    example = ACTS[kind](shopper)
    earlier = rows(url_of(shopper), "target = %s AND kind = %s", example.target, kind)
    with nothing_can_be_told(shopper.market):
        method = method_of(shopper, example.request)
        failure = refused(
            method if hasattr(method, "with_call") else lambda asked: list(method(asked)), example.request
        )
        assert failure.code.name == "INTERNAL"
    assert rows(url_of(shopper), "target = %s AND kind = %s", example.target, kind) == earlier
    made = done(shopper, example.request)
    if kind in AGAIN:
        assert not was_replayed(made)
    (*_, row) = rows(url_of(shopper), "kind = %s", kind)
    assert contains(row.before, example.before), row.before
    assert contains(row.after, example.after), row.after


def test_a_batch_loses_nothing_else_to_an_act_that_cannot_be_told(shopper: Shopper) -> None:
    """Acts and other work go through one ledger: those beside it are done."""
    shopper.staff.admin.AddCredits(adding(shopper, 1_000))
    with nothing_can_be_told(shopper.market):
        asked = [lambda: shopper.spend(1)] * 20 + [lambda: refused(shopper.staff.admin.AddCredits, adding(shopper))] * 5
        at_once(lambda do: do(), asked)
    assert shopper.figures() == (980, 0)


def test_many_at_once_on_one_account_are_each_told_with_what_it_found(shopper: Shopper) -> None:
    at_once(shopper.staff.admin.AddCredits, [adding(shopper, 1) for _ in range(30)])
    told = rows(url_of(shopper), "account = %s", shopper.account_id)
    befores = sorted(row.before["balances"][0]["available"] for row in told)
    assert befores == list(range(30))
    assert all(row.after["balances"][0]["available"] == row.before["balances"][0]["available"] + 1 for row in told)
    entries = {entry.request_id: entry.version for entry in shopper.entries()}
    assert {row.request_id: row.after["balances"][0]["version"] for row in told} == entries


def test_a_secret_in_a_reason_is_left_out(shopper: Shopper) -> None:
    request = adding(shopper, reason="as told with password=hunter2-hunter2")
    done(shopper, request)
    (row,) = rows(url_of(shopper), "request_id = %s", request.request_id)
    assert row.reason == "as told with password=[redacted]"
