"""Statements that sentences make, and the word patterns by which `orders` and `clauses` recognize them.

Tables only. Patterns are regular expressions over canonical words that are separated by single spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .empty_words import FEELINGS
from .phrases import Ground, Phrase, Where
from .plain_text import NUMBER_WORDS

__all__ = [
    "ALONE",
    "APPEAR",
    "ARTICLE_GROUND",
    "BE",
    "BECOME",
    "COMPANY",
    "DOING",
    "DRAW",
    "FILLER",
    "FIND",
    "GO",
    "GROUND_CHANGES",
    "HOURS",
    "INSTEAD_OF",
    "JOIN",
    "JOINER",
    "KEEP",
    "LEAVE",
    "LIKEWISE",
    "LONGS",
    "OF_PICTURE",
    "ONLY",
    "OPENING",
    "OPINION",
    "PICTURE",
    "PLANTS",
    "POLITE",
    "RETURN",
    "ROW_ORDER",
    "SEQUENCE",
    "SPROUT",
    "STAGE",
    "Statement",
    "picture_number",
]


@dataclass(frozen=True)
class Statement:
    """One statement; which fields are set depends on `kind`."""

    kind: str
    """`scene`, `copy`, `remove`, `move`, `recolour`, `resize`, `replace`, `fill`, `fill_up`, `swap`, `background`,
    `row`, `hours`, `is`, `keep`, `mention`, `only`, `likewise`, `alone`, `absent`, `return` or `vacant`."""
    items: tuple[Phrase | Ground, ...] = ()
    """What a scene holds, in order."""
    subject: tuple[Phrase, ...] = ()
    where: Where | None = None
    colour: str = ""
    size: str = ""
    ground: str = ""
    new: Phrase | None = None
    like: Phrase | None = None
    attribute: str = ""
    """Of `swap`: `colour` or `size` if these change places instead of the objects."""
    picture: int = 0
    """Of `return`: the number of the picture in which the objects were, if the words name one."""
    stated: bool = False
    """The words describe a state instead of ordering a change: "it is night". Of a replacement: "there". Of being
    alone: "not alone"."""
    new_piece: bool = False
    """The statement begins a new picture: "then", "next", or a new sentence."""
    sequenced: bool = False
    """The words say so: "then", "next"."""
    ordered: bool = False
    """The words order a change: "make …"; otherwise they tell one: "the ball turns …"."""
    in_turn: bool = False
    """The change happens to one object after the other: "they leave one by one"."""
    text: str = ""
    """The user's words."""
    span: tuple[int, int] = (0, 0)
    """Numbers of the first word and of the one after the last in the sentence."""


_UNIT = "(?:picture|image|page|step|panel|scene|frame|part|chapter|slide)"
_COUNT = f"(?:{'|'.join(NUMBER_WORDS)})"
STAGE = "(?:the |a |its )?(?:background|scene|picture|image|whole scene)(?: of the (?:picture|image|scene))?"
SEQUENCE = (
    rf"(?:and |but )?(?:(?:(?:in|on|for|at) )?(?:the )?{_UNIT} (?:number )?{_COUNT}(?: of {_COUNT})?"
    r"(?= (?:,|:|shows?|there|we|the|an?|it|he|she)\b| [,:])(?: (?:shows|is)(?! (?:in|on|at|by)\b))?|"
    r"(?:and )?next(?: up)?(?: (?:comes?|is))(?: that)?(?= (?:the|a|an|another|it|both)\b)|"
    r"(?:the )?next (?:thing|change|step)(?: (?:that )?(?:happens|comes))? is(?: that)?|(?:in|on|for|at) the "
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|next|last|final|other)(?: of (?:them|these|those))?"
    r"(?= ,)|(?:the )?(?:middle|end|ending|finale|last(?:ly)?|finish|next up|afterwards|later|conclusion|climax|"
    r"part two|second half)(?= :)|then|next(?! to)|after that|after this|afterwards|after it|later(?: on)?|finally|"
    r"lastly|last|at last|at the end|in the end|to finish|as a last step|suddenly|soon|after a while|a bit later|"
    r"some time later|(?:one|the next|another|some) day(?: later)?|the next (?:morning|moment|thing)|"
    r"a (?:moment|minute|second|day|week|(?:few|couple of) (?:moments|minutes|days|hours|weeks|months|years)|while)"
    r" later|an hour later|one hour later|some time after|when that is done|followed by(?: this)?(?: :)?|this time|"
    r"(?:on|in) the next (?:page|picture|panel|scene)|it ends like this|to close|as a last step|and then|at once|"
    r"(?:then )?it happens|all of a sudden|(?:in|on|for) the (?:first|second|third|fourth|fifth|sixth|seventh|eighth|"
    r"next|last|final|following) (?:picture|image|page|step|panel|scene|frame|one)|the (?:first|second|third|fourth|"
    r"fifth|sixth|seventh|eighth|next|last|final) (?:one|picture|image|page|step|panel|scene|frame)(?: shows| is)?|"
    r"second|secondly|third|thirdly|fourth|fifth|and after that)(?: of all)?(?: ,| :)?(?: and)?(?: then)?"
)
OPENING = (
    "(?:(?:the )?(?:beginning|opening|intro|introduction|start|first half|part one)(?= :)|first(?: of all)?|firstly|"
    "at first|in the beginning|to begin|to start|once upon a time|one day|long ago|start|begin|it (?:begins|starts)"
    "(?! to| in | on | at )(?: like this)?|(?:let )?(?:the|my|our|this|your) (?:story|tale|comic|book|film|movie|"
    "adventure) (?:begins?|starts?|opens?)|let (?:it|us) (?:begin|start)|in (?:this|the|my) (?:picture|image|photo)|"
    "here|there was once|once there was|once|the same(?: (?:picture|image|scene|thing|place))?"
    "(?: (?:but|just|again|now|only))*(?= (?:in|on|at|with|without) ))(?: ,| :)?(?: with)?"
)
FILLER = "(?:please|kindly|now|also|and|so|ok|okay|hi|hello|hey|well|just|but|,|:|meanwhile|simply|maybe|perhaps)"
POLITE = (
    "(?:(?:can|could|would|will) you(?: please)?|why not|why do we not|i (?:would like|want|need|wish)(?: you)? to"
    "(?: see)?|i would like you to|let us|we (?:should )?|you should|try to|you|i|help me(?: to)?)"
)
DRAW = (
    "(?:draw|show|paint|make|create|generate|put|place|add|include|sketch|give|design|produce|render|depict|illustrate|"
    "imagine|picture|have|insert|drop in|bring in|set|let there be|there (?:is|are|was|were|lived|should be|will be|"
    "once (?:was|lived))|i (?:want|need|see|saw|have|think of|would (?:like|love|prefer|enjoy|rather (?:have|see))|"
    "(?:feel like|fancy|am (?:after|looking for|thinking of|imagining)|was (?:hoping for|thinking of)|dream of|prefer))"
    "(?: (?:seeing|having|to see|to have))?|we (?:want|need|see|have)|let us see|this is|"
    "(?:can|could|may) (?:i|we) (?:have|get|see)|(?:can|could) there be|here (?:is|are|comes|come)|it is|it shows|"
    "we see|you see|i would like to see|start with|begin with|it has|it contains|with)(?: (?:me|us))?(?: once)?"
    "(?: also)?(?: there)?(?: (?:only|just|nothing but))?"
)
PICTURE = (
    "(?:an? |the |one )?(?:(?:nice|simple|small|little|short|single) )?(?:picture|image|scene|view|sketch|story|tale)"
    "(?: ,)?(?: of| with| showing| that shows| that has| about| in which there (?:is|are)| where there (?:is|are)|"
    " containing| where| in which| on which| :)?"
)
APPEAR = (
    "(?:appears?|arrives?|comes?(?: along| by| in| over| out)?|shows? up|turns? up|joins?(?: them| it| in)?|enters?|"
    "pops? up|is there|are there|is added|are added|should appear|should be there|comes? into view|comes? out|"
    "has appeared|have appeared|(?:walks?|runs?|drives?|flies|fly|swims?|sails?|rolls?|steps?|hops?) (?:in|up|by|along|"
    "over|into view)|springs? up|rises?|shines?|lands?|is born|visits?|wakes? up)(?: too| also| there)?"
)
JOIN = (
    "(?:joins?|visits?|meets?|greets?|accompanies|keeps? company with|"
    "comes (?:to (?:see|visit|meet|join)|up to|over to))"
)
"""Between an object that appears and one that is there."""
SPROUT = "(?:grows?(?: up)?|blooms?|opens?(?: up)?|sprouts?|blossoms?)"
"""What new plants do when they appear; anything else that grows was there before."""
PLANTS = frozenset({"flower", "tree"})
FIND = (
    "(?:finds?|gets?|sees?|meets?|discovers?|spots?|brings?|catch(?:es)?|receives?|buys?|picks? up|notices?|holds?|"
    "has(?: got)?|have(?: got)?|owns?)"
)
"""Between an object that is there and one that appears."""
_SELF = (
    "(?:alone|on (?:its|her|his|their) own|by (?:itself|herself|himself|themselves))"
    "(?: (?:any ?more|any longer|again|now|there|here|in the picture))*"
)
_STAY = "(?:(?:is|are|was|were|stays?|remains?|stands?|sits?|feels?|lives?)(?: (?:left|sitting|standing|staying))?)"
ALONE = f"{_STAY}(?: (?:all|now|so|very|quite|behind|there|again|then))* {_SELF}"
COMPANY = (
    f"{_STAY} (?:not|no longer|never)(?: (?:all|so|left|there))* {_SELF}|does not (?:feel|stay) {_SELF}|"
    "(?:has|gets|have|get) (?:some )?company(?: (?:now|again))?|(?:has|have|gets|get) (?:a|some) friends?(?: now)?"
)
"""The opposite of `ALONE`."""
LIKEWISE = (
    "(?:does|do|did)(?: (?:so|it|that|likewise|the same(?: thing)?|exactly the same))?(?: (?:too|as well|also|now))?|"
    "(?:follows?|is next)(?: (?:it|him|her|too|as well))?|(?:too|as well|likewise)"
)
"""Says of another object what was said last."""
INSTEAD_OF = (
    "(?:(?:is|stands?|sits?|lies|appears?|comes?)(?: (?:there|here|now))?(?: ,)? )?"
    "(?:instead of|in (?:the )?place of|(?:exactly )?where)"
)
OPINION = (
    "(?:(?:is|are|was|were|looks?|seems?|feels?) )(?:(?:a bit|too|so|very|really|quite|rather|just|not|far too|all|"
    f"both) )*(?:awful|bad|wrong|{'|'.join(FEELINGS)})|(?:may|can|could|should|might)(?: (?:also|just))? "
    "(?:be|stand|sit|go|lie|have|look|stay|float|swim|fly|live|wait|appear|be placed|be put)(?: (?:in|of|on|at))? "
    "(?:wherever|anywhere|somewhere|whatever(?: (?:colour|size|place))?|any (?:colour|size|place|spot|side|position))"
    "(?: (?:that )?(?:you|it|he|she|they|we) (?:like|likes|want|wants|please|pleases|prefer|choose|wish|fits?))?"
)
"""What changes nothing that is drawn."""
LONGS = (
    "(?:(?:is |are )?(?:looks?|looking|search(?:es)?|searching|calls?|calling|waits?|waiting|cries|crying|longs?) for|"
    "miss(?:es)?|cries after|thinks of|remembers) "
    "(?:it|him|her|them|(?:(?:the|its|his|her|their) )(?:\\w+ )?(?:friends?|\\w+))"
    "(?: (?:everywhere|all day|a lot|very much|so much|in vain|for a long time))?(?=$| ,| and\\b)"
)
"""Says what somebody feels about an object, which is not drawn."""
LEAVE = (
    "(?:disappears?|vanish(?:es)?|leaves?(?: the (?:picture|scene|image))?|(?:goes|go|runs?|flies|fly|swims?|drives?|"
    "walks?|sails?|rolls?|moves?|wanders?|strolls?|drifts?|floats?|hops?|jumps?|slips?|fades?|melts?|bounces?|is taken|"
    "are taken|travels?|sneaks?|creeps?) (?:away|off|out|home)|escapes?|departs?|says? (?:goodbye|bye)|goes missing|"
    "fades?|is (?:nowhere to be seen|no longer there|no more|not there any ?more)|(?:is|are|has|have) "
    "(?:gone|left|vanished|disappeared|removed)(?: home| away)?|should (?:go away|leave|disappear|vanish|"
    "not be (?:here|there)|be removed|be gone)|drives? home|exits?|left(?=$| ,| and| the (?:picture|scene|image)))"
    "(?: the (?:picture|scene|image))?(?: (?:again|forever|for ever|for good))?"
)
RETURN = (
    "(?:(?:comes?|goes|go|is|are|has come|have come|runs?|walks?|flies|fly|swims?|drives?|sails?|rolls?|hops?)"
    "(?: now)? back|returns?|reappears?|(?:has|have) returned|"
    "(?:appears?|shows? up|turns? up|is there|are there|comes?) again)"
    "(?: (?:again|now|too|there))?"
)
"""What an object does that was there before it left."""
_NTH = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
OF_PICTURE = (
    "(?:(?:that|which) (?:is|was|were) |(?:just |exactly )?(?:as|like)(?: (?:it|they) (?:is|are|was|were))? )?"
    rf"(?:from|of|in) (?:the (?P<nth>{'|'.join(_NTH)}) (?:{_UNIT}|one)|{_UNIT} (?:number )?(?P<number>{_COUNT}))"
)
"""Names the picture that an object was in."""
GO = (
    "(?:goes|go|moves?|walks?|runs?|jumps?|flies|fly|swims?|drives?|sails?|hops?|rolls?|wanders?|climbs?|travels?|"
    "crawls?|rides?|floats?|bounces?|steps?|returns?|comes?|gets?|is moved|are moved|should (?:go|move|be|stand|walk)|"
    "belongs?|rises?|falls?|reach(?:es)?|arrives?|heads?|lands?|ends? up|makes its way|slides?|drifts?|glides?|trots?|"
    "dash(?:es)?|skips?|races?|turns? up|shifts?|is (?:pushed|pulled|brought|carried|taken)|sets? off|sinks?|"
    "hurr(?:ies|y)|drops?|descends?|ascends?|tumbles?|dives?|plunges?|soars?|creeps?|sneaks?|marches|strolls?|paddles?|"
    "flutters?|swoops?|zooms?|speeds?|rush(?:es)?|scoots?|retreats?|escapes?|wanders? off|walks? off|continues?|"
    "proceeds?|slips?|bobs?|whizz(?:es)?|ends? its (?:trip|journey)|has moved|have moved|is now|are now)"
    "(?: (?:back|over|slowly|quickly))?"
)
BE = "(?:is|are|was|were)(?: now| both| all)?"
BECOME = (
    "(?:becomes?|turns?|gets?|grows?|is now|are now|should (?:be|become|turn)|has (?:become|turned)|have (?:become|"
    "turned)|changes? (?:to|into)|turns? to|changes? colour to|is painted|are painted)(?: (?:all|both|suddenly))?"
)
KEEP = (
    r"(?:everything|all|the) (?:else|rest|others?) (?:stays?|remains?|should stay|should remain|is|are)"
    r"(?: (?:the same|unchanged|as it is|as it was|where it is|where they are|as they are|in place))?|"
    r"nothing else(?: (?:changes|should change|is there))?|(?:keep|leave|let) (?:everything else|all else|the rest|"
    r"all the rest|the others|everything)(?: (?:as it is|as is|the same|unchanged|alone|stay|where it is|in place))?|"
    r"(?:do not|without changing|do not touch|not) (?:change|touch)?(?: )?(?:anything else|the rest)|"
    r"without changing (?:anything else|the rest)|that is all|the end|thank you|thanks|nothing more|no more|that is it|"
    r"(?:everything|everyone|everybody|all of them|they all|they both|both|they)(?: then)? (?:stays?|remains?)"
    r"(?: (?:there|here|together|unchanged|in place|where (?:it is|they are)|as (?:it is|they are)|"
    r"with (?:it|her|him|them|the \w+)))*(?: (?:until|till) the end)?"
)
ONLY = (
    r"(?:and |but )?(?:only|just|nothing but|nothing except|no one but|nothing else but|nothing else than)"
    r"(?= (?:the|this|that|my|it|them)\b)"
)
"""Before what alone changes: "only the house"."""
JOINER = (
    "(?:, )?(?:that|which) (?:has|shows|contains|includes|holds)|(?:, )?(?:showing|featuring|containing|including)|"
    "(?:, )?and with|(?:, )?(?:(?:that|who|which) (?:is )?)?(?:holding|carrying|holds|carries)|(?:, )?and|"
    "(?:, )?(?:(?:that|who|which) )?(?:(?:is|are) )?(?:plays?|playing|sits?|stands?) with|(?:, )?with|"
    "(?:, )?as well as|plus|(?:, )?together with|along with|,"
)
"""Between two objects of one picture."""
DOING = (
    "(?:(?:that|which|who) )?(?:(?:is|are|was|were) )?(?:swims?|sails?|flies|fly|runs?|walks?|drives?|sits?|stands?|"
    "sleeps?|lies|lie|waits?|plays?|lives?|floats?|rests?|grows?|shines?|blooms?|jumps?|swimming|sailing|flying|"
    "running|walking|driving|sitting|standing|sleeping|lying|waiting|playing|living|floating|resting|growing|shining|"
    "blooming)(?: (?:quietly|alone|around|there))?(?! (?:to|into|onto))"
)
"""Between an object and the background: none of these is visible in a picture."""
ROW_ORDER = (
    "(?:complete|finish|close) the (?:row|gap)|fill the gap(?: in the row)?|make the row whole|add what the row lacks|"
    "there should be three in the row|one is missing in the row(?: (?:,|and) add it| , so add it)?"
)
HOURS = (
    "(?:show |draw )?(?:the same place|this place|it|make it)? ?twelve hours later|let twelve hours go by|"
    "twelve hours (?:have passed|pass|go by)|come back in twelve hours(?: and draw it)?|half a day later|"
    "how does it look here (?:in|after) twelve hours|what does (?:it|this) look like (?:in|after) twelve hours"
)
GROUND_CHANGES = {
    "night": (
        "turn (?:the )?day (?:in)?to night|(?:the )?night (?:falls|comes|arrives|begins|has come|has fallen|is here|"
        "is coming)|(?:it )?(?:gets|becomes|grows|turns|is getting) dark|darkness (?:falls|comes)|"
        "(?:the|a) moon (?:rises|comes up|comes out|is up|shines)|make it dark|"
        "the sun (?:has|is) (?:set|gone|gone down)|the sun disappears|the stars come out"
    ),
    "sunset": (
        "the sun (?:sets|goes down|is setting|is going down|begins to set|starts to set|sinks|is low)|"
        "(?:the )?(?:sunset|evening) (?:falls|comes|arrives|begins)|the day ends|(?:it )?(?:gets|is getting) late"
    ),
    "snow": (
        "it (?:(?:starts?|begins?) (?:to )?)?(?:snows?|snowing)|it is snowing|"
        "(?:the )?snow (?:falls?|comes|arrives|begins|starts? to fall|starts? falling|begins to fall)|let it snow|"
        "it has snowed|snow covers everything|everything is covered (?:in|with) snow|it is snowing now"
    ),
    "meadow": (
        "(?:the )?(?:morning|day) (?:comes|breaks|arrives|begins)|"
        "the sun (?:rises|comes up)(?: again)?(?: over (?:the )?(?:meadow|fields?|hills?|trees?|house|land))?|"
        "it (?:gets|becomes) (?:light|day)|the night (?:ends|is over)|"
        "(?:the )?(?:spring|summer) (?:comes|arrives|begins)|the snow melts|a new day (?:comes|begins)"
    ),
}
"""Sentences that change the background."""
ARTICLE_GROUND = "(?:(?:look|looks) like|to|into|in|at|on|by|during|a|an|the|be|become|like)"


def picture_number(match: re.Match[str] | None) -> int:
    """Returns the number that a match of `OF_PICTURE` names; 0 for none."""
    if match is None:
        return 0
    return _NTH.index(match["nth"]) + 1 if match["nth"] else NUMBER_WORDS.index(match["number"]) + 1
