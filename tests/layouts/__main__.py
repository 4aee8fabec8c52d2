"""``python -m tests.layouts URL``: tries a database with the layout of Citus, and says what works, in a table.

It prepares the database: migrations, and where it has the extension, the steps of `creditd distribute`. URL is of a
superuser. It leaves accounts behind.
"""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from creditd.cli.main import main as creditd
from creditd.cli.output import say
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.distribution import cluster_of
from creditd.storage.schema import migrate
from tests.layouts.conformance import Finding, findings
from tests.layouts.recorder import Recorder
from tests.support.patience import eventually
from tests.support.service import RunningService, running_service

SERVERS = 2


def prepared(url: str) -> str:
    """Migrate a database, and distribute it where it can be; return in a line what it is."""
    migrate(url)
    with closing(Database(DatabaseSettings(url, "", pool_size=1))) as database:
        try:
            with database.autocommit() as connection:
                cluster = cluster_of(connection)
        except UnsuitableDatabase as error:
            return f"one PostgreSQL: {error}"
    os.environ["CREDITD_DATABASE_URL"] = url
    if creditd(["distribute", "--apply"]):
        sys.exit("it could not be distributed")
    return f"Citus {cluster.version}, {cluster.workers} workers"


@contextmanager
def served(url: str) -> Iterator[list[RunningService]]:
    """Run servers on the database until the block ends."""
    settings: dict[str, Any] = {
        "database_url": url,
        "database_layout": "citus",
        "database_lanes": 4,
        "as_given": True,
        "migrated": False,
        "require_least_privilege": False,
        "credit_types": {"chat": 0, "quiz_gen": 0},
    }
    with ExitStack() as running:
        services = []
        for _ in range(SERVERS):
            folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="creditd-layouts-")))
            services.append(running.enter_context(running_service(folder, **settings)))
        for service in services:
            eventually(lambda service=service: service.server.health.serving)
        yield services


def tried(url: str) -> list[Finding]:
    """Make all checks, and print what each has found as it comes."""
    found = []
    with Recorder().hearing() as recorder, served(url) as (here, there):
        recorder.heard.clear()
        for finding in findings(here, there, url, recorder):
            word = "works" if finding.works else "FAILS"
            say(f"{word:6}  {finding.name:95}  {finding.remark}".rstrip())
            found.append(finding)
    return found


def main(url: str) -> int:
    """Try a database; return 0 if all works."""
    logging.basicConfig(level=logging.ERROR)
    with psycopg.connect(url) as connection:
        version = connection.info.server_version // 10_000
    say(f"PostgreSQL {version}, {prepared(url)}")
    found = tried(url)
    works = sum(finding.works for finding in found)
    say(f"{works} of {len(found)} work")
    return 0 if works == len(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
