"""An installation for production has no development part and none of its packages, and does all that it has to."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.support.ports import free_address
from tests.support.postgres import admin_url, create_database, drop_database, service_url
from tests.support.programs import Creditd
from tests.support.tokens import write_public_key

ROOT = Path(__file__).parents[2]
DATABASE = "creditd_production"

BLOCK = """import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocked())
"""
"""As sitecustomize.py it stands in for an environment that lacks these packages."""


def extra() -> set[str]:
    """Return the distributions that the extra ``development`` adds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {re.split(r"[><=\[]", line)[0] for line in project["optional-dependencies"]["development"]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a wheel as it is installed, with the extra's packages out of reach."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("src", "generated/python"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", source)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=source, check=True, capture_output=True)
    installed = folder / "installed"
    (built,) = folder.glob("*.whl")
    zipfile.ZipFile(built).extractall(installed)
    blocked = {name for name, owners in packages_distributions().items() if extra() & set(owners)}
    assert len(blocked) >= len(extra())
    (installed / "sitecustomize.py").write_text(BLOCK.format(blocked=blocked))
    return installed


@pytest.fixture(scope="module")
def image(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same without the development part, as the image has it."""
    folder = tmp_path_factory.mktemp("image") / "installed"
    shutil.copytree(wheel, folder)
    shutil.rmtree(folder / "creditd" / "development")
    return folder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Return an empty database."""
    yield create_database(admin_url(), DATABASE)
    drop_database(admin_url(), DATABASE)


def test_it_migrates_serves_and_takes_webhooks_without_the_development_part(
    image: Path, url: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a.b.c")
    address = free_address()
    program = Creditd(
        tmp_path,
        {
            "PYTHONPATH": str(image),
            "CREDITD_DATABASE_URL": url,
            "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
            "CREDITD_LISTEN": address,
            "CREDITD_METRICS_LISTEN": "",
            "CREDITD_DRAIN_SECONDS": "0",
            "CREDITD_WEBHOOKS_LISTEN": "127.0.0.1:0",
            "CREDITD_WEBHOOKS_SERVICE": address,
            "CREDITD_WEBHOOKS_TOKEN_FILE": str(token),
        },
    )
    assert program("migrate").returncode == 0
    program.settings["CREDITD_DATABASE_URL"] = service_url(url)
    with program.started("serve") as serving, program.started("webhooks") as adapter:
        serving.says('"listening"')
        adapter.says("listening for webhooks")
        called = program("call", "GetBalance", '{"account_id": "ann"}')
        assert "UNAUTHENTICATED" in called.stderr
        assert "give one with --token" in called.stderr
        assert (adapter.stop(), serving.stop()) == (0, 0)


@pytest.mark.parametrize("command", ["run", "demo", "token", "certs"])
def test_a_command_of_development_says_in_one_line_which_extra_is_missing(
    command: str, image: Path, tmp_path: Path
) -> None:
    done = Creditd(tmp_path, {"PYTHONPATH": str(image)})(command)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'creditd[development]'" in done.stderr


def test_run_says_so_too_where_only_the_packages_are_missing(wheel: Path, tmp_path: Path) -> None:
    done = Creditd(tmp_path, {"PYTHONPATH": str(wheel)})("run")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install 'creditd[development]'" in done.stderr


def test_the_image_has_neither_the_part_nor_its_packages() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"rm -r \S+/site-packages/creditd/development\b", dockerfile)
    locked = re.findall(r"^([\w.-]+)(?:\[.*\])?==", (ROOT / "requirements-runtime.lock").read_text(), re.MULTILINE)
    assert "requirements-runtime.lock" in dockerfile
    assert not extra() & set(locked)
