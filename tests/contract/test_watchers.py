"""How many watch streams one caller and one account may have: others' streams have places whatever they do."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server.handlers import watch_handlers
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.service import RunningService

pytestmark = pytest.mark.requirement("J5")


def watching(caller: SimpleNamespace, account_id: str) -> Any:
    """Open a stream, and return it once it shows something."""
    stream = caller.credit.WatchBalance(
        credit.WatchBalanceRequest(account_id=account_id, credit_type="chat"), timeout=60
    )
    next(stream)
    return stream


def refusal_of(caller: SimpleNamespace, account_id: str) -> tuple[str, str, str, str]:
    refusal = refused(lambda account: watching(caller, account).cancel(), account_id)
    assert refusal.retry
    return refusal.code.name, refusal.reason, refusal.metadata["what"], refusal.metadata["maximum"]


def test_an_owner_has_so_many_streams(
    service: RunningService, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On all connections together. When one has ended there is a place again; services still watch the account."""
    monkeypatch.setattr(watch_handlers, "WATCHERS_OF_AN_OWNER", 3)
    customer.top_up(1)
    owner = service.as_caller(customer.account_id, "USER")
    again = service.as_caller(customer.account_id, "USER", language="th")
    streams = [watching(owner, customer.account_id) for _ in range(3)]
    assert refusal_of(again, customer.account_id) == (
        "RESOURCE_EXHAUSTED",
        "TOO_MANY_AT_ONCE",
        "streams of the caller",
        "3",
    )
    streams.append(watching(customer.app, customer.account_id))
    streams[0].cancel()
    streams.append(eventually(lambda: _try_watching(owner, customer.account_id)))
    for stream in streams:
        stream.cancel()


def _try_watching(caller: SimpleNamespace, account_id: str) -> Any:
    try:
        return watching(caller, account_id)
    except grpc.RpcError:
        return None


def test_an_account_has_so_many_streams(customer: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens them; another account's are not counted."""
    monkeypatch.setattr(watch_handlers, "WATCHERS_OF_AN_ACCOUNT", 3)
    customer.top_up(1)
    streams = [watching(caller, customer.account_id) for caller in (customer.app, customer.app, customer.staff)]
    assert refusal_of(customer.app, customer.account_id)[2:] == ("streams of the account", "3")
    streams.append(watching(customer.app, customer.another("other").account_id))
    for stream in streams:
        stream.cancel()


def test_a_service_has_so_many_streams(
    service: RunningService, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_handlers, "WATCHERS_OF_A_CALLER", 2)
    customer.top_up(1)
    watcher = service.as_caller("a-watcher", "SERVICE", scope="credits.read")
    streams = [watching(watcher, customer.account_id) for _ in range(2)]
    assert refusal_of(watcher, customer.account_id)[2:] == ("streams of the caller", "2")
    for stream in streams:
        stream.cancel()
