"""README.md says what is so."""

import re
from pathlib import Path

import pytest

from creditd.config import SETTINGS, config_from_environment, variable
from creditd.config.settings import Setting
from tests.support.document_blocks import DOCUMENTS
from tests.support.settings_table import default_text, table, written

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_table_of_settings_is_that_of_their_declaration() -> None:
    assert written() == table(), "make generate"


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_default_in_the_table_is_read_as_the_default(setting: Setting) -> None:
    config = config_from_environment({f"CREDITD_{setting.name.upper()}": default_text(setting.default)})
    assert getattr(config, setting.name) == setting.default


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_a_setting_that_is_named_is_there(document: Path) -> None:
    known = {variable(name) for name in SETTINGS} | {f"{variable(name)}_FILE" for name in SETTINGS}
    named = set(re.findall(r"CREDITD_[A-Z][A-Z_]*[A-Z]", document.read_text(encoding="utf-8")))
    assert not {name for name in named - known if not name.startswith("CREDITD_TEST_")}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:\w+/)+\w+\.py)`", README))))
def test_a_file_that_is_named_is_there(name: str) -> None:
    assert (ROOT / "src" / "creditd" / name).is_file()
