"""The image server's MCP face: four tools and the `image://` resources, over any `ImageService`.

The contract, for anybody who writes another server: `generate_image` and `edit_image` answer with structured content
(`ImageAnswer`), a link to `image://{sha256}`, and a preview of at most 100 KB; an error is a result with `is_error` and
`{"error": {"code", "message", "retryable"}}`. Knows nothing of models; transports are in `serving`.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from typing import Annotated

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from interleavethinker.tools.errors import GeneratorError, InterleaveError, StoreError
from interleavethinker.tools.images.png import preview

from .service import ImageService, ServedImage

__all__ = ["ImageAnswer", "PutAnswer", "StatusAnswer", "build_server"]

_PREVIEW_BYTES = 100_000
_INSTRUCTIONS = """Draws images and edits them.
Images are named image://{sha256}. To edit an image that this server made, pass its uri as `image`; to edit your own,
pass a data URI, or send it once with put_image. The same call with the same seed gives the same image, at no cost."""


class ImageAnswer(BaseModel):
    """What `generate_image` and `edit_image` answer."""

    uri: str = Field(description="image://{sha256}: readable as a resource, and usable as `image` in edit_image")
    sha256: str = Field(description="Hash of the PNG bytes")
    width: int
    height: int
    seed: int = Field(description="The seed used; with it, the same call gives the same image")
    model: str = Field(description="Model and version that drew it")
    seconds: float = Field(description="Duration of the generation, without queueing")
    cached: bool = Field(description="Whether the image was drawn earlier and came from the store")


class PutAnswer(BaseModel):
    """What `put_image` answers."""

    uri: str
    sha256: str
    width: int
    height: int


class StatusAnswer(BaseModel):
    """What `server_status` answers."""

    backend: str
    model: str
    loaded: bool = Field(description="Whether the model is in memory; the first call waits for it")
    problem: str | None = Field(description="Why the model cannot be used, if so")
    device: str
    dtype: str
    version: str
    waiting: int = Field(description="Calls in the queue")
    running: int = Field(description="Calls being generated")
    max_waiting: int
    max_batch: int
    generated: int = Field(description="Images generated since the start")
    answered_from_store: int


Prompt = Annotated[str, Field(description="What to draw", json_schema_extra={"minLength": 1, "maxLength": 8000})]
Change = Annotated[str, Field(description="What to change", json_schema_extra={"minLength": 1, "maxLength": 8000})]
Source = Annotated[str, Field(description="image://{sha256} of an image this server knows, or data:image/png;base64,…")]
Seed = Annotated[int | None, Field(description="0 to 2^63-1; without one, every call draws a new image")]
Pixels = Annotated[int | None, Field(description="Pixels; rounded down to what the model can do")]
Steps = Annotated[int | None, Field(description="Denoising steps; best left to the model's settings")]
Guidance = Annotated[float | None, Field(description="Guidance scale; best left to the model's settings")]

_Draws = Annotated[CallToolResult, ImageAnswer]
_NEW = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_SAME = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_LOOK = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def build_server(service: ImageService, *, by_wire: bool = False) -> MCPServer:
    """Returns an MCP server over a service; the caller opens the service and runs a transport.

    Args:
        service: Draws, edits and keeps the images.
        by_wire: All clients are outside this process. Their requests say whether progress is wanted, and where it is
            not, steps wake nobody. A client in this process does not say it.
    """
    server: MCPServer = MCPServer(
        "interleavethinker-images",
        title="Image generator",
        instructions=_INSTRUCTIONS,
        version=version("interleavethinker"),
        log_level="WARNING",
    )

    @server.tool(title="Generate an image", annotations=_NEW)
    async def generate_image(
        ctx: Context,
        prompt: Prompt,
        seed: Seed = None,
        width: Pixels = None,
        height: Pixels = None,
        steps: Steps = None,
        guidance: Guidance = None,
    ) -> _Draws:
        """Draws an image from a description."""
        async with _errors_as_results() as answer, _progress(ctx, by_wire) as progress:
            answer.result = await _drawn(
                await service.draw(
                    prompt,
                    seed=seed,
                    width=width,
                    height=height,
                    steps=steps,
                    guidance=guidance,
                    progress=progress,
                )
            )
        return answer.take()

    @server.tool(title="Edit an image", annotations=_NEW)
    async def edit_image(
        ctx: Context,
        prompt: Change,
        image: Source,
        seed: Seed = None,
        width: Pixels = None,
        height: Pixels = None,
        steps: Steps = None,
        guidance: Guidance = None,
    ) -> _Draws:
        """Changes an image as described and returns the result as a new image."""
        async with _errors_as_results() as answer, _progress(ctx, by_wire) as progress:
            answer.result = await _drawn(
                await service.draw(
                    prompt,
                    image=image,
                    seed=seed,
                    width=width,
                    height=height,
                    steps=steps,
                    guidance=guidance,
                    progress=progress,
                )
            )
        return answer.take()

    @server.tool(title="Upload an image", annotations=_SAME)
    async def put_image(
        image: Annotated[str, Field(description="data:image/png;base64,… (PNG, JPEG, WebP or GIF)")],
    ) -> Annotated[CallToolResult, PutAnswer]:
        """Keeps an image for later edits and returns its uri. Canonical 8-bit RGB PNG bytes are kept as they are."""
        async with _errors_as_results() as answer:
            sha256, width, height = await service.put(image)
            kept = PutAnswer(uri=f"image://{sha256}", sha256=sha256, width=width, height=height)
            answer.result = _structured(kept, f"Kept as {kept.uri} ({width} x {height}).")
        return answer.take()

    @server.tool(title="Server status", annotations=_LOOK)
    async def server_status() -> Annotated[CallToolResult, StatusAnswer]:
        """Tells whether the model is loaded, how long the queue is, and on what device and version this runs."""
        status = StatusAnswer.model_validate(service.status())
        state = status.problem or ("loaded" if status.loaded else "loading")
        return _structured(status, f"{status.model} on {status.device}: {state}; {status.waiting} waiting.")

    _add_resources(server, service)
    return server


def _add_resources(server: MCPServer, service: ImageService) -> None:
    @server.resource("image://{sha256}", name="image", title="An image", mime_type="image/png")
    async def image(sha256: str) -> bytes:
        """A stored image's PNG bytes."""
        return await _read(service, sha256)

    @server.resource(
        "image://{sha256}/{start}/{end}",
        name="image-bytes",
        title="Part of an image",
        mime_type="application/octet-stream",
    )
    async def image_bytes(sha256: str, start: str, end: str) -> bytes:
        """Bytes `start` up to, not including, `end` of a stored image, for clients that read large ones in parts."""
        if not (start.isdecimal() and end.isdecimal()):
            raise ResourceNotFoundError("start and end must be whole numbers of bytes")
        return await _read(service, sha256, int(start), int(end))


async def _read(service: ImageService, sha256: str, start: int = 0, end: int | None = None) -> bytes:
    try:
        return await service.read(sha256, start, end)
    except StoreError as error:
        if error.code == "unknown_image":
            raise ResourceNotFoundError("no such image") from error
        raise ResourceError(str(error)) from error


class _Answer:
    result: CallToolResult | None = None

    def take(self) -> CallToolResult:
        """Returns what was set, or the error that took its place."""
        if self.result is None:
            raise RuntimeError("a tool ended without an answer")
        return self.result


@contextlib.asynccontextmanager
async def _errors_as_results() -> AsyncIterator[_Answer]:
    """Turns this project's errors into results that a program can read; anything else is the library's business."""
    answer = _Answer()
    try:
        yield answer
    except InterleaveError as error:
        retryable = error.retryable if isinstance(error, GeneratorError) else False
        answer.result = CallToolResult(
            is_error=True,
            content=[TextContent(type="text", text=str(error))],
            structured_content={"error": {"code": error.code, "message": str(error), "retryable": retryable}},
        )


@contextlib.asynccontextmanager
async def _progress(ctx: Context, by_wire: bool) -> AsyncIterator[Callable[[float, str], None] | None]:
    """Sends the newest progress on, never faster than the client takes it; None where the client did not ask for it."""
    meta = ctx.request_context.meta
    if by_wire and (meta is None or meta.get("progress_token") is None):
        yield None
        return
    newest: list[tuple[float, str]] = []
    news = asyncio.Event()

    def report(fraction: float, message: str) -> None:
        newest[:] = [(fraction, message)]
        news.set()

    async def send() -> None:
        while True:
            await news.wait()
            news.clear()
            fraction, message = newest[0]
            await ctx.report_progress(fraction, 1.0, message)

    sender = asyncio.create_task(send())
    try:
        yield report
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _drawn(drawn: ServedImage) -> CallToolResult:
    generation = drawn.generation
    answer = ImageAnswer(uri=f"image://{generation.sha256}", cached=drawn.cached, **generation.model_dump())
    small, mime_type = drawn.png, "image/png"
    if len(small) > _PREVIEW_BYTES:
        small, mime_type = await asyncio.to_thread(preview, drawn.png, _PREVIEW_BYTES)
    result = _structured(answer, f"{answer.uri} ({answer.width} x {answer.height}, seed {answer.seed}).")
    result.content.append(
        ResourceLink(
            type="resource_link",
            uri=answer.uri,
            name=f"{answer.sha256[:12]}.png",
            mime_type="image/png",
            size=len(drawn.png),
        )
    )
    result.content.append(ImageContent(type="image", data=base64.b64encode(small).decode(), mime_type=mime_type))
    return result


def _structured(model: BaseModel, text: str) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=model.model_dump(mode="json")
    )
