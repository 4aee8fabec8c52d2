"""Reconciliation: a provider is compared with our records; whatever no webhook reported is recorded and returned."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Final, NamedTuple

from creditd.domain import errors
from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import Refusal
from creditd.domain.events.outbox import OutboxEvent, OutboxKind
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_errors import ProviderUnavailable
from creditd.domain.payments.provider import Provider
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import CallFailed, CallRefused, PaymentProvider, ReportMismatch, Said
from creditd.service.payments.background import Background
from creditd.service.payments.cases import FoundCases, Recorded, UnknownPayment, problem_of, references_of
from creditd.service.payments.providers import InThread, Providers
from creditd.service.payments.recorder import Recorder
from creditd.storage.controls import audit
from creditd.storage.database import Database
from creditd.storage.events import outbox
from creditd.storage.payments import reconciliations
from creditd.storage.payments.reconciliations import Day
from creditd.telemetry.statistics import PaymentStatistics

log = logging.getLogger(__name__)

DAY: Final = 86_400 * SECOND

LOOK_BACK: Final = 3 * DAY
"""Default look-back; equals Stripe's webhook retry window."""

GIVEN_UP: Final = 3_600 * SECOND
"""Lease: a comparison that has not ended by then is made again, by any server."""

EARLIEST: Final = Instant(1_262_304_000 * SECOND)
"""The year 2010: no provider is older."""

INTERVAL_SECONDS: Final = 600.0
"""Seconds between checks whether today's comparison is still to be made."""

BUSY_PAUSES: Final = (0.25, 0.5, 1.0)
"""Seconds between tries of an object whose rows others hold. A row that is held for longer is held by somebody who has
stopped: the next comparison looks back far enough to meet the object again."""

_BUSY = (VersionConflict, Overloaded)
_ENDING = (DatabaseUnavailable, ShuttingDown)


class Finding(NamedTuple):
    """Something at a provider that was not recorded here; ``purchase`` is a resource name, or empty."""

    reference: str
    purchase: str
    applied: bool
    description: str


class Comparison(NamedTuple):
    """How many objects were compared, recorded, and left for staff."""

    compared: int
    applied: int
    unresolved: int


class Reconciliation:
    """Compares providers with our records: each once a day in the ``background``, and on request."""

    def __init__(
        self,
        database: Database,
        providers: Providers,
        recorder: Recorder,
        finds: FoundCases,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        in_thread: InThread,
        statistics: PaymentStatistics,
    ) -> None:
        """Record findings by ``recorder``."""
        self._statistics = statistics
        self._database = database
        self._providers = providers
        self._recorder = recorder
        self._finds = finds
        self._clock = clock
        self._make_id = make_id
        self._in_thread = in_thread
        self.background = Background(self._compare_all, INTERVAL_SECONDS, "reconciliation")

    async def _compare_all(self) -> None:
        failed: list[Exception] = []
        for provider in self._providers:
            try:
                await self._compare_today(provider)
            except ProviderUnavailable:
                log.warning("comparing with %s ended early: it is out of reach", provider.provider.name)
            except _ENDING:
                raise
            except Exception as error:  # noqa: BLE001 - noted below: it must not keep the other providers waiting.
                failed.append(error)
        if failed:
            *others, last = failed
            for other in others:
                self.background.failures.note(other)
            raise last

    async def _compare_today(self, provider: PaymentProvider) -> None:
        now = self._clock.now()
        day = Day(provider.provider, provider.live, Instant(now - now % DAY))
        begun, since = await self._in_thread(lambda: self._begin(day, now))
        if not begun:
            return
        async for _ in self.compare(provider.provider, since):
            pass
        await self._in_thread(lambda: self._end(day))

    def _begin(self, day: Day, now: Instant) -> tuple[bool, Instant]:
        """Claim today's comparison if it is due; return its start, so that no time is left out."""
        with self._database.transaction() as connection:
            last = reconciliations.last_start(connection, day.provider, live=day.live)
            begun = reconciliations.begin(connection, day, now, Instant(now - GIVEN_UP))
        usual = Instant(now - LOOK_BACK)
        return begun, usual if last is None else min(usual, last)

    def _end(self, day: Day) -> None:
        with self._database.transaction() as connection:
            reconciliations.end(connection, day, self._clock.now())

    async def compare_for(self, act: Act, kind: Provider, since: Instant | None) -> AsyncIterator[Finding | Comparison]:
        """Compare as ``compare`` does, for staff: the audit log tells of it before anything is asked or recorded."""
        self._beginning(kind, since)
        await self._in_thread(lambda: self._tell(act, kind, since))
        async for outcome in self.compare(kind, since):
            yield outcome

    def _tell(self, act: Act, kind: Provider, since: Instant | None) -> None:
        asked = act.done(self._make_id(), self._clock.now(), f"providers/{kind.name.lower()}", after={"since": since})
        with self._database.transaction() as connection:
            audit.append(connection, asked)

    async def compare(self, kind: Provider, since: Instant | None) -> AsyncIterator[Finding | Comparison]:
        """Record what a provider reports since an instant; yield every finding, then the counts.

        What cannot be recorded at the moment counts as unresolved and keeps nothing else from being compared. Raises
        ProviderNotConfigured, ProviderUnavailable, InvalidField for a time before any provider existed, and
        DatabaseUnavailable, since nothing more can be recorded then.
        """
        provider, start = self._beginning(kind, since)
        counts = Counter[str]()
        try:
            async for find in self._pass(provider, start, counts):
                yield find
            if counts["unplaced"] and counts["applied"]:
                # Providers list the newest first, so a refund may come before its payment.
                again = Counter[str]()
                async for find in self._pass(provider, start, again):
                    if find.applied:
                        counts["applied"] += 1
                        yield find
        except CallFailed as error:
            raise ProviderUnavailable(provider=kind.name) from error
        yield Comparison(counts["compared"], counts["applied"], counts["unresolved"])

    def _beginning(self, kind: Provider, since: Instant | None) -> tuple[PaymentProvider, Instant]:
        """Return what is asked, and from when on. Raises ProviderNotConfigured, InvalidField."""
        provider = self._providers.get(kind)
        if since is not None and since < EARLIEST:
            raise errors.InvalidField(field="since", rule="a time after the year 2010")
        return provider, Instant(self._clock.now() - LOOK_BACK) if since is None else since

    async def _pass(self, provider: PaymentProvider, start: Instant, counts: Counter[str]) -> AsyncIterator[Finding]:
        """Go once through all that a provider lists, one by one, keeping nothing in memory."""
        async for said in provider.recent(start):
            counts["compared"] += 1
            find = await self._taken(provider, said, counts)
            if find is not None:
                counts["applied" if find.applied else "unresolved"] += 1
                yield find

    async def _taken(self, provider: PaymentProvider, said: Said, counts: Counter[str]) -> Finding | None:
        """Record what is said, and try again while others hold what it needs; what fails in the end stops no other.

        Raises DatabaseUnavailable, ShuttingDown.
        """
        name, reference = provider.provider.name.lower(), (*references_of(said), "")[0]
        pauses = iter(BUSY_PAUSES)
        while True:
            try:
                return await self._in_thread(partial(self._take, provider, said, counts))
            except _ENDING:
                raise
            except _BUSY as error:
                pause = next(pauses, None)
                if pause is None:
                    return self._left(name, reference, Recorded("", "", changed=False, problem=_not_recorded(error)))
                await asyncio.sleep(pause)
            except Exception as error:  # noqa: BLE001 - noted: a bug that one object meets must not delay the others.
                self.background.failures.note(error)
                return self._left(name, reference, Recorded("", "", changed=False, problem=_not_recorded(error)))

    def _take(self, provider: PaymentProvider, said: Said, counts: Counter[str]) -> Finding | None:
        name, reference = provider.provider.name.lower(), (*references_of(said), "")[0]
        try:
            applied = self._recorder.record(said, name, "seen at the provider")
        except UnknownPayment as unknown:
            counts["unplaced"] += 1
            if unknown.is_over:
                self._finds.end(said)
            if unknown.is_over or not unknown.is_ours:
                return None
            return self._unresolved(name, said, unknown)
        except (ReportMismatch, Refusal, CallRefused) as error:
            return self._unresolved(name, said, error)
        if applied.problem:
            return self._left(name, reference, applied)
        if not applied.changed:
            return None
        self._statistics.finds[name, "applied"] += 1
        log.warning("reconciliation: %s of %s was not known here and is applied", reference, name)
        self._announce(name, reference, applied)
        return Finding(reference, applied.purchase, applied=True, description="was not known here")

    def _unresolved(self, name: str, said: Said, error: Exception) -> Finding | None:
        """Record a case for what cannot be recorded as facts, and return it, unless staff have dismissed it."""
        if not self._finds.show(said, error):
            return None
        return self._left(
            name, (*references_of(said), "")[0], Recorded("", "", changed=False, problem=problem_of(error))
        )

    def _left(self, name: str, reference: str, applied: Recorded) -> Finding:
        """Return the finding of a case."""
        self._statistics.finds[name, "unresolved"] += 1
        log.warning("reconciliation: %s of %s is for a person: %s", reference, name, applied.problem)
        return Finding(reference, applied.purchase, applied=False, description=applied.problem)

    def _announce(self, provider: str, reference: str, applied: Recorded) -> None:
        account_id = applied.account_id
        payload = {"provider": provider, "reference": reference, "purchase": applied.purchase}
        event = OutboxEvent(account_id, self._make_id(), OutboxKind.RECONCILED, "", payload, self._clock.now())
        with self._database.transaction() as connection:
            outbox.announce(connection, event)


def _not_recorded(error: Exception) -> str:
    return f"it could not be recorded ({type(error).__name__}), and is tried again by the next comparison"
