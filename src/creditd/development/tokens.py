"""Tokens for development: a key pair in a folder, and tokens signed with it. Production has an issuer of its own."""

import os
import secrets
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

KID: Final = "development"

LIFETIME_SECONDS: Final = 3_600

_ADMINISTRATORS: Final = frozenset({"ADMIN", "SUPER_ADMIN"})


class SigningKey(NamedTuple):
    """A key pair: where its public half stands for the verifier to read, and the private half to sign with."""

    public_file: Path
    private_key: Ed25519PrivateKey


def make_signing_key(folder: Path) -> SigningKey:
    """Return the folder's Ed25519 key pair, made now if there is none; only its owner can read the files.

    Safe to call by several processes at once: all of them get the same pair.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_file = folder / f"{KID}.key"
    if not private_file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        _write_once(private_file, pem)
    private_key = load_pem_private_key(private_file.read_bytes(), password=None)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise TypeError(f"{private_file} is not an Ed25519 key")
    public_file = folder / f"{KID}.pem"
    if not public_file.exists():
        pem = private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        _write_once(public_file, pem)
    return SigningKey(public_file, private_key)


def sign_token(
    key: SigningKey,
    subject: str,
    roles: Iterable[str],
    scopes: Iterable[str] = (),
    *,
    lifetime_seconds: int = LIFETIME_SECONDS,
    issuer: str | None = None,
    audience: str | None = None,
) -> str:
    """Return a token that says who somebody is and what they may do, for a while from now.

    An administrator's tells of a second factor that was shown now: development has nothing else to sign in with.
    """
    # Made on a developer's machine, which knows no other clock.
    now = int(time.time())  # noqa: TID251
    roles = sorted(roles)
    claims: dict[str, Any] = {
        "sub": subject,
        "roles": roles,
        "scope": " ".join(scopes),
        "iat": now,
        "exp": now + lifetime_seconds,
    }
    if not _ADMINISTRATORS.isdisjoint(roles):
        claims |= {"amr": ["pwd", "otp"], "auth_time": now}
    stated = {"iss": issuer, "aud": audience}
    claims |= {name: value for name, value in stated.items() if value}
    return jwt.encode(claims, key.private_key, algorithm="EdDSA", headers={"kid": key.public_file.stem})


def _write_once(file: Path, content: bytes) -> None:
    # Written aside and then linked: nobody ever reads half a key, and of several writers the first one wins.
    aside = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        with suppress(FileExistsError):
            file.hardlink_to(aside)
    finally:
        aside.unlink()
