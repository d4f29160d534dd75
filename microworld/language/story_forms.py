"""Brings the forms in which people write down a story into plain sentences: short labels, counts without a noun.

Works on the text of a whole request without images, before its sentences are read. Each rule needs the whole form, such
as labels that count from one on; anything else stays as it is. Knows no grammar and no scene.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

from interleavethinker.tools.errors import InputError

from .compiled_patterns import compiled
from .key_words import COUNT, LOOK, MANY, ONE, kind_of
from .panels import changes_of_panels
from .phrase_patterns import NUMBERS
from .plain_text import NUMBER_WORDS, PLURALS, canonical
from .reader.grounds import GROUND_NOUNS
from .reader.patterns import GROUND_WORD
from .reader.tagging import tag
from .series import in_series
from .told_again import in_named_order, told_again
from .vocabulary import plural

__all__ = ["counted_on", "in_story_form"]

_I = re.IGNORECASE
_UNIT = "(?:pictures?|images?|panels?|frames?|steps?|scenes?|slides?|shots?|pages?|parts?|stages?|beats?|pics?)"
_NUMBER = rf"(?:[1-9]|{COUNT})"
_BOUNDARY = r"(?:^|(?<=[.,;:!?\n/])|(?<=[.,;:!?\n/] ))"
_SHORT = "(?:frm|fr|f|scn|sc|s|pnl|pan|pic|pg|p|img|im|nr|no|st|t|shot|slide|beat|panel|frame|page|step|scene)"
_MARKS = (
    rf"(?<![\w.,])(?P<unit>{_SHORT})\.? ?#?(?P<number>[1-9]) ?(?:[:=)]|\.(?= )|-(?= ))\s*(?=\S)",
    rf"{_BOUNDARY}(?P<unit>{_SHORT})\.? ?#?(?P<number>[1-9])\s+(?=(?:an?|the|one|{LOOK}(?:{ONE}|{MANY}))\b)",
    r"(?<![\w.,#])(?P<unit>#) ?(?P<number>[1-9])[:.)]?\s+(?=[a-z])",
    rf"{_BOUNDARY}(?P<unit>)(?P<number>[1-9]) [-\u2013\u2014] (?=[a-z])",
)
"""Labels of pictures in short forms: "f1:", "s1)", "pic 1 a cat", "#1", "1 - "."""
_JOINS = r"(?:and|or|to|shows?|is|are|has|have)\b"
"""What follows a number that a sentence names: "panels #1 and #2 show a cat"."""
_HEADER = rf"^\W*(?:(?:a )?(?:story|comic|storyboard)(?: in| of| with|:|,)? )?(?P<count>{_NUMBER}) {_UNIT}\s*[,:;.]\s*"
_LISTED = rf"(?<![\w.,/])(?P<number>[1-9]) (?=(?P<looks>{LOOK})(?P<noun>{ONE}|{MANY})\b)"
_LESSON = r"\b(?:how ?to|tutorial|guide|instructions?|lesson|steps?|walkthrough)\b"
_EVER = (
    r"(?: (?:always|throughout|the whole time|all the time|(?:for|in|of|on) (?:all|every|each)(?: of)?(?: the| them)?"
    rf"(?: {_UNIT})?))"
)
_GROUND = rf"(?:(?:in|on|at|by|near|during) )?(?:the |an? )?(?P<ground>{GROUND_WORD})"
_WHERE = (
    r"(?:(?:all )?(?:(?:of )?(?:this|that|it|everything)|the (?:whole |entire )?"
    rf"(?:story|thing|action|tale|comic|scene)|the {_UNIT}|it all)(?: all)?{_EVER}? "
    r"(?:happens?|takes? place|plays?|goes on|is set|are set|occurs?|is playing|is happening|is taking place|"
    r"must (?:play|happen))"
    r"|(?:the )?(?:setting|background|backdrop|bg|place|location|scenery)(?: (?:for|of|in) (?:all|every|each)(?: of)?"
    rf"(?: the)?(?: {_UNIT})?)?(?: (?:is|should be|must be)| ?[:=]))"
)
_SETTING = rf"(?:and )?{_WHERE}{_EVER}? {_GROUND}(?: ,|,)?{_EVER}?(?: please)?"
"""A sentence that only says where or when a whole story happens."""
_LIST_MARK = r"(?<![\w.,])\(?(?P<number>[1-9])[.)](?=\s+[a-z])\s+"
_PLACE_ALONE = rf"(?:(?:in|on|at|by) )?(?:the |an? )?(?P<ground>{GROUND_WORD})"
"""A place that is a sentence of its own: "Beach."; "Night." may be what happens."""
_ALL_IN = (
    rf",? (?:and )?(?:all|everything|always|all of (?:it|this|them)),? (?:of (?:it|this|them) )?(?:in|at|on|by) "
    rf"(?:the |an? )?(?P<ground>{GROUND_WORD})\s*[.!]*\s*$"
)
_SENTENCE = r"[^.!?;\n]+[.!?;\n]*\s*"
_STATES = frozenset({"be", "stay", "have", "start", "keep"})
"""Classes of verbs that tell no change."""
_START = (
    "(?:at (?:the )?(?:very )?(?:start|beginning|first)|in (?:the )?(?:very )?beginning|initially|to begin with|"
    "to start with|before (?:it|that) starts)"
)
_BEGINS = rf"^(?:and )?(?P<before>.*?),? ?\b{_START}\b,? ?(?P<after>.*)$"
_LATER = r"\b(?:then|later|after|afterwards|now|finally|end|ends|until|till|before)\b"
_NEXT = r"(?:(?:and|then|next|now|later|afterwards|after (?:that|this)|finally|at last|soon|(?:at|in|by) the end),? )+"
_CHAIN = (
    rf"(?P<join>[,.;:]? (?:and )?|[.;!\n]\s*|[.,;] )(?P<lead>{_NEXT}|(?:in|on) the (?:second|third|fourth|fifth|last|"
    rf"next|sixth|seventh)(?: one| {_UNIT})?,? )(?:(?:there (?:are|is|were|was)|(?:we|you|i) see|it is|it's|come|"
    rf"comes|show|with) )?(?:only |just )?(?P<count>{_NUMBER}|none|no more|zero)(?: of (?:them|these|it)| left)?"
    r"(?=\s*(?:$|[.,;!\n]|and then\b|then\b))"
)
"""Tells a number without what is counted: ", then two", ". Then there are three"."""
_FIRST = (
    rf"(?P<count>\ban?|\b{_NUMBER}) (?P<look>{LOOK})(?P<noun>{ONE}|{MANY})\b(?P<rest>[^.,;!\n]*?)(?=[.,;!\n]|$|"
    r" (?:and )?(?:then|next)\b)"
)
_ANY = rf"\b(?:{ONE}|{MANY})\b"
_REST = rf"\s*(?:(?:is|are) (?:there|here))?\s*(?:(?:in|on|at|by) (?:the |a )?(?:{GROUND_WORD}))?\s*"
_IN_ALL = r"\b(?:there (?:is|are)|only|just|left|none|no more|zero|count ?down)\b"
"""Says that a smaller number is what is left."""
_COUNTING = (
    r"\b(?:a )?(?:little |short |simple )?(?:counting (?:story|rhyme|book|song|comic|sequence)|countdown|count ?down|"
    rf"counting|count up)(?: story)?(?: for (?:me|us))?(?: ?(?:in|of|with) {_NUMBER} {_UNIT})? ?[:,.-]\s*"
)
_EACH_TIME = rf"(?:(?:in|on|with|for|at) )?(?:each|every)(?: new| next| single)? (?:time|{_UNIT})"
_ONE_MORE = (
    rf"(?:(?:there )?(?:is|comes) |add |draw |put )?(?:always )?(?:one more|another)(?: (?P<noun>{ONE})| one| of them)?"
    r"(?: comes| appears| is added)?"
)
_COUNTED_ON = tuple(
    r"(?:^|(?<=[.!?;:\n] )|(?<=[.!?;:\n]))(?:(?:please|now|and|so|then),? )*"
    r"(?:(?:keep (?:going|on|counting)|go on|continue|carry on)(?: like (?:this|that)| this way| counting| the story)*"
    rf"(?:[,:])? (?:with |and )?)?{again}[,:]? (?:until|till|up to) (?:(?:there (?:are|is)|we have|you have|i have) )?"
    rf"(?P<count>{_NUMBER})(?: of them| {LOOK}(?:{MANY}))?(?: in all| in total)?\s*(?:[.!]+|$)"
    for again in (rf"{_ONE_MORE},? {_EACH_TIME}", rf"{_EACH_TIME},? {_ONE_MORE}")
)
"""Continues to count: "keep going, one more each time, till there are four"."""


def counted_on(text: str, shown: Mapping[str, int] | None) -> str:
    """Returns a request that counts on from a given image with a sentence for each of the following images.

    Args:
        text: The request's text.
        shown: The number of objects of each kind in the last given image; None: it is not known.

    Examples:
        >>> counted_on("Keep going, one more each time, till there are four.", {"star": 2})
        'Another star appears. Then another star appears.'
    """
    for pattern in _COUNTED_ON:
        found = compiled(pattern, _I).search(text)
        if found is None:
            continue
        kind = canonical((found["noun"] or "").lower()) or ("star" if shown is None else "")
        kind = kind or (next(iter(shown)) if shown is not None and len(shown) == 1 else "")
        times = 1 if shown is None else _number(found["count"]) - shown.get(kind, 0)
        if kind and times > 0 and (shown is None or kind in shown):
            told = " Then ".join([f"another {kind} appears."] * times)
            return f"{text[: found.start()]}A{told[1:]}{text[found.end() :]}"
    return text


def in_story_form(text: str) -> str:
    """Returns a request for a story or a lesson in plain sentences; the same text if no rule fits.

    Examples:
        >>> in_story_form("f1: car left. f2: car right.")
        'Picture 1: car left. Picture 2: car right.'
        >>> in_story_form("One cat, then two, then three.")
        'One cat, then there are two cats, then there are three cats.'

    Raises:
        InputError: A lesson names an order of its objects that is not understood (`not_understood`).
    """
    for rule in (
        in_series,
        _without_short_labels,
        _with_ordinals,
        changes_of_panels,
        in_named_order,
        _start_first,
        _setting_first,
        _counts_in_full,
        _counts_before_noun,
        told_again,
    ):
        text = rule(text)
    return text


def _without_short_labels(text: str) -> str:
    """Writes labels that count from one on in full."""
    for pattern in _MARKS:
        marks = list(compiled(pattern, _I).finditer(text))
        if len(marks) < 2 or [int(one["number"]) for one in marks] != list(range(1, len(marks) + 1)):
            continue
        if len({one["unit"].lower() for one in marks}) > 1:
            continue
        before = text[: marks[0].start()]
        header = compiled(_HEADER, _I).match(text)
        if header is not None and header.end() <= len(before) and _number(header["count"]) == len(marks):
            before = before[header.end() :]
        ends = [*(one.start() for one in marks[1:]), len(text)]
        items = [text[one.end() : end].strip(" ,;/\n\t") for one, end in zip(marks, ends, strict=True)]
        if not all(items) or any(compiled(_JOINS, _I).match(item) for item in items):
            continue
        told = " ".join(
            f"Picture {number}: {item}{'' if item[-1] in '.!?' else '.'}" for number, item in enumerate(items, 1)
        )
        before = before.strip(" ,;/:-\n\t")
        return f"{before}{'' if before[-1] in '.!?' else '.'} {told}" if before else told
    return text


def _number(word: str) -> int:
    word = word.lower()
    return NUMBERS[word] if word in NUMBERS else int(word)


def _with_ordinals(text: str) -> str:
    """Reads "1 box, 2 ball, 3 star" of a lesson as steps: nobody writes "2 ball" for two of them."""
    marks = list(compiled(_LISTED, _I).finditer(text))
    if len(marks) < 2 or [int(one["number"]) for one in marks] != list(range(1, len(marks) + 1)):
        return text
    kinds = [one["noun"].lower() for one in marks]
    if any(kind in PLURALS and canonical(kind) != "fish" for kind in kinds) or kinds[1:] == ["fish"] * (len(kinds) - 1):
        return text
    before = text[: marks[0].start()]
    if not compiled(_LESSON, _I).search(before) or compiled(_ANY, _I).search(before):
        return text
    ends = [*(one.start() for one in marks[1:]), len(text)]
    seen: set[str] = set()
    steps = []
    for mark, end in zip(marks, ends, strict=True):
        item, kind = text[mark.end() : end].strip(" ,;/.\n\t"), canonical(mark["noun"].lower())
        steps.append(f"Step {mark['number']}: {'another' if kind in seen else 'one'} {item}.")
        seen.add(kind)
    return f"{before.strip(' ,;/:-')}. {' '.join(steps)}"


def _setting_first(text: str) -> str:
    """Puts a sentence that only says where a story happens in front of it."""
    if (last := compiled(_ALL_IN, _I).search(text)) is not None and re.search(r"\b(?:then|picture [2-9])\b", text, _I):
        text = f"{text[: last.start()]}. The setting is {last['ground']}."
    parts = compiled(_SENTENCE, _I).findall(text)
    found = {at: said for at, part in enumerate(parts) if (said := _setting(part, last=at == len(parts) - 1))}
    if len(parts) < 2 or len(found) != 1 or "".join(parts) != text:
        return text
    ((number, said),) = found.items()
    rest = [part for at, part in enumerate(parts) if at != number]
    word = said["ground"].lower()
    before = "".join(parts[:number]) if compiled(_PLACE_ALONE, _I).fullmatch(said[0]) and number else rest[0]
    if any(_ground(named[0]) != _ground(word) for named in compiled(rf"\b(?:{GROUND_WORD})\b", _I).finditer(before)):
        return text  # "a cat in the snow. The background is the beach"
    listed = compiled(_LIST_MARK, _I).search("".join(rest))
    if listed is not None and listed.start() > 0:
        return text  # items after a heading, which must stay first
    return f"The background is {_ground(word)}. {_without_list_numbers(''.join(rest))}".rstrip()


def _without_list_numbers(text: str) -> str:
    """Returns "1) a cat 2) a ball" as "a cat. then a ball": the first item is the picture of the background."""
    marks = list(compiled(_LIST_MARK, _I).finditer(text))
    if [int(one["number"]) for one in marks] != list(range(1, len(marks) + 1)):
        return text
    for match in reversed(marks):
        begin = text[: match.start()].rstrip(" ,;:\n")
        joint = f"{'' if begin[-1:] in {'', '.', '!', '?'} else '.'} {'' if match['number'] == '1' else 'Then '}"
        text = f"{begin}{joint}{text[match.end() :]}"
    return text


def _setting(sentence: str, *, last: bool) -> re.Match[str] | None:
    plain = sentence.strip(" .!;\n\t")
    alone = compiled(_PLACE_ALONE, _I).fullmatch(plain) if last else None
    place = alone is not None and _ground(alone["ground"]) in {"beach", "forest", "meadow"}
    return alone if place else compiled(_SETTING, _I).fullmatch(plain)


def _ground(word: str) -> str:
    word = word.lower()
    return GROUND_NOUNS.get(word, canonical(word))


def _start_first(text: str) -> str:
    """Puts the sentence that says how a story begins in front of the one that says what happens."""
    parts = compiled(_SENTENCE, _I).findall(text)
    if len(parts) < 2 or "".join(parts) != text:
        return text
    said = compiled(_BEGINS, _I).match(parts[1].strip(" .!;\n\t"))
    if said is None:
        return text
    happens, state = parts[0].strip(), " ".join(filter(None, (said["before"].strip(), said["after"].strip())))
    if compiled(_LATER, _I).search(state) or not state or not _changes(happens):
        return text
    nouns = re.findall(rf"\b(?:an?|the|one) (?:{LOOK})(?:{ONE})\b", happens, re.IGNORECASE)
    kinds = [kind_of(one) for one in nouns]
    if not kinds or len(set(kinds)) < len(kinds):
        return text
    for pronoun, fits in (
        ("she", [at for at, kind in enumerate(kinds) if kind == "girl"]),
        ("it", [*range(len(kinds))]),
    ):
        if re.search(rf"\b{pronoun}\b", state, re.IGNORECASE):
            if len(fits) != 1:
                return text
            state = re.sub(rf"\b{pronoun}\b", f"the {_bare(nouns[fits[0]])}", state, count=1, flags=re.IGNORECASE)
    described = [kind_of(one) for one in re.findall(rf"\bthe (?:{LOOK})(?:{ONE})\b", state, re.IGNORECASE)]
    if not described or set(described) - set(kinds) or len(set(described)) < len(described):
        return text
    state = re.sub(rf"\bthe (?=(?:{LOOK})(?:{ONE})\b)", "one ", state, flags=re.IGNORECASE)
    for noun, kind in zip(nouns, kinds, strict=True):
        if kind in described:
            happens = happens.replace(noun, f"the {_bare(noun)}", 1)
    happens = compiled(_INTRODUCES, _I).sub("", happens).strip()
    rest = "".join(parts[2:])
    return f"{state[0].upper()}{state[1:]}. Then {happens.rstrip(' .!')}. {rest}".rstrip()


_INTRODUCES = (
    r"^(?:(?:please|can you|could you) )*(?:(?:make|tell|show|draw|write|create|i want|i would like|i need|give)"
    r"(?: (?:me|us|her|him|them))? )?(?:a|the|one) (?:\w+ )?(?:story|comic|tale|cartoon|storyboard|picture story)"
    r"(?: (?:where|in which|about how|how|that shows how)| ?:) "
)


def _changes(sentence: str) -> bool:
    """Whether a sentence has a verb that tells a change."""
    told = compiled(_INTRODUCES, _I).sub("", sentence).lower()
    verbs = [token for token in tag(tuple(re.findall(r"[\w']+", told))) if token.tag == "VERB"]
    return any(not token.classes & _STATES for token in verbs)


def _bare(noun: str) -> str:
    return noun.split(" ", 1)[1]


def _counts_in_full(text: str) -> str:
    """Names what is counted in "one cat, then two, then three"."""
    chain = list(compiled(_CHAIN, _I).finditer(text))
    if not chain:
        return text
    heads = [one for one in compiled(_FIRST, _I).finditer(text) if one.end() <= chain[0].start() + 1]
    if (
        len(heads) != 1
        or len(compiled(_ANY, _I).findall(text[: chain[0].start()])) != 1
        or not compiled(_REST, _I).fullmatch(heads[0]["rest"])
        or text[heads[0].end() : chain[0].start()].strip(" .,;!\n")  # "another joins": nothing may change the count
    ):
        return text
    between = [text[one.end() : other.start()] for one, other in pairwise(chain)]
    if any(part.strip(" .,;!\n") for part in between):
        return text
    head = heads[0]
    word = head["noun"].lower()
    kind = PLURALS.get(word, canonical(word))
    counts = [_counted(head["count"]), *(_counted(one["count"]) for one in chain)]
    steps = [after - before for before, after in pairwise(counts)]
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        return text
    if steps[0] < 0 and not any(
        compiled(_IN_ALL, _I).search(words) for words in (text[: head.start()], *(m[0] for m in chain))
    ):
        return text  # "three stars, then two, then one" may mean six
    look = head["look"].lower()
    for match, count in zip(reversed(chain), reversed(counts), strict=False):
        noun = f"{look}{kind if count == 1 else plural(kind)}"
        be, number = ("is", "one") if count == 1 else ("are", NUMBER_WORDS[count - 1] if count else "no")
        lead = "then " if match["lead"].lower().startswith(("in ", "on ")) else match["lead"]
        text = f"{text[: match.start()]}{match['join']}{lead}there {be} {number} {noun}{text[match.end() :]}"
    return compiled(_COUNTING, _I).sub("", text)


_COUNTED_ALOUD = (
    rf"^\W*(?:(?:please )?(?:count|counting)(?: down| up)?(?: from)? ?[:,]? )?"
    rf"(?P<counts>{_NUMBER}(?:(?: ?,| ?\.\.+| and| then)+ (?:then )?{_NUMBER})+) ?(?:[:,.-]+ ?)?"
    rf"(?P<look>{LOOK})(?P<noun>{MANY})\W*$"
)
"""Counts before what is counted: "three, two, one: stars"."""


def _counts_before_noun(text: str) -> str:
    """Names what is counted in "three, two, one: stars"; such counts go up or down by one.

    Raises:
        InputError: They go otherwise (`not_understood`).
    """
    found = compiled(_COUNTED_ALOUD, _I).match(" ".join(text.split()))
    if found is None:
        return text
    counts = [_number(word) for word in compiled(rf"\b{_NUMBER}\b", _I).findall(found["counts"])]
    if len(counts) < 3 and ":" not in text:
        return text  # "two, three cats": some
    steps = {after - before for before, after in pairwise(counts)}
    if len(steps) != 1 or not steps <= {1, -1}:
        msg = f'It is not clear how many {found["noun"]} each image shows; write "1. … 2. …".'
        raise InputError(msg, code="not_understood")
    look, kind = found["look"].lower(), PLURALS[found["noun"].lower()]
    told = [f"{NUMBER_WORDS[n - 1]} {look}{kind if n == 1 else plural(kind)}" for n in counts]
    return f"{told[0]}. " + " ".join(
        f"Then there {'is only' if n == 1 else 'are'} {words}." for n, words in zip(counts[1:], told[1:], strict=True)
    )


def _counted(word: str) -> int:
    word = word.lower()
    if word in {"a", "an"}:
        return 1
    return 0 if word in {"none", "no more", "zero"} else _number(word)
