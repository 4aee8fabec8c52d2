"""The file that names outside issuers: who they are, where their keys are, and what their claims mean."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from creditd.addresses import is_loopback
from creditd.server.authentication.callers import ROLES
from creditd.server.authentication.issuers import ClaimMapping, Place

MAX_ISSUERS: Final = 16
"""Each has its keys fetched; a company has one or two."""

MAX_FILE_BYTES: Final = 256 * 1024

_PREFIX: Final = re.compile(r"[A-Za-z0-9._:@+-]{0,63}[._:@+-]")
"""What may stand in the id of an account, since a subject is one, and leaves room for their own subject. It ends with a
separator: nobody else's subject may begin with it, and many begin with ``shop`` who are not of the shop."""


class InvalidIssuer(ValueError):
    """The file cannot be used; the message says which part of it, and why."""


class OutsideIssuer(NamedTuple):
    """An issuer whose keys are at ``jwks_url``, for which those in ``ca_file`` vouch, or else the usual authorities."""

    name: str
    audience: str
    jwks_url: str
    ca_file: str
    claims: ClaimMapping


def read_outside_issuers(file: Path) -> tuple[OutsideIssuer, ...]:
    """Read a JSON file: a list of issuers. Raises InvalidIssuer, OSError."""
    with file.open("rb") as stream:
        content = stream.read(MAX_FILE_BYTES + 1)
    try:
        document = json.loads(content) if len(content) <= MAX_FILE_BYTES else None
    except (ValueError, RecursionError) as error:
        raise InvalidIssuer(f"{file} is not JSON") from error
    if not isinstance(document, list) or not 0 < len(document) <= MAX_ISSUERS:
        raise InvalidIssuer(f"{file} has to be a list of 1 to {MAX_ISSUERS} issuers")
    issuers = tuple(_issuer(f"{file}: issuer {number}", each) for number, each in enumerate(document, 1))
    _require_apart(file, issuers)
    return issuers


def _issuer(where: str, document: Any) -> OutsideIssuer:
    part = _Part(where, document, _KEYS)
    roles = part.texts("roles")
    for ours in roles.values():
        if ours not in ROLES:
            raise InvalidIssuer(f"{where}: roles: {ours!r} is none of {', '.join(sorted(ROLES))}")
    claims = _Part(f"{where}: claims", part.get("claims", {}), _CLAIMS)
    mapping = ClaimMapping(
        _prefix(part),
        claims.place("subject") or ("sub",),
        claims.place("roles"),
        claims.place("scope"),
        claims.place("person"),
        roles,
    )
    return OutsideIssuer(part.text("issuer"), part.text("audience"), _url(part), part.text("ca_file", ""), mapping)


_KEYS: Final = ("issuer", "audience", "jwks_url", "ca_file", "subject_prefix", "subjects_are_ours", "claims", "roles")
_CLAIMS: Final = ("subject", "roles", "scope", "person")


class _Part:
    """An object of the document, whose messages say where it is."""

    def __init__(self, where: str, document: Any, known: Sequence[str]) -> None:
        self._where = where
        if not isinstance(document, dict):
            raise InvalidIssuer(f"{where} has to be an object")
        for name in document:
            if name not in known:
                near = get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise InvalidIssuer(f"{where}: there is no {name!r}; {hint}")
        self._document: Mapping[str, Any] = document

    def get(self, name: str, default: Any) -> Any:
        return self._document.get(name, default)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.get(name, default)
        self.require(name, lambda: isinstance(value, str) and (bool(value) or value == default), "a text")
        return str(value)

    def texts(self, name: str) -> dict[str, str]:
        value = self.get(name, {})
        self.require(
            name, lambda: isinstance(value, dict) and all(isinstance(text, str) for text in value.values()), "texts"
        )
        return dict(value)

    def place(self, name: str) -> Place:
        """Return where a claim is, written as `a.b`, or as a list for names that have dots in them."""
        value = self.get(name, [])
        names = value.split(".") if isinstance(value, str) else value
        self.require(
            name,
            lambda: isinstance(names, list) and all(isinstance(each, str) and each for each in names),
            "the name of a claim, as `name` or `outer.name`, or a list of such names",
        )
        return tuple(names)

    def require(self, name: str, is_fit: Callable[[], bool], expected: str) -> None:
        if not is_fit():
            raise InvalidIssuer(f"{self._where}: {name} has to be {expected}")


def _prefix(part: _Part) -> str:
    """Return what goes before their subjects; nothing if the file says that these are ours."""
    prefix, are_ours = part.get("subject_prefix", ""), part.get("subjects_are_ours", False)
    part.require("subjects_are_ours", lambda: isinstance(are_ours, bool), "true or false")
    part.require(
        "subject_prefix",
        lambda: are_ours != bool(prefix) and (are_ours or bool(isinstance(prefix, str) and _PREFIX.fullmatch(prefix))),
        "1 to 64 letters, digits and ._:@+-, the last one of ._:@+-, unless subjects_are_ours is true",
    )
    return "" if are_ours else str(prefix)


def _url(part: _Part) -> str:
    """Return where their keys are. Whoever could answer in their place could sign in as anybody."""
    url = part.text("jwks_url")

    def is_safe() -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        is_here = parts.scheme == "http" and is_loopback(f"{parts.hostname}:")
        return bool(parts.hostname) and not parts.username and (parts.scheme == "https" or is_here)

    part.require("jwks_url", is_safe, "an https URL without a password, or an http one of this machine")
    return url


def _require_apart(file: Path, issuers: Sequence[OutsideIssuer]) -> None:
    """Raise InvalidIssuer for two issuers of one name, or whose subjects could be the same."""
    for number, one in enumerate(issuers):
        for other in issuers[number + 1 :]:
            if one.name == other.name:
                raise InvalidIssuer(f"{file} has the issuer {one.name} twice")
            prefixes = one.claims.subject_prefix, other.claims.subject_prefix
            if all(prefixes) and (prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])):
                raise InvalidIssuer(
                    f"{file}: subjects of {one.name} and {other.name} could be the same, since one's subject_prefix "
                    "begins with the other's"
                )
