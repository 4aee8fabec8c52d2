"""Any commands, in any order, at any times, on any wallet, keep the six invariants; sweeps change nothing."""

from itertools import chain

import pytest
from hypothesis import given, settings

from tests.domain.chapters import Step, chapters, openings, tell
from tests.domain.story import Opening


@settings(settings.get_profile("short"))
@given(opening=openings, chapters=chapters)
def test_no_story_breaks_an_invariant(opening: Opening, chapters: list[list[Step]]) -> None:
    tell(opening, chain.from_iterable(chapters))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@settings(settings.get_profile("long"))
@given(opening=openings, chapters=chapters)
def test_no_story_breaks_an_invariant_in_a_long_search(opening: Opening, chapters: list[list[Step]]) -> None:
    tell(opening, chain.from_iterable(chapters))
