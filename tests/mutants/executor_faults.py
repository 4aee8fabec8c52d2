"""Faults in how executors are called, and in what is made of their answers."""

from tests.mutants.fault import Fault

_CONTRACT = ("tests/executors/test_contract.py",)
_CONNECTIONS = ("tests/executors/test_connections.py",)
_COSTS = "test_what_is_final_and_not_lawful_costs_nothing"

EXECUTOR_FAULTS = (
    Fault(
        "an executor may use more than is held",
        "executors/answers.py",
        "not 0 <= used <= execution.held_amount",
        "not 0 <= used",
        _CONTRACT,
        _COSTS,
    ),
    Fault(
        "an executor may use less than nothing",
        "executors/answers.py",
        "not 0 <= used <= execution.held_amount",
        "used > execution.held_amount",
        _CONTRACT,
        _COSTS,
    ),
    Fault(
        "the first of an executor's two results stands",
        "executors/client.py",
        '                        return invalid("it has two results")\n',
        "                        return result\n",
        _CONTRACT,
        _COSTS,
    ),
    Fault(
        "an executor's stream without a result has failed for good",
        "executors/client.py",
        '_NOTHING: Final = Unreached("it ended without a result")',
        '_NOTHING: Final = Failed("NONE", "it ended without a result")',
        _CONTRACT,
        "test_without_a_result_nobody_knows",
    ),
    Fault(
        "an executor's result is forgotten when its stream breaks",
        "executors/client.py",
        "        if result is not None:\n",
        "        if result is None and is_begun:\n",
        _CONTRACT,
        "test_a_result_that_was_told_stands_though_the_stream_breaks",
    ),
    Fault(
        "an executor is tried after the deadline",
        "executors/client.py",
        "or self._seconds() + pause >= end",
        "or self._seconds() >= end",
        _CONNECTIONS,
        "test_tries_end_before_the_deadline_and_after_so_many",
    ),
    Fault(
        "an executor at work opens the breaker by its deadlines",
        "executors/client.py",
        "is_begun or error.code() is grpc.StatusCode.DEADLINE_EXCEEDED",
        "is_begun",
        _CONNECTIONS,
        "test_a_call_ends_at_the_deadline_and_says_nothing_of_the_executor",
    ),
    Fault(
        "the breaker of an executor lets everybody try at once",
        "executors/breaker.py",
        "        self._shut_until = now + PROBE_SECONDS\n",
        "",
        _CONNECTIONS,
        "test_the_breaker_opens_after_failures_in_a_row_and_lets_one_try",
    ),
    Fault(
        "the breaker of an executor counts failures that are long ago",
        "executors/breaker.py",
        "        self._failures = 0\n        if self.state",
        "        if self.state",
        _CONNECTIONS,
        "test_the_breaker_opens_after_failures_in_a_row_and_lets_one_try",
    ),
    Fault(
        "executors are called in plaintext whatever is configured",
        "bootstrap/executors.py",
        "bool(config.executors_tls_ca_file) and name not in config.plaintext_executors",
        "False",
        _CONNECTIONS,
        "test_over_tls_each_side_shows_a_certificate",
    ),
)
