"""The configuration of one experiment: its planner and critic, their limits and perturbations. Data only.

Planners and critics are named: learned ones as in `microworld.agents.registry`, and these built-in ones:

| name | planner | critic |
| --- | --- | --- |
| `scripted` | splits the request by rule: a scripted baseline | reads images and prompts by rule: a scripted baseline |
| `oracle` | knows the reference plan | knows each step's target, and wordings that the generator follows |
| `whole request` | one step, whose prompt is the whole request | – |
| `none` | – | never called |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from interleavethinker.microworld.agents.registry import CRITICS, PLANNERS, AgentWeights, in_folder
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.qwen3vl.inference import resolve_folder

__all__ = [
    "T_MAX",
    "ExperimentConfig",
    "agents_of_variant",
    "fingerprint",
    "generator_fingerprint",
    "is_installed",
    "is_scripted_baseline",
]

T_MAX = 5
"""Attempts per step in all experiments that don't set another number, as in the paper."""
_BUILT_IN = {"planner": ("scripted", "oracle", "whole request"), "critic": ("scripted", "oracle", "none")}
_AGENTS: dict[str, Mapping[str, AgentWeights]] = {"planner": PLANNERS, "critic": CRITICS}
_KEY_NAMES = {
    "max_attempts": "max_iterations",
    "keep_latest": "latest",
    "flipped_verdicts": "flipped",
    "misleading_prompts": "misled",
}
"""Names of fields in `ExperimentConfig.key`. They never change, so that finished requests are still found."""

_SERVER_SETTINGS = b"""\
# The model has seen images of this size only.
sizes = ["96x96"]
source_fit = "pad"
max_references = 0 # trained with one image, the one that it edits
"""
"""See `generator_fingerprint`."""


@dataclass(frozen=True)
class ExperimentConfig:
    """One way to run the agent. Equal configurations give equal trajectories, so experiments share their runs.

    The loop is the paper's: the planner is not called again unless `max_replans` allows it.
    """

    planner: str
    critic: str
    max_attempts: int = T_MAX
    max_replans: int = 0
    reseed: bool = False
    """Never rewrite the prompt: a rejected attempt is repeated with the next seed."""
    keep_latest: bool = False
    """Select a step's latest attempt instead of its best."""
    temperature: float = 0.0
    """Sampling temperature of the critic; 0 is greedy."""
    stepwise: bool = False
    """Plan one step at a time, with the images so far in the request."""
    plan_errors: float = 0.0
    """Share of the plan's steps that are wrong, missing or swapped, 0..1."""
    flipped_verdicts: float = 0.0
    """Share of the critic's verdicts that are inverted, 0..1."""
    misleading_prompts: float = 0.0
    """Share of refined prompts that are replaced by another request's, 0..1."""
    variants: int = 1
    """First attempts of each step, of which the critic chooses; see `Limits.variants`."""
    rephrasings: int = 0
    """How often a critic whose prompt was already tried in the step is asked again, sampled at temperature 1."""

    def key(self, seed: int) -> str:
        """Returns a file name that changes with the configuration, the weights, the generator and the seed.

        It doesn't change with prompt files, scores or the graph's rules: after changing those, use another folder.

        Examples:
            >>> ExperimentConfig("whole request", "none", 1).key(0)  # doctest: +SKIP
            'whole-request-none-1-0f3c52a8e1b7'
        """
        fields = asdict(self)
        if self.variants == 1:  # As in the results of versions without variants.
            del fields["variants"]
        if self.rephrasings == 0:
            del fields["rephrasings"]
        parts = {
            **{_KEY_NAMES.get(name, name): value for name, value in fields.items()},
            "seed": seed,
            "weights": [fingerprint("planner", self.planner), fingerprint("critic", self.critic)],
            "generator": generator_fingerprint(),
        }
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        name = f"{self.planner}-{self.critic}-{self.max_attempts}".replace(" ", "-").replace("/", "-")
        return f"{name}-{digest[:12]}"


def agents_of_variant(role: str, variant: str) -> list[str]:
    """Returns the names of all agents of a variant, one per training seed, installed or not."""
    return [name for name, weights in _AGENTS[role].items() if weights.variant == variant]


def is_installed(role: str, name: str) -> bool:
    """Returns whether a planner or critic can be used.

    Raises:
        InputError: No planner or critic has this name.
    """
    if name in _BUILT_IN[role]:
        return True
    weights = _AGENTS[role].get(name) or in_folder(name)
    if weights is None:
        known = ", ".join((*_BUILT_IN[role], *_AGENTS[role]))
        raise InputError(f"Unknown {role} {name!r}; choose one of {known}, or a folder with weights.")
    return weights.missing is None


def is_scripted_baseline(name: str) -> bool:
    """Returns whether an agent is a scripted baseline that replaces a learned one."""
    return name == "scripted"


def fingerprint(role: str, name: str) -> str:
    """Returns a hash of a learned agent's files without its model card; empty for built-in agents.

    Every character depends on every file, so a prefix is enough to tell agents apart in file names.
    """
    weights = _AGENTS[role].get(name) or in_folder(name)
    if weights is None:
        return ""
    folders = (weights.model.partition("qwen3-vl:")[2], weights.adapter)
    hashes = [_folder_hash(resolve_folder(folder)) for folder in folders if folder is not None]
    return hashlib.sha256("/".join(hashes).encode()).hexdigest()


def generator_fingerprint() -> str:
    """Returns a hash of the shipped image generator's files without its model card and the image server's settings.

    Settings of the image server don't change what the weights make. Their text at the time when they became part of
    the hash takes their place, so that finished requests are still found.
    """
    folder = files("interleavethinker.microworld") / "checkpoints" / "generator"
    return _folder_hash(str(folder), (("server.toml", _SERVER_SETTINGS),))


@cache
def _folder_hash(folder: str, replaced: tuple[tuple[str, bytes], ...] = ()) -> str:
    """Returns a hash of a folder's files without model cards; `replaced` has the contents to take for some files."""
    contents, digest = dict(replaced), hashlib.sha256()
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file() and path.suffix != ".md":
            name = path.relative_to(folder).as_posix()
            digest.update(name.encode() + (contents[name] if name in contents else path.read_bytes()))
    return digest.hexdigest()
