"""What stands where the webhook adapter would: a real HTTP server that remembers what it was sent."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from creditd.asgi import listening
from creditd.development.fakes.server import fake_serving, url_of


@dataclass
class Receiver:
    """``answer`` says, by a body and by how often it came before, with which status it is answered."""

    answer: Callable[[str, int], int]
    url: str = ""
    received: list[str] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    async def take(self, request: Request) -> Response:
        """Remember a webhook."""
        body = (await request.body()).decode()
        status = self.answer(body, self.received.count(body))
        self.received.append(body)
        self.paths.add(request.url.path)
        return Response(status_code=status)


@asynccontextmanager
async def receiving(answer: Callable[[str, int], int] = lambda _body, _before: 200) -> AsyncIterator[Receiver]:
    """Take webhooks until the block ends."""
    receiver = Receiver(answer)
    app = Starlette(routes=[Route("/webhooks/{provider}", receiver.take, methods=["POST"])])
    listener = listening("127.0.0.1:0")
    receiver.url = url_of(listener)
    async with fake_serving(app, listener):
        yield receiver
