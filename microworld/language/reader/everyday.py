"""Brings everyday wordings into those that the rules know: "the bird lands on the roof", "change red to green".

One table of patterns over a whole request; each holds for a whole sentence or for words that mean the same wherever
they stand. Knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import Rule, compiled, rewritten
from interleavethinker.microworld.language.key_words import COLOUR, GROUND, LOOK, MANY, ONE, SPOT, kind_named
from interleavethinker.microworld.language.plain_text import PLURALS, canonical
from interleavethinker.microworld.scenes.sprites import KINDS

__all__ = ["in_known_words"]

_START = r"(?P<start>^|[.!?;\n]\s*)"
_BEGIN = r"(?:^|(?<=[.!?;\n])|(?<=[.!?;\n] ))"
_END = r"(?=\s*(?:[.!?;,\n]|$))"
_STOP = r"(?=\s*(?:[.!?;\n]|$))"
_ONE = rf"{LOOK}(?:{ONE})"
_THE = rf"the {_ONE}"
_AT = rf"(?:on|in|at) the {SPOT}(?: side| corner)?"
_MOVES = (
    "(?:rolls?|moves?|jumps?|hops?|walks?|runs?|flies|swims?|drives?|sails?|goes|dives?|slides?|floats?|crawls?|"
    "wanders?|drifts?|races?|travels?|falls?|drops?|climbs?|rises?)"
)
_LANDS = (
    "(?:flies|jumps|hops|leaps|lands|sits(?: down)?|perches|settles(?: down)?|gets|steps|walks|runs|climbs(?: up)?)"
)
_BESIDE = "(?:next to|beside|above|below|under|(?:to the )?(?:left|right) of)"
_NOT_SHE = frozenset(KINDS) - {"girl"}
_IT_DOES = (
    rf"(?:turns|becomes|gets|moves|goes|flies|runs|walks|swims|rolls|grows|shrinks|leaves|disappears|vanishes|jumps|hops)"
    rf"\b(?! (?:(?:to |a |the )?(?:{GROUND})|dark|late|cold|warm|light|day)\b)"
)
_SEES = (
    r"\b(?:it|he|she) (?:sees|saw|finds|meets|met|passes|spots|notices|watches|visits|reaches) "
    rf"an? (?:\w+ ){{0,2}}(?P<seen>{ONE})[.;!] (?:then )?(?P<again>it|he|she)\b"
)
_PAINTED = (
    rf"(?:{_BEGIN}|(?<=and )|(?<=then ))(?P<who>the \w+|she|he) "
    r"(?:paints|painted|colou?rs|colou?red|dyes|dyed|makes|made|turns|turned) "
    rf"(?P<what>{_THE}) (?P<look>{COLOUR})"
    rf"(?:{_END}|(?P<goes> and (?!(?:it|the|an?|then|she|he|they|{COLOUR})\b)(?=\w)))"
)
"""What somebody does to something else's color."""
_PRONOUN = (
    rf"\bshe\b(?= \w)|{_BEGIN}(?:and |then |but )?it(?= {_IT_DOES})|"
    r"\b(?:pushes|pulls|kicks|throws|rolls|moves|drags|paints) it\b"
)
_SMALL, _BIG = "(?:small|little|tiny)", "(?:big|large|huge)"
_OPPOSITE = {"above": "below", "below": "above", "under": "above", "left of": "right of", "right of": "left of"}


def _seen_from(match: re.Match[str]) -> str:
    """Asks "what is below the cat" for "what is the cat above"."""
    relation = match["relation"].lower().removeprefix("to the ")
    return f"{match['start']}what is {_OPPOSITE.get(relation, relation)} {match['thing']}"


def _other_size(match: re.Match[str]) -> str:
    return f"{match['before']}{'big' if canonical(match['size'].lower()) == 'small' else 'small'}"


def _from_place_to_place(match: re.Match[str]) -> str:
    """Tells "a ball: left, middle, right" in sentences."""
    first, *others = (place.strip() for place in re.split(r",(?: and| then)?", match["places"]))
    told = "".join(f" It moves to the {place}." for place in others)
    return f"{match['start']}{match['thing']} {_placed(first)}.{told}".removesuffix(".")


def _on_top(match: re.Match[str]) -> str:
    """Says of what lands on a roof or in a tree that it is on top of it."""
    return f"{match['one']} moves on top of the {'house' if match['part'].lower() == 'roof' else 'tree'}"


def _alone_again(match: re.Match[str]) -> str:
    """Says of "a cat and a bird, in the end just a bird" which of them remains."""
    kind = match["noun"].split()[-1]
    told = re.findall(
        rf"\b(an?|the|one) (?:\w+ )?{kind}\b|\b({kind})s?\b", match.string[: match.start()], re.IGNORECASE
    )
    return f"{match['when']} only the {match['noun']} remains" if len(told) == 1 and told[0][0] else match[0]


def _both_at_the_first(match: re.Match[str]) -> str:
    """Names the tree to which a cat and a bird lie in "a tree with a cat on the left and a bird above"."""
    host = f"the {match['one'].split()[-1]}"
    second = f"{match['second']} {match['side']} of {host}"
    return f"{match['start']}{match['one']}, {second} and {match['third']} {match['over']} {host}"


def _beside_the_first(match: re.Match[str]) -> str:
    """Names the tree in "a tree. left of it a house. above it a star"."""
    host = match["one"].split()[-1]
    others = re.sub(r"\b(?:it|him|her)\b", f"the {host}", match["others"], flags=re.IGNORECASE)
    return f"{match['start']}{match['one']}{others}"


def _turns(match: re.Match[str]) -> str:
    """Says of what "the girl paints the house blue and goes away" that the house turns blue, and that the girl goes."""
    goes = f" and {match['who']} " if match["goes"] else ""
    return f"{match['what']} turns {match['look']}{goes}"


def _both_sizes(match: re.Match[str]) -> str:
    one = f"{match['look']}{PLURALS[match['many'].lower()]}"
    return f"a big {one} and a small {one}"


def _both_sides(match: re.Match[str]) -> str:
    one = f"{match['look']}{PLURALS[match['many'].lower()]}"
    return f"{match['add']}a {one} on the left and a {one} on the right"


def _placed(spot: str) -> str:
    return f"{'on' if spot.lower() in {'left', 'right'} else 'in'} the {spot}"


_WORDINGS: tuple[Rule, ...] = (
    # How many there are.
    (
        rf"(?<!how )(?<!as )(?<!too )(?<!so )(?<!that )(?<!equally )\bmany (?={LOOK}(?:{MANY})\b)",
        "five ",
    ),
    (
        rf"\b(?:(?:a lot|lots|loads|tons|plenty|a bunch|a whole bunch|heaps) of|a lot more) (?={LOOK}(?:{MANY})\b)",
        "five ",
    ),
    (rf"\b({GROUND}|sky|field)(?: that is| is)? (?:full of|filled with) (?={LOOK}(?:{MANY})\b)", r"\1 with five "),
    (r"\bstarry (?:night(?: sky)?|sky) (?:with|over|and) ", "night with three stars and "),
    (r"\bstarry (?:night(?: sky)?|sky)(?= (?:above|over)\b|\s*(?:[.!?;,\n]|$))", "night with three stars"),
    (rf"\b(double|halve) the (?={LOOK}(?:{MANY})\b)(?!{LOOK}(?:{ONE})\b)", r"\1 the number of "),
    # Where they are.
    (
        rf"\btwo (?P<look>{LOOK})(?P<many>{MANY}),? one (?:of them )?(?:bigger|smaller|larger) than the other\b",
        _both_sizes,
    ),
    (
        rf"{_START}(?:(?:and|there is|there's) )?(?:every|each) corner (?:has|holds|contains) (?P<one>an? {_ONE})\b",
        r"\g<start>\g<one> in every corner",
    ),
    (
        rf"{_START}(?:in|on) each corner (?:is|there is|stands|sits) (?P<one>an? {_ONE})\b",
        r"\g<start>\g<one> in every corner",
    ),
    (
        (
            rf"(?P<add>{_BEGIN}(?:add |draw |put )?)two (?P<look>{LOOK})(?P<many>{MANY}),? one on (?:each|either) side"
            rf"{_STOP}"
        ),
        _both_sides,
    ),
    (
        (
            rf"{_START}in the background,? (?:there is |is )?(?:an? |the )?(?P<ground>{GROUND})[,;.]? (?:and )?in "
            rf"(?:the )?(?:front|foreground)(?: of it)?,? (?:there is |is )?(?P<what>an? [^.!?;\n]{{1,60}}){_STOP}"
        ),
        r"\g<start>\g<what>, with a \g<ground> in the background",
    ),
    (
        (
            rf"{_START}(?:an? |the )?(?P<ground>{GROUND}) in the background,? (?:and|with) "
            rf"(?P<what>an? [^.!?;\n]{{1,60}}?) in (?:the )?(?:front|foreground){_STOP}"
        ),
        r"\g<start>\g<what>, with a \g<ground> in the background",
    ),
    (r"\bby day and (?:by|at) night\b", "at day and at night"),
    (rf"{_START}the sun rises over (?P<what>an? [^.!?;\n]{{1,40}}?){_STOP}", r"\g<start>\g<what>, in the daytime"),
    (rf"{_START}one (?:(?!winter|snowy|summer)\w{{1,12}} )?night,? (?=(?:an?|the) )", r"\g<start>at night, "),
    (rf"{_START}one (?:(?!winter|snowy|summer)\w{{1,12}} )?evening,? (?=(?:an?|the) )", r"\g<start>at sunset, "),
    (rf"{_START}one (?:winter|snowy) (?:day|morning|afternoon),? (?=(?:an?|the) )", r"\g<start>in the snow, "),
    (
        (
            rf"{_START}(?P<one>an? {_ONE}) with (?P<second>an? {_ONE}) (?:on|to) (?:the|its|her) (?P<side>left|right)"
            rf"(?: of (?:it|her))?,? and (?P<third>an? {_ONE}) (?P<over>above|below|over|under)(?: it| her| him)?{_END}"
        ),
        _both_at_the_first,
    ),
    (
        (
            rf"{_START}(?P<one>an? {_ONE})"
            rf"(?P<others>(?:[.;] {_BESIDE} (?:it|him|her),?(?: is| stands)? an? {_ONE}){{2,6}}){_STOP}"
        ),
        _beside_the_first,
    ),
    # Where they go.
    (
        (
            rf"{_START}(?P<one>an? {_ONE})(?: (?:that|which) is)? (?P<at>{_AT}) (?:slowly |quickly |then )?{_MOVES} "
            rf"(?:over |all the way |down |up |across )?to the (?P<to>{SPOT})\b"
        ),
        r"\g<start>\g<one> \g<at>. It moves to the \g<to>",
    ),
    (
        rf"{_START}(?P<thing>an? {_ONE}) ?: ?(?P<places>{SPOT}(?:,(?: and| then)? {SPOT}){{1,7}}){_STOP}",
        _from_place_to_place,
    ),
    (
        (
            rf"\b(?P<one>{_THE}|it|she|he) {_LANDS} (?:onto|on top of|on|in|into) (?:the|its|her) "
            rf"(?P<part>roof|tree|branch)(?: of the (?:{ONE}))?{_END}"
        ),
        _on_top,
    ),
    (
        rf"\b(?P<one>{_THE}|it|she|he) {_LANDS} (?:onto|on top of|on) (?=(?:the|an?) {_ONE}\b(?! side))",
        r"\g<one> moves on top of ",
    ),
    (
        rf"\b((?:put|place|set) an? {_ONE}) (?:on|onto|on top of) (?=(?:it|{_THE})\b(?! side))",
        r"\1 above ",
    ),
    (rf"\b(move (?:it|{_THE}) )(?:closer|nearer) to (?=(?:{_THE}|it)\b)", r"\1next to "),
    (
        rf"\b(?P<one>{_THE}|it|she) has (?P<what>an? {_ONE}) on (?:each|both|either) sides?{_STOP}",
        r"add \g<what> left of \g<one> and \g<what> right of \g<one>",
    ),
    # What becomes of them.
    (
        (
            r"\b(?P<when>then|later|in the end|finally|at last|now),? (?:there is |it is )?(?:just|only) (?:an?|one) "
            rf"(?P<noun>{_ONE}){_STOP}"
        ),
        _alone_again,
    ),
    (
        (
            rf"\b((?:make|paint|colou?r|turn|dye) [^.;!?\n]{{1,30}}?) not (?:(?:{COLOUR})(?=,? but (?:{COLOUR}))|"
            rf"{_SMALL}(?=,? but {_BIG})|{_BIG}(?=,? but {_SMALL})),? but "
        ),
        r"\1 ",
    ),
    (
        rf"\b(?P<before>make [^.;!?\n]{{1,30}}? )(?:not (?:so|as|that)|less) (?P<size>{_SMALL}|{_BIG}){_END}",
        _other_size,
    ),
    (
        (
            rf"{_START}(?:please )?(?:change|turn|make) (?:everything |all |the )?(?P<old>{COLOUR}) (?:in)?to "
            rf"(?P<new>{COLOUR}){_STOP}"
        ),
        r"\g<start>make everything \g<old> \g<new>",
    ),
    (
        (
            rf"\b(?P<one>{_THE}|it|she|he) grows (?:as (?:big|tall|large) as|to the size of|(?:taller|bigger) than) "
            rf"{_THE}\b"
        ),
        r"\g<one> gets big",
    ),
    (rf"\b(?P<one>{_THE}|it|she|he) shrinks (?:as (?:small|little) as|to the size of) {_THE}\b", r"\g<one> gets small"),
    (rf"\b(is|turns|becomes|gets) ({COLOUR}),? (?:just )?like {_THE}{_STOP}", r"\1 \2"),
    (
        (
            rf"\b(?:everyone|everybody|all) (but|except) ({_THE}) (?:leaves?|goes|go|runs?|flies|fly)(?: away| off)?"
            rf"{_STOP}"
        ),
        r"everything \1 \2 goes away",
    ),
    (
        rf"{_START}(?:please )?show (?:me )?(?:only (?P<what>{_THE})|(?P<last>{_THE}) only){_STOP}",
        lambda match: f"{match['start']}remove everything but {match['what'] or match['last']}",
    ),
    # What is asked.
    (rf"{_START}(is|are|does|do|has|have)n[’']t (?=(?:the|there|it)\b[^.!;\n]{{1,80}}\?)", r"\g<start>\2 "),
    (
        (
            rf"{_START}(?:is|are) (?:one|any|either)(?: of the| of these| of them)? (?P<noun>{MANY}|{ONE}) "
            rf"(?P<look>{COLOUR}|{_SMALL}|{_BIG})(?=\s*\?)"
        ),
        r"\g<start>is there a \g<look> \g<noun>",
    ),
    (
        (
            rf"{_START}what is (?P<thing>the {_ONE}) (?P<relation>next to|beside|near|above|below|under|"
            r"(?:to the )?(?:left|right) of)(?=\s*\?)"
        ),
        _seen_from,
    ),
    (rf"\bthe ((?:{COLOUR}|{_SMALL}|{_BIG})) one(?=[^.!;\n]{{0,60}}\?)", r"the \1 thing"),
)


def in_known_words(text: str) -> str:
    """Returns a text in wordings that the rules know.

    Examples:
        >>> in_known_words("The bird lands on the roof.")
        'The bird moves on top of the house.'
        >>> in_known_words("Change red to green!")
        'make everything red green!'
    """
    told = _pronouns_named(_subject_named(rewritten(text, _WORDINGS, re.IGNORECASE)))
    return compiled(_PAINTED, re.IGNORECASE).sub(_turns, told)


def _subject_named(text: str) -> str:
    """Names who goes on in "A bird in the snow. It sees a house. It flies off."."""
    found = compiled(_SEES, re.IGNORECASE).search(text)
    if found is None:
        return text
    kinds = set(map(kind_named, re.findall(r"\w+", text[: found.start()]))) & {*KINDS}
    if len(kinds) != 1 or kind_named(found["seen"]) in kinds:
        return text
    return f"{text[: found.start('again')]}the {min(kinds)}{text[found.end('again') :]}"


def _pronouns_named(text: str) -> str:
    """Names the only girl of a story, and what else there is, where a pronoun of theirs follows the other.

    "A girl sees a boat. She goes home." and "A girl has a cat. She goes to the left. It turns red."
    """
    girls = [word for word in re.finditer(r"\w+", text) if kind_named(word.group()) == "girl"]
    articles = [re.search(r"\b(an?|one|the) (?:\w+ ){0,2}$", text[: one.start()], re.IGNORECASE) for one in girls]
    told_of = [one[1].lower() for one in articles if one is not None]
    if len(told_of) != len(girls) or told_of[:1] in ([], ["the"]) or set(told_of[1:]) - {"the"}:
        return text  # none, several, or one that is not introduced here
    told, at = "", 0
    for pronoun in compiled(_PRONOUN, re.IGNORECASE).finditer(text):
        before, between = text[: pronoun.start()], text[max(at, girls[0].end()) : pronoun.start()]
        others = {word for word in re.findall(r"\w+", before) if PLURALS.get(word, kind_named(word)) in _NOT_SHE}
        words = pronoun.group()
        if words.lower().endswith("it"):
            words = f"{words[:-2]}the {min(others)}" if len(others) == 1 and not others & PLURALS.keys() else words
        elif any(kind_named(word) in _NOT_SHE for word in re.findall(r"\w+", between)):
            words = f"the {girls[0].group()}"
        told += text[at : pronoun.start()] + words
        at = pronoun.end()
    return told + text[at:]
