"""Values of settings as anybody may see them."""

from collections.abc import Mapping
from typing import Any, Final

from creditd.config.settings import Setting
from creditd.telemetry.redaction import CONTENT, file_shown, redacted

SET: Final = "set"
NOT_SET: Final = "not set"
"""All that is said of a secret: its length would shorten the search for it."""


def shown(setting: Setting, value: Any) -> str:
    """Return a value for people to see.

    Of a secret no more than whether it is set; nor a key in the place of its file's name, nor a password in a URL.
    """
    text = written(value)
    if setting.is_secret:
        return SET if text else NOT_SET
    return file_shown(text) if setting.name.endswith(("_file", "_files")) else redacted(text)


def quoted(setting: Setting, value: Any) -> str:
    """Return a value as ``shown`` does, for a sentence: text of a person's in quotation marks."""
    text = shown(setting, value)
    is_theirs = isinstance(value, str) and not setting.is_secret and text != CONTENT
    return repr(text) if is_theirs else text


def written(value: Any) -> str:
    """Return a value as the environment would state it."""
    match value:
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ",".join(value)
        case Mapping():
            return ",".join(f"{name}={number}" for name, number in value.items())
        case _:
            return str(value)
