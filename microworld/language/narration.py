"""Rewrites narration in the words of the patterns: the present tense, no helping verbs, no adverbs.

"The cat slowly walked to the left" becomes "the cat walks to the left", "the ball is going to turn blue" becomes "the
ball turns blue". Works on words and knows no grammar; questions keep their helping verbs.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .compiled_patterns import Rule, rewritten
from .plain_text import Sentence

__all__ = ["in_present_tense"]

_PAST = {
    "grew": "grows", "turned": "turns", "became": "becomes", "went": "goes", "came": "comes", "ran": "runs",
    "flew": "flies", "swam": "swims", "drove": "drives", "fell": "falls", "sank": "sinks", "shrank": "shrinks",
    "began": "begins", "stood": "stands", "sat": "sits", "slept": "sleeps", "got": "gets", "found": "finds",
    "met": "meets", "saw": "sees", "took": "takes", "lay": "lies", "drew": "draws", "brought": "brings",
    "caught": "catches", "bought": "buys", "had": "has", "blew": "blows", "sprang": "springs", "swapped": "swap",
    "traded": "trade",
}  # fmt: skip
_REGULAR = (
    "appear disappear walk jump sail hop roll wander climb move rise arrive join enter start wait play live float "
    "bloom open reach land change travel crawl bounce step return vanish shift slide drift glide dash cross discover "
    "sprout snow pop show descend ascend tumble plunge creep sneak march stroll paddle flutter soar swoop zoom rush "
    "scoot retreat escape depart fade slip dive visit greet continue proceed leave shine rest head skip race notice "
    "spot melt darken set exit drop push pull"
).split()
_PAST |= {
    f"{verb.removesuffix('e')}ed" if verb.endswith("e") else f"{verb}ed": f"{verb}s"
    for verb in _REGULAR
    if verb not in {"hop", "step", "skip", "spot", "pop", "leave", "set", "rise", "reach", "vanish", "dash", "cross"}
}
_PAST |= {f"{verb}{verb[-1]}ed": f"{verb}s" for verb in ("hop", "step", "skip", "spot", "pop", "drop")}
_PAST |= {
    "marched": "marches",
    "rushed": "rushes",
    "pushed": "pushes",
    "reached": "reaches",
    "vanished": "vanishes",
    "dashed": "dashes",
    "crossed": "crosses",
}
_HELPED = r"(?<!\bhas )(?<!\bhave )(?<!\bis )(?<!\bare )(?<!\bwas )(?<!\bwere )(?<!\bbe )(?<!\bbeing )(?<!\bgot )"
_PAST_VERB = re.compile(rf"{_HELPED}\b({'|'.join(sorted(_PAST, key=len, reverse=True))})\b")
_BASE = (
    "appear|disappear|vanish|leave|go|come|move|walk|run|jump|fly|swim|drive|sail|hop|roll|wander|climb|travel|crawl|"
    "bounce|float|turn|become|grow|shrink|change|get|arrive|join|enter|fall|rise|sink|reach|land|slide|drift|glide|"
    "dash|find|see|meet|take|bloom|open|swap|trade|shift|head|show"
)
_BEGIN = "(?:starts?|begins?|wants?|decides?|has|have|needs?)"
_SUGGEST = "(?:would you mind|do you mind|how about|what about|consider|try|i suggest)"
_ADVERBS = (
    r"slowly|quickly|directly|exactly|immediately|quietly|gently|softly|happily|gradually|carefully|simply|silently|"
    r"proudly|calmly|eventually|magically|right(?= (?:above|below|next|beside|under|over|on top|in front)\b)|"
    r"just(?= (?:above|below|next|beside|under|over|to|in|on|at)\b)"
)
_NOT_A_SIDE = "".join(
    rf"(?<!\b{word} )"
    for word in "the top bottom upper lower far middle to on at in of is are was were has had have more".split()
)
_WHEN = r"again|forever|for (?:good|ever)|after (?:that|a while)|early|soon|too|home|suddenly|at last|in the end"
_THEN = "(?:then|next|finally|later|suddenly|afterwards|in the end|at the end|and|but|so)"
_TO_SIZE = (
    "(?:and (?:grows?|shrinks?|bigger|smaller) )?until (?:it|she|he) (?:is|was|becomes|became|gets|got) (?:very )?"
)
_RULES: tuple[Rule, ...] = (
    (rf"\b({'|'.join(sorted(_PAST))}|\w+s) and \1\b", r"\1"),  # "it grew and grew"
    (rf"\b(?:grew|grows?|gets bigger|got bigger) {_TO_SIZE}(?=(?:big|large|huge|giant)\b)", "gets "),
    (rf"\b(?:shrank|shrinks?|gets smaller|got smaller) {_TO_SIZE}(?=(?:small|tiny|little)\b)", "gets "),
    (
        (r"\bthe sun (?:goes down|went down|sets?|sinks|sank)(?: (?:completely|fully|entirely))? (?:, )?(?:and|so) "
         r"(?=(?:it (?:is|was|gets|got|becomes|became|turns|grows) (?:night|dark)|night (?:falls|fell|comes|"
         r"came|begins)))"),
        "",
    ),
    (
        (r"^(?:and )?what (?:comes|happens|follows) (?:next|then|now)(?: (?:is|was))?(?: that| :)? "
         r"(?=(?:the|an?|it|both|all|one|two|another|she|he|they|then)\b)"),
        "then ",
    ),
    (
        r"^(?:(?:and|but|then|only|just) )*the (?:last|remaining) one (?=(?:stays?|remains?|is left)\b)",
        "the other one ",
    ),
    (r"^((?:(?:and|then) )+(?:, )?)the (?:(?:last|remaining) one|other(?: one)?)$", r"\1the other one does so too"),
    (
        r"^((?:(?:and|then) )*)(?:the |it is the )?same (?:with|for|happens to|goes for) the other(?: one)?$",
        r"\1the other one does so too",
    ),
    (r"\bsun (?:rose|pink)\b", "sun rises"),
    (rf"(?:, )?\b(?:{_ADVERBS})\b(?: ,)? ?", ""),
    (rf"\b(?:will|shall|(?:is|are|was|were) (?:now )?going to|{_BEGIN} to) (?=(?:{_BASE})\b)", ""),
    (r"\bshould (?=(?:reach|arrive|swim|fly|drive|sail|hop|roll|jump|run|climb|turn|land|slide|drift|head)\b)", ""),
    (r"\b(?:needs|need|has|have|ought|is supposed|are supposed) to be\b", "should be"),
    (r"\bmust be\b", "should be"),
    (r"^what if (it|the \w+) (?:were|was|is)\b", r"\1 is"),
    (r"\bwill be\b", "is"),
    (rf"\b{_SUGGEST} (mak|mov|chang|delet|replac|eras|exchang|plac|remov|tak|giv)ing\b", r"\1e"),
    (rf"\b{_SUGGEST} (turn|paint|add|draw|show|colour|shrink|grow)ing\b", r"\1"),
    (rf"\b{_SUGGEST} (swap|put|get)(?:p|t)ing\b", r"\1"),
    (r"^(?:how about|what about|what if we have) (?=(?:a|an|two|three|some)\b)", "draw "),
    (r"(^|[:,] )it (?:is|was) (?:(?:a|an) (?:\w+ )?)?(?:day|morning|afternoon) (?=(?:in|on|at) )", r"\1it is "),
    (r"\bthe sun (?:is )?set\b(?!s)", "the sun sets"),
    (rf"{_NOT_A_SIDE}\bleft(?= (?:{_WHEN})\b)", "leaves"),
    (
        (rf"^((?:{_THEN} (?:, )?)*(?:the|both|all|these|those) (?:\w+ ){{1,3}}){_NOT_A_SIDE}left"
         r"(?: together)?$"),
        r"\1leaves",
    ),
)  # fmt: skip


def in_present_tense(sentence: Sentence) -> Sentence:
    """Returns the sentence with its verbs in the present tense.

    Examples:
        >>> " ".join(in_present_tense(Sentence(("the", "ball", "slowly", "turned", "blue"))).words)
        'the ball turns blue'
    """
    text = rewritten(" ".join(sentence.words), _RULES)
    if not sentence.question:
        text = _PAST_VERB.sub(lambda match: _PAST[match.group()], text)
    words = tuple(text.strip(" ,:").split())
    return sentence if words == sentence.words or not words else replace(sentence, words=words)
