"""`approve_plan`: asks the person in a form where the client has forms; else the chat model passes on their consent.

Clients of protocol 2026-07-28 get the question as a result and call again with the answer; earlier ones are asked while
the call waits. A declined or unanswered form leaves the plan waiting.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve
from mcp_types import CallToolResult, ToolAnnotations
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, BeforeValidator, Field

from interleavethinker.servers.tool_server import unusable_answer
from interleavethinker.tools.plain_text import quotation

from .answers import view_answer
from .arguments import PlanStep, Trajectory, step_of
from .service import TrajectoryService
from .text import capped
from .view import StepView, View

if TYPE_CHECKING:
    from .server import TrajectoryServer

__all__ = ["PlanForm", "add_approve_plan"]

_FORM_SECONDS = 40.0
"""How long an earlier client's person has: its calls end after a minute."""
_MOST_STEPS = 40


class PlanForm(BaseModel):
    """The form. It shows a box that is ticked; only an answer that says so approves, one without the field does not."""

    approve: Annotated[bool | None, BeforeValidator(lambda value: value if isinstance(value, bool) else None)] = Field(
        default=None,
        title="Carry out this plan",
        description="Images are generated for each step.",
        json_schema_extra={"default": True},
    )


class _NoAnswer(BaseModel):
    """The person has not answered in time."""


def add_approve_plan(server: "TrajectoryServer", service: TrajectoryService, annotations: ToolAnnotations) -> None:
    """Adds the tool."""

    async def ask(
        ctx: Context, trajectory: str, steps: list[PlanStep] | None
    ) -> Elicit[PlanForm] | PlanForm | _NoAnswer | None:
        view = await service.view(trajectory)
        if view.status != "waiting" or not _has_forms(ctx):
            return None  # `approve` raises the error, or the model's word counts.
        question = _question(view, steps)
        if is_version_at_least(ctx.protocol_version or "", "2026-07-28"):
            return Elicit(question, PlanForm)
        try:
            async with asyncio.timeout(_FORM_SECONDS):
                result = await ctx.elicit(question, PlanForm)
        except TimeoutError:
            return _NoAnswer()
        except ValueError:  # Accepted without any content, or with what is no object.
            return PlanForm()
        return result.data if isinstance(result, AcceptedElicitation) else PlanForm(approve=False)

    async def approve_plan(
        trajectory: Trajectory,
        answer: Annotated[ElicitationResult[PlanForm], Resolve(ask)],
        steps: Annotated[
            list[PlanStep] | None, Field(description="The whole changed plan; a step without prompt has no image")
        ] = None,
    ) -> CallToolResult:
        """Carries out a waiting plan, with the user's consent; steps replace it."""
        form: object = answer.data if isinstance(answer, AcceptedElicitation) else PlanForm(approve=False)
        if isinstance(form, _NoAnswer):
            lead = "The user has not answered yet; the plan still waits."
        elif isinstance(form, PlanForm) and form.approve is None:
            raise unusable_answer("`approve` with true or false")
        elif isinstance(form, PlanForm) and not form.approve:
            lead = "The user did not approve; the plan still waits. Ask what should change."
        else:
            changed = None if steps is None else [step_of(step) for step in steps]
            before = (await service.view(trajectory)).limits
            view = await service.approve(trajectory, changed, by_person=isinstance(form, PlanForm))
            lead = f"The plan is approved. {capped(before, view.limits)}".rstrip()
            return await view_answer(service, view, previews=False, lead=lead)
        return await view_answer(service, await service.view(trajectory), previews=False, lead=lead)

    server.add_tool(approve_plan, title="Approve the plan", annotations=annotations)


def _has_forms(ctx: Context) -> bool:
    """Whether the client shows forms; an empty capability, from before there were modes, says so too."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _question(view: View, steps: list[PlanStep] | None) -> str:
    """Returns the plan in words: the one that waits, or the one that replaces it."""
    if steps is None:
        planned = [(step.instruction, step.prompt, step.caption, _extra(step)) for step in view.steps]
    else:
        planned = [(step.instruction or "", step.prompt, step.caption or "", _extra(step)) for step in steps]
    lines = []
    for number, (instruction, prompt, caption, extra) in enumerate(planned[:_MOST_STEPS], start=1):
        lines.append(f"{number}. {quotation(instruction or caption or prompt or '', 160)}{extra}")
        if prompt and prompt != instruction:
            lines.append(f"   Image: {quotation(prompt, 160)}")
    if len(planned) > _MOST_STEPS:
        lines.append(f"… and {len(planned) - _MOST_STEPS} more steps")
    changed = "" if steps is None else " (changed)"
    return "\n".join([f'Carry out this plan{changed} for "{quotation(view.title, 80)}"?', *lines])


def _extra(step: PlanStep | StepView) -> str:
    """Returns what a step starts from and its size, where the plan says so."""
    words = [f"starts from {step.starts_from}"] if step.starts_from is not None else []
    words += [f"looks at {', '.join(step.references)}"] if step.references else []
    words += [] if step.size is None else [f"size {step.size}"]
    return f" ({', '.join(words)})" if words else ""
