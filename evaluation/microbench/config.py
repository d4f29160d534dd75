"""What a run of MicroBench is made of: which planner and critic, under which limits, spoiled how. Data only.

Planners and critics are named: learned ones as `microworld.agents` has them, and besides them

| name | planner | critic |
| --- | --- | --- |
| `scripted` | splits the request by rule: a stand-in | reads pictures and words by rule: a stand-in |
| `oracle` | knows the reference's plan | knows what each step must bring about, and words that the generator obeys |
| `whole request` | one step, whose prompt is the whole request | – |
| `none` | – | never asked |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path

from interleavethinker.microworld.agents.registry import CRITICS, PLANNERS, AgentWeights
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.qwen3vl.inference import resolve_folder

__all__ = ["T_MAX", "ExperimentConfig", "fingerprint", "installed", "is_scripted_baseline", "trained"]

T_MAX = 5
"""Attempts a step in all rows that do not say otherwise, as in the paper."""
_OWN = {"planner": ("scripted", "oracle", "whole request"), "critic": ("scripted", "oracle", "none")}
_AGENTS: dict[str, Mapping[str, AgentWeights]] = {"planner": PLANNERS, "critic": CRITICS}


@dataclass(frozen=True)
class ExperimentConfig:
    """One way to run the agent. Equal settings give equal trajectories, so a run serves every row that has it.

    The loop is the paper's: nothing is planned anew unless a setting says so.
    """

    planner: str
    critic: str
    max_attempts: int = T_MAX
    max_replans: int = 0
    reseed: bool = False
    """Never reword: a rejected attempt is made again with the next seed."""
    latest: bool = False
    """Keep a step's latest attempt instead of its best."""
    temperature: float = 0.0
    """Of the critic's answers; 0: greedy."""
    stepwise: bool = False
    """Plan one step at a time, seeing the pictures so far."""
    plan_errors: float = 0.0
    """Share of a plan's steps that are wrong, missing or swapped."""
    flipped: float = 0.0
    """Share of verdicts that are the contrary of what the critic said."""
    misled: float = 0.0
    """Share of refined prompts that are another request's."""

    def without_noise(self) -> ExperimentConfig:
        """The same, unspoiled."""
        return replace(self, plan_errors=0.0, flipped=0.0, misled=0.0)

    def key(self, seed: int) -> str:
        """A name for files, which changes with weights, generator and seed.

        Not with prompt files, scores or the graph's rules: when those change, take another folder.
        """
        settings = asdict(self)
        settings["max_iterations"] = settings.pop("max_attempts")  # version 0.1's name: its runs keep their files
        parts = {
            **settings,
            "seed": seed,
            "weights": [fingerprint("planner", self.planner), fingerprint("critic", self.critic)],
            "generator": _folder_hash(str(files("interleavethinker.microworld") / "checkpoints" / "generator")),
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        name = f"{self.planner}-{self.critic}-{self.max_attempts}".replace(" ", "-")
        return f"{name}-{digest[:12]}"


def trained(role: str, variant: str) -> list[str]:
    """Names of all agents of a variant, one for each training seed, whether or not their weights are installed."""
    return [name for name, weights in _AGENTS[role].items() if weights.variant == variant]


def installed(role: str, name: str) -> bool:
    """Whether a planner or critic can be used.

    Raises:
        InputError: There is none of this name.
    """
    if name in _OWN[role]:
        return True
    if name not in _AGENTS[role]:
        known = ", ".join((*_OWN[role], *_AGENTS[role]))
        raise InputError(f"A {role} must be one of {known}; found {name!r}.")
    return _AGENTS[role][name].missing is None


def is_scripted_baseline(name: str) -> bool:
    """Whether an agent stands in for a learned one."""
    return name == "scripted"


def fingerprint(role: str, name: str) -> str:
    """Hash of a learned agent's files, without its card; empty for the others.

    Every part of it tells of every file, so names of files may have the beginning only.
    """
    weights = _AGENTS[role].get(name)
    if weights is None:
        return ""
    folders = (weights.model.partition("qwen3-vl:")[2], weights.adapter)
    hashes = [_folder_hash(resolve_folder(folder)) for folder in folders if folder is not None]
    return hashlib.sha256("/".join(hashes).encode()).hexdigest()


@cache
def _folder_hash(folder: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
