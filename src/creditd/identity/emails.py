"""Emails, by which users sign in."""

import unicodedata


def normal_email(email: str) -> str:
    """Return the one form of an email that is stored and compared.

    By the letter of RFC 5321 what stands before the @ may differ by case. No provider of note has it so, and two users
    who differ by the case of a letter would sooner or later be mistaken for each other.
    """
    return unicodedata.normalize("NFKC", email.strip()).casefold()
