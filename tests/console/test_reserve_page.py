"""The page that says what a Reserve would be answered: by the service, in words, and without holding anything."""

import pytest

from tests.support.console import Browser


@pytest.mark.requirement("D6", "D7")
def test_a_page_says_why_a_reserve_would_be_refused_and_what_would_pay_for_it(signed_in: Browser, account: str) -> None:
    path = f"/accounts/{account}/reserve"
    assert f'href="{path}"' in signed_in.get(f"/accounts/{account}").text
    signed_in.get(f"{path}?credit_type=chat&amount=2,000")
    assert ("It would be refused" in signed_in.text, "Missing 500 chat" in signed_in.text) == (True, True)
    signed_in.get(f"{path}?credit_type=chat&amount=1,000&spender=bot")
    assert ("It would be taken" in signed_in.text, "Of which grants" in signed_in.text) == (True, True)
    signed_in.get(f"/accounts/{account}")
    assert "Nothing is held" in signed_in.text


@pytest.mark.parametrize(
    "query", ["credit_type=chat&amount=x", "credit_type=&amount=5", "credit_type=chat&amount=5&at=%3Cscript%3E"]
)
def test_what_cannot_be_asked_is_said_at_its_field(signed_in: Browser, account: str, query: str) -> None:
    signed_in.get(f"/accounts/{account}/reserve?{query}")
    assert signed_in.page.status_code == 200
    assert 'aria-invalid="true"' in signed_in.page.text
    assert "<script>" not in signed_in.page.text


def test_an_instant_in_the_future_is_refused_in_the_words_of_the_service(signed_in: Browser, account: str) -> None:
    signed_in.get(f"/accounts/{account}/reserve?credit_type=chat&amount=5&at=2999-01-01T00:00:00")
    assert signed_in.page.status_code == 400
    assert 'id="at" name="at" type="datetime-local" step="1" value="2999-01-01T00:00:00" aria-invalid' in (
        signed_in.page.text
    )
    assert "Correlation id" in signed_in.text


def test_a_refusal_names_amounts_as_people_write_them_and_once(signed_in: Browser, account: str) -> None:
    """Whether it was asked for or stands in the way of an act."""
    signed_in.get(f"/accounts/{account}/reserve?credit_type=THB&amount=99999.01")
    removing = f"/accounts/{account}/credits/remove"
    pages = [signed_in.text]
    signed_in.get(removing)
    signed_in.send(removing, **{"amount.THB": "99999.01", "reason": "x"})
    for text in (*pages, signed_in.text):
        assert text.count("Needed: 99,999.01. Available: ") == 1
        assert "9999901" not in text
