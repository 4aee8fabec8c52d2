"""Users registered, signed in, and their passwords changed."""

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Connection

from creditd.addresses import place_of
from creditd.domain.errors import reused
from creditd.domain.instant import Instant
from creditd.identity.attempts import Attempts
from creditd.identity.emails import normal_email
from creditd.identity.password_checks import PasswordChecks
from creditd.identity.password_hashes import PasswordHashes
from creditd.identity.passwords import normal_password, require_suitable
from creditd.identity.refusals import SignInFailed
from creditd.identity.registration import Registration
from creditd.identity.security_log import SecurityEventKind, SecurityLog
from creditd.identity.sessions import Sessions, Tokens
from creditd.identity.storage import second_factors as second_factor_rows
from creditd.identity.storage import sessions as session_rows
from creditd.identity.storage import users
from creditd.identity.storage.users import User
from creditd.identity.thread_use import RunsBlocking
from creditd.storage.database import Database

CHANGE: Final = "ChangePassword"
"""What a request id is told to have been used by."""


class SignIn:
    """Emails and passwords."""

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        checks: PasswordChecks,
        hashes: PasswordHashes,
        attempts: Attempts,
        security_log: SecurityLog,
        registration: Registration,
        now: Callable[[], Instant],
        *,
        in_thread: RunsBlocking,
        in_hashing: RunsBlocking,
    ) -> None:
        """Hash ``in_hashing``, where nothing else waits, and use the database ``in_thread``."""
        self._database = database
        self._sessions = sessions
        self._checks = checks
        self._hashes = hashes
        self._attempts = attempts
        self._security_log = security_log
        self._now = now
        self._registration = registration
        self._in_thread = in_thread
        self._in_hashing = in_hashing

    async def register(self, email: str, password: str, address: str) -> None:
        """Register a user, unless the email is known: then nothing is changed, and the caller is told the same.

        Raises PasswordUnsuitable, SignInLimited.
        """
        key = normal_email(email)
        suitable = require_suitable(password, key, "password")
        place = place_of(address)
        with self._attempts.of_password(key, place) as attempt:
            password_hash = await self._in_hashing(lambda: self._hashes.hash(suitable), owner=place)
            # It stays counted, or it would be a cheap way to ask for hashes and for what is registered.
            attempt.settle(is_right=False)
        await self._in_thread(lambda: self._registration.add(key, password_hash, address))

    async def log_in(self, email: str, password: str, address: str) -> Tokens:
        """Open a session. Raises SignInFailed, SignInLimited."""
        key = normal_email(email)
        user = await self._checks.require(key, password, address, SecurityEventKind.SIGN_IN_FAILED)
        renewed = ""
        if self._hashes.is_outdated(user.password_hash):
            renewed = await self._hash(normal_password(password), address)
        return await self._in_thread(lambda: self._open(user, renewed, address))

    async def change_password(
        self, user_id: str, current: str, new: str, request_id: str, address: str
    ) -> tuple[Tokens, bool]:
        """Change a password, revoke every session, and open a new one; tell whether the request had done so before.

        Raises UserNotFound, PasswordUnsuitable, SignInFailed if ``current`` is not the user's, SignInLimited,
        RequestIdReused if the request had chosen another password before.
        """
        user = await self._checks.user(user_id)
        suitable = require_suitable(new, user.email, "new_password")
        if user.password_request_id == request_id:
            return await self._repeat(user, new, address), True
        failure = SecurityEventKind.PASSWORD_CHANGE_FAILED
        user = await self._checks.require(user.email, current, address, failure, caller_id=user_id)
        password_hash = await self._hash(suitable, address)
        change = partial(self._change, user, password_hash, request_id, address)
        return await self._in_thread(change, owner=user_id), False

    async def _repeat(self, user: User, new: str, address: str) -> Tokens:
        """Open a session for a request whose answer was lost, and which shows the password that it has chosen."""
        failure = SecurityEventKind.PASSWORD_CHANGE_FAILED
        try:
            user = await self._checks.require(user.email, new, address, failure, caller_id=user.user_id)
        except SignInFailed:
            raise reused(user.password_request_id, CHANGE, user.password_time) from None
        return await self._in_thread(lambda: self._open(user, "", address), owner=user.user_id)

    async def _hash(self, normal: str, address: str) -> str:
        return await self._in_hashing(lambda: self._hashes.hash(normal), owner=place_of(address))

    def _change(self, verified: User, password_hash: str, request_id: str, address: str) -> Tokens:
        user_id = verified.user_id
        with self._database.transaction() as connection:
            self._hold(connection, verified)
            now = self._now()
            users.set_password(connection, user_id, password_hash, request_id, now)
            session_rows.revoke_all(connection, user_id, now)
            # Who knew the password before may have begun to enrol a telephone of theirs.
            second_factor_rows.withdraw(connection, user_id)
            self._security_log.note(connection, SecurityEventKind.PASSWORD_CHANGED, user_id, address)
            return self._sessions.open(connection, user_id, place_of(address))

    def _open(self, verified: User, renewed: str, address: str) -> Tokens:
        user_id = verified.user_id
        with self._database.transaction() as connection:
            self._hold(connection, verified)
            if renewed:
                users.renew_hash(connection, user_id, verified.password_hash, renewed)
            self._security_log.note(connection, SecurityEventKind.SIGNED_IN, user_id, address)
            return self._sessions.open(connection, user_id, place_of(address))

    def _hold(self, connection: Connection, verified: User) -> None:
        """Hold a user who has shown a password until the transaction ends.

        Raises SignInFailed if it was changed since it was looked at: what was shown is not the password any more.
        """
        user = users.lock(connection, verified.user_id)
        if user is None or user.password_time != verified.password_time:
            raise SignInFailed
