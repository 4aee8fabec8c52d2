"""Faults in how account data is written and distributed where Citus keeps it."""

from tests.mutants.fault import Fault

_LANES = ("tests/layouts/test_lanes.py",)
_DISTRIBUTE = ("tests/layouts/test_distribute.py",)
_SAVE = "storage/save_of_one.py"
_DISTRIBUTION = "storage/distribution.py"

LAYOUT_FAULTS = (
    Fault(
        "an account that was changed by another server is written all the same",
        _SAVE,
        "    if any(guard.rowcount != 1 for guard in guards):\n        raise Overtaken\n",
        "",
        _LANES,
        "test_what_another_server_has_changed_of_the_account_is_decided_on",
    ),
    Fault(
        "the save of one account is not guarded by the account's version",
        _SAVE,
        " AND account_version = $9 ::bigint",
        " AND $9 ::bigint > 0",
        _LANES,
        "test_what_another_server_has_changed_of_the_account_is_decided_on",
    ),
    Fault(
        "a request id that was claimed is used again by an entry of a distributed account",
        _SAVE,
        "    if any(rows.fetchone() is not None for rows in known):\n        raise KnownRequest\n",
        "",
        _LANES,
        "test_a_claimed_request_id_writes_nothing",
    ),
    Fault(
        "an account's lane differs from process to process",
        "ledger/account_lanes.py",
        "crc32(account_id.encode()) % lanes",
        "hash(account_id) % lanes",
        _LANES,
        "test_an_account_is_always_in_the_same_lane_in_each_process_and_release",
    ),
    Fault(
        "what Citus relays is not understood",
        "storage/failures.py",
        "    if code == _RELAYED:",
        "    if code is _RELAYED:",
        ("tests/layouts/test_relayed_errors.py",),
        "test_it_is_read_from_the_words",
    ),
    Fault(
        "tables are distributed with their triggers",
        _DISTRIBUTION,
        "    yield from _steps_of_triggers(connection)\n",
        "",
        _DISTRIBUTE,
        "test_each_table_is_put_where_it_belongs_and_a_repeat_finds_nothing_left",
    ),
    Fault(
        "what is distributed is distributed again",
        _DISTRIBUTION,
        "    return found is not None\n",
        "    return False\n",
        _DISTRIBUTE,
        "test_each_table_is_put_where_it_belongs_and_a_repeat_finds_nothing_left",
    ),
    Fault(
        "a server of the plain layout serves a distributed database",
        "storage/connections/fitness.py",
        "        _judge_layout(session)\n",
        "",
        _DISTRIBUTE,
        "test_a_distributed_database_is_served_with_the_layout_alone",
    ),
)
