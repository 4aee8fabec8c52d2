"""The settings of the adapter."""

from collections.abc import Callable
from typing import NamedTuple

Token = Callable[[], str]
"""Gives the bearer token of the moment, of a SERVICE with the scope `payments.ingest`. Asked before each call."""


class WebhooksSettings(NamedTuple):
    """Where to listen and which service to call, both ``host:port``; port 0 to listen on any free one.

    The files are PEM. With ``listen_tls_certificate_file`` HTTPS is served; without, ``listen`` has to be on a loopback
    address, unless ``plaintext_listeners`` has ``webhooks``. With ``tls_ca_file`` the service has to show a certificate
    of that authority for its host's name; without, it has to be on a loopback address. Certificate and key are what the
    adapter shows itself (mutual TLS). ``address_calls_per_minute`` is how many webhooks of one address may be turned
    down in a minute; 0 for any number.
    """

    listen: str
    service: str
    tls_ca_file: str = ""
    tls_certificate_file: str = ""
    tls_key_file: str = ""
    listen_tls_certificate_file: str = ""
    listen_tls_key_file: str = ""
    plaintext_listeners: tuple[str, ...] = ()
    address_calls_per_minute: int = 0
