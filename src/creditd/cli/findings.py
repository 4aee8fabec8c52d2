"""What is wrong with an import or differs after it: the first of it on standard error, all of it in a file."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from creditd.cli.output import remark

MOST_SHOWN: Final = 20
"""On standard error; who wants more has a file written."""


class Findings:
    """Tells what was found. ``faults`` is how many of it somebody has to look at."""

    def __init__(self, writer: Any) -> None:
        """Write all of it by ``writer``, of the module csv; None for nowhere."""
        self._writer = writer
        self._told = 0
        self.faults = 0

    def tell(self, place: str, account_id: str, text: str, *, is_fault: bool = True) -> None:
        """Tell one."""
        self.faults += is_fault
        self._told += 1
        if self._writer:
            self._writer.writerow((place, account_id, "fault" if is_fault else "note", text))
        if self._told <= MOST_SHOWN:
            remark(f"{place}: {account_id or '-'}: {text}")

    def end(self) -> None:
        """Say how many were not shown."""
        if self._told > MOST_SHOWN:
            remark(f"and {self._told - MOST_SHOWN} more{'' if self._writer else ': see --findings FILE'}")


@contextmanager
def findings_to(path: Path | None) -> Iterator[Findings]:
    """Keep findings, written to a file if one is named, until the block ends."""
    if path is None:
        findings = Findings(None)
        yield findings
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("place", "account_id", "kind", "finding"))
            findings = Findings(writer)
            yield findings
    findings.end()
