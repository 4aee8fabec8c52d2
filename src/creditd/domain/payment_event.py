"""Payment events: what providers said by webhooks, or what was found at them, and what became of it."""

from enum import IntEnum
from typing import NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.provider import Provider


class PaymentEventState(IntEnum):
    """What became of an event. The numbers are those of the proto and of the rows."""

    PENDING = 1
    APPLIED = 2
    NOT_OF_INTEREST = 3
    PARKED = 4
    DISMISSED = 5
    WAITING = 6


class ParkedCause(IntEnum):
    """Why an event is parked, as far as something else than a person may end that. The numbers are those of the rows.

    RECORDED: what it says is known, and what follows from that cannot be done yet, or is a person's to do; it ends with
    the case. UNPLACED: it is ours, and nobody knows whose; it is tried again once something refers to it.
    """

    OTHER = 0
    RECORDED = 1
    UNPLACED = 2


class PaymentEvent(NamedTuple):
    """What a provider said, or what was found there.

    ``waits_for`` are its ids of what the event is about, while it is not applied. ``account`` and ``purchase``, a
    resource name, are whose it is as far as that is known; empty if not. Those that are ``is_ours`` go first.
    """

    provider: Provider
    delivery_key: str
    event_id: str
    event_type: str
    live: bool
    body: str
    state: PaymentEventState
    attempts: int
    next_attempt_time: Instant | None
    waits_for: tuple[str, ...]
    problem: str
    purchase: str
    receive_time: Instant
    update_time: Instant
    account: str = ""
    is_ours: bool = True
    cause: ParkedCause = ParkedCause.OTHER


class PaymentEventAct(NamedTuple):
    """What a member of staff did with an event."""

    act: str
    actor: str
    reason: str
    create_time: Instant
