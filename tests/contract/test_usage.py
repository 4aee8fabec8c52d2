"""GetUsageSummary and GetUsageAnalytics: what was used, came in and was lost, to the last movement (C4, C5)."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import psycopg
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import account_pb2, source_pb2, usage_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.domain.instant import SECOND, Instant
from creditd.domain.usage.usage import QUARTER
from creditd.service.usage import usage_rollup
from tests.support.customer import CHAT, Customer
from tests.support.pair import Pair
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import running_service
from tests.support.usage_rolling import add_up
from tests.support.usage_sums import FIELDS, balance_of_all, figures_by_day, used_by

pytestmark = pytest.mark.requirement("C4", "C5")

DAY, HOUR = usage_pb2.USAGE_GRANULARITY_DAY, usage_pb2.USAGE_GRANULARITY_HOUR
MONTH = usage_pb2.USAGE_GRANULARITY_MONTH

ZONES = ("", "Asia/Bangkok", "Asia/Jerusalem", "Asia/Kathmandu")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Run two servers on one database, each of which would add up now and then; the label is `model`."""
    settings: dict[str, Any] = {"usage_label": "model", "reservation_max_ttl_seconds": 10**7}
    with running_service(tmp_path_factory.mktemp("first"), **settings) as first:
        folder = tmp_path_factory.mktemp("second")
        with running_service(folder, database_url=first.config.database_url, **settings) as second:
            yield Pair(first, second)


@pytest.fixture
def user(pair: Pair, account: str) -> Customer:
    """Return a customer at the first server."""
    first = pair.first
    app = first.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    return Customer(first, app, first.as_caller("staff", "ADMIN"), account)


def roll_up(pair: Pair) -> None:
    """Have the first server add up all that is committed."""
    add_up(pair.first.core)


def summary(user: Customer, **fields: Any) -> credit.GetUsageSummaryResponse:
    """Return the customer's usage."""
    request = credit.GetUsageSummaryRequest(account_id=user.account_id, **fields)
    answer: credit.GetUsageSummaryResponse = user.app.credit.GetUsageSummary(request)
    return answer


def of_chat(user: Customer, **fields: Any) -> usage_pb2.CreditTypeUsage:
    """Return the customer's usage of chat credits."""
    (found,) = summary(user, credit_types=[CHAT], **fields).usage
    return found


def analytics(user: Customer, **fields: Any) -> usage_pb2.CreditTypeAnalytics:
    """Return everybody's usage of chat credits."""
    request = admin.GetUsageAnalyticsRequest(credit_types=[CHAT], **fields)
    answer: admin.GetUsageAnalyticsResponse = user.staff.admin.GetUsageAnalytics(request)
    return answer.analytics[0]


def shown(figures: usage_pb2.UsageFigures) -> dict[str, int]:
    """Return the figures that are not 0."""
    return {name: getattr(figures, name) for name in FIELDS if getattr(figures, name)}


def by_day(points: Any, zone: str) -> dict[str, dict[str, int]]:
    """Return by day what points show that is not 0."""
    found = {}
    for point in points:
        if figures := shown(point.figures):
            moment = datetime.fromtimestamp(point.start_time.seconds, ZoneInfo(zone or "UTC"))
            found[moment.strftime("%Y-%m-%d")] = figures
    return found


def live(pair: Pair, user: Customer) -> None:
    """Let everything happen to the customer's chat credits, over some days, a part of which is added up meanwhile."""
    user.top_up(50, source_pb2.SOURCE_FREE, seconds=3 * 86_400)
    user.top_up(1_000)
    user.confirm(user.reserve(70, metadata={"model": "large"}, spender_id="ann").reservation.name, 60)
    pair.advance(7 * 3_600)
    spent = user.deduct(40, metadata={"model": "small"}, spender_id="ben").reservation.name
    user.refund(spent, 15)
    user.refund(user.hold(33))
    roll_up(pair)
    pair.advance(20 * 3_600)
    user.refund(spent, 5)
    user.staff.admin.RemoveCredits(user.removing(11))
    user.staff.admin.SetPlan(user.planning(account_pb2.PLAN_KIND_UNLIMITED))
    user.refund(user.deduct(500, metadata={"model": "large"}).reservation.name, 100)
    user.staff.admin.SetPlan(user.planning(account_pb2.PLAN_KIND_STANDARD))
    pair.advance(4 * 86_400)
    user.hold(21, seconds=10**6)
    user.deduct(9, metadata={"model": "<script>\u202e"})


@pytest.mark.parametrize("zone", ZONES)
def test_days_are_what_plain_sql_adds_up_whatever_is_added_up_already(pair: Pair, user: Customer, zone: str) -> None:
    live(pair, user)
    url = pair.first.config.database_url
    expected = figures_by_day(url, CHAT, zone or "UTC", user.account_id)
    for _ in range(2):
        found = of_chat(user, granularity=DAY, time_zone=zone)
        assert by_day(found.points, zone) == expected
        # Holds of others that end by themselves meanwhile move the ledger between the two looks.
        assert eventually(lambda: is_everybody_s_told(user, url, zone))
        roll_up(pair)


def is_everybody_s_told(user: Customer, url: str, zone: str) -> bool:
    """Tell whether what is told of all accounts is what plain SQL adds up."""
    everybody = analytics(user, granularity=DAY, time_zone=zone)
    first = datetime.fromtimestamp(everybody.points[0].start_time.seconds, ZoneInfo(zone or "UTC"))
    of_all = figures_by_day(url, CHAT, zone or "UTC")
    expected = {day: figures for day, figures in of_all.items() if day >= first.strftime("%Y-%m-%d")}
    balance = everybody.balance
    is_balance = (balance.available, balance.reserved, balance.debt) == balance_of_all(url, CHAT)
    return is_balance and by_day(everybody.points, zone) == expected


def test_a_summary_says_what_there_was_what_is_held_and_by_whom_it_was_used(pair: Pair, user: Customer) -> None:
    live(pair, user)
    answer = summary(user, credit_types=[CHAT])
    (found,) = answer.usage
    assert answer.label == "model"
    assert (found.opening_balance.available, found.held) == (0, 21)
    figures = found.figures
    balance = user.balance()
    closing = found.closing_balance
    assert (closing.available, closing.reserved) == (balance.available, balance.reserved)
    assert figures.used == 60 + 40 - 20 + 9
    assert (figures.covered, figures.removed, figures.expired) == (
        400,
        11,
        figures.expired,
    )
    came_in = figures.purchased + figures.granted + figures.promotional + figures.added + figures.restored
    went = figures.used + figures.expired + figures.clawed_back + figures.removed + figures.debt_incurred
    assert closing.available + closing.reserved - closing.debt == came_in - went + figures.debt_written_off
    url = pair.first.config.database_url
    assert {part.value: (part.used, part.covered) for part in found.labels} == used_by(
        url, CHAT, "model", user.account_id
    )
    assert {part.value: part.used for part in found.spenders} == {"ann": 60, "ben": 20}
    free = next(part for part in found.sources if part.source == source_pb2.SOURCE_FREE)
    assert free.figures.used <= 50


def test_a_refund_lowers_what_is_used_and_a_hold_is_never_used(user: Customer) -> None:
    user.top_up(100)
    held = user.hold(40)
    found = of_chat(user)
    assert (found.figures.used, found.figures.spent, found.held) == (0, 0, 40)
    user.confirm(held)
    user.refund(held, 25)
    figures = of_chat(user).figures
    assert (figures.used, figures.spent, figures.refunded) == (15, 40, 25)


@pytest.mark.parametrize("summed_at", [1, usage_rollup.SUMMED_AT])
def test_the_other_server_tells_what_this_one_has_just_committed(
    pair: Pair, user: Customer, summed_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the account's own sums have something already, or wait for more."""
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", summed_at)
    user.top_up(100)
    user.deduct(7)
    roll_up(pair)
    there = pair.second.as_caller("app", "SERVICE", scope="credits.read")
    for number in range(1, 6):
        user.deduct(number)
        request = credit.GetUsageSummaryRequest(account_id=user.account_id, credit_types=[CHAT])
        assert there.credit.GetUsageSummary(request).usage[0].figures.used == 7 + number * (number + 1) // 2


def test_points_have_no_gap_and_the_period_is_what_was_asked_for(user: Customer) -> None:
    user.top_up(1)
    now = user.service.clock.now()
    start = Instant(now - now % QUARTER - 5 * QUARTER)
    fields = {"start_time": _timestamp(start), "end_time": _timestamp(Instant(start + 8 * QUARTER))}
    found = of_chat(user, granularity=HOUR, time_zone="Asia/Kathmandu", **fields)
    ends = [(point.start_time.seconds, point.end_time.seconds) for point in found.points]
    assert (ends[0][0], ends[-1][1]) == (start // SECOND, start // SECOND + 7_200)
    assert [one[0] for one in ends[1:]] == [one[1] for one in ends[:-1]]
    assert all((end + 45 * 60) % 3_600 == 0 for _, end in ends[:-1])


def test_balances_open_and_close_at_the_instants_of_the_period(pair: Pair, user: Customer) -> None:
    user.top_up(100)
    pair.advance(900)
    now = user.service.clock.now()
    start = Instant(now - now % QUARTER)
    user.deduct(30)
    pair.advance(3_600)
    user.deduct(5)
    fields = {"start_time": _timestamp(start), "end_time": _timestamp(Instant(start + 4 * QUARTER))}
    found = of_chat(user, granularity=HOUR, **fields)
    assert (found.opening_balance.available, found.closing_balance.available, found.figures.used) == (100, 70, 30)


def _timestamp(instant: Instant) -> Timestamp:
    return Timestamp(seconds=instant // SECOND)


@pytest.mark.parametrize("spans", [admin.USAGE_RANKING_DAY, admin.USAGE_RANKING_WEEK, admin.USAGE_RANKING_MONTH])
def test_who_used_the_most_is_ranked_whatever_is_added_up_already(pair: Pair, user: Customer, spans: int) -> None:
    # Into a month in which nobody has used anything.
    pair.advance(40 * 86_400)
    others = [user.another(str(number)) for number in range(6)]
    spent = []
    for number, other in enumerate(others):
        other.top_up(100)
        spent.append(other.deduct(10 * number + 1, metadata={"model": f"model-{number % 2}"}).reservation.name)
    roll_up(pair)
    others[5].refund(spent[5], 45)
    others[4].refund(spent[4], 40)
    others[0].deduct(99)
    for _ in range(2):
        found = analytics(user, ranking=spans, top_size=3)
        assert [(part.value, part.used) for part in found.top_accounts] == [
            (others[0].account_id, 100),
            (others[3].account_id, 31),
            (others[2].account_id, 21),
        ]
        assert [(part.value, part.used) for part in found.top_labels] == [("model-1", 48), ("model-0", 23)]
        roll_up(pair)


def test_what_a_plan_covered_counts_in_who_used_the_most(pair: Pair, user: Customer) -> None:
    pair.advance(40 * 86_400)
    payer, holder = user.another("payer"), user.another("holder")
    payer.top_up(100)
    payer.deduct(30)
    holder.staff.admin.SetPlan(holder.planning(account_pb2.PLAN_KIND_UNLIMITED))
    holder.deduct(50)
    for _ in range(2):
        (first,) = analytics(user, top_size=1).top_accounts
        assert (first.value, first.used, first.covered) == (holder.account_id, 0, 50)
        roll_up(pair)


def test_usage_is_added_up_by_itself(tmp_path: Path) -> None:
    with running_service(tmp_path, usage_rollup_interval_seconds=0.05) as running:
        app, staff = running.as_caller("app", "SERVICE", scope="credits.spend"), running.as_caller("staff", "ADMIN")
        Customer(running, app, staff, "ann").top_up(1)
        with psycopg.connect(running.config.database_url, autocommit=True) as connection:
            query = "SELECT version FROM usage_positions WHERE account_id = 'ann' AND credit_type = 'chat'"
            assert eventually(lambda: connection.execute(query).fetchone()) == (1,)


def test_only_those_who_may_see_financial_reports_see_everybody_s(user: Customer) -> None:
    request = admin.GetUsageAnalyticsRequest(credit_types=[CHAT])
    for role in ("SUPPORT", "USER", "PREMIUM"):
        refusal = refused(user.service.as_caller("somebody", role).admin.GetUsageAnalytics, request)
        assert refusal.code == grpc.StatusCode.PERMISSION_DENIED
    for role in ("FINANCE", "ADMIN"):
        assert user.service.as_caller("somebody", role).admin.GetUsageAnalytics(request).analytics


def test_owners_and_staff_see_an_account_s_and_nobody_else_does(user: Customer) -> None:
    user.top_up(1)
    request = credit.GetUsageSummaryRequest(account_id=user.account_id)
    for subject, role in ((user.account_id, "USER"), ("somebody", "SUPPORT")):
        assert user.service.as_caller(subject, role).credit.GetUsageSummary(request).usage
    refusal = refused(user.service.as_caller("somebody", "USER").credit.GetUsageSummary, request)
    assert refusal.code == grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"granularity": DAY, "start_time": Timestamp(seconds=0)}, "start_time"),
        ({"granularity": DAY, "start_time": Timestamp(seconds=1_700_000_001)}, "start_time"),
        ({"granularity": DAY, "end_time": Timestamp(seconds=1_700_000_000)}, "start_time"),
        ({"granularity": HOUR, "start_time": Timestamp(seconds=1_700_000_100 // 900 * 900)}, "end_time"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
    ],
)
def test_a_period_that_cannot_be_told_is_refused(user: Customer, fields: dict[str, Any], field: str) -> None:
    request = credit.GetUsageSummaryRequest(account_id=user.account_id, **fields)
    refusal = refused(user.app.credit.GetUsageSummary, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert next(iter(refusal.violations)).startswith(field)


def test_an_account_that_was_never_seen_has_used_nothing(user: Customer) -> None:
    assert not summary(user.another("unseen"), granularity=MONTH).usage
