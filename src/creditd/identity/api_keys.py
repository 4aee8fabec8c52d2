"""API keys of service accounts: made, rotated, revoked, and exchanged for short tokens."""

import re
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from sqlalchemy import Connection

from creditd.addresses import place_of
from creditd.domain.errors import reused
from creditd.domain.instant import SECOND, Instant
from creditd.domain.resource_names import api_key_name
from creditd.identity.access_tokens import AccessTokens, IssuedToken
from creditd.identity.refusals import ApiKeyInvalid, ApiKeyNotFound, ApiKeysFull
from creditd.identity.security_log import SecurityEventKind, SecurityLog
from creditd.identity.storage import api_keys as rows
from creditd.identity.storage.api_keys import ApiKey, KeyUser
from creditd.identity.thread_use import RunsBlocking
from creditd.identity.user_ids import user_id_of
from creditd.storage.database import Database

PREFIX: Final = "ck_"
"""Lets scanners for leaked secrets find one."""

SHOWN_CHARACTERS: Final = len(PREFIX) + 8
"""Of a secret, in lists: 48 of its 256 bits, which tell it from all others and leave it beyond guessing."""

SECRET_BYTES: Final = 32

LIFETIME_SECONDS: Final = 365 * 86_400
"""If a request states none: nobody has to think of it more than once a year."""

OVERLAP_SECONDS: Final = 86_400
"""If a request states none: a day to give every process the new key."""

MAX_LIVE_KEYS: Final = 20
"""Of one service account: one for each place that it runs at, twice while they are rotated."""

SERVICE_ROLES: Final = ("SERVICE",)
"""What whoever shows a key is. What its service account may do is stored with the accounts."""

_SECRET: Final = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]{43}")


class KeyAct(NamedTuple):
    """Who acts on a key, which person stands behind that, from where, why, and by which request."""

    actor: str
    person: str
    address: str
    reason: str
    request_id: str = ""


class MadeKey(NamedTuple):
    """A key that was made, and its secret; an empty one if the same request had made it before."""

    key: ApiKey
    secret: str


class ApiKeys:
    """The API keys of all service accounts."""

    def __init__(
        self,
        database: Database,
        access_tokens: AccessTokens,
        security_log: SecurityLog,
        now: Callable[[], Instant],
        make_id: Callable[[], str],
        in_thread: RunsBlocking,
    ) -> None:
        """Keep them in ``database``, hashed."""
        self._database = database
        self._access_tokens = access_tokens
        self._security_log = security_log
        self._now = now
        self._make_id = make_id
        self._in_thread = in_thread

    async def create(self, service_account_id: str, lifetime_seconds: int | None, act: KeyAct) -> MadeKey:
        """Create a key. Raises ApiKeysFull, RequestIdReused."""
        lifetime = lifetime_seconds or LIFETIME_SECONDS
        return await self._in_thread(lambda: self._create(service_account_id, lifetime, act), owner=act.actor)

    async def rotate(
        self, api_key_id: str, lifetime_seconds: int | None, overlap_seconds: int | None, act: KeyAct
    ) -> MadeKey:
        """Create a key in place of another one, which ends after the overlap.

        Raises ApiKeyNotFound, also for one that has ended; ApiKeysFull, RequestIdReused.
        """
        overlap = OVERLAP_SECONDS if overlap_seconds is None else overlap_seconds
        return await self._in_thread(lambda: self._rotate(api_key_id, lifetime_seconds, overlap, act), owner=act.actor)

    async def revoke(self, api_key_id: str, act: KeyAct) -> ApiKey:
        """Revoke a key, unless it is revoked, and return it. Raises ApiKeyNotFound."""
        return await self._in_thread(lambda: self._revoke(api_key_id, act), owner=act.actor)

    async def page(self, service_account_id: str, before: str, count: int, actor: str) -> Sequence[ApiKey]:
        """Return so many keys of a service account, newest first, from the one after ``before`` on."""
        return await self._in_thread(lambda: self._page(service_account_id, before, count), owner=actor)

    async def exchange(self, secret: str, address: str) -> tuple[str, IssuedToken]:
        """Return the service account whose key this is, and a token for it.

        Raises ApiKeyInvalid, the same for a key that nobody has and for one that was revoked or has ended.
        """
        if not _SECRET.fullmatch(secret):
            raise ApiKeyInvalid
        user = await self._in_thread(lambda: self._use(secret), owner=place_of(address))
        if user is None:
            raise ApiKeyInvalid
        account, person = user
        return account, self._access_tokens.issue(account, self._now(), (), SERVICE_ROLES, person)

    def _create(self, service_account_id: str, lifetime_seconds: int, act: KeyAct) -> MadeKey:
        with self._database.transaction() as connection:
            return self._make(connection, service_account_id, lifetime_seconds, "", act)

    def _rotate(self, api_key_id: str, lifetime_seconds: int | None, overlap_seconds: int, act: KeyAct) -> MadeKey:
        with self._database.transaction() as connection:
            key, now = rows.lock(connection, api_key_id), self._now()
            if key is None:
                raise ApiKeyNotFound(api_key=api_key_name(api_key_id))
            lifetime = lifetime_seconds or key.lifetime_seconds
            before = rows.find_by_request(connection, act.actor, act.request_id)
            if before is None and not key.is_live(now):
                raise ApiKeyNotFound(api_key=api_key_name(api_key_id))
            made = self._make(connection, key.service_account_id, lifetime, api_key_id, act)
            if made.secret:
                rows.end(connection, api_key_id, Instant(now + overlap_seconds * SECOND))
            return made

    def _make(
        self,
        connection: Connection,
        service_account_id: str,
        lifetime_seconds: int,
        predecessor_id: str,
        act: KeyAct,
    ) -> MadeKey:
        now = self._now()
        secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
        key = ApiKey(
            self._make_id(),
            service_account_id,
            secret[:SHOWN_CHARACTERS],
            predecessor_id,
            act.actor,
            act.request_id,
            act.reason,
            now,
            lifetime_seconds,
            Instant(now + lifetime_seconds * SECOND),
        )
        if not rows.add(connection, key, _hash(secret), act.person):
            return MadeKey(_same(rows.find_by_request(connection, act.actor, act.request_id), key), "")
        if rows.live_keys(connection, service_account_id, now) > MAX_LIVE_KEYS:
            raise ApiKeysFull(maximum=MAX_LIVE_KEYS)
        kind = SecurityEventKind.API_KEY_ROTATED if predecessor_id else SecurityEventKind.API_KEY_CREATED
        self._security_log.note(connection, kind, user_id_of(act.actor), act.address)
        return MadeKey(key, secret)

    def _revoke(self, api_key_id: str, act: KeyAct) -> ApiKey:
        with self._database.transaction() as connection:
            key, now = rows.lock(connection, api_key_id), self._now()
            if key is None:
                raise ApiKeyNotFound(api_key=api_key_name(api_key_id))
            if key.revoke_time is not None:
                return key
            rows.revoke(connection, api_key_id, act.actor, act.reason, now)
            self._security_log.note(connection, SecurityEventKind.API_KEY_REVOKED, user_id_of(act.actor), act.address)
            return key._replace(revoke_time=now, revoked_by=act.actor, revoke_reason=act.reason)

    def _page(self, service_account_id: str, before: str, count: int) -> Sequence[ApiKey]:
        with self._database.autocommit() as connection:
            return rows.page(connection, service_account_id, before, count)

    def _use(self, secret: str) -> KeyUser | None:
        with self._database.autocommit() as connection:
            return rows.use(connection, _hash(secret), self._now())


def _hash(secret: str) -> bytes:
    # 256 bits at random need no slow hash, and the hash that is looked up tells nobody how near a guess was.
    return sha256(secret.encode()).digest()


def _same(stored: ApiKey | None, wanted: ApiKey) -> ApiKey:
    """Return what a request has made before. Raises RequestIdReused if it had asked for something else."""
    if stored is None:
        message = "a request is taken, and by no key"
        raise RuntimeError(message)
    asked = [(key.service_account_id, key.predecessor_id, key.lifetime_seconds, key.reason) for key in (stored, wanted)]
    if asked[0] != asked[1]:
        used_by = "RotateApiKey" if stored.predecessor_id else "CreateApiKey"
        raise reused(stored.request_id, used_by, stored.create_time)
    return stored
