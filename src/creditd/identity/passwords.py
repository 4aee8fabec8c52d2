"""Which passwords may be chosen (NIST SP 800-63B, 5.1.1.2): by length and by what is commonly guessed, nothing else."""

import unicodedata
from typing import Final

from creditd.identity.refusals import PasswordUnsuitable

MIN_CHARACTERS: Final = 8
"""The least that NIST has a person choose."""

MAX_CHARACTERS: Final = 128
"""Twice what NIST has to be possible at least. It bounds what is normalised and hashed for strangers."""

COMMON: Final = frozenset(
    """
    password password1 password12 password123 password1234 passw0rd p@ssw0rd p@ssword pa$$word passwort
    12345678 123456789 1234567890 0123456789 87654321 987654321 11111111 00000000 88888888 12341234 11223344
    1q2w3e4r 1q2w3e4r5t 1qaz2wsx qazwsxedc zaq12wsx qwertyui qwertyuiop qwerty12 qwerty123 qwerty1234 asdfghjk asdfghjkl
    abcd1234 abc12345 abcdefgh a1b2c3d4 aa123456 a1234567 letmein1 iloveyou iloveyou1 sunshine princess football
    baseball superman welcome1 welcome123 trustno1 whatever starwars computer internet michelle jennifer
    changeme changeme1 changeme123 admin123 admin1234 administrator secret123 test1234 testtest default1
    """.split()  # noqa: SIM905 - words are what a person reads.
)
"""Those of eight characters and more that lists of leaked passwords begin with. A whole list belongs to whoever runs
the service; these are what is tried first, and what the limits of sign-ins would let through."""


def normal_password(password: str) -> str:
    """Return the form that is hashed: the same however a keyboard composes its letters (NIST SP 800-63B, NFKC)."""
    return unicodedata.normalize("NFKC", password)


def is_hashable(normal: str) -> bool:
    """Tell whether a password in its normal form has a length that somebody may have chosen."""
    return MIN_CHARACTERS <= len(normal) <= MAX_CHARACTERS


def require_suitable(password: str, email: str, field: str) -> str:
    """Return the normal form of a password that may be chosen. Raises PasswordUnsuitable, which names ``field``."""
    normal = normal_password(password)
    if not is_hashable(normal):
        raise PasswordUnsuitable(field=field, rule=f"{MIN_CHARACTERS} to {MAX_CHARACTERS} characters")
    folded = normal.casefold()
    if folded in COMMON or len(set(folded)) == 1:
        raise PasswordUnsuitable(field=field, rule="no password that is commonly used")
    if folded in {email, email.partition("@")[0]}:
        raise PasswordUnsuitable(field=field, rule="not the email")
    return normal
