"""The settings of the console."""

from typing import Final, NamedTuple
from urllib.parse import urlsplit

MIN_SESSION_SECONDS: Final = 60


class ConsoleSettings(NamedTuple):
    """Where to listen and which service to call, both ``host:port``; port 0 to listen on any free one.

    ``url`` is where browsers find the console, with the path before its own that a proxy passes on; empty for where it
    listens. ``cookie_key`` encrypts the cookies; a random one if empty. A session ends ``idle_seconds`` after the last
    page, and ``session_seconds`` after the sign-in. The files are PEM: with ``listen_tls_certificate_file`` HTTPS is
    served; with ``tls_ca_file`` the service has to show a certificate of that authority, without it has to be on a
    loopback address; ``tls_certificate_file`` is what the console shows itself (mutual TLS). With ``sso_issuer`` people
    sign in at an outside issuer too, to which the console is the client ``sso_client_id``.
    """

    listen: str
    service: str
    url: str = ""
    cookie_key: str = ""
    idle_seconds: int = 1_800
    session_seconds: int = 43_200
    tls_ca_file: str = ""
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    listen_tls_certificate_file: str = ""
    listen_tls_key_file: str = ""
    plaintext_listeners: tuple[str, ...] = ()
    sso_issuer: str = ""
    sso_client_id: str = ""
    sso_client_secret: str = ""
    sso_scopes: str = "openid email"


class PublicUrl(NamedTuple):
    """Where browsers find the console: the path before its own, and whether they speak TLS to it."""

    prefix: str
    is_encrypted: bool

    def path(self, path: str) -> str:
        """Return a path of the console's as a browser asks for it."""
        return self.prefix + path


def public_url(settings: ConsoleSettings) -> PublicUrl:
    """Return where browsers find it."""
    parts = urlsplit(settings.url)
    is_encrypted = parts.scheme == "https" if settings.url else bool(settings.listen_tls_certificate_file)
    return PublicUrl(parts.path.rstrip("/"), is_encrypted)
