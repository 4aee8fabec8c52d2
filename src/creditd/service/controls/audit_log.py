"""The audit log for administrators: listed, and the head of its chain."""

from collections.abc import Callable

from creditd.domain.controls.audit_event import AuditEvent
from creditd.domain.controls.seal import NO_SEAL, Seal
from creditd.service.call import Call
from creditd.service.pages import SCANNED_ROWS, Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import audit, seals
from creditd.storage.controls.audit import AuditFilter
from creditd.storage.database import Database


class AuditLog:
    """Reads the audit log. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(self, database: Database, threads: Threads, tokens: PageTokens) -> None:
        """Read through ``database``."""
        self._database = database
        self._threads = threads
        self._tokens = tokens

    async def head(self, call: Call) -> Seal:
        """Return the last seal of the chain; before the first, what stands for none."""
        return await self._threads.surveys.submit(self._head, owner=call.subject)

    def _head(self) -> Seal:
        with self._database.autocommit() as connection:
            return seals.head(connection) or NO_SEAL

    async def page(
        self, call: Call, wanted: AuditFilter, asked: Asked, show: Callable[[AuditEvent], Shown]
    ) -> Page[Shown]:
        """Return a page of events, newest first, each as ``show`` writes it.

        A page for which SCANNED_ROWS were looked at ends there, with a token to go on from. Raises PageTokenInvalid.
        """
        return await self._threads.surveys.submit(lambda: self._page(wanted, asked, show), owner=call.subject)

    def _page(self, wanted: AuditFilter, asked: Asked, show: Callable[[AuditEvent], Shown]) -> Page[Shown]:
        query = query_of(
            "audit_events",
            actor=wanted.actor,
            account=wanted.account_id,
            kind=wanted.kind,
            outcome=wanted.outcome,
            start_time=wanted.start_time,
            end_time=wanted.end_time,
        )
        before = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            look = audit.page(connection, wanted, before, count=asked.size + 1, rows=SCANNED_ROWS)
        page = self._tokens.page(query, look.events, asked.size, show, lambda event: event.event_id)
        if look.end is not None and not page.next_page_token:
            return page._replace(next_page_token=self._tokens.seal(query, look.end))
        return page
