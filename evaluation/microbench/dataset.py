"""MicroBench's held-out requests, of every family in turn, each with its reference plan.

The requests are a pure function of the seed, and a larger `n` starts with the requests of a smaller one. Unseen
combinations of object kind and color and unseen templates alternate, seven requests each. Stories have two to eight
images, series of edits one to seven, and all other requests at most three.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

from interleavethinker.microworld.agents.teachers import request_of
from interleavethinker.microworld.requests.families import FAMILIES, MAX_STEPS, SampledScenario, Split, sample_scenario
from interleavethinker.microworld.requests.scenarios import Scenario
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.microworld.seeds import MICROBENCH
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.stable_json import stable_json
from interleavethinker.tools.types import Request

__all__ = ["Item", "held_out_items", "prompts_of_other_requests", "trajectory_seed"]

_PROMPT_SOURCES = 56
"""Number of requests whose prompts serve as misleading prompts."""
_NAMES_IN_DIGESTS = {"Scenario": "Asked", "ScenarioStep": "Planned", "SceneObject": "Thing"}
"""Class names of version 0.1, which are part of its digests: results recorded by it stay valid."""
_CLASS_NAMES = re.compile(r"\b(?:Scenario|ScenarioStep|SceneObject)\b(?=\()")
_HELD_OUT: tuple[Literal["combinations", "templates"], ...] = ("combinations", "templates")


@dataclass(frozen=True)
class Item:
    """One request with its reference."""

    number: int
    family: str
    split: Split
    scenario: Scenario
    """The reference plan: steps with their text and targets."""
    request: Request
    """The agent's input; its images are in the store."""

    @cached_property
    def digest(self) -> str:
        """A hash of the request and its reference; results of another version of the request don't count."""
        reference = _CLASS_NAMES.sub(lambda match: _NAMES_IN_DIGESTS[match.group()], repr(self.scenario))
        return hashlib.sha256(f"{stable_json(self.request)}{reference}".encode()).hexdigest()[:16]

    @property
    def targets(self) -> tuple[StepTarget, ...]:
        """The target of each step that has an image; empty if the request wants text only."""
        return tuple(step.target for step in self.scenario.steps if step.target is not None)


def held_out_items(n: int, seed: int, store: ImageStore) -> list[Item]:
    """Returns the first `n` items of a seed, and renders their input images into `store`."""
    items = []
    for number in range(n):
        sample = _sample(number, seed)
        items.append(Item(number, sample.family, sample.split, sample.scenario, request_of(sample.scenario, store)))
    return items


def prompts_of_other_requests(number: int, seed: int) -> tuple[list[str], list[str]]:
    """Returns text-to-image prompts and edit prompts of requests other than `number`.

    They do not depend on the number of requests in a run.
    """
    text_to_image: list[str] = []
    edits: list[str] = []
    for other in range(_PROMPT_SOURCES):
        if other != number:
            for step in _sample(other, seed).scenario.steps:
                if step.prompt is not None and step.target is not None:
                    (text_to_image if step.target.edit is None else edits).append(step.prompt)
    return text_to_image, edits


@lru_cache(maxsize=4096)
def _sample(number: int, seed: int) -> SampledScenario:
    split = _HELD_OUT[number // len(FAMILIES) % len(_HELD_OUT)]
    return sample_scenario(MICROBENCH + seed, number, split, max_steps=MAX_STEPS)


def trajectory_seed(seed: int, number: int) -> int:
    """Returns a request's trajectory seed: the same in every experiment, so that they share their first attempts."""
    digest = hashlib.sha256(f"microbench/{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:4]) % 2**31
