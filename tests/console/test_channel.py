"""The console's connection to the service: by mutual TLS, and never to a stranger."""

from pathlib import Path

import pytest

from tests.support.certificates import Identity, identity
from tests.support.console import running_console
from tests.support.patience import eventually
from tests.support.service import running_service


def written(folder: Path, name: str, content: bytes) -> str:
    """Write a file, and return its path."""
    file = folder / name
    file.write_bytes(content)
    return str(file)


@pytest.mark.requirement("G4", "I7")
def test_over_tls_each_side_shows_a_certificate(tmp_path: Path) -> None:
    authority, stranger = identity("authority"), identity("stranger")
    trusted = written(tmp_path, "authority.pem", authority.certificate_pem)

    def pair(name: str, signer: Identity) -> tuple[str, str]:
        made = identity(name, signer)
        return written(tmp_path, f"{name}.pem", made.certificate_pem), written(tmp_path, f"{name}.key", made.key_pem)

    served = dict(zip(("tls_certificate_file", "tls_key_file"), pair("server", authority), strict=True))
    with running_service(tmp_path, **served, tls_client_ca_file=trusted) as service:
        target = service.address.replace("127.0.0.1", "localhost")

        def health(authorities: str, signer: Identity) -> str:
            certificate, key = pair("console", signer)
            files = {"tls_ca_file": authorities, "tls_certificate_file": certificate, "tls_key_file": key}
            with running_console(service, target, **files) as console, console.browser() as browser:
                if (authorities, signer) == (trusted, authority):
                    eventually(lambda: browser.get("/healthz").json() == {"service": "reachable"})
                browser.get("/sign-in")
                browser.send("/sign-in", email="nobody@example.org", password="wrong horse")
                return browser.text

        # The service has answered, if only that it signs nobody in here.
        assert "The service does not answer" not in health(trusted, authority)
        assert "The service does not answer" in health(trusted, stranger)
        other = written(tmp_path, "stranger.pem", stranger.certificate_pem)
        assert "The service does not answer" in health(other, authority)
