"""Word patterns of longer expressions: places, relations, links between clauses, talk around a request. Tables only."""

from __future__ import annotations

import re

from interleavethinker.microworld.language.plain_text import EXTRA_SYNONYMS, NUMBER_WORDS
from interleavethinker.microworld.language.vocabulary import SYNONYMS
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS

from .grounds import GROUND_NOUNS

__all__ = [
    "ABOUT",
    "ACROSS",
    "BETTER",
    "BODY",
    "BOTH_SIDES",
    "COLOUR_WORD",
    "CORNER",
    "CORNERS_OF",
    "COUNT",
    "DISLIKE",
    "EMPTY",
    "EXCEPT_THAT",
    "EXISTS",
    "FILL",
    "FRAME",
    "HOW_TO",
    "INSTEAD",
    "KEEP",
    "NOTHING_BUT",
    "NUMBERED",
    "OPENING",
    "OPPOSITE",
    "OWN",
    "PICTURE",
    "PLACE",
    "RELATION",
    "ROW",
    "SAME",
    "SAME_ONE",
    "SCENERY",
    "SEQUENCE",
    "SIDE",
    "SKY",
    "STEP",
    "THERE_NOT",
    "WRAPPER",
]

PICTURE = (
    "(?:picture|image|scene|photo|visual|graphic|illustration|drawing|painting|page|canvas|frame|panel|artwork|"
    "sketch|view|landscape|"
    "pic|comic|cartoon|sheet|screen|shot|snapshot|composition|postcard|poster)"
)
SPOT = "(?:top|bottom|left|right|middle|centre|mid)"
SPOTS = rf"{SPOT}(?: (?:and |of the )?{SPOT})?(?: most)?"
OF_PICTURE = (
    rf"(?: of (?:the|this|my|our|that)(?: whole| entire)? (?:{PICTURE}|grid|whole thing)|"
    rf" of (?:it all|everything|it))?"
)
GROUND_WORD = "|".join(
    sorted(
        {
            *BACKGROUNDS,
            *GROUND_NOUNS,
            *(o for b in BACKGROUNDS for o in SYNONYMS[b]),
            *(o for o, b in EXTRA_SYNONYMS.items() if b in BACKGROUNDS),
        }
    )
)
PLACE = re.compile(
    r"(?:(?P<prep>(?:right |way |up |down |over |out |all the way |back |far )*(?:in|on|upon|at|to|into|onto|"
    r"toward|towards|"
    r"from|near|along|for|up|down|over)|back|over|up|down) )?(?P<det>(?:the|a|its) )?(?:(?:very|far|extreme|dead|exact|"
    rf"absolute) )*(?P<spots>{SPOTS})(?: hand| stage| aligned| ish)?(?P<part> (?:side|corner|edge|part|half|area|"
    rf"section|spot|square|cell|"
    rf"position|place|zone|end|region|space|third|slot|tile|box(?= of the (?:picture|grid))))?{OF_PICTURE}(?= |$)"
    rf"(?! of\b(?! (?:(?:the|a|an|this|it) )?(?:\w+ )?(?:{GROUND_WORD})\b))"
)
ROW = re.compile(
    r"(?:(?:in|on|at|into|to|along|across) )?(?:all )?(?:(?:in|on|at|into|to|along|across) )?the (?P<line>top|bottom|"
    rf"left|right|middle) (?P<kind>row|column|line){OF_PICTURE}(?= |$)|(?:all )?(?:along|across) the "
    rf"(?P<edge>top|bottom|left|right|middle)(?: edge| side)?{OF_PICTURE}(?= |$)|(?P<row>in (?:a|one) (?:row|line)|"
    "side by side|next to each other|lined up|beside each other|in a horizontal (?:row|line))(?= |$)"
)
CORNER = re.compile(
    rf"(?:in|into|to|at) (?:a|one|any|some|the) corner{OF_PICTURE}(?= |$)(?! of\b)|(?:in|into) a corner(?= |$)"
)
CORNERS_OF = re.compile(
    r"(?:in|at|into) (?P<each>each of |both (?:of )?|each |either )?(?:the )?(?:two )?(?P<edge>top|bottom|left|right) "
    r"corners?(?: each)?(?= |$)"
)
"""The two corners of one edge: "in both top corners"."""
SKY = re.compile(
    r"(?:up )?(?:high )?(?:in|into|up in|across) the (?:sky|air)(?= |$)|(?:up )?(?:overhead|high up|up high)(?= |$)"
)
OPPOSITE = re.compile(
    r"(?:(?:in|on|at|into|to|over to) )?the (?:(?P<point>(?:diagonally )?opposite corner|corner opposite)|"
    r"(?P<side>(?:opposite|other) (?:side|end|edge))|(?:other|opposite) (?P<corner>top|bottom|left|right) corner)"
    rf"{OF_PICTURE}(?= |$)(?! of\b| from\b)"
)
ACROSS = re.compile(r"(?:on|at|to) (?:the|its|his|her) (?:other|opposite|far) (?:side|end) (?:of|from)(?= )")
BOTH_SIDES = re.compile(
    r"(?:on|to|at) (?:each|either|both|every|its either) (?:side|sides|hand|end|flank)(?P<of> of)?(?= |$)|"
    r"(?:left and right|(?:on|to) the left and "
    r"(?:(?:on|to) )?(?:the )?right) (?P<of2>of)(?= )"
)
RELATIONS = {
    "left": r"(?:(?:on|at|to|from|just|directly|immediately|over) )*(?:the |its )?(?:immediate )?left(?: "
    "hand)?(?: side)? (?:of|from)|left to",
    "right": r"(?:(?:on|at|to|from|just|directly|immediately|over) )*(?:the |its )?(?:immediate )?right(?: "
    r"hand)?(?: side)? (?:of|from)|right to(?= the \w+ (?:a|$))",
    "above": r"(?:(?:just|right|directly|immediately|hovering|up|high|straight|somewhere) )*(?:above|over(?! "
    "to\b)|on top of|atop|upon(?! the (?:left|right|top|bottom))|over the top of)",
    "below": r"(?:(?:just|right|directly|immediately|down|straight|somewhere) )*(?:below|under|underneath|beneath)",
    "next_to": (
        r"(?:(?:just|right|directly|immediately|up|over|close|somewhere) )*(?:next to|beside|besides|near to|"
        r"nearby to|near|(?:up|over|close|right up) to(?= (?:it|him|her|them|the|a|an)\b)"
        r"(?! the (?:very |far )?(?:left|right|top|"
        r"bottom|middle|cent(?:re|er)|other|opposite|upper|lower|corner|edge|sky)\b)|"
        r"close to|close by|by the side of|at the side of|on the side of|alongside of|alongside|adjacent to|touching|"
        r"next(?= the )|along with(?= it$))"
    ),
    "between": r"(?:(?:just|right|directly|exactly|halfway|midway|middle|squeezed|sandwiched|in) )*(?:between|in "
    "the middle of(?= the two)|in the middle between)",
}
RELATION = {
    name: re.compile(rf"(?:{pattern})(?= |$)(?! (?:the|this|my|our|that) (?:whole )?{PICTURE}\b)")
    for name, pattern in RELATIONS.items()
}
INSTEAD = re.compile(
    r"(?:(?:there )?where (?:it|he|she|that) (?:was|is|stood|sat|used to be|had been)(?: before)?|in (?:its|his|"
    r"her|that) (?:place|spot|stead|position)(?: instead)?|there instead|instead of it)(?= |$)"
)
OWN = re.compile(
    r"(?:to|on|at|from|upon) (?:its|his|her|their) (?:immediate )?(?P<side>left|right)(?: hand)?(?: side)?(?= |$)"
)
BODY = {
    "above": re.compile(r"(?:right |just |directly )?(?:over|above) (?:its|his|her|their) heads?(?= |$)"),
    "below": re.compile(r"(?:right |just )?(?:at|near|under|beneath|below) (?:its|his|her|their) feet(?= |$)"),
    "next_to": re.compile(r"(?:at|by|close by) (?:its|his|her|their) side(?= |$)"),
}
"""Places by parts of a body: "over her head"."""
SCENERY = {
    name: re.compile(
        rf"(?:{words})(?= (?:\w+ )?(?:scene|day|picture|image|landscape|place|world|setting|background)\b|$| [,:])"
    )
    for name, words in {
        "snow": "snowy|wintry|frosty",
        "meadow": "grassy",
        "forest": "wooded|forested",
        "beach": "sandy|coastal",
        "night": "moonlit|starry|starlit",
    }.items()
}
"""Adjectives that name a background: "a grassy scene"."""
FILL = re.compile(rf"fill (?:up )?(?:the|a|this|my) (?:whole )?(?:sky|{PICTURE}) with(?= )")
NOTHING_BUT = re.compile(r"(?:with )?(?:nothing(?: else)?|no (?:one|thing)) (?:but|except|other than)(?= )")
EXCEPT_THAT = re.compile(r"(?:except|only|other than) that(?= )")
ORDINAL = "(?:first|second|third|fourth|fifth|sixth|seventh|eighth|next|last|final|following|other)"
NUMBERED = re.compile(
    rf"(?:and )?(?:(?:in|on|for) the {ORDINAL}(?: one)?"
    r"(?= (?:it|there|the|a|an|i|we|he|she|they|make|have|one)\b| [,:])|"
    rf"the {ORDINAL}(?: one)?(?= (?:in|at|on|by|is at|is in|is on|shows|has)\b)(?: (?:shows|has|is(?= (?:in|at|on))))?)"
)
"""Words for a picture without its noun: "in the third", "the last one"."""
SAME_ONE = re.compile(
    rf"(?:exactly )?(?:the )?(?:very |exact )?same(?: (?:thing|one|{PICTURE}))?(?: (?:again|as before))?"
    rf"(?=(?: ,)? (?:but|at|in|on|with|without|only|just|except|during|by|plus|and)\b)"
)
ABOUT = re.compile(r"(?:tell|show) (?:me|us)(?: (?:a|the) (?:\w+ )?(?:story|tale))? (?:about|of)(?= )")
SEQUENCE = re.compile(
    r"(?:and |but |so )*(?:(?:and )?then|after(?= ,)|by the time(?: that)?|by and by|presently|at (?:the )?last|"
    r"last of all|in the end|bit later|thereafter|next(?! to\b| the\b)(?: up)?|after that|after this|afterwards?|"
    r"after it|later(?: on)?|"
    r"finally|lastly|at last|(?:at|in|by) the (?:very )?end|to finish|as (?:a|the) (?:last|final|next) step|soon|after "
    r"(?:a|some) (?:while|time|bit)|(?:a (?:bit|little|while|moment|minute|second|day|week|few \w+)|an hour|some time|"
    r"moments|minutes|hours|days|one day|soon) (?:later|after)|soon after|(?:one|another|some|the (?:next|"
    r"following|same)) "
    r"(?:day|morning|evening|night|moment|time)(?: later)?|suddenly|all of a sudden|eventually|the next thing|"
    r"when that is done|followed by|this time|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|last(?: but not least| of all)?|"
    r"finish(?: up)? with|end(?: up)? with|ending with|ends with|before|until|till|from then on|subsequently|at "
    r"the end|"
    rf"(?:in|on|for) (?:the )?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|next|last|final|following|"
    rf"other) (?:{PICTURE}|one|step|part)(?: after that)?|in the (?:{PICTURE}|step) after (?:that|this)|(?:in|on|at) "
    rf"(?:{PICTURE}|step|part|page) (?:number )?(?:{'|'.join(NUMBER_WORDS)})|"
    r"the (?:first|second|third|fourth|fifth|sixth|seventh|eighth|next|last|final|"
    rf"following) (?:{PICTURE}|step|part)(?: shows| is| has)?|(?:{PICTURE}|step|part|scene|page) "
    rf"(?:number )?(?:{'|'.join(NUMBER_WORDS)})(?: shows| is| has)?)(?= |$)(?: (?:then|comes|,(?= ))(?= |$))*"
)
OPENING = re.compile(
    r"(?:first(?: of all| off)?|(?:in|at) the begin(?:ning)?|firstly|at first|in the beginning|to begin(?: "
    r"with)?|to start(?: with)?|initially|"
    r"once upon a time|once|one day|long ago|start(?:ing)?(?: off| out)? (?:with|by(?: drawing| showing)?)|"
    r"begin(?:ning)? "
    r"(?:with|by(?: drawing| showing)?)|(?:it|the story|this|my story|our story|the tale) (?:all )?(?:starts|"
    r"begins|opens)"
    r"(?: off| out)?(?: with| like this)?|the (?:beginning|start|end|ending|finale|middle) ?(?=:)|at the (?:start|"
    r"beginning)|originally)(?= |$)"
)
HOW_TO = re.compile(
    r"(?:(?:(?:my|our) \w+(?: \w+)?|i|we|she|he|they) (?:wants?|would (?:like|love)|needs?|wish(?:es)?|(?:is|am|are) "
    r"trying) to (?:learn|know|see|understand|find out) |"
    r"(?:please )?(?:show|teach|tell|walk|guide|explain)(?: to)?(?: (?:me|us|him|her|them|my \w+))?(?: "
    r"through)?(?: in \w+ (?:steps|pictures|images))? )?(?:how (?:to|do (?:you|i|we|one)|does one|"
    r"(?:would|can|could|should|might) (?:i|you|one|we)|(?:i|you|we|one)(?: (?:would|can|could|should|might))?|"
    r"it is done to)(?: (?:\w+ly|even|actually|"
    r"best|go about|to|ever))* (?:draw|paint|make|create|puts?|do|get|build|sketch|drawing|painting|making|"
    r"produce|compose)s?(?: together)?|the way to draw|(?:instruct|teach|guide|train|coach) "
    r"(?:me|us|him|her|them|my \w+)(?: \w+ly)?(?: (?:how )?to (?:draw|paint|make))?|"
    r"by easy stages|in (?:the )?drawing(?: of)?|(?:what is )?(?:the|a) (?:\w+ )?way (?:to|of|for me to) (?:draw|"
    r"paint|make|sketch|create)(?:ing)?|"
    r"(?:and )?(?:please )?show (?:me|us) (?:the picture |it )?(?:after )?(?:every|each)(?: single)? (?:thing|"
    r"step|one|change|part|stage|object)(?: (?:you|that you|as you|i|we) \w+)?|"
    r"(?:one|a|each) \w+ (?:per|for each|for every) (?:image|picture|step|panel|frame|page)|"
    r"(?:step by step|bit by bit|little by little|one (?:thing|step|object|piece) at a time|one (?:thing|step|"
    r"object) after (?:the other|another)|in order|piece "
    r"by piece|picture by picture|one by one|stage by stage|slowly and in order))(?= |$)"
)
WRAPPER = re.compile(
    rf"(?:(?:may|might|could|can) (?:i|we) (?:please )?(?:have|get|see|ask for|request)|such that it is|in such "
    rf"a way that it is|(?:do not|would not) you (?:think|say|agree)|is not it|"
    rf"(?:would|could|will) you be so (?:kind|good|nice|sweet) (?:as )?(?:to|and)|if you (?:would|could) be so "
    rf"(?:kind|good|nice)(?: as to \w+(?: it| them|"
    r" that)?)?|as can be|to keep (?:it|him|her|them) company|like (?:the one|those) (?:my|your|our|his|her) \w+ "
    r"(?:had|has|have|likes?)|"
    r"i (?:only |just )?wonder (?:whether|if)|please to(?= draw| make| paint| show| put| add)|i imagine it|this "
    r"(?:morning|afternoon|evening)|(?:last|the other) (?:night|day|week|summer|winter)|in (?:a|one|two|three|"
    r"four|five|six|seven|eight) (?:beats?|acts?|parts?|chapters?|moments?|shots?|steps?|stages?|scenes?|panels?|"
    r"frames?|pictures?|images?|pages?|phases?|slides?|verses?)|(?:picture|think of) it|for no reason(?: at "
    r"all)?|as sure as \w+|i want see|let me tell you about|done|as quick as \w+|i do not (?:even |really "
    r")?know(?: yet)?|(?:my|our) \w+(?: \w+)? (?:wants?|would like|would love|asked for|needs?|likes)(?: (?:to "
    r"(?:see|have|get|look at)))?"
    r"(?= (?:a|an|the|one|two|three|four|some|another)\b)|we need (?:to see )?(?:a|an)(?= \w+ visual)|"
    rf"(?:can|could|would|will) (?:you|u|we|i)(?: (?:please|kindly|maybe|possibly|perhaps|just|also))*(?= )|"
    r"(?:would|will|do) you mind|(?:would|is) it (?:be )?possible (?:for you )?to|is there any chance (?:you|to)|"
    r"i (?:would|should|do) (?:really |so |very much |just |also )*(?:like|love|appreciate|prefer|enjoy|want|wish)"
    r"(?: it)?(?: if)?(?: you)?(?: could| would| can)?(?: (?:to see|to have|to get|seeing|having|to look at)|(?: "
    r"please)? to|"
    r"(?= (?:a|an|the|my|some|one|two|three|four|five|both|all)\b))?|i (?:really |just |also |only )*(?:want|need|wish|"
    r"wanted|wish for|hope)(?: for)?(?: you)?(?: (?:to see|to have|to get)| to)?|(?:i|we) (?:was|am|were|are) "
    r"(?:just )?"
    r"(?:wondering|hoping|thinking|looking|dreaming|imagining)(?: if| whether| that| for| of| about)?(?: (?:you|we|i))?"
    r"(?: (?:could|can|would|might))?(?: please)?|i (?:think|guess|feel like|believe|suppose|imagine)(?: (?:that|of))?|"
    r"let us (?:see|have|say|do|draw)?|let me see|how about|what about|why not|please|if you (?:can|could|would|please|"
    r"like|do not mind|want|may)(?: to)?|would be (?:so )?(?:nice|great|lovely|cool|good)|"
    r"(?:may|might|could|can) (?:i|we) (?:please )?(?:have|get|see|ask for|request)|help me (?:to )?(?=draw|make|"
    r"paint)|try (?:and|to)|make sure(?: (?:that|to))?|go ahead and|be sure to|remember to|feel free to|"
    r"(?:for )?(?:me|us)(?: please)?|thanks?(?: you)?(?: (?:so|very|ever so|a) (?:much|lot))?|please to(?= draw| "
    r"make| paint| show| put| add)|(?:many )?thanks(?: in advance)?|"
    r"in advance|as well|too|any ?more|any longer|at all|altogether|in total|in all|for (?:me|us|now|good|ever)|"
    r"forever|"
    r"of course|by the way|you know|sort of|kind of|a (?:little )?bit(?! (?:bigger|smaller|larger))|at once|at "
    r"the same time|all at once|right (?:now|"
    r"away)|straight away|once (?:again|more)|(?:in|from|to|on|into|onto|of) (?:the|this|my|our|that) (?:same "
    r")?(?:whole )?"
    rf"{PICTURE}(?= |$)|(?:all )?(?:by|on) (?:itself|himself|herself|its own|his own|her own|their own)|as usual|"
    r"quick as a flash|all (?:day|night)(?: long)?|one by one|with (?:joy|glee|pleasure|care)|to (?:play|say "
    r"hello|say hi|"
    r"sleep|rest|look|visit|watch|see)(?= |$)|out of nowhere|of (?:some|any) (?:kind|sort)|all over(?! the)|it "
    r"is a|for a "
    r"(?:while|moment|bit|walk|swim|nap|ride|drive|stroll|change)|to (?:the|this|my) mix)(?= |$)"
)
FRAME = re.compile(
    rf"(?:(?:a|an|the|one|this|my|our|some) )?(?:(?:\w+) )??{PICTURE}s?(?: (?:that|which))?(?: (?:of|with|"
    rf"showing|shows|"
    r"that shows|containing|contains|featuring|features|depicting|depicts|where|in which|on which|about|includes|"
    r"including|(?:should|shall|must|will) (?:show|have|contain|include|be|feature)|has|had|that has|will show|"
    r"would show|with just|must show|is|"
    r"needs|consisting of|composed of)(?: (?:there (?:is|are)|us|me|you see|i see|we see|i can see|only|just))?|"
    r"(?= ?[:,]| for\b))(?= |$)"
)
KEEP = re.compile(
    r"(?:and |but |while |with )?(?:(?:just|only) (?:her|him|it|them|that|this|those|the one)(?= |$)|not (?:a "
    r"single )?(?:one|any)(?: single one)? more|no more(?: and no less)?(?= [,:]|$)|"
    r"(?:hold|keep|leave) (?:all|every)(?: the)? other \w+(?: (?:constant|fixed|the same|un\w+ed|as (?:is|they "
    r"are|it is)|alone))?|(?:everything|all|the|every thing|anything|every) (?:else|rest|others|other "
    r"(?:things?|objects?))(?: (?:in|on) (?:it|there))? (?:stays?|remains?|should (?:stay|remain|be)|is|are|can "
    r"stay|must stay|"
    r"be|staying|remaining|has to stay|needs to stay)(?: (?:exactly|just|right|still))*(?: (?:the same|unchanged|"
    r"as (?:it|they) "
    r"(?:is|was|are|were)|as is|where (?:it|they) (?:is|are|was|were)|in place|the way it (?:is|was)|like "
    r"(?:before|it is|it "
    r"was)|put|untouched|intact|same|there|as before))*|nothing else(?: (?:changes|should change|is (?:there|"
    r"changed|different)|"
    r"needs to change|has to change|moves))|(?:keep|leave|let|keeping|leaving)(?: (?:everything|all)(?: else)?| "
    r"the rest(?: of (?:it|"
    rf"the {PICTURE}|them))?| all the rest| (?:all )?the (?:others?|other (?:things|objects)|rest))(?: "
    rf"(?:exactly|just))*"
    r"(?: (?:as (?:it|they) (?:is|are|was|were)|as is|the same|unchanged|alone|stay|where (?:it is|they are)|in place|"
    r"untouched|the way it (?:is|was)|like it is|as before|there|intact))*|(?:do not|without|not) (?:change|"
    r"touch|changing|"
    r"touching|alter|altering|move) (?:anything|everything|the rest|any)(?: (?:else|other things?|of the rest))?|"
    r"(?:that is (?:all|it)|the end|nothing more|no other changes?|no more changes)(?: (?:please|thanks))?|"
    r"(?:leave|keep|leaving|keeping) (?:every|all|any)(?: of)?(?: the)?(?: other)? (?:single )?(?:objects?|"
    r"things?|items?|elements?|one|thing)(?: (?:as (?:is|it is|they are)|"
    r"un\w+ed|in place|alone|the same|intact|where (?:it is|they are)))*|(?:every|all)(?: the)? other "
    r"(?:objects?|things?|items?|elements?) (?:stays?|remains?|unchanged|"
    r"the same|un\w+ed)(?: (?:the same|un\w+ed|put|as is))*|(?:nothing|no one|nobody|no objects|no things) "
    r"(?:else|more)(?: (?:whatever|whatsoever|at all|please|in (?:it|there)))?|(?:in )?(?:the )?(?:exact )?same "
    r"(?:spot|place|position|location)"
    r"(?: as (?:before|now))?|no (?:other|further|more|extra|additional) (?:things?|objects?|"
    r"items?|stuff)|and that is it|in (?:the|its) (?:same|old|current|original|present) (?:place|spot|position))(?= |$)"
)
EXISTS = re.compile(
    r"(?:(?:and )?come(?= (?:a|an)\b)|do(?= (?:a|an|one|two|three|four|five|some)\b)|(?:and )?there (?:is|are|"
    r"was|were|will be|should be|must be|has to be|have to be|needs? to be|ought to be|can be|could be|would be|"
    r"lived?|stands?|sits?|lies|appears?|comes?|came|be|exists?|once (?:was|lived)|once)(?: (?:also|now|only|"
    r"just|once|suddenly|"
    r"still))*|(?:i|we|you) (?:can |now |will |should |could )*(?:see|have|counted|saw|spot|get|find|notice)|"
    r"here (?:is|are|comes?|we "
    r"have)|it (?:has|shows|contains|includes|should (?:show|have|contain|include)|is showing)|(?:this|that) is|"
    r"(?:out )?"
    r"(?:comes|pops|appears|arrives|enters|enter)(?= (?:a|an|another|two|three|some)\b)|(?:along|in|up|out|down|"
    r"over|by|there|then) "
    r"(?:\w+s|\w+ed|swam|came|flew|ran|rode|sprang|drove|stood|sat|lay|grew|rose)(?= (?:a|an|another|two|three|"
    r"some)\b)|in (?:comes|flies|walks|runs|rolls|"
    r"swims|pops)|along comes|up pops|up comes|featuring|showing|including|containing|let there be)(?= |$)"
)
EMPTY = re.compile(
    r"(?:(?:with )?(?:absolutely )?(?:nothing|nobody|no one|no objects?|no things?|no items?|without (?:anything|"
    r"anyone|any "
    rf"(?:things?|objects?)|objects|things))(?: (?:else|at all))?(?: (?:in|on|inside) (?:it|there|the {PICTURE}))?|"
    rf"(?:not a (?:soul|thing)|nobody|no one)(?: (?:lives?|is|to be seen|in sight|around|there|anywhere|"
    rf"near(?:by)?|it))*|(?:completely |totally )?empty(?: {PICTURE})?|(?:just|only) the background)(?= |$)"
)
BETTER = re.compile(
    r"(?:might|would|may|could|should|can)(?: not)? (?:look|be|seem|do|work|go|fit|feel) (?:so |much |even |a "
    r"bit |far |really )*(?:nicer|better|prettier|lovelier|best|"
    r"good|great|nice|cuter|well|pretty|lovely)(?: if (?:it|he|she) (?:was|were|is|went|sat|stood))?(?= |$)"
)
DISLIKE = re.compile(
    r"(?:i (?:find |really |just |think )?(?:i )?)?(?:can not|do not|could not|no longer|never(?: did)?|did "
    r"not)(?: really| quite)? (?:abide|stand|bear|like|love|enjoy|fancy|care for)(?= )"
)
THERE_NOT = re.compile(
    r"(?:is |are )?(?:no longer|not|no more|not more|not any ?more)(?: be)? (?:there|here|in (?:the|this) "
    r"(?:picture|image|scene)|present|visible)(?: (?:more|any ?more|any longer))?(?= |$)"
)
SAME = re.compile(
    r"(?:(?:in|of|with|have|has|having) )?(?:exactly )?(?:the )?(?:exact )?same (?P<what>colour|size)(?: "
    r"(?P<as>as))?(?= |$)|"
    r"(?P<like>(?:as|just as) (?P<how>big|small|large|tiny) as)(?= )"
)
STEP = re.compile(
    r"(?:(?P<one>(?:one|a|by one|by a) (?:step|cell|field|square|spot|place|tile|row|column) )(?:further |more |"
    r"over )?(?:to the )?"
    r"(?P<side>left|right|up|down|upwards|downwards|higher|lower)|(?P<way>up|upwards|down|downwards)(?P<by> "
    r"(?:one|a|by one) "
    r"(?:step|cell|field|square|spot|place|row))?)(?= |$)"
)
COLOUR_WORD = re.compile(
    r"(?:in |of )?(?:(?:the|a) )?(?:colour|color|coloured|painted|tinted|hued)(?: of)?(?= )|(?<=\w )(?:colour|"
    r"coloured)(?= |$)"
)
COUNT = re.compile(
    r"(?:(?P<six>half a dozen)|(?P<two>(?:a )?(?:pair|couple) of|a couple|a pair)|(?P<few>a few|a (?:small "
    r")?(?:group|bunch|handful) of)|"
    rf"(?P<single>a single|one single|exactly one|just one|only one)|(?:exactly |only |just "
    rf")?(?P<n>{'|'.join(NUMBER_WORDS)})"
    r"(?P<more> (?:more|other|extra|additional|further|new))?|(?P<another>another|one more|yet another|(?:a|an) "
    r"(?:second|third|"
    r"fourth|fifth|extra|additional|further|new|other)))(?= )(?! (?:later|after)\b)"
)
SIDE = re.compile(
    r"(?P<spots>(?:top|bottom|middle|centre) (?:left|right)|(?:left|right|top|bottom|middle|centre|upper|"
    r"lower))(?: ?most| hand)?"
    r"(?! of\b| to\b| next\b| in\b| on\b)(?= (?:(?:\w+ ){0,2}?(?:ones?|things?|objects?|%s)\b))"
)
