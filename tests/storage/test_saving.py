"""What a batch changed is written whole or not at all, and comes back as it was written."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson
import psycopg
import pytest
from sqlalchemy import text

from creditd.domain.account import Account, new_account
from creditd.domain.commands import Add, Reserve
from creditd.domain.decide import decide
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import ReservationKey
from creditd.domain.wallet import MAX_BALANCE, Movement, Origin, Rules, Wallet, WalletKey, new_wallet
from creditd.ledger.ids import uuid7
from creditd.storage.changes import Changes
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.failures import SaveFailure, classify
from creditd.storage.locks import open_accounts
from creditd.storage.requests import RequestKey, load_requests
from creditd.storage.reservations import load_reservations
from creditd.storage.save import Overtaken, Saved, postpone, save
from creditd.storage.wallets import load_wallets
from tests.storage.texts import NASTY
from tests.support.databases import migrated_database
from tests.support.patience import eventually

NOW = Instant(1_750_000_000 * SECOND + 123_457)
RULES = Rules()

_WAITS_FOR_THIS = text("SELECT pid FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Provide a database with the schema."""
    with migrated_database() as url:
        database = Database(DatabaseSettings(url, pool_size=2))
        yield database
        database.close()


@pytest.fixture
def wallet(database: Database, account: str) -> Wallet:
    """Provide the wallet of an account that was opened."""
    with database.autocommit() as connection:
        opened = new_account(account, NOW)
        assert open_accounts(connection, [opened])
    return new_wallet(opened, "chat")


def added(wallet: Wallet, amount: int = 10, origin: Origin = Origin("tests")) -> Movement:  # noqa: B008 - a value.
    """Return the movement that brings in credits."""
    command = Add(origin, EntryKind.TOP_UP, uuid7(), Source.PURCHASED, amount, Instant(NOW + SECOND))
    return decide(wallet, None, command, NOW, RULES)


def reserved(wallet: Wallet, amount: int, origin: Origin = Origin("tests")) -> Movement:  # noqa: B008 - a value.
    """Return the movement that holds credits."""
    return decide(wallet, None, Reserve(origin, uuid7(), amount), NOW, RULES)


def changes_of(*movements: Movement) -> Changes:
    """Return what movements add up to."""
    changes = Changes()
    for movement in movements:
        changes.add(movement)
    return changes


def saved(database: Database, *movements: Movement) -> Saved:
    """Write movements as one batch; return what became of it."""
    with database.autocommit() as connection:
        return save(connection, changes_of(*movements))


def written(database: Database, *movements: Movement) -> None:
    """Write movements as one batch, all of it."""
    assert not saved(database, *movements).unsaved


def funded(database: Database, account: str) -> Wallet:
    """Return the wallet of a new account with ten credits."""
    opened = new_account(account, NOW)
    with database.autocommit() as connection:
        assert open_accounts(connection, [opened])
    first = added(new_wallet(opened, "chat"))
    written(database, first)
    return first.wallet


def stored(database: Database, wallet: Wallet) -> Wallet:
    """Return the wallet as it is stored."""
    key = WalletKey(wallet.account.account_id, wallet.credit_type)
    with database.autocommit() as connection:
        return load_wallets(connection, [key], NOW, RULES.order)[key].wallet


def test_a_wallet_its_grants_its_reservation_and_its_entry_come_back_as_they_were(
    database: Database, wallet: Wallet
) -> None:
    first = added(wallet, 10, Origin("tests", "first", -5, "why", '{"a":"b"}'))
    second = reserved(first.wallet, 4, Origin("tests", "second", 2**62, "what for"))
    written(database, first, second)
    assert stored(database, wallet) == second.wallet
    account, reservation = wallet.account.account_id, second.reservation
    assert reservation is not None
    with database.autocommit() as connection:
        key = ReservationKey(account, "chat", reservation.reservation_id)
        assert load_reservations(connection, [key]) == {key: reservation}
        known = load_requests(connection, [RequestKey(account, "first"), RequestKey(account, "second")])
    assert known == {RequestKey(account, "first"): [first.entry], RequestKey(account, "second"): [second.entry]}


def test_any_text_comes_back_as_it_was(database: Database, wallet: Wallet) -> None:
    latest, movements = wallet, []
    for number, nasty in enumerate(NASTY):
        labels = orjson.dumps({f"{number}{nasty}": nasty}).decode()
        movements.append(added(latest, 10, Origin(nasty, f"{number}{nasty}", 1, nasty, labels)))
        movements.append(reserved(movements[-1].wallet, 4, Origin(nasty, f"{nasty}{number}!", 1, nasty, labels)))
        latest = movements[-1].wallet
    written(database, *movements)
    account = wallet.account.account_id
    requests = [RequestKey(account, movement.entry.request_id or "") for movement in movements]
    held = [movement.reservation for movement in movements if movement.reservation is not None]
    keys = [ReservationKey(account, "chat", reservation.reservation_id) for reservation in held]
    with database.autocommit() as connection:
        known = load_requests(connection, requests)
        reservations = load_reservations(connection, keys)
    assert [known[request] for request in requests] == [[movement.entry] for movement in movements]
    assert [reservations[key] for key in keys] == held


def test_a_wallet_that_has_moved_is_told_and_nothing_of_it_is_written(
    database: Database, wallet: Wallet, account: str
) -> None:
    first = added(wallet)
    written(database, first)
    second, stale = reserved(first.wallet, 3), reserved(first.wallet, 4, Origin("tests", "stale"))
    written(database, second)
    assert saved(database, stale)[1:] == (frozenset({account}), frozenset())
    assert stored(database, wallet) == second.wallet
    assert stale.reservation is not None
    with database.autocommit() as connection:
        name = ReservationKey(account, "chat", stale.reservation.reservation_id)
        assert load_reservations(connection, [name]) == {}
        assert load_requests(connection, [RequestKey(account, "stale")]) == {}


def test_other_accounts_than_the_one_that_has_moved_are_saved(database: Database, account: str) -> None:
    wallets = [funded(database, f"{account}-{number}") for number in range(3)]
    written(database, reserved(wallets[1], 3))
    movements = [reserved(wallet, 4) for wallet in wallets]
    assert saved(database, *movements).moved == {wallets[1].account.account_id}
    assert [stored(database, wallet).available for wallet in wallets] == [6, 7, 6]


def test_an_account_is_saved_with_all_its_wallets_or_not_at_all(database: Database, account: str) -> None:
    """A command that moves two wallets must not come apart."""
    chat = funded(database, account)
    quiz = added(new_wallet(chat.account, "quiz"))
    written(database, quiz)
    written(database, reserved(quiz.wallet, 3))
    assert saved(database, reserved(chat, 4), reserved(quiz.wallet, 4)).unsaved == {account}
    assert stored(database, chat) == chat


def test_a_wallet_is_not_saved_if_it_moves_while_its_row_is_waited_for(database: Database, account: str) -> None:
    """The snapshot shows the version that was decided on; the row that was waited for does not."""
    wallet = funded(database, account)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as ahead:
            assert not save(ahead, changes_of(reserved(wallet, 3))).unsaved
            behind = pool.submit(saved, database, reserved(wallet, 4))
            eventually(lambda: ahead.execute(_WAITS_FOR_THIS).first())
        assert behind.result().moved == {account}
    assert stored(database, wallet).available == 7


def test_a_copy_that_is_ahead_of_the_database_is_refused(database: Database, wallet: Wallet) -> None:
    """A standby that took over without the last commits has forgotten what this server still knows."""
    first = added(wallet)
    written(database, first)
    ahead = reserved(first.wallet._replace(version=first.wallet.version + 3), 4)
    assert saved(database, ahead).moved == {wallet.account.account_id}
    assert stored(database, wallet) == first.wallet


def test_an_account_that_has_changed_refuses_what_was_decided_before(database: Database, wallet: Wallet) -> None:
    first = added(wallet)
    written(database, first)
    changed: Account = wallet.account._replace(version=2)
    overtaken = reserved(first.wallet._replace(account=changed), 3)
    assert saved(database, overtaken).moved == {wallet.account.account_id}
    assert stored(database, wallet) == first.wallet


def test_a_wallet_that_another_server_has_made_meanwhile_is_not_made_again(database: Database, wallet: Wallet) -> None:
    written(database, added(wallet, 5))
    with pytest.raises(Overtaken), database.transaction() as connection:
        save(connection, changes_of(added(wallet, 7)))
    assert stored(database, wallet).available == 5


def test_an_account_whose_request_id_is_known_is_told_and_nothing_of_it_is_written(
    database: Database, wallet: Wallet, account: str
) -> None:
    rival = funded(database, f"{account}-rival")
    first = added(wallet, 10, Origin("tests", "click"))
    written(database, first)
    again, same_elsewhere = reserved(first.wallet, 3, Origin("tests", "click")), reserved(rival, 3)
    assert saved(database, again, same_elsewhere)[1:] == (frozenset(), frozenset({account}))
    assert stored(database, wallet) == first.wallet
    assert stored(database, rival).available == 7


def test_a_request_id_that_is_known_to_another_wallet_of_the_account_is_told(database: Database, account: str) -> None:
    chat = funded(database, account)
    quiz = added(new_wallet(chat.account, "quiz"), 10, Origin("tests", "click"))
    written(database, quiz)
    assert saved(database, reserved(chat, 3, Origin("tests", "click"))).known == {account}
    assert stored(database, chat) == chat


def test_what_no_rule_would_do_is_refused_for_another_reason(database: Database, wallet: Wallet) -> None:
    first = added(wallet)
    debt = first._replace(wallet=first.wallet._replace(available=-1))
    with pytest.raises(psycopg.Error) as refusal:
        saved(database, debt)
    assert classify(refusal.value) is SaveFailure.OTHER


def test_the_largest_amount_comes_back(database: Database, wallet: Wallet) -> None:
    first = added(wallet, MAX_BALANCE)
    second = reserved(first.wallet, MAX_BALANCE)
    written(database, first, second)
    assert stored(database, wallet) == second.wallet


def test_saving_tells_the_database_s_time(database: Database, wallet: Wallet) -> None:
    told = saved(database, added(wallet)).database_time
    assert abs(told - time.time() * SECOND) < 60 * SECOND


def test_wallets_are_put_off_but_for_those_that_have_moved(database: Database, account: str) -> None:
    opened = [new_account(f"{account}-{number}", NOW) for number in range(3)]
    with database.autocommit() as connection:
        assert open_accounts(connection, opened)
    first = [added(new_wallet(one, "chat")).wallet for one in opened]
    written(database, *(added(new_wallet(one, "chat")) for one in opened))
    later = [wallet._replace(next_expire_time=Instant(NOW + 99)) for wallet in first]
    later[1] = later[1]._replace(version=later[1].version + 1)
    later[2] = later[2]._replace(next_expire_time=None)
    with database.autocommit() as connection:
        postpone(connection, later[::-1])
    looks = [stored(database, wallet).next_expire_time for wallet in first]
    assert looks == [NOW + 99, first[1].next_expire_time, None]


def test_putting_a_wallet_off_changes_nothing_else_of_it(database: Database, wallet: Wallet) -> None:
    first = added(wallet, 10)
    written(database, first)
    with database.autocommit() as connection:
        postpone(connection, [first.wallet._replace(next_expire_time=Instant(NOW + 99))])
    assert stored(database, wallet) == first.wallet._replace(next_expire_time=Instant(NOW + 99))


def test_accounts_are_opened_together_and_one_known_already_is_told(database: Database, account: str) -> None:
    some = [new_account(f"{account}-{number}", NOW) for number in range(3)]
    with database.autocommit() as connection:
        assert open_accounts(connection, [])
        assert open_accounts(connection, some[:2])
        assert not open_accounts(connection, some)
