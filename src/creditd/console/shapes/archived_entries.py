"""Where the rest of a list is whose older part lies in the archive."""

from collections.abc import Sequence
from typing import Any

from creditd.console.shapes.cells import Cell, CellWriter


def archived_cells(write: CellWriter, answer: Any) -> Sequence[Cell]:
    """Return which files have the rest of a list; none if it is never archived, or has not come to its end yet."""
    if "archived_entries" not in answer.DESCRIPTOR.fields_by_name or answer.next_page_token:
        return ()
    return [
        write.text(
            "archived",
            type=write.code(one.credit_type),
            version=write.number(one.before_version),
            time=write.time(one.before_time, with_seconds=True),
            file=write.code(one.file),
        )
        for one in answer.archived_entries
    ]
