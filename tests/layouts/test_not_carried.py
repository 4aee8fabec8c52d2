"""What the layout does not carry is refused by name, and never done in part."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.bootstrap.credit import NOT_CARRIED
from creditd.cli.main import main
from creditd.config import Config
from creditd.config.fit import faults_of
from tests.support.refusals import refused
from tests.support.service import running_service


@pytest.mark.parametrize(
    "command",
    [
        ["archive", "move", "--older-than", "400", "--folder", "."],
        ["archive", "verify", "--folder", "."],
        ["rollup", "rebuild"],
        ["backup", "--folder", "."],
    ],
    ids=" ".join,
)
def test_commands_that_need_all_in_one_postgresql_are_refused(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is connected to."""
    monkeypatch.setenv("CREDITD_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("CREDITD_DATABASE_LAYOUT", "citus")
    assert main(command) == 2
    assert "the layout citus does not carry this command" in capsys.readouterr().err


def test_calls_about_many_ledgers_at_one_moment_are_unimplemented_and_a_start_says_so(
    tmp_path: Path, process_log: pytest.LogCaptureFixture
) -> None:
    with running_service(tmp_path, database_layout="citus") as service:
        app = service.as_caller("app", "SERVICE", scope="credits.read credits.admin")
        staff = service.as_caller("staff", "ADMIN")
        calls: tuple[Callable[[], object], ...] = (
            lambda: app.credit.GetUsageSummary(credit.GetUsageSummaryRequest(account_id="ann")),
            lambda: staff.admin.GetUsageAnalytics(admin.GetUsageAnalyticsRequest()),
        )
        for call in calls:
            with pytest.raises(grpc.RpcError) as refusal:
                call()
            assert refusal.value.code() is grpc.StatusCode.UNIMPLEMENTED
        by_movement = admin.ListAccountsRequest(order=admin.ACCOUNT_ORDER_LAST_MOVEMENT)
        assert "not carried by the layout citus" in refused(staff.admin.ListAccounts, by_movement).message
    assert ", ".join(NOT_CARRIED) in process_log.text


@pytest.mark.parametrize(
    ("name", "value"), [("backup_folder", "."), ("usage_label", "model"), ("search_label", "email")]
)
def test_settings_that_need_all_in_one_postgresql_are_refused(name: str, value: str) -> None:
    plain = Config(**{name: value})  # type: ignore[arg-type] # each takes a text.
    assert [fault for fault in faults_of(plain) if "LAYOUT" in fault] == []
    (fault,) = [fault for fault in faults_of(replace(plain, database_layout="citus")) if "LAYOUT" in fault]
    assert fault.endswith(f"does not carry CREDITD_{name.upper()}")
