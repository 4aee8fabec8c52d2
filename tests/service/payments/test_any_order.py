"""Whatever the order and the repeats in which a provider's webhooks come, they end in the same place."""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.payments.lives import LIVES
from tests.service.payments.rigs import Rig, rig_of
from tests.support.extent import examples
from tests.support.till import Till
from tests.support.works import add_of_each, deduct

OWN = 7
SPENT = 40

EXAMPLES, FEW_EXAMPLES = 150, 15
"""Other ones in every run. Faults that are planted in how orders and repeats are reckoned are found within ten."""

_NUMBERS = count()


def outcome(till: Till, rig: Rig, life: int, order: st.DataObject | None) -> tuple[object, ...]:
    """Live a purchase on an account of its own, deliver its webhooks, spend, and tell where it ends."""
    account = f"{rig.name}-{next(_NUMBERS)}"
    till.desk.do(add_of_each(account, {"chat": OWN}))
    method, live = LIVES[rig.name][life]
    purchase = rig.begin(till, account, method)
    rig.box.letters.clear()
    live(rig.fake, purchase)
    letters = list(rig.box.letters)
    if order is not None:
        repeats = order.draw(st.lists(st.sampled_from(range(len(letters))), max_size=len(letters)), label="repeats")
        places = order.draw(st.permutations([*range(len(letters)), *repeats]), label="order")
        letters = [letters[place] for place in places]
    rig.deliver(till, letters)
    stands = till.purchase(purchase)
    figures, unlimited = till.figures(account), till.is_unlimited(account)
    if figures.available >= SPENT:
        till.desk.do(deduct(account, SPENT))
    money = stands.state, stands.granted, stands.reversed, stands.paid, stands.refunded, stands.disputed
    return money, stands.open_disputes, stands.failure_code, figures, unlimited, till.figures(account)


@pytest.mark.timeout(600)
@examples(EXAMPLES, FEW_EXAMPLES)
@pytest.mark.parametrize("name", sorted(LIVES))
def test_every_order_with_any_repeats_ends_in_the_same_balance_debt_and_plan(
    till: Till, name: str, examples: int
) -> None:
    with rig_of(name) as rig:
        expected = [outcome(till, rig, life, None) for life in range(len(LIVES[name]))]
        assert len(set(expected)) > len(expected) // 2, "the lives differ"

        @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
        @given(life=st.sampled_from(range(len(LIVES[name]))), order=st.data())
        def every_order(life: int, order: st.DataObject) -> None:
            assert outcome(till, rig, life, order) == expected[life]

        every_order()
