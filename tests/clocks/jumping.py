"""A database whose clock can be set off: its own clock_timestamp(), found before PostgreSQL's."""

from urllib.parse import urlsplit

import psycopg
from psycopg import sql

_SET_OFF = """
CREATE SCHEMA set_off;
CREATE TABLE set_off.by (seconds integer NOT NULL, readings integer);
INSERT INTO set_off.by VALUES (0, NULL);
CREATE FUNCTION set_off.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    off integer;
BEGIN
    UPDATE set_off.by SET readings = readings - 1 WHERE readings > 0;
    SELECT CASE WHEN readings = 0 THEN 0 ELSE seconds END INTO off FROM set_off.by;
    UPDATE set_off.by SET seconds = 0, readings = NULL WHERE readings = 0;
    RETURN pg_catalog.clock_timestamp() + off * interval '1 second';
END $$;
GRANT USAGE ON SCHEMA set_off TO PUBLIC;
"""
"""``readings`` counts down the wrong ones that are left, plus one; NULL stands for all."""


class JumpingDatabase:
    """Sets the clock of a database off."""

    def __init__(self, url: str) -> None:
        """Prepare a database that nobody is connected to yet."""
        self._url = url
        name = urlsplit(url).path.removeprefix("/")
        with psycopg.connect(url) as connection:
            connection.execute(_SET_OFF)
            path = sql.SQL("ALTER DATABASE {} SET search_path = set_off, pg_catalog, public")
            connection.execute(path.format(sql.Identifier(name)))

    def jump(self, seconds: int, readings: int | None = None) -> None:
        """Be so far ahead of what is right from now on, or for so many readings."""
        with psycopg.connect(self._url) as connection:
            count = None if readings is None else readings + 1
            connection.execute("UPDATE set_off.by SET seconds = %s, readings = %s", (seconds, count))
