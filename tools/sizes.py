"""Print how large files and functions of a folder are: how many, the median and the largest. ``sizes.py [FOLDER]``."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(text: str) -> Iterator[tuple[int, str]]:
    """Return the functions of a module, those within others too: how many lines each has, and its name."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, Function):
            yield (node.end_lineno or node.lineno) - node.lineno + 1, node.name


def report(kind: str, sizes: list[tuple[int, str]]) -> str:
    """Return a line about things of one kind, by their lines and names."""
    lines, name = max(sizes)
    return f"{kind}: {len(sizes)}, median {median(size for size, _ in sizes):g}, largest {lines} ({name})"


def main(folder: Path) -> None:
    """Print a report of the Python files of a folder, and one of their functions."""
    texts = {file.relative_to(folder): file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py"))}
    files = [(text.count("\n"), str(name)) for name, text in texts.items()]
    print(report("files", files))
    functions = [(size, f"{name}: {one}") for name, text in texts.items() for size, one in functions_of(text)]
    print(report("functions", functions))


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "src/creditd"))
