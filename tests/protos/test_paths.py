"""The paths of RPCs over HTTP: what the gateway relies on in every one of them (docs/decisions/0063)."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from google.protobuf.descriptor import MethodDescriptor

from credit.v1 import (
    admin_service_pb2,
    credit_service_pb2,
    payment_admin_service_pb2,
    payment_service_pb2,
    promo_service_pb2,
    workflow_service_pb2,
)
from tests.support.rules import path_of

pytestmark = pytest.mark.requirement("H5")

ROOT: Final = Path(__file__).parents[2]
CONFIGURATION: Final = ROOT / "tools" / "gateway" / "envoy.yaml"
DESCRIPTION: Final = ROOT / "generated" / "gateway" / "openapi.json"

FILES: Final = (
    admin_service_pb2,
    credit_service_pb2,
    payment_admin_service_pb2,
    payment_service_pb2,
    promo_service_pb2,
    workflow_service_pb2,
)

WHOLE: Final = ("CreditService", "PaymentService", "PromoService", "WorkflowService")
"""Services of which every RPC has a path."""


def methods() -> Iterator[MethodDescriptor]:
    """Yield the RPCs of the services that the gateway serves."""
    for file in FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def paths() -> Mapping[str, Any]:
    """Return the rules of the RPCs that have a path, by their names."""
    found = {method.full_name: path_of(method) for method in methods()}
    return {name: rule for name, rule in found.items() if rule is not None}


def test_whatever_applications_and_owners_call_has_a_path() -> None:
    known = paths()
    missing = [
        one.full_name for one in methods() if one.containing_service.name in WHOLE and one.full_name not in known
    ]
    assert missing == []


def test_what_acts_is_a_post_or_an_update_with_a_request_id() -> None:
    """By it a second try is done once, and the gateway makes one by itself. The items of a batch have their own."""
    for method in methods():
        rule = path_of(method)
        if rule is None:
            continue
        acts = "request_id" in method.input_type.fields_by_name
        is_batch = bool(re.search(r":batch[A-Z][a-z]+$", rule.post))
        is_update = method.name.startswith("Update")
        assert bool(rule.patch) == is_update, method.full_name
        assert bool(rule.post or rule.patch) == (acts or is_batch), method.full_name
        assert not (acts and is_batch), f"{method.full_name}: tools/gateway/rest.lua has batches go without a key"
        assert rule.body == ("" if rule.get else "*"), method.full_name
        assert rule.WhichOneof("pattern") in ("get", "post", "patch"), method.full_name


def test_no_two_rpcs_have_one_path() -> None:
    found = Counter((rule.WhichOneof("pattern"), rule.get or rule.post or rule.patch) for rule in paths().values())
    assert [one for one, times in found.items() if times > 1] == []


def test_paths_are_versioned_and_in_the_style_of_names() -> None:
    for name, rule in paths().items():
        path = rule.get or rule.post or rule.patch
        assert path.startswith("/v1/"), name
        assert re.fullmatch(r"[A-Za-z0-9/*{}=_.:]+", path), name
        assert not re.search(r"[/=][A-Z]|:[A-Z]", path), name


def test_envoy_serves_the_services_that_have_paths() -> None:
    listed = re.findall(r"^ +- credit\.v1\.(\w+)$", CONFIGURATION.read_text(encoding="utf-8"), re.MULTILINE)
    assert listed == sorted({method.rpartition(".")[0].rpartition(".")[2] for method in paths()})


def test_each_path_is_described_and_nothing_else() -> None:
    described = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    operations = [operation["operationId"] for verbs in described.values() for operation in verbs.values()]
    assert sorted(operations) == sorted(name.rpartition(".")[2] for name in paths())


def test_what_acts_is_described_with_its_key() -> None:
    described = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["paths"]
    for path, verbs in described.items():
        for verb, operation in verbs.items():
            keyed = "Idempotency-Key" in [parameter["name"] for parameter in operation["parameters"]]
            assert keyed == (verb != "get" and ":batch" not in path), path
            assert operation["summary"], path
            assert operation["responses"]["200"]["description"], path


def test_the_configuration_names_every_placeholder_in_its_head() -> None:
    head, body = CONFIGURATION.read_text(encoding="utf-8").split("\nadmin:\n")
    used = set(re.findall(r"\$([A-Z_]+)", body))
    assert used == set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b(?=,|  )", head)) & used
    starter = CONFIGURATION.with_name("__main__.py").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^ +([A-Z_]+)=", starter, re.MULTILINE))
