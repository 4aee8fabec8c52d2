"""Certificates made for a test."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Identity:
    """A certificate with its key, in PEM."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        """The key as a file holds it."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as a file holds it."""
        return self.certificate.public_bytes(Encoding.PEM)


def identity(
    name: str,
    authority: Identity | None = None,
    *,
    begin: dt.timedelta = -DAY,
    end: dt.timedelta = DAY,
    names: Sequence[x509.GeneralName] = (x509.DNSName("localhost"),),
) -> Identity:
    """Make a certificate for a name, signed by an authority or by itself; it begins and ends so long after now.

    ``names`` are those that it is good for; none at all if there are none.
    """
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.certificate.subject if authority else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begin)
        .not_valid_after(now + end)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(authority.key if authority else key, hashes.SHA256())
    return Identity(key, certificate)
