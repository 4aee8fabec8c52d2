"""The service away, slow or guarded, and many webhooks at once: nothing is called stored that is not."""

import asyncio
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest

from creditd.front.setting_errors import InvalidSetting
from creditd.webhooks import limits
from creditd.webhooks.adapter import webhooks_serving
from creditd.webhooks.settings import WebhooksSettings
from tests.support.certificates import Identity, identity
from tests.support.event_loop import event_loop
from tests.support.patience import eventually
from tests.support.webhook_adapter import SECONDS, Adapter, running_adapter, told_service

SAID = {"plaintext_listeners": ("webhooks",)}

STATUS_OF_HEALTH = {"reachable": True, "unreachable": False}


def is_reachable(adapter: Adapter) -> bool:
    """Ask the adapter, which has to answer in any case."""
    health = adapter.http.get("/healthz")
    assert health.status_code == 200
    return STATUS_OF_HEALTH[health.json()["service"]]


@pytest.mark.requirement("E7")
def test_webhooks_are_repeated_while_the_service_is_away_and_stored_once_it_is_back(adapter: Adapter) -> None:
    assert eventually(lambda: is_reachable(adapter))
    assert adapter.post().status_code == 200
    adapter.run(adapter.service.stop())
    assert adapter.post().status_code == 503
    assert eventually(lambda: not is_reachable(adapter))
    assert adapter.post().status_code == 503
    adapter.run(adapter.service.start())
    assert eventually(lambda: is_reachable(adapter))
    assert adapter.post().status_code == 200
    assert len(adapter.service.taken) == 2


@pytest.mark.requirement("E7")
def test_a_service_that_stops_in_the_middle_has_not_stored(adapter: Adapter) -> None:
    adapter.hold()
    with ThreadPoolExecutor() as threads:
        sent = threads.submit(adapter.post)
        eventually(lambda: adapter.service.taken)
        adapter.run(adapter.service.stop())
        assert sent.result().status_code == 503


@pytest.mark.requirement("E7")
def test_a_service_that_is_too_slow_is_not_waited_for(adapter: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RPC_SECONDS", 0.2)
    adapter.hold()
    assert adapter.post().status_code == 503
    adapter.release()
    monkeypatch.setattr(limits, "RPC_SECONDS", SECONDS)
    assert adapter.post().status_code == 200


def test_a_provider_that_hangs_up_does_not_undo_what_it_sent(adapter: Adapter) -> None:
    adapter.hold()
    with adapter.connection(b"POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"):
        eventually(lambda: adapter.service.taken)
    adapter.release()
    assert adapter.post().status_code == 200


def test_more_at_once_than_there_are_places_are_sent_away_and_health_is_not(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_AT_ONCE", 3)
    adapter.hold()
    with ThreadPoolExecutor(3) as threads:
        sent = [threads.submit(adapter.post) for _ in range(3)]
        eventually(lambda: len(adapter.service.taken) == 3)
        turned_away = adapter.post()
        assert (turned_away.status_code, turned_away.headers["retry-after"]) == (503, "5")
        assert adapter.http.get("/healthz").status_code == 200
        adapter.release()
        assert [each.result().status_code for each in sent] == [200, 200, 200]
    assert adapter.post().status_code == 200


@pytest.mark.requirement("E2")
def test_many_at_once_are_all_passed_on_once(adapter: Adapter) -> None:
    async def send_all() -> list[int]:
        limit = httpx.Limits(max_connections=100)
        async with httpx.AsyncClient(timeout=SECONDS, limits=limit, trust_env=False) as http:
            url = f"http://127.0.0.1:{adapter.port}/webhooks/omise"
            posts = (http.post(url, content=str(number).encode()) for number in range(150))
            return [response.status_code for response in await asyncio.gather(*posts)]

    assert asyncio.run(send_all()) == [200] * 150
    bodies = sorted(int(taken.request.body) for taken in adapter.service.taken)
    assert bodies == list(range(150))


@pytest.fixture(scope="module")
def authority() -> Identity:
    """Return who signs certificates here."""
    return identity("authority")


def pem(folder: Path, name: str, content: bytes) -> str:
    """Write a file, and return its path."""
    file = folder / name
    file.write_bytes(content)
    return str(file)


def files_of(folder: Path, authority: Identity) -> dict[str, Any]:
    """Write what the adapter needs for mutual TLS."""
    client = identity("adapter", authority)
    return {
        "tls_ca_file": pem(folder, "ca.pem", authority.certificate_pem),
        "tls_certificate_file": pem(folder, "adapter.pem", client.certificate_pem),
        "tls_key_file": pem(folder, "adapter.key", client.key_pem),
    }


@contextmanager
def guarded_adapter(folder: Path, authority: Identity, server: Identity) -> Iterator[Adapter]:
    """Run an adapter before a service that shows a certificate, and wants to see one."""
    pair = (server.key_pem, server.certificate_pem)
    credentials = grpc.ssl_server_credentials([pair], authority.certificate_pem, require_client_auth=True)
    with event_loop() as run, told_service(run) as service:
        run(service.stop())
        service.address = "127.0.0.1:0"
        run(service.start(credentials))
        name = f"localhost:{service.address.rpartition(':')[2]}"
        settings = WebhooksSettings("127.0.0.1:0", name, **files_of(folder, authority))
        with running_adapter(settings=settings) as adapter:
            yield replace(adapter, service=service, run=run)


@pytest.mark.requirement("G4", "I7")
@pytest.mark.parametrize(("signer", "status"), [("ours", 200), ("another's", 503)])
def test_over_tls_each_side_shows_a_certificate(tmp_path: Path, authority: Identity, signer: str, status: int) -> None:
    server = identity("server", authority if signer == "ours" else identity("elsewhere"))
    with guarded_adapter(tmp_path, authority, server) as adapter:
        assert adapter.post().status_code == status


@pytest.mark.requirement("I7")
def test_what_is_renewed_is_shown_without_a_restart_and_what_is_unfit_is_not(
    tmp_path: Path, authority: Identity, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with guarded_adapter(tmp_path, authority, identity("server", authority)) as adapter:

        def shown() -> bytes:
            assert adapter.post().status_code == 200
            return adapter.service.taken[-1].shown

        def renew(new: Identity) -> None:
            pem(tmp_path, "adapter.key", new.key_pem)
            pem(tmp_path, "adapter.pem", new.certificate_pem)

        first = (tmp_path / "adapter.pem").read_bytes()
        second, third = (identity(name, authority) for name in ("second", "third"))
        assert shown() == first
        renew(second)
        assert shown() == second.certificate_pem
        assert caplog.messages.count("the certificates were renewed") == 1
        pem(tmp_path, "adapter.pem", third.certificate_pem)
        assert [shown() for _ in range(3)] == [second.certificate_pem] * 3
        assert sum("stays in use" in line for line in caplog.messages) == 1
        renew(third)
        assert shown() == third.certificate_pem


@pytest.mark.requirement("I7")
def test_what_is_under_way_is_finished_though_the_certificate_is_renewed(tmp_path: Path, authority: Identity) -> None:
    with (
        guarded_adapter(tmp_path, authority, identity("server", authority)) as adapter,
        ThreadPoolExecutor(1) as threads,
    ):
        adapter.hold()
        sent = threads.submit(adapter.post)
        eventually(lambda: adapter.service.taken)
        files_of(tmp_path, authority)
        assert eventually(lambda: is_reachable(adapter))
        adapter.release()
        assert sent.result().status_code == 200


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"service": "credits.example:50051"}, "not a loopback address"),
        ({"service": "10.0.0.1:50051"}, "CREDITD_WEBHOOKS_TLS_CA_FILE"),
        ({"tls_ca_file": __file__}, "in PEM"),
        ({"tls_ca_file": "/nowhere"}, "No such file"),
        ({"tls_ca_file": "CA", "tls_certificate_file": __file__, "tls_key_file": __file__}, "in PEM"),
        ({"listen": "192.0.2.1:1", **SAID}, "cannot listen on 192.0.2.1:1"),
        ({"listen": "no such host.invalid:1", **SAID}, "cannot listen"),
        ({"listen": "0.0.0.0:0"}, "CREDITD_WEBHOOKS_LISTEN_TLS_CERTIFICATE_FILE .*_LISTENERS name webhooks"),
        ({"listen_tls_certificate_file": __file__, "listen_tls_key_file": __file__}, "in PEM"),
    ],
)
def test_settings_that_cannot_be_used_are_told_apart(
    tmp_path: Path, authority: Identity, changes: dict[str, Any], message: str
) -> None:
    ca = pem(tmp_path, "ca.pem", authority.certificate_pem)
    changes = {name: ca if value == "CA" else value for name, value in changes.items()}
    settings = WebhooksSettings("127.0.0.1:0", "127.0.0.1:1")._replace(**changes)

    async def serve() -> None:
        async with webhooks_serving(settings, lambda: "a-token"):
            pass

    with pytest.raises(InvalidSetting, match=message):
        asyncio.run(serve())
