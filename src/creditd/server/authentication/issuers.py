"""Who issues tokens, and how the claims of an outside issuer are turned into ours."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from creditd.server.authentication.keys import KeySet
from creditd.server.refusals import TokenInvalid

Place = tuple[str, ...]
"""Where a claim is: the names of the objects that it is in, one within the other, and its own. Empty: nowhere."""

_AS_THEY_STAND: Final = ("exp", "nbf", "amr", "auth_time", "accounts")
"""Claims that mean the same whoever issues them."""


class ClaimMapping(NamedTuple):
    """Where an outside issuer has what we want to know; what it does not name is not taken from the token.

    ``role_names`` are our roles by theirs: one that is not among them is none of ours, whatever it is called.
    ``subject_prefix`` keeps their subjects apart from everybody else's; a ``person`` is taken as it stands, since it is
    there to be the same as in tokens of others.
    """

    subject_prefix: str
    subject: Place = ("sub",)
    roles: Place = ()
    scope: Place = ()
    person: Place = ()
    role_names: Mapping[str, str] = {}

    def translate(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Return claims as our own issuers state them. Raises TokenInvalid, naming the one of ours that is amiss."""
        ours = {name: claims[name] for name in _AS_THEY_STAND if name in claims}
        ours["sub"] = self._subject(claims)
        ours["roles"] = self._roles(claims)
        ours["scope"] = self._scope(claims)
        person = _at(claims, self.person, "person")
        if person is not None:
            ours["person"] = person
        return ours

    def _subject(self, claims: Mapping[str, Any]) -> str:
        subject = _at(claims, self.subject, "sub")
        # Nobody, with the prefix before it, would be somebody.
        if not isinstance(subject, str) or not subject:
            raise TokenInvalid(problem="sub")
        return self.subject_prefix + subject

    def _roles(self, claims: Mapping[str, Any]) -> list[str]:
        roles = _at(claims, self.roles, "roles")
        if roles is None:
            return []
        if not isinstance(roles, list):
            raise TokenInvalid(problem="roles")
        return [ours for theirs, ours in self.role_names.items() if theirs in roles]

    def _scope(self, claims: Mapping[str, Any]) -> Any:
        scope = _at(claims, self.scope, "scope")
        if isinstance(scope, list) and all(isinstance(word, str) for word in scope):
            # As some issuers have it, under the name of `scp`.
            return " ".join(scope)
        return "" if scope is None else scope


def _at(claims: Mapping[str, Any], place: Place, ours: str) -> Any:
    """Return what a token has in a place; None if nothing. Raises TokenInvalid if something else is in the way."""
    found: Any = claims if place else None
    for name in place:
        if not isinstance(found, Mapping):
            raise TokenInvalid(problem=ours)
        found = found.get(name)
        if found is None:
            return None
    return found


class Issuer(NamedTuple):
    """Whose tokens are believed: those that state its ``name``, that one of its ``keys`` verifies, and that are for us.

    Without a name, all tokens that state no other issuer's are its own. Without an ``audience`` they may be for anyone;
    without ``claims`` theirs stand as they are.
    """

    keys: KeySet
    name: str = ""
    audience: str = ""
    claims: ClaimMapping | None = None

    @property
    def subject_prefix(self) -> str:
        """What each of its subjects begins with, and no other issuer's; empty for nothing."""
        return "" if self.claims is None else self.claims.subject_prefix
