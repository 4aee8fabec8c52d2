"""What no proper client sends: the call is refused, and everybody else is served as before."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from credit.v1 import credit_service_pb2 as credit
from tests.support.raw_http2 import RawConnection
from tests.support.service import RunningService
from tests.support.tokens import bearer

SERVICE = "/credit.v1.CreditService"
BALANCE, HISTORY = f"{SERVICE}/GetBalance", f"{SERVICE}/ListTransactions"
OK, INVALID_ARGUMENT, PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED = 0, 3, 7, 12, 16
OWNER = bearer("owner", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="owner").SerializeToString()
HEADED = b"\0" + len(REQUEST).to_bytes(4, "big") + REQUEST


def _short(text: str) -> str:
    return ascii(text)[:60]


NO_METHODS = [
    f"{SERVICE}/Nothing",
    "/credit.v1.Nothing/GetBalance",
    "/creditd.Nothing",
    f"{BALANCE}/",
    f"{SERVICE}/getbalance",
    f"/{'x' * 2_000}",
]
"""Paths that lead to no method."""

NO_TEXTS = [f"{BALANCE}\udcff", "/\udcff\udcfe", f"/\udcff/{'x' * 2_000}"]
"""Paths of bytes that are no text, for which surrogates stand."""


def status(service: RunningService, path: str, *more: tuple[bytes, bytes], token: str = OWNER) -> int:
    """Make a call with more headers, then a good one on the same connection; return the first one's grpc-status."""
    with RawConnection(service.address, token) as connection:
        ends = connection.ends()
        odd = connection.begin(path, more)
        connection.say(odd, len(REQUEST), REQUEST, end=True)
        stream, code = next(ends)
        assert stream == odd
        good = connection.call(BALANCE, REQUEST)
        assert next(ends) == (good, OK if token else UNAUTHENTICATED)
    return code


@pytest.mark.parametrize("token", [OWNER, ""], ids=["owner", "stranger"])
@pytest.mark.parametrize("path", NO_METHODS, ids=_short)
def test_a_method_that_there_is_not_is_unimplemented(service: RunningService, path: str, token: str) -> None:
    assert status(service, path, token=token) == UNIMPLEMENTED


@pytest.mark.parametrize("token", [OWNER, ""], ids=["owner", "stranger"])
@pytest.mark.parametrize("path", NO_TEXTS, ids=_short)
def test_a_method_that_is_no_text_is_unimplemented(queue_service: RunningService, path: str, token: str) -> None:
    """It once ended the process. gRPC's asyncio server takes no more calls after one, which is not ours to mend."""
    assert status(queue_service, path, token=token) == UNIMPLEMENTED


@pytest.mark.parametrize("value", [b"", b"\xff\xfe", b" ", b"\0", b"x" * 5_000, b"00-\xff-\xff-01", b"\xed\xa0\x80"])
@pytest.mark.parametrize("name", [b"traceparent", b"tracestate", b"accept-language", b"x-correlation-id"])
def test_headers_with_odd_values_are_no_matter(service: RunningService, name: bytes, value: bytes) -> None:
    """Neither to a hot method nor to another one."""
    for path in (BALANCE, HISTORY):
        assert status(service, path, (name, value)) == OK


@pytest.mark.parametrize(
    "token", ["\xff", "Bearer", "a.b.c", "e30.e30.e30", "x" * 9_000, ".", "é.é.é"], ids=lambda text: ascii(text)[:60]
)
@pytest.mark.parametrize("path", [BALANCE, HISTORY])
def test_a_token_that_is_none_is_refused(service: RunningService, path: str, token: str) -> None:
    with RawConnection(service.address, token) as stranger:
        stream = stranger.begin(path)
        assert next(stranger.ends()) == (stream, UNAUTHENTICATED)


@pytest.mark.parametrize(("coding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_message_is_read(service: RunningService, coding: str, pack: Callable[[bytes], bytes]) -> None:
    """And one that does not unpack is refused."""
    with RawConnection(service.address, OWNER) as caller:
        ends = caller.ends()
        for packed, expected in (pack(REQUEST), {OK}), (b"no such thing", set(range(1, 17))):
            stream = caller.begin(BALANCE, more=[(b"grpc-encoding", coding.encode())])
            caller.say_more(stream, b"\1" + len(packed).to_bytes(4, "big") + packed, end=True)
            ended, code = next(ends)
            assert ended == stream
            assert code in expected


def test_a_coding_that_nobody_knows_is_refused(service: RunningService) -> None:
    assert status(service, BALANCE, (b"grpc-encoding", b"none-such")) != OK


@pytest.mark.parametrize("message", [b"", b"\xff\xff\xff", b"\0", b"\x0a\x05own"], ids=repr)
def test_a_message_that_is_none_is_refused(service: RunningService, message: bytes) -> None:
    with RawConnection(service.address, OWNER) as caller:
        stream = caller.call(BALANCE, message)
        ended, code = next(caller.ends())
        assert (ended, code) in {(stream, INVALID_ARGUMENT), (stream, PERMISSION_DENIED)}
