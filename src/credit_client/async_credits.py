"""The client of asyncio."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar, Unpack

from google.protobuf.message import Message

from credit_client.async_channel import AsyncChannel
from credit_client.block import begin, end, end_failed, extend
from credit_client.connection import Tls
from credit_client.hold import Hold, Particulars, reserving
from credit_client.priced import StatedAmount, StatedName, require_whole, stated
from credit_client.tokens import AsyncToken
from credit_client.tries import Course, Manner, Result, call

log: Final = logging.getLogger("credit_client")

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


class AsyncCredits:
    """The credit service, for programs of asyncio; see Credits. One for each event loop, shared by its tasks."""

    def __init__(
        self, target: str, token: AsyncToken = "", *, tls: Tls | bool | None = None, manner: Manner | None = None
    ) -> None:
        """Connect at the first call. Raises OSError and ValueError as Credits does."""
        self._manner = manner or Manner()
        self._channel = AsyncChannel(target, token, self._manner, tls=tls)
        self._extending: dict[Hold, asyncio.TimerHandle | asyncio.Task[None]] = {}
        self._going_on: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def reserve(
        self,
        account_id: str,
        credit_type: str,
        amount: int,
        *,
        spent_stands: bool = False,
        **particulars: Unpack[Particulars],
    ) -> AsyncIterator[Hold]:
        """Hold credits for a block of work: spent when it ends, given back when it raises or is cancelled.

        As Credits.reserve. What ends a block goes on in the background if its task is cancelled meanwhile, and so does
        the Reserve, to be given back.
        """
        request, is_named = reserving(account_id, credit_type, amount, **particulars), "request_id" in particulars
        beginning = self._go_on(begin(request, self._manner, spent_stands=spent_stands, is_named=is_named))
        try:
            hold = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            _ = self._keep(asyncio.create_task(self._give_back(beginning)))
            raise
        try:
            try:
                self._watch(hold)
                yield hold
            finally:
                self._forget(hold)
        except BaseException:
            await asyncio.shield(self._go_on(end_failed(hold, self._manner)))
            raise
        await self._confirm(hold)

    def priced(
        self,
        account_id: StatedName,
        credit_type: str,
        amount: StatedAmount,
        **particulars: Unpack[Particulars],
    ) -> Callable[[Callable[Arguments, Awaitable[Returned]]], Callable[Arguments, Coroutine[Any, Any, Returned]]]:
        """Have each call of a coroutine function paid for; see Credits.priced."""

        def decorate(
            function: Callable[Arguments, Awaitable[Returned]],
        ) -> Callable[Arguments, Coroutine[Any, Any, Returned]]:
            require_whole(function, is_awaited=True)

            @wraps(function)
            async def paid(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
                account, price = stated(account_id, args, kwargs), stated(amount, args, kwargs)
                async with self.reserve(account, credit_type, price, **particulars):
                    return await function(*args, **kwargs)

            return paid

        return decorate

    async def call(self, request: Message) -> Any:
        """Make any call that is answered once; see Credits.call. Raises CreditError, ValueError."""
        return await self._channel.run(call(request, self._manner.observer, self._manner.call_seconds))

    async def close(self) -> None:
        """Wait for what goes on in the background, and end the connections."""
        for extending in self._extending.values():
            extending.cancel()
        self._extending.clear()
        while self._going_on:
            # And not gathered: that would cancel them with us.
            _ = await asyncio.wait(self._going_on)
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _watch(self, hold: Hold) -> None:
        """Extend a hold from its last answer on, again and again."""
        if not hold.is_to_be_extended:
            return

        def begin_to_extend() -> None:
            self._extending[hold] = asyncio.create_task(self._extend(hold))

        after = hold.extends_after_seconds
        self._extending[hold] = asyncio.get_running_loop().call_later(after, begin_to_extend)

    def _forget(self, hold: Hold) -> None:
        hold.finish()
        if extending := self._extending.pop(hold, None):
            extending.cancel()

    async def _extend(self, hold: Hold) -> None:
        if await self._channel.run(extend(hold, self._manner)):
            self._watch(hold)

    async def _confirm(self, hold: Hold) -> None:
        confirming = self._go_on(end(hold, self._manner))
        try:
            await asyncio.shield(confirming)
        except asyncio.CancelledError:
            # Nobody waits for it any more: whatever it comes to is told in the log.
            confirming.add_done_callback(_tell)
            raise

    async def _give_back(self, beginning: asyncio.Task[Hold]) -> None:
        """End a hold that nobody waits for any more. A Reserve that was refused holds nothing."""
        await asyncio.wait([beginning])
        if not beginning.cancelled() and not beginning.exception():
            await self._channel.run(end_failed(beginning.result(), self._manner))

    def _go_on(self, course: Course[Result]) -> asyncio.Task[Result]:
        """Follow a course in a task of its own, which no cancelled caller tears."""
        return self._keep(asyncio.create_task(self._channel.run(course)))

    def _keep(self, task: asyncio.Task[Result]) -> asyncio.Task[Result]:
        self._going_on.add(task)
        task.add_done_callback(self._going_on.discard)
        return task


def _tell(confirming: asyncio.Task[None]) -> None:
    error = asyncio.CancelledError("the program ends") if confirming.cancelled() else confirming.exception()
    if error:
        log.error("a block ended, and what was spent was not confirmed: %s", error)
