"""A call of a hot method: answered on the polling thread, without an event loop."""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from google.protobuf.message import Message
from grpc import StatusCode

from creditd.ledger.queue import Ticket
from creditd.server.arrivals import Arrivals, no_message
from creditd.server.authentication.callers import Caller
from creditd.server.gate import Gate
from creditd.server.pipeline import REPLAYED, Exchange, Pipeline
from creditd.server.transport import core
from creditd.server.transport.departures import Departures
from creditd.service.call import Call


class HotMethod(NamedTuple):
    """A method whose handler awaits nothing but tickets."""

    pipeline: Pipeline
    handler: Callable[[Any, Call], Coroutine[Any, Any, Message]]
    serialize: Callable[[Message], bytes]


class PollingThread(Protocol):
    """The thread that a hot call runs on, and what its calls share."""

    gate: Gate
    arrivals: Arrivals
    departures: Departures

    def post(self, function: Callable[[], object]) -> None:
        """Have a function called on the thread, after what has been posted before. From any thread."""

    def expect_message(self, call: "HotCall") -> None:
        """End a call with DeadlinePassed if its message does not come soon."""

    def expect_no_more(self, call: "HotCall") -> None:
        """Hear that the message has come, or is waited for no longer."""


class HotCall:
    """One call, from its headers to its end. All of it runs on the polling thread, but for ``end``."""

    __slots__ = (
        "_call",
        "_caller",
        "_coroutine",
        "_deadline",
        "_details",
        "_exchange",
        "_has_answer",
        "_is_watched",
        "_method",
        "_thread",
        "answer_bytes",
    )

    def __init__(self, thread: PollingThread, method: HotMethod, event: core.Event) -> None:
        """Take a call in by its headers; its message is asked for once they have shown who calls."""
        self._thread = thread
        self._method = method
        self._call = event.call
        self._deadline: float = event.call_details.deadline
        self._caller: Caller | None = None
        self._coroutine: Coroutine[Any, Any, Message] | None = None
        self._details: Call | None = None
        self._has_answer = self._is_watched = False
        self.answer_bytes = 0
        self._exchange: Exchange = method.pipeline.begin(event.invocation_metadata, core.peer_of(event.call))
        thread.gate.enter(self)
        try:
            caller = method.pipeline.authenticate(self._exchange, self)
            thread.departures.require_room(caller.subject)
            thread.arrivals.expect(caller)
        except Exception as error:  # noqa: BLE001 - every failure becomes a status here, as in all of this class.
            self._fail(error)
        else:
            self._caller = caller
            thread.expect_message(self)
            core.receive_message(self._call, self._receive)

    def auth_context(self) -> core.AuthContext:
        """Return what TLS says of the caller."""
        return core.auth_context(self._call)

    def end(self, why: Exception) -> None:
        """End it wherever it is, and tell its caller why. From any thread."""
        self._thread.post(lambda: self._end_early(why))

    @property
    def subject(self) -> str:
        """Who calls; empty for a stranger."""
        return self._exchange.subject

    def reset(self) -> None:
        """End it, whatever becomes of its answer."""
        core.reset(self._call)

    def _receive(self, event: core.Event) -> None:
        caller = self._expect_no_more()
        if caller is None:
            # It was ended while its message was on the way.
            return
        message = core.message_of(event)
        if message is None:
            self._fail(no_message())
            return
        try:
            remaining = core.seconds_to(self._deadline)
            request, self._details = self._method.pipeline.let_pass(self._exchange, message, caller, remaining)
            self._coroutine = self._method.handler(request, self._details)
        except Exception as error:  # noqa: BLE001 - as above.
            self._fail(error)
        else:
            self._go_on()

    def _expect_no_more(self) -> Caller | None:
        caller, self._caller = self._caller, None
        if caller is not None:
            self._thread.arrivals.expect_no_more(caller)
            self._thread.expect_no_more(self)
        return caller

    def _go_on(self) -> None:
        """Drive the handler until it waits, or to its end."""
        coroutine = self._coroutine
        if coroutine is None:
            # It was ended while it waited.
            return
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            self._coroutine = None
            self._answer(stop.value)
        except Exception as error:  # noqa: BLE001 - as above.
            self._coroutine = None
            self._fail(error)
        else:
            self._wait(awaited)

    def _wait(self, awaited: "Ticket[Any, Any] | None") -> None:
        if awaited is None:
            # A chunk of long work is done: others have their turn.
            self._thread.post(self._go_on)
            return
        awaited.go_on = self._go_on
        if awaited.ends_with_caller and not self._is_watched:
            self._is_watched = True
            core.watch_end(self._call, self._hear_of_end)

    def _answer(self, response: Message) -> None:
        try:
            message = self._method.serialize(response)
        except Exception as error:  # noqa: BLE001 - as above.
            self._fail(error)
            return
        self.answer_bytes = len(message)
        trailing = REPLAYED if self._details is not None and self._details.replayed else None
        self._send(message, None, trailing)

    def _fail(self, error: Exception) -> None:
        code, text, trailing = self._method.pipeline.failure(self._exchange, error)
        self._send(None, (code, text), trailing)

    def _send(self, message: bytes | None, status: tuple[StatusCode, str] | None, trailing: core.Trailing) -> None:
        self._has_answer = True
        # Whichever came first, the call's end is heard of once.
        heard = _hear_nothing if self._is_watched else self._hear_of_end
        self._thread.departures.expect(self)
        core.end(self._call, message, status, trailing, heard, watches=not self._is_watched)

    def _hear_of_end(self, event: core.Event) -> None:
        """Hear that the call is over; if its caller has gone, nobody waits for its handler any more."""
        if core.is_cancelled(event):
            self._exchange.code, self._exchange.reason = "CANCELLED", ""
            if self._details is None:
                self._method.pipeline.note_reset(self._exchange)
        self._has_answer = True
        self._drop_handler()
        self._leave()

    def _end_early(self, why: Exception) -> None:
        if not self._has_answer:
            self._expect_no_more()
            self._drop_handler()
            self._fail(why)

    def _drop_handler(self) -> None:
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is not None:
            # What it awaits is given up.
            coroutine.close()

    def _leave(self) -> None:
        self._thread.departures.expect_no_more(self)
        self._thread.gate.left(self)
        self._method.pipeline.end(self._exchange)


def _hear_nothing(event: core.Event) -> None:
    """Hear that the answer is sent: the end of the call is yet to come."""
