"""What keeps the database from answering now is UNAVAILABLE and says when to come back, on reads as on writes (H2).

A policy on the wallets' rows raises what PostgreSQL would, so that each code comes from a real statement.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import psycopg
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.ledger import waiting_room
from tests.support.customer import Customer
from tests.support.refusals import read_refusal
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H2", "B2")

CODES = {
    "lock_not_available": "55P03",
    "query_canceled": "57014",
    "idle_in_transaction_session_timeout": "25P03",
    "admin_shutdown": "57P01",
    "crash_shutdown": "57P02",
    "cannot_connect_now": "57P03",
    "idle_session_timeout": "57P05",
    "too_many_connections": "53300",
    "out_of_memory": "53200",
    "disk_full": "53100",
    "read_only_sql_transaction": "25006",
    "serialization_failure": "40001",
    "deadlock_detected": "40P01",
    "connection_failure": "08006",
}

TROUBLE = """
    CREATE TABLE trouble (code text NOT NULL);
    INSERT INTO trouble VALUES ('');
    CREATE FUNCTION trouble_now() RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE
        now text := (SELECT code FROM trouble);
    BEGIN
        IF now <> '' THEN RAISE EXCEPTION 'a secret of the database' USING ERRCODE = now; END IF;
        RETURN true;
    END $$;
    CREATE POLICY trouble ON wallets USING (trouble_now()) WITH CHECK (true);
    ALTER TABLE wallets ENABLE ROW LEVEL SECURITY;
"""

CALLS: dict[str, Callable[[Customer], Any]] = {
    "GetBalance": lambda c: c.balance(),
    "BatchGetBalances": lambda c: c.app.credit.BatchGetBalances(
        credit.BatchGetBalancesRequest(account_ids=[c.account_id])
    ),
    "WatchBalance": lambda c: next(
        c.app.credit.WatchBalance(credit.WatchBalanceRequest(account_id=c.account_id, credit_type="spec"), timeout=20)
    ),
    "ListTransactions": lambda c: c.page(),
    "VerifyLedger": lambda c: list(c.staff.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=c.account_id))),
    "Reserve": lambda c: c.reserve(1, validate_only=True),
    "AddCredits": lambda c: c.top_up(1),
    "SetPlan": lambda c: c.go_unlimited(),
}


@pytest.fixture(scope="module")
def troubled(service: RunningService) -> None:
    """Have the database raise what it is told to wherever a wallet's row is looked at."""
    with psycopg.connect(service.config.database_url, autocommit=True) as connection:
        connection.execute(TROUBLE)


@contextmanager
def trouble(service: RunningService, code: str) -> Iterator[None]:
    """Have it raise one code until the block ends."""
    with psycopg.connect(service.config.database_url, autocommit=True) as connection:
        connection.execute("UPDATE trouble SET code = %s", [code])
        try:
            yield
        finally:
            connection.execute("UPDATE trouble SET code = ''")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service whose database is nobody else's."""
    with running_service(tmp_path_factory.mktemp("troubled")) as running:
        yield running


@pytest.mark.usefixtures("troubled")
@pytest.mark.parametrize("name", CODES)
def test_it_is_unavailable_for_now(customer: Customer, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A wallet that others hold is waited for as long as this, again and again: for a lock that is none no longer.
    monkeypatch.setattr(waiting_room, "LONGEST_WAIT_SECONDS", 0.2)
    customer.top_up(10)
    for method, call in CALLS.items():
        with trouble(customer.service, CODES[name]), pytest.raises(grpc.RpcError) as caught:
            call(customer)
        refusal = read_refusal(caught.value)
        conflict = (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "VERSION_CONFLICT")
        assert refusal.code == grpc.StatusCode.UNAVAILABLE or conflict, (method, refusal)
        # What others were at the same rows with is a conflict to who writes, and never to who reads.
        if method in ("GetBalance", "BatchGetBalances", "WatchBalance", "ListTransactions", "VerifyLedger"):
            assert refusal.reason == "DATABASE_UNAVAILABLE", method
        assert refusal.retry is not None, method
        assert "secret" not in f"{refusal}"
    assert customer.figures() == (10, 0)
