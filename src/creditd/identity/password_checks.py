"""The check that a password is a user's: one way for everything that needs one, so that all of it is counted alike."""

from creditd.addresses import place_of
from creditd.identity.attempts import Attempts
from creditd.identity.password_hashes import PasswordHashes
from creditd.identity.passwords import is_hashable, normal_password
from creditd.identity.refusals import SignInFailed, SignInLimited, UserNotFound
from creditd.identity.security_log import SecurityEventKind, SecurityLog
from creditd.identity.storage import users
from creditd.identity.storage.users import User
from creditd.identity.thread_use import RunsBlocking
from creditd.storage.database import Database


class PasswordChecks:
    """Checks passwords; what is refused is counted, and noted.

    Whether an email is known shows neither in what is answered nor in how long it takes: each way through has one hash
    and as many transactions.
    """

    def __init__(
        self,
        database: Database,
        hashes: PasswordHashes,
        attempts: Attempts,
        security_log: SecurityLog,
        *,
        in_thread: RunsBlocking,
        in_hashing: RunsBlocking,
    ) -> None:
        """Hash ``in_hashing``, where nothing else waits, and use the database ``in_thread``."""
        self._database = database
        self._hashes = hashes
        self._attempts = attempts
        self._security_log = security_log
        self._in_thread = in_thread
        self._in_hashing = in_hashing

    async def user(self, user_id: str) -> User:
        """Return a user whose password is to be checked. Raises UserNotFound."""
        found = await self._in_thread(lambda: self._find_by_id(user_id), owner=user_id)
        if found is None:
            raise UserNotFound
        return found

    async def require(
        self, email: str, password: str, address: str, failure: SecurityEventKind, *, caller_id: str | None = None
    ) -> User:
        """Return the user of an email if the password is theirs, as they were when it was looked at.

        A wrong one is noted as ``failure``; ``caller_id`` is who calls, if that is known. Raises SignInFailed,
        SignInLimited.
        """
        place = place_of(address)
        try:
            with self._attempts.of_password(email, place) as attempt:
                found = await self._in_thread(lambda: self._find(email, place))
                user, is_known_place = found or (None, False)
                attempt.go_on(email, is_known_place=is_known_place)
                is_theirs = await self._is_theirs(user, password, place)
                attempt.settle(is_right=is_theirs)
        except SignInLimited:
            await self._in_thread(lambda: self._note(SecurityEventKind.SIGN_IN_LIMITED, caller_id, address))
            raise
        if user is None or not is_theirs:
            await self._in_thread(lambda: self._note(failure, user.user_id if user else caller_id, address))
            raise SignInFailed
        return user

    async def _is_theirs(self, user: User | None, password: str, place: str) -> bool:
        normal = normal_password(password)
        stored = user.password_hash if user else None
        if not is_hashable(normal):
            # Nobody can have chosen it. It costs what any other costs, and no more.
            stored, normal = None, ""
        return await self._in_hashing(lambda: self._hashes.matches(stored, normal), owner=place)

    def _find_by_id(self, user_id: str) -> User | None:
        with self._database.autocommit() as connection:
            return users.find(connection, user_id)

    def _find(self, email: str, place: str) -> tuple[User, bool] | None:
        with self._database.autocommit() as connection:
            return users.find_by_email(connection, email, place)

    def _note(self, kind: SecurityEventKind, user_id: str | None, address: str) -> None:
        with self._database.transaction() as connection:
            self._security_log.note(connection, kind, user_id, address)
