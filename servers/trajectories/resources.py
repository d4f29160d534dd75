"""Documents, records and images as MCP resources, each below 1 MiB: large images are read in parts or as a preview."""

from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from interleavethinker.graph.export.markdown import document_lines
from interleavethinker.tools.errors import InterleaveError

from .service import TrajectoryService
from .text import in_tool_names

if TYPE_CHECKING:
    from .server import TrajectoryServer

__all__ = ["add_resources"]

_MOST_BYTES = 700_000
"""Before base64."""


def add_resources(server: "TrajectoryServer", service: TrajectoryService) -> None:
    """Adds the resource templates."""

    @server.resource("trajectory://{trajectory}/document", name="document", title="Document", mime_type="text/markdown")
    async def document(trajectory: str) -> str:
        """The text and images so far as Markdown; images are named image://…"""
        try:
            found = await service.workspace.get(trajectory)
        except InterleaveError as error:
            raise _resource_error(error) from error
        return _bounded("\n".join(document_lines(found.document, lambda sha256: f"image://{sha256}", found.notes)))

    @server.resource("trajectory://{trajectory}/record", name="record", title="Record", mime_type="application/json")
    async def record(trajectory: str) -> str:
        """Everything about a trajectory as JSON, except the bytes of its images."""
        try:
            return _bounded((await service.workspace.get(trajectory)).model_dump_json())
        except InterleaveError as error:
            raise _resource_error(error) from error

    @server.resource("image://{sha256}", name="image", title="An image", mime_type="image/png")
    async def image(sha256: str) -> bytes:
        """An image's PNG bytes, up to 700 kB; larger ones in parts, or as a preview."""
        png = await _image(service, sha256)
        if len(png) > _MOST_BYTES:
            raise ResourceError(
                f"The image has {len(png)} bytes. Read image://{sha256}/preview, or its parts: "
                f"image://{sha256}/0/{_MOST_BYTES} and so on."
            )
        return png

    @server.resource("image://{sha256}/preview", name="image-preview", title="A preview", mime_type="image/jpeg")
    async def preview(sha256: str) -> bytes:
        """The image at up to 1024 pixels; a PNG if that is small enough, else a JPEG."""
        try:
            return (await service.preview(sha256, _MOST_BYTES, 1024))[0]
        except InterleaveError as error:
            raise _resource_error(error) from error

    @server.resource(
        "image://{sha256}/{start}/{end}", name="image-bytes", title="Part of an image",
        mime_type="application/octet-stream",
    )  # fmt: skip
    async def part(sha256: str, start: str, end: str) -> bytes:
        """Bytes `start` up to, but not including, `end` of an image's PNG; at most 700 kB."""
        if not (start.isdecimal() and end.isdecimal()):
            raise ResourceNotFoundError("start and end must be whole numbers (bytes)")
        return (await _image(service, sha256))[int(start) : min(int(end), int(start) + _MOST_BYTES)]


async def _image(service: TrajectoryService, sha256: str) -> bytes:
    try:
        return await service.image(sha256)
    except InterleaveError as error:
        raise _resource_error(error) from error


def _resource_error(error: InterleaveError) -> ResourceError:
    message = in_tool_names(str(error))
    if error.code in {"unknown_image", "unknown_trajectory"}:
        return ResourceNotFoundError(message)
    return ResourceError(message)


def _bounded(text: str) -> str:
    if len(text.encode()) > _MOST_BYTES:
        raise ResourceError("It is too long for a resource. Use the tool get_document, or `interleavethinker export`.")
    return text
