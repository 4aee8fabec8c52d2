"""Unsigned hints: anybody may have sent them.

Those about what is ours are filed at once: there are no more of them than of our own purchases. Of all others a few are
kept until their provider has said whether there is what they are about; the rest is turned away. What is turned away
is found all the same, since open purchases are polled and each day is compared.
"""

import ipaddress
import time
from collections.abc import Callable
from typing import Final, NoReturn

from creditd.domain.provider import Provider
from creditd.domain.rejected_webhooks import RejectionReason
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import Overloaded
from creditd.payments.provider import Delivery, InvalidWebhook, PaymentProvider, Unsigned
from creditd.service.payments.directory import Directory
from creditd.service.payments.intake import IngestResult, Intake
from creditd.service.payments.pace import Pace
from creditd.service.payments.providers import InThread
from creditd.service.payments.rejections import Rejections
from creditd.storage import payment_hints
from creditd.storage.database import Database
from creditd.storage.payment_hints import Hint

STRANGE_A_SECOND: Final = 10.0
STRANGE_AT_ONCE: Final = 20
"""Hints of one provider that name nothing of ours, in each process: as many look-ups as an API gives away beside the
work that it is there for. A shop with other sales on the same account has a few a minute."""

STRANGE_OF_ONE_A_SECOND: Final = 4.0
STRANGE_OF_ONE_AT_ONCE: Final = 8
"""Of these, from one address: it leaves room for the others."""

MAX_KEPT: Final = 100
"""Hints that wait for their provider's word, in all of the database: ten seconds' worth, and all of them that there are
while the provider is away."""

IPV6_NETWORK_BITS: Final = 64
"""What one household or machine has of IPv6, to send from any address in it."""


class Hints:
    """Takes unsigned hints in. Used on one event loop."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        filing: Intake,
        in_thread: InThread,
        rejecting: Rejections,
        now_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep them in ``database``; the pace goes by ``now_seconds``."""
        self._database = database
        self._clock = clock
        self._intake = filing
        self._in_thread = in_thread
        self._rejections = rejecting
        self._of_all = Pace(STRANGE_A_SECOND, STRANGE_AT_ONCE, now_seconds)
        self._of_one = Pace(STRANGE_OF_ONE_A_SECOND, STRANGE_OF_ONE_AT_ONCE, now_seconds)
        self._directories: dict[Provider, Directory] = {}

    async def take(
        self, known: PaymentProvider, unsigned: Unsigned, delivery: Delivery, remote_address: str
    ) -> IngestResult:
        """Take a hint in; the answer comes after COMMIT. One that means nothing to credits leaves nothing.

        Raises Overloaded if there are too many that name nothing of ours.
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
        """Keep a hint until the provider has said whether it is about anything; None if too many are kept."""
        now = self._clock.now()
        hint = Hint(known.provider, delivery.live, delivery.key, delivery.event_type, delivery.body, 0, now, now)
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
    """Return whom an address stands for: itself, or its network where one sender has many; empty if it is none."""
    try:
        address = ipaddress.ip_address(remote_address)
    except ValueError:
        return ""
    if address.version == 4:  # noqa: PLR2004 - there are two.
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ipaddress.ip_network((address, IPV6_NETWORK_BITS), strict=False))
