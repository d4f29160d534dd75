"""The eleven tools for chat models. Their docstrings are what the model reads."""

import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import Field

from interleavethinker.graph.export.markdown import markdown
from interleavethinker.graph.workspace.catalog import Status
from interleavethinker.tools.errors import InputError

from .answers import document_answer, view_answer
from .approval import add_approve_plan
from .arguments import (
    Attempt,
    Image,
    ImageSize,
    MaxAttempts,
    MaxCalls,
    MaxCost,
    OnDrift,
    Region,
    Seed,
    Since,
    StepNumber,
    TimeLimit,
    Trajectory,
    Variants,
    drift_action,
)
from .options import LimitRequest
from .service import TrajectoryService
from .text import capped, listed
from .view import View, profile_name

if TYPE_CHECKING:
    from .server import TrajectoryServer

__all__ = ["BOARD_URI", "add_tools"]

BOARD_URI = "ui://interleavethinker/storyboard.html"
_PLAN_SECONDS = 8.0
"""How long `illustrate` and `branch` wait for something to show."""
_MOST_WAIT = 45.0
"""Chat clients give up after about a minute."""
_MOST_RECORD = 700_000
_STARTS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
_STEERS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
_ENDS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def add_tools(server: "TrajectoryServer", service: TrajectoryService, *, has_board: bool) -> None:
    """Adds the tools in the order in which they are listed.

    Args:
        server: The server.
        service: Runs the trajectories.
        has_board: Whether there is a page that some of them open.
    """
    tools = _Tools(service)
    board: dict[str, Any] | None = {"ui": {"resourceUri": BOARD_URI}} if has_board else None
    server.add_tool(tools.illustrate_with_profiles(), "illustrate", "Illustrate", annotations=_STARTS, meta=board)
    server.add_tool(tools.follow, title="Wait for progress", annotations=_READS)
    server.add_tool(tools.show_storyboard, title="Show the storyboard", annotations=_READS, meta=board)
    add_approve_plan(server, service, _STEERS)
    server.add_tool(tools.judge_image, title="Accept or reject an image", annotations=_STEERS)
    server.add_tool(tools.branch, title="Branch from a step", annotations=_STARTS, meta=board)
    server.add_tool(tools.pause, title="Pause", annotations=_STEERS)
    server.add_tool(tools.resume, title="Resume", annotations=_STEERS)
    server.add_tool(tools.cancel, title="Cancel", annotations=_ENDS)
    server.add_tool(tools.get_document, title="Get the document", annotations=_READS)
    server.add_tool(tools.list_trajectories, title="List trajectories", annotations=_READS)


class _Tools:
    def __init__(self, service: TrajectoryService) -> None:
        self._service = service

    def illustrate_with_profiles(self) -> Any:
        """Returns the tool `illustrate`, whose schema names the profiles that may be chosen."""
        names = self._service.options.profile_names
        schema = {"enum": names} if names else None
        profile_type = Annotated[str | None, Field(json_schema_extra=schema)]

        async def illustrate(
            request: Annotated[str, Field(description="What to show, with all the user's details")],
            images: Annotated[
                list[str] | None,
                Field(description="The user's images; see `image` in branch. NAME=… where request says @NAME"),
            ] = None,
            profile: profile_type = None,
            approve_plan: Annotated[bool, Field(description="Wait for the user's approval of the plan")] = False,
            max_attempts: MaxAttempts = None,
            max_calls: MaxCalls = None,
            time_limit: TimeLimit = None,
            max_cost: MaxCost = None,
            image_size: ImageSize = None,
            variants: Variants = None,
            on_drift: OnDrift = None,
            max_drift: float | None = None,
            seed: Seed = None,
            key: Annotated[str | None, Field(description="Equal keys: one trajectory")] = None,
        ) -> CallToolResult:
            """Starts an answer with text and images in the background. May cost money."""
            name = await self._service.start(
                request,
                images=images or (),
                profile=profile,
                approve_plan=approve_plan,
                limits=LimitRequest(max_attempts, max_calls, time_limit, max_cost, variants, on_drift, max_drift),
                image_size=image_size or None,
                seed=seed,
                key=key,
            )
            return await self._started(name, waits=approve_plan or self._service.options.require_person)

        return illustrate

    async def follow(
        self,
        ctx: Context,
        trajectory: Trajectory,
        since: Since = None,
        wait: Annotated[float, Field(description="Seconds, 0 to 45")] = 25.0,
    ) -> CallToolResult:
        """Waits for the next finished step or change of status; shows new images. Repeat until done."""
        if not 0 <= wait <= _MOST_WAIT:
            raise InputError(f"wait must be between 0 and {_MOST_WAIT:.0f} seconds; got {wait}.")

        async def report(view: View) -> None:
            await ctx.report_progress(view.finished, view.of or None, f"step {view.step} of {view.of}")

        view = await self._service.wait(trajectory, since, wait, milestones=True, watch=report)
        return await view_answer(self._service, view, since=since)

    async def show_storyboard(self, trajectory: Trajectory) -> CallToolResult:
        """Shows all steps as they are now."""
        return await view_answer(self._service, await self._service.view(trajectory))

    async def judge_image(
        self,
        trajectory: Trajectory,
        accept: bool,
        prompt: Annotated[str | None, Field(description="New words for the step, if rejected")] = None,
        reason: str = "",
        region: Region = None,
        step: Attempt = None,
        attempt: Attempt = None,
        since: Since = None,
    ) -> CallToolResult:
        """Passes on the user's verdict on an image of the current step. For earlier steps, branch."""
        view = await self._service.judge(
            trajectory,
            accept=accept,
            prompt=prompt,
            reason=reason,
            region=region,
            step=step,
            attempt=attempt,
            since=since,
        )
        lead = f"The image was {'accepted' if accept else 'rejected'} by hand."
        return await view_answer(self._service, view, since=view.version, lead=lead)

    async def branch(
        self,
        trajectory: Trajectory,
        step: StepNumber,
        attempt: Annotated[int, Field(json_schema_extra={"minimum": 1})] = 1,
        prompt: Annotated[str | None, Field(description="New words for the step")] = None,
        seed: Seed = None,
        image: Image = None,
        image_size: ImageSize = None,
        choose: Annotated[bool, Field(description="Keep this attempt's image instead")] = False,
        max_attempts: int | None = None,  # As in `illustrate`, whose schema describes them: the list has 8 kB.
        max_calls: int | None = None,
        time_limit: float | None = None,
        max_cost: float | None = None,
        variants: int | None = None,
        on_drift: str | None = None,
        max_drift: float | None = None,
    ) -> CallToolResult:
        """Starts a variant that keeps all before a step's attempt, with new words, seed or image."""
        name = await self._service.branch(
            trajectory,
            step,
            attempt,
            prompt=prompt,
            seed=seed,
            image=image,
            image_size=image_size or None,
            choose=choose,
            limits=LimitRequest(
                max_attempts, max_calls, time_limit, max_cost, variants, drift_action(on_drift), max_drift
            ),
        )
        return await self._started(name, waits=self._service.options.require_person and prompt is not None)

    async def pause(self, trajectory: Trajectory) -> CallToolResult:
        """Pauses after the image in progress."""
        view = await self._service.pause(trajectory)
        lead = "It pauses after the image in progress." if view.status == "running" else ""
        return await view_answer(self._service, view, previews=False, lead=lead)

    async def resume(
        self,
        trajectory: Trajectory,
        max_attempts: int | None = None,
        max_calls: int | None = None,
        time_limit: float | None = None,
        max_cost: float | None = None,
        variants: int | None = None,
        on_drift: str | None = None,
        max_drift: float | None = None,
    ) -> CallToolResult:
        """Continues after a pause, error or restart, or a limit that is raised."""
        limits = LimitRequest(
            max_attempts, max_calls, time_limit, max_cost, variants, drift_action(on_drift), max_drift
        )
        before = (await self._service.view(trajectory)).limits
        view = await self._service.resume(trajectory, limits)
        lead = capped(before, view.limits) if limits == LimitRequest() else ""
        return await view_answer(self._service, view, previews=False, lead=lead)

    async def cancel(self, trajectory: Trajectory) -> CallToolResult:
        """Ends it now; what is finished stays readable."""
        return await view_answer(self._service, await self._service.cancel(trajectory), previews=False)

    async def get_document(
        self,
        trajectory: Trajectory,
        form: Literal["blocks", "markdown", "record"] = "blocks",
        images: Annotated[bool, Field(description="With previews")] = True,
        from_step: Annotated[int, Field(json_schema_extra={"minimum": 1})] = 1,
    ) -> CallToolResult:
        """Returns the text and images so far, in order; long ones in parts (from_step)."""
        found = await self._service.workspace.get(trajectory)
        if form == "blocks":
            return await document_answer(self._service, found, images=images, from_step=from_step)
        text = markdown(found) if form == "markdown" else found.model_dump_json(indent=1)
        if len(text.encode()) > _MOST_RECORD:
            raise InputError(
                f"The {form} is too long for one answer. Use form blocks, or `interleavethinker export {found.id}`."
            )
        return CallToolResult(content=[TextContent(type="text", text=text)])

    async def list_trajectories(
        self,
        status: Status | None = None,
        limit: Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 100})] = 10,
    ) -> CallToolResult:
        """Lists trajectories, the newest first."""
        if not 1 <= limit <= 100:
            raise InputError(f"limit must be between 1 and 100; got {limit}.")
        shown, total = await self._service.newest(limit, status)
        structured = {
            "total": total,
            "trajectories": [
                {"trajectory": one.id, "title": one.title, "status": one.status, "profile": profile_name(one.profile),
                 "created": one.created.isoformat(), "parent": one.parent}
                for one in shown
            ],
        }  # fmt: skip
        return CallToolResult(
            content=[TextContent(type="text", text=listed(shown, total))], structured_content=structured
        )

    async def _started(self, trajectory: str, *, waits: bool = False) -> CallToolResult:
        """Returns the answer about a new trajectory, with its plan if it is made soon; one that `waits` stops at it."""
        begun = time.monotonic()
        before = await self._service.view(trajectory)
        view = await self._service.wait_until(
            trajectory, lambda view: view.status != "running" or (view.of > 0 and not waits), _PLAN_SECONDS
        )
        lead = "Started." if time.monotonic() - begun < _PLAN_SECONDS else "Started; still planning."
        return await view_answer(self._service, view, since=before.version, lead=lead)
