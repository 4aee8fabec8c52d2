"""Flags raised by hand, as the velocity rules raise them."""

import psycopg

from creditd.ledger.ids import uuid7

_RAISE = """
WITH flag AS (
    INSERT INTO account_flags (account_id, flag_id, kind, most, window_seconds, action, event_count, suspended,
        raise_time)
    VALUES (%(account)s, %(flag)s, 2, 3, %(window)s, 1, 4, false, now()) RETURNING *
)
INSERT INTO velocity_states (account_id, kind, window_seconds, action, flag_id)
SELECT account_id, kind, window_seconds, action, flag_id FROM flag
"""

_KNOWN = "SELECT count(*) FROM velocity_states WHERE account_id = %s"


def raise_flag(url: str, account_id: str) -> str:
    """Raise another flag of an account, which nobody may have seen; return its name."""
    flag_id = uuid7()
    with psycopg.connect(url) as connection:
        row = connection.execute(_KNOWN, [account_id]).fetchone()
        assert row is not None
        # A rule has one open flag at most; each of these is of a rule of its own.
        connection.execute(_RAISE, {"account": account_id, "flag": flag_id, "window": 1_000 + row[0]})
    return f"accounts/{account_id}/flags/{flag_id}"
