"""What may become of a purchase at each provider, from the first try to pay to the end of its last dispute."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from creditd.development.fakes.stripe_account import API_VERSION
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import Purchase
from tests.service.payments.rigs import PRICE

PART, REST = PRICE.amount // 3, PRICE.amount - PRICE.amount // 3


def _paid(fake: Any, purchase: Purchase) -> Any:
    return fake.pay(purchase.reference)


def _paid_at_the_second_try(fake: Any, purchase: Purchase) -> None:
    fake.fail(purchase.reference)
    fake.pay(purchase.reference)


def _paid_slowly(fake: Any, purchase: Purchase) -> None:
    fake.pay(purchase.reference, slowly=True)
    fake.pay(purchase.reference)


def _failed_slowly(fake: Any, purchase: Purchase) -> None:
    fake.pay(purchase.reference, slowly=True)
    fake.fail(purchase.reference)


def _failed_and_expired(fake: Any, purchase: Purchase) -> None:
    fake.fail(purchase.reference)
    fake.expire(purchase.reference)


def _failed(fake: Any, purchase: Purchase) -> None:
    fake.fail(purchase.reference)


def _expired(fake: Any, purchase: Purchase) -> None:
    fake.expire(purchase.reference)


def _refunded_in_parts(fake: Any, purchase: Purchase) -> None:
    payment = _payment(fake, purchase)
    fake.refund(payment, PART)
    fake.refund(payment, REST)


def _refunded_in_part(fake: Any, purchase: Purchase) -> None:
    fake.refund(_payment(fake, purchase), PART)


def _voided(fake: Any, purchase: Purchase) -> None:
    fake.void(_payment(fake, purchase))


def _refund_failed(fake: Any, purchase: Purchase) -> None:
    payment = _payment(fake, purchase)
    fake.fail_refund(fake.refund(payment, PART))
    fake.refund(payment, PART // 2)


def _refund_failed_where_only_totals_are_told(fake: Any, purchase: Purchase) -> None:
    """An endpoint of a version before 2024-10-28."""
    fake.api_version = "2023-10-16"
    payment = _payment(fake, purchase)
    fake.fail_refund(fake.refund(payment, PART))
    fake.refund(payment, PRICE.amount // 2)
    fake.api_version = API_VERSION


def _refund_failed_and_completed_after_all(fake: Any, purchase: Purchase) -> None:
    refund = fake.refund(_payment(fake, purchase), PART)
    fake.fail_refund(refund)
    fake.ask_payer(refund)
    fake.complete_refund(refund)


def _dispute_lost_but_for_the_refunded_part(fake: Any, purchase: Purchase) -> None:
    payment = _payment(fake, purchase)
    fake.refund(payment, PART)
    dispute = fake.open_dispute(payment)
    fake.withdraw(dispute)
    fake.close_dispute(dispute, "lost")
    fake.reinstate(dispute, PART)


def _dispute_won_and_taken_again(fake: Any, purchase: Purchase) -> None:
    dispute = fake.open_dispute(_payment(fake, purchase), REST)
    fake.withdraw(dispute)
    fake.reinstate(dispute)
    fake.close_dispute(dispute, "won")
    fake.withdraw(dispute)
    fake.close_dispute(dispute, "lost")


def _two_disputes(fake: Any, purchase: Purchase) -> None:
    payment = _payment(fake, purchase)
    first, second = fake.open_dispute(payment, PART), fake.open_dispute(payment, PART // 2)
    fake.withdraw(first)
    fake.withdraw(second)
    fake.reinstate(first)


def _dispute_lost_after_a_refund(fake: Any, purchase: Purchase) -> None:
    payment = _payment(fake, purchase)
    fake.refund(payment, PART)
    dispute = fake.open_dispute(payment, REST)
    fake.withdraw(dispute)
    fake.close_dispute(dispute, "lost")


def _dispute_won_then_refunded(fake: Any, purchase: Purchase) -> None:
    payment = _payment(fake, purchase)
    dispute = fake.open_dispute(payment)
    fake.withdraw(dispute)
    fake.close_dispute(dispute, "won")
    fake.reinstate(dispute)
    fake.refund(payment, PART)


def _asked_about(fake: Any, purchase: Purchase) -> None:
    dispute = fake.open_dispute(_payment(fake, purchase), inquiry=True)
    fake.close_dispute(dispute, "warning_closed")


def _omise_dispute_won(fake: Any, purchase: Purchase) -> None:
    charge = _payment(fake, purchase)
    fake.win_dispute(fake.open_dispute(charge))
    fake.refund(charge, PART)


def _omise_dispute_lost(fake: Any, purchase: Purchase) -> None:
    charge = _payment(fake, purchase)
    fake.refund(charge, PART)
    fake.lose_dispute(fake.open_dispute(charge, REST))


def _omise_refund_failed(fake: Any, purchase: Purchase) -> None:
    charge = _payment(fake, purchase)
    fake.fail_refund(fake.refund(charge, PART))
    fake.refund(charge, PART // 2)


def _omise_dispute_won_and_lost_again(fake: Any, purchase: Purchase) -> None:
    dispute = fake.open_dispute(_payment(fake, purchase))
    fake.answer_dispute(dispute)
    fake.win_dispute(dispute)
    fake.reopen_dispute(dispute)
    fake.lose_dispute(dispute)


def _refund_taken_back(fake: Any, purchase: Purchase) -> None:
    order = _payment(fake, purchase)
    fake.refund(order, REST)
    fake.take_refund_back(order, REST - PART)


def _held_fraudulent_and_cleared(fake: Any, purchase: Purchase) -> None:
    order = _payment(fake, purchase)
    fake.refund(order, PART // 3)
    fake.hold_fraudulent(order)
    fake.clear(order)


def _held_fraudulent(fake: Any, purchase: Purchase) -> None:
    fake.hold_fraudulent(_payment(fake, purchase))


def _payment(fake: Any, purchase: Purchase) -> Any:
    """Pay, and return what the provider calls the payment."""
    return _paid(fake, purchase)


def _subscribed_and_ended(fake: Any, purchase: Purchase) -> None:
    fake.pay(purchase.reference)
    subscription = fake.subscribe(purchase.account_id)
    fake.cancel_subscription(subscription)
    fake.expire(subscription)


def _cancelled_and_resumed(fake: Any, purchase: Purchase) -> None:
    fake.refund(fake.pay(purchase.reference), PART)
    subscription = fake.subscribe(purchase.account_id, trial=True)
    fake.cancel_subscription(subscription)
    fake.resume(subscription)


def _an_old_one_ends_while_a_newer_one_runs(fake: Any, purchase: Purchase) -> None:
    old = fake.subscribe(purchase.account_id)
    new = fake.subscribe(purchase.account_id)
    fake.pay(purchase.reference)
    fake.cancel_subscription(old)
    fake.expire(old)
    fake.fail_payment(new)
    fake.recover_payment(new)


def _paused_twice(fake: Any, purchase: Purchase) -> None:
    fake.pay(purchase.reference)
    subscription = fake.subscribe(purchase.account_id)
    fake.pause(subscription, "free")
    fake.unpause(subscription)
    fake.pause(subscription, "void")


class Life(NamedTuple):
    """How a purchase is paid, and what becomes of it."""

    method: PaymentMethod
    live: Callable[[Any, Purchase], object]


def _lives(method: PaymentMethod, *lives: Callable[[Any, Purchase], object]) -> list[Life]:
    return [Life(method, live) for live in lives]


LIVES: Mapping[str, Sequence[Life]] = {
    "stripe": _lives(
        PaymentMethod.CHECKOUT,
        _paid,
        _paid_at_the_second_try,
        _paid_slowly,
        _failed_slowly,
        _failed_and_expired,
        _refunded_in_part,
        _refunded_in_parts,
        _refund_failed,
        _dispute_lost_after_a_refund,
        _dispute_won_then_refunded,
        _asked_about,
        _refund_failed_where_only_totals_are_told,
        _refund_failed_and_completed_after_all,
        _dispute_lost_but_for_the_refunded_part,
        _dispute_won_and_taken_again,
        _two_disputes,
    ),
    "omise": [
        *_lives(PaymentMethod.PROMPTPAY, _paid, _failed, _expired),
        # What was paid by PromptPay is not refunded at Omise; what was paid at a link, by card, is.
        *_lives(
            PaymentMethod.LINK,
            _paid_at_the_second_try,
            _refunded_in_part,
            _refunded_in_parts,
            _voided,
            _omise_dispute_won,
            _omise_dispute_lost,
            _omise_refund_failed,
            _omise_dispute_won_and_lost_again,
        ),
    ],
    "lemonsqueezy": _lives(
        PaymentMethod.CHECKOUT,
        _paid,
        _refunded_in_part,
        _refunded_in_parts,
        _subscribed_and_ended,
        _cancelled_and_resumed,
        _an_old_one_ends_while_a_newer_one_runs,
        _paused_twice,
        _refund_taken_back,
        _held_fraudulent_and_cleared,
        _held_fraudulent,
    ),
}
