"""Verification: the ledger is compared with the stored balances, for one caller at a time."""

from collections.abc import AsyncGenerator
from typing import Final

from creditd.domain.fold import Difference
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.seal_verification import EntrySealVerification
from creditd.ledger.verification import Checked, Found, Verification
from creditd.service.line import Line
from creditd.service.threads import Threads
from creditd.storage.database import Database

AT_ONCE: Final = 1
"""Verifications at once. Adding up uses the CPU of this process, so two would take as long as one after the other."""

MAX_WAITING: Final = 8
"""Callers that may wait in line; a further one would wait longer than callers do."""


SEAL: Final = "seal"
"""The field of a difference where the entries up to a version are not those that were sealed."""


class Verifications:
    """Verifies the ledger, or one account, in steps on a thread of its own."""

    def __init__(self, database: Database, clock: DatabaseClock, threads: Threads) -> None:
        """Read through ``database``."""
        self._database = database
        self._clock = clock
        self._threads = threads
        self._line = Line(AT_ONCE, MAX_WAITING)

    async def findings(self, account_id: str | None) -> AsyncGenerator[Found | Checked]:
        """Yield the differences as they are found, then the counts; for all accounts if none is named.

        No step starts unless the caller asks for the next finding. Raises Overloaded, ShuttingDown,
        DatabaseUnavailable.
        """
        async with self._line.place():
            verification = Verification(self._database, self._clock.now, account_id)
            checked = Checked(0, 0, 0)
            while not verification.is_done:
                for finding in await self._threads.verification(verification.step):
                    if isinstance(finding, Checked):
                        checked = finding
                    else:
                        yield finding
            sealed = EntrySealVerification(self._database, account_id)
            while not sealed.is_done:
                for broken in await self._threads.verification(sealed.step):
                    checked = checked._replace(differences=checked.differences + 1)
                    yield Found(broken.wallet, Difference(broken.version, SEAL, 1, 0))
            yield checked
