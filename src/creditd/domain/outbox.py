"""What is announced to others in the outbox."""

from enum import IntEnum


class OutboxKind(IntEnum):
    """What an event tells of. The numbers are those of the rows."""

    TOP_UP_SUCCEEDED = 1
    PURCHASE_FAILED = 2
    CREDITS_REVERSED = 3
    PLAN_CHANGED = 4
    RECONCILED = 5
