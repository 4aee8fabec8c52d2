"""What is sealed, as administrators and auditors see it: head, `creditd audit`, VerifyLedger (requirements D2, D7)."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import audit_service_pb2 as pb
from creditd.cli.main import main
from creditd.service.controls.sealer import HORIZON
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.postgres import as_administrator
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("D2", "D7")

KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that seals all the time and signs its heads."""
    folder = tmp_path_factory.mktemp("sealed")
    file = folder / "audit.pem"
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with running_service(folder, seal_interval_seconds=0.05, audit_key_file=str(file)) as running:
        yield running


@pytest.fixture
def staff(service: RunningService) -> SimpleNamespace:
    return service.as_caller("staff", "ADMIN")


@pytest.fixture
def busy(service: RunningService, staff: SimpleNamespace, account: str) -> Customer:
    """Return a customer of whom everything is sealed."""
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    customer = Customer(service, app, staff, account)
    customer.top_up(100)
    customer.deduct(10)
    customer.deduct(5)
    service.clock.advance(HORIZON / 1_000_000 + 1)
    eventually(lambda: is_sealed(customer), 20)
    return customer


def is_sealed(customer: Customer) -> bool:
    with psycopg.connect(customer.service.config.database_url) as connection:
        query = """
            SELECT (SELECT max(last_version) FROM entry_seals WHERE account_id = %s AND credit_type = 'chat') = 3
               AND (SELECT max(event_id::text) FROM audit_events WHERE account = %s)
                   <= (SELECT last_event_id::text FROM audit_seals ORDER BY seal_number DESC LIMIT 1)
        """
        ((sealed,),) = connection.execute(query, [customer.account_id, customer.account_id]).fetchall()
    return bool(sealed)


def tampered(customer: Customer, statement: str) -> None:
    with psycopg.connect(as_administrator(customer.service.config.database_url)) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement.encode(), [customer.account_id]).rowcount == 1


def differences(customer: Customer) -> list[admin.LedgerDifference]:
    answers = list(customer.staff.admin.VerifyLedger(admin.VerifyLedgerRequest(account_id=customer.account_id)))
    found = [answer.difference for answer in answers[:-1]]
    assert answers[-1].summary.differences == len(found)
    return found


def head_of(customer: Customer) -> Any:
    return customer.staff.audit.GetAuditHead(pb.GetAuditHeadRequest()).audit_head


def test_what_was_done_is_sealed_by_itself_and_verified_over_the_wire(busy: Customer) -> None:
    """A reason is no figure: only the seal tells that it was another."""
    assert differences(busy) == []
    change = "UPDATE entries SET reason = {} WHERE account_id = %s AND version = 1 AND credit_type = 'chat'"
    tampered(busy, change.format("'a gift'"))
    (difference,) = differences(busy)
    assert (difference.account_id, difference.credit_type, difference.field) == (busy.account_id, "chat", "seal")
    assert (difference.expected, difference.actual) == (1, 0)
    assert difference.version >= 1
    tampered(busy, change.format("'test'"))
    assert differences(busy) == []


def test_the_head_is_signed_and_kept_elsewhere_shows_what_was_changed(
    busy: Customer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A chain that was written anew from its beginning holds in itself, and is not the one of the head."""
    config = busy.service.config
    monkeypatch.setenv("CREDITD_DATABASE_URL", config.database_url)
    monkeypatch.setenv("CREDITD_AUDIT_KEY_FILE", config.audit_key_file)
    assert main(["audit", "head"]) == 0
    printed = capsys.readouterr().out
    head = json.loads(printed)
    text = f"creditd audit head\n{head['seal_number']}\n{head['hash']}\n{head['create_time']}\n"
    PUBLIC.verify(base64.b64decode(head["signature"]), text.encode())
    assert base64.b64decode(head["public_key"]) == PUBLIC.public_bytes_raw()
    told = head_of(busy)
    assert told.seal_number >= head["seal_number"]
    Ed25519PublicKey.from_public_bytes(base64.b64decode(told.public_key)).verify(
        base64.b64decode(told.signature),
        f"creditd audit head\n{told.seal_number}\n{told.hash}\n{told.create_time}\n".encode(),
    )
    kept, public = tmp_path / "head.json", tmp_path / "public.pem"
    kept.write_text(printed)
    public.write_bytes(PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    verify = ["audit", "verify", "--head", str(kept), "--public-key", str(public)]
    assert main(verify) == 0
    assert main([*verify, "--after"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(", 0 that do not hold")

    kept.write_text(json.dumps(head | {"hash": "00" * 32}))
    assert main(verify) == 1
    assert "is not signed by" in capsys.readouterr().err
    forged = Ed25519PrivateKey.generate()
    signature = forged.sign(text.replace(head["hash"], "00" * 32).encode())
    kept.write_text(json.dumps(head | {"hash": "00" * 32, "signature": base64.b64encode(signature).decode()}))
    assert main(verify) == 1
    assert "is not signed by" in capsys.readouterr().err
    assert main(["audit", "verify", "--head", str(kept)]) == 1
    assert f"seal {head['seal_number']}: it is not the one of the head that was kept" in capsys.readouterr().out


def test_the_command_tells_where_something_does_not_hold(
    busy: Customer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", busy.service.config.database_url)
    assert main(["audit", "verify"]) == 0
    assert capsys.readouterr().out.endswith(", 0 that do not hold\n")
    entry = "UPDATE entries SET actor = {} WHERE account_id = %s AND version = 2 AND credit_type = 'chat'"
    event = "UPDATE audit_events SET actor = {} WHERE account = %s"
    tampered(busy, entry.format("'nobody'"))
    tampered(busy, event.format("'nobody'"))
    assert main(["audit", "verify"]) == 1
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("seal ")
    assert first.endswith(": an audit event, a seal of entries or the seal itself is not what it was")
    assert second.startswith(f"{busy.account_id} chat up to version ")
    assert last.endswith(", 2 that do not hold")
    tampered(busy, entry.format("'app'"))
    tampered(busy, event.format("'staff'"))
    assert main(["audit", "verify"]) == 0


@pytest.mark.parametrize("content", ["", "{}", '{"seal_number": 1}', '["a"]'])
def test_what_is_no_head_is_told_in_one_line(
    service: RunningService,
    content: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", service.config.database_url)
    file = tmp_path / "head.json"
    file.write_text(content)
    assert main(["audit", "verify", "--head", str(file)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_key_of_another_kind_is_told_in_one_line(
    service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", service.config.database_url)
    file = tmp_path / "key.pem"
    file.write_text("no key")
    monkeypatch.setenv("CREDITD_AUDIT_KEY_FILE", str(file))
    assert main(["audit", "head"]) == 2
    assert capsys.readouterr().err == f"creditd audit: {file} holds no private key in PEM without a password\n"


@pytest.mark.parametrize("roles", [("SUPPORT",), ("FINANCE",), ("USER",), ()])
def test_nobody_but_administrators_may_ask_for_the_head(service: RunningService, roles: tuple[str, ...]) -> None:
    caller = service.as_caller("looker", *roles)
    refusal = refused(caller.audit.GetAuditHead, pb.GetAuditHeadRequest())
    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED
