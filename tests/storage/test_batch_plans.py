"""The statements of batches are planned once."""

from sqlalchemy import text

from creditd.storage.database import Database, DatabaseSettings
from tests.support.postgres import admin_url

_PLANS = text("""
SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT count(*) FROM unnest%'
""")


def test_what_batches_prepare_has_one_plan_from_its_first_use() -> None:
    database = Database(DatabaseSettings(admin_url(), role="", prepare_threshold=0))
    batches = database.for_batches()
    with batches.autocommit() as connection:
        for number in range(3):
            wanted = {"names": [str(number)]}
            connection.execute(text("SELECT count(*) FROM unnest(:names ::text[]) AS n (name)"), wanted)
        ((generic, custom),) = connection.execute(_PLANS).all()
    batches.close()
    database.close()
    assert (generic, custom) == (3, 0)
