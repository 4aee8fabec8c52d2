"""Reads the configuration from the environment: each setting is ``CREDITD_`` and its name.

A secret may be in a file instead, which the same variable with ``_FILE`` at its end names.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from creditd.config.fit import require_fit
from creditd.config.rules import ConfigError, meant, nearest
from creditd.config.settings import SETTINGS, Config, Setting, variable

NOT_OURS: Final = ("CREDITD_TEST_", "CREDITD_PORT", "CREDITD_SERVICE_")
"""Prefixes of other variables: the tests' own, and what Kubernetes sets in every pod beside a service named creditd."""

_SETTINGS: Final = {variable(setting.name): setting for setting in SETTINGS.values()}

_FILES: Final = {f"{name}_FILE": name for name, setting in _SETTINGS.items() if setting.is_secret}
"""The setting's variable, by the variable that names a file with its value."""


def configuration(flags: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration of this process, with ``flags`` over it; a flag that is None was not given.

    Raises ConfigError, naming the setting, for a value that cannot be used, alone or beside the others.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    config = replace(config_from_environment(), **given)
    require_fit(config)
    return config


def config_from_environment(environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration as it is written; nothing but its form is judged.

    Raises ConfigError for an unknown CREDITD_ name, a value that does not parse, and a file that cannot be read.
    """
    texts = _with_files(dict(_own(os.environ if environment is None else environment)))
    return Config(**{_SETTINGS[name].name: _parse(_SETTINGS[name], text) for name, text in texts.items()})


def with_secret(environment: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """Return an environment in which a secret is what is given, and in no file."""
    secret = variable(name)
    kept = {other: text for other, text in environment.items() if _FILES.get(other) != secret}
    return kept | {secret: value}


def _own(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in environment.items():
        if name.startswith("CREDITD_") and not name.startswith(NOT_OURS):
            if name not in _SETTINGS and name not in _FILES:
                raise ConfigError(f"{name} is not a setting; {nearest(name, _SETTINGS)}")
            yield name, text


def _with_files(texts: dict[str, str]) -> dict[str, str]:
    """Return the texts with those of the files that some of them name. Raises ConfigError."""
    for name in _FILES.keys() & texts.keys():
        secret, path = _FILES[name], texts.pop(name)
        if texts.get(secret):
            raise ConfigError(f"{secret} and {name} are both set; remove one of the two")
        texts[secret] = _content(name, path)
    return texts


def _content(name: str, path: str) -> str:
    try:
        content = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{name} does not name a text file that this user may read: {_why(error)}") from error
    if not content:
        raise ConfigError(f"{name} names a file that is empty")
    return content


def _why(error: Exception) -> str:
    # The path may be a secret that was put in the wrong variable, and the text of the error names it.
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


_BOOLEANS: Final = {"true": True, "false": False, "1": True, "0": False}


def _parse(setting: Setting, written: str) -> Any:
    # What stands around a value is an accident of quotes and files: nobody's issuer ends with a blank.
    text = written.strip()
    try:
        match setting.default:
            case bool():
                return _BOOLEANS[text.lower()]
            case int() | float() | str() | Path():
                return type(setting.default)(text)
            case tuple():
                return tuple(part.strip() for part in text.split(",") if part.strip())
            case _:
                return _numbers_by_name(text)
    except (KeyError, ValueError) as error:
        hint = meant(text, _BOOLEANS) if isinstance(setting.default, bool) else ""
        expected = f"{form(setting.default)}; {hint}" if hint else form(setting.default)
        raise ConfigError(f"{variable(setting.name)} is {text!r}; expected {expected}") from error


def form(default: Any) -> str:
    """Return in words how a setting is written whose default is this."""
    match default:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a number"
        case tuple():
            return "values with commas between them"
        case Mapping():
            return "name=number,..."
        case _:
            return "text"


def _numbers_by_name(text: str) -> dict[str, int]:
    """Read ``name=number,...``. Raises ValueError, also for a name that stands there twice."""
    numbers: dict[str, int] = {}
    for part in filter(str.strip, text.split(",")):
        name, _, number = part.partition("=")
        if name.strip() in numbers:
            raise ValueError(name)
        numbers[name.strip()] = int(number)
    return numbers
