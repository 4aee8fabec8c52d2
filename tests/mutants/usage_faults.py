"""Faults in usage: in what counts, in the rollup, in what is read of the ledger after it, and in periods."""

from tests.mutants.fault import Fault

_DOMAIN = ("tests/domain/test_usage.py",)
_PERIODS = ("tests/domain/test_usage_periods.py",)
_ROLLUP = ("tests/service/usage/test_rollup.py",)
_WIRE = ("tests/contract/test_usage.py",)

USAGE_FAULTS = (
    Fault(
        "the end of a hold counted as a refund",
        "domain/usage.py",
        "Addend(Measure.REFUNDED, Basis.SLICES, ReservationState.CONFIRMED)",
        "Addend(Measure.REFUNDED, Basis.SLICES)",
        _DOMAIN,
        "test_a_hold_is_not_used_whether_it_is_given_back_or_ends_by_itself",
    ),
    Fault(
        "a refund that does not lower what is used",
        "domain/usage.py",
        "{Measure.SPENT: 1, Measure.REFUNDED: -1}",
        "{Measure.SPENT: 1, Measure.REFUNDED: 0}",
        _WIRE,
        "test_a_refund_lowers_what_is_used_and_a_hold_is_never_used",
    ),
    Fault(
        "what a clawback could not take left out",
        "domain/usage.py",
        "(Addend(Measure.CLAWED_BACK, Basis.SLICES), Addend(Measure.INDEBTED, Basis.REST))",
        "(Addend(Measure.CLAWED_BACK, Basis.SLICES),)",
        _DOMAIN,
        "test_a_clawback_takes_what_is_there_and_the_rest_is_owed_until_it_is_paid_or_written_off",
    ),
    Fault(
        "the first entry after a position read twice",
        "storage/usage.py",
        "version > k.after AND version <= k.last",
        "version >= k.after AND version <= k.last",
        _WIRE,
        "test_the_other_server_tells_what_this_one_has_just_committed",
    ),
    Fault(
        "an entry added up without its position",
        "storage/usage_rollups.py",
        "DO UPDATE SET version = excluded.version",
        "DO UPDATE SET version = p.version",
        _ROLLUP,
        "test_sums_grow_from_round_to_round_by_what_is_new",
    ),
    Fault(
        "a sum replaced by what is added to it",
        "storage/usage_rollups.py",
        "DO UPDATE SET used = b.used + excluded.used, covered = b.covered + excluded.covered\n), totals",
        "DO UPDATE SET used = excluded.used, covered = b.covered + excluded.covered\n), totals",
        _ROLLUP,
        "test_sums_grow_from_round_to_round_by_what_is_new",
    ),
    Fault(
        "all taken for added up that was made before now",
        "service/usage_rollup.py",
        "Instant(now - LATENESS)))",
        "now))",
        _ROLLUP,
        "test_what_is_committed_late_is_found",
    ),
    Fault(
        "all taken for added up though there was no room for some",
        "service/usage_rollup.py",
        "if is_whole and is_all_moved:",
        "if is_whole:",
        _ROLLUP,
        "test_what_there_was_no_room_for_is_not_taken_for_added_up",
    ),
    Fault(
        "a look at the newest taken for one at all",
        "service/usage_rollup.py",
        "wallets_moved_since(connection, rollup.edition, since), is_whole",
        "wallets_moved_since(connection, rollup.edition, since), True",
        _ROLLUP,
        "test_a_look_at_the_newest_is_not_taken_for_one_at_all",
    ),
    Fault(
        "a pass that leaves out a wallet for which there was no room",
        "service/usage_rollup.py",
        "if not _is_done([one], reached):",
        "if False:",
        _ROLLUP,
        "test_a_pass_leaves_out_no_wallet_for_which_there_was_no_room",
    ),
    Fault(
        "the newest moves left out of who used the most",
        "service/usage.py",
        "_ranked([*first, *added], top_size)",
        "_ranked(first, top_size)",
        _WIRE,
        "test_who_used_the_most_is_ranked_whatever_is_added_up_already",
    ),
    Fault(
        "no more ranks read than are shown",
        "service/usage.py",
        "top_size + len(added)",
        "top_size",
        _WIRE,
        "test_who_used_the_most_is_ranked_whatever_is_added_up_already",
    ),
    Fault(
        "what a plan covered left out of who used the most",
        "storage/usage.py",
        "ORDER BY used + covered DESC, value LIMIT :count",
        "ORDER BY used DESC, value LIMIT :count",
        _WIRE,
        "test_what_a_plan_covered_counts_in_who_used_the_most",
    ),
    Fault(
        "hours of all zones taken for those of UTC",
        "domain/usage_periods.py",
        "return Instant(instant - (instant + odd) % HOUR)",
        "return Instant(instant - instant % HOUR)",
        _PERIODS,
        "test_hours_and_days_begin_where_those_of_the_zone_do",
    ),
    Fault(
        "a rebuild that serves what is not whole yet",
        "service/usage_rebuild.py",
        "elif not made.has_more and self._is_current(made.rollup.complete_time):",
        "else:",
        _ROLLUP,
        "test_a_rebuild_that_took_long_is_served_when_it_has_what_came_in_meanwhile",
    ),
)
