"""Loads what the first request of a profile would wait for: the models of this process, and the image server's."""

from interleavethinker.graph.context import Components
from interleavethinker.tools.chat.loading import OWN_PREFIX, load_chat_model
from interleavethinker.tools.errors import InterleaveError
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import PlanContext
from interleavethinker.tools.request_parsing import as_request

from .profile import Profile

__all__ = ["preload"]

_FREE = (OWN_PREFIX, "interleavethinker.")
"""What a role names begins with one of these if its answers cost nothing."""


async def preload(profile: Profile, components: Components) -> None:
    """Loads a profile's models. Hosted models are not called, because calls cost money.

    Args:
        profile: The profile.
        components: What was opened from it.

    Raises:
        InterleaveError: A model cannot be loaded, or the image server cannot be started.
    """
    if isinstance(components.generator, McpImageGenerator) and profile.generator.model is not None:
        await components.generator.status()
    for role in profile.roles.values():
        if role.model is not None and role.model.startswith(OWN_PREFIX):
            await load_chat_model(role.model, **role.options).ainvoke(profile.example)
    if all((role.model or role.object or "").startswith(_FREE) for role in profile.roles.values()):
        await _plan_example(profile, components)


async def _plan_example(profile: Profile, components: Components) -> None:
    """Plans the profile's example: planner and plan check may have models of their own."""
    request, context = as_request(profile.example), PlanContext()
    try:
        plan = await components.planner.plan(request, context)
        if components.plan_check is not None:
            await components.plan_check.check_plan(request, plan, context)
    except InterleaveError:
        return  # What the models say about the example does not matter.
