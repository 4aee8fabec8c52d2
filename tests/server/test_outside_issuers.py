"""The file that names outside issuers is taken as a whole or not at all, and whoever wrote it is told what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from creditd.server.authentication.issuers import ClaimMapping
from creditd.server.authentication.outside_issuers import MAX_FILE_BYTES, MAX_ISSUERS, InvalidIssuer, OutsideIssuer
from creditd.server.authentication.outside_issuers import read_outside_issuers as read

pytestmark = pytest.mark.requirement("G4")

SHOP: dict[str, Any] = {
    "issuer": "https://shop.example",
    "audience": "credit",
    "jwks_url": "https://shop.example/keys",
    "subject_prefix": "shop:",
}


def written(folder: Path, document: Any) -> Path:
    file = folder / "issuers.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return file


def test_an_issuer_is_what_the_file_says(tmp_path: Path) -> None:
    full = SHOP | {
        "claims": {"roles": "realm_access.roles", "scope": "scp", "person": ["https://shop.example/person"]},
        "roles": {"till": "SERVICE"},
        "ca_file": "ca.pem",
    }
    place = ("realm_access", "roles")
    claims = ClaimMapping("shop:", ("sub",), place, ("scp",), ("https://shop.example/person",), {"till": "SERVICE"})
    assert read(written(tmp_path, [full])) == (
        OutsideIssuer("https://shop.example", "credit", "https://shop.example/keys", "ca.pem", claims),
    )


def test_subjects_are_ours_only_if_it_is_said(tmp_path: Path) -> None:
    ours = {name: value for name, value in SHOP.items() if name != "subject_prefix"} | {"subjects_are_ours": True}
    assert read(written(tmp_path, [ours]))[0].claims.subject_prefix == ""
    assert read(written(tmp_path, [SHOP]))[0].claims == ClaimMapping("shop:")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/keys", "http://localhost/keys", "http://[::1]:8000/keys"])
def test_plain_http_is_for_this_machine(tmp_path: Path, url: str) -> None:
    assert read(written(tmp_path, [SHOP | {"jwks_url": url}]))[0].jwks_url == url


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"issuer": None}, "issuer has to be a text"),
        ({"issuer": ""}, "issuer has to be a text"),
        ({"issuer": 7}, "issuer has to be a text"),
        ({"audience": None}, "audience has to be a text"),
        ({"audience": ["credit"]}, "audience has to be a text"),
        ({"jwks_url": None}, "jwks_url has to be"),
        ({"jwks_url": "http://shop.example/keys"}, "https URL"),
        ({"jwks_url": "file:///etc/passwd"}, "https URL"),
        ({"jwks_url": "https:///keys"}, "https URL"),
        ({"jwks_url": "https://[/keys"}, "https URL"),
        ({"jwks_url": "https://me:secret@shop.example/keys"}, "without a password"),
        ({"subject_prefix": None}, "subject_prefix has to be"),
        ({"subject_prefix": ""}, "subject_prefix has to be"),
        ({"subject_prefix": "a b"}, "subject_prefix has to be"),
        ({"subject_prefix": "x" * 64 + ":"}, "subject_prefix has to be"),
        ({"subject_prefix": "shop"}, "subject_prefix has to be"),
        ({"subject_prefix": "shop:7"}, "subject_prefix has to be"),
        ({"subject_prefix": ["shop:"]}, "subject_prefix has to be"),
        ({"subjects_are_ours": True}, "subject_prefix has to be"),
        ({"subjects_are_ours": "yes"}, "true or false"),
        ({"subject_prefx": "a"}, "did you mean subject_prefix?"),
        ({"roles": ["USER"]}, "roles has to be"),
        ({"roles": {"till": 7}}, "roles has to be"),
        ({"roles": {"till": "SERVCE"}}, "is none of"),
        ({"claims": []}, "has to be an object"),
        ({"claims": {"rolls": "a"}}, "did you mean roles?"),
        ({"claims": {"roles": "a..b"}}, "the name of a claim"),
        ({"claims": {"roles": ["a", 7]}}, "the name of a claim"),
        ({"claims": {"roles": 7}}, "the name of a claim"),
        ({"ca_file": 7}, "ca_file has to be a text"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    issuer = {name: value for name, value in (SHOP | changes).items() if value is not None}
    good = SHOP | {"issuer": "https://other.example", "subject_prefix": "other:"}
    with pytest.raises(InvalidIssuer) as refusal:
        read(written(tmp_path, [good, issuer]))
    assert "issuer 2" in str(refusal.value)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    "document",
    ["", "{", "[" * 100_000, "{}", "[]", "null", "[7]", [SHOP] * (MAX_ISSUERS + 1), " " * MAX_FILE_BYTES + "[]"],
)
def test_what_is_no_list_of_issuers_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(InvalidIssuer):
        read(written(tmp_path, document))


@pytest.mark.parametrize("prefix", ["-", "shop:", "a" * 63 + "."])
def test_a_prefix_ends_with_a_separator(tmp_path: Path, prefix: str) -> None:
    assert read(written(tmp_path, [SHOP | {"subject_prefix": prefix}]))[0].claims.subject_prefix == prefix


@pytest.mark.parametrize("prefix", ["shop:", "shop:north:", "shop:-"])
def test_subjects_of_two_issuers_cannot_be_the_same(tmp_path: Path, prefix: str) -> None:
    other = SHOP | {"issuer": "https://other.example", "subject_prefix": prefix}
    for document in ([SHOP, other], [other, SHOP]):
        with pytest.raises(InvalidIssuer, match="could be the same"):
            read(written(tmp_path, document))


def test_an_issuer_stands_there_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidIssuer, match="twice"):
        read(written(tmp_path, [SHOP, SHOP | {"subject_prefix": "other:"}]))
