"""Certificates in files: whether they can be used, and until when.

TLS judges them by this machine's wall clock, and so does this.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from creditd.telemetry.redaction import file_shown

log = logging.getLogger(__name__)

DAY_SECONDS: Final = 86_400.0

WARNING_DAYS: Final = 14
"""Programs renew certificates with a third of their 90 days left: one that has two weeks is forgotten."""

LEAST_PAUSE_SECONDS: Final = 1.0

CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; all that 1.3 has is as good. Whoever learns a key later reads nothing of before, and nothing can be
changed on the way: the same that gRPC takes."""


class InvalidCertificate(ValueError):
    """A file holds no certificate or key that can be used; the message names its setting and says why."""


class Validity(NamedTuple):
    """Until when what a setting names can be used."""

    setting: str
    end: datetime

    @property
    def seconds_left(self) -> float:
        """How long it can still be used; negative once it has expired."""
        return (self.end - _now()).total_seconds()


def fit_pair(certificate: tuple[str, str], key: tuple[str, str]) -> Validity:
    """Return until when a certificate with its chain can be used. Both are given as (name of the setting, PEM file).

    Raises InvalidCertificate if the file holds none, if one of the chain has expired or is not valid yet, and if the
    key is not the certificate's.
    """
    chain = _certificates(*certificate)
    for one in chain:
        _require_valid(*certificate, one)
    if _public_key(*key) != _spki(chain[0].public_key()):
        raise InvalidCertificate(f"{key[0]}: {key[1]} is not the key of the certificate in {certificate[1]}")
    return Validity(certificate[0], min(one.not_valid_after_utc for one in chain))


def fit_authorities(setting: str, file: str) -> Validity:
    """Return until when any of the authorities in a PEM file can be used.

    Raises InvalidCertificate if there is none that can be now; beside one that can, those that cannot do no harm.
    """
    found = _certificates(setting, file)
    now = _now()
    valid = [one for one in found if one.not_valid_before_utc <= now < one.not_valid_after_utc]
    if not valid:
        _require_valid(setting, file, found[0])
    return Validity(setting, max(one.not_valid_after_utc for one in valid))


class Renewals:
    """Certificates in files that something else renews: looked at again whenever the files have changed.

    Files that have become unfit leave what they held before in use: whoever renews them may be at it just now.
    """

    def __init__(self, files: Sequence[str], judge: Callable[[], tuple[Validity, ...]], *, tells: bool = True) -> None:
        """Look at the files, as ``judge`` does, which raises InvalidCertificate; ``tells``: what follows is logged."""
        self._files = [Path(file) for file in files if file]
        self._judge = judge
        self._tells = tells
        self._lock = threading.Lock()
        self._seen = self._look()
        self._validities = judge()

    @property
    def validities(self) -> tuple[Validity, ...]:
        """Until when what was last fit can be used."""
        self.take()
        return self._validities

    def take(self) -> bool:
        """Look at the files again if they have changed since; return whether what they hold now is to be used."""
        with self._lock:
            seen = self._look()
            if seen == self._seen:
                return False
            # Noted before they are read: what is written meanwhile is seen next time, and a complaint is made once.
            self._seen = seen
            try:
                self._validities = self._judge()
            except InvalidCertificate as error:
                if self._tells:
                    log.warning("what was renewed cannot be used, the certificate before stays in use: %s", error)
                return False
            if self._tells:
                log.info("the certificates were renewed", extra={"ends": min(self._validities, key=_end).end})
            return True

    def _look(self) -> list[tuple[int, int, int] | None]:
        """Return what changes with the files; None for one that is not there."""
        return [_mark(file) for file in self._files]


def server_context(certificate: tuple[str, str], key: tuple[str, str]) -> tuple[ssl.SSLContext, Renewals]:
    """Return what a server other than gRPC's speaks TLS 1.2 or newer with, and what follows its files.

    Both are given as (name of the setting, PEM file). What is renewed is shown from the next handshake on. Raises
    InvalidCertificate.
    """
    renewals = Renewals([certificate[1], key[1]], lambda: (fit_pair(certificate, key),))
    made = [_context(certificate[1], key[1])]

    def show_the_newest(connection: "ssl.SSLObject", name: str | None, context: ssl.SSLContext) -> None:
        del name, context
        if renewals.take():
            # Swapped again since they were judged: the next handshake looks at them.
            with suppress(OSError):
                made[0] = _context(certificate[1], key[1])
        connection.context = made[0]

    first = made[0]
    first.sni_callback = show_the_newest
    return first, renewals


def _context(certificate_file: str, key_file: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.load_cert_chain(certificate_file, key_file)
    return context


def _mark(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    # A volume that is swapped as a whole, as Kubernetes does, changes the number where time and size may not.
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _end(validity: Validity) -> datetime:
    return validity.end


async def warn_of_ends(look: Callable[[], Sequence[Validity]]) -> None:
    """Log a warning once a day of what ends within two weeks, and an error of what has ended, until cancelled."""
    while validities := look():
        for validity in validities:
            _warn(validity)
        await asyncio.sleep(pause_seconds(validities))


def pause_seconds(validities: Sequence[Validity]) -> float:
    """Return the seconds until the next check: a day, or less where something expires sooner."""
    ends = [validity.seconds_left for validity in validities if validity.seconds_left > 0]
    return max(LEAST_PAUSE_SECONDS, min([DAY_SECONDS, *ends]))


def _warn(validity: Validity) -> None:
    day = f"{validity.end:%Y-%m-%d %H:%M} UTC"
    if validity.seconds_left <= 0:
        log.error("%s has expired on %s: renew it", validity.setting, day)
    elif validity.seconds_left < WARNING_DAYS * DAY_SECONDS:
        log.warning("%s expires on %s: renew it", validity.setting, day)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - see above.


def _certificates(setting: str, file: str) -> list[x509.Certificate]:
    content = _content(setting, file)
    try:
        found = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise InvalidCertificate(f"{setting}: {file} holds no certificate in PEM") from error
    return found


def _public_key(setting: str, file: str) -> bytes:
    content = _content(setting, file)
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise InvalidCertificate(f"{setting}: {file} holds no private key in PEM without a password") from error
    return _spki(key.public_key())


def _spki(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded


def _content(setting: str, file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InvalidCertificate(f"{setting}: {file_shown(file)}: {error.strerror}") from None


def _require_valid(setting: str, file: str, certificate: x509.Certificate) -> None:
    now = _now()
    if now < certificate.not_valid_before_utc:
        begin = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise InvalidCertificate(f"{setting}: a certificate in {file} is not valid before {begin}")
    if now >= certificate.not_valid_after_utc:
        end = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
        raise InvalidCertificate(f"{setting}: a certificate in {file} has expired on {end}")
