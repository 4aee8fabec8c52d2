"""TLS handshakes of a client that offers as little as a test has it offer."""

import socket
import ssl
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.support.certificates import Identity
from tests.support.patience import patience

OLD: Final = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)

WEAK_CIPHER: Final = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384"
"""Of TLS 1.2, for keys as those of tests, with encryption and authentication apart (CBC)."""

_OF_OURS: Final = {"NO_PROTOCOLS_AVAILABLE", "CERTIFICATE_VERIFY_FAILED", "NO_CIPHERS_AVAILABLE"}
"""Why this end gives up before or after the server has had its say."""

SECONDS: Final = patience(20)


def handshake(
    address: str,
    authority: Identity,
    *,
    version: ssl.TLSVersion,
    ciphers: str = "ALL",
    client: Identity | None = None,
    protocol: str = "",
) -> tuple[str | None, str]:
    """Offer one version of TLS alone, and return the version and the cipher that came of it.

    Raises OSError, of which ssl.SSLError is one, if the server refuses, and AssertionError if this end would have.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.certificate_pem.decode())
    if client:
        _show(context, client)
    # The library's own floor would keep an old version from being offered at all.
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    if protocol:
        context.set_alpn_protocols([protocol])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    host, port = address.rsplit(":", 1)
    try:
        with (
            socket.create_connection((host, int(port)), SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as encrypted,
        ):
            cipher = encrypted.cipher()
            return encrypted.version(), cipher[0] if cipher else ""
    except ssl.SSLError as error:
        if error.reason in _OF_OURS:
            raise AssertionError(error.reason) from error
        raise


def _show(context: ssl.SSLContext, client: Identity) -> None:
    with TemporaryDirectory(prefix="handshake-") as folder:
        certificate, key = Path(folder, "client.crt"), Path(folder, "client.key")
        certificate.write_bytes(client.certificate_pem)
        key.write_bytes(client.key_pem)
        context.load_cert_chain(certificate, key)
