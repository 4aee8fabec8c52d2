"""Faults in the rate limits: calls that are not counted, and bursts without an end."""

from tests.mutants.fault import Fault

_FILE = "server/rate_limits.py"
_WINDOWS = "call_windows.py"
_TESTS = ("tests/server/test_rate_limits.py",)
_SHARED = ("tests/server/test_shared_counts.py",)
_REDIS = ("tests/server/test_redis_connection.py",)
_TOO_MANY = ("tests/webhooks/test_too_many.py",)

RATE_FAULTS = (
    Fault(
        "one call more than the limit",
        _WINDOWS,
        "if used + 1.0 > limit and",
        "if used > limit and",
        _TESTS,
        "test_a_limit_is_reached_by_a_burst_of_twice_as_many_and_then_holds",
    ),
    Fault(
        "a burst that nobody has earned",
        _WINDOWS,
        "        if now - self.over_time >= WINDOW_SECONDS:\n            self.burst_time = now\n",
        "        self.burst_time = now\n",
        _TESTS,
        "test_a_caller_that_never_stops_is_held_to_its_limit_after_one_burst",
    ),
    Fault(
        "the minute before is forgotten at once",
        _WINDOWS,
        "before, others_before = self.count, self.others",
        "before = others_before = 0",
        _TESTS,
        "test_a_limit_is_reached_by_a_burst_of_twice_as_many_and_then_holds",
    ),
    Fault(
        "a service is held up by its address",
        _FILE,
        "if self._limits.address and not is_service:",
        "if self._limits.address:",
        _TESTS,
        "test_a_service_is_not_counted_by_its_address",
    ),
    Fault(
        "a message that comes late is judged by the rights of its headers",
        "server/pipeline.py",
        "caller = exchange.caller = self._caller_now(exchange, exchange.stated)",
        "pass",
        ("tests/contract/access/test_effect.py",),
        "test_a_message_that_comes_late_is_judged_by_what_is_stored_when_it_comes",
    ),
    Fault(
        "strangers are not counted",
        "server/pipeline.py",
        "            self._rate_limits.take_stranger(exchange.peer)\n",
        "",
        ("tests/contract/test_rate_limits.py",),
        "test_strangers_are_counted_by_their_address_and_keep_nobody_out_who_is_known",
    ),
    Fault(
        "what other processes have counted does not count",
        _WINDOWS,
        "before, count = self.before + self.others_before, own + self.others",
        "before, count = self.before, own",
        _SHARED,
        "test_processes_that_know_of_each_other_decide_as_one",
    ),
    Fault(
        "a burst begins anew in each process",
        "server/shared_counts.py",
        "            window.learn_burst(burst_time, over_time)\n",
        "            pass\n",
        _SHARED,
        "test_a_burst_that_is_over_in_one_process_does_not_begin_in_another",
    ),
    Fault(
        "a burst that is to come is believed",
        "server/shared_counts.py",
        "if burst_time <= over_time <= start + 2 * WINDOW_SECONDS:",
        "if burst_time:",
        _SHARED,
        "test_a_burst_that_cannot_be_is_not_believed",
    ),
    Fault(
        "a Redis that dribbles is waited for without end",
        "server/redis_connection.py",
        "        self._socket.settimeout(self._seconds_left())\n        received",
        "        self._socket.settimeout(self._answer_seconds)\n        received",
        _REDIS,
        "test_what_is_no_answer_is_a_failure_and_none_is_waited_for_without_end",
    ),
    Fault(
        "an answer of a Redis may have any size",
        "server/redis_connection.py",
        " or int(rest) > MAX_ANSWER_BYTES",
        "",
        _REDIS,
        "test_what_is_no_answer_is_a_failure_and_none_is_waited_for_without_end",
    ),
    Fault(
        "webhooks that are stored count against their sender",
        "webhooks/address_limit.py",
        "if self._limit and not _is_turned_down(answer.status):",
        "if self._limit and answer.retry_seconds:",
        _TOO_MANY,
        "test_a_provider_sends_as_many_as_it_has_to",
    ),
    Fault(
        "a rate limit of the service is told as an outage",
        "webhooks/answers.py",
        "if reason == RATE_LIMITED:",
        "if reason == RATE_LIMITED and not reason:",
        _TOO_MANY,
        "test_a_rate_limit_of_the_service_becomes_429_with_its_time",
    ),
)
