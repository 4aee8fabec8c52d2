"""The client that blocks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, Unpack

from google.protobuf.message import Message

from credit_client.block import begin, end, end_failed, extend
from credit_client.channel import Channel
from credit_client.connection import Tls
from credit_client.extender import Extender
from credit_client.hold import Hold, Particulars, reserving
from credit_client.priced import StatedAmount, StatedName, require_whole, stated
from credit_client.tokens import Token
from credit_client.tries import Manner, call

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


class Credits:
    """The credit service, for programs that block. Make one, share it among threads, and close it at the end.

    A process that forks makes it after the fork.

    ``target`` is `host:port`, or any name that gRPC takes: `dns:///credits.internal:50051` is all servers of a name.
    ``token`` is a JWT, an ApiKey, or what gives a token. ``tls``: a Tls, True, or False for plaintext; unless it is
    given, TLS everywhere but on this machine. ``manner``: how long calls are tried for, and who looks on.
    """

    def __init__(
        self, target: str, token: Token = "", *, tls: Tls | bool | None = None, manner: Manner | None = None
    ) -> None:
        """Connect at the first call.

        Raises OSError for a file of ``tls`` that cannot be read, ValueError for a certificate without its key.
        """
        self._manner = manner or Manner()
        self._channel = Channel(target, token, self._manner, tls=tls)
        self._extender = Extender(lambda hold: self._channel.run(extend(hold, self._manner)))

    @contextmanager
    def reserve(
        self,
        account_id: str,
        credit_type: str,
        amount: int,
        *,
        spent_stands: bool = False,
        **particulars: Unpack[Particulars],
    ) -> Iterator[Hold]:
        """Hold credits for a block of work: spent when it ends, given back when it raises, extended while it runs.

        ``amount`` is in the credit type's smallest unit. With ``spent_stands`` what was said to be spent is confirmed
        also if the block raises.

        With a ``request_id`` of its caller's a block may begin again: one that died goes on with its hold, and one that
        was confirmed runs again and is charged nothing (``hold.is_paid``). An id belongs to one run at a time.

        Raises CreditError: before any work, also ReservationExpired or ReservationRefunded for a block that begins
        again and has so ended; and at the end, where what was spent could not be confirmed. Raises ValueError before
        anything is asked for, for a ttl or a request id that cannot be, and at the end if the client was closed.
        What a function that gives tokens raises comes out as it is.
        """
        request, is_named = reserving(account_id, credit_type, amount, **particulars), "request_id" in particulars
        hold = self._channel.run(begin(request, self._manner, spent_stands=spent_stands, is_named=is_named))
        try:
            try:
                self._extender.watch(hold)
                yield hold
            finally:
                self._extender.forget(hold)
        except BaseException:
            self._channel.run(end_failed(hold, self._manner))
            raise
        self._channel.run(end(hold, self._manner))

    def priced(
        self,
        account_id: StatedName,
        credit_type: str,
        amount: StatedAmount,
        **particulars: Unpack[Particulars],
    ) -> Callable[[Callable[Arguments, Returned]], Callable[Arguments, Returned]]:
        """Have each call of a function paid for, as a block: all of the amount, or nothing if it raises.

        ``account_id`` and ``amount`` may be functions of the same arguments. What it decorates raises TypeError for a
        coroutine function and for a generator: their work comes after their call.
        """

        def decorate(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
            require_whole(function, is_awaited=False)

            @wraps(function)
            def paid(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Returned:
                account, price = stated(account_id, args, kwargs), stated(amount, args, kwargs)
                with self.reserve(account, credit_type, price, **particulars):
                    return function(*args, **kwargs)

            return paid

        return decorate

    def call(self, request: Message) -> Any:
        """Make any call that is answered once, found by its request, such as a DeductRequest. Raises CreditError.

        A request that takes a request id and has none is given one; the items of a batch are not. Raises ValueError if
        no such RPC takes it.
        """
        return self._channel.run(call(request, self._manner.observer, self._manner.call_seconds))

    def close(self) -> None:
        """End the connections. Blocks that still run cannot end in order."""
        self._extender.close()
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
