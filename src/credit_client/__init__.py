"""The credit service, for programs that spend credits: a block of work that is paid for, retries, errors with facts.

    from credit_client import Credits, InsufficientCredit

    credits = Credits("127.0.0.1:50051", token)
    with credits.reserve("ann", "chat", 30) as hold:
        hold.spend(answer())

AsyncCredits is the same for asyncio; credit_client.testing starts a real server for tests.
"""

from credit_client.async_credits import AsyncCredits
from credit_client.connection import Tls
from credit_client.credits import Credits
from credit_client.errors import (
    AccountClosed,
    AccountNotFound,
    AccountSuspended,
    CreditError,
    InsufficientCredit,
    InvalidRequest,
    LimitExceeded,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    Refusal,
    RequestIdReused,
    ReservationConfirmed,
    ReservationExpired,
    ReservationNotFound,
    ReservationRefunded,
    VersionMismatch,
)
from credit_client.hold import Hold, SpendExceedsHold
from credit_client.tokens import ApiKey, TokenFile
from credit_client.tries import Manner

__all__ = [
    "AccountClosed",
    "AccountNotFound",
    "AccountSuspended",
    "ApiKey",
    "AsyncCredits",
    "CreditError",
    "Credits",
    "Hold",
    "InsufficientCredit",
    "InvalidRequest",
    "LimitExceeded",
    "Manner",
    "NoAnswer",
    "NotAllowed",
    "NotAuthenticated",
    "Refusal",
    "RequestIdReused",
    "ReservationConfirmed",
    "ReservationExpired",
    "ReservationNotFound",
    "ReservationRefunded",
    "SpendExceedsHold",
    "Tls",
    "TokenFile",
    "VersionMismatch",
]
