"""The sealer: extends the chain over the audit log and the ledgers, a bounded round at a time, off every hot path.

A round goes on where the last one ended, whichever server made it: the row that says where is held meanwhile, so that
one server seals at a time. It reads what is new, and never what is sealed.

The audit log and the ledgers are sealed by a transaction each: what keeps one of them from it leaves the other alone.
"""

from typing import Final

from creditd.domain.controls.seal import NO_HASH, NO_SEAL, EntrySeal, Seal, next_seal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.controls.seal_plan import SealPlan, plan_of
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.controls import seals
from creditd.storage.database import Connection, Database
from creditd.storage.event_ids import first_id

ROUND_SECONDS: Final = 5.0
"""Seconds between rounds, of all servers together; the default of a setting."""

HORIZON: Final = 300 * SECOND
"""How old events are before they are sealed. Servers commit in another order than that of their ids, which are made
within a transaction; none lasts longer than a minute or so, whatever happens to its server. What appears behind a seal
later was put there.

Entries, whose versions say their order, wait as long, so that a seal holds all that its wallet has moved meanwhile."""

EVENTS_AT_A_TIME: Final = 5_000
"""Events of a round: a thousand a second."""

WALLETS_AT_A_TIME: Final = 2_000
"""Wallets that a round looks at: 400 a second, some ten milliseconds."""


class Sealer:
    """Seals in the ``background``."""

    def __init__(
        self, database: Database, clock: DatabaseClock, in_thread: InThread, interval_seconds: float = ROUND_SECONDS
    ) -> None:
        """Seal what is in ``database``, every ``interval_seconds``."""
        self._pause = int(interval_seconds * SECOND / 2)
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        # Wallets that rounds of this server have moved past without coming to their ends.
        self._behind: list[WalletKey] = []
        self.background = Background(self._round, interval_seconds, "sealing")

    async def _round(self) -> None:
        if self._clock.is_read:
            await self._in_thread(self.seal_once)

    def seal_once(self, *, rests: bool = True) -> Seal | None:
        """Make a round; return the last seal that it added, None if there was nothing new or another makes it. Blocks.

        Without ``rests`` it is made also soon after the last one.
        """
        now = self._clock.now()
        last_round = Instant(now - (self._pause if rests else 0))
        try:
            of_events = self._seal_events(last_round, now)
        finally:
            of_entries = self._seal_entries(last_round, now)
        return of_entries or of_events

    def _seal_events(self, last_round: Instant, now: Instant) -> Seal | None:
        with self._database.transaction() as connection:
            if seals.take_turn(connection, last_round) is None:
                return None
            before = seals.head(connection) or NO_SEAL
            last = first_id(Instant(now - HORIZON))
            events = seals.events_between(connection, before.last_event_id, last, EVENTS_AT_A_TIME)
            if not events:
                return None
            seal = next_seal(before, events, [], now)
            seals.append_seal(connection, seal)
        return seal

    def _seal_entries(self, last_round: Instant, now: Instant) -> Seal | None:
        with self._database.transaction() as connection:
            after = seals.take_turn(connection, last_round)
            if after is None:
                return None
            page = seals.wallets_after(connection, after, WALLETS_AT_A_TIME)
            behind = seals.wallets_named(connection, self._behind) if self._behind else []
            plan = plan_of(page, behind, Instant(now - HORIZON), is_last=len(page) < WALLETS_AT_A_TIME)
            before = seals.head(connection) or NO_SEAL
            hashes = _sealed(connection, plan, before.seal_number + 1)
            seals.come_to(connection, plan.come_to, now)
            seal = next_seal(before, [], hashes, now)
            if hashes:
                seals.append_seal(connection, seal)
        self._behind = plan.behind
        return seal if hashes else None


def _sealed(connection: Connection, plan: SealPlan, seal_number: int) -> list[bytes]:
    """Seal what is planned by a seal of the chain; return the hashes by wallet and version."""
    hashes = dict(plan.hashes)
    sealed: list[tuple[WalletKey, int, bytes]] = []
    for stretches in plan.passes:
        made = [
            EntrySeal(*one.wallet, one.first_version, one.last_version, hashes[one.wallet] or NO_HASH, b"", seal_number)
            for one in stretches
        ]
        hashes |= seals.seal_entries(connection, made)
        sealed += [(one.wallet, one.last_version, hashes[one.wallet] or NO_HASH) for one in stretches]
    return [found for _, _, found in sorted(sealed)]
