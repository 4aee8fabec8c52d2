"""Wallets that took long to become so large, written at once: decided by the domain's rules, saved by the service's."""

from itertools import count, islice

from creditd.domain.account import Account, new_account
from creditd.domain.commands import Add, Deduct, Reserve
from creditd.domain.decide import decide
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import Movement, Origin, Rules, Wallet, new_wallet
from creditd.ledger.ids import Ids
from creditd.storage.changes import Changes
from creditd.storage.database import Database
from creditd.storage.locks import open_accounts
from creditd.storage.save import save
from tests.support.customer import CHAT

RULES = Rules()

SAVED_AT_ONCE = 10_000

GRANT, HOLD = 2, 3
"""Credits of a grant and of a hold: each hold takes from two grants."""


def write_holds_ending(
    database: Database, account_id: str, grants: int, holds: int, now: Instant, end: Instant
) -> None:
    """Write a wallet of so many grants and holds, all of which end at one instant."""
    wallet, make_id = new_wallet(_opened(database, account_id, now), CHAT), Ids(lambda: now)
    changes = Changes()
    live: list[Grant] = []
    for _ in range(grants):
        movement = _added(wallet, make_id(), GRANT, end, now)
        live += movement.changed
        wallet = movement.wallet
        changes.add(movement)
    wallet = wallet._replace(grants=tuple(live))
    for _ in range(holds):
        command = Reserve(Origin("battery"), make_id(), HOLD, expire_time=end)
        movement = decide(wallet, None, command, now, RULES)
        wallet = movement.wallet
        changes.add(movement)
    with database.transaction() as connection:
        save(connection, changes)


def write_history(database: Database, account_id: str, entries: int, now: Instant) -> None:
    """Write a wallet with a history of so many entries, which end ``now`` and are a second apart."""
    start = Instant(now - entries * 1_000_000)
    make_id, seconds = Ids(lambda: now), count(start, 1_000_000)
    wallet = new_wallet(_opened(database, account_id, start), CHAT)
    movement = _added(wallet, make_id(), 2 * entries, None, start)
    changes = Changes()
    changes.add(movement)
    wallet = movement.wallet
    for at in islice(seconds, 1, entries):
        movement = decide(wallet, None, Deduct(Origin("battery"), make_id(), 1), Instant(at), RULES)
        wallet = movement.wallet
        changes.add(movement)
        if len(changes.entries) == SAVED_AT_ONCE:
            changes = _saved(database, changes)
    _saved(database, changes)


def _opened(database: Database, account_id: str, now: Instant) -> Account:
    account = new_account(account_id, now)
    with database.transaction() as connection:
        open_accounts(connection, [account])
    return account


def _saved(database: Database, changes: Changes) -> Changes:
    if changes.entries:
        with database.transaction() as connection:
            save(connection, changes)
    return Changes()


def _added(wallet: Wallet, grant_id: str, amount: int, expire_time: Instant | None, now: Instant) -> Movement:
    """Bring credits in as if there were no others: sorting them in takes as long as there are grants."""
    command = Add(Origin("battery"), EntryKind.TOP_UP, grant_id, Source.PURCHASED, amount, expire_time)
    return decide(wallet._replace(grants=()), None, command, now, RULES)
