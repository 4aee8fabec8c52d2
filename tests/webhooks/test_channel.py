"""The adapter's one connection to the service: how long it is kept, and when it is given up."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from credit.v1.webhook_service_pb2 import IngestWebhookRequest
from creditd.front import service_channel
from creditd.webhooks import limits
from creditd.webhooks.channel import IngestionChannel
from creditd.webhooks.settings import WebhooksSettings
from tests.support.event_loop import Run, event_loop
from tests.support.patience import eventually
from tests.support.raw_http2 import FRAME, PING, PREFACE, SETTINGS
from tests.support.webhook_adapter import SECONDS, running_adapter, told_service

WITHOUT_END = 2**31 - 1
"""What gRPC takes for no limit at all."""


@pytest.fixture
def run() -> Iterator[Run]:
    """Run an event loop."""
    with event_loop() as run:
        yield run


def test_a_connection_that_is_not_used_is_let_go_after_its_time_only(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second, for the test: by itself it is without end, where gRPC would have half an hour."""
    assert service_channel.CHANNEL_IDLE_MILLISECONDS == WITHOUT_END
    monkeypatch.setattr(service_channel, "CHANNEL_IDLE_MILLISECONDS", 1_000)

    async def used(address: str) -> IngestionChannel:
        channel = IngestionChannel(WebhooksSettings("127.0.0.1:0", address))
        await channel.ingest(IngestWebhookRequest(), ())
        return channel

    with told_service(run) as service:
        channel = run(used(service.address))
        # Asking has a connection made: it has gone at some moment in between.
        assert eventually(lambda: not channel.is_reachable)
        run(channel.close())


def frames(connection: socket.socket) -> Iterator[int]:
    """Answer nothing but what introduces us; yield the kind of each frame that comes, until the connection ends."""
    with connection, connection.makefile("rb") as stream:
        stream.read(len(PREFACE))
        connection.sendall(FRAME.pack(SETTINGS, 0, 0))
        while len(head := stream.read(FRAME.size)) == FRAME.size:
            word, _, _ = FRAME.unpack(head)
            stream.read(word >> 8)
            yield word & 0xFF


def test_a_service_that_acknowledges_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that hangs: its system acknowledges all that is sent. By itself gRPC would keep it for a minute."""
    monkeypatch.setattr(service_channel, "KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr(service_channel, "KEEPALIVE_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(limits, "RPC_SECONDS", 15.0)
    with socket.create_server(("127.0.0.1", 0)) as frozen, ThreadPoolExecutor(1) as threads:
        frozen.settimeout(SECONDS)
        settings = WebhooksSettings("127.0.0.1:0", f"127.0.0.1:{frozen.getsockname()[1]}")
        with running_adapter(settings=settings) as adapter:
            seen = threads.submit(lambda: list(frames(frozen.accept()[0])))
            assert adapter.post().status_code == 503
            kinds = seen.result(SECONDS)
    assert PING in kinds


def test_the_system_gives_up_a_machine_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the adapter's own socket has it: nothing that is sent to the machine is acknowledged any more."""
    monkeypatch.setattr(service_channel, "KEEPALIVE_TIMEOUT_SECONDS", 7)
    with running_adapter() as adapter:
        assert adapter.post().status_code == 200
        assert user_timeouts(int(adapter.service.address.rpartition(":")[2])) == [7_000]


def user_timeouts(port: int) -> list[int]:
    """Return for how long what this process sends to a port may go unacknowledged, for each connection to it."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(descriptor.name))) as ours:
            if ours.getpeername()[1:2] == (port,):
                found.append(ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
    return found
