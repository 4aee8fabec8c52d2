"""Access tokens: JWTs that say who somebody is, and how that was shown. Not what they may do."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.identity.key_ring import KeyRing

PERSON_ROLES: Final = ("USER",)
"""What everybody is who has signed in. Other roles are stored with the accounts, and go within seconds when they are
revoked; in a token they would stay until its end."""

PASSWORD: Final = "pwd"  # noqa: S105 - the name of a way to sign in (RFC 8176).
ONE_TIME_CODE: Final = "otp"


class IssuedToken(NamedTuple):
    """A token, and when it ends."""

    text: str
    expire_time: Instant


class AccessTokens:
    """Issues access tokens."""

    def __init__(
        self,
        keys: KeyRing,
        now: Callable[[], Instant],
        make_id: Callable[[], str],
        *,
        issuer: str,
        audience: str,
        lifetime_seconds: int,
    ) -> None:
        """Sign by ``keys`` as ``issuer`` for ``audience``."""
        self._keys = keys
        self._now = now
        self._make_id = make_id
        self._issuer = issuer
        self._audience = audience
        self._lifetime_seconds = lifetime_seconds

    def issue(
        self,
        subject: str,
        auth_time: Instant,
        ways: Sequence[str] = (PASSWORD,),
        roles: Sequence[str] = PERSON_ROLES,
        person: str = "",
    ) -> IssuedToken:
        """Return a token of a subject who has shown who they are at ``auth_time``, in these ways (RFC 8176).

        ``person`` stands behind the subject; empty for the subject itself.
        """
        now = self._now() // SECOND
        end = now + self._lifetime_seconds
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "person": person or subject,
            "iat": now,
            "nbf": now,
            "exp": end,
            "jti": self._make_id(),
            "roles": list(roles),
            "scope": "",
            "amr": list(ways),
            "auth_time": auth_time // SECOND,
        }
        return IssuedToken(self._keys.sign(claims), Instant(end * SECOND))
