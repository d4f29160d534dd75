"""Brings sentences into plain ones: "keep only the bird" becomes "remove everything but the bird".

One table of patterns over a whole request, in which each sees what those before it have left, and looks a bounded
number of characters ahead. Knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import Rule, rewritten
from interleavethinker.microworld.language.key_words import GROUND, ONE
from interleavethinker.microworld.language.plain_text import NUMBER_WORDS, PLURALS, canonical
from interleavethinker.microworld.language.vocabulary import plural
from interleavethinker.microworld.scenes.sprites import COLOURS, KINDS

from .everyday import in_known_words
from .phrasings import LOOKS, SEVERAL, on_top_of_it

__all__ = ["said_plainly"]

_LONGEST = 8000
"""Characters; the readers refuse longer texts."""
_END = r"(?=\s*(?:[.;!?,\n]|$))"
_COLOUR = "|".join(COLOURS)
_NOT_ONE = "(?:(?: but| just)* not|(?: but)? (?:skip(?:ping)?|leav(?:e|ing) out|excluding|sparing))"
"""After what is said of several: "but not the big one"."""
_EXCEPTED = rf"(the [\w ]{{1,40}}?){_END}"
_THE_ONES = rf"the (?:(?:{LOOKS}) ){{0,3}}\w+(?:(?:,| and|, and) the (?:(?:{LOOKS}) ){{0,3}}\w+){{0,4}}"

_WHICH = "(?P<which>(?:(?:all|both)(?: of)? )?the|all|both)"
_MANY = "|".join(word for word in PLURALS if word not in KINDS)
_ONES = rf"(?P<looks>(?: (?:{LOOKS})){{0,2}}) (?P<noun>{_MANY}|ones)\b"


def _kind_again(match: re.Match[str]) -> str:
    """Names the object of "a cat with a red ball and a bird with a blue one"."""
    return f"{match[0][:-3]}{match['kind']}" if canonical(match["kind"].lower()) in KINDS else match[0]


def _kind_of_group(match: re.Match[str]) -> str:
    """Names the object of "all cats, but not the big one"."""
    word = PLURALS.get(match[2].lower(), match[2].lower())
    return match[1] + word if canonical(word) in KINDS else match[0]


def _what_remains(match: re.Match[str]) -> str:
    """Says of "at night with only the house" what remains."""
    before, what = match["before"], match["what"] or match["last"]
    if not (before.strip(".;!? \n") or match["intro"] or match["seen"] or match["ground"]):
        return match[0]  # "Only the cat.", which may say what alone changes
    link = "and " if before.strip() and before.strip()[-1:] not in ".;!?" else ""
    end = "," if (match["ground"] or "").startswith(" ") else ""
    return f"{before.rstrip(', ') + ', ' if link else before}{link}only {what} remains{end}"


def _in_line(match: re.Match[str]) -> str:
    """Names the row or column of "the upper balls" and of "all balls on the left"."""
    side = canonical(match["side"].lower().removesuffix("most").removesuffix("-hand"))
    line = f"{side} {'row' if side in {'top', 'bottom'} else 'column'}"
    named = match.groupdict()
    words = (
        named[key] or "" for key in ("which", "each", "number", "count", "looks", "look", "noun", "one") if key in named
    )
    return f"{' '.join(filter(None, map(str.strip, words)))} in the {line}"


def _looks_first(match: re.Match[str]) -> str:
    """Puts the looks of "cat (white, small)" before it."""
    return " ".join(filter(None, (match[2], match[3], match[1])))


def _one_each(match: re.Match[str]) -> str:
    """Adds the trees of "two more trees, one above and one below the house" one by one."""
    one = PLURALS[match["many"].lower()]
    return f"add a {one} {match['first']} {match['anchor']} and a {one} {match['second']} {match['anchor']}"


def _on_each_side(match: re.Match[str]) -> str:
    """Names one tree of "flanked by trees"."""
    return f"with a {match['looks']}{PLURALS[match['many'].lower()]} on each side"


def _at_least(match: re.Match[str]) -> str:
    """Counts the cats of "is there a third cat"."""
    kind = canonical(match["noun"].lower())
    if kind not in KINDS:
        return match[0]
    number = {"third": "three", "fourth": "four"}.get(match["rank"].lower().removeprefix("a "), "two")
    return f"are there at least {number} {match['looks']}{plural(kind)}"


def _with_row(match: re.Match[str]) -> str:
    """Names the row of "in the first row a cat, in the second a bird"."""
    row = re.search(r"\bin the (?:first|top) (row|column)\b", match.string, re.IGNORECASE)
    return match[0] if row is None else f"{match[0]} {row[1].lower()}"


_SENTENCES: tuple[Rule, ...] = (
    # Several on one side of the picture: "the upper balls", "all balls on the left".
    (
        (
            rf"\b{_WHICH}(?: (?P<number>two|three))? (?P<side>(?:top|upper|bottom|lower|left|right)(?:most|-hand)?)"
            rf"(?: (?P<count>two|three))?{_ONES}"
        ),
        _in_line,
    ),
    (
        (
            rf"\b(?:{_WHICH}(?: (?P<number>two|three))?{_ONES}|"
            rf"(?P<each>each|every(?: one of the)?)(?P<look>(?: (?:{LOOKS})){{0,2}}) (?P<one>{ONE}))"
            " (?:at|on|in) the "
            r"(?P<side>top|bottom|left|right)(?: side| edge)?(?! (?:side|edge|left|right|row|column|corner|half|of)\b)"
            r"(?! and (?:(?:on|at|in) )?(?:the )?(?:top|bottom|left|right)\b)"
        ),
        _in_line,
    ),
    # A side of the picture, named by its background: "on the left of a meadow".
    (
        (
            r"\b((?:on|at|to) the (?:far )?(?:left|right|top|bottom)(?: side)?) of (?:an?|the) "
            rf"(?=(?:\w{{1,20}} )?(?:{GROUND})\b)"
        ),
        r"\1, in the ",
    ),
    # A color, told by an object that has it: "as green as the tree".
    (rf"\b(?:just |exactly )?as ({_COLOUR}) as (?:an?|the) (?:(?:{LOOKS}) ){{0,2}}\w+", r"\1"),
    # What is said of one object alone, or twice: "the cat, but not the tree, blue", "a ball above and below it".
    (rf"\b(the (?:(?:{LOOKS}) ){{0,2}}\w+), (?:but )?not the (?:(?:{LOOKS}) ){{0,2}}\w+,", r"\1"),
    (r",? if (?:there (?:is|are) (?:one|any|some)|(?:it|they) (?:is|are) there)(?=\s*(?:[.!]|$))", ""),
    (
        (
            rf"\b(an? (?:(?:{LOOKS}) ){{0,2}}(?:{ONE})) (above|below|under|left of|right of) and "
            rf"(above|below|under|left of|right of) (the (?:(?:{LOOKS}) ){{0,2}}(?:{ONE}))\b"
        ),
        r"\1 \2 \4 and \1 \3 \4",
    ),
    (r"\bfirst (remove|delete|erase) (the [\w ]{1,30}), then (?=the\b)", r"first \1 \2, then \1 "),
    (rf"\b(an? (?:{ONE}))\b([^.;!?\n]{{0,40}}), (?:only|just) \1(?=\s*(?:[.;!?\n]|$))", r"\1\2"),
    (rf"\b({ONE}) ?\(({LOOKS})(?:(?:,| and) ?({LOOKS}))?\)", _looks_first),
    (
        (
            rf"\badd (?:two|2) (?:more )?(?P<many>{_MANY}),? one (?P<first>above|below|left of|right of) and one "
            rf"(?P<second>above|below|left of|right of) (?P<anchor>the (?:(?:{LOOKS}) ){{0,2}}(?:{ONE}))\b"
        ),
        _one_each,
    ),
    # What changes places.
    (
        (
            r"\b(?:put|move|place) (?P<one>the [\w ]{1,20}?) where (?P<other>the [\w ]{1,20}?) (?:is|was),? and "
            r"(?P=other) where (?P=one) (?:is|was)\b"
        ),
        r"swap \g<one> and \g<other>",
    ),
    # Where the sun sets, who arrives, and what stands on both sides.
    (r"(^|[.!?\n]\s*)the sun (?:sets|goes down) over (an? [^.;!?\n]{1,40}?)(?=\s*(?:[.!?\n]|$))", r"\1\2, at sunset"),
    (r"\bthe sun (sets|goes down|rises) over (?:the|it|them)\b(?: \w+)?(?=\s*(?:[.!?\n]|$))", r"the sun \1"),
    (
        (
            r"\b(?:they|she|he|it|the \w+) (?:(?:arrives?|arrived) at|(?:comes?|came|gets?|got) to|reach(?:es)?) "
            rf"(an? (?:(?:{LOOKS}) ){{0,2}}(?:{ONE}))(?=\s*(?:[.!?\n]|$))"
        ),
        r"\1 appears",
    ),
    (rf"\bflanked by (?:two )?(?P<looks>(?:(?:{LOOKS}) ){{0,2}})(?P<many>{_MANY})\b", _on_each_side),
    (
        rf"\b(the (?:(?:{LOOKS}) ){{0,2}}(?:{ONE})|it|she|he) climbs (?:up )?(?:on |onto )?(?=(?:the|an?) )",
        r"\1 moves on top of ",
    ),
    # A look said behind, where another "that" stands before: "a girl that stands next to a tree that is small".
    (
        (
            rf"\b(that [^.;!?\n]{{1,40}} an?) ((?:(?:{LOOKS}) ){{0,2}})({ONE}) (?:that|which) is ({LOOKS})"
            r"(?=\s*(?:[.;!,\n]|$))"
        ),
        r"\1 \4 \2\3",
    ),
    # Questions that end in a tag: "it is night, isn't it?"
    (
        (
            rf"(^|[.!?\n]\s*)(?:it's|it is|this is) (?P<when>(?:(?:in|at|by) )?(?:an? |the )?(?:{GROUND}|day)),? "
            r"(?:isn't (?:it|this)|is it not|right|no|correct)\s*\?"
        ),
        r"\1is it \g<when>?",
    ),
    # Questions that count: "are there exactly two cats", "is there a third one".
    (rf"\bexactly (?=(?:an?|{'|'.join(NUMBER_WORDS)}|\d)\b[^.;!?\n]{{0,80}}\?)", "only "),
    (r"\b(is there )a single (?=\w)", r"\1only one "),
    (
        rf"\bis there (?P<rank>another|a (?:second|third|fourth)) (?P<looks>(?:(?:{LOOKS}) ){{0,2}})(?P<noun>\w+)",
        _at_least,
    ),
    # The day as all that a sentence or clause says is a background, not a part of a title: "Night. A star. Then day."
    (
        (
            r"(^|[.;!?,\n])(\s*)(?:(?:and|then|afterwards|finally|at last|now|by|it is|it's|it becomes|it gets),? )*"
            r"(?:the )?day(?:light|time)?(?: comes| breaks)?(?=\s*(?:[.;!,\n]|$))"
        ),
        r"\1\2daytime",
    ),
    # What replaces something is in the same place.
    (
        (
            r"\b((?:replac|swap|exchang|substitut)\w*\b[^.;!?\n]{0,60}? (?:with|by|for) [^.;!?\n]{0,60}?),? "
            r"(?:in|at|on) (?:exactly )?(?:the (?:very )?same|its|that|their|his|her) "
            r"(?:place|spot|position|location)\b"
        ),
        r"\1",
    ),
    # How all of them look, behind what there is: "All cats are white: two cats, a tree."
    (
        (
            r"(^|[.!?\n]\s*)((?:(?:(?:all|both)(?: of)?(?: the)?|every|each|the) \w+|everything) (?:is|are) "
            rf"(?:{LOOKS})(?: and (?:{LOOKS}))?) ?[:;] ((?:an?|{SEVERAL})\b[^.!?;\n]*)"
        ),
        r"\1\3. \2",
    ),
    (
        (
            r"\b(with|on|under|above|below|beside|near|next to|behind|left of|right of) an? "
            rf"(?:(?:{LOOKS}) )*(?P<kind>\w+)\b(?P<between>[^.;!?\n]{{0,60}}\band\b[^.;!?\n]{{0,60}}\b\1 an? "
            rf"(?:(?:{LOOKS}) )+)one\b"
        ),
        _kind_again,
    ),
    # What color something has before it changes: "a ball turns from blue to red".
    (
        (
            r"\b(an?|the) (?P<thing>(?:(?:big|small) )?\w+) (?P<turns>turns|changes|goes|fades|becomes)(?: slowly)? "
            rf"from (?P<old>{_COLOUR}) (?:in)?to (?P<new>{_COLOUR})\b"
        ),
        r"\1 \g<old> \g<thing> turns \g<new>",
    ),
    # What is found comes back: "The cat runs away. The girl finds it."
    (
        (
            r"((?:\baway\b|\bleaves?\b|\blost\b|\bdisappears?\b|\bvanish(?:es)?\b|\bgone\b)(?s:.{0,200}?)[.;!]\s*)"
            r"(?:then )?(?:the \w+|she|he|it) (?:finds|found) (it|him|her|them|the \w+)(?: again)?"
            r"(?=\s*(?:[.;!,\n]|$))"
        ),
        r"\1\2 comes back",
    ),
    # What alone is kept, or is there.
    (r"\b(?:keep|leave) (?:only|just|nothing but) (?=the \w)", "remove everything but "),
    (rf"\bkeep the [\w ]{{1,40}}?,?(?: but)? not {_EXCEPTED}", r"remove \1"),
    (
        (
            rf"(?P<before>^|[.;!?\n]\s*|(?:\b(?:then|now|and|{GROUND}),?|,)\s+(?=(?:with|there)\b)|"
            rf"\b(?:then|now|{GROUND})\s+)(?P<intro>with |there (?:is|are) (?:now )?)?"
            rf"(?:(?:only|just|nothing (?:else )?but) (?P<what>{_THE_ONES})|(?P<last>{_THE_ONES}) only)"
            r"(?P<seen> (?:is|are|can be) (?:there|seen|visible|shown|in the picture))?"
            rf"(?=(?P<ground>,? (?:in|at|on|by|during) (?:the |an? )?(?:{GROUND})\b)|\s*(?:[.;!?,\n]|$))"
        ),
        _what_remains,
    ),
    (r"\bin the (?:second|third|last|middle|bottom)(?= (?:an?|the|one|two|three|\d)\b)", _with_row),
    (r"\b(?:furthest|farthest) (?=(?:left|right)\b)", "farthest to the "),
    # What is meant of several, or is not: "Make all cats red, but not the big one."
    (
        (
            r"\b(?:also )?(?:all (?:of )?)?(?:the )?(?:others?|rest)(?: (?:two|three|ones|things))?,? "
            r"(?:too|as well)\b|"
            r"\balso the others\b(?=\s*(?:[.;!]|$))"
        ),
        "the others follow",
    ),
    (
        (
            r"\b((?:all|both|every|each|the)(?: of)?(?: the)? (\w+)\b[^.;!?\n]{0,60}?,?"
            rf"(?: but| except(?: for)?|{_NOT_ONE}) the (?:{LOOKS}) )one\b"
        ),
        _kind_of_group,
    ),
    (
        (
            r"\b((?:remove|delete|erase) )(?:(?:all|both)(?: of)?(?: the)?|the) (\w+s),? "
            rf"(?:but(?: not)?|except(?: for)?) {_EXCEPTED}"
        ),
        r"\1all \2 except \3",
    ),
    (
        (
            r"\b((?:make|paint|colou?r|turn|dye) )((?:everything|(?:all|both)(?: of)?(?: the)?(?: \w+)?|"
            rf"(?:every|each) \w+|the \w+s)) ((?:{LOOKS})(?: and (?:{LOOKS}))?),?{_NOT_ONE} {_EXCEPTED}"
        ),
        r"\1\2 except \4 \3",
    ),
    # An order about the objects that were named last: "Swap their colors."
    (
        (
            r"(^|[.;!?\n]\s*)((?:(?:and|then|now|next|finally),? )*)(?:please )?(?:swap|exchange|trade|switch) their "
            r"(colou?rs?|sizes?)(?=\s*(?:[.;!\n]|$))"
        ),
        r"\1\2they swap \3",
    ),
)


def said_plainly(text: str) -> str:
    """Returns a text in sentences whose every word has one meaning for all readers; one that is too long unchanged.

    Examples:
        >>> said_plainly("Make it night, keep only the bird.")
        'Make it night, remove everything but the bird.'
    """
    if len(text) > _LONGEST:
        return text
    return on_top_of_it(rewritten(in_known_words(text), _SENTENCES, re.IGNORECASE))
