"""Sessions: what a sign-in opens, and what a refresh token is worth. Pure."""

import hmac
from enum import Enum
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.identity.refresh_tokens import RefreshToken

REPEAT_SECONDS: Final = 30
"""So long after a refresh its request may be repeated for an answer that was lost: clients wait no longer for one."""


class UserSession(NamedTuple):
    """A sign-in that goes on: the family of all its refresh tokens.

    ``uses`` is how often it was refreshed, ``token_hash`` is of the one token that may be used next. ``request_id`` and
    ``refresh_time`` are those of the last refresh. ``address`` is where it was opened from.
    """

    session_id: str
    user_id: str
    uses: int
    token_hash: bytes
    request_id: str
    refresh_time: Instant
    sign_in_time: Instant
    expire_time: Instant
    revoke_time: Instant | None
    address: str


class Worth(Enum):
    """What a refresh token is worth that we have made."""

    CURRENT = "it may be used"
    REPEAT = "it was used by this very request a moment ago, whose answer was lost"
    REUSED = "it was used before: two have it, and nobody can tell which of them is the user"
    OVER = "its session has ended"


def worth_of(session: UserSession | None, shown: RefreshToken, request_id: str, now: Instant) -> Worth:
    """Return what a token is worth in a request at an instant."""
    if session is None or session.revoke_time is not None or session.expire_time <= now:
        return Worth.OVER
    if shown.uses == session.uses and hmac.compare_digest(shown.hash, session.token_hash):
        return Worth.CURRENT
    is_last = shown.uses == session.uses - 1 and request_id == session.request_id
    if is_last and now - session.refresh_time <= REPEAT_SECONDS * SECOND:
        return Worth.REPEAT
    return Worth.REUSED
