"""What the database grows by for each operation: bytes by table, and what bounds each table.

    .venv/bin/python -m tests.bench.growth --accounts 100 --rounds 10

It makes real calls to a real server with payment providers beside it: each kind of operation so many times for each of
so many accounts, a round every quarter of an hour by the server's clock. After each round all is sealed and added up,
so that seals and usage have as many rows as they ever do. Then each table is vacuumed and measured. Bytes an operation
are megabytes a million. A table that grew by less than a page in all is left out.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import psycopg

from credit.v1.limits_pb2 import Limit
from creditd.ledger.ids import uuid7
from creditd.service.controls.sealer import Sealer
from creditd.service.usage.usage_rollup import UsageRoller
from tests.support.customer import Customer
from tests.support.market import SECONDS, STRIPE, Market, open_market
from tests.support.patience import eventually
from tests.support.person import Person
from tests.support.postgres import as_administrator, session_cluster
from tests.support.promos import make_code, redeeming, terms

QUARTER_SECONDS: Final = 15 * 60 + 1
"""Between rounds: each finds the quarter of an hour of usage before over, and may be sealed on its own."""

MINUTE_SECONDS: Final = 61

PAGE_BYTES: Final = 8_192

CREDITS: Final = 1_000_000
"""Of each account, so that none runs out."""

LABELS: Final = {"model": "large", "conversation": "0197a2c4-71f4-7c33-9d0e-3a2f5b6c7d8e"}
"""Of each hold: what usage is told by, and what an application finds it by."""

ALWAYS: Final = "nothing: it is kept for good"

BOUNDS: Final = {
    "accounts": "the number of accounts",
    "account_movements": "the number of accounts",
    "account_labels": "20 values of an account",
    "support_gifts": "accounts times credit types",
    "wallets": "accounts times credit types",
    "users": "the number of users",
    "packages": "the catalogue",
    "credit_types": "the catalogue",
    "spending_counts": "the spenders of two days: older rows are deleted",
    "event_endpoints": "50 endpoints",
    "event_deliveries": "what is still to be delivered, of a day, and dead letters as long as events are kept",
    "event_delivery_attempts": "a week: older rows are deleted",
    "payment_dues": "what is still to be looked at: a row goes when it is done",
    "payment_hints": "what is still to be looked at: a row goes when it is done",
    "outbox_events": "what is still to be published: a row goes when it is",
    "published_events": "CREDITD_EVENT_RETENTION_DAYS: older rows are deleted",
    "event_publishing": "one row",
    "expiry_notices": "one row",
    "promo_claims": "the limit of each code",
    "first_purchase_promos": "the number of accounts",
    "velocity_states": "accounts times rules",
    "sessions": "those that live: a row is deleted once its time is over",
    "security_events": "400 days: older rows are deleted",
    "token_keys": "keys in use: old ones are deleted",
    "held_roles": "roles that are held",
    "entry_archives": "a row for each file of the archive",
    "entry_seals": "one for each wallet and five minutes in which it moved",
    "audit_seals": "a row in five seconds at most",
    "usage_positions": "wallets times editions, two at most",
    "usage_leaders": "600 in each day, week and month of a credit type",
    "usage_floors": "days, weeks and months of a credit type",
    "usage_totals": "credit types times quarters of an hour",
    "usage_ranks": "who spent in a day, a week and a month",
    "usage_sums": "quarters of an hour in which an account moved",
    "usage_parts": "quarters of an hour in which an account spent, by spender and label",
}
"""What bounds a table; what is not here grows with what is done."""

_TABLES: Final = """
SELECT relname, pg_relation_size(oid) + pg_relation_size(oid, 'fsm') + pg_relation_size(oid, 'vm'),
       pg_indexes_size(oid), coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0)
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


class Size(NamedTuple):
    """Bytes of a table: its rows, its indexes, and what is kept outside the rows because it is long."""

    heap: int
    indexes: int
    toast: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)

    def since(self, before: "Size") -> "Size":
        """Return what was added."""
        return Size(*(now - then for now, then in zip(self, before, strict=True)))


Sizes = dict[str, Size]

NOTHING: Final = Size(0, 0, 0)


def sizes(urls: Sequence[str]) -> Sizes:
    """Vacuum some databases, as autovacuum would, and return how large their tables are."""
    found: Sizes = {}
    for url in urls:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM")
            found |= {name: Size(*map(int, row)) for name, *row in connection.execute(_TABLES).fetchall()}
    return found


def grown(before: Sizes, after: Sizes) -> Sizes:
    """Return by table what was added, the most first, without those that grew by less than a page."""
    added = {name: size.since(before.get(name, NOTHING)) for name, size in after.items()}
    return dict(sorted(((n, s) for n, s in added.items() if s.total >= PAGE_BYTES), key=lambda pair: -pair[1].total))


class Ground:
    """The server, and the accounts that everything is done for."""

    def __init__(self, market: Market, accounts: int) -> None:
        """Open the accounts."""
        service = market.service
        app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
        self.market = market
        self.service = service
        self.customers = [Customer(service, app, market.staff, f"user-{number:08}") for number in range(accounts)]
        config, core = service.config, service.core
        self.urls = [as_administrator(url) for url in (config.database_url, config.identity_database_url)]
        self._sealer = Sealer(core.database, core.clock, None)  # type: ignore[arg-type]
        self._roller = UsageRoller(core.database, core.clock, None, "model")  # type: ignore[arg-type]

    def rest(self) -> None:
        """Let a quarter of an hour pass, and do what is done in the background meanwhile."""
        self.service.clock.advance(QUARTER_SECONDS)
        while self._sealer.seal_once(rests=False):
            pass
        while self._roller.roll_up_once():
            pass


def hold(customer: Customer) -> str:
    """Reserve, as an application does."""
    return customer.reserve(10, spender_id="team-1", metadata=LABELS).reservation.name


def hold_and_confirm(customer: Customer) -> None:
    """Spend what was held."""
    customer.confirm(hold(customer))


def hold_and_give_back(customer: Customer) -> None:
    """Give back what was held."""
    customer.refund(hold(customer))


def refund(customer: Customer) -> None:
    """Give back what was spent."""
    held = hold(customer)
    customer.confirm(held)
    customer.refund(held)


def deduct(customer: Customer) -> None:
    """Spend in one step."""
    customer.deduct(10, spender_id="team-1", metadata=LABELS)


def add_by_staff(customer: Customer) -> None:
    """Give credits."""
    customer.top_up(100)


def remove_by_staff(customer: Customer) -> None:
    """Take credits away."""
    customer.remove(10)


def set_limits(customer: Customer) -> None:
    """Change an account: a change of its limits, like one of its plan or status, is a row of its history."""
    customer.limit(Limit(credit_type="chat", most_per_day=10**12))


def buy(market: Market) -> Callable[[Customer], None]:
    """Return what buys the small package and pays for it."""

    def act(customer: Customer) -> None:
        purchase = market.buy(customer.account_id, STRIPE)
        market.act(market.fakes.stripe.pay, purchase.provider_reference)
        eventually(lambda: market.state(purchase.name) == "COMPLETED", SECONDS)

    return act


def redeem(market: Market) -> Callable[[Customer], None]:
    """Return what makes a code and redeems it."""

    def act(customer: Customer) -> None:
        code = make_code(market.staff, terms(total_limit=1))
        request = redeeming(customer.account_id, code.display_code, request_id=uuid7())
        market.service.as_caller(customer.account_id, "USER").promo.RedeemPromoCode(request)

    return act


def register(market: Market) -> Callable[[Customer], None]:
    """Return what makes a user, a minute after the one before: so many are let in from one address."""

    def act(_: Customer) -> None:
        market.service.clock.advance(MINUTE_SECONDS)
        Person(market.service, f"{uuid7()}@example.com").register()

    return act


def sign_in(market: Market) -> Callable[[Customer], object]:
    """Return what signs a user in, who is there."""
    person = Person(market.service, "ann@example.com")
    person.register()
    return lambda _: person.log_in()


class Kind(NamedTuple):
    """An operation, and how many accounts and rounds of what was asked for it is made with: some take long."""

    name: str
    act: Callable[[Customer], object]
    share: float = 1.0


def kinds(market: Market) -> list[Kind]:
    """Return what is measured."""
    return [
        Kind("Reserve, Confirm", hold_and_confirm),
        Kind("Reserve, Refund", hold_and_give_back),
        Kind("Reserve, Confirm, Refund", refund),
        Kind("Deduct", deduct),
        Kind("AddCredits by staff", add_by_staff),
        Kind("RemoveCredits by staff", remove_by_staff),
        Kind("SetLimits (or status, or plan)", set_limits),
        Kind("a purchase, paid (Stripe)", buy(market), 0.3),
        Kind("CreatePromoCode, RedeemPromoCode", redeem(market), 0.5),
        Kind("Register", register(market), 0.3),
        Kind("Login", sign_in(market), 0.3),
    ]


class Growth(NamedTuple):
    """What a number of operations of a kind have added, by table."""

    kind: str
    operations: int
    added: Sizes

    def rows(self) -> Iterator[str]:
        """Give the lines of a table in Markdown: megabytes a million, which are bytes an operation."""
        total = sum(size.total for size in self.added.values()) / self.operations
        yield f"| **{self.kind}** | **{total:,.0f}** | | | |"
        for table, size in self.added.items():
            parts = " | ".join(f"{part / self.operations:,.0f}" for part in size)
            yield f"| `{table}` | {size.total / self.operations:,.0f} | {parts} |"


def measure(ground: Ground, kind: Kind, rounds: int) -> Growth:
    """Do it so many times, and return what it added."""
    customers = ground.customers[: max(1, round(kind.share * len(ground.customers)))]
    for customer in customers:
        kind.act(customer)
    ground.rest()
    before = sizes(ground.urls)
    for _ in range(rounds):
        for customer in customers:
            kind.act(customer)
        ground.rest()
    return Growth(kind.name, rounds * len(customers), grown(before, sizes(ground.urls)))


def main(argv: Sequence[str]) -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("--accounts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=20, help="operations of each kind and account")
    parser.add_argument("--only", default="", metavar="WORD", help="the kinds whose names have it")
    arguments = parser.parse_args(argv)
    seen: set[str] = set()
    with (
        TemporaryDirectory() as folder,
        session_cluster(Path(folder)),
        open_market(Path(folder), signs_in=True, usage_label="model") as market,
    ):
        ground = Ground(market, arguments.accounts)
        for fake in (market.fakes.stripe, market.fakes.omise, market.fakes.lemonsqueezy):
            fake.clock = lambda: market.service.clock.now() / 1_000_000
        for customer in ground.customers:
            customer.top_up(CREDITS)
        print("| operation, table | MB a million | rows | indexes | long texts |\n| --- | --- | --- | --- | --- |")
        for kind in kinds(market):
            if arguments.only in kind.name:
                growth = measure(ground, kind, arguments.rounds)
                seen |= growth.added.keys()
                print("\n".join(growth.rows()), flush=True)
    print("\n| table | what bounds it |\n| --- | --- |")
    for table in sorted(seen):
        print(f"| `{table}` | {BOUNDS.get(table, ALWAYS)} |")


if __name__ == "__main__":
    main(sys.argv[1:])
