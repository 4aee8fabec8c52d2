"""The tables of the ledger's schema, all of them, for whoever compares them with a database."""

from typing import Final

from sqlalchemy import MetaData

from creditd.storage import tables
from creditd.storage.archive import archive_tables
from creditd.storage.controls import access_tables, approval_tables, audit_tables, velocity_tables
from creditd.storage.events import event_tables
from creditd.storage.payments import payment_tables
from creditd.storage.promo import promo_tables
from creditd.storage.usage import usage_tables
from creditd.storage.workflows import run_tables, workflow_tables

DECLARING: Final = (
    access_tables,
    approval_tables,
    archive_tables,
    audit_tables,
    event_tables,
    payment_tables,
    promo_tables,
    run_tables,
    tables,
    usage_tables,
    velocity_tables,
    workflow_tables,
)

metadata: Final[MetaData] = tables.metadata
