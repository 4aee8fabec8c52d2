"""Random stories: what they begin with, and what happens in them."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from creditd.domain.account import AccountStatus
from creditd.domain.grants import Source
from creditd.domain.wallet import MAX_BALANCE, Rules
from tests.domain.story import Opening, Story

Step = tuple[str, dict[str, Any]]

sources = st.sampled_from([*Source, Source.PURCHASED])
amounts = st.integers(1, 8)
additions = st.integers(1, 4) | st.integers(1, 30)
lifetimes = st.none() | st.integers(0, 30)
ttls = st.none() | st.integers(0, 13)
which = st.integers(0, 3)
versions_off = st.sampled_from([*[None] * 6, 0, 0, -1])
"""Which version a caller states: mostly none, the one that the wallet is at, or the one before."""

rules = st.builds(
    Rules,
    order=st.permutations(tuple(Source)).map(tuple),
    default_ttl=st.just(5),
    max_ttl=st.just(12),
    grace=st.sampled_from([0, 1, 4, 30]),
)
openings = st.builds(
    Opening,
    rules=rules,
    unit=st.sampled_from([1, 7, MAX_BALANCE // 90]),
    grants=st.lists(st.tuples(sources, additions, st.none() | st.integers(1, 30)), max_size=6),
    debt=st.integers(0, 20),
)


def step(weight: int, name: str, **arguments: SearchStrategy[Any]) -> list[SearchStrategy[Step]]:
    """Return a step of a story, as often as it is to be among those chosen from."""
    return [st.tuples(st.just(name), st.fixed_dictionaries(arguments)) for _ in range(weight)]


steps: SearchStrategy[Step] = st.one_of(
    *step(6, "reserve", amount=amounts, ttl=ttls, version_off=versions_off),
    *step(3, "deduct", amount=amounts, version_off=versions_off),
    *step(
        6,
        "confirm",
        which=which,
        amount=st.none() | st.integers(1, 16),
        version_off=versions_off,
        allow_excess=st.booleans(),
    ),
    *step(6, "refund", which=which, amount=st.none() | st.integers(1, 4), version_off=versions_off),
    *step(1, "extend", which=which, ttl=st.integers(0, 13)),
    *step(3, "add", amount=additions, source=sources, life=lifetimes),
    *step(1, "remove", amount=amounts),
    *step(2, "claw_back", amount=additions, first=st.lists(st.integers(0, 9), max_size=3)),
    *step(1, "restore", amount=additions),
    *step(1, "write_off", amount=st.none() | st.integers(1, 20)),
    *step(2, "change_status", status=st.sampled_from(AccountStatus), steps=st.integers(1, 4)),
    *step(1, "change_plan", unlimited=st.booleans(), life=st.none() | st.integers(1, 10)),
    *step(2, "wait", duration=st.integers(0, 4), sweeps=st.lists(st.integers(0, 20), max_size=3)),
    *step(1, "wait", duration=st.sampled_from([20, 10**9]), sweeps=st.lists(st.integers(0, 99), max_size=3)),
    *step(2, "wait_for_what_is_due_next", offset=st.integers(-1, 3), sweeps=st.lists(st.integers(0, 20), max_size=3)),
    *step(1, "ask_a_server_whose_clock_is_behind", duration=st.integers(1, 3)),
)
chapters = st.lists(st.lists(steps, max_size=20), min_size=8, max_size=16)
"""Lists of lists are long on average, and yet shrink to next to nothing."""


def tell(opening: Opening, steps: Iterable[Step]) -> Story:
    """Tell a story step by step; it checks itself."""
    story = Story(opening)
    story.check()
    for name, arguments in steps:
        story.step(name, arguments)
    return story
