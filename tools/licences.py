"""Tell the licence of each package that a server runs, by the bill of materials, and refuse those that are not allowed.

Run by the Python of .venv/audit, as `make licences` does. Ends with 1 if a package has a licence not in ALLOWED,
or declares none in a form that can be read.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from license_expression import ExpressionError, ExpressionParseError, get_spdx_licensing

ALLOWED: Final[Mapping[str, str]] = {
    "0BSD": "asks for nothing",
    "Apache-2.0": "asks for its notice to be kept; grants patents",
    "BSD-2-Clause": "asks for its notice to be kept",
    "BSD-3-Clause": "asks for its notice to be kept",
    "ISC": "asks for its notice to be kept",
    "LGPL-3.0-only": "a library of its own, unchanged, which whoever has the image can replace",
    "MIT": "asks for its notice to be kept",
    "MIT-0": "asks for nothing",
    "MIT-CMU": "asks for its notice to be kept",
    "MPL-2.0": "by file: those that it covers are not changed",
    "OFL-1.1": "of fonts: they are not sold by themselves",
    "PSF-2.0": "asks for its notice to be kept",
    "Python-2.0": "asks for its notice to be kept",
    "Unlicense": "asks for nothing",
    "Zlib": "asks for its notice to be kept",
}
"""By SPDX's id, why somebody may run and hand on an image with it. What is not here a person looks at first."""

CLASSIFIERS: Final[Mapping[str, str]] = {
    "License :: OSI Approved :: Apache Software License": "Apache-2.0",
    "License :: OSI Approved :: BSD License": "BSD-3-Clause",
    "License :: OSI Approved :: MIT License": "MIT",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
"""What older metadata has in the place of an id. All that says no more than BSD here is of three clauses."""

READ: Final[Mapping[str, str]] = {
    # Their metadata have it as free text, "3-Clause BSD License" and "Apache License 2.0", and so have their wheels.
    "protobuf": "BSD-3-Clause",
    "uharfbuzz": "Apache-2.0",
}
"""By package, the licence of one that declares none in a form that is read; somebody has read it."""

_LICENSING: Final = get_spdx_licensing()


def declared(component: Mapping[str, Any]) -> Iterator[str]:
    """Give the licences that a package declares, as SPDX's expressions where they can be read."""
    given = component.get("licenses", [])
    for one in given:
        text = one.get("expression") or one["license"].get("id") or one["license"].get("name", "")
        yield CLASSIFIERS.get(text, text)
    if not given and component["name"] in READ:
        yield READ[component["name"]]


def is_allowed(expression: str) -> bool:
    """Tell whether an expression of SPDX's can be met by licences that are allowed alone."""
    try:
        parsed = _LICENSING.parse(expression, validate=True)
    except (ExpressionError, ExpressionParseError):
        return False
    return parsed is not None and _is_met(parsed)


def _is_met(parsed: Any) -> bool:
    how: Callable[[Iterator[bool]], bool] = any if isinstance(parsed, _LICENSING.OR) else all
    if isinstance(parsed, _LICENSING.OR | _LICENSING.AND):
        return how(_is_met(part) for part in parsed.args)
    return parsed.render() in ALLOWED


def rows(bill: Mapping[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Give name, version and licence of each package of a bill of materials, and whether that is allowed."""
    for component in bill["components"]:
        found = sorted(set(declared(component)))
        allowed = bool(found) and all(map(is_allowed, found))
        yield component["name"], component["version"], " AND ".join(found) or "declares none", allowed


def main() -> int:
    """Print a line for each package, and remark on those that are refused."""
    arguments = argparse.ArgumentParser(prog="licences", description=__doc__)
    arguments.add_argument("bill", type=Path, help="a bill of materials of CycloneDX, as JSON")
    asked = arguments.parse_args()
    bill = json.loads(asked.bill.read_text(encoding="utf-8"))
    found = sorted(rows(bill), key=lambda row: row[0].lower())
    for name, version, licence, _ in found:
        print(f"{name:45} {version:12} {licence}")
    refused = [row for row in found if not row[3]]
    for name, _, licence, _ in refused:
        print(f"{name}: {licence}: not among the licences that are allowed (tools/licences.py)", file=sys.stderr)
    if not found:
        print(f"{asked.bill} has no packages", file=sys.stderr)
    return 1 if refused or not found else 0


if __name__ == "__main__":
    sys.exit(main())
