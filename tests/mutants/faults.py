"""The planted faults. Each replaces text that stands exactly once in its file, so that none rots unnoticed."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault: what it breaks, where, and the tests that have to notice."""

    name: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


DOMAIN = ("tests/domain",)
LEDGER = ("tests/ledger/test_account_changes.py", "tests/ledger/test_conflicts.py")
REPLAYS = ("tests/contract/test_replays.py",)

FAULTS = (
    Fault(
        "save guard dropped: entries are written whatever became of their wallets",
        "storage/saving.py",
        "CASE WHEN (SELECT count(*) FROM saved) = :wallets ::bigint THEN version END",
        "CASE WHEN :wallets ::bigint >= 0 THEN version END",
        LEDGER,
    ),
    Fault(
        "account's version not checked: a suspension is overtaken by a copy in memory",
        "storage/saving.py",
        " AND w.account_version = excluded.account_version",
        "",
        LEDGER,
    ),
    Fault(
        "request id not stored with the entry",
        "storage/saving.py",
        "texts([e.request_id for e in rows])",
        "texts([None for e in rows])",
        REPLAYS,
    ),
    Fault(
        "known request ids not looked up",
        "ledger/gathering.py",
        "        if requests:\n",
        "        if requests and locked is None:\n",
        REPLAYS,
    ),
    Fault(
        "fingerprint ignored: another request gets the first one's answer",
        "ledger/batch.py",
        "if entries[0].fingerprint != work.origin.fingerprint:",
        "if entries[0].fingerprint is None:",
        ("tests/ledger/test_replays.py",),
    ),
    Fault(
        "refusal answered from a stale copy",
        "ledger/writer.py",
        "        if final:\n",
        "        if final or refusal:\n",
        LEDGER,
    ),
    Fault(
        "stale reservation decided on together with a fresh wallet",
        "ledger/gathering.py",
        "            del batch.reservations[reservation_key]\n",
        "            pass\n",
        LEDGER,
    ),
    Fault(
        "slices given back in the order taken",
        "domain/grants.py",
        "        last = kept.pop()\n",
        "        last = kept.pop(0)\n",
        DOMAIN,
    ),
    Fault(
        "a free credit comes back as a purchased one",
        "domain/grants.py",
        "Grant(part.grant_id, part.source, 0, expire_time)",
        "Grant(part.grant_id, Source.PURCHASED, 0, expire_time)",
        DOMAIN,
    ),
    Fault(
        "no grace for what comes back to an expired grant",
        "domain/grants.py",
        "Instant(now + max(grace, 1))",
        "Instant(now + 1)",
        DOMAIN,
    ),
    Fault(
        "a hold counts as live at its own expire time",
        "domain/wallet.py",
        "return self.next_expire_time is None or now < self.next_expire_time",
        "return self.next_expire_time is None or now <= self.next_expire_time",
        ("tests/domain", "tests/contract/test_traps_of_time.py"),
    ),
    Fault(
        "one credit too many can be spent",
        "domain/wallet.py",
        "if self.available < amount:",
        "if self.available + 1 < amount:",
        DOMAIN,
    ),
    Fault(
        "unlimited plan ignored",
        "domain/spending.py",
        "if wallet.account.has_unlimited_plan(now):",
        "if wallet.account.has_unlimited_plan(now) and amount < 0:",
        DOMAIN,
    ),
    Fault(
        "refunds may sum over what was captured",
        "domain/settling.py",
        "if amount > refundable or not amount:",
        "if amount > spent.captured or not amount:",
        ("tests/domain/test_refund.py",),
    ),
    Fault(
        "a lapsing grant takes what a live hold shields",
        "domain/expiry.py",
        "shift = returning(wallet, held.slices[::-1], held.held, ended_at, rules)",
        "shift = returning(wallet, (), held.held, ended_at, rules)",
        DOMAIN,
    ),
    Fault(
        "version not raised by a movement",
        "domain/wallet.py",
        "    version += 1\n",
        "    version += 0\n",
        DOMAIN,
    ),
)
