"""docs/deploy.md: what it has people make is what the manifests mount, and its commands run."""

import json
import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deployment.installation import ROOT, Installation
from tests.support.document_blocks import blocks_of

pytestmark = [pytest.mark.manifests, pytest.mark.requirement("I5", "I7")]

DOCUMENT = ROOT / "docs" / "deploy.md"

OF_OTHERS = (
    "database-ca.crt",
    "webhooks-token",
    "stripe-api-key",
    "stripe-webhook-secrets",
    "omise-secret-key",
    "omise-webhook-secrets",
    "lemonsqueezy-api-key",
    "lemonsqueezy-webhook-secrets",
    "redis-url",
    "redis-ca.crt",
    "token-key.pem",
    "ca.crt",
    *(f"{name}.{kind}" for name in ("server", "gateway", "webhooks", "console") for kind in ("crt", "key")),
)
"""Files in the folder of secrets that the reader has from somebody else."""

KUBECTL = """#!/bin/sh
# There is no cluster: what it would be asked is noted, and what is to be read has to be there.
for argument in "$@"; do
    case $argument in
        --from-file=*=*) test -s "${argument#--from-file=*=}" ;;
        --cert=* | --key=*) test -s "${argument#*=}" ;;
        tools/*) test -e "$argument" ;;
    esac || { echo "there is no $argument" >&2; exit 1; }
done
printf '%s\\n' "$*" >>asked
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Run the page's commands in order; return what a cluster would have been asked."""
    folder = tmp_path_factory.mktemp("deploying")
    (folder / "tools").symlink_to(ROOT / "tools")
    (folder / "bin").mkdir()
    (folder / "bin" / "kubectl").write_text(KUBECTL)
    (folder / "bin" / "kubectl").chmod(0o755)
    text = "".join(block.text for block in blocks_of(DOCUMENT) if block.language == "sh")
    first, rest = text.split("\n", 1)
    given = "\n".join(f"echo given > secrets/{name}" for name in OF_OTHERS)
    done = subprocess.run(
        ["/bin/sh", "-euc", f"{first}\n{given}\n{rest}"],
        cwd=folder,
        env=os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (folder / "asked").read_text(encoding="utf-8").splitlines()


def made(asked: list[str]) -> Mapping[str, set[str]]:
    """Return the Secrets and ConfigMaps that the page makes, with their keys."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in asked:
        if maker := re.match(r"create (?:secret generic|secret tls|configmap) (\S+)(.*)", line):
            keys = re.findall(r"--from-file=([^=]+)=", maker[2])
            found[maker[1]] |= set(keys or ("tls.crt", "tls.key"))
    return found


def mounted(production: Installation) -> Mapping[str, set[str]]:
    """Return the Secrets and ConfigMaps that pods mount, with the keys that they read."""
    found: dict[str, set[str]] = defaultdict(set)
    for pod in production.pods:
        for value in pod.environment.values():
            if source := pod.source_of(value):
                found[source[0]].add(source[1])
            if value.endswith(("/database-url", "/backup-database-url")):
                # The URL itself names it.
                found[source[0] if source else ""].add("database-ca.crt")
        for volume in pod.spec["volumes"]:
            for one in volume.get("projected", {}).get("sources", []):
                (kind,) = one.values()
                found[kind["name"]] |= {item["key"] for item in kind["items"]}
    return found


def test_it_makes_every_secret_that_is_mounted_and_no_other(asked: list[str], production: Installation) -> None:
    assert made(asked) == mounted(production)


def test_the_migration_is_applied_and_waited_for_before_the_servers(asked: list[str]) -> None:
    order = [line for line in asked if "overlays/production" in line or line.startswith("wait")]
    assert [line.split()[-1] for line in order] == [
        "tools/kubernetes/overlays/production/release/namespace.yaml",
        "tools/kubernetes/overlays/production/migrate",
        "job/creditd-migrate",
        "tools/kubernetes/overlays/production",
    ]


def test_databases_are_known_by_their_certificates() -> None:
    text = "".join(block.text for block in blocks_of(DOCUMENT) if block.language == "sh")
    assert "sslmode=verify-full&sslrootcert=/run/secrets/creditd/database-ca.crt" in text
    assert all(url.endswith("?$tls") for url in re.findall(r'"(postgresql://[^"]+)"', text))


def test_namespaces_are_labelled_as_the_policies_want_them(asked: list[str], production: Installation) -> None:
    wanted = set(re.findall(r"creditd\.example/\w+", json.dumps(list(production.of("NetworkPolicy").values()))))
    assert {line.split()[-1].partition("=")[0] for line in asked if line.startswith("label namespace")} == wanted


def test_the_rule_gives_the_metric_that_servers_are_scaled_by(production: Installation) -> None:
    (block,) = (block for block in blocks_of(DOCUMENT) if block.language == "json")
    (rule,) = json.loads(block.text)["rules"]
    _, pods = production.of("HorizontalPodAutoscaler")["creditd-server"]["spec"]["metrics"]
    assert rule["seriesQuery"].startswith(pods["pods"]["metric"]["name"] + "{")


def test_every_component_is_in_a_rendered_installation() -> None:
    """Else nothing would hold it to anything."""
    overlay = (Path(ROOT) / "tools/kubernetes/overlays/production/kustomization.yaml").read_text(encoding="utf-8")
    for folder in (ROOT / "tools" / "kubernetes" / "components").iterdir():
        assert f"../../components/{folder.name}\n" in overlay
