"""WatchBalance: a stream of a wallet's movements."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.entry import Entry
from creditd.domain.wallet import new_wallet
from creditd.ledger.work import Overloaded, ShuttingDown
from creditd.server.balance_handlers import BalanceHandlers
from creditd.server.bridge import Bridge
from creditd.server.convert import balance_after, balance_message, entry_message
from creditd.service.call import Call
from creditd.service.watching import Watching
from creditd.storage.changes import Key

log = logging.getLogger(__name__)

MAX_WATCHERS = 1_000
"""Streams of one server; each costs memory and a share of every look."""

LOOK_SECONDS = 0.2
"""How far behind a watcher may be: one look for all of them each time, and none while nobody watches."""


class WatchHandlers:
    """Streams balances as they move."""

    def __init__(self, bridge: Bridge, watching: Watching, balances: BalanceHandlers) -> None:
        """Look on the threads of the bridge."""
        self._bridge = bridge
        self._watching = watching
        self._balances = balances
        self._watchers: Counter[Key] = Counter()
        self._seen: dict[Key, int] = {}
        self._looked = asyncio.Condition()
        self._closing = False
        self._looking = asyncio.create_task(self._look_always())

    async def watch_balance(
        self, request: pb.WatchBalanceRequest, call: Call
    ) -> AsyncIterator[pb.WatchBalanceResponse]:
        """Answer WatchBalance."""
        await self._balances.know([request.credit_type])
        if self._watchers.total() >= MAX_WATCHERS:
            raise Overloaded
        key = Key(request.account_id, request.credit_type)
        self._watchers[key] += 1
        try:
            version = request.after_version
            if not request.HasField("after_version"):
                state = await self._balances.state_of(request.account_id, call)
                wallet = state.wallets.get(request.credit_type) or new_wallet(state.account, request.credit_type)
                version = wallet.version
                yield pb.WatchBalanceResponse(balance=balance_message(wallet._replace(grants=())))
            while True:
                for entry in await self._entries_after(key, version):
                    version = entry.version
                    yield pb.WatchBalanceResponse(balance=balance_after(entry), entry=entry_message(entry))
                await self._moved_beyond(key, version)
        finally:
            self._forget(key)

    async def _entries_after(self, key: Key, version: int) -> list[Entry]:
        return await self._bridge.watching(lambda: self._watching.entries_after(key, version))

    def _forget(self, key: Key) -> None:
        self._watchers[key] -= 1
        if not self._watchers[key]:
            del self._watchers[key]
            self._seen.pop(key, None)

    async def _moved_beyond(self, key: Key, version: int) -> None:
        async with self._looked:
            await self._looked.wait_for(lambda: self._closing or self._seen.get(key, 0) > version)
        if self._closing:
            raise ShuttingDown

    async def close(self) -> None:
        """End every stream; their callers go on with another server from the version that they have seen."""
        self._closing = True
        self._looking.cancel()
        async with self._looked:
            self._looked.notify_all()

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._watchers:
                continue
            try:
                await self._look()
            except Exception:
                log.warning("could not look for movements", exc_info=True)
                continue
            async with self._looked:
                self._looked.notify_all()

    async def _look(self) -> None:
        keys = list(self._watchers)
        versions = await self._bridge.watching(lambda: self._watching.versions(keys))
        # Meanwhile the last watcher of a wallet may have gone, and nobody would forget it again.
        self._seen.update((key, version) for key, version in versions.items() if key in self._watchers)
