"""What FINANCE removes waits for a second person, and is done once, in the transaction in which it is approved (D4)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import approval_service_pb2 as pb
from creditd.ledger.ids import uuid7
from tests.contract.at_once import at_once, reasons, was_replayed
from tests.support.approving import Pair, approving, cancelling, rejecting, state_of
from tests.support.customer import Customer
from tests.support.office import reason_of
from tests.support.patience import eventually
from tests.support.postgres import as_administrator
from tests.support.refusals import RefusedCall, refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("D4")

UNKNOWN = "01890000-0000-7000-8000-000000000000"
LIFETIME_SECONDS = 3 * 86_400


def why_refused(call: Any, request: Any) -> tuple[str, str]:
    refusal = refused(call, request)
    return refusal.code.name, refusal.reason


def told_of(pair: Pair) -> list[tuple[str, str]]:
    """Return what the audit log tells of the customer since its credits were given: by whom, and what."""
    query = "SELECT actor, kind FROM audit_events WHERE account = %s AND kind <> 'credits.add' ORDER BY event_id"
    with psycopg.connect(pair.service.config.database_url) as connection:
        return connection.execute(query, [pair.customer.account_id]).fetchall()


def test_nothing_is_removed_before_it_is_approved(pair: Pair) -> None:
    asked = pair.ask(30, reason="given twice")
    assert pair.customer.figures() == (100, 0)
    assert (state_of(asked), asked.account_id) == ("PENDING", pair.customer.account_id)
    assert [(one.credit_type, one.amount) for one in asked.amounts] == [("chat", 30)]
    assert (asked.maker, asked.maker_person, asked.reason, asked.decided_by) == ("fin", "fin", "given twice", "")
    (preview,) = asked.preview
    assert (preview.available, preview.version) == (70, 2)
    assert asked.expire_time.seconds - asked.create_time.seconds == LIFETIME_SECONDS
    assert pair.get(asked) == asked
    assert pair.list() == [asked]


def test_it_is_done_as_it_is_approved_and_the_ledger_says_who_why_and_by_which_approval(pair: Pair) -> None:
    asked = pair.ask(30, reason="given twice", metadata={"ticket": "7"})
    approved = pair.approve(asked, reason="as agreed")
    assert pair.customer.figures() == (70, 0)
    assert (state_of(approved), approved.decided_by, approved.decision_reason) == ("APPROVED", "faye", "as agreed")
    (balance,) = approved.balances
    assert (balance.available, balance.version) == (70, 2)
    entry = pair.customer.entries()[0]
    assert (entry.actor, entry.reason, entry.version) == ("fin", "given twice", balance.version)
    assert dict(entry.metadata) == {"ticket": "7", "approval": asked.name}
    assert pair.get(asked) == approved
    assert told_of(pair) == [("fin", "approval.request"), ("fin", "credits.remove"), ("faye", "approval.approve")]


def test_several_types_are_removed_all_or_none(pair: Pair) -> None:
    pair.customer.top_up(10, credit_type="spec")
    amounts = [admin.CreditAmount(credit_type=name, amount=5) for name in ("spec", "chat")]
    request = admin.RemoveCreditsRequest(
        account_id=pair.customer.account_id, amounts=amounts, reason="a test", request_id=uuid7()
    )
    approval = pair.maker.admin.RemoveCredits(request).approval
    assert [balance.credit_type for balance in pair.approve(approval).balances] == ["spec", "chat"]
    assert pair.customer.figures() == (95, 0)
    assert pair.customer.balance("spec").available == approval.preview[0].available


def test_an_administrator_may_approve_and_acts_alone_otherwise(pair: Pair) -> None:
    asked = pair.ask(1)
    assert state_of(pair.customer.staff.approval.Approve(approving(asked)).approval) == "APPROVED"
    answer = pair.customer.remove(1)
    assert (answer.HasField("approval"), len(answer.entries)) == (False, 1)
    both = pair.service.as_caller("both", "FINANCE", "ADMIN").admin.RemoveCredits(pair.customer.removing(1))
    assert len(both.entries) == 1


@pytest.mark.parametrize("decide", ["Approve", "Reject"])
@pytest.mark.parametrize(
    "caller",
    [
        ("fin", "FINANCE", {}),
        ("fin", "ADMIN", {}),
        ("second", "ADMIN", {"person": "fin"}),
        ("fin", "FINANCE", {"person": "somebody"}),
    ],
    ids=["itself", "itself by another role", "a second account", "another person's name"],
)
def test_nobody_decides_on_their_own_by_whatever_account(pair: Pair, decide: str, caller: Any) -> None:
    asked = pair.ask(30)
    subject, role, claims = caller
    own = getattr(pair.service.as_caller(subject, role, **claims).approval, decide)
    request = approving(asked) if decide == "Approve" else rejecting(asked)
    assert why_refused(own, request) == ("PERMISSION_DENIED", "OWN_APPROVAL")
    assert (state_of(pair.get(asked)), pair.customer.figures()) == ("PENDING", (100, 0))


def test_a_refusal_is_told_in_the_audit_log(pair: Pair) -> None:
    name = f"fin.{pair.customer.account_id}"
    by = pair.service.as_caller(name, "FINANCE")
    asked = by.admin.RemoveCredits(pair.customer.removing(1)).approval
    refused(by.approval.Approve, approving(asked))
    assert eventually(lambda: told_of(pair) == [(name, "approval.request"), (name, "approval.approve")])


def test_a_person_does_not_approve_what_their_second_account_has_asked_for(pair: Pair) -> None:
    by_second = pair.service.as_caller("robot", "FINANCE", person="Faye")
    asked = by_second.admin.RemoveCredits(pair.customer.removing(30)).approval
    assert (asked.maker, asked.maker_person) == ("robot", "Faye")
    for person in ("Faye", "robot"):
        by = pair.service.as_caller("faye", "FINANCE", person=person).approval
        assert why_refused(by.Approve, approving(asked)) == ("PERMISSION_DENIED", "OWN_APPROVAL")


def test_what_was_rejected_is_never_done(pair: Pair) -> None:
    asked = pair.ask(30)
    rejected = pair.other.approval.Reject(rejecting(asked, reason="the customer is right")).approval
    assert (state_of(rejected), rejected.decision_reason) == ("REJECTED", "the customer is right")
    assert why_refused(pair.other.approval.Approve, approving(asked)) == ("FAILED_PRECONDITION", "APPROVAL_DECIDED")
    assert (pair.customer.figures(), pair.get(asked)) == ((100, 0), rejected)
    assert told_of(pair)[:2] == [("fin", "approval.request"), ("faye", "approval.reject")]


def test_its_maker_takes_it_back_and_nobody_else(pair: Pair) -> None:
    asked = pair.ask(30)
    theirs = why_refused(pair.other.approval.CancelApproval, cancelling(asked))
    assert theirs == ("PERMISSION_DENIED", "NOT_OWN_APPROVAL")
    cancelled = pair.maker.approval.CancelApproval(cancelling(asked)).approval
    assert (state_of(cancelled), cancelled.decided_by) == ("CANCELLED", "fin")
    assert why_refused(pair.other.approval.Approve, approving(asked)) == ("FAILED_PRECONDITION", "APPROVAL_DECIDED")


def test_what_would_be_refused_is_refused_at_once(pair: Pair) -> None:
    remove = pair.maker.admin.RemoveCredits
    customer = pair.customer
    assert why_refused(remove, customer.removing(101)) == ("FAILED_PRECONDITION", "INSUFFICIENT_CREDIT")
    assert why_refused(remove, customer.removing(1, credit_type="no")) == ("NOT_FOUND", "CREDIT_TYPE_NOT_FOUND")
    assert why_refused(remove, customer.another("never-seen").removing(1)) == ("NOT_FOUND", "ACCOUNT_NOT_FOUND")
    twice = customer.removing(1)
    twice.amounts.add(credit_type="chat", amount=1)
    assert why_refused(remove, twice) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    late = customer.removing(1)
    late.amounts[0].expected_version = 0
    assert why_refused(remove, late) == ("ABORTED", "VERSION_MISMATCH")
    assert pair.list() == []
    # None of their request ids is used.
    late.amounts[0].expected_version = 1
    assert pair.maker.admin.RemoveCredits(late).approval.name


def test_what_is_only_tried_is_shown_and_not_kept(pair: Pair) -> None:
    asked = pair.ask(30, validate_only=True)
    assert (asked.name, state_of(asked), asked.preview[0].available) == ("", "PENDING", 70)
    assert (pair.list(), told_of(pair)) == ([], [])
    asked = pair.ask(30)
    pair.customer.remove(20)
    tried = pair.approve(asked, validate_only=True)
    assert (state_of(tried), tried.balances[0].available) == ("APPROVED", 50)
    assert (state_of(pair.get(asked)), pair.customer.figures()) == ("PENDING", (80, 0))


def test_when_the_balance_has_gone_it_stays_pending(pair: Pair) -> None:
    asked = pair.ask(30)
    pair.customer.remove(80)
    refusal = refused(pair.other.approval.Approve, approving(asked))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_CREDIT")
    assert (refusal.metadata["required"], refusal.metadata["available"]) == ("30", "20")
    assert (state_of(pair.get(asked)), pair.customer.figures()) == ("PENDING", (20, 0))
    pair.customer.top_up(10)
    assert pair.approve(asked).balances[0].available == 0


def test_on_an_account_that_is_closed_meanwhile_nothing_is_done(pair: Pair) -> None:
    asked = pair.ask(30)
    pair.customer.become(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    assert why_refused(pair.other.approval.Approve, approving(asked)) == ("FAILED_PRECONDITION", "ACCOUNT_CLOSED")
    assert state_of(pair.get(asked)) == "PENDING"
    assert state_of(pair.other.approval.Reject(rejecting(asked)).approval) == "REJECTED"


def test_it_expires_at_its_time_and_not_before(pair: Pair) -> None:
    first, second = pair.ask(1), pair.ask(1)
    pair.service.clock.advance(LIFETIME_SECONDS - 60)
    pair.approve(first)
    pair.service.clock.advance(61)
    assert why_refused(pair.other.approval.Approve, approving(second)) == ("FAILED_PRECONDITION", "APPROVAL_EXPIRED")
    assert why_refused(pair.other.approval.Reject, rejecting(second)) == ("FAILED_PRECONDITION", "APPROVAL_EXPIRED")
    assert [state_of(one) for one in pair.list()] == ["EXPIRED", "APPROVED"]
    assert pair.customer.figures() == (99, 0)


@pytest.mark.requirement("A7")
def test_the_same_request_again_is_the_same_approval_as_it_is_by_then(pair: Pair) -> None:
    request = pair.customer.removing(30)
    first = pair.maker.admin.RemoveCredits(request).approval
    again, call = pair.maker.admin.RemoveCredits.with_call(request)
    assert (again.approval, was_replayed(call)) == (first, True)
    approved = pair.approve(first)
    assert pair.maker.admin.RemoveCredits(request).approval == approved
    # Also for one who may act alone by now.
    answer, call = pair.customer.staff.admin.RemoveCredits.with_call(request)
    assert (answer.approval, was_replayed(call)) == (approved, True)
    request.amounts[0].amount = 31
    for by in (pair.maker, pair.customer.staff):
        assert why_refused(by.admin.RemoveCredits, request) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    assert pair.customer.figures() == (70, 0)


@pytest.mark.requirement("A7")
def test_what_was_done_alone_is_answered_as_done_to_who_may_not_act_alone_any_more(pair: Pair) -> None:
    request = pair.customer.removing(30)
    done = pair.customer.staff.admin.RemoveCredits(request)
    again, call = pair.maker.admin.RemoveCredits.with_call(request)
    assert (again, was_replayed(call)) == (done, True)
    assert pair.list() == []


@pytest.mark.requirement("A7")
def test_a_decision_is_repeated_with_the_same_answer_and_its_id_is_good_for_nothing_else(pair: Pair) -> None:
    asked, another = pair.ask(30), pair.ask(1)
    request = approving(asked)
    approved, call = pair.other.approval.Approve.with_call(request)
    assert not was_replayed(call)
    again, call = pair.other.approval.Approve.with_call(request)
    assert (again, was_replayed(call)) == (approved, True)
    assert why_refused(pair.other.approval.Approve, approving(asked)) == ("FAILED_PRECONDITION", "APPROVAL_DECIDED")
    request.name = another.name
    assert why_refused(pair.other.approval.Approve, request) == ("ALREADY_EXISTS", "REQUEST_ID_REUSED")
    spent = refused(pair.customer.staff.admin.RemoveCredits, pair.customer.removing(1, request_id=request.request_id))
    assert (spent.reason, spent.metadata["used_by"]) == ("REQUEST_ID_REUSED", "APPROVAL_DECISION")
    assert pair.customer.figures() == (70, 0)


def test_what_there_is_not_is_not_found(pair: Pair) -> None:
    name = f"accounts/{pair.customer.account_id}/approvals/{UNKNOWN}"
    of_nobody = f"accounts/{pair.customer.account_id}.x/approvals/{UNKNOWN}"
    for unknown in (name, of_nobody):
        request = pb.ApproveRequest(name=unknown, request_id=uuid7())
        assert why_refused(pair.other.approval.Approve, request) == ("NOT_FOUND", "APPROVAL_NOT_FOUND")
        got = why_refused(pair.other.approval.GetApproval, pb.GetApprovalRequest(name=unknown))
        assert got == ("NOT_FOUND", "APPROVAL_NOT_FOUND")
    asked = pair.ask(1)
    elsewhere = asked.name.replace(pair.customer.account_id, f"{pair.customer.account_id}.x")
    request = pb.ApproveRequest(name=elsewhere, request_id=uuid7())
    assert why_refused(pair.other.approval.Approve, request) == ("NOT_FOUND", "APPROVAL_NOT_FOUND")


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "approvals/1"},
        {"name": "accounts/a/approvals/1"},
        {"request_id": ""},
        {"request_id": "x" * 256},
        {"request_id": "a\0b"},
        {"reason": "x" * 501},
        {"reason": "a\0b"},
    ],
    ids=repr,
)
def test_a_malformed_request_is_refused_by_its_field(pair: Pair, fields: dict[str, Any]) -> None:
    name = f"accounts/a/approvals/{UNKNOWN}"
    request = pb.ApproveRequest(**{"name": name, "request_id": "1"} | fields)
    assert why_refused(pair.other.approval.Approve, request) == ("INVALID_ARGUMENT", "INVALID_FIELD")


@pytest.fixture(scope="module")
def second(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run another server on the same database."""
    folder, url = tmp_path_factory.mktemp("second"), service.config.database_url
    with running_service(folder, database_url=url, migrated=False) as running:
        running.clock.advance(service.seconds - running.seconds)
        yield running


@pytest.mark.requirement("B3")
def test_of_many_who_decide_at_once_on_two_servers_one_does(pair: Pair, second: RunningService) -> None:
    for _ in range(3):
        asked, before = pair.ask(5), pair.customer.figures()[0]
        deciders = [
            server.as_caller(f"f{n}", "FINANCE").approval for n, server in enumerate((pair.service, second) * 2)
        ]
        decisions = [partial(by.Approve, approving(asked)) for by in deciders]
        decisions += [partial(by.Reject, rejecting(asked)) for by in deciders]
        outcomes = at_once(lambda decide: decide(), decisions)
        assert reasons(outcomes) == ["APPROVAL_DECIDED"] * 7 + ["OK"]
        (won,) = (outcome.approval for outcome in outcomes if not isinstance(outcome, RefusedCall))
        assert pair.get(asked) == won
        assert pair.customer.figures()[0] == before - (5 if state_of(won) == "APPROVED" else 0)


@pytest.mark.requirement("A7", "B3")
def test_one_decision_sent_many_times_at_once_to_two_servers_is_made_once(pair: Pair, second: RunningService) -> None:
    asked = pair.ask(5)
    request = approving(asked)
    calls = [server.as_caller("faye", "FINANCE").approval.Approve for server in (pair.service, second)] * 3
    outcomes = at_once(lambda call: call(request), calls)
    assert reasons(outcomes) == ["OK"] * 6
    assert {outcome.SerializeToString(deterministic=True) for outcome in outcomes} == {
        pb.ApproveResponse(approval=pair.get(asked)).SerializeToString(deterministic=True)
    }
    assert pair.customer.figures() == (95, 0)


@pytest.mark.requirement("A7")
def test_one_request_sent_many_times_at_once_to_two_servers_is_one_approval(pair: Pair, second: RunningService) -> None:
    request = pair.customer.removing(5)
    calls = [server.as_caller("fin", "FINANCE").admin.RemoveCredits for server in (pair.service, second)] * 3
    outcomes = at_once(lambda call: call(request), calls)
    assert reasons(outcomes) == ["OK"] * 6
    assert len({outcome.approval.name for outcome in outcomes}) == len(pair.list()) == 1


def test_many_approvals_at_once_never_take_more_than_there_is(pair: Pair, second: RunningService) -> None:
    asked = [pair.ask(30) for _ in range(6)]
    calls = [server.as_caller("faye", "FINANCE").approval.Approve for server in (pair.service, second)] * 3
    outcomes = at_once(lambda one: one[0](approving(one[1])), list(zip(calls, asked, strict=True)))
    assert reasons(outcomes) == ["INSUFFICIENT_CREDIT"] * 3 + ["OK"] * 3
    assert pair.customer.figures() == (10, 0)
    assert sorted(state_of(one) for one in pair.list()) == ["APPROVED"] * 3 + ["PENDING"] * 3


@contextmanager
def _decisions_take_long(service: RunningService) -> Iterator[psycopg.Connection]:
    """Have each decision wait in its transaction, once what is approved has been done there."""
    with psycopg.connect(as_administrator(service.config.database_url), autocommit=True) as owner:
        owner.execute("""
            CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN PERFORM pg_sleep(30); RETURN new; END $$
        """)
        owner.execute("CREATE TRIGGER wait BEFORE INSERT ON approval_decisions FOR EACH ROW EXECUTE FUNCTION wait()")
        try:
            yield owner
        finally:
            owner.execute("DROP FUNCTION wait CASCADE")


def test_when_all_is_lost_between_the_effect_and_the_decision_neither_is_there(pair: Pair) -> None:
    asked = pair.ask(30)
    request = approving(asked)
    waiting = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE wait_event = 'PgSleep' AND datname = current_database()
    """
    with _decisions_take_long(pair.service) as owner, ThreadPoolExecutor(1) as pool:
        call = pool.submit(refused, pair.other.approval.Approve, request)
        assert eventually(lambda: owner.execute(waiting).fetchone())
        assert call.result().reason == "DATABASE_UNAVAILABLE"
    assert (state_of(pair.get(asked)), pair.customer.figures()) == ("PENDING", (100, 0))
    assert told_of(pair) == [("fin", "approval.request")]
    assert eventually(lambda: reason_of(pair.other.approval.Approve, request) == "OK")
    assert state_of(pair.approve(asked, request_id=request.request_id)) == "APPROVED"
    assert pair.customer.kinds() == ["ADMIN_REMOVE", "ADMIN_ADD"]


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service whose administrators may remove 10 chat credits alone."""
    with running_service(tmp_path_factory.mktemp("strict"), approval_credit_thresholds={"chat": 10}) as running:
        yield running


@pytest.fixture
def strict_pair(strict: RunningService, account: str) -> Pair:
    """Return two administrators of the strict service, and a customer with 100 credits."""
    staff: SimpleNamespace = strict.as_caller("staff", "ADMIN")
    app = strict.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    customer = Customer(strict, app, staff, account)
    customer.top_up(100)
    return Pair(customer, staff, strict.as_caller("boss", "ADMIN"))


def test_above_the_threshold_an_administrator_too_needs_a_second_person(strict_pair: Pair) -> None:
    pair = strict_pair
    assert len(pair.customer.remove(10).entries) == 1
    asked = pair.ask(11)
    assert pair.customer.figures() == (90, 0)
    assert why_refused(pair.maker.approval.Approve, approving(asked)) == ("PERMISSION_DENIED", "OWN_APPROVAL")
    pair.approve(asked)
    assert pair.customer.figures() == (79, 0)


def test_a_threshold_is_for_its_credit_type_alone(strict_pair: Pair) -> None:
    strict_pair.customer.top_up(500, credit_type="quiz_gen")
    assert len(strict_pair.customer.remove(500, credit_type="quiz_gen").entries) == 1
