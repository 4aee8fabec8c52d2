"""The certificates that a server shows: on gRPC's port, and where its metrics are."""

import ssl
from collections.abc import Iterator, Sequence

from creditd.bootstrap.executors import executor_certificates
from creditd.certificates import Renewals, Validity, fit_pair, server_context
from creditd.config import Config
from creditd.server.listener import Tls


def tls_of(config: Config) -> Tls | None:
    """Return the files of gRPC's TLS; None where plaintext is served."""
    if not config.tls_certificate_file:
        return None
    return Tls(config.tls_certificate_file, config.tls_key_file, config.tls_client_ca_file)


def metrics_context(config: Config) -> ssl.SSLContext | None:
    """Return what metrics are encrypted with; None where plaintext is served. Raises InvalidCertificate."""
    if not config.metrics_tls_certificate_file:
        return None
    context, _ = server_context(*_metrics_pair(config))
    return context


def _metrics_pair(config: Config) -> tuple[tuple[str, str], tuple[str, str]]:
    certificate = "CREDITD_METRICS_TLS_CERTIFICATE_FILE", config.metrics_tls_certificate_file
    return certificate, ("CREDITD_METRICS_TLS_KEY_FILE", config.metrics_tls_key_file)


class ShownCertificates:
    """Until when each certificate of a server can be used, followed as they are renewed."""

    def __init__(self, config: Config) -> None:
        """Follow those that a configuration names. Raises InvalidCertificate."""
        self._followed = tuple(_followed(config))

    @property
    def validities(self) -> Sequence[Validity]:
        """Return them, always in the same order."""
        return [validity for renewals in self._followed for validity in renewals.validities]


def _followed(config: Config) -> Iterator[Renewals]:
    """Yield what follows the files, and leaves it to those who show them to tell of a renewal."""
    if tls := tls_of(config):
        yield tls.renewals(tells=False)
    if config.metrics_tls_certificate_file:
        pair = _metrics_pair(config)
        yield Renewals([file for _, file in pair], lambda: (fit_pair(*pair),), tells=False)
    if config.executors_tls_ca_file:
        yield executor_certificates(config).renewals(tells=False)
