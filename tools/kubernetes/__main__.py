"""Render each installation's manifests by kustomize, and hold them to Kubernetes' schemas, all without a cluster.

Run by the Python of .venv/kubernetes, which `make manifests` makes. Ends with 1 if one cannot be rendered or is not
valid.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import kubernetes_validate
import yaml

MANIFESTS: Final = Path(__file__).resolve().parent

KUSTOMIZE: Final = Path(sys.prefix) / "bin" / "kustomize"

VERSIONS: Final = ("1.36", "1.37")
"""Of Kubernetes: the two newest minor versions, as its schemas come."""


def installations(folder: Path) -> Iterator[Path]:
    """Give the folders that are applied: each overlay, and its migration."""
    for file in sorted((folder / "overlays").rglob("kustomization.yaml")):
        if yaml.safe_load(file.read_text(encoding="utf-8"))["kind"] == "Kustomization":
            yield file.parent


def rendered(folder: Path) -> list[dict[str, object]]:
    """Return the objects of an installation. Raises CalledProcessError."""
    done = subprocess.run([KUSTOMIZE, "build", folder], check=True, stdout=subprocess.PIPE)  # noqa: S603
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def faults(found: dict[str, object]) -> Iterator[str]:
    """Give in one line each what no version of Kubernetes here takes of an object; unknown fields too."""
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(map(str, error.path))
            yield f"{found['kind']} {found['metadata']['name']}: {where}: {error.message} (Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError as error:
            yield f"{found['kind']} {found['metadata']['name']}: {error.message} (Kubernetes {version})"


def main() -> int:
    """Render, validate, and write what was rendered as JSON where that is asked for."""
    arguments = argparse.ArgumentParser(prog="make manifests", description=__doc__)
    arguments.add_argument("--manifests", type=Path, default=MANIFESTS, help="another folder than this one")
    arguments.add_argument("--into", type=Path, help="a folder for what was rendered, a JSON file for each")
    asked = arguments.parse_args()
    bad = 0
    for folder in installations(asked.manifests):
        name = "-".join(folder.relative_to(asked.manifests / "overlays").parts)
        try:
            objects = rendered(folder)
        except subprocess.CalledProcessError:
            print(f"{name}: cannot be rendered", file=sys.stderr)
            return 1
        found = [fault for one in objects for fault in faults(one)]
        bad += len(found)
        for fault in found:
            print(f"{name}: {fault}", file=sys.stderr)
        print(f"{name}: {len(objects)} objects, {len(found)} faults", flush=True)
        if asked.into:
            (asked.into / f"{name}.json").write_text(json.dumps(objects), encoding="utf-8")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
