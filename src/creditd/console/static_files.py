"""Styles and scripts: read once, served from memory, and kept by browsers for as long as they are the same."""

from collections.abc import Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_FOLDER: Final = Path(__file__).with_name("static")

_KINDS: Final[Mapping[str, str]] = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
"""What is served, by the end of a file's name; nothing else is."""


class StaticFile(NamedTuple):
    """A file: its content, what kind it is, and the beginning of its hash."""

    content: bytes
    kind: str
    mark: str


class StaticFiles:
    """The files, by name. A file's URL has its hash, so that another content has another URL."""

    def __init__(self) -> None:
        """Read the files."""
        files = (file for file in sorted(_FOLDER.iterdir()) if file.suffix in _KINDS)
        self._files = {file.name: _static_file(file) for file in files}

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return f"/static/{self._files[name].mark}/{name}"

    async def serve(self, request: Request) -> Response:
        """Answer with a file; a mark that is not of this content is a version before, whose page is reloaded anyway."""
        file = self._files.get(request.path_params["name"])
        if file is None or request.path_params["mark"] != file.mark:
            return PlainTextResponse("", HTTPStatus.NOT_FOUND)
        return Response(
            file.content, headers={"cache-control": "public, max-age=31536000, immutable"}, media_type=file.kind
        )


def _static_file(file: Path) -> StaticFile:
    content = file.read_bytes()
    return StaticFile(content, _KINDS[file.suffix], sha256(content).hexdigest()[:16])
