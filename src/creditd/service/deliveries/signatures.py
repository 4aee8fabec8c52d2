"""Signatures by the Standard Webhooks convention (https://www.standardwebhooks.com): symmetric, version 1."""

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

PREFIX: Final = "whsec_"
"""What a secret begins with as people see it; base64 of its bytes follows."""

SECRET_BYTES: Final = 32
"""The convention asks for 24 to 64."""


def new_secret() -> bytes:
    """Return a new secret."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Write a secret as its owner is shown it."""
    return PREFIX + base64.b64encode(secret).decode()


def headers_of(secrets_in_force: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message, signed with each secret: the receiver takes any that it knows.

    ``timestamp`` is when it is sent, in seconds since the Unix epoch.
    """
    time, text = datetime.fromtimestamp(timestamp, UTC), body.decode()
    signatures = [Webhook(secret).sign(message_id, time, text) for secret in secrets_in_force]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
