"""The reasons of errors.proto, and docs/errors.md, whose table ``python -m tests.support.error_reasons`` writes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PROTO: Final = ROOT / "protos" / "credit" / "v1" / "errors.proto"
PAGE: Final = ROOT / "docs" / "errors.md"
HEAD: Final = "| reason | code | when | metadata, for example | retry |\n| --- | --- | --- | --- | --- |\n"

_VALUE: Final = re.compile(r"((?:^  //.*\n)+)^  ERROR_REASON_(\w+) = [1-9]\d*;", re.MULTILINE)
_CODE: Final = re.compile(r"^Code: ([A-Z_]+)(; retry)?$", re.MULTILINE)
_METADATA: Final = re.compile(r"^Metadata: (\{.*\})$", re.MULTILINE)


class Documented(NamedTuple):
    """What the comment of a reason says: when it comes, its gRPC code, whether a retry helps, and an example."""

    reason: str
    when: str
    code: str
    retry: bool
    metadata: Mapping[str, str]


def documented() -> dict[str, Documented]:
    """Return what errors.proto says of each reason, in its order. Raises ValueError for a comment of another form."""
    found = map(_read, _VALUE.findall(PROTO.read_text(encoding="utf-8")))
    return {one.reason: one for one in found}


def _read(value: tuple[str, str]) -> Documented:
    comment, reason = value
    text = re.sub(r"^  // ?", "", comment, flags=re.MULTILINE)
    when, _, _ = text.partition("\n\n")
    code = _CODE.search(text)
    if code is None:
        message = f"{reason} says no code"
        raise ValueError(message)
    example = _METADATA.search(text)
    metadata: dict[str, str] = json.loads(example[1]) if example else {}
    return Documented(reason, when.replace("\n", " "), code[1], code[2] is not None, metadata)


def table() -> str:
    """Return the table, a row a reason."""
    return HEAD + "".join(map(_row, documented().values()))


def _row(one: Documented) -> str:
    example = "<br>".join(f"`{key}`: {value}" for key, value in one.metadata.items())
    cells = (f"`{one.reason}`", one.code, one.when, example, "yes" if one.retry else "")
    return f"| {' | '.join(cells)} |\n".replace("|  |", "| |").replace("|  |", "| |")


def written() -> str:
    """Return the table as docs/errors.md has it."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index("| reason |") :].partition("\n\n")[0].rstrip("\n") + "\n"


if __name__ == "__main__":
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(written(), table()), encoding="utf-8")
