"""Reads the configuration from the environment: each setting is ``CREDITD_`` and its name.

A secret may be in a file instead, which the same variable with ``_FILE`` at its end names.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from creditd.config.fit import faults_of, require_fit
from creditd.config.masks import quoted
from creditd.config.rules import ConfigError, meant, nearest
from creditd.config.settings import SETTINGS, Config, Setting, variable

NOT_OURS: Final = ("CREDITD_TEST_", "CREDITD_PORT", "CREDITD_SERVICE_")
"""Prefixes of other variables: the tests' own, and what Kubernetes sets in every pod beside a service named creditd."""

_SETTINGS: Final = {variable(setting.name): setting for setting in SETTINGS.values()}

_FILES: Final = {f"{name}_FILE": name for name, setting in _SETTINGS.items() if setting.is_secret}
"""The setting's variable, by the variable that names a file with its value."""


class ValueOrigin(StrEnum):
    """Where the value of a setting comes from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"
    FLAG = "flag"


class StatedConfig(NamedTuple):
    """What an environment and flags say: a configuration, where each value comes from, and every fault in one line.

    A setting that cannot be read has its default, and no origin.
    """

    config: Config
    origins: Mapping[str, ValueOrigin]
    faults: tuple[str, ...]


def configuration(flags: Mapping[str, Any] | None = None) -> Config:
    """Return the configuration of this process, with ``flags`` over it; a flag that is None was not given.

    Raises ConfigError, naming the setting, for a value that cannot be used, alone or beside the others.
    """
    config = replace(config_from_environment(), **_given(flags))
    require_fit(config)
    return config


def reading(flags: Mapping[str, Any] | None = None) -> StatedConfig:
    """Return the configuration of this process as ``configuration`` does, however wrong, with all that is wrong."""
    config, origins, faults = _read(os.environ)
    given = _given(flags)
    config = replace(config, **given)
    origins = {**origins, **dict.fromkeys(given, ValueOrigin.FLAG)}
    unread = [variable(name) for name in SETTINGS if name not in origins]
    # What does not fit beside a setting that could not be read is mended with that one, or told afterwards.
    follows = (fault for fault in faults_of(config) if not any(name in fault for name in unread))
    return StatedConfig(config, origins, (*faults, *follows))


def config_from_environment(environment: Mapping[str, str] | None = None) -> Config:
    """Return the configuration as it is written; nothing but its form is judged.

    Raises ConfigError for an unknown CREDITD_ name, a value that does not parse, and a file that cannot be read.
    """
    config, _, faults = _read(os.environ if environment is None else environment)
    if faults:
        raise ConfigError(faults[0])
    return config


def with_secret(environment: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    """Return an environment in which a secret is what is given, and in no file."""
    secret = variable(name)
    kept = {other: text for other, text in environment.items() if _FILES.get(other) != secret}
    return kept | {secret: value}


def _given(flags: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: value for name, value in (flags or {}).items() if value is not None}


def _read(environment: Mapping[str, str]) -> StatedConfig:
    """Return what an environment says; nothing but its form is judged."""
    texts = dict(_own(environment))
    values: dict[str, Any] = {}
    origins: dict[str, ValueOrigin] = dict.fromkeys(SETTINGS, ValueOrigin.DEFAULT)
    faults = [f"{name} is not a setting; {nearest(name, _SETTINGS)}" for name in texts if not _is_known(name)]
    for name in filter(_is_known, texts):
        setting = _SETTINGS[_FILES.get(name, name)]
        if name in _SETTINGS and setting.is_secret and f"{name}_FILE" in texts:
            # Told at the turn of the file.
            continue
        try:
            values[setting.name] = _parse(setting, _text(name, texts))
            origins[setting.name] = ValueOrigin.FILE if name in _FILES else ValueOrigin.ENVIRONMENT
        except ConfigError as error:
            faults.append(str(error))
            del origins[setting.name]
    return StatedConfig(Config(**values), origins, tuple(faults))


def _own(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in environment.items():
        if name.startswith("CREDITD_") and not name.startswith(NOT_OURS):
            yield name, text


def _is_known(name: str) -> bool:
    return name in _SETTINGS or name in _FILES


def _text(name: str, texts: Mapping[str, str]) -> str:
    """Return the text of a variable, or of the file that it names. Raises ConfigError."""
    if name not in _FILES:
        return texts[name]
    if texts.get(_FILES[name]):
        raise ConfigError(f"{_FILES[name]} and {name} are both set; remove one of the two")
    return _content(name, texts[name])


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
        raise ConfigError(f"{variable(setting.name)} is {quoted(setting, text)}; expected {expected}") from error


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
