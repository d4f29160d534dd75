"""Finds wordings whose order or condition no rule follows, so that they would be read as something else.

Works on the text of a whole request, before its sentences are read. Knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.key_words import GROUND, MANY, ONE
from interleavethinker.microworld.language.panels import unclear_picture
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS

__all__ = ["unclear_because", "unclear_wording"]

_UNCLEAR: dict[str, str] = {
    "wants to": (
        rf"(?:^|[.;!?,] ?|\band |\bbut )(?:then |now )?(?:it|he|she|they|the (?:\w+ )?(?:{ONE}|{MANY})) "
        r"(?P<said>(?:wants?|wanted|used|hates?|hated|likes?|liked|wishes|wished|hopes?|hoped|tries|tried|refuses?|refused|"
        r"forgets?|forgot) to) (?!see\b|know\b|learn\b|draw\b|paint\b|look\b)\w"
    ),
    "likes red": (
        rf"\b(?:it|he|she|they|the (?:{ONE}|{MANY})) (?P<said>(?:likes?|liked|loves?|loved|hates?|hated|prefers?|"
        rf"misses|fears?) (?:the )?(?:{'|'.join(COLOURS)}|{GROUND}))\b"
    ),
    "was before": (
        r"(?<!this )(?<!that )\b(?P<said>(?:was|were) [^.;!?\n]{0,30}\b(?:before|earlier|yesterday|previously|once))"
        r"(?=\s*(?:[.!?;,]|$))|"
        r"[.!?;] ?(?:once|at first|yesterday|earlier|before),? (?:it|he|she|they|the \w+) (?:was|were|had)\b"
        r"(?![^!?]{0,200}\b(?:then|now|later|after|finally)\b)"
    ),
    "has two": (
        rf"\b(?:it|he|she|they|the (?:{ONE}|{MANY})) (?:(?:now|then|later|once) )*"
        r"(?P<said>(?:has|have|had|wants?|owns|sees) (?:(?:now|only|just) )*(?:two|three|four|five|six))"
        r"(?=\s*(?:[.!?;,]|$))"
    ),
    "might": (
        rf"(?<!whether )(?<!if )\b(?:it|he|she|they|the (?:{ONE}|{MANY})) "
        r"(?P<said>might|may(?= (?:leave|snow|turn|become|go|move|vanish|disappear|appear|come|rain)\b))"
    ),
    "no longer": (
        rf"\b(?:no|any) longer (?:an? )?(?:big|small|on|in|at|{'|'.join(COLOURS)})\b|\bno longer\s*(?:[.;!?]|$)"
    ),
    "far away": r"\b(?:is|are|was) (?:still |not )?far (?:away|off)\b",
    "the night goes": (
        rf"\b(?P<said>(?:{GROUND})(?: then| slowly| finally)? (?:goes(?! down)|(?:is|has) (?:gone|away|over|past)|"
        r"leaves|stops|passes|ceases|disappears|vanishes|fades|ends))\b"
    ),
    "a bigger one": (
        rf"\b(?P<kind>{ONE})\b.{{0,200}}\ban? (?:(?:much|even|slightly|a bit) )?(?:bigger|larger|smaller) (?P=kind)\b"
    ),
    "not only … but": r"\bnot (?:only|just)\b[^.;!?]*\bbut\b",
    "I mean": r"\w,? i mean,? (?:an?|the|two|three|four|five)\b",
    "before that": (
        r"[.;!?,:] ?(?:(?:and|but|just|right|shortly) )*(?:before (?:that|this|then)|beforehand|previously)\b"
    ),
    "before …, …": (r"[,;] ?(?:and|but|then),? before (?!that\b)[^,.;]+, |\b(?:and|but|then), before [^,.;]+, "),
    "but first": r"\bbut first\b|\bfrom the end\b|\bbackwards?\b",
    "was …, now …": r"\bthere (?:was|were)\b[^!?]*[.;,] (?:and |but )?now there (?:is|are)\b",
    "… and not …": (
        r"\b(?P<where>(?:on|in|at) the (?:top |bottom )?(?:left|right|top|bottom|middle|center|centre))\b"
        r"[^.;!?]*\b(?:and|but|yet) (?:\w+ )?not (?P=where)\b"
    ),
    "…, right, …": (
        r"\b(?:there is|there's|theres|you know|you see)\b[^.;!?,]*, right, (?!.*,? (?:left|middle|top|bottom)\b)"
    ),
    "starting with": r"\w,? (?:but )?(?:starting|beginning) (?:off )?with the \w+ (?:that|which|who)\b",
    "almost": r"\b(?:almost|nearly)\b",
    "all … are …: …": (
        rf"\b(?:all|both)(?: of)? (?:the )?\w+ are (?:big|small|large|little|{'|'.join(COLOURS)}) ?[:;]"
    ),
    "or …, but not …": r"\bor\b[^.;!?]*\bbut not\b",
    "of the same color": (  # Of what was described before without one; a given image shows it.
        rf"(?s)^(?!.*\b(?:{'|'.join(COLOURS)})\b).*[.;,!] ?(?:and |then )*(?:replace|swap|exchange)\b[^.;!?]*"
        r"\bof the same colou?r\b"
    ),
    "until …": (
        r"\buntil (?:it (?:is|gets|becomes) )?(?:the )?(?:night|day|morning|evening|sunset|sun|snow|winter|dark|dawn)\b"
    ),
    "… remain": (
        r"(?:^|[.;!?,] ?|\bthen |(?<!until )\bonly |\band |\bbut )"
        r"(?:one|two|three|four|five|six|seven|eight|\d)(?: of them)? (?:remains?|stays?|is left|are left)"
        r"(?=\s*(?:[.;!,]|$))"
    ),
    "in the evening …, at night": (
        r"\b(?:in the (?:morning|evening)|at noon|during the day|by day)\b[^.;!?]*\b(?:and|,) ?"
        r"(?:at|by|in the|during the) (?:night|noon|evening|day|sunset)\b|\bat night\b[^.;!?]*\b(?:during the|by) day\b"
    ),
    "in all corners": (
        r"\b(?:is|are) there\b[^.?!]*\b(?:in|on|at) (?:all|every|each|both)(?: the| four| two)? (?:corners?|sides?)\b"
    ),
    "it rises": (
        rf"\b(?:it|he|she|they|the (?:{'|'.join(KINDS)})) (?:slowly )?(?:rises?|rose)\b(?! (?:to|above|over))"
    ),
    "may …": (
        rf"\b(?:it|he|she|they|the (?:{'|'.join(KINDS)})) (?:may|might|could) (?:\w+ )?(?:leave|go|turn|become|fly|"
        r"move|grow|shrink|disappear|vanish|swim|run|walk)\b"
    ),
    "from one color to another": (  # unless the first is said before
        rf"(?s)^(?!.*\b({'|'.join(COLOURS)})\b.*\bfrom \1\b).*\b(?:it|he|she|they)\b[^.;!?]*\bfrom "
        rf"(?:{'|'.join(COLOURS)}) (?:in)?to (?:{'|'.join(COLOURS)})\b"
    ),
    "one by one, … first": r"\bone by one\b[^.;!?]*\b(?:starting|beginning|first|last)\b",
    "…, the … first": (
        rf",? (?:but )?(?:(?:beginning|starting) with the (?:\w+ )?(?:{'|'.join(KINDS)})|the (?:\w+ )?"
        rf"(?:{'|'.join(KINDS)}) first)(?=\s*(?:[.;!]|$))"
    ),
    "with and without": r"\bwith (?:and|or) without\b|\bwithout and with\b",
    "things that …": (  # what objects can do, no image tells
        r"\b(?:how many|which|what) (?:things?|objects?|animals?|ones?|of (?:them|these)) (?:can |could |do |does )?"
        r"(?:flies|fly|swims?|drives?|sails?|runs?|walks?|eats?|barks?|sings?|lives?|"
        r"(?:have|has) (?:wheels?|wings?|legs?|eyes?|tails?|leaves))\b|"
        r"\bwhat (?:is|are) (?:flying|swimming|driving|running|walking|eating|sleeping|growing)(?= ?(?:\?|$))"
    ),
    "true or false": r"\btrue or (?:false|not)\b[:,]? (?!there\b)",
    "the color of one": r"\bchange the (?:colou?r|size) of (?:one|two|three|some|an?)\b",
    "one picture …, one …": (
        r"\bone (?:picture|image) (?:with|of|showing)\b[^.;!?]*\b(?:one|another|the other) (?:with|of|showing)\b"
    ),
    "tomorrow": r"(?:^|[.;!?] ?)tomorrow\b",
    "comes and goes": r"\b(?:comes and goes|came and went)\b",
    "night …, the next morning": (
        r"(?s)\b(?:night|evening|dark)\b.*[.;!?,] ?(?:(?:on )?the (?:next|following)|in the|that|by) (?:morning|day),? "
        r"(?!comes|breaks|arrives|begins|is here)\w"
    ),
    "at night …, in the morning": (
        r"\bat night\b[^.;!?\n]{0,60}\band (?:then )?(?:returns?|comes?)\b[^.;!?\n]{0,60}\b(?:morning|day)\b"
    ),
    "by day …, by night": r"\bby day\b[^.!?\n]{0,80}\bby night\b|\bby night\b[^.!?\n]{0,80}\bby day\b",
    "the second one …": (
        rf"\bthe (?:second|third|fourth|fifth|last) one,? (?:is |turns |becomes )?(?:big|small|{'|'.join(COLOURS)})\b"
    ),
    "before: …, after: …": (
        rf"\b(?:before|yesterday|earlier) ?: an? [^.;!?\n]{{0,40}}?\b(?P<kind>{ONE})\b.{{0,80}}"
        r"\b(?:after|today|now|later) ?: an? [^.;!?\n]{0,40}?\b(?P=kind)\b"
    ),
    "jumps off": r"\b(?P<said>(?:(?:jump|hop|climb|get|step|slide)s?|(?:jump|hopp|climb|stepp)ed|got|slid) off)\b",
    "leaves with a …": r"\b(?:leaves?|left|goes|went)(?: away)? with (?:an?|another) ",
    "out of the forest": (
        r"\b(?P<said>(?:walks?|walked|comes?|came|runs?|ran|steps?|stepped|goes|went|flies|flew|emerges?|emerged) "
        rf"out of the (?:{GROUND}))\b"
    ),
    "the middle one": r"\b(?:three|five) [^.;!?\n]{0,60}[.;!?] ?[^.;!?\n]{0,40}(?P<said>\bthe middle one)\b",
    "has no …, then has one": (
        r"\b(?:has|have|had) no \w+[.;,] ?(?:and |but )?(?:then|now|later) (?:she|he|it|they) (?:has|have|had) "
        r"(?:one|some)\b"
    ),
    "two pictures: one with …": (
        r"\b(?P<said>(?:two|three|four|[2-4]) (?:different )?(?:pictures|images|panels|drawings)\b[^.;!?\n]{0,10}? "
        r"(?:the )?(?:first |an? )?one (?:with|of|showing|shows|has))\b(?![^.;!?\n]{0,80}\bwithout\b)"
    ),
    "then only snow": (
        r"\b(?P<said>(?:then|now|finally|later),?(?: and)? (?:there is |it is )?"
        rf"(?:(?:just|only|nothing (?:but|except)|alone) (?:an? |the )?(?:{GROUND})(?: remains)?|"
        rf"(?:an? |the )?(?:{GROUND}) (?:only|alone)))(?=\s*(?:[.;!,]|$))"
    ),
    "no …?": rf"^\W*(?P<said>no (?:\w+ )?(?:{ONE}|{MANY}))\s*\?",
    "then only a cat": (
        r"\b(?P<said>(?:then|later|in the end|finally|now),? (?:there is |it is )?(?:just|only) (?:an?|a single) "
        rf"(?:\w+ )?(?:{ONE}))(?=\s*(?:[.;!]|$))"
    ),
    "one night in the forest": (
        rf"\b(?P<said>(?:one|an?|it (?:is|was)(?: an?)?) (?:(?:cold|dark|quiet|calm|clear|late) )?(?:{GROUND}) "
        rf"(?:in|at|on|by) (?:the|an?) (?:{GROUND}))\b"
    ),
    "a winter night": (rf"\bit (?:is|was) an? (?P<said>(?:\w+ )?(?:winter|snowy|summer) (?:{GROUND}))\b"),
    "a dark forest": rf"\b(?P<said>dark (?!night|evening|winter)(?:{GROUND}))\b",
    "looks up": (
        r"\b(?P<said>(?:looks?|stares?|gazes?|glances?|peeks?|points?) (?:(?:to|towards?) the )?"
        r"(?:up|down|left|right|top|bottom))\b(?! at\b)"
    ),
    "sits down": (
        r"\b(?:it|he|she|they|(?:the|an?) \w+) (?P<said>(?:sits?|lies|stands?|gets|gives|speeds|slows|calms|cheers) "
        r"(?:down|up))(?=\s*(?:[.;!,]|$))"
    ),
    "a girl pushes it": (
        rf"\b(?P<said>an? (?:\w+ )?(?:{ONE}) (?:pushes|pulls|drags|carries|puts|drives|sails|steers|rolls|moves|brings|"
        r"takes|throws|kicks|lifts|paints|makes|turns|opens|enters) (?:it|them))\b"
    ),
    "gets … instead": (
        r"\b(?P<said>(?:(?:the \w+|she|he|it) (?:gets|has|takes|wants|needs)|give (?:the \w+|it|her|him)) "
        r"an? [^.;!?\n]{1,30} instead)\b(?! of)"
    ),
    "a picture of …, then a picture of …": (
        r"\ban? (?:picture|image) (?:of|with) [^.;!?\n]{1,40}(?:,? and(?: then)?|,? then|,? followed by) "
        r"(?P<said>an? (?:picture|image) (?:of|with))\b|"
        r"\bin (?:picture|image) (?:one|1)\b[^.;!?\n]{1,50}\bin (?:picture|image) (?:two|2)\b"
    ),
    "… first, the … later": (
        r"\b(?P<said>(?:leaves|goes|comes|moves|turns \w+) (?:first|now),? (?:and )?the (?:\w+ ){1,3}"
        r"(?:later|second|afterwards|then))\b"
    ),
    "in the evening she goes": (
        r"\b(?P<said>(?:in the (?:morning|evening)|at (?:night|noon|dusk|dawn|sunset)),? (?:it|she|he|they|the \w+) "
        r"(?:goes|leaves?|go))(?=\s*(?:[.;!,]|$))"
    ),
    "only animals": rf"\b(?:is|are) there (?P<said>only (?:animals|plants|{MANY}))\s*\?",
    "in the corners": r"\bwhat(?:'s| is| are) (?P<said>in the (?:four |other )?corners)\s*\?",
    "too dark": r"\btoo (?:dark|bright|light|cold|warm|snowy|sunny)\b",
    "the color of the cat": (
        r"\b(?P<said>(?:remove|delete|erase|take away) (?:the )?(?:[a-z]+'s )?(?:colou?rs?|sizes?))\b"
    ),
    "too many": r"\b(?P<said>(?:too|so) (?:many|few)|enough)\b(?=[^.!;\n]{0,60}\?)",
    "sells it": r"\b(?P<said>(?:sells?|sold|lends?|lent) (?:it|them|her|him|his|the|an?))\b",
    "add … on the left and on the right": (
        r"\b(?:add|put|place|draw) an? [^.;!?,\n]{1,30} (?P<said>(?:on|at|in) the (?:left|right|top|bottom) and "
        r"(?:on|at|in) the (?:left|right|top|bottom))(?=\s*(?:[.!;,]|$))"
    ),
    "which … only": r"\bwhich (?:picture|image|photo)\b[^.?!]*\b(?:only|at least|at most)\b",
    "missing in the first": r"\b(?:missing|gone) (?:in|from) the first\b",
    "the only thing that": r"\bonly (?:thing|object) (?:that|which)\b[^.?!]*\b(?:same|changed|different)\b",
    "the same except": r"\b(?:everything|all)\b[^.?!]*\bsame\b[^.?!]*\b(?:except|but|apart|besides)\b",
    "anything but": r"\banything but\b",
    "actually no": r"\bactually,? no\b(?! \w)",
    "actually": (
        rf"[.!?;\n] ?actually,? (?:(?:an?|the|in|on|at|to|two|three|four|five|big|small|{'|'.join(COLOURS)})\b)"
    ),
    "on second thought": r"\bon second thoughts?\b|\bor rather\b|\bscratch that\b|\bcorrection ?[:,]",
    "the last one": (
        r"\b(?:two|three|four|five|six|seven|eight|nine|\d) (?:\w+ ){0,3}?\w+ ?[,:;] ?(?:and |but )?"
        r"the (?:last|final)(?: one)? (?:(?:is|are|in|being|should be) )?"
        rf"(?:big|small|large|little|{'|'.join(COLOURS)})\b"
    ),
    "one of them last": r"\bthe \w+ ones? (?:goes |leaves |comes )?(?:last|first)\b",
    "from left to right": (
        r"\b(?:remov|delet|eras|disappear|vanish|fad|leave|leaving)\w*\b[^.;!?]*"
        r"\bfrom (?:the )?(?:left|right|top|bottom) to\b"
    ),
    "not a …, a …": r"[.!;] ?(?:oh,? )?not an? [\w ]{1,30}, (?:but )?an? ",
    "how many … ones": r"\bhow many \w+ [^.?!]*\bhow many (?:\w+ )?ones\b",
    "anywhere but": r"\b(?:any|some)where (?:but|except|other than|apart from)\b",
    "one of which": r"\b(?:one|two|three|four|half|none|some) of wh(?:ich|om)\b",
    "corners": (r"\band (?:an?|the) (?:\w+ )?\w+ in (?:the|both) (?:two )?(?:top|bottom|left|right) corners\b"),
    "left and … right of": (
        r"\b(?:to|on) the (?:left|right)(?: side)? and [^,.;]* (?:to|on) the (?:left|right)(?: side)? of\b"
    ),
    "all … but": (
        rf"\ball (?:\w+ )?(?:big|small|large|little|{'|'.join(COLOURS)}),? (?:but|except|apart from)\b(?! not)"
    ),
    "parts": rf"\b(?:{'|'.join(COLOURS)})-(?!colou?r|and)\w+ed\b",
    "diagonally": r"\bdiagonal(?:ly)?\b(?! opposite)",
    "where it is": rf"\bwhere (?:it|they) (?:is|are|was|were) (?:{'|'.join(COLOURS)})\b",
    "small …, big …": (
        r"\bthe (?P<one>big|small|large|little)\b [^.;]*?\b(?P<other>big|small|large|little),? and the (?P=other)\b"
    ),
    "would be …, but": (r"\bwould (?:be|have been) (?:\w+ ){1,3}?(?:, )?but\b|\bwould (?:be|have been) \w+, but\b"),
    "would … if": (
        r"\b(?:how many|what|which|where|who)\b[^.;!]*\bwould\b(?! you| like)[^.;!]*\bif\b|"
        r"\bif (?:i|you|we|one) (?:\w+ )?"
        r"(?:add|remov|delet|mov|painted|took|made|turned)[^.;!]*\b(?:how many|what|which|where)\b"
    ),
}
"""Wordings that would be read as something else, under the words that a message names."""
_UNFOLLOWED: tuple[str, ...] = (
    (
        r"\b(?:leaves?|goes|gone|disappears?|vanish(?:es)?|turns?|becomes?|grows?|shrinks?|hides?|removed?|comes?|"
        r"appears?)\b[^.;!?]{0,40}?\b(?:for an? (?:short |little |brief )?(?:moment|while|second|minute|bit)|"
        r"briefly|temporarily)\b"
    ),
    (
        rf"\b(?:it|he|she|they|(?:the|an?) (?:\w+ )?(?:{'|'.join(KINDS)})) (?:is |are |was |were )?"
        r"(?:tries|try|tried|trying|"
        r"attempts?|attempted|fails?|failed|hopes?|hoped|plans?|planned|refuses?|refused|forgets?|forgot|pretends?|"
        r"pretended|threatens?|prepares?|hesitates?|about|unable|afraid|ready) to \w+|"
        r"\b(?:wants?|wanted|wishes|intends?) to \w+(?: \w+){0,4}?,? but\b|\b(?:thinks?|dreams?) (?:of|about) \w+ing\b|"
        r"\bstop(?:s|ped)? \w+ing\b"
    ),
    (
        rf"\b(?:{'|'.join(KINDS)})(?:,? (?:who|that|which))? (?:\w+ )?(?:wants?|wanted|wish(?:es|ed)?|hopes?|dreams?|"
        r"longs?|thinks?|believes?|imagines?|would (?:like|love|rather))(?: (?:to|that|it|he|she|they|of|really))* "
        r"(?:be|become|is|are|was|were|being|becoming) (?:an?|the|like)\b|"
        rf"\b(?:{'|'.join(KINDS)}),? (?:or |and |but )?(?:it|that|this) (?:could|might|may) (?:\w+ )?be an? \w+"
    ),
    (
        r"\b(?:is|are|was|were|gets?|got|be|been) (?:\w+ )?(?:painted|colou?red|moved|taken|removed|eaten|pushed|"
        r"pulled|carried|brought|made|turned|erased)\b[^.;!?]{0,30}? by "
        r"(?:an?|the|his|her|its|my) (?:\w+ ){0,2}(?:bird|cat|fish|girl)\b"
    ),
)
"""The same; a message quotes them: "the cat tries to leave", "a fish that wants to be a bird"."""
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "last")
_NUMBERED = re.compile(
    r"\b(?:in|on|for|at) the (first|second|third|fourth|fifth|last|final) (?:one|picture|image|panel|frame|page|"
    r"scene|step)\b"
    r"|\b(?:in|on) the (first|second|third|fourth|fifth|last|final) ?(?=[,:])"
    r"|\b(?:comes?|arrives?|appears?) (first|second|third|last)\b|\ban? \w+ (first|second|third|last)(?=[.,;!]|$)"
)


_LABELS = re.compile(r"(?:^|[.;!?] ?)(?:picture|image|panel|frame|page|scene|step) (\d)(?= ?[:.)])")
"""The numbers of images in front of what they show."""


def unclear_because(text: str) -> str:
    """Returns a sentence about the words of a request whose meaning no rule follows; empty if there are none."""
    words = unclear_wording(text)
    if not words:
        return unclear_picture(text)
    if text.rstrip().endswith("?"):
        return f'"{words}" makes the question unclear; ask for objects, colors, sizes, places or numbers.'
    return f'"{words}" makes it unclear which images the request asks for; say in order what each image shows.'


def unclear_wording(text: str) -> str:
    """Returns the words of a request whose meaning no rule follows; empty if there are none."""
    plain = " ".join(text.lower().split())
    for words, pattern in _UNCLEAR.items():
        if (match := compiled(pattern).search(plain)) is not None:
            return match.groupdict().get("said") or words
    for pattern in _UNFOLLOWED:
        if (match := compiled(pattern).search(plain)) is not None:
            return match.group().strip()
    labels = [int(number) for number in _LABELS.findall(plain)]
    if labels != sorted(labels):
        return f"{labels[0]} … {labels[-1]}"
    told = [next(filter(None, found)).replace("final", "last") for found in _NUMBERED.findall(plain)]
    ranks = [_ORDINALS.index(word) for word in told]
    return f"{told[0]} … {told[-1]}" if ranks != sorted(ranks) else ""
