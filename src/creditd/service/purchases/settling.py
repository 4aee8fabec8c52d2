"""What a provider says, applied: facts merged, credits moved by the difference, the purchase's row with them.

Nothing here counts events. A purchase's facts say how many of its credits are to be there; what is missing comes in,
what is too many goes, in the one transaction that also writes the purchase. So it may be said any number of times, in
any order, by several servers at once.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

import orjson

from creditd.domain.commands import Add, Clawback, Restore
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.purchase import (
    Fact,
    FactKind,
    PaymentStage,
    PurchaseState,
    Standing,
    credits_reversed,
    merged,
    standing,
)
from creditd.domain.wallet import Origin
from creditd.ledger.critical import CriticalLedger, Transaction
from creditd.ledger.work import Step
from creditd.payments.provider import Report, Unfit
from creditd.storage import outbox, payment_events, payment_references, purchase_history, purchases
from creditd.storage.changes import Key
from creditd.storage.outbox import OutboxKind
from creditd.storage.purchases import Purchase, PurchaseKey, parse_purchase_name


class NotYetKnown(Exception):
    """A payment that belongs to no purchase that is known, or not yet: its other events may tell.

    One that ``names_ours`` carries the name of a purchase of ours. One that does not may be another sale on the same
    account at the provider.
    """

    def __init__(self, references: tuple[str, ...], *, names_ours: bool) -> None:
        """Remember what the provider calls it."""
        super().__init__("no purchase is known for " + ", ".join(references))
        self.references = references
        self.names_ours = names_ours


class Applied(NamedTuple):
    """Whose it was, the purchase's name (empty for a subscription), and whether it changed anything."""

    account_id: str
    purchase: str
    changed: bool


class Settling:
    """Applies what is said of purchases."""

    def __init__(self, ledger: CriticalLedger, make_id: Callable[[], str]) -> None:
        """Move credits through ``ledger``."""
        self._ledger = ledger
        self._make_id = make_id

    def apply(self, report: Report, actor: str, reason: str) -> Applied:
        """Apply a report; ``actor`` and ``reason`` go into the purchase's history and the ledger.

        Raises NotYetKnown, Unfit for what does not fit the purchase, a Refusal (the account is closed).
        """
        return self._ledger.transact(lambda transaction: self._apply(transaction, report, actor, reason))

    def _apply(self, transaction: Transaction, report: Report, actor: str, reason: str) -> Applied:
        purchase = _purchase_of(transaction, report)
        _require_fit(purchase, report)
        others = payment_references.refer(
            transaction.connection, purchase.provider, purchase.name, report.references, live=purchase.live
        )
        if others:
            raise Unfit(f"{', '.join(others)} belongs to another purchase")
        changed = self.settle(transaction, purchase, report, Origin(actor, reason=reason))
        payment_events.wake(transaction.connection, purchase.provider, report.references, transaction.now)
        return Applied(purchase.account_id, purchase.name, changed)

    def settle(self, transaction: Transaction, purchase: Purchase, report: Report, origin: Origin) -> bool:
        """Bring a purchase, whose row is locked, to where its facts say; return whether anything changed."""
        known = purchase_history.facts_of(transaction.connection, purchase.key)
        facts = merged(known, report.facts)
        told = set(facts.values()).difference(known)
        purchase_history.write_facts(transaction.connection, purchase.key, told)
        _require_one_payment(purchase, facts.values())
        stands = standing(facts.values())
        settled = self._move_credits(transaction, _as_it_stands(purchase, stands), stands, origin)
        if settled == purchase:
            return False
        now = max(transaction.now, purchase.update_time)
        settled = settled._replace(version=purchase.version + 1, update_time=now)
        purchases.write(transaction.connection, settled)
        purchase_history.record(transaction.connection, settled, origin.actor, origin.reason)
        self._announce(transaction, purchase, settled)
        return True

    def _move_credits(self, transaction: Transaction, purchase: Purchase, stands: Standing, origin: Origin) -> Purchase:
        """Grant what was paid for, take back what was given back, and return the purchase as it is then."""
        labels = {"purchase": purchase.name, "payment": purchase.payment_id}
        origin = origin._replace(metadata=orjson.dumps(labels).decode())
        key = Key(purchase.account_id, purchase.credit_type)
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
            "credit_type": after.credit_type,
            "granted": after.granted,
            "reversed": after.reversed,
            "state": after.state.name,
            "failure_code": after.failure_code,
        }
        for kind in kinds:
            outbox.announce(transaction.connection, after.account_id, self._make_id(), kind, payload, after.update_time)


def _purchase_of(transaction: Transaction, report: Report) -> Purchase:
    """Find the purchase that a report is about, and lock it: by the provider's ids, else by our own handed back."""
    connection = transaction.connection
    known = payment_references.referred(connection, report.provider, report.references, live=report.live)
    keys = [parse_purchase_name(known[reference]) for reference in report.references if reference in known]
    if report.purchase:
        keys.append(PurchaseKey(*report.purchase))
    for key in keys:
        purchase = purchases.lock(connection, key)
        if purchase is not None:
            return purchase
    raise NotYetKnown(report.references, names_ours=report.purchase is not None)


def _require_fit(purchase: Purchase, report: Report) -> None:
    """Raise Unfit unless what is said can be about this purchase: its amount above all comes from our own row."""
    if (purchase.provider, purchase.live) != (report.provider, report.live):
        raise Unfit(f"the purchase is of {purchase.provider.name}, live {purchase.live}")
    if report.checkout and purchase.reference and report.checkout != purchase.reference:
        raise Unfit(f"it is of {report.checkout}, and {purchase.reference} was made for the purchase")
    _require_same_payment(purchase, report)
    if any(fact.kind == FactKind.PAYMENT and fact.stage == PaymentStage.PAID for fact in report.facts):
        _require_price(purchase, report)
    if report.misfit and purchase.payment_id not in report.references:
        raise Unfit(report.misfit)
    has_amounts = any(fact.amount for fact in report.facts)
    if (has_amounts or report.currency) and report.currency != purchase.currency:
        # Amounts in another currency, or in none, are no share of the payment.
        raise Unfit(f"it is in {report.currency or 'no currency'}, the purchase in {purchase.currency}")


def _require_price(purchase: Purchase, report: Report) -> None:
    """Raise Unfit unless what was paid is the purchase's price."""
    if report.price is None:
        raise Unfit("paid, but nothing is said of how much")
    if report.price != (purchase.amount, purchase.currency):
        charged = f"{report.price.amount} {report.price.currency}"
        raise Unfit(f"{charged} was charged, the purchase is for {purchase.amount} {purchase.currency}")


def _require_same_payment(purchase: Purchase, report: Report) -> None:
    """Raise Unfit for a refund or dispute of a second payment, which brought no credits and takes none."""
    is_about_a_payment = any(fact.kind == FactKind.PAYMENT for fact in report.facts)
    if purchase.payment_id and report.facts and not is_about_a_payment and purchase.payment_id not in report.references:
        raise Unfit(f"it is about another payment than {purchase.payment_id}, which paid the purchase")


def _require_one_payment(purchase: Purchase, facts: Collection[Fact]) -> None:
    """Raise Unfit if the purchase was paid twice: the second payment is for a person to give back."""
    paid = sorted(f.subject for f in facts if f.kind == FactKind.PAYMENT and f.stage == PaymentStage.PAID)
    if len(paid) > 1:
        second = " and ".join(subject for subject in paid if subject != purchase.payment_id)
        raise Unfit(f"{second} has to be given back: {purchase.payment_id or 'only one of them'} paid the purchase")


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
        next_poll_time=purchase.next_poll_time if stands.state in PAYABLE else None,
    )


STILL_OPEN = frozenset({PurchaseState.PENDING, PurchaseState.FAILED})
"""States in which a payment may still come about: at some providers a payer whose payment failed tries again."""

PAYABLE = STILL_OPEN | {PurchaseState.CANCELLED}
"""States in which a purchase is still looked at: not every provider can be kept from taking a payment."""
