"""The keys that access tokens are signed with: which of them signs at an instant, and which still verify. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditd.domain.instant import SECOND, Instant

AHEAD_SECONDS: Final = 600
"""From the day that a key is published to its first signature: those who keep our keys ask again within it."""

MARGIN_SECONDS: Final = 60
"""From the end of the last token that a key has signed to the end of the key: clocks differ."""


class TokenKey(NamedTuple):
    """A key of its ``kid``: published from ``create_time``, signing from ``sign_time``, trusted to ``expire_time``."""

    kid: str
    private_key: Ed25519PrivateKey
    create_time: Instant
    sign_time: Instant
    expire_time: Instant | None

    def is_trusted(self, now: Instant) -> bool:
        """Tell whether what it has signed is still good."""
        return self.expire_time is None or now < self.expire_time


def signer_of(keys: Iterable[TokenKey], now: Instant) -> TokenKey | None:
    """Return the key that signs at an instant: the latest whose turn has come."""
    turned = [key for key in keys if key.sign_time <= now and key.is_trusted(now)]
    return max(turned, key=lambda key: (key.sign_time, key.kid), default=None)


def trusted_of(keys: Iterable[TokenKey], now: Instant) -> tuple[TokenKey, ...]:
    """Return the keys that verify at an instant, those included that will only sign later."""
    return tuple(key for key in keys if key.is_trusted(now))


def end_of_others(sign_time: Instant, lifetime_seconds: int) -> Instant:
    """Return when the keys before one that signs from ``sign_time`` on have nothing left to verify."""
    return Instant(sign_time + (lifetime_seconds + MARGIN_SECONDS) * SECOND)
