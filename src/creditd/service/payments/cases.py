"""Cases: what staff have to decide, shown among the payment events.

A webhook that cannot be recorded is a case itself. A finding at the provider, by polling or comparison, becomes an
event of our own: one, however often it is found.
"""

import hashlib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

from creditd.domain.errors import Refusal
from creditd.domain.instant import Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.payment_event import ParkedCause, PaymentEvent, PaymentEventState
from creditd.domain.payments.payment_facts import Fact, FactKind
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseKey, purchase_name
from creditd.domain.payments.subscription import Subscription, SubscriptionStatus
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import Report, ReportMismatch, Said
from creditd.storage.database import Connection, Database
from creditd.storage.payments import payment_events

FOUND: Final = "creditd.found"
"""The type of our own events; no provider uses it."""


def references_of(said: Said) -> tuple[str, ...]:
    """Return the provider's ids of what is reported, the most reliable first."""
    return (f"subscription:{said.subscription_id}",) if isinstance(said, Subscription) else said.references


class Cases:
    """Records cases for staff, within a transaction."""

    def __init__(self, make_id: Callable[[], str]) -> None:
        """Give our own events their ids by ``make_id``."""
        self._make_id = make_id

    def record(
        self,
        connection: Connection,
        said: Said,
        purchase: Purchase | None,
        problem: str,
        now: Instant,
        event: PaymentEvent | None,
    ) -> None:
        """Record a case about something recorded that waits for staff or for its time: on the event, else on our own.

        Without a purchase the case is about the plan of a subscription's account. It ends when nothing is left to do.
        """
        account, name = (purchase.account_id, purchase.name) if purchase else (_account_of(said), "")
        if event:
            owned = event._replace(account=account, purchase=name)
            recorded = owned.parked(problem, now, ParkedCause.RECORDED, references_of(said))
            payment_events.end_try(connection, recorded)
        elif not payment_events.has_recorded(connection, account, name):
            self._add(connection, said, account, name, problem, now, ParkedCause.RECORDED)

    def show(
        self,
        connection: Connection,
        said: Said,
        problem: str,
        now: Instant,
        *,
        cause: ParkedCause,
        account: str = "",
        purchase: str = "",
    ) -> bool:
        """Record a finding that cannot be recorded as facts; return False if staff have dismissed it."""
        known = payment_events.shown(connection, said.provider, references_of(said))
        if known is None:
            self._add(connection, said, account or _account_of(said), purchase, problem, now, cause)
        return known is not PaymentEventState.DISMISSED

    def _add(
        self,
        connection: Connection,
        said: Said,
        account: str,
        purchase: str,
        problem: str,
        now: Instant,
        cause: ParkedCause,
    ) -> None:
        references = references_of(said)
        told = "\n".join((*references[:1], account, purchase, problem))
        event = PaymentEvent(
            provider=said.provider,
            delivery_key=f"found:{hashlib.sha256(told.encode()).hexdigest()}",
            event_id=self._make_id(),
            event_type=FOUND,
            live=said.live,
            body=body_of(said),
            state=PaymentEventState.PARKED,
            attempts=0,
            next_attempt_time=None,
            waits_for=references,
            problem=problem,
            purchase=purchase,
            receive_time=now,
            update_time=now,
            account=account,
            cause=cause,
        )
        payment_events.show_again(connection, event)


def _account_of(said: Said) -> str:
    if isinstance(said, Subscription):
        return said.account_id
    return said.purchase.account_id if said.purchase else ""


def body_of(said: Said) -> str:
    """Return a report as the body of our own event."""
    kind = "subscription" if isinstance(said, Subscription) else "report"
    return orjson.dumps({"found": kind, **_plain(said)}).decode()


def said_in(body: str) -> Said:
    """Return the report in our own event. Its suggested purchase counts as certain: staff have confirmed it."""
    document = orjson.loads(body)
    if document.pop("found") == "subscription":
        return Subscription(**document)._replace(
            provider=Provider(document["provider"]), status=SubscriptionStatus(document["status"])
        )
    purchase = document["purchase"] or document["suggested"]
    return Report(
        provider=Provider(document["provider"]),
        live=document["live"],
        references=tuple(document["references"]),
        purchase=PurchaseKey(**purchase) if purchase else None,
        price=Money(**document["price"]) if document["price"] else None,
        facts=tuple(Fact(**fact)._replace(kind=FactKind(fact["kind"])) for fact in document["facts"]),
        currency=document["currency"],
        checkout=document["checkout"],
        misfit=document["misfit"],
        is_ours=True,
        attempt=document.get("attempt", ""),
        said_time=document.get("said_time"),
    )


def _plain(value: Any) -> Any:
    """Return named tuples as JSON objects, enums as their numbers."""
    if hasattr(value, "_asdict"):
        return {name: _plain(part) for name, part in value._asdict().items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


class UnknownPayment(Exception):
    """No purchase is linked to this payment yet; a later event may link it.

    A payment that ``is_ours`` names a purchase of ours, or is for a product that only this service sells. Any other may
    belong to another shop on the same account at the provider. A payment that ``is_over`` needs no purchase any more:
    it was never paid, or was refunded whole.
    """

    def __init__(
        self,
        references: tuple[str, ...],
        *,
        is_ours: bool,
        is_over: bool = False,
        suggested: PurchaseKey | None = None,
    ) -> None:
        """Keep the provider's ids, and the purchase that it may be for."""
        hint = f"; it may be for {purchase_name(suggested)}" if suggested else ""
        super().__init__("no purchase is known for " + ", ".join(references) + hint)
        self.references = references
        self.is_ours = is_ours
        self.is_over = is_over


class Misfit(ReportMismatch):
    """A report that contradicts the purchase it names. Nothing of it is recorded."""

    def __init__(self, text: str, purchase: Purchase) -> None:
        """Keep the purchase and its account."""
        super().__init__(text)
        self.account_id = purchase.account_id
        self.purchase = purchase.name


class Recorded(NamedTuple):
    """What was recorded: the account, the purchase's name (empty for a subscription), and whether it changed anything.

    ``problem`` tells what is left for staff or for later; the report is recorded all the same.
    """

    account_id: str
    purchase: str
    changed: bool
    problem: str = ""


MAX_PROBLEM_LENGTH: Final = 500
"""Enough for a sentence; longer texts are usually pages of HTML."""


def problem_of(error: Exception) -> str:
    """Describe an error for staff."""
    if isinstance(error, Refusal):
        facts = ", ".join(f"{name} {fact}" for name, fact in error.facts.items())
        return f"{error.reason}: {facts}"[:MAX_PROBLEM_LENGTH]
    return (str(error) or type(error).__name__).replace("\x00", "?")[:MAX_PROBLEM_LENGTH]


class FoundCases:
    """Records findings for staff."""

    def __init__(self, database: Database, clock: DatabaseClock, make_id: Callable[[], str]) -> None:
        """Keep them in the inbox of ``database``."""
        self._database = database
        self._clock = clock
        self._cases = Cases(make_id)

    def end(self, said: Said) -> None:
        """End the case of a payment that needs no purchase any more. Blocks."""
        with self._database.transaction() as connection:
            payment_events.end_unplaced(connection, said.provider, references_of(said), self._clock.now())

    def show(self, said: Said, error: Exception) -> bool:
        """Record a report that could not be recorded as facts, and why; return False if staff have dismissed it.

        Blocks.
        """
        account, purchase = (error.account_id, error.purchase) if isinstance(error, Misfit) else ("", "")
        cause = ParkedCause.UNPLACED if isinstance(error, UnknownPayment) else ParkedCause.OTHER
        with self._database.transaction() as connection:
            return self._cases.show(
                connection,
                said,
                problem_of(error),
                self._clock.now(),
                cause=cause,
                account=account,
                purchase=purchase,
            )
