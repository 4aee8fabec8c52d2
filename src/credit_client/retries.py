"""When a call is tried again by itself, and after how long: AIP-194, and what the service says (gRFC A6)."""

from collections.abc import Callable
from typing import Final

from grpc import StatusCode

from credit_client.failure import Failure

UNSAID: Final = frozenset({StatusCode.UNAVAILABLE, StatusCode.CANCELLED, StatusCode.DEADLINE_EXCEEDED})
"""Tried again also where the server says nothing: the connection broke, or the server is stopping. AIP-194 has the
first one; a CANCELLED that nobody here asked for comes from a server between its last call and its goodbye; a
DEADLINE_EXCEEDED was that of a try, if the call has time left."""

IF_SAID: Final = frozenset({StatusCode.RESOURCE_EXHAUSTED, StatusCode.ABORTED})
"""Tried again only where the server says when: it says so where nothing was done, and never for a refusal."""

FIRST_SECONDS: Final = 0.1
"""The first pause that nobody has stated; the next ones are twice as long each."""

MOST_SECONDS: Final = 2.0
"""The longest pause that nobody has stated: a restart of the service takes a few seconds."""


def pause_seconds(failure: Failure, tries: int, seconds_left: float, random: Callable[[], float]) -> float | None:
    """Return how long to wait before a call that has failed so many times is tried again; None to give up.

    ``random`` gives numbers from 0 to 1, so that those who have failed together do not come back together. A pause that
    would outlast what is left of the call's time is not begun: its caller knows sooner.
    """
    if failure.code not in UNSAID | IF_SAID:
        return None
    # A server that was told the deadline of a try says of it that a repeat cannot help.
    pause = failure.pushback_seconds if failure.code is not StatusCode.DEADLINE_EXCEEDED else None
    if pause is None and failure.code in UNSAID:
        pause = min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(tries - 1, 10)) * (0.5 + random() / 2)
    return pause if pause is not None and 0 <= pause < seconds_left else None
