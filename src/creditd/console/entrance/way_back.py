"""Where somebody goes on after the sign-in, and the form that goes there with them: nowhere but to pages of ours."""

import re
from typing import Final

from creditd.console import limits
from creditd.console.visit import Visit
from creditd.console.wire.kept_form import KeptForm, form_carried

_OWN_PATH: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path and nothing else: no browser takes it for another host's."""


def way_back(visit: Visit) -> str:
    """Return where to go afterwards, by the form or the query; empty if that is nowhere of ours."""
    query = visit.request.query_params.get("next", "")[: limits.MAX_NEXT_CHARACTERS]
    stated = visit.form.text("next", limits.MAX_NEXT_CHARACTERS) or query
    return stated if _is_own(visit, stated) else ""


def form_along(visit: Visit) -> KeptForm:
    """Return the form that goes through the sign-in with whoever typed it; none if it is for nowhere of ours."""
    kept = form_carried(visit.form)
    is_own = _is_own(visit, kept.path) and not kept.path.startswith(visit.path("/sign-"))
    return kept if is_own else KeptForm()


def _is_own(visit: Visit, path: str) -> bool:
    return _OWN_PATH.fullmatch(path) is not None and path.startswith(visit.path("/"))
