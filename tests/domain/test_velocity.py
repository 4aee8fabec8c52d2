"""A velocity rule is broken by what lies within one window, whatever the order in which it is told (C8)."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.controls.velocity import (
    ToldOfPurchase,
    VelocityAction,
    VelocityEvent,
    VelocityKind,
    VelocityRule,
    events_in,
    most_within,
    window_around,
)
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import (
    DisputeStage,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    refund_facts,
)

pytestmark = pytest.mark.requirement("C8")

NOW = Instant(1_700_000_000 * SECOND)
RULE = VelocityRule(VelocityKind.REFUNDS, 3, 10, VelocityAction.FLAG)


def at(*seconds: float) -> list[Instant]:
    return [Instant(round(second * SECOND)) for second in seconds]


def plainly(times: list[Instant], window: int) -> int:
    """Return the same by looking at every set of neighbours."""
    ordered = sorted(times)
    runs = [ordered[first:end] for first in range(len(ordered)) for end in range(first + 1, len(ordered) + 1)]
    return max((len(run) for run in runs if run[-1] - run[0] < window * SECOND), default=0)


def test_two_events_a_window_apart_are_not_in_one() -> None:
    assert most_within(at(0, 10), 10) == 1
    assert most_within(at(0, 9.999999), 10) == 2


def test_a_window_is_wherever_most_events_are() -> None:
    assert most_within(at(0, 100, 101, 102, 103, 200, 201), 10) == 4
    assert most_within([], 10) == 0


@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 20))
def test_it_is_what_counting_every_run_of_neighbours_gives(seconds: list[int], window: int) -> None:
    assert most_within(at(*seconds), window) == plainly(at(*seconds), window)


class _Judge:
    """An account judged as events come, by what lies around each."""

    def __init__(self, rule: VelocityRule, clear_time: Instant | None = None) -> None:
        self.rule = rule
        self.clear_time = clear_time
        self.times: dict[str, Instant] = {}
        self.is_flagged = False

    def take(self, event: VelocityEvent) -> None:
        known = self.times.get(event.subject)
        if known is not None and known <= event.event_time:
            return
        self.times[event.subject] = event.event_time
        start, end = window_around(self.rule, event.event_time, self.clear_time)
        around = [time for time in self.times.values() if start < time < end]
        self.is_flagged |= most_within(around, self.rule.window_seconds) > self.rule.most


_EVENTS = st.lists(
    st.builds(
        lambda subject, second: VelocityEvent(VelocityKind.REFUNDS, str(subject), Instant(second * SECOND)),
        st.integers(0, 7),
        st.integers(1, 40),
    ),
    max_size=10,
    # Of one subject the earliest counts; told of later first, it would have been judged at a later time.
    unique_by=lambda event: event.subject,
)


@given(_EVENTS, st.data(), st.none() | st.integers(0, 40))
def test_order_and_repeats_make_no_difference(
    events: list[VelocityEvent], data: st.DataObject, end: int | None
) -> None:
    clear_time = None if end is None else Instant(end * SECOND)
    order = data.draw(
        st.permutations([*events, *data.draw(st.lists(st.sampled_from(events)) if events else st.just([]))])
    )
    judge = _Judge(RULE, clear_time)
    for event in order:
        judge.take(event)
    counted = [event.event_time for event in events if clear_time is None or event.event_time > clear_time]
    assert judge.is_flagged == (plainly(counted, RULE.window_seconds) > RULE.most)


def test_what_was_until_a_flag_was_cleared_counts_no_more() -> None:
    start, end = window_around(RULE, Instant(20 * SECOND), None)
    assert (start, end) == (10 * SECOND, 30 * SECOND)
    assert window_around(RULE, Instant(20 * SECOND), Instant(15 * SECOND)) == (15 * SECOND, end)
    assert window_around(RULE, Instant(20 * SECOND), Instant(5 * SECOND)) == (start, end)


def told(*facts: Fact, attempt: str = "") -> list[VelocityEvent]:
    return events_in(ToldOfPurchase("purchase-1", facts, attempt), NOW)


def payment(stage: PaymentStage) -> Fact:
    return Fact(FactKind.PAYMENT, "pi_1", stage, 100)


def test_a_failed_payment_counts_by_its_attempt() -> None:
    assert told(payment(PaymentStage.FAILED)) == [VelocityEvent(VelocityKind.FAILED_PAYMENTS, "pi_1", NOW)]
    (event,) = told(payment(PaymentStage.FAILED), attempt="ch_1")
    assert event.subject == "pi_1/ch_1"


def test_a_payment_counts_when_its_provider_says_that_it_was() -> None:
    early = Instant(NOW - SECOND)
    for stage in (PaymentStage.PAID, PaymentStage.FAILED):
        (event,) = events_in(ToldOfPurchase("purchase-1", [payment(stage)], said_time=early), NOW)
        assert event.event_time == early


def test_a_payment_that_was_made_is_a_top_up_and_one_given_up_is_nothing() -> None:
    assert told(payment(PaymentStage.PAID)) == [VelocityEvent(VelocityKind.TOP_UPS, "pi_1", NOW)]
    assert told(payment(PaymentStage.EXPIRED), payment(PaymentStage.CANCELLED)) == []


def refund(name: str, stage: RefundStage, made: int | None = None) -> list[Fact]:
    made_time = None if made is None else Instant(NOW + made * SECOND)
    return refund_facts(Fact(FactKind.REFUND, name, stage, 10), made_time=made_time)


def test_a_purchase_counts_once_as_given_back_at_the_time_of_its_first_refund() -> None:
    total = Fact(FactKind.REFUND_TOTAL, "pi_1", 0, 10)
    outside = Fact(FactKind.OUTSIDE_REFUND, "request-1", RefundStage.SUCCEEDED, 10)
    facts = [*refund("re_1", RefundStage.SUCCEEDED, -50), *refund("re_2", RefundStage.PENDING, -20), total, outside]
    assert told(*facts) == [VelocityEvent(VelocityKind.REFUNDS, "purchase-1", Instant(NOW - 50 * SECOND))]
    assert told(total) == told(outside) == [VelocityEvent(VelocityKind.REFUNDS, "purchase-1", NOW)]


def test_money_given_back_at_a_time_that_is_not_told_counts_at_that_of_its_report() -> None:
    """Not when it is recorded: after an outage that is one moment for all."""
    early = Instant(NOW - 50 * SECOND)
    for fact in (Fact(FactKind.REFUND_TOTAL, "pi_1", 0, 10), Fact(FactKind.REFUND, "re_1", RefundStage.PENDING, 10)):
        (event,) = events_in(ToldOfPurchase("purchase-1", [fact], said_time=early), NOW)
        assert event.event_time == early


def test_nothing_given_back_is_no_refund() -> None:
    assert told(Fact(FactKind.REFUND_TOTAL, "pi_1", 0, 0), *refund("re_1", RefundStage.FAILED)) == []


def test_a_dispute_counts_once_whichever_of_its_facts_is_told() -> None:
    dispute = Fact(FactKind.DISPUTE, "dp_1", DisputeStage.OPEN, 10, said_time=Instant(NOW - SECOND))
    withdrawn = Fact(FactKind.DISPUTE_FUNDS, "dp_1", FundsStage.WITHDRAWN, 10)
    assert told(dispute, withdrawn) == [VelocityEvent(VelocityKind.DISPUTES, "dp_1", Instant(NOW - SECOND))]
    assert told(withdrawn._replace(stage=FundsStage.UNTOUCHED)) == []


def test_nothing_is_later_than_now() -> None:
    (event,) = told(Fact(FactKind.DISPUTE, "dp_1", DisputeStage.OPEN, 10, said_time=Instant(NOW + SECOND)))
    assert event.event_time == NOW


def test_the_events_of_several_reports_are_those_of_one_in_any_order() -> None:
    facts = [payment(PaymentStage.PAID), payment(PaymentStage.FAILED), *refund("re_1", RefundStage.PENDING, -5)]
    whole = set(told(*facts))
    for order in permutations(facts):
        by_subject: dict[tuple[VelocityKind, str], Instant] = {}
        for fact in order:
            for kind, subject, time in told(fact):
                by_subject[kind, subject] = min(time, by_subject.get((kind, subject), time))
        assert {VelocityEvent(*key, time) for key, time in by_subject.items()} == whole
