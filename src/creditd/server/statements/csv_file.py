"""Statements as CSV: RFC 4180 in UTF-8, texts in quotes, numbers bare, one line for each entry and balance."""

from collections.abc import Callable, Iterator, Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from creditd.csv_cells import plain_amount, text_cell
from creditd.domain.entry import EntryKind
from creditd.domain.reservation import reservation_name
from creditd.server.statements.figures import local_time
from creditd.service.statements import Piece
from creditd.storage.historical_balances import HistoricalBalance
from creditd.storage.statements import StatementRow

COLUMNS: Final = (
    *("record", "credit_type", "version", "time", "kind", "movement", "amount"),
    *("available_change", "held_change", "debt_change", "available", "held", "debt"),
    *("reason", "reservation", "request_id", "actor", "spender_id", "labels"),
)
"""In this order for ever; further ones come after them. The header line has their words."""

_NEWLINE: Final = "\r\n"


class CsvFile(NamedTuple):
    """How an account's statement is written: the words, the time zone, and the decimals by credit type."""

    account_id: str
    words: Mapping[str, str]
    zone: tzinfo
    decimals: Mapping[str, int]

    def header(self) -> bytes:
        """Return the header line."""
        return _line(text_cell(self.words[f"column.{name}"]) for name in COLUMNS)

    def written(self, piece: Piece) -> bytes:
        """Return the lines of a piece."""
        amount = self._amounts(piece.credit_type)
        credit_type = text_cell(piece.credit_type)
        lines = []
        if piece.opening is not None:
            lines.append(self._balance_line("OPENING_BALANCE", credit_type, piece.opening, amount))
        lines += [self._entry_line(piece.credit_type, credit_type, row, amount) for row in piece.rows]
        if piece.closing is not None:
            lines.append(self._balance_line("CLOSING_BALANCE", credit_type, piece.closing, amount))
        return b"".join(lines)

    def _amounts(self, credit_type: str) -> Callable[[int], str]:
        decimals = self.decimals[credit_type]
        return lambda amount: plain_amount(amount, decimals)

    def _balance_line(
        self, record: str, credit_type: str, balance: HistoricalBalance, amount: Callable[[int], str]
    ) -> bytes:
        figures = map(amount, (balance.available, balance.reserved, balance.debt))
        movement = text_cell(self.words[f"record.{record}"])
        texts = [""] * 6
        return _line(
            [text_cell(record), credit_type, str(balance.version), "", "", movement, *[""] * 4, *figures, *texts]
        )

    def _entry_line(self, code: str, credit_type: str, row: StatementRow, amount: Callable[[int], str]) -> bytes:
        kind = EntryKind(row.kind).name
        cells = [
            '"ENTRY"',
            credit_type,
            str(row.version),
            text_cell(local_time(row.create_time, self.zone).isoformat(timespec="microseconds")),
            text_cell(kind),
            text_cell(self.words[f"kind.{kind}"]),
            *map(amount, (row.amount, row.available_delta, row.reserved_delta, row.debt_delta)),
            *map(amount, (row.available_after, row.reserved_after, row.debt_after)),
            text_cell(row.reason),
            text_cell(self._reservation(code, row)),
            text_cell(row.request_id),
            text_cell(row.actor),
            text_cell(row.spender_id),
            text_cell(row.metadata),
        ]
        return _line(cells)

    def _reservation(self, credit_type: str, row: StatementRow) -> str:
        if row.reservation_id is None:
            return ""
        return reservation_name(self.account_id, credit_type, row.reservation_id)


def _line(cells: Iterator[str] | list[str]) -> bytes:
    return (",".join(cells) + _NEWLINE).encode()
