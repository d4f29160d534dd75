"""The images and refusals of a served graph over HTTP: what `http.app` in langgraph.json adds to LangGraph's server.

`GET /images/{sha256}.png` shows an image that an answer links to. `PUT /images` or `POST /images` with an encoded image
as body stores one and returns its name and address, which a message or a request may then use. Both work on the store
of embedded graphs. An image's name is the hash of its content: whoever has an answer can see its images, and nobody can
list them. Access control is LangGraph's (`auth` and `http.enable_custom_route_auth` in langgraph.json).

What the graph refuses while LangGraph's server answers a request itself, such as values given to `update_state`, is an
answer with a reason: the server takes this application's handlers of exceptions for all its routes.
"""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from interleavethinker.graph.profiles.opening import shared_store
from interleavethinker.tools.errors import InputError, InterleaveError, StoreError
from interleavethinker.tools.images.png import DEFAULT_LIMITS, canonical_png, image_size

__all__ = ["app"]

_HEADERS = {
    "cache-control": "public, max-age=31536000, immutable",
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
}
"""An image never changes, because its name is its hash."""


async def _show(request: Request) -> Response:
    try:
        png = await asyncio.to_thread(lambda: shared_store().get(request.path_params["sha256"]))
    except StoreError as error:
        return _refusal(error, 404 if error.code == "unknown_image" else 500)
    return Response(png, media_type="image/png", headers=_HEADERS)


async def _store(request: Request) -> Response:
    try:
        data = await _body(request)
        sha256, (width, height) = await asyncio.to_thread(_stored, data)
    except InputError as error:
        return _refusal(error, 413 if error.code == "image_too_large" else 422)
    except StoreError as error:
        return _refusal(error, 507)
    address = str(request.url_for("image", sha256=sha256))
    return JSONResponse({"sha256": sha256, "url": address, "width": width, "height": height}, 201)


async def _body(request: Request) -> bytes:
    """Returns the body, and stops reading at the size limit whatever the header says."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > DEFAULT_LIMITS.max_bytes:
            raise InputError(
                f"The image has more than the {DEFAULT_LIMITS.max_bytes} bytes that are accepted. Send a smaller one.",
                code="image_too_large",
            )
    return bytes(data)


def _stored(data: bytes) -> tuple[str, tuple[int, int]]:
    png = canonical_png(data)
    return shared_store().put(png), image_size(png)


def _refusal(error: InterleaveError, status: int) -> Response:
    return JSONResponse({"error": error.data}, status)


async def _refused(_: Request, error: Exception) -> Response:
    """Answers with the reason, also in the form of LangGraph's own refusals, whose clients look for `detail`."""
    if not isinstance(error, InterleaveError):
        raise error
    status = 422 if isinstance(error, InputError) else 500
    return JSONResponse({"detail": str(error), "error": error.data}, status)


app = Starlette(
    routes=[
        Route("/images/{sha256:str}.png", _show, methods=["GET"], name="image"),
        Route("/images", _store, methods=["POST", "PUT"]),
    ],
    exception_handlers={InterleaveError: _refused},
)
"""Named in langgraph.json."""
