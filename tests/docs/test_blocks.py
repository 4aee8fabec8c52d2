"""Every block of commands in README.md and docs/ works as pasted.

A block is fenced and states its language. `sh`, `sql` and `python` are run, those of one document in one folder and in
order (tests/support/terminals.py says what is put in the place of what is the reader's). `json` and `ini` are read.
What cannot be run in a test stands in ELSEWHERE with its reason. `text` shows what something prints.
"""

import configparser
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from creditd.cli.main import COMMANDS, main
from tests.support.document_blocks import DOCUMENTS, ROOT, Block, blocks_in, blocks_of, prose_of, unfenced
from tests.support.terminals import Terminals, terminals

RUN = ("sh", "sql", "python")

READ: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "ini": lambda text: configparser.ConfigParser(strict=False, interpolation=None).read_string(text),
}

PRINTED = "text"

ELSEWHERE: dict[str, str] = {}
"""Programs that no test can run, each with its reason. What they run of ours is checked against its help."""

BY_OTHERS: dict[Path, str] = {
    ROOT / "docs" / "gateway.md": "it needs Envoy: tests/gateway/test_document.py",
    ROOT / "docs" / "balancer.md": "it needs Envoy and two servers: tests/gateway/test_balancer.py",
    ROOT / "docs" / "moving.md": "it needs somebody's file of customers: tests/cli/test_import.py",
    ROOT / "docs" / "deploy.md": "it needs a cluster: tests/deployment/test_document.py",
    ROOT / "docs" / "upgrade.md": "its commands need a database of before: tests/cli/test_upgrade.py",
    ROOT / "docs" / "backup.md": "it needs a server whose log is archived: tests/backup/test_whole_backups.py",
}
"""Documents whose commands another suite runs, each with its reason and its test."""

ALL = [block for document in DOCUMENTS for block in blocks_of(document)]

WITH_COMMANDS = sorted({block.document for block in ALL if block.language in RUN} - BY_OTHERS.keys())

COMMAND_LINE = re.compile(r"(?:^|[\s`=(])(?:\.venv/bin/)?creditd +((?:[a-z]+)(?: [^`|;&>#\n]*)?)")

PROSE = [(document, words) for document in DOCUMENTS for words in re.findall(r"`([^`\n]+)`", prose_of(document))]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder whose path is short enough for a socket in it."""
    with tempfile.TemporaryDirectory(prefix="creditd-docs-") as made:
        yield Path(made)


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda document: str(document.relative_to(ROOT)))
def test_the_commands_of_a_document_work_as_pasted(document: Path, folder: Path) -> None:
    blocks = [block for block in blocks_of(document) if block.language in RUN]
    with terminals(folder) as opened:
        if not re.search(r"\b(make|creditd) run\b", "".join(block.text for block in blocks)):
            paste(opened, "creditd run")
        for block in blocks:
            opened.paste(block)


def paste(opened: Terminals, command: str) -> None:
    opened.paste(Block(ROOT / "README.md", 0, "sh", command))


@pytest.mark.parametrize("command", ["false", "no-such-program", "creditd call GetBalance '{}'", "cat $UNSET_VARIABLE"])
def test_a_command_that_fails_fails_its_block(command: str, folder: Path) -> None:
    with terminals(folder) as opened, pytest.raises(AssertionError, match=r"README.md:0 ends with"):
        paste(opened, f"{command}\ntrue")


def test_what_is_shown_of_a_file_can_be_read() -> None:
    for block in ALL:
        if block.language in READ:
            READ[block.language](block.text)


def test_every_block_is_run_or_read_or_is_what_something_prints() -> None:
    for block in ALL:
        assert block.language in (*RUN, *READ, PRINTED), f"{block.place}: no test knows the language {block.language!r}"
        assert block.language != PRINTED or not COMMAND_LINE.search(block.text), f"{block.place}: these are commands"
    for document in DOCUMENTS:
        assert unfenced(document.read_text(encoding="utf-8")) == [], f"{document}: fence it, with its language"


def test_every_program_that_is_not_run_has_its_reason_and_is_used() -> None:
    text = "".join(block.text for block in ALL)
    assert all(reason and re.search(rf"\b{name}\b", text) for name, reason in ELSEWHERE.items())


def shown_commands() -> list[tuple[str, str]]:
    """Return our command lines wherever they are shown, with their places."""
    shown = [(block.place, block.text) for block in ALL if block.language != PRINTED]
    shown += [(str(document.relative_to(ROOT)), f" {words}") for document, words in PROSE]
    lines = [(where, text.replace("\\\n", " ")) for where, text in shown]
    return [(where, found) for where, text in lines for found in COMMAND_LINE.findall(text)]


def test_our_command_lines_in_prose_and_files_name_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    helps: dict[str, str] = {}
    for where, line in shown_commands():
        name = line.split()[0]
        if name not in COMMANDS:
            assert name in ("is", "for", "help"), f"{where}: there is no `creditd {name}`"
            continue
        if name not in helps:
            with pytest.raises(SystemExit):
                main([name, "--help"])
            helps[name] = capsys.readouterr().out
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line):
            assert re.search(rf"{option}\b", helps[name]), f"{where}: `creditd {name}` has no {option}"


@pytest.mark.parametrize(
    "words", sorted({words for _, words in PROSE if re.fullmatch(r"(QUICK=1 )?make [a-z-]+.*", words)})
)
def test_a_target_that_is_named_is_in_the_makefile(words: str) -> None:
    target = words.removeprefix("QUICK=1 ").split()[1]
    assert f"\n{target}:" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_link_leads_to_a_file_and_a_heading_that_are_there() -> None:
    for document in DOCUMENTS:
        for link in re.findall(r"\]\((?!http)([^)\s]+)\)", prose_of(document)):
            name, _, heading = link.partition("#")
            target = document.parent / name if name else document
            assert target.exists(), f"{document.relative_to(ROOT)}: {link}"
            assert not heading or heading in headings_of(target), f"{document.relative_to(ROOT)}: {link}"


def headings_of(document: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    headings = re.findall(r"^#+ +(.+?) *$", prose_of(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    ("text", "language", "lines"),
    [
        ("a\n\n```sh\nfirst\n\nsecond\n```\n", "sh", "first\n\nsecond\n"),
        ("1. a\n\n   ```sql\n   SELECT 1;\n     FROM t;\n   ```\n", "sql", "SELECT 1;\n  FROM t;\n"),
        ("~~~\nno language\n~~~\n", "", "no language\n"),
    ],
)
def test_a_block_is_found_wherever_it_stands(text: str, language: str, lines: str) -> None:
    (block,) = blocks_in(ROOT, text)
    assert (block.language, block.text) == (language, lines)


def test_a_block_that_is_only_indented_is_found() -> None:
    assert unfenced("A text:\n\n    make run\n    make test\n\nMore.\n") == ["    make run"]
    assert unfenced("1. An item\n   goes on.\n\n    And has a paragraph.\n\n```sh\n    a\n```\n") == []
