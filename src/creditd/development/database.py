"""What a service needs on a developer's machine, made if it is missing: database, keys, secret."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from creditd.backup.sealed_streams import InvalidBackupKey, read_key
from creditd.cli.migrate import bring_up_to_date, migrate_identity
from creditd.cli.output import MISUSED, CommandFailure
from creditd.config import Config
from creditd.development.data_folder import DataFolder
from creditd.development.log_spool import LogSpool
from creditd.development.postgres import EmbeddedPostgresError, embedded_postgres
from creditd.development.postgres.folder import hold
from creditd.development.postgres.logins import IDENTITY_LOGIN, server_url
from creditd.development.postgres.server import identity_url
from creditd.identity.storage.schema import IDENTITY


@contextmanager
def held(folder: DataFolder) -> Iterator[None]:
    """Hold a data folder, made if it is missing, for this process alone. Raises CommandFailure while it is held."""
    try:
        lock = hold(folder.path)
    except EmbeddedPostgresError as error:
        raise CommandFailure(f"{error} (CREDITD_DATA_DIR names it.)", MISUSED) from error
    except OSError as error:
        message = f"cannot use the data folder {folder.path} (CREDITD_DATA_DIR): {error.strerror}"
        raise CommandFailure(message, MISUSED) from error
    with lock:
        yield


@contextmanager
def ready_to_serve(config: Config, folder: DataFolder) -> Iterator[Config]:
    """Run the embedded PostgreSQL unless a database is configured, migrate, and add the development key and secret.

    The embedded one is served by a login that may do nothing but serve.

    Gives the configuration with all of that in it. Raises CommandFailure.
    """
    with ExitStack() as stack:
        owner_url = config.database_url or stack.enter_context(_embedded(config, folder))
        bring_up_to_date(owner_url)
        # One that is given has logins of its own: which of them serves, its owner says.
        url = config.database_url or server_url(owner_url)
        if not config.database_url or config.identity_database_url:
            config = _with_identity(config, folder, owner_url)
        public_key = str(folder.signing_key().public_file)
        yield replace(
            config,
            database_url=url,
            backup_database_url=config.backup_database_url or owner_url,
            jwt_public_key_files=(*config.jwt_public_key_files, public_key),
            page_token_secret=config.page_token_secret or folder.page_token_secret(),
            # Nobody balances load over this server, so nobody has to notice that it goes.
            drain_seconds=0.0,
        )


def _with_identity(config: Config, folder: DataFolder, url: str) -> Config:
    """Return a configuration with identity's database beside that of a URL, migrated, unless it has one elsewhere."""
    owned = config.identity_database_url or identity_url(url)
    migrate_identity(replace(config, identity_database_url=owned))
    return replace(
        config,
        identity_database_url=config.identity_database_url or server_url(owned, IDENTITY.role, IDENTITY_LOGIN),
        identity_key_encryption_key=config.identity_key_encryption_key or folder.identity_key(),
    )


@contextmanager
def _embedded(config: Config, folder: DataFolder) -> Iterator[str]:
    spool = _spool(config, folder)
    with ExitStack() as stack:
        if spool:
            # Last of all: PostgreSQL hands over what it has as it shuts down.
            spool.start()
            stack.callback(spool.close)
        try:
            url = stack.enter_context(
                embedded_postgres(folder.postgres, own_account=True, revived=True, log_spool=spool)
            )
        except EmbeddedPostgresError as error:
            raise CommandFailure(str(error)) from error
        yield url


def _spool(config: Config, folder: DataFolder) -> LogSpool | None:
    """Return what archives the log of the embedded PostgreSQL, if there is a folder of backups."""
    if not config.backup_folder:
        return None
    try:
        key = read_key(Path(config.backup_key_file)) if config.backup_key_file else None
    except InvalidBackupKey as error:
        message = f"CREDITD_BACKUP_KEY_FILE: {error}"
        raise CommandFailure(message, MISUSED) from error
    postgres = folder.postgres.absolute()
    return LogSpool(postgres / "log-spool", postgres / "cluster" / "pg_wal", Path(config.backup_folder), key)
