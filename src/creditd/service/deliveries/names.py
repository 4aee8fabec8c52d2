"""Names resolved to addresses, on threads that nobody waits for: a resolver that hangs holds up its own name alone."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

MAX_ADDRESSES: Final = 16
"""Of one name that are looked at: more than any service has. A name with more of them is refused."""

MAX_UNDER_WAY: Final = 64
"""NameResolver that are asked for at a time, of one server: more than there are endpoints. Each holds a thread."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a name. Raises OSError."""


class NameResolver:
    """The machine's own resolver. Used on one event loop."""

    def __init__(self, ask: Callable[[str, int], Sequence[str]] | None = None) -> None:
        """Ask by ``ask``, which blocks and raises OSError."""
        self._ask = ask or addresses_of
        self._under_way: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name; whoever asks while it is asked for gets the same answer. Raises OSError."""
        key = host, port
        answer = self._under_way.get(key)
        if answer is None:
            if len(self._under_way) >= MAX_UNDER_WAY:
                message = "too many names are being resolved"
                raise OSError(message)
            answer = self._under_way[key] = asyncio.get_running_loop().create_future()
            # A daemon, and of no executor: nothing waits for it as the process ends.
            threading.Thread(target=self._run, args=(key, answer), name="names", daemon=True).start()
        # Whoever gives up leaves the answer to the others.
        return await asyncio.shield(answer)

    def _run(self, key: tuple[str, int], answer: "asyncio.Future[Sequence[str]]") -> None:
        found: Sequence[str] | OSError
        try:
            found = self._ask(*key)
        except (OSError, UnicodeError) as error:
            found = OSError(type(error).__name__)
        with suppress(RuntimeError):
            # The loop may have ended.
            answer.get_loop().call_soon_threadsafe(self._tell, key, answer, found)

    def _tell(
        self, key: tuple[str, int], answer: "asyncio.Future[Sequence[str]]", found: Sequence[str] | OSError
    ) -> None:
        del self._under_way[key]
        if answer.cancelled():
            return
        if isinstance(found, OSError):
            answer.set_exception(found)
            # Nobody may be left to take it.
            answer.exception()
        else:
            answer.set_result(found)


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name. Blocks. Raises OSError, also for a name with too many."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if len(found) > MAX_ADDRESSES:
        message = "the name has too many addresses"
        raise OSError(message)
    return [str(address[0]) for *_, address in found]
