"""The client's wheel needs gRPC and nothing of the service, and its README's lines run."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from runpy import run_path

import pytest

import creditd
from tests.support.customer import Customer
from tests.support.document_blocks import blocks_of

pytestmark = pytest.mark.requirement("H4")

ROOT = Path(__file__).parents[2]

README = ROOT / "src" / "credit_client" / "README.md"

IMPORTED = """
import sys
import credit_client
print(*sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names))
"""

NEEDED = {"credit", "credit_client", "google", "grpc"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the client's wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(["/bin/sh", ROOT / "tools" / "build_client.sh", folder], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.long
def test_it_has_the_services_version_and_its_own_needs(wheel: Path) -> None:
    assert wheel.name == f"credit_client-{creditd.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as files:
        (name,) = (name for name in files.namelist() if name.endswith("/METADATA"))
        metadata = files.read(name).decode()
        assert any(name.endswith("/licenses/LICENSE") for name in files.namelist())
        tops = {name.partition("/")[0] for name in files.namelist()}
    assert "License-Expression: Apache-2.0" in metadata
    assert tops == {"credit", "credit_client", name.partition("/")[0]}
    needs = {re.split(r"[>=<;\[ ]", line)[0] for line in re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)}
    assert needs == {
        "googleapis-common-protos", "grpcio", "protobuf", "creditd", "opentelemetry-api", "pytest",
    }  # fmt: skip
    always = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", metadata, re.MULTILINE)
    assert sorted(always) == ["googleapis-common-protos", "grpcio", "protobuf"]


def test_its_floors_are_those_of_the_generated_code() -> None:
    """As the service has them, which loads the same code."""
    ours, services = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
        for folder in (README.parent, ROOT)
    )
    assert set(ours) <= set(services)


@pytest.mark.long
def test_it_imports_grpc_and_nothing_else_that_is_not_pythons(wheel: Path, tmp_path: Path) -> None:
    """As it is installed, with the service out of reach."""
    with zipfile.ZipFile(wheel) as files:
        files.extractall(tmp_path)
    sources = {str(ROOT / "src"), str(ROOT / "generated" / "python")}
    program = f"sys.path[:] = [{str(tmp_path)!r}, *(path for path in sys.path if path not in {sources!r})]"
    program = f"import sys\n{program}\n{IMPORTED}"
    done = subprocess.run([sys.executable, "-I", "-c", program], check=True, capture_output=True, text=True)
    # gRPC has a look for its own other packages, such as grpc_health.
    imported = {name for name in done.stdout.split() if not name.startswith(("_", "cython_", "grpc_"))}
    assert imported - {"typing_extensions", "sitecustomize", "distutils"} == NEEDED, done.stdout


def test_the_lines_of_its_readme_run(customer: Customer, token: str, tmp_path: Path) -> None:
    (lines,) = (block.text for block in blocks_of(README) if block.language == "python")
    filled = lines.replace("127.0.0.1:50051", customer.service.address).replace('"..."', repr(token))
    filled = filled.replace('"ann"', repr(customer.account_id))
    program = tmp_path / "program.py"
    program.write_text(filled, encoding="utf-8")
    run_path(str(program))
    assert customer.figures() == (88, 0)
