"""The table of settings in README.md, from their declaration. ``python -m tests.support.settings_table`` writes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from creditd.config import SETTINGS
from creditd.config.environment import form
from creditd.config.settings import Setting

README: Final = Path(__file__).parents[2] / "README.md"
HEAD: Final = "| setting | default | value | meaning |\n| --- | --- | --- | --- |\n"


def table() -> str:
    """Return the table, a row a setting."""
    return HEAD + "".join(map(_row, SETTINGS.values()))


def _row(setting: Setting) -> str:
    value = setting.rule.expected or form(setting.default)
    secret = " (secret)" if setting.is_secret else ""
    cells = (f"`{setting.name.upper()}`", default_text(setting.default), value + secret, setting.meaning)
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |")


def default_text(default: Any) -> str:
    """Return a default as the environment would state it."""
    match default:
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case tuple():
            return ",".join(default)
        case Mapping():
            return ",".join(f"{name}={number}" for name, number in default.items())
        case _:
            return str(default)


def written() -> str:
    """Return the table as README.md has it."""
    _, _, rest = README.read_text(encoding="utf-8").partition("## Settings\n")
    start = rest.index("| setting |")
    return rest[start:].partition("\n\n")[0].rstrip("\n") + "\n"


if __name__ == "__main__":
    README.write_text(README.read_text(encoding="utf-8").replace(written(), table()), encoding="utf-8")
