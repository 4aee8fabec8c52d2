"""Limits: exact at any concurrency, on two servers, across hours and days; what comes back may be spent again (C7)."""

from collections.abc import Iterator
from itertools import count
from typing import Any, NamedTuple

import grpc
import psycopg
import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import limits_pb2 as pb
from creditd.domain.limits import DAY, HOUR, MAX_LIMITS
from creditd.domain.resource_names import account_name
from tests.contract.at_once import at_once, reasons
from tests.support.customer import CHAT, Customer
from tests.support.pair import Pair
from tests.support.refusals import RefusedCall, refused
from tests.support.service import running_service

pytestmark = pytest.mark.requirement("C7", "A8")

CALLERS = 64


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Run two servers on one database, whose clocks move together."""
    settings: dict[str, Any] = {"reservation_ttl_seconds": 600, "reservation_max_ttl_seconds": 200_000}
    with running_service(tmp_path_factory.mktemp("first"), **settings) as first:
        folder = tmp_path_factory.mktemp("second")
        with running_service(folder, database_url=first.config.database_url, **settings) as second:
            yield Pair(first, second)


class Spender(NamedTuple):
    """A customer at the first server, and the same one at the second."""

    here: Customer
    there: Customer
    pair: Pair

    def limit(self, *limits: pb.Limit) -> pb.SetLimitsResponse:
        """Set the limits of the account."""
        return self.here.limit(*limits)

    def limits(self) -> pb.GetLimitsResponse:
        """Return the limits, and what is used of them."""
        request = pb.GetLimitsRequest(name=account_name(self.here.account_id))
        answer: pb.GetLimitsResponse = self.there.staff.admin.GetLimits(request)
        return answer

    def used(self, spender_id: str = "") -> tuple[int, int]:
        """Return what is used in the hour and in the day."""
        found = [(u.used_in_hour, u.used_in_day) for u in self.limits().usage if u.spender_id == spender_id]
        return found[0] if found else (0, 0)

    def differences(self) -> int:
        """Return how many differences the ledger shows."""
        request = admin.VerifyLedgerRequest(account_id=self.here.account_id)
        summary: admin.LedgerSummary = [*self.here.staff.admin.VerifyLedger(request)][-1].summary
        return summary.differences


@pytest.fixture
def spender(pair: Pair, account: str) -> Iterator[Spender]:
    """Return a customer with 100,000 credits, at the beginning of a day; its ledger is whole in the end."""
    pair.begin(DAY, 5)
    numbers = count()
    here, there = [
        Customer(
            server,
            server.as_caller("app", "SERVICE", scope="credits.spend credits.read"),
            server.as_caller("staff", "ADMIN"),
            account,
            numbers,
        )
        for server in pair
    ]
    found = Spender(here, there, pair)
    found.here.top_up(100_000)
    yield found
    assert found.differences() == 0


def on_wallet(**bounds: Any) -> pb.Limit:
    """Return a limit on all of the chat wallet."""
    return pb.Limit(credit_type=CHAT, **bounds)


def test_64_reserves_at_once_against_a_limit_of_10_are_10(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    outcomes = at_once(spender.here.app.credit.Reserve, [spender.here.reserving(1) for _ in range(CALLERS)])
    assert reasons(outcomes) == ["LIMIT_EXCEEDED"] * (CALLERS - 10) + ["OK"] * 10
    assert spender.used() == (10, 10)


@pytest.mark.parametrize("spender_id", ["", "agent-7"])
def test_on_two_servers_they_are_10_as_well(spender: Spender, spender_id: str) -> None:
    spender.limit(pb.Limit(credit_type=CHAT, spender=spender_id, most_per_day=10))
    requests = [spender.here.reserving(1, spender_id=spender_id) for _ in range(CALLERS)]
    servers = [spender.here.app, spender.there.app]

    def reserve(request: credit.ReserveRequest) -> Any:
        return servers[requests.index(request) % 2].credit.Reserve(request)

    outcomes = at_once(reserve, requests)
    assert reasons(outcomes) == ["LIMIT_EXCEEDED"] * (CALLERS - 10) + ["OK"] * 10
    assert spender.used(spender_id) == (10, 10)


def test_a_refusal_says_which_limit_how_much_is_used_and_when_it_frees(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_hour=10, most_per_day=1_000))
    spender.here.deduct(7)
    refusal = refused(spender.here.app.credit.Deduct, spender.here.deducting(4))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LIMIT_EXCEEDED")
    hour_end = spender.limits().hour_end_time.ToJsonString()
    facts = {
        "credit_type": CHAT, "which": "MOST_PER_HOUR", "limit": "10", "used": "7", "requested": "4",
    }  # fmt: skip
    assert facts.items() <= refusal.metadata.items()
    assert refusal.metadata["frees_time"] == hour_end.replace("Z", ".000000Z")
    assert refusal.retry is not None
    assert 3_500 < refusal.retry.retry_delay.seconds <= 3_600


def test_of_two_windows_without_room_the_one_is_told_that_frees_last(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_hour=10, most_per_day=10))
    spender.here.deduct(10)
    assert refused(spender.here.app.credit.Deduct, spender.here.deducting(1)).metadata["which"] == "MOST_PER_DAY"


def test_for_more_than_the_limit_itself_no_waiting_helps(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_hour=10))
    refusal = refused(spender.here.app.credit.Deduct, spender.here.deducting(11))
    assert refusal.metadata["which"] == "MOST_PER_HOUR"
    assert "frees_time" not in refusal.metadata
    assert refusal.retry is None


@pytest.mark.parametrize(
    ("amount", "which"), [(2, "LEAST_PER_MOVEMENT"), (3, None), (8, None), (9, "MOST_PER_MOVEMENT")]
)
def test_a_movement_has_a_least_and_a_most(spender: Spender, amount: int, which: str | None) -> None:
    spender.limit(on_wallet(least_per_movement=3, most_per_movement=8))
    if which is None:
        spender.here.deduct(amount)
        spender.here.reserve(amount)
        return
    for call, request in (
        (spender.here.app.credit.Deduct, spender.here.deducting(amount)),
        (spender.here.app.credit.Reserve, spender.here.reserving(amount)),
    ):
        refusal = refused(call, request)
        assert (refusal.reason, refusal.metadata["which"]) == ("LIMIT_EXCEEDED", which)
        assert refusal.retry is None


def test_an_hour_and_a_day_end_with_the_clocks(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_hour=10, most_per_day=15))
    spender.here.deduct(10)
    assert refused(spender.there.app.credit.Deduct, spender.there.deducting(1)).metadata["which"] == "MOST_PER_HOUR"
    spender.pair.begin(HOUR)
    spender.there.deduct(5)
    assert refused(spender.here.app.credit.Deduct, spender.here.deducting(1)).metadata["which"] == "MOST_PER_DAY"
    assert spender.used() == (5, 15)
    spender.pair.begin(DAY)
    assert spender.used() == (0, 0)
    spender.here.deduct(10)
    assert spender.used() == (10, 10)


def test_right_before_midnight_it_is_still_that_day(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    spender.pair.begin(DAY, -20)
    spender.here.deduct(10)
    assert refused(spender.there.app.credit.Deduct, spender.there.deducting(1)).reason == "LIMIT_EXCEEDED"
    spender.pair.advance(20)
    spender.there.deduct(10)
    assert refused(spender.here.app.credit.Deduct, spender.here.deducting(1)).reason == "LIMIT_EXCEEDED"


def test_what_comes_back_may_be_spent_again(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    pending, confirmed = spender.here.hold(6), spender.here.hold(4)
    assert spender.used() == (10, 10)
    spender.there.confirm(confirmed, 3)
    assert spender.used() == (9, 9)
    spender.here.refund(confirmed, 2)
    assert spender.used() == (7, 7)
    spender.there.refund(pending)
    assert spender.used() == (1, 1)
    spender.here.deduct(9)
    assert refused(spender.here.app.credit.Deduct, spender.here.deducting(1)).reason == "LIMIT_EXCEEDED"


def test_a_hold_that_ends_by_itself_gives_back_too(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    spender.here.reserve(10, seconds=60, spender_id="ann")
    spender.pair.advance(61)
    spender.there.deduct(10, spender_id="ann")
    assert spender.used("ann") == (10, 10)


def test_what_comes_back_later_is_of_a_window_that_is_over(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_hour=10, most_per_day=30))
    held = spender.here.reserve(10, seconds=190_000).reservation.name
    spender.pair.begin(HOUR)
    spender.here.deduct(10)
    spender.there.confirm(held, 4)
    assert spender.used() == (10, 14)
    spender.pair.begin(DAY)
    spender.there.deduct(5)
    spender.here.refund(held)
    assert spender.used() == (5, 5)


def test_an_excess_counts_in_the_hour_of_its_confirmation(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_hour=10, most_per_movement=14))
    held = spender.here.reserve(8, seconds=7_000).reservation.name
    spender.pair.begin(HOUR)
    excess = spender.here.confirming(held, 15, allow_excess=True)
    assert refused(spender.here.app.credit.Confirm, excess).metadata["which"] == "MOST_PER_MOVEMENT"
    spender.here.deduct(5)
    excess = spender.here.confirming(held, 14, allow_excess=True)
    assert refused(spender.here.app.credit.Confirm, excess).metadata["which"] == "MOST_PER_HOUR"
    spender.here.confirm(held, 13, allow_excess=True)
    assert spender.used() == (10, 18)
    spender.there.refund(held, 7)
    assert spender.used() == (5, 11)


def test_each_spender_has_the_limit_of_each_or_its_own(spender: Spender) -> None:
    spender.limit(
        pb.Limit(credit_type=CHAT, spender="*", most_per_day=5),
        pb.Limit(credit_type=CHAT, spender="ann", most_per_day=8),
        on_wallet(most_per_day=20),
    )
    spender.here.deduct(8, spender_id="ann")
    spender.there.deduct(5, spender_id="ben")
    spender.here.deduct(5, spender_id="eve")
    for name, used in (("ann", "8"), ("ben", "5")):
        refusal = refused(spender.here.app.credit.Deduct, spender.here.deducting(1, spender_id=name))
        assert (refusal.metadata["spender_id"], refusal.metadata["used"]) == (name, used)
    # Nobody in particular is bound by what binds the wallet.
    refusal = refused(spender.there.app.credit.Deduct, spender.there.deducting(3))
    assert (refusal.metadata.get("spender_id"), refusal.metadata["used"]) == (None, "18")
    spender.there.deduct(2)
    assert (spender.used(), spender.used("ann"), spender.used("eve")) == ((20, 20), (8, 8), (5, 5))


def test_many_spenders_in_turn_are_each_counted(spender: Spender) -> None:
    """Each is loaded when first met, and those met before keep their counts."""
    spender.limit(pb.Limit(credit_type=CHAT, spender="*", most_per_day=3))
    names = [f"member-{number}" for number in range(12)]
    for turn in range(4):
        requests = [spender.here.deducting(1, spender_id=name) for name in names]
        for number, request in enumerate(requests):
            app = (spender.here if (number + turn) % 3 else spender.there).app
            if turn < 3:
                app.credit.Deduct(request)
            else:
                assert refused(app.credit.Deduct, request).metadata["spender_id"] == names[number]


def test_in_a_batch_one_that_is_over_the_limit_fails_alone(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    requests = [spender.here.reserving(amount) for amount in (6, 5, 4, 1)]
    answer = spender.here.app.credit.BatchReserve(credit.BatchReserveRequest(requests=requests))
    assert [result.HasField("error") for result in answer.results] == [False, True, False, True]
    deducts = [spender.here.deducting(1, spender_id="ann")]
    answer = spender.here.app.credit.BatchDeduct(credit.BatchDeductRequest(requests=deducts))
    assert answer.results[0].HasField("error")


def test_what_an_unlimited_plan_covers_is_counted(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    spender.here.go_unlimited()
    spender.here.deduct(10)
    assert refused(spender.here.app.credit.Deduct, spender.here.deducting(1)).reason == "LIMIT_EXCEEDED"


def test_under_an_unlimited_plan_counts_stay_within_their_column(spender: Spender) -> None:
    spender.limit(pb.Limit(credit_type=CHAT, spender="ann", most_per_day=10))
    spender.here.go_unlimited()
    spender.here.deduct(2**63 - 1)
    refusal = refused(spender.here.app.credit.Deduct, spender.here.deducting(1))
    assert (refusal.reason, refusal.metadata["limit"]) == ("LIMIT_EXCEEDED", str(2**63 - 1))


def test_staff_and_other_credit_types_are_not_limited(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=0, most_per_movement=0))
    spender.here.remove(50)
    spender.here.top_up(50, credit_type="spec")
    spender.here.deduct(50, credit_type="spec")
    assert refused(spender.here.app.credit.Deduct, spender.here.deducting(1)).reason == "LIMIT_EXCEEDED"


def test_a_change_is_in_force_on_all_servers_at_once(spender: Spender) -> None:
    """A copy in the other server's memory does not outlive it."""
    for limit in (1, 2, 3):
        spender.limit(on_wallet(most_per_day=limit))
        spender.there.deduct(1)
        assert refused(spender.there.app.credit.Deduct, spender.there.deducting(1)).metadata["limit"] == str(limit)
    spender.limit()
    spender.there.deduct(50)


def test_a_repeat_is_no_second_spending_and_another_spender_is_another_request(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    request = spender.here.deducting(10, spender_id="ann")
    first = spender.here.app.credit.Deduct(request)
    assert spender.there.app.credit.Deduct(request).entry == first.entry
    assert spender.used() == (10, 10)
    request.spender_id = "ben"
    assert refused(spender.here.app.credit.Deduct, request).reason == "REQUEST_ID_REUSED"


def test_the_spender_stands_in_the_ledger_and_with_the_reservation(spender: Spender) -> None:
    held = spender.here.reserve(5, spender_id="team@a+b")
    spender.there.confirm(held.reservation.name, 2)
    spender.here.deduct(1, spender_id="key-1")
    spender.here.deduct(1)
    assert [entry.spender_id for entry in spender.there.entries()] == ["", "key-1", "team@a+b", "team@a+b", ""]
    assert held.reservation.spender_id == spender.there.reservation(held.reservation.name).spender_id == "team@a+b"
    assert spender.used() == (0, 0)


def test_asking_only_what_would_come_of_it_counts_nothing(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    spender.here.deduct(10, validate_only=True)
    assert spender.used() == (0, 0)
    spender.here.deduct(10)
    request = spender.here.deducting(1, validate_only=True)
    assert refused(spender.here.app.credit.Deduct, request).reason == "LIMIT_EXCEEDED"


def test_limits_are_shown_as_they_were_set(spender: Spender) -> None:
    limits = [
        pb.Limit(credit_type=CHAT, most_per_hour=0),
        pb.Limit(credit_type=CHAT, spender="*", least_per_movement=1, most_per_movement=2),
        pb.Limit(credit_type="spec", spender="ann"),
    ]
    request = spender.here.limiting(*reversed(limits))
    answer = spender.here.staff.admin.SetLimits(request)
    assert list(answer.limits) == limits
    assert list(spender.limits().limits) == limits
    spender.limit()
    assert spender.here.staff.admin.SetLimits(request) == answer
    assert not spender.limits().limits


def test_a_set_of_limits_that_makes_no_sense_is_refused_and_changes_nothing(spender: Spender) -> None:
    def refusal(*limits: pb.Limit, **fields: Any) -> RefusedCall:
        return refused(spender.here.staff.admin.SetLimits, spender.here.limiting(*limits, **fields))

    assert refusal(on_wallet(most_per_day=1), on_wallet(most_per_hour=1)).metadata["field"] == "limits"
    assert refusal(on_wallet(least_per_movement=2, most_per_movement=1)).metadata["field"] == "limits"
    assert refusal(on_wallet(most_per_day=-1)).violations == ["limits[0].most_per_day"]
    assert refusal(pb.Limit(credit_type=CHAT, spender="a b")).violations == ["limits[0].spender"]
    assert refusal(pb.Limit(credit_type="gold")).reason == "CREDIT_TYPE_NOT_FOUND"
    assert refusal(*[pb.Limit(credit_type=CHAT, spender=f"s{n}") for n in range(MAX_LIMITS + 1)]).violations == [
        "limits"
    ]
    assert refusal(expected_version=7).reason == "VERSION_MISMATCH"
    assert not spender.limits().limits
    spender.here.become(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    assert refusal(on_wallet(most_per_day=1)).reason == "ACCOUNT_CLOSED"


def test_only_administrators_set_limits(spender: Spender) -> None:
    support = spender.pair.first.as_caller("support", "SUPPORT")
    assert refused(support.admin.SetLimits, spender.here.limiting()).code is grpc.StatusCode.PERMISSION_DENIED
    assert not support.admin.GetLimits(pb.GetLimitsRequest(name=account_name(spender.here.account_id))).limits
    assert refused(spender.here.app.admin.SetLimits, spender.here.limiting()).code is grpc.StatusCode.PERMISSION_DENIED


def test_a_spenders_id_has_the_form_of_an_accounts(spender: Spender) -> None:
    for spender_id in ("*", "a b", "x" * 129, "é"):
        request = spender.here.reserving(1, spender_id=spender_id)
        assert refused(spender.here.app.credit.Reserve, request).violations == ["spender_id"]


def test_counts_of_days_that_are_over_are_deleted(spender: Spender) -> None:
    spender.limit(on_wallet(most_per_day=10))
    spender.here.deduct(10, spender_id="ann")
    spender.pair.begin(DAY, 5)
    spender.here.deduct(4, spender_id="ben")
    spender.pair.begin(DAY, 5)
    spender.here.deduct(1, spender_id="eve")
    while spender.pair.first.core.sweep.prune_once():
        pass
    with psycopg.connect(spender.pair.first.config.database_url) as connection:
        rows = connection.execute(
            "SELECT spender_id FROM spending_counts WHERE account_id = %s ORDER BY 1", [spender.here.account_id]
        ).fetchall()
    # A server whose clock is a little behind may still be at yesterday.
    assert rows == [("",), ("ben",), ("eve",)]
    spender.there.deduct(9, spender_id="ann")
    assert refused(spender.there.app.credit.Deduct, spender.there.deducting(1)).reason == "LIMIT_EXCEEDED"
    assert (spender.used("ann"), spender.used("ben"), spender.used()) == ((9, 9), (0, 0), (10, 10))
