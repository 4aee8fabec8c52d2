"""README.md says what is so."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from creditd.config import Config, config_from_environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

ROWS = dict(re.findall(r"^\| `(CREDITD_\w+)` \| (?:`(.*?)`)? ?\|", README, re.MULTILINE))


def test_it_has_every_setting_and_no_other() -> None:
    assert list(ROWS) == [f"CREDITD_{item.name.upper()}" for item in fields(Config)]


@pytest.mark.parametrize(("variable", "default"), ROWS.items())
def test_a_default_in_the_table_is_the_default(variable: str, default: str) -> None:
    name = variable.removeprefix("CREDITD_").lower()
    assert getattr(config_from_environment({variable: default}), name) == getattr(Config(), name)


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)(.*?)\)", README))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:\w+/)+\w+\.py)`", README))))
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert (ROOT / "src" / "creditd" / name).is_file()
