"""Who may talk to whom by the network policies of a namespace, as Kubernetes reads them."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Rule = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A pod by its labels and those of its namespace, or an address outside of the cluster."""

    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class Network:
    """The policies of the namespace whose labels are ``home``."""

    policies: list[Rule]
    home: Mapping[str, str]

    def allows(self, sender: Place, receiver: Place, port: int, name: str = "") -> bool:
        """Tell whether a connection is let out by its sender's policies, and in by its receiver's."""
        return self._direction("Egress", sender, receiver, port, name) and self._direction(
            "Ingress", receiver, sender, port, name
        )

    def _direction(self, direction: str, owner: Place, other: Place, port: int, name: str) -> bool:
        if owner.address or owner.namespace != self.home:
            # Policies of others are theirs.
            return True
        bound = [
            one["spec"]
            for one in self.policies
            if direction in one["spec"]["policyTypes"] and matches(one["spec"]["podSelector"], owner.labels)
        ]
        peers = "to" if direction == "Egress" else "from"
        rules = [rule for spec in bound for rule in spec.get(direction.lower(), [])]
        return not bound or any(
            any(self._is_peer(peer, other) for peer in rule[peers])
            and any(one["port"] in (port, name) for one in rule["ports"])
            for rule in rules
        )

    def _is_peer(self, peer: Rule, other: Place) -> bool:
        if "ipBlock" in peer:
            return bool(other.address) and within(peer["ipBlock"], other.address)
        if other.address:
            return False
        if "namespaceSelector" in peer:
            is_there = matches(peer["namespaceSelector"], other.namespace)
        else:
            is_there = other.namespace == self.home
        return is_there and matches(peer.get("podSelector", {}), other.labels)


def within(block: Rule, address: str) -> bool:
    """Tell whether an address is in a block of addresses."""
    ip = ipaddress.ip_address(address)
    return ip in ipaddress.ip_network(block["cidr"]) and not any(
        ip in ipaddress.ip_network(one) for one in block.get("except", [])
    )


def matches(selector: Rule, labels: Mapping[str, str]) -> bool:
    """Tell whether labels are those that a selector wants; an empty one wants none."""
    wanted = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    for one in selector.get("matchExpressions", []):
        assert one["operator"] == "In"
        wanted = wanted and labels.get(one["key"]) in one["values"]
    return wanted
