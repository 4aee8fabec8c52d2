"""A token's issuer decides which keys count, whom it is for, and what its claims mean."""

import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from creditd.server.authentication.callers import Caller
from creditd.server.authentication.issuers import ClaimMapping, Issuer
from creditd.server.authentication.keys import KeySet, PublicKey
from creditd.server.authentication.tokens import TokenVerifier
from creditd.server.refusals import TokenInvalid

OURS, SHOP, SCHOOL = "https://credit.example", "https://shop.example", "https://school.example"
KEYS = {name: Ed25519PrivateKey.generate() for name in (OURS, SHOP, SCHOOL, "stranger")}

SHOP_CLAIMS = ClaimMapping(
    "shop:",
    roles=("realm_access", "roles"),
    scope=("scp",),
    person=("https://shop.example/employee",),
    role_names={"buyer": "USER", "till": "SERVICE", "accountant": "FINANCE"},
)


def key_set(*names: str, kid: str = "key") -> KeySet:
    return KeySet({f"{kid}{number}": PublicKey("EdDSA", KEYS[name].public_key()) for number, name in enumerate(names)})


@pytest.fixture
def shop_keys() -> KeySet:
    return key_set(SHOP)


@pytest.fixture
def verifier(shop_keys: KeySet) -> TokenVerifier:
    return TokenVerifier(
        [
            Issuer(key_set(OURS), OURS),
            Issuer(shop_keys, SHOP, "credit", SHOP_CLAIMS),
            Issuer(key_set(SCHOOL), SCHOOL, "credit", ClaimMapping("school:")),
        ],
        clock=time.time,
    )


def bearer(name: str, *, key: str | None = None, kid: str | None = "key0", **claims: Any) -> str:
    """Return a header with a token of an issuer; a claim of None is left out."""
    stated = {"iss": name, "aud": "credit", "sub": "ann", "exp": int(time.time()) + 600} | claims
    payload = {name: value for name, value in stated.items() if value is not None}
    return "Bearer " + jwt.encode(payload, KEYS[key or name], "EdDSA", {"kid": kid} if kid else {})


def problem_of(verifier: TokenVerifier, header: str) -> str:
    with pytest.raises(TokenInvalid) as refusal:
        verifier.verify(header)
    return str(refusal.value.facts["problem"])


@pytest.mark.requirement("G4")
def test_a_token_is_verified_by_its_issuers_keys_alone(verifier: TokenVerifier) -> None:
    assert verifier.verify(bearer(OURS)).subject == "ann"
    assert verifier.verify(bearer(SHOP)).subject == "shop:ann"
    assert verifier.verify(bearer(SCHOOL)).subject == "school:ann"
    for name in (OURS, SHOP, SCHOOL):
        for key in {OURS, SHOP, SCHOOL, "stranger"} - {name}:
            assert problem_of(verifier, bearer(name, key=key)) == "signature"


@pytest.mark.requirement("G4")
@pytest.mark.parametrize("stated", ["https://evil.example", "", SHOP + "/", SHOP.upper(), [SHOP], {SHOP: 1}, 7, True])
def test_a_token_of_nobody_we_know_is_refused(verifier: TokenVerifier, stated: Any) -> None:
    content = json.dumps({"iss": stated, "sub": "ann", "aud": "credit", "exp": int(time.time()) + 600})
    token = jwt.PyJWS().encode(content.encode(), KEYS[SHOP], algorithm="EdDSA", headers={"kid": "key0"})
    assert problem_of(verifier, f"Bearer {token}") == "iss"


@pytest.mark.requirement("G4")
def test_a_token_that_states_no_issuer_is_for_the_one_without_a_name(verifier: TokenVerifier) -> None:
    for key in (OURS, SHOP):
        assert problem_of(verifier, bearer(OURS, iss=None, key=key)) == "claim missing"
    nameless = TokenVerifier(
        [Issuer(key_set(OURS)), Issuer(key_set(SHOP), SHOP, "credit", SHOP_CLAIMS)], clock=time.time
    )
    assert nameless.verify(bearer(OURS, iss=None, aud=None)).subject == "ann"
    assert nameless.verify(bearer(OURS, iss="https://anyone.example")).subject == "ann"
    assert nameless.verify(bearer(SHOP)).subject == "shop:ann"
    # Whoever has the nameless issuer's key speaks for that one alone, and whoever has the other's does not for it.
    assert problem_of(nameless, bearer(SHOP, key=OURS)) == "signature"
    assert problem_of(nameless, bearer(OURS, iss=None, key=SHOP)) == "signature"


@pytest.mark.requirement("G4")
@pytest.mark.parametrize(
    ("audience", "problem"), [("other", "aud"), (["other"], "aud"), ([], "claim missing"), (None, "claim missing")]
)
def test_a_token_that_is_for_somebody_else_is_refused(verifier: TokenVerifier, audience: Any, problem: str) -> None:
    assert problem_of(verifier, bearer(SHOP, aud=audience)) == problem
    assert verifier.verify(bearer(OURS, aud=audience)).subject == "ann"


@pytest.mark.requirement("G4")
def test_claims_are_where_the_mapping_says_and_their_roles_become_ours(verifier: TokenVerifier) -> None:
    header = bearer(
        SHOP,
        realm_access={"roles": ["buyer", "till", "ADMIN", "SUPER_ADMIN", 7]},
        scp=["credits.read", "credits.spend"],
        **{"https://shop.example/employee": "employee-7"},
        amr=["pwd", "mfa"],
        auth_time=1_700_000_000,
        accounts=["shop:*"],
    )
    scopes = frozenset({"credits.read", "credits.spend"})
    expected = Caller("shop:ann", frozenset({"USER", "SERVICE"}), scopes, "employee-7", 1_700_000_000.0, ("shop:*",))
    assert verifier.verify(header) == expected
    assert verifier.verify(bearer(SHOP, scp="credits.read other")).scopes == {"credits.read", "other"}


@pytest.mark.requirement("G4")
def test_what_the_mapping_does_not_name_is_not_taken_from_a_token(verifier: TokenVerifier) -> None:
    """Whatever an outside issuer calls its claims, they make nobody an administrator here."""
    header = bearer(
        SCHOOL, roles=["ADMIN"], scope="credits.admin", person="somebody", realm_access={"roles": ["ADMIN"]}
    )
    assert verifier.verify(header) == Caller("school:ann", frozenset(), frozenset(), "school:ann")
    assert verifier.verify(bearer(SHOP, roles=["ADMIN"], person="somebody")).roles == frozenset()
    assert verifier.verify(bearer(SHOP, person="somebody")).person == "shop:ann"


@pytest.mark.requirement("G4")
def test_no_issuer_gives_a_subject_that_is_anothers_to_give(verifier: TokenVerifier) -> None:
    """Not even ours, nor one whose subjects are ours: nobody else begins with another issuer's prefix."""
    for subject in ("shop:ann", "school:ann", "shop:"):
        assert problem_of(verifier, bearer(OURS, sub=subject)) == "sub"
    assert verifier.verify(bearer(OURS, sub="shop")).subject == "shop"
    assert verifier.verify(bearer(SHOP, sub="school:ann")).subject == "shop:school:ann"
    ours_too = [
        Issuer(key_set(SHOP), SHOP, "credit", SHOP_CLAIMS),
        Issuer(key_set(SCHOOL), SCHOOL, "", ClaimMapping("")),
    ]
    mixed = TokenVerifier(ours_too, clock=time.time)
    assert problem_of(mixed, bearer(SCHOOL, sub="shop:ann")) == "sub"
    assert mixed.verify(bearer(SCHOOL)).subject == "ann"


@pytest.mark.requirement("G4")
def test_a_subject_may_be_another_claim() -> None:
    claims = ClaimMapping("shop:", subject=("ids", "customer"))
    verifier = TokenVerifier([Issuer(key_set(SHOP), SHOP, "credit", claims)], clock=time.time)
    assert verifier.verify(bearer(SHOP, ids={"customer": "c-7"})).subject == "shop:c-7"
    # Then nothing is wanted of the usual one.
    for sub in (None, 7):
        assert verifier.verify(bearer(SHOP, sub=sub, ids={"customer": "c-7"})).subject == "shop:c-7"
    assert problem_of(verifier, bearer(SHOP)) == "sub"
    assert problem_of(verifier, bearer(SHOP, ids="c-7")) == "sub"


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"sub": ""}, "sub"),
        ({"sub": "x" * 251}, "sub"),
        ({"sub": "a\0b"}, "sub"),
        ({"realm_access": "buyer"}, "roles"),
        ({"realm_access": ["buyer"]}, "roles"),
        ({"realm_access": {"roles": "buyer"}}, "roles"),
        ({"realm_access": {"roles": {"buyer": 1}}}, "roles"),
        ({"scp": {"credits.read": 1}}, "scope"),
        ({"scp": ["credits.read", 7]}, "scope"),
        ({"https://shop.example/employee": 7}, "person"),
        ({"https://shop.example/employee": ""}, "person"),
        ({"amr": "otp"}, "amr"),
        ({"auth_time": "now"}, "auth_time"),
        ({"accounts": []}, "accounts"),
        ({"exp": True}, "exp"),
        ({"nbf": "now"}, "nbf"),
        ({"nbf": 2**33, "exp": 2**34}, "nbf"),
    ],
)
def test_claims_of_an_outside_issuer_that_do_not_fit_are_refused(
    verifier: TokenVerifier, claims: dict[str, Any], problem: str
) -> None:
    content = json.dumps({"iss": SHOP, "aud": "credit", "sub": "ann", "exp": int(time.time()) + 600} | claims)
    token = jwt.PyJWS().encode(content.encode(), KEYS[SHOP], algorithm="EdDSA", headers={"kid": "key0"})
    assert problem_of(verifier, f"Bearer {token}") == problem


@pytest.mark.requirement("G4")
@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "/dev/zero", "key0/", "key0\0", "..", "k" * 5_000, "' OR 1=1", "http://evil.example"]
)
def test_a_kid_is_nothing_but_a_name_among_the_issuers_keys(verifier: TokenVerifier, kid: str) -> None:
    for name in (OURS, SHOP):
        assert problem_of(verifier, bearer(name, kid=kid)) == "kid"


@pytest.mark.parametrize("header", [{"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example"}, {"jwk": {}}])
def test_a_token_does_not_bring_its_own_keys(verifier: TokenVerifier, header: dict[str, Any]) -> None:
    payload = {"iss": SHOP, "aud": "credit", "sub": "ann", "exp": int(time.time()) + 600}
    token = jwt.encode(payload, KEYS["stranger"], "EdDSA", {"kid": "key0"} | header)
    assert problem_of(verifier, f"Bearer {token}") == "signature"


@pytest.mark.requirement("G4")
def test_a_token_that_was_believed_is_not_any_more_once_its_key_is_gone(
    verifier: TokenVerifier, shop_keys: KeySet
) -> None:
    theirs, ours = bearer(SHOP), bearer(OURS)
    for header in (theirs, ours):
        verifier.verify(header)
    shop_keys.replace({"key1": PublicKey("EdDSA", KEYS["stranger"].public_key())})
    for _ in range(2):
        assert problem_of(verifier, theirs) == "kid"
    with pytest.raises(TokenInvalid):
        verifier.end_of(theirs)
    assert verifier.verify(ours).subject == "ann"
    assert verifier.verify(bearer(SHOP, key="stranger", kid="key1")).subject == "shop:ann"


@pytest.mark.requirement("G4")
def test_a_kid_may_get_another_key(verifier: TokenVerifier, shop_keys: KeySet) -> None:
    verifier.verify(bearer(SHOP))
    shop_keys.replace({"key0": PublicKey("EdDSA", KEYS["stranger"].public_key())})
    assert problem_of(verifier, bearer(SHOP)) == "signature"
    assert verifier.verify(bearer(SHOP, key="stranger")).subject == "shop:ann"


def test_tokens_stay_verified_while_keys_are_added(
    verifier: TokenVerifier, shop_keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = [bearer(SHOP), bearer(OURS)]
    callers = [verifier.verify(header) for header in headers]
    shop_keys.replace({f"key{n}": PublicKey("EdDSA", KEYS[name].public_key()) for n, name in enumerate((SHOP, OURS))})
    monkeypatch.setattr(jwt, "decode", None)
    assert [verifier.verify(header) for header in headers] == callers


def test_only_the_tokens_of_a_key_that_is_gone_are_verified_again(
    verifier: TokenVerifier, shop_keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = bearer(OURS)
    caller = verifier.verify(header)
    verifier.verify(bearer(SHOP))
    shop_keys.replace({})
    monkeypatch.setattr(jwt, "decode", None)
    assert verifier.verify(header) == caller


def test_the_end_of_a_token_is_known_though_it_was_forgotten(verifier: TokenVerifier) -> None:
    """Between its first look and the beginning of a stream a message is waited for, and others come."""
    header = bearer(OURS, exp=2_000_000_000)
    assert verifier.end_of(header) == 2_000_000_030


def test_an_unknown_kid_is_told_to_whoever_fetches_keys() -> None:
    misses: list[int] = []
    keys = KeySet(miss=lambda: misses.append(1))
    verifier = TokenVerifier([Issuer(keys, SHOP), Issuer(key_set(OURS), OURS)], clock=time.time)
    for header in (bearer(SHOP), bearer(OURS), bearer(OURS, kid="none"), bearer(SHOP, iss="https://evil.example")):
        try:
            verifier.verify(header)
        except TokenInvalid:
            continue
    assert misses == [1]


def test_a_key_set_is_a_copy() -> None:
    keys = {"a": PublicKey("EdDSA", KEYS[OURS].public_key())}
    found = KeySet(keys)
    keys.clear()
    assert found.find("a")
    assert found.find(None)
    assert (len(found), found.find("b")) == (1, None)
