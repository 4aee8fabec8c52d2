"""Names of files, classes and protos are those of docs/vocabulary.md: one noun, one name."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = ROOT / "src" / "creditd"
PROTOS: Final = ROOT / "protos" / "credit"


class Term(NamedTuple):
    """A row of the vocabulary."""

    word: str
    meaning: str
    not_called: tuple[str, ...]


def terms() -> list[Term]:
    """Return the rows of the vocabulary."""
    text = (ROOT / "docs/vocabulary.md").read_text(encoding="utf-8")
    rows = [line.strip("|\n ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    rows = [row for row in rows if row[0] not in ("word", "---")]
    return [Term(row[0], row[1], tuple(row[2].rstrip(" |").split(", ")) if len(row) > 2 else ()) for row in rows]


TERMS: Final = terms()

FORBIDDEN: Final[Mapping[str, str]] = {
    **{word: term.word for term in TERMS for word in term.not_called if word},
    **dict.fromkeys(("util", "helper", "manager", "base", "common", "misc"), "what it does"),
    "unfit": "the fact that is stated",
    "transaction": "entry, or where it is the database's: transaction.py",
}
"""By word in the singular: what the thing is called instead."""

REASONS: Final[Mapping[str, str]] = {
    "ledger/transaction.py": "ledger writes within a transaction of the database",
    "TransactionLedger": "ledger writes within a transaction of the database",
    "Transaction": "a transaction of the database",
    "ListTransactions": "what callers call the list of entries (requirement A1)",
    "ListTransactionsRequest": "what callers call the list of entries (requirement A1)",
    "ListTransactionsResponse": "what callers call the list of entries (requirement A1)",
    "ExportTransactions": "what callers call the export of entries (requirement C3)",
    "ExportTransactionsRequest": "what callers call the export of entries (requirement C3)",
    "ExportTransactionsResponse": "what callers call the export of entries (requirement C3)",
    "Money.currency": "money has a currency",
    "Workflow.timeout": "how long a run may take, and no expiry of credits",
    "Workflow.etag": "what AIP-154 calls it",
    "ArchiveWorkflowRequest.etag": "what AIP-154 calls it",
}
"""Names that hold a forbidden word all the same, each with its reason."""

GERUNDS: Final[Mapping[str, str]] = {
    "config/settings.py": "a setting is a thing",
    "webhooks/settings.py": "a setting is a thing",
    "front/setting_errors.py": "a setting is a thing",
    "console/settings.py": "a setting is a thing",
    "domain/payments/payment_standing.py": "a standing is a noun of its own",
    "ledger/waiting_room.py": "a waiting room is a room",
    "identity/key_ring.py": "a key ring is a ring",
    "cli/findings.py": "a finding is a thing",
}
"""Files that are named by a gerund all the same, each with its reason."""

TWINS: Final[Mapping[str, str]] = {
    "Failed": "what an executor answers, and what the pipeline notes of a call",
    "Progress": "how far an execution has come, and a rebuild of usage: neither is seen where the other is",
}
"""Classes of one name in several modules, each with its reason."""


def words_of(name: str) -> list[str]:
    """Return the words of a name, in the singular and in small letters."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return [part.lower().removesuffix("s") for part in parts]


def modules() -> Iterator[tuple[str, Path]]:
    """Return every module of ours, by its path within the package."""
    for file in sorted(SOURCES.rglob("*.py")):
        yield str(file.relative_to(SOURCES)), file


def classes() -> Mapping[str, list[str]]:
    """Return in which modules each class that is not private is."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, file in modules():
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(name)
    return found


def fields() -> Iterator[str]:
    """Return every message, RPC and field of the protos."""
    for file in sorted(PROTOS.rglob("*.proto")):
        message = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if named := re.match(r"\s*(?:message|enum|service) (\w+)|\s*rpc (\w+)", line):
                message = named[1] or named[2]
                yield message
            elif field := re.match(r"\s+(?:optional |repeated )?(?:map<[^>]+>|[\w.]+) (\w+) = \d+", line):
                yield f"{message}.{field[1]}"


def offences(names: Iterator[str]) -> dict[str, str]:
    """Return the names that hold a forbidden word, each with what it is called instead."""
    return {
        name: f"{word} is called: {FORBIDDEN[word]}"
        for name in names
        if name not in REASONS
        for word in words_of(name.rpartition(".")[2] if "." in name and not name.endswith(".py") else Path(name).stem)
        if word in FORBIDDEN
    }


def test_no_file_has_a_name_that_the_vocabulary_refuses() -> None:
    assert not offences(name for name, _ in modules())


def test_no_class_has_a_name_that_the_vocabulary_refuses() -> None:
    assert not offences(iter(classes()))


def test_no_message_rpc_or_field_has_a_name_that_the_vocabulary_refuses() -> None:
    assert not offences(fields())


def test_files_are_named_by_nouns() -> None:
    gerunds = {name for name, _ in modules() if any(word.endswith("ing") for word in words_of(Path(name).stem))}
    assert not gerunds - GERUNDS.keys()


def test_a_class_is_in_one_module() -> None:
    assert not {name: where for name, where in classes().items() if len(where) > 1 and name not in TWINS}


def test_a_word_is_explained_once_and_is_no_other_ones_synonym() -> None:
    words = [term.word for term in TERMS]
    assert len(words) == len(set(words))
    assert not FORBIDDEN.keys() & set(words)
    assert all(term.meaning.strip() for term in TERMS)


@pytest.mark.parametrize("file", sorted(PROTOS.rglob("*.proto")), ids=lambda file: file.stem)
def test_every_noun_of_the_protos_is_explained(file: Path) -> None:
    noun = file.stem.removesuffix("_service").replace("_", " ").removesuffix("s")
    assert file.stem.endswith("_service") or noun in {"error", "payment provider", *(term.word for term in TERMS)}


def test_every_exception_is_needed() -> None:
    names = {name for name, _ in modules()} | classes().keys() | set(fields())
    assert not [name for name in (*REASONS, *GERUNDS, *TWINS) if name not in names]


@pytest.mark.parametrize(
    ("name", "word"),
    [("captured_amounts", "captured"), ("UnfitPayment", "unfit"), ("HTTPManager", "manager")],
)
def test_a_forbidden_word_is_found_in_a_name(name: str, word: str) -> None:
    assert word in words_of(name)
    assert offences(iter([name]))
