"""A server in a process of its own, on this machine, with an embedded PostgreSQL and a clock that tests move."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from threading import Lock, Timer
from typing import IO, Any, Final

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client.async_credits import AsyncCredits
from credit_client.credits import Credits
from credit_client.tries import Manner

PROGRAM: Final = "creditd.development.local_server"

START_SECONDS: Final = 60.0
"""Far more than a start takes: a second or two, and the first one in a folder a few more."""

STOP_SECONDS: Final = 10.0

SCOPES: Final = ("credits.spend", "credits.read", "credits.admin")


class NotStarted(Exception):
    """The server did not start; the message says why."""


class Clock:
    """The server's clock."""

    def __init__(self, server: "LocalServer") -> None:
        """Move the clock of a server."""
        self._server = server

    def advance(self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0) -> None:
        """Let time pass at once, for all who use the server. Raises ValueError unless it is more than none."""
        total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        if total <= 0:
            raise ValueError(f"time passes forward: {total} seconds do not")
        self._server.ask({"advance": total})


class LocalServer:
    """A server that runs; ``address`` is where it serves, in plaintext, on this machine alone."""

    def __init__(self, process: "subprocess.Popen[str]", address: str) -> None:
        """Talk to a server by its standard input and output."""
        self.address = address
        self.clock = Clock(self)
        self._process = process
        self._asking = Lock()

    def token(self, subject: str, roles: Sequence[str] = ("SERVICE",), scopes: Sequence[str] = SCOPES) -> str:
        """Return a token of whoever a test wants to be; it outlives every time that tests let pass."""
        answer = self.ask({"token": subject, "roles": list(roles), "scopes": list(scopes)})
        return str(answer["token"])

    @cached_property
    def credits(self) -> Credits:
        """A client that blocks, of a service that may spend, read and add credits."""
        return Credits(self.address, self.token("tests"))

    def async_credits(self, manner: Manner | None = None) -> AsyncCredits:
        """Return a client of asyncio that may do the same, for the event loop that it is first used on; close it."""
        return AsyncCredits(self.address, self.token("tests"), manner=manner)

    def give(self, account_id: str, credit_type: str, amount: int) -> None:
        """Give an account so many credits, in the credit type's smallest unit; it is opened if it is new."""
        amounts = [CreditAmount(credit_type=credit_type, amount=amount)]
        self.credits.call(AddCreditsRequest(account_id=account_id, amounts=amounts, reason="a test"))

    def available(self, account_id: str, credit_type: str) -> int:
        """Return how many credits an account can spend now."""
        request = GetBalanceRequest(account_id=account_id, credit_types=[credit_type])
        (wallet,) = self.credits.call(request).account_balance.wallets
        return int(wallet.balance.available)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Have the server's process do something, and return its answer. Raises RuntimeError if it has ended."""
        assert self._process.stdin  # noqa: S101 - both are pipes.
        assert self._process.stdout  # noqa: S101 - both are pipes.
        with self._asking:
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{json.dumps(question)}\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the server of the tests has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the client that blocks, if there is one."""
        if "credits" in self.__dict__:
            self.credits.close()


@contextmanager
def local_server(folder: Path) -> Iterator[LocalServer]:
    """Run a server until the block ends, with what makes the next start faster in a folder, which is made if needed.

    Its accounts are new each time. Several may use one folder at once. Raises NotStarted.
    """
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        _started(folder, said) as process,
        closing(LocalServer(process, _address(process, said))) as server,
    ):
        yield server


@contextmanager
def _started(folder: Path, said: IO[str]) -> Iterator["subprocess.Popen[str]"]:
    """Run the program until the block ends; the end of its input tells it so, also if we are killed."""
    process = subprocess.Popen(  # noqa: S603 - the program is our own.
        [sys.executable, "-m", PROGRAM, str(folder.resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=said,
        text=True,
        # Ctrl-C is for pytest, which ends it in order.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        assert process.stdin  # noqa: S101 - it is a pipe.
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout  # noqa: S101 - it is a pipe.
        process.stdout.close()


def _address(process: "subprocess.Popen[str]", said: IO[str]) -> str:
    """Return where the server is, once it serves. Raises NotStarted."""
    assert process.stdout  # noqa: S101 - it is a pipe.
    patience = Timer(START_SECONDS, process.kill)
    patience.start()
    try:
        line = process.stdout.readline()
    finally:
        patience.cancel()
    if not line:
        said.seek(0)
        raise NotStarted(said.read().strip() or f"it did not come up within {START_SECONDS:.0f} s")
    answer = json.loads(line)
    if "error" in answer:
        raise NotStarted(answer["error"])
    return str(answer["address"])
