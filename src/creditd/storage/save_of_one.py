"""The save of one account, where account data is distributed by account (:mod:`creditd.storage.layout`).

Citus takes no INSERT within a WITH, so that the one statement of :mod:`creditd.storage.save` cannot be. Here each row
goes in by INSERT ... VALUES or UPDATE, names its account, and so goes to the one server that has it. They are one
transaction on that one server, and travel in two round trips: what guards, then what it guards, with the COMMIT.

The guards are the same: a wallet is updated only from the version that was decided on, under the account's version,
and the row count tells; a request id that was used is looked for once the wallet is locked, and refused by its key.
Whatever does not hold is raised, so that the transaction is rolled back and nothing of the account is written.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy import Connection

from creditd.domain.account import Account
from creditd.domain.entry import Entry, ReservationAfter
from creditd.domain.instant import Instant
from creditd.domain.limits import NO_USAGE, scopes_of
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Wallet, WalletKey
from creditd.storage.arrays import texts
from creditd.storage.changes import ChangedGrant, Changes
from creditd.storage.connections.prepared import driver_of, prepared, round_trip
from creditd.storage.rows import count_to_json, instant_text
from creditd.storage.save import KnownRequest, Overtaken, Saved
from creditd.storage.slices import graces_to_json, slices_to_json

_Row = Sequence[str | None]

ROWS_AT_ONCE: Final = (64, 8, 1)
"""How many rows one INSERT may have: few different statements, which are planned once, whatever there is to write."""


class _Rows(NamedTuple):
    """A table that rows go into, and what becomes of one that is there."""

    table: str
    columns: str
    key: str = ""
    changing: str = ""

    def statement(self, count: int) -> bytes:
        """Return the INSERT of so many rows."""
        pairs = [column.split() for column in self.columns.split(",")]
        row = [f"${{}} ::{kind}" for _, kind in pairs]
        numbers = iter(range(1, count * len(pairs) + 1))
        values = ", ".join(f"({', '.join(part.format(next(numbers)) for part in row)})" for _ in range(count))
        names = ", ".join(name for name, _ in pairs)
        return f"INSERT INTO {self.table} ({names}) VALUES {values}{self._on_conflict}".encode()

    @property
    def _on_conflict(self) -> str:
        if not self.key:
            return ""
        if not self.changing:
            return f" ON CONFLICT ({self.key}) DO NOTHING"
        changes = ", ".join(f"{name} = excluded.{name}" for name in self.changing.split())
        return f" ON CONFLICT ({self.key}) DO UPDATE SET {changes}"


_WALLETS: Final = _Rows(
    "wallets",
    "account_id text, credit_type text, base_version bigint, version bigint, available bigint, reserved bigint, "
    "debt bigint, next_expire_time timestamptz, account_version bigint, update_time timestamptz",
    "account_id, credit_type",
)

_GRANTS: Final = _Rows(
    "grants",
    "account_id text, credit_type text, grant_id uuid, source smallint, amount bigint, remaining bigint, live boolean, "
    "expire_time timestamptz, grace_end timestamptz",
    "account_id, credit_type, grant_id",
    "remaining live expire_time grace_end",
)

_RESERVATIONS: Final = _Rows(
    "reservations",
    "account_id text, credit_type text, reservation_id uuid, state smallint, amount bigint, captured bigint, "
    "refunded bigint, unlimited boolean, slices jsonb, expire_time timestamptz, create_time timestamptz, "
    "update_time timestamptz, description text, metadata jsonb, spender_id text, counted jsonb",
    "account_id, reservation_id",
    "state captured refunded slices expire_time update_time counted",
)

_COUNTS: Final = _Rows(
    "spending_counts",
    "account_id text, credit_type text, spender_id text, hour_start timestamptz, in_hour bigint, "
    "day_start timestamptz, in_day bigint",
    "account_id, credit_type, spender_id",
    "hour_start in_hour day_start in_day",
)

_ENTRIES: Final = _Rows(
    "entries",
    "account_id text, credit_type text, version bigint, kind smallint, amount bigint, available_delta bigint, "
    "reserved_delta bigint, debt_delta bigint, available_after bigint, reserved_after bigint, debt_after bigint, "
    "slices jsonb, reservation_id uuid, reservation_state smallint, reservation_captured bigint, "
    "reservation_refunded bigint, reservation_expire_time timestamptz, request_id text, ordinal integer, "
    "fingerprint bigint, actor text, reason text, metadata jsonb, create_time timestamptz, graces jsonb, "
    "spender_id text, hour_delta bigint, day_delta bigint, correlation_id text",
)

_STATEMENTS: Final = {
    (rows.table, count): rows.statement(count)
    for rows in (_WALLETS, _GRANTS, _RESERVATIONS, _COUNTS, _ENTRIES)
    for count in ROWS_AT_ONCE
}

# In one order for everybody: whoever writes several wallets of an account takes them in the order of their types.
_UPDATE: Final = b"""
UPDATE wallets SET base_version = $3 ::bigint, version = $4 ::bigint, available = $5 ::bigint, reserved = $6 ::bigint,
    debt = $7 ::bigint, next_expire_time = $8 ::timestamptz, update_time = $10 ::timestamptz
WHERE account_id = $1 ::text AND credit_type = $2 ::text AND version = $3 ::bigint AND account_version = $9 ::bigint
"""

_KNOWN_ENTRY: Final = prepared("""
SELECT request_id FROM entries
WHERE account_id = :account_id ::text AND request_id = ANY (:request_id ::text[]) LIMIT 1
""")

_KNOWN_CLAIM: Final = prepared("""
SELECT request_id FROM request_claims
WHERE account_id = :account_id ::text AND request_id = ANY (:request_id ::text[]) LIMIT 1
""")

_CLOCK: Final = prepared("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")


def save_of_one(connection: Connection, changes: Changes, *, commits: bool = False) -> Saved:
    """Write all changes of one account within the transaction that is open, and tell the database's clock.

    With ``commits`` the transaction is committed in the last round trip. Raises Overtaken if a wallet or the account
    has moved, KnownRequest if a request id was used, and psycopg.Error as it comes from the driver; nothing may be
    kept then.
    """
    account_id = _the_one(changes)
    request_ids = texts(sorted({entry.request_id for entry in changes.entries if entry.request_id is not None}))
    asked = {"account_id": account_id, "request_id": request_ids}
    with round_trip(connection):
        guards = [_guard(connection, changes, key) for key in sorted(changes.wallets)]
        known = [statement.sent(connection, asked) for statement in (_KNOWN_ENTRY, _KNOWN_CLAIM)]
        clock = _CLOCK.sent(connection, {})
    if any(guard.rowcount != 1 for guard in guards):
        raise Overtaken
    if any(rows.fetchone() is not None for rows in known):
        raise KnownRequest
    with round_trip(connection):
        for rows, values in _guarded(changes):
            _insert(connection, rows, values)
        if commits:
            psycopg.RawCursor(driver_of(connection)).execute(b"COMMIT", prepare=False)
    return Saved(Instant(clock.fetchone()[0]), frozenset(), frozenset())


def _the_one(changes: Changes) -> str:
    """Return the account that all changes are of."""
    account_ids = {key.account_id for key in changes.wallets}
    if len(account_ids) != 1:
        message = f"a save of one account has changes of {len(account_ids)}"
        raise ValueError(message)
    return account_ids.pop()


def _guard(connection: Connection, changes: Changes, key: WalletKey) -> "psycopg.Cursor[Any]":
    """Send what writes a wallet's row, if it is still the one that was decided on: its row count tells."""
    base_version = changes.base_versions[key]
    statement = _UPDATE if base_version else _STATEMENTS[_WALLETS.table, 1]
    row = _wallet_row(changes.wallets[key], key, base_version)
    return psycopg.RawCursor(driver_of(connection)).execute(statement, row)


def _guarded(changes: Changes) -> Iterator[tuple[_Rows, list[_Row]]]:
    yield _GRANTS, [_grant_row(changed) for changed in sorted(changes.grants.values())]
    yield _RESERVATIONS, [_reservation_row(one) for one in sorted(changes.reservations.values())]
    yield _COUNTS, list(_count_rows(changes))
    yield _ENTRIES, [_entry_row(entry) for entry in sorted(changes.entries)]


def _insert(connection: Connection, rows: _Rows, values: Sequence[_Row]) -> None:
    """Send rows, so many at once as there are statements for."""
    first = 0
    for count in ROWS_AT_ONCE:
        while len(values) - first >= count:
            parameters = [value for row in values[first : first + count] for value in row]
            psycopg.RawCursor(driver_of(connection)).execute(_STATEMENTS[rows.table, count], parameters)
            first += count


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else instant_text(instant)


def _text(value: int | None) -> str | None:
    """Write a number as a text: of one type whatever its size, so that a statement is prepared once."""
    return None if value is None else int.__repr__(value)


def _flag(value: object) -> str:
    return "t" if value else "f"


def _wallet_row(wallet: Wallet, key: WalletKey, base_version: int) -> _Row:
    account: Account = wallet.account
    return (
        *key,
        _text(base_version),
        _text(wallet.version),
        _text(wallet.available),
        _text(wallet.reserved),
        _text(wallet.debt),
        _time(wallet.next_expire_time),
        _text(account.version),
        _time(wallet.update_time),
    )


def _grant_row(changed: ChangedGrant) -> _Row:
    grant_id, source, remaining, expire_time, graced = changed.grant
    grace_end = _time(expire_time) if graced else None
    figures = _text(source), _text(changed.amount), _text(remaining), _flag(remaining > 0)
    return *changed.key, grant_id, *figures, _time(expire_time), grace_end


def _reservation_row(one: Reservation) -> _Row:
    return (
        one.account_id,
        one.credit_type,
        one.reservation_id,
        _text(one.state),
        _text(one.amount),
        _text(one.confirmed),
        _text(one.refunded),
        _flag(one.unlimited),
        slices_to_json(one.slices),
        _time(one.expire_time),
        _time(one.create_time),
        _time(one.update_time),
        one.reason,
        one.metadata or None,
        one.spender_id or None,
        count_to_json(one.counted),
    )


def _count_rows(changes: Changes) -> Iterator[_Row]:
    touched = {
        (entry.account_id, entry.credit_type, scope)
        for entry in changes.entries
        if entry.day_delta
        for scope in scopes_of(entry.spender_id)
    }
    for key in sorted(touched):
        count = (changes.wallets[WalletKey(*key[:2])].usage or NO_USAGE)[key[2]]
        yield *key, _time(Instant(count.hour)), _text(count.in_hour), _time(Instant(count.day)), _text(count.in_day)


_NO_RESERVATION: Final = ReservationAfter._make((None,) * len(ReservationAfter._fields))


def _entry_row(entry: Entry) -> _Row:
    after = entry.reservation or _NO_RESERVATION
    return (
        entry.account_id,
        entry.credit_type,
        *map(_text, entry[2:11]),
        slices_to_json(entry.slices),
        after.reservation_id,
        _text(after.state),
        _text(after.confirmed),
        _text(after.refunded),
        _time(after.expire_time),
        entry.request_id,
        _text(entry.ordinal),
        _text(entry.fingerprint),
        entry.actor,
        entry.reason,
        entry.metadata or None,
        _time(entry.create_time),
        graces_to_json(entry.graces),
        entry.spender_id or None,
        _text(entry.hour_delta or None),
        _text(entry.day_delta or None),
        entry.correlation_id or None,
    )


_POSTPONE: Final = prepared("""
UPDATE wallets SET next_expire_time = :next_expire_time ::timestamptz
WHERE account_id = :account_id ::text AND credit_type = :credit_type ::text AND version = :version ::bigint
""")


def postpone_one(connection: Connection, wallets: Iterable[Wallet]) -> None:
    """Note that nothing of an account's wallets expires before their ``next_expire_time``, but for those that moved."""
    with round_trip(connection):
        for wallet in sorted(wallets, key=lambda wallet: wallet.credit_type):
            parameters = {
                "account_id": wallet.account.account_id,
                "credit_type": wallet.credit_type,
                "version": _text(wallet.version),
                "next_expire_time": _time(wallet.next_expire_time),
            }
            _POSTPONE.sent(connection, parameters)
