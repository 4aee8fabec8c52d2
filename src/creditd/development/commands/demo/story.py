"""The story of ann, bob and carol. Every sentence about what happens is checked against what happened."""

import asyncio
from typing import Final

from google.protobuf.duration_pb2 import Duration

from credit.v1.account_pb2 import PLAN_KIND_STANDARD, PLAN_KIND_UNLIMITED
from credit.v1.entry_pb2 import ENTRY_KIND_RELEASE
from creditd.cli.output import CommandFailure
from creditd.development.commands.demo.narrator import CREDIT_TYPE, Narrator, expect, outcome, refusal
from creditd.development.commands.demo.purchases import tell_of_purchases
from creditd.development.commands.demo.runs import tell_of_runs
from creditd.development.fakes.server import Fakes

HOLD_SECONDS: Final = 2

_PAUSE_SECONDS: Final = 0.1
_LOOKS: Final = 50


async def tell(narrator: Narrator, fakes: Fakes) -> None:
    """Tell it. Raises CommandFailure where something does not come about."""
    await _opening(narrator)
    await _top_up(narrator)
    await _reserve_confirm_refund(narrator)
    await _expiry(narrator)
    await _two_clicks(narrator)
    await _unlimited_plan(narrator)
    await tell_of_purchases(narrator, fakes)
    await tell_of_runs(narrator)
    await _ledger(narrator)


async def _opening(narrator: Narrator) -> None:
    narrator.chapter("An account opens by its first use")
    narrator.tell("Nobody has heard of ann yet. GetBalance opens her account, with one free spec credit.")
    await narrator.show_balance("ann", available=1)


async def _top_up(narrator: Narrator) -> None:
    narrator.chapter("Credits come in")
    narrator.tell("AdminService.AddCredits adds 10 credits that ann has bought. The free one stays a free one.")
    await narrator.add("ann", 10)
    await narrator.show_balance("ann", available=11)


async def _reserve_confirm_refund(narrator: Narrator) -> None:
    narrator.chapter("Work is paid for")
    narrator.tell("The work may cost up to 4 credits: Reserve holds them before it begins, the free one first.")
    held = await narrator.spend("Reserve", account_id="ann", credit_type=CREDIT_TYPE, amount=4)
    await narrator.show_balance("ann", available=7)
    narrator.tell("It cost 3. Confirm spends them; the fourth goes back to where it came from, the purchased ones.")
    await narrator.spend("Confirm", name=held.reservation.name, amount=3)
    await narrator.show_balance("ann", available=8)
    narrator.tell("A part of the result was bad: Refund gives 1 back, the one that was taken last.")
    await narrator.spend("Refund", name=held.reservation.name, amount=1, reason="a bad part")
    await narrator.show_balance("ann", available=9)


async def _expiry(narrator: Narrator) -> None:
    narrator.chapter("A reservation expires by itself")
    narrator.tell(f"Reserve 5 for {HOLD_SECONDS} seconds only, and let the caller vanish.")
    ttl = Duration(seconds=HOLD_SECONDS)
    held = await narrator.spend("Reserve", account_id="ann", credit_type=CREDIT_TYPE, amount=5, ttl=ttl)
    await narrator.show_balance("ann", available=4)
    await asyncio.sleep(HOLD_SECONDS + _PAUSE_SECONDS)
    narrator.tell("Its time is over: the credits are back, and a late Confirm is refused.")
    await narrator.show_balance("ann", available=9)
    late = await outcome(narrator.spend("Confirm", name=held.reservation.name))
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
    await narrator.show_balance("bob", available=0)
    narrator.tell(
        f"bob's phone lost the answer and sends {winners[0]} again. The same request id gets the same answer:"
    )
    answer, replayed = await narrator.is_replayed("Reserve", **clicks[winners[0]])
    first = results[winners[0]].reservation.name
    expect(replayed and answer.reservation.name == first, "a repeat is answered with the first answer")
    narrator.tell(f"replayed: true, still reservation ...{first[-12:]}, and nothing was held a second time.")
    await narrator.show_balance("bob", available=0)


async def _unlimited_plan(narrator: Narrator) -> None:
    narrator.chapter("An unlimited plan")
    narrator.tell("carol has bought 20 credits and then subscribes. While the plan is on, work takes nothing from her.")
    await narrator.add("carol", 20)
    await narrator.set_plan("carol", PLAN_KIND_UNLIMITED)
    held = await narrator.spend("Reserve", account_id="carol", credit_type=CREDIT_TYPE, amount=1_000)
    await narrator.spend("Confirm", name=held.reservation.name)
    expect(held.reservation.unlimited and not held.reservation.slices, "an unlimited plan takes no credits")
    narrator.tell("A Reserve and a Confirm of 1,000 are recorded, and her credits are set aside untouched:")
    await narrator.show_balance("carol", available=21)
    narrator.tell("The plan ends, and what she bought is spendable again: Deduct takes 2 in one step.")
    await narrator.set_plan("carol", PLAN_KIND_STANDARD)
    await narrator.spend("Deduct", account_id="carol", credit_type=CREDIT_TYPE, amount=2)
    await narrator.show_balance("carol", available=19)


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
    for _ in range(_LOOKS):
        newest, *_ = await narrator.ledger("ann")
        if newest.kind == ENTRY_KIND_RELEASE:
            return
        await asyncio.sleep(_PAUSE_SECONDS)
    raise CommandFailure("the sweep has not written down what expired")
