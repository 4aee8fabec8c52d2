"""What happens that concerns security: told to the log and stored, at a bounded rate."""

import logging
from collections.abc import Callable
from enum import StrEnum
from threading import Lock
from typing import Final

from sqlalchemy import Connection

from creditd.domain.instant import SECOND, Instant
from creditd.identity.storage import security_events
from creditd.identity.storage.security_events import SecurityEvent

log = logging.getLogger(__name__)

STORED_A_SECOND: Final = 20
"""Of each kind. Whoever guesses passwords makes as many events as the limits let through; beyond this they are counted,
and the next one that is stored tells how many there were."""


class SecurityEventKind(StrEnum):
    """What happened."""

    REGISTERED = "REGISTERED"
    REGISTERED_AGAIN = "REGISTERED_AGAIN"
    SIGNED_IN = "SIGNED_IN"
    SIGN_IN_FAILED = "SIGN_IN_FAILED"
    SIGN_IN_LIMITED = "SIGN_IN_LIMITED"
    REFRESH_TOKEN_REUSED = "REFRESH_TOKEN_REUSED"  # noqa: S105 - the name of an event.
    SESSIONS_REVOKED = "SESSIONS_REVOKED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - the name of an event.
    PASSWORD_CHANGE_FAILED = "PASSWORD_CHANGE_FAILED"  # noqa: S105 - the name of an event.

    ENROLMENT_FAILED = "ENROLMENT_FAILED"
    SECOND_FACTOR_ENROLLED = "SECOND_FACTOR_ENROLLED"
    SECOND_FACTOR_FAILED = "SECOND_FACTOR_FAILED"
    RECOVERY_CODES_REPLACED = "RECOVERY_CODES_REPLACED"
    STEPPED_UP = "STEPPED_UP"

    API_KEY_CREATED = "API_KEY_CREATED"
    API_KEY_ROTATED = "API_KEY_ROTATED"
    API_KEY_REVOKED = "API_KEY_REVOKED"


_ALARMING: Final = frozenset({SecurityEventKind.REFRESH_TOKEN_REUSED})


class SecurityLog:
    """Takes security events. Safe to use by several threads."""

    def __init__(self, now: Callable[[], Instant], make_id: Callable[[], str]) -> None:
        """Stamp events by ``now``, name them by ``make_id``."""
        self._now = now
        self._make_id = make_id
        self._lock = Lock()
        # By kind: the second that is counted, how many were stored in it, and how many were left out since the last.
        self._counts: dict[str, tuple[int, int, int]] = {}

    def note(self, connection: Connection, kind: SecurityEventKind, user_id: str | None, address: str) -> None:
        """Store an event with the transaction that is open, and log it; nothing in it is secret."""
        now = self._now()
        left_out = self._room(kind, now // SECOND)
        if left_out is None:
            return
        event = SecurityEvent(self._make_id(), kind, user_id, address, left_out, now)
        security_events.add(connection, event)
        level = logging.WARNING if kind in _ALARMING else logging.INFO
        log.log(level, "security event", extra={"kind": kind.value, "user": user_id or "", "peer": address})

    def _room(self, kind: str, second: int) -> int | None:
        """Return how many were left out before this one; None if this one has to be."""
        with self._lock:
            counted, stored, left_out = self._counts.get(kind, (second, 0, 0))
            if counted != second:
                stored = 0
            if stored >= STORED_A_SECOND:
                self._counts[kind] = second, stored, left_out + 1
                return None
            self._counts[kind] = second, stored + 1, 0
            return left_out
