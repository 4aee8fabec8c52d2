"""``python -m creditd.development.local_server FOLDER``: a server for the tests of a program that calls us.

It has an embedded PostgreSQL in the folder, accounts that are new each time, and a clock that can be moved. On standard
input it is asked, on standard output it answers, in a line of JSON each; it ends with its input. First it says where it
serves: ``{"address": "127.0.0.1:34567"}``, or ``{"error": "..."}``. Then

- ``{"advance": 360}`` lets so many seconds pass at once
- ``{"token": "app", "roles": ["SERVICE"], "scopes": ["credits.spend"]}`` signs a token

Nothing of that is within reach of who calls over gRPC, and production has no development part. Where a production
database is configured beside one, it refuses to start.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import uvloop

from creditd.bootstrap import Core, Cores, Service
from creditd.cli.migrate import bring_up_to_date
from creditd.cli.output import CommandFailure
from creditd.config import Config, variable
from creditd.development.postgres import DataFolderInUse, EmbeddedPostgresError, embedded_postgres
from creditd.development.postgres.logins import server_url
from creditd.development.postgres.templates import from_template, template
from creditd.development.tokens import SigningKey, make_signing_key, sign_token
from creditd.ledger.clock import DatabaseClock
from creditd.storage.schema import schema_head
from creditd.telemetry.calls import CallObserver

DATABASE: Final = "creditd_tests"

# What tests commit need not outlive the machine.
_SETTINGS: Final[Mapping[str, str]] = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}

_UNLIMITED: Final[Mapping[str, Any]] = dict.fromkeys(
    ("user_calls_per_minute", "premium_calls_per_minute", "staff_calls_per_minute", "address_calls_per_minute"), 0
)
"""Tests make thousands of calls a minute, all from one address."""

_LIFETIME_SECONDS: Final = 10 * 366 * 86_400
"""Of a token: tests let months and years pass."""

_LOOK_SECONDS: Final = 0.02


class NotForProduction(Exception):
    """It is to be started where a production database is configured."""


def refuse_production(environment: Mapping[str, str]) -> None:
    """Raise NotForProduction if an environment is that of a server with a database of its own."""
    set_there = [name for name in map(variable, ("database_url", "identity_database_url")) if environment.get(name)]
    if set_there:
        raise NotForProduction(
            f"{' and '.join(set_there)} is set: a server for tests, whose clock anybody moves, does not start beside a "
            "database of production"
        )


@contextmanager
def prepared(folder: Path) -> Iterator[tuple[Config, SigningKey]]:
    """Run PostgreSQL until the block ends, and give the configuration to serve with, and the key of its tokens.

    Raises EmbeddedPostgresError, CommandFailure.
    """
    with ExitStack() as stack:
        url = template(stack.enter_context(_postgres(folder)), f"schema_{schema_head()}", bring_up_to_date)
        key = make_signing_key(folder / "keys")
        config = Config(
            database_url=server_url(from_template(url, DATABASE)),
            listen="127.0.0.1:0",
            jwt_public_key_files=(str(key.public_file),),
            page_token_secret=secrets.token_hex(32),
            drain_seconds=0.0,
            shutdown_grace_seconds=1.0,
            **_UNLIMITED,
        )
        yield config, key


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """Run PostgreSQL on the first data folder that nobody has. Gives the URL of its owner and an empty database."""
    for number in count():
        with ExitStack() as stack:
            try:
                url = stack.enter_context(embedded_postgres(folder / f"postgres-{number}", settings=_SETTINGS))
            except DataFolderInUse:
                continue
            yield url
            return


async def serve(config: Config, key: SigningKey) -> None:
    """Serve until there is no more input."""
    clock = DatabaseClock()
    with closing(Cores(Core(config, clock))) as cores:
        service = Service(cores)
        await service.start(_observe_nothing)
        try:
            # Of those who look at the database, this is the only one that has to know at once.
            while not service.health.serving:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
            _say({"address": f"127.0.0.1:{service.port}"})
            while line := await asyncio.to_thread(sys.stdin.readline):
                _say(answer(json.loads(line), clock, key))
        finally:
            await service.stop()


def answer(question: Mapping[str, Any], clock: DatabaseClock, key: SigningKey) -> dict[str, Any]:
    """Do what is asked for, and return what to say."""
    if "advance" in question:
        clock.advance(question["advance"])
        return {}
    roles, scopes = question["roles"], question["scopes"]
    return {"token": sign_token(key, question["token"], roles, scopes, lifetime_seconds=_LIFETIME_SECONDS)}


def main(argv: Sequence[str]) -> int:
    """Run, and return the exit code."""
    (folder,) = argv
    try:
        refuse_production(os.environ)
        with prepared(Path(folder)) as (config, key), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config, key))
    except (NotForProduction, EmbeddedPostgresError, CommandFailure) as error:
        _say({"error": str(error)})
        return 1
    return 0


def _observe_nothing(method: str) -> CallObserver:
    del method
    return CallObserver(lambda _: None, lambda _: None)


def _say(what: Mapping[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
