"""What commands look at when they start, looked at ahead of them: what files hold, and who could read what is served.

Each look is the function that the command itself calls. Nothing is connected to.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from creditd.addresses import Listener, PlaintextExposed, require_encrypted
from creditd.backup.sealed_streams import InvalidBackupKey, read_key
from creditd.certificates import InvalidCertificate, fit_authorities, fit_pair
from creditd.config.settings import Config, variable
from creditd.front.service_channel import require_known_service
from creditd.front.setting_errors import InvalidSetting
from creditd.server.audit_signature import InvalidAuditKey, read_audit_key
from creditd.server.authentication.key_fetcher import KeyFetcher
from creditd.server.authentication.keys import InvalidKey, read_public_keys
from creditd.server.authentication.outside_issuers import InvalidIssuer, read_outside_issuers
from creditd.storage.connections.conninfo import InvalidConninfo, judged
from creditd.telemetry.traces import NoOpenTelemetry, exporter_class
from creditd.webhooks.token_file import TokenFile

_PAIRS: Final = (
    "tls",
    "metrics_tls",
    "webhooks_listen_tls",
    "webhooks_tls",
    "console_listen_tls",
    "console_tls",
    "call_tls",
)
"""How the settings of a certificate and its key begin."""

_AUTHORITIES: Final = (
    "tls_client_ca_file",
    "webhooks_tls_ca_file",
    "console_tls_ca_file",
    "call_tls_ca_file",
    "rate_limits_redis_ca_file",
)

_LISTENERS: Final = {
    Listener.GRPC: ("listen", "tls_certificate_file"),
    Listener.METRICS: ("metrics_listen", "metrics_tls_certificate_file"),
    Listener.WEBHOOKS: ("webhooks_listen", "webhooks_listen_tls_certificate_file"),
    Listener.CONSOLE: ("console_listen", "console_listen_tls_certificate_file"),
}
"""By listener, the settings of its address and of its certificate."""


_REFUSALS: Final = (InvalidKey, InvalidAuditKey, InvalidIssuer, NoOpenTelemetry, InvalidSetting, InvalidBackupKey)


def faults_around(config: Config) -> Iterator[str]:
    """Yield in one line each what would keep a command from starting here."""
    yield from _encryption_faults(config)
    for name, look in _looks(config).items():
        if not getattr(config, name):
            continue
        try:
            look()
        except InvalidConninfo as error:
            yield f"{variable(name)} {error}"
        except _REFUSALS as error:
            yield f"{variable(name)}: {error}"
        except OSError:
            # That a file cannot be read is a fault of the setting itself, which is told there.
            continue


def _looks(config: Config) -> dict[str, Callable[[], object]]:
    """Return what a command makes of a setting at its start, by the setting."""
    return {
        "database_url": partial(judged, config.database_url),
        "identity_database_url": partial(judged, config.identity_database_url),
        "backup_database_url": partial(judged, config.backup_database_url),
        "backup_key_file": lambda: read_key(Path(config.backup_key_file)),
        "jwt_public_key_files": lambda: read_public_keys(map(Path, config.jwt_public_key_files)),
        "issuers_file": lambda: KeyFetcher(read_outside_issuers(Path(config.issuers_file))),
        "audit_key_file": partial(read_audit_key, config.audit_key_file),
        "otlp_endpoint": exporter_class,
        "webhooks_service": partial(
            require_known_service, config.webhooks_service, config.webhooks_tls_ca_file, "CREDITD_WEBHOOKS"
        ),
        "console_service": partial(
            require_known_service, config.console_service, config.console_tls_ca_file, "CREDITD_CONSOLE"
        ),
        "webhooks_token_file": lambda: TokenFile(Path(config.webhooks_token_file)),
    }


def _encryption_faults(config: Config) -> Iterator[str]:
    for name in (*_PAIRS, *_AUTHORITIES):
        try:
            _look(config, name)
        except InvalidCertificate as error:
            yield str(error)
    for listener, (address, certificate) in _LISTENERS.items():
        try:
            if getattr(config, address):
                has_tls = bool(getattr(config, certificate))
                require_encrypted(
                    listener,
                    getattr(config, address),
                    has_tls=has_tls,
                    plaintext_listeners=config.plaintext_listeners,
                )
        except PlaintextExposed as error:
            yield f"{variable(address)}: {error}"


def _look(config: Config, name: str) -> None:
    """Raise InvalidCertificate if what a setting names cannot be used."""
    if name in _AUTHORITIES:
        if getattr(config, name):
            fit_authorities(variable(name), getattr(config, name))
        return
    names = f"{name}_certificate_file", f"{name}_key_file"
    certificate, key = ((variable(one), getattr(config, one)) for one in names)
    if certificate[1] and key[1]:
        fit_pair(certificate, key)
