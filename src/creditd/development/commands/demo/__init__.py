"""``creditd demo``: a small story, played on a server of its own that is gone afterwards."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import grpc

from creditd.cli.arguments import Arguments
from creditd.cli.connection import everybody
from creditd.cli.output import DONE, INTERRUPTED, CommandFailure, say
from creditd.cli.refusal import explain
from creditd.cli.serve import run_loop
from creditd.cli.server import serving
from creditd.cli.signals import told_to_stop
from creditd.config import Config
from creditd.development.commands.demo.narrator import Narrator
from creditd.development.commands.demo.runs import EXECUTOR, WORD_SECONDS, results_in
from creditd.development.commands.demo.story import tell
from creditd.development.data_folder import DataFolder, development_token
from creditd.development.database import ready_to_serve
from creditd.development.fakes.executor import word_executor
from creditd.development.fakes.server import Fakes, FakesSettings, fakes_running
from creditd.development.payments import webhook_adapter
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import configure_logs


def command(argv: Sequence[str]) -> int:
    """Play the story; 0 if everything came about as it is told."""
    command_parser().parsed(argv)
    say("Starting a PostgreSQL and a server in a folder for temporary files: a few seconds.")
    with tempfile.TemporaryDirectory(prefix="creditd-demo-") as name:
        folder = DataFolder(Path(name))
        # Not the settings of the environment: the story is about these.
        config = Config(
            listen="127.0.0.1:0",
            metrics_listen="",
            webhooks_listen="127.0.0.1:0",
            data_dir=folder.path,
            shutdown_grace_seconds=1.0,
        )
        log = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        lines = configure_logs(descriptor=log)
        try:
            with ready_to_serve(config, folder) as complete:
                return run_loop(lambda: _play(complete, lines))
        finally:
            lines.close()
            os.close(log)


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    return Arguments("demo", __doc__)


async def _play(config: Config, lines: LineWriter) -> int:
    told = told_to_stop()
    async with AsyncExitStack() as stack:
        async with told.unless_told():
            fakes = await stack.enter_async_context(fakes_running(FakesSettings()))
            results = results_in(config.data_dir)
            port = await stack.enter_async_context(word_executor("127.0.0.1:0", results, WORD_SECONDS))
            config = replace(config, executors=(f"{EXECUTOR}=127.0.0.1:{port}",), **fakes.settings)
            service = await stack.enter_async_context(serving(config, lines))
            address = f"127.0.0.1:{service.port}"
            await stack.enter_async_context(webhook_adapter(config, address, fakes))
        story = asyncio.create_task(_tell(replace(config, listen=address), fakes))
        interruption = asyncio.create_task(told.wait())
        await asyncio.wait([story, interruption], return_when=asyncio.FIRST_COMPLETED)
        interruption.cancel()
        if told.is_set():
            story.cancel()
            await asyncio.wait([story])
            return INTERRUPTED
        await story
    say("The server, its database and everything in it are gone again.")
    return DONE


async def _tell(config: Config, fakes: Fakes) -> None:
    token = development_token(config, everybody("demo"))
    async with grpc.aio.insecure_channel(config.listen) as channel:
        try:
            await tell(Narrator(channel, token), fakes)
        except grpc.aio.AioRpcError as error:
            raise CommandFailure(f"this was not to be refused: {explain(error)}") from error
