"""A gRPC server on a completion queue: one thread takes all that has arrived, and answers the hot methods itself.

gRPC's asyncio server spends several times a call's own work on wake-ups between its threads and the event loop. Here
what has arrived is taken from the queue in one go. All other methods run on the event loop (see ``loop_call``).
"""

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from threading import RLock, Thread, get_ident
from typing import Any, Final

import grpc

from creditd.ledger.queue import Answered, Tick, hand_over
from creditd.ledger.work import DeadlinePassed
from creditd.server.arrivals import Arrivals
from creditd.server.gate import Gate
from creditd.server.pipeline import Pipeline
from creditd.server.transport import core
from creditd.server.transport.departures import Departures
from creditd.server.transport.door import admitted_by, handler_of
from creditd.server.transport.hot_call import HotCall, HotMethod
from creditd.server.transport.loop_call import LoopCall

log = logging.getLogger(__name__)

REQUESTED_AHEAD: Final = 256
"""Calls that the core may hand over before more are asked for: what the thread takes in some tens of milliseconds."""

EVENTS_OF_A_TICK: Final = 1_024
"""Events taken before what they brought is passed on, however many more there are."""

EVENTS_BETWEEN_LOOKS: Final = 16
"""Events taken before what other threads have done is looked at: a save that has ended waits for no longer."""

LONGEST_WAIT_SECONDS: Final = 1.0
"""For events, while nobody rings. It is no more than a net: each post rings."""

WAIT_WITHOUT_BELL_SECONDS: Final = 0.02
"""The same before the first call, and once a stop has begun: nothing can be rung then."""

_INTERNAL: Final = grpc.StatusCode.INTERNAL, "internal error"

_UNIMPLEMENTED: Final = grpc.StatusCode.UNIMPLEMENTED, "Method not found!"

FAILED: Final = 70
"""The exit status of a process whose polling thread has failed (EX_SOFTWARE in sysexits.h)."""


_abandoned: Final[list[core.CoreServer]] = []


def end_process(error: BaseException) -> None:
    """End the process: its health would go on to say that all is well."""
    log.critical("the polling thread has failed, and the process ends", exc_info=error)
    logging.shutdown()
    os._exit(FAILED)


class QueueServer:
    """Listens, and serves hot methods on a thread of its own, all others on the event loop that made it.

    It has the methods of ``grpc.aio.Server`` that generated code and :mod:`creditd.server.listener` call.
    """

    def __init__(
        self,
        options: Iterable[tuple[str, Any]],
        gate: Gate,
        *,
        fail: Callable[[BaseException], None] = end_process,
    ) -> None:
        """Listen to nothing yet. What comes when ``gate`` is closed is turned away on the event loop.

        ``fail`` is called on the polling thread with what made it fail.
        """
        self._fail = fail
        self._core = core.CoreServer(options)
        self._loop = asyncio.get_running_loop()
        self.gate = gate
        self.arrivals = Arrivals()
        self.departures = Departures()
        self._hot: dict[bytes, HotMethod] = {}
        self._guarded: dict[bytes, Pipeline] = {}
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._ticks: list[Tick] = []
        self._posted: deque[Callable[[], object]] = deque()
        self._expected: dict[HotCall, float] = {}
        self._bell: core.CoreCall | None = None
        # Taken again by whoever holds it where Python lets go of something meanwhile that posts.
        self._ringing = RLock()
        self._is_waiting = False
        self._is_stopping = False
        self._is_shut_down = self._is_abandoned = False
        self._ended = asyncio.Event()
        self._thread = Thread(target=self._serve, name="transport", daemon=True)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Serve what these have on the event loop, unless it is a hot method."""
        self._handlers.extend(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Do nothing: the same come as generic ones, too."""

    def add_hot_methods(self, methods: Mapping[str, HotMethod]) -> None:
        """Serve methods, by their full names, on the polling thread."""
        self._hot.update({name.encode(): method for name, method in methods.items()})

    def authenticate_ahead(self, pipelines: Mapping[str, Pipeline]) -> None:
        """Authenticate the callers of methods on the event loop, by their full names, before the loop hears of them."""
        self._guarded.update({name.encode(): pipeline for name, pipeline in pipelines.items()})

    def add_tick(self, tick: Tick) -> None:
        """Have something tick on the polling thread: whenever all that had arrived was taken, and while it is."""
        self._ticks.append(tick)

    def add_insecure_port(self, address: str) -> int:
        """Listen in plaintext, and return the port. Raises RuntimeError."""
        return self._core.listen(address, None)

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        """Listen with TLS, and return the port. Raises RuntimeError."""
        return self._core.listen(address, server_credentials)

    async def start(self) -> None:
        """Serve."""
        self._core.start()
        for _ in range(REQUESTED_AHEAD):
            self._core.request_call(self._take_call)
        self._thread.start()

    async def stop(self, grace: float | None) -> None:
        """Take no new calls, let those under way end within the grace, in seconds, then cancel what is left.

        A second call while the first waits may shorten the grace.
        """
        if not self._is_stopping:
            self._is_stopping = True
            self.post(self._begin_stop)
        try:
            async with asyncio.timeout(grace or 0.0):
                await self._ended.wait()
        except TimeoutError:
            # On the thread that lets go of the core's server at its end: cancelled from another one at that moment, the
            # core takes hold of what is no more, and the process dies.
            self.post(self._core.cancel_all_calls)
            await self._ended.wait()

    def abandon(self) -> None:
        """Let go of a server that has ended, or does not do as it should and cannot be stopped in order."""
        self._is_abandoned = True
        if not self._is_shut_down:
            # The core ends the process over a server that is forgotten while it serves.
            _abandoned.append(self._core)

    @property
    def is_here(self) -> bool:
        """Whether the caller runs on the polling thread."""
        return get_ident() == self._thread.ident

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Take answers over to the polling thread: the sink of the tickets that hot handlers await."""
        if self.is_here:
            hand_over(answers)
        else:
            self.post(lambda: hand_over(answers))

    def post(self, function: Callable[[], object]) -> None:
        """Have a function called on the polling thread, after what has been posted before. From any thread."""
        self._posted.append(function)
        # Whoever waits has said so before it looked at what is posted, so that one of the two always sees the other.
        if self._is_waiting:
            with self._ringing:
                self._ring()

    def _ring(self) -> None:
        bell = self._bell
        if bell is not None:
            self._is_waiting = False
            try:
                core.ring(bell, _hear_nothing)
            except Exception as error:  # noqa: BLE001 - whoever posts is not to hear of it, and nobody would be woken.
                self._fail(error)

    def expect_message(self, call: HotCall) -> None:
        """End a call with DeadlinePassed if its message does not come soon."""
        self._expected[call] = self.arrivals.end_time()

    def expect_no_more(self, call: HotCall) -> None:
        """Hear that the message has come, or is waited for no longer."""
        self._expected.pop(call, None)

    def _serve(self) -> None:
        try:
            while not (self._is_shut_down or self._is_abandoned):
                self._tick()
            if self._is_shut_down:
                self._core.destroy()
        except BaseException as error:  # noqa: BLE001 - whatever it is, nobody else would answer calls any more.
            # One that was abandoned runs on for a tick, and what it calls may be gone.
            if not self._is_abandoned:
                self._fail(error)
        with suppress(RuntimeError):
            # The event loop of a server that was abandoned may have ended.
            self._loop.call_soon_threadsafe(self._ended.set)

    def _tick(self) -> None:
        """Wait for events, take those that are there, and pass on what they brought."""
        self._is_waiting = True
        event = self._core.next_event(0 if self._posted else self._longest_wait())
        self._is_waiting = False
        left = EVENTS_OF_A_TICK
        while event is not None:
            event.tag(event)
            # It may be the last that refers to a call, which then goes before the queue is looked at again.
            event = None
            left -= 1
            if not left:
                break
            if not left % EVENTS_BETWEEN_LOOKS:
                self._look(has_all=False)
            event = self._core.next_event(0)
        self._end_late()
        self._look(has_all=True)

    def _look(self, *, has_all: bool) -> None:
        """Do what others have posted, and tick."""
        self._call_posted()
        for tick in self._ticks:
            tick(has_all=has_all)

    def _longest_wait(self) -> float:
        if self._bell is None or self._is_stopping:
            return WAIT_WITHOUT_BELL_SECONDS
        ends = [end for end in (self._next_late_message, self.departures.next_end) if end is not None]
        return max(0.0, min(LONGEST_WAIT_SECONDS, min(ends) - time.monotonic())) if ends else LONGEST_WAIT_SECONDS

    @property
    def _next_late_message(self) -> float | None:
        return next(iter(self._expected.values())) if self._expected else None

    def _call_posted(self) -> None:
        # What these post in turn waits for the events that have come meanwhile.
        for _ in range(len(self._posted)):
            self._posted.popleft()()

    def _end_late(self) -> None:
        now = time.monotonic()
        while self._expected:
            call, end_time = next(iter(self._expected.items()))
            if end_time > now:
                break
            call.end(DeadlinePassed())
            del self._expected[call]
        for late in self.departures.late():
            late.reset()

    def _take_call(self, event: core.Event) -> None:
        if not event.success:
            # The shutdown answers what was asked for and did not come.
            return
        if not self._is_stopping:
            # The newest, so that no connection is kept by a call that has ended long ago.
            self._bell = event.call
        self._core.request_call(self._take_call)
        try:
            self._begin(event)
        except Exception:
            # Whatever is the matter with one call, the thread is there for all the others.
            log.exception("a call could not be taken in")
            core.end(event.call, None, _INTERNAL, None, _hear_nothing)

    def _begin(self, event: core.Event) -> None:
        name = event.call_details.method
        method = self._hot.get(name)
        if method is not None and not self.gate.is_closed:
            HotCall(self, method, event)
            return
        handler = handler_of(self._handlers, event)
        if handler is None:
            core.end(event.call, None, _UNIMPLEMENTED, None, _hear_nothing)
            return
        pipeline = self._guarded.get(name)
        if pipeline is None or self.gate.is_closed:
            LoopCall(self._loop, self, event, handler, None)
        elif admitted := admitted_by(pipeline, self.departures, event):
            LoopCall(self._loop, self, event, handler, admitted)

    def _begin_stop(self) -> None:
        # Not before whoever is about to ring has rung: in a queue that has gone, a bell ends the process.
        with self._ringing:
            self._bell = None
        self._core.shut_down(self._end)

    def _end(self, event: core.Event) -> None:
        del event
        self._is_shut_down = True


def _hear_nothing(event: core.Event) -> None:
    """Hear the bell: that the thread has woken is all that it is for."""
