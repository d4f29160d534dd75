"""Signs of a meaning in a request, and the words by which the rules state it, as a check of a model that rewords."""

from __future__ import annotations

import re

from interleavethinker.microworld.language.plain_text import NUMBER_WORDS
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS

__all__ = ["meanings_are_kept"]

_NUMBER = rf"(?:\d+|{'|'.join(NUMBER_WORDS)})"
_ANY_COLOUR = "|".join(COLOURS)
_ANY_KIND = "|".join(KINDS)
_KEPT: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(rf"\b(?:{said})\b"), re.compile(rf"\b(?:{kept})\b"))
    for said, kept in (
        # What stays or is meant where all the rest is not: "everything bar the lass".
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
        # How many of them, or which of several, where no number of the restated one tells.
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
        ("one of (?:the|them|these|those)", "one of|some"),
        (
            r"one (?:\w+ )?(?:red|blue|green|white|big|small|yellow|pink|purple|orange),? (?:and )?the other",
            "other|and",
        ),
        ("leave (?:only |just )?(?:one|two|three|four)", "but|only|all"),
        ("but not the|none of", "but|except|not|no|none|keep|only|other|away|without"),
        (r"(?:bigger|smaller|larger) than", "bigger|smaller|than|big.*small|small.*big|big.*and make"),
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
        (r"(?:limit|reduce|cut)\b[^.;!?\n]* to", "(?!)"),
        (
            r"(?:everything|all|anything)\b[^.,;!?\n]* (?:at|on|in) the (?:top|bottom|left|right|middle)",
            "top|bottom|left|right|middle",
        ),
        (r"(?:left|right|up|down), (?:left|right|up|down),? (?:and |then )?(?:left|right|up|down)", r"4\."),
        (r"then (?:there is )?nothing|then an? empty", "away|gone|empty|nothing|remove"),
        (r"\d[.)] both", "both"),
        ("summer|spring", "summer|spring|meadow|day|green"),
        ("not (?:too|very|so) (?:big|large)", "small|smaller"),
        ("not (?:too|very|so) (?:small|little|tiny)", "big|bigger"),
        ("animals?", "animals?|cats?|birds?|fish"),
        (rf"what is the (?:\w+ )?(?:{_ANY_KIND}) (?:above|below|under|left of|right of|next to|behind)", "(?!)"),
        ("(?:both|either|each) sides?", r"both|either|each|sides?|left.*right|right.*left"),
        (
            r"(?:did|has) it (?:become|became|turned?|get) (?:day|night|dark|light|sunset)",
            "day|night|meadow|background|sunset|dark|light",
        ),
        # What it has in common with another one, or has not.
        (
            (
                r"(?:of|in|with) (?:the same|an?other|a different|some other) (?:colou?r|size|kind)|"
                r"the same (?:colou?r|size)"
            ),
            rf"same|like|different|another|other|equal|({_ANY_COLOUR})\b.*\b(?!\1)(?:{_ANY_COLOUR})",
        ),
        (rf"the same (?:{_ANY_KIND})", "same|copy|like|identical|again|back"),
        # Questions about several at once, about more or less, or in an order.
        (r"how many (?:more|fewer)|(?:more|fewer|less) \w+ than", "more|fewer|less|than|bigger|smaller"),
        (
            "from (?:the )?(?:left|right|top|bottom) to",
            "from|moves?|goes|across|left.*right|right.*left|top.*bottom|bottom.*top",
        ),
        (
            r"how many (?:\w+ )?(?:corners|kinds|types|sorts|colou?rs|sizes|rows|columns|places|cells|fields|squares)",
            "corners?|kinds?|types?|sorts?|colou?rs?|sizes?|rows?|columns?|places?|cells?|fields?|squares?|empty|free",
        ),
        (
            (
                r"(?:left|right|top|bottom|middle)(?: corner)? and (?:at |in |on |to )?(?:the )?"
                r"(?:top|bottom|left|right|middle)"
            ),
            "and|corners?|both|row|or|left.*right|right.*left|top.*bottom|bottom.*top",
        ),
        (r"(?:is|are|does|do|has|have) only", "only|alone"),
        (r"[,;]? and (?:what|where|which|who|how many)", "and|both|first.*second"),
        (
            "(?:did|has|have) not chang|not chang|unchanged|stay(?:ed|s) the same|remain(?:ed|s) the same",
            "not|same|unchanged",
        ),
        # From one object to another, or with a push in some direction; the day after the night.
        (
            (
                r"(?:rolls?|flies|fly|flew|walks?|runs?|goes|moves?|swims?|sails?|drives?|jumps?|hops?|kicks?|throws?|"
                r"carr(?:y|ies))\b[^.!?\n]* from (?:an? |the |one )?(?:\w+ )?"
                rf"(?:{_ANY_KIND}) to (?:an? |the )?(?:\w+ )?(?:{_ANY_KIND}|another)"
            ),
            "moves?|goes|next|beside|left|right|above|below",
        ),
        (
            r"(?:kicks?|throws?|pushe?s?|rolls?|pulls?) (?:the|an?|her|his|its|it)\b[^.!?\n]* to the (?:left|right)",
            "moves?|goes|rolls?",
        ),
        (
            (
                r"in the morning|then,? (?:the |it is |comes )?(?:day|morning)|"
                r"(?:day|morning|dawn) (?:comes|breaks|arrives|again)|night,? (?:and |then )+(?:the )?day"
            ),
            "day|daytime|morning|meadow|light|sun|dawn",
        ),
        (r"(?:every|each|all(?: the)?|four) seasons?|morning, noon", r"3\."),
        (
            (
                r"(?:flies|fly|flew|walks?|runs?|goes|moves?|swims?|sails?|drives?|jumps?|hops?|rolls?|climbs?)"
                rf"(?: \w+)? (?:to|towards|into|onto) (?:the|an?|another) (?:\w+ )?(?:{_ANY_KIND})"
            ),
            r"^(?!.*\bbecomes?\b).*",
        ),
        (r"(?:and|then) (?:\w+ )?back(?= *(?:$|[.,!;\n]))|back (?:up|down|again|home)", r"back|returns?|again|3\."),
        (
            rf"then (?:again )?(?:the|an?) (?:\w+ )?(?:{_ANY_KIND})s? again|then again (?:the|an?)",
            r"back|again|returns?|appears|3\.",
        ),
        (r"stops? (?:snowing|raining)|snow(?:ing)? (?:stops|ends)", "stops?|melts?|meadow|ends?|gone|away"),
        (r"escap\w+|flees?|fled|gets? away|got away", "away|gone|off|disappears?|leaves?|moves?|goes"),
        # One like another one.
        (
            (
                "duplicates?|clones?|replicate|replica|cop(?:y|ies) (?:of|the|it|that)|identical|"
                r"(?:paint|colou?r|dye|make)s? (?:the|it|them|her|him)\b[^.!?\n]*\blike (?:the|an?)|"
                "(?:just|exactly|precisely) (?:like|the same)|(?:the same|equal) (?:number|amount)|as many"
            ),
            "same|like|identical|copy|duplicate|as many|equal",
        ),
        # How they differ.
        (
            (
                r"(?:different|differing|distinct|various|separate) (?:colou?rs?|sizes?|shades?)|"
                r"(?:each|every one|all) (?:in|of|with|has|have) (?:an?other|its own|their own) (?:colou?r|size|shade)"
            ),
            rf"different|differ|(?:{_ANY_COLOUR})\b.*\b(?:{_ANY_COLOUR})",
        ),
        ("doubl(?:e|es|ed|ing)|tripl(?:e|es|ed|ing)", "two|three|four|six|another|more|copy|same|big|bigger"),
        # What two things exchange besides their places.
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
        # How far something goes.
        (
            (
                r"(?:one|a|1|single) (?:square|step|field|cell|spot|place|notch|row|column) (?:(?:further|to the) )?"
                r"(?:up|down|left|right|higher|lower|over)"
            ),
            "move|moves|goes|step|up|down|left|right|top|bottom|above|below",
        ),
        # Which of several.
        ("bigger|smaller|larger|biggest|smallest|largest", "big|bigger|small|smaller|biggest|smallest"),
        (r"(?:second|third|fourth|last|next) \w+ from", "second|third|fourth|last|next"),
        (r"the (?:very )?same \w+ (?:again|once more)", "same|copy|like"),
        (r"(?<!-)less|fewer", "less|fewer|small|smaller"),
        ("the only", "only|alone|everything|but"),
        ("half(?! (?:an? |past|hour|day))", "half|small|smaller"),
        # How they lie to each other.
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
        # What happens in one case only, which no image shows; one picture with something, and one without it.
        (r"otherwise|or else|unless|if (?:there|it|the|any|he|she|they)\b(?! (?:possible|works|helps|fits))", "(?!)"),
        (
            r"one (?:\w+ )?without|(?:and|,) without(?: (?:it|them|one))?\s*(?:$|[.!,;\n])",
            "without|no|not|away|gone|disappears?|remove|leaves|vanish(?:es)?|empty|only|nothing",
        ),
        # What happens to something: it leaves, comes back, grows, falls, or becomes something else.
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
        (
            (
                r"(?:comes?|came|goes|went|swims|flies|walks|runs) back|(?:brings?|brought) [\w ]{2,20} back|"
                "returns?|returned"
            ),
            r"back|returns?|again|moves?|(?P<one>\w+) goes away\b.*\b(?P=one) appears",
        ),
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
            "an? (?:third|fourth|fifth) one",
            r"third|fourth|fifth|another|three|four|five|appears\b.*\bappears",
        ),
        # What was there before, and how many there are to be in all.
        ("undo|revert|un-?do", "back|returns?|again|before"),
        (rf"make (?:it|them|that) {_NUMBER}(?= \w+s\b)", "replace|turn|into"),
    )
)
"""Signs of a meaning, and the words by which the rules state it: one without the other was lost."""


_SAID_BEFORE: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (
        re.compile(r"\b(?:but|except)\b"),
        re.compile(
            r"\b(?:but|except\w*|only|other\w*|rest|remaining|just|keep|kept|alone|stays?|leave|not|without|save|bar\w*|besides|"
            r"apart|aside|than|nothing|exclud\w+|minus|solely|else)\b|n[’']?t\b"
        ),
    ),
    (
        re.compile(r"\beverything\b"),
        re.compile(
            r"\b(?:every\w*|all of|all|anything|whole|both|them|rest|only|alone|but|except|empty|nothing|clear|just|"
            r"keep)\b"
            rf"(?! (?:the )?(?:(?:big|small|{_ANY_COLOUR}) )*(?:animals?|vehicles?|{_ANY_KIND})s?\b)"
        ),
    ),
)
"""Words of a restated request that only such words of the request can mean."""


def meanings_are_kept(wording: str, restated: str) -> bool:
    """Whether a restated request has a word for each meaning that the request has a sign of, and for no other one.

    Both are in lower case.
    """
    lost = any(said.search(wording) and not kept.search(restated) for said, kept in _KEPT)
    return not lost and all(said.search(wording) for means, said in _SAID_BEFORE if means.search(restated))
