"""Facts about a purchase merge in any order, and what went back follows from them as it did at the provider."""

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import (
    Direction,
    Fact,
    FactKind,
    FundsStage,
    PaymentStage,
    RefundStage,
    merged,
    refund_facts,
    transaction_subject,
)
from creditd.domain.payments.payment_standing import Standing, standing

PAID = Fact(FactKind.PAYMENT, "pi_1", PaymentStage.PAID, 1000)

times = st.none() | st.integers(0, 3).map(Instant)
facts = st.builds(
    Fact,
    kind=st.sampled_from(FactKind),
    subject=st.sampled_from(["a", "b", "a/1"]),
    stage=st.integers(1, 2),
    amount=st.integers(0, 2),
    code=st.sampled_from(["", "x"]),
    message=st.sampled_from(["", "x"]),
    said_time=times,
    receive_time=times,
)
sets = st.lists(facts, max_size=6)


def known(*said: Iterable[Fact]) -> dict[Any, Fact]:
    """Merge sets of facts, one after the other."""
    result: dict[Any, Fact] = {}
    for one in said:
        result = merged(result.values(), one)
    return result


@pytest.mark.parametrize("kind", FactKind)
def test_of_two_equal_facts_the_one_that_states_its_payment_stays(kind: FactKind) -> None:
    stating = Fact(kind, "subject", 1, 1, payment="payment")
    silent = Fact(kind, "subject", 1, 1)
    assert merged([stating], [silent]) == merged([silent], [stating]) == {(kind, "subject"): stating}


@given(sets, sets, sets)
@settings(deadline=None)
def test_merging_commutes_associates_and_is_idempotent(a: list[Fact], b: list[Fact], c: list[Fact]) -> None:
    assert known(a, b) == known(b, a)
    assert known(known(a, b).values(), c) == known(a, known(b, c).values())
    assert known(a, a) == known(a)


def stands(*said: Fact) -> Standing:
    """Tell where a paid purchase stands after facts, in whatever order they come."""
    expected = standing(known([PAID], said).values())
    for _ in range(5):
        mixed = [*said, PAID, *said]
        random.shuffle(mixed)
        assert standing(known(*([fact] for fact in mixed)).values()) == expected
    return expected


def at(seconds: int, told: int | None = None) -> dict[str, Any]:
    """Return the times of a fact."""
    return {"said_time": Instant(seconds * SECOND), "receive_time": None if told is None else Instant(told)}


def total(amount: int, **said: Any) -> Fact:
    return Fact(FactKind.REFUND_TOTAL, "pi_1", 0, amount, **said)


def refund(name: str, stage: RefundStage, amount: int, **said: Any) -> list[Fact]:
    return refund_facts(Fact(FactKind.REFUND, name, stage, amount, **said), made_time=None)


FAILED, SUCCEEDED, REQUESTED = RefundStage.FAILED, RefundStage.SUCCEEDED, RefundStage.REQUESTED


def test_a_failed_refund_is_not_subtracted_from_a_total_that_no_longer_holds_it() -> None:
    before = (total(300, **at(1)), *refund("re_1", FAILED, 300, **at(2)))
    assert stands(*before).refunded == 0
    assert stands(*before, total(500, **at(3))).refunded == 500


def test_a_failed_refund_is_subtracted_from_a_total_that_still_holds_it() -> None:
    assert stands(total(300, **at(1)), total(500, **at(2)), *refund("re_1", FAILED, 300, **at(3))).refunded == 200


def test_within_a_second_the_order_in_which_we_were_told_decides_what_a_total_holds() -> None:
    """Stripe counts in seconds."""
    failed = refund("re_1", FAILED, 300, **at(1, told=20))
    assert stands(total(300, **at(1, told=10)), *failed, total(500, **at(1, told=30))).refunded == 500
    assert stands(total(300, **at(1, told=10)), total(500, **at(1, told=15)), *failed).refunded == 200


def test_what_is_read_again_without_when_it_was_told_changes_nothing() -> None:
    said = (total(300, **at(1, told=10)), *refund("re_1", FAILED, 300, **at(1, told=20)), total(500, **at(1, told=30)))
    again = [fact._replace(receive_time=None) for fact in said]
    assert stands(*said, *again) == stands(*said)


def test_a_refund_seen_on_its_way_is_never_counted_beside_a_total_of_the_same_second() -> None:
    seen = (*refund("re_1", SUCCEEDED, 300, **at(1, told=10)), *refund("re_1", FAILED, 300, **at(1, told=20)))
    assert stands(*seen, total(300, **at(1, told=30))).refunded == 0


def test_a_refund_made_after_the_last_total_comes_on_top_of_it() -> None:
    assert stands(total(300, **at(1)), *refund("re_2", SUCCEEDED, 200, **at(2))).refunded == 500


def test_a_refund_that_failed_may_be_on_its_way_again() -> None:
    failed = (*refund("re_1", SUCCEEDED, 300, **at(1)), total(300, **at(1)), *refund("re_1", FAILED, 300, **at(2)))
    assert stands(*failed).refunded == 0
    asked = (*failed, *refund("re_1", REQUESTED, 300, **at(3)))
    assert stands(*asked).refunded == 0
    assert stands(*asked, *refund("re_1", SUCCEEDED, 300, **at(4))).refunded == 300
    assert stands(*asked, *refund("re_1", FAILED, 300, **at(4))).refunded == 0


def test_facts_from_before_times_were_kept_count_as_they_did() -> None:
    assert stands(total(300), Fact(FactKind.REFUND, "re_1", FAILED, 300)).refunded == 0
    assert stands(total(300), Fact(FactKind.REFUND, "re_1", SUCCEEDED, 300)).refunded == 300
    assert stands(Fact(FactKind.DISPUTE_FUNDS, "dp_1", FundsStage.WITHDRAWN, 1000)).disputed == 1000


def moves(dispute: str, *amounts: int) -> list[Fact]:
    return [
        Fact(
            FactKind.DISPUTE_TRANSACTION,
            transaction_subject(dispute, f"txn_{number}"),
            Direction.OUT if amount < 0 else Direction.BACK,
            abs(amount),
        )
        for number, amount in enumerate(amounts)
    ]


def test_a_dispute_holds_what_its_transactions_took_and_did_not_give_back() -> None:
    assert stands(*moves("dp_1", -1000)).disputed == 1000
    assert stands(*moves("dp_1", -1000, 400)).disputed == 600
    assert stands(*moves("dp_1", -1000, 1000)).disputed == 0
    assert stands(*moves("dp_1", -1000, 1000, -1000)).disputed == 1000
    assert stands(*moves("dp_1", -1000, 1100)).disputed == 0
    assert stands(*moves("dp_1", -300, 300), *moves("dp_2", -200), *moves("dp_3", -100, 150)).disputed == 200


def test_the_transactions_of_a_dispute_say_more_than_where_its_funds_are() -> None:
    withdrawn = Fact(FactKind.DISPUTE_FUNDS, "dp_1", FundsStage.WITHDRAWN, 1000, **at(9))
    assert stands(withdrawn, *moves("dp_1", -1000, 400)).disputed == 600
    assert stands(withdrawn, *moves("dp_2", -100)).disputed == 1100


def test_without_transactions_the_last_of_a_disputes_moves_says_where_its_funds_are() -> None:
    def funds(stage: FundsStage, seconds: int, told: int) -> Fact:
        return Fact(FactKind.DISPUTE_FUNDS, "dp_1", stage, 1000, **at(seconds, told))

    took, gave = funds(FundsStage.WITHDRAWN, 1, 1), funds(FundsStage.REINSTATED, 1, 2)
    assert stands(took, gave).disputed == 0
    assert stands(took, gave, funds(FundsStage.WITHDRAWN, 1, 3)).disputed == 1000
    assert stands(took, gave, funds(FundsStage.WITHDRAWN, 2, 0)).disputed == 1000


class Charge:
    """A charge of 1000 at a provider that tells of refunds one by one, by totals, or both."""

    def __init__(self) -> None:
        self.seconds = 0
        self.refunds: dict[str, tuple[int, RefundStage]] = {}
        self.totals: list[Fact] = []
        self.singles: list[Fact] = []

    @property
    def out(self) -> int:
        """Return how much is refunded."""
        return sum(amount for amount, stage in self.refunds.values() if stage is SUCCEEDED)

    def refund(self, amount: int) -> None:
        """Refund so much, if so much is left."""
        if amount > 1000 - self.out:
            return
        self.seconds += 1
        self._becomes(f"re_{len(self.refunds)}", amount, SUCCEEDED)
        self.totals.append(total(self.out, **at(self.seconds)))

    def toggle(self, number: int) -> None:
        """Have a refund fail, or one that failed be on its way after all."""
        if number >= len(self.refunds):
            return
        amount, stage = self.refunds[f"re_{number}"]
        if stage is SUCCEEDED or amount <= 1000 - self.out:
            self.seconds += 1
            self._becomes(f"re_{number}", amount, FAILED if stage is SUCCEEDED else SUCCEEDED)

    def _becomes(self, name: str, amount: int, stage: RefundStage) -> None:
        self.refunds[name] = amount, stage
        self.singles += refund(name, stage, amount, **at(self.seconds))


acts = st.lists(st.tuples(st.sampled_from(["refund", "toggle"]), st.integers(0, 400)), max_size=8)


@given(acts, st.randoms())
@settings(deadline=None)
def test_whatever_becomes_of_refunds_told_one_by_one_and_by_totals_the_sum_is_right(
    lived: list[tuple[str, int]], mixing: random.Random
) -> None:
    charge = Charge()
    for act, number in lived:
        charge.refund(number) if act == "refund" else charge.toggle(number % 3)
    said = [PAID, *charge.totals, *charge.singles]
    mixing.shuffle(said)
    assert standing(known(*([fact] for fact in said)).values()).refunded == charge.out


@given(acts, st.randoms())
@settings(deadline=None)
def test_where_only_totals_and_failures_are_told_the_sum_is_right(
    lived: list[tuple[str, int]], mixing: random.Random
) -> None:
    """As by an endpoint of Stripe's of a version before 2024-10-28: a refund that failed stays failed there."""
    charge = Charge()
    for act, number in lived:
        if act == "refund":
            charge.refund(number)
        elif charge.refunds.get(f"re_{number % 3}", (0, FAILED))[1] is SUCCEEDED:
            charge.toggle(number % 3)
    failures = [
        fact
        for fact in charge.singles
        if fact.kind is FactKind.REFUND_FAILURE or (fact.kind is FactKind.REFUND and fact.stage is FAILED)
    ]
    said = [PAID, *charge.totals, *failures]
    mixing.shuffle(said)
    assert standing(known(*([fact] for fact in said)).values()).refunded == charge.out
