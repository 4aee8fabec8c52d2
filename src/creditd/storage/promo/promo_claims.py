"""Promo claims as rows, and how often codes are used: the two change in one statement.

Nothing here names a row of an account: a claim may be stored elsewhere than what it gives.
"""

from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from creditd.domain.instant import Instant
from creditd.domain.promo.promo_claim import ClaimKey, PromoClaim
from creditd.storage.rows import micros, timestamp

# The number is chosen before the code's row is locked. Whoever was quicker with the same one has the key, and this
# statement changes nothing at all.
_CLAIM: Final = text(f"""
WITH free AS (
    SELECT min(n) AS ordinal FROM generate_series(1, :account_limit ::bigint) AS n
    WHERE NOT EXISTS (
        SELECT FROM promo_claims WHERE code = :code AND account_id = :account_id AND ordinal = n
    )
), counted AS (
    UPDATE promo_codes SET used = used + 1, given = given + :value ::bigint
    WHERE code = :code AND used < total_limit AND end_time IS NULL AND (SELECT ordinal FROM free) IS NOT NULL
    RETURNING code
)
INSERT INTO promo_claims (code, account_id, ordinal, request_id, fingerprint, actor, value, credit_type, grant_id,
                          grant_expire_time, purchase_id, claim_time, tries, next_try_time)
SELECT counted.code, :account_id, free.ordinal, :request_id, :fingerprint ::bigint, :actor, :value ::bigint,
       :credit_type, CAST(:grant_id AS uuid), {timestamp("CAST(:grant_expire_time AS bigint)")},
       CAST(:purchase_id AS uuid), {timestamp(":claim_time ::bigint")}, 0, {timestamp(":next_try_time ::bigint")}
FROM counted, free
RETURNING ordinal
""")


class ClaimedMeanwhile(Exception):
    """Another claim of the account came first. The transaction is over; whoever asks again sees that claim."""


def claim(connection: Connection, wanted: PromoClaim, account_limit: int) -> PromoClaim | None:
    """Take a use of a code, if it is not ended and neither it nor the account has had all of its uses; else None.

    Only the code's row is locked, by this statement; the transaction has to end with it. Raises ClaimedMeanwhile.
    """
    parameters = wanted._asdict() | {
        "account_limit": account_limit,
        "grant_id": wanted.grant_id or None,
        "purchase_id": wanted.purchase_id or None,
    }
    try:
        ordinal = connection.execute(_CLAIM, parameters).scalar_one_or_none()
    except IntegrityError as error:
        raise ClaimedMeanwhile from error
    return None if ordinal is None else wanted._replace(ordinal=ordinal)


_COLUMNS: Final = (
    f"code, account_id, ordinal, request_id, fingerprint, actor, value, credit_type, grant_id::text, "
    f"{micros('grant_expire_time')}, purchase_id::text, {micros('claim_time')}, tries, {micros('next_try_time')}"
)

_OF_REQUEST: Final = text(f"""
SELECT {_COLUMNS} FROM promo_claims WHERE code = :code AND account_id = :account_id AND request_id = :request_id
""")


def find_by_request(connection: Connection, code: str, account_id: str, request_id: str) -> PromoClaim | None:
    """Return the claim that a request id has made, or None."""
    parameters = {"code": code, "account_id": account_id, "request_id": request_id}
    row = connection.execute(_OF_REQUEST, parameters).one_or_none()
    return _claim_from(row) if row else None


_COUNT: Final = text("SELECT count(*) FROM promo_claims WHERE code = :code AND account_id = :account_id")


def count(connection: Connection, code: str, account_id: str) -> int:
    """Return how often an account uses a code: up to its limit."""
    number: int = connection.execute(_COUNT, {"code": code, "account_id": account_id}).scalar_one()
    return number


_FINISH: Final = text("""
UPDATE promo_claims SET next_try_time = NULL
WHERE code = :code AND account_id = :account_id AND ordinal = :ordinal AND request_id = :request_id
""")


def finish(connection: Connection, claimed: PromoClaim) -> None:
    """Note that what a claim gives was given. It may be noted again."""
    connection.execute(_FINISH, claimed.key._asdict() | {"request_id": claimed.request_id})


# Whoever comes second finds no row, and counts nothing. A finished claim stays.
_GIVE_BACK: Final = text("""
WITH gone AS (
    DELETE FROM promo_claims
    WHERE code = :code AND account_id = :account_id AND ordinal = :ordinal AND request_id = :request_id
      AND next_try_time IS NOT NULL
    RETURNING value
)
UPDATE promo_codes SET used = used - 1, given = given - gone.value FROM gone WHERE code = :code
""")


def give_back(connection: Connection, claimed: PromoClaim) -> bool:
    """Give a claim back to its code; return whether it was there, and not finished."""
    parameters = claimed.key._asdict() | {"request_id": claimed.request_id}
    return bool(connection.execute(_GIVE_BACK, parameters).rowcount)


_DUE: Final = text(f"""
SELECT {_COLUMNS} FROM promo_claims WHERE next_try_time <= {timestamp(":now ::bigint")}
ORDER BY next_try_time LIMIT :most FOR UPDATE SKIP LOCKED
""")


def due(connection: Connection, now: Instant, most: int) -> list[PromoClaim]:
    """Return claims to look at now, and hold their rows; those that others hold are left out."""
    return [_claim_from(row) for row in connection.execute(_DUE, {"now": now, "most": most})]


_PUT_OFF: Final = text(f"""
UPDATE promo_claims SET tries = tries + 1, next_try_time = {timestamp(":next_try_time ::bigint")}
WHERE code = :code AND account_id = :account_id AND ordinal = :ordinal AND next_try_time IS NOT NULL
""")


def put_off(connection: Connection, key: ClaimKey, next_try_time: Instant) -> None:
    """Have a claim looked at later, unless it is finished."""
    connection.execute(_PUT_OFF, key._asdict() | {"next_try_time": next_try_time})


def _claim_from(row: Any) -> PromoClaim:
    found = PromoClaim._make(row)
    return found._replace(grant_id=found.grant_id or "", purchase_id=found.purchase_id or "")
