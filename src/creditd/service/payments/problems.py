"""What could not be applied, in a line for a person."""

from typing import Final

from creditd.domain.errors import Refusal

MAX_PROBLEM_LENGTH: Final = 500
"""A sentence for a person; what is longer is a page of HTML."""


def problem_of(error: Exception) -> str:
    """Say what a person has to know of an error."""
    if isinstance(error, Refusal):
        facts = ", ".join(f"{name} {fact}" for name, fact in error.facts.items())
        return f"{error.reason}: {facts}"[:MAX_PROBLEM_LENGTH]
    return (str(error) or type(error).__name__).replace("\x00", "?")[:MAX_PROBLEM_LENGTH]
