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
_ODD = ("tests/server/transport/test_odd_calls.py",)

TRANSPORT_FAULTS = (
    Fault(
        "a path that is no text fails",
        _LOOP,
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
        "        if self._is_waiting and bell is not None:\n",
        "        if False:\n",
        _WAKE_UPS,
        "test_every_post_wakes_the_thread",
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
        "            self._core.cancel_all_calls()\n",
        "            pass\n",
        _STOP,
        "test_a_second_stop_shortens_the_first",
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
