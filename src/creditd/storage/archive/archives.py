"""Archived entries: which of each wallet are in files, and what they add up to.

What is moved is the oldest part of a wallet's ledger. The last entry of it stays, and so does each that is no everyday
spending: what brought credits or took them otherwise. Above the last one nothing is missing.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import Connection, text

from creditd.domain import errors
from creditd.domain.checkpoint import Checkpoint
from creditd.domain.entry import Entry
from creditd.domain.grants import Source
from creditd.domain.instant import Instant, instant_text
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import numbers, texts
from creditd.storage.controls.seals import ENTRY_DOCUMENT
from creditd.storage.layout import KeyedStatement, is_by_account
from creditd.storage.rows import ENTRY_COLUMNS, entry_from, micros
from creditd.storage.slices import slices_from_json, slices_to_json


class ArchivedPart(NamedTuple):
    """The part of a wallet's ledger that is in files: the entries before a version, made until a time.

    ``file`` is the last of the files, by its place in the folder of the archive; the others are beside it.
    """

    credit_type: str
    last_version: int
    last_time: Instant
    file: str

    def refusal(self, account_id: str) -> errors.EntriesArchived:
        """Return what a question is refused with that these entries would answer."""
        return errors.EntriesArchived(
            account_id=account_id,
            credit_type=self.credit_type,
            before_version=self.last_version,
            before_time=instant_text(self.last_time),
            file=self.file,
        )


_LATEST: Final = """
    SELECT * FROM entry_archives WHERE account_id = k.account_id AND credit_type = k.credit_type
    ORDER BY first_version DESC LIMIT 1
"""

_PARTS_OF_ONE: Final = f"""
SELECT a.credit_type, a.last_version, {micros("a.last_time")}, a.file
FROM (SELECT :account_id ::text, credit_type FROM unnest(:credit_types ::text[]) AS c (credit_type))
    AS k (account_id, credit_type)
CROSS JOIN LATERAL ({_LATEST}) AS a
"""

_PARTS = text(_PARTS_OF_ONE)

# The account as a value where the rows are looked up, rather than by way of the keys.
_PARTS_ROUTED = text(_PARTS_OF_ONE.replace("account_id = k.account_id", "account_id = :account_id ::text"))


def archived_parts(connection: Connection, account_id: str, credit_types: Collection[str]) -> dict[str, ArchivedPart]:
    """Return what is in files of an account's wallets, by credit type; those of which nothing is are left out."""
    statement = _PARTS_ROUTED if is_by_account(connection) else _PARTS
    rows = connection.execute(statement, {"account_id": account_id, "credit_types": texts(credit_types)})
    return {row[0]: ArchivedPart(*row) for row in rows}


class StoredCheckpoint(NamedTuple):
    """A checkpoint, and what the entry that it is of says itself: available, reserved and debt right after it."""

    checkpoint: Checkpoint
    after: tuple[int, int, int] | None


_CHECKPOINTS = KeyedStatement(f"""
SELECT k.account_id, k.credit_type, a.last_version, a.state, e.available_after, e.reserved_after, e.debt_after
FROM unnest(:account_id ::text[], :credit_type ::text[], :after ::bigint[], :last ::bigint[])
    AS k (account_id, credit_type, after, last)
CROSS JOIN LATERAL ({_LATEST}) AS a
LEFT JOIN LATERAL (
    SELECT * FROM entries WHERE account_id = k.account_id AND credit_type = k.credit_type AND version = a.last_version
    OFFSET 0
) AS e ON true
WHERE a.last_version > k.after AND a.last_version <= k.last
""")


def checkpoints(
    connection: Connection, after: Mapping[WalletKey, int], last: Mapping[WalletKey, int]
) -> dict[WalletKey, StoredCheckpoint]:
    """Return the checkpoint of each wallet that is beyond a version, and up to a last one.

    One that cannot be read is left out: whoever adds up then finds that entries are missing.
    """

    def parameters(wallets: Collection[WalletKey]) -> dict[str, Any]:
        return {
            "account_id": texts(wallet.account_id for wallet in wallets),
            "credit_type": texts(wallet.credit_type for wallet in wallets),
            "after": numbers(after[wallet] for wallet in wallets),
            "last": numbers(last[wallet] for wallet in wallets),
        }

    found = {}
    rows = _CHECKPOINTS.rows(connection, list(after), parameters)
    for account_id, credit_type, version, state, *figures in rows:
        checkpoint = checkpoint_from(version, state)
        if checkpoint:
            available, reserved, debt = figures
            told = None if available is None else (available, reserved, debt)
            found[WalletKey(account_id, credit_type)] = StoredCheckpoint(checkpoint, told)
    return found


_BOUNDARIES = KeyedStatement(f"""
SELECT k.account_id, k.credit_type, a.last_version
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
CROSS JOIN LATERAL ({_LATEST}) AS a
""")


def archived_versions(connection: Connection, wallets: Collection[WalletKey]) -> dict[WalletKey, int]:
    """Return up to which version wallets are in files, without those of which nothing is."""

    def parameters(some: Collection[WalletKey]) -> dict[str, Any]:
        return {
            "account_id": texts(wallet.account_id for wallet in some),
            "credit_type": texts(wallet.credit_type for wallet in some),
        }

    rows = _BOUNDARIES.rows(connection, wallets, parameters)
    return {WalletKey(account_id, credit_type): version for account_id, credit_type, version in rows}


_FIRST = text("""
SELECT account_id FROM entry_archives WHERE account_id > '' ORDER BY account_id, credit_type, first_version LIMIT 1
""")


def has_archives(connection: Connection) -> bool:
    """Tell whether anything is in files."""
    return connection.execute(_FIRST).one_or_none() is not None


def checkpoint_to_json(checkpoint: Checkpoint) -> str:
    """Write a checkpoint, but for its version."""
    document = {
        "available": checkpoint.available,
        "reserved": checkpoint.reserved,
        "debt": checkpoint.debt,
        "sources": {str(int(source)): amount for source, amount in checkpoint.by_source.items()},
        "graces": checkpoint.graces,
        "holds": {name: orjson.loads(slices_to_json(parts)) for name, parts in checkpoint.holds.items()},
    }
    return orjson.dumps(document).decode()


def checkpoint_from(version: int, document: Any) -> Checkpoint | None:
    """Read a checkpoint from what the driver made of it; None for what was written by nobody of us."""
    try:
        return Checkpoint(
            version,
            document["available"],
            document["reserved"],
            document["debt"],
            {Source(int(source)): amount for source, amount in document["sources"].items()},
            {grant_id: Instant(end) for grant_id, end in document["graces"].items()},
            {name: slices_from_json(parts) for name, parts in document["holds"].items()},
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return None


class WalletStanding(NamedTuple):
    """A wallet as it stands: up to where it is archived, added up as usage, and written; and its oldest live hold."""

    wallet: WalletKey
    version: int
    archived: int
    counted: int
    first_hold: Instant | None


# As far as the account's own sums have it: what is told of all accounts is never behind them.
COUNTED: Final = """coalesce((SELECT p.summed FROM usage_positions AS p
                 WHERE p.account_id = {0}.account_id AND p.credit_type = {0}.credit_type
                   AND p.edition = (SELECT edition FROM usage_editions WHERE state = 2)), 0)"""

_STANDING = text(f"""
SELECT w.account_id, w.credit_type, w.version,
       coalesce((SELECT last_version FROM entry_archives
                 WHERE account_id = w.account_id AND credit_type = w.credit_type
                 ORDER BY first_version DESC LIMIT 1), 0),
       {COUNTED.format("w")},
       (SELECT {micros("min(create_time)")} FROM reservations
        WHERE account_id = w.account_id AND credit_type = w.credit_type AND state = 1)
FROM (
    SELECT account_id, credit_type, version FROM wallets WHERE (account_id, credit_type) > (:account_id, :credit_type)
    ORDER BY account_id, credit_type LIMIT :count
) AS w ORDER BY w.account_id, w.credit_type
""")


def wallets_standing(connection: Connection, after: WalletKey, count: int) -> list[WalletStanding]:
    """Return the next wallets in the order of their keys."""
    rows = connection.execute(_STANDING, {**after._asdict(), "count": count})
    return [WalletStanding(WalletKey(row[0], row[1]), *row[2:]) for row in rows]


class ArchivedRow(NamedTuple):
    """An entry, and its canonical bytes, which are those that its seal holds (docs/audit.md)."""

    entry: Entry
    document: bytes


_ROWS = text(f"""
SELECT {ENTRY_COLUMNS}, {ENTRY_DOCUMENT} FROM entries e
WHERE e.account_id = :account_id AND e.credit_type = :credit_type AND e.version > :after AND e.version <= :last
ORDER BY e.version LIMIT :count
""")

ROWS_AT_A_TIME: Final = 200
"""Read by one statement: a row may have thousands of slices."""


def rows_between(connection: Connection, wallet: WalletKey, after: int, last: int) -> Iterator[ArchivedRow]:
    """Give a wallet's entries after a version and up to a last one, in order."""
    while after < last:
        asked = {**wallet._asdict(), "after": after, "last": last, "count": ROWS_AT_A_TIME}
        found = [ArchivedRow(entry_from(row[:-1]), row[-1].encode()) for row in connection.execute(_ROWS, asked)]
        if not found:
            return
        yield from found
        after = found[-1].entry.version


def rows_left(connection: Connection, wallet: WalletKey, first: int, last: int) -> dict[int, bytes]:
    """Return the canonical bytes of what was left of an archived part, by version."""
    return {row.entry.version: row.document for row in rows_between(connection, wallet, first - 1, last)}


class EntryArchive(NamedTuple):
    """A file of entries of a wallet, from a version to another, and the checkpoint after them."""

    account_id: str
    credit_type: str
    first_version: int
    last_version: int
    removed: int
    last_time: Instant
    file: str
    file_hash: bytes
    state: str
    create_time: Instant

    @property
    def wallet(self) -> WalletKey:
        """Whose ledger it is."""
        return WalletKey(self.account_id, self.credit_type)


_ARCHIVE_COLUMNS: Final = (
    f"account_id, credit_type, first_version, last_version, removed, {micros('last_time')}, file, file_hash, "
    f"state ::text, {micros('create_time')}"
)

_NEXT = text(f"""
SELECT {_ARCHIVE_COLUMNS} FROM entry_archives
WHERE (account_id, credit_type, first_version) > (:account_id, :credit_type, :first_version)
ORDER BY account_id, credit_type, first_version LIMIT :count
""")


def archives_after(connection: Connection, wallet: WalletKey, first_version: int, count: int) -> list[EntryArchive]:
    """Return the next files, by wallet and version."""
    return _archives(connection.execute(_NEXT, {**wallet._asdict(), "first_version": first_version, "count": count}))


def _archives(rows: Iterable[Any]) -> list[EntryArchive]:
    found = [EntryArchive._make(row) for row in rows]
    return [one._replace(file_hash=bytes(one.file_hash)) for one in found]


_NEXT_WALLET = text("""
SELECT account_id, credit_type FROM entry_archives WHERE (account_id, credit_type) > (:account_id, :credit_type)
ORDER BY account_id, credit_type, first_version LIMIT 1
""")


def next_wallet(connection: Connection, wallet: WalletKey) -> WalletKey | None:
    """Return the next wallet of which something is in files, in the order of their keys."""
    row = connection.execute(_NEXT_WALLET, wallet._asdict()).one_or_none()
    return WalletKey(*row) if row else None


_NEWEST = text(f"""
SELECT {_ARCHIVE_COLUMNS} FROM entry_archives WHERE account_id = :account_id AND credit_type = :credit_type
ORDER BY first_version DESC LIMIT :count
""")


def newest_archives(connection: Connection, wallet: WalletKey, count: int) -> list[EntryArchive]:
    """Return the last files of a wallet, the last one first."""
    return _archives(connection.execute(_NEWEST, {**wallet._asdict(), "count": count}))
