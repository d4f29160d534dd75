"""Opens what a profile names: once per workspace, or once per process for graphs embedded somewhere else.

A shared runtime's MCP session lives in the process's loop thread. Whoever calls the graph, from `invoke`, `ainvoke` or
a notebook's running loop, reaches it through `_Elsewhere`, which hops there and back.
"""

import asyncio
import atexit
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, cast

from langgraph.runtime import Runtime

from interleavethinker.graph.context import LoopThread, Ports, loop_thread
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import Critic, PlanContext, Planner, Progress
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.types import Call, Case, Generated, Plan, Request, Verdict

from .profile import Profile, Role, import_object, load_profile

__all__ = ["default_home", "open_ports", "shared_ports", "shared_store"]

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
async def open_ports(profile: Profile, store: ImageStore) -> AsyncIterator[Ports]:
    """Makes a profile's planner and critic and opens its generator's session, which starts its server.

    Raises:
        ProfileError: The profile names something that this machine lacks.
    """
    planner = cast("Planner", _fill(profile.planner, store, plans=True))
    critic = cast("Critic", _fill(profile.critic, store, plans=False))
    async with McpImageGenerator(profile.generator, store) as generator:
        yield Ports(planner, critic, generator, profile.limits)


async def shared_ports(profile: str, runtime: Runtime[Any]) -> Ports:
    """Returns the run's own context if it is `Ports`, else the process-wide ones of a profile, opened at first use."""
    if isinstance(runtime.context, Ports):
        return runtime.context
    return await loop_thread().hop(_shared(profile))


_open: dict[tuple[str, str], Ports] = {}
_exits = contextlib.AsyncExitStack()


async def _shared(name: str) -> Ports:
    """Runs in the loop thread only, so two first users cannot open the same profile twice."""
    key = (name, str(default_home()))
    if key not in _open:
        profile = load_profile(name)
        ports = await _exits.enter_async_context(open_ports(profile, shared_store()))
        if not _open:
            atexit.register(_close)
        there = _Elsewhere(ports, loop_thread())
        _open[key] = Ports(there, there, there, profile.limits)
    return _open[key]


def _close() -> None:
    with contextlib.suppress(TimeoutError):
        asyncio.run_coroutine_threadsafe(_exits.aclose(), loop_thread().loop).result(_CLOSING_SECONDS)


class _Elsewhere:
    """All three ports, carried out in the loop thread."""

    def __init__(self, ports: Ports, thread: LoopThread) -> None:
        self._ports = ports
        self._thread = thread

    @property
    def gives_confidence(self) -> bool:
        """See `Critic.gives_confidence`."""
        return self._ports.critic.gives_confidence

    async def plan(self, request: Request, context: PlanContext) -> Plan:
        """See `Planner.plan`."""
        return await self._thread.hop(self._ports.planner.plan(request, context))

    async def judge(self, cases: Sequence[Case]) -> list[Verdict]:
        """See `Critic.judge`."""
        return await self._thread.hop(self._ports.critic.judge(cases))

    async def generate(self, call: Call, progress: Progress | None = None) -> Generated:
        """See `ImageGenerator.generate`."""
        return await self._thread.hop(self._ports.generator.generate(call, progress))


def _fill(role: Role, store: ImageStore, *, plans: bool) -> object:
    if role.object is not None:
        return cast("object", import_object(role.object)(store=store, **role.options))
    from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
    from interleavethinker.tools.chat.loading import load_chat_model

    model = load_chat_model(role.model or "", **role.options)
    kind = ChatPlanner if plans else ChatCritic
    prompts = None if role.prompts is None else Path(resolve_folder(role.prompts))
    return kind(model, store, prompts=prompts, questions=role.questions)
