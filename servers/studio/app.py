"""The studio's HTTP interface: the page's files, and the trajectories of one workspace as JSON, images and news.

Every answer about a trajectory is its `View`. Errors are `{"error": {"code", "message"}}`; that of a
refused request may have a `suggestion`, a text that would be accepted.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib.metadata import version

from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from interleavethinker.graph.profiles.profile import load_profile
from interleavethinker.graph.workspace.catalog import TrajectorySummary
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.servers.trajectories.view import View, profile_name
from interleavethinker.tools.errors import InputError, InterleaveError, ProfileError, StoreError, TrajectoryError
from interleavethinker.tools.images.png import DEFAULT_LIMITS
from interleavethinker.tools.request_parsing import place_images

from .access import proof_of_key
from .deletions import UNDO_SECONDS, Deletions
from .exports import EXPORTS, exported
from .feed import ChangeFeed
from .messages import Approval, Branch, Empty, NewTrajectory, Resumption, Verdict, parse
from .page_files import page_file
from .previews import PreviewCache

__all__ = ["StudioApp"]

_MAX_MESSAGE = 4 * 1024 * 1024
_STATUS = {"unknown_trajectory": 404, "unknown_image": 404, "image_too_large": 413, "busy": 409}
_UNCHANGING = "private, max-age=31536000, immutable"
"""An image never changes, because its name is its hash."""


class StudioApp:
    """The ASGI application, without access control.

    Attributes:
        asgi: The application.
        feed: News for the pages.
        deletions: Those that can still be undone.

    Args:
        service: Runs the trajectories.
        key: The studio's key, to prove that it is known.
        undo_seconds: How long a deletion can be undone.
    """

    def __init__(self, service: TrajectoryService, key: str, *, undo_seconds: float = UNDO_SECONDS) -> None:
        self._service = service
        self._key = key
        self._previews = PreviewCache(service)
        self.feed = ChangeFeed(service)
        self.deletions = Deletions(service, undo_seconds, self._tell_kept)
        one = "/api/trajectories/{id:str}"
        self.asgi = Starlette(
            routes=[
                Route("/", self._page),
                Route("/page/{name:path}", self._page_file),
                Route("/hello", self._hello),
                Route("/api/options", self._options),
                Route("/api/estimate", self._estimate, methods=["POST"]),
                Route("/api/changes", self._changes),
                Route("/api/images", self._add_image, methods=["PUT"]),
                Route("/api/images/{sha256:str}", self._image),
                Route("/api/trajectories", self._list, methods=["GET"]),
                Route("/api/trajectories", self._start, methods=["POST"]),
                Route(one, self._view),
                Route(f"{one}/thumbnail", self._thumbnail),
                Route(f"{one}/export", self._export),
                Route(f"{one}/{{verb:str}}", self._act, methods=["POST"]),
            ],
            exception_handlers={InterleaveError: _error},
        )

    async def close(self) -> None:
        """Ends the pages' connections and carries out deletions that are due."""
        self.feed.close()
        await self.deletions.close()

    async def _page(self, _request: Request) -> Response:
        return await _file("index.html")

    async def _page_file(self, request: Request) -> Response:
        return await _file(request.path_params["name"])

    async def _hello(self, request: Request) -> Response:
        proof = proof_of_key(self._key, request.query_params.get("nonce", ""), request.headers["host"])
        return JSONResponse({"proof": proof}, 400 if proof is None else 200)

    async def _options(self, _request: Request) -> Response:
        options = self._service.options
        profiles = [await asyncio.to_thread(_profile, source) for source in dict.fromkeys(options.profiles)]
        return JSONResponse(
            {
                "version": await asyncio.to_thread(version, "interleavethinker"),
                "profiles": [one for one in profiles if one is not None],
                "require_person": options.require_person,
                "exports": [{"form": form, "label": label} for form, label in EXPORTS.items()],
            }
        )

    async def _estimate(self, request: Request) -> Response:
        new = parse(NewTrajectory, await _body(request, _MAX_MESSAGE))
        parts = place_images(new.request, new.image_parts)
        estimate = await asyncio.to_thread(
            self._service.options.estimate, parts, new.profile, new.limits, new.image_size
        )
        if estimate is None:
            return JSONResponse({"estimate": None})
        return JSONResponse({"estimate": {**estimate.model_dump(mode="json"), "words": estimate.words}})

    async def _changes(self, _request: Request) -> Response:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(self._events(), media_type="text/event-stream", headers=headers)

    async def _events(self) -> AsyncGenerator[str]:
        async for news in self.feed.listen():
            yield ": here\n\n" if news is None else f"data: {json.dumps(news)}\n\n"

    async def _list(self, _request: Request) -> Response:
        summaries = [one for one in await self._service.list() if one.id not in self.deletions]
        return JSONResponse(
            {
                "trajectories": [
                    {
                        "id": one.id,
                        "title": one.title,
                        "profile": profile_name(one.profile),
                        "status": one.status,
                        "created": one.created.isoformat(),
                        "updated": one.updated.isoformat(),
                        "parent": one.parent,
                        "parent_step": None if one.parent_step is None else one.parent_step + 1,
                        "version": self.feed.versions.get(one.id, ""),
                    }
                    for one in summaries
                ]
            }
        )

    async def _start(self, request: Request) -> Response:
        new = parse(NewTrajectory, await _body(request, _MAX_MESSAGE))
        trajectory = await self._service.start(
            new.request,
            images=new.image_parts,
            profile=new.profile,
            approve_plan=new.approve_plan,
            limits=new.limits,
            image_size=new.image_size,
            seed=new.seed,
            key=secrets.token_hex(16),  # The same request twice is wanted: the page never repeats a call by itself.
        )
        self.feed.tell({"list": True})
        return JSONResponse({"trajectory": trajectory}, 201)

    async def _view(self, request: Request) -> Response:
        return _json(await self._service.view(self._shown(request)))

    async def _thumbnail(self, request: Request) -> Response:
        view = await self._service.view(self._shown(request))
        shown = [step.image or (step.attempts[-1].image if step.attempts else None) for step in view.steps]
        given = [part.image for part in view.request if part.image is not None]
        newest = next((name for name in (*reversed(shown), *given) if name is not None), None)
        if newest is None:
            return Response(status_code=204)
        return await self._preview(newest, "small", "no-store")

    async def _image(self, request: Request) -> Response:
        return await self._preview(request.path_params["sha256"], request.query_params.get("size", "full"), _UNCHANGING)

    async def _preview(self, sha256: str, size: str, cache: str) -> Response:
        data, media_type = await self._previews.get(sha256, size)
        return Response(data, media_type=media_type, headers={"cache-control": cache})

    async def _add_image(self, request: Request) -> Response:
        sha256 = await self._service.add_image(await _body(request, DEFAULT_LIMITS.max_bytes))
        return JSONResponse({"sha256": sha256}, 201)

    async def _export(self, request: Request) -> Response:
        trajectory = await self._service.workspace.get(self._shown(request))
        form = request.query_params.get("form", "html")
        download = await asyncio.to_thread(exported, trajectory, self._service.workspace.store, form)
        headers = {"content-disposition": f'attachment; filename="{download.name}"', "cache-control": "no-store"}
        return Response(download.data, media_type=download.media_type, headers=headers)

    async def _act(self, request: Request) -> Response:
        verbs: dict[str, Callable[[str, bytes], Awaitable[View | dict[str, JsonValue]]]] = {
            "approve": self._approve,
            "branch": self._branch,
            "cancel": self._cancel,
            "delete": self._delete,
            "judge": self._judge,
            "pause": self._pause,
            "restore": self._restore,
            "resume": self._resume,
        }
        verb = verbs.get(request.path_params["verb"])
        if verb is None:
            raise InputError(f"A trajectory can be told to {', '.join(verbs)}; got {request.path_params['verb']!r}.")
        body = await _body(request, _MAX_MESSAGE)
        name = request.path_params["id"] if verb == self._restore else self._shown(request)
        answer = await verb(name, body)
        self.feed.tell({"list": True, "changed": [name]})
        return _json(answer) if isinstance(answer, View) else JSONResponse(answer)

    async def _approve(self, name: str, body: bytes) -> View:
        return await self._service.approve(name, parse(Approval, body).steps, by_person=True)

    async def _judge(self, name: str, body: bytes) -> View:
        given = parse(Verdict, body)
        return await self._service.judge(
            name,
            accept=given.accept,
            prompt=given.prompt,
            reason=given.reason,
            region=given.region,
            mask=given.mask,
            step=given.step,
            attempt=given.attempt,
            by_person=True,
        )

    async def _branch(self, name: str, body: bytes) -> dict[str, JsonValue]:
        point = parse(Branch, body)
        image = None if point.image is None else f"image://{point.image}"
        return {
            "trajectory": await self._service.branch(
                name,
                point.step,
                point.attempt,
                prompt=point.prompt,
                seed=point.seed,
                image=image,
                image_size=point.image_size,
                choose=point.choose,
                by_person=True,
            )
        }

    async def _pause(self, name: str, body: bytes) -> View:
        parse(Empty, body)
        return await self._service.pause(name)

    async def _resume(self, name: str, body: bytes) -> View:
        return await self._service.resume(name, parse(Resumption, body).limits, by_person=True)

    async def _cancel(self, name: str, body: bytes) -> View:
        parse(Empty, body)
        return await self._service.cancel(name)

    async def _delete(self, name: str, body: bytes) -> dict[str, JsonValue]:
        parse(Empty, body)
        await self.deletions.add(name)
        return {"deleted": name, "undo_seconds": self.deletions.seconds}

    def _tell_kept(self, kept: TrajectorySummary, reason: str) -> None:
        news: dict[str, JsonValue] = {"trajectory": kept.id, "title": kept.title, "reason": reason}
        self.feed.tell({"list": True, "changed": [kept.id], "kept": news})

    async def _restore(self, name: str, body: bytes) -> dict[str, JsonValue]:
        parse(Empty, body)
        self.deletions.undo(name)
        return {"restored": name}

    def _shown(self, request: Request) -> str:
        name: str = request.path_params["id"]
        if name in self.deletions:
            raise TrajectoryError(f"Trajectory {name} was deleted.", code="unknown_trajectory")
        return name


async def _file(name: str) -> Response:
    found = await asyncio.to_thread(page_file, name)
    if found is None:
        return JSONResponse({"error": {"code": "unknown_file", "message": f"There is no page {name!r}."}}, 404)
    data, media_type = found
    return Response(data, media_type=media_type, headers={"cache-control": "no-cache"})


def _json(view: View) -> Response:
    # Dumped by pydantic, since a lone surrogate from an old database must not end the answer.
    return Response(view.model_dump_json(), media_type="application/json", headers={"cache-control": "no-store"})


def _profile(source: str) -> dict[str, JsonValue] | None:
    try:
        profile = load_profile(source)
    except ProfileError:  # Its file was removed or broken while the studio ran.
        return None
    return {
        "name": profile_name(source),
        "description": profile.description,
        "notice": profile.notice,
        "example": profile.example,
        "limits": profile.limits.model_dump(mode="json"),
    }


async def _body(request: Request, most: int) -> bytes:
    """Returns the body, and stops reading at the limit whatever the header says."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise InputError(f"At most {most} bytes are accepted. Send a smaller one.", code="image_too_large")
    return bytes(data)


async def _error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, InterleaveError):
        raise error
    status = _STATUS.get(error.code)
    if status is None:
        status = 422 if isinstance(error, InputError | ProfileError) else 409
        status = 500 if isinstance(error, StoreError) else status
    return JSONResponse({"error": error.data}, status)
