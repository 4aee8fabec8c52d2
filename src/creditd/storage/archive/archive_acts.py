"""The acts of the archive, within a transaction of the caller's: entries go to files, and come back from them.

They are the owner's: the role that serves may delete no entry.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.wallet import WalletKey
from creditd.storage.archive.archives import COUNTED, ArchivedRow, EntryArchive
from creditd.storage.arrays import texts
from creditd.storage.requests import ClaimKind
from creditd.storage.rows import timestamp

_MAY_DELETE = text(
    "SELECT has_table_privilege('entries', 'DELETE') AND has_table_privilege('entry_archives', 'INSERT')"
)


def may_move(connection: Connection) -> bool:
    """Tell whether who is connected may move entries: the owner of the tables, and never the role that serves."""
    return bool(connection.execute(_MAY_DELETE).scalar_one())


_WAIT = text("SELECT set_config('lock_timeout', '10s', true)")

_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('entry_archives', 0))")

# Whoever begins a rebuild of usage holds these rows, and so does a round that adds up, for its moment. Nothing else is
# locked while they are waited for.
_HOLD_USAGE = text("SELECT state FROM usage_editions ORDER BY edition FOR SHARE")

_COUNTED_VERSION = text(f"""
SELECT {COUNTED.format("w")} FROM wallets AS w WHERE w.account_id = :account_id AND w.credit_type = :credit_type
""")

_MOVED: Final = """account_id = :account_id AND credit_type = :credit_type AND version >= :first_version
      AND version < :last_version AND kind IN (6, 7, 8, 9, 11) AND ordinal = 0"""

_ADD = text(f"""
INSERT INTO entry_archives (account_id, credit_type, first_version, last_version, removed, last_time, file, file_hash,
                            state, create_time)
SELECT :account_id ::text, :credit_type ::text, :first_version ::bigint, :last_version ::bigint, :removed ::bigint,
       {timestamp(":last_time ::bigint")}, :file ::text, :file_hash ::bytea, :state ::jsonb,
       {timestamp(":create_time ::bigint")}
WHERE :first_version ::bigint = 1 + coalesce((
    SELECT last_version FROM entry_archives WHERE account_id = :account_id AND credit_type = :credit_type
    ORDER BY first_version DESC LIMIT 1
), 0)
""")

# An id stays used: whoever brings it again is told so, as of an act that is no entry.
_CLAIM = text(f"""
INSERT INTO request_claims (account_id, request_id, kind, create_time)
SELECT account_id, request_id, {int(ClaimKind.ARCHIVED_ENTRY)}, create_time FROM entries
WHERE {_MOVED} AND request_id IS NOT NULL
ON CONFLICT DO NOTHING
""")

_REMOVE = text(f"DELETE FROM entries WHERE {_MOVED}")


def counted_version(connection: Connection, wallet: WalletKey) -> int:
    """Return up to which version the rollup of usage that is served has a wallet."""
    return int(connection.execute(_COUNTED_VERSION, wallet._asdict()).scalar_one())


def take_turn(connection: Connection) -> None:
    """Keep others from archiving and restoring until the transaction ends. Waits for ten seconds at most."""
    connection.execute(_WAIT)
    connection.execute(_TURN)


def usage_states(connection: Connection) -> Sequence[int]:
    """Return the states of the rollups of usage, and keep others from changing them until the transaction ends."""
    return connection.execute(_HOLD_USAGE).scalars().all()


def move(connection: Connection, archive: EntryArchive) -> tuple[int, int] | None:
    """Note an archive and delete the entries that it has and that do not stay. The caller has the turn.

    Their request ids stay used. Return how many ids, and how many entries; None, with nothing done, if what is archived
    of the wallet does not end where this begins: another was there first.
    """
    values = archive._asdict()
    if not connection.execute(_ADD, values).rowcount:
        return None
    claimed = connection.execute(_CLAIM, values).rowcount
    # To delete nothing is refused as well: nobody does so but by mistake.
    return claimed, connection.execute(_REMOVE, values).rowcount if archive.removed else 0


_PUT_BACK = text(f"""
INSERT INTO entries
SELECT e.* FROM unnest(:documents ::text[]) AS t (document)
CROSS JOIN LATERAL (SELECT t.document ::jsonb AS fields) AS d
CROSS JOIN LATERAL jsonb_populate_record(NULL ::entries, d.fields || jsonb_build_object(
    'create_time', {timestamp("(d.fields ->> 'create_time')::bigint")},
    'reservation_expire_time', {timestamp("(d.fields ->> 'reservation_expire_time')::bigint")}
)) AS e
ON CONFLICT DO NOTHING
""")

_UNCLAIM = text(f"""
DELETE FROM request_claims WHERE account_id = :account_id AND request_id = ANY (:request_ids ::text[])
  AND kind = {int(ClaimKind.ARCHIVED_ENTRY)}
""")

_FORGET = text("""
DELETE FROM entry_archives
WHERE account_id = :account_id AND credit_type = :credit_type AND first_version = :first_version
""")


def put_back(connection: Connection, account_id: str, rows: Collection[ArchivedRow]) -> tuple[int, int]:
    """Write entries of an account from their canonical bytes, but for those that are there. The caller has the turn.

    Their request ids are an entry's again. Return how many ids, and how many entries.
    """
    written = connection.execute(_PUT_BACK, {"documents": texts(row.document.decode() for row in rows)}).rowcount
    request_ids = texts(row.entry.request_id for row in rows if row.entry.request_id)
    asked = {"account_id": account_id, "request_ids": request_ids}
    return connection.execute(_UNCLAIM, asked).rowcount, written


def forget(connection: Connection, archive: EntryArchive) -> None:
    """Forget an archive all of whose entries are in the ledger; that of others is refused by a trigger."""
    connection.execute(_FORGET, archive._asdict())
