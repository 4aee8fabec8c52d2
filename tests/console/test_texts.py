"""The catalogues: each text has its places in every language, and what is put into them stays text."""

import re
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup

from creditd.console import texts
from creditd.console.texts import CATALOGUE, LANGUAGES, Texts, language_for
from tests.console.text_keys import keys_of_code, keys_of_declarations, values_of_code, values_of_templates

TEMPLATES = sorted(Path(texts.__file__).with_name("templates").glob("*.html"))


def places(template: str) -> set[str]:
    """Return what is put into a text."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_language_has_no_text_that_english_has_not_and_the_same_places_in_each(language: str) -> None:
    english = CATALOGUE["en"]
    assert not CATALOGUE[language].keys() - english.keys()
    assert not [key for key, text in CATALOGUE[language].items() if places(text) != places(english[key])]
    assert not [key for key, text in CATALOGUE[language].items() if not text.strip() or "<" in text]
    assert len(CATALOGUE[language]["months"].split("|")) == 12
    assert [places(word) for word in CATALOGUE[language]["ages"].split("|")] == [set(), *[{"count"}] * 3]


def test_every_text_that_pages_name_is_there_in_every_language() -> None:
    named = {*keys_of_declarations(), *keys_of_code()}
    assert len(named) > 300
    for language in LANGUAGES:
        assert not named - CATALOGUE[language].keys(), language


def test_what_is_put_into_a_text_has_its_place_there_and_each_place_is_filled() -> None:
    stated = [*values_of_code(), *values_of_templates()]
    assert len(stated) > 200
    # How many there are is not always said: it chooses the text.
    wrong = [(key, values) for key, values in stated if values - {"count"} != places(CATALOGUE["en"][key]) - {"count"}]
    assert not wrong


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.stem)
def test_a_template_names_only_texts_that_there_are(template: Path) -> None:
    source = template.read_text(encoding="utf-8")
    named = re.findall(r"""\bt(?:\.plain)?\(["']([a-z_.]+)["'](?! ~)""", source)
    assert not [key for key in named if key not in CATALOGUE["en"]]
    # The policy of the pages forbids both, and a browser would say so to nobody.
    assert not re.findall(r"\sstyle=|\son[a-z]+=|<script(?! src)|<style|javascript:", source)


def test_what_is_put_into_a_text_is_escaped_and_isolated() -> None:
    speak = Texts("en")
    shown = speak("search.nothing", query="<script>alert(1)</script>")
    assert shown == 'Nothing belongs to <bdi dir="auto">&lt;script&gt;alert(1)&lt;/script&gt;</bdi>'
    assert speak("search.nothing", query=Markup("<b>x</b>")) == "Nothing belongs to <b>x</b>"
    assert speak.plain("search.nothing", query="{x}") == "Nothing belongs to \u2068{x}\u2069"


def test_one_of_something_has_a_text_of_its_own() -> None:
    speak = Texts("en")
    assert "One dispute" in speak("notice.disputes", count=1)
    assert "disputes are" in speak("notice.disputes", count=2)


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ("th", "he", "th"),
        ("xx", "he-IL,he;q=0.9", "he"),
        ("", "fr;q=1,vi;q=0.5,th;q=0.7", "th"),
        ("", "fr,de", "en"),
        ("", ";;q=x,,", "en"),
        ("", "", "en"),
    ],
)
def test_a_page_is_in_the_language_chosen_else_in_one_that_the_browser_accepts(
    chosen: str, accepted: str, language: str
) -> None:
    assert language_for(chosen, accepted) == language
