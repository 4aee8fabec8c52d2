"""Reads the body of a request within limits of size and time."""

import asyncio
from functools import partial
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request

from creditd.webhooks import limits
from creditd.webhooks.answers import Answer
from creditd.webhooks.places import Places


class TurnedAway(Exception):
    """A request that is not passed on; ``answer`` says with what."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        """Remember the answer."""
        super().__init__(reason)
        self.answer = Answer(status, reason)


async def body_of(request: Request, places: Places) -> bytes:
    """Return the body, byte for byte, of at most limits.MAX_BODY_BYTES. Raises TurnedAway.

    It has a place while it is on its way, and is turned away if it loses it to others.

    Nothing is decompressed: a signature is made over what was sent, and no provider compresses. RFC 9110, 15.5.16, has
    415 for that. What the head gives away is judged before a byte of the body is read.
    """
    if sum(len(name) + len(value) for name, value in request.headers.raw) > limits.MAX_HEADERS_BYTES:
        raise TurnedAway(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "HEADERS_TOO_LARGE")
    if any(coding.strip().lower() not in {"", "identity"} for coding in request.headers.getlist("content-encoding")):
        raise TurnedAway(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "CONTENT_ENCODING")
    # The HTTP parser has seen to it that this is a number.
    if int(request.headers.get("content-length", "0")) > limits.MAX_BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(limits.BODY_SECONDS) as patience:
            places.take(patience, request.client.host if request.client else "", partial(_end, patience))
            try:
                return await _read(request)
            finally:
                places.leave(patience)
    except TimeoutError as error:
        raise TurnedAway(HTTPStatus.REQUEST_TIMEOUT, "BODY_TOO_SLOW") from error
    except ClientDisconnect as error:
        # Nobody is there to read it, but the log should have it.
        raise TurnedAway(HTTPStatus.BAD_REQUEST, "BODY_CUT_OFF") from error


def _end(patience: asyncio.Timeout) -> None:
    if not patience.expired():
        patience.reschedule(0.0)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        if len(body) + len(chunk) > limits.MAX_BODY_BYTES:
            raise _too_large()
        body += chunk
    return bytes(body)


def _too_large() -> TurnedAway:
    return TurnedAway(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BODY_TOO_LARGE")
