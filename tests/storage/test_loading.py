"""What a decision is made on is found as it was written, and nothing else is."""

from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import ReservationKey
from creditd.domain.wallet import WalletKey
from creditd.domain.weight import HEAVY_DUE, HEAVY_GRANTS, HEAVY_SLICES
from creditd.ledger.ids import uuid7
from creditd.ledger.work import Work
from creditd.storage import wallets
from creditd.storage.arrays import texts
from creditd.storage.requests import RequestKey, load_light_requests, load_requests
from creditd.storage.reservations import load_light_reservations, load_reservations
from creditd.storage.wallets import (
    LightWallets,
    LoadedWallet,
    due_wallets,
    load_accounts,
    load_light_wallets,
    load_wallets,
)
from tests.storage.plans import nodes
from tests.support.databases import migrated_database
from tests.support.desk import RULES, Desk, desk_at
from tests.support.works import MINUTE, act, add, add_of_each, confirm, deduct, origin, reservation_of, reserve, work


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Provide a writer to fill the database with, which gives sign-up credits."""
    with migrated_database() as url, desk_at(url, sign_up_credits={"spec": 1}) as desk:
        yield desk


def load(desk: Desk, *keys: WalletKey) -> dict[WalletKey, LoadedWallet]:
    """Load wallets as they are now."""
    with desk.database.autocommit() as connection:
        return load_wallets(connection, keys, desk.clock.now(), RULES.order)


def load_light(desk: Desk, *keys: WalletKey) -> LightWallets:
    """Load wallets as they are now, but for the heavy ones."""
    with desk.database.autocommit() as connection:
        return load_light_wallets(connection, keys, desk.clock.now(), RULES.order)


def granting(account: str, amount: int, source: Source, life: int | None = None, now: int = 0) -> Work:
    """Return the work that brings in credits of some source, for good or for so long."""
    expire_time = None if life is None else Instant(now + life)
    command = Add(origin(None, amount, source), EntryKind.ADMIN_ADD, uuid7(), source, amount, expire_time)
    return work(account, command)


def test_a_wallet_of_an_account_never_seen_stands_on_a_new_one(desk: Desk, account: str) -> None:
    key = WalletKey(account, "chat")
    wallet, exists, due, next_hold_end, _ = load(desk, key)[key]
    assert not exists
    assert (wallet.version, wallet.account.version, wallet.account.status) == (0, 1, AccountStatus.ACTIVE)
    assert (due, next_hold_end) == ((), None)


def test_a_wallet_that_was_never_used_stands_on_its_account(desk: Desk, account: str) -> None:
    desk.do(add(account, 10))
    desk.accounts.set_status(account, AccountStatus.SUSPENDED, act(None), allow_balance=True)
    wallet, exists, *_ = load(desk, WalletKey(account, "quiz_gen"))[WalletKey(account, "quiz_gen")]
    assert exists
    assert (wallet.version, wallet.account.version, wallet.account.status) == (0, 2, AccountStatus.SUSPENDED)


def test_many_wallets_are_each_found_under_their_own_key(desk: Desk, account: str) -> None:
    names = [f"{account}-{number}" for number in range(5)]
    desk.write(*(add(name, 10 + number) for number, name in enumerate(names)))
    desk.write(*(add(name, 20 + number, credit_type="quiz_gen") for number, name in enumerate(names)))
    keys = [WalletKey(name, credit_type) for name in names for credit_type in ("chat", "quiz_gen", "THB")]
    loaded = load(desk, *keys, WalletKey("nobody", "chat"))
    assert [loaded[key].wallet.available for key in keys] == [10, 20, 0, 11, 21, 0, 12, 22, 0, 13, 23, 0, 14, 24, 0]
    assert all(
        (key.account_id, key.credit_type) == (w.account.account_id, w.credit_type) for key, (w, *_) in loaded.items()
    )


def test_live_grants_come_in_spend_order_and_spent_ones_not_at_all(desk: Desk, account: str) -> None:
    now = desk.clock.now()
    desk.do(granting(account, 5, Source.FREE))
    desk.do(deduct(account, 5))
    for source, life in [
        (Source.PURCHASED, None),
        (Source.ADMIN, 2 * MINUTE),
        (Source.ADMIN, MINUTE),
        (Source.PROMO, None),
        (Source.FREE, None),
        (Source.PURCHASED, 3 * MINUTE),
    ]:
        desk.do(granting(account, int(source), source, life, now))
    wallet = load(desk, WalletKey(account, "chat"))[WalletKey(account, "chat")].wallet
    found = [(g.source, g.expire_time and g.expire_time - now) for g in wallet.grants]
    assert found == [
        (Source.FREE, None),
        (Source.PROMO, None),
        (Source.ADMIN, MINUTE),
        (Source.ADMIN, 2 * MINUTE),
        (Source.PURCHASED, 3 * MINUTE),
        (Source.PURCHASED, None),
    ]
    assert wallet.next_expire_time == now + MINUTE


def test_due_holds_come_soonest_first_and_the_next_one_s_end_with_them(
    desk: Desk, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 100))
    ends = {}
    for minutes in (4, 2, 5, 1, 3):
        held = reservation_of(desk.do(reserve(account, minutes, ttl=minutes * MINUTE)))
        ends[minutes] = held.expire_time
    desk.do(confirm(reservation_of(desk.do(reserve(account, 50)))))
    key, now = WalletKey(account, "chat"), desk.clock.now() + 3 * MINUTE + SECOND
    with desk.database.autocommit() as connection:
        _, _, due, next_hold_end, _ = load_wallets(connection, [key], Instant(now), RULES.order)[key]
        assert ([r.amount for r in due], next_hold_end) == ([1, 2, 3], ends[4])
        monkeypatch.setattr(wallets, "MAX_DUE", 2)
        _, _, due, next_hold_end, _ = load_wallets(connection, [key], Instant(now), RULES.order)[key]
        assert ([r.amount for r in due], next_hold_end) == ([1, 2], ends[3])


def test_nothing_is_looked_for_in_a_wallet_in_which_nothing_is_due(desk: Desk, account: str) -> None:
    desk.do(add(account, 10))
    desk.do(reserve(account, 1))
    loaded = load(desk, WalletKey(account, "chat"))[WalletKey(account, "chat")]
    assert (loaded.due, loaded.next_hold_end) == ((), None)


def test_accounts_come_with_all_of_their_wallets(desk: Desk, account: str) -> None:
    desk.do(add_of_each(account, {"chat": 1, "THB": 2}))
    with desk.database.autocommit() as connection:
        found = load_accounts(connection, [account, "nobody"], desk.clock.now(), RULES.order)
    assert set(found) == {account}
    assert {name: loaded.wallet.available for name, loaded in found[account].wallets.items()} == {
        "THB": 2,
        "chat": 1,
        "spec": 1,
    }


def test_what_a_request_did_comes_by_ordinal_and_only_for_its_account(desk: Desk, account: str) -> None:
    brought = add_of_each(account, {"quiz_gen": 1, "THB": 2, "chat": 3})
    name = brought.origin.request_id or ""
    desk.write(brought, add(f"{account}-rival", 9, name))
    with desk.database.autocommit() as connection:
        known = load_requests(connection, [RequestKey(account, name), RequestKey(account, "unknown")])
    assert {key: [(e.ordinal, e.credit_type) for e in entries] for key, entries in known.items()} == {
        RequestKey(account, name): [(0, "quiz_gen"), (1, "THB"), (2, "chat")]
    }


def test_wallets_with_something_due_come_longest_overdue_first(desk: Desk, account: str) -> None:
    names = [f"{account}-{number}" for number in range(3)]
    for minutes, name in zip((7_003, 7_001, 7_002), names, strict=True):
        desk.do(add(name, 5))
        desk.do(reserve(name, 1, ttl=minutes * SECOND))
    now = desk.clock.now()
    with desk.database.autocommit() as connection:
        due = [key for key, _ in due_wallets(connection, Instant(now + 7_010 * SECOND), 100)]
        assert [key.account_id for key in due if key.account_id in names] == [names[1], names[2], names[0]]
        assert not [key for key, _ in due_wallets(connection, now, 100) if key.account_id in names]
        assert len(due_wallets(connection, Instant(now + 7_010 * SECOND), 2)) == 2


@pytest.mark.parametrize("more", [0, 1])
def test_a_wallet_with_more_grants_than_many_may_have_is_heavy(desk: Desk, account: str, more: int) -> None:
    grants = HEAVY_GRANTS + more
    desk.write(*(add(account, 1) for _ in range(grants)))
    light, heavy = load_light(desk, WalletKey(account, "chat"), WalletKey(account, "spec"))
    assert heavy == ({WalletKey(account, "chat")} if more else set())
    assert light.keys() == {WalletKey(account, "chat"), WalletKey(account, "spec")} - heavy
    assert len(load(desk, WalletKey(account, "chat"))[WalletKey(account, "chat")].wallet.grants) == grants


@pytest.mark.parametrize("more", [0, 1])
def test_a_wallet_in_which_more_is_due_than_many_may_have_is_heavy(desk: Desk, account: str, more: int) -> None:
    desk.do(add(account, 1_000))
    desk.write(*(reserve(account, 1) for _ in range(HEAVY_DUE + more)))
    assert load_light(desk, WalletKey(account, "chat")).heavy == set()
    desk.clock.advance(61)
    assert load_light(desk, WalletKey(account, "chat")).heavy == ({WalletKey(account, "chat")} if more else set())


def test_a_wallet_whose_due_holds_have_many_slices_is_heavy(desk: Desk, account: str) -> None:
    desk.write(*(add(account, 1) for _ in range(2 * HEAVY_DUE)))
    desk.write(reserve(account, HEAVY_DUE), reserve(account, HEAVY_DUE))
    desk.clock.advance(61)
    assert load_light(desk, WalletKey(account, "chat")).heavy == {WalletKey(account, "chat")}


def test_of_what_is_due_no_more_is_loaded_than_has_so_many_slices(
    desk: Desk, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallets, "MAX_DUE_SLICES", 5)
    desk.write(*(add(account, 1) for _ in range(12)))
    for seconds in (10, 20, 30):
        desk.do(reserve(account, 4, ttl=seconds * SECOND))
    desk.clock.advance(61)
    _, _, due, next_hold_end, _ = load(desk, WalletKey(account, "chat"))[WalletKey(account, "chat")]
    assert [len(held.slices) for held in due] == [4, 4]
    assert (next_hold_end or 0) > (due[-1].expire_time or 0)


def test_reservations_and_requests_of_many_slices_are_not_loaded_with_others(desk: Desk, account: str) -> None:
    desk.write(*(add(account, 1) for _ in range(HEAVY_SLICES + 2)))
    many = reservation_of(desk.do(reserve(account, HEAVY_SLICES + 1, "many")))
    few = reservation_of(desk.do(reserve(account, 1, "few")))
    keys = [ReservationKey(account, "chat", held.reservation_id) for held in (many, few)]
    requests = [RequestKey(account, "many"), RequestKey(account, "few")]
    with desk.database.autocommit() as connection:
        reservations, heavy = load_light_reservations(connection, keys)
        known, heavy_requests = load_light_requests(connection, requests)
        assert load_reservations(connection, keys) == {keys[0]: many, keys[1]: few}
        assert load_requests(connection, requests).keys() == set(requests)
    assert (reservations, heavy) == ({keys[1]: few}, {keys[0]})
    assert (set(known), heavy_requests) == ({requests[1]}, {requests[0]})


def test_of_a_heavy_wallet_no_more_rows_are_read_than_show_that_it_is(desk: Desk, account: str) -> None:
    desk.write(*(add(account, 5) for _ in range(6 * HEAVY_GRANTS)))
    desk.write(*(reserve(account, 1) for _ in range(6 * HEAVY_DUE)))
    desk.clock.advance(61)
    most = {"most_grants": HEAVY_GRANTS + 1, "most_due": HEAVY_DUE + 1, "most_slices": HEAVY_DUE}
    keys = {"account_id": texts([account]), "credit_type": texts(["chat"]), "now": desk.clock.now()}
    query, names, _ = wallets._LIGHT_WALLETS
    with psycopg.connect(desk.url, autocommit=True) as connection, psycopg.RawCursor(connection) as cursor:
        cursor.execute(b"SET plan_cache_mode = force_generic_plan")
        explained = b"EXPLAIN (ANALYZE, FORMAT JSON) " + query
        row = cursor.execute(explained, [{**keys, **most}[name] for name in names]).fetchone()
    assert row is not None
    read = Counter[str]()
    for node in nodes(row[0][0]["Plan"]):
        read[node.get("Relation Name", "")] += node["Actual Rows"] * node["Actual Loops"]
    assert 0 < read["grants"] <= HEAVY_GRANTS + 1
    assert 0 < read["reservations"] <= HEAVY_DUE + 2
