"""Tells questions from orders and descriptions. Knows words and no scene."""

from __future__ import annotations

import re

from interleavethinker.microworld.language.clauses import read_sentence
from interleavethinker.microworld.language.plain_text import Sentence, canonical
from interleavethinker.microworld.language.rewordings import read_reworded
from interleavethinker.microworld.language.statements import HOURS

__all__ = ["is_question"]

_QUESTION = re.compile(
    r"^(?:(?:please|and|so|now|then) )*"
    r"(?:(?:can|could|would) you (?:please )?(?:tell|say|describe|name|count|find|see|compare|explain|spot)\b|what\b|"
    r"who\b|where\b|which\b|how (?:many|big|large|is|are|does|did|do)\b|is\b|are\b|does\b|do you (?:see|know)\b|was\b|"
    r"were\b|did\b|describe\b|count\b|name\b|compare\b|spot\b|find (?:the|all)\b|(?:say|tell|explain)(?: (?:me|us))? "
    r"(?:what|where|which|how many|how|the (?:place|colour|color|number|changes?|differences?|size)|about)\b|"
    r"i look for\b|number of\b|put (?:this|the) (?:picture|image) into words|write a (?:text|caption) for|words for\b|"
    r"(?:any|is there|are there|what)\b|list\b|"
    r"something (?:has |is |was )?(?:been )?(?:disappear|chang|vanish|mov|appear|differ|missing|gone|new|add|remov)|"
    r"i (?:see|notice) (?:a|some|the) (?:difference|change)|(?:on|in) (?:which|what) |do (?:the|both|these|i|we)\b|"
    r"(?:give|write|make)(?: me)? a (?:caption|description|title|list)\b|has the\b|have the\b|locate\b|summari[sz]e\b|"
    r"enumerate\b|whereabouts\b|mention (?:all|every|each)\b|show me where\b|of (?:what|which) colou?r\b|"
    r"explain (?:this|the) (?:picture|image)\b|tell me (?:everything|more|all|something) about\b|"
    r"i (?:want|would (?:like|love)|need|wish) to know (?:what|who|where|which|if|whether|how (?:many|big|large|small))"
    r"\b|i (?:am |was )?(?:wonder|wondering|curious) (?:what|who|where|which|if|whether|how (?:many|big|large|small))"
    r"\b|let me know (?:what|who|where|which|how many|if|whether)\b|(?:do|did) you (?:spot|notice|recogni[sz]e)\b|"
    r"has (?:it|this|that)\b|will you (?:tell|say|describe|name|count)\b|guess (?:what|who|where|which|how many)\b|"
    r"any idea (?:what|who|where|which|how many)\b|caption\b|the difference\b|difference)"
)
_TAG = re.compile(
    r"^(?:there|the .+?|this|it) (?:is|are) .+ (?:, right|, correct|(?:is not|are not|is|are) (?:there|it|they))$"
)
"""Statements that ask for a yes: "there is a cat, right?"."""
_LIKEWISE = re.compile(r"^(?:and )?so (?:do|does|did|is|are|was|were|has|have)\b")
"""Begins a statement such as "so does the other one", unless a question mark ends it."""
_DRAWS = re.compile(
    r"^(?:can|could|would|will) you (?:please )?(?!tell|say|describe|name|count|find|see|compare|explain|spot)"
)


def is_question(sentence: Sentence) -> bool:
    """Whether a sentence asks for words instead of an image."""
    text = " ".join(sentence.words)
    if re.fullmatch(HOURS, text) or _DRAWS.match(text):
        return False
    if _LIKEWISE.match(text) and not sentence.question:
        return False
    words = tuple(map(canonical, sentence.words))
    if sentence.question and _TAG.search(text):
        return True
    if _QUESTION.match(text):
        return read_reworded(words) is None
    return sentence.question and read_sentence(words) is None and read_reworded(words) is None
