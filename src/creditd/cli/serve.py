"""``creditd serve``: the service as in production, configured by the environment; flags go over it."""

import argparse
import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Final, TypeVar

import uvloop

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.output import DONE, MISUSED, CommandFailure
from creditd.cli.processes import Workers, held_port, require_free_port
from creditd.cli.server import CREDIT, IDENTITY, serving
from creditd.cli.signals import told_to_stop
from creditd.config import Config, configuration, require
from creditd.config.environment import with_secret
from creditd.server.listener import ListenError
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import configure_logs

log = logging.getLogger(__name__)

_REQUIRED: Final = {"database_url": "such as postgresql://user@host/name, prepared by `creditd migrate`"}

_KEYS: Final = {
    "jwt_public_key_files": "PEM files of the keys that tokens are signed for, their names being the key ids",
}

_LIFELINE: Final = 0
"""A worker's standard input is a pipe that closes when the process that started it is gone."""

Answer = TypeVar("Answer")


def command(argv: Sequence[str]) -> int:
    """Serve until told to stop; 0 if that went in order."""
    arguments = command_parser().parsed(argv)
    flags = {"listen": arguments.listen, "metrics_listen": arguments.metrics_listen, "workers": arguments.workers}
    config = configuration(flags)
    config = _with_services(config, arguments.services)
    lines = configure_logs(config.log_level)
    try:
        config = _with_page_token_secret(config)
        if arguments.worker is None and config.workers > 1:
            return _supervise(config, arguments.services)
        if arguments.worker is None:
            _require_free_port(config.listen)
        return run_loop(lambda: _serve(config, lines, arguments.worker))
    finally:
        lines.close()


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("serve", __doc__)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve gRPC (CREDITD_LISTEN)")
    parser.add_argument("--metrics-listen", metavar="HOST:PORT", help="where to serve metrics, '' for nowhere")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the port (CREDITD_WORKERS)")
    parser.add_argument(
        "--services",
        type=_services,
        default=(),
        metavar="NAME,...",
        help="credit, identity; without it credit, and identity if it is configured",
    )
    parser.completed["services"] = lambda: (CREDIT, IDENTITY)
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser


def _services(text: str) -> tuple[str, ...]:
    return tuple(map(one_of((CREDIT, IDENTITY)), text.split(",")))


def _with_services(config: Config, services: tuple[str, ...]) -> Config:
    """Return a configuration of these services; if none is named, of credits, and of identity if it is configured.

    Raises ConfigError. Identity is served alone to whoever asks for that: a ledger's database that is not named is more
    likely to be forgotten.
    """
    if IDENTITY in services:
        require(config, {"identity_database_url": "identity's own database, prepared by `creditd migrate`"})
    elif services:
        config = replace(config, identity_database_url="")
    if services and CREDIT not in services:
        return replace(config, database_url="")
    require(config, _REQUIRED if config.issuers_file or config.identity_database_url else _REQUIRED | _KEYS)
    return config


def _with_page_token_secret(config: Config) -> Config:
    if config.page_token_secret:
        return config
    log.warning(
        "CREDITD_PAGE_TOKEN_SECRET is not set: page tokens end with this process, and other servers refuse them"
    )
    return replace(config, page_token_secret=secrets.token_hex(32))


def _require_free_port(address: str) -> None:
    """Check the port first: grpc would report it in its own words on standard error."""
    try:
        if not address.startswith("unix:"):
            require_free_port(address)
    except ListenError as error:
        raise CommandFailure(f"{error}; is another server running there?", MISUSED) from error


async def _serve(config: Config, lines: LineWriter, worker: int | None) -> int:
    told = told_to_stop(None if worker is None else _LIFELINE)
    async with AsyncExitStack() as stack:
        async with told.unless_told():
            await stack.enter_async_context(serving(config, lines, worker))
        await told.wait()
    return DONE


def _supervise(config: Config, services: tuple[str, ...]) -> int:
    try:
        with held_port(config.listen) as address:
            environment = with_secret(os.environ, "page_token_secret", config.page_token_secret)
            flags = ["--listen", address, "--metrics-listen", config.metrics_listen]
            flags += ["--services", ",".join(services)] if services else []
            # -P: a file in the working folder that is called like a module of ours is not taken for it.
            serve = [sys.executable, "-P", "-m", "creditd.cli", "serve", *flags, "--worker"]
            workers = Workers(lambda index: [*serve, str(index)], environment, config.workers, hopeless=MISUSED)
            return asyncio.run(_run(workers))
    except ListenError as error:
        raise CommandFailure(str(error), MISUSED) from error


async def _run(workers: Workers) -> int:
    return await workers.run(told_to_stop())


def run_loop(main: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run the one event loop of this process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
