"""`creditd call` in all its forms, against a running service."""

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from creditd.cli.main import main
from tests.support.ports import free_address
from tests.support.programs import Creditd
from tests.support.service import RunningService
from tests.support.tokens import bearer


class Caller:
    """Calls a service from the command line, in this process, which is quicker than a process for each."""

    def __init__(self, service: RunningService, capsys: pytest.CaptureFixture[str]) -> None:
        self.address = service.address
        self._capsys = capsys

    def __call__(self, *arguments: str, roles: tuple[str, ...] = ("ADMIN", "SERVICE")) -> tuple[int, str, str]:
        """Call, and return the exit code, standard output and standard error."""
        code = main(["call", *arguments, "--address", self.address, "--token", token(*roles)])
        out, err = self._capsys.readouterr()
        return code, out, err


def token(*roles: str) -> str:
    """Return a token that the service of these tests trusts."""
    return bearer("tests", roles, "credits.spend credits.read").removeprefix("Bearer ")


@pytest.fixture
def call(
    service: RunningService, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Caller:
    """Return a caller in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Caller(service, capsys)


def test_alone_it_lists_every_rpc_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call"]) == 0
    out = capsys.readouterr().out
    assert "credit.v1.CreditService" in out
    fields = "name amount request_id expected_version validate_only reason metadata pending_only"
    assert re.search(rf"^  Refund +{fields}$", out, re.MULTILINE)
    assert re.search(r"^  VerifyLedger +\(streams\) account_id$", out, re.MULTILINE)


def test_json_goes_in_and_comes_out_with_the_protos_own_names(call: Caller, account: str) -> None:
    code, out, err = call("GetBalance", json.dumps({"account_id": account, "credit_types": ["spec"]}))
    assert (code, err) == (0, "")
    (wallet,) = json.loads(out)["account_balance"]["wallets"]
    balance = wallet["balance"]
    assert (balance["available"], balance["reserved"], balance["credit_type"]) == ("1", "0", "spec")
    assert list(balance)[:3] == ["account_id", "credit_type", "total"]


@pytest.mark.parametrize(
    "name", ["GetBalance", "getbalance", "CreditService/GetBalance", "credit.v1.CreditService/GetBalance"]
)
def test_a_method_goes_by_its_short_and_its_full_name(call: Caller, account: str, name: str) -> None:
    code, _, _ = call(name, json.dumps({"accountId": account}))
    assert code == 0


def test_a_missing_request_id_is_made_and_told_so_that_it_can_be_repeated(call: Caller, account: str) -> None:
    request = {"account_id": account, "credit_type": "spec", "amount": 1}
    code, out, err = call("Reserve", json.dumps(request))
    assert code == 0
    request_id = err.removeprefix("request_id: ").split()[0]
    assert json.loads(out)["entry"]["request_id"] == request_id
    code, again, err = call("Reserve", json.dumps({**request, "request_id": request_id}))
    assert code == 0
    assert json.loads(again)["entry"] == json.loads(out)["entry"]
    assert err.startswith("replayed")


def test_in_a_batch_request_ids_are_made_where_they_are_missing(call: Caller, account: str) -> None:
    request = {"account_id": account, "credit_type": "spec", "amount": 1}
    _, out, err = call("BatchReserve", json.dumps({"requests": [{**request, "request_id": "mine"}, request]}))
    assert err.startswith("requests[1].request_id: ")
    assert err.count("\n") == 1
    assert [next(iter(result)) for result in json.loads(out)["results"]] == ["response", "error"]


def test_a_stream_is_one_document_after_another(call: Caller) -> None:
    code, out, _ = call("VerifyLedger")
    assert code == 0
    assert json.loads(out)["summary"]["differences"] == "0"


def test_a_refusal_is_explained_with_all_its_figures(call: Caller, account: str) -> None:
    request = {"account_id": account, "credit_type": "spec", "amount": 5, "request_id": "too much"}
    code, out, err = call("Reserve", json.dumps(request))
    assert (code, out) == (1, "")
    head, *details = err.splitlines()
    assert head == "FAILED_PRECONDITION INSUFFICIENT_CREDIT: 5 required, 1 available"
    assert ["required", "5"] in [line.split() for line in details]
    assert any("correlation_id" in line for line in details)


def test_every_broken_field_is_named(call: Caller) -> None:
    code, _, err = call("Reserve", '{"account_id": "no spaces", "amount": -1}')
    assert code == 1
    assert {"account_id", "credit_type", "amount"} <= {line.split()[0] for line in err.splitlines()}


def test_roles_decide(call: Caller, account: str) -> None:
    code, _, err = call("AddCredits", json.dumps({"account_id": account}), roles=("USER",))
    assert code == 1
    assert "PERMISSION_DENIED" in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("GetBalanse",), "did you mean GetBalance"),
        (("Xyz",), "`creditd call` lists all of them"),
        (("GetBalance", '{"acount_id": "ann"}'), "has no field acount_id; did you mean account_id?"),
        (("BatchReserve", '{"requests": [{"amounts": 1}]}'), "BatchReserveRequest.requests[0] has no field amounts"),
        (("GetBalance", "{"), "not valid JSON"),
        (("GetBalance", "[]"), "the request must be a JSON object"),
        (("Reserve", '{"amount": "many"}'), "Failed to parse amount field"),
    ],
)
def test_a_slip_is_met_with_help(call: Caller, arguments: tuple[str, ...], hint: str) -> None:
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert hint in err
    assert err.startswith("creditd call: ")


def test_a_server_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    address = free_address()
    assert main(["call", "ListCreditTypes", "--address", address, "--token", "any"]) == 1
    assert f"no server answers at {address}" in capsys.readouterr().err


def test_without_any_token_it_says_why(service: RunningService, tmp_path: Path) -> None:
    done = Creditd(tmp_path)("call", "ListCreditTypes", "--address", service.address)
    assert done.returncode == 1
    assert "no token: .creditd has no development key" in done.stderr
    assert "UNAUTHENTICATED" in done.stderr
    assert not (tmp_path / ".creditd").exists()


def test_a_request_comes_through_a_pipe(service: RunningService, tmp_path: Path) -> None:
    arguments = ("call", "GetBalance", "-", "--address", service.address, "--token", token("ADMIN", "SERVICE"))
    done = Creditd(tmp_path)(*arguments, stdin='{"account_id": "piped"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["account_balance"]["account_id"] == "piped"


def test_a_stream_is_printed_as_it_comes_and_ends_with_ctrl_c(
    service: RunningService, staff: Any, tmp_path: Path
) -> None:
    del staff
    request = '{"account_id": "watched", "credit_type": "spec"}'
    arguments = ("WatchBalance", request, "--address", service.address, "--token", token("ADMIN", "SERVICE"))
    with Creditd(tmp_path).started("call", *arguments) as watching:
        watching.says('"version": "1"')
        assert watching.stop(signal.SIGINT) == 130
        assert "Traceback" not in watching.said


@pytest.mark.parametrize(
    ("method", "document", "place", "near"),
    [
        ("CreatePurchase", {"provider": "STRIPE"}, "provider", "PAYMENT_PROVIDER_STRIPE"),
        ("CreatePurchase", {"provider": "payment_provider_omise"}, "provider", "PAYMENT_PROVIDER_OMISE"),
        ("ListTransactions", {"kinds": ["ENTRY_KIND_DEDUT"]}, "kinds[0]", "ENTRY_KIND_DEDUCT"),
    ],
)
def test_a_misspelt_value_is_told_the_nearest_and_all(
    call: Caller, method: str, document: dict[str, Any], place: str, near: str
) -> None:
    code, out, err = call(method, json.dumps(document))
    assert (code, out) == (2, "")
    assert f"{method}Request.{place}" in err
    assert f"did you mean {near}?" in err
    assert "It is one of" in err
    assert "UNSPECIFIED" not in err


def test_a_value_that_is_like_none_is_told_all(call: Caller) -> None:
    _, _, err = call("CreatePurchase", '{"provider": "zzzzzz"}')
    assert "did you mean" not in err
    assert "PAYMENT_PROVIDER_LEMON_SQUEEZY" in err


@pytest.mark.requirement("I7")
def test_its_token_may_come_from_a_file_that_nobody_else_sees(
    service: RunningService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where --token would be among the arguments of a process, which everybody on the machine may read."""
    monkeypatch.chdir(tmp_path)
    asked = ["call", "GetBalance", '{"account_id": "ann"}', "--address", service.address]
    (tmp_path / "token").write_text(token("SERVICE"))
    monkeypatch.setenv("CREDITD_CALL_TOKEN_FILE", str(tmp_path / "token"))
    assert main(asked) == 0
    (tmp_path / "token").write_text("no token")
    assert main(asked) == 1
    assert main([*asked, "--token", token("SERVICE")]) == 0
    assert "no token" not in capsys.readouterr().err
