"""Faults in what is kept from those who have no token, or too much open."""

from tests.mutants.fault import Fault

_STRANGERS = ("tests/server/test_strangers.py",)

STRANGERS_FAULTS = (
    Fault(
        "a message is taken in before its caller is known",
        "server/pipeline.py",
        "        caller = self._authenticate(exchange, context)\n",
        "        await context.read()\n        caller = self._authenticate(exchange, context)\n",
        _STRANGERS,
    ),
    Fault(
        "a message that never comes is waited for",
        "server/arrivals.py",
        "call_later(MESSAGE_SECONDS, ",
        "call_later(1_000.0, ",
        _STRANGERS,
    ),
    Fault(
        "one owner may have any number of messages on their way",
        "server/arrivals.py",
        "if self._callers[caller.subject] >= maximum:",
        "if self._callers[caller.subject] < 0:",
        _STRANGERS,
    ),
    Fault(
        "a connection of refused calls goes on",
        "server/connections.py",
        "            self._unwanted.add(peer)\n",
        "            pass\n",
        _STRANGERS,
    ),
    Fault(
        "strangers stay when places grow few",
        "server/connections.py",
        "        if is_crowded:\n",
        "        if False:\n",
        _STRANGERS,
    ),
    Fault(
        "one owner takes all watch streams",
        "server/watch_handlers.py",
        "if self._callers[call.subject] >= of_caller:",
        "if False:",
        ("tests/contract/test_watchers.py",),
    ),
    Fault(
        "one account takes all watch streams",
        "server/watch_handlers.py",
        "if self._accounts[account_id] >= WATCHERS_OF_AN_ACCOUNT:",
        "if False:",
        ("tests/contract/test_watchers.py",),
    ),
)
