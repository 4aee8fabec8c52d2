"""A session of somebody at the console, and the cookies that it is kept in."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from typing import Final

from credit.v1.identity_service_pb2 import SessionTokens, StepUpResponse
from creditd.console import limits
from creditd.console.clock import Clock
from creditd.console.settings import ConsoleSettings
from creditd.console.wire.cookies import Cookie, CookieJar

_SESSION = "session"
_SEEN = "seen"

NOTE: Final = "note"
"""The cookie that tells the next page what was done."""

TYPED: Final = "typed"
"""The cookie of the form that goes with somebody to an outside issuer and back."""


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """Who has signed in, and the tokens of the session. Times are in seconds since the Unix epoch.

    Until ``is_complete`` only the password was shown, and nothing opens but the page that asks for the code. One that
    ``is_outside`` is of an outside issuer, where its tokens are renewed. ``former_id`` is the id of the session that
    the browser had before, whose forms may still stand open; empty for none.
    """

    session_id: str
    email: str
    access_token: str
    access_end: float
    refresh_token: str
    refresh_end: float
    end: float
    is_complete: bool = False
    is_outside: bool = False
    former_id: str = ""

    @property
    def refresh_request_id(self) -> str:
        """The request id of the next refresh: pages that are asked for at once refresh once, and have one answer."""
        return f"console:{sha256(self.refresh_token.encode()).hexdigest()}"


_FIELDS = {field.name for field in fields(ConsoleSession)}


class ConsoleSessions:
    """Begins sessions, renews them, and reads them from cookies.

    There are two: one with the tokens, written when they change, and one with the time of the last page. So a page
    that was asked for before the tokens changed, and answers later, does not bring the old ones back.
    """

    def __init__(self, jar: CookieJar, settings: ConsoleSettings, clock: Clock) -> None:
        """Keep sessions in the cookies of ``jar``, for as long as the settings say."""
        self._jar = jar
        self._idle_seconds = settings.idle_seconds
        self._session_seconds = settings.session_seconds
        self._clock = clock

    def begun(self, email: str, tokens: SessionTokens, former_id: str) -> ConsoleSession:
        """Return a session whose password was shown just now."""
        now = self._clock()
        refresh_end = float(tokens.refresh_token_expire_time.seconds)
        end = min(now + limits.CODE_SECONDS, refresh_end)
        session = ConsoleSession(secrets.token_hex(16), email, "", 0.0, "", refresh_end, end, former_id=former_id)
        return self.renewed(session, tokens)

    def renewed(self, session: ConsoleSession, tokens: SessionTokens) -> ConsoleSession:
        """Return a session with its next tokens."""
        return replace(
            session,
            access_token=tokens.access_token,
            access_end=float(tokens.access_token_expire_time.seconds),
            refresh_token=tokens.refresh_token,
        )

    def begun_outside(self, name: str, access_token: str, seconds: float, refresh_token: str) -> ConsoleSession:
        """Return a session of somebody who has signed in at an outside issuer just now."""
        now = self._clock()
        end = now + self._session_seconds
        begun = ConsoleSession(secrets.token_hex(16), name, "", 0.0, "", end, end, is_complete=True, is_outside=True)
        return self.continued(begun, access_token, seconds, refresh_token)

    def continued(
        self, session: ConsoleSession, access_token: str, seconds: float, refresh_token: str
    ) -> ConsoleSession:
        """Return a session of an outside issuer with its next tokens."""
        return replace(
            session, access_token=access_token, access_end=self._clock() + seconds, refresh_token=refresh_token
        )

    def stepped_up(self, session: ConsoleSession, answer: StepUpResponse) -> ConsoleSession:
        """Return a session whose second factor was shown just now."""
        end = min(self._clock() + self._session_seconds, session.refresh_end)
        return replace(
            session,
            # Another name, so that a form made before the code is none of the whole session.
            session_id=session.session_id if session.is_complete else secrets.token_hex(16),
            access_token=answer.access_token,
            access_end=float(answer.access_token_expire_time.seconds),
            end=session.end if session.is_complete else end,
            is_complete=True,
        )

    def read(self, cookies: Mapping[str, str]) -> ConsoleSession | None:
        """Return the session that a browser has, unless it has ended or was idle for too long."""
        content, seen = self._jar.read(_SESSION, cookies), self._jar.read(_SEEN, cookies)
        if not content or seen.get("session_id") != content.get("session_id"):
            return None
        if set(content) != _FIELDS:
            # Written by another version of the console.
            return None
        session, now = ConsoleSession(**content), self._clock()
        if now >= session.end or now >= seen["time"] + self._idle_seconds:
            return None
        return session

    def lapsed_id(self, cookies: Mapping[str, str]) -> str:
        """Return the id of the session that a browser has, over or not; empty if it has none."""
        return str(self._jar.read(_SESSION, cookies).get("session_id", ""))

    def written(self, session: ConsoleSession, *, is_seen: bool = True) -> Iterator[Cookie]:
        """Yield the cookies of a session whose tokens have changed; that of its last page if somebody has seen one."""
        # Kept for a while longer, so that a form that comes too late is known as this session's.
        seconds = session.end - self._clock() + limits.LAPSED_SECONDS
        yield self._jar.written(_SESSION, asdict(session), seconds)
        if is_seen:
            yield self.seen(session)

    def seen(self, session: ConsoleSession) -> Cookie:
        """Return the cookie that says that a page was asked for just now."""
        now = self._clock()
        return self._jar.written(_SEEN, {"session_id": session.session_id, "time": now}, session.end - now)

    def is_seen(self, cookies: Mapping[str, str]) -> bool:
        """Tell whether the time of the last page is near enough to stand as it is."""
        return self._clock() < float(self._jar.read(_SEEN, cookies).get("time", 0.0)) + limits.SEEN_SECONDS

    def lapsed(self) -> Iterator[Cookie]:
        """Yield what ends a session in a browser; the forms of it that still stand open there are known by its id."""
        for name in (_SEEN, NOTE, TYPED):
            yield Cookie(name, "", 0)

    def ended(self) -> Iterator[Cookie]:
        """Yield what takes the cookies away, and those with what is for nobody but whoever had the session."""
        for name in (_SESSION, _SEEN, NOTE, TYPED):
            yield Cookie(name, "", 0)
