"""If the polling thread fails, the process ends: its health would go on to say that all is well."""

import json
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.server.transport.queue_server import FAILED
from tests.support.databases import migrated_database
from tests.support.ports import free_address
from tests.support.postgres import service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.tokens import bearer, write_public_key

FAILING = """
import sys

from creditd.cli.main import main
from creditd.server.transport import core

message_of = core.message_of

def failing(event):
    message = message_of(event)
    if message and b"doom" in message:
        raise SystemError("the layer below is not what it was")
    return message

core.message_of = failing
sys.argv = ["creditd", "serve"]
sys.exit(main())
"""


@pytest.fixture
def creditd(tmp_path: Path) -> Iterator[Creditd]:
    """Provide `creditd` with a database of its own."""
    with migrated_database() as url:
        settings = {
            "CREDITD_DATABASE_URL": service_url(url),
            "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
            "CREDITD_PAGE_TOKEN_SECRET": "the secret of a test that is long enough",
            "CREDITD_LISTEN": free_address(),
            "CREDITD_METRICS_LISTEN": "",
        }
        yield Creditd(tmp_path, settings)


def test_a_process_ends_when_its_polling_thread_fails(creditd: Creditd) -> None:
    """It says why, and its callers are told at once that it has gone."""
    with (
        creditd.program(FAILING) as started,
        grpc.insecure_channel(creditd.settings["CREDITD_LISTEN"]) as channel,
    ):
        started.says('"message":"listening"')
        stub = CreditServiceStub(channel)
        metadata = (("authorization", bearer("app", ["SERVICE"], "credits.read")),)
        stub.GetBalance(credit.GetBalanceRequest(account_id="ann"), metadata=metadata, timeout=PATIENCE_SECONDS)
        with pytest.raises(grpc.RpcError) as told:
            stub.GetBalance(credit.GetBalanceRequest(account_id="doom"), metadata=metadata, timeout=PATIENCE_SECONDS)
        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
        assert started.process.wait(PATIENCE_SECONDS) == FAILED
        [line] = [json.loads(line) for line in started.said.splitlines() if "CRITICAL" in line]
    assert line["message"] == "the polling thread has failed, and the process ends"
    assert "the layer below is not what it was" in line["exception"]
