"""Removes what surrounds the content of a request: "tell me a story about", "show step by step how to draw", "please".

A part is removed only if each of its words belongs to a framing; a word with content is never dropped. Knows no scene.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from interleavethinker.microworld.scenes.sprites import KINDS

from .continuation import without_lead
from .empty_words import says_nothing
from .phrase_patterns import NUMBERS
from .places import match_end
from .plain_text import NUMBER_WORDS, Sentence
from .recaps import told_before
from .statements import LEAVE
from .vocabulary import plural

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
    "picture story|picture stories|picture book|adventure"
)
_COUNT = rf"(?:\d+|{'|'.join(NUMBER_WORDS)}|ten|eleven|twelve)"
_STEPS = (
    rf"(?: ,)? ?\b(?:in|with|using) (?:exactly |just |only )?{_COUNT} (?:(?:small|short|easy|simple|little) )?"
    r"(?:steps|step|pictures|picture|images|image|panels|panel|frames|pages)\b"
)
_PACE = (
    r"(?: ,)? ?\b(?:step by step|piece by piece|bit by bit|one by one|one after the other|one step at a time|"
    r"step (?:after|for) step|(?:object|thing) (?:after|by) (?:object|thing)|one (?:thing|object) after the other|and "
    r"let me watch|(?:one (?:thing|object|part|picture|image) )?at a time|(?:picture|panel|page|image|scene|frame|part)"
    r" by (?:picture|panel|page|image|scene|frame|part)|one after another|(?:please )?(?:go|take it|do it|draw) slow"
    r"(?:ly)?|(?:each|every)(?: single)? (?:new )?(?:object|thing|part|item|element|piece|one)(?: of them)? "
    r"(?:gets|has|needs|should (?:get|have|be)|is|comes|in|on|with|as)(?: in| on| with)? (?:its|their|a|an|one) "
    r"(?:own )?(?:extra |new |separate |single )?(?:step|picture|image|page|panel|frame)(?: of its own)?|"
    r"(?:a|one) (?:new |separate |extra |own )?(?:step|picture|image|page|panel|frame) (?:for|per) (?:each|every)?"
    r"(?: single)? ?(?:object|thing|part|item|element|piece)|(?:so (?:that )?)?(?:(?:i|we|she|he|they|the kids|"
    r"the children|my \w+|everyone) )(?:am |is |are |can |will |want to |wants to |would like to |could )*"
    r"(?:draw|drawing|paint|painting|follow|following|copy|sketch)s? along(?: (?:with (?:you|it|me)|at home))?|"
    r"(?:only |just |with )?(?:one|a single|a new|one new) (?:object|thing|part|item|element|piece) (?:per|for each|"
    r"for every|in each|in every|on each|on every|each|every) (?:step|picture|image|page|panel|frame))\b(?: ,| :)?"
)
_IN_TURN = re.compile(r"\bone (?:by one|after (?:the other|another)|at a time)\b")
"""Says of a change that it happens to one object after the other."""
_LEAVES = re.compile(
    rf"\b{LEAVE}(?=$| ,| and\b)|^(?:(?:please|now|then) )*(?:remove|delete|erase|take|turn|paint|colour|move|make) "
    "(?:all|both|every|the|them|these)\\b"
)
"""What else than drawing may be told of objects in turn."""
_ONE_AFTER = re.compile(rf"\bone (?P<noun>{'|'.join(KINDS)}) (?P<pace>after (?:the other|another|the next))\b")
_PICTURES = "(?:steps|pictures|images|panels|frames|pages|scenes|drawings)"
_LIFE = re.compile(
    rf"^(?:(?:tell|show|give|make|draw|paint|illustrate)(?: me| us)? )?(?:(?:a|the|one|{_COUNT}) )?"
    rf"(?:(?:very|short|little|picture) )*(?:day|life|adventures?|journey|trip|history|story|tale|{_PICTURES})"
    r"(?: in the life)? (?:of|about|with|showing) (?=.* : )"
)
"""Begins a story of one object: "two pictures of a cat: first it is …"."""
_THINGS = re.compile(
    rf"^(?P<count>{_COUNT}|these|the following|some) (?:things|objects|items)"
    r"(?P<ground> (?:at|in|on|by) [^:]+?)? : (?P<rest>.+)$"
)
_POSSESSIVE_LIFE = re.compile(
    r"^(?:the|a|an|my|our|one) (?P<who>(?:[a-z]+ ){0,2}[a-z]+)'s (?:[a-z]+ )?"
    r"(?:day|life|adventures?|journey|trip|story|tale|travels) : "
)
"""Begins a story of one object: "the star's journey: it …"."""
_STORY = re.compile(
    r"^(?:please )?(?:(?:can|could|would) you (?:please )?)?(?:i (?:want|would like|need) |let us (?:make|have) |here "
    r"comes |(?:tell|show|give|write|make|draw|paint|create|begin|start|generate|illustrate|read)(?: (?:me|us))? )?"
    r"(?:(?:a|an|the|my|our|another|this) )?(?:(?:very|short|little|picture|bedtime|nice|small|new|fairy|simple|"
    rf"{_COUNT} (?:picture|panel|page|step)) )*(?:{_STORY_WORDS})"
    rf"(?: (?:in|with|of) (?:{_COUNT} )?(?:pictures|picture|images|steps|step|panels|panel|pages|frames))?(?: please)?"
    r"(?: (?:about|of|where|in which|with|for|that (?:begins|starts) with)(?! this| the picture)(?: how)?\b| ?[:,]|$) ?"
)
_ASKING = (
    "(?:(?:(?:i|we) (?:want|would like|need) you to|please|now) )*"
    "(?:explain|break(?: it)? down|lay out|spell out|outline|describe|demonstrate|illustrate|show|teach|tell|"
    "take (?:me|us) through|talk (?:me|us) through|list|go through|present|write down)"
)
_HOW_TO = re.compile(
    r"^(?:please )?(?:(?:can|could|would) you (?:please )?)?"
    r"(?:how (?:do|can|could|would|should|does|to)(?: (?:i|we|you|one))? ?(?:draw|get|make|paint|create|build|sketch)"
    r"(?: (?:a|the) (?:picture|image|scene)(?: with| of| showing))?|(?:show|teach|tell|explain|help|guide)"
    r"(?: (?:me|us|to me))?(?: ,)?(?: how)?(?: (?:to|one|i|we|you|can|gets?|could))* ?(?:draw|gets?|make|paint|create|"
    r"build|sketch)|(?:explain|show|demonstrate)(?: (?:me|us))? how(?: one gets)?|what must i do to (?:draw|get|make)|"
    r"a (?:short )?(?:tutorial|guide|lesson) (?:for|on|about|to)(?: (?:drawing|draw))?|guide me :? ?(?:i want)?|teach "
    r"(?:me|us)(?: to (?:draw|make))?|i can not draw|for my class : how|i want to learn (?:how )?to (?:draw|make)|"
    r"(?:what are |(?:show|give|tell|list)(?: (?:me|us))? )?(?:the )?(?:instructions|directions|steps) (?:for|to|of)"
    r"(?: (?:draw|drawing|make|making|paint|painting|build|building|get|getting))?|"
    rf"{_ASKING}(?: (?:for|to) (?:me|us|him|her|them|my \w+|a \w+))?"
    r"(?: (?:in|into|with) (?:small |little |easy |simple |single )?(?:steps|parts|detail))?(?: how| the way|"
    r" the steps)?(?: (?:to|one|i|we|you|can|could|would|should|might|must|do|does|a \w+ (?=would|can|could|should)))+ "
    r"(?:draw|paint|make|create|build|sketch|get)s?|(?:(?:give|teach|show)(?: (?:me|us))? |"
    r"i (?:want|need|would like) )?(?:a |an |the )?(?:short |little |simple |quick )?(?:drawing|painting|art|sketching)"
    r" (?:lesson|class|course|tutorial|guide)(?: (?:for|on|about|with|where|in which)|(?= :))|(?:walk|guide|lead|take|"
    r"talk) (?:me|us) through(?: (?:how to|the steps (?:to|of)))?(?: (?:draw|paint|mak|creat)(?:e|ing)?)?|what "
    r"(?:do|should|must|can) i (?:do|need|have to do)(?: to do)? to (?:draw|get|make|paint|create)|what is (?:the|a) "
    r"(?:best |easy |good )?way (?:to|of) (?:draw|get|make|paint)(?:ing)?|i (?:want|would like|need|wish|have) to "
    r"(?:know|learn|see|understand) how (?:(?:to|i can|i could|one can|one) )*(?:draw|get|make|paint|create)s?|"
    r"how (?=.* (?:come|comes) (?:together|about)| (?:is|are) (?:made|built|drawn|done)))(?: :)? "
)
_SHEET = re.compile(
    r"^(?:a|an|the|one|this|some) (?:page|sheet|canvas|card|poster|postcard) (?:with|of|showing|that shows|that has) "
)
_ORDER = re.compile(
    r"(?: ,)? (?:(?:exactly |just )?in (?:exactly |just )?(?:that|this|the given|the same|the named|the listed) "
    r"(?:order|sequence)|(?:all|everything|both)?(?: of (?:them|it|these))?(?: together)? (?:in|on|into) "
    r"(?:one|a single|the same|one single) (?:picture|image|scene|page)|all together|"
    r"in (?:the|this) order (?:i|we) (?:name|list|say) them)(?=$| ,)"
)
"""Says in which order a lesson draws its objects, which is the order of the words in any case."""
_COMES = re.compile(
    r" (?:comes? (?:together|about)|is (?:built|made|drawn|done)|are (?:built|made|drawn|done))"
    r"(?: (?:up|step by step))? :"
)
_WITH_THINGS = re.compile(
    r"\b(?P<with>with|of|showing|has|contains|containing|needs|:) (?:exactly |just |only )?"
    rf"(?P<count>{_COUNT}|these|the following) (?:different )?(?:things|objects|items|elements)"
    r"(?: (?:in|on) (?:it|there|the picture|the image|the scene))? (?::|, namely|, i e) "
)
_HOW_TAIL = re.compile(
    r"(?: (?:comes? together|comes? about|is built|are built|is made|are made|is drawn|are drawn|"
    r"is done|please|slowly))+$"
)
_BUILD = re.compile(r"^build (?=.* for me\b)")
_UNITS = "(?:steps?|pages?|pictures?|panels?|images?|frames?|parts?|scenes?|chapters?)"
_NUMBERED = rf"(?:numbers? )?{_COUNT}(?: (?:,|and|to|or|, and) {_COUNT})*"
_CONTINUE = re.compile(
    r"^(?:(?:please|and|so|now|then|ok|okay) )*(?:go on|continue|carry on|keep going|proceed)"
    r"(?: (?:now|then|please|dear|(?:the|my|our|this) (?:story|comic|tale)))*"
    rf"(?: (?:with|from|at|on|to|by)(?: the)?(?: next)? {_UNITS}(?: {_NUMBERED})?)?(?: ,)?"
    r"(?: (?:where|in which|which shows?|that shows?|showing|and show|and|:)|(?<= ,)) "
)
"""Begins a continuation: "now go on with step 3 and 4, …"."""
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
    r"^(?:(?:please |and |so |now |ok |okay |well )*(?:(?:please )?(?:show|teach|guide|walk|explain|draw|do|paint|lead|"
    r"talk)(?: (?:to )?(?:me|us|it|this|that|them))*(?: through(?: (?:it|this|that|all of it))?)?(?: please)?|add it|"
    r"(?:it is )?story time|(?:please )?take (?:it|this) (?:slow|slowly|easy)(?: please)?|(?:please )?take "
    r"(?:it|your time)|not (?:too|so) fast|(?:please )?(?:go on|carry on|continue|proceed|keep going|finish "
    r"(?:my|the|this|our) (?:story|tale|comic|book))(?: (?:from|with|after) (?:here|there|this|that|it))?(?: please)?|"
    r"what (?:happens|comes|is|follows)? ?(?:next|then|after that|afterwards)|and then(?: what)?|then what|what then|"
    r"(?:this|that|here|it) (?:is|was) (?:(?:my|the|our|a) )?(?:(?:first|last|little|whole|previous|second) )*"
    rf"(?:{_STORY_WORDS}|picture|image|drawing|scene|panel|page|beginning|start)(?: so far| until now| up to now)?|"
    r"(?:this|that|these|those|here|it) (?:is|are|was|were) (?:(?:the|my|our) )?(?:(?:first|last|two|three|previous) )*"
    rf"{_UNITS}(?: {_NUMBERED})?(?: of (?:my|our|the|a) (?:{_STORY_WORDS})| so far| until now)*|"
    r"(?:let us |i want |i would like |we need |i need |please |make |do |draw |create |paint |have |tell |give |me |"
    rf"us |it |to |see )*{_COUNT} (?:more )?{_PICTURES}(?: please)?))$|"
    r"^(?:(?:please |and |so |now )*(?:the end|go on|continue|carry on|please continue|remember|look|thank you|thanks|"
    r"please|that is all|(?:the )?story so far|here is a (?:picture|photo|image)|(?:this is )?my (?:picture|image)|"
    rf"page {_COUNT}|help me|guide me|now it is over|hello|hi|hey|once upon a time|long ago|slowly|"
    rf"one thing after the other|a riddle|draw that|draw it|(?:show|give) me {_COUNT} steps|i need {_COUNT} steps|"
    rf"{_COUNT} (?:steps|pictures|images)(?: please)?|(?:please )?(?:tell|make|show|draw|write|give|create|i want|"
    r"i would like)?(?: (?:me|us))? ?(?:a|the|my)? ?(?:(?:short|little|bedtime|nice|small|new|picture) )*"
    rf"(?:{_STORY_WORDS}|sequence of pictures)(?: (?:in|with) (?:{_COUNT} )?(?:pictures|images|steps))?"
    r"(?: that (?:begins|starts) with (?:this|the|my) (?:picture|image))?(?: please)?))$"
)


def remove_framing(sentences: list[Sentence], *, is_continued: bool = False) -> Framed:
    """Removes introductions, politeness, and numbers of steps from a request; `is_continued`: it has images."""
    kept: list[Sentence] = []
    one_by_one, things = False, None
    for sentence in sentences:
        question, text = sentence.question, " ".join(sentence.words)
        if (before := told_before(text)) is not None:
            kept.append(Sentence(tuple(before.split()), recap=True))
            continue
        if is_continued and not (text := without_lead(text)):
            continue
        text = _CONTINUE.sub("", text)
        text = re.sub(_STEPS, "", text).strip(" ,:")
        paced, in_turn = _without_pace(text)
        opens = paced != text and (not kept or _WHOLE.match(paced) is not None or _is_talk(paced))
        in_turn = in_turn and (not opens or _LEAVES.search(paced) is not None)
        one_by_one |= (opens and not in_turn) or _is_lesson(paced)
        if _WHOLE.match(paced):
            continue
        how = _HOW_TO.match(f"{paced} ")
        if how is not None and (rest := f"{paced} "[how.end() :].strip(" ,:")):
            one_by_one, text = True, _ORDER.sub("", _COMES.sub(" :", _HOW_TAIL.sub("", rest)))
            text = _SHEET.sub("", text)
            question = False
        else:
            text = paced
        if _BUILD.match(text):
            text, one_by_one = re.sub(r" for me\b", "", text), True
        while (story := _STORY.match(text)) is not None:
            text = text[story.end() :].strip(" ,:")
        text = _POSSESSIVE_LIFE.sub(r"a \g<who> : ", text)
        if (life := _LIFE.match(text)) is not None:
            text = text[life.end() :]
        if (listed := _THINGS.match(text)) is not None:
            text = f"{listed['rest']} ,{listed['ground']}" if listed["ground"] else listed["rest"]
            things = NUMBERS.get(listed["count"])
        if (listed := _WITH_THINGS.search(text)) is not None:
            text = f"{text[: listed.start()]}{'' if listed['with'] == ':' else 'with '}{text[listed.end() :]}".strip()
            things = NUMBERS.get(listed["count"], things)
        text = _without_heading(text)
        if text and not _WHOLE.match(text):
            kept.append(Sentence(tuple(text.split()), question, in_turn=in_turn))
    return Framed(tuple(kept), things, one_by_one)


def _all_in_turn(match: re.Match[str]) -> str:
    """Returns "one cat after the other leaves" as "all the cats one after the other leaves"."""
    return f"all the {plural(match['noun'])} one {match['pace']}"


def _is_lesson(text: str) -> bool:
    heading = _STORY.match(text) or _WHOLE.match(text)
    return heading is not None and "tutorial" in heading.group()


def _is_talk(text: str) -> bool:
    return not text or says_nothing(Sentence(tuple(text.split())))


def _without_pace(text: str) -> tuple[str, bool]:
    """Returns a sentence without "one by one", and whether these words may say that a change happens in turn."""
    named = _ONE_AFTER.sub(_all_in_turn, text)
    paced = re.sub(_PACE, _colon_kept, named).strip(" ,:")
    in_turn = paced != named and _IN_TURN.search(named) is not None
    alone = in_turn and match_end(LEAVE, paced, 0) is not None  # "one after the other goes away"
    return f"they {paced}" if alone else paced, in_turn


def _colon_kept(match: re.Match[str]) -> str:
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
