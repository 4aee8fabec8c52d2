"""A neighbour: calls a server at a steady, modest rate and notes how long each answer took.

It runs as a process of its own (`python -m tests.faults.probe`), so that no load in the test's process delays it. Each
call's time counts from when it was due, not from when it was made: a stall shows in all the calls that it held up.
"""

import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from itertools import count
from typing import Any

from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import webhook_service_pb2 as webhook_pb
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from creditd.ledger.ids import uuid7
from tests.faults.client import open_channel
from tests.faults.operations import CREDIT_TYPE

INTERVAL_SECONDS = 0.05
"""Between two calls of a kind: far below what a server can take, and often enough to fall into every stall."""

INTERVAL_ANEW_SECONDS = 0.2
"""Between two calls of a kind that makes a connection for each."""

ACCOUNTS = 20
TIMEOUT_SECONDS = 10.0
PATIENT = 128
"""HTTP requests and new connections that may be waited for at once."""

READY, GO, STOP = "ready", "go", "stop"


Call = Callable[[int], Any]
"""Makes the call of a number, and returns its future."""


class Calls:
    """The calls of a neighbour, one of each kind, with nothing to do with anybody else's accounts."""

    def __init__(
        self, address: str, metadata: list[tuple[str, str]], webhook_secret: str, adapter: str = "", metrics: str = ""
    ) -> None:
        """Make them at a server; at its webhook adapter and its metrics as well, if their addresses are given."""
        self._address, self._adapter, self._metrics = address, adapter, metrics
        self._threads = ThreadPoolExecutor(PATIENT)
        channel = open_channel(address)
        self._options: dict[str, Any] = {"metadata": metadata, "timeout": TIMEOUT_SECONDS}
        self._credit, self._webhooks, self._health = (
            CreditServiceStub(channel),
            WebhookServiceStub(channel),
            HealthStub(channel),
        )
        self._secret = webhook_secret.encode()

    @property
    def kinds(self) -> dict[str, Call]:
        """The functions that make a call, by its name; each takes the call's number."""
        return {
            "Reserve": self._reserve,
            "GetBalance": self._get_balance,
            "webhook": self._webhook,
            "health": lambda _: self._health.Check.future(HealthCheckRequest(), timeout=TIMEOUT_SECONDS),
        }

    @property
    def kinds_anew(self) -> dict[str, Call]:
        """The same of what makes a connection of its own for each call: newcomers, providers and probes."""
        kinds: dict[str, Call] = {}
        if self._adapter:
            kinds["newcomer"] = lambda _: self._threads.submit(self._call_anew)
            kinds["adapter"] = lambda number: self._threads.submit(self._send_webhook, number)
            kinds["adapter up"] = lambda _: self._threads.submit(_ask, self._adapter, "GET", "/healthz")
        if self._metrics:
            kinds["metrics"] = lambda _: self._threads.submit(_ask, self._metrics, "GET", "/metrics")
            kinds["server up"] = lambda _: self._threads.submit(_ask, self._metrics, "GET", "/healthz")
        return kinds

    def _call_anew(self) -> None:
        """Connect and ask whether the server serves, as a probe does."""
        with open_channel(self._address) as channel:
            HealthStub(channel).Check(HealthCheckRequest(), timeout=TIMEOUT_SECONDS, wait_for_ready=True)

    def _send_webhook(self, number: int) -> None:
        request = signed(_event(number), self._secret)
        headers = {header.name: header.value for header in request.headers}
        _ask(self._adapter, "POST", "/webhooks/stripe", request.body, headers)

    def _reserve(self, number: int) -> Any:
        request = credit.ReserveRequest(
            account_id=_account(number), credit_type=CREDIT_TYPE, amount=1, request_id=uuid7()
        )
        return self._credit.Reserve.future(request, **self._options)

    def _get_balance(self, number: int) -> Any:
        return self._credit.GetBalance.future(credit.GetBalanceRequest(account_id=_account(number)), **self._options)

    def _webhook(self, number: int) -> Any:
        return self._webhooks.IngestWebhook.future(signed(_event(number), self._secret), **self._options)


def _event(number: int) -> dict[str, Any]:
    return {"id": f"evt_probe{number}x{time.monotonic_ns()}", "object": "event", "type": "plan.created"}


def _ask(address: str, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
    """Make an HTTP request on a connection of its own. Raises AssertionError unless the answer is 200."""
    with closing(HTTPConnection(address, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        assert answer.status == HTTPStatus.OK, answer.status
        answer.read()


def signed(event: dict[str, Any], secret: bytes) -> webhook_pb.IngestWebhookRequest:
    """Return an authentic webhook of Stripe's."""
    body = json.dumps({"livemode": False, "data": {"object": {}}} | event).encode()
    seconds = int(time.time())
    signature = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    header = webhook_pb.WebhookHeader(name="stripe-signature", value=f"t={seconds},v1={signature}")
    return webhook_pb.IngestWebhookRequest(
        provider=PaymentProvider.PAYMENT_PROVIDER_STRIPE, body=body, headers=[header], remote_address="192.0.2.1"
    )


def _account(number: int) -> str:
    return f"neighbour-{number % ACCOUNTS}"


class Series:
    """The calls of one kind: each is made when it is due, whether or not those before it were answered."""

    def __init__(self, call: Call, interval_seconds: float) -> None:
        """Make calls by a function, so long after one another."""
        self._interval_seconds = interval_seconds
        self.seconds: list[float] = []
        self.failures: list[str] = []
        self._call = call

    def warm_up(self) -> None:
        """Have every account seen once."""
        for number in range(ACCOUNTS):
            self._call(number).result()

    def run(self, stopping: threading.Event) -> None:
        """Make calls until told to stop, and wait for the last answer."""
        started = time.monotonic()
        calls = []
        for number in count():
            due = started + number * self._interval_seconds
            if stopping.wait(max(0.0, due - time.monotonic())):
                break
            call = self._call(number)
            call.add_done_callback(partial(self._note, due))
            calls.append(call)
        for call in calls:
            call.exception()

    def _note(self, due: float, call: Any) -> None:
        self.seconds.append(time.monotonic() - due)
        if call.exception() is not None:
            self.failures.append(str(call.exception()))


def main() -> None:
    """Read where and how to call from the first line of standard input; begin and end as the next lines say."""
    told = json.loads(sys.stdin.readline())
    metadata = [tuple(pair) for pair in told.pop("metadata")]
    calls = Calls(metadata=metadata, **told)
    series = {kind: Series(call, INTERVAL_SECONDS) for kind, call in calls.kinds.items()}
    series |= {kind: Series(call, INTERVAL_ANEW_SECONDS) for kind, call in calls.kinds_anew.items()}
    for one in series.values():
        one.warm_up()
    print(READY, flush=True)
    assert sys.stdin.readline().strip() == GO
    stopping = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stopping,)) for one in series.values()]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    stopping.set()
    for thread in threads:
        thread.join()
    print(json.dumps({kind: [one.seconds, one.failures] for kind, one in series.items()}), flush=True)


if __name__ == "__main__":
    main()
