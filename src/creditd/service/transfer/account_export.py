"""The export: every account's balances in files that an import takes, part by part, with a manifest that tells of all.

A part is whole or not there: it is written beside its name, and named once it is on the disk. The manifest has the
parts that are whole; an export that was interrupted goes on behind the last of them. Each account stands in one part,
as of one instant.
"""

import csv
import io
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from creditd.domain.account import AccountStatus
from creditd.domain.instant import Instant
from creditd.ledger.balances import AccountState
from creditd.service.transfer.import_file import FileFormat
from creditd.service.transfer.import_row import COLUMNS, DEBT, ImportRow, fields_of, source_name

PART_ACCOUNTS: Final = 50_000
"""Accounts of a part: what an export loses at most when it is interrupted, about ten megabytes."""

MANIFEST: Final = "manifest.json"


class ManifestRefused(Exception):
    """The folder holds another export than the one that is to go on; the message says why."""


class ExportPart(NamedTuple):
    """A part that is whole."""

    file: str
    accounts: int
    rows: int
    last_account_id: str
    sha256: str


class AccountExport:
    """Writes an export into a folder. Used by one thread."""

    def __init__(self, folder: Path, file_format: FileFormat) -> None:
        """Go on with what is in ``folder``, or begin. Raises ManifestRefused."""
        self._folder = folder
        self._format = file_format
        self._totals: Counter[str] = Counter()
        self.parts: list[ExportPart] = []
        self.is_complete = False
        self._load()

    @property
    def last_account_id(self) -> str:
        """The last account that stands in a whole part; empty before the first."""
        return self.parts[-1].last_account_id if self.parts else ""

    @property
    def held(self) -> int:
        """How many credits were held by pending reservations, of all credit types: they are in no row."""
        return sum(amount for name, amount in self._totals.items() if name.endswith("/HELD"))

    def write(self, states: Iterable[AccountState]) -> Iterator[ExportPart]:
        """Write the states of the accounts behind the last one, by account; give each part that is whole."""
        remaining = iter(states)
        while (first := next(remaining, None)) is not None:
            yield self._write_part(chain((first,), islice(remaining, PART_ACCOUNTS - 1)))
        self.is_complete = True
        self._save()

    def _write_part(self, states: Iterable[AccountState]) -> ExportPart:
        name = f"balances-{len(self.parts) + 1:05}.{self._format.value}"
        digest, accounts, rows, last = sha256(), 0, 0, ""
        with (self._folder / f".{name}").open("wb") as file:
            for piece in self._head():
                digest.update(piece)
                file.write(piece)
            for state in states:
                accounts, last = accounts + 1, state.account.account_id
                own = list(self._counted(state))
                rows += len(own)
                piece = b"".join(map(self._line, own))
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        (self._folder / f".{name}").replace(self._folder / name)
        part = ExportPart(name, accounts, rows, last, digest.hexdigest())
        self.parts.append(part)
        self._save()
        return part

    def _counted(self, state: AccountState) -> Iterator[ImportRow]:
        for wallet in state.wallets.values():
            if wallet.reserved:
                self._totals[f"{wallet.credit_type}/HELD"] += wallet.reserved
        for row in rows_of_account(state):
            if row.amount:
                self._totals[f"{row.credit_type}/{source_name(row.source)}"] += row.amount
            yield row

    def _head(self) -> Iterator[bytes]:
        if self._format is FileFormat.CSV:
            yield f"{','.join(COLUMNS)}\r\n".encode()

    def _line(self, row: ImportRow) -> bytes:
        fields = fields_of(row)
        if self._format is FileFormat.JSON_LINES:
            return f"{json.dumps(fields, ensure_ascii=False)}\n".encode()
        line = io.StringIO(newline="")
        csv.writer(line).writerow([fields.get(name, "") for name in COLUMNS])
        return line.getvalue().encode()

    def _load(self) -> None:
        try:
            found: Any = json.loads((self._folder / MANIFEST).read_text(encoding="utf-8"))
            parts = [ExportPart(**part) for part in found["parts"]]
            file_format, totals, complete = found["format"], found["totals"], found["complete"]
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError) as error:
            raise ManifestRefused(f"{MANIFEST} is none of an export") from error
        if file_format != self._format.value:
            raise ManifestRefused(f"it holds an export as {file_format}")
        self.parts, self._totals, self.is_complete = parts, Counter(totals), complete

    def _save(self) -> None:
        document = {
            "format": self._format.value,
            "complete": self.is_complete,
            "accounts": sum(part.accounts for part in self.parts),
            "rows": sum(part.rows for part in self.parts),
            "totals": dict(sorted(self._totals.items())),
            "parts": [part._asdict() for part in self.parts],
        }
        beside = self._folder / f".{MANIFEST}"
        with beside.open("w", encoding="utf-8") as file:
            file.write(f"{json.dumps(document, indent=2)}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._folder / MANIFEST)


def rows_of_account(state: AccountState) -> Iterator[ImportRow]:
    """Give an account's rows: grants of one source and expiry as one, a debt, or the account alone."""
    amounts: Counter[tuple[str, int, Instant | None]] = Counter()
    for code, wallet in sorted(state.wallets.items()):
        for grant in wallet.grants:
            amounts[code, int(grant.source), grant.expire_time] += grant.remaining
        if wallet.debt:
            amounts[code, DEBT, None] = wallet.debt
    account_id, status = state.account.account_id, state.account.status
    told = None if status == AccountStatus.ACTIVE else status
    for (code, source, expire_time), amount in amounts.items():
        yield ImportRow(account_id, code, source, amount, expire_time, told)
    if not amounts:
        yield ImportRow(account_id, status=told)
