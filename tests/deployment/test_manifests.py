"""What is applied is valid, and runs in the way that the page says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import creditd
from creditd.config import Config
from creditd.telemetry import ledger_metrics
from tests.deployment.conftest import CHECK
from tests.deployment.installation import ROOT, Installation, Pod

pytestmark = [pytest.mark.manifests, pytest.mark.requirement("I5")]


def spoiled(folder: Path, file: str, good: str, bad: str) -> str:
    """Change the manifests in one place, and return what is said of them."""
    manifests = folder / "kubernetes"
    shutil.copytree(ROOT / "tools" / "kubernetes", manifests)
    text = (manifests / file).read_text(encoding="utf-8")
    assert good in text
    (manifests / file).write_text(text.replace(good, bad, 1), encoding="utf-8")
    done = subprocess.run([*CHECK, "--manifests", manifests], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize(
    ("file", "good", "bad", "said"),
    [
        (
            "base/server.yaml",
            "minReadySeconds",
            "minReadySecond",
            "Deployment creditd-server: .*'minReadySecond' was unexpected",
        ),
        (
            "base/server.yaml",
            "maxReplicas: 20",
            "maxReplicas: many",
            "HorizontalPodAutoscaler creditd-server: spec.maxReplicas",
        ),
        (
            "base/policies.yaml",
            "policyTypes: [Egress]",
            "policyTypes: Egress",
            "NetworkPolicy creditd-names: spec.policyTypes",
        ),
        ("base/webhooks.yaml", "policy/v1", "policy/v9", "PodDisruptionBudget creditd-webhooks"),
        ("base/kustomization.yaml", "- gateway.yaml", "- gate.yaml", "production: cannot be rendered"),
    ],
    ids=["unknown field", "wrong type", "no list", "unknown version", "no file"],
)
def test_what_kubernetes_would_refuse_is_refused_without_it(
    tmp_path: Path, file: str, good: str, bad: str, said: str
) -> None:
    assert re.search(said, spoiled(tmp_path, file, good, bad))


def test_every_pod_is_as_the_restricted_standard_has_it_and_cannot_write(installation: Installation) -> None:
    (namespace,) = {id(one): one for one in installation.of("Namespace").values()}.values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in installation.pods:
        of_pod, of_container = pod.spec["securityContext"], pod.container["securityContext"]
        assert (of_pod["runAsNonRoot"], of_pod["runAsUser"], of_pod["fsGroup"]) == (True, 10001, 10001), pod.name
        assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert of_container["readOnlyRootFilesystem"] is True
        assert of_container["allowPrivilegeEscalation"] is False
        assert of_container["capabilities"] == {"drop": ["ALL"]}
        assert pod.spec["automountServiceAccountToken"] is False
        assert pod.spec["serviceAccountName"] in installation.of("ServiceAccount")


def test_every_pod_says_what_it_needs_and_what_it_may_take(installation: Installation) -> None:
    for pod in installation.pods:
        resources = pod.container["resources"]
        assert resources["requests"].keys() == resources["limits"].keys() == {"cpu", "memory"}, pod.name


def test_images_are_of_this_version(installation: Installation) -> None:
    tags = {pod.container["image"].rpartition(":")[2] for pod in installation.pods}
    assert tags == {creditd.__version__}


def test_all_is_in_one_namespace(installation: Installation) -> None:
    (namespace,) = installation.of("Namespace")
    there = {one["metadata"].get("namespace") for one in installation.objects if one["kind"] != "Namespace"}
    assert there == {namespace}


def test_a_backup_is_made_each_night_and_a_drill_each_week_and_neither_twice_at_once(production: Installation) -> None:
    jobs = production.of("CronJob")
    assert {name: job["spec"]["schedule"].split()[2:] for name, job in jobs.items()} == {
        "creditd-backup": ["*", "*", "*"],
        "creditd-drill": ["*", "*", "0"],
    }
    assert {job["spec"]["concurrencyPolicy"] for job in jobs.values()} == {"Forbid"}


def test_servers_only_look_at_backups_that_jobs_make(production: Installation) -> None:
    server = production.pod("server")
    assert server.environment["CREDITD_BACKUP_HOURS"] == "0"
    (mount,) = (one for one in server.container["volumeMounts"] if one["mountPath"] == "/backups")
    assert mount["readOnly"] is True


def commands(pod: Pod) -> list[list[str]]:
    """Return the commands of a pod's probes."""
    names = ("startupProbe", "readinessProbe", "livenessProbe")
    return [pod.container[name]["exec"]["command"] for name in names if "exec" in pod.container[name]]


def test_every_server_is_probed_and_a_lost_database_kills_none(installation: Installation) -> None:
    alive, ready = ["creditd", "health", "--alive"], ["creditd", "health"]
    assert commands(installation.pod("server")) == [alive, ready, alive]
    for component in ("webhooks", "console", "gateway"):
        pod = installation.pod(component)
        assert pod.container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": "https", "scheme": "HTTPS"}
        assert {"livenessProbe", "readinessProbe"} <= pod.container.keys()


def test_ports_are_those_that_the_settings_listen_on(installation: Installation) -> None:
    for pod in installation.pods:
        listened = [value for name, value in pod.environment.items() if name.endswith("_LISTEN")]
        ports = [port["containerPort"] for port in pod.container.get("ports", [])]
        if pod.is_ours:
            assert ports == [int(address.rpartition(":")[2]) for address in listened], pod.name


def test_every_service_leads_to_a_port_of_its_pods(installation: Installation) -> None:
    for name, service in installation.of("Service").items():
        pod = installation.pod(service["spec"]["selector"]["app.kubernetes.io/component"])
        named = {port["name"] for port in pod.container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named, name


def test_whoever_calls_a_server_learns_of_all_of_them(installation: Installation) -> None:
    assert installation.of("Service")["creditd"]["spec"]["clusterIP"] == "None"


def test_servers_are_2_to_20_by_processor_and_queue(production: Installation) -> None:
    scaler = production.of("HorizontalPodAutoscaler")["creditd-server"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 20)
    resource, pods = scaler["metrics"]
    assert resource["resource"]["name"] == "cpu"
    metric = pods["pods"]["metric"]["name"]
    assert f'"{metric}"' in Path(ledger_metrics.__file__).read_text(encoding="utf-8")


def test_who_is_scaled_has_no_number_in_its_deployment(installation: Installation) -> None:
    """Else each release would bring the number back."""
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in installation.of("HorizontalPodAutoscaler").values()}
    for name, deployment in installation.of("Deployment").items():
        assert ("replicas" in deployment["spec"]) is (name not in scaled)
        assert deployment["spec"].get("replicas", 2) >= 2


def test_a_node_that_is_emptied_takes_one_pod_of_each_at_a_time(installation: Installation) -> None:
    budgets = installation.of("PodDisruptionBudget")
    for name, deployment in installation.of("Deployment").items():
        assert budgets[name]["spec"]["maxUnavailable"] == 1
        assert budgets[name]["spec"]["selector"] == deployment["spec"]["selector"]


def test_pods_are_spread_over_zones_and_nodes(installation: Installation) -> None:
    for name, deployment in installation.of("Deployment").items():
        spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        keys = [one["topologyKey"] for one in spread]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"], name
        assert all(one["labelSelector"] == deployment["spec"]["selector"] for one in spread)


def test_a_rollout_takes_no_server_away_before_another_is_ready(installation: Installation) -> None:
    for deployment in installation.of("Deployment").values():
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_nobody_is_killed_who_is_still_ending_in_order(installation: Installation) -> None:
    for pod in installation.pods:
        if pod.kind == "Deployment":
            defaults = Config()
            drain = float(pod.environment.get("CREDITD_DRAIN_SECONDS", defaults.drain_seconds))
            grace = float(pod.environment.get("CREDITD_SHUTDOWN_GRACE_SECONDS", defaults.shutdown_grace_seconds))
            before = pod.container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
            ending = drain + grace if pod.is_ours else 0
            assert pod.spec["terminationGracePeriodSeconds"] > before + ending, pod.name


def test_servers_have_as_many_connections_as_the_page_says(production: Installation) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    most = production.of("HorizontalPodAutoscaler")["creditd-server"]["spec"]["maxReplicas"]
    pool = int(production.pod("server").environment.get("CREDITD_DATABASE_POOL_SIZE", Config().database_pool_size))
    assert f"| {pool} | {most * pool} | {(most + 1) * pool} |" in page
