"""The executors of a process, by its configuration."""

from collections.abc import Callable, Mapping

from creditd.config import Config
from creditd.config.executor_rules import executor_addresses
from creditd.executors.channel import ExecutorCertificates, ExecutorPlace
from creditd.executors.executors import Executors
from creditd.telemetry.statistics import ExecutorStatistics


def make_executors(
    config: Config, statistics: Mapping[str, ExecutorStatistics], seconds: Callable[[], float]
) -> Executors:
    """Return the executors that are configured, on the event loop that calls them. Raises InvalidCertificate, OSError.

    With authorities all are called over TLS but those named; without any, none.
    """
    places = [
        ExecutorPlace(name, address, bool(config.executors_tls_ca_file) and name not in config.plaintext_executors)
        for name, address in executor_addresses(config.executors).items()
    ]
    return Executors(places, executor_certificates(config), statistics, seconds)


def executor_certificates(config: Config) -> ExecutorCertificates:
    """Return the files of the TLS that executors are called by."""
    return ExecutorCertificates(
        config.executors_tls_ca_file, config.executors_tls_certificate_file, config.executors_tls_key_file
    )
