"""Strategies for rewriting the prompt of a failed step. The teacher of critics chooses among them at random.

No strategy knows which texts a generator follows: finding out which strategies work is left to reinforcement learning.
Each is a pure function of the target, the faults of the last attempt, and a random generator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from interleavethinker.microworld.language.held_out import with_synonyms
from interleavethinker.microworld.language.templates import Edit, describe, instruct, place, refer, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, POSITION_PHRASES
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scoring.scorer import NOTHING, SEMANTICS_NEEDED, GradedItem
from interleavethinker.microworld.scoring.targets import StepTarget
from interleavethinker.tools.errors import InputError

__all__ = ["STRATEGIES", "chosen_strategy", "rewrite_prompt"]

Rng = np.random.Generator

STRATEGIES = ("plain", "varied", "synonyms", "mistake", "position", "keep")
"""
| strategy | the refined prompt |
| --- | --- |
| plain | the canonical text |
| varied | another text in trained language |
| synonyms | the canonical text with synonyms |
| mistake | a correction of the first fault only |
| position | the canonical text with all places spelled out |
| keep | the canonical text and what must stay unchanged |
"""


_STYLE_SHARE = 0.5


def chosen_strategy(style: str, rng: Rng) -> str:
    """Returns a strategy at random: evenly, or with a style that one in half of the cases and the others evenly.

    Args:
        style: One of `STRATEGIES`; empty: none is preferred.
        rng: Decides.

    Raises:
        InputError: There is no such strategy.
    """
    if not style:
        return STRATEGIES[int(rng.integers(len(STRATEGIES)))]
    if style not in STRATEGIES:
        raise InputError(f"Unknown style {style!r}; choose one of {', '.join(STRATEGIES)}.")
    others = [strategy for strategy in STRATEGIES if strategy != style]
    return style if rng.random() < _STYLE_SHARE else others[int(rng.integers(len(others)))]


def rewrite_prompt(
    strategy: str, target: StepTarget, source: Scene | None, faults: Sequence[GradedItem], rng: Rng
) -> str:
    """Writes a prompt for the next attempt.

    Args:
        strategy: One of `STRATEGIES`.
        target: The step's target.
        source: The scene that the step really starts from; None: it generates from text alone.
        faults: The items that the last attempt got wrong.
        rng: Chooses among equivalent wordings.
    """
    before, edit = target.wording_basis(source)
    return _WRITERS[strategy](_Step(target, before, edit, tuple(faults)), rng)


class _Step:
    """Input of the strategies."""

    def __init__(
        self, target: StepTarget, before: Scene | None, edit: Edit | None, faults: tuple[GradedItem, ...]
    ) -> None:
        self.target = target
        self.before = before
        self.edit = edit
        self.faults = faults

    def words(self, rng: Rng | None = None) -> str:
        """Returns a text for the whole step in trained language; canonical without a random generator."""
        if self.edit is None or self.before is None:
            after = self.target.after
            sizes = tuple(cell not in self.target.open_sizes for cell in after.objects)
            return describe(after, rng, sizes)
        return instruct(self.edit, self.before, rng)


def _plain(step: _Step, _rng: Rng) -> str:
    return step.words()


def _varied(step: _Step, rng: Rng) -> str:
    return step.words(rng)


def _synonyms(step: _Step, rng: Rng) -> str:
    return with_synonyms(step.words(), rng)


def _mistake(step: _Step, _rng: Rng) -> str:
    faults = ((item, item.cell) for item in step.faults if item.grade < SEMANTICS_NEEDED)
    wrong = [(item, cell) for item, cell in faults if cell is not None]
    if not wrong:
        return step.words()
    item, cell = min(wrong, key=lambda one: (not one[0].should_change, one[1]))
    if item.wanted == NOTHING:
        return f"nothing {place(cell)}"
    if step.edit is None:
        return f"{with_article(item.wanted)} {place(cell)}, {BACKGROUND_PHRASES[step.target.after.background][0]}"
    return f"add {with_article(item.wanted)} {place(cell)}" if item.should_change else f"keep the {item.wanted}"


def _position(step: _Step, _rng: Rng) -> str:
    text, edit, before = step.words(), step.edit, step.before
    if edit is not None and before is not None and edit.cell is not None and edit.kind != "add":
        obj = before.cells[edit.cell]
        assert obj is not None  # noqa: S101 - every edit except add changes an object
        text = text.replace(refer(before, edit.cell), f"the {obj.colour} {obj.kind} {place(edit.cell)}", 1)
    for canonical, other in POSITION_PHRASES:
        text = re.sub(rf"\b{canonical}\b(?! (corner|middle|side))", other, text)
    return text


def _keep(step: _Step, _rng: Rng) -> str:
    if step.edit is None or step.before is None:
        return f"{step.words()}, nothing else"
    changed = {step.edit.cell, step.edit.to}
    others = [refer(step.before, cell) for cell in step.before.objects if cell not in changed]
    return f"{step.words()}, keep {' and '.join(others[:2])}" if others else f"{step.words()}, nothing else"


_WRITERS: dict[str, Callable[[_Step, Rng], str]] = {
    "plain": _plain,
    "varied": _varied,
    "synonyms": _synonyms,
    "mistake": _mistake,
    "position": _position,
    "keep": _keep,
}
