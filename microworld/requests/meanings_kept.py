"""Signs of a meaning in a request, and the words by which the rules state it, as a check of a model that rewords."""

from __future__ import annotations

from interleavethinker.microworld.language.compiled_patterns import compiled
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS

from .meanings_added import adds_meanings

__all__ = ["meanings_are_kept"]

_NUMBER = rf"(?:\d+|{'|'.join(NUMBER_WORDS)})"
_ANY_COLOUR = "|".join(COLOURS)
_ANY_KIND = "|".join(KINDS)
_Row = tuple[str, str]
"""A sign of a meaning, and the words by which the rules state it; "(?!)" where they cannot."""
_QUANTITIES: tuple[_Row, ...] = (
    (
        (
            r"(?:everything|everyone|everybody|anything|all|every|each)\b[^.!?\n]*? "
            r"(?:bar|but|except|excepting|save|barring|apart from|besides|aside from|other than|excluding|minus)"
        ),
        "but|except|only|everything|keep",
    ),
    (
        "except|excepting|save for|apart from|aside from|other than|barring",
        "but|except|only|other|all|everything|keep",
    ),
    ("but not the|none of", "but|except|not|no|none|keep|only|other|away|without"),
    (r"every (?:other|second|third)|most of|the majority", "(?!)"),
    (r"the (?:rest|others|remaining)", rf"rest|others?|remaining|{_NUMBER}|everything|all"),
    (
        (
            r"(?:first|second|third|last|next|middle) (?:one|object|thing|animal)s? "
            r"(?:leaves?|turns?|goes|becomes|gets?|grows|shrinks|moves|disappears|vanishes|flies|runs|swims|"
            r"is (?:now )?(?:red|blue|green|white|gone))"
        ),
        "first|second|third|last|next|middle",
    ),
    ("former|latter", "(?!)"),
    (r"(?:the|an?) (?:last|first) (?:one|object|thing)", r"last|first|second|1\."),
    (
        "an? (?:third|fourth|fifth) one",
        r"third|fourth|fifth|another|three|four|five|appears\b.*\bappears",
    ),
    (r"(?:second|third|fourth|last|next) \w+ from", "second|third|fourth|last|next"),
    (r"only (?:the )?\w+ (?:things?|ones?|objects?)|nothing but", "only|but|except|keep|just|nothing|empty"),
    (r"each (?:of them )?(?:turns?|becomes?|gets?|goes|moves)", r"each|all|both|every|2\..*\band"),
    (r"count (?:to|up|down|from)|counting", r"2\."),
    ("(?<!not )(?<!n't )forget (?:about )?the|never mind|leave out|skip the", "without|no|remove|everything but|only"),
    ("the only", "only|alone|everything|but"),
    ("one of (?:the|them|these|those)", "one of|some"),
    (
        r"one (?:\w+ )?(?:red|blue|green|white|big|small|yellow|pink|purple|orange),? (?:and )?the other",
        "other|and",
    ),
    ("leave (?:only |just )?(?:one|two|three|four)", "but|only|all"),
    (r"(?:limit|reduce|cut)\b[^.;!?\n]* to", "(?!)"),
    (
        r"(?:everything|all|anything)\b[^.,;!?\n]* (?:at|on|in) the (?:top|bottom|left|right|middle)",
        "top|bottom|left|right|middle",
    ),
    ("half(?! (?:an? |past|hour|day))", "half|small|smaller"),
    ("doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)", "two|three|four|six|another|more|copy|same|big|bigger"),
    (rf"make (?:it|them|that) {_NUMBER}(?= \w+s\b)", "replace|turn|into"),
    (r"\d[.)] both", "both"),
    ("animals?", "animals?|cats?|birds?|fish"),
    (rf"then (?:{_NUMBER}|some) more", "more|another|appears"),
    (r"the (?:first|second|third|last) (?:leaves?|stays?|remains?|turns|goes|comes|flies|runs|walks|swims)", "(?!)"),
    (rf"fractions?|percent(?:age)?|proportion|more than {_NUMBER}|start(?:ing)? over|out of (?:one|it|them)", "(?!)"),
)
"""What is excepted, how many of several, and which of them."""
_LOOKS: tuple[_Row, ...] = (
    (r"(?:bigger|smaller|larger) than", "bigger|smaller|than|big.*small|small.*big|big.*and make"),
    ("bigger|smaller|larger|biggest|smallest|largest", "big|bigger|small|smaller|biggest|smallest"),
    (r"(?<!-)less|fewer", "less|fewer|small|smaller"),
    ("not (?:too|very|so) (?:big|large)", "small|smaller"),
    ("not (?:too|very|so) (?:small|little|tiny)", "big|bigger"),
    (
        (
            r"(?:of|in|with) (?:the same|an?other|a different|some other) (?:colou?r|size|kind)|"
            r"the same (?:colou?r|size)"
        ),
        rf"same|like|different|another|other|equal|({_ANY_COLOUR})\b.*\b(?!\1)(?:{_ANY_COLOUR})",
    ),
    (rf"the same (?:{_ANY_KIND})", "same|copy|like|identical|again|back"),
    (r"the (?:very )?same \w+ (?:again|once more)", "same|copy|like"),
    (
        (
            "duplicates?|clones?|replicate|replica|cop(?:y|ies) (?:of|the|it|that)|identical|"
            r"(?:paint|colou?r|dye|make)s? (?:the|it|them|her|him)\b[^.!?\n]*\blike (?:the|an?)|"
            "(?:just|exactly|precisely) (?:like|the same)|(?:the same|equal) (?:number|amount)|as many"
        ),
        "same|like|identical|copy|duplicate|as many|equal",
    ),
    (
        (
            r"(?:different|differing|distinct|various|separate) (?:colou?rs?|sizes?|shades?)|"
            r"(?:each|every one|all) (?:in|of|with|has|have) (?:an?other|its own|their own) (?:colou?r|size|shade)"
        ),
        rf"different|differ|(?:{_ANY_COLOUR})\b.*\b(?:{_ANY_COLOUR})",
    ),
    (
        (
            r"(?:swap|trade|exchange|switch)\w*\b[^.!?\n]*?(?:colou?rs?|sizes?|looks|shades?)|"
            r"(?:colou?rs?|sizes?|looks|shades?)\b[^.!?\n]*?(?:swap|trade|exchange|switch)\w*"
        ),
        (
            r"(?:swap|trade|exchange|switch)\w* (?:their )?(?:colou?rs?|sizes?|looks)|make|turns?|becomes?|"
            rf"(?:an?|one) (?:{_ANY_COLOUR}|big|small)\b.* 2\. (?!.*places)"
        ),
    ),
    ("vice versa|the other way (?:a?round|about)", "swap|trade|exchange|switch|and"),
)
"""How objects look, alone or beside another one."""
_PLACES: tuple[_Row, ...] = (
    (rf"in the middle of (?:the )?(?:\w+ )?(?:{_ANY_KIND})s?", "around|between|corners|surrounded"),
    (r"(?:two|three|four) (?:at|in|on) the", "two|three|four"),
    ("(?:both|either|each|every) sides?", r"both|either|each|sides?|left.*right|right.*left"),
    (
        (
            r"(?:left|right|top|bottom|middle)(?: corner)? and (?:at |in |on |to )?(?:the )?"
            r"(?:top|bottom|left|right|middle)"
        ),
        "and|corners?|both|row|or|left.*right|right.*left|top.*bottom|bottom.*top",
    ),
    (r"(?:in )?between (?:the|an?|two|both|them|it)\b", r"between|middle|which|what"),
    (
        "around (?:an?|the|it)|surround(?:s|ed|ing)?|encircl(?:e|es|ed|ing)",
        "around|surrounded|corners|sides?|middle",
    ),
    (
        r"(?:rows?|columns?|lines?) (?:of|with)|in (?:a|one) (?:row|column|line)",
        "rows?|columns?|lines?|(?:two|three|four|five|six) .*|next|corners?",
    ),
    ("diagonal(?:ly)?|stacked", "(?:two|three|four|five|six) .*|above|below|corners?|top|bottom|rows?|columns?"),
    (
        "from (?:the )?(?:left|right|top|bottom) to",
        "from|moves?|goes|across|left.*right|right.*left|top.*bottom|bottom.*top",
    ),
    (
        (
            r"(?:one|a|1|single) (?:square|step|field|cell|spot|place|notch|row|column) (?:(?:further|to the) )?"
            r"(?:up|down|left|right|higher|lower|over)"
        ),
        "move|moves|goes|step|up|down|left|right|top|bottom|above|below",
    ),
)
"""Where they lie, and how far something goes."""
_EVENTS: tuple[_Row, ...] = (
    (  # what happens after the first sentence
        (
            r"(?:(?<=[.!;\n] )|(?<=[.!;\n]))(?:(?:and|then|but|now) )?(?:they|it|she|he|both|neither|each|"
            rf"the (?:\w+ )?(?:{_ANY_KIND})s?) (?!(?:is|are|was|were|has|have|had|does|do|looks?|seems?|likes?|loves?|"
            r"sleeps?|smiles?|sings?|stays?|remains?|sits?|stands?|lies|watche?s?|waits?|plays?|laughs?|should|must|can)\b)"
            r"\w+"
        ),
        r"2\.|^(?!an? |the |one |two |three |four |five |six ).*",
    ),
    (r"(?:nothing|none|nobody|no one) (?:remains?|stays?|is left|are left)", "away|gone|empty|nothing|remove"),
    (
        (
            r"(?:all|they all|everything|everyone|both)(?: of them)? "
            r"(?:turns?|becomes?|grows?|gets?|shrinks?|moves?|goes?|leaves?|swims?|fl(?:y|ies))"
        ),
        r"2\..*\b(?:all|everything|both|every|they|and)|everything|all|both|nothing|empty",
    ),
    (r"she (?:turns?|becomes?|goes|moves|leaves|grows?|gets?|walks|runs|swims)", r"2\..*(?:girl|she)|^(?!.*2\.).*"),
    (r"and (?:the|it|she|he)\b[^.!?\n]* follows", r"2\..*\b(?:and|both|they|3\.)|^(?!.*2\.).*"),
    (r"leaves? (?:it|them|him|her|the \w+) (?:there|behind|alone|here)", r"^(?!.*\bgo(?:es)? away\b).*"),
    (r"then (?:there is )?nothing|then an? empty", "away|gone|empty|nothing|remove"),
    (r"(?:left|right|up|down), (?:left|right|up|down),? (?:and |then )?(?:left|right|up|down)", r"4\."),
    (
        r"one (?:\w+ )?without|(?:and|,) without(?: (?:it|them|one))?\s*(?:$|[.!,;\n])",
        "without|no|not|away|gone|disappears?|remove|leaves|vanish(?:es)?|empty|only|nothing",
    ),
    (r"otherwise|or else|unless|if (?:there|it|the|any|he|she|they)\b(?! (?:possible|works|helps|fits))", "(?!)"),
    (
        (
            r"(?:drives?|drove|flies|flew|runs?|ran|walks?|walked|swims?|swam|sails?|sailed|goes|went|rolls?|"
            r"rolled) (?:off|away)|disappear\w*|vanish\w*|"
            r"(?:both|they|all|everyone|everybody|it|he|she)(?: of them)? (?:then )?leaves?"
            r"(?=$|[ ,]*[.!,;\n]| and\b)"
        ),
        (
            r"away|gone|off|home|disappear\w*|vanish\w*|remove|leaves?|delete|without|only|no|not|nothing|empty|"
            "alone|becomes|turns"
        ),
    ),
    (r"escap\w+|flees?|fled|gets? away|got away", "away|gone|off|disappears?|leaves?|moves?|goes"),
    (
        (
            r"(?:comes?|came|goes|went|swims|flies|flew|walks|runs|ran|drives?|drove|sails?|sailed|moves?|moved) back|"
            r"(?:brings?|brought) [\w ]{2,20} back|returns?|returned"
        ),
        r"back|returns?|again|moves?\b.*\bmoves?|^(?!.*1\.).*\bmoves?|(?P<one>\w+) goes away\b.*\b(?P=one) appears",
    ),
    ("replac(?:e|es|ed|ing)", "replaced?|becomes?|turns? into|away|gone|removed?|instead|swap"),
    (
        r"cut(?:s)? (?:it |them |the \w+ )?down|(?<=[,.:;] )no (?:\w+ )?\w+(?=\s*(?:[.;!,]|$))",
        "away|gone|removed?|no|not|without|empty|nothing|disappears?",
    ),
    (r"(?:now|then) make (?:it|them) (?:two|three|four)", "(?!)"),
    ("(?<!re)remov(?:e|es|ed|ing)", "removed?|move|away|gone|without|no|only|but|empty|disappears?"),
    (
        (
            "sinks?|sank|drowns?|eats?|ate|eaten|melts?|bursts?|pops?|steals?|stole|sells?|sold|los(?:es?|t)|"
            "drops? (?:one|it|the)"
        ),
        "away|gone|removed?|without|disappears?|bottom|meadow|melts?|empty",
    ),
    (
        (
            r"(?:throw|t[ao]ke?|took|threw|gave|giv|kick|put|chas|send|sent|push)\w* (?:it|them|the|an?|her|his)\b"
            r"[^.!?\n]{0,20} (?:away|off)"
        ),
        r"^(?!.*\bgirls? go(?:es)? away\b).*",
    ),
    (
        (
            r"(?:now|then|later|after that|afterwards),? (?:she|he|it|they|the \w+) (?:has|have|had|sees|holds|owns) "
            rf"(?:an?|{_NUMBER})"
        ),
        "(?!)",
    ),
    (r"(?:and|then) (?:\w+ )?back(?= *(?:$|[.,!;\n]))|back (?:up|down|again|home)", r"back|returns?|again|3\."),
    (
        rf"then (?:again )?(?:the|an?) (?:\w+ )?(?:{_ANY_KIND})s? again|then again (?:the|an?)",
        r"back|again|returns?|appears|3\.",
    ),
    (
        r"on the other side of|swap (?:it|them) back|(?:puts?|gives?) (?:it|them|him|her|the \w+) (?:in|into|to) an?",
        "(?!)",
    ),
    (r"(?:before|after) (?:the |it |she |he |they )\w+", "before|after|when"),
    (r"(?:found|finds) (?:it|him|her|them) again", "again|back|returns?"),
    ("undo|revert|un-?do", "back|returns?|again|before"),
    (
        r"gr[eo]w(?:s|ing)? (?:up|bigger|big|into|until|and gr[eo]w\w*)|(?:gets?|got) bigger",
        "gets? big|make (?:.* )?big|bigger|grows?|becomes?",
    ),
    ("(?<!snow )(?<!night )(?:falls?|fell) (?:from|down)", "falls?|moves?|goes|bottom|down|below"),
    (
        rf"from (?:an? |the )?(?:\w+ ){{0,2}}(?:{_ANY_KIND}) to (?:an? |the )?(?:\w+ ){{0,2}}(?:{_ANY_KIND})",
        "becomes?|turns?|replace|goes away|remove|into|moves?|left|right",
    ),
    (
        (
            r"(?:rolls?|flies|fly|flew|walks?|runs?|goes|moves?|swims?|sails?|drives?|jumps?|hops?|kicks?|throws?|"
            r"carr(?:y|ies))\b[^.!?\n]* from (?:an? |the |one )?(?:\w+ )?"
            rf"(?:{_ANY_KIND}) to (?:an? |the )?(?:\w+ )?(?:{_ANY_KIND}|another)"
        ),
        "moves?|goes|next|beside|left|right|above|below",
    ),
    (
        (
            r"(?:flies|fly|flew|walks?|runs?|goes|moves?|swims?|sails?|drives?|jumps?|hops?|rolls?|climbs?)"
            rf"(?: \w+)? (?:to|towards|into|onto) (?:the|an?|another) (?:\w+ )?(?:{_ANY_KIND})"
        ),
        r"^(?!.*\bbecomes?\b).*",
    ),
    (rf"(?:goes|climbs|runs|jumps|flies) (?:up|down|over|around|past) (?:the|an?) (?:\w+ )?(?:{_ANY_KIND})", "(?!)"),
    (
        r"(?:kicks?|throws?|pushe?s?|rolls?|pulls?) (?:the|an?|her|his|its|it)\b[^.!?\n]* to the (?:left|right)",
        "moves?|goes|rolls?",
    ),
)
"""What happens, or would happen in one case only: somebody leaves, returns, grows, falls or becomes something else."""
_TIMES: tuple[_Row, ...] = (
    (
        (
            r"in the morning|then,? (?:the |it is |comes )?(?:day|morning)|"
            r"(?:day|morning|dawn) (?:comes|breaks|arrives|again)|night,? (?:and |then )+(?:the )?day"
        ),
        "day|daytime|morning|meadow|light|sun|dawn",
    ),
    (r"snowy (?:night|evening|forest|woods|beach|sunset)|dark (?:forest|woods|beach|meadow)", "(?!)"),
    ("tonight", "night"),
    (
        (
            r"(?:no|not|without|hates?|too|less|stop)\b[^.;!?\n]{0,15} "
            "(?:snow|night|sunset|dark|sunny|evening|winter|beach|forest)"
        ),
        "no|not|without|day|daytime|meadow|away|removed?|stop|melts?|empty",
    ),
    (r"(?:at|by|in the) day\b.*\b(?:at|by) night", r"2\."),
    (
        rf"the (?:first|second|third) (?:{_ANY_KIND}) (?:is|turns|has)|(?:another|the other|a third|a second) is",
        "another|other|second|third|and",
    ),
    (rf"comes? out of (?:the|an?) (?:\w+ )?(?:{_ANY_KIND})", "(?!)"),
    (r"(?:day|night)(?:,? (?:and )?(?:then )?(?:day|night)){2,}", r"3\."),
    (r"once\b[^.;!?\n]{1,60}\bonce", r"2\."),
    ("(?:years?|days?|hours?|weeks?|months?|moments?) later", r"2\."),
    (r"(?:every|each|all(?: the)?|four) seasons?|morning, noon", r"3\."),
    (r"stops? (?:snowing|raining)|snow(?:ing)? (?:stops|ends)", "stops?|melts?|meadow|ends?|gone|away"),
    (r"(?:morning|noon|evening|night|day|before|after|yesterday|today|tomorrow) ?: *", r"2\."),
    (
        (
            r"day(?:,| and|,? then|,? and then) night|night(?:,| and|,? then|,? and then) day|"
            r"big(?:,|,? then|,? and then) small|small(?:,|,? then|,? and then) big"
        ),
        r"2\.",
    ),
    ("summer|spring", "summer|spring|meadow|day|green"),
    (
        r"(?:did|has) it (?:become|became|turned?|get) (?:day|night|dark|light|sunset)",
        "day|night|meadow|background|sunset|dark|light",
    ),
)
"""Day and night, weather and seasons."""
_QUESTIONS: tuple[_Row, ...] = (
    (r"(?:is|are)\b[^.;!?]* (?:higher|lower) than", "higher|lower"),
    (
        (
            r"(?:which|what|who)\b[^.;!?\n]{0,80} "
            r"(?:alone|(?:first|last)(?! (?:one|picture|image)\b)|(?!forest\b)\w{2,8}est)"
        ),
        r"alone|first|second|last|(?!forest\b)\w{2,8}est",
    ),
    (
        r"(?:did|has|have)\b[^.;!?\n]{0,80} mov(?:e|ed)\b[^.;!?\n]{0,40} (?:up|down|left|right)",
        "up|down|left|right|top|bottom",
    ),
    (r"which (?:row|column|corner|side|half|place|spot|cell)", "rows?|columns?|corners?|sides?|places?|spots?|cells?"),
    (r"what is on (?:the|an?) \w+(?=\?)", "on|at|in|above"),
    (r"bigger than|smaller than|larger than", "than|biggest|smallest|bigger|smaller"),
    (rf"what is the (?:\w+ )?(?:{_ANY_KIND}) (?:above|below|under|left of|right of|next to|behind)", "(?!)"),
    (r"how many [^.?!]{0,60} or", "or"),
    (rf"each of (?:the )?{_NUMBER}", rf"each|every|both|{_NUMBER}\b.*\b{_NUMBER}"),
    (r"what\b[^?\n]{0,80} should (?:be|go|come|stand|lie)", r"^(?!.*\?).*"),
    ("colder|warmer|hotter|cooler|darker|lighter|brighter|relative to|in relation to", "(?!)"),
    ("living|alive", "animals?|girls?"),
    ("(?:false|untrue|wrong|a lie) that", "(?!)"),
    ("never|stops|makes a wish|as far as|(?<!not )(?<!too )far away", "(?!)"),
    (
        r"(?:has|have|had) no|not(?=\s*(?:[.!]|$))|(?:does|do|did)(?: not|n['\u2019]t)(?=\s*(?:[.!]|$))",
        "no|not|without|remove|nothing",
    ),
    ("night turns (?:in)?to day", "day|daytime|morning|meadow"),
    (r"how many (?:more|fewer)|(?:more|fewer|less) \w+ than", "more|fewer|less|than|bigger|smaller"),
    (
        r"how many (?:\w+ )?(?:corners|kinds|types|sorts|colou?rs|sizes|rows|columns|places|cells|fields|squares)",
        "corners?|kinds?|types?|sorts?|colou?rs?|sizes?|rows?|columns?|places?|cells?|fields?|squares?|empty|free",
    ),
    (r"(?:is|are|does|do|has|have) only", "only|alone"),
    (r"[,;]? and (?:what|where|which|who|how many)", "and|both|first.*second"),
    (
        "(?:did|has|have) not chang|not chang|unchanged|stay(?:ed|s) the same|remain(?:ed|s) the same",
        "not|same|unchanged",
    ),
)
"""Questions about several at once, about more or less, or in an order."""
_KEPT = (*_QUANTITIES, *_LOOKS, *_PLACES, *_EVENTS, *_TIMES, *_QUESTIONS)
"""One without the other was lost."""


def meanings_are_kept(wording: str, restated: str) -> bool:
    """Whether a restated request has a word for each meaning that the request has a sign of, and for no other one.

    Both are in lower case.
    """
    lost = any(
        compiled(rf"\b(?:{said})\b").search(wording) and not compiled(rf"\b(?:{kept})(?!\w)").search(restated)
        for said, kept in _KEPT
    )
    return not lost and not adds_meanings(wording, restated)
