"""Builds the components that a profile names: once per workspace, or once per process for embedded graphs.

Process-wide state. A graph from `make_graph` has no workspace that could own its planner, critic and generator, so the
process owns them, in one place:

- `_shared` keeps the open components of each profile. The first run of a graph opens them, and later runs reuse them.
- They live in the event loop of `event_loop.loop_thread()`, because an MCP session is bound to the loop that opened it.
  Graphs called by `invoke`, by `ainvoke` or in a notebook reach them through `_ComponentsInLoopThread`.
- `close_shared_components` closes them all, which ends their image servers. It also runs when the process ends.
"""

import asyncio
import atexit
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from langgraph.runtime import Runtime

from interleavethinker.graph.context import Components, options_of
from interleavethinker.graph.estimate import require_prices
from interleavethinker.graph.event_loop import LoopThread, OpenContexts, loop_thread
from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.folders import default_home
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.mcp.generator import McpImageGenerator
from interleavethinker.tools.protocols import (
    Comparing,
    Critic,
    DocumentCheck,
    PlanCheck,
    PlanContext,
    Planner,
    ProgressCallback,
    Rephrasing,
    Researcher,
    Rewording,
    WishReader,
)
from interleavethinker.tools.qwen3vl.inference import resolve_folder
from interleavethinker.tools.request_checks import Checker, CombinedCheck, StructuralCheck
from interleavethinker.tools.types import (
    Attempt,
    CheckReport,
    CriticInput,
    GeneratedImage,
    GenerationRequest,
    Lookup,
    Plan,
    Request,
    Verdict,
)

from .checks import require_local_libraries, require_whole_weights
from .knowledge import toolboxes_of
from .named_objects import NamedObject, named_functions, object_of
from .profile import Profile, Role, import_object, load_profile, shipped_profiles

if TYPE_CHECKING:
    from interleavethinker.tools.chat.waiting import CallPolicy

__all__ = ["close_shared_components", "open_components", "shared_components", "shared_store"]

_HOSTED_TIMEOUT = 300.0
"""Seconds for an answer of a hosted model; those that reason take minutes."""


def shared_store() -> ImageStore:
    """Returns the image store of embedded graphs.

    It is separate from the workspace's store, whose garbage collection cannot know which images an embedding program
    still uses.
    """
    return _store_in(default_home())


def _store_in(home: Path) -> ImageStore:
    return ImageStore(home / "embedded" / "images")


@contextlib.asynccontextmanager
async def open_components(profile: Profile, store: ImageStore) -> AsyncIterator[Components]:
    """Builds a profile's planners, critic and checks, and opens its generator's session, which starts the image server.

    Args:
        profile: The profile.
        store: Store for the generated images.

    Raises:
        ProfileError: The profile names something that this machine does not have.
    """
    require_local_libraries(profile)
    await asyncio.to_thread(require_whole_weights, profile)
    # The image server, whose imports take the longest, starts in the background while this process imports its own.
    async with McpImageGenerator(profile.generator, store) as generator:
        # In a thread: imports take seconds, during which the other trajectories of this process continue.
        components_with = await asyncio.to_thread(_build_roles, profile, store)
        yield components_with(generator=generator)


async def shared_components(profile: str, runtime: Runtime[Any], further: Sequence[str] = ()) -> Components:
    """Returns the components in the run's context, or else the shared components of a profile.

    Args:
        profile: Name of a shipped profile, or path of a TOML file; used unless the run's context chooses another.
        runtime: LangGraph's runtime of the node.
        further: Paths of profiles that the context may choose, beside `profile` and the shipped ones.

    Raises:
        ProfileError: The context chooses a profile that is not allowed here.
    """
    if isinstance(runtime.context, Components):
        return runtime.context
    chosen = options_of(runtime).profile
    if chosen is not None:
        profile = await asyncio.to_thread(_allowed_profile, chosen, (profile, *further))
    home = await asyncio.to_thread(default_home)
    return await loop_thread().run_from_any_loop(_shared.get((profile, home)))


def close_shared_components() -> None:
    """Closes the components of all embedded graphs and ends their image servers; does nothing if none are open.

    Graphs stay usable: their next run opens the profile again. Runs in progress fail. The function blocks for at most 5
    seconds. It must not be called from a coroutine that runs in the loop thread.
    """
    _shared.close_in_loop_thread()


@contextlib.asynccontextmanager
async def _open_in_loop_thread(key: tuple[str, Path]) -> AsyncIterator[Components]:
    """Opens the components of a profile; the key's second part is the home folder, whose store they use."""
    profile = await asyncio.to_thread(load_profile, key[0])
    async with open_components(profile, _store_in(key[1])) as components:
        in_thread, fallback = _ComponentsInLoopThread(components, loop_thread()), None
        if components.fallback_planner is not None:
            second = replace(components, planner=components.fallback_planner)
            fallback = _ComponentsInLoopThread(second, loop_thread())
        yield replace(
            components,
            planner=in_thread,
            critic=in_thread,
            generator=in_thread,
            fallback_planner=fallback,
            plan_check=None if components.plan_check is None else in_thread,
            document_check=None if components.document_check is None else in_thread,
            researcher=None if components.researcher is None else in_thread,
        )


def _allowed_profile(chosen: str, operators: Sequence[str]) -> str:
    """Returns the profile that a client's word names: one of the operator's, by name or path, or a shipped one."""
    by_name = {Path(profile).stem if profile.endswith(".toml") else profile: profile for profile in operators}
    if chosen in by_name or chosen in operators:
        return by_name.get(chosen, chosen)
    if chosen in shipped_profiles():
        return chosen
    raise ProfileError(
        f"The profile {chosen!r} is not allowed here. Choose one of: "
        f"{', '.join(sorted({*by_name, *shipped_profiles()}))}."
    )


_shared = OpenContexts(_open_in_loop_thread)
atexit.register(_shared.close_in_loop_thread)


class _ComponentsInLoopThread:
    """Planner, critic, generator and checks in one, each called in the loop thread."""

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

    @property
    def max_calls(self) -> int:
        """See `Researcher.max_calls`."""
        return 0 if self._components.researcher is None else self._components.researcher.max_calls

    async def next_lookups(self, request: Request, done: Sequence[Lookup]) -> list[Lookup]:
        """See `Researcher.next_lookups`."""
        researcher = self._components.researcher
        if researcher is None:
            return []
        return await self._thread.run_from_any_loop(researcher.next_lookups(request, done))

    async def look_up(self, lookup: Lookup) -> Lookup:
        """See `Researcher.look_up`."""
        researcher = self._components.researcher
        if researcher is None:
            return lookup
        return await self._thread.run_from_any_loop(researcher.look_up(lookup))

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        """See `Critic.judge`."""
        return await self._thread.run_from_any_loop(self._components.critic.judge(cases))

    async def reword(self, prompt: str, original_prompt: str, refusal: str) -> str:
        """See `Rewording.reword`. Critics without that leave the prompt as it is."""
        critic = self._components.critic
        if not isinstance(critic, Rewording):
            return prompt
        return await self._thread.run_from_any_loop(critic.reword(prompt, original_prompt, refusal))

    @property
    def comparisons(self) -> int:
        """See `Comparing.comparisons`. Critics without that compare nothing."""
        critic = self._components.critic
        return critic.comparisons if isinstance(critic, Comparing) else 0

    async def better(self, first: CriticInput, second: CriticInput) -> Literal["first", "second"] | None:
        """See `Comparing.better`."""
        critic = self._components.critic
        if not isinstance(critic, Comparing):
            return None
        return await self._thread.run_from_any_loop(critic.better(first, second))

    async def rephrase(self, case: CriticInput, verdict: Verdict, tried: Sequence[str], seed: int) -> Verdict:
        """See `Rephrasing.rephrase`. Critics without that leave the verdict as it is."""
        critic = self._components.critic
        if not isinstance(critic, Rephrasing):
            return verdict
        return await self._thread.run_from_any_loop(critic.rephrase(case, verdict, tried, seed))

    async def check_plan(self, request: Request, plan: Plan, context: PlanContext) -> CheckReport:
        """See `PlanCheck.check_plan`."""
        check = self._components.plan_check
        if check is None:
            return CheckReport(checked=False)
        return await self._thread.run_from_any_loop(check.check_plan(request, plan, context))

    async def check_document(self, request: Request, plan: Plan, shown: Sequence[Attempt | None]) -> CheckReport:
        """See `DocumentCheck.check_document`."""
        check = self._components.document_check
        if check is None:
            return CheckReport(checked=False)
        return await self._thread.run_from_any_loop(check.check_document(request, plan, shown))

    async def generate(self, call: GenerationRequest, progress: ProgressCallback | None = None) -> GeneratedImage:
        """See `ImageGenerator.generate`."""
        return await self._thread.run_from_any_loop(self._components.generator.generate(call, progress))


def _build_roles(profile: Profile, store: ImageStore) -> Callable[..., Components]:
    """Builds all parts of a profile except its generator, and returns what combines them with one."""
    fallback, second, reader = profile.fallback_planner, profile.fallback_critic, object_of(profile, "wish_reader")
    functions = {one.place: one.function() for one in named_functions(profile)}
    for_critic: dict[str, object] = {"check": functions.get("verdict_check")}
    if second is not None:
        for_critic["fallback"] = _build_role(second, store, "critic", profile.prompt_words)
    return partial(
        Components,
        planner=cast("Planner", _build_role(profile.planner, store, "planner", profile.prompt_words)),
        critic=cast("Critic", _build_role(profile.critic, store, "critic", profile.prompt_words, **for_critic)),
        limits=profile.limits,
        image_size=profile.image_size,
        fallback_planner=None
        if fallback is None
        else cast("Planner", _build_role(fallback, store, "planner", profile.prompt_words)),
        plan_check=cast("PlanCheck | None", _build_check(profile, "plan_check", store)),
        document_check=cast("DocumentCheck | None", _build_check(profile, "document_check", store)),
        request_check=functions.get("request_check"),
        limit_check=partial(require_prices, profile),
        researcher=_build_researcher(profile, store),
        wish_reader=cast("WishReader | None", None if reader is None else reader.made(store)),
        store=store,
        reference_words=functions.get("reference_words"),
    )


def _build_researcher(profile: Profile, store: ImageStore) -> Researcher | None:
    knowledge = profile.knowledge
    if knowledge is None:
        return None
    from interleavethinker.tools.chat.loading import load_chat_model
    from interleavethinker.tools.chat.researcher import ChatResearcher

    own = knowledge.model is not None
    model = load_chat_model(
        knowledge.model or profile.planner.model or "", **(knowledge.options if own else profile.planner.options)
    )
    return ChatResearcher(
        model,
        store,
        toolboxes_of(knowledge, import_object),
        max_calls=knowledge.max_calls,
        timeout=knowledge.timeout,
        max_characters=knowledge.max_characters,
        policy=_policy_of(Role(model=knowledge.model) if own else profile.planner),
    )


def _build_role(
    role: Role,
    store: ImageStore,
    name: Literal["planner", "critic", "checker"],
    prompt_words: int | None = None,
    **of_critic: Any,
) -> object:
    if role.object is not None:
        return NamedObject(name, role.object, role.options).made(store)
    from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
    from interleavethinker.tools.chat.checker import ChatChecker
    from interleavethinker.tools.chat.loading import load_chat_model
    from interleavethinker.tools.chat.rephrasing import Rephrasings

    model = load_chat_model(role.model or "", **role.options)
    prompts = None if role.prompts is None else Path(resolve_folder(role.prompts))
    if name == "checker":
        return ChatChecker(model, store, prompts=prompts, max_answers=role.max_answers, policy=_policy_of(role))
    policy, answers = _policy_of(role), role.max_answers
    if name == "planner":
        return ChatPlanner(model, store, prompts=prompts, max_answers=answers, policy=policy, prompt_words=prompt_words)
    return ChatCritic(
        model,
        store,
        prompts=prompts,
        max_answers=answers,
        policy=policy,
        prompt_words=prompt_words,
        checklist=role.checklist,
        comparisons=role.comparisons,
        rephrasings=Rephrasings(role.max_rephrasings, role.rephrasing_temperature),
        **of_critic,
    )


def _policy_of(role: Role) -> "CallPolicy":
    from interleavethinker.tools.chat.loading import OWN_PREFIX
    from interleavethinker.tools.chat.waiting import CallPolicy

    local = (role.model or "").startswith(OWN_PREFIX)
    timeout = _HOSTED_TIMEOUT if role.timeout is None and not local else role.timeout
    return CallPolicy(timeout, role.max_retries)


def _build_check(profile: Profile, place: Literal["plan_check", "document_check"], store: ImageStore) -> object:
    """Returns the structural check, alone or followed by the named one; None for `off`."""
    name = getattr(profile, place)
    if name == "off":
        return None
    if name == "structural":
        return StructuralCheck()
    if name == "chat":
        # The critic's prompts are for judging images; only a checker may replace the prompts of checks.
        role = profile.checker or profile.critic.model_copy(update={"prompts": None})
        return CombinedCheck(StructuralCheck(), cast("Checker", _build_role(role, store, "checker")))
    return CombinedCheck(StructuralCheck(), cast("Checker", NamedObject(place, name).made(store)))
