"""The gRPC server itself: its options, its port with or without TLS."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, Protocol

import grpc

from creditd.addresses import Listener, PlaintextExposed, require_encrypted
from creditd.certificates import InvalidCertificate, Renewals, Validity, fit_authorities, fit_pair
from creditd.server.headers import MAX_HEADER_BYTES
from creditd.server.request_sizes import LARGEST_BYTES

KEEPALIVE_SECONDS = 60
"""Finds dead connections behind load balancers, which commonly drop those idle for a few minutes."""

MIN_PING_INTERVAL_MILLISECONDS = 5_000
"""Clients may ping this often, with or without a call open. gRPC's documentation has clients ping no more often than
every 10 s; half of that leaves room for jitter. One that pings more often is cut off (GOAWAY too_many_pings)."""

MAX_CALLS_OF_A_CONNECTION = 256
"""At once, streams included; a client makes what is more wait on its side. Without a limit two connections without a
token, with 1,000 calls each, had good calls wait for 600 ms or cut off. Lower is not better: grpc's server counts a
call a moment longer than its client does and refuses some that come at the limit (REFUSED_STREAM, to their caller a
bare UNAVAILABLE), so that it stays above what a client has at once."""

MAX_PENDING_CALLS = 20_000
"""That wait to be looked at. Beyond it grpc cuts off whichever comes, good ones too and without a status; at its own
1,000 that was the answer to most good calls of a busy moment."""

IDLE_SECONDS = 300
"""A connection without a call is closed after so long (GOAWAY); its client makes another one with its next call."""

AGE_SECONDS = 3_600
"""A connection takes new calls for so long, then its client makes another one (GOAWAY): so that callers spread over
servers that are new. What runs on it goes on to its end."""

HANDSHAKE_SECONDS = 10
"""For TLS and the first HTTP/2 frames."""


class ListenError(Exception):
    """The port cannot be had; the message says why."""


class Tls(NamedTuple):
    """PEM files; with a client CA every client has to show a certificate of it (mutual TLS)."""

    certificate_file: str
    key_file: str
    client_ca_file: str = ""

    def validities(self) -> tuple[Validity, ...]:
        """Return until when each can be used. Raises InvalidCertificate, naming the setting."""
        own = ("CREDITD_TLS_CERTIFICATE_FILE", self.certificate_file), ("CREDITD_TLS_KEY_FILE", self.key_file)
        if not self.client_ca_file:
            return (fit_pair(*own),)
        return fit_pair(*own), fit_authorities("CREDITD_TLS_CLIENT_CA_FILE", self.client_ca_file)

    def renewals(self, *, tells: bool = True) -> Renewals:
        """Return what follows the files as they are renewed. Raises InvalidCertificate."""
        return Renewals([self.certificate_file, self.key_file, self.client_ca_file], self.validities, tells=tells)


MAX_ANSWER_BYTES = 8 * 1024 * 1024
"""Twice what gRPC's clients take unless told otherwise: no answer is meant to come near it."""


def server_options(*, shared_port: bool, most_connections: int) -> list[tuple[str, int]]:
    """Return the options of gRPC's core for a server that takes so many connections.

    ``shared_port``: several processes listen on one port.
    """
    return [
        ("grpc.so_reuseport", int(shared_port)),
        # What is somewhat too large is read and refused with an explanation; this is where the reading ends.
        ("grpc.max_receive_message_length", 2 * LARGEST_BYTES),
        ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
        # Well-behaved clients keep to these by themselves; read_headers holds all others to them.
        ("grpc.max_metadata_size", MAX_HEADER_BYTES),
        ("grpc.absolute_max_metadata_size", 2 * MAX_HEADER_BYTES),
        ("grpc.max_allowed_incoming_connections", most_connections),
        ("grpc.max_concurrent_streams", MAX_CALLS_OF_A_CONNECTION),
        ("grpc.server.max_pending_requests", MAX_PENDING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", MAX_PENDING_CALLS),
        ("grpc.max_connection_idle_ms", IDLE_SECONDS * 1_000),
        ("grpc.max_connection_age_ms", AGE_SECONDS * 1_000),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_SECONDS * 1_000),
        # It widens windows by what a connection could carry, which is what a caller makes of it.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1_000),
        # Also while no call is open: the connections that idle longest are those that load balancers drop.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", MIN_PING_INTERVAL_MILLISECONDS),
    ]


class Listening(Protocol):
    """A server that can be bound to a port."""

    def add_insecure_port(self, address: str) -> int:
        """Bind in plaintext, and return the port. Raises RuntimeError."""

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        """Bind with TLS, and return the port. Raises RuntimeError."""


def listen(server: Listening, address: str, tls: Tls | None, *, plaintext_listeners: Collection[str] = ()) -> int:
    """Bind a server to ``host:port``, and return the port.

    Raises ListenError for a port that is taken, for plaintext on an address that others can reach unless
    ``plaintext_listeners`` has ``grpc``, and for certificates that cannot be used: grpc would serve an expired one in
    silence.
    """
    try:
        require_encrypted(Listener.GRPC, address, has_tls=tls is not None, plaintext_listeners=plaintext_listeners)
        if tls is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, _credentials(tls))
    except (PlaintextExposed, InvalidCertificate) as error:
        raise ListenError(str(error)) from error
    except RuntimeError as error:
        message = f"cannot listen on {address}: is another server running there?"
        raise ListenError(message) from error


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    """Return what each handshake looks at anew, so that renewed files are served without a restart."""
    renewals = tls.renewals()

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        try:
            return _configuration(tls) if renewals.take() else None
        except OSError:
            # They were swapped again since they were judged: the next handshake looks at them.
            return None

    # grpc's TLS is 1.2 or newer, without an option for less.
    return grpc.dynamic_ssl_server_credentials(
        _configuration(tls),
        renewed,  # type: ignore[arg-type]  # None is for what has not changed, as the library has it.
        require_client_authentication=bool(tls.client_ca_file),
    )


def _configuration(tls: Tls) -> grpc.ServerCertificateConfiguration:
    pair = (Path(tls.key_file).read_bytes(), Path(tls.certificate_file).read_bytes())
    client_ca = Path(tls.client_ca_file).read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_certificate_configuration([pair], client_ca)
