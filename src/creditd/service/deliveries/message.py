"""What is sent of an event: its body, and when it is sent again."""

from typing import Final

import orjson

from creditd.domain.events.outbox import OutboxKind
from creditd.domain.instant import SECOND, instant_text
from creditd.storage.events.published_events import PublishedEvent

FIRST_PAUSE: Final = 5 * SECOND

LONGEST_PAUSE: Final = 3_600 * SECOND
"""Between attempts: doubled each time, up to an hour, and each with jitter, so that servers do not retry in step."""

PATIENCE: Final = 24 * 3_600 * SECOND
"""From when an event is to be delivered to its last attempt: who is away for a day has somebody look after it."""

USER_AGENT: Final = "creditd"


def pause_before(attempts: int, share: float) -> int:
    """Return how long to wait after so many attempts, in microseconds; ``share`` is from 0 to 1, the jitter."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))
    return int(longest * (1 + share) / 2)


def body_of(event: PublishedEvent) -> bytes:
    """Return what is delivered: type, timestamp and data, as the convention has them, and where the event stands."""
    return orjson.dumps(
        {
            "type": _type(event.kind),
            "timestamp": instant_text(event.create_time),
            "schema_version": event.schema_version,
            "position": event.position,
            "account_id": event.account_id,
            "credit_type": event.credit_type,
            "data": orjson.Fragment(event.payload),
        }
    )


def _type(kind: int) -> str:
    try:
        return OutboxKind(kind).name
    except ValueError:
        # Of a newer release, whose server has published it.
        return f"TYPE_{kind}"
