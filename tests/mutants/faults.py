"""The planted faults. Each replaces text that stands exactly once in its file, so that none rots unnoticed."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault: what it breaks, where, and the tests that have to notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


FAULTS = (
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
    Fault(
        "slices given back in the order taken",
        "domain/grants.py",
        "        last = kept.pop()\n",
        "        last = kept.pop(0)\n",
        ("tests/domain/test_confirm.py",),
    ),
    Fault(
        "free credit comes back as a purchased one",
        "domain/grants.py",
        "Grant(part.grant_id, part.source, 0, expire_time)",
        "Grant(part.grant_id, Source.PURCHASED, 0, expire_time)",
        ("tests/domain/test_refund.py", "tests/domain/test_debt.py"),
    ),
    Fault(
        "no grace for what comes back to an expired grant",
        "domain/grants.py",
        "Instant(now + max(grace, 1))",
        "Instant(now + 1)",
        ("tests/domain/test_grace.py",),
    ),
    Fault(
        "what expires counts as live at its own expire time",
        "domain/wallet.py",
        "return self.next_expire_time is None or now < self.next_expire_time",
        "return self.next_expire_time is None or now <= self.next_expire_time",
        ("tests/domain/test_expiry.py",),
    ),
    Fault(
        "expiry compared the wrong way round",
        "domain/expiry.py",
        "grant.expire_time <= until]",
        "grant.expire_time > until]",
        ("tests/domain/test_expiry.py",),
    ),
    Fault(
        "sweep ignores shields: a lapsing grant takes what a hold held",
        "domain/expiry.py",
        "shift = returning(wallet, held.slices[::-1], held.held, ended_at, rules)",
        "shift = returning(wallet, (), held.held, ended_at, rules)",
        ("tests/domain/test_expiry.py",),
    ),
    Fault(
        "grace counted from the sweep, not from the hold's end",
        "domain/expiry.py",
        "held.held, ended_at, rules)",
        "held.held, now, rules)",
        ("tests/domain/test_expiry.py",),
    ),
    Fault(
        "one credit too many can be spent",
        "domain/wallet.py",
        "if self.available < amount:",
        "if self.available + 1 < amount:",
        ("tests/domain/test_reserve.py",),
    ),
    Fault(
        "unlimited plan ignored",
        "domain/spending.py",
        "if wallet.account.has_unlimited_plan(now):",
        "if wallet.account.has_unlimited_plan(now) and amount < 0:",
        ("tests/domain/test_unlimited_plan.py",),
    ),
    Fault(
        "refunds may sum over what was captured",
        "domain/settling.py",
        "if amount > refundable or not amount:",
        "if amount > spent.captured or not amount:",
        ("tests/domain/test_refund.py",),
    ),
    Fault(
        "version not raised by a movement",
        "domain/wallet.py",
        "    version += 1\n",
        "    version += 0\n",
        ("tests/domain/test_entry.py",),
    ),
    Fault(
        "clawback takes free credits",
        "domain/clawback.py",
        "if grant.source == Source.PURCHASED]",
        "if grant.source == grant.source]",
        ("tests/domain/test_clawback.py",),
    ),
    Fault(
        "clawback takes from other grants before the purchase's own",
        "domain/clawback.py",
        "grant.grant_id not in first))",
        "grant.grant_id in first))",
        ("tests/domain/test_clawback.py",),
    ),
    Fault(
        "clawback cancels what a reservation holds",
        "domain/clawback.py",
        "shift = Shift(-amount, 0, live,",
        "shift = Shift(-amount, -min(owed, wallet.reserved), live,",
        ("tests/domain/test_clawback.py",),
    ),
    Fault(
        "clawback forgets what it could not take",
        "domain/clawback.py",
        "taken.slices, owed)",
        "taken.slices, 0)",
        ("tests/domain/test_clawback.py",),
    ),
    Fault(
        "what a clawback took is restored past the debt",
        "domain/clawback.py",
        "return add(wallet, grant, now, rules)",
        "return add(wallet._replace(debt=0), grant, now, rules)",
        ("tests/domain/test_clawback.py",),
    ),
    Fault(
        "write-off after a clawback takes credits",
        "domain/debt.py",
        "shift = Shift(0, 0, wallet.grants, debt=-amount)",
        "shift = Shift(-min(amount, wallet.available), 0, wallet.grants, debt=-amount)",
        ("tests/domain/test_write_off.py",),
    ),
    Fault(
        "write-off after a clawback counts as paid by purchased credits",
        "domain/fold.py",
        "if entry.kind != EntryKind.WRITE_OFF:",
        "if entry.kind:",
        ("tests/domain/test_fold.py", "tests/domain/test_clawback_targets.py"),
    ),
)
