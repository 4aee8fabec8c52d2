"""What every executor promises (docs/executors.md), held against one that counts words and runs as a process."""

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from creditd.domain.workflows.execution import Failed, Progress, Succeeded
from creditd.executors.client import ExecutorClient
from tests.support.scripted_executor import calling, execution

THREE = b'{"text": "one two three"}'
COUNTED = Succeeded(3, b'{"words": 3}')
SLOW = b'{"text": "%s"}' % (b"word " * 100)
"""Takes half a minute in a process that takes 0.3 s for a word."""


@asynccontextmanager
async def executing(command: Sequence[str], folder: Path, word_seconds: float = 0.0) -> AsyncIterator[ExecutorClient]:
    """Run an executor that keeps its results in ``folder``, and call it, until the block ends: it is killed then."""
    options = ["--listen=127.0.0.1:0", f"--folder={folder}", f"--word-seconds={word_seconds}"]
    process = await asyncio.create_subprocess_exec(*command, *options, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        port = re.search(rb"executing on port (\d+)", await process.stdout.readline())
        assert port
        async with calling(int(port[1])) as client:
            yield client
    finally:
        process.kill()
        await process.wait()


def nothing(_: Progress) -> None:
    """Take no note of progress."""


async def keeps_its_promises(command: Sequence[str], folder: Path) -> None:
    """Verify all of them."""
    async with executing(command, folder) as client:
        assert await client.execute(execution(input=THREE), nothing) == COUNTED
        unreadable = await client.execute(execution(run_id="run-2", input=b'{"text": 5}'), nothing)
        assert isinstance(unreadable, Failed)
        assert unreadable.reason == "INPUT_UNREADABLE"
        too_many = await client.execute(execution(run_id="run-3", input=THREE, held_amount=2), nothing)
        assert isinstance(too_many, Failed)
        assert too_many.reason == "TOO_MANY_WORDS"
        assert await client.cancel("run-1", "it has ended")
        assert await client.cancel("run-4", "it has not come")
    # Another process, which has nothing but the folder; and a text of its own would have another result.
    async with executing(command, folder, word_seconds=0.3) as client:
        assert await client.execute(execution(attempt=2, input=SLOW), nothing) == COUNTED
        given_up = await client.execute(execution(run_id="run-4", input=THREE), nothing)
        assert given_up == Failed("CANCELLED", "it has not come")
        await _is_one_run(client)


async def _is_one_run(client: ExecutorClient) -> None:
    """Verify that a run whose call went away goes on, that repeats wait for its end, and that it can be stopped."""
    begun = asyncio.Event()
    slow = execution(run_id="run-5", input=SLOW)
    first = asyncio.create_task(client.execute(slow, lambda _: begun.set()))
    await begun.wait()
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    far = asyncio.Event()
    repeats = [
        asyncio.create_task(client.execute(slow, lambda told: far.set() if (told.percent or 0) > 0 else None))
        for _ in range(2)
    ]
    await far.wait()
    assert await client.cancel("run-5", "enough")
    assert await asyncio.gather(*repeats) == [Failed("CANCELLED", "enough")] * 2
