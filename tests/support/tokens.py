"""Tokens for tests, signed by a key made when the tests start."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

KEY = Ed25519PrivateKey.generate()

KEY_ID = "tests"

YEARS_SECONDS = 10 * 366 * 86_400
"""Tests let days and years pass, and their callers are to stay who they are."""


def write_public_key(folder: Path) -> Path:
    """Write the public key where a server can read it, and return the file."""
    file = folder / f"{KEY_ID}.pem"
    file.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def bearer(
    subject: str,
    roles: Sequence[str],
    scope: str = "",
    ttl_seconds: int = YEARS_SECONDS,
    *,
    mfa_time: float = 0.0,
    **further: Any,
) -> str:
    """Return the authorization header of a caller, who showed a second factor at ``mfa_time`` if that is not 0.

    ``further`` claims that are empty are left out.
    """
    claims = {"sub": subject, "roles": list(roles), "scope": scope, "exp": int(time.time()) + ttl_seconds}
    claims |= {name: value for name, value in further.items() if value}
    if mfa_time:
        claims |= {"amr": ["pwd", "otp"], "auth_time": mfa_time}
    return "Bearer " + jwt.encode(claims, KEY, algorithm="EdDSA", headers={"kid": KEY_ID})
