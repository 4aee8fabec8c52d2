"""Statements as documents: a table for each wallet, between what it opened and closed with."""

from collections.abc import Mapping
from datetime import tzinfo
from typing import Final, NamedTuple

from creditd.documents.document import Column, Detail, Document, Section, TableRow
from creditd.domain.credit_type import CreditType
from creditd.domain.entry import EntryKind
from creditd.domain.instant import SECOND, Instant
from creditd.server.statements.figures import read_amount, written_time
from creditd.server.statements.words import is_right_to_left
from creditd.service.statements import Piece, StatementPeriod
from creditd.storage.historical_balances import HistoricalBalance
from creditd.storage.statements import StatementRow

MAX_PDF_ROWS: Final = 2_000
"""Entries in one PDF: some 60 pages, which take a quarter of a minute to draw. A person reads no more; a program takes
CSV."""

_WIDTHS: Final = {"time": 32.0, "movement": 56.0, "change": 24.0, "available": 24.0, "held": 22.0, "debt": 22.0}
"""In millimetres; a page of A4 has 180 between its margins."""


class PdfFile(NamedTuple):
    """How an account's statement is written: the language and its words, the time zone, and the credit types."""

    account_id: str
    language: str
    words: Mapping[str, str]
    zone: tzinfo
    types: Mapping[str, CreditType]

    def document(self, period: StatementPeriod, sections: list[Section], made: Instant) -> Document:
        """Return a statement that was made at an instant, of the sections of its wallets."""
        return Document(
            self.language,
            is_right_to_left(self.language),
            self.words["title.statement"],
            "",
            self._details(period, made),
            sections,
            "" if sections else self.words["nothing"],
            self.words["page"],
            made // SECOND,
        )

    def _time(self, instant: Instant) -> str:
        return written_time(instant, self.zone)

    def _details(self, period: StatementPeriod, made: Instant) -> list[Detail]:
        start, end = period
        return [
            Detail(self.words["account"], self.account_id, "ltr"),
            Detail(self.words["from"], self.words["beginning"])
            if start is None
            else Detail(self.words["from"], self._time(start), "ltr"),
            Detail(self.words["until"], self._time(made if end is None or end > made else end), "ltr"),
            Detail(self.words["time_zone"], str(self.zone), "ltr"),
            Detail(self.words["made"], self._time(made), "ltr"),
        ]

    def section(self, credit_type: str) -> Section:
        """Return a wallet's section, without rows."""
        return Section(self._title(credit_type), self._columns(), [])

    def _title(self, code: str) -> str:
        name = self.types[code].display_name
        return f"{name} ({code})" if name not in {"", code} else code

    def _columns(self) -> list[Column]:
        titles = {"time": "column.time", "movement": "column.movement", "change": "change"}
        return [
            Column(
                self.words[titles.get(name, f"column.{name}")],
                width,
                "words" if name == "movement" else "ltr",
                is_figure=name not in {"time", "movement"},
            )
            for name, width in _WIDTHS.items()
        ]

    def rows(self, piece: Piece) -> list[TableRow]:
        """Return the rows of a piece: texts alone, so that the labels of an entry are not kept."""
        decimals = self.types[piece.credit_type].decimals
        rows = [] if piece.opening is None else [self._sum("OPENING_BALANCE", piece.opening, decimals)]
        rows += [self._row(row, decimals) for row in piece.rows]
        if piece.closing is not None:
            rows.append(self._sum("CLOSING_BALANCE", piece.closing, decimals))
        return rows

    def _row(self, row: StatementRow, decimals: int) -> TableRow:
        figures = row.available_delta, row.available_after, row.reserved_after, row.debt_after
        movement = self.words[f"kind.{EntryKind(row.kind).name}"]
        amounts = [read_amount(figure, decimals, self.language) for figure in figures]
        return TableRow([self._time(row.create_time), movement, *amounts], row.reason)

    def _sum(self, record: str, balance: HistoricalBalance, decimals: int) -> TableRow:
        figures = balance.available, balance.reserved, balance.debt
        amounts = [read_amount(figure, decimals, self.language) for figure in figures]
        return TableRow(["", self.words[f"record.{record}"], "", *amounts], is_sum=True)
