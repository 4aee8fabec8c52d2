"""The recorder: merges a report's facts into a purchase, and moves the credits that follow.

Nothing here counts events. The facts of a purchase determine how many of its credits there should be; the difference is
added or taken back in the transaction that also writes the purchase. So reports may be repeated, reordered, and
recorded by several servers at once.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import orjson

from creditd.currencies import money_text
from creditd.domain.commands import Add, Clawback, Restore
from creditd.domain.controls.velocity import ToldOfPurchase, events_in
from creditd.domain.entry import EntryKind
from creditd.domain.errors import Refusal
from creditd.domain.events.outbox import OutboxEvent, OutboxKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_event import PaymentEvent
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage, merged
from creditd.domain.payments.payment_standing import Standing, credits_reversed, standing
from creditd.domain.payments.purchase import PAYABLE, Purchase, PurchaseKey, PurchaseState, parse_purchase_name
from creditd.domain.payments.subscription import Subscription
from creditd.domain.promo.promo_code import promo_code_name
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.ledger.work import Step
from creditd.payments.provider import Report, Said
from creditd.service.controls.velocity import Velocity
from creditd.service.payments.cases import Cases, Misfit, Recorded, UnknownPayment, problem_of
from creditd.service.payments.subscriptions import SubscriptionRecorder
from creditd.storage.events import outbox
from creditd.storage.payments import payment_dues, payment_events, payment_references, purchases
from creditd.storage.payments.payment_dues import Due

FIRST_LOOK: Final = 60 * SECOND
"""When an open purchase is first polled: by then most webhooks have arrived."""


class RecordedPurchase(NamedTuple):
    """A purchase brought up to date with its facts, and why its credits could not follow, if they could not."""

    purchase: Purchase
    changed: bool
    refusal: Refusal | None


class PurchaseRecorder:
    """Records reports about purchases."""

    def __init__(self, make_id: Callable[[], str], velocity: Velocity) -> None:
        """Give new grants and announcements their ids by ``make_id``; have what is reported counted by ``velocity``."""
        self._make_id = make_id
        self._velocity = velocity
        self._cases = Cases(make_id)

    def record(self, transaction: Transaction, report: Report, origin: Origin, event: PaymentEvent | None) -> Recorded:
        """Record a report, and the new state of the ``event`` that it came in.

        Actor and reason go into the purchase's history and the ledger. Credits that cannot follow yet (the account is
        closed) become due, and whatever staff have to do is shown as a parked event. Raises UnknownPayment; Misfit if
        the report contradicts the purchase.
        """
        connection, now = transaction.connection, transaction.now
        purchase = _purchase_of(transaction, report)
        _require_fit(purchase, report)
        others = payment_references.refer(
            connection, purchase.provider, purchase.name, report.references, live=purchase.live
        )
        if others:
            raise Misfit(f"{', '.join(others)} belongs to another purchase", purchase)
        self.count(transaction, purchase, report)
        recorded = self.bring_up_to_date(transaction, purchase, report, origin)
        payment_events.wake(connection, purchase.provider, report.references, now)
        if event and not event.was_read and (not report.facts or not report.is_final):
            _look_soon(transaction, recorded.purchase)
        problem = _problem_of(recorded, report)
        if problem:
            self._cases.record(connection, report, recorded.purchase, problem, now, event)
        elif event:
            fate = _fate(event, report, purchase, now)
            # Reading again what is not final is not a failed try.
            payment_events.end_try(connection, fate, is_counted=report.is_final)
        return Recorded(purchase.account_id, purchase.name, recorded.changed, problem)

    def resume(self, transaction: Transaction, key: PurchaseKey, reason: str) -> Recorded:
        """Complete what is due for a purchase by its facts, if that is possible by now."""
        purchase = purchases.lock(transaction.connection, key)
        assert purchase is not None  # noqa: S101 - something was due for it, and none is ever deleted.
        nothing = Report(purchase.provider, purchase.live, (), None, None, ())
        origin = Origin(purchase.provider.name.lower(), reason=reason)
        recorded = self.bring_up_to_date(transaction, purchase, nothing, origin)
        problem = problem_of(recorded.refusal) if recorded.refusal else ""
        return Recorded(purchase.account_id, purchase.name, recorded.changed, problem)

    def count(self, transaction: Transaction, purchase: Purchase, report: Report) -> None:
        """Have velocity rules count what is reported of a purchase, whose row is locked; no row of its account is yet.

        Of what is said, not of what is kept of it: so that the order of reports makes no difference.
        """
        told = ToldOfPurchase(purchase.purchase_id, report.facts, report.attempt, report.said_time)
        self._velocity.count(transaction, purchase.account_id, events_in(told, transaction.now))

    def bring_up_to_date(
        self, transaction: Transaction, purchase: Purchase, report: Report, origin: Origin
    ) -> RecordedPurchase:
        """Bring a purchase up to date with its facts. Its row is locked.

        The facts are written even if the credits cannot follow; then they are due, and moved once that is possible.
        """
        connection, now = transaction.connection, transaction.now
        known = purchases.facts_of(connection, purchase.key)
        facts = merged(known, _with_payment(report, purchase))
        told = set(facts.values()).difference(known)
        purchases.write_facts(connection, purchase.key, told)
        stands = standing(facts.values(), purchase.payment_id)
        due = Due(purchase.account_id, purchase.purchase_id, purchase.live)
        refusal = None
        try:
            after = self._move_credits(transaction, _as_it_stands(purchase, stands), stands, origin)
        except Refusal as error:
            refusal = error
            # The row shows the purchase as paid only once its credits are there.
            after = _as_it_stands(purchase, stands) if purchase.granted else purchase
            payment_dues.put(connection, due, problem_of(error), now)
        else:
            payment_dues.drop(connection, due)
        if after != purchase:
            after = after._replace(version=purchase.version + 1, update_time=max(now, purchase.update_time))
            purchases.write(connection, after)
            purchases.record(connection, after, origin.actor, origin.reason)
            self._announce(transaction, purchase, after)
        if refusal is None and not after.extra_left:
            payment_events.end_recorded(connection, purchase.account_id, purchase.name, now)
        return RecordedPurchase(after, after != purchase, refusal)

    def _move_credits(self, transaction: Transaction, purchase: Purchase, stands: Standing, origin: Origin) -> Purchase:
        """Grant what was paid for, take back what was refunded; return the purchase afterwards."""
        labels = {"purchase": purchase.name, "payment": purchase.payment_id}
        if purchase.promo_code:
            labels["promo_code"] = promo_code_name(purchase.promo_code)
        origin = origin._replace(metadata=orjson.dumps(labels).decode())
        key = WalletKey(purchase.account_id, purchase.credit_type)
        steps: list[Step] = []
        if purchase.payment_id and not purchase.granted:
            grant_id = self._make_id()
            total = purchase.credits + purchase.bonus
            steps.append(Step(key, Add(origin, EntryKind.TOP_UP, grant_id, Source.PURCHASED, total)))
            purchase = purchase._replace(granted=total, grant_ids=(grant_id,))
        target = credits_reversed(purchase.granted, stands.paid, stands.returned)
        if target > purchase.reversed:
            steps.append(Step(key, Clawback(origin, purchase.grant_ids, target - purchase.reversed)))
        elif target < purchase.reversed:
            grant_id = self._make_id()
            steps.append(Step(key, Restore(origin, grant_id, purchase.reversed - target)))
            purchase = purchase._replace(grant_ids=(*purchase.grant_ids, grant_id))
        if steps:
            transaction.perform(purchase.account_id, origin, tuple(steps))
        return purchase._replace(reversed=target)

    def _announce(self, transaction: Transaction, before: Purchase, after: Purchase) -> None:
        kinds = []
        if after.granted > before.granted:
            kinds.append(OutboxKind.TOP_UP_SUCCEEDED)
        if after.reversed != before.reversed:
            kinds.append(OutboxKind.CREDITS_REVERSED)
        if after.state != before.state and after.state in {PurchaseState.FAILED, PurchaseState.EXPIRED}:
            kinds.append(OutboxKind.PURCHASE_FAILED)
        payload = {
            "purchase": after.name,
            "granted": after.granted,
            "reversed": after.reversed,
            "state": after.state.name,
            "failure_code": after.failure_code,
        }
        for kind in kinds:
            event = OutboxEvent(after.account_id, self._make_id(), kind, after.credit_type, payload, after.update_time)
            outbox.announce(transaction.connection, event)


def _purchase_of(transaction: Transaction, report: Report) -> Purchase:
    """Find and lock the purchase of a report: by the provider's ids, else by our own id that it carries."""
    connection = transaction.connection
    known = payment_references.referred(connection, report.provider, report.references, live=report.live)
    keys = [parse_purchase_name(known[reference]) for reference in report.references if reference in known]
    if report.purchase:
        keys.append(report.purchase)
    for key in keys:
        purchase = purchases.lock(connection, key)
        if purchase is not None:
            return purchase
    raise UnknownPayment(
        report.references,
        is_ours=report.is_ours or report.purchase is not None,
        is_over=_is_over(report),
        suggested=report.suggested,
    )


def _is_over(report: Report) -> bool:
    """Tell whether a report is of a payment of which nothing is left with us."""
    stands = standing(merged((), report.facts).values())
    return stands.state != PurchaseState.PENDING and not stands.paid - stands.returned + stands.extra_left


def _require_fit(purchase: Purchase, report: Report) -> None:
    """Raise Misfit if the report contradicts the purchase; the price is the one in our own row."""
    if (purchase.provider, purchase.live) != (report.provider, report.live):
        raise Misfit(f"the purchase is of {purchase.provider.name}, live {purchase.live}", purchase)
    if report.checkout and purchase.reference and report.checkout != purchase.reference:
        raise Misfit(f"it is of {report.checkout}, and {purchase.reference} was made for the purchase", purchase)
    if any(fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.PAID for fact in report.facts):
        _require_price(purchase, report)
        if purchase.promo_given_back and purchase.promo_discount and not purchase.granted:
            raise Misfit("paid with a discount whose promo code has gone to others: it was over before", purchase)
    if report.misfit and purchase.payment_id not in report.references:
        raise Misfit(report.misfit, purchase)
    has_amounts = any(fact.amount for fact in report.facts)
    if (has_amounts or report.currency) and report.currency != purchase.currency:
        # Amounts in another currency, or without one, are no share of the payment.
        raise Misfit(f"it is in {report.currency or 'no currency'}, the purchase in {purchase.currency}", purchase)


def _require_price(purchase: Purchase, report: Report) -> None:
    """Raise Misfit unless what was paid is the purchase's price."""
    if report.price is None:
        raise Misfit("paid, but nothing is said of how much", purchase)
    if report.price != (purchase.amount, purchase.currency):
        charged = money_text(report.price.amount, report.price.currency)
        wanted = money_text(purchase.amount, purchase.currency)
        raise Misfit(f"{charged} was charged, the purchase is for {wanted}", purchase)


def _with_payment(report: Report, purchase: Purchase) -> Iterator[Fact]:
    """Give each fact its payment: the one reported before it, else the report's own reference.

    The reference of the checkout is no payment, unless it is one itself; then its payment comes first in the report. A
    report by staff has no reference, and is about the payment that paid.
    """
    payment = next((one for one in report.references if one != purchase.reference), "")
    for fact in report.facts:
        if fact.kind == FactKind.PAYMENT:
            payment = fact.subject
            yield fact
        else:
            yield fact._replace(payment=fact.payment or payment or purchase.payment_id)


def _problem_of(recorded: RecordedPurchase, report: Report) -> str:
    """Describe what is left to do after a report: credits that are due, or a payment to refund."""
    purchase = recorded.purchase
    if recorded.refusal:
        return problem_of(recorded.refusal)
    paid = {fact.subject for fact in report.facts if fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.PAID}
    if not purchase.extra_left or paid.isdisjoint(purchase.extra_payment_ids):
        return ""
    return f"{' and '.join(purchase.extra_payment_ids)} has to be given back: {purchase.payment_id} paid the purchase"


def _fate(event: PaymentEvent, report: Report, purchase: Purchase, now: Instant) -> PaymentEvent:
    if report.is_final:
        return event.applied(purchase.account_id, purchase.name, now)
    owned = event._replace(account=purchase.account_id, purchase=purchase.name)
    return owned.read_again(report.references, now)


def _look_soon(transaction: Transaction, purchase: Purchase) -> None:
    """Have a purchase polled soon after an event that told of what is not final.

    What a poll has found, or another read of the event, tells of nothing new: it leaves the next poll where it is.
    """
    soon = Instant(transaction.now + FIRST_LOOK)
    if purchase.next_poll_time is not None and purchase.next_poll_time > soon:
        purchases.postpone(transaction.connection, purchase.key, 0, soon)


def _as_it_stands(purchase: Purchase, stands: Standing) -> Purchase:
    return purchase._replace(
        state=stands.state,
        payment_id=stands.payment_id,
        paid=stands.paid,
        refunded=stands.refunded,
        disputed=stands.disputed,
        open_disputes=stands.open_disputes,
        failure_code=stands.failure_code,
        failure_message=stands.failure_message,
        extra_payment_ids=stands.extra_payment_ids,
        extra_left=stands.extra_left,
        # One that is paid, and stays as it is, keeps the look that somebody has asked for.
        next_poll_time=purchase.next_poll_time if stands.state in {*PAYABLE, purchase.state} else None,
    )


class Recorder:
    """Records reports in purchases, and subscriptions in plans, each in one transaction. Blocks."""

    def __init__(
        self, ledger: TransactionLedger, purchase_recorder: PurchaseRecorder, subscriptions: SubscriptionRecorder
    ) -> None:
        """Record by these two, in transactions of ``ledger``."""
        self._ledger = ledger
        self._purchase_recorder = purchase_recorder
        self._subscriptions = subscriptions

    def record(self, said: Said, actor: str, reason: str, event: PaymentEvent | None = None) -> Recorded:
        """Record a report, and write the new state of its ``event`` in the same commit.

        Raises UnknownPayment; ReportMismatch for a contradiction. Then nothing is written, and the caller ends the
        event's try.
        """
        origin = Origin(actor, reason=reason)
        if isinstance(said, Subscription):
            return self._ledger.transact(lambda it: self._subscriptions.record(it, said, origin, event))
        return self._ledger.transact(lambda it: self._purchase_recorder.record(it, said, origin, event))

    def resume(self, due: Due, reason: str) -> Recorded:
        """Complete what is due by the recorded facts, if that is possible by now."""
        if due.subject == payment_dues.PLAN:
            return self._ledger.transact(lambda it: self._subscriptions.resume(it, due, reason))
        key = PurchaseKey(due.account_id, due.subject)
        return self._ledger.transact(lambda it: self._purchase_recorder.resume(it, key, reason))
