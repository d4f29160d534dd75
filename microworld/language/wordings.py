"""Rewrites descriptions of one picture in the words of the patterns: lists, full grids, and what the user leaves open.

"Cars: 2 (one red, one blue)" becomes "two cars, one red, one blue", "every place gets a fish" "nine fish". Works on the
words of one sentence in any spelling and knows no grammar.
"""

from __future__ import annotations

import re
from dataclasses import replace

from interleavethinker.microworld.scenes.sprites import KINDS

from .compiled_patterns import Rule, rewritten
from .key_words import COLOUR, COUNT, GROUND, LOOK, MANY, ONE, SIZE, SPOT, noun_first
from .line_wordings import LINE_RULES
from .plain_text import NUMBER_WORDS, PLURALS, Sentence, canonical
from .vocabulary import plural

__all__ = ["as_order", "in_plain_order", "joined"]


_CELLS = (
    "(?:(?:free |possible |available |single )*(?:cell|place|spot|field|position|square|space|slot|tile|box)s?"
    "(?: (?:of|in|on) (?:the|this|my) (?:whole )?(?:grid|picture|image|scene|panel|page|canvas|board))?"
    "(?: (?:there is|there are))?)"
)
_EVERY = (
    r"(?:(?:each|every)(?: single)?(?: one)?(?: of)?(?: the| its)?(?: nine)?|all(?: of)?(?: the| its)?(?: nine)?|"
    rf"(?:the|its) nine|nine out of nine) {_CELLS}"
)
_WHOLE = "(?:(?:the|this|my) )?(?:(?:whole|entire|complete|full) )?(?:grid|picture|image|scene|panel|page|canvas|board)"


def _listed(match: re.Match[str]) -> str:
    *looks, noun = match[1].split()
    kind = PLURALS.get(noun, canonical(noun))
    count = match[2]
    return " ".join((count, *looks, kind if count == "one" else plural(kind)))


def _nine(match: re.Match[str]) -> str:
    noun = match[2]
    return f"nine {match[1]}{noun if noun in PLURALS else plural(canonical(noun))}"


def _halves(match: re.Match[str]) -> str:
    half = NUMBER_WORDS[NUMBER_WORDS.index(match[1]) // 2]
    return f"{match[1]}{match[2]} , {half} {match[3]} and {half} {match[4]}"


def _flanked(match: re.Match[str]) -> str:
    return f"{match[3]} {match[4]}{match[5]} between two {match[1]}{match[2]}"


_RULES: tuple[Rule, ...] = (
    # Lists: "cars: two", "stars x three", "colour: red"
    (rf"^(?:then )?((?:{LOOK})(?:{ONE}|{MANY})) : ({COUNT})\b(?! (?:{ONE}|{MANY}))", _listed),
    (rf"^(?:number of|count of|how many) ({LOOK}(?:{MANY})) : ({COUNT})$", _listed),
    (rf"(?<!\w )({LOOK}(?:{ONE}|{MANY})) x ({COUNT})\b", _listed),
    (rf"\b({COUNT}) x (?={LOOK}(?:{ONE}|{MANY})\b)", r"\1 "),
    (
        (
            r"^(?:then )?(?:objects?|things?|items?|contents?|content|shows?|subject|motif|main object|what|who) : "
            r"(?=\w)"
        ),
        "",
    ),
    (rf"^(?:then )?(?:colou?rs?|size|sizes) : (?=(?:{COLOUR}|{SIZE})$)", ""),
    (
        (
            r"^(?:then )?(?:position|place|location|where|spot) : (?:(?:in|on|at) )?(?:the )?"
            rf"(?={SPOT}(?: corner| side)?$)"
        ),
        "in the ",
    ),
    (
        (
            r"^(?:then )?(?:(?:the )?(?:setting|place|location|time(?: of day)?|where|when|season|landscape|scenery|"
            rf"backdrop|surroundings|world|weather)) : (?=(?:(?:in|on|at|by) )?(?:(?:a|an|the) )?(?:{GROUND})$)"
        ),
        "background : ",
    ),
    # What the picture shows, and how many
    (
        (
            r"^(?:(?:i|we) (?:want|would like|need|wish) )?"
            r"(?:(?:the|my|this|your|our|a) (?:picture|image|scene|drawing|painting|page)|it) "
            r"(?:should|must|has to|needs to|shall|to|ought to|may|can)(?: also| only| just)? "
            r"(?:show|contain|have|include|feature|display|depict|hold|consist of|be of|be made of) "
            rf"(?=(?:an?|one|two|three|some|{COUNT}|nothing|only|just|the|{ONE}|{MANY})\b)"
        ),
        "draw ",
    ),
    *LINE_RULES,
    (
        (
            r"\b(?:a|one) (?:group|bunch|crowd|set|total|collection|number|cluster|herd|flock|school|fleet|team) of "
            rf"(?={COUNT}\b)"
        ),
        "",
    ),
    (r"\b(?:a|one) (?:trio|group of three) of ", "three "),
    (rf"\bhalf a dozen (?=(?:{LOOK})(?:{MANY})\b)", "six "),
    (
        (
            r"\b(two|four|six|eight)\b((?: \w+){1,6}?)(?: ,| :)? half(?: of (?:them|these|the \w+))?(?: (?:is|are))?"
            rf"(?: in)? ((?:{COLOUR}|{SIZE}))(?: ,)?(?: and)?(?: the)?(?: other)? half(?: of (?:them|these|the \w+))?"
            rf"(?: (?:is|are))?(?: in)? ((?:{COLOUR}|{SIZE}))\b"
        ),
        _halves,
    ),
    (rf"\b({MANY})(?: ,)?(?: and)? (?:of|with|out of) (?:which|them|these) (?=(?:{COUNT})\b)", r"\1 , "),
    (r"\b(?:no|without(?: any)?) (?:people|persons?|humans?|kids)\b", "no girls"),
    (r"\bno animals?\b", "no cats , no birds , no fish"),
    (r"\bwithout(?: any)? animals?\b", "without cats , without birds , without fish"),
    # Places
    (
        rf"\b(?:an?|one) ({LOOK})({ONE}) on (?:each|either|both) sides? of (an?|one) ({LOOK})({ONE})\b",
        r"\3 \4\5 with a \1\2 on each side",
    ),
    (rf"\btwo ({LOOK})({MANY}) on (?:each|either|both) sides? of (an?|one) ({LOOK})({ONE})\b", _flanked),
    (
        (
            rf"\b({ONE})(?: ,)? (?:that is |which is )?(?:flanked|framed|enclosed|surrounded on both sides) by "
            r"(?=(?:two|a pair of|an?) )"
        ),
        r"\1 between ",
    ),
    (
        (
            r"\b(?:(?:that|which|who) )?(?:(?:is|are) )?(?:sitting|sits?|perched|perches|perch|standing|stands?|"
            r"resting|rests?|lying|lies|balancing|balances|balanced) (?:on top of|on|atop) "
            rf"(?=(?:it|(?:the|an?) {LOOK}(?:{ONE}))\b)"
        ),
        "above ",
    ),
    (
        (
            r"\b(?:(?:(?:that|which|who) )?(?:(?:is|are) )?(?:sitting|sits?|perched|perches|perch|resting|rests?|"
            rf"living|lives?|hiding|hides?) )?(?:up |high )*in (?=(?:the|an?) {LOOK}(?:tree|oak|pine|fir|birch)\b)"
        ),
        "above ",
    ),
    # Backgrounds: "snow everywhere", "with the sea behind them"
    (
        (
            rf"\b({GROUND}) (?:everywhere|all around(?: (?:it|them|her|him))?|all over(?: the place)?|"
            r"around (?:it|them|her|him)|all about|behind (?:it|them|her|him|that|everything)|"
            r"in the (?:back|distance|rear)|on the ground|wherever you look)(?=$| ,| and\b| please\b)"
        ),
        r"\1 background",
    ),
    (
        (
            rf"\b(?:(?:with|has|having|and|,) )?(?:(?:a|an|the|some|is|there is|we see) )*({GROUND}) (?:as|for|in|is|"
            r"being|on) (?:(?:a|the|its|my) )?(?:background|backdrop|setting|scenery|scene)(?=$| ,| and\b| please\b)"
        ),
        r", \1 background",
    ),
    # Every place
    (
        (
            rf"^(?:(?:please )?(?:fill(?: up| in)?|cover|use|take|occupy|pack) (?:up )?(?:{_WHOLE}|{_EVERY}|everything|"
            rf"it all)(?: (?:up|in))? [,:](?: so(?: that)?| and| such that)? )?(?:in |on |at |into |to )?{_EVERY}"
            r"(?: ,)? (?:(?:there )?(?:is|are|should be|sits?|stands?|goes|gets?|should get|has|have|should have|"
            r"holds?|contains?|shows?|receives?|with|put|draw|place|i want|we see|add|belongs|comes) )?"
            rf"(?:a|an|one|the same) ({LOOK})({ONE})\b"
        ),
        _nine,
    ),
    (
        rf"\b(?:(?:a|an|one) )({LOOK})({ONE}) (?:(?:is|goes|sits|stands) )?(?:in|on|at|into|for|to) {_EVERY}",
        _nine,
    ),
    (rf"\b(?:nine )?({LOOK})({MANY}) (?:are |sit |stand )?(?:in|on|at|into) (?:{_EVERY})", _nine),
    (
        (
            rf"\b(?:please )?(?:fill(?: up| in)?|cover|pack|cram|plaster|flood) (?:{_WHOLE}|{_EVERY}|everything)"
            r"(?: up| completely)? (?:with|full of)(?: (?:nine|many|lots of|only|nothing but|as many|identical))? "
            rf"({LOOK})({MANY})(?: as (?:fit|possible|there is room for))?"
        ),
        _nine,
    ),
    (
        (
            r"\b(?:fill(?: up)?|cover) (?:the|whole|all) "
            rf"((?:top|middle|bottom) row|(?:left|middle|right) column) with (?:three )?({LOOK})({MANY})\b"
        ),
        r"three \2\3 in the \1",
    ),
    (
        (
            r"\b(?:(?:a|an|one) )?(?:3x3|(?:three x|three by) three)(?: (?:grid|field|square|pattern|matrix))?"
            rf"(?: of| with| full of)? (?:nine )?({LOOK})({MANY})\b"
        ),
        _nine,
    ),
    (rf"\b(an? (?:(?:{SIZE}) )?(?:{ONE}))(?: ,)? but not (?=(?:{COLOUR})(?:$| ,| and\b))", r"\1 that is not "),
    (rf"^(?:draw |show |paint )?({LOOK})({MANY}) (?:everywhere|all over(?: the (?:place|picture|image))?)$", _nine),
    (rf"^(?:an? |the )?(?:picture|image|scene|page) (?:full of|filled with|packed with) ({LOOK})({MANY})$", _nine),
    (
        rf"\b((?:{COUNT}) )(?:(?:exactly )?identical|equal) ({LOOK})({MANY})(?=$| ,| and\b| in a row)",
        r"\1\2\3 in the same colour and the same size",
    ),
    # What the user leaves open
    (
        (
            r"(?: ,)? (?:in|of|with|having) (?:any|whatever|whichever|some|a) (?:colou?r|size|place|shade)"
            r"(?: (?:and|or) (?:any )?(?:colou?r|size|place))?(?:(?: that| of)? (?:you|your) "
            r"(?:like|want|please|wish|prefer|choose|choice|choosing|fancy))(?=$| ,| and\b| in\b| on\b| at\b)"
        ),
        "",
    ),
    (
        (
            r"(?: ,)? (?:in|of) (?:any|whatever|whichever) (?:colou?r|size)(?=$| ,| and\b)|(?<!be)(?<!stand)(?<!sit)"
            r"(?<!go)(?<!lie)(?<!put it)(?: ,)? (?:somewhere|anywhere|wherever|someplace|some place)"
            r"(?: (?:in|on) (?:the|this) (?:picture|image|scene|page))?(?: (?:that )?you "
            r"(?:like|want|please|wish|prefer|choose|fancy|think))?(?=$| ,| and\b| at (?:night|sunset|dusk)\b)|"
            r"(?: ,)? (?:you (?:may |can |could )?(?:choose|pick|decide)|it (?:does not matter|is not important)|"
            r"(?:i|we) do not care|i leave (?:it|that) (?:open|up to you|to you)|it is up to you)"
            r"(?: (?:where(?: (?:it|she|he|they) (?:is|are|stands?|sits?|goes?))?|"
            r"(?:which|what) (?:colou?r|size|place)|the (?:colou?rs?|sizes?|places?|rest|background)))?(?=$)"
        ),
        "",
    ),
    # One after the other
    (
        (
            r"(?: ,)? (?:made |done |all )?(?:all )?together (?:in|on) (?:one|a single|the same) "
            r"(?:picture|image|scene|page)$"
        ),
        "",
    ),
)
_HEADING = re.compile(r"^(?P<head>[^:]*[a-z]) : (?P<list>[^:]+)$")


_LATER = re.compile(
    rf"(?P<before>\b(?:an?|one|another|an? (?:second|third|fourth|new|further)) )(?P<kind>{ONE}) "
    r"(?P<comes>(?:appears|arrives|comes(?: along| in| by)?|joins (?:it|them|in)|shows up|turns up|enters)"
    rf"(?: (?:in|on|at) the {SPOT}(?: {SPOT})?)?) , (?:an?|one) (?P<look>(?:(?:{COLOUR}|{SIZE}) )+)one\b"
)
"""An object that appears, and then what it looks like."""


def _described_later(text: str) -> str:
    """Returns "a second cat appears, an orange one" as "a second orange cat appears"."""
    return _LATER.sub(lambda match: f"{match['before']}{match['look']}{match['kind']} {match['comes']}", text)


def in_plain_order(sentence: Sentence) -> Sentence:
    """Returns the sentence in the words of the patterns; the same sentence if no rule fits.

    Examples:
        >>> " ".join(in_plain_order(Sentence(tuple("cars : two , one red , one blue".split()))).words)
        'two cars , one red , one blue'
        >>> " ".join(in_plain_order(Sentence(tuple("a purple fish in every place".split()))).words)
        'nine purple fish'
    """
    if sentence.question:
        return sentence
    text = _named_again(noun_first(_described_later(rewritten(" ".join(sentence.words), _RULES))))
    words = tuple(text.strip(" ,:").split())
    return sentence if words == sentence.words or not words else replace(sentence, words=words)


_DIFFER = re.compile(
    r"^(?:the |both )?(?:first(?: one)?|one)(?: of (?:them|these|those|the \w+))? "
    rf"(?:is|are|should be|stands?|sits?|lies|on|in|at|{COLOUR}|{SIZE})\b|"
    rf"^(?:{COUNT}) (?:of (?:them|these|those) )?(?:are |is |should be )?(?:{COLOUR}|{SIZE})(?:$| ,| and\b)"
)
"""Begins a sentence that says how the objects of a group differ."""
_OTHER = re.compile(
    r"^(?:and )?(?:the (?:other|second|third|last|remaining|others)|another)\b(?: one| two| three)?(?: of them)? "
    r"(?:is|are|on|in|at)\b"
)
_AT_GROUND = re.compile(rf" (?:,? ?(?:in|on|at|by|during) (?:(?:a|an|the) )?)(?:{GROUND})")
_GROUP = re.compile(rf"\b(?:{'|'.join(NUMBER_WORDS[1:])}|a pair of|a couple of)(?: \w+){{0,3}}? (?:{MANY})\b(?! and\b)")


def joined(sentences: list[Sentence]) -> list[Sentence]:
    """Joins "two cats" and the following "one of them is white, the other one orange" to one sentence."""
    found: list[Sentence] = []
    differ = False
    for sentence in sentences:
        text, before = " ".join(sentence.words), " ".join(found[-1].words) if found else ""
        groups = list(_GROUP.finditer(before))
        differ = not sentence.question and bool(
            (len(groups) == 1 and _DIFFER.match(text)) or (differ and _OTHER.match(text))
        )
        if differ:
            end = groups[0].end() if groups and _AT_GROUND.fullmatch(before[groups[0].end() :]) else len(before)
            words = f"{before[:end]} , {text} {', ' if before[end:] else ''}{before[end:]}".split()
            found[-1] = replace(found[-1], words=tuple(words))
        else:
            found.append(sentence)
    return found


_STATE = re.compile(
    rf"(?:then |the )*({ONE}) : (?:(?:in|on|at) )?((?:{COLOUR}|{SIZE}|(?:the )?{SPOT}))(?: corner| side)?"
)


def as_order(words: tuple[str, ...]) -> tuple[str, ...]:
    """Returns "house: blue", said of a given image, as an order; other sentences unchanged."""
    found = _STATE.fullmatch(" ".join(words))
    if found is None:
        return words
    state = found[2].removeprefix("the ")
    move = re.fullmatch(SPOT, state) is not None
    return tuple((f"move the {found[1]} to the {state}" if move else f"make the {found[1]} {state}").split())


def _named_again(text: str) -> str:
    """Marks what a list names for the second time: "a scene with a house: house on the left" means this house."""
    found = _HEADING.match(text)
    if found is None:
        return text
    head = [canonical(word) for word in found["head"].split()]
    parts = re.split(r"( , and | , | and )", found["list"])
    for at in range(0, len(parts), 2):
        noun = parts[at].split()[0] if parts[at].split() else ""
        if head.count(canonical(noun)) == 1 and canonical(noun) in KINDS:
            parts[at] = f"the {parts[at]}"
    return f"{found['head']} : {''.join(parts)}"
