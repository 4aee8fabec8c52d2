"""Identity in one process: its database, keys, threads and handlers."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

import grpc

from credit.v1 import api_key_service_pb2, identity_service_pb2
from creditd.bootstrap.stop_grace import StopGrace
from creditd.config import Config
from creditd.domain.instant import SECOND
from creditd.identity.access_tokens import AccessTokens
from creditd.identity.api_keys import ApiKeys
from creditd.identity.attempts import Attempts
from creditd.identity.ciphers import Cipher, OtherKey
from creditd.identity.key_ring import REFRESH_SECONDS, KeyRing
from creditd.identity.password_checks import PasswordChecks
from creditd.identity.password_hashes import PasswordHashes
from creditd.identity.refresh_tokens import RefreshTokens
from creditd.identity.registration import Registration
from creditd.identity.second_factors import SecondFactors
from creditd.identity.security_log import SecurityLog
from creditd.identity.sessions import Sessions
from creditd.identity.sign_in import SignIn
from creditd.identity.storage import security_events
from creditd.identity.storage.schema import IDENTITY
from creditd.identity.storage.sessions import REMOVED_AT_ONCE
from creditd.identity.thread_use import RunsBlocking
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.ledger.queue import SinkHere
from creditd.server.authentication.issuers import Issuer
from creditd.server.authentication.keys import KeySet, PublicKey
from creditd.server.handlers.api_key_handlers import ApiKeyHandlers
from creditd.server.handlers.identity_handlers import KeyHandlers, SecondFactorHandlers, SessionHandlers, SignInHandlers
from creditd.server.pipeline import Steps
from creditd.server.services import service_handler
from creditd.service.kinds import READ_SECONDS, WRITE_SECONDS, Kind
from creditd.service.pages import PageTokens
from creditd.service.payments.background import Background
from creditd.service.threads import Bulkhead
from creditd.storage.connections.presence import Presence
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations.powers import OPT_OUT, Login, login_of
from creditd.storage.schema import schema_head
from creditd.telemetry.statistics import Occupancy

log = logging.getLogger(__name__)

USERS: Final = Kind("identity", WRITE_SECONDS, ends_with_caller=False)
HEALTH: Final = Kind("identity health", READ_SECONDS, ends_with_caller=True)
BACKGROUND: Final = Kind("identity background", WRITE_SECONDS, ends_with_caller=False)
PASSWORDS: Final = Kind("passwords", WRITE_SECONDS, ends_with_caller=True, most_waiting=64)
"""Hashes of passwords. What waits has its turn within a second; who comes beyond is told to come again."""

THREADS: Final = {USERS: 4, HEALTH: 1, BACKGROUND: 1}
"""Threads that use the database, and so the connections of its pool."""

HASHING_THREADS: Final = 2
"""Passwords that are hashed at a time, each on one core with 19 MiB: sign-ins go on beside the calls of others."""

CLEAN_UP_SECONDS: Final = 60.0
"""Between two rounds that delete what has ended."""

CLEAN_UP_STATEMENTS: Final = 20
"""Of one round, of each: 20,000 sessions a minute are more than are opened, and as many events."""


IDENTITY_SERVICES: Final = (
    identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"],
    api_key_service_pb2.DESCRIPTOR.services_by_name["ApiKeyService"],
)


class IdentityCore:
    """What knows neither gRPC nor an event loop: the database, its clock, and the keys."""

    def __init__(self, config: Config, clock: DatabaseClock | None = None) -> None:
        """Wire it. Nothing is connected before it is used."""
        self.config = config
        self.clock = clock or DatabaseClock()
        self.make_id = Ids(self.clock.now)
        self.database = Database(
            DatabaseSettings(
                config.identity_database_url,
                IDENTITY.role,
                sum(THREADS.values()),
                config.database_prepare_threshold or None,
            ),
            schema=IDENTITY,
        )
        self.cipher = Cipher(config.identity_key_encryption_key)
        self.key_ring = KeyRing(self.database, self.cipher, self.clock.now, config.access_token_lifetime_seconds)
        self.access_tokens = AccessTokens(
            self.key_ring,
            self.clock.now,
            self.make_id,
            issuer=config.identity_issuer,
            audience=config.identity_audience,
            lifetime_seconds=config.access_token_lifetime_seconds,
        )
        self.hashes = PasswordHashes()
        self.security_log = SecurityLog(self.clock.now, self.make_id)
        self.registration = Registration(self.database, self.security_log, self.clock.now, self.make_id)
        self.issuer = Issuer(KeySet(), config.identity_issuer, config.identity_audience)
        self._head = schema_head(IDENTITY)
        self.presence = Presence(self.database, self._head)
        self._is_prepared = False
        self._login: Login | None = None

    def is_ready(self) -> bool | None:
        """Tell whether the database can be served from; None if it did not answer. Blocks."""
        # What fits is read under the lock, as in the ledger's.
        shown = self.presence.is_shown()
        ready = shown and self.database.is_ready(self._head)
        if not ready:
            return ready
        self.clock.look(self.database)
        if not self.clock.is_read:
            return None
        if not self._is_prepared:
            if not self._may_serve_by_its_login():
                return False
            try:
                self.load_keys()
            except OtherKey as error:
                log.warning("identity cannot be served: %s", error)
                return False
            self._is_prepared = True
        return True

    def _may_serve_by_its_login(self) -> bool:
        """Check what the login could do to what only grows; return whether the settings let it serve. Blocks."""
        with self.database.transaction() as connection:
            login = login_of(connection, IDENTITY)
        is_news, self._login = login != self._login, login
        is_refused = bool(login.powers) and self.config.require_least_privilege
        if is_refused and is_news:
            log.warning("identity cannot be served: %s, %s", login, OPT_OUT)
        return not is_refused

    def load_keys(self) -> None:
        """Read the keys, and have what they have signed believed. Blocks.

        While the database is away those that were read go on, to their end and no longer.
        """
        try:
            self.key_ring.load()
        finally:
            self.issuer.keys.replace({key.kid: PublicKey("EdDSA", key.key) for key in self.key_ring.public_keys})

    def seconds(self) -> float:
        """Return the seconds since the Unix epoch, by the database's clock."""
        return self.clock.now() / SECOND

    def remove_old_events(self) -> int:
        """Delete some of the security events that are old, and return how many. Blocks."""
        with self.database.transaction() as connection:
            return security_events.remove_old(connection)

    def close(self) -> None:
        """Close the connections. Blocks."""
        self.presence.close()
        self.database.close()


class UserParts:
    """What users call: passwords, sessions and second factors, with one count of attempts for all of them."""

    def __init__(self, core: IdentityCore, *, in_thread: RunsBlocking, in_hashing: RunsBlocking) -> None:
        """Hash ``in_hashing``, and use the database of ``core`` ``in_thread``."""
        config, now = core.config, core.clock.now
        self.attempts = Attempts(now)
        self.sessions = Sessions(
            core.database,
            core.access_tokens,
            RefreshTokens(core.cipher.key("refresh tokens")),
            core.security_log,
            now,
            core.make_id,
            in_thread,
            lifetime_seconds=config.refresh_token_lifetime_seconds,
        )
        checks = PasswordChecks(
            core.database, core.hashes, self.attempts, core.security_log, in_thread=in_thread, in_hashing=in_hashing
        )
        self.second_factors = SecondFactors(
            core.database,
            core.cipher,
            self.sessions,
            core.access_tokens,
            checks,
            self.attempts,
            core.security_log,
            now,
            issuer=config.identity_issuer,
            in_thread=in_thread,
        )
        self.sign_in = SignIn(
            core.database,
            self.sessions,
            checks,
            core.hashes,
            self.attempts,
            core.security_log,
            core.registration,
            now,
            in_thread=in_thread,
            in_hashing=in_hashing,
        )

    def handlers(self) -> tuple[SignInHandlers, SessionHandlers, SecondFactorHandlers]:
        """Return the handlers of their calls."""
        return SignInHandlers(self.sign_in), SessionHandlers(self.sessions), SecondFactorHandlers(self.second_factors)


class IdentityParts:
    """Everything that runs for IdentityService. Make it on the event loop that it is to run on."""

    services: Final = IDENTITY_SERVICES
    database_name: Final = "identity's database"

    def __init__(self, core: IdentityCore, sink: SinkHere, tokens: PageTokens) -> None:
        """Build every part on ``core``; answers go to the ``sink`` of who asks, and pages are sealed by ``tokens``."""
        self.core = core
        self._tokens = tokens
        bulkheads = {kind: Bulkhead(kind, threads, sink) for kind, threads in THREADS.items()}
        bulkheads[PASSWORDS] = Bulkhead(PASSWORDS, HASHING_THREADS, sink)
        self._bulkheads = bulkheads.values()
        self.in_health = bulkheads[HEALTH]
        self._in_background = bulkheads[BACKGROUND]
        self._users = UserParts(core, in_thread=bulkheads[USERS], in_hashing=bulkheads[PASSWORDS])
        self._api_keys = ApiKeys(
            core.database, core.access_tokens, core.security_log, core.clock.now, core.make_id, bulkheads[USERS]
        )
        self._background = [
            Background(self._load_keys, REFRESH_SECONDS, "a look for token keys"),
            Background(self.clean_up, CLEAN_UP_SECONDS, "the clean-up of sessions and security events"),
        ]

    @property
    def occupancies(self) -> Mapping[str, Occupancy]:
        """The occupancy of each bulkhead, by the name of its kind."""
        return {bulkhead.kind.name: bulkhead.occupancy for bulkhead in self._bulkheads}

    def seconds(self) -> float:
        """Return the seconds since the Unix epoch, by the database's clock."""
        return self.core.seconds()

    def is_ready(self) -> bool | None:
        """Tell whether the database can be served from; None if it did not answer. Blocks."""
        return self.core.is_ready()

    def lose(self) -> None:
        """Do nothing: there are no streams, and each call ends by itself."""

    def handlers(self, make_steps: Callable[[], Steps]) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return the handlers. None of them is hot: all run on the event loop."""
        steps = make_steps()
        handlers = (
            (*self._users.handlers(), KeyHandlers(self.core.key_ring)),
            (ApiKeyHandlers(self._api_keys, self._tokens),),
        )
        return tuple(service_handler(*pair, steps) for pair in zip(IDENTITY_SERVICES, handlers, strict=True))

    def start(self) -> None:
        """Start what runs by itself."""
        for background in self._background:
            background.start()

    async def _load_keys(self) -> None:
        if self.core.clock.is_read:
            await self._in_background(self.core.load_keys)

    async def clean_up(self) -> int:
        """Delete sessions that have ended and events that are old; return how many. The rest is for the next round."""
        sessions = await self._removed(self._users.sessions.remove_ended, REMOVED_AT_ONCE)
        return sessions + await self._removed(self.core.remove_old_events, security_events.REMOVED_AT_ONCE)

    async def _removed(self, remove: Callable[[], int], at_once: int) -> int:
        removed = 0
        for _ in range(CLEAN_UP_STATEMENTS if self.core.clock.is_read else 0):
            found = await self._in_background(remove)
            removed += found
            if found < at_once:
                break
        return removed

    async def close(self, grace: StopGrace) -> None:
        """Stop what runs by itself, and let what is under way end."""
        for background in self._background:
            await background.close()
        await asyncio.get_running_loop().run_in_executor(None, self._close, grace)

    def _close(self, grace: StopGrace) -> None:
        for bulkhead in self._bulkheads:
            bulkhead.close(grace.left)
        self.core.close()
