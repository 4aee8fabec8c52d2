"""The ledger held against what is stored, for one caller at a time."""

from collections.abc import AsyncGenerator
from typing import Final

from creditd.ledger.verification import Checked, Found, Verification
from creditd.service.line import Line
from creditd.service.threads import Threads
from creditd.storage.database import Database

AT_ONCE: Final = 1
"""Adding up is work of this process alone, which its other calls wait for: two would take no less time than one."""

MAX_WAITING: Final = 8
"""Callers in line. One who comes after them would have to wait for longer than callers do."""


class Verifications:
    """Verifies the ledger, or one account, in steps on a thread kept for it."""

    def __init__(self, database: Database, threads: Threads) -> None:
        """Read through ``database``."""
        self._database = database
        self._threads = threads
        self._line = Line(AT_ONCE, MAX_WAITING)

    async def findings(self, account_id: str | None) -> AsyncGenerator[Found | Checked]:
        """Give the differences as they are found, then what was checked; of all accounts if none is named.

        No step begins once nobody asks for the next finding. Raises Overloaded, ShuttingDown, DatabaseUnavailable.
        """
        async with self._line.place():
            verification = Verification(self._database, account_id)
            while not verification.is_done:
                for finding in await self._threads.verification(verification.step):
                    yield finding
