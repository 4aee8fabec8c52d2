"""Of what an issuer publishes, the keys that tokens may be signed for are taken, and nothing else."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import OKPAlgorithm

from creditd.server.authentication.jwk_sets import (
    MAX_KEYS,
    LongAnswer,
    MalformedAnswer,
    NoUsableKey,
    UnusableAnswer,
    keys_in,
)
from tests.support.outside_issuer import jwk, jwk_set, private_jwk

ED25519 = ed25519.Ed25519PrivateKey.generate()
P256 = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65_537, 2_048)

pytestmark = pytest.mark.requirement("G4")


def test_each_kind_of_key_is_for_its_own_algorithm() -> None:
    found = keys_in(jwk_set(jwk(ED25519, kid="a"), jwk(P256, kid="b", use="sig"), jwk(RSA, kid="c", alg="RS256")))
    assert {kid: key.algorithm for kid, key in found.items()} == {"a": "EdDSA", "b": "ES256", "c": "RS256"}
    assert found["a"].key == ED25519.public_key()


UNUSABLE: dict[str, Any] = {
    "a shared secret": {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"},
    "no kind": {"kid": "a"},
    "a kind that nobody knows": {"kty": ["RSA"]},
    "no object": "key",
    "nothing": None,
    "for encryption": jwk(RSA, use="enc"),
    "for signing alone": jwk(RSA, key_ops=["sign"]),
    "operations that are none": jwk(RSA, key_ops=7),
    "another algorithm": jwk(RSA, alg="PS256"),
    "a shared secret's algorithm": jwk(RSA, alg="HS256"),
    "P-384": jwk(ec.generate_private_key(ec.SECP384R1())),
    "Ed448": OKPAlgorithm.to_jwk(ed448.Ed448PrivateKey.generate().public_key(), as_dict=True),
    "short RSA": jwk(rsa.generate_private_key(65_537, 1_024)),  # noqa: S505 - that is what is to be left out.
    "endless RSA": {"kty": "RSA", "e": "AQAB", "n": "_" * 20_000},
    "an even exponent": jwk(RSA) | {"e": "AAAA"},
    "a point off the curve": jwk(P256) | {"y": jwk(P256)["x"]},
    "half a point": {name: value for name, value in jwk(P256).items() if name != "y"},
    "no text": jwk(ED25519) | {"x": 7},
    "a kid that is no text": jwk(ED25519, kid=7),
    "an endless kid": jwk(ED25519, kid="k" * 256),
    "a private key": private_jwk(ED25519),
    "a private RSA key": private_jwk(RSA),
    "a private key with nothing in it": {"kty": "RSA", "d": "", "n": "", "e": ""},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_left_out(name: str) -> None:
    beside = jwk_set(UNUSABLE[name], jwk(ED25519, kid="good"))
    assert list(keys_in(beside)) == ["good"]
    with pytest.raises(NoUsableKey):
        keys_in(jwk_set(UNUSABLE[name]))


def test_of_two_keys_with_one_kid_the_first_counts() -> None:
    found = keys_in(jwk_set(jwk(ED25519, kid="a"), jwk(P256, kid="a")))
    assert [key.algorithm for key in found.values()] == ["EdDSA"]


@pytest.mark.parametrize(
    ("document", "error"),
    [
        (b"", MalformedAnswer),
        (b"<html>", MalformedAnswer),
        (b"\xff\xfe", MalformedAnswer),
        (b"[]", MalformedAnswer),
        (b"null", MalformedAnswer),
        (b"{}", MalformedAnswer),
        (b'{"keys": {}}', MalformedAnswer),
        (b'{"keys": []}', NoUsableKey),
        (b"[" * 100_000, MalformedAnswer),
        (json.dumps({"keys": [{}] * (MAX_KEYS + 1)}).encode(), LongAnswer),
    ],
)
def test_what_is_no_key_set_is_refused(document: bytes, error: type[UnusableAnswer]) -> None:
    with pytest.raises(error):
        keys_in(document)
