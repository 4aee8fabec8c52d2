"""Bearer tokens: JWTs of the issuers that are believed, verified once and then remembered."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import jwt
from jwt.exceptions import InvalidSubjectError

from creditd.server.authentication.callers import LEEWAY_SECONDS, Caller, caller_of, number
from creditd.server.authentication.issuers import Issuer
from creditd.server.authentication.keys import KeySet, PublicKey
from creditd.server.refusals import TokenExpired, TokenInvalid

MAX_HEADER_LENGTH: Final = 8_192
CACHED_TOKENS: Final = 10_000

NAMELESS: Final = ""
"""The name of the issuer whose tokens need not state one."""

_SCHEME: Final = "bearer"


class TokenVerifier:
    """Turns authorization headers into callers.

    A token's `iss` chooses its issuer, whose keys alone count; among them its `kid` chooses one. Not for use by several
    threads at once, though issuers may replace their keys on any.
    """

    def __init__(self, issuers: Iterable[Issuer], *, clock: Callable[[], float]) -> None:
        """Believe these issuers, whose names differ.

        ``clock`` tells the time in seconds since the Unix epoch: the one that everything else is decided by.
        """
        self._issuers = {issuer.name: issuer for issuer in issuers}
        self._prefixes = {issuer.subject_prefix for issuer in self._issuers.values()} - {""}
        self._clock = clock
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._has_lost_keys = False
        for issuer in self._issuers.values():
            issuer.keys.on_removal(self._note_removal)

    def verify(self, authorization_header: str) -> Caller:
        """Return who calls. Raises TokenInvalid, TokenExpired."""
        if self._has_lost_keys:
            self._forget_removed()
        digest = _digest(authorization_header)
        known = self._verified.get(digest)
        if known is None:
            return self._verify_anew(authorization_header, digest)
        caller, end, _, _ = known
        if self._clock() >= end:
            del self._verified[digest]
            raise TokenExpired
        self._verified.move_to_end(digest)
        return caller

    def end_of(self, authorization_header: str) -> float:
        """Return from when on a header is refused that is good now, in seconds since the Unix epoch.

        Raises TokenInvalid, TokenExpired: it may have been forgotten since it was verified, and its key be gone.
        """
        self.verify(authorization_header)
        return self._verified[_digest(authorization_header)].end

    def _note_removal(self) -> None:
        # On the thread that replaces keys; those before have gone by now.
        self._has_lost_keys = True

    def _forget_removed(self) -> None:
        """Forget the tokens whose keys are gone."""
        # First: what is lost from here on is looked for again.
        self._has_lost_keys = False
        for digest in [digest for digest, one in self._verified.items() if one.key not in one.keys]:
            del self._verified[digest]

    def _verify_anew(self, authorization_header: str, digest: bytes) -> Caller:
        claims, key, issuer = self._claims(_token_in(authorization_header))
        end = number(claims, "exp") + LEEWAY_SECONDS
        now = self._clock()
        if now >= end:
            raise TokenExpired
        if "nbf" in claims and number(claims, "nbf") > now + LEEWAY_SECONDS:
            raise TokenInvalid(problem="nbf")
        caller = caller_of(claims, now)
        self._require_own_subject(caller.subject, issuer)
        self._verified[digest] = _Verified(caller, end, key, issuer.keys)
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return caller

    def _require_own_subject(self, subject: str, issuer: Issuer) -> None:
        """Raise TokenInvalid for a subject that is another issuer's to give, as its prefix says."""
        if any(subject.startswith(prefix) for prefix in self._prefixes - {issuer.subject_prefix}):
            raise TokenInvalid(problem="sub")

    def _claims(self, token: str) -> tuple[dict[str, Any], PublicKey, Issuer]:
        """Return the claims of a token, as ours, the key that it is signed for, and whose that is."""
        try:
            unverified = jwt.decode_complete(token, options={"verify_signature": False})
            issuer = self._issuer_of(unverified["payload"])
            key = _key_for(unverified["header"], issuer.keys)
            is_ours = issuer.claims is None
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                issuer=issuer.name or None,
                audience=issuer.audience or None,
                # The times are checked against this verifier's clock, here and on every later use.
                options={
                    # An outside issuer may have the subject in another claim, and none of this name.
                    "require": ["exp", "sub"] if is_ours else ["exp"],
                    "verify_sub": is_ours,
                    "verify_aud": bool(issuer.audience),
                    "verify_iss": bool(issuer.name),
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenInvalid(problem=_PROBLEMS.get(type(error), "malformed")) from error
        ours = claims if issuer.claims is None else issuer.claims.translate(claims)
        return ours, key, issuer

    def _issuer_of(self, claims: Mapping[str, Any]) -> Issuer:
        """Return the issuer that claims state, or the one that has no name."""
        if "iss" not in claims:
            if NAMELESS not in self._issuers:
                raise TokenInvalid(problem="claim missing")
            return self._issuers[NAMELESS]
        stated = claims["iss"]
        issuer = self._issuers.get(stated if isinstance(stated, str) else NAMELESS) or self._issuers.get(NAMELESS)
        if issuer is None:
            raise TokenInvalid(problem="iss")
        return issuer


class _Verified(NamedTuple):
    """What is remembered of a token."""

    caller: Caller
    end: float
    key: PublicKey
    keys: KeySet


_PROBLEMS: Final[Mapping[type[Exception], str]] = {
    jwt.InvalidSignatureError: "signature",
    jwt.InvalidAlgorithmError: "alg",
    jwt.InvalidIssuerError: "iss",
    jwt.InvalidAudienceError: "aud",
    InvalidSubjectError: "sub",
    jwt.MissingRequiredClaimError: "claim missing",
}
"""Which part of a token is wrong, by its name in the JWT; never its value."""


def _key_for(header: Mapping[str, Any], keys: KeySet) -> PublicKey:
    if "crit" in header:
        # RFC 7515, 4.1.11: extensions that must be understood, of which we understand none.
        raise TokenInvalid(problem="crit")
    key = keys.find(header.get("kid"))
    if key is None:
        raise TokenInvalid(problem="kid")
    return key


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
