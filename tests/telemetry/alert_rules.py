"""What Prometheus and Grafana are given: the rules, their cases and the dashboard, as they are in tools/monitoring."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

MONITORING: Final = Path(__file__).parents[2] / "tools" / "monitoring"

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_SELECTOR: Final = re.compile(r"\{[^{}]*\}|\[[^\]]*\]")
_NAME: Final = re.compile(r"(?<![\w:$.])[a-zA-Z_:][\w:]*(?!\w*\s*\()")
_WORDS: Final = frozenset({"and", "or", "unless", "offset", "bool", "inf", "nan"})


class Rule(NamedTuple):
    """An alert, or what is recorded under a name."""

    name: str
    expression: str
    is_alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]


@cache
def rules() -> tuple[Rule, ...]:
    """Return all rules."""
    return tuple(_rules())


def _rules() -> Iterator[Rule]:
    for file in sorted((MONITORING / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                name = rule.get("alert") or rule["record"]
                labels, annotations = rule.get("labels", {}), rule.get("annotations", {})
                yield Rule(name, rule["expr"], "alert" in rule, labels, annotations)


def alerts() -> dict[str, Rule]:
    """Return the alerts, by name."""
    return {rule.name: rule for rule in rules() if rule.is_alert}


def cases() -> Iterator[dict[str, Any]]:
    """Yield the cases of rules, as promtool reads them."""
    for file in sorted((MONITORING / "cases").glob("*.yaml")):
        yield from yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard that show something."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> list[str]:
    """Return all queries of the dashboard, those of its variables and annotations too."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))
    shown = [target["expr"] for panel in panels() for target in panel["targets"]]
    asked = [variable["definition"] for variable in dashboard["templating"]["list"] if "definition" in variable]
    named = [re.sub(r"label_values\((.*), \w+\)", r"\1", query) for query in asked]
    return [*shown, *named, *(note["expr"] for note in dashboard["annotations"]["list"])]


def metrics_in(expression: str) -> set[str]:
    """Return the names of the series that an expression of PromQL asks for."""
    plain = _STRING.sub('""', expression)
    plain = _SELECTOR.sub(" ", _GROUPING.sub(" ", plain))
    return {name for name in _NAME.findall(plain) if name not in _WORDS}
