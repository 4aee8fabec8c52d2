"""The parts that do not know gRPC: storage, ledger, and the service on top."""

import logging
import time
from collections.abc import Callable
from math import nan

from creditd.config import Config
from creditd.config.executor_rules import executor_addresses
from creditd.config.rules import EACH_SPENDER
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND
from creditd.domain.limits import EACH, WHOLE, Limit
from creditd.domain.wallet import Rules
from creditd.ledger.account_lanes import AccountLanes
from creditd.ledger.account_writer import AccountWriter
from creditd.ledger.balances import BalanceReader
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.ledger.ledger import Ledger
from creditd.ledger.sweep import Sweep
from creditd.ledger.transaction import TransactionLedger
from creditd.ledger.writer import Writer
from creditd.server.audit_signature import read_audit_key
from creditd.storage.connections.presence import Presence
from creditd.storage.database import BATCH_CONNECTIONS, READING_CONNECTIONS, Database, DatabaseSettings
from creditd.storage.layout import Layout
from creditd.storage.migrations.powers import OPT_OUT, Login, login_of
from creditd.storage.schema import schema_head
from creditd.telemetry.statistics import (
    EventStatistics,
    ExecutorStatistics,
    LedgerStatistics,
    PaymentStatistics,
    RunStatistics,
)

log = logging.getLogger(__name__)


class Core:
    """The parts that do not know gRPC: storage, ledger, and the service on top."""

    def __init__(self, config: Config, clock: DatabaseClock | None = None, *, warns_of_powers: bool = True) -> None:
        """Wire it. Nothing is connected before it is used.

        ``warns_of_powers``: whether to log what the database's login could do to the ledger. Raises InvalidConninfo,
        InvalidAuditKey.
        """
        self.config = config
        self.login: Login | None = None
        self._warns_of_powers = warns_of_powers
        self.clock = clock or DatabaseClock()
        self.make_id = Ids(self.clock.now)
        self.database = Database(
            DatabaseSettings(
                config.database_url,
                config.database_role,
                config.database_pool_size - BATCH_CONNECTIONS,
                config.database_prepare_threshold or None,
                layout=Layout(config.database_layout),
            )
        )
        self._head = schema_head()
        self.presence = Presence(self.database, self._head)
        self.rules = rules_from(config)
        terms = Terms(self.rules, config.sign_up_credits, self.make_id)
        self.ledger: AccountLanes | Ledger
        sweeping: Writer
        if config.database_layout == Layout.PLAIN:
            self.batches = self.database.for_batches()
            self.ledger = Ledger(self.batches, terms, self.clock)
            sweeping = Writer(self.batches, terms, self.clock, LedgerStatistics(), is_apart=True)
        else:
            self.batches = self.database.for_batches(config.database_lanes + BATCH_CONNECTIONS - 1)
            self.ledger = AccountLanes(self.batches, terms, self.clock, config.database_lanes)
            sweeping = AccountWriter(self.batches, terms, self.clock, LedgerStatistics(), is_apart=True)
        self.transactions = TransactionLedger(self.database, terms, self.clock)
        self.reader = BalanceReader(self.database, self.clock, self.rules)
        self.sweep = Sweep(self.batches, sweeping, self.clock, config.sweep_interval_seconds)
        self.payment_statistics = PaymentStatistics()
        self.event_statistics = EventStatistics()
        self.executor_statistics = {name: ExecutorStatistics() for name in executor_addresses(config.executors)}
        self.run_statistics = RunStatistics()
        self.audit_key = read_audit_key(config.audit_key_file)
        # Not a number until there is a server that looks.
        self.access_age_seconds: Callable[[], float] = lambda: nan
        self.usage_lag_seconds: Callable[[], float] = lambda: nan

    def seconds(self) -> float:
        """Return the seconds since the Unix epoch, by the database's clock."""
        return self.clock.now() / SECOND

    def is_fit(self) -> bool | None:
        """Tell whether the database and its schema fit; None if it did not answer. Blocks.

        From then on migrations know that this server is live. What fits is read afterwards, so that none takes
        away in between what this release uses.
        """
        shown = self.presence.is_shown()
        return shown and self.database.is_ready(self._head)

    def may_serve_by_its_login(self) -> bool:
        """Check what the database's login could do to the ledger; return whether the settings let it serve. Blocks.

        The start judges the whole database; this is for one that was away then.
        """
        with self.database.transaction() as connection:
            login = login_of(connection)
        is_news, self.login = login != self.login, login
        is_refused = bool(login.powers) and self.config.require_least_privilege
        if is_refused and is_news:
            log.warning("the database cannot be used: %s, %s", login, OPT_OUT)
        elif login.powers and is_news and self._warns_of_powers:
            log.warning("the database is served with more power than needed: %s", login)
        return not is_refused

    def connect_ahead(self) -> None:
        """Open the connections of the ledger's own threads, so that none connects while callers wait. Blocks."""
        self.batches.connect_ahead(BATCH_CONNECTIONS + self.config.database_lanes)
        self.database.connect_ahead(READING_CONNECTIONS)

    def finish(self, seconds: float) -> None:
        """Accept no more work, and finish what waits within ``seconds``. Blocks."""
        end = time.monotonic() + seconds
        # Told first and awaited last: what it has begun it finishes meanwhile.
        self.sweep.close(0.0)
        for part in (self.ledger, self.reader, self.sweep):
            part.close(max(0.0, end - time.monotonic()))

    def close(self) -> None:
        """Close the database's connections, and drop what still waits for them. Blocks."""
        self.finish(0.0)
        self.presence.close()
        self.batches.close()
        self.database.close()


def rules_from(config: Config) -> Rules:
    """Return the settings that decisions depend on."""
    return Rules(
        tuple(Source[name.upper()] for name in config.spend_order),
        config.reservation_ttl_seconds * SECOND,
        config.reservation_max_ttl_seconds * SECOND,
        config.refund_grace_seconds * SECOND,
        limits_from(config),
    )


def limits_from(config: Config) -> tuple[Limit, ...]:
    """Return the limits of accounts that have none of their own, by credit type, then by whom they bind."""
    settings = (config.least_per_movement, config.most_per_movement, config.most_per_hour, config.most_per_day)
    return tuple(
        Limit(
            name.removesuffix(EACH_SPENDER),
            EACH if name.endswith(EACH_SPENDER) else WHOLE,
            *[amounts.get(name) for amounts in settings],
        )
        for name in sorted(set().union(*settings))
    )
