"""How much the serving thread does at once for one call: whatever is asked, others have their turn after so much of it.

Counted in lines of Python that run between two looks of the event loop, which no load of the machine changes.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from credit.v1 import credit_service_pb2 as credit
from creditd.bootstrap.credit import SERVICES
from creditd.domain.instant import Instant
from creditd.server.chunks import SMALL_ITEMS
from creditd.service import account_history, history, pages
from tests.support.customer import Customer
from tests.support.event_shop import stored_endpoint
from tests.support.large_wallets import write_holds_ending
from tests.support.paged_lists import is_paged
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("J5")

LINES_OF_A_GRANT, LINES_OF_A_SLICE, LINES_OF_A_REQUEST = 20, 6, 40
"""What each takes, somewhat more than it does today. Ten thousand lines run in about a millisecond."""

DAY = 86_400_000_000

BALANCES = 100

SERVING_THREAD = "service"

GRANTS = 2_500
"""In one wallet, more than are written at once."""

BATCH = 1_000
"""Requests, as many as one may hold. They are handed to the ledger at once, so that one transaction can take them."""


class Lines:
    """Counts the lines that run on a thread within one callback of its event loop."""

    def __init__(self) -> None:
        self.most = self._now = 0

    def __call__(self, frame: FrameType, event: str, argument: object) -> "Lines":
        """Hear of a line, or of a function that begins."""
        del argument
        if event == "line":
            self._now += 1
            self.most = max(self.most, self._now)
        elif event == "call" and (frame.f_back is None or frame.f_back.f_code.co_name == "<lambda>"):
            # The loop itself is written in C, and the thread's own lambda calls it.
            self._now = 0
        return self


@contextmanager
def counted(service: RunningService) -> Iterator[Lines]:
    """Count what the serving thread does."""
    lines = Lines()
    for tracer, block in ((lines, True), (None, False)):
        done = threading.Event()

        def switch(tracer: Any = tracer, done: threading.Event = done) -> None:
            sys.settrace(tracer)
            done.set()

        service.loop.call_soon_threadsafe(switch)
        done.wait()
        if block:
            yield lines


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service whose calls are all answered on the event loop: on the completion queue the hot ones are not."""
    with running_service(tmp_path_factory.mktemp("turns"), transport="aio") as running:
        yield running


@pytest.fixture(scope="module")
def rich(service: RunningService, app: SimpleNamespace, staff: SimpleNamespace) -> Customer:
    """Return a customer with very many grants."""
    customer = Customer(service, app, staff, "turns.rich")
    now = service.clock.now()
    write_holds_ending(service.core.database, customer.account_id, GRANTS, 0, now, Instant(now + DAY))
    return customer


def balances(rich: Customer) -> tuple[Any, Any, Callable[[Any], int]]:
    """Ask for accounts with a hundred grants shown of each."""
    request = credit.BatchGetBalancesRequest(account_ids=[rich.account_id] * BALANCES, credit_types=["chat"])
    return (
        rich.app.credit.BatchGetBalances,
        request,
        lambda found: sum(len(one.wallets) for one in found.account_balances),
    )


def reservation(rich: Customer) -> tuple[Any, Any, Callable[[Any], int]]:
    """Ask for a reservation with all of its slices."""
    request = credit.GetReservationRequest(name=rich.hold(rich.balance().available * 9 // 10))
    return rich.app.credit.GetReservation, request, lambda found: len(found.reservation.slices)


def batch(rich: Customer) -> tuple[Any, Any, Callable[[Any], int]]:
    """Hold credits by each request of a batch, with labels."""
    requests = [rich.reserving(1, metadata={f"{n:064}": "x" * 60 for n in range(4)}) for _ in range(BATCH)]
    return rich.app.credit.BatchReserve, credit.BatchReserveRequest(requests=requests), lambda found: len(found.results)


@pytest.mark.parametrize(
    ("ask", "items", "most_lines"),
    [
        (balances, BALANCES, SMALL_ITEMS * LINES_OF_A_GRANT),
        (batch, BATCH, BATCH * LINES_OF_A_REQUEST),
        (reservation, SMALL_ITEMS + 1, SMALL_ITEMS * LINES_OF_A_SLICE),
    ],
)
def test_one_call_with_much_in_it_is_done_little_by_little(
    rich: Customer, ask: Callable[[Customer], tuple[Any, Any, Callable[[Any], int]]], items: int, most_lines: int
) -> None:
    call, request, count = ask(rich)
    with counted(rich.service) as lines:
        answer = call(request)
    assert count(answer) >= items
    assert 0 < lines.most <= most_lines


PAGED = [method for service in SERVICES for method in service.methods if is_paged(method)]


@pytest.mark.parametrize("method", PAGED, ids=lambda method: method.name)
def test_a_page_is_written_off_the_serving_thread(
    method: MethodDescriptor, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much it holds: 1 MiB at most."""
    threads: list[str] = []
    fitting = pages.fitting

    def noting(*arguments: Any) -> Any:
        threads.append(threading.current_thread().name)
        return fitting(*arguments)

    monkeypatch.setattr(pages, "fitting", noting)
    for module in (history, account_history):
        monkeypatch.setattr(module, "fitting", noting)
    customer.top_up(1)
    stated = {"account_id": customer.account_id, "credit_type": "chat"}
    known = {name: text for name, text in stated.items() if name in method.input_type.fields_by_name}
    if method.input_type.fields_by_name.get("name") is not None:
        known["name"] = stored_endpoint(customer.service)
    request = GetMessageClass(method.input_type)(page_size=100, **known)
    stubs = vars(customer.staff).values()
    call = next(getattr(stub, method.name) for stub in stubs if hasattr(stub, method.name))
    call(request)
    assert threads
    assert SERVING_THREAD not in threads
