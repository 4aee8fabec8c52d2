"""Calls to providers, with time limits, retries with back-off and jitter, and two kinds of failure (requirement E8)."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import httpx
import orjson

from creditd.payments.provider import CallFailed, CallRefused

CONNECT_SECONDS = 3.0
"""Seconds to connect; a provider that is up accepts a connection within one."""

READ_SECONDS = 10.0
"""Seconds to wait for an answer: creating a payment takes one to three; after more the caller should retry."""

CALL_SECONDS = 20.0
"""Seconds for a whole answer: one that arrives byte by byte would otherwise hold its caller for ever."""

TRIES = 3
"""Tries of a call: with the pauses between they end within a caller's usual deadline."""

FIRST_PAUSE_SECONDS = 0.2
"""The first pause; doubled each time, with full jitter, so that servers do not retry in step."""

MAX_PAUSE_SECONDS = 5.0
"""The longest Retry-After that is waited for here; a longer wait is left to the caller."""

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""The largest answer: a page of a hundred events takes a few hundred kB."""

_REPEATABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Status codes that may change with another try. 409 is Stripe's for a key in use at the moment."""


class Client:
    """One provider's API. Answers are JSON objects."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        auth: tuple[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Call ``url`` with ``headers``; ``transport`` is for tests."""
        self._client = httpx.AsyncClient(
            base_url=url,
            headers=dict(headers),
            auth=auth,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            transport=transport,
        )

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a GET; retried while it fails. Raises CallRefused, CallFailed."""
        return await self._call("GET", path, tries=TRIES, params=params)

    async def post(
        self,
        path: str,
        *,
        form: Mapping[str, Any] | None = None,
        document: Any = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool,
    ) -> dict[str, Any]:
        """Send a POST, with a form or a JSON document. Retried only if the provider treats a repeat as the same call.

        Raises CallRefused; CallFailed if the outcome is unknown.
        """
        content = None if document is None else orjson.dumps(document)
        tries = TRIES if is_repeatable else 1
        return await self._call("POST", path, tries=tries, data=form, content=content, headers=headers)

    async def delete(self, path: str) -> dict[str, Any]:
        """Send a DELETE; retried while it fails. Raises CallRefused, CallFailed."""
        return await self._call("DELETE", path, tries=TRIES)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(self, method: str, path: str, *, tries: int, **request: Any) -> dict[str, Any]:
        tried = 0
        while True:
            tried += 1
            try:
                return await self._once(method, path, **request)
            except _TryAgain as failure:
                if tried >= tries:
                    raise CallFailed(str(failure)) from failure
                await asyncio.sleep(_pause(tried, failure.retry_after_seconds))

    async def _once(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            async with asyncio.timeout(CALL_SECONDS), self._client.stream(method, path, **request) as response:
                content = await _content(response)
        except (httpx.HTTPError, TimeoutError) as error:
            # Its text may contain the whole address; the kind of failure is enough.
            raise _TryAgain(f"{method} {path}: {type(error).__name__}") from error
        status = response.status_code
        if status in _REPEATABLE:
            raise _TryAgain(f"{method} {path}: HTTP {status}", response.headers.get("retry-after"))
        answer = _document(content)
        if answer is None:
            raise _TryAgain(f"{method} {path}: HTTP {status} without a JSON object")
        if status >= httpx.codes.BAD_REQUEST:
            raise CallRefused(*_error(status, answer))
        return answer


class _TryAgain(Exception):
    def __init__(self, text: str, retry_after: str | None = None) -> None:
        super().__init__(text)
        self.retry_after_seconds = float(retry_after) if retry_after and retry_after.isdecimal() else 0.0


def _pause(tried: int, asked_seconds: float) -> float:
    pause = random.uniform(0, FIRST_PAUSE_SECONDS * 2**tried)  # noqa: S311 - jitter is no secret.
    return min(MAX_PAUSE_SECONDS, max(pause, asked_seconds))


async def _content(response: httpx.Response) -> bytes:
    """Read an answer; one that is too large is cut off, and then is no JSON."""
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            return b""
    return content


def _document(content: bytes) -> dict[str, Any] | None:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _error(status: int, answer: Mapping[str, Any]) -> tuple[str, str]:
    """Return the code and the message of an error, in the formats of Stripe, Omise and JSON:API."""
    error = answer.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or error.get("type") or status), str(error.get("message") or "")
    errors = answer.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        return str(errors[0].get("status") or status), str(errors[0].get("detail") or errors[0].get("title") or "")
    return str(answer.get("code") or status), str(answer.get("message") or "")
