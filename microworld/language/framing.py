"""Removes what surrounds the content of a request: "tell me a story about", "show step by step how to draw", "please".

A part is removed only if each of its words belongs to a framing; a word with content is never dropped. Knows no scene.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .plain_text import NUMBER_WORDS, Sentence

__all__ = ["Framed", "remove_framing"]


@dataclass(frozen=True)
class Framed:
    """A request's content."""

    sentences: tuple[Sentence, ...]
    things: int | None = None
    """Number of objects that a heading such as "four things:" names."""
    one_by_one: bool = False
    """Whether the request asks for instructions: one object after the other."""


_STORY_WORDS = (
    "story|stories|tale|tales|comic|comics|cartoon|film|movie|book|storyboard|guide|tutorial|sequence|series|"
    "picture story|"
    "picture stories|picture book|adventure"
)
_COUNT = rf"(?:\d+|{'|'.join(NUMBER_WORDS)}|ten|eleven|twelve)"
_STEPS = (
    rf"(?: ,)? ?\b(?:in|with|using) (?:exactly |just |only )?{_COUNT} (?:(?:small|short|easy|simple|little) "
    rf")?(?:steps|step|pictures|picture|images|image|panels|panel|frames|pages)\b"
)
_PACE = (
    r"(?: ,)? ?\b(?:step by step|piece by piece|bit by bit|one by one|one after the other|one step at a time|"
    r"one (?:thing|object) after the other|and let me watch|(?:one (?:thing|object|part|picture|image) )?at a time|"
    r"(?:picture|panel|page|image|scene|frame|part) by (?:picture|panel|page|image|scene|frame|part)|"
    r"one after another)\b(?: ,| :)?"
)
_PICTURES = "(?:steps|pictures|images|panels|frames|pages|scenes|drawings)"
_LIFE = re.compile(
    rf"^(?:(?:tell|show|give|make|draw|paint|illustrate)(?: me| us)? )?(?:(?:a|the|one|{_COUNT}) )?(?:(?:short|little|"
    rf"picture) )*(?:day|life|adventures?|journey|trip|history|{_PICTURES})(?: in the life)? (?:of|about|with|showing) "
    rf"(?=.* : )"
)
"""Begins a story of one object: "two pictures of a cat: first it is …"."""
_THINGS = re.compile(
    rf"^(?P<count>{_COUNT}|these|the following|some) (?:things|objects|items)(?P<ground> (?:at|in|on|by) [^:]+?)? : "
    r"(?P<rest>.+)$"
)
_STORY = re.compile(
    rf"^(?:please )?(?:(?:can|could|would) you (?:please )?)?(?:i (?:want|would like|need) |let us (?:make|have) "
    rf"|here comes |"
    rf"(?:tell|show|give|write|make|draw|paint|create|begin|start|generate|illustrate|read)(?: (?:me|us))? )?"
    rf"(?:(?:a|an|the|my|our|another|this) )?(?:(?:short|little|picture|bedtime|nice|small|new|fairy|simple|"
    rf"{_COUNT} (?:picture|panel|page|step)) )*"
    rf"(?:{_STORY_WORDS})(?: (?:in|with|of) (?:{_COUNT} )?(?:pictures|picture|images|steps|step|panels|panel|"
    rf"pages|frames))?"
    r"(?: please)?(?: (?:about|of|where|in which|with|for|that (?:begins|starts) with)(?! this| the picture)(?: "
    r"how)?\b| ?[:,]|$) ?"
)
_HOW_TO = re.compile(
    r"^(?:please )?(?:(?:can|could|would) you (?:please )?)?(?:"
    r"how (?:do|can|could|would|should|does|to)(?: (?:i|we|you|one))? ?(?:draw|get|make|paint|create|build|"
    r"sketch)(?: (?:a|the) (?:picture|image|scene)(?: with| of| showing))?|"
    r"(?:show|teach|tell|explain|help|guide)(?: (?:me|us|to me))?(?: ,)?(?: how)?(?: (?:to|one|i|we|you|can|"
    r"gets?|could))* ?(?:draw|gets?|make|paint|create|build|sketch)|"
    r"(?:explain|show)(?: (?:me|us))? how(?: one gets)?|what must i do to (?:draw|get|make)|a (?:short "
    r")?(?:tutorial|guide|lesson) (?:for|on|about|to)(?: (?:drawing|draw))?|"
    r"guide me :? ?(?:i want)?|teach (?:me|us)(?: to (?:draw|make))?|i can not draw|for my class : how|i want to "
    r"learn (?:how )?to (?:draw|make)|"
    r"(?:what are )?(?:the )?(?:instructions|directions|steps) (?:for|to) (?:draw|drawing|make|making|paint|painting)|"
    r"(?:walk|guide|lead|take|talk) (?:me|us) through(?: (?:how to|the steps (?:to|of)))?(?: (?:draw|paint|mak|creat)"
    r"(?:e|ing)?)?|"
    r"what (?:do|should|must|can) i (?:do|need|have to do)(?: to do)? to (?:draw|get|make|paint|create)|"
    r"what is (?:the|a) (?:best |easy |good )?way (?:to|of) (?:draw|get|make|paint)(?:ing)?|"
    r"i (?:want|would like|need|wish|have) to (?:know|learn|see|understand) how (?:(?:to|i can|i could|one can|one) )*"
    r"(?:draw|get|make|paint|create)s?|(?:draw|paint)ing lesson :?"
    r")(?: :)? "
)
_HOW_TAIL = re.compile(r"(?: (?:come together|is made|are made|is drawn|are drawn|is done|please|slowly))+$")
_BUILD = re.compile(r"^build (?=.* for me\b)")
_FRAME_WORDS = frozenset(
    """
    a an the this that these in on of with and to for me my us our you your please now then next first second third last
    final finally end story stories tale tales comic picture pictures image images book page pages panel panels scene
    scenes photo tell show give make draw paint create write want need would like wish wishes here comes come begin
    begins start starts it is was so far how goes go on continue continues carry keep going look remember once upon time
    long ago i we change changes edit two one thing things following others rest part sequence series film short bedtime
    little steps step by what three four a do also after another closing opening all class lesson let tutorial slowly
    modify more up here there from finish add goes new do does did could can will guess help guide instructions
    have needs lot illustrate pages out into put words as well scenes
    """.split()
)
_WHOLE = re.compile(
    rf"^(?:(?:please |and |so |now )*(?:(?:please )?(?:show|teach|guide|walk|explain|draw|do|paint|lead|talk)(?: "
    rf"(?:to )?"
    rf"(?:me|us|it|this|that|them))*(?: through(?: (?:it|this|that|all of it))?)?(?: please)?|"
    rf"add it|(?:it is )?story time|(?:please )?(?:go on|carry on|continue|proceed|keep going)(?: (?:from|with|"
    rf"after) (?:here|there|this|that|it))?"
    rf"(?: please)?|"
    rf"what (?:happens|comes|is|follows)? ?(?:next|then|after that|afterwards)|and then(?: what)?|then what|what then|"
    rf"(?:this|that|here|it) (?:is|was) (?:(?:my|the|our|a) )?(?:(?:first|last|little|whole|previous|second) )*"
    rf"(?:{_STORY_WORDS}|picture|image|drawing|scene|panel|page|beginning|start)(?: so far| until now| up to now)?|"
    rf"(?:let us |i want |i would like |we need |i need |please |make |do |draw |create |paint |have |tell |give "
    rf"|me |us |"
    rf"it |to |see )*{_COUNT} (?:more )?{_PICTURES}(?: please)?"
    rf"))$|^(?:(?:please |and |so |now )*(?:the end|go on|continue|carry on|please continue|remember|look|thank you|"
    rf"thanks|please|that is all|"
    rf"(?:the )?story so far|here is a (?:picture|photo|image)|(?:this is )?my (?:picture|image)|page {_COUNT}|"
    rf"help me|guide me|"
    rf"now it is over|hello|hi|hey|once upon a time|long ago|slowly|one thing after the other|a riddle|draw that|"
    rf"draw it|"
    rf"(?:show|give) me {_COUNT} steps|i need {_COUNT} steps|{_COUNT} (?:steps|pictures|images)(?: please)?|"
    rf"(?:please )?(?:tell|make|show|draw|write|give|create|i want|i would like)?(?: (?:me|us))? ?(?:a|the|my)? ?"
    rf"(?:(?:short|little|bedtime|nice|small|new|picture) )*(?:{_STORY_WORDS}|sequence of pictures)(?: (?:in|"
    rf"with) (?:{_COUNT} )?(?:pictures|images|steps))?(?: that (?:begins|starts) with (?:this|the|my) (?:picture|"
    rf"image))?(?: please)?"
    rf"))$"
)


def remove_framing(sentences: list[Sentence]) -> Framed:
    """Removes introductions, politeness, and numbers of steps from a request."""
    kept: list[Sentence] = []
    one_by_one, things = False, None
    for sentence in sentences:
        question = sentence.question
        text = " ".join(sentence.words)
        text = re.sub(_STEPS, "", text).strip(" ,:")
        paced = re.sub(_PACE, _without_pace, text).strip(" ,:")
        one_by_one |= paced != text
        if _WHOLE.match(paced):
            continue
        how = _HOW_TO.match(f"{paced} ")
        if how is not None and (rest := f"{paced} "[how.end() :].strip(" ,:")):
            one_by_one, text = True, _HOW_TAIL.sub("", rest)
            question = False
        else:
            text = paced
        if _BUILD.match(text):
            text, one_by_one = re.sub(r" for me\b", "", text), True
        while (story := _STORY.match(text)) is not None:
            text = text[story.end() :].strip(" ,:")
        if (life := _LIFE.match(text)) is not None:
            text = text[life.end() :]
        if (listed := _THINGS.match(text)) is not None:
            text = f"{listed['rest']} ,{listed['ground']}" if listed["ground"] else listed["rest"]
            things = dict(zip(NUMBER_WORDS, range(1, 10), strict=True)).get(listed["count"])
        text = _without_heading(text)
        if text and not _WHOLE.match(text):
            kept.append(Sentence(tuple(text.split()), question))
    return Framed(tuple(kept), things, one_by_one)


def _without_pace(match: re.Match[str]) -> str:
    """Keeps the colon of "the day of a cat, step by step: …"."""
    return " :" if match.start() and match.group().endswith(":") else ""


def _without_heading(text: str) -> str:
    """Removes a heading such as "my wish:" if all its words belong to a framing."""
    while " : " in text:
        heading, rest = text.split(" : ", 1)
        if not set(heading.replace(",", " ").split()) <= _FRAME_WORDS or (
            re.search(r"\b(?:picture|image|scene|background)$", heading)
            and not re.search(r"\b(?:this|next|last|first|final|another|closing|so far)\b", heading)
            and heading.split()[-1] in {"background", "scene"}
        ):
            break
        text = rest
    return text
