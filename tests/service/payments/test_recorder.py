"""What a provider says moves credits once, by the difference, and never more than it says."""

from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_facts import DisputeStage, Fact, FactKind, FundsStage, PaymentStage, RefundStage
from creditd.domain.payments.purchase import Purchase, PurchaseKey, PurchaseState
from creditd.payments.provider import Report, ReportMismatch
from creditd.service.payments.cases import UnknownPayment
from creditd.storage.payments import payment_events
from tests.support.till import PRICE, TOTAL, Till, failed, paid, refunded, report, till_at
from tests.support.works import act, add_of_each, confirm, deduct, refund, reservation_of, reserve

ALL, HALF = PRICE.amount, PRICE.amount // 2


def dispute(stage: FundsStage, flag: DisputeStage = DisputeStage.OPEN, amount: int = ALL) -> tuple[Fact, Fact]:
    return Fact(FactKind.DISPUTE_FUNDS, "dp_1", stage, amount), Fact(FactKind.DISPUTE, "dp_1", flag, amount)


def test_a_paid_purchase_brings_its_credits_and_its_bonus(till: Till, account: str) -> None:
    purchase = till.order(account)
    assert till.say(paid(purchase)).changed
    stands = till.purchase(purchase)
    assert (stands.state, stands.granted, stands.paid) == (PurchaseState.COMPLETED, TOTAL, ALL)
    assert till.figures(account) == (TOTAL, 0)
    (entry,) = till.books.entries(account)
    assert (entry.kind.name, entry.actor, entry.reason) == ("TOP_UP", "stripe", "an event")
    assert purchase.name in entry.metadata
    assert [part.source.name for part in entry.slices] == ["PURCHASED"]


def test_whatever_is_said_twice_is_done_once(till: Till, account: str) -> None:
    purchase = till.order(account)
    for said in (paid(purchase), refunded(purchase, HALF)):
        assert [till.say(said).changed for _ in range(3)] == [True, False, False]
    assert till.figures(account) == (TOTAL // 2, 0)
    assert [change.version for change in till.history(purchase)] == [1, 2, 3]


def test_sixteen_at_once_on_two_servers_have_one_effect(till: Till, url: str, account: str) -> None:
    purchase = till.order(account)
    with till_at(url) as other, ThreadPoolExecutor(8) as threads:
        tills = [till, other] * 8
        changed = list(threads.map(lambda one: one.say_until_done(paid(purchase)).changed, tills))
    assert sum(changed) == 1
    assert till.figures(account) == (TOTAL, 0)


def test_the_history_says_who_and_why_and_how_it_stood_then(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(failed(purchase))
    till.say(paid(purchase))
    till.say(refunded(purchase, ALL))
    history = till.history(purchase)
    assert [change.state.name for change in history] == ["PENDING", "FAILED", "COMPLETED", "REFUNDED"]
    assert [change.failure_code for change in history] == ["", "card_declined", "", ""]
    assert {(change.actor, change.reason) for change in history[1:]} == {("stripe", "an event")}


def test_what_happened_is_announced_with_it(till: Till, account: str) -> None:
    purchase = till.order(account)
    for said in (failed(purchase), paid(purchase), paid(purchase), refunded(purchase, HALF)):
        till.say(said)
    announced = till.announced(account)
    assert [kind for kind, _ in announced] == ["PURCHASE_FAILED", "TOP_UP_SUCCEEDED", "CREDITS_REVERSED"]
    assert {payload["purchase"] for _, payload in announced} == {purchase.name}
    assert announced[1][1]["granted"] == TOTAL


@pytest.mark.parametrize(
    ("price", "charged"),
    [(Money(999, "THB"), "9.99 THB"), (Money(1_001, "THB"), "10.01 THB"), (Money(1_000, "USD"), "10.00 USD")],
)
def test_another_amount_or_currency_credits_nothing(till: Till, account: str, price: Money, charged: str) -> None:
    purchase = till.order(account)
    with pytest.raises(ReportMismatch, match=f"^{charged} was charged, the purchase is for 10.00 THB$"):
        till.say(paid(purchase, price=price))
    assert till.purchase(purchase) == purchase
    assert till.figures(account) == (0, 0)


def test_a_payment_that_says_no_amount_credits_nothing(till: Till, account: str) -> None:
    purchase = till.order(account)
    with pytest.raises(ReportMismatch, match="nothing is said of how much"):
        till.say(paid(purchase)._replace(price=None))
    assert till.figures(account) == (0, 0)


@pytest.mark.parametrize("currency", ["USD", "JPY", ""])
def test_a_refund_or_dispute_in_another_currency_takes_nothing(till: Till, account: str, currency: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    for said in (refunded(purchase, HALF), report(purchase, *dispute(FundsStage.WITHDRAWN))):
        with pytest.raises(ReportMismatch, match=f"it is in {currency or 'no currency'}, the purchase in THB"):
            till.say(said._replace(currency=currency))
    assert till.figures(account) == (TOTAL, 0)


def test_what_was_not_made_for_the_purchase_neither_pays_nor_fails_it(till: Till, account: str) -> None:
    purchase = till.order(account)
    for said in (paid(purchase), failed(purchase)):
        with pytest.raises(ReportMismatch, match=f"{purchase.reference} was made for the purchase"):
            till.say(said._replace(checkout="cs_another"))
    till.say(paid(purchase)._replace(checkout=purchase.reference))
    assert till.figures(account) == (TOTAL, 0)


def test_a_misfit_neither_pays_nor_fails_a_purchase_but_is_told_of_if_it_paid_before(till: Till, account: str) -> None:
    purchase = till.order(account)
    for said in (paid(purchase), failed(purchase), refunded(purchase, HALF)):
        with pytest.raises(ReportMismatch, match="it is a hat"):
            till.say(said._replace(misfit="it is a hat"))
    till.say(paid(purchase))
    till.say(refunded(purchase, HALF)._replace(misfit="it is a hat"))
    assert till.figures(account) == (TOTAL // 2, 0)


def test_live_money_does_not_pay_a_test_purchase(till: Till, account: str) -> None:
    purchase = till.order(account)
    ours = PurchaseKey(account, purchase.purchase_id)
    with pytest.raises(ReportMismatch, match="live False"):
        till.say(paid(purchase)._replace(live=True, references=("cs_live",), purchase=ours))
    assert till.figures(account) == (0, 0)


def test_what_nobody_knows_of_waits(till: Till, account: str) -> None:
    purchase = till.order(account)
    with pytest.raises(UnknownPayment) as unknown:
        till.say(paid(purchase)._replace(references=("pi_unheard_of", "ch_1")))
    assert unknown.value.references == ("pi_unheard_of", "ch_1")


def test_once_a_payment_is_known_its_other_names_find_the_purchase(till: Till, account: str) -> None:
    purchase = till.order(account)
    payment = f"pi_{account}"
    till.say(paid(purchase, payment)._replace(references=(purchase.reference, payment)))
    assert till.say(refunded(purchase, HALF)._replace(references=(payment,))).purchase == purchase.name


def test_our_own_name_handed_back_finds_a_purchase_whose_reference_is_not_stored_yet(till: Till, account: str) -> None:
    purchase = till.order(account)
    ours = PurchaseKey(account, purchase.purchase_id)
    till.say(paid(purchase)._replace(references=(f"pi_early_{account}",), purchase=ours))
    assert till.figures(account) == (TOTAL, 0)


def test_a_name_that_is_another_purchases_is_for_a_person(till: Till, account: str) -> None:
    first, second = till.order(account), till.order(account)
    with pytest.raises(ReportMismatch, match="belongs to another purchase"):
        till.say(paid(first)._replace(references=(first.reference, second.reference)))
    assert till.figures(account) == (0, 0)


def test_a_second_payment_credits_nothing_more_and_is_for_a_person(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase, "pi_b"))
    assert till.say(paid(purchase, "pi_a")).problem == "pi_a has to be given back: pi_b paid the purchase"
    assert till.say(paid(purchase, "pi_c")).problem == "pi_a and pi_c has to be given back: pi_b paid the purchase"
    stands = till.purchase(purchase)
    assert (stands.payment_id, stands.extra_payment_ids, stands.extra_left) == ("pi_b", ("pi_a", "pi_c"), 2 * ALL)
    assert till.figures(account) == (TOTAL, 0)
    assert till.books.kinds(account) == ["TOP_UP"]


def given_back(purchase: Purchase, payment: str) -> Report:
    """Return that all of one payment of a purchase was refunded."""
    return refunded(purchase, ALL, name=f"re_{payment}")._replace(references=(payment, purchase.reference))


@pytest.mark.parametrize("back", [0, 1])
def test_whichever_of_two_payments_is_given_back_the_other_pays_and_nothing_is_left(
    till: Till, account: str, back: int
) -> None:
    purchase = till.order(account)
    payments = [f"pi_{name}_{account}" for name in "ba"]
    for payment in payments:
        till.say(paid(purchase, payment))
    assert len(till.cases(account)) == 1
    till.say(given_back(purchase, payments[back]))
    stands = till.purchase(purchase)
    assert (stands.state, stands.extra_left, till.figures(account)) == (PurchaseState.COMPLETED, 0, (TOTAL, 0))
    assert (stands.payment_id, *stands.extra_payment_ids) == (payments[1 - back], payments[back])
    assert till.cases(account) == []


def test_two_payments_and_a_refund_of_one_end_the_same_in_every_order(till: Till, account: str) -> None:
    for order in permutations(range(3)):
        purchase = till.order(account)
        first, second = (f"pi_{name}_{purchase.purchase_id}" for name in "ab")
        said = paid(purchase, first), paid(purchase, second), given_back(purchase, second)
        for number in order:
            till.say(said[number])
        stands = till.purchase(purchase)
        assert (stands.state.name, stands.payment_id, stands.extra_left) == ("COMPLETED", first, 0), order
        assert stands.granted - stands.reversed == TOTAL
    assert till.cases(account) == []


def test_both_payments_given_back_leave_nothing(till: Till, account: str) -> None:
    purchase = till.order(account)
    for payment in (f"pi_b_{account}", f"pi_a_{account}"):
        till.say(paid(purchase, payment))
        till.say(given_back(purchase, payment))
    stands = till.purchase(purchase)
    assert (stands.state, stands.extra_left, till.figures(account)) == (PurchaseState.REFUNDED, 0, (0, 0))


def test_a_refund_of_a_second_payment_takes_nothing_of_the_first(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    ours = PurchaseKey(account, purchase.purchase_id)
    till.say(refunded(purchase, ALL)._replace(references=(f"pi_second_{account}",), purchase=ours))
    assert till.purchase(purchase).state == PurchaseState.COMPLETED
    assert till.figures(account) == (TOTAL, 0)


def test_a_refund_that_comes_before_its_payment_counts_when_the_payment_comes(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(refunded(purchase, HALF))
    assert till.purchase(purchase).state == PurchaseState.PENDING
    till.say(paid(purchase))
    assert till.figures(account) == (TOTAL // 2, 0)
    assert till.books.kinds(account) == ["TOP_UP", "CLAWBACK"]


@pytest.mark.parametrize(("amount", "left"), [(1, 100), (9, 100), (10, 99), (999, 1), (1_000, 0), (5_000, 0)])
def test_a_partial_refund_takes_its_share_rounded_down(till: Till, account: str, amount: int, left: int) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.say(refunded(purchase, amount))
    assert till.figures(account) == (left, 0)


def test_what_was_spent_becomes_debt_and_the_next_top_up_pays_it(till: Till, account: str) -> None:
    first, second = till.order(account), till.order(account)
    till.say(paid(first))
    till.desk.do(deduct(account, 70))
    till.say(refunded(first, ALL))
    assert till.figures(account) == (0, 70)
    till.say(paid(second))
    assert till.figures(account) == (TOTAL - 70, 0)


def test_free_and_promo_credits_are_never_taken_back(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.desk.do(add_of_each(account, {"chat": 40}))
    till.say(paid(purchase))
    till.desk.do(deduct(account, 60))
    till.say(refunded(purchase, ALL))
    # The 40 of staff went first, then 20 of the purchase; the 80 left of it are taken, the rest is owed.
    assert till.figures(account) == (0, 20)


def test_the_purchases_own_credits_go_before_those_of_others(till: Till, account: str) -> None:
    first, second = till.order(account), till.order(account)
    till.say(paid(first))
    till.say(paid(second))
    till.say(refunded(second, HALF))
    entry = till.books.entries(account)[-1]
    assert [part.grant_id for part in entry.slices] == list(till.purchase(second).grant_ids)


def test_what_is_held_is_not_cancelled_and_pays_the_debt_when_it_comes_back(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    held = reservation_of(till.desk.do(reserve(account, 80)))
    till.say(refunded(purchase, ALL))
    assert till.figures(account) == (0, 80)
    till.desk.do(refund(held))
    assert till.figures(account) == (0, 0)


def test_a_hold_is_spent_as_if_no_refund_had_come(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    held = reservation_of(till.desk.do(reserve(account, 80)))
    till.say(refunded(purchase, ALL))
    till.desk.do(confirm(held))
    assert till.figures(account) == (0, 80)


def test_a_failed_refund_gives_back_what_it_took(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.say(refunded(purchase, HALF))
    till.say(refunded(purchase, HALF, RefundStage.FAILED))
    assert till.figures(account) == (TOTAL, 0)
    assert till.purchase(purchase).state == PurchaseState.COMPLETED
    # It is known to have failed: said late, that it was on its way takes nothing any more.
    assert not till.say(refunded(purchase, HALF, RefundStage.PENDING)).changed


def test_a_dispute_takes_all_and_a_dispute_that_is_won_gives_it_back(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.say(report(purchase, *dispute(FundsStage.WITHDRAWN)))
    stands = till.purchase(purchase)
    assert (stands.disputed, stands.open_disputes, till.figures(account)) == (ALL, 1, (0, 0))
    till.say(report(purchase, *dispute(FundsStage.REINSTATED, DisputeStage.CLOSED)))
    stands = till.purchase(purchase)
    assert (stands.disputed, stands.open_disputes, till.figures(account)) == (0, 0, (TOTAL, 0))
    assert till.books.kinds(account) == ["TOP_UP", "CLAWBACK", "RESTORE"]


def test_an_inquiry_moves_no_money(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.say(report(purchase, *dispute(FundsStage.UNTOUCHED)))
    assert till.purchase(purchase).open_disputes == 1
    assert till.figures(account) == (TOTAL, 0)


def test_a_refund_and_a_dispute_together_take_no_more_than_came_in(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.say(refunded(purchase, HALF))
    till.say(report(purchase, *dispute(FundsStage.WITHDRAWN)))
    assert till.figures(account) == (0, 0)
    till.say(report(purchase, *dispute(FundsStage.REINSTATED, DisputeStage.CLOSED)))
    assert till.figures(account) == (TOTAL // 2, 0)


def test_a_refund_and_a_dispute_of_other_parts_take_both(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.say(refunded(purchase, 300))
    till.say(report(purchase, *dispute(FundsStage.WITHDRAWN, amount=500)))
    assert till.figures(account) == (20, 0)


def test_after_a_dispute_was_won_and_its_credits_spent_and_refunded_the_ledger_still_adds_up(
    till: Till, account: str
) -> None:
    """Traps a restored grant that would hold more than came in."""
    purchase = till.order(account)
    till.say(paid(purchase))
    spent = reservation_of(till.desk.do(deduct(account, 50)))
    till.say(report(purchase, *dispute(FundsStage.WITHDRAWN)))
    till.say(report(purchase, *dispute(FundsStage.REINSTATED, DisputeStage.CLOSED)))
    till.desk.do(refund(spent))
    assert till.figures(account) == (TOTAL, 0)


def test_a_purchase_cancelled_or_expired_is_completed_by_a_payment_that_was_under_way(till: Till, account: str) -> None:
    for stage in (PaymentStage.CANCELLED, PaymentStage.EXPIRED):
        purchase = till.order(account)
        till.say(report(purchase, Fact(FactKind.PAYMENT, purchase.purchase_id, stage, 0)))
        till.say(paid(purchase))
        assert till.purchase(purchase).state == PurchaseState.COMPLETED
    assert till.figures(account) == (2 * TOTAL, 0)


def test_a_suspended_account_gets_what_it_paid_for(till: Till, account: str) -> None:
    till.desk.do(add_of_each(account, {"chat": 1}))
    till.desk.accounts.set_status(account, AccountStatus.SUSPENDED, act(None), allow_balance=True)
    till.say(paid(till.order(account)))
    assert till.figures(account) == (TOTAL + 1, 0)


def test_a_closed_account_is_for_a_person_and_nothing_is_lost_once_it_is_open_again(till: Till, account: str) -> None:
    till.desk.do(add_of_each(account, {"chat": 1}))
    till.desk.accounts.set_status(account, AccountStatus.CLOSED, act(None), allow_balance=True)
    purchase = till.order(account)
    assert till.say(paid(purchase)).problem == f"ACCOUNT_CLOSED: account_id {account}"
    assert till.purchase(purchase) == purchase
    till.desk.accounts.set_status(account, AccountStatus.ACTIVE, act(None), allow_balance=True)
    till.do_what_is_due()
    assert till.figures(account) == (TOTAL + 1, 0)
    assert till.cases(account) == []


def test_a_refund_of_a_closed_account_is_known_at_once_and_taken_once_it_is_open(till: Till, account: str) -> None:
    purchase = till.order(account)
    till.say(paid(purchase))
    till.desk.accounts.set_status(account, AccountStatus.CLOSED, act(None), allow_balance=True)
    assert till.say(refunded(purchase, HALF)).problem.startswith("ACCOUNT_CLOSED")
    stands = till.purchase(purchase)
    assert (stands.state, stands.refunded, stands.reversed) == (PurchaseState.PARTIALLY_REFUNDED, HALF, 0)
    assert [case.problem for case in till.cases(account)] == [f"ACCOUNT_CLOSED: account_id {account}"]
    till.desk.clock.advance(3_600)
    till.do_what_is_due()
    assert till.purchase(purchase).reversed == 0
    till.desk.accounts.set_status(account, AccountStatus.ACTIVE, act(None), allow_balance=True)
    till.do_what_is_due()
    assert (till.purchase(purchase).reversed, till.figures(account)) == (TOTAL // 2, (TOTAL // 2, 0))
    assert till.cases(account) == []


def test_what_fails_with_its_event_s_fate_is_not_done_either(
    till: Till, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credits and fate are one commit: there is nothing in between to die at."""
    purchase = till.order(account)
    event = till.store_event()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(payment_events, "end_try", fail)
        with pytest.raises(RuntimeError):
            till.recorder.record(paid(purchase), "stripe", "an event", event)
    assert (till.purchase(purchase), till.figures(account)) == (purchase, (0, 0))
    till.recorder.record(paid(purchase), "stripe", "an event", event)
    known = till.event(event)
    assert (known.state.name, known.account, known.purchase) == ("APPLIED", account, purchase.name)
    assert till.figures(account) == (TOTAL, 0)
