"""README.md says what is so."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from creditd.config import Config, config_from_environment

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

ROWS = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.*?) ?\|", README.partition("## Settings")[2], re.MULTILINE)

DEFAULTS = {name: default.strip("`") for names, default in ROWS for name in re.findall(r"\w+", names)}


def test_it_has_every_setting_and_no_other() -> None:
    assert set(DEFAULTS) == {item.name.upper() for item in fields(Config)}


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_a_default_in_the_table_is_the_default(name: str, default: str) -> None:
    config = config_from_environment({f"CREDITD_{name}": default})
    assert getattr(config, name.lower()) == getattr(Config(), name.lower())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:\w+/)+\w+\.py)`", README))))
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert (ROOT / "src" / "creditd" / name).is_file()
