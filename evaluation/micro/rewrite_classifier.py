"""Which of the teacher's rewriting strategies a refined prompt follows, and whether it is written as the teacher would.

A prompt is compared with what every strategy would have written for the same case. "Synonyms" and "varied" have too
many spellings to list: theirs is whatever other prompt a perfect reader carries out as the step wants it, with words
that the generator was not trained on or without. Where nothing agrees a prompt counts for the strategy that it comes
closest to, as written wrongly. Strategies may write the same words; the first of `STRATEGIES` then gets the prompt,
those two last.
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
"""The prompt that was used, once more; and what resembles no strategy's words."""
_FREE = ("synonyms", "varied")
_ORDER = (*(name for name in STRATEGIES if name not in _FREE), *_FREE)
_DRAWS = 48
"""How many of the ordinary wordings of a step are drawn for comparison."""
_ALIKE = 0.5
"""Share of words in common below which a prompt resembles nothing."""

_Words = tuple[str, ...]


@dataclass(frozen=True)
class RewriteClass:
    """How a refined prompt is worded."""

    strategy: str
    """One of `STRATEGIES`, or `SAME` or `OTHER`."""
    written: bool
    """Whether it is what that strategy writes for the case."""


def classify_rewrite(prompt: str, case: CriticCase) -> RewriteClass:
    """The strategy that a critic's prompt for a failed attempt follows."""
    source = None if case.source is None else scene_of(case.source)
    writings, said = _writings(case, source), _words(prompt)
    spelled = _canonical(said) != said
    for strategy in _ORDER:
        if strategy not in _FREE and said in writings[strategy]:
            return RewriteClass(strategy, written=True)
    if said == _words(case.case.prompt):
        return RewriteClass(SAME, written=True)
    if said in writings["varied"] or _asks_for(prompt, case.target, source):
        return RewriteClass("synonyms" if spelled else "varied", written=True)
    near = {name: max(_alike(said, one) for one in words) for name, words in writings.items()}
    near["synonyms"] = max(_alike(_canonical(said), one) for one in writings["plain"]) if spelled else 0.0
    best = max(_ORDER, key=lambda name: near[name])
    return RewriteClass(best if near[best] >= _ALIKE else OTHER, written=False)


def _asks_for(prompt: str, target: StepTarget, source: Scene | None) -> bool:
    """Whether a perfect reader takes a prompt for the step."""
    try:
        task = parse(prompt, source)
    except InputError:
        return False
    return (task.cell_targets, task.target.background) == target.cell_targets(source)


def _writings(case: CriticCase, source: Scene | None) -> dict[str, frozenset[_Words]]:
    """What each strategy but "synonyms" would have written; of "varied" a few."""
    rng = np.random.default_rng(0)
    writings: dict[str, frozenset[_Words]] = {}
    for strategy in _ORDER:
        if strategy != "synonyms":
            draws = _DRAWS if strategy == "varied" else 1
            texts = (rewrite_prompt(strategy, case.target, source, case.score.faults, rng) for _ in range(draws))
            writings[strategy] = frozenset(map(_words, texts))
    return writings


def _words(text: str) -> _Words:
    """Lower-case words without articles, which follow the words after them."""
    return tuple(word for word in re.findall(r"\w+|,", text.lower()) if word not in {"a", "an"})


def _canonical(words: _Words) -> _Words:
    return tuple(CANONICAL.get(word, word) for word in words)


def _alike(one: _Words, other: _Words) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
