"""How PostgreSQL would run a statement of ours, and whether it finds each row by a key of the account."""

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from creditd.storage.prepared import Prepared, prepared
from creditd.storage.tables import metadata

ACCOUNT_TABLES = {table.name for table in metadata.sorted_tables if "account_id" in table.c}

Plan = dict[str, Any]


def explain(connection: psycopg.Connection, statement: str | Prepared, parameters: Mapping[str, object]) -> Plan:
    """Return the plan of a statement as the connection's plan_cache_mode makes it."""
    query, names = prepared(statement) if isinstance(statement, str) else statement
    connection.execute("DEALLOCATE ALL")
    connection.execute(b"PREPARE asked AS " + query)
    values = sql.SQL(", ").join(sql.Literal(parameters[name]) for name in names)
    asked = sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE asked ({})").format(values)
    row = connection.execute(asked).fetchone()
    assert row is not None
    plan: Plan = row[0][0]["Plan"]
    return plan


def nodes(plan: Plan) -> Iterator[Plan]:
    """Return every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def careless_scans(plan: Plan, condition: str = "account_id") -> list[str]:
    """Return the scans of account tables that are no look-up by key: whole tables, and indexes without a condition."""
    found = []
    for node in nodes(plan):
        kind, table = node["Node Type"], node.get("Relation Name")
        if kind == "Bitmap Index Scan" or (table in ACCOUNT_TABLES and kind.startswith("Index")):
            careless = condition not in node.get("Index Cond", "")
        else:
            careless = table in ACCOUNT_TABLES and kind not in {"Bitmap Heap Scan", "ModifyTable"}
        if careless:
            found.append(f"{kind} on {table or node.get('Index Name')}: {node.get('Index Cond', '')}")
    return found
