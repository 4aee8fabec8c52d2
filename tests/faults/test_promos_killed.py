"""A promo code that everybody wants is used as often as it may be, whoever is killed meanwhile (F2)."""

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from credit.v1 import promo_code_pb2 as code_pb
from credit.v1 import promo_service_pb2 as pb
from credit.v1.promo_service_pb2_grpc import PromoServiceStub
from creditd.development.postgres import EmbeddedPostgres
from creditd.ledger.ids import uuid7
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.client import ASK_AGAIN, open_channel
from tests.faults.duration import LONG_SECONDS, rounds
from tests.faults.operations import CREDIT_TYPE
from tests.support.patience import eventually
from tests.support.promos import counted, make_due, making, redeeming, terms
from tests.support.refusals import read_refusal

USES = 20
WANTED = 60
"""Accounts that want a code of USES, of each round."""

CALLERS = 24

SETTLED_SECONDS = 60.0


class Redeemers:
    """Callers on all servers of an arena, each of which asks again until it has an answer."""

    def __init__(self, place: Arena, callers: int) -> None:
        """Connect to the servers."""
        self.channels = [open_channel(server.address) for server in place.servers]
        self.pool = ThreadPoolExecutor(callers)

    def redeem(self, account_id: str, code: str) -> str:
        """Redeem a code for an account; return OK or the reason."""
        request, number = redeeming(account_id, code), random.randrange(len(self.channels))
        while True:
            number += 1
            stub = PromoServiceStub(self.channels[number % len(self.channels)])
            try:
                stub.RedeemPromoCode(request, metadata=STAFF, timeout=20)
            except grpc.RpcError as error:
                if error.code() not in ASK_AGAIN:
                    return read_refusal(error).reason
                time.sleep(0.05)
            else:
                return "OK"

    def storm(self, code: str, accounts: Sequence[str]) -> "list[Future[str]]":
        """Have many redeem a code at once."""
        return [self.pool.submit(self.redeem, account_id, code) for account_id in accounts]


@contextmanager
def redeemers(place: Arena, callers: int) -> Iterator[Redeemers]:
    """Keep callers until the block ends."""
    them = Redeemers(place, callers)
    try:
        yield them
    finally:
        them.pool.shutdown()
        for channel in them.channels:
            channel.close()


def new_code(place: Arena, uses: int) -> code_pb.PromoCode:
    """Make a code with so many uses."""
    of = terms(credit_type=CREDIT_TYPE, total_limit=uses, credits=5)
    with open_channel(place.servers[0].address) as channel:
        answer: pb.CreatePromoCodeResponse = PromoServiceStub(channel).CreatePromoCode(making(of=of), metadata=STAFF)
    return answer.promo_code


def settled(place: Arena, code: code_pb.PromoCode) -> dict[str, int]:
    """Return what there is of a code once nothing is left to do."""

    def is_over() -> bool:
        make_due(place.database_url)
        found = counted(place.database_url, code)
        return found["finished"] == found["claims"]

    eventually(is_over, SETTLED_SECONDS)
    return counted(place.database_url, code)


def exactly(uses: int) -> dict[str, int]:
    """Return what there is of a code that is used up."""
    given = {"given": 5 * uses, "claimed": 5 * uses, "granted": 5 * uses}
    return dict.fromkeys(("used", "claims", "finished", "grants", "accounts"), uses) | given


@pytest.mark.requirement("F2")
@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
def test_of_a_thousand_at_once_on_two_servers_a_hundred_have_it(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    with arena(postgres, tmp_path, servers=2) as place, redeemers(place, 1_000) as them:
        code = new_code(place, 100)
        began = time.monotonic()
        answers = them.storm(code.display_code, [f"many-{number}" for number in range(1_000)])
        told = Counter(answer.result() for answer in answers)
        seconds = time.monotonic() - began
        found = settled(place, code)
        print(f"\nfaults: 1,000 redemptions of 100 uses on 2 servers in {seconds:.1f} s: {dict(told)}, {found}")
        assert told == {"OK": 100, "PROMO_EXHAUSTED": 900}
        assert found == exactly(100)
        place.verify_ledger(100)


@pytest.mark.requirement("A7", "F2")
@rounds(20, few=1)
def test_claims_are_grants_whoever_is_killed(postgres: EmbeddedPostgres, tmp_path: Path, rounds: int) -> None:
    # While two of three start again, a round or two goes on.
    servers = min(3, 1 + rounds)
    with arena(postgres, tmp_path, servers=servers) as place, redeemers(place, CALLERS) as them:
        told: Counter[str] = Counter()
        codes = [new_code(place, USES) for _ in range(rounds)]
        for number, code in enumerate(codes):
            victim = place.servers[number % servers]
            victim.await_serving()
            answers = them.storm(code.display_code, [f"kill-{number}-{uuid7()}" for _ in range(WANTED)])
            time.sleep(random.uniform(0, 0.2))
            victim.kill()
            victim.start()
            told.update(answer.result() for answer in answers)
        found = [settled(place, code) for code in codes]
        print(
            f"\nfaults: server SIGKILL x{rounds} in a storm of redemptions: {dict(told)}, "
            f"claims {sum(one['claims'] for one in found)}, grants {sum(one['grants'] for one in found)}"
        )
        assert told == {"OK": USES * rounds, "PROMO_EXHAUSTED": (WANTED - USES) * rounds}
        assert found == [exactly(USES)] * rounds
        place.servers[0].await_serving()
        place.verify_ledger(USES * rounds)
