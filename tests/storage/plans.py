"""How PostgreSQL runs the statements of a function: by which index it finds each row, and how many it touches."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, create_engine, event, make_url

from creditd.storage.connections.prepared import Prepared
from creditd.storage.database import IN_ORDER
from creditd.storage.payments.payment_tables import purchases

METADATA = purchases.metadata
ACCOUNT_TABLES = {table.name for table in METADATA.sorted_tables if "account_id" in table.c}
BY_PLACE = {"Bitmap Heap Scan", "Tid Scan"}
"""Scans of rows whose places are known: from an index, or from a scan that is looked at by itself."""

SHORT_TABLES = {
    *("credit_types", "packages", "payment_hints", "sealing", "usage_editions"),
    *("event_endpoints", "event_publishing", "expiry_notices"),
    *("access_versions", "held_roles", "service_accounts"),
}
"""What people declare one by one, and read whole; and hints, of which a hundred are kept at most."""

MODES = ("force_custom_plan", "force_generic_plan")

Plan = dict[str, Any]

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


class Statement(NamedTuple):
    """A statement in the server's own notation, and the values of its parameters."""

    query: bytes
    values: tuple[Any, ...]


def engine_of(url: str, mode: str) -> Engine:
    """Connect to a database as its administrator, for plans of a mode."""
    arguments = {"options": f"-c plan_cache_mode={mode}", "prepare_threshold": None}
    return create_engine(make_url(url).set(drivername="postgresql+psycopg"), connect_args=arguments)


def plans_of(engine: Engine, call: Callable[[Connection], object], *, in_order: bool = False) -> list[Plan]:
    """Return the plans of all statements that a function executes, with what they did; none of it stays.

    With ``in_order`` they are those of a connection that is lent for a listing.
    """
    with engine.connect() as connection:
        with _recorded(engine) as statements:
            found = call(connection)
            if isinstance(found, Iterator):
                list(found)
        connection.rollback()
        driver = connection.connection.driver_connection
        assert driver is not None
        if in_order:
            driver.execute(IN_ORDER)
        plans = [analyzed(driver, statement) for statement in statements]
        connection.rollback()
    return plans


@contextmanager
def _recorded(engine: Engine) -> Iterator[list[Statement]]:
    statements: list[Statement] = []
    sent = Prepared.sent

    def record(*told: Any) -> None:
        _, _, query, parameters, _, _ = told
        each_time = parameters if isinstance(parameters, list) else [parameters]
        statements.extend(_statement(query, values) for values in each_time)

    def record_prepared(statement: Prepared, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        statements.append(Statement(statement.query, tuple(parameters[name] for name in statement.names)))
        return sent(statement, connection, parameters)

    event.listen(engine, "before_cursor_execute", record)
    Prepared.sent = record_prepared  # type: ignore[assignment, method-assign]
    try:
        yield statements
    finally:
        Prepared.sent = sent  # type: ignore[method-assign]
        event.remove(engine, "before_cursor_execute", record)


def _statement(query: str, parameters: Mapping[str, Any]) -> Statement:
    names = list(dict.fromkeys(_PLACEHOLDER.findall(query)))
    numbered = _PLACEHOLDER.sub(lambda match: f"${names.index(match[1]) + 1}", query).replace("%%", "%")
    return Statement(numbered.encode(), tuple(parameters[name] for name in names))


def analyzed(driver: Any, statement: Statement) -> Plan:
    """Execute a statement by the plan that the connection's plan_cache_mode makes, and return that plan."""
    driver.execute("DEALLOCATE ALL")
    driver.execute(b"PREPARE asked AS " + statement.query)
    values = sql.SQL(", ").join(sql.Literal(value) for value in statement.values)
    asked = sql.SQL("EXECUTE asked ({})").format(values) if statement.values else sql.SQL("EXECUTE asked")
    with psycopg.ClientCursor(driver) as cursor:
        row = cursor.execute(sql.SQL("EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {}").format(asked)).fetchone()
    assert row is not None
    plan: Plan = row[0][0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    """Return every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def careless_scans(plan: Plan, condition: str = "account_id") -> list[str]:
    """Return the scans that are no look-up by key: of whole tables, and of indexes without a condition.

    Those of account tables have to be by ``condition``, one of them if it names several with spaces between them; those
    of other tables by any.
    """
    found = []
    for node in nodes(plan):
        kind, table, index = node["Node Type"], node.get("Relation Name"), node.get("Index Name")
        if index is not None:
            is_accounts = any(index.startswith(name) for name in ACCOUNT_TABLES)
            by = node.get("Index Cond", "")
            is_by_none = not by and table not in SHORT_TABLES
            careless = is_by_none or (is_accounts and not any(one in by for one in condition.split()))
        else:
            careless = table is not None and table not in SHORT_TABLES and "Scan" in kind and kind not in BY_PLACE
        if careless:
            found.append(f"{kind} on {table or index}: {node.get('Index Cond', '')}")
    return found


class Touched(NamedTuple):
    """What a plan read: rows of tables, those that it then left out included, and pages of eight kilobytes."""

    rows: int
    pages: int


def touched(plan: Plan) -> Touched:
    """Return what a plan that was executed read."""
    rows = 0.0
    for node in nodes(plan):
        if "Scan" in node["Node Type"] and ("Relation Name" in node or "Index Name" in node):
            removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
            rows += (node["Actual Rows"] + removed) * node["Actual Loops"]
    return Touched(round(rows), plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
