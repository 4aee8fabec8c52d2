"""What the layout does not carry is refused by name, and never done in part."""

from collections.abc import Callable
from pathlib import Path

import grpc
import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from creditd.bootstrap.credit import NOT_CARRIED
from creditd.cli.main import main
from tests.support.service import running_service


@pytest.mark.parametrize(
    "command",
    [
        ["archive", "move", "--older-than", "400", "--folder", "."],
        ["archive", "verify", "--folder", "."],
        ["rollup", "rebuild"],
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
    assert ", ".join(NOT_CARRIED) in process_log.text
