"""What a refusal says to staff: in the words of the service, but where these are for customers."""

from typing import Final

from markupsafe import Markup

from creditd.console.service_refusal import ServiceRefusal
from creditd.console.texts import Texts

_OF_ARCHIVE: Final = {"type": "credit_type", "version": "before_version", "time": "before_time", "file": "file"}
"""The facts of a refusal that are put into its text, by their places there."""


def refusal_words(refusal: ServiceRefusal, texts: Texts) -> Markup:
    """Return the words for a refusal, in a reader's language."""
    if refusal.is_unknown:
        return texts("failure.title.away")
    if refusal.reason == "REQUEST_ID_REUSED":
        return texts("failure.moved")
    if refusal.reason == "ENTRIES_ARCHIVED":
        # Customers are told to ask staff, who are told which file to look into.
        stated = {name: refusal.facts.get(fact, "?") for name, fact in _OF_ARCHIVE.items()}
        return texts("archived", **stated)
    return Markup('<span dir="auto">{}</span>').format(refusal.text) if refusal.text else texts("failure.other")
