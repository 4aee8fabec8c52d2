"""Sessions that are not the ledger's and hold what it needs, as a stopped server or a person at a prompt does."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

WALLET = "SELECT FROM wallets WHERE account_id = %s AND credit_type = 'chat' FOR UPDATE"
ACCOUNT = "SELECT FROM accounts WHERE account_id = %s FOR UPDATE"
NEW_ACCOUNT = """
INSERT INTO accounts (account_id, version, status, unlimited, create_time, update_time)
VALUES (%s, 1, 1, false, now(), now())
"""
NEW_WALLET = """
INSERT INTO wallets (account_id, credit_type, base_version, version, available, reserved, debt, account_version,
                     update_time)
VALUES (%s, 'quiz_gen', 0, 1, 0, 0, 0, 1, now())
"""
NEW_ENTRY = """
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
                     available_after, reserved_after, debt_after, slices, request_id, ordinal, fingerprint, actor,
                     reason, create_time)
SELECT account_id, 'quiz_gen', 1, kind, amount, available_delta, reserved_delta, debt_delta, available_after,
       reserved_after, debt_after, slices, %s, ordinal, fingerprint, actor, reason, create_time
FROM entries WHERE account_id = %s AND version = 1
"""
ALL_ENTRIES = "LOCK TABLE entries IN SHARE MODE"


@contextmanager
def held(url: str, statement: str, *parameters: Any) -> Iterator[psycopg.Connection]:
    """Keep a transaction open after a statement until the block ends, then undo it."""
    with psycopg.connect(url) as stranger:
        stranger.execute(statement, parameters)
        yield stranger
        stranger.rollback()
