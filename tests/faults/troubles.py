"""What can go on beside a neighbour. Each trouble is prepared, then goes on for a while and shows that it did."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc
import psycopg

from credit.v1 import account_pb2, entry_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.webhook_service_pb2 import IngestWebhookRequest
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from creditd.domain.instant import SECOND, Instant
from creditd.domain.resource_names import account_name
from creditd.ledger.ids import uuid7
from creditd.service.payments.hints import MAX_KEPT
from creditd.storage.database import Database
from tests.faults.arena import ADAPTER, STAFF, Arena
from tests.faults.client import SPENDER, open_channel
from tests.faults.mix import HOT
from tests.faults.operations import CREDIT_TYPE
from tests.faults.probe import signed
from tests.faults.processes import ServerProcess
from tests.support.large_wallets import write_history, write_holds_ending
from tests.support.patience import eventually
from tests.support.signed_webhooks import new_id, stripe_payment

LONG_SECONDS = 6.0
"""How long a trouble goes on: far longer than anything may take that is done to get past it."""

CALLERS = 8
STOPS = 300
IMPATIENT_SECONDS = 1.0

GRANTS, HOLDS = 4_700, 3_000
ENDS_AFTER_SECONDS = 20.0
"""The wallet is written and the neighbour started by then, on a busy machine too."""
WRITTEN_SECONDS = 60.0
HISTORY = 100_000
HISTORIAN = "historian"
FOREIGN_EVENTS = 1_500
FORGED_HINTS = 3_000
IDLE_ACCOUNTS = 20_000

_LOCK_WALLET = "SELECT 1 FROM wallets WHERE account_id = 'locked-wallet' FOR UPDATE"
_LOCK_ACCOUNT = "SELECT 1 FROM accounts WHERE account_id = 'locked-account' FOR UPDATE"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
_TRY_LOCK = "SELECT 1 FROM wallets WHERE account_id = 'hot' FOR UPDATE NOWAIT"
_ENDED = "SELECT count(*) FROM reservations WHERE account_id = 'crowd' AND state = 4"
_FOREIGN = "SELECT count(*) FROM payment_events WHERE event_type = 'payment_intent.succeeded'"
_ACCOUNTS = """
INSERT INTO accounts (account_id, version, status, unlimited, create_time, update_time)
SELECT 'idle-' || n, 1, 1, false, now(), now() FROM generate_series(1, %s) AS n
"""


@dataclass(frozen=True)
class Place:
    """Two servers on one database: the neighbour calls the first."""

    arena: Arena
    database: Database
    webhook_secret: bytes

    @property
    def address(self) -> str:
        """Where the server is that the neighbour calls."""
        return self.arena.servers[0].address

    def looking(self) -> "psycopg.Connection[Any]":
        """Connect to the database as its administrator."""
        return psycopg.connect(self.arena.database_url, autocommit=True)


Run = Callable[[], str]
"""Lets a trouble go on, and returns what shows that it did."""

Trouble = Callable[[Place], Run]
"""Prepares a trouble."""


class Callers:
    """Callers that call again and again; how each call ended is counted by code."""

    def __init__(self, *calls: Callable[[], object], pause_seconds: float = 0.0) -> None:
        """Prepare a caller for each of ``calls``."""
        self.ended: Counter[str] = Counter()
        self._calls = calls
        self._pause_seconds = pause_seconds
        self._stopping = threading.Event()

    @contextmanager
    def at_it(self) -> Iterator[None]:
        """Have them call until the block ends, and their last calls too."""
        threads = [threading.Thread(target=self._go_on, args=(call,)) for call in self._calls]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join()

    def _go_on(self, call: Callable[[], object]) -> None:
        while not self._stopping.wait(self._pause_seconds):
            try:
                call()
            except grpc.RpcError as error:
                self.ended[error.code().name] += 1
            else:
                self.ended["OK"] += 1


def reserving(channel: grpc.Channel, account_id: str, timeout_seconds: float) -> Callable[[], object]:
    """Return the call that holds a credit of an account."""
    stub = CreditServiceStub(channel)

    def call() -> object:
        request = credit.ReserveRequest(account_id=account_id, credit_type=CREDIT_TYPE, amount=1, request_id=uuid7())
        return stub.Reserve(request, metadata=SPENDER, timeout=timeout_seconds)

    return call


def locked_rows(place: Place) -> Run:
    """A stranger locks the row of a wallet and that of an account, and callers keep coming for both."""
    channel = open_channel(place.address)
    for account_id in ("locked-wallet", "locked-account"):
        reserving(channel, account_id, LONG_SECONDS)()
    staff = AdminServiceStub(channel)

    def change() -> object:
        request = admin.SetAccountStatusRequest(
            name=account_name("locked-account"),
            status=account_pb2.ACCOUNT_STATUS_ACTIVE,
            reason="battery",
            request_id=uuid7(),
        )
        return staff.SetAccountStatus(request, metadata=STAFF, timeout=IMPATIENT_SECONDS)

    def run() -> str:
        callers = Callers(
            *[reserving(channel, "locked-wallet", IMPATIENT_SECONDS)] * (CALLERS - 2),
            *[change] * 2,
            pause_seconds=0.02,
        )
        waited = 0
        with place.looking() as looking:
            with place.looking() as stranger, stranger.transaction():
                stranger.execute(_LOCK_WALLET)
                stranger.execute(_LOCK_ACCOUNT)
                with callers.at_it():
                    end = time.monotonic() + LONG_SECONDS
                    while time.monotonic() < end:
                        waited += looking.execute(_WAITING).fetchone() != (0,)
                        time.sleep(0.01)
                assert callers.ended["OK"] == 0
            assert waited > 0
        eventually(lambda: _succeeds(reserving(channel, "locked-wallet", IMPATIENT_SECONDS)))
        eventually(lambda: _succeeds(change))
        channel.close()
        return f"locked for {LONG_SECONDS:.0f} s, seen waited for {waited} times, calls ended {dict(callers.ended)}"

    return run


def _succeeds(call: Callable[[], object]) -> bool:
    with suppress(grpc.RpcError):
        call()
        return True
    return False


def stopped_peer(place: Place) -> Run:
    """A peer is stopped within a transaction on an account that both servers write to."""
    channels = [open_channel(server.address) for server in place.arena.servers]
    peer = place.arena.servers[1]

    def run() -> str:
        calls = [reserving(channel, HOT, IMPATIENT_SECONDS) for channel in channels for _ in range(CALLERS)]
        callers = Callers(*calls)
        with callers.at_it(), place.looking() as looking:
            stops = _stop_in_transaction(peer, looking)
            before = callers.ended["OK"]
            time.sleep(LONG_SECONDS)
            went_on = callers.ended["OK"] - before
            peer.resume()
        for channel in channels:
            channel.close()
        return f"stopped at try {stops}, {went_on} calls on the same account went on, {dict(callers.ended)}"

    return run


def _stop_in_transaction(peer: ServerProcess, looking: "psycopg.Connection[Any]") -> int:
    for stop in range(1, STOPS + 1):
        peer.pause()
        if all(_is_locked(looking) for _ in range(20)):
            return stop
        peer.resume()
        time.sleep(0.01)
    raise AssertionError("the peer was never within a transaction")


def _is_locked(looking: "psycopg.Connection[Any]") -> bool:
    """Tell whether the hot wallet is locked. The server that goes on locks it, too, but not each time one looks."""
    time.sleep(0.01)
    try:
        looking.execute(_TRY_LOCK)
    except psycopg.errors.LockNotAvailable:
        return True
    return False


def holds_ending_at_once(place: Place) -> Run:
    """Thousands of holds on thousands of grants end at one instant."""
    now = _now()
    end = Instant(now + int(ENDS_AFTER_SECONDS * SECOND))
    write_holds_ending(place.database, "crowd", GRANTS, HOLDS, now, end)

    def run() -> str:
        with open_channel(place.address) as channel, place.looking() as looking:
            assert _ended(looking) == 0
            callers = Callers(reserving(channel, "crowd", IMPATIENT_SECONDS), pause_seconds=0.1)
            with callers.at_it(), _alone(place):
                eventually(lambda: _ended(looking) > 0, 2 * ENDS_AFTER_SECONDS)
                began = time.monotonic()
                eventually(lambda: _ended(looking) == HOLDS, WRITTEN_SECONDS)
        seconds = time.monotonic() - began
        return f"{HOLDS} holds written down in {seconds:.1f} s, calls on the wallet ended {dict(callers.ended)}"

    return run


@contextmanager
def _alone(place: Place) -> Iterator[None]:
    """Leave all that is due to the server that the neighbour calls, until the block ends."""
    peer = place.arena.servers[1]
    peer.pause()
    try:
        yield
    finally:
        peer.resume()


def _ended(looking: "psycopg.Connection[tuple[int]]") -> int:
    row = looking.execute(_ENDED).fetchone()
    assert row is not None
    return row[0]


def abandoned_verifications(place: Place) -> Run:
    """Four at a time verify a large ledger, and give up after a second."""
    with place.looking() as looking:
        assert looking.execute("SELECT count(*) >= %s FROM entries", [HISTORY]).fetchone() == (True,)

    def run() -> str:
        with open_channel(place.address) as channel:

            def verify() -> object:
                request = admin.VerifyLedgerRequest()
                return list(AdminServiceStub(channel).VerifyLedger(request, metadata=STAFF, timeout=IMPATIENT_SECONDS))

            callers = Callers(*[verify] * 4)
            with callers.at_it():
                time.sleep(LONG_SECONDS)
        assert callers.ended["DEADLINE_EXCEEDED"] >= 4
        return f"verifications ended {dict(callers.ended)}"

    return run


def foreign_payments(place: Place) -> Run:
    """The same account at the provider sells another product, and all of its payments are told to us as well."""
    events = [
        {"id": new_id("evt"), "object": "event", "type": "payment_intent.succeeded"} | {"data": {"object": one}}
        for one in (stripe_payment() for _ in range(FOREIGN_EVENTS))
    ]

    def run() -> str:
        with open_channel(place.address) as channel, ThreadPoolExecutor(CALLERS) as threads:
            stub = WebhookServiceStub(channel)

            def tell(event: dict[str, Any]) -> None:
                request = signed(event, place.webhook_secret)
                while not _succeeds(lambda: stub.IngestWebhook(request, metadata=ADAPTER, timeout=10)):
                    time.sleep(0.05)

            began = time.monotonic()
            list(threads.map(tell, events))
            told_seconds = time.monotonic() - began
        time.sleep(max(0.0, LONG_SECONDS - told_seconds))
        with place.looking() as looking:
            assert looking.execute(_FOREIGN).fetchone() == (FOREIGN_EVENTS,)
        return f"{FOREIGN_EVENTS} foreign payments told in {told_seconds:.1f} s"

    return run


def forged_hints(place: Place) -> Run:
    """Strangers with many addresses make up hints of a provider that signs none, and that is away."""
    requests = [_forged_hint(number) for number in range(FORGED_HINTS)]

    def run() -> str:
        with open_channel(place.address) as channel, ThreadPoolExecutor(CALLERS) as threads:
            stub = WebhookServiceStub(channel)
            told = list(threads.map(lambda one: _succeeds(lambda: stub.IngestWebhook(one, metadata=ADAPTER)), requests))
        with place.looking() as looking:
            assert looking.execute("SELECT count(*) FROM payment_events WHERE provider = 2").fetchone() == (0,)
            (kept,) = looking.execute("SELECT count(*) FROM payment_hints").fetchone() or (None,)
        assert kept is not None
        # Two threads store webhooks, and each may have counted before the other one added.
        assert kept <= MAX_KEPT + 1
        return f"{FORGED_HINTS} forged hints, {sum(told)} taken, {kept} kept"

    return run


def _forged_hint(number: int) -> IngestWebhookRequest:
    data = {"object": "charge", "id": f"chrg_test_{number}x"}
    event = {"object": "event", "id": f"evnt_test_{number}x", "livemode": False, "key": "charge.complete", "data": data}
    return IngestWebhookRequest(
        provider=PaymentProvider.PAYMENT_PROVIDER_OMISE,
        body=json.dumps(event).encode(),
        remote_address=f"198.51.{number // 250}.{number % 250}",
    )


def slow_queries(place: Place) -> Run:
    """Staff look for what is rare in a long history, count it, and read all of it."""
    with place.looking() as looking:
        looking.execute(_ACCOUNTS, [IDLE_ACCOUNTS])

    def run() -> str:
        with open_channel(place.address) as channel:
            callers = Callers(*_staff_calls(channel))
            with callers.at_it():
                time.sleep(LONG_SECONDS)
        assert callers.ended["OK"] > 0
        return f"queries ended {dict(callers.ended)}"

    return run


def _staff_calls(channel: grpc.Channel) -> list[Callable[[], object]]:
    options: Any = {"metadata": STAFF, "timeout": 10}
    staff, reader = AdminServiceStub(channel), CreditServiceStub(channel)

    def transactions(**fields: Any) -> Callable[[], object]:
        request = credit.ListTransactionsRequest(account_id=HISTORIAN, page_size=100, **fields)
        return lambda: reader.ListTransactions(request, **options)

    def export() -> None:
        token = ""
        for _ in range(20):
            request = credit.ListTransactionsRequest(account_id=HISTORIAN, page_size=100, page_token=token)
            token = reader.ListTransactions(request, **options).next_page_token

    suspended = admin.ListAccountsRequest(status=account_pb2.ACCOUNT_STATUS_SUSPENDED, page_size=100)
    events = payment_admin.ListPaymentEventsRequest(page_size=100)
    return [
        transactions(kinds=[entry_pb2.ENTRY_KIND_CLAWBACK]),
        transactions(kinds=[entry_pb2.ENTRY_KIND_DEDUCT], include_total_size=True),
        transactions(kinds=[entry_pb2.ENTRY_KIND_EXPIRE], include_total_size=True),
        lambda: staff.ListAccounts(suspended, **options),
        lambda: staff.ListAccounts(admin.ListAccountsRequest(page_size=100), **options),
        lambda: PaymentAdminServiceStub(channel).ListPaymentEvents(events, **options),
        export,
    ]


def write_the_history(database: Database) -> None:
    """Write the long history that is verified and searched."""
    write_history(database, HISTORIAN, HISTORY, _now())


def _now() -> Instant:
    return Instant(time.time_ns() // 1_000)


TROUBLES: dict[str, Trouble] = {
    "rows locked by a stranger": locked_rows,
    "a peer stopped in a transaction": stopped_peer,
    "3,000 holds end on 4,700 grants": holds_ending_at_once,
    "verifications whose callers are gone": abandoned_verifications,
    "1,500 payments of another product": foreign_payments,
    "3,000 forged hints": forged_hints,
    "slow queries of staff": slow_queries,
}
