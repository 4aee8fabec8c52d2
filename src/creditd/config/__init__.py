"""The configuration, from the environment alone (twelve-factor, III): declared once, judged once."""

from creditd.config.environment import config_from_environment, configuration
from creditd.config.fit import require, require_fit
from creditd.config.rules import ConfigError, nearest
from creditd.config.settings import SETTINGS, Config, variable

__all__ = [
    "SETTINGS",
    "Config",
    "ConfigError",
    "config_from_environment",
    "configuration",
    "nearest",
    "require",
    "require_fit",
    "variable",
]
