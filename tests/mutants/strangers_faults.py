"""Faults in what is kept from those who have no token, or too much open."""

from tests.mutants.fault import Fault

_STRANGERS = ("tests/server/test_strangers.py",)
_CONNECTIONS = ("tests/server/test_connections.py",)

STRANGERS_FAULTS = (
    Fault(
        "a message is taken in before its caller is known",
        "server/contexts.py",
        "                    known = known or admit(self._pipeline, exchange, context)\n"
        "                    request, call = await self._read(known, passage, context)\n"
        "                    self._gate.streams(",
        "                    await context.read()\n"
        "                    known = known or admit(self._pipeline, exchange, context)\n"
        "                    request, call = await self._read(known, passage, context)\n"
        "                    self._gate.streams(",
        _STRANGERS,
        "test_a_stream_begins_with_its_message_as_well",
    ),
    Fault(
        "a message that never comes is waited for on the polling thread",
        "server/transport/queue_server.py",
        "            if end_time > now:\n",
        "            if True:\n",
        _STRANGERS,
        "test_a_message_that_never_comes_is_not_waited_for",
    ),
    Fault(
        "a message that never comes is waited for",
        "server/arrivals.py",
        "call_later(MESSAGE_SECONDS, ",
        "call_later(1_000.0, ",
        _STRANGERS,
        "test_a_message_that_never_comes_is_not_waited_for",
    ),
    Fault(
        "one owner may have any number of messages on their way",
        "server/arrivals.py",
        "if self._callers[caller.subject] >= maximum:",
        "if self._callers[caller.subject] < 0:",
        _STRANGERS,
        "test_an_owner_has_so_many_messages_on_their_way",
    ),
    Fault(
        "a connection of refused calls goes on",
        "server/connections.py",
        "            self._unwanted.add(peer)\n",
        "            pass\n",
        _CONNECTIONS,
        "test_a_connection_of_refused_calls_is_ended",
    ),
    Fault(
        "strangers stay when places grow few",
        "server/connections.py",
        "        if is_crowded:\n",
        "        if False:\n",
        _CONNECTIONS,
        "test_strangers_leave_when_places_grow_few",
    ),
    Fault(
        "a stream is ended as late as its message would have been",
        "server/arrivals.py",
        "            lateness.cancel()\n",
        "",
        _STRANGERS,
        "test_a_stream_begins_with_its_message_as_well",
    ),
    Fault(
        "a message on its way is counted for ever",
        "server/arrivals.py",
        "        left = self._callers[caller.subject] - 1\n",
        "        left = self._callers[caller.subject]\n",
        _STRANGERS,
        "test_an_owner_has_so_many_messages_on_their_way",
    ),
    Fault(
        "who has shown a token is a stranger all the same",
        "server/connections.py",
        "            self.known.add(peer)\n",
        "            pass\n",
        _CONNECTIONS,
        "test_a_shared_connection_is_not_ended_for_one_of_those_who_share_it",
    ),
    Fault(
        "who asks for health is ended with the strangers",
        "server/connections.py",
        "        kept = self.known | self._probes\n",
        "        kept = self.known\n",
        _CONNECTIONS,
        "test_strangers_leave_when_places_grow_few",
    ),
    Fault(
        "somebody else's connection is ended for the number of its file",
        "server/connections.py",
        "            if self._peer(copy) == peer:",
        "            if self._peer(copy):",
        _CONNECTIONS,
        "test_a_file_that_is_another_by_now_is_left_alone",
    ),
    Fault(
        "a connection that came during a look is taken for one that has gone",
        "server/connections.py",
        "        self._forget(noted - connected.keys())\n",
        "        self._forget(self.known - connected.keys())\n",
        _CONNECTIONS,
        "test_what_is_noted_goes_with_its_connection",
    ),
    Fault(
        "the limit of open files stays as it was",
        "open_files.py",
        "            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))\n",
        "            pass\n",
        ("tests/server/test_open_files.py",),
        "test_a_process_raises_its_limit_as_far_as_it_may",
    ),
    Fault(
        "one owner takes all watch streams",
        "server/handlers/watch_handlers.py",
        "if self._callers[call.subject] >= of_caller:",
        "if False:",
        ("tests/contract/test_watchers.py",),
        "test_an_owner_has_so_many_streams",
    ),
    Fault(
        "one account takes all watch streams",
        "server/handlers/watch_handlers.py",
        "if self._accounts[account_id] >= WATCHERS_OF_AN_ACCOUNT:",
        "if False:",
        ("tests/contract/test_watchers.py",),
        "test_an_account_has_so_many_streams",
    ),
)
