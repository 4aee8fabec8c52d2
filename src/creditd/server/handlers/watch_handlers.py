"""WatchBalance: a stream of a wallet's movements."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

from credit.v1 import credit_service_pb2 as pb
from creditd.domain.wallet import WalletKey, new_wallet
from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown
from creditd.server.credit_messages import balance_after, balance_message, listed_entry_message
from creditd.server.refusals import TooManyAtOnce
from creditd.service.balances import Balances
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.history import History
from creditd.telemetry.failures import Failures

MAX_WATCHERS = 1_000
"""Streams of one server; each costs memory and a share of every look."""

WATCHERS_OF_AN_ACCOUNT = 50
"""Of one account, whoever opens them: a person with a few devices, and the services that look after them."""

WATCHERS_OF_AN_OWNER = 20
"""Opened by the account's owner: a few devices with a few windows each, which come back before they have gone."""

WATCHERS_OF_A_CALLER = 500
"""Opened by one service or member of staff, which watch many accounts: half of all, so that others have the rest."""

LOOK_SECONDS = 0.2
"""How far behind a watcher may be: one look for all of them each time, and none while nobody watches."""


PASSING = (DatabaseUnavailable, Overloaded, ShuttingDown)
"""What the next look may get past."""


class _Watched:
    """A wallet that streams show: how many of them, and the version that it was last seen at."""

    __slots__ = ("moved", "streams", "version")

    def __init__(self) -> None:
        self.streams = 0
        self.version = 0
        self.moved = asyncio.Event()

    def wake(self) -> None:
        """Let all go on that wait for a movement now."""
        self.moved.set()
        self.moved = asyncio.Event()


class WatchHandlers:
    """Streams balances as they move. What is known of a wallet goes with its last stream."""

    def __init__(self, balances: Balances, history: History, catalogue: Catalogue) -> None:
        """Begin to look for movements, on the running event loop."""
        self._balances = balances
        self._history = history
        self._catalogue = catalogue
        self._wallets: dict[WalletKey, _Watched] = {}
        self._streams = 0
        self._failures = Failures("a look for movements", lambda error: isinstance(error, PASSING))
        self._accounts: Counter[str] = Counter()
        self._callers: Counter[str] = Counter()
        self._looking = asyncio.create_task(self._look_always())

    @property
    def watched(self) -> int:
        """How many wallets something is kept of."""
        return len(self._wallets)

    async def watch_balance(
        self, request: pb.WatchBalanceRequest, call: Call
    ) -> AsyncGenerator[pb.WatchBalanceResponse]:
        """Answer WatchBalance."""
        await self._catalogue.require(request.credit_type)
        self._require_place(request.account_id, call)
        key = WalletKey(request.account_id, request.credit_type)
        watched = self._wallets.setdefault(key, _Watched())
        self._count(request.account_id, call.subject, 1)
        watched.streams += 1
        try:
            version = request.after_version
            if not request.HasField("after_version"):
                # The stream goes on from what is written: what is only due by now could come in between yet.
                state = await self._balances.get_written(call, key)
                wallet = state.wallets.get(request.credit_type) or new_wallet(state.account, request.credit_type)
                version = wallet.version
                yield pb.WatchBalanceResponse(balance=balance_message(wallet))
            else:
                await self._balances.require_reached(call, key, version)
            while True:
                for listed in await self._history.after(key, version):
                    version = listed.entry.version
                    yield pb.WatchBalanceResponse(
                        balance=balance_after(listed.entry), entry=listed_entry_message(listed)
                    )
                await self._moved_beyond(watched, version)
        finally:
            self._count(request.account_id, call.subject, -1)
            watched.streams -= 1
            if not watched.streams:
                del self._wallets[key]

    def _require_place(self, account_id: str, call: Call) -> None:
        """Raise TooManyAtOnce, which is the caller's to mend, before Overloaded, which is not."""
        of_caller = WATCHERS_OF_AN_OWNER if call.subject == account_id else WATCHERS_OF_A_CALLER
        if self._callers[call.subject] >= of_caller:
            raise TooManyAtOnce(what="streams of the caller", maximum=of_caller)
        if self._accounts[account_id] >= WATCHERS_OF_AN_ACCOUNT:
            raise TooManyAtOnce(what="streams of the account", maximum=WATCHERS_OF_AN_ACCOUNT)
        if self._streams >= MAX_WATCHERS:
            raise Overloaded

    def _count(self, account_id: str, subject: str, change: int) -> None:
        self._streams += change
        for counts, name in ((self._accounts, account_id), (self._callers, subject)):
            counts[name] += change
            if not counts[name]:
                del counts[name]

    async def _moved_beyond(self, watched: _Watched, version: int) -> None:
        while watched.version <= version:
            await watched.moved.wait()

    async def close(self) -> None:
        """Look no more; the streams have ended."""
        self._looking.cancel()

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._wallets:
                continue
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - the looks must outlive any failure; each is logged and counted.
                self._failures.note(error)
            else:
                self._failures.over()

    async def _look(self) -> None:
        keys = list(self._wallets)
        versions = await self._history.versions(keys)
        for key, version in versions.items():
            # Meanwhile the last stream of a wallet may have ended, and nothing is kept of it any more.
            watched = self._wallets.get(key)
            if watched is not None and version > watched.version:
                watched.version = version
                watched.wake()
