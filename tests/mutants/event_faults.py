"""Faults in events: what is told, its order, and who misses some of it."""

from tests.mutants.fault import Fault

_WIRE = ("tests/contract/test_events.py",)
_PUBLISHING = ("tests/service/test_publishing.py",)
_LEDGER = ("tests/ledger/test_announcing.py",)

EVENT_FAULTS = (
    Fault(
        "a low balance is told of every movement below the figure",
        "domain/outbox.py",
        "entry.available_after < alert.below <= before:",
        "entry.available_after < alert.below:",
        _WIRE,
        "test_a_low_balance_is_told_once_for_each_crossing",
    ),
    Fault(
        "a low balance is told at the figure itself",
        "domain/outbox.py",
        "entry.available_after < alert.below <= before:",
        "entry.available_after <= alert.below < before:",
        _WIRE,
        "test_a_low_balance_is_told_once_for_each_crossing",
    ),
    Fault(
        "what a draft tells is committed beside its save",
        "ledger/drafts.py",
        "self._database.transaction if draft.batch.changes.announced else self._database.autocommit",
        "self._database.autocommit",
        _LEDGER,
        "test_what_is_told_is_committed_with_the_save_or_not_at_all[polled]",
    ),
    Fault(
        "what was not saved is told",
        "ledger/commit.py",
        "[event for event in changes.announced if event.account_id not in saved.unsaved]",
        "changes.announced",
        _LEDGER,
        "test_what_another_server_was_quicker_with_is_told_once",
    ),
    Fault(
        "two servers publish at once",
        "storage/published_events.py",
        "_POSITIONS.with_for_update(skip_locked=True)",
        "_POSITIONS",
        _PUBLISHING,
        "test_while_one_publishes_the_others_leave_it_to_that_one",
    ),
    Fault(
        "events are published in the order of their ids",
        "storage/published_events.py",
        "row_number() OVER (ORDER BY announce_time, event_id)",
        "row_number() OVER (ORDER BY event_id)",
        _PUBLISHING,
        "test_of_an_account_they_come_in_the_order_of_their_commits_whatever_the_clocks",
    ),
    Fault(
        "an event that was told again has another position",
        "storage/published_events.py",
        "    FROM taken\n    ON CONFLICT (account, event_id) DO NOTHING\n",
        "    FROM taken\n",
        _PUBLISHING,
        "test_an_id_is_published_once",
    ),
    Fault(
        "a stream passes over what does not fit into its look",
        "storage/published_events.py",
        "CASE WHEN count(*) < :rows ::bigint THEN :upto ::bigint ELSE max(position) END",
        ":upto ::bigint",
        _PUBLISHING,
        "test_a_look_comes_as_far_as_its_rows",
    ),
    Fault(
        "what is still young is removed",
        "storage/published_events.py",
        'SELECT position FROM oldest WHERE publish_time < {timestamp(":before ::bigint")}',
        "SELECT position FROM oldest",
        _PUBLISHING,
        "test_what_is_old_is_removed_from_the_oldest_on_and_no_more",
    ),
    Fault(
        "notice is given twice",
        "service/expiry_notices.py",
        "            if found:\n",
        "            if False:\n",
        _PUBLISHING,
        "test_notice_of_each_grant_is_given_once_a_page_at_a_time",
    ),
    Fault(
        "a grant that came late is told to expire soon",
        "service/expiry_notices.py",
        "made < one.expire_time - self._ahead and",
        "made < one.expire_time and",
        _PUBLISHING,
        "test_notice_of_each_grant_is_given_once_a_page_at_a_time",
    ),
    Fault(
        "who was away for too long misses events without a word",
        "service/event_feed.py",
        "    if after < where.removed:\n",
        "    if False:\n",
        _WIRE,
        "test_what_is_kept_no_more_is_told",
    ),
    Fault(
        "events of others keep a stream silent",
        "server/handlers/event_handlers.py",
        "                if look.events:\n",
        "                if True:\n",
        _WIRE,
        "test_events_of_others_keep_no_stream_silent",
    ),
)
