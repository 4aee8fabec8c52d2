"""The sessions of batches keep the memory of a statement for the next one, and do not take it anew."""

import re
from dataclasses import replace
from statistics import median

from psycopg.errors import Diagnostic
from sqlalchemy import text

from creditd.storage.connections.session import MEMORY_KEPT_BYTES
from creditd.storage.database import Database, DatabaseSettings
from tests.support.postgres import admin_url

TIMES = 20
PAGE_BYTES = 4_096
TAKEN_BYTES = MEMORY_KEPT_BYTES // 2
"""By each statement, in pieces that are too small to be taken from the system by themselves."""

_SORT = text("""
SELECT count(DISTINCT piece) FROM (
    SELECT number || repeat('x', 8000) AS piece FROM generate_series(1, :pieces ::integer) AS numbers (number)
) AS pieces
""")
_TAKEN = re.compile(r"(\d+)/(\d+) \[\d+/\d+\] page faults/reclaims")


def bytes_taken(database: Database) -> float:
    """Return how much memory a session takes from the system for a statement that it has executed before."""
    told: list[str] = []

    def note(notice: Diagnostic) -> None:
        told.append(notice.message_detail or "")

    with database.autocommit() as connection:
        connection.exec_driver_sql("SET client_min_messages = log")
        connection.exec_driver_sql("SET log_statement_stats = on")
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.add_notice_handler(note)
        taken = []
        for _ in range(TIMES):
            told.clear()
            connection.execute(_SORT, {"pieces": TAKEN_BYTES // 8_000})
            taken.append(sum(int(found[2]) for found in map(_TAKEN.search, told) if found))
    return median(taken) * PAGE_BYTES


def test_a_batch_s_session_takes_no_memory_for_what_it_has_done_before() -> None:
    database = Database(DatabaseSettings(admin_url(), role=""))
    batches = database.for_batches()
    careless = Database(replace(batches._settings, keeps_memory=False))
    assert (bytes_taken(batches) < TAKEN_BYTES / 10, bytes_taken(careless) > TAKEN_BYTES / 2) == (True, True)
    for one in (database, batches, careless):
        one.close()
