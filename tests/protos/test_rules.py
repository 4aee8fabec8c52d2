"""The rules of fields: what is called alike is held to the same rule in every request (docs/decisions/0035)."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from creditd.config import rules
from creditd.domain.payments import purchase
from creditd.payments import documents

pytestmark = pytest.mark.requirement("H4")

ROOT: Final = Path(__file__).parents[2]
BUF: Final = Path(sys.executable).with_name("buf")

Field = tuple[str, dict[str, Any]]
"""The full name of a field and its rules as JSON."""

ALIKE: Final = (
    "account_id",
    "expected_version",
    "metadata",
    "page_size",
    "page_token",
    "request_id",
    "validate_only",
)
"""Fields that stand in several requests and mean the same in each."""


@pytest.fixture(scope="module")
def fields() -> list[Field]:
    """Return every field of every request, with its rules."""
    command = [str(BUF), "build", "protos", "--as-file-descriptor-set", "--output", "-#format=json"]
    described = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    files = (file for file in described["file"] if file["name"].startswith("credit/v1/"))
    return [field for file in files for message in file.get("messageType", ()) for field in _fields_of(message)]


def _fields_of(message: dict[str, Any]) -> Iterator[Field]:
    for field in message.get("field", ()):
        yield f"{message['name']}.{field['name']}", field.get("options", {}).get("[buf.validate.field]", {})


@pytest.mark.parametrize("name", ALIKE)
def test_a_field_has_the_same_rule_in_each_request(fields: list[Field], name: str) -> None:
    """Only whether it may be left out differs."""
    stated = {full_name: rule for full_name, rule in fields if full_name.endswith(f"Request.{name}")}
    assert len(stated) > 1
    kinds = {
        json.dumps({key: rule[key] for key in rule if key != "ignore"}, sort_keys=True) for rule in stated.values()
    }
    assert len(kinds) == 1, stated


def test_a_name_is_made_of_ids_as_they_are_alone(fields: list[Field]) -> None:
    patterns = {
        full_name: rule["string"]["pattern"] for full_name, rule in fields if "pattern" in rule.get("string", {})
    }
    account = _inner(patterns["ReserveRequest.account_id"])
    credit_type = _inner(patterns["ReserveRequest.credit_type"])
    package = _inner(patterns["CreatePurchaseRequest.package_id"])
    parts = {"accounts": account, "wallets": credit_type, "creditTypes": credit_type, "packages": package}
    names = {name: pattern for name, pattern in patterns.items() if "/" in pattern and "://" not in pattern}
    assert len(names) > 10
    for name, pattern in names.items():
        words = _inner(pattern).split("/")
        for collection, part in zip(words[::2], words[1::2], strict=True):
            assert parts.setdefault(collection, part) == part, name


def test_the_code_reads_ids_by_the_same_patterns(fields: list[Field]) -> None:
    patterns = {
        full_name: rule["string"]["pattern"] for full_name, rule in fields if "pattern" in rule.get("string", {})
    }
    account = _inner(patterns["ReserveRequest.account_id"])
    assert documents.ACCOUNT_ID.pattern == account
    assert rules.CREDIT_TYPE.pattern == _inner(patterns["ReserveRequest.credit_type"])
    assert purchase.PURCHASE_NAME.pattern.startswith(f"accounts/({account})/")


def _patterns(fields: list[Field]) -> dict[str, str]:
    return {full_name: rule["string"]["pattern"] for full_name, rule in fields if "pattern" in rule.get("string", {})}


def _inner(pattern: str) -> str:
    found = re.fullmatch(r"\^(.*)\$", pattern)
    assert found, pattern
    return found[1]
