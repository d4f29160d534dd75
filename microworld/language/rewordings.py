"""Rewrites orders in the words of the patterns: "the ball has to go" becomes "remove the ball".

A second reading, for sentences that the patterns do not understand as they are. Works on canonical words and knows no
scene; each rule keeps what the words say about the image.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.scenes.sprites import KINDS

from .clauses import Statement, read_sentence
from .compiled_patterns import Rule, rewritten
from .key_words import prepositional
from .phrase_patterns import COLOUR, GROUND_NAME, KIND, SIZE
from .plain_text import NUMBER_WORDS, PLURALS
from .vocabulary import plural

__all__ = ["mentioned", "read_reworded", "reworded", "reworded_first", "without_complaint"]

_ADJECTIVE = f"(?:{COLOUR}|{SIZE})"
_LOOK = f"(?:{COLOUR}|{SIZE}|bigger|smaller)"
_SPOT = "(?:top|bottom|left|right|middle|centre)(?: (?:left|right|middle|centre|corner|side))*"
_PLACE = rf"(?:in|on|at|to) the {_SPOT}(?: of the (?:picture|image|scene))?"
_NP = (
    r"(?:(?:the|my|this|that|these|those|both|all|each|every)(?: of)?(?: the| my| these)?(?: (?:two|three|four|five))?"
    rf"(?: {_ADJECTIVE})*(?: {_SPOT})? (?:{KIND}|ones?|things?|objects?)(?: {_PLACE})?|it|them|everything)"
)
_NEW = rf"(?:an?|another|one|two|three|four|some)(?: (?:more|other))?(?: {_ADJECTIVE})* (?:{KIND})"
_GROUND = rf"(?:(?:in|on|at|by|during|to|into) )?(?:(?:a|an|the) )?(?P<ground>{GROUND_NAME})"
_BACKGROUND = (
    "(?:background|scene|scenery|setting|season|weather|place|location|landscape|surroundings|"
    "time(?: of (?:the )?day)?|daytime|environment|backdrop)"
)
_HERE = (
    "(?:it|this|that|all of it|all this|everything|the (?:whole )?(?:picture|image|scene|thing)|"
    "(?:this|my) (?:picture|image|scene))"
)
_FROM = r"(?:^|(?<=, )|(?<=: )|(?<=and )|(?<=then )|(?<=but )|(?<=please )|(?<=so )|(?<=maybe )|(?<=first )|(?<=now ))"
"""Where a clause begins."""
_TO = r"(?=$| ,| and\b| but\b| then\b| please\b| too\b| instead\b| now\b)"
"""Where it ends."""
_NICE = "(?:great|nice|nicer|lovely|good|better|cool|perfect|prettier|pretty|wonderful|best|fun|sweet|awesome)"
_TOO = "(?:is|are|looks?|seems?|appears?|feels?)(?: (?:a (?:bit|little)|much|way|far|just|really|somewhat|to be))* too"
_WANT = (
    "(?:i|we) (?:would (?:(?:rather|really|much) )*(?:like|love|prefer|have|see|want)|want|wish|need|prefer|fancy)"
    "(?: (?:for|to (?:have|see|get|make)))?"
)


def _placed(match: re.Match[str]) -> str:
    article, before, spot, after, noun = match.groups()
    return f"{article}{before}{after} {noun} {prepositional(spot)}"


def _each(match: re.Match[str]) -> str:
    """Turns "change the flowers: the one on the left yellow" into an order for each flower."""
    kind = PLURALS.get(match["kind"], match["kind"])
    rest = re.sub(r"\b(?:(?:the|one) )?ones?(?= (?:on|in|at) )", f"the {kind}", match["rest"])
    rest = re.sub(
        rf"(?:^|(?<=, )|(?<=and ))(?:the )?(left|right|top|bottom|middle)(?= {_LOOK})", rf"the {kind} on the \1", rest
    )
    rest = re.sub(rf"(?<= )(?:is|should be|becomes|turns) (?={_LOOK})", "", rest)
    return f"make {rest}"


def _instead(match: re.Match[str]) -> str:
    old, new = match["old"], match["new"]
    kind = PLURALS.get(new.split()[-1], new.split()[-1])
    old = re.sub(r"\bone$", kind, old)
    return f"replace {old} with {new}"


def _two_places(match: re.Match[str]) -> str:
    noun = match["noun"] or "thing"
    noun = PLURALS.get(noun, noun.removesuffix("s") if noun in {"things", "objects", "ones"} else noun)
    noun = "thing" if noun == "one" else noun
    return f"{match[1]} the {noun} {prepositional(match['one'])} and the {noun} {prepositional(match['two'])}"


def _more(match: re.Match[str]) -> str:
    """Turns "i want two balls instead of one" into an order for the second one."""
    count = NUMBER_WORDS.index(match[1]) - NUMBER_WORDS.index(match[4])
    noun = PLURALS.get(match[3], match[3])
    if count < 1:
        return match.group()
    return f"add another{match[2]} {noun}" if count == 1 else f"add {NUMBER_WORDS[count - 1]} more{match[2]} {match[3]}"


def _look(match: re.Match[str]) -> str:
    return f"make {match[1]} {' and '.join(filter(None, (match[2], match[3])))}"


def _corners(match: re.Match[str]) -> str:
    kind = PLURALS.get(match[2], match[2])
    return f"a{match[1]} {kind} in the {match[3]} left and a{match[1]} {kind} in the {match[3]} right"


_RULES: tuple[Rule, ...] = (
    # Talk around an order
    ((rf"{_FROM}(?:is|would|will) it (?:be )?(?:possible|ok|okay|fine) "
     r"(?:to|for you to|if you|that you)(?: could)? "), ""),
    ((rf"{_FROM}(?:do you think you (?:can|could)|i (?:was|am) wondering if you (?:can|could)|(?:could|can|would) you "
     r"(?:maybe|perhaps|possibly|also|then|now|go ahead and|be so kind (?:as )?to|be able to)|i need you to|(?:i|we)"
     r" would (?:appreciate it|be (?:happy|glad|grateful)) if you(?: could)?|go ahead and|you (?:could|can|may|might)|"
     r"make sure(?: that)?|see to it that|(?:i|we) think(?: that)?|in my opinion|maybe|perhaps) (?=\w)"), ""),
    (rf"{_FROM}it would (?:be|look) (?:so |much |even |really )*{_NICE} (?:if|to have) (?=\w)", ""),
    (rf"({_NP}) (?:was|were)(?= {_LOOK}\b| {_PLACE})", r"\1 is"),
    (rf"{_FROM}it (?:was|were) (?={_GROUND})", "it is "),
    # The same picture
    ((r"^(?:(?:exactly|just|please|now|show|draw|make|give|me|us|the|this|that|a|keep|again) )*(?:exact )?same"
     r"(?: (?:exact )?(?:picture|image|scene|thing|place|one|view|motif))?(?: (?:again|as before|as this|please))?"
     r"(?: ,| :)?(?: (?:but|just|only|now|except|again|this|time|for|it|is|that|with it))*(?: ,)? "
     rf"(?:being )?{_GROUND}{_TO}"),
     r"make it \g<ground>"),
    ((r"^(?:(?:exactly|just|please|the|show|draw|make|give|me|us) )*same(?: (?:picture|image|scene|thing|place|one|"
     r"view))?(?: ,| :)? (?:(?:but|just|only|now|except|that) )*(?=without|with (?:an?|the) .+ instead of|"
     r"with (?:another|a second|one more|an extra|two|three|four)|(?:the|this|that) )"), ""),
    # Backgrounds
    (rf"{_FROM}{_WANT} {_HERE} (?:to (?:be|happen|take place|play|look like) )?(?:set |now )?{_GROUND}{_TO}",
     r"make it \g<ground>"),
    ((rf"{_FROM}(?:can|could|may) (?:we|i|you|it) (?:(?:please|also) )?(?:have|get|make|see|show|be|draw|put|set)"
     rf"(?: me)?(?: {_HERE})?(?: be| happen)? {_GROUND}{_TO}"), r"make it \g<ground>"),
    ((rf"{_FROM}(?:how|what) (?:would|does|could|will|might) {_HERE} look(?: like)?"
     rf"(?: if it (?:is|were|was))? {_GROUND}{_TO}"),
     r"make it \g<ground>"),
    ((rf"{_FROM}(?:show|draw|put|set|place|paint|give)(?: me| us)? {_HERE} (?:in|on|at|by|during|into) "
     rf"(?:(?:a|an|the) )?(?P<ground>{GROUND_NAME}){_TO}"), r"make it \g<ground>"),
    ((rf"{_FROM}(?:change|set|switch|turn|alter|make|move|shift)(?: the)? {_BACKGROUND}"
     rf"(?: from (?:a |the )?(?:{GROUND_NAME}))? (?:to|into|be) (?:(?:a|an|the|be) )*"
     rf"(?P<ground>{GROUND_NAME}){_TO}"), r"make it \g<ground>"),
    ((rf"{_FROM}(?:replace|swap|exchange|trade|change|switch|turn|transform)(?: the| this)? "
     rf"(?:{_BACKGROUND}|{GROUND_NAME}) (?:with|for|by|to|into) (?:(?:a|an|the) )?"
     rf"(?P<ground>{GROUND_NAME}){_TO}"), r"make it \g<ground>"),
    (rf"{_FROM}(?:the )?{_BACKGROUND} (?:should|could|must|has to|needs to)(?: rather)? be {_GROUND}{_TO}",
     r"make it \g<ground>"),
    ((rf"{_FROM}(?:a|an|the)? ?(?P<ground>{GROUND_NAME})(?: background)? instead of (?:the|a|an) "
     rf"(?:{_BACKGROUND}|{GROUND_NAME}){_TO}"),
     r"make it \g<ground>"),
    ((rf"{_FROM}(?:a|an) (?P<ground>{GROUND_NAME}) (?:background|backdrop|setting|scene) "
     rf"(?:please|would be {_NICE}){_TO}"),
     r"make it \g<ground>"),
    # Two things at two places
    ((rf"{_FROM}(swap|exchange|switch) (?:the )?(?P<noun>things?|objects?|ones?|{KIND}) (?:in|on|at) the "
     rf"(?P<one>{_SPOT}) and (?:(?:in|on|at) )?(?:the )?(?P<two>{_SPOT}){_TO}"), _two_places),
    ((rf"{_FROM}(swap|exchange|switch) what is (?:in|on|at) the (?P<one>{_SPOT}) (?:and|with) "
     rf"(?:what is )?(?:(?:in|on|at) )?(?:the )?(?P<two>{_SPOT})(?P<noun>){_TO}"), _two_places),
    ((rf"{_FROM}(swap|exchange|switch) the (?P<one>{_SPOT}) and (?:the )?(?P<two>{_SPOT}) "
     rf"(?P<noun>things?|objects?|ones?|{KIND}){_TO}"), _two_places),
    # Places before the noun
    ((rf"\b(the|an?|this|that)((?: {_ADJECTIVE})*) (top left|top right|bottom left|bottom right|top|bottom|left|right|"
     rf"middle|centre)(?: hand)?((?: {_ADJECTIVE})*) ({KIND}|ones?)\b"), _placed),
    (rf"(?<=the )(?:left most|leftmost|most left) ((?:{_ADJECTIVE} )*(?:{KIND}|one))\b", r"\1 on the left"),
    (rf"(?<=the )(?:right most|rightmost) ((?:{_ADJECTIVE} )*(?:{KIND}|one))\b", r"\1 on the right"),
    ((rf"{_FROM}(?:change|recolour|paint|colour|make|turn|edit)(?: the colours? of)? (?:the|both|all|my)(?: the)?"
     rf"(?: two| three)? (?P<kind>{KIND}) ?[:,] "
     r"(?P<rest>(?:the |one )?(?:one |left|right|top|bottom|middle).+)"), _each),
    # What two things exchange
    (
        (rf"{_FROM}(swap|trade|exchange|switch) (the(?: {_ADJECTIVE})* \w+)'s (?:(?:colour|size)s? )?and "
        rf"(the(?: {_ADJECTIVE})* \w+)'s (colour|size)s?{_TO}"), r"\1 the \4s of \2 and \3"),
    (rf"{_FROM}(swap|trade|exchange|switch) (?:the )?(colour|size)s between (?=the )", r"\1 the \2s of "),
    # Replacements
    ((rf"{_FROM}(?:(?:{_WANT}|with|draw|show|put|let us have|give me|paint)(?: me)? )?(?P<new>{_NEW}) (?:instead of|"
     rf"rather than|in place of|where) (?P<old>{_NP})(?: (?:is|are|was|were)(?: now)?)?{_TO}"), _instead),
    ((rf"{_FROM}instead of (?P<old>{_NP})(?: ,)? (?:(?:{_WANT}|draw|show|put|let us have|give me|there should be|add|"
     rf"paint)(?: me)? )?(?P<new>{_NEW}){_TO}"), _instead),
    (rf"{_FROM}(?:{_WANT} )(?P<new>{_NEW}) than (?P<old>{_NP}){_TO}", _instead),
    ((rf"{_FROM}(?:trade|swap|switch|substitute) (?P<old>{_NP}) (?:for|with|by|against) "
     rf"(?P<new>{_NEW}){_TO}"), _instead),
    (rf"{_FROM}(?:make|create|form) (?P<new>{_NEW}) (?:out of|from|of) (?P<old>{_NP}){_TO}", _instead),
    ((rf"{_FROM}(?:remove|delete|erase|take away|get rid of) (?P<old>{_NP})(?: ,)? and (?:then )?(?:add|put|draw|place|"
     rf"insert|show) (?P<new>{_NEW}) (?:in|into|to) (?:its|their|his|her|that) places?{_TO}"), _instead),
    ((rf"{_FROM}(?:a |the )?(?P<new>{COLOUR}) (?P<kind>{KIND}) instead of (?:a |the )?"
     rf"(?P<old>{COLOUR})(?: one)?{_TO}"),
     r"make the \g<old> \g<kind> \g<new>"),
    (rf"(?<=into )(an?(?: {_ADJECTIVE})* (?:{KIND})|(?:{KIND})) and (the(?: {_ADJECTIVE})* (?:{KIND})) (?=into )",
     r"\1 and turn \2 "),
    ((rf"{_FROM}(?:change|turn|make|replace|swap|exchange|transform) ({_NP}) (?:(?:into|to|with|for|by|be) )?an? "
     rf"({_ADJECTIVE})(?:(?: ,| and)? ({_ADJECTIVE}))? one{_TO}"), _look),
    (
        (rf"{_FROM}{_WANT} (two|three|four)((?: {_ADJECTIVE})*) ({'|'.join(map(plural, KINDS))}) instead of "
        rf"(?:just |only )?(one|two|three){_TO}"),
        _more,
    ),
    # Removals
    (rf"{_FROM}(remove|delete|erase|get rid of|take away) (?:anything|whatever)(?: that)? is ",
     r"\1 everything that is "),
    (rf"{_FROM}(remove|delete|erase|get rid of|take away) (?:what|whatever) is (?=(?:in|on|at|below|above|next to) )",
     r"\1 everything "),
    ((rf"{_FROM}(?:only keep|keep only|leave only|only leave|keep just|just keep|leave just|just leave|"
     r"keep nothing but|leave nothing but|leave nothing except|(?:remove|delete|erase|get rid of|take away) "
     r"(?:all|everything|all (?:the )?things|all (?:the )?objects|all else)"
     rf"(?: but| except| apart from| besides| other than)(?: for)?) ({_NP}){_TO}"),
     r"remove everything except \1"),
    ((rf"{_FROM}(?:clear|empty|wipe|clean)(?: out)? (?:the|this) (?:whole )?"
     rf"(?:picture|image|scene){_TO}"), "remove everything"),
    ((rf"{_FROM}(?:lose|eliminate|cut out|cut|exclude|omit|discard|dump|ditch|scrap|kick out|take off|wipe away|banish|"
     r"rub out|leave out|skip|dispose of|do away with|throw out|pull out|cross out|make disappear|do without) "
     rf"({_NP}){_TO}"), r"remove \1"),
    (rf"{_FROM}(?:leave|cut|kick|rub|cross) ({_NP}) out{_TO}", r"remove \1"),
    (rf"{_FROM}(?:make|let|have) ({_NP}) (?:disappear|vanish|go away|leave|go){_TO}", r"remove \1"),
    ((rf"{_FROM}({_NP}) (?:(?:should|must|has to|have to|needs? to|could|can|may|might) )?"
     rf"(?:go|be gone|be deleted|be removed|be erased|be taken (?:away|out)){_TO}"), r"remove \1"),
    ((rf"{_FROM}({_NP}) (?:is|are) (?:not (?:needed|necessary|wanted)|unnecessary|superfluous)"
     rf"(?: any ?more| any longer| here)?{_TO}"), r"remove \1"),
    (rf"{_FROM}({_NP}) does not (?:belong|fit)(?: (?:here|there|in))?{_TO}", r"remove \1"),
    # Additions
    ((rf"{_FROM}(?:(?:{_HERE} |there )(?:(?:still|also|really) )*(?:needs|is missing|is lacking|lacks|could use|"
     r"can use|could do with|wants|deserves|should (?:have|get|contain|include)|must have)|"
     r"(?:i am|we are|what is)(?: still)? (?:missing|lacking)(?: is)?|(?:i|we) miss|"
     rf"there (?:should|must|could|can|may|might)(?: also| now| still)? be|have) (?:also )?(?={_NEW})"), "add "),
    ((rf"{_FROM}({_NEW}(?: (?:in|on|at|next|above|below|between|under|over|beside|near|by)\b.*?)?) would (?:be|look) "
     rf"(?:very |so |really |quite )*{_NICE}"), r"add \1"),
    ((rf"{_FROM}({_NEW}) should (?:go|be added|be placed|be put|appear|join)"
     r"(?= (?:in|on|at|next|above|below|to)\b)"), r"add \1"),
    ((rf"{_FROM}(?:give|let) "
     rf"(the(?: {_ADJECTIVE})* (?:{KIND})|it|her|him)(?: have)? ({_NEW}){_TO}"), r"add \2 next to \1"),
    ((rf"\b(an?)((?: {_ADJECTIVE})*) "
     rf"({'|'.join(KINDS)})((?: in| on| at| next to| above| below)\b(?: \w+){{1,5}}?)(?: ,)? and (?:then )?"
     r"(?:another|a second|one more|one|a third)(?: one)?(?= (?:in|on|at|next|above|below|under|over|beside)\b)"),
     r"\1\2 \3\4 and \1\2 \3"),
    ((rf"\b(?:an?|one|two)((?: {_ADJECTIVE})*) ({KIND}) in (?:each|both|the(?: two)?|every)(?: of the)? "
     r"(top|bottom) corners?\b"),
     _corners),
    ((rf"\b((?:{_ADJECTIVE} )*)({'|'.join(map(plural, KINDS))}) in (?:the|all|all the|all four|the four)"
     r"(?: four)? corners\b"),
     r"four \1\2 in the corners"),
    # Looks
    ((rf"{_FROM}({_NP}) (?:would|could|might|will) (?:look|be) (?:much |even |so |way )?{_NICE}"
     rf"(?: if (?:it|they) (?:is|are|was|were))?(?: in| as| when| being)? ({_LOOK}){_TO}"), r"make \1 \2"),
    ((rf"{_FROM}({COLOUR}) (?:would )?(?:suits?|fits?|be {_NICE} (?:for|on)|look {_NICE} on) "
     rf"({_NP})(?: (?:better|well|more|best))?"),
     r"make \2 \1"),
    (rf"{_FROM}({_NP}) should not be ({_LOOK})(?: ,)?(?: but)?(?: rather)? ({_LOOK}){_TO}", r"\1 should be \3"),
    ((rf"(?<= )({_LOOK}|{_PLACE})(?: ,)? (?:and )?(?:not|instead of|rather than)(?: (?:being|be))?(?: in)? "
     rf"(?:{_LOOK}|{_PLACE}){_TO}"),
     r"\1"),
    ((rf"{_FROM}(?:use|apply|take|pick|choose|put|try)(?: the colour| some)? "
     rf"({COLOUR})(?: colour| paint)? (?:for|on|to|onto) (?:the colour of )?({_NP}){_TO}"), r"make \2 \1"),
    ((rf"{_FROM}(?:colour|fill|paint|dye|shade|tint|draw|have|show) ({_NP})(?: in)?(?: with| using)? (?:(?:a|the) )?"
     rf"(?:(?:colour|shade of) )?({COLOUR})(?: colour| paint)?{_TO}"), r"make \1 \2"),
    ((rf"{_FROM}(?:change|set|turn|switch|make)(?: the)? "
     rf"({KIND}) colour (?:to|into|be) ({COLOUR}){_TO}"), r"make the \1 \2"),
    ((rf"{_FROM}(?:change|edit|alter|modify|adjust|draw|paint|fix) ({_NP}) so(?: that)? (?:it|they|he|she) "
     rf"(?:is|are|becomes?|turns?|looks?|should be) ({_LOOK}){_TO}"), r"make \1 \2"),
    ((rf"{_FROM}(?:{_WANT}|(?:can|could|may) (?:i|we|you) (?:have|get|make|see|show me)|have) "
     rf"({_NP})(?: to be| be| being| painted| coloured)?(?: in)? ({_LOOK})(?: instead)?{_TO}"), r"make \1 \2"),
    (rf"^(the (?:{KIND})) in ({COLOUR})(?= please$|$)", r"make \1 \2"),
    (rf"{_FROM}((?:{KIND})) (?:in )?({_LOOK})(?=$| please$| ,)", r"make the \1 \2"),
    (rf"{_FROM}(make {_NP}) ({_LOOK}) , ({_LOOK})(?: ,)? (?=and )", r"\1 \2 and \3 , "),
    (rf"({_NP}) (should be|becomes|turns) ({_LOOK})(?: ,)?(?: and)? ({_NP}) ({_LOOK}){_TO}", r"\1 \2 \3 and \4 \2 \5"),
    # Sizes
    (rf"^({_NP}) {_TOO} (?:big|large){_TO}$", r"make \1 small"),
    (rf"^({_NP}) {_TOO} small{_TO}$", r"make \1 big"),
    (rf"^({_NP}) {_TOO} (?:{_LOOK})(?: for .+?)?(?: ,)?(?: (?:and|so|please|:))* (?=\w)", r"i do not like \1 , "),
    ((rf"{_FROM}(?:make|draw|have) ({_NP}) (?:twice|double|two times|three times)"
     rf"(?: as big|(?: the)? size| as large| its size)(?: as (?:it is|now|before))?{_TO}"), r"make \1 big"),
    ((rf"{_FROM}(?:make|draw|have) "
     rf"({_NP}) half(?: as big|(?: the| its)? size| as large)(?: as (?:it is|now|before))?{_TO}"),
     r"make \1 small"),
    ((rf"{_FROM}(?:make|draw) ({_NP}) (?:a (?:lot|bit|little|touch)|much|far|way|slightly|even|considerably|some ?what)"
     rf" (bigger|smaller|big|small){_TO}"), r"make \1 \2"),
    ((rf"{_FROM}(?:increase|double(?= the size of | .* in size)|"
     r"boost|raise|scale up|blow up|size up|expand|upsize|inflate|enlarge)(?: the size of)?"
     rf" ({_NP})(?: in size| up)?{_TO}"), r"enlarge \1"),
    ((rf"{_FROM}(?:reduce|decrease|halve|scale down|size down|minimise|minimize|downsize|downscale|lower|shrink|cut)"
     rf"(?: the size of)? ({_NP})(?: in size| down)?{_TO}"), r"shrink \1"),
    (rf"{_FROM}(?:scale|size|blow) ({_NP}) up{_TO}", r"enlarge \1"),
    (rf"{_FROM}(?:scale|size) ({_NP}) down{_TO}", r"shrink \1"),
    ((rf"{_FROM}({_NP}) (?:could|might|can|may|must|ought to|has to|have to|needs? to|would)(?: also| perhaps| maybe)? "
     r"(?=be |become |turn |move |stand |go )"), r"\1 should "),
    # Places
    ((rf"{_FROM}(?:relocate|reposition|transfer|carry|shove|nudge|get|lift|lower|drop|raise|set) "
     rf"(?={_NP} (?:to|in|on|at|into|onto|next|up|down|left|right|over|above|below|between)\b)"), "move "),
    ((rf"{_FROM}(move|bring|shift|take|drag|pull|push|send) "
     rf"({_NP}) from (?:the {_SPOT}|where it is|there|its place) "), r"\1 \2 "),
    ((rf"{_FROM}(?:have|let|make) ({_NP}) (?:sit|stand|be|go|move|stay|lie|wait|appear)"
     r"(?= (?:in|on|at|to|next|above|below|between|beside|under)\b)"), r"\1 should be"),
    ((rf"{_FROM}(?:{_WANT}|(?:can|could|may) (?:i|we|you) (?:have|get|see)|have) ({_NP}) "
     rf"(?:to (?:be|sit|stand|go|move) )?(?={_PLACE}|next to|above|below|between|beside|under )"), r"\1 should be "),
    ((rf"{_FROM}(move|bring|shift|push|pull|slide|nudge) "
     rf"({_NP}) (?:a (?:bit|little|touch|step|tad)|slightly|one (?:step|field|square|cell|place)) (?:further )?"
     rf"(?:to (?:the )?)?(up|down|left|right)(?:wards)?{_TO}"), r"move \2 one step to the \3"),
    ((rf"{_FROM}(move|bring|shift|push|pull|slide|nudge) "
     rf"({_NP}) (?:to the )?(up|down|left|right)(?:wards)? (?:a (?:bit|little|touch|tad)|slightly|"
     rf"by one(?: (?:step|field|square|cell|place))?|one (?:step|field|square|cell|place)){_TO}"),
     r"move \2 one step to the \3"),
    (
        rf"{_FROM}(move|bring|shift|push|pull|slide|nudge) ({_NP}) one (?:to the )?(up|down|left|right)(?:wards)?{_TO}",
        r"move \2 one step to the \3",
    ),
    (r"\b(swap|swaps|trade|change|exchange|switch) (?:their )?(?:sides|spots|seats|locations)\b", r"\1 places"),
    (r"(?<=one step to the )(up|down)\b", r"\1"),
)  # fmt: skip


_ALWAYS = re.compile(
    rf"^(?:(?:can|could|may) (?:i|we) (?:have|get|see) |{_WANT} |draw |make )?(the (?:{KIND}))(?: painted| coloured)?"
    rf" in ({COLOUR})(?: please| instead)?$"
)
"""Orders that the patterns read as a description."""
_ONE_OF = re.compile(
    rf"^((?:(?:please|now|then|and) )*(?:make|turn|paint|colour|dye|move|shift|bring|push)) one ((?:{_ADJECTIVE} )*)"
    rf"({'|'.join(KINDS)}) (?=(?:{_LOOK}|(?:in|on|to|next|above|below|one step|up|down)\b))"
)
"""Orders about one of several objects that are there: "make one cat red"."""
_COMPLAINT = re.compile(rf"^({_NP}) {_TOO} (?:big|large|small)$")


def without_complaint(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns "the cat is too small" as a mention of the cat, because the next sentence says what to do."""
    found = _COMPLAINT.match(" ".join(words))
    return words if found is None else ("i", "do", "not", "like", *found[1].split())


_SHOWN = re.compile(
    r"^(?:(?:this|that|here) is|here you (?:can )?see|you see|(?:this|the|my|our) (?:(?:picture|image) )?shows|"
    rf"this picture is of) (?:an?|my|the|our) (?P<what>(?:(?:{_ADJECTIVE}) )*(?P<kind>{KIND}))$"
)


def mentioned(words: tuple[str, ...], kinds: frozenset[str]) -> tuple[str, ...]:
    """Returns "this is my cat", said of an image that shows a cat, as a mention of the cat; others unchanged."""
    found = _SHOWN.match(" ".join(words))
    if found is None or PLURALS.get(found["kind"], found["kind"]) not in kinds:
        return words
    return ("i", "do", "not", "like", "the", *found["what"].split())


_PAINTS = re.compile(rf"^(?:recolour|paint|colour|dye) the (?:{KIND}) in (?:{COLOUR})\b(?= and the (?:{KIND}) in )")


_SHORT_ORDERS: tuple[Rule, ...] = (
    (rf"^(?:(?:much|even|a bit|a little) )?(bigger|smaller|{COLOUR})(?: (?:please|instead))*$", r"make it \1"),
    (rf"^(?:please )?add (?:some )?more ({'|'.join(map(plural, KINDS))})(?= |$)", r"add two more \1"),
    (
        (r"^(?:please )?(?:(?:remove|undo|delete|erase|take away|clear away|get rid of|melt) the snow|no more snow|"
         r"take the snow (?:away|out)|let the snow melt|bring back (?:the )?(?:summer|spring))(?: please)?$"),
        "the snow melts",
    ),
    ((rf"^undo the (?:{GROUND_NAME})(?: [:,])? (?:(?:green|back|to|it|is|make|a|the) )*({GROUND_NAME})"
      r"(?: again)?$"), r"make the background \1"),
    ((rf"^(?:please )?(?:put|add|draw|place) ((?:{_ADJECTIVE} )*(?:{'|'.join(map(plural, KINDS))})) everywhere"
      r"(?: please)?$"), r"fill the empty places with \1"),
    (r"\bone (?:step )?(up|down) and (?:then )?one (?:step )?(?:to the )?(left|right)\b",
     r"one step \1 and then move it one step to the \2"),
    ((rf"^(?:(?:please|can you|could you) )*(?:put|move|place|make|set|bring) ({_NP}) (?:(?:just |slightly |some ?what "
      r"|further |much |(?:a|one) (?:bit|little|step|tad) )*higher|(?:just |slightly |some ?what |further |much |"
      r"(?:a|one) (?:bit|little|step|tad) )+(?P<low>lower|bottom))(?: (?:up|down))?(?: please)?$"),
     lambda match: f"move {match[1]} one step {'down' if match['low'] else 'up'}"),
    (r"^(?:please )?(?:turn|change) (?:the )?night (?:in)?to (?:the )?day(?: please)?$", "make it daytime"),
)  # fmt: skip
"""Orders in few words, which name their object by what an image shows."""


def reworded_first(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns "the house in green", said of a given image, as an order; other sentences unchanged."""
    words = tuple(rewritten(" ".join(words), _SHORT_ORDERS).split())
    words = tuple(_ONE_OF.sub(lambda one: f"{one[1]} one of the {one[2]}{plural(one[3])} ", " ".join(words)).split())
    if _PAINTS.match(" ".join(words)):  # "paint the tree in purple and the cat in green"
        text = re.sub(rf"\b(the (?:{KIND})) in (?=(?:{COLOUR})\b)", r"\1 ", " ".join(words))
        return ("make", *text.split()[1:])
    found = _ALWAYS.match(" ".join(words))
    return words if found is None else tuple(f"make {found[1]} {found[2]}".split())


def reworded(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the sentence in the words of the patterns; the same words if no rule fits.

    Args:
        words: Its words in canonical spelling.

    Examples:
        >>> " ".join(reworded(tuple("the ball has to go".split())))
        'remove the ball'
    """
    return tuple(rewritten(" ".join(words), _RULES).strip(" ,:").split())


def read_reworded(words: tuple[str, ...]) -> tuple[list[Statement], tuple[str, ...]] | None:
    """Reads a sentence in other words; returns its statements and the words that they number, or None."""
    others = reworded(words)
    if others == words or not others:
        return None
    found = read_sentence(others)
    return None if found is None else (found, others)
