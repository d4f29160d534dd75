"""The image server's MCP interface: its tools and the `image://` resources, over any `ImageService`.

The contract, for authors of other servers: `generate_image` and `edit_image` return structured content (`ImageAnswer`)
and a preview of at most 100 KB. There is no link to the full image in the content: chat clients would fetch it as a web
address. Errors are those of `tool_server`. A call whose `_meta` has `interleavethinker/long_prompt: "note"` gets an
image with a note, instead of an error, where the model reads only a part of the prompt. Knows nothing of models; the
transports are in `servers.transport`.
"""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import CallToolResult, Icon, ImageContent, ToolAnnotations
from pydantic import BaseModel, Field

from interleavethinker.servers.tool_server import ToolServer, structured_result
from interleavethinker.tools.errors import StoreError
from interleavethinker.tools.images.png import data_uri, preview
from interleavethinker.tools.mcp.results import LONG_PROMPT_KEY

from .service import MAX_SEED, ImageService, ServedImage, ServiceLimits

__all__ = ["FilesAnswer", "ImageAnswer", "PutAnswer", "StatusAnswer", "build_server"]

_PREVIEW_BYTES = 100_000
_MOST_FILES = 50
_LONGEST_QUOTE = 300
_DESCRIPTION = "Generates and edits images with one model, on this machine or at a provider."
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#46a" d="M0 0h8v8H0z"/>'
    '<path fill="#fff" d="M1 7l2-3 1 1 1-2 2 4z"/></svg>'
)
_INSTRUCTIONS = """Generates and edits images.
Each answer names its image by uri, image://{sha256}, and shows a preview. To change an image, pass its uri to
edit_image as `image`; the result is a new image. The same call with the same seed gives the same image, at no cost.
An error begins with its code. After `loading` or `busy`, call again with the same arguments; if that goes on, tell the
user that the model is not ready yet."""
_FILE_INSTRUCTIONS = """
To edit one of the user's own images, find its path with list_images and pass that as `image`."""
_NO_FILE_INSTRUCTIONS = """
The user's own images can be edited only after a program has uploaded them with put_image."""


class ImageAnswer(BaseModel):
    """Structured result of `generate_image` and `edit_image`."""

    uri: str = Field(description="image://{sha256}: readable as a resource, and usable as `image` in edit_image")
    sha256: str = Field(description="Hash of the PNG bytes")
    bytes: int = Field(description="Size of the PNG, which the resource at `uri` has")
    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")
    seed: int = Field(description="The seed used; with it, the same call gives the same image")
    model: str = Field(description="Model and version that generated it")
    seconds: float = Field(description="Duration of the generation, without queueing")
    cached: bool = Field(description="Whether the image was generated earlier and came from the store")
    note: str = Field(default="", description="What was wrong with a call that asked for an image all the same")
    references: int = Field(0, description="How many of the references the model was given, from the first one")


class PutAnswer(BaseModel):
    """Structured result of `put_image`."""

    uri: str = Field(description="image://{sha256}: usable as `image` in edit_image")
    sha256: str = Field(description="Hash of the stored PNG bytes")
    width: int = Field(description="Pixels")
    height: int = Field(description="Pixels")


class FilesAnswer(BaseModel):
    """Structured result of `list_images`."""

    paths: list[str] = Field(description="Paths that are usable as `image` in edit_image, the newest first")


class StatusAnswer(BaseModel):
    """Structured result of `server_status`."""

    backend: str
    model: str
    loaded: bool = Field(description="Whether the model is in memory; if not, the next call loads it")
    loading: bool = Field(description="Whether the model is being loaded now")
    problem: str | None = Field(description="Why the model could not be loaded the last time; null if it was not tried")
    device: str
    dtype: str
    version: str
    waiting: int = Field(description="Calls in the queue")
    running: int = Field(description="Calls being generated")
    calls: int = Field(description="Calls that have no answer yet, of all clients, without this one")
    max_waiting: int
    max_batch: int
    max_references: int = Field(0, description="References that a call can use; further ones are left out")
    inpaints: bool = Field(False, description="Whether the model itself is given masks")
    generated: int = Field(description="Images generated since the start")
    answered_from_store: int


def _whole(description: str, low: int, high: int) -> Any:
    """A whole number within bounds that the schema states. The service checks them: its errors say more."""
    return Field(description=description, json_schema_extra={"minimum": low, "maximum": high})


_LIMITS = ServiceLimits()
_TEXT: Any = {"minLength": 1, "maxLength": _LIMITS.max_prompt}
Prompt = Annotated[str, Field(description="What the image shows", json_schema_extra=_TEXT)]
Change = Annotated[str, Field(description="What to change", json_schema_extra=_TEXT)]
Seed = Annotated[
    Annotated[int, _whole("Whole number", 0, MAX_SEED)] | None,
    Field(description="The same call with the same seed gives the same image; without one, every call gives a new one"),
]
_Side = Annotated[int, _whole("Pixels", _LIMITS.min_side, _LIMITS.max_side)]
Pixels = Annotated[_Side | None, Field(description="Pixels; rounded down to a size that the model supports")]
Size = Annotated[
    str | None,
    Field(description="Exactly this size, 1024x576, or an aspect ratio, 16:9; an error names the sizes of the model"),
]
Steps = Annotated[
    Annotated[int, _whole("Steps", 1, _LIMITS.max_steps)] | None,
    Field(description="Denoising steps; best left to the model's settings"),
]
Guidance = Annotated[
    Annotated[float, Field(json_schema_extra={"minimum": 0, "maximum": _LIMITS.max_guidance})] | None,
    Field(description="Guidance scale; best left to the model's settings"),
]
_KNOWN_IMAGE = "image://{sha256} of an image of this server"
_OWN_IMAGE = "data:image/png;base64,… (PNG, JPEG, WebP or GIF)"
Source = Annotated[str, Field(description=f"{_KNOWN_IMAGE}, a path from list_images, or {_OWN_IMAGE}")]
References = Annotated[
    list[str] | None,
    Field(
        description="Further images to look at, in the forms of edit_image's `image`; NAME=image://… for one that the "
        "prompt names"
    ),
]
Mask = Annotated[
    str | None,
    Field(description="Image of the same size, in the same forms: white where to change, all else stays as it is"),
]
StoredSource = Annotated[str, Field(description=f"{_KNOWN_IMAGE}, or {_OWN_IMAGE}")]

_ImageResult = Annotated[CallToolResult, ImageAnswer]
_IDEMPOTENT = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def build_server(service: ImageService, *, remote_clients: bool = False) -> ToolServer:
    """Returns an MCP server over a service; the caller opens the service and runs a transport.

    Args:
        service: Generates, edits and stores the images.
        remote_clients: Whether all clients are outside this process. Their requests say whether they want progress, and
            steps wake the event loop only if so. A client in this process does not say.
    """
    server = ToolServer(
        "interleavethinker-images",
        title="Image generator",
        description=_DESCRIPTION,
        icons=[Icon(src=data_uri(_ICON.encode(), "image/svg+xml"), mime_type="image/svg+xml", sizes=["any"])],
        instructions=_INSTRUCTIONS + (_FILE_INSTRUCTIONS if service.folders else _NO_FILE_INSTRUCTIONS),
        version=version("interleavethinker"),
    )
    # Clients approve calls by this: the prompt and the source of a hosted model's image leave the machine.
    generates = ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=service.remote
    )

    @server.tool(title="Generate an image", annotations=generates)
    async def generate_image(
        ctx: Context,
        prompt: Prompt,
        seed: Seed = None,
        width: Pixels = None,
        height: Pixels = None,
        size: Size = None,
        steps: Steps = None,
        guidance: Guidance = None,
        references: References = None,
    ) -> _ImageResult:
        """Generates an image from a description.

        Returns the image's uri, size and seed, and a preview. To change the image, pass the uri to edit_image.
        """
        async with _progress(ctx, remote_clients) as progress:
            served = await service.generate(
                prompt,
                references=references or (),
                seed=seed,
                width=width,
                height=height,
                size=size,
                steps=steps,
                guidance=guidance,
                may_cut=_may_cut(ctx),
                progress=progress,
            )
        return await _image_result(served, prompt)

    async def edit_image(
        ctx: Context,
        prompt: Change,
        image: StoredSource,
        seed: Seed = None,
        width: Pixels = None,
        height: Pixels = None,
        size: Size = None,
        steps: Steps = None,
        guidance: Guidance = None,
        references: References = None,
        mask: Mask = None,
    ) -> _ImageResult:
        """Changes an image as described, and keeps the rest as it is.

        Returns the new image's uri, size and seed, and a preview; the given image stays as it was.
        """
        async with _progress(ctx, remote_clients) as progress:
            served = await service.generate(
                prompt,
                image=image,
                references=references or (),
                mask=mask or None,
                seed=seed,
                width=width,
                height=height,
                size=size,
                steps=steps,
                guidance=guidance,
                may_cut=_may_cut(ctx),
                progress=progress,
            )
        return await _image_result(served, prompt)

    if service.folders:
        edit_image.__annotations__["image"] = Source
        _add_file_list(server, service)
    server.add_tool(edit_image, title="Edit an image", annotations=generates)

    @server.tool(title="Upload an image", annotations=_IDEMPOTENT)
    async def put_image(
        image: Annotated[str, Field(description=_OWN_IMAGE)],
    ) -> Annotated[CallToolResult, PutAnswer]:
        """Stores an image for later edits. For programs: a chat model cannot write the bytes of an attachment.

        Returns the stored image's uri and size. Canonical 8-bit RGB PNG bytes are stored unchanged.
        """
        sha256, width, height = await service.put(image)
        stored = PutAnswer(uri=f"image://{sha256}", sha256=sha256, width=width, height=height)
        return structured_result(stored, f"Stored as {stored.uri} ({width} x {height}).")

    @server.tool(title="Server status", annotations=_READ_ONLY)
    async def server_status() -> Annotated[CallToolResult, StatusAnswer]:
        """Returns whether the model is loaded, loading or unusable, the queue's length, the device and the version."""
        status = StatusAnswer.model_validate(service.status() | {"calls": server.calls - 1})
        state = "loaded" if status.loaded else "loading" if status.loading else "not loaded; the next call loads it"
        if status.problem is not None:
            state = f"it could not be loaded ({status.problem})"
        return structured_result(status, f"{status.model} on {status.device}: {state}; {status.waiting} waiting.")

    _add_resources(server, service)
    return server


def _add_file_list(server: ToolServer, service: ImageService) -> None:
    @server.tool(title="List the user's images", annotations=_READ_ONLY)
    async def list_images(
        contains: Annotated[str, Field(description="Only paths that contain this text, in any case")] = "",
    ) -> Annotated[CallToolResult, FilesAnswer]:
        """Lists image files that the user allowed this server to read.

        Returns paths for edit_image's `image`, the newest first.
        """
        paths = await asyncio.to_thread(service.folders.newest, contains, _MOST_FILES)
        text = "\n".join(paths) or "There are no such image files."
        if len(paths) == _MOST_FILES:
            text += f"\nThese are the newest {_MOST_FILES}; `contains` finds others."
        return structured_result(FilesAnswer(paths=paths), text)


def _add_resources(server: ToolServer, service: ImageService) -> None:
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


def _may_cut(ctx: Context) -> bool:
    """Whether the call asks for an image although the model may read only a part of the prompt."""
    meta = ctx.request_context.meta
    return meta is not None and meta.get(LONG_PROMPT_KEY) == "note"


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


async def _image_result(served: ServedImage, prompt: str) -> CallToolResult:
    generation = served.generation
    answer = ImageAnswer(
        uri=f"image://{generation.sha256}",
        bytes=len(served.png),
        cached=served.cached,
        references=served.references,
        **generation.model_dump(),
    )
    small, mime_type = served.png, "image/png"
    if len(small) > _PREVIEW_BYTES:
        small, mime_type = await asyncio.to_thread(preview, served.png, _PREVIEW_BYTES)
    shows = prompt if len(prompt) <= _LONGEST_QUOTE else prompt[: _LONGEST_QUOTE - 1] + "…"
    # Some clients show a model no images of tools: the text says what was asked for.
    text = f"{answer.uri} ({answer.width} x {answer.height}, seed {answer.seed}), for the prompt: {shows}"
    text += f"\n{answer.note}" if answer.note else ""
    result = structured_result(answer, text)
    if result.structured_content is not None and not answer.note:
        del result.structured_content["note"]  # Clients of older versions refuse answers with an unknown field.
    if not served.references and result.structured_content is not None:
        result.structured_content.pop("references")  # Clients of earlier versions accept no further fields.
    result.content.append(ImageContent(type="image", data=base64.b64encode(small).decode(), mime_type=mime_type))
    return result
