"""``creditd serve``: the service as in production, configured by the environment; flags go over it."""

import argparse
import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Final

from creditd.cli.failure import DONE, MISUSED, Failure
from creditd.cli.processes import Workers, held_port, require_free_port
from creditd.cli.serving import run_loop, serving
from creditd.cli.stopping import told_to_stop
from creditd.config import Config, configuration, require, variable
from creditd.config.environment import without_files
from creditd.server.listener import ListenError
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import configure_logs

log = logging.getLogger(__name__)

_REQUIRED: Final = {
    "database_url": "such as postgresql://user@host/name, prepared by `creditd migrate`",
    "jwt_public_key_files": "PEM files of the keys that tokens are signed for, their names being the key ids",
}

_LIFELINE: Final = 0
"""A worker's standard input is a pipe that closes when the process that started it is gone."""


def command(argv: Sequence[str]) -> int:
    """Serve until told to stop; 0 if that went in order."""
    arguments = _parser().parse_args(argv)
    flags = {"listen": arguments.listen, "metrics_listen": arguments.metrics_listen, "workers": arguments.workers}
    config = configuration(flags)
    require(config, _REQUIRED)
    lines = configure_logs(config.log_level)
    try:
        config = _with_page_token_secret(config)
        if arguments.worker is None and config.workers > 1:
            return _supervise(config)
        if arguments.worker is None:
            _require_free_port(config.listen)
        return run_loop(lambda: _serve(config, lines, arguments.worker))
    finally:
        lines.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("creditd serve", description=__doc__, allow_abbrev=False)
    parser.add_argument("--listen", metavar="HOST:PORT", help="where to serve gRPC (CREDITD_LISTEN)")
    parser.add_argument("--metrics-listen", metavar="HOST:PORT", help="where to serve metrics, '' for nowhere")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that share the port (CREDITD_WORKERS)")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    return parser


def _with_page_token_secret(config: Config) -> Config:
    if config.page_token_secret:
        return config
    log.warning(
        "CREDITD_PAGE_TOKEN_SECRET is not set: page tokens end with this process, and other servers refuse them"
    )
    return replace(config, page_token_secret=secrets.token_hex(32))


def _require_free_port(address: str) -> None:
    """Find out before grpc does, which says so in its own words on standard error."""
    try:
        if not address.startswith("unix:"):
            require_free_port(address)
    except ListenError as error:
        raise Failure(f"{error}; is another server running there?", MISUSED) from error


async def _serve(config: Config, lines: LineWriter, worker: int | None) -> int:
    told = told_to_stop(None if worker is None else _LIFELINE)
    async with AsyncExitStack() as stack:
        async with told.unless_told():
            await stack.enter_async_context(serving(config, lines, worker))
        await told.wait()
    return DONE


def _supervise(config: Config) -> int:
    try:
        with held_port(config.listen) as address:
            environment = without_files(os.environ) | {variable("page_token_secret"): config.page_token_secret}
            flags = ["--listen", address, "--metrics-listen", config.metrics_listen]
            # -P: a file in the working folder that is called like a module of ours is not taken for it.
            serve = [sys.executable, "-P", "-m", "creditd.cli", "serve", *flags, "--worker"]
            workers = Workers(lambda index: [*serve, str(index)], environment, config.workers, hopeless=MISUSED)
            return asyncio.run(_run(workers))
    except ListenError as error:
        raise Failure(str(error), MISUSED) from error


async def _run(workers: Workers) -> int:
    return await workers.run(told_to_stop())
