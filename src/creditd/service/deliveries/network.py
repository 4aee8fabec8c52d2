"""Connections to judged addresses, each bounded in what is read of it."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Final

import httpcore

from creditd.service.deliveries.names import Resolve
from creditd.service.deliveries.targets import are_public

MAX_ANSWER_BYTES: Final = 16_384
"""Read of an answer, its headers and what comes before them included; an answer without an end is one of so many."""

CONNECT_SECONDS: Final = 3.0
"""For an address of a name, unless it is the last: who does not answer by then drops what comes, and another one of
its addresses may not. The last has what is left of the attempt."""

ALL_CONNECT_SECONDS: Final = 9.0
"""For all of them but the last: of an attempt's 15 s some are left for that one, and for the answer."""


class TargetRefused(Exception):
    """Nothing is sent there; the message says why."""


class JudgedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to addresses that may be connected to, and to no other."""

    def __init__(
        self, resolve: Resolve, *, allows_private: bool, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        """Resolve names by ``resolve``; without ``allows_private`` every address of a name has to be public."""
        self._resolve = resolve
        self.allows_private = allows_private
        self._network = network or httpcore.AnyIOBackend()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a name, or of an address, all of which may be connected to.

        Raises OSError, TargetRefused.
        """
        found = list(await self._resolve(host, port))
        if not self.allows_private and not are_public(found):
            raise TargetRefused("the name has an address that is not public")
        return found

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own.
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a name, or an address. Raises TargetRefused, httpcore.ConnectError, httpcore.ConnectTimeout."""
        try:
            addresses = await self.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError("the name cannot be resolved") from error
        if not addresses:
            raise httpcore.ConnectError("the name has no address")
        # The first one that answers: one of two families may not be routed from here.
        soon = min(CONNECT_SECONDS, ALL_CONNECT_SECONDS / len(addresses))
        for address in addresses[:-1]:
            try:
                return await self._connected(address, port, min(soon, timeout or soon), local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._connected(addresses[-1], port, timeout, local_address, socket_options)

    async def _connected(self, address: str, *where: Any) -> httpcore.AsyncNetworkStream:
        return _BoundedStream(await self._network.connect_tcp(address, *where), MAX_ANSWER_BYTES)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        """Refuse: nobody's endpoint is a file of this machine."""
        raise TargetRefused("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)


class _BoundedStream(httpcore.AsyncNetworkStream):
    """A connection of which no more than so many bytes are read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, left: int) -> None:
        self._stream = stream
        self._left = left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's own.
        if self._left <= 0:
            raise httpcore.ReadError("the answer is too long")
        content = await self._stream.read(min(max_bytes, self._left), timeout)
        self._left -= len(content)
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's own.
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own.
    ) -> httpcore.AsyncNetworkStream:
        # What the handshake takes is bounded by TLS itself, and by the time of the attempt.
        return _BoundedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
