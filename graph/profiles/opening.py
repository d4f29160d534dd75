"""Opens what a profile names: once per workspace, or once per process for graphs embedded somewhere else.

A shared runtime's MCP session lives in the process's loop thread. Whoever calls the graph, from `invoke`, `ainvoke` or
a notebook's running loop, reaches it through `_ComponentsInLoopThread`, which hops there and back.
"""

import asyncio
import atexit
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

from langgraph.runtime import Runtime

from interleavethinker.graph.context import Components
from interleavethinker.graph.event_loop import LoopThread, loop_thread
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import Critic, PlanContext, Planner, ProgressCallback
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.types import CriticInput, GeneratedImage, GenerationRequest, Plan, Request, Verdict

from .profile import Profile, Role, import_object, load_profile

__all__ = ["default_home", "open_components", "shared_components", "shared_store"]

_CLOSING_SECONDS = 5.0


def default_home() -> Path:
    """Returns the folder of the default workspace: `INTERLEAVETHINKER_HOME`, or the user's data folder."""
    named = os.environ.get("INTERLEAVETHINKER_HOME")
    if named:
        return Path(named)
    from platformdirs import user_data_path

    return user_data_path("interleavethinker")


def shared_store() -> ImageStore:
    """Returns the image store of embedded graphs.

    It lies apart from the workspace's, because nobody but the embedding program knows which of its images are in use.
    """
    return ImageStore(default_home() / "embedded" / "images")


@contextlib.asynccontextmanager
async def open_components(profile: Profile, store: ImageStore) -> AsyncIterator[Components]:
    """Makes a profile's planner and critic and opens its generator's session, which starts its server.

    Raises:
        ProfileError: The profile names something that this machine lacks.
    """
    planner = cast("Planner", _build_role(profile.planner, store, plans=True))
    critic = cast("Critic", _build_role(profile.critic, store, plans=False))
    async with McpImageGenerator(profile.generator, store) as generator:
        yield Components(planner, critic, generator, profile.limits)


async def shared_components(profile: str, runtime: Runtime[Any]) -> Components:
    """Returns the run's context if it is `Components`, else a profile's, which are opened once per process."""
    if isinstance(runtime.context, Components):
        return runtime.context
    return await loop_thread().run_from_any_loop(_shared(profile))


_open: dict[tuple[str, str], Components] = {}
_exits = contextlib.AsyncExitStack()


async def _shared(name: str) -> Components:
    """Runs in the loop thread only, so two first users cannot open the same profile twice."""
    key = (name, str(default_home()))
    if key not in _open:
        profile = load_profile(name)
        components = await _exits.enter_async_context(open_components(profile, shared_store()))
        if not _open:
            atexit.register(_close)
        there = _ComponentsInLoopThread(components, loop_thread())
        _open[key] = Components(there, there, there, profile.limits)
    return _open[key]


def _close() -> None:
    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(_exits.aclose(), loop_thread().loop).result(_CLOSING_SECONDS)


class _ComponentsInLoopThread:
    """All three ports, carried out in the loop thread."""

    def __init__(self, components: Components, thread: LoopThread) -> None:
        self._components = components
        self._thread = thread

    @property
    def gives_confidence(self) -> bool:
        """See `Critic.gives_confidence`."""
        return self._components.critic.gives_confidence

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        return await self._thread.run_from_any_loop(self._components.planner.plan(request, context))

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        return await self._thread.run_from_any_loop(self._components.critic.judge(cases))

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await self._thread.run_from_any_loop(self._components.generator.generate(call, progress))


def _build_role(role: Role, store: ImageStore, *, plans: bool) -> object:
    if role.object is not None:
        return cast("object", import_object(role.object)(store=store, **role.options))
    from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
    from interleavethinker.tools.chat.loading import load_chat_model

    model = load_chat_model(role.model or "", **role.options)
    kind = ChatPlanner if plans else ChatCritic
    prompts = None if role.prompts is None else Path(resolve_folder(role.prompts))
    return kind(model, store, prompts=prompts, questions=role.questions)
