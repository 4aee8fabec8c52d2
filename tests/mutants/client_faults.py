"""Faults in the Python client, and in the server for tests."""

from tests.mutants.fault import Fault

_BLOCKS = ("tests/client/test_blocks.py",)
_CANCELLED = ("tests/client/test_cancelled.py",)
_CONNECTION = ("tests/client/test_connection.py",)
_ERRORS = ("tests/client/test_errors.py",)
_METERED = ("tests/client/test_metered.py",)
_PLUGIN = ("tests/client/test_plugin.py",)
_PRICED = ("tests/client/test_priced.py",)
_RETRIES = ("tests/client/test_retries.py",)
_TOKENS = ("tests/client/test_tokens.py",)

CLIENT_FAULTS = (
    Fault(
        "a block that fails is paid for as far as it came",
        "../credit_client/hold.py",
        "(spent or 0) if self._spent_stands else 0",
        "(spent or 0)",
        _BLOCKS,
        "test_all_comes_back_if_it_raises",
    ),
    Fault(
        "what was spent and delivered is given back with the rest",
        "../credit_client/hold.py",
        "(spent or 0) if self._spent_stands else 0",
        "0",
        _BLOCKS,
        "test_what_was_spent_stands_though_it_raises_if_that_was_said",
    ),
    Fault(
        "a block spends more than it holds",
        "../credit_client/hold.py",
        "if spent + amount > self.amount:",
        "if spent + amount > self.amount + 1:",
        _BLOCKS,
        "test_more_than_is_held_cannot_be_spent",
    ),
    Fault(
        "a piece is handed on before it is paid for",
        "../credit_client/hold.py",
        "        async for piece in pieces:\n            self.spend(cost(piece))\n            yield piece",
        "        async for piece in pieces:\n            yield piece\n            self.spend(cost(piece))",
        _METERED,
        "test_what_the_hold_does_not_cover_is_not_handed_on",
    ),
    Fault(
        "each try has a request id of its own",
        "../credit_client/tries.py",
        "            outcome = yield Send(",
        "            setattr(request, REQUEST_ID, new_request_id())\n            outcome = yield Send(",
        _RETRIES,
        "test_it_is_tried_again_with_the_same_request_id",
    ),
    Fault(
        "a server that says when to come back is not heard",
        "../credit_client/retries.py",
        "pause = failure.pushback_seconds",
        "pause = None",
        _RETRIES,
        "test_what_is_tried_again_and_when",
    ),
    Fault(
        "what is refused by a busy code is tried again though nobody said so",
        "../credit_client/retries.py",
        "if pause is None and failure.code in UNSAID:",
        "if pause is None:",
        _RETRIES,
        "test_what_is_tried_again_and_when",
    ),
    Fault(
        "a pause outlasts the time that there is",
        "../credit_client/retries.py",
        "0 <= pause < seconds_left",
        "0 <= pause",
        _RETRIES,
        "test_nobody_waits_for_a_try_that_comes_too_late",
    ),
    Fault(
        "who is cancelled while it reserves leaves the hold behind",
        "../credit_client/async_credits.py",
        "            _ = self._keep(asyncio.create_task(self._give_back(beginning)))\n",
        "",
        _CANCELLED,
        "test_while_it_reserves_what_is_held_all_the_same_comes_back",
    ),
    Fault(
        "a cancelled task tears its Confirm",
        "../credit_client/async_credits.py",
        "await asyncio.shield(confirming)",
        "await confirming",
        _CANCELLED,
        "test_while_it_confirms_what_was_spent_is_confirmed_all_the_same",
    ),
    Fault(
        "a long block is extended once",
        "../credit_client/extender.py",
        "        if lives_on:\n            self.watch(hold)\n",
        "",
        _BLOCKS,
        "test_it_is_extended_again_and_again_while_it_runs[Blocking]",
    ),
    Fault(
        "a token goes to another machine in plaintext",
        "../credit_client/connection.py",
        "tls = not stays_here(target)",
        "tls = False",
        _CONNECTION,
        "test_only_what_stays_here_is_in_plaintext_unless_that_is_said",
    ),
    Fault(
        "servers that do not serve are called",
        "../credit_client/connection.py",
        '        "healthCheckConfig": {"serviceName": HEALTH_SERVICE},\n',
        "",
        _CONNECTION,
        "test_a_server_that_does_not_serve_is_passed_over",
    ),
    Fault(
        "a proxy that the environment names sees the tokens",
        "../credit_client/connection.py",
        '        ("grpc.enable_http_proxy", 0),\n',
        "",
        _CONNECTION,
        "test_a_proxy_that_the_environment_names_sees_no_tokens",
    ),
    Fault(
        "a dead connection is kept until the call's time is over",
        "../credit_client/connection.py",
        '        ("grpc.keepalive_time_ms", KEEPALIVE_SECONDS * 1_000),\n',
        "",
        _CONNECTION,
        "test_a_connection_on_which_nothing_comes_any_more_is_given_up",
    ),
    Fault(
        "a token is used beyond its end",
        "../credit_client/tokens.py",
        'return self._token if time.monotonic() < self._until else ""',
        "return self._token",
        _TOKENS,
        "test_it_is_exchanged_again_before_its_token_ends",
    ),
    Fault(
        "a refusal passes for a call that nobody has decided",
        "../credit_client/errors.py",
        '    "MESSAGE_TOO_LARGE": Refusal,\n',
        "",
        _ERRORS,
        "test_every_reason_that_is_documented_has_a_class_and_only_those_to_be_repeated_leave_it_open",
    ),
    Fault(
        "a request that fails is paid for",
        "../credit_client/asgi.py",
        "                        hold.spend(0)",
        "                        pass",
        _PRICED,
        "test_a_request_is_paid_for_if_it_succeeds",
    ),
    Fault(
        "the server for tests starts beside a database of production",
        "development/local_server.py",
        "    if set_there:",
        "    if not set_there:",
        _PLUGIN,
        "test_either_database_is_one",
    ),
)
