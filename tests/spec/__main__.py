"""`python -m tests.spec [--brief]` prints which tests hold which requirement, and fails where they do not fit.

With `--brief`, only how many there are and what does not fit.
"""

import sys

from tests.spec.index import mistakes, summary, table
from tests.spec.marks import marked_tests
from tests.spec.register import REGISTER, parse


def main(words: list[str]) -> int:
    """Print the table; return 1 if anything does not fit."""
    register, tests = parse(REGISTER.read_text(encoding="utf-8")), marked_tests()
    if "--brief" not in words:
        print(*table(register, tests), sep="\n")
    found = mistakes(register, tests)
    print(summary(register, tests))
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
