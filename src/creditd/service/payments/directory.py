"""The directory of what is ours at providers, asked for many callers by one query."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from creditd.domain.provider import Provider
from creditd.ledger.work import Overloaded
from creditd.service.payments.providers import InThread
from creditd.storage import payment_references
from creditd.storage.database import Database

ASKED_AT_A_TIME: Final = 200
"""By one query: those who came while the one before was under way."""

MAX_ASKING: Final = 2_000
"""Who wait for their answer: some tenths of a second's worth. Whoever comes then is told to come back."""


class _Asked(NamedTuple):
    references: tuple[str, ...]
    answer: "asyncio.Future[str]"


class Directory:
    """Tells which of a provider's ids are known here. Used on one event loop."""

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
        """Answer all who ask; who comes meanwhile is answered by the next query."""
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
