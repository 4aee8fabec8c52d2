"""Faults in what is kept from those who have no token, or too much open."""

from tests.mutants.fault import Fault

_STRANGERS = ("tests/server/test_strangers.py",)
_CONNECTIONS = ("tests/server/test_connections.py",)

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
        _CONNECTIONS,
    ),
    Fault(
        "strangers stay when places grow few",
        "server/connections.py",
        "        if is_crowded:\n",
        "        if False:\n",
        _CONNECTIONS,
    ),
    Fault(
        "a stream is ended as late as its message would have been",
        "server/arrivals.py",
        "            lateness.cancel()\n",
        "",
        _STRANGERS,
    ),
    Fault(
        "a message on its way is counted for ever",
        "server/arrivals.py",
        "            self._callers[caller.subject] -= 1\n",
        "",
        _STRANGERS,
    ),
    Fault(
        "who has shown a token is a stranger all the same",
        "server/connections.py",
        "            self._known.add(peer)\n",
        "            pass\n",
        _CONNECTIONS,
    ),
    Fault(
        "who asks for health is ended with the strangers",
        "server/connections.py",
        "        kept = self._known | self._probes\n",
        "        kept = self._known\n",
        _CONNECTIONS,
    ),
    Fault(
        "somebody else's connection is ended for the number of its file",
        "server/connections.py",
        "            if self._peer(copy) == peer:",
        "            if self._peer(copy):",
        _CONNECTIONS,
    ),
    Fault(
        "a connection that came during a look is taken for one that has gone",
        "server/connections.py",
        "        self._forget(noted - connected.keys())\n",
        "        self._forget(self._known - connected.keys())\n",
        _CONNECTIONS,
    ),
    Fault(
        "the limit of open files stays as it was",
        "open_files.py",
        "            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))\n",
        "            pass\n",
        ("tests/server/test_open_files.py",),
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
