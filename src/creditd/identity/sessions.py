"""Sessions opened, refreshed and revoked."""

from collections.abc import Callable
from typing import Final, NamedTuple

from sqlalchemy import Connection

from creditd.domain.instant import SECOND, Instant
from creditd.identity.access_tokens import AccessTokens
from creditd.identity.refresh_tokens import RefreshToken, RefreshTokens
from creditd.identity.refusals import RefreshTokenInvalid, RefreshTokenReused, SessionOver
from creditd.identity.security_log import SecurityEventKind, SecurityLog
from creditd.identity.session import UserSession, Worth, worth_of
from creditd.identity.storage import sessions as rows
from creditd.identity.thread_use import RunsBlocking
from creditd.storage.database import Database

MAX_SESSIONS: Final = 100
"""Of one user at once: more than all devices of a person, and a bound on what a program that signs in for each of its
calls leaves behind."""


class Tokens(NamedTuple):
    """What a user gets who has signed in: a token to call with, and one to get the next with."""

    user_id: str
    access_token: str
    access_token_expire_time: Instant
    refresh_token: str
    refresh_token_expire_time: Instant


class Sessions:
    """The sessions of all users."""

    def __init__(
        self,
        database: Database,
        access_tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        security_log: SecurityLog,
        now: Callable[[], Instant],
        make_id: Callable[[], str],
        in_thread: RunsBlocking,
        *,
        lifetime_seconds: int,
    ) -> None:
        """Keep sessions in ``database`` for ``lifetime_seconds`` from the sign-in."""
        self._database = database
        self._access_tokens = access_tokens
        self._refresh_tokens = refresh_tokens
        self._security_log = security_log
        self._now = now
        self._make_id = make_id
        self._in_thread = in_thread
        self._lifetime = lifetime_seconds * SECOND

    def open(self, connection: Connection, user_id: str, place: str) -> Tokens:
        """Open a session within a transaction that holds the user; of more than MAX_SESSIONS the oldest ends."""
        now = self._now()
        token = self._refresh_tokens.first(self._make_id())
        end = Instant(now + self._lifetime)
        session = UserSession(token.session_id, user_id, 0, token.hash, "", now, now, end, None, place)
        rows.add(connection, session)
        rows.revoke_oldest(connection, user_id, MAX_SESSIONS, now)
        return self._tokens(session, token)

    def _tokens(self, session: UserSession, token: RefreshToken) -> Tokens:
        access_token = self._access_tokens.issue(session.user_id, session.sign_in_time)
        return Tokens(session.user_id, *access_token, token.text, session.expire_time)

    def require_current(self, connection: Connection, user_id: str, text: str) -> None:
        """Hold the user's session that a refresh token is the current one of, until the transaction ends.

        The token is not used up. Raises SessionOver for any other token.
        """
        shown = self._refresh_tokens.read(text)
        session = rows.lock(connection, shown.session_id) if shown else None
        if shown is None or session is None or session.user_id != user_id:
            raise SessionOver
        if worth_of(session, shown, "", self._now()) is not Worth.CURRENT:
            raise SessionOver

    async def refresh(self, text: str, request_id: str, address: str) -> tuple[Tokens, bool]:
        """Return new tokens for a refresh token, and whether its request was answered before.

        A token that was used before revokes its session. Raises RefreshTokenInvalid, RefreshTokenReused.
        """
        shown = self._refresh_tokens.read(text)
        if shown is None:
            raise RefreshTokenInvalid
        worth, tokens = await self._in_thread(lambda: self._refresh(shown, request_id, address))
        if worth is Worth.REUSED:
            raise RefreshTokenReused
        if tokens is None:
            raise RefreshTokenInvalid
        return tokens, worth is Worth.REPEAT

    def _refresh(self, shown: RefreshToken, request_id: str, address: str) -> tuple[Worth, Tokens | None]:
        with self._database.transaction() as connection:
            session, now = rows.lock(connection, shown.session_id), self._now()
            worth = worth_of(session, shown, request_id, now)
            if session is None or worth is Worth.OVER:
                return worth, None
            if worth is Worth.REUSED:
                rows.revoke(connection, session.session_id, session.user_id, now)
                kind = SecurityEventKind.REFRESH_TOKEN_REUSED
                self._security_log.note(connection, kind, session.user_id, address)
                return worth, None
            follower = self._refresh_tokens.next(shown, request_id)
            if worth is Worth.CURRENT:
                session = session._replace(
                    uses=follower.uses, token_hash=follower.hash, request_id=request_id, refresh_time=now
                )
                rows.refresh(connection, session)
            return worth, self._tokens(session, follower)

    async def revoke(self, user_id: str, text: str, address: str) -> None:
        """Revoke the user's session that a refresh token is of; an empty text is for all of the user's sessions.

        A token that is none of ours, or another user's, revokes nothing, and its bearer is not told so.
        """
        shown = self._refresh_tokens.read(text) if text else None
        if text and shown is None:
            return
        await self._in_thread(lambda: self._revoke(user_id, shown, address), owner=user_id)

    def _revoke(self, user_id: str, shown: RefreshToken | None, address: str) -> None:
        with self._database.transaction() as connection:
            now = self._now()
            if shown is None:
                revoked = rows.revoke_all(connection, user_id, now)
            else:
                revoked = rows.revoke(connection, shown.session_id, user_id, now)
            if revoked:
                self._security_log.note(connection, SecurityEventKind.SESSIONS_REVOKED, user_id, address)

    def remove_ended(self) -> int:
        """Delete some of the sessions whose time is over; return how many. Blocks."""
        with self._database.transaction() as connection:
            return rows.remove_ended(connection, self._now())
