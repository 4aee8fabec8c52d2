"""The secrets of endpoints: encrypted where they are stored, and bound to their endpoint."""

from typing import Protocol

from creditd.domain.event_endpoint import EventEndpoint
from creditd.domain.event_errors import EventEndpointsOff
from creditd.domain.instant import Instant
from creditd.service.deliveries.signatures import new_secret
from creditd.storage.event_endpoints import Secrets

PURPOSE = "event endpoint"


class Cipher(Protocol):
    """Encrypts for one purpose and owner each."""

    def encrypt(self, purpose: str, owner: str, content: bytes) -> bytes:
        """Return the content encrypted."""

    def decrypt(self, purpose: str, owner: str, encrypted: bytes) -> bytes:
        """Return the content."""


class EventSecrets:
    """Makes, encrypts and reads secrets."""

    def __init__(self, cipher: Cipher | None) -> None:
        """Encrypt by ``cipher``; None where no key is configured, so that there are no endpoints."""
        self._cipher = cipher

    @property
    def _required(self) -> Cipher:
        if self._cipher is None:
            raise EventEndpointsOff
        return self._cipher

    def new(self, endpoint_id: str) -> bytes:
        """Return a new secret, encrypted. Raises EventEndpointsOff."""
        return self._required.encrypt(PURPOSE, endpoint_id, new_secret())

    def read(self, endpoint_id: str, encrypted: bytes) -> bytes:
        """Return a secret. Raises EventEndpointsOff; an error of the cipher's if the key was changed."""
        return self._required.decrypt(PURPOSE, endpoint_id, encrypted)

    def in_force(self, endpoint: EventEndpoint, stored: Secrets, now: Instant) -> tuple[bytes, ...]:
        """Return the secrets that events are signed with at an instant: the present one first."""
        present = self.read(endpoint.endpoint_id, stored.present)
        if stored.former is None or endpoint.rotation_end is None or endpoint.rotation_end <= now:
            return (present,)
        return present, self.read(endpoint.endpoint_id, stored.former)
