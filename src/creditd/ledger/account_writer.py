"""The writer where account data is distributed by account: each account's works are decided and saved by themselves.

One transaction has to do with one account, and so with one server of the database; an account whose server is away
fails alone.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from creditd.ledger.attempt import Written, nothing_written
from creditd.ledger.batch import Batch
from creditd.ledger.commit import failure_of, is_told_of
from creditd.ledger.work import Work
from creditd.ledger.writer import Round, Writer
from creditd.storage.changes import Changes
from creditd.storage.database import Connection
from creditd.storage.failures import SaveFailure
from creditd.storage.save import Saved


class AccountWriter(Writer):
    """Turns works into results, account by account. Used by one thread."""

    def _write(self, works: Sequence[Work], write_round: Round, refused: AbstractSet[Work] = frozenset()) -> Written:
        """Write the works of one account after those of another, each within a turn of its own."""
        together = nothing_written()
        for own in _by_account(works):
            written = super()._write(own, write_round, refused)
            together.results.extend(written.results)
            together.apart.extend(written.apart)
            together.heavy.update(written.heavy)
            together.left.extend(written.left)
        return together

    def _needs_transaction(self, changes: Changes) -> bool:
        """Tell that there is something to write: it takes several statements, whatever it is."""
        return bool(changes.entries)

    def _save(self, connection: Connection, batch: Batch, *, commits: bool = False) -> Saved | None:
        return super()._save(connection, batch, commits=commits or not is_told_of(batch.changes))

    def _recover(self, works: list[Work], error: Exception, written: Written) -> list[Work]:
        if failure_of(error) is SaveFailure.MOVED:
            # A save raises here what it returns where it is one statement: whose copies were stale.
            keys = {key for work in works for key in work.keys}
            self._statistics.stale_copies += len(keys)
            self._trust.doubt(keys)
        return super()._recover(works, error, written)


def _by_account(works: Sequence[Work]) -> list[list[Work]]:
    """Return works by account, those that came first before others, each account's in their order."""
    by_account: dict[str, list[Work]] = {}
    for work in works:
        by_account.setdefault(work.account_id, []).append(work)
    return list(by_account.values())
