"""The kinds of outbox events."""

from enum import IntEnum


class OutboxKind(IntEnum):
    """What an outbox event announces. The numbers are those of the rows."""

    TOP_UP_SUCCEEDED = 1
    PURCHASE_FAILED = 2
    CREDITS_REVERSED = 3
    PLAN_CHANGED = 4
    RECONCILED = 5
