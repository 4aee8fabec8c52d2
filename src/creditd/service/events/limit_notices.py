"""Notices of limits that were reached: what was refused changes nothing, so that they are written by themselves.

One for each window of each limit. Its id follows from both, so that another server's, or one after a crash, is the same
event. What a crash takes with it is told by the next refusal.
"""

from threading import Lock
from typing import Final
from uuid import UUID, uuid5

from creditd.domain.errors import LimitExceeded
from creditd.domain.events.outbox import OutboxEvent, OutboxKind
from creditd.domain.limits import DAY, HOUR
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.database import Database
from creditd.storage.events import outbox

WRITE_SECONDS: Final = 0.5
"""Seconds between writes: one statement, however many limits are reached."""

MAX_TOLD: Final = 10_000
"""Windows remembered as told, of some 200 bytes each. Of those forgotten the event is written, and dropped, again."""

MAX_UNWRITTEN: Final = 1_000
"""Events kept while the database cannot be reached; further ones are told by later refusals."""

_WINDOWS: Final = {"MOST_PER_HOUR": HOUR, "MOST_PER_DAY": DAY}

_NAMESPACE: Final = UUID("6d0a1c1e-5d3c-5b0e-9d0e-1c6a7a0f3b55")


class LimitNotices:
    """Tells of limits that were reached, in the ``background``."""

    def __init__(self, database: Database, clock: DatabaseClock, in_thread: InThread) -> None:
        """Write to ``database``."""
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        # It guards the fields below: refusals come from every thread that serves.
        self._lock = Lock()
        self._told: dict[UUID, None] = {}
        self._unwritten: list[OutboxEvent] = []
        self.background = Background(self.write, WRITE_SECONDS, "telling of limits")

    def note(self, key: WalletKey, refusal: LimitExceeded) -> None:
        """Take in that a limit was reached, from any thread. Never waits for the database."""
        length = _WINDOWS.get(str(refusal.facts["which"]))
        if length is None:
            # What one movement may spend is no state that an account comes into.
            return
        now = self._clock.now()
        spender_id = refusal.facts.get("spender_id", "")
        event_id = uuid5(_NAMESPACE, f"{key} {spender_id} {refusal.facts['which']} {now // length}")
        with self._lock:
            if event_id in self._told or len(self._unwritten) >= MAX_UNWRITTEN:
                return
            if len(self._told) >= MAX_TOLD:
                del self._told[next(iter(self._told))]
            self._told[event_id] = None
            self._unwritten.append(
                OutboxEvent(
                    key.account_id,
                    str(event_id),
                    OutboxKind.LIMIT_REACHED,
                    key.credit_type,
                    {
                        "which": refusal.facts["which"],
                        "limit": refusal.facts["limit"],
                        "used": refusal.facts.get("used", 0),
                        "spender": spender_id,
                    },
                    now,
                )
            )

    async def write(self) -> None:
        """Write what there is. It stays where that fails."""
        events = self._unwritten[:]
        if events:
            await self._in_thread(lambda: self._write(events))
            with self._lock:
                del self._unwritten[: len(events)]

    async def flush(self) -> None:
        """Write what is left as the process ends; what cannot be written is told by the next refusals."""
        try:
            await self.write()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process is to end in order.
            self.background.failures.note(error)

    def _write(self, events: list[OutboxEvent]) -> None:
        with self._database.transaction() as connection:
            outbox.announce(connection, *sorted(events, key=lambda event: (event.account_id, event.event_id)))
