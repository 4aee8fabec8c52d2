"""Seals as rows, and the hashes that they are made of. PostgreSQL makes the hashes of rows, so that none has to travel.

The canonical bytes of a row are its columns that are not null, as a JSON object, as PostgreSQL writes ``jsonb`` as
text, in UTF-8: times as microseconds, ids and texts as strings, documents without nulls in them (docs/audit.md).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, insert, text

from creditd.domain.controls.seal import EntrySeal, Seal, SealedEvent
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import numbers, texts
from creditd.storage.controls.audit_tables import audit_seals
from creditd.storage.rows import micros, timestamp


def _document_of(row: str, *times: str) -> str:
    """Return SQL for the canonical bytes of a row as text, with its columns of times.

    A column that a migration adds is empty in rows that were sealed before, so that it leaves their hashes as they are.
    """
    instants = ", ".join(f"'{time}', {micros(f'{row}.{time}')}" for time in times)
    return f"jsonb_strip_nulls(to_jsonb({row}) || jsonb_build_object({instants}))::text"


def _hash_of(document: str) -> str:
    return f"sha256(convert_to({document}, 'UTF8'))"


ENTRY_DOCUMENT: Final = _document_of("e", "create_time", "reservation_expire_time")

_ENTRY_HASH: Final = _hash_of(ENTRY_DOCUMENT)

_EVENT_HASH: Final = _hash_of(_document_of("a", "create_time"))

_SEAL_COLUMNS: Final = (
    "s.seal_number, s.last_event_id, s.event_count, s.entry_seal_count, s.previous_hash, s.hash, "
    f"{micros('s.create_time')}"
)

_ENTRY_SEAL_COLUMNS: Final = (
    "s.account_id, s.credit_type, s.first_version, s.last_version, s.previous_hash, s.hash, s.seal_number"
)

# Whoever has the row is the one that seals; the others leave it to that one.
_TURN = text(f"""
SELECT after_account, after_credit_type FROM sealing
WHERE name = 'ledger' AND round_time <= {timestamp(":before ::bigint")} FOR UPDATE SKIP LOCKED
""")

_COME_TO = text(f"""
UPDATE sealing SET after_account = :account_id, after_credit_type = :credit_type,
    round_time = {timestamp(":now ::bigint")}
WHERE name = 'ledger'
""")


def take_turn(connection: Connection, before: Instant) -> WalletKey | None:
    """Return the wallet that the rounds have come to, for the one who is to make the next round; hold others off.

    None if another makes it at this moment, or if the last one was made after ``before``.
    """
    row = connection.execute(_TURN, {"before": before}).one_or_none()
    return WalletKey(*row) if row else None


def come_to(connection: Connection, wallet: WalletKey, now: Instant) -> None:
    """Note the wallet that the rounds have come to, and when; empty for none, so that they begin anew."""
    connection.execute(_COME_TO, {**wallet._asdict(), "now": now})


_HEAD = text(f"SELECT {_SEAL_COLUMNS} FROM audit_seals s WHERE s.seal_number > 0 ORDER BY s.seal_number DESC LIMIT 1")

_SEALS = text(f"""
SELECT {_SEAL_COLUMNS} FROM audit_seals s WHERE s.seal_number > :after ORDER BY s.seal_number LIMIT :count
""")

_EVENTS = text(f"""
SELECT a.event_id, {_EVENT_HASH} FROM audit_events a
WHERE a.event_id > :after AND a.event_id <= :last ORDER BY a.event_id LIMIT :count
""")


def head(connection: Connection) -> Seal | None:
    """Return the last seal of the chain; None before the first."""
    row = connection.execute(_HEAD).one_or_none()
    return _seal_from(row) if row else None


def seals_after(connection: Connection, seal_number: int, count: int) -> list[Seal]:
    """Return the next seals of the chain, in order."""
    rows = connection.execute(_SEALS, {"after": seal_number, "count": count})
    return [_seal_from(row) for row in rows]


def events_between(connection: Connection, after: str, last: str, count: int) -> list[SealedEvent]:
    """Return the first events after an id and up to another one, in order, each with its hash."""
    rows = connection.execute(_EVENTS, {"after": after, "last": last, "count": count})
    return [SealedEvent(str(event_id), bytes(found)) for event_id, found in rows]


def append_seal(connection: Connection, seal: Seal) -> None:
    """Add a seal to the chain. Another's of the same number is a conflict of keys."""
    connection.execute(insert(audit_seals).values(seal._asdict()))


class Unsealed(NamedTuple):
    """A wallet as far as its ledger goes, and as far as it is sealed; ``hash`` is that of its last seal, if any.

    ``since`` is when the first entry that is not sealed was made; None if there is none.
    """

    wallet: WalletKey
    version: int
    sealed_version: int
    hash: bytes | None
    since: Instant | None


_UNSEALED: Final = f"""
SELECT w.account_id, w.credit_type, w.version, coalesce(s.last_version, 0), s.hash, {micros("e.create_time")}
FROM ({{0}}) AS w
LEFT JOIN LATERAL (
    SELECT last_version, hash FROM entry_seals WHERE account_id = w.account_id AND credit_type = w.credit_type
    ORDER BY last_version DESC LIMIT 1
) AS s ON true
LEFT JOIN LATERAL (
    SELECT create_time FROM entries WHERE account_id = w.account_id AND credit_type = w.credit_type
      AND version = coalesce(s.last_version, 0) + 1 OFFSET 0
) AS e ON true
ORDER BY w.account_id, w.credit_type
"""

_WALLETS_AFTER = text(
    _UNSEALED.format("""
    SELECT account_id, credit_type, version FROM wallets WHERE (account_id, credit_type) > (:account_id, :credit_type)
    ORDER BY account_id, credit_type LIMIT :count
""")
)

_WALLETS_NAMED = text(
    _UNSEALED.format("""
    SELECT k.account_id, k.credit_type, n.version
    FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
    CROSS JOIN LATERAL (
        SELECT version FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type OFFSET 0
    ) AS n
""")
)


def wallets_after(connection: Connection, wallet: WalletKey, count: int) -> list[Unsealed]:
    """Return the next wallets in the order of their keys, sealed to the end or not."""
    return _unsealed(connection.execute(_WALLETS_AFTER, {**wallet._asdict(), "count": count}))


def wallets_named(connection: Connection, wallets: Collection[WalletKey]) -> list[Unsealed]:
    """Return wallets in the order of their keys, sealed to the end or not."""
    parameters = {
        "account_id": texts(wallet.account_id for wallet in wallets),
        "credit_type": texts(wallet.credit_type for wallet in wallets),
    }
    return _unsealed(connection.execute(_WALLETS_NAMED, parameters))


def _unsealed(rows: Iterable[Any]) -> list[Unsealed]:
    return [
        Unsealed(WalletKey(account_id, credit_type), version, sealed, None if found is None else bytes(found), since)
        for account_id, credit_type, version, sealed, found, since in rows
    ]


# Stretches of ledgers as rows, each with its hash as it is now.
_HASHED: Final = f"""
SELECT k.account_id, k.credit_type, k.first_version, k.last_version, k.previous_hash,
       sha256(k.previous_hash || coalesce(h.hashes, ''::bytea)) AS hash, h.count
FROM unnest(:account_id ::text[], :credit_type ::text[], :first_version ::bigint[], :last_version ::bigint[],
            :previous_hash ::bytea[]) AS k (account_id, credit_type, first_version, last_version, previous_hash)
CROSS JOIN LATERAL (
    SELECT string_agg({_ENTRY_HASH}, ''::bytea ORDER BY e.version) AS hashes, count(*) AS count FROM entries e
    WHERE e.account_id = k.account_id AND e.credit_type = k.credit_type AND e.version >= k.first_version
      AND e.version <= k.last_version OFFSET 0
) AS h
"""

_SEAL_ENTRIES = text(f"""
INSERT INTO entry_seals (account_id, credit_type, first_version, last_version, previous_hash, hash, seal_number)
SELECT account_id, credit_type, first_version, last_version, previous_hash, hash, :seal_number ::bigint
FROM ({_HASHED}) AS hashed
RETURNING account_id, credit_type, hash
""")

_REHASHED = text(f"SELECT account_id, credit_type, last_version, hash, count FROM ({_HASHED}) AS hashed")


def seal_entries(connection: Connection, stretches: Collection[EntrySeal]) -> dict[WalletKey, bytes]:
    """Seal stretches of ledgers, one at most of each wallet, by one seal of the chain; return the hashes."""
    (seal_number,) = {stretch.seal_number for stretch in stretches}
    rows = connection.execute(_SEAL_ENTRIES, {**_columns(stretches), "seal_number": seal_number})
    return {WalletKey(account_id, credit_type): bytes(found) for account_id, credit_type, found in rows}


class Rehashed(NamedTuple):
    """What a stretch of a ledger comes to now: its hash, and how many entries there are."""

    hash: bytes
    entries: int


def rehashed(connection: Connection, sealed: Collection[EntrySeal]) -> dict[tuple[WalletKey, int], Rehashed]:
    """Return what sealed stretches come to now, by wallet and last version."""
    rows = connection.execute(_REHASHED, _columns(sealed))
    return {
        (WalletKey(account_id, credit_type), last_version): Rehashed(bytes(found), entries)
        for account_id, credit_type, last_version, found, entries in rows
    }


def _columns(stretches: Collection[EntrySeal]) -> dict[str, str]:
    return {
        "account_id": texts(stretch.account_id for stretch in stretches),
        "credit_type": texts(stretch.credit_type for stretch in stretches),
        "first_version": numbers(stretch.first_version for stretch in stretches),
        "last_version": numbers(stretch.last_version for stretch in stretches),
        "previous_hash": texts(f"\\x{stretch.previous_hash.hex()}" for stretch in stretches),
    }


_ENTRY_SEALS = text(f"""
SELECT {_ENTRY_SEAL_COLUMNS} FROM entry_seals s
WHERE (s.account_id, s.credit_type, s.last_version) > (:account_id, :credit_type, :last_version)
ORDER BY s.account_id, s.credit_type, s.last_version LIMIT :count
""")

_ENTRY_SEALS_OF_ONE = text(f"""
SELECT {_ENTRY_SEAL_COLUMNS} FROM entry_seals s
WHERE s.account_id = :account_id AND (s.credit_type, s.last_version) > (:credit_type, :last_version)
ORDER BY s.account_id, s.credit_type, s.last_version LIMIT :count
""")


def entry_seals_after(
    connection: Connection, wallet: WalletKey, last_version: int, count: int, *, of_one: bool = False
) -> list[EntrySeal]:
    """Return the next seals of entries after one, by wallet and version; with ``of_one`` those of its account alone."""
    statement = _ENTRY_SEALS_OF_ONE if of_one else _ENTRY_SEALS
    parameters = {**wallet._asdict(), "last_version": last_version, "count": count}
    return [_entry_seal_from(row) for row in connection.execute(statement, parameters)]


_HELD = text("""
SELECT hash FROM entry_seals WHERE seal_number = :seal_number
ORDER BY account_id, credit_type, last_version LIMIT :count
""")


def held_by(connection: Connection, seal_number: int, count: int) -> list[bytes]:
    """Return the hashes of the first seals of entries that a seal of the chain holds, by wallet and version."""
    return [bytes(found) for (found,) in connection.execute(_HELD, {"seal_number": seal_number, "count": count})]


def _seal_from(row: Sequence[object]) -> Seal:
    found = Seal._make(row)
    return found._replace(
        last_event_id=str(found.last_event_id), previous_hash=bytes(found.previous_hash), hash=bytes(found.hash)
    )


def _entry_seal_from(row: Sequence[object]) -> EntrySeal:
    found = EntrySeal._make(row)
    return found._replace(previous_hash=bytes(found.previous_hash), hash=bytes(found.hash))
