"""Give the packages of generated/ what all of them share: our version, the licence, and the retries.

With --check nothing is written; it fails if something would be.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
GENERATED: Final = ROOT / "generated"

JAVA_VERSION: Final = re.compile(r"(<artifactId>credit-client</artifactId>\s*<version>)[^<]*")


def wanted() -> Iterator[tuple[Path, str]]:
    """Yield files, each with what it is to hold."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    version: str = project["project"]["version"]
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    retries = (ROOT / "docs" / "service_config.json").read_text(encoding="utf-8")
    for language in ("go", "java", "typescript"):
        yield GENERATED / language / "LICENSE", licence
    yield GENERATED / "go/creditclient/service_config.json", retries
    yield GENERATED / "java/src/main/resources/com/creditd/client/service_config.json", retries
    yield GENERATED / "typescript/src/service_config.ts", f"export const serviceConfig = {retries.rstrip()} as const;\n"
    for name in ("pom.xml", "README.md"):
        file = GENERATED / "java" / name
        yield file, JAVA_VERSION.sub(rf"\g<1>{version}", file.read_text(encoding="utf-8"))
    yield from of_npm(version)


def of_npm(version: str) -> Iterator[tuple[Path, str]]:
    """Yield npm's files, which have the version in up to two places."""
    for file in sorted((GENERATED / "typescript").glob("package*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        for place in (content, content.get("packages", {}).get("", {})):
            if "version" in place:
                place["version"] = version
        yield file, json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def held_by(file: Path) -> str:
    """Return what a file holds; nothing if there is none."""
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main(arguments: list[str]) -> int:
    """Write what differs, or name it. Returns the exit code."""
    differing = [(file, text) for file, text in wanted() if held_by(file) != text]
    for file, text in differing:
        print(f"{file.relative_to(ROOT)} is stale" if "--check" in arguments else f"writes {file.relative_to(ROOT)}")
        if "--check" not in arguments:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return 1 if differing and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
