"""Certificates for development: a local authority, and what it signs for a server and for clients."""

import ipaddress
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY: Final = "ca"
SERVER: Final = "server"

BEGINS_BEFORE: Final = timedelta(minutes=5)
"""Clocks of the machines that are to take them differ by seconds."""


class CertificatePlan(NamedTuple):
    """Whom certificates are for: the server's names and addresses, clients by name, and their SPIFFE trust domain."""

    server_names: tuple[str, ...]
    clients: tuple[str, ...]
    trust_domain: str
    days: int


class _Issued(NamedTuple):
    certificate: x509.Certificate
    key: EllipticCurvePrivateKey


def issue(wanted: CertificatePlan) -> Mapping[str, bytes]:
    """Return what goes into files, by their names: an authority, a server and clients, each a certificate and a key.

    A certificate of a client names it by a SPIFFE URI and by a DNS name, either of which may stand for its principal.
    """
    # TLS judges validity by wall clocks.
    now = datetime.now(UTC)  # noqa: TID251
    end = now + timedelta(days=wanted.days)
    authority = _authority(now - BEGINS_BEFORE, end)
    made = {AUTHORITY: authority}
    for name in (SERVER, *wanted.clients):
        own = [f"{name}.{wanted.trust_domain}"] if name != SERVER else wanted.server_names
        names = [_name(one) for one in own]
        names.append(x509.UniformResourceIdentifier(f"spiffe://{wanted.trust_domain}/{name}"))
        made[name] = _signed(name, names, authority, end, is_server=name == SERVER)
    return {file: content for name, issued in made.items() for file, content in _files(name, issued)}


def _authority(begin: datetime, end: datetime) -> _Issued:
    key = generate_private_key(SECP256R1())
    name = _subject("creditd development authority")
    certificate = (
        _builder(name, name, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Issued(certificate, key)


def _signed(
    name: str, names: Iterable[x509.GeneralName], authority: _Issued, end: datetime, *, is_server: bool
) -> _Issued:
    key = generate_private_key(SECP256R1())
    issuer = authority.certificate
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
    certificate = (
        _builder(_subject(name), issuer.subject, key, issuer.not_valid_before_utc, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return _Issued(certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _name(name: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _files(name: str, issued: _Issued) -> Iterable[tuple[str, bytes]]:
    yield f"{name}.pem", issued.certificate.public_bytes(Encoding.PEM)
    yield f"{name}.key", issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_new(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files that only their owner can read into a folder, made if it is missing: all of them, or none.

    Raises FileExistsError, naming it, if one is there already; OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            written.append(folder / name)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
    except BaseException:
        for file_of_ours in written:
            file_of_ours.unlink(missing_ok=True)
        raise
