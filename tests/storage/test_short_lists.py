"""What belongs to no account is listed in pages, too: a page of ten times as many rows reads no more of them."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import Connection, Engine

from creditd.domain.instant import Instant
from creditd.storage import credit_types
from creditd.storage.payments import packages, rejected_webhooks, subscriptions
from tests.storage.plans import MODES, engine_of, plans_of, touched
from tests.support.databases import migrated_database
from tests.support.histories import without_autovacuum

PAGE = 21

COUNTS_OF_AN_HOUR = 24
"""Of three providers for eight reasons: as many share an hour, which the index knows alone."""

FILL = """
INSERT INTO credit_types SELECT 'type_' || lpad(n::text, 6, '0'), '', 0, now() FROM generate_series(1, 20000) AS n;
INSERT INTO packages
SELECT 'package_' || lpad(n::text, 6, '0'), '', 1, 'THB', 'chat', 1, 0, now(), CASE WHEN n % 500 > 0 THEN now() END
FROM generate_series(1, 20000) AS n;
INSERT INTO rejected_webhooks
SELECT 1 + n % 3, (ARRAY['no_signature', 'bad_signature', 'too_old', 'malformed', 'too_large', 'too_many'])[1 + n % 6],
       to_timestamp(0) + (n / 6) * interval '1 hour', 1, now(), ''
FROM generate_series(6, 20000) AS n;
INSERT INTO subscriptions
SELECT 'ann', 1 + n % 3, n % 2 = 0, 'sub_' || n, 2, true, NULL, now(), now(), now()
FROM generate_series(1, 20000) AS n;
"""

HOUR = 3_600_000_000

AMID = subscriptions.SubscriptionPlace(2, live=True, subscription_id="sub_5")

PAGES: dict[str, Callable[[Connection], object]] = {
    "credit types, the first": lambda c: credit_types.page(c, "", PAGE),
    "credit types, one amid": lambda c: credit_types.page(c, "type_010000", PAGE),
    "packages on sale, the first": lambda c: packages.page(c, "", PAGE, retired=False),
    "packages on sale, one amid": lambda c: packages.page(c, "package_005000", PAGE, retired=False),
    "packages, the first": lambda c: packages.page(c, "", PAGE, retired=True),
    "packages, one amid": lambda c: packages.page(c, "package_010000", PAGE, retired=True),
    "rejections, the first": lambda c: rejected_webhooks.page(c, Instant(0), None, PAGE),
    "rejections, one amid": lambda c: rejected_webhooks.page(
        c, Instant(0), rejected_webhooks.RejectionPlace(Instant(1_500 * HOUR), 2, "malformed"), PAGE
    ),
    "subscriptions, the first": lambda c: subscriptions.page(c, "ann", None, PAGE),
    "subscriptions, one amid": lambda c: subscriptions.page(c, "ann", AMID, PAGE),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide lists of 20,000."""
    with migrated_database() as url, psycopg.connect(url, autocommit=True) as connection:
        without_autovacuum(connection)
        connection.execute(FILL)
        connection.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture(scope="module", params=MODES)
def engine(request: pytest.FixtureRequest, url: str) -> Iterator[Engine]:
    """Provide connections on which plans are made for the values, or for any."""
    engine = engine_of(url, request.param)
    yield engine
    engine.dispose()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_reads_its_own_rows_alone(engine: Engine, name: str) -> None:
    (plan,) = plans_of(engine, PAGES[name], in_order=True)
    read = touched(plan)
    assert read.rows <= PAGE + 2 * COUNTS_OF_AN_HOUR, read
