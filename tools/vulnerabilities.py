"""Ask a database of vulnerabilities for each package that a server runs, by pip-audit.

Run by the Python of .venv/audit, as `make audit` does. Ends with 0 if every package was looked up and none is known to
be vulnerable, with 1 if one is, and with 3 if any could not be looked up: what nobody has answered is no good news.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

PIP_AUDIT: Final = Path(sys.prefix) / "bin" / "pip-audit"

VULNERABLE, NOT_ASKED = 1, 3

TIMEOUT_SECONDS: Final = 15
"""For each answer of the database."""


def main() -> int:
    """Ask, and print what was found."""
    arguments = argparse.ArgumentParser(prog="vulnerabilities", description=__doc__)
    arguments.add_argument("lock", type=Path, help="requirements with hashes")
    arguments.add_argument(
        "--service", default="pypi", choices=["pypi", "osv"], help="whom to ask; %(default)s if unset"
    )
    asked = arguments.parse_args()
    options = ["--require-hashes", "--disable-pip", "--no-deps", "--progress-spinner", "off", "--format", "json"]
    where = ["--vulnerability-service", asked.service, "--timeout", str(TIMEOUT_SECONDS)]
    done = subprocess.run(  # noqa: S603
        [PIP_AUDIT, "--requirement", asked.lock, *options, *where], capture_output=True, text=True, check=False
    )
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        said = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        print(f"nobody was asked about any package: {said}", file=sys.stderr)
        return NOT_ASKED
    return told(found, asked.service)


def told(found: list[dict[str, Any]], service: str) -> int:
    """Print what is known of packages; return how to end."""
    vulnerable = [one for one in found if one.get("vulns")]
    for one in vulnerable:
        for fault in one["vulns"]:
            fixed = ", ".join(fault["fix_versions"]) or "no version yet"
            print(f"{one['name']} {one['version']}: {fault['id']}, fixed in {fixed}", file=sys.stderr)
    missed = [one for one in found if "skip_reason" in one]
    if missed or not found:
        print(
            f"{len(missed)} of {len(found)} packages could not be looked up at {service}, and nothing is said of them. "
            f"The first: {missed[0]['skip_reason'] if missed else 'there are no packages'}",
            file=sys.stderr,
        )
    print(f"{len(found) - len(missed)} packages were looked up at {service}, {len(vulnerable)} are vulnerable")
    if vulnerable:
        return VULNERABLE
    return NOT_ASKED if missed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
