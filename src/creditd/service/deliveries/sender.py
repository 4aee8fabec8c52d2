"""One attempt to deliver: a request over a connection of its own, bounded in time and in what is read of its answer."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Final, NamedTuple

import httpcore

from creditd.service.deliveries.network import JudgedNetwork, TargetRefused
from creditd.service.deliveries.targets import problem_of

ATTEMPT_SECONDS: Final = 15.0
"""For all of it, as the convention suggests 15 to 30: who has more to do answers first and does it then."""

BODY_SECONDS: Final = 1.0
"""For what comes after the headers: nobody needs it, but a receiver that still writes is not cut off at once."""


class Answered(NamedTuple):
    """What became of an attempt: the status of the answer, 0 without one, and what was wrong, empty if nothing was."""

    status: int
    problem: str

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it: by any status of 200 to 299. Redirections are not followed."""
        return not self.problem


class EventSender:
    """Sends requests to judged addresses. Used on one event loop."""

    def __init__(
        self, network: JudgedNetwork, context: ssl.SSLContext | None = None, seconds: float = ATTEMPT_SECONDS
    ) -> None:
        """Trust the authorities of ``context``, or those of the system; give an attempt so many ``seconds``."""
        self._network = network
        self._context = context or ssl.create_default_context()
        self._seconds = seconds

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answered:
        """Post a body; raises nothing. A URL that was taken under other settings may have a problem by now."""
        problem = problem_of(url, allows_private=self._network.allows_private)
        if problem is not None:
            return Answered(0, f"nothing is sent there: it has to be {problem}")
        try:
            async with asyncio.timeout(self._seconds):
                return _judged(await self._post(url, headers, body))
        except TimeoutError:
            return Answered(0, f"no answer within {self._seconds:g} s")
        except TargetRefused as refusal:
            return Answered(0, str(refusal))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            # Its text may hold what the receiver has sent.
            return Answered(0, type(error).__name__)

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        # A connection of its own: what waits for one receiver is in nobody's way.
        async with (
            httpcore.AsyncConnectionPool(
                ssl_context=self._context,
                max_connections=1,
                max_keepalive_connections=0,
                network_backend=self._network,
            ) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
        ):
            with suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
                async with asyncio.timeout(BODY_SECONDS):
                    async for _ in response.aiter_stream():
                        pass
            return int(response.status)


def _judged(status: int) -> Answered:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answered(status, "")
    return Answered(status, f"HTTP {status}")
