"""Callers who show a certificate of their own in place of a token (mutual TLS): services, by a name in it."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from cryptography.x509 import load_pem_x509_certificate

from creditd.domain.controls.access import MAX_SERVICE_ACCOUNTS
from creditd.server.authentication.callers import LEEWAY_SECONDS, Caller
from creditd.server.refusals import TokenInvalid

AuthContext = Mapping[str, Iterable[bytes]]
"""What gRPC's core knows of a connection, by property: of its certificate only what TLS has verified."""

REMEMBERED_CERTIFICATES: Final = 1_024
"""Whose end is not read anew at each call. A service has a certificate for each of its processes."""

REMEMBERED_CALLERS: Final = MAX_SERVICE_ACCOUNTS
"""As many as there may be service accounts."""

_SPIFFE: Final = "spiffe://"

_DNS: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
"""One name of one host: no wildcard, and nothing that could be taken for a URI."""


class Connection(Protocol):
    """Where a call comes from."""

    def auth_context(self) -> AuthContext:
        """Return what TLS says of the caller; nothing on a connection in plaintext."""


class ShownCertificate(NamedTuple):
    """Who calls, as a certificate says: by which of its names, and until when, in seconds since the Unix epoch."""

    caller: Caller
    name: str
    end: float


class ClientCertificates:
    """Turns what a caller shows in place of a token into a service account."""

    def __init__(self, service_account_of: Callable[[str], str | None], *, clock: Callable[[], float]) -> None:
        """Ask ``service_account_of`` for the id of the service account whose certificates have a name.

        ``clock`` tells the seconds since the Unix epoch.
        """
        self._service_account_of = service_account_of
        self._clock = clock
        self._callers: dict[str, Caller] = {}

    def verify(self, auth_context: AuthContext) -> ShownCertificate:
        """Return who calls.

        Raises TokenInvalid, also for a certificate that has expired since the connection was made.
        """
        pem = _only(auth_context, "x509_pem_cert")
        if pem is None:
            raise TokenInvalid(problem="missing")
        name = certificate_name_of(auth_context)
        if name is None:
            raise TokenInvalid(problem="certificate")
        shown = ShownCertificate(self._caller(name), name, _end_of(pem))
        self.require_good(shown)
        return shown

    def require_good(self, shown: ShownCertificate) -> None:
        """Raise TokenInvalid if a certificate has ended, or its name is not that service account's any more."""
        if self._clock() >= shown.end or self._service_account_of(shown.name) != shown.caller.subject:
            raise TokenInvalid(problem="certificate")

    def _caller(self, name: str) -> Caller:
        """Return the caller of a name: always the same object, by which others remember what they know of it."""
        account = self._service_account_of(name)
        if account is None:
            raise TokenInvalid(problem="certificate")
        caller = self._callers.get(account)
        if caller is None:
            if len(self._callers) >= REMEMBERED_CALLERS:
                self._callers.clear()
            caller = self._callers[account] = Caller(account, frozenset({"SERVICE"}), frozenset(), account)
        return caller


def certificate_name_of(auth_context: AuthContext) -> str | None:
    """Return the name in a certificate that says who shows it: its SPIFFE id, else its DNS name in small letters.

    None if it has neither, or several, so that it is never left to chance which one counts.
    """
    if any(uri.startswith(_SPIFFE.encode()) for uri in auth_context.get("peer_uri", ())):
        # The core gives the id only for a certificate that has one URI and no other, as SPIFFE wants it.
        spiffe = _text(_only(auth_context, "peer_spiffe_id"))
        return spiffe if spiffe.startswith(_SPIFFE) else None
    name = _text(_only(auth_context, "peer_dns")).lower()
    return name if _DNS.fullmatch(name) else None


def _only(auth_context: AuthContext, name: str) -> bytes | None:
    values = tuple(auth_context.get(name, ()))
    return values[0] if len(values) == 1 else None


def _text(value: bytes | None) -> str:
    return "" if value is None else value.decode("ascii", "replace")


@lru_cache(REMEMBERED_CERTIFICATES)
def _end_of(pem: bytes) -> float:
    return load_pem_x509_certificate(pem).not_valid_after_utc.timestamp() + LEEWAY_SECONDS
