"""What the service gets of a webhook: whose it is, the body, the headers that matter, where from, and by whom."""

import os
from pathlib import Path

import pytest

from credit.v1.payment_provider_pb2 import PaymentProvider
from credit.v1.webhook_service_pb2 import IngestWebhookRequest
from creditd.front.setting_errors import InvalidSetting
from creditd.webhooks import limits
from creditd.webhooks.token_file import TokenFile
from tests.support.webhook_adapter import Adapter, running_adapter

HEADERS = {
    "Content-Type": "application/json",
    "Stripe-Signature": "t=1,v1=aa",
    "Omise-Signature": "bb",
    "Omise-Signature-Timestamp": "2",
    "X-Signature": "cc",
    "X-Event-Name": "order_created",
    "Cookie": "a=b",
    "X-Correlation-Id": "theirs",
}


def taken_headers(request: IngestWebhookRequest) -> list[tuple[str, str]]:
    """Return the headers as they were passed on."""
    return [(header.name, header.value) for header in request.headers]


@pytest.mark.requirement("E2")
@pytest.mark.parametrize(
    ("path", "provider", "names"),
    [
        ("stripe", PaymentProvider.PAYMENT_PROVIDER_STRIPE, ["stripe-signature"]),
        ("omise", PaymentProvider.PAYMENT_PROVIDER_OMISE, ["omise-signature", "omise-signature-timestamp"]),
        ("lemonsqueezy", PaymentProvider.PAYMENT_PROVIDER_LEMON_SQUEEZY, ["x-signature", "x-event-name"]),
    ],
)
def test_only_the_headers_that_matter_to_a_provider_are_passed_on(
    adapter: Adapter, path: str, provider: int, names: list[str]
) -> None:
    assert adapter.post(f"/webhooks/{path}", b'{"a": 1}', headers=HEADERS).status_code == 200
    request = adapter.service.taken[0].request
    assert (request.provider, request.body, request.remote_address) == (provider, b'{"a": 1}', "127.0.0.1")
    ours = {name.lower(): value for name, value in HEADERS.items()}
    assert taken_headers(request) == [(name, ours[name]) for name in ["content-type", *names]]


@pytest.mark.requirement("E2")
def test_a_header_that_came_twice_is_passed_on_twice(adapter: Adapter) -> None:
    adapter.post(headers=[("stripe-signature", "first"), ("stripe-signature", "second")])
    headers = taken_headers(adapter.service.taken[0].request)
    assert headers == [("stripe-signature", "first"), ("stripe-signature", "second")]


@pytest.mark.requirement("E2")
def test_a_header_that_is_not_ascii_loses_no_byte(adapter: Adapter) -> None:
    value = bytes(range(0x80, 0x100)) + "đồng".encode()
    adapter.post(headers=[(b"stripe-signature", value)])
    [(_, passed_on)] = taken_headers(adapter.service.taken[0].request)
    assert passed_on.encode("latin-1") == value


def test_each_webhook_has_a_correlation_id_of_its_own_and_a_time_limit(adapter: Adapter) -> None:
    for _ in range(3):
        adapter.post(headers={"x-correlation-id": "theirs"})
    ids = {taken.metadata["x-correlation-id"] for taken in adapter.service.taken}
    assert len(ids) == 3
    assert "theirs" not in ids
    # On its way the limit is rounded up.
    assert all(0 < taken.seconds_left < limits.RPC_SECONDS + 1 for taken in adapter.service.taken)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [("203.0.113.9", "203.0.113.9"), ("2001:db8::1", "2001:db8::1"), ("nonsense" * 20, ""), ("\xe9", "")],
)
def test_a_proxy_on_this_machine_says_whom_it_speaks_for(adapter: Adapter, forwarded: str, address: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode("latin-1"))]
    assert adapter.post(headers=headers).status_code == 200
    assert adapter.service.taken[0].request.remote_address == address


@pytest.mark.requirement("I7")
def test_a_token_that_is_renewed_is_used_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    with running_adapter(token=TokenFile(file)) as adapter:

        def token_used() -> str:
            assert adapter.post().status_code == 200
            return str(adapter.service.taken[-1].metadata["authorization"])

        assert token_used() == "Bearer first"
        _swap(file, "second")
        assert token_used() == "Bearer second"
        file.unlink()
        assert token_used() == token_used() == "Bearer second"
        _swap(file, "not one token")
        assert token_used() == token_used() == "Bearer second"
        assert caplog.text.count("the one before stays in use") == 2
        _swap(file, "third")
        assert token_used() == "Bearer third"


@pytest.mark.parametrize("content", [b"", b"\n", b"two tokens", b"\xff\xfe", b"x" * 9_000, "tökén".encode()])
def test_a_file_without_a_token_is_unfit(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(InvalidSetting, match="holds no token"):
        TokenFile(file)
    with pytest.raises(InvalidSetting, match="No such file"):
        TokenFile(tmp_path / "nothing")


def _swap(file: Path, token: str) -> None:
    """Put another file in a file's place, as whoever renews a token does."""
    new = file.with_suffix(f".{os.urandom(4).hex()}")
    new.write_text(token)
    new.replace(file)
