"""One wallet as the next decision in it would find it: settled, and with the counts that its limits go by."""

from collections.abc import Iterable
from typing import Final

from creditd.domain import errors
from creditd.domain.expiry import Settled
from creditd.domain.instant import Instant
from creditd.domain.limits import WHOLE, are_counted
from creditd.domain.wallet import Rules, WalletKey, new_wallet
from creditd.ledger.balances import settled
from creditd.storage.counts import CountKey, load_counts
from creditd.storage.database import Connection
from creditd.storage.wallets import LoadedAccount, LoadedWallet, load_accounts, load_light_accounts

NOBODY: Final[tuple[str, ...]] = ()


class WalletReader:
    """Reads wallets of accounts that exist."""

    def __init__(self, rules: Rules) -> None:
        """Settle by ``rules``."""
        self._rules = rules

    def read(self, connection: Connection, key: WalletKey, now: Instant, spenders: Iterable[str] = NOBODY) -> Settled:
        """Return a wallet settled at ``now``, and what has ended in it and is not in the ledger yet.

        Where a limit goes by counts it has those of the whole, and of ``spenders``. Raises AccountNotFound, Overloaded.
        """
        account = self._account(connection, key.account_id, now)
        wallet = account.wallets.get(key.credit_type) or LoadedWallet(
            new_wallet(account.account, key.credit_type), account_exists=True, due=(), next_hold_end=None
        )
        if are_counted(account.account.limits, self._rules.limits, key.credit_type):
            scopes = {WHOLE, *spenders, *[held.spender_id for held in wallet.due]}
            counts = load_counts(connection, [CountKey(*key, scope) for scope in scopes])
            wallet = wallet._replace(wallet=wallet.wallet._replace(usage=counts[key]))
        return settled(wallet, now, self._rules)

    def _account(self, connection: Connection, account_id: str, now: Instant) -> LoadedAccount:
        found, heavy = load_light_accounts(connection, [account_id], now, self._rules.order)
        if heavy:
            found = load_accounts(connection, [account_id], now, self._rules.order)
        if account_id not in found:
            raise errors.AccountNotFound(account_id=account_id)
        return found[account_id]
