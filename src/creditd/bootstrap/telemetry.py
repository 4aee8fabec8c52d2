"""The telemetry of a process."""

from collections.abc import Mapping
from functools import partial
from math import nan
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from creditd.addresses import Listener, require_encrypted
from creditd.bootstrap.core import Core
from creditd.bootstrap.cores import Cores
from creditd.bootstrap.encryption import ShownCertificates, metrics_context
from creditd.bootstrap.service import Service
from creditd.certificates import DAY_SECONDS
from creditd.config import Config
from creditd.telemetry.backup_metrics import BackupMetrics
from creditd.telemetry.bulkhead_metrics import BulkheadMetrics
from creditd.telemetry.calls import call_observers
from creditd.telemetry.event_metrics import EventMetrics
from creditd.telemetry.executor_metrics import ExecutorMetrics
from creditd.telemetry.health_metrics import HealthMetrics
from creditd.telemetry.issuer_metrics import IssuerMetrics
from creditd.telemetry.lags import Lag, LagMetrics, LoopProbe, ThreadProbe
from creditd.telemetry.ledger_metrics import ClockState, LedgerGauges, LedgerMetrics
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import access_log
from creditd.telemetry.metrics import RpcMetrics, make_registry
from creditd.telemetry.metrics_server import Document, MetricsServer, start_metrics_server
from creditd.telemetry.payment_metrics import PaymentMetrics
from creditd.telemetry.rate_limit_metrics import RateLimitMetrics
from creditd.telemetry.run_metrics import RunMetrics
from creditd.telemetry.statistics import BackupStatistics
from creditd.telemetry.traces import configure_tracing

JWKS_PATH: Final = "/.well-known/jwks.json"
"""Where libraries look for an issuer's keys."""


class Telemetry:
    """The telemetry of a process: metrics on a port, an access log and, if configured, traces."""

    def __init__(
        self,
        cores: Cores,
        service: Service,
        lines: LineWriter,
        *,
        worker_index: int = 0,
        backups: BackupStatistics | None = None,
    ) -> None:
        """Serve metrics at the configured port plus ``worker_index``, and identity's public keys beside them.

        Made and closed on the event loop that serves, whose lag is one of them.

        Those of ``backups`` are among them, if this process looks after them.

        Raises OSError if the port is taken, InvalidCertificate, PlaintextExposed, NoOpenTelemetry.
        """
        config = cores.config
        calls = RpcMetrics(service.methods)
        loop_lag, thread_lag = Lag(), Lag()
        registry = make_registry(
            calls,
            BulkheadMetrics(service.occupancies),
            IssuerMetrics(service.issuers.statistics),
            RateLimitMetrics(service.exchange_statistics),
            HealthMetrics(service.serving),
            LagMetrics(loop_lag, thread_lag),
        )
        if backups:
            registry.register(BackupMetrics(backups))
        if cores.credit:
            _add_credit(registry, cores.credit)
        _add_certificates(registry, config)
        self._transport = Gauge(
            "creditd_transport_info", "Which transport serves gRPC.", labelnames=("transport",), registry=registry
        )
        documents = {JWKS_PATH: cores.identity.key_ring.jwks} if cores.identity else {}
        self._tracing = configure_tracing(config.otlp_endpoint)
        self.observers = call_observers(calls, access_log(lines), self._tracing)
        self._server = _metrics_served(config, registry, worker_index, documents)
        self._probes = LoopProbe(loop_lag), ThreadProbe(thread_lag)

    def note_transport(self, name: str) -> None:
        """Tell which transport serves."""
        self._transport.labels(name).set(1)

    def close(self) -> None:
        """Send what is left, and stop serving metrics."""
        for probe in self._probes:
            probe.close()
        self._tracing.close()
        if self._server:
            self._server.close()


def _add_credit(registry: CollectorRegistry, core: Core) -> None:
    """Add what the ledger and payments count."""
    gauges = LedgerGauges(
        lambda: core.ledger.waiting,
        lambda: core.ledger.waiting_apart,
        lambda: core.database.connections_in_use + core.batches.connections_in_use,
        lambda: core.config.database_pool_size,
        lambda: core.sweep.lag_seconds,
        lambda: core.sweep.failures.counts,
        lambda: ClockState(core.clock.offset_seconds, core.clock.doubts, core.clock.jumps),
    )
    registry.register(LedgerMetrics(core.ledger.counted, gauges))
    registry.register(PaymentMetrics(core.payment_statistics))
    registry.register(EventMetrics(core.event_statistics))
    registry.register(ExecutorMetrics(core.executor_statistics))
    registry.register(RunMetrics(core.run_statistics))
    # Not a number until the database has been asked.
    Gauge(
        "creditd_database_login_powers",
        "Ways in which the login that serves could rewrite the ledger.",
        registry=registry,
    ).set_function(lambda: nan if core.login is None else len(core.login.powers))
    Gauge(
        "creditd_access_age_seconds",
        "How old the last look at stored roles and service accounts is.",
        registry=registry,
    ).set_function(lambda: core.access_age_seconds())  # noqa: PLW0108 - it is set later.
    Gauge(
        "creditd_usage_rollup_lag_seconds",
        "How long ago all that was committed had been added up for usage; not a number until that is known.",
        registry=registry,
    ).set_function(lambda: core.usage_lag_seconds())  # noqa: PLW0108 - it is set later.


def _add_certificates(registry: CollectorRegistry, config: Config) -> None:
    """Add until when the certificates can be used that are shown."""
    days_left = Gauge(
        "creditd_tls_days_left",
        "Days until a certificate, or the last of its authorities, expires; less than 0 once it has.",
        labelnames=("setting",),
        registry=registry,
    )
    shown = ShownCertificates(config)
    for place, validity in enumerate(shown.validities):
        days_left.labels(validity.setting).set_function(partial(_days_left, shown, place))


def _days_left(shown: ShownCertificates, place: int) -> float:
    return shown.validities[place].seconds_left / DAY_SECONDS


def _metrics_served(
    config: Config, registry: CollectorRegistry, worker_index: int, documents: Mapping[str, Document]
) -> MetricsServer | None:
    """Serve a worker's metrics where they are to be served. Raises OSError, InvalidCertificate, PlaintextExposed."""
    if not config.metrics_listen:
        return None
    context = metrics_context(config)
    require_encrypted(
        Listener.METRICS,
        config.metrics_listen,
        has_tls=context is not None,
        plaintext_listeners=config.plaintext_listeners,
    )
    host, port = config.metrics_listen.rsplit(":", 1)
    return start_metrics_server(
        host,
        int(port),
        registry,
        worker_index=worker_index,
        token=config.metrics_token,
        context=context,
        documents=documents,
    )
