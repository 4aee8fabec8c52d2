"""The two styles of the client, each used in the same way, so that what holds of one is shown of the other."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from google.protobuf.message import Message

from credit_client import AsyncCredits, Credits, Hold, Manner

CHAT = "chat"

Priced = Callable[[str, int], str]

Body = Callable[[Hold], object]
"""What a block does. It may wait: an event loop does not run it."""


@dataclass(frozen=True)
class Style(ABC):
    """A client that is made anew for one block, or for one call."""

    target: str
    token: Any
    tls: Any = None
    manner: Manner | None = None

    def with_(self, **changes: Any) -> Self:
        """Return the same with another target, token, TLS or manner."""
        return replace(self, **changes)

    @abstractmethod
    def pay(self, body: Body, account_id: str, amount: int, **particulars: Any) -> None:
        """Run a block."""

    def call(self, request: Message) -> Any:
        """Make a call."""
        (answer,) = self.calls(request)
        return answer

    @abstractmethod
    def calls(self, *requests: Message) -> list[Any]:
        """Make calls by one client, one after the other."""

    @abstractmethod
    def priced(self, function: Priced, account_id: Any, amount: Any) -> Priced:
        """Return a function that is paid for."""


@dataclass(frozen=True)
class Blocking(Style):
    """The client that blocks."""

    def pay(self, body: Body, account_id: str, amount: int, **particulars: Any) -> None:
        """As Style has it."""
        with self._credits() as credits, credits.reserve(account_id, CHAT, amount, **particulars) as hold:
            body(hold)

    def calls(self, *requests: Message) -> list[Any]:
        """As Style has it."""
        with self._credits() as credits:
            return [credits.call(request) for request in requests]

    def priced(self, function: Priced, account_id: Any, amount: Any) -> Priced:
        """As Style has it."""

        def paid(name: str, number: int) -> str:
            with self._credits() as credits:
                return credits.priced(account_id, CHAT, amount)(function)(name, number)

        return paid

    def _credits(self) -> Credits:
        return Credits(self.target, self.token, tls=self.tls, manner=self.manner)


@dataclass(frozen=True)
class Asynchronous(Style):
    """The client of asyncio, each time on a loop of its own."""

    def pay(self, body: Body, account_id: str, amount: int, **particulars: Any) -> None:
        """As Style has it."""

        async def run() -> None:
            async with self._credits() as credits, credits.reserve(account_id, CHAT, amount, **particulars) as hold:
                await asyncio.to_thread(body, hold)

        asyncio.run(run())

    def calls(self, *requests: Message) -> list[Any]:
        """As Style has it."""

        async def run() -> list[Any]:
            async with self._credits() as credits:
                return [await credits.call(request) for request in requests]

        return asyncio.run(run())

    def priced(self, function: Priced, account_id: Any, amount: Any) -> Priced:
        """As Style has it."""

        async def asynchronous(name: str, number: int) -> str:
            return function(name, number)

        def paid(name: str, number: int) -> str:
            async def run() -> str:
                async with self._credits() as credits:
                    return await credits.priced(account_id, CHAT, amount)(asynchronous)(name, number)

            return asyncio.run(run())

        return paid

    def _credits(self) -> AsyncCredits:
        return AsyncCredits(self.target, self.token, tls=self.tls, manner=self.manner)


STYLES: tuple[type[Style], ...] = (Blocking, Asynchronous)
