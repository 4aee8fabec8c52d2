"""Removes tokens, authorization headers and passwords from logs: the last line of defence, not the first."""

import re
from typing import Final

REDACTED: Final = "[redacted]"

CONTENT: Final = "the content of a file"

LONGEST_NAME: Final = 255
"""Of a file within its folder, on every file system that is in use."""

_NAMES: Final = r"password|passwd|pwd|secret|token|authorization|cookie|api_?key|private_?key|credentials?"

_QUOTED: Final = r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"

_RULES: Final = (
    # An authorization header's credentials, wherever they stand.
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {REDACTED}"),
    # A JSON web token without a word before it.
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?"), REDACTED),
    # The password within a URL, up to the last @, as a password may hold one.
    (re.compile(r"(\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s:/@]*:)\S+@"), rf"\1{REDACTED}@"),
    # name=value and "name": "value", as in libpq's connection strings and printed dictionaries.
    (re.compile(rf"(?i)((?:{_NAMES})[\"']?\s*[=:]\s*)(?:{_QUOTED}|[^\s,;&)}}\]]+)"), rf"\1{REDACTED}"),
    # ('name', 'value'), as metadata is printed.
    (re.compile(rf"(?i)([\"'](?:{_NAMES})[\"']\s*,\s*(?:value=)?){_QUOTED}"), rf"\1{REDACTED}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"), REDACTED),
)

_SECRET_NAME: Final = re.compile(rf"(?i){_NAMES}|metadata|headers")


def redacted(text: str) -> str:
    """Return the text without what looks like a secret."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def file_shown(file: str) -> str:
    """Return a file's name for people to see: CONTENT if what a file holds stands in the place of its name.

    A key that was pasted there as it is has lines; as one line it is longer than any name.
    """
    is_content = "-----" in file or "\n" in file or any(len(part) > LONGEST_NAME for part in file.split("/"))
    return CONTENT if is_content else redacted(file)


def is_secret_name(name: str) -> bool:
    """Return whether values of this name are never shown; metadata is the caller's, and may hold anything."""
    return _SECRET_NAME.search(name) is not None
