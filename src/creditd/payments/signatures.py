"""Signatures of webhooks: HMAC-SHA256 of what was sent, by any of several secrets, and the time that it was signed at.

A header is whatever the sender put there: nothing in it raises anything but InvalidWebhook, and bytes are compared.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.rejected_webhooks import RejectionReason
from creditd.payments.provider import InvalidWebhook

TOLERANCE_SECONDS: Final = 300
"""What the libraries of Stripe and of the Standard Webhooks allow, for clocks that differ and for queues on the way."""

_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
"""A Unix time; it has ten digits until the year 2286, and stays far below what an Instant holds."""


def hmac_sha256(secret: bytes, message: bytes) -> bytes:
    """Return the HMAC-SHA256 of a message: 32 bytes."""
    return hmac.digest(secret, message, hashlib.sha256)


def is_signed(message: bytes, secrets: Iterable[bytes], signatures: Iterable[bytes]) -> bool:
    """Tell whether any of the secrets made any of the signatures, each of them the 32 bytes of :func:`hmac_sha256`.

    Several secrets are configured while one replaces the other. An empty secret, which anybody can sign with, made
    nothing. The time that it takes says nothing about how much of a signature is right.
    """
    given = list(signatures)
    expected = [hmac_sha256(secret, message) for secret in secrets if secret]
    return any([hmac.compare_digest(one, other) for one in expected for other in given])  # noqa: C419 - compares all.


def from_hex(text: str) -> bytes:
    """Read a signature written in hex, in small or capital letters; return what matches nothing if it is not hex."""
    try:
        return binascii.unhexlify(text)
    except ValueError:
        return b""


def from_base64(text: str) -> bytes:
    """Read a signature written in base64; return what matches nothing if it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def seconds_of(text: str) -> int:
    """Read the Unix time in seconds that a webhook says it was signed at. Raises InvalidWebhook (BAD_SIGNATURE)."""
    if not _SECONDS.fullmatch(text):
        raise InvalidWebhook(RejectionReason.BAD_SIGNATURE, "the time of the signature is no Unix time")
    return int(text)


def require_recent(signed_seconds: int, now: Instant) -> None:
    """Raise InvalidWebhook (TOO_OLD, IN_THE_FUTURE) for a signature made over TOLERANCE_SECONDS before or after now.

    Ask it of a signature that was verified: a forged one says nothing of its time.
    """
    age_seconds = (now - signed_seconds * SECOND) / SECOND
    if age_seconds > TOLERANCE_SECONDS:
        raise InvalidWebhook(RejectionReason.TOO_OLD, f"signed {age_seconds:.0f} seconds ago")
    if age_seconds < -TOLERANCE_SECONDS:
        raise InvalidWebhook(RejectionReason.IN_THE_FUTURE, f"signed {-age_seconds:.0f} seconds ahead of now")
