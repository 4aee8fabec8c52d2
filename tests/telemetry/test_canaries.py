"""Canaries: a unique secret in every place that takes one, a life with all that may go wrong, and none of them found.

Two workers and the adapter run as processes at DEBUG, on a PostgreSQL that asks for a password. Afterwards all that
they have said, answered, measured, traced and written is searched, and the arguments of every process of the machine.
"""

import base64
import json
import signal
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx
import psutil
import psycopg
import pytest
from psycopg import sql

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import identity_service_pb2 as identity
from credit.v1 import money_pb2, package_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as payment
from creditd.config import SETTINGS
from creditd.ledger.ids import uuid7
from tests.support.market import LEMON_SQUEEZY, OMISE, PACKAGE, PRICE, STRIPE
from tests.support.patience import eventually, patience
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.tokens import bearer
from tests.telemetry.canaries import Life, canary
from tests.telemetry.surroundings import LISTENING, USERS, Surroundings, is_place, open_surroundings

pytestmark = [pytest.mark.requirement("I4", "I7"), pytest.mark.timeout(300)]

SECONDS: Final = patience(30)

WALLETS: Final = ["chat"]

SIGNATURES: Final = {"stripe": "stripe-signature", "omise": "omise-signature", "lemonsqueezy": "x-signature"}
"""The header of a provider's signature, by the path of its webhooks."""

TABLES: Final = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"


HEARD: Final[dict[str, Callable[[str], str]]] = {
    "as it is": lambda secret: secret,
    "in part": lambda secret: secret[-45:],
    "in base64": lambda secret: base64.b64encode(f"ab{secret}".encode()).decode(),
    "in hex": lambda secret: secret.encode().hex(),
}


@pytest.mark.parametrize("form", ["{}", "Bearer {}!", '{{"token":"{}"}}'])
@pytest.mark.parametrize("said", HEARD)
def test_a_canary_that_sings_is_heard(said: str, form: str) -> None:
    """Or the search of what follows would say nothing."""
    life = Life()
    life.see("a log", form.format(HEARD[said](life.keep("one", canary("one")))))
    life.keep("another", canary("another"))
    assert life.found() == [("one", "a log")]


@pytest.fixture(scope="module")
def surroundings() -> Iterator[Surroundings]:
    """Run two workers and the adapter, with fake providers and a collector around them."""
    with open_surroundings() as around:
        yield around


def call_well_and_badly(around: Surroundings) -> None:
    with around.caller("app", "SERVICE", scope="credits.spend credits.read") as app:
        app.credit("GetBalance", credit.GetBalanceRequest(account_id="ann"))
        reserve = credit.ReserveRequest(account_id="ann", credit_type="spec", amount=1, request_id=uuid7())
        held = app.credit("Reserve", reserve)
        app.credit("Confirm", credit.ConfirmRequest(name=held.reservation.name, request_id=uuid7()))
        app.credit("Reserve", credit.ReserveRequest(account_id="ann", credit_type="spec", amount=9, request_id=uuid7()))
        app.credit("Reserve", credit.ReserveRequest(account_id="ann", credit_type="none", amount=-1))
        page = app.credit("ListTransactions", credit.ListTransactionsRequest(account_id="ann", page_size=1))
        bad = credit.ListTransactionsRequest(
            account_id="ann", page_size=1, page_token=page.next_page_token[:-3] + "abc"
        )
        app.credit("ListTransactions", bad)
        app.admin("VerifyLedger", admin.VerifyLedgerRequest())
    with around.caller("staff", "ADMIN") as staff:
        amounts = [admin.CreditAmount(credit_type="chat", amount=5)]
        add = admin.AddCreditsRequest(account_id="ann", amounts=amounts, reason="a test", request_id=uuid7())
        staff.admin("AddCredits", add)
        staff.admin("VerifyLedger", admin.VerifyLedgerRequest())


def call_with_bad_tokens(around: Surroundings) -> None:
    good = bearer("ann", ["USER"])
    for name, header in {
        "no JWT": f"Bearer {canary('nojwt')}",
        "tampered with": good[:-40] + canary("tampered")[-40:],
        "of another scheme": f"Basic {canary('basic')}",
        "without a scheme": canary("bare"),
        "in two parts": f"Bearer {canary('first')} {canary('second')}",
        "expired": bearer("ann", ["USER"], ttl_seconds=-3_600),
    }.items():
        around.life.keep(f"a token {name}", header[-40:])
        cookie = around.life.keep(f"a cookie beside a token {name}", canary("cookie"))
        with around.stubs((("authorization", header), ("cookie", f"session={cookie}"))) as caller:
            caller.credit("GetBalance", credit.GetBalanceRequest(account_id="ann"))
            caller.payment("ListPurchases", payment.ListPurchasesRequest(account_id="ann"))
            caller.admin("VerifyLedger", admin.VerifyLedgerRequest())


def sign_in(around: Surroundings) -> None:
    """With passwords good and bad, by tokens that are used twice, and with a second factor."""
    life = around.life
    password, wrong = life.keep("a password", canary("password")), life.keep("a guess", canary("guess"))
    with around.stubs(()) as stranger:
        for secret in (password, "short"):
            stranger.identity("Register", identity.RegisterRequest(email="eve@example.org", password=secret))
        for email, secret in (("eve@example.org", wrong), ("nobody@example.org", wrong), ("no email", wrong)):
            stranger.identity("Login", identity.LoginRequest(email=email, password=secret))
        right = identity.LoginRequest(email="eve@example.org", password=password)
        session = stranger.identity("Login", right).tokens
        given = [session]
        for _ in range(3):
            # The first time it is good, the second time it is used up, and takes the session with it.
            again = identity.RefreshRequest(refresh_token=session.refresh_token, request_id=uuid7())
            answer = stranger.identity("Refresh", again)
            given += [answer.tokens] if answer else []
        # That one is over by now, and no good for what needs a session.
        current = stranger.identity("Login", right).tokens
        given.append(current)
    for number, tokens in enumerate(given):
        life.keep(f"access token {number} of a user", tokens.access_token.rpartition(".")[2])
        life.keep(f"refresh token {number} of a user", tokens.refresh_token)
    with around.stubs((("authorization", f"Bearer {current.access_token}"),)) as eve:
        change = identity.ChangePasswordRequest(current_password=wrong, new_password=life.keep("new", canary("new")))
        eve.identity("ChangePassword", change)
        enrol = identity.EnrolTotpRequest(password=password, refresh_token=current.refresh_token)
        enrolled = eve.identity("EnrolTotp", enrol)
        life.keep("a second factor", enrolled.secret)
        confirm = identity.ConfirmTotpRequest(code="000000", refresh_token=current.refresh_token)
        eve.identity("ConfirmTotp", confirm)


def pay(around: Surroundings) -> None:
    """By a provider that works, by one that is away, and by one that answers with nonsense."""
    package = package_pb2.Package(
        package_id=PACKAGE,
        display_name="Small",
        price=money_pb2.Money(amount=PRICE, currency="THB"),
        credit_type="chat",
        credits=90,
    )
    fakes = around.front.fakes
    with around.caller("seller", "ADMIN") as staff, around.caller("bob", "USER") as bob:
        staff.payment_admin("CreatePackage", payment_admin.CreatePackageRequest(package=package, request_id=uuid7()))
        for provider in (STRIPE, OMISE, LEMON_SQUEEZY):
            request = payment.CreatePurchaseRequest(
                account_id="bob",
                package_id=PACKAGE,
                provider=provider,
                return_url="https://shop.example/thanks",
                request_id=uuid7(),
            )
            bought = bob.payment("CreatePurchase", request)
            if provider == STRIPE:
                reference = bought.purchase.provider_reference

                async def act(reference: str = reference) -> None:
                    fakes.stripe.pay(reference)
                    await fakes.outgoing.idle()

                around.front.run(act())

        def balance() -> int:
            answer = bob.credit("GetBalance", credit.GetBalanceRequest(account_id="bob", credit_types=WALLETS))
            return int(answer.account_balance.wallets[0].balance.available)

        assert eventually(balance, SECONDS) == 90
        staff.payment_admin("ListPaymentEvents", payment_admin.ListPaymentEventsRequest(page_size=100))


def send_bad_webhooks(around: Surroundings) -> None:
    forged = around.life.keep("a forged signature", canary("forged"))
    body = json.dumps({"id": "evt_1", "type": "checkout.session.completed"}).encode()
    with httpx.Client(base_url=around.adapter_url, timeout=SECONDS, trust_env=False) as sender:
        for path, name in (
            ("stripe", "stripe-signature"),
            ("omise", "omise-signature"),
            ("lemonsqueezy", "x-signature"),
        ):
            for headers in ({name: f"t=1,v1={forged}"}, {name: forged, "authorization": f"Bearer {forged}"}, {}):
                answer = sender.post(f"/webhooks/{path}", content=body, headers=headers)
                around.life.see("the adapter's answers", (answer.status_code, answer.headers, answer.text))
        for path in (f"/webhooks/{forged}", "/webhooks/stripe?x=1", "/metrics"):
            # What stands in a path is no secret of anybody's that we know; that it is answered is what counts.
            assert sender.get(path).status_code in (404, 405)


def lose_the_database(around: Surroundings) -> None:
    around.postgres.stop()
    call_with_bad_tokens(around)
    with around.caller("late", "SERVICE", scope="credits.spend credits.read") as app:
        app.credit("GetBalance", credit.GetBalanceRequest(account_id="ann"))
        app.credit("Reserve", credit.ReserveRequest(account_id="ann", credit_type="chat", amount=1, request_id=uuid7()))
    send_bad_webhooks(around)
    around.postgres.start()
    eventually(around.is_serving, PATIENCE_SECONDS)


def lose_a_worker(around: Surroundings) -> None:
    around.workers.descendants()[0].send_signal(signal.SIGKILL)
    around.workers.says(LISTENING, times=3)
    eventually(around.is_serving, PATIENCE_SECONDS)


def run_commands(around: Surroundings) -> None:
    """Those that an operator runs beside it, well and badly configured."""
    life, creditd = around.life, around.creditd
    wrong = life.keep("a wrong password", canary("wrong"))
    parts = urlsplit(around.postgres.tcp_url)
    elsewhere = {"CREDITD_LISTEN": free_address(), "CREDITD_METRICS_LISTEN": ""}
    place = f"{parts.hostname}:{parts.port}{parts.path}"
    for arguments, more in (
        (("config", "check"), {}),
        (("config", "check", "--json"), {"CREDITD_WORKERS": "0", "CREDITD_METRICS_TOKEN": wrong[:3]}),
        (("migrate",), {"CREDITD_DATABASE_URL": f"postgresql://postgres:{wrong}@{place}"}),
        (("migrate",), {"CREDITD_DATABASE_URL": f"postgresql//postgres:{wrong}@{place}"}),
        (("serve",), {"CREDITD_DATABASE_URL": f"postgresql://x:{wrong}@{place}?sslmode=none", **elsewhere}),
        (("serve",), {"CREDITD_DATABASE_URL": f"host=127.0.0.1 passwort={wrong}", **elsewhere}),
        (("serve",), {"CREDITD_STRIPE_API_KEY": wrong, **elsewhere}),
        (("call", "GetBalance", '{"account_id": "ann"}'), {"CREDITD_CALL_TOKEN": wrong}),
    ):
        settings = {name: text for name, text in creditd.settings.items() if name.removesuffix("_FILE") not in more}
        done = Creditd(creditd.folder, settings | more)(*arguments)
        assert (done.returncode == 0) == (not more)
        life.see(f"creditd {arguments[0]}", done.stdout + done.stderr)


def look_around(around: Surroundings) -> None:
    """See what anybody could: metrics, tables, logs, and the arguments of every process."""
    life = around.life
    host, _, port = around.creditd.settings["CREDITD_METRICS_LISTEN"].rpartition(":")
    for worker in (0, 1):
        request = urllib.request.Request(f"http://{host}:{int(port) + worker}/metrics")
        request.add_header("Authorization", f"Bearer {life.canaries['metrics_token']}")
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - it is ours.
            life.see("metrics", answer.read().decode())
    for name in ("creditd", USERS):
        look_into(urlunsplit(urlsplit(around.postgres.url)._replace(path=f"/{name}")), life)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            life.see("arguments", process.cmdline())


def look_into(url: str, life: Life) -> None:
    """See every row of a database, and what its sessions say of themselves."""
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            query = sql.SQL("SELECT to_jsonb(t)::text FROM {} t").format(sql.Identifier(table))
            for (row,) in connection.execute(query):
                life.see(f"table {table}", row)
        life.see("sessions", connection.execute("SELECT application_name, query FROM pg_stat_activity").fetchall())


def test_no_secret_is_found_anywhere(surroundings: Surroundings) -> None:
    life = surroundings.life
    for act in (
        call_well_and_badly,
        call_with_bad_tokens,
        sign_in,
        pay,
        send_bad_webhooks,
        lose_a_worker,
        lose_the_database,
        run_commands,
        look_around,
    ):
        act(surroundings)
    assert surroundings.adapter.stop() == 0
    assert surroundings.workers.stop() == 0
    life.see("the log of the workers", surroundings.workers.said)
    life.see("the log of the adapter", surroundings.adapter.said)
    life.see("the log of PostgreSQL", surroundings.postgres.log_file.read_text())
    eventually(lambda: "traces" in life.seen, SECONDS)
    secret = {name for name, setting in SETTINGS.items() if setting.is_secret and not is_place(name)}
    assert secret <= life.canaries.keys()
    assert {
        "answers",
        "metrics",
        "table entries",
        "table users",
        "arguments",
        "the adapter's answers",
    } <= life.seen.keys()
    assert '"level":"DEBUG"' in life.seen["the log of the workers"]
    assert life.found() == []
