"""A layer that is private may change: what is broken in it is found at the start, and gRPC's asyncio server serves."""

import asyncio
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.cli.output import MISUSED
from creditd.server.transport import core, queue_transport, self_test
from tests.support.databases import migrated_database
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.postgres import service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.service import RunningService, running_service
from tests.support.tokens import write_public_key

SECONDS = 1.0
"""For a self-test that hangs: it is broken on purpose."""


def raising(*arguments: object, **named: object) -> None:
    """Stand for a function whose parameters have changed."""
    del arguments, named
    message = "got an unexpected argument"
    raise TypeError(message)


def doing_nothing(*arguments: object, **named: object) -> None:
    """Stand for an operation whose event never comes."""


def of_nobody(event: Any) -> bool:
    """Stand for an answer that is another one than it was."""
    del event
    return False


def without_trailing(call: Any, message: Any, status: Any, trailing: Any, tag: Any, **named: Any) -> None:
    """Answer without trailing metadata."""
    del trailing
    _END(call, message, status, None, tag, **named)


def as_good(call: Any, message: Any, status: Any, trailing: Any, tag: Any, **named: Any) -> None:
    """Answer that all is well."""
    del status
    _END(call, message or b"", None, trailing, tag, **named)


_END = core.end

BROKEN_SERVE = """
import sys

from creditd.cli.main import main
from creditd.server.transport import core

del core.peer_of
sys.argv = ["creditd", "serve"]
sys.exit(main())
"""

BROKEN = {
    "no call is asked for": ("CoreServer.request_call", raising),
    "no call comes": ("CoreServer.request_call", doing_nothing),
    "no event comes": ("CoreServer.next_event", doing_nothing),
    "polling fails": ("CoreServer.next_event", raising),
    "no message comes": ("receive_message", doing_nothing),
    "messages are empty": ("message_of", of_nobody),
    "no answer goes out": ("end", doing_nothing),
    "answering fails": ("end", raising),
    "trailing metadata is lost": ("end", without_trailing),
    "every answer is a good one": ("end", as_good),
    "the end of a call is not told": ("watch_end", doing_nothing),
    "nobody hears the bell": ("ring", raising),
    "nothing can be reset": ("reset", doing_nothing),
    "a stream's messages are lost": ("send", doing_nothing),
    "nothing listens": ("CoreServer.listen", raising),
    "a peer has no name": ("peer_of", raising),
}


@pytest.mark.parametrize(("name", "broken"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_found(monkeypatch: pytest.MonkeyPatch, name: str, broken: Any) -> None:
    """By the self-test, which ends in time whatever is broken."""
    monkeypatch.setattr(self_test, "SECONDS", SECONDS)
    part, _, method = name.partition(".")
    if method:
        # Servers that other tests have running in this process stay as they are.
        broken = type(part, (core.CoreServer,), {method: broken})
    monkeypatch.setattr(core, part, broken)
    with pytest.raises((self_test.Amiss, TypeError, AttributeError, grpc.RpcError)):
        asyncio.run(self_test.require_works())


def test_what_works_passes_and_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    asyncio.run(self_test.require_works())
    # The thread says that it has ended right before it does.
    eventually(lambda: not {thread for thread in threading.enumerate() if "transport" in thread.name} - before)


def reserve(service: RunningService) -> None:
    """Hold the credit that an account begins with."""
    request = credit.ReserveRequest(account_id="owner", credit_type="spec", amount=1, request_id="one")
    answer = service.as_caller("app", "SERVICE", scope="credits.spend").credit.Reserve(request)
    assert answer.balance.reserved == 1


def test_the_asyncio_server_serves_if_the_self_test_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the log says why."""
    monkeypatch.setattr(queue_transport, "_has_worked", False)
    monkeypatch.setattr(core, "receive_message", raising)
    monkeypatch.setattr(self_test, "SECONDS", SECONDS)
    with caplog.at_level(logging.WARNING), running_service(tmp_path) as service:
        assert service.server.transport == "aio"
        reserve(service)
    assert "the completion queue failed its self-test" in caplog.text


def test_the_asyncio_server_serves_if_the_layer_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "creditd.server.transport.queue_transport", None)
    with running_service(tmp_path) as service:
        assert service.server.transport == "aio"
        reserve(service)


def test_the_completion_queue_is_not_replaced_if_it_is_asked_for(tmp_path: Path) -> None:
    """Then a server that cannot have it does not start, and says so in one line."""
    settings = {
        "CREDITD_TRANSPORT": "queue",
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": "",
    }
    with (
        migrated_database() as url,
        Creditd(tmp_path, settings | {"CREDITD_DATABASE_URL": service_url(url)}).program(BROKEN_SERVE) as started,
    ):
        assert started.process.wait(PATIENCE_SECONDS) == MISUSED
        [line] = [line for line in started.said.splitlines() if "CREDITD_TRANSPORT" in line]
    assert "CREDITD_TRANSPORT is queue, but the completion queue failed its self-test" in line
    assert "auto serves without it" in line


@pytest.mark.parametrize("transport", ["auto", "queue", "aio"])
def test_each_transport_serves(tmp_path: Path, transport: str) -> None:
    with running_service(tmp_path, transport=transport) as service:
        assert service.server.transport == {"auto": "queue"}.get(transport, transport)
        reserve(service)
