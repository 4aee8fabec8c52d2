"""`creditd reconcile` compares a provider by hand, says what it found, and ends with 1 if a person is needed."""

import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from creditd.cli.main import main
from tests.support.market import OMISE, STRIPE, Market, open_market
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("E8")

Reconcile = Callable[..., tuple[int, str, str]]

NAMES: Mapping[int, str] = {STRIPE: "stripe", OMISE: "omise"}


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Open a market for the tests of this file, in which no webhook ever arrives."""
    with open_market(tmp_path_factory.mktemp("market")) as market:
        market.fakes.outgoing.mischief.drop_every = 1
        yield market


@pytest.fixture
def reconcile(
    market: Market, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Reconcile:
    """Return the command, run in this process and in an empty folder: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, role: str = "ADMIN", address: str = market.service.address) -> tuple[int, str, str]:
        token = bearer("tests", [role]).removeprefix("Bearer ")
        code = main(["reconcile", *arguments, "--address", address, "--token", token])
        return code, *capsys.readouterr()

    return run


def paid(market: Market, account: str, provider: int) -> SimpleNamespace:
    """Buy and pay; return the purchase's name and reference."""
    purchase = market.buy(account, provider)
    market.act(getattr(market.fakes, NAMES[provider]).pay, purchase.provider_reference)
    return SimpleNamespace(name=purchase.name, reference=purchase.provider_reference)


def test_a_find_is_a_line_and_the_summary_the_last_one(market: Market, reconcile: Reconcile, account: str) -> None:
    purchase = paid(market, account, OMISE)
    code, out, err = reconcile("--provider", "omise")
    assert (code, err) == (0, "")
    *finds, summary = out.splitlines()
    assert [line.split()[:3] for line in finds if purchase.name in line] == [
        ["applied", purchase.reference, purchase.name]
    ]
    assert summary.endswith("1 applied, 0 for a person")
    assert market.state(purchase.name) == "COMPLETED"
    assert market.balance(account) == (100, 0)
    again = reconcile("--provider", "omise")
    assert (again[0], again[1].splitlines()) == (0, ["1 compared, 0 applied, 0 for a person"])


def test_what_needs_a_person_ends_with_1(market: Market, reconcile: Reconcile, account: str) -> None:
    purchase = market.buy(account, STRIPE)
    market.fakes.stripe.sessions[purchase.provider_reference]["amount_total"] -= 1
    market.act(market.fakes.stripe.pay, purchase.provider_reference)
    code, out, err = reconcile("--provider", "stripe")
    assert (code, err) == (1, "")
    assert "UNRESOLVED" in out
    assert "999.99 THB was charged" in out
    assert market.balance(account) == (0, 0)


@pytest.mark.parametrize("since", ["2099-01-01", "2099-01-01T09:30:00Z", "2099-01-01T09:30:00+07:00"])
def test_it_may_begin_at_a_time(reconcile: Reconcile, since: str) -> None:
    assert reconcile("--provider", "lemonsqueezy", "--since", since) == (
        0,
        "0 compared, 0 applied, 0 for a person\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "--provider"),
        (["--provider", "paypal"], "there is no 'paypal'"),
        (["--provider", "stripe", "--since", "yesterday"], "'yesterday' is no time such as 2026-11-18"),
    ],
)
def test_what_cannot_be_understood_is_misuse(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as misuse:
        main(["reconcile", *arguments])
    assert misuse.value.code == 2
    assert complaint in capsys.readouterr().err


def test_who_may_not_is_told_so(reconcile: Reconcile) -> None:
    code, out, err = reconcile("--provider", "stripe", role="SUPPORT")
    assert (code, out) == (1, "")
    assert err.startswith("PERMISSION_DENIED PERMISSION_DENIED: ")


def test_a_provider_that_is_away_is_told_of(market: Market, reconcile: Reconcile) -> None:
    market.act(market.fakes.apis["lemonsqueezy"].misbehave, "html")
    code, _, err = reconcile("--provider", "lemonsqueezy")
    market.act(market.fakes.apis["lemonsqueezy"].behave)
    assert code == 1
    assert err.startswith("UNAVAILABLE PROVIDER_UNAVAILABLE: ")


def test_where_no_server_answers_it_says_so(reconcile: Reconcile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    code, _, err = reconcile("--provider", "stripe", address=address)
    assert code == 1
    assert f"no server answers at {address}" in err
