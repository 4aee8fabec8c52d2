"""Secrets that stand nowhere else, all that could be seen meanwhile, and a search of the one for the other."""

import base64
import secrets
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus


def canary(name: str) -> str:
    """Return a secret that stands nowhere else: letters and digits in whole groups of four, as base64 has them too."""
    return f"{name.replace('_', '')}{secrets.token_hex(12)}".ljust(64, "x")


@dataclass
class Life:
    """What a service has been given to keep to itself, and all that it has let be seen."""

    canaries: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)

    def keep(self, name: str, secret: str) -> str:
        """Note a secret, and return it."""
        self.canaries[name] = secret
        return secret

    def see(self, where: str, what: object) -> None:
        """Note what anybody could see somewhere."""
        self.seen[where] = self.seen.get(where, "") + f"{what}\n"

    def found(self) -> list[tuple[str, str]]:
        """Return each secret that can be seen, in whatever form, with where that is."""
        return [
            (name, where)
            for name, secret in self.canaries.items()
            for where, text in self.seen.items()
            if any(form in text for form in forms_of(secret))
        ]


def forms_of(secret: str) -> set[str]:
    """Return a secret as it may stand in a text, whole or by its end: as it is, in a URL, in base64 and in hex."""
    end = secret[-40:]
    encoded = {base64.b64encode(secret[start:].encode()).decode()[:-4] for start in range(3)}
    return {secret, end, quote(secret, safe=""), quote_plus(end), end.encode().hex(), *encoded}
