"""Messages on their way in: a call is let in by its headers, and its message has to follow soon."""

import asyncio
import time
from collections import Counter
from typing import Any, Final

import grpc

from creditd.ledger.work import DeadlinePassed
from creditd.server.authentication.callers import Caller
from creditd.server.gate import Passage
from creditd.server.refusals import InvalidFields, TooManyAtOnce

MESSAGE_SECONDS: Final = 10.0
"""For a whole message to arrive after its headers: a megabyte at 1 Mbit/s takes eight."""

CANCELLATION_SECONDS: Final = 0.05
"""For grpc to tell that a caller has cancelled a call, after it has told that no message comes."""

MESSAGES_OF_AN_OWNER: Final = 32
"""Messages that one owner of an account may have on their way at once: each may take up to 2 MB of memory until it has
arrived. A phone sends one or two."""

MESSAGES_OF_A_SERVICE: Final = 4_096
"""The same of a service or a member of staff, who call for many: 16 connections full of calls."""

_OWNERS: Final = frozenset({"USER", "PREMIUM"})


class Arrivals:
    """The messages that are on their way, counted by caller. Used on one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._callers: Counter[str] = Counter()

    def expect(self, caller: Caller) -> None:
        """Count a message that is on its way. Raises TooManyAtOnce if its caller has too many."""
        maximum = messages_of(caller)
        if self._callers[caller.subject] >= maximum:
            raise TooManyAtOnce(what="messages on their way", maximum=maximum)
        self._callers[caller.subject] += 1

    def expect_no_more(self, caller: Caller) -> None:
        """Hear that a message that was expected has come, or will not."""
        left = self._callers[caller.subject] - 1
        if left:
            self._callers[caller.subject] = left
        else:
            del self._callers[caller.subject]

    @staticmethod
    def end_time() -> float:
        """Return when a message that is expected from now on is late, on time.monotonic's clock."""
        return time.monotonic() + MESSAGE_SECONDS

    async def message(self, context: Any, caller: Caller, passage: Passage) -> bytes:
        """Return, on the event loop, the message of a call. One that is late ends the passage.

        Raises TooManyAtOnce if the caller has too many on their way, InvalidFields if the caller sends none.
        """
        self.expect(caller)
        lateness = asyncio.get_running_loop().call_later(MESSAGE_SECONDS, passage.end, DeadlinePassed())
        try:
            message = await context.read()
        finally:
            lateness.cancel()
            self.expect_no_more(caller)
        if message is grpc.aio.EOF:
            # A call that its caller has cancelled looks the same at first, and is to be noted as cancelled.
            await asyncio.sleep(CANCELLATION_SECONDS)
            raise no_message()
        return bytes(message)


def no_message() -> InvalidFields:
    """Return what a call without a message is refused with."""
    return InvalidFields([("request", "wire_format", "did not come")])


def messages_of(caller: Caller) -> int:
    """Return how many messages a caller may have on their way at once."""
    return MESSAGES_OF_AN_OWNER if caller.roles <= _OWNERS else MESSAGES_OF_A_SERVICE
