"""Rejected webhooks: how many, why and when."""

from enum import StrEnum
from typing import NamedTuple

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider


class RejectionReason(StrEnum):
    """Why a webhook was rejected. The texts are those of the rows and of the metrics."""

    NO_SIGNATURE = "no_signature"
    BAD_SIGNATURE = "bad_signature"
    TOO_OLD = "too_old"
    IN_THE_FUTURE = "in_the_future"
    MALFORMED = "malformed"
    OTHER_MODE = "other_mode"
    TOO_MANY = "too_many"
    TOO_LARGE = "too_large"


class RejectedWebhooks(NamedTuple):
    """The webhooks rejected within an hour, for one reason."""

    provider: Provider
    reason: RejectionReason
    hour: Instant
    rejections: int
    last_time: Instant
    last_remote_address: str
