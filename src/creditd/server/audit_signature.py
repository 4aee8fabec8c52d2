"""The signature of the chain's head, so that a copy kept elsewhere is known for ours."""

import base64
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from creditd.domain.controls.seal import Seal
from creditd.domain.instant import instant_text

TITLE: Final = "creditd audit head"
"""What the key signs begins with it, so that a signature is for nothing else."""


class InvalidAuditKey(ValueError):
    """A file is no Ed25519 key in PEM; the message says so."""


class SignedHead(NamedTuple):
    """The head of the chain as it is handed out: texts, and the number of the seal.

    ``hash`` is in hexadecimal digits, ``create_time`` in RFC 3339 and empty before the first seal, ``signature`` and
    ``public_key`` in base64 and empty without a key.
    """

    seal_number: int
    hash: str
    create_time: str
    signature: str = ""
    public_key: str = ""

    def signed_text(self) -> bytes:
        """Return what is signed: four lines, each with its end."""
        return f"{TITLE}\n{self.seal_number}\n{self.hash}\n{self.create_time}\n".encode()

    def is_signed_by(self, key: Ed25519PublicKey) -> bool:
        """Tell whether it has the signature of a key."""
        try:
            key.verify(base64.b64decode(self.signature), self.signed_text())
        except (InvalidSignature, ValueError):
            return False
        return True


def signed_head(seal: Seal, key: Ed25519PrivateKey | None) -> SignedHead:
    """Return a seal as the head, signed if there is a key."""
    head = SignedHead(seal.seal_number, seal.hash.hex(), instant_text(seal.create_time) if seal.seal_number else "")
    if key is None:
        return head
    signature, public = key.sign(head.signed_text()), key.public_key().public_bytes_raw()
    return head._replace(signature=base64.b64encode(signature).decode(), public_key=base64.b64encode(public).decode())


def read_audit_key(file: str) -> Ed25519PrivateKey | None:
    """Read the private key of a file; None if no file is named. Raises InvalidAuditKey, OSError."""
    if not file:
        return None
    try:
        key = load_pem_private_key(Path(file).read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise InvalidAuditKey(f"{file} holds no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InvalidAuditKey(f"{file} is no Ed25519 key")
    return key


def read_public_audit_key(file: str) -> Ed25519PublicKey:
    """Read the public key of a file. Raises InvalidAuditKey, OSError."""
    try:
        key = load_pem_public_key(Path(file).read_bytes())
    except ValueError as error:
        raise InvalidAuditKey(f"{file} holds no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise InvalidAuditKey(f"{file} is no Ed25519 key")
    return key
