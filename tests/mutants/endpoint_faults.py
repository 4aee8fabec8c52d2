"""Faults in deliveries: where events go, in which order, signed with what, and for how long."""

from tests.mutants.fault import Fault

_WIRE = ("tests/contract/test_event_endpoints.py",)
_ROWS = ("tests/storage/test_event_deliveries.py",)
_SENDING = ("tests/service/test_deliveries.py",)

ENDPOINT_FAULTS = (
    Fault(
        "endpoints: a private address is connected to",
        "service/deliveries/network.py",
        "if not self.allows_private and not are_public(found):",
        "if False:",
        _SENDING,
        "test_a_name_is_resolved_once_and_the_address_that_was_judged_is_connected_to",
    ),
    Fault(
        "endpoints: one public address is enough",
        "service/deliveries/targets.py",
        "return all(map(is_public, addresses))",
        "return any(map(is_public, addresses))",
        _SENDING,
        "test_one_private_address_among_several_is_enough_to_refuse",
    ),
    Fault(
        "endpoints: a tunnel to a private address is public",
        "service/deliveries/targets.py",
        '"2001:db8::/32", "2002::/16", ',
        '"2001:db8::/32", ',
        _SENDING,
        "test_an_address_that_only_we_can_reach_is_not_public[2002:7f00:1::]",
    ),
    Fault(
        "endpoints: a redirection is taken for an answer",
        "service/deliveries/sender.py",
        "status < HTTPStatus.MULTIPLE_CHOICES",
        "status < HTTPStatus.BAD_REQUEST",
        _SENDING,
        "test_an_attempt_is_bounded_in_time_and_follows_nothing",
    ),
    Fault(
        "endpoints: an answer without an end is read on",
        "service/deliveries/network.py",
        "self._left -= len(content)",
        "self._left -= 0",
        _SENDING,
        "test_what_is_no_answer_ends_by_its_bytes",
    ),
    Fault(
        "endpoints: a former secret signs for ever",
        "service/events/event_secrets.py",
        "now < endpoint.rotation_end",
        "endpoint.rotation_end",
        _SENDING,
        "test_a_secret_is_bound_to_its_endpoint_and_to_the_key",
    ),
    Fault(
        "endpoints: all events of an account go at once",
        "storage/events/event_deliveries.py",
        "CASE WHEN w.ordinal = 1 AND (",
        "CASE WHEN (",
        _ROWS,
        "test_of_an_account_one_goes_at_a_time_and_others_go_beside_it",
    ),
    Fault(
        "endpoints: a dead letter holds up its account for good",
        "storage/events/event_deliveries.py",
        "in connection.execute(_FAILED, values) if is_dead}",
        "in connection.execute(_FAILED, values) if not is_dead}",
        _ROWS,
        "test_of_an_account_one_goes_at_a_time_and_others_go_beside_it",
    ),
    Fault(
        "endpoints: who has lost the lease ends the delivery",
        "storage/events/event_deliveries.py",
        "AND attempts = n.attempts AND state = 1 OFFSET 0",
        "AND state = 1 OFFSET 0",
        _ROWS,
        "test_who_has_lost_the_lease_ends_nothing",
    ),
    Fault(
        "endpoints: of two outcomes any counts",
        "storage/events/event_deliveries.py",
        "AND n.attempts = d.attempts LIMIT 1",
        "LIMIT 1",
        _ROWS,
        "test_of_two_outcomes_that_come_together_that_of_the_lease_counts",
    ),
    Fault(
        "endpoints: events are passed over by a full share",
        "storage/events/event_deliveries.py",
        "CASE WHEN count(l.position) < :rows THEN b.last ELSE max(l.position) END AS position",
        "b.last AS position",
        _ROWS,
        "test_each_endpoint_gets_what_it_asks_for_a_bounded_number_at_a_time",
    ),
    Fault(
        "endpoints: one held endpoint stops the turn",
        "storage/events/event_endpoints.py",
        "ORDER BY e.endpoint_key FOR NO KEY UPDATE SKIP LOCKED",
        "ORDER BY e.endpoint_key FOR NO KEY UPDATE",
        _ROWS,
        "test_while_one_server_holds_an_endpoint_the_others_leave_it_to_that_one",
    ),
    Fault(
        "endpoints: a receiver that hangs holds up the turns",
        "service/deliveries/deliverer.py",
        "            task.add_done_callback(self._ended)\n",
        "            task.add_done_callback(self._ended)\n            await asyncio.wait([task])\n",
        _WIRE,
        "test_a_receiver_that_hangs_delays_neither_another_nor_a_reserve",
    ),
    Fault(
        "endpoints: a secret is shown again",
        "service/events/event_endpoints.py",
        "secret_text(secret) if secret and not replayed else",
        "secret_text(secret) if secret else",
        _WIRE,
        "test_a_secret_is_shown_once_and_stored_encrypted",
    ),
)
