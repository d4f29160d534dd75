"""Classifies refined prompts: which of the teacher's rewriting strategies a prompt follows, and whether correctly.

A prompt is compared with what every strategy would have written for the same case. "Synonyms" and "varied" have too
many wordings to list; a prompt counts as one of them if a perfect reader parses it as the step's target, "synonyms" if
it has words that the generator was not trained on. A prompt that matches no strategy counts as an incorrect use of the
most similar one. If several strategies write the same words, the first of `STRATEGIES` counts, and those two count
last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from interleavethinker.microworld.agents.rewriting import STRATEGIES, rewrite_prompt
from interleavethinker.microworld.language.parser import parse
from interleavethinker.microworld.language.vocabulary import CANONICAL
from interleavethinker.microworld.scenes.scene import Scene
from interleavethinker.microworld.scoring.targets import StepTarget, scene_of
from interleavethinker.tools.errors import InputError

from .critic_cases import CriticCase

__all__ = ["OTHER", "SAME", "RewriteClass", "classify_rewrite"]

SAME, OTHER = "same", "other"
"""The attempt's own prompt again; and a prompt that resembles no strategy."""
_OPEN_STRATEGIES = ("synonyms", "varied")
_ORDER = (*(name for name in STRATEGIES if name not in _OPEN_STRATEGIES), *_OPEN_STRATEGIES)
_SAMPLES = 48
"""The number of ordinary wordings of a step that are sampled for comparison."""
_MIN_SIMILARITY = 0.5
"""The word similarity, 0..1, below which a prompt resembles no strategy."""

_Words = tuple[str, ...]


@dataclass(frozen=True)
class RewriteClass:
    """A refined prompt's strategy."""

    strategy: str
    """One of `STRATEGIES`, or `SAME` or `OTHER`."""
    correct: bool
    """Whether it is what the strategy writes for the case."""


def classify_rewrite(prompt: str, case: CriticCase) -> RewriteClass:
    """Returns the strategy of a critic's prompt for a failed attempt."""
    source = None if case.source is None else scene_of(case.source)
    expected, words = _expected_rewrites(case, source), _words(prompt)
    has_synonyms = _canonical(words) != words
    for strategy in _ORDER:
        if strategy not in _OPEN_STRATEGIES and words in expected[strategy]:
            return RewriteClass(strategy, correct=True)
    if words == _words(case.input.prompt):
        return RewriteClass(SAME, correct=True)
    if words in expected["varied"] or _requests_step(prompt, case.target, source):
        return RewriteClass("synonyms" if has_synonyms else "varied", correct=True)
    similarity = {name: max(_similarity(words, one) for one in wordings) for name, wordings in expected.items()}
    similarity["synonyms"] = (
        max(_similarity(_canonical(words), one) for one in expected["plain"]) if has_synonyms else 0.0
    )
    best = max(_ORDER, key=lambda name: similarity[name])
    return RewriteClass(best if similarity[best] >= _MIN_SIMILARITY else OTHER, correct=False)


def _requests_step(prompt: str, target: StepTarget, source: Scene | None) -> bool:
    """Returns whether a perfect reader parses a prompt as the step's target."""
    try:
        task = parse(prompt, source)
    except InputError:
        return False
    return (task.cell_targets, task.target.background) == target.cell_targets(source)


def _expected_rewrites(case: CriticCase, source: Scene | None) -> dict[str, frozenset[_Words]]:
    """Returns what each strategy except "synonyms" would write; for "varied" a sample."""
    rng = np.random.default_rng(0)
    expected: dict[str, frozenset[_Words]] = {}
    for strategy in _ORDER:
        if strategy != "synonyms":
            samples = _SAMPLES if strategy == "varied" else 1
            texts = (rewrite_prompt(strategy, case.target, source, case.score.faults, rng) for _ in range(samples))
            expected[strategy] = frozenset(map(_words, texts))
    return expected


def _words(text: str) -> _Words:
    """Returns the lower-case words without "a" and "an", which depend on the next word."""
    return tuple(word for word in re.findall(r"\w+|,", text.lower()) if word not in {"a", "an"})


def _canonical(words: _Words) -> _Words:
    return tuple(CANONICAL.get(word, word) for word in words)


def _similarity(one: _Words, other: _Words) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
