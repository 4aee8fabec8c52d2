"""errors.proto says of each reason what the server does, and docs/errors.md says the same."""

from string import Formatter

import pytest

from creditd.server import reasons
from creditd.server.texts import CATALOGUE
from tests.support.error_reasons import documented, table, written

pytestmark = pytest.mark.requirement("H2")

DOCUMENTED = documented()


def test_the_page_of_errors_is_that_of_the_proto() -> None:
    assert written() == table(), "make generate"


def test_each_reason_is_documented() -> None:
    assert DOCUMENTED.keys() == reasons.CODES.keys()


@pytest.mark.parametrize("reason", DOCUMENTED)
def test_its_code_and_whether_a_retry_helps_are_those_of_the_server(reason: str) -> None:
    one = DOCUMENTED[reason]
    assert one.code == reasons.CODES[reason][0].name
    assert one.retry == (reason in {*reasons.RETRY_MILLISECONDS, *reasons.RETRY_AT_ITS_TIME})


@pytest.mark.parametrize("reason", DOCUMENTED)
def test_what_its_texts_tell_is_in_its_metadata(reason: str) -> None:
    """The facts that a refusal really comes with are compared where refusals are provoked."""
    for text in (reasons.CODES[reason][1], *(texts[reason] for texts in CATALOGUE.values())):
        told = {name for _, name, _, _ in Formatter().parse(text)} - {None}
        assert told <= DOCUMENTED[reason].metadata.keys() | {"correlation_id"}, text
