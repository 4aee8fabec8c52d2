"""Runs `creditd` beside the commands of a document: its process id and, at the end, its exit code are left in files."""

import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    files, *arguments = sys.argv[1:]
    with subprocess.Popen([sys.executable, "-m", "creditd.cli", *arguments], start_new_session=True) as process:
        Path(f"{files}.pid").write_text(f"{process.pid}", encoding="ascii")
        process.wait()
    unfinished = Path(f"{files}.exit.new")
    unfinished.write_text(f"{process.returncode}", encoding="ascii")
    unfinished.replace(f"{files}.exit")
