"""The one writer of balances: what a batch of movements changed, saved by one statement in one round trip.

Every row goes in by INSERT, and by ON CONFLICT where it may exist: the plan then has no join that stale statistics
could flip, only look-ups by key. Rows are locked and written in key order, so that two servers cannot deadlock.

The guard: an account's rows are written only if the stored versions of all its wallets here, and of its facts, are
those that the batch decided on, and if none of its request ids has been used. The wallets are locked for that, so that
what holds is still true when they are written. An account that fails is told and has nothing written; no statement
fails for it, so that a conflict is no error in the database's log. The other accounts of the batch are saved.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.wallet import Wallet
from creditd.storage.arrays import numbers, texts
from creditd.storage.changes import Changes
from creditd.storage.columns import COUNTS, columns_of
from creditd.storage.connections.prepared import prepared

# A version that the snapshot shows to have moved is not waited for: it never comes back. A row that is waited for is
# looked at again once it is locked.
_STATEMENT: Final = """
WITH moved AS MATERIALIZED (
    SELECT n.account_id
    FROM unnest(:w_account_id ::text[], :w_credit_type ::text[], :w_base_version ::bigint[],
                :w_account_version ::bigint[])
         AS n (account_id, credit_type, base_version, account_version)
    LEFT JOIN LATERAL (
        SELECT true AS is_ours FROM wallets
        WHERE account_id = n.account_id AND credit_type = n.credit_type AND version = n.base_version
          AND account_version = n.account_version
        FOR NO KEY UPDATE OFFSET 0
    ) AS locked ON true
    WHERE locked.is_ours IS NULL AND n.base_version > 0
), known AS MATERIALIZED (
    SELECT n.account_id FROM unnest(:e_account_id ::text[], :e_request_id ::text[]) AS n (account_id, request_id)
    WHERE (SELECT kind FROM entries WHERE account_id = n.account_id AND request_id = n.request_id LIMIT 1) IS NOT NULL
       OR (SELECT kind FROM request_claims WHERE account_id = n.account_id AND request_id = n.request_id) IS NOT NULL
), failed AS MATERIALIZED (
    SELECT ARRAY(SELECT account_id FROM moved UNION SELECT account_id FROM known) AS ids
), saved AS (
    INSERT INTO wallets AS w (account_id, credit_type, base_version, version, available, reserved, debt,
                              next_expire_time, account_version, update_time)
    SELECT account_id, credit_type, base_version, version, available, reserved, debt,
           timestamptz 'epoch' + next_expire_time * interval '1 microsecond', account_version,
           timestamptz 'epoch' + update_time * interval '1 microsecond'
    FROM unnest(:w_account_id ::text[], :w_credit_type ::text[], :w_base_version ::bigint[], :w_version ::bigint[],
                :w_available ::bigint[], :w_reserved ::bigint[], :w_debt ::bigint[], :w_next_expire_time ::bigint[],
                :w_account_version ::bigint[], :w_update_time ::bigint[])
         AS n (account_id, credit_type, base_version, version, available, reserved, debt, next_expire_time,
               account_version, update_time)
    WHERE n.account_id <> ALL ((SELECT ids FROM failed) ::text[])
    ON CONFLICT (account_id, credit_type) DO UPDATE SET
        base_version = excluded.base_version, version = excluded.version, available = excluded.available,
        reserved = excluded.reserved, debt = excluded.debt, next_expire_time = excluded.next_expire_time,
        update_time = excluded.update_time
    WHERE w.version = excluded.base_version AND w.account_version = excluded.account_version
    RETURNING 1
), granted AS (
    INSERT INTO grants (account_id, credit_type, grant_id, source, amount, remaining, live, expire_time, grace_end)
    SELECT account_id, credit_type, grant_id, source, amount, remaining, remaining > 0,
           timestamptz 'epoch' + expire_time * interval '1 microsecond',
           timestamptz 'epoch' + grace_end * interval '1 microsecond'
    FROM unnest(:g_account_id ::text[], :g_credit_type ::text[], :g_grant_id ::uuid[], :g_source ::smallint[],
                :g_amount ::bigint[], :g_remaining ::bigint[], :g_expire_time ::bigint[], :g_grace_end ::bigint[])
         AS n (account_id, credit_type, grant_id, source, amount, remaining, expire_time, grace_end)
    WHERE n.account_id <> ALL ((SELECT ids FROM failed) ::text[])
    ON CONFLICT (account_id, credit_type, grant_id) DO UPDATE SET
        remaining = excluded.remaining, live = excluded.live, expire_time = excluded.expire_time,
        grace_end = excluded.grace_end
), held AS (
    INSERT INTO reservations (account_id, credit_type, reservation_id, state, amount, captured, refunded, unlimited,
                              slices, expire_time, create_time, update_time, description, metadata{r})
    SELECT account_id, credit_type, reservation_id, state, amount, captured, refunded, unlimited, slices,
           timestamptz 'epoch' + expire_time * interval '1 microsecond',
           timestamptz 'epoch' + create_time * interval '1 microsecond',
           timestamptz 'epoch' + update_time * interval '1 microsecond', description, metadata{r}
    FROM unnest(:r_account_id ::text[], :r_credit_type ::text[], :r_reservation_id ::uuid[], :r_state ::smallint[],
                :r_amount ::bigint[], :r_captured ::bigint[], :r_refunded ::bigint[], :r_unlimited ::boolean[],
                :r_slices ::jsonb[], :r_expire_time ::bigint[], :r_create_time ::bigint[], :r_update_time ::bigint[],
                :r_description ::text[], :r_metadata ::jsonb[]{r_arrays})
         AS n (account_id, credit_type, reservation_id, state, amount, captured, refunded, unlimited, slices,
               expire_time, create_time, update_time, description, metadata{r})
    WHERE n.account_id <> ALL ((SELECT ids FROM failed) ::text[])
    ON CONFLICT (account_id, reservation_id) DO UPDATE SET
        state = excluded.state, captured = excluded.captured, refunded = excluded.refunded, slices = excluded.slices,
        expire_time = excluded.expire_time, update_time = excluded.update_time{r_changes}
){counted}, appended AS (
    INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
                         available_after, reserved_after, debt_after, slices, reservation_id, reservation_state,
                         reservation_captured, reservation_refunded, reservation_expire_time, request_id, ordinal,
                         fingerprint, actor, reason, metadata, create_time, graces{e})
    SELECT account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
           available_after, reserved_after, debt_after, slices, reservation_id, reservation_state,
           reservation_captured, reservation_refunded,
           timestamptz 'epoch' + reservation_expire_time * interval '1 microsecond', request_id, ordinal, fingerprint,
           actor, reason, metadata, timestamptz 'epoch' + create_time * interval '1 microsecond', graces{e}
    FROM unnest(:e_account_id ::text[], :e_credit_type ::text[], :e_version ::bigint[], :e_kind ::smallint[],
                :e_amount ::bigint[], :e_available_delta ::bigint[], :e_reserved_delta ::bigint[],
                :e_debt_delta ::bigint[], :e_available_after ::bigint[], :e_reserved_after ::bigint[],
                :e_debt_after ::bigint[], :e_slices ::jsonb[], :e_reservation_id ::uuid[],
                :e_reservation_state ::smallint[], :e_reservation_captured ::bigint[],
                :e_reservation_refunded ::bigint[], :e_reservation_expire_time ::bigint[], :e_request_id ::text[],
                :e_ordinal ::integer[], :e_fingerprint ::bigint[], :e_actor ::text[], :e_reason ::text[],
                :e_metadata ::jsonb[], :e_create_time ::bigint[], :e_graces ::jsonb[]{e_arrays})
         AS n (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
               available_after, reserved_after, debt_after, slices, reservation_id, reservation_state,
               reservation_captured, reservation_refunded, reservation_expire_time, request_id, ordinal, fingerprint,
               actor, reason, metadata, create_time, graces{e})
    WHERE n.account_id <> ALL ((SELECT ids FROM failed) ::text[])
      AND (SELECT count(*) FROM saved) = (
          SELECT count(*) FROM unnest(:w_account_id ::text[]) AS n (account_id)
          WHERE n.account_id <> ALL ((SELECT ids FROM failed) ::text[]))
    RETURNING 1
)
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, (SELECT count(*) FROM appended),
       (SELECT array_agg(account_id) FROM moved), (SELECT array_agg(account_id) FROM known)
"""

_COUNTED: Final = """, counted AS (
    INSERT INTO spending_counts (account_id, credit_type, spender_id, hour_start, in_hour, day_start, in_day)
    SELECT account_id, credit_type, spender_id, timestamptz 'epoch' + hour_start * interval '1 microsecond', in_hour,
           timestamptz 'epoch' + day_start * interval '1 microsecond', in_day
    FROM unnest(:c_account_id ::text[], :c_credit_type ::text[], :c_spender_id ::text[], :c_hour_start ::bigint[],
                :c_in_hour ::bigint[], :c_day_start ::bigint[], :c_in_day ::bigint[])
         AS n (account_id, credit_type, spender_id, hour_start, in_hour, day_start, in_day)
    WHERE n.account_id <> ALL ((SELECT ids FROM failed) ::text[])
    ON CONFLICT (account_id, credit_type, spender_id) DO UPDATE SET
        hour_start = excluded.hour_start, in_hour = excluded.in_hour, day_start = excluded.day_start,
        in_day = excluded.in_day
)"""

_PLAIN_PARTS: Final = dict.fromkeys(("r", "r_arrays", "r_changes", "counted", "e", "e_arrays"), "")

_SPENDER_PARTS: Final = {
    "r": ", spender_id, counted",
    "r_arrays": ", :r_spender_id ::text[], :r_counted ::jsonb[]",
    "r_changes": ", counted = excluded.counted",
    "counted": _COUNTED,
    "e": ", spender_id, hour_delta, day_delta, correlation_id",
    "e_arrays": ", :e_spender_id ::text[], :e_hour_delta ::bigint[], :e_day_delta ::bigint[], "
    ":e_correlation_id ::text[]",
}

_SAVE = prepared(_STATEMENT.format_map(_PLAIN_PARTS), by_heart=True)

# For a batch in which a spender is named, anything is counted, or a caller has stated a correlation id: the others pay
# nothing for it.
_SAVE_OF_SPENDERS = prepared(_STATEMENT.format_map(_SPENDER_PARTS), by_heart=True)


class Saved(NamedTuple):
    """What became of a save: the database's clock, and the accounts of which nothing was written.

    Of those in ``moved`` a wallet or the account itself is no longer what was decided on; of those in ``known`` a
    request id has been used.
    """

    database_time: Instant
    moved: frozenset[str]
    known: frozenset[str]

    @property
    def unsaved(self) -> frozenset[str]:
        """The accounts of which nothing was written, for either reason."""
        return self.moved | self.known


class Overtaken(Exception):
    """Others made the row of a wallet that this was to make; the transaction has to be rolled back."""


class KnownRequest(Exception):
    """A request id of what was to be saved has been used; the transaction has to be rolled back."""


def save(
    connection: Connection, changes: Changes, columns: Mapping[str, str] | None = None, *, commits: bool = False
) -> Saved:
    """Write all changes of each account or none of them; tell of which accounts none.

    ``columns`` are those of the changes if they have been written already. With ``commits`` the transaction is
    committed in the same round trip. On a connection in autocommit mode all is committed when this returns. Changes
    that make wallets need a transaction, which others can still end: raises Overtaken, and psycopg.Error as it comes
    from the driver; :mod:`creditd.storage.failures` tells what they mean.
    """
    columns = columns or columns_of(changes)
    statement = _SAVE_OF_SPENDERS if COUNTS in columns else _SAVE
    execute = statement.last_row if commits else statement.row
    database_time, appended, moved, known = execute(connection, columns)
    saved = Saved(Instant(database_time), frozenset(moved or ()), frozenset(known or ()))
    if appended != _count_entries(changes, saved.unsaved):
        raise Overtaken
    return saved


def _count_entries(changes: Changes, unsaved: frozenset[str]) -> int:
    if not unsaved:
        return len(changes.entries)
    return sum(entry.account_id not in unsaved for entry in changes.entries)


# Every wallet here has a row, so that no row goes in: the conflict is the look-up by key that no statistics can flip.
_POSTPONE = text("""
INSERT INTO wallets AS w (account_id, credit_type, base_version, version, available, reserved, debt, next_expire_time,
                          account_version, update_time)
SELECT account_id, credit_type, version - 1, version, 0, 0, 0,
       timestamptz 'epoch' + next_expire_time * interval '1 microsecond', 1, timestamptz 'epoch'
FROM unnest(:account_id ::text[], :credit_type ::text[], :version ::bigint[], :next_expire_time ::bigint[])
     AS n (account_id, credit_type, version, next_expire_time)
ON CONFLICT (account_id, credit_type) DO UPDATE SET next_expire_time = excluded.next_expire_time
WHERE w.version = excluded.version
""")


def postpone(connection: Connection, wallets: Iterable[Wallet]) -> None:
    """Note that nothing of stored wallets expires before their ``next_expire_time``, but for those that have moved.

    A hold that ended early may leave an expire time behind at which nothing is due; no movement corrects it. One
    statement for all of them, in key order: each by itself would be a commit of its own.
    """
    rows = sorted(wallets, key=lambda wallet: (wallet.account.account_id, wallet.credit_type))
    parameters = {
        "account_id": texts(wallet.account.account_id for wallet in rows),
        "credit_type": texts(wallet.credit_type for wallet in rows),
        "version": numbers(wallet.version for wallet in rows),
        "next_expire_time": numbers(wallet.next_expire_time for wallet in rows),
    }
    connection.execute(_POSTPONE, parameters)
