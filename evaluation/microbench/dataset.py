"""MicroBench's requests: held out from training, of every family in turn, each with the plan that carries it out.

A pure function of the seed; a larger `n` continues a smaller one. Unseen pairs of kind and colour and unseen templates
take turns, seven requests each. A story or a series of changes has up to eight steps.
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
from interleavethinker.tools.types import Request

__all__ = ["Item", "foreign_prompts", "held_out", "seed_of"]

_LENDERS = 56
"""Requests that wrong prompts are taken from."""
_NAMES_IN_DIGESTS = {"Scenario": "Asked", "ScenarioStep": "Planned", "SceneObject": "Thing"}
"""Class names of version 0.1, which its digests contain: runs recorded by it stay valid."""
_CLASS_NAMES = re.compile(r"\b(?:Scenario|ScenarioStep|SceneObject)\b(?=\()")
_HELD_OUT: tuple[Literal["combinations", "templates"], ...] = ("combinations", "templates")


@dataclass(frozen=True)
class Item:
    """One request with its reference."""

    number: int
    family: str
    split: Split
    scenario: Scenario
    """The reference: steps with their words and targets."""
    request: Request
    """What the agent is given; its pictures lie in the store."""

    @cached_property
    def digest(self) -> str:
        """Changes with the request and its reference: what was made for another version of them is of no use."""
        reference = _CLASS_NAMES.sub(lambda match: _NAMES_IN_DIGESTS[match.group()], repr(self.scenario))
        return hashlib.sha256(f"{self.request.model_dump_json()}{reference}".encode()).hexdigest()[:16]

    @property
    def targets(self) -> tuple[StepTarget, ...]:
        """What each step that has a picture must bring about; empty where only words are wanted."""
        return tuple(step.target for step in self.scenario.steps if step.target is not None)


def held_out(n: int, seed: int, store: ImageStore) -> list[Item]:
    """The first `n` requests of a seed; their pictures are rendered into `store`."""
    items = []
    for number in range(n):
        drawn = _drawn(number, seed)
        items.append(Item(number, drawn.family, drawn.split, drawn.scenario, request_of(drawn.scenario, store)))
    return items


def foreign_prompts(number: int, seed: int) -> tuple[list[str], list[str]]:
    """Prompts of other requests than this one: drawings, edits. The same however many requests are run."""
    drawings: list[str] = []
    edits: list[str] = []
    for other in range(_LENDERS):
        if other != number:
            for step in _drawn(other, seed).scenario.steps:
                if step.prompt is not None and step.target is not None:
                    (drawings if step.target.edit is None else edits).append(step.prompt)
    return drawings, edits


@lru_cache(maxsize=4096)
def _drawn(number: int, seed: int) -> SampledScenario:
    return sample_scenario(
        MICROBENCH + seed, number, _HELD_OUT[number // len(FAMILIES) % len(_HELD_OUT)], max_steps=MAX_STEPS
    )


def seed_of(seed: int, number: int) -> int:
    """The trajectory seed of a request: the same in every row, so that rows share their first attempts."""
    digest = hashlib.sha256(f"microbench/{seed}/{number}".encode()).digest()
    return int.from_bytes(digest[:4]) % 2**31
