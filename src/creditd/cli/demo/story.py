"""The story of ann, bob and carol. Every sentence about what happens is checked against what happened."""

import asyncio
from typing import Final

from google.protobuf.duration_pb2 import Duration

from credit.v1.account_pb2 import PLAN_KIND_STANDARD, PLAN_KIND_UNLIMITED
from credit.v1.admin_service_pb2 import CreditAmount
from credit.v1.source_pb2 import SOURCE_PURCHASED
from creditd.cli.demo.narrator import CREDIT_TYPE, Narrator, expect, outcome, refusal

HOLD_SECONDS: Final = 2
SWEPT_SECONDS: Final = 5.0
"""Long enough for several sweeps, one of which writes down what has expired."""

_PAUSE_SECONDS: Final = 0.1


async def tell(narrator: Narrator) -> None:
    """Tell it. Raises Failure where something does not come about."""
    await _opening(narrator)
    await _top_up(narrator)
    await _reserve_confirm_refund(narrator)
    await _expiry(narrator)
    await _two_clicks(narrator)
    await _unlimited_plan(narrator)
    await _ledger(narrator)


async def _opening(narrator: Narrator) -> None:
    narrator.chapter("An account opens by its first use")
    narrator.tell("Nobody has heard of ann yet. GetBalance opens her account, with one free spec credit.")
    balance = await narrator.show_balance("ann")
    expect(balance.available == 1, "a new account has one credit")


async def _top_up(narrator: Narrator) -> None:
    narrator.chapter("Credits come in")
    narrator.tell("AdminService.AddCredits adds 10 credits that ann has bought. The free one stays a free one.")
    await _add(narrator, "ann", 10)
    balance = await narrator.show_balance("ann")
    expect(balance.available == 11, "ten credits came in")


async def _reserve_confirm_refund(narrator: Narrator) -> None:
    narrator.chapter("Work is paid for")
    narrator.tell("The work may cost up to 4 credits: Reserve holds them before it begins, the free one first.")
    held = await narrator.spend("Reserve", account_id="ann", credit_type=CREDIT_TYPE, amount=4)
    await narrator.show_balance("ann")
    narrator.tell("It cost 3. Confirm spends them; the fourth goes back to where it came from, the purchased ones.")
    await narrator.spend("Confirm", reservation=held.reservation.name, amount=3)
    balance = await narrator.show_balance("ann")
    expect(balance.available == 8 and not balance.reserved, "three credits were spent")  # noqa: PLR2004 - as told.
    narrator.tell("A part of the result was bad: Refund gives 1 back, the one that was taken last.")
    await narrator.spend("Refund", reservation=held.reservation.name, amount=1, reason="a bad part")
    balance = await narrator.show_balance("ann")
    expect(balance.available == 9, "one credit came back")  # noqa: PLR2004 - as told.


async def _expiry(narrator: Narrator) -> None:
    narrator.chapter("A reservation expires by itself")
    narrator.tell(f"Reserve 5 for {HOLD_SECONDS} seconds only, and let the caller vanish.")
    ttl = Duration(seconds=HOLD_SECONDS)
    held = await narrator.spend("Reserve", account_id="ann", credit_type=CREDIT_TYPE, amount=5, ttl=ttl)
    before = await narrator.show_balance("ann")
    await asyncio.sleep(HOLD_SECONDS + _PAUSE_SECONDS)
    narrator.tell("Its time is over: the credits are back, and a late Confirm is refused.")
    after = await narrator.show_balance("ann")
    expect(after.available == before.available + 5, "an expired reservation gives its credits back")
    late = await outcome(narrator.spend("Confirm", reservation=held.reservation.name))
    narrator.show_refusal(refusal(late, "RESERVATION_EXPIRED"))


async def _two_clicks(narrator: Narrator) -> None:
    narrator.chapter("Two clicks at once with one credit")
    narrator.tell("bob is new and has one free credit. Two of his clicks arrive at the same moment.")
    work = {"account_id": "bob", "credit_type": CREDIT_TYPE, "amount": 1}
    clicks = {"click-1": {**work, "request_id": "click-1"}, "click-2": {**work, "request_id": "click-2"}}
    calls = [narrator.spend("Reserve", **click) for click in clicks.values()]
    results = dict(zip(clicks, await asyncio.gather(*map(outcome, calls)), strict=True))
    winners = [name for name, result in results.items() if not isinstance(result, Exception)]
    expect(len(winners) == 1, f"one of two clicks succeeds, not {len(winners)}")
    (lost,) = (result for result in results.values() if isinstance(result, Exception))
    narrator.tell(f"Exactly one succeeded: {winners[0]}. The other one:")
    narrator.show_refusal(refusal(lost, "INSUFFICIENT_CREDIT"))
    await narrator.show_balance("bob")
    narrator.tell(f"bob's phone lost the answer and sends {winners[0]} again. The same request id gets the same answer:")
    answer, replayed = await narrator.is_replayed("Reserve", **clicks[winners[0]])
    first = results[winners[0]].reservation.name
    expect(replayed and answer.reservation.name == first, "a repeat is answered with the first answer")
    narrator.tell(f"replayed: true, still reservation ...{first[-12:]}, and nothing was held a second time.")
    await narrator.show_balance("bob")


async def _unlimited_plan(narrator: Narrator) -> None:
    narrator.chapter("An unlimited plan")
    narrator.tell("carol has bought 20 credits and then subscribes. While the plan is on, work takes nothing from her.")
    await _add(narrator, "carol", 20)
    await narrator.set_plan("carol", PLAN_KIND_UNLIMITED)
    held = await narrator.spend("Reserve", account_id="carol", credit_type=CREDIT_TYPE, amount=1_000)
    await narrator.spend("Confirm", reservation=held.reservation.name)
    expect(held.reservation.unlimited and not held.reservation.slices, "an unlimited plan takes no credits")
    narrator.tell("A Reserve and a Confirm of 1,000 are recorded, and her credits are set aside untouched:")
    await narrator.show_balance("carol")
    narrator.tell("The plan ends, and what she bought is spendable again: Deduct takes 2 in one step.")
    await narrator.set_plan("carol", PLAN_KIND_STANDARD)
    await narrator.spend("Deduct", account_id="carol", credit_type=CREDIT_TYPE, amount=2)
    balance = await narrator.show_balance("carol")
    expect(balance.available == 19, "bought credits outlive a plan")  # noqa: PLR2004 - 20, 1 free, 2 spent.


async def _ledger(narrator: Narrator) -> None:
    narrator.chapter("The ledger")
    await _until_swept(narrator)
    narrator.tell("Every movement of ann's credits is one row, and no row is ever changed:")
    await narrator.show_ledger("ann")
    narrator.tell("VerifyLedger adds all of it up again, for every account, and compares it with the balances:")
    summary = await narrator.verification()
    narrator.tell(f"{summary.wallets} wallets, {summary.entries} entries, {summary.differences} differences.")
    expect(not summary.differences, "the ledger adds up")


async def _until_swept(narrator: Narrator) -> None:
    """Let the sweep write down what has expired; balances did not wait for it."""
    async with asyncio.timeout(SWEPT_SECONDS):
        while (await narrator.spend("GetBalance", account_id="ann")).account_balance.balances[-1].version < 7:  # noqa: PLR2004, ASYNC110, E501
            await asyncio.sleep(_PAUSE_SECONDS)


async def _add(narrator: Narrator, account_id: str, amount: int) -> None:
    amounts = [CreditAmount(credit_type=CREDIT_TYPE, amount=amount)]
    await narrator.administer(
        "AddCredits", account_id=account_id, amounts=amounts, source=SOURCE_PURCHASED, reason="a purchase"
    )
