"""Unsigned hints: webhooks that anybody may have sent.

Hints about known purchases are filed at once; there are no more of them than of our own purchases. Of all others a few
are kept until the provider has confirmed that their subject exists; the rest is refused. Nothing is lost by that: open
purchases are polled, and each day is compared.
"""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, NoReturn

from creditd.addresses import place_of
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import Overloaded
from creditd.payments.provider import CallFailed, Delivery, InvalidWebhook, PaymentProvider, Unsigned
from creditd.service.payments.background import Worker
from creditd.service.payments.intake import IngestResult, Intake
from creditd.service.payments.providers import InThread
from creditd.service.payments.rejections import Rejections
from creditd.storage.database import Database
from creditd.storage.payments import payment_hints, payment_references
from creditd.storage.payments.payment_hints import PaymentHint
from creditd.telemetry.statistics import PaymentStatistics


class Pace:
    """A rate limit for each key. A key is forgotten once it is idle."""

    def __init__(self, each_second: float, at_once: int, now: Callable[[], float] = time.monotonic) -> None:
        """Allow ``each_second`` for a key, and up to ``at_once`` after a pause; ``now`` is in seconds."""
        self._interval = 1 / each_second
        self._ahead = (at_once - 1) * self._interval
        self._now = now
        self._idle_from: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._idle_from)

    def allows(self, key: str = "") -> bool:
        """Tell whether a key is within its limit now, without counting."""
        return self._idle_from.get(key, 0.0) - self._now() <= self._ahead

    def count(self, key: str = "") -> None:
        """Count one for a key, and forget the keys that are idle."""
        now = self._now()
        self._idle_from[key] = max(now, self._idle_from.pop(key, 0.0)) + self._interval
        while self._idle_from:
            oldest, idle_from = next(iter(self._idle_from.items()))
            if idle_from > now:
                return
            del self._idle_from[oldest]


ASKED_AT_A_TIME: Final = 200
"""Look-ups answered by one query: those that arrived during the query before."""

MAX_ASKING: Final = 2_000
"""Look-ups that may wait: a few tenths of a second's worth. Further ones are refused with Overloaded."""


class _Asked(NamedTuple):
    references: tuple[str, ...]
    answer: "asyncio.Future[str]"


class Directory:
    """Looks up which of a provider's ids are known. Used on one event loop."""

    def __init__(self, database: Database, provider: Provider, in_thread: InThread, *, live: bool) -> None:
        """Look in ``database`` for the ids of one provider in one mode."""
        self._database = database
        self._provider = provider
        self._live = live
        self._in_thread = in_thread
        self._payment_requests: list[_Asked] = []
        self._looking: asyncio.Task[None] | None = None

    async def known(self, references: Sequence[str]) -> str:
        """Return the first of some ids that is of something of ours; empty if none is.

        Raises Overloaded, and what the database's failures stand for.
        """
        if len(self._payment_requests) >= MAX_ASKING:
            raise Overloaded
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._payment_requests.append(_Asked(tuple(references), answer))
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return await answer

    async def _look(self) -> None:
        """Answer all who wait; those who arrive meanwhile are answered by the next query."""
        try:
            while self._payment_requests:
                asked, self._payment_requests = (
                    self._payment_requests[:ASKED_AT_A_TIME],
                    self._payment_requests[ASKED_AT_A_TIME:],
                )
                await self._answer(asked)
        finally:
            self._looking = None

    async def _answer(self, asked: Sequence[_Asked]) -> None:
        wanted = sorted({reference for one in asked for reference in one.references})
        try:
            found = await self._in_thread(lambda: self._found(wanted))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is each caller's answer.
            for one in asked:
                if not one.answer.done():
                    one.answer.set_exception(error)
            return
        for one in asked:
            if not one.answer.done():
                one.answer.set_result(next((each for each in one.references if each in found), ""))

    def _found(self, wanted: Sequence[str]) -> frozenset[str]:
        with self._database.autocommit() as connection:
            return frozenset(payment_references.referred(connection, self._provider, wanted, live=self._live))


STRANGE_A_SECOND: Final = 10.0
STRANGE_AT_ONCE: Final = 20
"""Hints of one provider about unknown ids that a process takes each second: as many look-ups as the provider's API
allows beside the regular work. A shop with other sales on the same account has a few a minute."""

STRANGE_OF_ONE_A_SECOND: Final = 4.0
STRANGE_OF_ONE_AT_ONCE: Final = 8
"""The part of these that one address may use, so that others have room."""

MAX_KEPT: Final = 100
"""Hints in the database that wait for the provider's confirmation: ten seconds' worth. While the provider cannot be
reached no more are kept."""


class Hints:
    """Takes unsigned hints in. Used on one event loop."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        intake: Intake,
        in_thread: InThread,
        rejections: Rejections,
        now_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep them in ``database``; the rate limits go by ``now_seconds``."""
        self._database = database
        self._clock = clock
        self._intake = intake
        self._in_thread = in_thread
        self._rejections = rejections
        self._of_all = Pace(STRANGE_A_SECOND, STRANGE_AT_ONCE, now_seconds)
        self._of_one = Pace(STRANGE_OF_ONE_A_SECOND, STRANGE_OF_ONE_AT_ONCE, now_seconds)
        self._directories: dict[Provider, Directory] = {}

    async def take(
        self, known: PaymentProvider, unsigned: Unsigned, delivery: Delivery, remote_address: str
    ) -> IngestResult:
        """Take a hint in; return after COMMIT. A hint that does not concern credits leaves no row.

        Raises Overloaded if there are too many about unknown ids.
        """
        if not delivery.is_of_interest:
            return IngestResult.NOT_OF_INTEREST
        ours = await self._directory(known).known(known.names(delivery).references)
        if ours:
            return await self._in_thread(lambda: self._file(known, unsigned.about(delivery, ours)))
        sender = sender_of(remote_address)
        if not (self._of_one.allows(sender) and self._of_all.allows()):
            self._turn_away(known, remote_address)
        self._of_one.count(sender)
        self._of_all.count()
        result = await self._in_thread(lambda: self._keep(known, delivery), owner="hints")
        if result is None:
            self._turn_away(known, remote_address)
        return result

    def _directory(self, known: PaymentProvider) -> Directory:
        if known.provider not in self._directories:
            directory = Directory(self._database, known.provider, self._in_thread, live=known.live)
            self._directories[known.provider] = directory
        return self._directories[known.provider]

    def _file(self, known: PaymentProvider, delivery: Delivery) -> IngestResult:
        with self._database.transaction() as connection:
            return self._intake.file(connection, known, delivery)

    def _keep(self, known: PaymentProvider, delivery: Delivery) -> IngestResult | None:
        """Keep a hint until the provider has confirmed its subject; return None if too many are kept."""
        now = self._clock.now()
        hint = PaymentHint(known.provider, delivery.live, delivery.key, delivery.event_type, delivery.body, 0, now, now)
        with self._database.transaction() as connection:
            if payment_hints.count(connection, known.provider) >= MAX_KEPT:
                return None
            is_new = payment_hints.add(connection, hint)
        return IngestResult.STORED if is_new else IngestResult.DUPLICATE

    def _turn_away(self, known: PaymentProvider, remote_address: str) -> NoReturn:
        too_many = InvalidWebhook(RejectionReason.TOO_MANY, "too many unsigned hints that name nothing of ours")
        self._rejections.count(known.provider, too_many, remote_address)
        raise Overloaded


def sender_of(remote_address: str) -> str:
    """Return what an address is counted as: itself, or its network for IPv6; empty if it is no address."""
    try:
        ipaddress.ip_address(remote_address)
    except ValueError:
        return ""
    return place_of(f"[{remote_address}]:0")


HINTS_AT_A_TIME: Final = 4
"""Hints looked up together: few, since strangers send them, and the provider's API is needed for our own."""

MAX_TRIES: Final = 8
"""Tries over about eight minutes. Real payments are found by polling and comparison, and others need the place."""

IDLE_SECONDS: Final = 1.0
"""Seconds between looks for due hints, also those that another server kept."""


class HintWorker(Worker[PaymentHint]):
    """Checks the hints of a provider that signs none: files those whose subject exists, and drops the others."""

    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        unsigned: Unsigned,
        intake: Intake,
        clock: DatabaseClock,
        in_thread: InThread,
        statistics: PaymentStatistics,
        on_filed: Callable[[Provider], None],
    ) -> None:
        """Check what ``database`` keeps. ``on_filed`` is called with the provider when there is something to record."""
        super().__init__(IDLE_SECONDS, f"the hints of {provider.provider.name}", at_once=True)
        self._database = database
        self._provider = provider
        self._unsigned = unsigned
        self._intake = intake
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self._on_filed = on_filed

    async def _claim(self) -> list[PaymentHint]:
        return await self._in_thread(self._claim_in_thread)

    def _claim_in_thread(self) -> list[PaymentHint]:
        with self._database.transaction() as connection:
            return payment_hints.claim(connection, self._provider.provider, self._clock.now(), HINTS_AT_A_TIME)

    async def _attempt(self, hint: PaymentHint) -> None:
        delivery = Delivery(hint.subject, hint.event_type, hint.live, hint.body, is_of_interest=True)
        try:
            is_real = await self._unsigned.is_real(delivery)
        except CallFailed:
            if hint.tries >= MAX_TRIES:
                await self._drop(hint, "unread")
            return
        if not is_real:
            await self._drop(hint, "unknown")
            return
        await self._in_thread(lambda: self._file(hint, delivery))
        self._on_filed(self._provider.provider)

    async def _drop(self, hint: PaymentHint, reason: str) -> None:
        self._statistics.hints_dropped[hint.provider.name.lower(), reason] += 1
        await self._in_thread(lambda: self._forget(hint))

    def _forget(self, hint: PaymentHint) -> None:
        with self._database.transaction() as connection:
            payment_hints.drop(connection, hint)

    def _file(self, hint: PaymentHint, delivery: Delivery) -> None:
        with self._database.transaction() as connection:
            self._intake.file(connection, self._provider, delivery)
            payment_hints.drop(connection, hint)
