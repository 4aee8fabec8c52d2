"""A file of outside issuers that cannot be used is told of with all other faults, before anything starts."""

import json
from pathlib import Path
from typing import Any

import pytest

from creditd.config import Config
from creditd.config.fit import faults_of

SHOP = {
    "issuer": "https://shop.example",
    "audience": "credit",
    "jwks_url": "https://shop.example/keys",
    "subject_prefix": "shop:",
}
IDENTITY = {
    "database_url": "postgresql://127.0.0.1/credit",
    "identity_database_url": "postgresql://127.0.0.1/identity",
    "identity_key_encryption_key": "of the tests, and of nothing else",
    "identity_issuer": "https://shop.example",
}


@pytest.mark.requirement("G4")
@pytest.mark.parametrize(
    ("content", "settings", "told"),
    [
        ([SHOP], {}, ""),
        ([SHOP | {"audience": ""}], {}, "CREDITD_ISSUERS_FILE: "),
        ([SHOP], {"jwt_issuer": "https://shop.example"}, "CREDITD_JWT_ISSUER is an issuer in CREDITD_ISSUERS_FILE too"),
        ([SHOP], IDENTITY, "CREDITD_IDENTITY_ISSUER is an issuer in CREDITD_ISSUERS_FILE too"),
    ],
)
def test_what_is_wrong_with_it_is_a_fault(tmp_path: Path, content: Any, settings: dict[str, str], told: str) -> None:
    file = tmp_path / "issuers.json"
    file.write_text(json.dumps(content))
    faults = list(faults_of(Config(issuers_file=str(file), **settings)))  # type: ignore[arg-type]
    assert len(faults) == bool(told)
    assert "".join(faults).startswith(told)
