"""The secrets of endpoints: encrypted where they are stored, and bound to their endpoint."""

from contextlib import suppress
from typing import Protocol

from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.events.event_errors import EventEndpointsOff
from creditd.domain.instant import Instant
from creditd.service.deliveries.signatures import new_secret
from creditd.storage.events.event_endpoints import Secrets

PURPOSE = "event endpoint"


class SecretUnreadable(Exception):
    """A secret was encrypted with another key than the configured one."""


class SecretCipher(Protocol):
    """Encrypts for one purpose and owner each."""

    def encrypt(self, purpose: str, owner: str, content: bytes) -> bytes:
        """Return the content encrypted."""

    def decrypt(self, purpose: str, owner: str, encrypted: bytes) -> bytes:
        """Return the content. Raises an error for what was encrypted otherwise."""


class EventSecrets:
    """Makes, encrypts and reads secrets."""

    def __init__(self, cipher: SecretCipher | None) -> None:
        """Encrypt by ``cipher``; None where no key is configured, so that there are no endpoints."""
        self._cipher = cipher

    def require(self) -> SecretCipher:
        """Return the cipher. Raises EventEndpointsOff."""
        if self._cipher is None:
            raise EventEndpointsOff
        return self._cipher

    def make(self, endpoint_key: str) -> tuple[bytes, bytes]:
        """Return a new secret, and the same encrypted. Raises EventEndpointsOff."""
        secret = new_secret()
        return secret, self.require().encrypt(PURPOSE, endpoint_key, secret)

    def in_force(self, endpoint: EventEndpoint, stored: Secrets, now: Instant) -> tuple[bytes, ...]:
        """Return the secrets that events are signed with at an instant: the present one first.

        Raises EventEndpointsOff; SecretUnreadable for a present one.
        """
        present = self._read(endpoint.endpoint_key, stored.present)
        if stored.former is not None and endpoint.rotation_end is not None and now < endpoint.rotation_end:
            # Rotating is what mends secrets that cannot be read: the former one may be such.
            with suppress(SecretUnreadable):
                return present, self._read(endpoint.endpoint_key, stored.former)
        return (present,)

    def _read(self, endpoint_key: str, encrypted: bytes) -> bytes:
        cipher = self.require()
        try:
            return cipher.decrypt(PURPOSE, endpoint_key, encrypted)
        except Exception as error:
            raise SecretUnreadable from error
