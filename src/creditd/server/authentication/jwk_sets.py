"""Key sets as issuers publish them (RFC 7517)."""

from collections.abc import Mapping
from typing import Any, Final

import jwt.algorithms
import orjson

from creditd.server.authentication.keys import PublicKey, fit_public_key

MAX_KEYS: Final = 100

MAX_KID_LENGTH: Final = 255


class UnusableAnswer(Exception):
    """An issuer has answered, and not with keys; what is told of it is its class."""


class LongAnswer(UnusableAnswer):
    """It has more bytes or keys than it may have."""


class MalformedAnswer(UnusableAnswer):
    """No JSON object with a list of keys."""


class NoUsableKey(UnusableAnswer):
    """Not one key that tokens may be signed for: it is taken for an outage, and not for the end of all tokens."""


def keys_in(document: bytes) -> dict[str, PublicKey]:
    """Return the keys of a JWK set (RFC 7517), by kid: those that tokens may be signed for; of one kid the first.

    Raises MalformedAnswer, LongAnswer, NoUsableKey.
    """
    try:
        found = orjson.loads(document)["keys"]
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedAnswer from error
    if not isinstance(found, list):
        raise MalformedAnswer
    if len(found) > MAX_KEYS:
        raise LongAnswer
    keys: dict[str, PublicKey] = {}
    for each in found:
        kid, key = _key_in(each)
        if key is not None:
            keys.setdefault(kid, key)
    if not keys:
        raise NoUsableKey
    return keys


_READERS: Final = {
    "OKP": jwt.algorithms.OKPAlgorithm.from_jwk,
    "EC": jwt.algorithms.ECAlgorithm.from_jwk,
    "RSA": jwt.algorithms.RSAAlgorithm.from_jwk,
}
"""By type of key. There is none for shared secrets."""


def _key_in(document: Any) -> tuple[str, PublicKey | None]:
    """Return the kid and the key of one JWK; no key if tokens may not be signed for it."""
    if not isinstance(document, dict):
        return "", None
    kid, reader = document.get("kid", ""), _READERS.get(str(document.get("kty")))
    if reader is None or not isinstance(kid, str) or len(kid) > MAX_KID_LENGTH:
        return "", None
    try:
        key = fit_public_key(reader(document)) if _is_for_signatures(document) else None
    except Exception:  # noqa: BLE001 - whatever is wrong with it: the other keys of the set are as good as ever.
        return "", None
    return kid, key if key is not None and document.get("alg", key.algorithm) == key.algorithm else None


def _is_for_signatures(document: Mapping[str, Any]) -> bool:
    """Tell whether a key is public, and says of itself nothing else than that it verifies signatures."""
    return (
        "d" not in document
        and document.get("use", "sig") == "sig"
        and "verify" in (document.get("key_ops") or ["verify"])
    )
