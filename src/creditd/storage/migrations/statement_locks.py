"""What a statement of a migration locks, and whether it reads or rewrites a whole table, told from its text.

The modes are those of PostgreSQL's manual (Explicit Locking, and the page of each command). A test runs every migration
and holds what PostgreSQL has locked and rewritten to what is told here.
"""

import re
from typing import Final, NamedTuple

READS_ROWS: Final = "reads every row"
REWRITES: Final = "rewrites the table"
BUILDS: Final = "builds an index"


class TableLock(NamedTuple):
    """What a statement holds of a table that was there before, until its transaction ends.

    ``mode`` is PostgreSQL's name of it. ``work`` is what takes longer the larger the table is; empty for nothing.
    """

    table: str
    mode: str
    work: str = ""


ACCESS_EXCLUSIVE: Final = "ACCESS EXCLUSIVE"
SHARE_ROW_EXCLUSIVE: Final = "SHARE ROW EXCLUSIVE"
SHARE: Final = "SHARE"
SHARE_UPDATE_EXCLUSIVE: Final = "SHARE UPDATE EXCLUSIVE"
ROW_EXCLUSIVE: Final = "ROW EXCLUSIVE"

MEANING: Final = {
    ACCESS_EXCLUSIVE: "nobody reads or writes it meanwhile",
    SHARE_ROW_EXCLUSIVE: "it is read, and nobody writes to it meanwhile",
    SHARE: "it is read, and nobody writes to it meanwhile",
    SHARE_UPDATE_EXCLUSIVE: "it is read and written to meanwhile",
    ROW_EXCLUSIVE: "it is read and written to meanwhile, except for the rows that it changes",
}
"""From the strongest to the weakest: each mode, and what it means for those who serve."""

CHOSEN: Final = "tables that a DO block chooses"
UNKNOWN: Final = "a table that is not known"
"""Where the text does not tell, the worst is taken for granted."""

_NAME: Final = r'(?:IF EXISTS |ONLY )?"?(\w+)"?'

_MADE: Final = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)")

_ALTERED: Final = re.compile(rf"ALTER TABLE {_NAME} (.*)", re.DOTALL)

_REFERENCED: Final = re.compile(r"REFERENCES (\w+)")

_LOCKING: Final = (
    (r"CREATE (?:UNIQUE )?INDEX CONCURRENTLY .*? ON (?:ONLY )?(\w+)", SHARE_UPDATE_EXCLUSIVE, BUILDS),
    (r"CREATE (?:UNIQUE )?INDEX .*? ON (?:ONLY )?(\w+)", SHARE, BUILDS),
    (r"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER .*? ON (\w+)", SHARE_ROW_EXCLUSIVE, ""),
    (r"DROP TRIGGER .*? ON (\w+)", ACCESS_EXCLUSIVE, ""),
    (rf"DROP TABLE {_NAME}", ACCESS_EXCLUSIVE, ""),
    (rf"TRUNCATE (?:TABLE )?{_NAME}", ACCESS_EXCLUSIVE, ""),
    (r"COMMENT ON COLUMN (\w+)\.", SHARE_UPDATE_EXCLUSIVE, ""),
    (r"COMMENT ON TABLE (\w+)", SHARE_UPDATE_EXCLUSIVE, ""),
    (r"CREATE STATISTICS .*? FROM (\w+)", SHARE_UPDATE_EXCLUSIVE, ""),
    (r"INSERT INTO (\w+)", ROW_EXCLUSIVE, ""),
    (r"UPDATE (\w+) SET", ROW_EXCLUSIVE, ""),
    (r"DELETE FROM (\w+)", ROW_EXCLUSIVE, ""),
)
_PATTERNS: Final = tuple((re.compile(pattern, re.DOTALL), mode, work) for pattern, mode, work in _LOCKING)

_INDEX_DROPPED: Final = re.compile(r"DROP INDEX (CONCURRENTLY )?(?:IF EXISTS )?(\w+)")

_WRITTEN_BY_PARTS: Final = re.compile(r"(?:DELETE FROM|UPDATE|INSERT INTO) (\w+)")

_NOT_OF_TABLES: Final = re.compile(r"CREATE (?:OR REPLACE )?FUNCTION|DROP FUNCTION|SET |SELECT |GRANT |REVOKE ")

_REWRITING: Final = re.compile(
    r"ALTER (?:COLUMN )?\w+ (?:SET DATA )?TYPE|GENERATED (?:ALWAYS|BY DEFAULT)|SET (?:UN)?LOGGED|\bSERIAL\b|"
    r"ADD COLUMN [^,]*DEFAULT (?:clock_timestamp|gen_random_uuid|random|nextval)"
)
_READING: Final = re.compile(r"VALIDATE CONSTRAINT|SET NOT NULL")
_INDEXING: Final = re.compile(r"ADD (?:CONSTRAINT \w+ )?(?:PRIMARY KEY|UNIQUE|EXCLUDE) ?\(")
_CHECKING: Final = re.compile(r"ADD (?:CONSTRAINT \w+ )?(?:CHECK|FOREIGN KEY)")
_GENTLE: Final = re.compile(
    r"(?:VALIDATE CONSTRAINT \w+|ALTER (?:COLUMN )?\w+ SET STATISTICS -?\d+|ALTER (?:COLUMN )?\w+ SET \([^)]*\)"
    r"|(?:RE)?SET \([^)]*\)),?\s*"
)

_TAKING_AWAY: Final = re.compile(
    r"^DROP (?:TABLE|FUNCTION|VIEW|SEQUENCE|TYPE)\b|\bDROP COLUMN\b|\bRENAME\b|^ALTER TABLE .*\bTYPE\b|"
    r"^TRUNCATE\b|^REVOKE\b",
    re.DOTALL,
)


def tables_made(statement: str) -> list[str]:
    """Return the tables that a statement makes: nobody uses them yet."""
    return _MADE.findall(statement)


def takes_away(statement: str) -> bool:
    """Tell whether a statement takes away what a server may use: a table, a column, a name, a type, a privilege."""
    return bool(_TAKING_AWAY.search(_bare(statement)))


def _bare(statement: str) -> str:
    """Return a statement without the comments before it."""
    return re.sub(r"\A(?:\s*--[^\n]*\n)+\s*", "", statement)


def locks_of(statement: str) -> list[TableLock]:  # noqa: PLR0911 - a table, written as one.
    """Return what one statement locks. Of one that is not known it says so, and takes the worst for granted."""
    statement = _bare(statement)
    if _MADE.match(statement):
        return [TableLock(name, SHARE_ROW_EXCLUSIVE) for name in _REFERENCED.findall(statement)]
    if altered := _ALTERED.match(statement):
        return _of_alteration(altered[1], altered[2])
    if dropped := _INDEX_DROPPED.match(statement):
        mode = SHARE_UPDATE_EXCLUSIVE if dropped[1] else ACCESS_EXCLUSIVE
        return [TableLock(f"the table of the index {dropped[2]}", mode)]
    for pattern, mode, work in _PATTERNS:
        if found := pattern.match(statement):
            return [TableLock(found[1], mode, work)]
    if statement.startswith("DO ") and ("EXECUTE" in statement or "PERFORM" in statement):
        return [TableLock(CHOSEN, ACCESS_EXCLUSIVE)]
    if statement.startswith(("DO ", "WITH ")):
        return [TableLock(name, ROW_EXCLUSIVE) for name in _WRITTEN_BY_PARTS.findall(statement)]
    if _NOT_OF_TABLES.match(statement):
        return []
    return [TableLock(UNKNOWN, ACCESS_EXCLUSIVE)]


def _of_alteration(table: str, actions: str) -> list[TableLock]:
    if _REWRITING.search(actions):
        work = REWRITES
    elif _INDEXING.search(actions):
        work = BUILDS
    elif _READING.search(actions) or (_CHECKING.search(actions) and "NOT VALID" not in actions):
        work = READS_ROWS
    else:
        work = ""
    if not _GENTLE.sub("", actions).strip():
        return [TableLock(table, SHARE_UPDATE_EXCLUSIVE, work)]
    others = [TableLock(name, SHARE_ROW_EXCLUSIVE) for name in _REFERENCED.findall(actions) if name != table]
    is_only_key = re.fullmatch(r"ADD (?:CONSTRAINT \w+ )?FOREIGN KEY[^;]*", actions.strip(), re.DOTALL)
    return [TableLock(table, SHARE_ROW_EXCLUSIVE if is_only_key else ACCESS_EXCLUSIVE, work), *others]
