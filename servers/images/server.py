"""The image server's MCP interface: four tools and the `image://` resources, over any `ImageService`.

The contract, for authors of other servers: `generate_image` and `edit_image` return structured content (`ImageAnswer`),
a link to `image://{sha256}`, and a preview of at most 100 KB. An error is a result with `is_error` and
`{"error": {"code", "message", "retryable"}}`. Knows nothing of models; the transports are in `servers.transport`.
"""

import asyncio
import base64
import contextlib
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from typing import Annotated, ParamSpec

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from interleavethinker.tools.errors import GeneratorError, InterleaveError, StoreError
from interleavethinker.tools.images.png import preview

from .service import ImageService, ServedImage

__all__ = ["ImageAnswer", "PutAnswer", "StatusAnswer", "build_server"]

_PREVIEW_BYTES = 100_000
_INSTRUCTIONS = """Generates and edits images.
Images are named image://{sha256}. To edit an image that this server generated, pass its uri as `image`. To edit your
own, pass a data URI, or upload it once with put_image. The same call with the same seed gives the same image, at no
cost."""


class ImageAnswer(BaseModel):
    """Structured result of `generate_image` and `edit_image`."""

    uri: str = Field(description="image://{sha256}: readable as a resource, and usable as `image` in edit_image")
    sha256: str = Field(description="Hash of the PNG bytes")
    width: int
    height: int
    seed: int = Field(description="The seed used; with it, the same call gives the same image")
    model: str = Field(description="Model and version that generated it")
    seconds: float = Field(description="Duration of the generation, without queueing")
    cached: bool = Field(description="Whether the image was generated earlier and came from the store")


class PutAnswer(BaseModel):
    """Structured result of `put_image`."""

    uri: str
    sha256: str
    width: int
    height: int


class StatusAnswer(BaseModel):
    """Structured result of `server_status`."""

    backend: str
    model: str
    loaded: bool = Field(description="Whether the model is in memory; the first call waits for it")
    problem: str | None = Field(description="Why the model cannot be used; null if it can")
    device: str
    dtype: str
    version: str
    waiting: int = Field(description="Calls in the queue")
    running: int = Field(description="Calls being generated")
    max_waiting: int
    max_batch: int
    generated: int = Field(description="Images generated since the start")
    answered_from_store: int


Prompt = Annotated[
    str, Field(description="What the image shows", json_schema_extra={"minLength": 1, "maxLength": 8000})
]
Change = Annotated[str, Field(description="What to change", json_schema_extra={"minLength": 1, "maxLength": 8000})]
Source = Annotated[str, Field(description="image://{sha256} of an image this server knows, or data:image/png;base64,…")]
Seed = Annotated[int | None, Field(description="0 to 2^63-1; without one, every call generates a new image")]
Pixels = Annotated[int | None, Field(description="Pixels; rounded down to a size that the model supports")]
Steps = Annotated[int | None, Field(description="Denoising steps; best left to the model's settings")]
Guidance = Annotated[float | None, Field(description="Guidance scale; best left to the model's settings")]

_ImageResult = Annotated[CallToolResult, ImageAnswer]
_Parameters = ParamSpec("_Parameters")
_GENERATES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_IDEMPOTENT = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def build_server(service: ImageService, *, remote_clients: bool = False) -> MCPServer:
    """Returns an MCP server over a service; the caller opens the service and runs a transport.

    Args:
        service: Generates, edits and stores the images.
        remote_clients: Whether all clients are outside this process. Their requests say whether they want progress, and
            steps wake the event loop only if so. A client in this process does not say.
    """
    server: MCPServer = MCPServer(
        "interleavethinker-images",
        title="Image generator",
        instructions=_INSTRUCTIONS,
        version=version("interleavethinker"),
        log_level="WARNING",
    )

    @server.tool(title="Generate an image", annotations=_GENERATES)
    @_errors_as_results
    async def generate_image(
        ctx: Context,
        prompt: Prompt,
        seed: Seed = None,
        width: Pixels = None,
        height: Pixels = None,
        steps: Steps = None,
        guidance: Guidance = None,
    ) -> _ImageResult:
        """Generates an image from a description."""
        async with _progress(ctx, remote_clients) as progress:
            served = await service.generate(
                prompt, seed=seed, width=width, height=height, steps=steps, guidance=guidance, progress=progress
            )
        return await _image_result(served)

    @server.tool(title="Edit an image", annotations=_GENERATES)
    @_errors_as_results
    async def edit_image(
        ctx: Context,
        prompt: Change,
        image: Source,
        seed: Seed = None,
        width: Pixels = None,
        height: Pixels = None,
        steps: Steps = None,
        guidance: Guidance = None,
    ) -> _ImageResult:
        """Changes an image as described and returns the result as a new image."""
        async with _progress(ctx, remote_clients) as progress:
            served = await service.generate(
                prompt,
                image=image,
                seed=seed,
                width=width,
                height=height,
                steps=steps,
                guidance=guidance,
                progress=progress,
            )
        return await _image_result(served)

    @server.tool(title="Upload an image", annotations=_IDEMPOTENT)
    @_errors_as_results
    async def put_image(
        image: Annotated[str, Field(description="data:image/png;base64,… (PNG, JPEG, WebP or GIF)")],
    ) -> Annotated[CallToolResult, PutAnswer]:
        """Stores an image for later edits and returns its uri. Canonical 8-bit RGB PNG bytes are stored unchanged."""
        sha256, width, height = await service.put(image)
        stored = PutAnswer(uri=f"image://{sha256}", sha256=sha256, width=width, height=height)
        return _structured(stored, f"Stored as {stored.uri} ({width} x {height}).")

    @server.tool(title="Server status", annotations=_READ_ONLY)
    async def server_status() -> Annotated[CallToolResult, StatusAnswer]:
        """Reports whether the model is loaded, the queue's length, the device and the version."""
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
        """Bytes `start` up to, but not including, `end` of a stored image, for reading large images in parts."""
        if not (start.isdecimal() and end.isdecimal()):
            raise ResourceNotFoundError("start and end must be whole numbers (bytes)")
        return await _read(service, sha256, int(start), int(end))


async def _read(service: ImageService, sha256: str, start: int = 0, end: int | None = None) -> bytes:
    try:
        return await service.read(sha256, start, end)
    except StoreError as error:
        if error.code == "unknown_image":
            raise ResourceNotFoundError("no such image") from error
        raise ResourceError(str(error)) from error


def _errors_as_results(
    tool: Callable[_Parameters, Awaitable[CallToolResult]],
) -> Callable[_Parameters, Awaitable[CallToolResult]]:
    """Makes a tool return this project's errors as results that a program can read; the library handles all others."""

    @functools.wraps(tool)
    async def wrapped(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> CallToolResult:
        try:
            return await tool(*args, **kwargs)
        except InterleaveError as error:
            retryable = error.retryable if isinstance(error, GeneratorError) else False
            return CallToolResult(
                is_error=True,
                content=[TextContent(type="text", text=str(error))],
                structured_content={"error": {"code": error.code, "message": str(error), "retryable": retryable}},
            )

    return wrapped


@contextlib.asynccontextmanager
async def _progress(ctx: Context, remote_clients: bool) -> AsyncIterator[Callable[[float, str], None] | None]:
    """Forwards the latest progress no faster than the client accepts it; None if the client does not want progress."""
    meta = ctx.request_context.meta
    if remote_clients and (meta is None or meta.get("progress_token") is None):
        yield None
        return
    latest: list[tuple[float, str]] = []
    changed = asyncio.Event()

    def report(fraction: float, message: str) -> None:
        latest[:] = [(fraction, message)]
        changed.set()

    async def send() -> None:
        while True:
            await changed.wait()
            changed.clear()
            fraction, message = latest[0]
            await ctx.report_progress(fraction, 1.0, message)

    sender = asyncio.create_task(send())
    try:
        yield report
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _image_result(served: ServedImage) -> CallToolResult:
    generation = served.generation
    answer = ImageAnswer(uri=f"image://{generation.sha256}", cached=served.cached, **generation.model_dump())
    small, mime_type = served.png, "image/png"
    if len(small) > _PREVIEW_BYTES:
        small, mime_type = await asyncio.to_thread(preview, served.png, _PREVIEW_BYTES)
    result = _structured(answer, f"{answer.uri} ({answer.width} x {answer.height}, seed {answer.seed}).")
    result.content.append(
        ResourceLink(
            type="resource_link",
            uri=answer.uri,
            name=f"{answer.sha256[:12]}.png",
            mime_type="image/png",
            size=len(served.png),
        )
    )
    result.content.append(ImageContent(type="image", data=base64.b64encode(small).decode(), mime_type=mime_type))
    return result


def _structured(model: BaseModel, text: str) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=model.model_dump(mode="json")
    )
