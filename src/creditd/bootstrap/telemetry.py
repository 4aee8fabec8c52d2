"""The telemetry of a process."""

from functools import partial

from prometheus_client import Gauge

from creditd.bootstrap.core import Core
from creditd.bootstrap.service import SERVICES, tls_of
from creditd.certificates import DAY_SECONDS, Renewals
from creditd.telemetry.bulkhead_metrics import BulkheadMetrics
from creditd.telemetry.calls import call_observers
from creditd.telemetry.ledger_metrics import ClockState, LedgerGauges, LedgerMetrics
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import access_log
from creditd.telemetry.metrics import RpcMetrics, make_registry
from creditd.telemetry.metrics_server import MetricsServer, start_metrics_server
from creditd.telemetry.payment_metrics import PaymentMetrics
from creditd.telemetry.traces import configure_tracing


def _days_left(renewals: Renewals, place: int) -> float:
    return renewals.validities[place].seconds_left / DAY_SECONDS


class Telemetry:
    """The telemetry of a process: metrics on a port, an access log and, if configured, traces."""

    def __init__(self, core: Core, lines: LineWriter, *, worker_index: int = 0) -> None:
        """Serve metrics at the configured port plus ``worker_index``.

        Raises OSError if the port is taken, InvalidCertificate.
        """
        config = core.config
        methods = [f"/{s.full_name}/{m.name}" for s in SERVICES for m in s.methods]
        calls = RpcMetrics(methods)
        gauges = LedgerGauges(
            lambda: core.ledger.waiting,
            lambda: core.ledger.waiting_apart,
            lambda: core.database.connections_in_use + core.batches.connections_in_use,
            lambda: core.sweep.lag_seconds,
            lambda: ClockState(core.clock.offset_seconds, core.clock.doubts, core.clock.jumps),
        )
        lanes = core.ledger.statistics, core.ledger.side_statistics
        registry = make_registry(
            calls,
            LedgerMetrics(lanes, gauges),
            PaymentMetrics(core.payment_statistics),
            BulkheadMetrics(core.occupancies),
        )
        # Not a number until the database has been asked.
        Gauge(
            "creditd_database_login_powers",
            "Ways in which the login that serves could rewrite the ledger.",
            registry=registry,
        ).set_function(lambda: float("nan") if core.login is None else len(core.login.powers))
        self._transport = Gauge(
            "creditd_transport_info", "Which transport serves gRPC.", labelnames=("transport",), registry=registry
        )
        tls = tls_of(config)
        days_left = Gauge(
            "creditd_tls_days_left",
            "Days until a certificate, or the last of its authorities, expires; less than 0 once it has.",
            labelnames=("setting",),
            registry=registry,
        )
        if tls:
            renewals = tls.renewals(tells=False)
            for place, validity in enumerate(renewals.validities):
                days_left.labels(validity.setting).set_function(partial(_days_left, renewals, place))
        self._tracing = configure_tracing(config.otlp_endpoint)
        self.observers = call_observers(calls, access_log(lines), self._tracing)
        self._server: MetricsServer | None = None
        if config.metrics_listen:
            host, port = config.metrics_listen.rsplit(":", 1)
            self._server = start_metrics_server(host, int(port), registry, worker_index=worker_index)

    def note_transport(self, name: str) -> None:
        """Tell which transport serves."""
        self._transport.labels(name).set(1)

    def close(self) -> None:
        """Send what is left, and stop serving metrics."""
        self._tracing.close()
        if self._server:
            self._server.close()
