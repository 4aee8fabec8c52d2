"""Completion in the shells themselves: what a key completes, in a home as docs/command-line.md has it."""

import errno
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from creditd.cli.completion import SHELLS
from creditd.cli.main import COMMANDS, main
from tests.support.programs import PATIENCE_SECONDS

COMPLETED = [
    ("creditd recon", "reconcile"),
    ("creditd --vers", "--version"),
    ("creditd call ListTransac", "ListTransactions"),
    ("creditd call --addr", "--address"),
    ("creditd call GetBalance '{}' --output js", "json"),
    ("creditd call GetBalance --output json --subj", "--subject"),
    ("creditd call --color alw", "always"),
    ("creditd config check CREDITD_WEBHOOKS_SERV", "CREDITD_WEBHOOKS_SERVICE"),
    ("creditd token --role SUPER_", "SUPER_ADMIN"),
    ("creditd token --scope credits.sp", "credits.spend"),
    ("creditd import custom", "customers.csv"),
    ("creditd export --folder leav", "leaving/"),
    ("creditd backup log pg_w", "pg_wal/"),
    ("creditd keys rot", "rotate"),
    ("creditd reconcile --provider om", "omise"),
    ("creditd completion fi", "fish"),
    ("creditd help migr", "migrate"),
]
"""What is typed, and the word that the last one becomes."""

PROMPT = "ready> "

START = b"\x01"
"""Ctrl-A: to the start of the line."""

END = b"\x05"


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a shell is given."""
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with files and folders to complete."""
    (tmp_path / "customers.csv").touch()
    # fish looks for what completes a command only if there is the command.
    (tmp_path / "creditd").touch(mode=0o700)
    for folder in ("leaving", "pg_wal"):
        (tmp_path / folder).mkdir()
    return tmp_path


def environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": f"{home}:/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8"}


def typed(command: list[str], home: Path, line: str) -> list[str]:
    """Type a line at a shell's prompt with the key that completes; return its words as the shell then has them."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=home, env=environment(home), stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        _read_until(ours, PROMPT.encode())
        # What is echoed of the last word is not what it says.
        os.write(ours, line.encode() + b"\t" + START + b"printf '<%s>\\n' " + END + b" E''ND; exit\n")
        said = _read_until(ours, b"<END>\r\n")
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)
        os.close(ours)
    words = re.findall(r"^<(.*)>\r?$", said, re.MULTILINE)
    assert words[-1:] == ["END"], said
    return words[:-1]


def _read_until(terminal: int, text: bytes) -> str:
    said = b""
    while text not in said:
        try:
            said += os.read(terminal, 1 << 16)
        except OSError as error:
            # On Linux the end of a terminal is an error; a test's time that is up is another.
            if error.errno != errno.EIO:
                raise
            break
    return said.decode()


def test_each_shell_has_a_script_that_knows_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in SHELLS:
        text = script(shell, capsys)
        assert all(re.search(rf"\b{name}\b", text) for name in COMMANDS)
        assert "--worker " not in text, "what is ours alone is not offered"


def test_a_shell_that_it_does_not_know_is_told_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "fsh"])
    assert ended.value.code == 2
    assert "did you mean fish?" in capsys.readouterr().err


def in_bash(home: Path, text: str, line: str) -> str:
    (home / "creditd.bash").write_text(text)
    (home / "bashrc").write_text(f"source ~/creditd.bash\nPS1='{PROMPT}'\n")
    return typed(["bash", "--noprofile", "--rcfile", str(home / "bashrc"), "-i"], home, line)[-1]


def in_zsh(home: Path, text: str, line: str) -> str:
    (home / ".zfunc").mkdir()
    (home / ".zfunc" / "_creditd").write_text(text)
    (home / ".zshrc").write_text(
        f"bindkey -e\nfpath=(~/.zfunc $fpath)\nautoload -Uz compinit\ncompinit -u\nPS1='{PROMPT}'\n"
    )
    return typed(["zsh", "-i"], home, line)[-1]


def in_fish(home: Path, text: str, line: str) -> str:
    folder = home / ".config" / "fish" / "completions"
    folder.mkdir(parents=True)
    (folder / "creditd.fish").write_text(text)
    done = subprocess.run(
        ["/usr/bin/fish", "--command", 'complete --do-complete "$LINE"'],
        cwd=home,
        env=environment(home) | {"LINE": line},
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    (found,) = done.stdout.splitlines()
    return found.split("\t")[0]


@pytest.mark.parametrize(("line", "word"), COMPLETED)
def test_bash_completes(home: Path, line: str, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_bash(home, script("bash", capsys), line) == word


@pytest.mark.shells
@pytest.mark.parametrize(("line", "word"), COMPLETED)
@pytest.mark.parametrize("complete", [in_zsh, in_fish])
def test_zsh_and_fish_complete(
    home: Path, complete: Callable[[Path, str, str], str], line: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = complete.__name__.removeprefix("in_")
    # zsh takes the slash of a folder away again when the line goes on.
    assert complete(home, script(shell, capsys), line).rstrip("/") == word.rstrip("/")


def test_no_command_but_this_one_needs_what_writes_the_scripts() -> None:
    program = "import sys; from creditd.cli import main; main(['call']); sys.exit('shtab' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0
