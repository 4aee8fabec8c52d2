"""Faults in the transport on the completion queue."""

from tests.mutants.fault import Fault

_QUEUE = "server/transport/queue_server.py"
_HOT = "server/transport/hot_call.py"
_LOOP = "server/transport/loop_call.py"

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
)
