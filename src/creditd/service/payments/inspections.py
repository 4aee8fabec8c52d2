"""Inspections: staff have a purchase looked at now, whatever state it is in and whenever its turn would come."""

from collections.abc import Callable
from typing import Any, NamedTuple

from creditd.domain.controls.audit_event import Act
from creditd.domain.instant import Instant
from creditd.domain.payments.payment_errors import ProviderNotConfigured, PurchaseNotFound
from creditd.domain.payments.purchase import Purchase, PurchaseKey, purchase_name
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.providers import Providers
from creditd.service.threads import Threads
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.payments import purchases
from creditd.storage.requests import ClaimKind, once


class Inspection(NamedTuple):
    """From when on a purchase is looked at next."""

    next_poll_time: Instant


class Inspections:
    """Gives purchases their turn at once.

    Nothing is asked of a provider here: whichever server polls next takes the purchase with others that are due, so
    that any number of calls is one look.
    """

    def __init__(
        self,
        database: Database,
        providers: Providers,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
    ) -> None:
        """Write to ``database``; a purchase is looked at by one of ``providers``."""
        self._database = database
        self._providers = providers
        self._clock = clock
        self._make_id = make_id
        self._threads = threads

    async def inspect(self, key: PurchaseKey, act: Act) -> tuple[Inspection, bool]:
        """Have a purchase looked at; tell whether the request id had done so before.

        Raises RequestIdReused, PurchaseNotFound, ProviderNotConfigured.
        """
        return await self._threads.changes.submit(lambda: self._inspect_once(key, act), owner=key.account_id)

    def _inspect_once(self, key: PurchaseKey, act: Act) -> tuple[Inspection, bool]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            return once(
                connection,
                act.origin,
                ClaimKind.INSPECTION,
                now,
                lambda: self._inspect(connection, key, act, now),
                _inspection_of,
            )

    def _inspect(self, connection: Connection, key: PurchaseKey, act: Act, now: Instant) -> Inspection:
        purchase = purchases.lock(connection, key)
        if purchase is None:
            raise PurchaseNotFound(purchase=purchase_name(key))
        self._require_looked_at(purchase)
        after = Inspection(now if purchase.next_poll_time is None else min(now, purchase.next_poll_time))
        purchases.postpone(connection, key, purchase.polls, after.next_poll_time)
        before_and_after = {"before": {"next_poll_time": purchase.next_poll_time}, "after": after._asdict()}
        done = act.done(self._make_id(), now, purchase.name, account_id=key.account_id, **before_and_after)
        audit.append(connection, done)
        return after

    def _require_looked_at(self, purchase: Purchase) -> None:
        """Raise ProviderNotConfigured where nobody polls the provider in the purchase's mode, test or live."""
        if self._providers.get(purchase.provider).live != purchase.live:
            raise ProviderNotConfigured(provider=purchase.provider.name)


def _inspection_of(fields: dict[str, Any]) -> Inspection:
    return Inspection(**fields)
