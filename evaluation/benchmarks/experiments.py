"""The rows of the paper's tables for any profile: the same profile with a part of the agent left out or replaced.

| experiment | the agent |
| --- | --- |
| `full` | the profile as it is |
| `generator alone` | one call of the generator, with the whole request as its prompt |
| `planner, no critic` | the profile's planner; every first image is kept |
| `planner + reseed` | rejected images are repeated with another seed, never with another prompt |
| `T_max = N` | the profile with N attempts a step |
| `one agent` | the planner's model is the critic too; with the profile `micro`, the weights trained for both roles |
| `one agent, stepwise` | likewise, and the planner is called before every step, with the images so far |
| `full SFT`, `full RL` | the critic without its adapter, which RL trained, and with it; `micro` has both shipped |
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from interleavethinker.graph import Components
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, Role, load_profile
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import MAX_PROMPT
from interleavethinker.tools.protocols import Critic, PlanContext
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

from .stepwise import FirstStepPlanner, PlanLengths, first_requests_only

__all__ = [
    "EXPERIMENT_NAMES",
    "OpenAgent",
    "attempts_of",
    "changed_components",
    "changed_profile",
    "check_experiment",
    "is_stepwise",
    "open_agent",
]

EXPERIMENT_NAMES = (
    "full",
    "generator alone",
    "planner, no critic",
    "planner + reseed",
    "T_max = N",
    "one agent",
    "one agent, stepwise",
    "full SFT",
    "full RL",
)
_T_MAX = re.compile(r"T_max\s*=\s*([1-9][0-9]?)")
_MICRO_CRITICS = {"full SFT": "sft", "full RL": "grpo"}
_ONE_AGENT = ("one agent", "one agent, stepwise")


@dataclass(frozen=True)
class OpenAgent:
    """The agent of an experiment, ready to answer."""

    workspace: Workspace
    profile: str | None
    """The profile that its trajectories name; None: they use the components that the workspace was opened with."""
    plan_lengths: PlanLengths | None = None
    """Set if the agent plans step by step."""


@contextlib.asynccontextmanager
async def open_agent(root: Path, profile: str, experiment: str = "full") -> AsyncIterator[OpenAgent]:
    """Opens a workspace for an experiment.

    Args:
        root: The folder of the workspace.
        profile: A shipped profile's name, or the path of a TOML file.
        experiment: The experiment.

    Raises:
        InputError: The experiment does not exist for the profile.
        ProfileError: The profile cannot be used on this machine.
    """
    loaded = load_profile(profile)
    check_experiment(experiment, loaded)
    if experiment == "full":
        async with Workspace.open(root) as workspace:
            yield OpenAgent(workspace, loaded.source)
        return
    changed = changed_profile(experiment, loaded)
    lengths = await asyncio.to_thread(PlanLengths, root / "plan-lengths.jsonl") if is_stepwise(experiment) else None
    async with (
        open_components(changed, ImageStore(root / "images")) as components,
        Workspace.open(root, changed_components(experiment, components, lengths)) as workspace,
    ):
        yield OpenAgent(workspace, None, lengths)


def is_stepwise(name: str) -> bool:
    """Returns whether an experiment's planner is called before every step."""
    return name.endswith(", stepwise")


def check_experiment(name: str, profile: Profile) -> None:
    """Checks that an experiment exists for a profile.

    Raises:
        InputError: It does not.
    """
    if name not in EXPERIMENT_NAMES and not _T_MAX.fullmatch(name):
        raise InputError(f"Unknown experiment {name!r}; choose from: {'; '.join(EXPERIMENT_NAMES)}.")
    if name in _MICRO_CRITICS and profile.name != "micro" and not profile.critic.options.get("adapter"):
        raise InputError(
            f"The experiment {name!r} needs a critic whose RL weights are an adapter, and the critic of the profile "
            f"{profile.name} has none. Write one profile for each critic, run both, and compare the results with "
            "--compare."
        )
    if name in _ONE_AGENT and profile.planner.model is None:
        raise InputError(f"The planner of the profile {profile.name} is no chat model, so it cannot be the critic too.")


def changed_profile(name: str, profile: Profile) -> Profile:
    """Returns the profile with other models, if the experiment needs them."""
    if name in _ONE_AGENT and profile.name == "micro":
        planner, critic = (_micro_role(role, "one_agent") for role in (profile.planner, profile.critic))
        return profile.model_copy(update={"planner": planner, "critic": critic})
    if name in _ONE_AGENT:
        critic = profile.planner.model_copy(update={"prompts": profile.critic.prompts})
        return profile.model_copy(update={"critic": critic})
    if name in _MICRO_CRITICS and profile.name == "micro":
        return profile.model_copy(update={"critic": _micro_role(profile.critic, _MICRO_CRITICS[name])})
    if name == "full SFT":
        options = {key: value for key, value in profile.critic.options.items() if key != "adapter"}
        return profile.model_copy(update={"critic": profile.critic.model_copy(update={"options": options})})
    return profile


def _micro_role(role: Role, weights_name: str) -> Role:
    """Returns a role of the profile `micro` with other weights."""
    from interleavethinker.microworld.agents.registry import CRITICS, weights_of

    weights = weights_of(CRITICS, weights_name)
    options = {key: value for key, value in role.options.items() if key != "adapter"}
    options |= {} if weights.adapter is None else {"adapter": weights.adapter}
    return role.model_copy(update={"model": weights.model, "options": options})


def changed_components(name: str, components: Components, lengths: PlanLengths | None = None) -> Components:
    """Returns the components of an experiment.

    Args:
        name: The experiment.
        components: The profile's components.
        lengths: For an agent that plans step by step: where the lengths of its plans are kept.
    """
    if lengths is not None:
        fallback = components.fallback_planner
        return replace(
            components,
            planner=FirstStepPlanner(components.planner, lengths),
            fallback_planner=None if fallback is None else FirstStepPlanner(fallback, lengths),
            # Both compare the whole request with a plan or a document that is one step of it.
            plan_check=None,
            document_check=None,
            request_check=first_requests_only(components.request_check),
        )
    limits = components.limits
    if name in {"generator alone", "planner, no critic"}:
        changed = replace(components, critic=RuleCritic(), limits=limits.model_copy(update={"max_attempts": 1}))
        if name == "planner, no critic":
            return changed
        return replace(changed, planner=_WholeRequest(), fallback_planner=None, plan_check=None, document_check=None)
    if name == "planner + reseed":
        return replace(components, critic=_Reseeding(components.critic))
    found = _T_MAX.fullmatch(name)
    if found:
        return replace(components, limits=limits.model_copy(update={"max_attempts": int(found[1])}))
    return components


def attempts_of(name: str, profile: Profile) -> int:
    """Returns the most attempts for a step under an experiment."""
    found = _T_MAX.fullmatch(name)
    if found:
        return int(found[1])
    return 1 if name in {"generator alone", "planner, no critic"} else profile.limits.max_attempts


class _WholeRequest:
    """A planner without a plan: one step, whose prompt is the request."""

    async def plan(self, request: Request, context: PlanContext) -> Plan:  # noqa: ARG002
        return Plan(steps=(Step(prompt=request.text[:MAX_PROMPT]),))


class _Reseeding:
    """A critic whose prompts are ignored."""

    def __init__(self, critic: Critic) -> None:
        self._critic = critic

    @property
    def gives_confidence(self) -> bool:
        return self._critic.gives_confidence

    async def judge(self, cases: Sequence[CriticInput]) -> list[Verdict]:
        verdicts = await self._critic.judge(cases)
        return [verdict.model_copy(update={"refined_prompt": ""}) for verdict in verdicts]
