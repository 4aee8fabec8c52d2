"""What a server runs is listed with its licences, and what nobody has allowed or looked up is no good news."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from tests.deployment.installation import ROOT
from tools.vulnerabilities import NOT_ASKED, VULNERABLE, told

pytestmark = [pytest.mark.licences, pytest.mark.requirement("I5")]

PYTHON = ROOT / ".venv" / "audit" / "bin" / "python"

BILL = ROOT / "dist" / "creditd.cdx.json"
"""What `make licences` writes before it runs these tests."""

LOCK = ROOT / "requirements-runtime.lock"


def reported(bill: Path) -> tuple[int, str, str]:
    """Return how the report of a bill of materials ends, and what it says."""
    done = subprocess.run([PYTHON, "tools/licences.py", bill], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def written(folder: Path, *licences: dict[str, Any]) -> Path:
    """Write a bill of one package with these licences."""
    file = folder / "bill.json"
    component = {"name": "somebodys", "version": "1.2", "licenses": list(licences)}
    file.write_text(json.dumps({"components": [component]}), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ({"license": {"id": "MIT"}}, True),
        ({"expression": "MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)"}, True),
        ({"license": {"name": "License :: OSI Approved :: BSD License"}}, True),
        ({"license": {"id": "AGPL-3.0-only"}}, False),
        ({"expression": "MIT AND GPL-2.0-only"}, False),
        ({"expression": "Apache-2.0 WITH Classpath-exception-2.0"}, False),
        ({"license": {"name": "Free for whoever likes me"}}, False),
        ({"license": {"name": ""}}, False),
    ],
)
def test_a_licence_is_refused_unless_it_is_allowed(tmp_path: Path, licence: dict[str, Any], is_allowed: bool) -> None:  # noqa: FBT001
    code, _, err = reported(written(tmp_path, licence))
    assert code == (0 if is_allowed else 1), err
    assert ("somebodys: " in err) is not is_allowed


def test_a_package_that_declares_none_is_refused(tmp_path: Path) -> None:
    code, out, err = reported(written(tmp_path))
    assert (code, out.split()) == (1, ["somebodys", "1.2", "declares", "none"])
    assert err == "somebodys: declares none: not among the licences that are allowed (tools/licences.py)\n"


def test_a_bill_of_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bill.json").write_text('{"components": []}')
    assert reported(tmp_path / "bill.json")[0] == 1


def test_all_that_a_server_runs_is_allowed() -> None:
    code, out, err = reported(BILL)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(json.loads(BILL.read_text(encoding="utf-8"))["components"])


def normal(name: str) -> str:
    """Return a package's name as indexes have it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_bill_has_what_the_lock_pins_and_all_that_the_project_asks_for() -> None:
    bill = json.loads(BILL.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    listed = {normal(one["name"]): Version(one["version"]) for one in bill["components"]}
    locked = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    pinned = {name: Version(version) for name, version in locked}
    assert listed.items() <= pinned.items()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = project["dependencies"] + project["optional-dependencies"]["otel"]
    assert {normal(re.split(r"[\[>]", one)[0]) for one in asked} <= listed.keys()


@pytest.mark.parametrize(
    ("package", "begins"),
    [("protobuf", "Redistribution and use in source"), ("uharfbuzz", "Version 2.0, January 2004")],
)
def test_what_somebody_has_read_stands_in_the_wheel(package: str, begins: str) -> None:
    (file,) = (ROOT / ".venv/audit/runtime").glob(f"lib/*/site-packages/{package}-[0-9]*.dist-info/**/LICENSE")
    assert begins in file.read_text(encoding="utf-8")


FOUND = {"name": "somebodys", "version": "1.2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.3"]}]}

FINE = {"name": "another", "version": "2.0", "vulns": []}

SKIPPED = {"name": "missed", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "code", "said"),
    [
        ([FINE], 0, ""),
        ([FINE, FOUND], VULNERABLE, "somebodys 1.2: PYSEC-1, fixed in 1.3\n"),
        ([FINE, SKIPPED], NOT_ASKED, "1 of 2 packages could not be looked up at pypi"),
        ([SKIPPED, FOUND], VULNERABLE, "1 of 2 packages could not be looked up at pypi"),
        ([], NOT_ASKED, "0 of 0 packages"),
    ],
)
def test_an_audit_tells_what_is_vulnerable_and_what_was_not_looked_up(
    found: list[dict[str, Any]], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(found, "pypi") == code
    assert said in capsys.readouterr().err


def test_an_audit_that_reaches_nobody_says_so_and_fails() -> None:
    away = os.environ | {
        "HTTPS_PROXY": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
        "NO_PROXY": "",
        "no_proxy": "",
    }
    done = subprocess.run(
        [PYTHON, "tools/vulnerabilities.py", LOCK, "--service", "osv"],
        cwd=ROOT,
        env=away,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == NOT_ASKED
    assert "nobody was asked" in done.stderr or "could not be looked up" in done.stderr
