"""Faults in the audit log: acts told apart from what they do, refusals that fill it, and seals that hold nothing."""

from tests.mutants.fault import Fault

_ACTS = ("tests/contract/payments/test_audited_acts.py",)
_REFUSED = ("tests/contract/test_refused_acts.py",)
_KEPT = ("tests/service/test_refusals_kept.py",)
_SEALS = ("tests/service/seals/test_seals.py",)
_SEALER = ("tests/service/seals/test_sealer.py",)

AUDIT_FAULTS = (
    Fault(
        "an act of staff goes into a draft, and is saved before it is told",
        "ledger/drafts.py",
        " or work.act:\n",
        ":\n",
        _ACTS,
        "test_what_cannot_be_told_is_not_done[credits.remove]",
    ),
    Fault(
        "an act whose row is not written is done all the same",
        "ledger/commit.py",
        "    if changes.audited:\n        _append_audited(connection, changes, saved)\n",
        "",
        _ACTS,
        "test_what_cannot_be_told_is_not_done[credits.add]",
    ),
    Fault(
        "an account is changed and the audit log is told of it by nobody",
        "ledger/accounts.py",
        "        audit.append(transaction.connection, event)\n",
        "",
        _ACTS,
        "test_an_act_is_told_with_who_what_why_before_and_after[account.set_plan]",
    ),
    Fault(
        "what an act found before it is shown as what it left",
        "domain/controls/audit_event.py",
        'entry.available_after - is_before * entry.available_delta,\n        "reserved"',
        'entry.available_after,\n        "reserved"',
        _ACTS,
        "test_many_at_once_on_one_account_are_each_told_with_what_it_found",
    ),
    Fault(
        "a secret in a reason goes into the audit log",
        "storage/controls/audit.py",
        'return redacted(value.replace("\\0", "?"))[:MAX_TEXT_LENGTH]',
        'return value.replace("\\0", "?")[:MAX_TEXT_LENGTH]',
        _ACTS,
        "test_a_secret_in_a_reason_is_left_out",
    ),
    Fault(
        "refusals of one caller fill the audit log",
        "service/controls/refused_acts.py",
        "not is_counted and self._told[refused.actor] < EVENTS_A_MINUTE",
        "not is_counted",
        _REFUSED,
        "test_beyond_so_many_a_minute_the_rest_is_one_row",
    ),
    Fault(
        "refusals that could not be written are forgotten",
        "service/controls/refused_acts.py",
        "            self._unwritten[: len(events)] = events\n",
        "            del self._unwritten[: len(events)]\n",
        _REFUSED,
        "test_a_refusal_is_answered_though_it_cannot_be_told_and_told_once_it_can",
    ),
    Fault(
        "refusals that a broken connection has written are written once more",
        "service/controls/refused_acts.py",
        "                    self._end(audit.known(connection, self._in_doubt))\n",
        "                    self._end(frozenset())\n",
        _KEPT,
        "test_what_was_written_before_the_connection_broke_is_written_once",
    ),
    Fault(
        "a refusal that waited for the database takes a place that may be sealed",
        "service/controls/refused_acts.py",
        "        if event.create_time > now - LATE:\n",
        "        if event.create_time:\n",
        _KEPT,
        "test_what_could_not_be_written_in_time_takes_a_new_place",
    ),
    Fault(
        "refusals beyond what is kept are lost without a word",
        "service/controls/refused_acts.py",
        'log.error("refusals are too many to keep"',
        'log.debug("refusals are too many to keep"',
        _KEPT,
        "test_what_is_too_much_to_keep_is_logged",
    ),
    Fault(
        "events are sealed that others may still come before",
        "service/controls/sealer.py",
        "first_id(Instant(now - HORIZON))",
        "first_id(Instant(now + HORIZON))",
        _SEALER,
        "test_what_is_younger_than_the_horizon_is_not_sealed",
    ),
    Fault(
        "the chain holds no seals of entries",
        "domain/controls/seal.py",
        'b"".join((*parts, *events, *entry_seals))',
        'b"".join((*parts, *events))',
        _SEALS,
        "test_a_seal_of_entries_made_anew_to_fit_is_found_by_the_chain",
    ),
    Fault(
        "entries are sealed in whatever order",
        "storage/controls/seals.py",
        "ORDER BY e.version) AS hashes",
        "ORDER BY e.actor, e.amount) AS hashes",
        _SEALS,
        "test_the_hashes_are_those_that_are_documented",
    ),
    Fault(
        "every server makes a round of its own",
        "service/controls/sealer.py",
        "(self._pause if rests else 0)",
        "0",
        _SEALER,
        "test_one_server_seals_at_a_time_and_none_soon_after_another",
    ),
    Fault(
        "a wallet with much to be sealed keeps the others waiting",
        "service/controls/seal_plan.py",
        "min(left.last_version, left.first_version + STRETCH_ENTRIES - 1)",
        "left.last_version",
        _SEALER,
        "test_a_wallet_with_much_to_be_sealed_keeps_nobody_waiting",
    ),
    Fault(
        "a wallet that was moved past is sealed when the rounds come round",
        "service/controls/sealer.py",
        "        self._behind = plan.behind\n",
        "        self._behind = []\n",
        _SEALER,
        "test_a_wallet_with_much_to_be_sealed_keeps_nobody_waiting",
    ),
    Fault(
        "each entry sealed by itself as soon as it is there",
        "service/controls/seal_plan.py",
        "if since is not None and since > horizon:",
        "if False:",
        _SEALER,
        "test_a_wallet_that_moves_all_the_time_has_few_seals",
    ),
    Fault(
        "events are not sealed while entries cannot be",
        "service/controls/sealer.py",
        "            of_events = self._seal_events(last_round, now)\n        finally:\n"
        "            of_entries = self._seal_entries(last_round, now)\n",
        "            of_entries = self._seal_entries(last_round, now)\n        finally:\n"
        "            of_events = None if of_entries is None else self._seal_events(last_round, now)\n",
        _SEALER,
        "test_what_keeps_ledgers_from_being_sealed_leaves_the_audit_log_alone",
    ),
)
