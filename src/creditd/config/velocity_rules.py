"""Velocity rules as they are written in the configuration: ``kind=most/window_seconds/action``."""

import re
from collections.abc import Iterable
from typing import Final

from creditd.domain.controls.velocity import (
    MAX_MOST,
    MAX_RULES,
    MAX_WINDOW_SECONDS,
    VelocityAction,
    VelocityKind,
    VelocityRule,
)

_FORM: Final = re.compile(r"([a-z_]+)=([0-9]{1,9})/([0-9]{1,9})/([a-z]+)")

_KINDS: Final = {kind.name.lower(): kind for kind in VelocityKind}
_ACTIONS: Final = {action.name.lower(): action for action in VelocityAction}

EXPECTED: Final = (
    f"at most {MAX_RULES} rules such as refunds=3/2592000/flag: {', '.join(_KINDS)}; how many are allowed, 1 to "
    f"{MAX_MOST}; within how many seconds, 1 to {MAX_WINDOW_SECONDS}; {' or '.join(_ACTIONS)}. No two with the same "
    "kind, seconds and action"
)


def velocity_rules_in(texts: Iterable[str]) -> tuple[VelocityRule, ...]:
    """Read rules. Raises ValueError for one that is none, and for what no two may have in common."""
    rules = tuple(map(_rule, texts))
    if len({rule._replace(most=0) for rule in rules}) < len(rules) or len(rules) > MAX_RULES:
        raise ValueError(EXPECTED)
    return rules


def are_velocity_rules(texts: Iterable[str]) -> bool:
    """Tell whether these are rules."""
    try:
        velocity_rules_in(texts)
    except ValueError:
        return False
    return True


def _rule(text: str) -> VelocityRule:
    found = _FORM.fullmatch(text)
    if not found or found[1] not in _KINDS or found[4] not in _ACTIONS:
        raise ValueError(EXPECTED)
    rule = VelocityRule(_KINDS[found[1]], int(found[2]), int(found[3]), _ACTIONS[found[4]])
    if not (1 <= rule.most <= MAX_MOST and 1 <= rule.window_seconds <= MAX_WINDOW_SECONDS):
        raise ValueError(EXPECTED)
    return rule
