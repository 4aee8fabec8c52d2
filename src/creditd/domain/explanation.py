"""Why a Reserve is refused, or would be, and what would pay for it.

There is no second logic: the verdict is the decision itself. What else stands in the way is found by deciding again
with the obstacle lifted that was told first.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.account import AccountStatus
from creditd.domain.commands import Reserve
from creditd.domain.decide import decide
from creditd.domain.errors import AccountClosed, AccountSuspended, InsufficientCredit, LimitExceeded, Refusal
from creditd.domain.grants import Source, SpendOrder
from creditd.domain.instant import SECOND, Instant, earliest
from creditd.domain.limits import Limit, binding, in_force, scopes_of
from creditd.domain.wallet import Movement, Rules, Wallet

SOON: Final = 7 * 86_400 * SECOND
"""What lapses within a week is told as lapsing soon: in time for whoever has the credits to spend them."""

MOST_OBSTACLES: Final = 3
"""The account's status, its limits, and its credits."""


class UntoldFact(IntEnum):
    """What the ledger cannot tell of the past. The numbers are those of the proto."""

    GRANTS = 1
    HOLDS = 2
    LAPSES = 3
    DEFAULT_LIMITS = 4
    LIMIT_USAGE = 5
    ACCOUNT = 6


class Verdict(NamedTuple):
    """What becomes of a Reserve: its movement, or the refusals; the first is the one that it is answered with."""

    movement: Movement | None
    refusals: tuple[Refusal, ...]


def explain(wallet: Wallet, command: Reserve, now: Instant, rules: Rules) -> Verdict:
    """Decide a Reserve on a wallet that is settled at ``now``; tell all that stands in its way, not only the first."""
    refusals: list[Refusal] = []
    while len(refusals) < MOST_OBSTACLES:
        try:
            movement = decide(wallet, None, command, now, rules)
        except Refusal as refusal:
            refusals.append(refusal)
        else:
            return Verdict(None if refusals else movement, tuple(refusals))
        lifted = _lifted(refusals[-1], wallet, rules)
        if lifted is None:
            break
        wallet, rules = lifted
    return Verdict(None, tuple(refusals))


def _lifted(refusal: Refusal, wallet: Wallet, rules: Rules) -> tuple[Wallet, Rules] | None:
    """Return wallet and rules without the obstacle that a refusal tells of; None for one behind which nothing is."""
    match refusal:
        case AccountSuspended() | AccountClosed():
            return wallet._replace(account=wallet.account._replace(status=AccountStatus.ACTIVE)), rules
        case LimitExceeded():
            return wallet._replace(account=wallet.account._replace(limits=()), usage=None), rules._replace(limits=())
        case _:
            return None


def shortfall(verdict: Verdict) -> int:
    """Return how many credits more would have to be available."""
    for refusal in verdict.refusals:
        if isinstance(refusal, InsufficientCredit):
            return int(refusal.facts["required"]) - int(refusal.facts["available"])
    return 0


class SourceSummary(NamedTuple):
    """What a wallet has to spend from one source, in how many grants, how much of it lapses soon, and when first."""

    source: Source
    available: int
    grants: int
    lapses_soon: int
    next_lapse_time: Instant | None


def by_source(wallet: Wallet, now: Instant, order: SpendOrder) -> list[SourceSummary]:
    """Return for each source, in spend order, what a wallet that is settled at ``now`` has of it."""
    found = {source: SourceSummary(source, 0, 0, 0, None) for source in order}
    for grant in wallet.grants:
        source, available, grants, soon, first = found[grant.source]
        if grant.expire_time is not None and grant.expire_time <= now + SOON:
            soon += grant.remaining
        found[source] = SourceSummary(
            source, available + grant.remaining, grants + 1, soon, earliest(first, grant.expire_time)
        )
    return list(found.values())


class LimitInForce(NamedTuple):
    """A limit that binds a movement, in which scope, and whether it is one of the defaults."""

    limit: Limit
    scope: str
    is_default: bool


def limits_on(wallet: Wallet, spender_id: str, rules: Rules) -> list[LimitInForce]:
    """Return the limits that bind what is spent of a wallet by a spender, or by nobody in particular."""
    own = wallet.account.limits
    limits = in_force(own, rules.limits, wallet.credit_type)
    found = [(binding(limits, scope), scope) for scope in scopes_of(spender_id)]
    return [LimitInForce(limit, scope, limit not in own) for limit, scope in found if limit.credit_type]
