"""What must be true of the tables whatever happened, asked of the database itself, with none of the service's code."""

import psycopg

QUERIES = {
    "wallets whose versions have a gap or a repeat": """
        SELECT account_id, e.top FROM wallets AS w FULL JOIN
            (SELECT account_id, credit_type, count(*) AS n, min(version) AS low, max(version) AS top FROM entries
             GROUP BY account_id, credit_type) AS e USING (account_id, credit_type)
        WHERE w.version IS DISTINCT FROM e.n OR w.version IS DISTINCT FROM e.top OR e.low IS DISTINCT FROM 1
    """,
    "entries that do not follow from the one before": """
        SELECT * FROM (
            SELECT account_id, version,
                   coalesce(lag(available_after) OVER w, 0) + available_delta - available_after AS available,
                   coalesce(lag(reserved_after) OVER w, 0) + reserved_delta - reserved_after AS reserved,
                   coalesce(lag(debt_after) OVER w, 0) + debt_delta - debt_after AS debt,
                   coalesce(lag(create_time) OVER w, create_time) <= create_time AS in_time
            FROM entries WINDOW w AS (PARTITION BY account_id, credit_type ORDER BY version)) AS e
        WHERE available <> 0 OR reserved <> 0 OR debt <> 0 OR NOT in_time
    """,
    "wallets that are not what their last entry says": """
        SELECT w.account_id, w.version FROM wallets AS w JOIN entries AS e USING (account_id, credit_type, version)
        WHERE (w.available, w.reserved, w.debt) IS DISTINCT FROM (e.available_after, e.reserved_after, e.debt_after)
    """,
    "wallets below zero": """
        SELECT account_id, version FROM entries WHERE least(available_after, reserved_after, debt_after) < 0
    """,
    "wallets whose grants do not add up": """
        SELECT account_id, available FROM wallets AS w
        WHERE available <> (SELECT coalesce(sum(remaining), 0) FROM grants AS g
                            WHERE g.account_id = w.account_id AND g.credit_type = w.credit_type)
    """,
    "wallets whose holds do not add up": """
        SELECT account_id, reserved FROM wallets AS w
        WHERE reserved <> (SELECT coalesce(sum(amount), 0) FROM reservations AS r
                           WHERE r.account_id = w.account_id AND r.credit_type = w.credit_type AND r.state = 1)
    """,
    "reservations that did not begin once, or ended twice": """
        SELECT * FROM (
            SELECT account_id, reservation_id, count(*) FILTER (WHERE kind IN (6, 9)) AS begun,
                   count(*) FILTER (WHERE kind IN (7, 9, 11) OR (kind = 8 AND reservation_state = 3)) AS ended
            FROM entries WHERE reservation_id IS NOT NULL GROUP BY account_id, reservation_id) AS e
        WHERE begun <> 1 OR ended > 1
    """,
    "reservations that are not what their last entry says": """
        SELECT account_id, reservation_id, state, last.reservation_state
        FROM reservations AS r JOIN LATERAL (
            SELECT * FROM entries AS e WHERE e.account_id = r.account_id AND e.reservation_id = r.reservation_id
            ORDER BY version DESC LIMIT 1) AS last USING (account_id, reservation_id)
        WHERE (state, captured, r.refunded)
            IS DISTINCT FROM (reservation_state, reservation_captured, reservation_refunded)
    """,
    "reservations given back beyond what was spent": """
        SELECT account_id, reservation_id, refunded, captured FROM reservations WHERE refunded > captured
    """,
    "accounts that were opened twice": """
        SELECT account_id, count(*) FROM entries WHERE kind = 1 GROUP BY account_id, credit_type HAVING count(*) > 1
    """,
    "request ids with two entries": """
        SELECT account_id, request_id, count(*) FROM entries WHERE request_id IS NOT NULL
        GROUP BY account_id, request_id HAVING count(*) > 1
    """,
}


def broken_invariants(connection: psycopg.Connection) -> list[str]:
    """Return a line for each invariant that does not hold, with an example."""
    found = []
    for name, query in QUERIES.items():
        rows = connection.execute(query.encode()).fetchall()
        if rows:
            found.append(f"{len(rows)} {name}, such as {rows[0]}")
    return found
