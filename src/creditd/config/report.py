"""The whole configuration as it stands, for whoever looks after it: each value with its origin, and every fault."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from creditd.config.environment import reading
from creditd.config.masks import shown
from creditd.config.premises import faults_around
from creditd.config.settings import SETTINGS, variable

UNREAD: Final = "cannot be read"
"""The value and the origin of a setting that is stated in a way that cannot be read; a fault says more."""


class SettingLine(NamedTuple):
    """A setting: its variable, its value as anybody may see it, and where that comes from."""

    name: str
    value: str
    origin: str


class ConfigReport(NamedTuple):
    """All settings, and what is wrong with them; no secret stands in it."""

    lines: tuple[SettingLine, ...]
    faults: tuple[str, ...]


def report(flags: Mapping[str, Any] | None = None) -> ConfigReport:
    """Return the configuration of this process with ``flags`` over it; a flag that is None was not given."""
    config, origins, faults = reading(flags)
    lines = (
        SettingLine(variable(name), shown(setting, getattr(config, name)), str(origins[name]))
        if name in origins
        else SettingLine(variable(name), UNREAD, UNREAD)
        for name, setting in SETTINGS.items()
    )
    # Each once: what a file holds may be a fault of its setting, too.
    return ConfigReport(tuple(lines), tuple(dict.fromkeys((*faults, *faults_around(config)))))
