"""A form that could not be taken yet: what was typed into it goes through the sign-in, and is shown again after it.

It stands in the pages of the sign-in themselves, so that nothing of it is stored. Nothing is done with it by itself:
whoever has signed in sees it, and sends it once more.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from creditd.console.wire.forms import Form

_PREFIX: Final = "kept."

_PATH: Final = "kept_path"

_NOT_KEPT: Final = frozenset({"act", "form_token"})
"""The act is chosen anew, and the token is of the session that is over."""


class KeptForm(NamedTuple):
    """The path that a form is for, and its fields; no path if there is none."""

    path: str = ""
    fields: Mapping[str, str] = {}

    @property
    def hidden(self) -> Mapping[str, str]:
        """The hidden fields that carry it through another form."""
        if not self.path:
            return {}
        return {_PATH: self.path} | {_PREFIX + name: value for name, value in self.fields.items()}


def form_kept(form: Form, path: str) -> KeptForm:
    """Return a form that was sent to a path, to be kept."""
    return KeptForm(path, {name: value for name, value in form.fields.items() if name not in _NOT_KEPT})


def form_carried(form: Form) -> KeptForm:
    """Return the form that another one carries with it; none if it carries none."""
    carried = {name.removeprefix(_PREFIX): value for name, value in form.fields.items() if name.startswith(_PREFIX)}
    return KeptForm(form.text(_PATH, 2_048), carried)
