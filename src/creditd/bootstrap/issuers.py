"""Whose tokens a process believes."""

from collections.abc import Callable, Mapping
from pathlib import Path

from creditd.config import Config
from creditd.server.authentication.issuers import Issuer
from creditd.server.authentication.key_fetcher import KeyFetcher
from creditd.server.authentication.keys import KeySet, read_public_keys
from creditd.server.authentication.outside_issuers import InvalidIssuer, read_outside_issuers
from creditd.server.authentication.tokens import TokenVerifier
from creditd.telemetry.statistics import KeyStatistics


class Issuers:
    """Whose tokens a process believes: the owner of the key files, outside issuers, and who else is added."""

    def __init__(self, config: Config) -> None:
        """Read the files that the settings name. Raises InvalidKey, InvalidIssuer, OSError."""
        outside = read_outside_issuers(Path(config.issuers_file)) if config.issuers_file else ()
        self._fetcher = KeyFetcher(outside)
        self._issuers: dict[str, Issuer] = {}
        if config.jwt_public_key_files:
            keys = KeySet(read_public_keys(map(Path, config.jwt_public_key_files)))
            self.add(Issuer(keys, config.jwt_issuer, config.jwt_audience))
        for one, keys in zip(outside, self._fetcher.key_sets, strict=True):
            self.add(Issuer(keys, one.name, one.audience, one.claims))

    def add(self, issuer: Issuer) -> None:
        """Believe one more, before any verifier is made. Raises InvalidIssuer for a name that another one has."""
        if issuer.name in self._issuers:
            raise InvalidIssuer(f"there are two issuers of the name {issuer.name!r}")
        self._issuers[issuer.name] = issuer

    def verifier(self, clock: Callable[[], float]) -> TokenVerifier:
        """Return a verifier for one thread; ``clock`` tells the seconds since the Unix epoch."""
        return TokenVerifier(self._issuers.values(), clock=clock)

    @property
    def statistics(self) -> Mapping[str, KeyStatistics]:
        """What is known of the keys of each outside issuer, by its name."""
        return self._fetcher.statistics

    def start(self) -> None:
        """Begin to fetch the keys of outside issuers."""
        self._fetcher.start()

    def wait(self) -> None:
        """Wait until the keys of each have been asked for once, for a few seconds at most. Blocks."""
        self._fetcher.wait()

    def close(self) -> None:
        """Fetch no more. Blocks for a moment."""
        self._fetcher.close()
