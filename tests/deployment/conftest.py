"""The manifests of each installation, rendered once."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.deployment.installation import ROOT, Installation

CHECK = (ROOT / ".venv" / "kubernetes" / "bin" / "python", ROOT / "tools" / "kubernetes")
"""What `make manifests-install` has installed, and what renders and validates with it."""


@pytest.fixture(scope="session")
def installations(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Installation]:
    """Return each overlay with its migration, rendered and valid, by its name."""
    folder = tmp_path_factory.mktemp("rendered")
    done = subprocess.run([*CHECK, "--into", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.json")):
        found.setdefault(file.stem.removesuffix("-migrate"), []).extend(json.loads(file.read_text(encoding="utf-8")))
    return {name: Installation(objects) for name, objects in found.items()}


@pytest.fixture(params=["production", "staging"])
def installation(request: pytest.FixtureRequest, installations: Mapping[str, Installation]) -> Installation:
    """Return an overlay with its migration."""
    return installations[request.param]


@pytest.fixture
def production(installations: Mapping[str, Installation]) -> Installation:
    """Return what takes money."""
    return installations["production"]
