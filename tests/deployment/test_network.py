"""Who may talk to whom: all pairs, and no other than those of docs/deploy.md."""

import pytest

from tests.deployment.installation import Installation
from tests.deployment.network import Network, Place

pytestmark = [pytest.mark.manifests, pytest.mark.requirement("I5", "I7")]

HOME = {"kubernetes.io/metadata.name": "credit"}

PORTS = {
    50051: "grpc",
    9464: "metrics",
    8443: "https",
    8080: "https",
    8081: "https",
    5432: "",
    6379: "",
    443: "",
    53: "",
    22: "",
}

OUTSIDE = {
    "caller": Place(namespace={"creditd.example/callers": "true"}),
    "proxy": Place(namespace={"creditd.example/proxies": "true"}),
    "monitoring": Place(namespace={"creditd.example/monitoring": "true"}),
    "stranger": Place(labels={"app.kubernetes.io/component": "gateway"}, namespace={"team": "another"}),
    "names": Place({"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"}),
    "database": Place(address="10.20.0.7"),
    "redis": Place(address="10.20.1.7"),
    "provider": Place(address="198.51.100.7"),
    "neighbour": Place(address="10.99.0.7"),
    "metadata service": Place(address="169.254.169.254"),
}

LISTENS = {
    "server": {50051, 9464},
    "gateway": {8443},
    "webhooks": {8080},
    "console": {8081},
}

ALLOWED = {
    ("caller", "server", 50051),
    ("gateway", "server", 50051),
    ("webhooks", "server", 50051),
    ("console", "server", 50051),
    ("monitoring", "server", 9464),
    ("proxy", "gateway", 8443),
    ("proxy", "webhooks", 8080),
    ("proxy", "console", 8081),
    ("server", "database", 5432),
    ("migrate", "database", 5432),
    ("backup", "database", 5432),
    ("server", "redis", 6379),
    ("server", "provider", 443),
    *((name, "names", 53) for name in ("server", "gateway", "webhooks", "console", "migrate", "backup", "drill")),
}


def places(installation: Installation) -> dict[str, Place]:
    """Return each kind of pod of ours, and what is outside."""
    pods = {pod.component: Place(pod.labels, HOME) for pod in installation.pods}
    return {**pods, "another pod": Place({"app": "another"}, HOME), **OUTSIDE}


def test_all_pairs_are_as_the_page_has_them(production: Installation) -> None:
    network = Network(list(production.of("NetworkPolicy").values()), HOME)
    there = places(production)
    ours = there.keys() - OUTSIDE.keys()
    found = {
        (sender, receiver, port)
        for sender, one in there.items()
        for receiver, other in there.items()
        for port, name in PORTS.items()
        # What others say among themselves is theirs.
        if {sender, receiver} & ours
        # A port by its name is one that the pod listens on.
        and network.allows(one, other, port, name if port in LISTENS.get(receiver, ()) else "")
    }
    assert found == ALLOWED


def test_a_policy_is_for_pods_that_there_are(installation: Installation) -> None:
    components = {pod.component for pod in installation.pods}
    for name, policy in installation.of("NetworkPolicy").items():
        selector = policy["spec"]["podSelector"]
        named = {selector.get("matchLabels", {}).get("app.kubernetes.io/component")} - {None}
        named |= {value for one in selector.get("matchExpressions", []) for value in one["values"]}
        assert named <= components, name
