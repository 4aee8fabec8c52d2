"""Workflows as rows. Each statement names one account, whose row is held by whoever adds or writes any."""

from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.workflows.workflow import Workflow
from creditd.storage.rows import micros, timestamp

_COLUMNS: Final = (
    "account_id, workflow_id, version, display_name, description, executor, credit_type, least_amount, most_amount, "
    f"is_fixed, timeout_microseconds, {micros('create_time')}, {micros('update_time')}, {micros('archive_time')}"
)

_FIND = text(f"SELECT {_COLUMNS} FROM workflows WHERE account_id = :account_id AND workflow_id = :workflow_id")

_PAGE: Final = f"""
SELECT {_COLUMNS} FROM workflows WHERE account_id = :account_id AND workflow_id > :after {{condition}}
ORDER BY workflow_id LIMIT :count
"""

_PAGE_OF_ALL = text(_PAGE.format(condition=""))

_PAGE_OF_LIVE = text(_PAGE.format(condition="AND archive_time IS NULL"))

_COUNT_LIVE = text("SELECT count(*) FROM workflows WHERE account_id = :account_id AND archive_time IS NULL")

_ADD = text(f"""
INSERT INTO workflows (account_id, workflow_id, version, display_name, description, executor, credit_type, least_amount,
                       most_amount, is_fixed, timeout_microseconds, create_time, update_time)
VALUES (:account_id, :workflow_id, :version, :display_name, :description, :executor, :credit_type, :least_amount,
        :most_amount, :is_fixed, :timeout_microseconds, {timestamp(":create_time ::bigint")},
        {timestamp(":update_time ::bigint")})
ON CONFLICT (account_id, workflow_id) DO NOTHING
""")

_WRITE = text(f"""
UPDATE workflows SET version = :version, display_name = :display_name, description = :description,
    executor = :executor, credit_type = :credit_type, least_amount = :least_amount, most_amount = :most_amount,
    is_fixed = :is_fixed, timeout_microseconds = :timeout_microseconds,
    update_time = {timestamp(":update_time ::bigint")}, archive_time = {timestamp(":archive_time ::bigint")}
WHERE account_id = :account_id AND workflow_id = :workflow_id
""")


def find(connection: Connection, account_id: str, workflow_id: str) -> Workflow | None:
    """Return a workflow, archived ones too; None if the account has none of this id."""
    row = connection.execute(_FIND, {"account_id": account_id, "workflow_id": workflow_id}).one_or_none()
    return Workflow._make(row) if row else None


def page(
    connection: Connection, account_id: str, after: str, count: int, *, with_archived: bool = False
) -> list[Workflow]:
    """Return the first ``count`` workflows of an account whose ids come after one, by id."""
    statement = _PAGE_OF_ALL if with_archived else _PAGE_OF_LIVE
    rows = connection.execute(statement, {"account_id": account_id, "after": after, "count": count})
    return [Workflow._make(row) for row in rows]


def count_live(connection: Connection, account_id: str) -> int:
    """Return how many workflows of an account are not archived."""
    return int(connection.execute(_COUNT_LIVE, {"account_id": account_id}).scalar_one())


def add(connection: Connection, workflow: Workflow) -> bool:
    """Add a workflow; return False if the account has, or had, one of its id."""
    return bool(connection.execute(_ADD, workflow._asdict()).rowcount)


def write(connection: Connection, workflow: Workflow) -> None:
    """Write a workflow in the place of its former state."""
    connection.execute(_WRITE, workflow._asdict())
