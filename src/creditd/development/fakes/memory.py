"""What the fakes know, kept in a file: a payment that was begun before a restart can be paid after it."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

KEPT: Final[Mapping[str, tuple[str, ...]]] = {
    "stripe": ("sessions", "intents", "charges", "refunds", "disputes", "events", "_sold", "_last_seconds"),
    "omise": ("charges", "links", "refunds", "disputes", "events", "_used_tokens"),
    "lemonsqueezy": ("checkouts", "orders", "subscriptions", "invoices", "_custom"),
}
"""What is kept of each fake. Webhooks under way are not: polling makes up for them."""


class Memory:
    """Keeps the fakes' objects in a file, written after each request that may have changed them."""

    def __init__(self, app: ASGIApp, fakes: Mapping[str, object], file: Path) -> None:
        """Serve ``app``, with what ``file`` holds of the fakes, if it is there. Raises OSError."""
        self._app = app
        self._fakes = fakes
        self._file = file
        if file.exists():
            # Not JSON: one object is a part of several. It is our own file, in a folder of our own.
            self._recall(pickle.loads(file.read_bytes()))  # noqa: S301

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            await self._app(scope, receive, send)
        finally:
            if scope["type"] == "http" and scope["method"] != "GET":
                self._save()

    def _recall(self, known: Mapping[str, Mapping[str, Any]]) -> None:
        for name, parts in known.items():
            for part, objects in parts.items():
                # In place: the routes hold on to them.
                getattr(self._fakes[name], part).update(objects)

    def _save(self) -> None:
        known = {name: {part: getattr(self._fakes[name], part) for part in parts} for name, parts in KEPT.items()}
        draft = self._file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_bytes(pickle.dumps(known))
        draft.replace(self._file)
