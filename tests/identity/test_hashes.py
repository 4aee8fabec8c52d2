"""Hashes of passwords where no server shows them."""

import pytest

from creditd.identity.ciphers import Cipher, OtherKey
from creditd.identity.password_hashes import PasswordHashes

pytestmark = pytest.mark.requirement("G3")


def test_nobody_has_a_password() -> None:
    """What unknown emails are compared with is the hash of a password that is stored nowhere."""
    hashes = PasswordHashes()
    stored = hashes.hash("a password")
    assert hashes.matches(stored, "a password")
    assert not hashes.matches(stored, "another one")
    assert not hashes.matches(None, "a password")
    assert not hashes.matches("no hash", "a password")
    assert hashes.made == 5
    assert hashes.hash("a password") != stored


def test_what_is_encrypted_is_one_owner_s_and_for_one_purpose() -> None:
    cipher = Cipher("a secret text of more than 32 characters")
    encrypted = cipher.encrypt("keys", "ann", b"content")
    assert cipher.decrypt("keys", "ann", encrypted) == b"content"
    assert encrypted != cipher.encrypt("keys", "ann", b"content")
    other = Cipher("another text of more than 32 characters")
    for whose, purpose, owner in ((cipher, "keys", "bob"), (cipher, "codes", "ann"), (other, "keys", "ann")):
        with pytest.raises(OtherKey):
            whose.decrypt(purpose, owner, encrypted)
    with pytest.raises(OtherKey):
        cipher.decrypt("keys", "ann", encrypted[:-1])
    assert cipher.key_id != other.key_id
