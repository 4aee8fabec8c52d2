"""Faults in the transport on the completion queue."""

from tests.mutants.fault import Fault

_QUEUE = "server/transport/queue_server.py"
_HOT = "server/transport/hot_call.py"
_LOOP = "server/transport/loop_call.py"

_WAKE_UPS = ("tests/server/transport/test_wake_ups.py",)
_FAILING = ("tests/server/transport/test_failing_thread.py",)
_ENDS = ("tests/server/transport/test_ends.py",)
_STOP = ("tests/server/transport/test_stop.py",)
_LONG = ("tests/server/transport/test_long_work.py",)
_UNTAKEN = ("tests/server/transport/test_untaken_answers.py",)
_ODD = ("tests/server/transport/test_odd_calls.py",)

TRANSPORT_FAULTS = (
    Fault(
        "a path that is no text fails",
        "server/transport/door.py",
        'event.call_details.method.decode(errors="replace")',
        "event.call_details.method.decode()",
        _ODD,
        "test_a_method_that_is_no_text_is_unimplemented",
    ),
    Fault(
        "the event at which a tick ends is lost",
        _QUEUE,
        "            event.tag(event)\n",
        "            if left > 1:\n                event.tag(event)\n",
        _WAKE_UPS,
        "test_no_event_is_lost_where_a_turn_ends_with_events_left",
    ),
    Fault(
        "nobody rings",
        _QUEUE,
        "        if bell is not None:\n",
        "        if False:\n",
        _WAKE_UPS,
        "test_every_post_wakes_the_thread",
    ),
    Fault(
        "the queue goes while somebody is about to ring",
        _QUEUE,
        "        with self._ringing:\n            self._bell = None\n",
        "        self._bell = None\n",
        _STOP,
        "test_the_queue_stays_while_somebody_rings",
    ),
    Fault(
        "the thread looks what is posted before it says that it is about to wait",
        _QUEUE,
        "        self._is_waiting = True\n"
        "        event = self._core.next_event(0 if self._posted else self._longest_wait())\n",
        "        seconds = 0 if self._posted else self._longest_wait()\n        self._is_waiting = True\n"
        "        event = self._core.next_event(seconds)\n",
        _WAKE_UPS,
        "test_a_post_is_heard_wherever_the_thread_is",
    ),
    Fault(
        "the thread waits long where nobody can ring",
        _QUEUE,
        "        if self._bell is None or self._is_stopping:\n",
        "        if False:\n",
        _WAKE_UPS,
        "test_a_post_is_heard_where_there_is_no_call_to_ring_by",
    ),
    Fault(
        "a process goes on whose polling thread has failed",
        _QUEUE,
        "    os._exit(FAILED)\n",
        "",
        _FAILING,
        "test_a_process_ends_when_its_polling_thread_fails",
    ),
    Fault(
        "the last words of a process that ends at once are not written",
        "telemetry/logs.py",
        "        self._writer.close()\n        super().close()\n",
        "        super().close()\n",
        _FAILING,
        "test_a_process_ends_when_its_polling_thread_fails",
    ),
    Fault(
        "a call that its caller has left is noted as answered",
        _HOT,
        '            self._exchange.code, self._exchange.reason = "CANCELLED", ""\n',
        "            pass\n",
        _ENDS,
        "test_one_that_is_cancelled_while_it_is_saved",
    ),
    Fault(
        "a stop waits for what never ends",
        _QUEUE,
        "            self.post(self._core.cancel_all_calls)\n",
        "            pass\n",
        _STOP,
        "test_a_second_stop_shortens_the_first",
    ),
    Fault(
        "calls are cancelled while the core's server is let go of",
        _QUEUE,
        "self.post(self._core.cancel_all_calls)",
        "self._core.cancel_all_calls()",
        _STOP,
        "test_calls_are_cancelled_by_the_thread_that_lets_go_of_the_server",
    ),
    Fault(
        "a call that is ended early is not answered",
        _HOT,
        "            self._drop_handler()\n            self._fail(why)\n",
        "            self._drop_handler()\n",
        _STOP,
        "test_a_stop_ends_whatever_is_under_way",
    ),
    Fault(
        "an answer that nobody takes is kept",
        _QUEUE,
        "            late.reset()\n",
        "            pass\n",
        _UNTAKEN,
        "test_an_answer_that_is_not_taken_ends_its_call",
    ),
    Fault(
        "a message of a stream that nobody takes is waited for",
        _LOOP,
        "self._loop.call_later(departures.TAKEN_SECONDS, self.reset)",
        "self._loop.call_later(1_000.0, self.reset)",
        _UNTAKEN,
        "test_an_answer_that_is_not_taken_ends_its_call",
    ),
    Fault(
        "the event loop's answers that nobody takes are not counted",
        _LOOP,
        "            self._thread.departures.expect(self)\n",
        "            pass\n",
        _UNTAKEN,
        "test_a_caller_has_so_much_that_is_not_taken",
    ),
    Fault(
        "one caller may have any number of answers that it does not take",
        "server/transport/departures.py",
        "        if self._untaken and self._bytes[subject] >= UNTAKEN_BYTES:\n",
        "        if False:\n",
        _UNTAKEN,
        "test_a_caller_has_so_much_that_is_not_taken",
    ),
    Fault(
        "a connection goes on whose calls are reset at once",
        _HOT,
        "                self._method.pipeline.note_reset(self._exchange)\n",
        "                pass\n",
        ("tests/server/transport/test_rapid_resets.py",),
        "test_a_connection_of_calls_that_are_reset_at_once_is_ended",
    ),
    Fault(
        "strangers are refused on the event loop",
        _QUEUE,
        "        pipeline = self._guarded.get(name)\n",
        "        pipeline = None\n",
        ("tests/server/transport/test_refused_ahead.py",),
        "test_a_stranger_costs_the_event_loop_no_task",
    ),
    Fault(
        "chunks of long work are done one after the other",
        _QUEUE,
        "        for _ in range(len(self._posted)):\n",
        "        while self._posted:\n",
        _LONG,
    ),
    Fault(
        "the frame that throws a cancellation on refers to it",
        "service/loop.py",
        "                error, thrown = thrown, None\n                try:\n"
        "                    awaited = steps.throw(error)\n                finally:\n                    del error\n",
        "                error, thrown = thrown, None\n                awaited = steps.throw(error)\n",
        ("tests/server/transport/test_ends.py",),
        "test_nothing_of_a_cancelled_call_stays",
    ),
)
