"""The tools of the storyboard's page: its state, images in full, uploads, and what the person decides there.

Only a page calls them: hosts never offer them to the model, and clients without pages neither see nor can call them.
What comes through `steer_storyboard` is therefore a person's decision.
"""

import asyncio
import base64
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.data_uris import decode_base64
from interleavethinker.tools.images.png import image_size
from interleavethinker.tools.types import Step

from .arguments import Attempt, MaxCalls, MaxCost, Region, Seed, TimeLimit, Trajectory, Words
from .options import LimitRequest
from .service import TrajectoryService
from .view import View

if TYPE_CHECKING:
    from .server import TrajectoryServer

__all__ = ["APP_TOOLS", "add_app_tools"]

APP_TOOLS = frozenset({"storyboard_state", "storyboard_image", "put_image", "steer_storyboard"})
_META: dict[str, Any] = {"ui": {"visibility": ["app"]}}
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_MOST_WAIT = 20.0
_PART_BYTES = 375_000
"""500 kB in base64."""
_Action = Literal["approve", "judge", "branch", "pause", "resume", "cancel"]


def add_app_tools(server: "TrajectoryServer", service: TrajectoryService) -> None:
    """Adds the tools."""
    tools = _AppTools(service)
    server.add_tool(tools.storyboard_state, annotations=_READS, meta=_META)
    server.add_tool(tools.storyboard_image, annotations=_READS, meta=_META)
    server.add_tool(tools.put_image, annotations=_WRITES, meta=_META)
    server.add_tool(tools.steer_storyboard, annotations=_WRITES, meta=_META)


class _AppTools:
    def __init__(self, service: TrajectoryService) -> None:
        self._service = service

    async def storyboard_state(
        self, trajectory: Trajectory, since: str | None = None, wait: float = 0.0
    ) -> CallToolResult:
        """The complete view; with `since`, once it differs or after `wait` seconds (0 to 20)."""
        if not 0 <= wait <= _MOST_WAIT:
            raise InputError(f"wait must be between 0 and {_MOST_WAIT:.0f} seconds; got {wait}.")
        return _full(await self._service.wait(trajectory, since, wait))

    async def storyboard_image(self, sha256: str, start: Annotated[int, Field(ge=0)] = 0) -> CallToolResult:
        """Bytes of an image in base64 from `start` on; `next` is where to go on, or null."""
        png = await self._service.image(sha256)
        part = png[start : start + _PART_BYTES]
        end = start + len(part)
        structured = {
            "data": base64.b64encode(part).decode(),
            "mime_type": "image/png",
            "size": len(png),
            "next": end if end < len(png) else None,
        }
        words = f"Bytes {start} to {end} of {len(png)}."
        return CallToolResult(content=[TextContent(type="text", text=words)], structured_content=structured)

    async def put_image(self, data: Annotated[str, Field(description="Base64 or a data URI")]) -> CallToolResult:
        """Stores an image of the person's."""
        if data.startswith("data:"):
            name = await self._service.add_image(data)
        else:
            name = await self._service.add_image(await asyncio.to_thread(decode_base64, data))
        width, height = image_size(await self._service.image(name))
        structured = {"sha256": name, "uri": f"image://{name}", "width": width, "height": height}
        return CallToolResult(
            content=[TextContent(type="text", text=f"Stored as image://{name}.")], structured_content=structured
        )

    async def steer_storyboard(
        self,
        trajectory: Trajectory,
        action: _Action,
        steps: list[Step] | None = None,
        step: Attempt = None,
        attempt: Attempt = None,
        accept: bool | None = None,
        prompt: Words = None,
        reason: str = "",
        region: Region = None,
        seed: Seed = None,
        image: str | None = None,
        max_calls: MaxCalls = None,
        max_cost: MaxCost = None,
        time_limit: TimeLimit = None,
    ) -> CallToolResult:
        """Does what a person decided on the page; returns the view, of the new trajectory after branch."""
        service = self._service
        match action:
            case "approve":
                view = await service.approve(trajectory, steps, by_person=True)
            case "judge":
                if accept is None:
                    raise InputError("judge needs accept: true or false.")
                view = await service.judge(
                    trajectory,
                    accept=accept,
                    prompt=prompt,
                    reason=reason,
                    region=region,
                    step=step,
                    attempt=attempt,
                    by_person=True,
                )
            case "branch":
                if step is None:
                    raise InputError("branch needs a step.")
                name = await service.branch(
                    trajectory, step, attempt or 1, prompt=prompt, seed=seed, image=image, by_person=True
                )
                view = await service.view(name)
            case "pause":
                view = await service.pause(trajectory)
            case "resume":
                limits = LimitRequest(max_calls=max_calls, max_cost=max_cost, time_limit=time_limit)
                view = await service.resume(trajectory, limits, by_person=True)
            case "cancel":
                view = await service.cancel(trajectory)
        return _full(view)


def _full(view: View) -> CallToolResult:
    words = f"{view.status}, {view.finished} of {view.of} steps finished"
    return CallToolResult(
        content=[TextContent(type="text", text=words)], structured_content=view.model_dump(mode="json")
    )
