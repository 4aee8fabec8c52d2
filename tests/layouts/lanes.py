"""The lanes of a server, without a wire."""

from typing import Final

from creditd.ledger.account_lanes import AccountLanes
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.layout import Layout
from tests.support.databases import clock_of
from tests.support.desk import RULES

LANES: Final = 3


def lanes_at(url: str) -> tuple[AccountLanes, Database]:
    """Return the lanes of a server, and their connections."""
    settings = DatabaseSettings(url, layout=Layout.CITUS)
    database = Database(settings).for_batches(LANES + 2)
    return AccountLanes(database, Terms(RULES, {}, uuid7), clock_of(database), LANES), database
