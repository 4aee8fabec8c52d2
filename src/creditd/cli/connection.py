"""How commands reach a server: a channel to its address, with or without TLS, and a token."""

import argparse
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc

from creditd.addresses import is_loopback, port_of
from creditd.certificates import InvalidCertificate, fit_authorities, fit_pair
from creditd.cli.arguments import one_of
from creditd.cli.invocation import creditd
from creditd.cli.output import MISUSED, CommandFailure, remark
from creditd.config import Config
from creditd.server.authentication.callers import ROLES
from creditd.server.authorization.policy import SCOPES, SERVICE
from creditd.telemetry.redaction import file_shown

Metadata = tuple[tuple[str, str], ...]


class Identity(NamedTuple):
    """Who a caller is: what a token made for a command says."""

    subject: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...] = ()


def everybody(subject: str) -> Identity:
    """Return an identity that may call every RPC: an administrator, and a service of every scope."""
    return Identity(subject, ("ADMIN", SERVICE), tuple(sorted(SCOPES)))


PROBE_SECONDS: Final = 3.0
"""Longest probe of whether a server speaks TLS."""


class Server(NamedTuple):
    """A server as a command is to reach it. The files are PEM; empty ones are not used."""

    address: str
    tls: bool
    ca_file: str
    certificate_file: str
    key_file: str


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags for the server's address and TLS."""
    parser.add_argument("--address", metavar="HOST:PORT", help="of the server (CREDITD_LISTEN)")
    parser.add_argument("--tls", action="store_true", help="speak TLS, also to this machine (CREDITD_CALL_TLS)")
    parser.add_argument("--ca", metavar="FILE", help="the authority to know the server by (CREDITD_CALL_TLS_CA_FILE)")
    parser.add_argument("--cert", metavar="FILE", help="what to show the server (CREDITD_CALL_TLS_CERTIFICATE_FILE)")
    parser.add_argument("--key", metavar="FILE", help="the key of --cert (CREDITD_CALL_TLS_KEY_FILE)")


def add_role_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags for the caller's roles and scopes."""
    for flag, words, note in (("--role", sorted(ROLES), ""), ("--scope", sorted(SCOPES), "of the role SERVICE; ")):
        parser.add_argument(
            flag,
            action="append",
            default=[],
            type=one_of(words),
            metavar="NAME",
            help=f"{note}may be given several times: {', '.join(words)}",
        )


def server_of(arguments: argparse.Namespace, config: Config) -> Server:
    """Return the server that flags and settings name. Raises CommandFailure unless they fit together."""
    address = arguments.address or config.listen
    ca_file = arguments.ca or config.call_tls_ca_file
    certificate_file = arguments.cert or config.call_tls_certificate_file
    key_file = arguments.key or config.call_tls_key_file
    if bool(certificate_file) != bool(key_file):
        raise CommandFailure("--cert and --key go together", MISUSED)
    wants_tls = bool(arguments.tls or config.call_tls or ca_file or certificate_file)
    return Server(address, wants_tls or not is_loopback(address), ca_file, certificate_file, key_file)


@contextmanager
def channel_to(server: Server) -> Iterator[grpc.Channel]:
    """Keep a channel until the block ends. Raises CommandFailure for a file that cannot be read."""
    if server.tls:
        channel = grpc.secure_channel(server.address, _credentials(server))
    else:
        channel = grpc.insecure_channel(server.address)
    with channel:
        yield channel


def _credentials(server: Server) -> grpc.ChannelCredentials:
    try:
        if server.ca_file:
            fit_authorities("--ca", server.ca_file)
        if server.certificate_file:
            fit_pair(("--cert", server.certificate_file), ("--key", server.key_file))
    except InvalidCertificate as error:
        raise CommandFailure(str(error), MISUSED) from error
    try:
        ca, key, certificate = (
            Path(file).read_bytes() if file else None
            for file in (server.ca_file, server.key_file, server.certificate_file)
        )
    except OSError as error:
        raise CommandFailure(f"{file_shown(error.filename)}: {error.strerror}", MISUSED) from None
    return grpc.ssl_channel_credentials(ca, key, certificate)


def no_answer(server: Server, error: grpc.RpcError) -> CommandFailure | None:
    """Return the failure of a call that no server of ours answered; None if one did."""
    call: Any = error
    if call.code() is not grpc.StatusCode.UNAVAILABLE or call.trailing_metadata():
        return None
    if not server.tls and _speaks_tls(server.address):
        return CommandFailure(f"the server at {server.address} speaks TLS: call it with --tls, or --ca FILE")
    if server.tls and _speaks_tls(server.address):
        return CommandFailure(
            f"the TLS handshake with {server.address} failed: {call.details()}. See --ca, --cert and --key"
        )
    return CommandFailure(f"no server answers at {server.address}: {call.details()}")


def _speaks_tls(address: str) -> bool:
    """Return whether a server answers a TLS handshake; its certificate does not matter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host = address.rpartition(":")[0].strip("[]")
    try:
        with (
            socket.create_connection((host, port_of(address)), timeout=PROBE_SECONDS) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return True
    except (OSError, ValueError):
        return False


def authorization(token: str | None, identity: Identity, config: Config) -> Metadata:
    """Return the metadata of a call: the token given, else that of the settings, else one signed now, else none."""
    token = token or config.call_token or _signed_now(identity, config)
    return (("authorization", f"Bearer {token}"),) if token else ()


def _signed_now(identity: Identity, config: Config) -> str | None:
    """Return a token signed with the development key; None, with a remark, where there is none."""
    try:
        # Late: an installation for production has no development part, and calls with --token.
        from creditd.development.data_folder import DataFolder, development_token  # noqa: PLC0415
    except ModuleNotFoundError:
        remark("no token: give one with --token, or in CREDITD_CALL_TOKEN")
        return None
    if not DataFolder(config.data_dir).has_key:
        remark(f"no token: {config.data_dir} has no development key (`{creditd()} run` makes one)")
        return None
    return development_token(config, identity)
