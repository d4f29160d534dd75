"""The rows of the paper's tables for any profile: the same profile with a part of the agent left out or replaced.

| experiment | the agent |
| --- | --- |
| `full` | the profile as it is |
| `generator alone` | one call of the generator, with the whole request as its prompt |
| `planner, no critic` | the profile's planner; every first image is kept |
| `planner + reseed` | rejected images are repeated with another seed, never with another prompt |
| `T_max = N` | the profile with N attempts a step |
| `one agent` | the planner's model is the critic too |
| `full SFT`, `full RL` | the profile `micro` with that critic; for other profiles, write one profile for each critic |
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

from interleavethinker.graph import Components
from interleavethinker.graph.profiles.opening import open_components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.plain_text import MAX_PROMPT
from interleavethinker.tools.protocols import Critic, PlanContext
from interleavethinker.tools.testing.agents import RuleCritic
from interleavethinker.tools.types import CriticInput, Plan, Request, Step, Verdict

__all__ = ["EXPERIMENT_NAMES", "changed_components", "changed_profile", "check_experiment", "open_agent"]

EXPERIMENT_NAMES = (
    "full",
    "generator alone",
    "planner, no critic",
    "planner + reseed",
    "T_max = N",
    "one agent",
    "full SFT",
    "full RL",
)
_T_MAX = re.compile(r"T_max\s*=\s*([1-9][0-9]?)")
_MICRO_CRITICS = {"full SFT": "sft", "full RL": "grpo"}


@contextlib.asynccontextmanager
async def open_agent(root: Path, profile: str, experiment: str) -> AsyncIterator[tuple[Workspace, str | None]]:
    """Opens a workspace for an experiment, and says which profile its trajectories name; None: they name none.

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
            yield workspace, loaded.source
        return
    changed = changed_profile(experiment, loaded)
    async with (
        open_components(changed, ImageStore(root / "images")) as components,
        Workspace.open(root, changed_components(experiment, components)) as workspace,
    ):
        yield workspace, None


def check_experiment(name: str, profile: Profile) -> None:
    """Checks that an experiment exists for a profile.

    Raises:
        InputError: It does not.
    """
    if name not in EXPERIMENT_NAMES and not _T_MAX.fullmatch(name):
        raise InputError(f"Unknown experiment {name!r}; choose from: {'; '.join(EXPERIMENT_NAMES)}.")
    if name in _MICRO_CRITICS and profile.name != "micro":
        raise InputError(
            f"The experiment {name!r} exists for the profile micro only. For {profile.name}, write one profile for "
            "each critic, run both, and compare the results with --compare."
        )
    if name == "one agent" and profile.planner.model is None:
        raise InputError(f"The planner of the profile {profile.name} is no chat model, so it cannot be the critic too.")


def changed_profile(name: str, profile: Profile) -> Profile:
    """Returns the profile with another critic, if the experiment needs one."""
    if name == "one agent":
        critic = profile.planner.model_copy(update={"prompts": profile.critic.prompts})
        return profile.model_copy(update={"critic": critic})
    if name in _MICRO_CRITICS:
        from interleavethinker.microworld.agents.registry import CRITICS, weights_of

        weights = weights_of(CRITICS, _MICRO_CRITICS[name])
        options = {key: value for key, value in profile.critic.options.items() if key != "adapter"}
        options |= {} if weights.adapter is None else {"adapter": weights.adapter}
        return profile.model_copy(
            update={"critic": profile.critic.model_copy(update={"model": weights.model, "options": options})}
        )
    return profile


def changed_components(name: str, components: Components) -> Components:
    """Returns the components of an experiment."""
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
