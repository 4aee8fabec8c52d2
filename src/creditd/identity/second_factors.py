"""A second factor: enrolled, confirmed, and shown for a token that says so."""

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, TypeVar

from sqlalchemy import Connection

from creditd.domain.instant import SECOND, Instant
from creditd.identity.access_tokens import ONE_TIME_CODE, PASSWORD, AccessTokens, IssuedToken
from creditd.identity.attempts import Attempts
from creditd.identity.ciphers import Cipher
from creditd.identity.one_time_codes import (
    is_code,
    new_recovery_codes,
    new_secret,
    recovery_hash,
    secret_text,
    secret_uri,
    step_of,
)
from creditd.identity.password_checks import PasswordChecks
from creditd.identity.refusals import SecondFactorInvalid, SecondFactorMissing, SignInLimited, UserNotFound
from creditd.identity.security_log import SecurityEventKind, SecurityLog
from creditd.identity.sessions import Sessions
from creditd.identity.storage import second_factors as rows
from creditd.identity.storage import users
from creditd.identity.storage.second_factors import Authenticator
from creditd.identity.storage.users import User
from creditd.identity.thread_use import RunsBlocking
from creditd.storage.database import Database

Answer = TypeVar("Answer")

PENDING_SECONDS: Final = 600
"""That an authenticator waits to be confirmed: time to fetch a telephone, and no longer, since whoever confirms it does
not show the password again."""

_SECRETS: Final = "authenticators"
_CODES: Final = "recovery codes"

WRONG: Final = "wrong"
USED: Final = "used"
"""What may be amiss with a code."""


class Enrolment(NamedTuple):
    """An authenticator's secret, shown once: to be typed, and to be read from a QR code."""

    secret: str
    uri: str


class SecondFactors:
    """Authenticators and recovery codes of all users.

    Each call shows the current refresh token of a session of the user's: an access token outlives its session, and
    would otherwise renew itself by codes without end.
    """

    def __init__(
        self,
        database: Database,
        cipher: Cipher,
        sessions: Sessions,
        access_tokens: AccessTokens,
        checks: PasswordChecks,
        attempts: Attempts,
        security_log: SecurityLog,
        now: Callable[[], Instant],
        *,
        issuer: str,
        in_thread: RunsBlocking,
    ) -> None:
        """Keep secrets in ``database`` under ``cipher``; authenticators show ``issuer`` beside the email."""
        self._database = database
        self._cipher = cipher
        self._code_key = cipher.key(_CODES)
        self._sessions = sessions
        self._access_tokens = access_tokens
        self._checks = checks
        self._attempts = attempts
        self._security_log = security_log
        self._now = now
        self._issuer = issuer
        self._in_thread = in_thread

    async def enrol(self, user_id: str, password: str, code: str, refresh_token: str, address: str) -> Enrolment:
        """Return a new authenticator's secret, which counts once a code of it has confirmed it.

        Who has one already shows a code of that, or a recovery code, so that nobody who finds a device that is signed
        in puts another authenticator in its place. Raises UserNotFound, SignInFailed, SecondFactorInvalid,
        SessionOver, SignInLimited.
        """
        user = await self._checks.user(user_id)
        failure = SecurityEventKind.ENROLMENT_FAILED
        user = await self._checks.require(user.email, password, address, failure, caller_id=user_id)
        propose = partial(self._propose, user, code)
        return await self._tried(user_id, refresh_token, address, propose)

    async def confirm(self, user_id: str, code: str, refresh_token: str, address: str) -> list[str]:
        """Have the authenticator that was enrolled count, and return new recovery codes, which are shown once.

        Raises SecondFactorMissing, SecondFactorInvalid, SessionOver, SignInLimited.
        """
        confirm = partial(self._confirm, user_id, code, address)
        return await self._tried(user_id, refresh_token, address, confirm)

    async def regenerate(self, user_id: str, code: str, refresh_token: str, address: str) -> list[str]:
        """Return new recovery codes in place of those before, for a code of the authenticator.

        Raises SecondFactorMissing, SecondFactorInvalid, SessionOver, SignInLimited.
        """
        regenerate = partial(self._regenerate, user_id, code, address)
        return await self._tried(user_id, refresh_token, address, regenerate)

    async def step_up(self, user_id: str, code: str, refresh_token: str, address: str) -> IssuedToken:
        """Return a token that says that a second factor was shown, and when.

        Raises SecondFactorMissing, SecondFactorInvalid, SessionOver, SignInLimited.
        """
        step_up = partial(self._step_up, user_id, code, address)
        return await self._tried(user_id, refresh_token, address, step_up)

    async def _tried(
        self, user_id: str, refresh_token: str, address: str, act: Callable[[Connection], Answer]
    ) -> Answer:
        """Do what needs a code, of which so many may be tried, in one transaction that holds the session."""
        return await self._in_thread(lambda: self._counted(user_id, refresh_token, address, act), owner=user_id)

    def _counted(self, user_id: str, refresh_token: str, address: str, act: Callable[[Connection], Answer]) -> Answer:
        # On the thread, which goes on when the caller has gone: whoever hangs up before the answer has no more tries
        # than others.
        try:
            with self._attempts.of_code(user_id) as attempt:
                try:
                    answer = self._done(user_id, refresh_token, act)
                except SecondFactorInvalid:
                    attempt.settle(is_right=False)
                    raise
                attempt.settle(is_right=True)
        except (SecondFactorInvalid, SignInLimited) as refusal:
            is_wrong = isinstance(refusal, SecondFactorInvalid)
            kind = SecurityEventKind.SECOND_FACTOR_FAILED if is_wrong else SecurityEventKind.SIGN_IN_LIMITED
            self._note(kind, user_id, address)
            raise
        return answer

    def _done(self, user_id: str, refresh_token: str, act: Callable[[Connection], Answer]) -> Answer:
        with self._database.transaction() as connection:
            # The user first, as whoever changes the password does: in one order nobody waits in a circle.
            if users.lock(connection, user_id) is None:
                raise UserNotFound
            self._sessions.require_current(connection, user_id, refresh_token)
            return act(connection)

    def _note(self, kind: SecurityEventKind, user_id: str, address: str) -> None:
        with self._database.transaction() as connection:
            self._security_log.note(connection, kind, user_id, address)

    def _propose(self, user: User, code: str, connection: Connection) -> Enrolment:
        authenticator = rows.lock(connection, user.user_id)
        if authenticator is not None and authenticator.secret is not None:
            self._show(connection, user.user_id, authenticator, code)
        secret = new_secret()
        encrypted = self._cipher.encrypt(_SECRETS, user.user_id, secret)
        rows.propose(connection, user.user_id, encrypted, self._cipher.key_id, self._now())
        return Enrolment(secret_text(secret), secret_uri(secret, user.email, self._issuer))

    def _confirm(self, user_id: str, code: str, address: str, connection: Connection) -> list[str]:
        authenticator = rows.lock(connection, user_id)
        if authenticator is None or authenticator.pending_secret is None:
            raise SecondFactorMissing
        if self._now() >= authenticator.update_time + PENDING_SECONDS * SECOND:
            raise SecondFactorMissing
        step = self._step(user_id, authenticator.pending_secret, code, 0)
        rows.confirm(connection, user_id, step, self._now())
        self._security_log.note(connection, SecurityEventKind.SECOND_FACTOR_ENROLLED, user_id, address)
        return self._new_codes(connection, user_id)

    def _regenerate(self, user_id: str, code: str, address: str, connection: Connection) -> list[str]:
        authenticator = self._confirmed(connection, user_id)
        if not is_code(code):
            # Else one recovery code that was found would give ten.
            raise SecondFactorInvalid(problem=WRONG)
        self._show(connection, user_id, authenticator, code)
        self._security_log.note(connection, SecurityEventKind.RECOVERY_CODES_REPLACED, user_id, address)
        return self._new_codes(connection, user_id)

    def _step_up(self, user_id: str, code: str, address: str, connection: Connection) -> IssuedToken:
        self._show(connection, user_id, self._confirmed(connection, user_id), code)
        self._security_log.note(connection, SecurityEventKind.STEPPED_UP, user_id, address)
        return self._access_tokens.issue(user_id, self._now(), (PASSWORD, ONE_TIME_CODE))

    def _confirmed(self, connection: Connection, user_id: str) -> Authenticator:
        authenticator = rows.lock(connection, user_id)
        if authenticator is None or authenticator.secret is None:
            raise SecondFactorMissing
        return authenticator

    def _show(self, connection: Connection, user_id: str, authenticator: Authenticator, code: str) -> None:
        """Use a code up, of the authenticator or for when it is lost. Raises SecondFactorInvalid."""
        if is_code(code) and authenticator.secret is not None:
            rows.use(connection, user_id, self._step(user_id, authenticator.secret, code, authenticator.last_step))
        elif not rows.use_code(connection, user_id, recovery_hash(self._code_key, user_id, code)):
            raise SecondFactorInvalid(problem=WRONG)

    def _step(self, user_id: str, encrypted: bytes, code: str, last_step: int) -> int:
        """Return the step of a code that counts. Raises SecondFactorInvalid."""
        secret = self._cipher.decrypt(_SECRETS, user_id, encrypted)
        found = step_of(secret, code, self._now() / SECOND, last_step)
        if found is None or found.is_used:
            raise SecondFactorInvalid(problem=USED if found else WRONG)
        return found.step

    def _new_codes(self, connection: Connection, user_id: str) -> list[str]:
        codes = new_recovery_codes()
        rows.replace_codes(connection, user_id, [recovery_hash(self._code_key, user_id, code) for code in codes])
        return codes
