"""Codes of an authenticator application (TOTP, RFC 6238), and those for when it is lost. Pure but for randomness."""

import base64
import hmac
import re
import secrets
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS: Final = 30
DIGITS: Final = 6
SECRET_BYTES: Final = 20
"""What every authenticator knows: SHA-1, six digits, half a minute, a secret of 160 bits (RFC 4226). SHA-1 is weak
where two texts may be made to collide, which here nobody may choose."""

STEPS_APART: Final = 1
"""How far the clock of a telephone may be off, either way, and a code still count."""

RECOVERY_CODES: Final = 10
RECOVERY_BYTES: Final = 10
"""Of 80 bits each, so that a plain hash suffices: nobody finds one by trying."""

_CODE: Final = re.compile(rf"[0-9]{{{DIGITS}}}")


class FoundStep(NamedTuple):
    """The step that a code is of; ``is_used`` says that this one, or a later one, has been shown before."""

    step: int
    is_used: bool


def new_secret() -> bytes:
    """Return a secret for an authenticator."""
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Return a secret as people type it into an authenticator."""
    return base64.b32encode(secret).decode()


def secret_uri(secret: bytes, email: str, issuer: str) -> str:
    """Return a secret as authenticators read it from a QR code."""
    parameters = {"secret": secret_text(secret), "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}
    return f"otpauth://totp/{quote(f'{issuer}:{email}')}?{urlencode(parameters)}"


def is_code(text: str) -> bool:
    """Tell whether a text is a code of an authenticator rather than one for when it is lost."""
    return _CODE.fullmatch(text.replace(" ", "")) is not None


def step_of(secret: bytes, code: str, seconds: float, last_step: int) -> FoundStep | None:
    """Return the step that a code is of, about an instant in seconds since the Unix epoch; None if it is of none."""
    totp = TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - see above.
    current, shown = int(seconds) // STEP_SECONDS, code.replace(" ", "").encode()
    found = None
    # All of them, whichever it is: the time tells nothing of where the telephone's clock is.
    for step in range(current - STEPS_APART, current + STEPS_APART + 1):
        if hmac.compare_digest(totp.generate(step * STEP_SECONDS), shown):
            found = FoundStep(step, step <= last_step)
    return found


def new_recovery_codes() -> list[str]:
    """Return codes for when the authenticator is lost, each for one use."""
    return [_in_groups(base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()) for _ in range(RECOVERY_CODES)]


def recovery_hash(key: bytes, user_id: str, code: str) -> bytes:
    """Return what is stored of a recovery code, under a key that only the servers have."""
    letters = re.sub(r"[\s-]", "", code).upper()
    return hmac.digest(key, f"{user_id} {letters}".encode(), "sha256")


def _in_groups(letters: str) -> str:
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))
