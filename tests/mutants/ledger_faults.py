"""Faults in how a batch is loaded, decided, saved and retried."""

from tests.mutants.fault import Fault

LEDGER_FAULTS = (
    Fault(
        "version check skipped in the save's guard",
        "storage/saving.py",
        "WHERE w.version = excluded.base_version AND w.account_version",
        "WHERE w.account_version",
        ("tests/storage/test_saving.py",),
    ),
    Fault(
        "entries written whatever became of their wallets",
        "storage/saving.py",
        "CASE WHEN (SELECT count(*) FROM saved) = :wallets ::bigint THEN version END",
        "CASE WHEN :wallets ::bigint >= 0 THEN version END",
        ("tests/storage/test_saving.py",),
    ),
    Fault(
        "account's version not checked: a copy overtakes a suspension",
        "storage/saving.py",
        " AND w.account_version = excluded.account_version",
        "",
        ("tests/ledger/test_account_changes.py",),
    ),
    Fault(
        "account's version not checked for a wallet that is new",
        "ledger/committing.py",
        "if any(stored[account.account_id].version != account.version for account in decided_on):",
        "if any(stored[account.account_id].version < 0 for account in decided_on):",
        ("tests/ledger/test_account_changes.py",),
    ),
    Fault(
        "request id not stored with the entry",
        "storage/saving.py",
        "texts([e.request_id for e in rows])",
        "texts([None for e in rows])",
        ("tests/ledger/test_replays.py",),
    ),
    Fault(
        "known request ids not looked up",
        "ledger/gathering.py",
        "        if requests:\n",
        "        if requests and locked is None:\n",
        ("tests/contract/test_replays.py",),
    ),
    Fault(
        "fingerprint ignored: another request gets the first one's answer",
        "ledger/batch.py",
        "if entries[0].fingerprint != work.origin.fingerprint:",
        "if entries[0].fingerprint is None:",
        ("tests/ledger/test_replays.py",),
    ),
    Fault(
        "the same request twice in one batch done twice",
        "ledger/batch.py",
        "                self.requests[request] = entries\n",
        "                pass\n",
        ("tests/ledger/test_replays.py",),
    ),
    Fault(
        "doubted refusal answered from a stale copy",
        "ledger/writer.py",
        "        if final:\n",
        "        if final or refusal:\n",
        ("tests/ledger/test_conflicts.py",),
    ),
    Fault(
        "stale reservation decided on together with a fresh wallet",
        "ledger/gathering.py",
        "            del batch.reservations[reservation_key]\n",
        "            pass\n",
        ("tests/ledger/test_conflicts.py",),
    ),
    Fault(
        "copy of a reservation outlives that of its wallet",
        "ledger/cache.py",
        "found[0] if found and wallet and found[1] == wallet[1] else None",
        "found[0] if found and wallet else None",
        ("tests/ledger/test_conflicts.py",),
    ),
    Fault(
        "conflict never retried",
        "ledger/writer.py",
        "MAX_RETRIES = 3\n",
        "MAX_RETRIES = 0\n",
        ("tests/ledger/test_conflicts.py",),
    ),
    Fault(
        "command decided on a wallet in which more is due",
        "ledger/batch.py",
        "            self.unsettled.add(key)\n",
        "            pass\n",
        ("tests/ledger/test_due.py",),
    ),
    Fault(
        "work begun though its caller has gone",
        "ledger/writer.py",
        "work.deadline <= now",
        "work.deadline <= 0",
        ("tests/ledger/test_queue.py",),
    ),
)
