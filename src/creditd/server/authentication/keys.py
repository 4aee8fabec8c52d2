"""Public keys that tokens are verified with, and the sets of them that issuers have."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MIN_RSA_BITS: Final = 2_048
MAX_RSA_BITS: Final = 8_192
"""A signature for a longer key takes the serving thread milliseconds to verify."""


class PublicKey(NamedTuple):
    """A key and the one algorithm that it is for, so that a token cannot choose another."""

    algorithm: str
    key: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


class InvalidKey(ValueError):
    """A file is not a public key that tokens may be signed for; the message says why."""


class KeySet:
    """The keys of one issuer as they are now, by kid. Any thread may replace them, and none ever waits for them."""

    def __init__(
        self, keys: Mapping[str, PublicKey] | None = None, *, miss: Callable[[], object] = lambda: None
    ) -> None:
        """Begin with these keys. ``miss`` is called, on the thread that serves, for each kid that is not found."""
        self._keys = dict(keys or {})
        self._miss = miss
        self._listeners: list[Callable[[], object]] = []

    def find(self, kid: str | None) -> PublicKey | None:
        """Return the key of a kid, for None the only key that there is; None if there is none."""
        keys = self._keys
        found = next(iter(keys.values())) if kid is None and len(keys) == 1 else keys.get(kid or "")
        if found is None:
            self._miss()
        return found

    def replace(self, keys: Mapping[str, PublicKey]) -> None:
        """Have these keys from now on in place of those before."""
        before, self._keys = self._keys, dict(keys)
        if any(self._keys.get(kid) != key for kid, key in before.items()):
            for listen in self._listeners:
                listen()

    def on_removal(self, listen: Callable[[], object]) -> None:
        """Have a function called, by whoever replaces keys, whenever one of them is gone."""
        self._listeners.append(listen)

    def __contains__(self, key: PublicKey) -> bool:
        """Tell whether a key is among them."""
        return key in self._keys.values()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._keys)


def read_public_keys(files: Iterable[Path]) -> dict[str, PublicKey]:
    """Read PEM files; a key's kid is its file's name without `.pem`. Raises InvalidKey, OSError."""
    return {file.stem: _read_public_key(file) for file in files}


def fit_public_key(key: object) -> PublicKey | None:
    """Return a key with its algorithm; None if tokens may not be signed for it."""
    if isinstance(key, Ed25519PublicKey):
        return PublicKey("EdDSA", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return PublicKey("ES256", key)
    if isinstance(key, RSAPublicKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return PublicKey("RS256", key)
    return None


def _read_public_key(file: Path) -> PublicKey:
    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError as error:
        raise InvalidKey(f"{file} holds no public key in PEM") from error
    fit = fit_public_key(key)
    if fit is None:
        raise InvalidKey(f"{file} is none of Ed25519, P-256, and RSA of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    return fit
