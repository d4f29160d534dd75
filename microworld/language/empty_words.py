"""Words that say nothing about what an image shows, and how to read a sentence without them.

People wrap a request in talk: "I'm a beginner", "a happy cat", "if possible". The rules read a sentence as it is; only
if they do not understand it, `without_empty_words` leaves these words out. A word that can be drawn ("dog"), counts,
denies, places or orders is never here. Knows no grammar.
"""

from __future__ import annotations

import re
from dataclasses import replace

from .plain_text import Sentence

__all__ = ["EMPTY_WORDS", "FEELINGS", "empty_words", "says_nothing", "without_empty_words"]

_FEELINGS = """
adorable afraid alive amazing angry awesome bored boring brave brilliant busy calm careful cheerful clever comfy cosy
cozy crazy curious cute delighted delightful dreamy eager easy elegant excited exciting famous fancy fantastic fine
fluffy fresh friendly fun funny furry gentle glad glorious gloomy good gorgeous grand great grumpy happy hungry
important impressive innocent jolly joyful lazy lonely lonesome lovely lucky mad magic magical majestic mean
merry mysterious mystical naughty neat nice noisy old ordinary peaceful perfect playful pleasant polite poor precious
pretty proper proud quick quiet rare real relaxed ridiculous romantic sad scared scary secret serene serious
shiny shy silent silly simple sleepy slow smart soft special splendid strange strong stubborn stunning super superb
sweet tasty tender terrible thirsty tidy tired trusty typical ugly unhappy usual warm weak weird whimsical wild wise
wonderful wondrous worried young favourite favorite
"""
_MANNER = """
absolutely accidentally actually almost already always amazingly anyway apparently awfully badly basically beautifully
bravely briefly calmly carefully certainly cheerfully clearly closely completely curiously currently definitely easily
entirely especially essentially eventually evidently exactly extremely fairly finely firmly fortunately frankly freely
frequently fully generally gently genuinely gladly gracefully gradually happily hastily honestly hopefully ideally
immediately incredibly indeed instantly joyfully kindly lazily lightly literally loudly lovingly luckily mainly merely
merrily mostly mysteriously namely naturally nearly neatly nervously nicely normally obviously occasionally officially
often ordinarily particularly patiently peacefully perfectly personally playfully politely possibly practically
precisely preferably presently presumably pretty probably promptly properly proudly quickly quietly quite randomly
rapidly readily really regularly roughly sadly safely seriously shyly silently simply sincerely slightly slowly
smoothly softly somehow sometimes somewhat specifically steadily strangely strictly strongly surely surprisingly
sweetly swiftly terribly thankfully therefore thoroughly thus totally truly typically ultimately unfortunately
unusually usually utterly vaguely very virtually warmly wildly wonderfully yet
"""
_TALK = """
ah aha anyhow btw cheers dear eh er erm gosh ha haha hehe hm hmm hmmm hooray huh lol mhm nah oh ok okay omg oops ooh
ouch phew psst thanks thx uh uhm um umm well whoa woo wow yay yeah yep yes yo yup accordingly additionally altogether
anytime bless dare beginner beginners bot chatbot assistant buddy demo demonstrate dude fella folks guys newbie novice
gimme homework lemme mate nevertheless nonetheless assume believe bet care cares chance choose consider decide demand
dream enjoy expect explain fancy feel feeling feels figure grateful guess hear hope hoping imagining intend
kindly know known learn learning listen love loves loving matter mean mention mind mood notice offer opinion plan
plans prefer prefers pretend proceed promise propose realise realize recommend remember remind reply request requested
respond says seeing seem seems sense shall sounds speak speaking suggest suppose talk tells think thinking thought
today trust try trying understand visualise visualize wish wishing wonder wondering worry beforehand consequently
furthermore henceforth however lately likewise meantime moreover recently sake stuff
"""
FEELINGS = tuple(_FEELINGS.split())
"""Adjectives of mood and judgment, which no image of the micro world shows."""
EMPTY_WORDS = frozenset(f"{_FEELINGS} {_MANNER} {_TALK}".split())
"""Lower-case words."""

_PEOPLE = (
    "(?:boss|boy|brother|child|children|class|classroom|client|colleague|cousin|dad|daddy|daughter|family|friend|"
    "friends|grandchild|granddaughter|grandma|grandpa|grandson|husband|kid|kids|mom|mommy|mother|mum|mummy|neighbour|"
    "nephew|niece|parents|partner|pupils|sister|son|students|team|teacher|toddler|wife)"
)
_PURPOSES = (
    "(?:album|assignment|birthday|blog|book|card|demo|exercise|game|homework|lesson|party|poem|portfolio|poster|"
    "presentation|project|school|slides?|talk|test|wall|website|worksheet)"
)

_GLUE = frozenset(
    """
    a an the this that these those i me my you your we us our they he she his her its is are was were be been am do does
    did have has had can could will would should may might must to of for in on at with and or so as if it by from about
    what which who how there here just also please now then go let get
    """.split()
)
"""Words that say nothing on their own: a part of a sentence that has no others is left out."""
_ABOUT_THE_ANSWER = frozenset(
    """
    able across agree all another answer any anything attempt because been begin being believe best better between
    book break brief bring called came caption captions carry case change changes chapter chapters check clear come
    comes comic continue cool correct could couple course create day deal describe detail details difference
    different do does doing done down drawing drawings drawn each eight either else end ending enough even ever
    every everybody everyone exact extra far feedback few final find finish first fit five focus follow following
    follows forgot format four frame frames full get gets getting give given gives goes going got had half happen
    happens hard has have having he help her here him his hold idea ideas illustrate illustration illustrations
    image images instruction instructions into it job join just keep keeps last later least let lets life like line
    lines list little long look looks made main make manner many may maybe me mine moment moments more most much
    must my need needs never new next nine no nobody not number numbers of off often once one ones only open order
    other others our ours out over own page pages panel panels part parts past pic pics picture pictures piece
    pieces play please point present problem process prompt put question questions read ready reason rest result
    results rule rules run said same saw say saying scene scenes second see seen send separate separately sequence
    sequences series set seven several she should show shown shows simple single six slide slides slow so some
    somebody someone something start started starts state step steps still stop stopped stops stories story straight
    style such take takes tale tales task tell telling ten text than that the their them then there these they thing
    things third this those three through til till time times title to together told too took total towards try turn
    turns two until up us use used using variety version versions want wants way we what when where wherever whether
    which who whole why will with within word words work works would write writing written yesterday yet you your
    yours
    """.split()
)
"""Words that may occur in a sentence about the answer itself: "show each change as a picture of its own"."""
_ASKING = frozenset("is are was were do does did has have what which who whose where when why how".split())
_PHRASES = re.compile(
    rf"\bfor (?:my|our|the|a|an|his|her|their) (?:[a-z]+ )?(?:{_PEOPLE}|{_PURPOSES})(?: {_PURPOSES})?\b|\b(?:my|our) "
    rf"(?:[a-z]+ )?{_PEOPLE} (?:wants?|would (?:like|love)|loves?|likes?|asks? for|asked for|needs?|dreams? of)"
    r"(?: to (?:see|have|get))?\b|\b(?:if (?:(?:it is |that is |at all |you )?(?:possible|like|can|want)|"
    r"you (?:please|would|do not mind)|not)|you know|i (?:think|guess|mean|suppose|believe|hope)|"
    r"i am (?:a|an|the|so|very)|(?:kind|sort) of|a bit of|of course|by the way|as (?:always|usual|you know|well)|"
    r"for (?:example|instance|sure|fun|me|us|now)|in (?:general|particular|fact|my opinion)|at least|"
    r"no (?:problem|worries|rush|hurry)|thank you(?: very much)?|take (?:it slow(?:ly)?|your time)|"
    r"not sure (?:if|whether) this works(?: but)?|nothing (?:fancy|special|complicated|too fancy))\b"
)


def empty_words(sentence: Sentence) -> frozenset[str]:
    """Returns the words that say nothing in a sentence; none in a question, which may ask about a mood."""
    asks = sentence.question or sentence.words[0] in _ASKING
    return frozenset() if asks else EMPTY_WORDS


def says_nothing(sentence: Sentence) -> bool:
    """Returns whether a sentence is talk about the answer: it names nothing that is drawn, and orders no change.

    Examples:
        >>> says_nothing(Sentence(tuple("please show it like a story".split())))
        True
        >>> says_nothing(Sentence(("there", "is", "a", "dog")))
        False
    """
    text = _PHRASES.sub(" ", " ".join(sentence.words))
    return not _CHANGES.search(text) and all(
        word in EMPTY_WORDS or word in _GLUE or word in _ABOUT_THE_ANSWER for word in re.findall(r"[\w']+", text)
    )


_CHANGES = re.compile(
    r"\b(?:(?:it|they|them|that|this|one|ones|he|she|him|her|something|everything|the (?:first|second|third|last|other|"
    r"next))\b.*\b(?:away|off|out|gone|leaves?|left|up|down|over|goes|gets|comes|turns?|stops?|not|never|no)|"
    r"(?:take|put|bring|turn|get|make|give|set|keep|hold|join|carry|run|play|send|use|break|open)s? "
    r"(?:it|them|that|this|one|ones|him|her|everything|another|more|two|three|some)|(?:no|not|never|without) "
    r"(?:it|them|that|this|one|ones|him|her)|(?:one|two|three|four|five|six|seven|eight|nine) (?:more|less|new|extra|"
    r"of|left)|another one|one more|"
    r"an? (?:second|third|fourth|fifth|new|last|different) one|(?:all|both|each|every|none) (?:of|one)|nobody|"
    r"(?:there|they) (?:is|are) (?:(?:now|only|just|still|all) )*(?:two|three|four|five|six|seven|eight|nine|none)|"
    r"the same (?:one|thing|things|with|for|happens|goes)|so (?:do|does|did|is|are|was|were) (?:the|it|they|he|she)|"
    r"^(?:(?:and|then|now|so|but|finally|later|only|just) (?:, )?)+(?:one|two|three|four|five|six|seven|eight|nine|"
    r"none|both|the others?)(?: (?:ones?|too|left|again))*$)\b"
)
"""Signs that a sentence of such words may order or tell a change after all."""


def without_empty_words(sentence: Sentence, known: frozenset[str] = frozenset()) -> Sentence | None:
    """Returns the sentence without empty words and without the parts that then say nothing; None if nothing is left.

    Args:
        sentence: The sentence in plain words.
        known: Words that stay although they are empty, because some pattern has them.

    Examples:
        >>> without_empty_words(Sentence(tuple("a happy cat , if possible".split()))).words
        ('a', 'cat')
        >>> without_empty_words(Sentence(("i", "am", "a", "beginner"))) is None
        True
    """
    text = _PHRASES.sub(" ", " ".join(sentence.words))
    empty = empty_words(sentence) - known
    parts, marks = [], re.findall(r" ([,:])(?= |$)", text)
    for part in re.split(r" [,:](?: |$)", text):
        words = [word for word in part.split() if word not in empty]
        changed = len(words) < len(part.split()) or not part.split()
        parts.append(() if changed and set(words) <= _GLUE else tuple(words))
    kept: list[str] = []
    for at, part_words in enumerate(parts):
        if part_words:
            kept += [*([marks[at - 1]] if kept and at else []), *part_words]
    return replace(sentence, words=tuple(kept)) if kept else None
