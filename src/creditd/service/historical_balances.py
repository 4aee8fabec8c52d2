"""Balances of the past, from the ledger: what GetBalance said at an instant, or right after a movement."""

from collections.abc import Collection, Mapping
from typing import Final

from creditd.domain import errors
from creditd.domain.instant import Instant
from creditd.domain.wallet import Rules, WalletKey
from creditd.ledger.balances import settled_wallet
from creditd.ledger.clock import DatabaseClock
from creditd.service.pages import SCANNED_ROWS
from creditd.service.threads import Threads
from creditd.storage.archive.archives import archived_parts
from creditd.storage.database import Connection, Database
from creditd.storage.historical_balances import HistoricalBalance, balances_after, versions_at
from creditd.storage.wallets import LoadedWallet, load_accounts, load_light_accounts
from creditd.storage.wallets import versions as versions_of

NO_WALLETS: Final[Mapping[str, LoadedWallet]] = {}


class HistoricalBalances:
    """Reads balances of the past, one account at a time.

    All raise DatabaseUnavailable, Overloaded, ShuttingDown.
    """

    def __init__(self, database: Database, clock: DatabaseClock, rules: Rules, threads: Threads) -> None:
        """Read through ``database``; what has ended and is not in the ledger yet ends by ``rules``."""
        self._database = database
        self._clock = clock
        self._rules = rules
        self._threads = threads

    async def at(self, account_id: str, credit_types: Collection[str], instant: Instant) -> list[HistoricalBalance]:
        """Return the balances in these credit types at an instant.

        Raises InvalidField for one in the future, of which nothing is known yet; EntriesArchived.
        """
        self.require_past(instant)
        return await self._threads.pages.submit(
            lambda: self.read_at(account_id, credit_types, instant), owner=account_id
        )

    def require_past(self, instant: Instant) -> None:
        """Raise InvalidField for an instant in the future."""
        if instant > self._clock.now():
            raise errors.InvalidField(field="as_of_time", rule="not in the future")

    def read_at(self, account_id: str, credit_types: Collection[str], instant: Instant) -> list[HistoricalBalance]:
        """Return the balances in these credit types at an instant of the past. Blocks."""
        with self._database.listing() as connection:
            wallets = self._wallets(connection, account_id, instant)
            newest = {code: wallets[code].wallet.version for code in credit_types if code in wallets}
            versions = versions_at(connection, account_id, newest, instant, SCANNED_ROWS)
            written = balances_after(connection, account_id, versions, instant)
        return [
            _settled(wallets[code], written[code], instant, self._rules)
            if newest.get(code) and versions[code] == newest[code]
            else written.get(code, _before_the_first(code))
            for code in credit_types
        ]

    def _wallets(self, connection: Connection, account_id: str, instant: Instant) -> Mapping[str, LoadedWallet]:
        order = self._rules.order
        loaded, heavy = load_light_accounts(connection, [account_id], instant, order)
        if heavy:
            loaded = load_accounts(connection, [account_id], instant, order)
        return loaded[account_id].wallets if account_id in loaded else NO_WALLETS

    async def after(self, key: WalletKey, version: int) -> list[HistoricalBalance]:
        """Return the one balance of a wallet right after a movement.

        Raises VersionAhead for one not in the ledger, EntriesArchived for one that is no longer in it.
        """
        return await self._threads.pages.submit(lambda: self.read_after(key, version), owner=key.account_id)

    def read_after(self, key: WalletKey, version: int) -> list[HistoricalBalance]:
        """Return the one balance right after a movement. Blocks. Raises VersionAhead, EntriesArchived."""
        account_id, credit_type = key
        with self._database.listing() as connection:
            current = versions_of(connection, [key]).get(key, 0)
            if version > current:
                raise errors.VersionAhead(stated=version, current=current)
            archived = archived_parts(connection, account_id, [credit_type]).get(credit_type)
            if archived and 0 < version < archived.last_version:
                raise archived.refusal(account_id)
            found = balances_after(connection, account_id, {credit_type: version}, self._clock.now())
        return [found.get(credit_type, _before_the_first(credit_type))]


def _settled(loaded: LoadedWallet, written: HistoricalBalance, instant: Instant, rules: Rules) -> HistoricalBalance:
    """Return a wallet at an instant after its last movement, ``written`` as of then; more may have ended since.

    The wallet's own time is when that movement was written down, which may be after the instant.
    """
    as_it_was = loaded.wallet._replace(update_time=written.update_time or loaded.wallet.update_time)
    wallet = settled_wallet(loaded._replace(wallet=as_it_was), instant, rules)
    return HistoricalBalance(
        wallet.credit_type, wallet.version, wallet.available, wallet.reserved, wallet.debt, wallet.update_time
    )


def _before_the_first(credit_type: str) -> HistoricalBalance:
    return HistoricalBalance(credit_type, 0, 0, 0, 0, None)
