"""What is applied to a cluster: its objects, the pods among them, and what a pod's files and environment are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """The pods of one workload, which has one container."""

    name: str
    kind: str
    labels: Mapping[str, str]
    spec: Object
    environment: Mapping[str, str]
    folders: frozenset[str]
    """Where it has room to write, or looks at what others have written."""
    files: Mapping[PurePosixPath, str]
    """By the path where it is mounted, the Secret or ConfigMap whose files it holds."""

    @property
    def container(self) -> Object:
        """Its one container."""
        (found,) = self.spec["containers"]
        return dict(found)

    @property
    def component(self) -> str:
        """What it is to the service."""
        return self.labels["app.kubernetes.io/component"]

    @property
    def is_ours(self) -> bool:
        """Whether creditd is what it runs."""
        return "/creditd-gateway:" not in self.container["image"]

    def source_of(self, path: str) -> tuple[str, str] | None:
        """Return which Secret or ConfigMap a file is of, and its key there; None if none is mounted there."""
        file = PurePosixPath(path)
        return (self.files[file.parent], file.name) if file.parent in self.files else None


@dataclass(frozen=True)
class Installation:
    """All objects of an overlay and of its migration."""

    objects: list[Object]

    def of(self, kind: str) -> dict[str, Object]:
        """Return the objects of a kind, by name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    @property
    def pods(self) -> Iterator[Pod]:
        """The pods of each workload."""
        for one in self.objects:
            if one["kind"] in ("Deployment", "Job"):
                yield self._pod(one, one["spec"]["template"])
            elif one["kind"] == "CronJob":
                yield self._pod(one, one["spec"]["jobTemplate"]["spec"]["template"])

    def pod(self, component: str) -> Pod:
        """Return the pods of a component."""
        (found,) = (pod for pod in self.pods if pod.component == component)
        return found

    def _pod(self, owner: Object, template: Object) -> Pod:
        spec = template["spec"]
        (container,) = spec["containers"]
        environment = {one["name"]: one["value"] for one in container.get("env", [])}
        for source in container.get("envFrom", []):
            environment |= self.of("ConfigMap")[source["configMapRef"]["name"]]["data"]
        places = {mount["name"]: PurePosixPath(mount["mountPath"]) for mount in container["volumeMounts"]}
        files = {places[volume["name"]]: source for volume in spec["volumes"] if (source := _source(volume))}
        folders = frozenset(str(places[volume["name"]]) for volume in spec["volumes"] if not _source(volume))
        name, kind = owner["metadata"]["name"], owner["kind"]
        return Pod(name, kind, template["metadata"]["labels"], spec, environment, folders, files)


def _source(volume: Object) -> str:
    if "secret" in volume:
        return str(volume["secret"]["secretName"])
    return str(volume.get("configMap", {}).get("name", ""))
