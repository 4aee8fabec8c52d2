"""Signatures of webhooks: the HMAC-SHA256 by any of several secrets, and the time of the signature.

A header holds whatever the sender wrote: no content raises anything but InvalidWebhook, and bytes are compared.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.provider import InvalidWebhook

TOLERANCE_SECONDS: Final = 300
"""The tolerance of Stripe's and the Standard Webhooks' libraries, for clock differences and queues."""

_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
"""A Unix time; it has ten digits until the year 2286, and stays far below what an Instant holds."""


def hmac_sha256(secret: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message: 32 bytes."""
    return hmac.digest(secret, message, hashlib.sha256)


def is_signed(message: bytes, secrets: Iterable[bytes], signatures: Iterable[bytes]) -> bool:
    """Tell whether any secret made any of the signatures, each of 32 bytes as of :func:`hmac_sha256`.

    Several secrets are configured while one replaces another. An empty secret, with which anybody can sign, never
    matches. The comparison takes the same time however much of a signature is right.
    """
    given = list(signatures)
    expected = [hmac_sha256(secret, message) for secret in secrets if secret]
    return any([hmac.compare_digest(one, other) for one in expected for other in given])  # noqa: C419 - compares all.


def from_hex(text: str) -> bytes:
    """Decode a signature in hex, in either case; return bytes that match nothing if it is not hex."""
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return b""


def from_base64(text: str) -> bytes:
    """Decode a signature in base64; return bytes that match nothing if it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def seconds_of(text: str) -> int:
    """Parse the Unix time, in seconds, at which a webhook states it was signed.

    Raises InvalidWebhook (BAD_SIGNATURE).
    """
    if not _SECONDS.fullmatch(text):
        raise InvalidWebhook(RejectionReason.BAD_SIGNATURE, "the time of the signature is no Unix time")
    return int(text)


def require_recent(signed_seconds: int, now: Instant) -> None:
    """Raise InvalidWebhook (TOO_OLD, IN_THE_FUTURE) if the time is over TOLERANCE_SECONDS before or after now.

    Call it only for a verified signature: the time of a forged one means nothing.
    """
    age_seconds = (now - signed_seconds * SECOND) / SECOND
    if age_seconds > TOLERANCE_SECONDS:
        raise InvalidWebhook(RejectionReason.TOO_OLD, f"signed {age_seconds:.0f} seconds ago")
    if age_seconds < -TOLERANCE_SECONDS:
        raise InvalidWebhook(RejectionReason.IN_THE_FUTURE, f"signed {-age_seconds:.0f} seconds ahead of now")
