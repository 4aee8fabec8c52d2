"""Each resource over HTTP says what gRPC says of it (H5)."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from google.protobuf.json_format import MessageToDict

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as pb
from credit.v1 import payment_service_pb2 as payment
from credit.v1 import promo_service_pb2 as promo
from credit.v1 import workflow_service_pb2 as workflow
from tests.gateway.envoy import Gateway, act, done, got
from tests.support.service import RunningService

pytestmark = [pytest.mark.gateway, pytest.mark.requirement("H5")]

VOLATILE = {"nextPollTime", "remainingTtl"}
"""What is told anew with each answer."""


@pytest.fixture(scope="module")
def over_grpc(service: RunningService) -> SimpleNamespace:
    """Return the stubs of the same callers."""
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin payments.write")
    return SimpleNamespace(app=app, boss=service.as_caller("staff", "ADMIN"))


def lasting(value: Any) -> Any:
    """Return JSON without what is told anew with each answer."""
    if isinstance(value, dict):
        return {name: lasting(one) for name, one in value.items() if name not in VOLATILE}
    return [lasting(one) for one in value] if isinstance(value, list) else value


def same(answer: Any, message: Any) -> bool:
    """Tell whether JSON is that of a message, its zeros included."""
    assert lasting(answer) == lasting(MessageToDict(message, always_print_fields_with_no_presence=True))
    return True


def test_a_hold_is_made_confirmed_and_refunded(
    over_http: httpx.Client, over_grpc: SimpleNamespace, funded: str
) -> None:
    held = done(over_http, f"accounts/{funded}/reservations", creditType="chat", amount="30", reason="ảnh", ttl="900s")
    name = held["reservation"]["name"]
    assert held["reservation"]["state"] == "RESERVATION_STATE_PENDING"
    assert (held["balance"]["available"], held["balance"]["reserved"]) == ("70", "30")
    assert same(got(over_http, name), over_grpc.app.credit.GetReservation(pb.GetReservationRequest(name=name)))

    longer = done(over_http, f"{name}:extend", ttl="3000s")
    assert longer["reservation"]["expireTime"] > held["reservation"]["expireTime"]
    confirmed = done(over_http, f"{name}:confirm", amount="10")
    assert confirmed["balance"]["available"] == "90"
    refunded = done(over_http, f"{name}:refund", amount="4")
    assert (refunded["reservation"]["refundedAmount"], refunded["balance"]["available"]) == ("4", "94")
    assert refunded["reservation"]["reason"] == "ảnh"


def test_what_is_known_is_spent_at_once(over_http: httpx.Client, funded: str) -> None:
    answer = done(over_http, f"accounts/{funded}/reservations:deduct", creditType="chat", amount="100")
    assert (answer["balance"]["available"], answer["entry"]["kind"]) == ("0", "ENTRY_KIND_DEDUCT")


def test_balances_are_told(over_http: httpx.Client, over_grpc: SimpleNamespace, funded: str) -> None:
    asked = pb.GetBalanceRequest(account_id=funded, credit_types=["chat", "spec"])
    path = f"accounts/{funded}/balances"
    assert same(got(over_http, path, creditTypes=["chat", "spec"]), over_grpc.app.credit.GetBalance(asked))
    many = over_http.post("/v1/balances:batchGet", json={"accountIds": [funded], "creditTypes": ["chat"]}).json()
    asked_of_many = pb.BatchGetBalancesRequest(account_ids=[funded], credit_types=["chat"])
    assert same(many, over_grpc.app.credit.BatchGetBalances(asked_of_many))


def test_a_balance_of_the_past_is_told(over_http: httpx.Client, over_grpc: SimpleNamespace, funded: str) -> None:
    done(over_http, f"accounts/{funded}/reservations:deduct", creditType="chat", amount="1")
    asked = pb.GetHistoricalBalanceRequest(account_id=funded, credit_type="chat", version=1)
    answer = got(over_http, f"accounts/{funded}/historicalBalances", creditType="chat", version="1")
    assert same(answer, over_grpc.app.credit.GetHistoricalBalance(asked))
    moment = answer["balances"][0]["updateTime"]
    by_time = got(over_http, f"accounts/{funded}/historicalBalances", creditType="chat", asOfTime=moment)
    assert by_time["balances"][0]["available"] == "100"


def pages(over_http: httpx.Client, path: str, **query: Any) -> Iterator[Any]:
    """Yield the pages of a list, of one item each."""
    token = ""
    while True:
        page = got(over_http, path, pageSize=1, pageToken=token, **query)
        yield page
        token = page["nextPageToken"]
        if not token:
            return


def test_transactions_come_in_pages_by_kind_and_time(over_http: httpx.Client, funded: str) -> None:
    for number in range(3):
        done(over_http, f"accounts/{funded}/reservations:deduct", creditType="chat", amount=str(number + 1))
    path = f"accounts/{funded}/transactions"
    found = [entry for page in pages(over_http, path, creditType="chat") for entry in page["entries"]]
    assert [entry["version"] for entry in found] == ["4", "3", "2", "1"]
    kinds = got(over_http, path, kinds=["ENTRY_KIND_DEDUCT", "ENTRY_KIND_ADMIN_ADD"], includeTotalSize=True)
    assert kinds["totalSize"] == "4"
    later = got(over_http, path, creditType="chat", startTime=found[1]["createTime"])
    earlier = got(over_http, path, creditType="chat", endTime=found[1]["createTime"])
    assert [entry["version"] for entry in later["entries"]] == ["4", "3"]
    assert [entry["version"] for entry in earlier["entries"]] == ["2", "1"]


def test_reservations_are_listed(over_http: httpx.Client, over_grpc: SimpleNamespace, funded: str) -> None:
    done(over_http, f"accounts/{funded}/reservations", creditType="chat", amount="1")
    asked = pb.ListReservationsRequest(account_id=funded, state="RESERVATION_STATE_PENDING")
    answer = got(over_http, f"accounts/{funded}/reservations", state="RESERVATION_STATE_PENDING")
    assert same(answer, over_grpc.app.credit.ListReservations(asked))


def test_what_is_sold_is_bought_and_cancelled(
    over_http: httpx.Client, over_grpc: SimpleNamespace, account: str
) -> None:
    assert same(got(over_http, "packages"), over_grpc.app.payment.ListPackages(payment.ListPackagesRequest()))
    owner = {"packageId": "small", "provider": "PAYMENT_PROVIDER_STRIPE", "returnUrl": "https://shop.example/thanks"}
    bought = done(over_http, f"accounts/{account}/purchases", **owner)["purchase"]
    name = bought["name"]
    assert same(got(over_http, name), over_grpc.app.payment.GetPurchase(payment.GetPurchaseRequest(name=name)))
    (listed,) = got(over_http, f"accounts/{account}/purchases")["purchases"]
    assert listed["name"] == name
    cancelled = done(over_http, f"{name}:cancel", reason="changed their mind")["purchase"]
    assert cancelled["state"] == "PURCHASE_STATE_CANCELLED"


def test_a_package_is_put_on_sale_and_retired(boss: httpx.Client) -> None:
    package = {"packageId": "rest", "displayName": "Rest", "creditType": "chat", "credits": "5"}
    made = done(boss, "packages", package=package | {"price": {"amount": "9900", "currency": "THB"}})["package"]
    assert (made["name"], made["credits"]) == ("packages/rest", "5")
    done(boss, "packages/rest:retire")
    assert "packages/rest" not in [one["name"] for one in got(boss, "packages")["packages"]]
    assert "packages/rest" in [one["name"] for one in got(boss, "packages", showRetired=True)["packages"]]


def test_a_promo_code_is_made_redeemed_and_ended(
    over_http: httpx.Client, boss: httpx.Client, over_grpc: SimpleNamespace, account: str
) -> None:
    terms = {"kind": "PROMO_KIND_BONUS_CREDITS", "creditType": "chat", "credits": "7"}
    terms |= {"totalLimit": "10", "accountLimit": "1"}
    code = done(boss, "promoCodes", displayCode="Rest 2026", terms=terms, reason="a test")["promoCode"]
    assert code["name"] == "promoCodes/rest2026"
    redeemed = done(over_http, f"accounts/{account}/promoCodes:redeem", code="REST-2026")
    assert (redeemed["entry"]["kind"], redeemed["balance"]["available"]) == ("ENTRY_KIND_PROMO", "7")
    asked = promo.GetPromoCodeRequest(name=code["name"])
    assert same(got(boss, code["name"]), over_grpc.boss.promo.GetPromoCode(asked))
    assert code["name"] in [one["name"] for one in got(boss, "promoCodes")["promoCodes"]]
    ended = done(boss, f"{code['name']}:end", reason="a test")["promoCode"]
    assert ended["state"] == "PROMO_CODE_STATE_ENDED"
    many = done(boss, "promoCodes:generate", prefix="R", count=3, terms=terms, reason="a test")
    assert len(many["displayCodes"]) == 3


def test_a_workflow_is_kept_under_its_etag(over_http: httpx.Client, over_grpc: SimpleNamespace, account: str) -> None:
    """An update is a PATCH of the workflow's path, with an Idempotency-Key as every act has one."""
    stated: dict[str, Any] = {"displayName": "Render", "executor": "render", "creditType": "chat", "timeout": "900s"}
    cost: dict[str, Any] = {"amountRange": {"leastAmount": "10", "mostAmount": "40"}}
    path = f"accounts/{account}/workflows"
    made = done(over_http, path, workflowId="trailer", workflow=stated | cost)["workflow"]
    assert (made["name"], made["timeout"], made["amountRange"]) == (f"{path}/trailer", "900s", cost["amountRange"])
    asked = workflow.GetWorkflowRequest(name=made["name"])
    assert same(got(over_http, made["name"]), over_grpc.app.workflow.GetWorkflow(asked))

    change: dict[str, Any] = {"workflow": {"displayName": "Short", "fixedAmount": "7", "etag": made["etag"]}}
    change |= {"updateMask": "displayName,fixedAmount"}
    key = {"idempotency-key": f"{account}-patch"}
    changed = over_http.patch(f"/v1/{made['name']}", json=change, headers=key)
    assert changed.status_code == 200, changed.text
    shown = changed.json()["workflow"]
    assert (shown["displayName"], shown["fixedAmount"], shown["timeout"]) == ("Short", "7", "900s")
    again = over_http.patch(f"/v1/{made['name']}", json=change, headers=key)
    assert (again.headers["replayed"], again.json()) == ("true", changed.json())
    stale = over_http.patch(f"/v1/{made['name']}", json=change, headers={"idempotency-key": f"{account}-stale"})
    assert (stale.status_code, stale.json()["reason"]) == (409, "WORKFLOW_CHANGED")
    without = over_http.patch(f"/v1/{made['name']}", json=change)
    assert (without.status_code, without.json()["reason"]) == (400, "INVALID_FIELD")

    archived = done(over_http, f"{made['name']}:archive")["workflow"]
    assert archived["archiveTime"] == archived["updateTime"]
    assert got(over_http, path)["workflows"] == []
    assert [one["name"] for one in got(over_http, path, showArchived=True)["workflows"]] == [made["name"]]


def test_usage_is_told(over_http: httpx.Client, boss: httpx.Client, over_grpc: SimpleNamespace, funded: str) -> None:
    done(over_http, f"accounts/{funded}/reservations:deduct", creditType="chat", amount="5")
    asked = pb.GetUsageSummaryRequest(account_id=funded, credit_types=["chat"], granularity="USAGE_GRANULARITY_MONTH")
    path = f"accounts/{funded}/usageSummary"
    answer = got(over_http, path, creditTypes="chat", granularity="USAGE_GRANULARITY_MONTH")
    assert same(answer, over_grpc.app.credit.GetUsageSummary(asked))
    assert answer["usage"][0]["figures"]["used"] == "5"
    assert got(boss, "usageAnalytics", creditTypes="chat")["analytics"][0]["creditType"] == "chat"


def test_accounts_are_looked_at_and_suspended(boss: httpx.Client, over_grpc: SimpleNamespace, funded: str) -> None:
    asked = admin.GetAccountRequest(name=f"accounts/{funded}")
    assert same(got(boss, f"accounts/{funded}"), over_grpc.boss.admin.GetAccount(asked))
    (found,) = got(boss, "accounts", accountIdPrefix=funded)["accountOverviews"]
    assert found["account"]["name"] == f"accounts/{funded}"
    suspended = done(boss, f"accounts/{funded}:setStatus", status="ACCOUNT_STATUS_SUSPENDED", reason="a test")
    assert suspended["account"]["status"] == "ACCOUNT_STATUS_SUSPENDED"


def test_credit_types_are_listed(over_http: httpx.Client, over_grpc: SimpleNamespace) -> None:
    asked = pb.ListCreditTypesRequest(page_size=100)
    assert same(got(over_http, "creditTypes", pageSize=100), over_grpc.app.credit.ListCreditTypes(asked))


def test_a_batch_answers_each_of_its_requests(over_http: httpx.Client, funded: str) -> None:
    requests = [
        {"accountId": funded, "creditType": "chat", "amount": amount, "requestId": f"{funded}-{amount}"}
        for amount in ("60", "50", "40")
    ]
    # Its items have ids of their own: the header is none.
    answer = over_http.post(
        "/v1/reservations:batchReserve", json={"requests": requests}, headers={"idempotency-key": "k"}
    )
    first, second, third = answer.json()["results"]
    assert first["response"]["balance"]["available"] == "40"
    assert second["error"]["details"][0]["reason"] == "INSUFFICIENT_CREDIT"
    name = third["response"]["reservation"]["name"]
    confirm = {"requests": [{"name": name, "requestId": f"{funded}-confirm"}]}
    confirmed = over_http.post("/v1/reservations:batchConfirm", json=confirm).json()
    assert confirmed["results"][0]["response"]["entry"]["kind"] == "ENTRY_KIND_CONFIRM"


def test_a_balance_is_watched_line_by_line(gateway: Gateway, over_http: httpx.Client, funded: str) -> None:
    watcher = gateway.as_caller("watcher", "SERVICE", scope="credits.read")
    with watcher.stream("GET", f"/v1/accounts/{funded}/wallets/chat:watch") as stream:
        lines = stream.iter_lines()
        assert json.loads(next(lines))["balance"]["available"] == "100"
        done(over_http, f"accounts/{funded}/reservations:deduct", creditType="chat", amount="5")
        told = json.loads(next(lines))
    assert (told["balance"]["available"], told["entry"]["kind"]) == ("95", "ENTRY_KIND_DEDUCT")


@pytest.mark.parametrize("amount", ["9007199254740993", "1234567890123456789"])
def test_an_amount_beyond_what_a_double_holds_is_whole(boss: httpx.Client, account: str, amount: str) -> None:
    answer = done(
        boss, f"accounts/{account}:addCredits", amounts=[{"creditType": "chat", "amount": amount}], reason="a test"
    )
    assert answer["balances"][0]["available"] == amount


@pytest.mark.parametrize("account_id", ["team:7", "ann@example.org", "a+b", "a.b_c-d"])
def test_an_account_id_is_any_that_there_may_be(over_http: httpx.Client, boss: httpx.Client, account_id: str) -> None:
    """In per cents in a path, as a single part of it and within a resource's name."""
    escaped = quote(account_id, safe="")
    done(boss, f"accounts/{escaped}:addCredits", amounts=[{"creditType": "chat", "amount": "9"}], reason="a test")
    held = done(over_http, f"accounts/{escaped}/reservations", creditType="chat", amount="1")["reservation"]
    assert held["accountId"] == account_id
    escaped_name = "/".join(quote(part, safe="") for part in held["name"].split("/"))
    assert got(over_http, escaped_name)["reservation"]["name"] == held["name"]
    assert done(over_http, f"{escaped_name}:refund")["reservation"]["state"] == "RESERVATION_STATE_REFUNDED"


def test_the_path_says_whose_it_is_whatever_the_body_says(over_http: httpx.Client, funded: str) -> None:
    """Stated as the path states it, it is no contradiction; as another, it is refused, or the path is right."""
    path = f"accounts/{funded}/reservations"
    assert act(over_http, path, creditType="chat", amount="1", accountId=funded).status_code == 200
    other = act(over_http, path, creditType="chat", amount="1", account_id="somebody-else")
    assert (other.status_code, other.json()["reason"]) == (400, "REQUEST_MALFORMED")
    another = act(over_http, path, creditType="chat", amount="1", accountId="somebody-else")
    assert another.status_code == 400 or another.json()["reservation"]["accountId"] == funded
