"""Signatures: what is published verifies, what is forged does not, and no header breaks anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.provider import InvalidWebhook
from creditd.payments.signatures import (
    TOLERANCE_SECONDS,
    from_base64,
    from_hex,
    hmac_sha256,
    is_signed,
    require_recent,
    seconds_of,
)

NOW = Instant(1_614_265_330 * SECOND)

STANDARD_SECRET = from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
STANDARD_MESSAGE = b'msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}'
STANDARD_SIGNATURE = from_base64("g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
"""The example of the Standard Webhooks' libraries: https://github.com/standard-webhooks/standard-webhooks."""

STRIPE_SECRET = b"webhook_secret"
STRIPE_BODY = b"""{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "ii_123",
      "object": "invoiceitem",
      "amount": 1000,
      "currency": "usd",
      "customer": "cus_123",
      "date": 1533204620,
      "description": "Test Invoice Item",
      "discountable": false,
      "invoice": "in_123",
      "livemode": false,
      "metadata": {},
      "period": {
        "start": 1533204620,
        "end": 1533204620
      },
      "plan": null,
      "proration": false,
      "quantity": null,
      "subscription": null
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "invoiceitem.created"
}
"""
STRIPE_SIGNATURE = from_hex("f0bdba6d4eacbd8ad8a3bbadd7248e633ec1477f7899c124c51b39405fa36613")
"""What Stripe's own library for .NET is tested with: https://github.com/stripe/stripe-dotnet, EventUtilityTest."""


def test_the_example_of_the_standard_webhooks_verifies() -> None:
    assert is_signed(STANDARD_MESSAGE, [STANDARD_SECRET], [STANDARD_SIGNATURE])


def test_the_example_of_stripe_verifies() -> None:
    assert is_signed(b"1533204620." + STRIPE_BODY, [STRIPE_SECRET], [STRIPE_SIGNATURE])


def test_what_lemon_squeezy_documents_verifies() -> None:
    """The hex HMAC-SHA256 of the raw body; of that its documentation has no figures, RFC 4231 (test case 2) has.

    https://docs.lemonsqueezy.com/help/webhooks/signing-requests
    """
    signature = from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    assert is_signed(b"what do ya want for nothing?", [b"Jefe"], [signature])


@pytest.mark.parametrize(
    ("message", "secret", "signature"),
    [
        (STANDARD_MESSAGE + b" ", STANDARD_SECRET, STANDARD_SIGNATURE),
        (STANDARD_MESSAGE, STANDARD_SECRET[:-1], STANDARD_SIGNATURE),
        (STANDARD_MESSAGE, STANDARD_SECRET, STANDARD_SIGNATURE[:-1]),
        (STANDARD_MESSAGE, STANDARD_SECRET, STANDARD_SIGNATURE[:-1] + b"\0"),
        (STANDARD_MESSAGE, STANDARD_SECRET, b""),
        (STRIPE_BODY, STRIPE_SECRET, STRIPE_SIGNATURE),
        (b"1533204621." + STRIPE_BODY, STRIPE_SECRET, STRIPE_SIGNATURE),
    ],
)
def test_what_differs_in_anything_does_not_verify(message: bytes, secret: bytes, signature: bytes) -> None:
    assert not is_signed(message, [secret], [signature])


def test_any_signature_by_any_of_the_secrets_will_do() -> None:
    assert is_signed(b"m", [b"new", b"old"], [b"other", hmac_sha256(b"old", b"m")])


def test_an_empty_secret_never_verifies() -> None:
    assert not is_signed(b"m", [b""], [hmac_sha256(b"", b"m")])


def test_nothing_verifies_without_a_secret_or_a_signature() -> None:
    assert not is_signed(b"m", [], [hmac_sha256(b"s", b"m")])
    assert not is_signed(b"m", [b"s"], [])


@given(text=st.text())
@settings(deadline=None)
def test_no_text_in_a_header_raises_anything(text: str) -> None:
    assert not is_signed(b"m", [b"s"], [from_hex(text), from_base64(text)])


@pytest.mark.parametrize("off_by", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_a_time_up_to_the_tolerance_away_is_recent(off_by: int) -> None:
    require_recent(1_614_265_330 + off_by, NOW)


@pytest.mark.parametrize(
    ("off_by", "reason"),
    [(-TOLERANCE_SECONDS - 1, RejectionReason.TOO_OLD), (TOLERANCE_SECONDS + 1, RejectionReason.IN_THE_FUTURE)],
)
def test_a_time_further_away_is_not(off_by: int, reason: str) -> None:
    with pytest.raises(InvalidWebhook) as rejected:
        require_recent(1_614_265_330 + off_by, NOW)
    assert rejected.value.reason == reason


@pytest.mark.parametrize("text", ["", "-1", "1e9", "1614265330 ", "١٦١٤٢٦٥٣٣٠", "9" * 400])
def test_what_is_no_unix_time_is_rejected(text: str) -> None:
    with pytest.raises(InvalidWebhook) as rejected:
        seconds_of(text)
    assert rejected.value.reason == RejectionReason.BAD_SIGNATURE
