"""gRPC's core as this server uses it: a completion queue, and batches of operations on calls.

``grpc._cython.cygrpc`` is private to grpcio, whose own threaded server is its only other user. No other file of this
project touches it, and the self-test shows at each start that it still is what this file takes it for (see
docs/decisions/0037-completion-queue.md).

A tag is a function. It is given to the core with an operation, and the polling thread calls it with the event that
tells of the operation's end.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined]  # It has no types.

Event = Any
"""An event of the queue, with ``success`` and ``tag``. That of a new call has ``call``, ``call_details`` (``method`` as
bytes, ``deadline`` for ``seconds_to``) and ``invocation_metadata``."""

CoreCall = Any
"""A call in the core. It keeps its connection in memory for as long as anything refers to it."""

AuthContext = Mapping[str, Sequence[bytes]]
"""What TLS says of a caller, by property."""

Tag = Callable[[Event], object]

Trailing = tuple[tuple[str, str | bytes], ...] | None

_NO_DEADLINE_SECONDS: Final = 2.0**40
"""Deadlines beyond it are none: the core's infinite future."""

# The core's times are the system's, and so are the deadlines that it has worked out from callers' timeouts. Its own
# clock, whatever Python takes for the time: a deadline by another one would be waited for by the difference longer.
_now: Final = partial(time.clock_gettime, time.CLOCK_REALTIME)

_NOTHING_CAME: Final = cygrpc.CompletionType.queue_timeout
_NO_FLAGS: Final = 0
_WITHOUT_XDS: Final = False
_INITIAL_METADATA: Final = cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS)
_OK: Final = cygrpc.StatusCode.ok
_CODES: Final = {code: getattr(cygrpc.StatusCode, code.name.lower()) for code in grpc.StatusCode}


class CoreServer:
    """A server with one completion queue."""

    def __init__(self, options: Iterable[tuple[str, Any]]) -> None:
        """Listen to nothing yet. ``options`` are the channel arguments of gRPC's core."""
        self._queue = cygrpc.CompletionQueue()
        self._server = cygrpc.Server(tuple(options), _WITHOUT_XDS)
        self._server.register_completion_queue(self._queue)

    def listen(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Bind ``address``, in plaintext without ``credentials``; return the port. Raises RuntimeError."""
        if credentials is None:
            port = self._server.add_http2_port(address.encode())
        else:
            port = self._server.add_http2_port(address.encode(), credentials._credentials)  # type: ignore[attr-defined]  # noqa: SLF001
        if not port:
            message = f"cannot listen on {address}"
            raise RuntimeError(message)
        return int(port)

    def start(self) -> None:
        """Take connections."""
        self._server.start()

    def request_call(self, arrived: Tag) -> bool:
        """Ask for one more call, which comes with ``arrived``; return False once the server shuts down."""
        try:
            self._server.request_call(self._queue, self._queue, arrived)
        except ValueError:
            return False
        return True

    def next_event(self, seconds: float | None) -> Event | None:
        """Wait up to ``seconds`` for an event, for ever if None; return None if nothing came. 0 does not wait."""
        event = self._queue.poll(None if seconds is None else _now() + seconds if seconds else 0)
        return None if event.completion_type == _NOTHING_CAME else event

    def shut_down(self, ended: Tag) -> None:
        """Take no more calls, and tell every connection to go elsewhere; ``ended`` comes when all calls have ended."""
        self._server.shutdown(self._queue, ended)

    def cancel_all_calls(self) -> None:
        """Cancel every call that is under way."""
        self._server.cancel_all_calls()

    def destroy(self) -> None:
        """Let go of server and queue, once the shutdown has ended."""
        self._server.destroy()
        self._queue.shutdown()


def seconds_to(deadline: float) -> float | None:
    """Return the seconds to a call's deadline, less than 0 once it has passed; None without one."""
    return None if deadline > _NO_DEADLINE_SECONDS else deadline - _now()


def receive_message(call: CoreCall, tag: Tag) -> None:
    """Ask for the next message of a call; ``message_of`` has it."""
    call.start_server_batch((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), tag)


def message_of(event: Event) -> bytes | None:
    """Return the message that came; None if the caller sends no more, or has gone."""
    message: bytes | None = event.batch_operations[0].message()
    return message


def watch_end(call: CoreCall, tag: Tag) -> None:
    """Ask for the end of a call; ``is_cancelled`` tells how it ended. For use once a call."""
    call.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), tag)


def is_cancelled(event: Event) -> bool:
    """Tell from the event of a call's end whether the caller went before it had the answer."""
    return bool(event.batch_operations[-1].cancelled())


def send(call: CoreCall, message: bytes, tag: Tag, *, is_first: bool) -> None:
    """Send one message of a stream; the event's ``success`` tells whether the caller was still there."""
    operation = cygrpc.SendMessageOperation(message, _NO_FLAGS)
    call.start_server_batch((_INITIAL_METADATA, operation) if is_first else (operation,), tag)


def end(
    call: CoreCall,
    message: bytes | None,
    status: tuple[grpc.StatusCode, str] | None,
    trailing: Trailing,
    tag: Tag,
    *,
    is_first: bool = True,
    watches: bool = False,
) -> None:
    """Answer with a message, if there is one, and end the call; in a good way without a ``status``.

    ``is_first``: nothing has been sent yet. ``watches``: the event also tells how the call ended, as ``watch_end``'s.
    """
    operations: list[Any] = [_INITIAL_METADATA] if is_first else []
    if message is not None:
        operations.append(cygrpc.SendMessageOperation(message, _NO_FLAGS))
    code, details = (_OK, b"") if status is None else (_CODES[status[0]], status[1].encode())
    operations.append(cygrpc.SendStatusFromServerOperation(trailing, code, details, _NO_FLAGS))
    if watches:
        operations.append(cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS))
    call.start_server_batch(operations, tag)


def reset(call: CoreCall) -> None:
    """End a call whatever it waits for; what was asked of the core ends, too. From any thread."""
    call.cancel()


def ring(call: CoreCall, tag: Tag) -> None:
    """Put an event into the queue from any thread: a batch without operations completes at once."""
    call.start_server_batch((), tag)


def peer_of(call: CoreCall) -> str:
    """Return where a caller is, as gRPC names it, such as ``ipv4:192.0.2.1:50000``."""
    peer: str = call.peer().decode()
    return peer


def auth_context(call: CoreCall) -> AuthContext:
    """Return what TLS says of a caller, by property; nothing on a connection in plaintext."""
    return {name.decode(): values for name, values in (cygrpc.auth_context(call) or {}).items()}
