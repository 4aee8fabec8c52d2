"""Rules and dashboard ask for what a server really exposes, and every alert has its case and its section."""

import re
import urllib.request
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.patience import patience
from tests.support.ports import free_address
from tests.support.programs import Creditd
from tests.support.tokens import write_public_key
from tests.telemetry.alert_rules import alerts, cases, metrics_in, panels, queries, rules

RUNBOOK: Final = Path(__file__).parents[2] / "docs" / "alerts.md"

PROMETHEUS_OWN: Final = {"up", "ALERTS"}
"""Series that Prometheus makes by itself."""

SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}

ACCOUNT_LIKE: Final = re.compile(r"account|user|subject|peer|customer|email|correlation|request|wallet|owner")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the metrics of a server with all that is optional, as it serves them without a database."""
    folder = tmp_path_factory.mktemp("metrics")
    address = free_address()
    (folder / "backups").mkdir()
    settings = {
        "CREDITD_DATABASE_URL": f"postgresql://nobody@{free_address()}/none",
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": address,
        "CREDITD_BACKUP_FOLDER": str(folder / "backups"),
        "CREDITD_BACKUP_HOURS": "0",
    }
    with Creditd(folder, settings).started("serve") as server:
        server.says('"message":"listening"')
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=patience(20)) as answer:
            return str(answer.read().decode())


def exposed(page: str) -> set[str]:
    """Return the names of the series that a page has or, where something has to happen first, will have."""
    names: set[str] = set()
    for family in text_string_to_metric_families(page):
        names.update(family.name + suffix for suffix in SUFFIXES.get(family.type, ("",)))
        names.update(sample.name for sample in family.samples)
    return names


@pytest.mark.requirement("I4")
def test_rules_and_dashboard_ask_for_what_there_is(page: str) -> None:
    there = exposed(page) | {rule.name for rule in rules() if not rule.is_alert} | PROMETHEUS_OWN
    asked = {query: metrics_in(query) for query in (*queries(), *(rule.expression for rule in rules()))}
    assert {query: missing for query, names in asked.items() if (missing := names - there)} == {}
    assert all(asked.values())


@pytest.mark.requirement("I4")
def test_each_metric_of_ours_is_on_the_dashboard_or_in_a_rule(page: str) -> None:
    """What nobody looks at need not be counted."""
    asked = set().union(*map(metrics_in, (*queries(), *(rule.expression for rule in rules()))))
    families = [family for family in text_string_to_metric_families(page) if family.name.startswith("creditd_")]
    unseen = {
        family.name
        for family in families
        if not asked & {family.name + suffix for suffix in SUFFIXES.get(family.type, ("",))}
    }
    assert unseen == UNSEEN.keys()


UNSEEN: Final[dict[str, str]] = {}
"""Metrics that no rule and no panel shows, each with its reason."""


@pytest.mark.requirement("I4")
def test_no_label_is_of_an_account_or_of_what_callers_make_up(page: str) -> None:
    labels = {
        (family.name, label)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        for label in sample.labels
    }
    assert labels
    assert [found for found in labels if ACCOUNT_LIKE.search(found[1])] == []


@pytest.mark.requirement("I4")
def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    headings = re.findall(r"^### (\S+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(alerts())
    assert {
        alert.name: link
        for alert in alerts().values()
        if (link := alert.annotations["runbook_url"]) != f"docs/alerts.md#{alert.name.lower()}"
    } == {}


def test_each_alert_says_how_urgent_it_is_and_what_it_is_about() -> None:
    for alert in alerts().values():
        assert alert.labels["severity"] in {"critical", "warning"}, alert.name
        assert alert.annotations["summary"], alert.name
        assert alert.annotations["description"].endswith("."), alert.name


@pytest.mark.requirement("I4")
def test_each_alert_has_a_case_in_which_it_fires_beside_series_on_which_it_does_not() -> None:
    fires: set[str] = set()
    is_quiet: set[str] = set()
    for case in cases():
        for tested in case["alert_rule_test"]:
            fires.update({tested["alertname"]} if tested["exp_alerts"] else ())
            is_quiet.update({tested["alertname"]} if not tested["exp_alerts"] else ())
    assert fires == set(alerts())
    # One that needs no time to fire is quiet on the other series of its case.
    assert alerts().keys() - is_quiet == {"CreditdCertificateEnded"}


def test_names_are_used_once() -> None:
    names = [rule.name for rule in rules()]
    assert len(names) == len(set(names))
    titles = [panel["title"] for panel in panels()]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (job, le) (rate(a_total{code=~"b|c"}[5m])) > 0.2 * b:c', {"a_total", "b:c"}),
        ("max by (job) (a != 0) < time() - 26 * 3600", {"a"}),
        ('a{b="c"} unless a offset 10m and on (job) d', {"a", "d"}),
        ("histogram_quantile(0.99, sum(rate(a_bucket[$__rate_interval])))", {"a_bucket"}),
    ],
)
def test_the_metrics_of_an_expression_are_found(expression: str, names: set[str]) -> None:
    assert metrics_in(expression) == names
