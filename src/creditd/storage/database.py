"""The connections to PostgreSQL: how many, for how long, and in which mode."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, exc, text
from sqlalchemy.exc import DBAPIError

from creditd.storage.connections.conninfo import CONNECT_TIMEOUT_SECONDS, judged, with_defaults
from creditd.storage.connections.hosts import Hosts
from creditd.storage.connections.session import (
    FOUND,
    KEEP_MEMORY,
    Session,
    SessionRules,
    SessionState,
    UnsuitableDatabase,
    make_fit,
    not_kept,
)
from creditd.storage.connections.spares import Spares
from creditd.storage.connections.turns import Turn, TurnOver, Turns, require_time
from creditd.storage.failures import tells_of_unfitness
from creditd.storage.layout import Layout, options_of
from creditd.storage.migrations.privileges import require_privileges
from creditd.storage.migrations.revisions import require_fitting_server, require_revision
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules

log = logging.getLogger(__name__)

__all__ = ["Connection", "Database", "DatabaseSettings"]

STATEMENT_TIMEOUT_SECONDS = 30
"""No statement of the service takes a second; one that takes this long is stuck."""

LOCK_TIMEOUT_MILLISECONDS = 5_000
"""A row is locked for a batch, milliseconds; longer means that something holds it that should not."""

BATCH_LOCK_TIMEOUT_MILLISECONDS = 100
"""What all works of a batch wait for one lock at most; then those that need it leave the batch. Longer than other
servers' batches hold a row that all of them write, since each wait that is given up is an error in PostgreSQL's log."""

BATCH_IDLE_SECONDS = 3
"""A batch's transaction idles for milliseconds. A server that stops within one loses it while others still wait for
its rows; what it had begun is undone, and done again when it goes on."""

BATCH_SECONDS = 5.0
"""A batch takes milliseconds, and a large one of the sweep's a second or two. All of its callers wait for it, so a
database that hangs is given up long before PostgreSQL's own limit of a statement, which does not end anything then."""

BATCH_CONNECTIONS = 3
"""One for the batches of the many, one for the works that are done apart, one for the sweep."""

READING_CONNECTIONS = 3
"""Connected ahead of the others: one for balances, one for those of heavy accounts, one for health checks meanwhile."""

IDLE_IN_TRANSACTION_SECONDS = 30
"""A server that hangs within a transaction loses it, so that its locks do not outlive it."""

BATCH_PLANS = "force_generic_plan"
"""A batch's statements go by keys, and have one plan whatever their arrays hold. Left to itself PostgreSQL plans the
save anew for each lone command, which costs half as much as running it."""

ROUTED_PLANS = "auto"
"""Citus chooses a statement's worker by the account that it names, for which it has to see the account as it plans."""

IN_ORDER = "SET LOCAL enable_bitmapscan = off"
"""PostgreSQL takes an account for smaller than it is if the limit of a page is larger than its estimate, and then reads
all of it to sort it. Without bitmaps the index that has the order is always the cheapest."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the database is and how it is used.

    ``url`` is whatever libpq takes; several hosts are tried in turn for the one that takes writes. ``role`` is what
    each connection becomes, so that the application cannot change the ledger; empty to stay what one logs in as.
    ``prepare_threshold`` is after how many uses a statement is prepared; None never, for a pooler that cannot.
    ``statement_timeout_seconds`` is how long a statement may take, ``lock_timeout_milliseconds`` how long it waits for
    one lock, ``idle_in_transaction_seconds`` how long a transaction may idle before PostgreSQL ends it.
    ``plan_cache_mode`` is PostgreSQL's own. ``is_hasty``: no statement may wait for a lock for longer, not even one
    that is a transaction of its own. ``turn_seconds`` is how long a turn lasts that states no length; None for the
    usual time. ``keeps_memory``: sessions keep the memory of a statement for the next one. ``keeps_connections``: what
    was lent in autocommit stays out of the pool for whoever comes next, as long as the pool has others. ``layout`` is
    how the tables lie in it.
    """

    url: str
    role: str = "creditd_app"
    pool_size: int = 8
    prepare_threshold: int | None = 2
    lock_timeout_milliseconds: int = LOCK_TIMEOUT_MILLISECONDS
    plan_cache_mode: str = "auto"
    idle_in_transaction_seconds: int = IDLE_IN_TRANSACTION_SECONDS
    is_hasty: bool = False
    turn_seconds: float | None = None
    keeps_memory: bool = False
    keeps_connections: bool = False
    layout: Layout = Layout.PLAIN

    @property
    def session_rules(self) -> SessionRules:
        """What each session has to be."""
        return SessionRules(
            self.role,
            STATEMENT_TIMEOUT_SECONDS * 1_000,
            {
                "lock_timeout": f"{self.lock_timeout_milliseconds}ms",
                "idle_in_transaction_session_timeout": f"{self.idle_in_transaction_seconds}s",
                "plan_cache_mode": self.plan_cache_mode,
            },
        )


class Database:
    """A bounded pool of connections, each lent for a turn that ends in time. Connects at first use, or ahead of it.

    Each of its methods that lends raises TurnOver if the calling thread's turn is over. ``revision`` is what its schema
    was at when it was last found ready; empty until then.
    """

    def __init__(
        self, settings: DatabaseSettings, rules: SessionRules | None = None, schema: SchemaRules = LEDGER
    ) -> None:
        """Connect as ``settings`` say; ``rules`` are what sessions must be, if not what the settings make of it.

        ``schema`` is what there has to be in it for the service.

        Raises InvalidConninfo if libpq cannot connect to the place, whatever answers there.
        """
        self._settings = settings
        self.schema = schema
        self._rules = rules or settings.session_rules
        self._hosts = Hosts(with_defaults(judged(settings.url)))
        self._turns = Turns(settings.turn_seconds)
        self._noted = ""
        self.revision = ""
        self._engine = _make_engine(settings, self._connect)
        self._autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._spares = Spares(self._autocommit.connect, self._can_spare)
        # Those that reach the same database by pools of their own, itself included.
        self._relatives = [self]

    @property
    def layout(self) -> Layout:
        """How the tables lie in it."""
        return self._settings.layout

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection that begins a transaction with its first statement; the borrower commits."""
        self._spares.let_go()
        with self._engine.connect() as connection, self._turns.lent(connection):
            yield connection

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """Lend a connection on which each statement is a transaction of its own.

        All of them are one transaction, committed at the end of the block unless it raises, where nothing may wait for
        a lock for long and that can be said of transactions only.
        """
        connection = self._spares.take()
        is_as_before = False
        try:
            with self._turns.lent(connection):
                if self._settings.is_hasty and _session(connection).beginning:
                    connection.execution_options(isolation_level="READ COMMITTED")
                    with connection.begin():
                        yield connection
                else:
                    yield connection
                    is_as_before = True
        finally:
            if is_as_before:
                self._spares.give_back(connection)
            else:
                # If this one was lost, the others most likely are: the pool looks after what it has.
                connection.close()
                self._spares.let_go()

    def _can_spare(self) -> bool:
        """Tell whether the next one who needs a connection finds one in the pool, or room for it."""
        return self._settings.keeps_connections and self._checked_out < self._settings.pool_size

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection within a transaction, committed at the end of the block unless it raises."""
        self._spares.let_go()
        with self._engine.connect() as connection, self._turns.lent(connection), connection.begin():
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a connection whose statements all read the same state, and write nothing."""
        self._spares.let_go()
        with self._snapshots.connect() as connection, self._turns.lent(connection), connection.begin():
            yield connection

    @contextmanager
    def listing(self) -> Iterator[Connection]:
        """Lend a snapshot for the first rows of an order: they are read in that order, and no more of them."""
        with self.snapshot() as connection:
            connection.execute(text(IN_ORDER))
            yield connection

    def for_batches(self, connections: int = BATCH_CONNECTIONS) -> "Database":
        """Return the same database by ``connections`` of their own, which wait for a lock only very briefly."""
        is_plain = self._settings.layout is Layout.PLAIN
        settings = replace(
            self._settings,
            pool_size=connections,
            lock_timeout_milliseconds=BATCH_LOCK_TIMEOUT_MILLISECONDS,
            plan_cache_mode=BATCH_PLANS if is_plain else ROUTED_PLANS,
            idle_in_transaction_seconds=BATCH_IDLE_SECONDS,
            is_hasty=True,
            turn_seconds=BATCH_SECONDS,
            keeps_memory=True,
            keeps_connections=True,
        )
        database = Database(settings, schema=self.schema)
        database._relatives = self._relatives
        database._hosts = self._hosts
        self._relatives.append(database)
        return database

    def connect_ahead(self, count: int) -> None:
        """Have ``count`` connections open, at most the pool's size, before somebody waits for what they are for.

        Meanwhile it holds those that nobody else has; so it is for a server that serves nobody yet. What fails is left
        to whoever needs a connection.
        """
        with suppress(DBAPIError, exc.TimeoutError, TurnOver), ExitStack() as held:
            while self.connections_open < min(count, self._settings.pool_size):
                held.enter_context(self.autocommit())

    def is_ready(self, migration: str) -> bool | None:
        """Tell whether sessions are what they must be, the schema fits a release, and we have its privileges.

        ``migration`` is the newest one of the release.
        None if it did not answer. A connection that was cut while it idled says nothing of the database: another one
        is asked.
        """
        for _ in range(2):
            try:
                with self.autocommit() as connection:
                    self.require_fit(connection)
                    self.revision = self.require_schema(connection, migration)
                    require_privileges(connection, self.schema.privileges)
            except (DBAPIError, UnsuitableDatabase) as error:
                if not (isinstance(error, DBAPIError) and error.connection_invalidated):
                    self._note(error)
                    return False if tells_of_unfitness(error) else None
            except (exc.TimeoutError, TurnOver):
                return None
            else:
                self._noted = ""
                return True
        return None

    def revisions(self, connection: Connection) -> Sequence[str]:
        """Return which migrations the schema says it has, which is one if it is ours."""
        return connection.execute(text(f"SELECT version_num FROM {self.schema.revisions}")).scalars().all()

    def require_schema(self, connection: Connection, migration: str) -> str:
        """Return the revision of a schema that fits a release, of which ``migration`` is the newest one.

        Raises UnsuitableDatabase if it is older, or has lost what the release uses.
        """
        revision = require_revision(self.revisions(connection), migration)
        require_fitting_server(revision, self.least_server(connection), migration)
        return revision

    def least_server(self, connection: Connection) -> str:
        """Return the oldest release that may use the schema, by its newest migration."""
        return str(connection.execute(text(f"SELECT max(least_server) FROM {self.schema.compatibility}")).scalar_one())

    def require_fit(self, connection: Connection) -> None:
        """Verify that a session that was lent is still what it must be. Raises UnsuitableDatabase."""
        if unmet := SessionState(*connection.exec_driver_sql(FOUND).one()).unmet(self._rules):
            raise not_kept(unmet)

    def _note(self, error: Exception) -> None:
        """Log what makes the database unfit, once."""
        unfit = getattr(error, "orig", None) or error
        # What may mend itself is told by whoever starts a server, until it was mended once.
        is_lasting = isinstance(unfit, UnsuitableDatabase) and unfit.is_lasting
        is_news = tells_of_unfitness(error) and (is_lasting or self.revision)
        line = str(unfit).strip().partition("\n")[0]
        if is_news and self._noted != line:
            self._noted = line
            log.warning("the database cannot be used: %s", self._noted)

    @property
    def connections_in_use(self) -> int:
        """How many connections are lent."""
        return self._checked_out - len(self._spares)

    @property
    def _checked_out(self) -> int:
        pool = self._engine.pool
        return pool.checkedout() if isinstance(pool, QueuePool) else 0

    @property
    def connections_open(self) -> int:
        """How many connections there are, lent or not."""
        pool = self._engine.pool
        return pool.checkedout() + pool.checkedin() if isinstance(pool, QueuePool) else 0

    def forget_connections(self) -> None:
        """Let go of every connection that is not lent, of the other pools too: most likely all are lost if one is."""
        for relative in self._relatives:
            relative._spares.let_go()  # noqa: SLF001 - of the same class.
            relative._engine.dispose()  # noqa: SLF001

    def close(self) -> None:
        """Close every connection that is not lent, and cut short what the others are used for."""
        self._turns.close()
        self._spares.close()
        self._engine.dispose()

    def _connect(self) -> Session:
        """Open a connection for the pool, and make it what it must be.

        Raises TurnOver, and does neither, in a turn that is over.
        """
        require_time()
        session = Session.connect(
            self._hosts.conninfo, autocommit=True, prepare_threshold=self._settings.prepare_threshold
        )
        try:
            self._hosts.note(session)
            with self._turns.watched(session, Turn(CONNECT_TIMEOUT_SECONDS)):
                make_fit(session, self._rules, self.log_in)
                if self._settings.keeps_memory:
                    session.execute(KEEP_MEMORY, prepare=False)
        except BaseException:
            session.close()
            raise
        session.autocommit = False
        return session

    @contextmanager
    def logged_in(self) -> Iterator["psycopg.Connection[Any]"]:
        """Open a connection that is nothing but logged in, in autocommit, for the length of the block.

        Raises psycopg.Error, and TurnOver if the calling thread's turn is over.
        """
        with closing(self.log_in()) as connection, self._turns.watched(connection):
            yield connection

    def watched(self, connection: "psycopg.Connection[Any]", turn: Turn | None = None) -> AbstractContextManager[None]:
        """Have what is done on a connection of ``log_in`` until the block ends end in time: by ``turn``, if given.

        Raises TurnOver if the turn, or else the calling thread's, is over.
        """
        return self._turns.watched(connection, turn)

    def log_in(self) -> "psycopg.Connection[Any]":
        """Open a connection of the caller's own that is nothing but logged in, in autocommit. Raises psycopg.Error."""
        connection = psycopg.connect(self._hosts.conninfo, autocommit=True, prepare_threshold=None)
        self._hosts.note(connection)
        return connection


def _session(connection: Connection) -> Session:
    driver = connection.connection.driver_connection
    if not isinstance(driver, Session):
        raise psycopg.OperationalError
    return driver


def _begin(connection: Connection) -> None:
    session = _session(connection)
    if session.beginning and not session.autocommit:
        connection.exec_driver_sql(session.beginning)


def _make_engine(settings: DatabaseSettings, connect: Callable[[], Session]) -> Engine:
    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        pool_size=settings.pool_size,
        max_overflow=0,
        # The one used last is lent first: statements are prepared on few connections, and the others stay idle.
        pool_use_lifo=True,
        hide_parameters=True,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        execution_options=options_of(settings.layout),
    )
    event.listen(engine, "begin", _begin)
    return engine
