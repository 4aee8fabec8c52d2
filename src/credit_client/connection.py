"""How a channel to the service is made: encrypted, kept alive, and spread over the servers that are healthy."""

import json
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import grpc

KEEPALIVE_SECONDS: Final = 12
"""How often a silent connection is probed; the service allows it every 10 s, with or without a call open. A dead one is
known well before the Confirm of a block is given up."""

KEEPALIVE_TIMEOUT_SECONDS: Final = 5
"""A connection on which nothing is acknowledged for as long is dead, and another one is made."""

MAX_RECONNECT_SECONDS: Final = 2
"""The longest pause between tries to reach a server: gRPC's own two minutes would outlast its restart by far."""

HEALTH_SERVICE: Final = "credit.v1.CreditService"

_SERVICE_CONFIG: Final = json.dumps(
    {
        # Tries are our own, so it has none: gRPC's know no deadline for all together, and end before a restart is over.
        "loadBalancingConfig": [{"round_robin": {}}],
        # A server that says that it does not serve is passed over; one without the health service is taken as healthy.
        "healthCheckConfig": {"serviceName": HEALTH_SERVICE},
    }
)


@dataclass(frozen=True)
class Tls:
    """How to speak TLS; the files are PEM, and read when the client is made.

    ``ca_file`` names the authorities to know the server by, in place of those that gRPC brings. ``certificate_file``
    and ``key_file`` are what the server is shown (mutual TLS); both or none.
    """

    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    def credentials(self) -> grpc.ChannelCredentials:
        """Return them as gRPC takes them. Raises OSError for a file that cannot be read, ValueError for half a pair."""
        if bool(self.certificate_file) != bool(self.key_file):
            raise ValueError("certificate_file and key_file go together")
        return grpc.ssl_channel_credentials(
            root_certificates=_content(self.ca_file),
            private_key=_content(self.key_file),
            certificate_chain=_content(self.certificate_file),
        )


def credentials_for(target: str, *, tls: Tls | bool | None) -> grpc.ChannelCredentials | None:
    """Return the credentials of a channel; None for plaintext.

    Unless it is said whether to speak TLS, plaintext stays on this machine: a token is as good as a password.
    """
    if tls is None:
        tls = not stays_here(target)
    if isinstance(tls, bool):
        return Tls().credentials() if tls else None
    return tls.credentials()


def options() -> list[tuple[str, int | str]]:
    """Return the options of a channel."""
    return [
        # The address given is the one called: a proxy named by the environment would see the tokens.
        ("grpc.enable_http_proxy", 0),
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_SECONDS * 1_000),
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1_000),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1_000),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_SECONDS * 1_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]


def stays_here(target: str) -> bool:
    """Return whether all that a target of gRPC's names is on this machine."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    for scheme in ("dns:///", "dns:", "ipv4:", "ipv6:"):
        target = target.removeprefix(scheme)
    return all(_is_loopback(address) for address in target.split(","))


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]") or address
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _content(file: str) -> bytes | None:
    return Path(file).read_bytes() if file else None
