"""The faults that make alerts fire, one after the other, each with the alerts that it is for."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, Final, NamedTuple

import grpc
import psutil

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import webhook_service_pb2 as webhook
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from tests.support.postgres_faults import frozen
from tests.support.row_locks import WALLET, held
from tests.support.tokens import bearer
from tests.telemetry.troubled_service import LISTENING, SPENDER, TroubledService, reserve

CALLS_AT_ONCE: Final = 250
"""Of one connection, which may have 256."""

CONNECTIONS: Final = 12

Wait = Callable[[], bool]
"""Waits a little, and tells whether all alerts of the fault have fired, or it is of no use to wait any more."""


class Fault(NamedTuple):
    """What is done, the alerts that it is for, and how it is done until ``wait`` tells that it is enough.

    After so many ``seconds`` it is.
    """

    what: str
    alerts: tuple[str, ...]
    strike: Callable[[TroubledService, Wait], None]
    seconds: float = 45.0


def _await(_: TroubledService, wait: Wait) -> None:
    while not wait():
        pass


def _strangers(service: TroubledService, wait: Wait) -> None:
    def ask(call: Any, number: int) -> None:
        time.sleep(0.05)
        call("GetBalance", credit.GetBalanceRequest(account_id=f"a{number}"))

    with service.pushed(ask, token=""), service.pushed(ask, token=bearer("ann", ["USER"])):
        _await(service, wait)


def _stops_and_goes(process: psutil.Process, stopped_seconds: float, going_seconds: float, wait: Wait) -> None:
    try:
        while not wait():
            process.suspend()
            time.sleep(stopped_seconds)
            process.resume()
            time.sleep(going_seconds)
    finally:
        process.resume()


def _no_processor(service: TroubledService, wait: Wait) -> None:
    _stops_and_goes(psutil.Process(service.started.process.pid), 0.7, 0.1, wait)


@contextmanager
def _many_at_once(service: TroubledService, make: Callable[[int], tuple[str, Any]], seconds: float) -> Iterator[None]:
    """Have thousands of calls wait at once, each for so long at most."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with ExitStack() as stack:
        asked = []
        for connection in range(CONNECTIONS):
            channel = stack.enter_context(
                grpc.insecure_channel(service.main.settings["CREDITD_LISTEN"], options=options)
            )
            stub: Any = CreditServiceStub(channel)
            for number in range(CALLS_AT_ONCE):
                name, request = make(connection * CALLS_AT_ONCE + number)
                asked.append(
                    getattr(stub, name).future(request, metadata=(("authorization", SPENDER),), timeout=seconds)
                )
        yield
        for call in asked:
            call.cancel()


def _locked_rows(service: TroubledService, wait: Wait) -> None:
    while not wait():
        with (
            held(service.postgres.tcp_url, WALLET, "held"),
            _many_at_once(service, lambda _: ("Reserve", reserve("held")), 9),
        ):
            for _ in range(12):
                if wait():
                    break
                time.sleep(0.5)


def _slow_rows(service: TroubledService, wait: Wait) -> None:
    with service.pushed(lambda call, _: call("Reserve", reserve("held")), threads=16):
        while not wait():
            with held(service.postgres.tcp_url, WALLET, "held"):
                time.sleep(2)


def _slow_database(service: TroubledService, wait: Wait) -> None:
    with service.pushed(lambda call, number: call("Reserve", reserve(f"a{number}"))):
        while not wait():
            with frozen(service.postgres):
                time.sleep(1.5)
            time.sleep(0.1)


def _frozen_database(service: TroubledService, wait: Wait) -> None:
    def ask(number: int) -> tuple[str, Any]:
        if number % 6 == 0:
            return "ListTransactions", credit.ListTransactionsRequest(account_id=f"a{number % 60}")
        return "Reserve", reserve(f"a{number}")

    while not wait():
        with frozen(service.postgres), _many_at_once(service, ask, 8):
            for _ in range(16):
                if wait():
                    break


def _forged_webhooks(service: TroubledService, wait: Wait) -> None:
    metadata = (("authorization", bearer("webhooks", ["SERVICE"], "payments.ingest")),)
    request = webhook.IngestWebhookRequest(
        provider=PaymentProvider.PAYMENT_PROVIDER_STRIPE,
        body=b"{}",
        headers=[webhook.WebhookHeader(name="stripe-signature", value=f"t={int(time.time())},v1=00")],
        remote_address="192.0.2.1",
    )
    with grpc.insecure_channel(service.main.settings["CREDITD_LISTEN"]) as channel:
        stub: Any = WebhookServiceStub(channel)
        while not wait():
            for _ in range(5):
                with suppress(grpc.RpcError):
                    stub.IngestWebhook(request, metadata=metadata, timeout=5)


def _overdue_holds(service: TroubledService, wait: Wait) -> None:
    with grpc.insecure_channel(service.main.settings["CREDITD_LISTEN"]) as channel:
        stub: Any = CreditServiceStub(channel)
        stub.Reserve(reserve("held", 1), metadata=(("authorization", SPENDER),), timeout=30)
    with held(service.postgres.tcp_url, WALLET, "held"):
        _await(service, wait)


def _locked_usage(service: TroubledService, wait: Wait) -> None:
    with (
        held(service.postgres.tcp_url, "LOCK TABLE usage_positions IN ACCESS EXCLUSIVE MODE"),
        service.pushed(lambda call, number: call("Reserve", reserve(f"a{number}")), threads=2),
    ):
        _await(service, wait)


def _few_files(service: TroubledService, wait: Wait) -> None:
    process = psutil.Process(service.started.process.pid)
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (process.num_fds() + 10, hard))
    try:
        _await(service, wait)
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (soft, hard))


def _killed_again_and_again(service: TroubledService, wait: Wait) -> None:
    service.started.process.kill()
    service.started.process.wait()
    while not wait():
        with service.main.started("serve") as again:
            again.says(LISTENING)
            for _ in range(3):
                wait()


def _all_killed(service: TroubledService, wait: Wait) -> None:
    for creditd in service.started, *service.others:
        creditd.process.kill()
        creditd.process.wait()
    _await(service, wait)


FAULTS: Final = (
    Fault(
        "a server whose database is nowhere, whose certificates end, and whose backups are old",
        (
            *("CreditdNotServing", "CreditdBackupOld", "CreditdCertificateEnds"),
            "CreditdCertificateEnded",
        ),
        _await,
    ),
    Fault(
        "the owner's login, an empty folder of backups, nobody at the addresses of Redis and of an issuer's keys",
        (
            *("CreditdLoginPowerful", "CreditdBackupMissing", "CreditdDrillOld", "CreditdIssuerKeysOld"),
            "CreditdRateLimitsApart",
        ),
        _await,
    ),
    Fault(
        "a server of another version, whose clock is ten minutes ahead, and whose backups reach no database",
        ("CreditdClockOff", "CreditdVersionsMixed", "CreditdBackupFails"),
        _await,
    ),
    Fault(
        "callers without a token, and one far above its limit", ("CreditdStrangers", "CreditdRateLimited"), _strangers
    ),
    Fault("webhooks with a forged signature", ("CreditdWebhooksRejected",), _forged_webhooks),
    Fault("a balance that a person keeps locked", ("CreditdRowsHeld",), _locked_rows),
    Fault("a balance that is locked for two seconds, again and again", ("CreditdSlow",), _slow_rows),
    Fault("an expired hold on a balance that is locked", ("CreditdSweepLags",), _overdue_holds),
    Fault("the rollup's table, locked", ("CreditdRollupLags",), _locked_usage),
    Fault("few open files allowed", ("CreditdOpenFilesFull",), _few_files),
    Fault("no processor for most of the time", ("CreditdEventLoopLags", "CreditdThreadsLag"), _no_processor),
    Fault("PostgreSQL stopped for most of the time", ("CreditdSavesSlow",), _slow_database),
    Fault(
        "PostgreSQL frozen under load",
        (
            *("CreditdQueueFills", "CreditdOverloaded", "CreditdBulkheadFull"),
            *("CreditdBudgetBurnsFast", "CreditdBudgetBurnsSlowly", "CreditdAccessOld"),
            "CreditdBackgroundFails",
        ),
        _frozen_database,
    ),
    Fault(
        "a server that is killed again and again", ("CreditdDown", "CreditdRestarts"), _killed_again_and_again, 150.0
    ),
    Fault("all servers killed", ("CreditdGone",), _all_killed),
)

NOT_FIRED: Final = {
    "CreditdClockJumped": "no clock of a database can be set here; tests/clocks/test_jumps.py moves one in the process",
    "CreditdConflicts": "two servers share an account after their first conflict: the rate stays low on purpose",
    "CreditdDeadlinesPass": "its callers were counted as CANCELLED, which the rule counts by now; not tried since",
    "CreditdDefect": "did not fire with a column renamed by hand, and Reserves on it; why is not known yet",
    "CreditdDeliveriesFail": "needs an endpoint whose receiver refuses; tests/service/deliveries has the count",
    "CreditdDeliveriesLag": "as above",
    "CreditdEventsLag": "needs events to wait; the gauge is held by its tests",
    "CreditdExecutorAway": "needs runs whose executor is away; tests/executors has the breaker's metric",
    "CreditdRunsWait": "needs runs that no server takes; tests/service/workflows has the gauge's query",
    "CreditdFlagsOpen": "needs a broken velocity rule; the gauge is held by its tests",
    "CreditdInboxLags": "needs a payment that waits; the gauge is held by its tests",
    "CreditdPaymentsParked": "as above",
    "CreditdPoolFull": "each kind of waiting has its own connections, so that all are in use by a coincidence alone",
    "CreditdSweepFails": "did not fire with PostgreSQL frozen: a round that waits fails too seldom for 10 s",
    "CreditdWebhooksLost": "needs a provider with payments of which it does not tell",
}
"""Alerts that this battery makes not fire, each with the reason; promtool shows them on series."""
