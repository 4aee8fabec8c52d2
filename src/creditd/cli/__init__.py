"""The command line: one module a command, each imported only when it is the one that is wanted."""

from creditd.cli.main import main

__all__ = ["main"]
