"""``creditd health``: whether the server of these settings, on this machine, serves; 0 if it does, 1 if not.

For whatever watches over a process and has no gRPC over TLS of its own, such as probes of Kubernetes.
"""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import grpc
from cryptography import x509
from grpc_health.v1 import health_pb2, health_pb2_grpc

from creditd.addresses import port_of
from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.config import Config, configuration
from creditd.telemetry.redaction import file_shown

TIMEOUT_SECONDS: Final = 3.0
"""For the answer, with the connection. A server that is fit answers from memory, and one that is not is to be found."""

_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - where nothing is bound.
"""By the address that stands for all of a machine's, the one by which it reaches itself."""


def command(argv: Sequence[str]) -> int:
    """Ask, and print the answer; a server that does not serve is a failure."""
    arguments = command_parser().parsed(argv)
    state = _state(configuration(), arguments.service)
    if state != "SERVING" and not arguments.alive:
        raise CommandFailure(state)
    say(state)
    return DONE


def command_parser() -> Arguments:
    """Return what reads the arguments."""
    parser = Arguments("health", __doc__)
    parser.add_argument("--service", default="", metavar="NAME", help="one service; without it all that are served")
    parser.add_argument("--alive", action="store_true", help="0 for a server that answers at all, serving or not")
    return parser


def _state(config: Config, service: str) -> str:
    """Return what the server says of itself. Raises CommandFailure if it says nothing."""
    with _channel(config) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=TIMEOUT_SECONDS
            )
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                raise CommandFailure(f"nothing is served by the name {service!r}", MISUSED) from error
            raise CommandFailure(f"no answer at {config.listen}: {error.details()}") from error
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def _channel(config: Config) -> grpc.Channel:
    if not config.tls_certificate_file:
        return grpc.insecure_channel(_here(config.listen))
    certificate, key = _read(config.tls_certificate_file), None
    if config.tls_client_ca_file:
        # Who asks has to show a certificate: another one of ours, or else the server's own.
        shown = config.call_tls_certificate_file or config.tls_certificate_file
        key = _read(config.call_tls_key_file or config.tls_key_file)
        own = _read(shown)
    else:
        own = None
    # The server is known by its own certificate rather than by who signed it: nothing else can have the key.
    credentials = grpc.ssl_channel_credentials(certificate, key, own)
    options = [("grpc.ssl_target_name_override", _name_in(certificate))]
    return grpc.secure_channel(_here(config.listen), credentials, options)


def _here(listen: str) -> str:
    """Return by which address this machine reaches what listens."""
    if listen.startswith("unix:"):
        return listen
    host = listen.rpartition(":")[0].strip("[]")
    return f"{_ANYWHERE[host]}:{port_of(listen)}" if host in _ANYWHERE else listen


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandFailure(f"{file_shown(file)}: {error.strerror}", MISUSED) from None


def _name_in(pem: bytes) -> str:
    """Return a name that a certificate is good for. Raises CommandFailure."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        raise CommandFailure("CREDITD_TLS_CERTIFICATE_FILE holds no certificate with a name", MISUSED) from None
    for name in names:
        if isinstance(name, x509.DNSName):
            return str(name.value).replace("*", "health")
        if isinstance(name, x509.IPAddress) and isinstance(name.value, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return str(name.value)
    raise CommandFailure("CREDITD_TLS_CERTIFICATE_FILE holds no certificate with a name", MISUSED)
