"""The data folder of development (CREDITD_DATA_DIR): all that ``creditd run`` keeps from one start to the next.

- owner.lock: held by the `creditd run` that works on the folder, with its process id in it
- postgres/: the embedded PostgreSQL with its data, and with backups the spool of its log
- keys/: the key pair that development tokens are signed with
- page-token-secret: what page tokens are sealed with
- identity-key: what identity encrypts its secrets with
- creditd.log: the log of this start; creditd.log.1 is that of the one before
"""

import secrets
from pathlib import Path
from typing import NamedTuple

from creditd.cli.connection import Identity
from creditd.config import Config
from creditd.development.tokens import KID, LIFETIME_SECONDS, SigningKey, make_signing_key, sign_token


class DataFolder(NamedTuple):
    """The paths in a data folder; nothing is created before it is asked for."""

    path: Path

    @property
    def postgres(self) -> Path:
        """The folder of the embedded PostgreSQL."""
        return self.path / "postgres"

    @property
    def log(self) -> Path:
        """The log file of ``creditd run``."""
        return self.path / "creditd.log"

    @property
    def has_key(self) -> bool:
        """Whether there is a development key already."""
        return (self.path / "keys" / f"{KID}.key").exists()

    def signing_key(self) -> SigningKey:
        """Return the development key, made now if there is none."""
        return make_signing_key(self.path / "keys")

    def page_token_secret(self) -> str:
        """Return the page tokens' secret, made now if there is none. Call it with the folder held."""
        return self._secret("page-token-secret")

    def identity_key(self) -> str:
        """Return the key of identity's secrets, made now if there is none. Call it with the folder held."""
        return self._secret("identity-key")

    def _secret(self, name: str) -> str:
        file = self.path / name
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(32), encoding="ascii")
        return file.read_text(encoding="ascii")


def development_token(config: Config, identity: Identity, lifetime_seconds: int = LIFETIME_SECONDS) -> str:
    """Return a token that a server with these settings and the data folder's key trusts."""
    return sign_token(
        DataFolder(config.data_dir).signing_key(),
        identity.subject,
        identity.roles,
        identity.scopes,
        lifetime_seconds=lifetime_seconds,
        issuer=config.jwt_issuer,
        audience=config.jwt_audience,
    )
