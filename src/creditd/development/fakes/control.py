"""Routes under ``/control`` by which a test or a developer's curl acts as payer, dashboard, or bad luck."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Acts = Mapping[str, Callable[..., Any]]


def acts_of(*actors: object) -> Acts:
    """Return the public methods of these objects by their names; of two with one name the later one's."""
    return {
        name: act
        for actor in actors
        for name, act in inspect.getmembers(actor, inspect.ismethod)
        if not name.startswith("_")
    }


Subjects = Mapping[str, Mapping[str, Any]]
"""What acts are about: the name of an argument, and the objects that it names one of, oldest first."""


def control_routes(acts: Acts, subjects: Subjects | None = None) -> list[Route]:
    """Return ``POST /control/{act}``, whose body is the act's arguments as a JSON object, or empty.

    What an act is about, if it is not said, is the newest of its ``subjects``.

    It answers 200 with ``{"result": ...}``, with texts for what JSON does not know; 404 for an unknown
    act, with the known ones; 400 with the reason for arguments that the act does not take.
    """

    async def control(request: Request) -> Response:
        act = acts.get(request.path_params["act"])
        if act is None:
            return JSONResponse({"error": "no such act", "acts": sorted(acts)}, 404)
        try:
            arguments = await request.json() if await request.body() else {}
            result = act(**_newest(act, subjects or {}) | arguments)
            answer = {"result": await result if inspect.isawaitable(result) else result}
            return Response(orjson.dumps(answer, default=str), media_type="application/json")
        except (TypeError, ValueError, LookupError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return [Route("/control/{act}", control, methods=["POST"])]


def _newest(act: Callable[..., Any], subjects: Subjects) -> dict[str, str]:
    """Return the id of the newest object for each argument of an act that names one, as far as there are any."""
    named = [name for name in inspect.signature(act).parameters if subjects.get(name)]
    return {name: list(subjects[name])[-1] for name in named}
