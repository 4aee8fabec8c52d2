"""Bearer tokens: JWTs signed with one of our public keys' private halves, verified once and then remembered."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import Any, Final, NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.exceptions import InvalidSubjectError

from creditd.server.refusals import TokenExpired, TokenInvalid

ROLES: Final = frozenset({"USER", "PREMIUM", "SUPPORT", "FINANCE", "ADMIN", "SUPER_ADMIN", "SERVICE"})

MIN_RSA_BITS: Final = 2_048
MAX_HEADER_LENGTH: Final = 8_192
MAX_SUBJECT_LENGTH: Final = 255
LEEWAY_SECONDS: Final = 30
"""How far the issuer's clock and ours may be apart."""

CACHED_TOKENS: Final = 10_000

_SCHEME: Final = "bearer"


class Caller(NamedTuple):
    """Who calls, as a verified token says. Roles that are none of ours are left out."""

    subject: str
    roles: frozenset[str]
    scopes: frozenset[str]


class PublicKey(NamedTuple):
    """A key and the one algorithm that it is for, so that a token cannot choose another."""

    algorithm: str
    key: Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey


class InvalidKey(ValueError):
    """A file is not a public key that tokens may be signed for; the message says why."""


class TokenVerifier:
    """Turns authorization headers into callers.

    Keys are found by the token's `kid`; several stand side by side while they rotate. A key that is taken away needs a
    new verifier, which has verified nothing yet. Not for use by several threads at once.
    """

    def __init__(
        self,
        keys: Mapping[str, PublicKey],
        *,
        issuer: str | None = None,
        audience: str | None = None,
        clock: Callable[[], float],
    ) -> None:
        """Verify with these keys, by kid; check issuer and audience if they are given and not empty.

        ``clock`` tells the time in seconds since the Unix epoch: the one that everything else is decided by.
        """
        self._keys = dict(keys)
        self._issuer = issuer or None
        self._audience = audience or None
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()

    def verify(self, authorization_header: str) -> Caller:
        """Return who calls. Raises TokenInvalid, TokenExpired."""
        digest = _digest(authorization_header)
        known = self._verified.get(digest)
        if known is None:
            return self._verify_anew(authorization_header, digest)
        caller, end = known
        if self._clock() >= end:
            del self._verified[digest]
            raise TokenExpired
        self._verified.move_to_end(digest)
        return caller

    def end_of(self, authorization_header: str) -> float:
        """Return from when on a header that was verified just now is refused, in seconds since the Unix epoch."""
        return self._verified[_digest(authorization_header)][1]

    def _verify_anew(self, authorization_header: str, digest: bytes) -> Caller:
        claims = self._claims(_token_in(authorization_header))
        end = _number(claims, "exp") + LEEWAY_SECONDS
        self._check_times(claims, end)
        caller = _caller(claims)
        self._verified[digest] = caller, end
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return caller

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            public_key = self._key_for(jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token,
                public_key.key,
                algorithms=[public_key.algorithm],
                issuer=self._issuer,
                audience=self._audience,
                # The times are checked against this verifier's clock, here and on every later use.
                options={
                    "require": ["exp", "sub"],
                    "verify_aud": self._audience is not None,
                    "verify_iss": self._issuer is not None,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenInvalid(problem=_PROBLEMS.get(type(error), "malformed")) from error
        return claims

    def _key_for(self, header: Mapping[str, Any]) -> PublicKey:
        if "crit" in header:
            # RFC 7515, 4.1.11: extensions that must be understood, of which we understand none.
            raise TokenInvalid(problem="crit")
        kid = header.get("kid")
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        if kid not in self._keys:
            raise TokenInvalid(problem="kid")
        return self._keys[kid]

    def _check_times(self, claims: Mapping[str, Any], end: float) -> None:
        now = self._clock()
        if now >= end:
            raise TokenExpired
        if "nbf" in claims and _number(claims, "nbf") > now + LEEWAY_SECONDS:
            raise TokenInvalid(problem="nbf")


_PROBLEMS: Final[Mapping[type[Exception], str]] = {
    jwt.InvalidSignatureError: "signature",
    jwt.InvalidAlgorithmError: "alg",
    jwt.InvalidIssuerError: "iss",
    jwt.InvalidAudienceError: "aud",
    InvalidSubjectError: "sub",
    jwt.MissingRequiredClaimError: "claim missing",
}
"""Which part of a token is wrong, by its name in the JWT; never its value."""


def read_public_keys(files: Iterable[Path]) -> dict[str, PublicKey]:
    """Read PEM files; a key's kid is its file's name without `.pem`. Raises InvalidKey, OSError."""
    return {file.stem: _read_public_key(file) for file in files}


def _read_public_key(file: Path) -> PublicKey:
    try:
        key = load_pem_public_key(file.read_bytes())
    except ValueError as error:
        raise InvalidKey(f"{file} holds no public key in PEM") from error
    if isinstance(key, Ed25519PublicKey):
        return PublicKey("EdDSA", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return PublicKey("ES256", key)
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return PublicKey("RS256", key)
    raise InvalidKey(f"{file} is none of Ed25519, P-256, and RSA of at least {MIN_RSA_BITS} bits")


def _digest(authorization_header: str) -> bytes:
    # Tokens are remembered by their hash, so that no copy of the memory gives one away.
    return sha256(authorization_header.encode("utf-8", "surrogatepass")).digest()


def _token_in(authorization_header: str) -> str:
    if not authorization_header:
        raise TokenInvalid(problem="missing")
    scheme, _, token = authorization_header.partition(" ")
    if scheme.lower() != _SCHEME or len(authorization_header) > MAX_HEADER_LENGTH:
        raise TokenInvalid(problem="malformed")
    return token.strip()


def _caller(claims: Mapping[str, Any]) -> Caller:
    subject = claims["sub"]
    if not 0 < len(subject) <= MAX_SUBJECT_LENGTH or not _is_text(subject):
        raise TokenInvalid(problem="sub")
    roles = claims.get("roles", [])
    if not isinstance(roles, list):
        raise TokenInvalid(problem="roles")
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise TokenInvalid(problem="scope")
    return Caller(subject, frozenset(role for role in ROLES if role in roles), frozenset(scope.split()))


def _is_text(value: str) -> bool:
    """Tell whether a value can be stored and sent: JSON has escapes for NUL and for halves of surrogate pairs."""
    return "\0" not in value and value.encode("utf-8", "ignore").decode() == value


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    # JSON as Python reads it knows Infinity and NaN, which would never be over; and a truth value is an int.
    if isinstance(value, bool) or not isinstance(value, int | float) or not value < inf:
        raise TokenInvalid(problem=name)
    return value
