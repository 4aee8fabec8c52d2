"""A caller reads errors in the language that they prefer, or in English."""

import pytest

from creditd.server.texts import CATALOGUE, LANGUAGES, MAX_HEADER_CHARACTERS, language_of, message_of

# The block of letters that each language is written in; Vietnamese is known by its marks.
LETTERS = {
    "vi": "ạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳýỹ",
    "th": "กขคงจชดตทนบปมยรลวสหอ",
    "he": "אבגדהוזחטיכלמנסעפצקרשת",
}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("th", "th"),
        ("th-TH", "th"),
        ("TH-th", "th"),
        ("vi-VN,vi;q=0.9,en-US;q=0.8,en;q=0.7", "vi"),
        ("iw", "he"),
        ("iw-IL, en;q=0.5", "he"),
        ("he_IL", "en"),
        ("en;q=0.4, he;q=0.6", "he"),
        ("fr, de;q=0.9, th;q=0.1", "th"),
        ("fr-CA, de", "en"),
        ("th;q=0, vi;q=0.1", "vi"),
        ("th;q=0", "en"),
        ("*", "en"),
        ("th;q=0.3, *;q=0.5", "en"),
        ("th, *;q=0.5", "th"),
        ("en;q=0, *", "vi"),
        ("vi, th", "vi"),
        ("th, vi", "th"),
        (" he ; q = 0.8 , th ; Q=0.9 ", "th"),
        ("th;q=nonsense, vi;q=0.2", "vi"),
        ("th;q=nan, vi;q=0.2", "vi"),
        ("th;q=7, vi;q=0.2", "vi"),
        ("th;level=1", "en"),
        (",;,=;q=,,", "en"),
        ("en-GB;q=0.9, th;q=0.5, en;q=0.1", "en"),
        ("\x00\ud800;q=1", "en"),
    ],
)
def test_language_of(header: str, language: str) -> None:
    assert language_of(header) == language


def test_a_header_that_is_no_list_of_languages_is_not_read() -> None:
    assert language_of("th" + "," * MAX_HEADER_CHARACTERS) == "en"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_texts_are_in_their_own_letters(language: str) -> None:
    for reason, text in CATALOGUE[language].items():
        assert set(text) & set(LETTERS[language]), reason
        assert text != CATALOGUE["en"][reason]


def test_all_languages_have_the_same_reasons() -> None:
    assert {tuple(texts) for texts in CATALOGUE.values()} == {tuple(CATALOGUE["en"])}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The amount is more than can be refunded. Requested: 9. Refundable: 4."),
        ("vi", "Số lượng vượt quá mức có thể hoàn lại. Yêu cầu: 9. Có thể hoàn lại: 4."),
        ("th", "จำนวนที่ขอมากกว่าเครดิตที่คืนได้ (ขอ: 9, คืนได้: 4)"),
        ("he", "הכמות גדולה מזו שניתן להחזיר. התבקשו: 9. ניתנים להחזרה: 4."),
    ],
)
def test_figures_are_filled_in(language: str, text: str) -> None:
    assert message_of("AMOUNT_EXCEEDS_CONFIRMED", language, {"requested": 9, "refundable": 4}) == text


def test_an_id_in_a_hebrew_text_is_kept_from_being_turned_round() -> None:
    assert message_of("INTERNAL", "he", {"incident_id": "0199-ab"}).endswith("\u20680199-ab\u2069")
