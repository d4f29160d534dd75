"""Answers questions about scenes: what there is, where, how many, which color, and how two scenes differ.

Rules over plain words; a question that no rule fits is refused. Knows no images.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from interleavethinker.microworld.language.clauses import read_sentence
from interleavethinker.microworld.language.phrases import Phrase, PhraseReader
from interleavethinker.microworld.language.plain_text import Sentence, canonical
from interleavethinker.microworld.language.templates import count_phrase, describe, name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import POSITIONS, Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .answers import Answer, difference_between

__all__ = ["answer", "is_question"]


_QUESTION = re.compile(
    r"^(?:(?:please|and|so|now|then) )*(?:(?:can|could|would) you (?:please )?(?:tell|say|describe|name|count|"
    r"find|see|compare|explain|spot)\b|"
    r"what\b|who\b|where\b|which\b|how (?:many|big|large|is|are|does|did|do)\b|is\b|are\b|does\b|do you (?:see|"
    r"know)\b|was\b|were\b|did\b|"
    r"describe\b|count\b|name\b|compare\b|spot\b|find (?:the|all)\b|"
    r"(?:say|tell|explain)(?: (?:me|us))? (?:what|where|which|how many|how|the (?:place|colour|color|number|"
    r"changes?|differences?|size)|about)\b|"
    r"i look for\b|number of\b|put (?:this|the) (?:picture|image) into words|write a (?:text|caption) for|words for\b|"
    r"(?:any|is there|are there|what)\b|list\b|the difference\b|difference)"
)
_DRAWS = re.compile(
    r"^(?:can|could|would|will) you (?:please )?(?!tell|say|describe|name|count|find|see|compare|explain|spot)"
)
_COMPARISON = re.compile(
    r"\b(?:differ\w*|changed?|changes|compare\w*|new in the second|was done|has happened|happened|between the "
    r"(?:two|first)|missing|disappeared|appeared|added|removed|same)\b"
)


def is_question(sentence: Sentence) -> bool:
    """Whether a sentence asks for words instead of an image."""
    text = " ".join(sentence.words)
    if _DRAWS.match(text):
        return False
    if _QUESTION.match(text):
        return True
    return sentence.question and read_sentence(tuple(map(canonical, sentence.words))) is None


def answer(sentences: Sequence[Sentence], scenes: Sequence[Scene]) -> Answer:
    """Answers a question about the last of the scenes, or about how the last two differ.

    Raises:
        InputError: No rule fits the question (`not_understood`), or what it asks about is not there (`not_there`) or
            not unique (`ambiguous`).
    """
    words = tuple(canonical(word) for sentence in sentences for word in sentence.words)
    text, scene = re.sub(r"^(?:(?:please|and|so|now|then|but) )+", "", " ".join(words)), scenes[-1]
    if len(scenes) > 1 and (_COMPARISON.search(text) or re.search(r"\b(?:two|both) (?:pictures|images)\b", text)):
        return difference_between(scenes[-2], scene)
    match = re.search(r"\b(?:first|second|third|last) (?:picture|image|one)\b", text)
    if match and len(scenes) > 1:
        number = {"first": 0, "second": 1, "third": 2, "last": len(scenes) - 1}[match.group().split()[0]]
        if number < len(scenes):
            scene = scenes[number]
        text = " ".join((text[: match.start()] + text[match.end() :]).split())
        text = re.sub(r" (?:in|on|of)(?: the)?$", "", text)
    elif _COMPARISON.search(text) and not re.search(r"\bhow many\b", text):
        raise InputError(
            "This question compares two images, but the request has one. Add a second image with --image FILE.",
            code="no_image",
        )
    for rule in (_count, _colour, _size, _where, _background, _exists, _what, _describe):
        found = rule(text, scene)
        if found is not None:
            return found
    msg = (
        f'Could not understand the question {text!r}. Ask, for example, "What is on the left?", "Where is the cat?", '
        '"Which '
        'colour has the ball?", "How many stars are there?", "Is there a tree?", or "Describe this picture.".'
    )
    raise InputError(msg, code="not_understood")


_LOOK = (
    r"(?:(?:can|could) you (?:please )?)?(?:(?:please |and |so )?(?:say|tell|name|look|find|explain|see)(?: (?:me|us|"
    r"for))?(?: ,| :)? )?"
)
_HERE = (
    r"(?: (?:are there|is there|there are|there is|do you see|can you see|do you count|are|is|have we|does the "
    r"picture (?:show|have|contain)|here|there|now|in (?:the|this) (?:picture|image|scene)|on (?:the|this) "
    r"(?:picture|image)|can be seen|this is|in total|altogether))*"
)
_THINGS = frozenset({"thing", "things", "object", "objects", "items", "what"})
_THING = rf"(?:(?P<size>{'|'.join(SIZES)}) )?(?:(?P<colour>{'|'.join(COLOURS)}) )?(?P<noun>\w+)"


def _count(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:how many|count|(?:what is )?(?:the )?number of)(?: (?:all|of))?(?: the)? {_THING}{_HERE}|"
        rf"count what is here|{_LOOK}how many(?P<bare>{_HERE})|"
        rf"how many is this",
        text,
    )
    if match is None:
        return None
    noun = match["noun"]
    if noun is not None and noun not in _THINGS:
        reader = PhraseReader((noun,)).phrases(0)
        kind = reader[0][0].kind if reader else ""
        if not kind:
            if noun == "colours":
                number = len({obj.colour for obj in scene.objects.values()})
                return Answer("count", f"There are {number} colours.", (_number(number),))
            return None
        found = [obj for obj in scene.objects.values() if obj.kind == kind and _fits(match, obj)]
        text = f"There {'is' if len(found) == 1 else 'are'} {len(found) or 'no'} {_described(match, kind, len(found))}."
        return Answer("count", text, (_number(len(found)),))
    found = [obj for obj in scene.objects.values() if noun is None or _fits(match, obj)]
    if noun is not None and (match["colour"] or match["size"]):
        words = " ".join(filter(None, (match["size"], match["colour"])))
        text = f"There {'is' if len(found) == 1 else 'are'} {len(found)} {words} thing{'s' if len(found) != 1 else ''}."
        return Answer("count", text, (_number(len(found)),))
    return Answer("count", f"{count_phrase(len(found))}.", (_number(len(found)),))


def _fits(match: re.Match[str], obj: SceneObject) -> bool:
    return match["size"] in {None, obj.size} and match["colour"] in {None, obj.colour}


def _described(match: re.Match[str], kind: str, count: int) -> str:
    return " ".join(filter(None, (match["size"], match["colour"], kind if count == 1 else plural(kind))))


def _number(count: int) -> frozenset[str]:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return frozenset({str(count), words[count], *({"zero", "none"} if count == 0 else ())})


def _colour(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:(?:what|which) (?:is the )?colour (?:has|is|of|does|are)(?P<a> .+?)(?: have| has)?|(?:what "
        rf"is )?(?:the )?colour of(?P<b> .+)|"
        rf"how (?:is|are)(?P<c> .+) (?:painted|coloured)|(?P<d>.+) has which colour|which colour(?P<e> .+) has|"
        rf"(?P<f>.+) is which colour|"
        rf"in (?:what|which) colour is(?P<g> .+))",
        text,
    )
    if match is None:
        return None
    named = next(group for group in match.groups() if group).strip()
    _, obj = _one(named, scene)
    return Answer(
        "colour", f"The {obj.kind} is {obj.colour}.", (frozenset({obj.colour}),), frozenset(COLOURS) - {obj.colour}
    )


def _size(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:how (?:big|large) (?:is|are) (?P<a>.+)|(?:what|which) size (?:has|is|does) (?P<b>.+?)(?: "
        rf"have)?|(?:what is )?the size of (?P<c>.+))",
        text,
    )
    if match is None:
        return None
    _, obj = _one(next(group for group in match.groups() if group), scene)
    return Answer("size", f"The {obj.kind} is {obj.size}.", (frozenset({obj.size}),), frozenset(SIZES) - {obj.size})


def _where(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:where (?:is|are|can i (?:find|see)|do you see) (?P<a>.+?)|where (?P<b>.+?) (?:is|are)|in "
        rf"(?:which|what) place (?:is|are) (?P<c>.+)|"
        rf"the place of (?P<d>.+)|find (?P<e>.+)|i look for (?P<f>.+?) ?,? where is it|(?P<g>the .+) is "
        rf"where)(?: in (?:the|this) picture| now| exactly)?",
        text,
    ) or re.fullmatch(r"(?:please )?(?:can you )?find (?P<a>the .+)", text)
    if match is None:
        return None
    cell, obj = _one(next(group for group in match.groups() if group), scene)
    words = POSITIONS[cell].split()
    others = {"top", "bottom", "left", "right", "middle", "centre"} - set(words)
    if cell in {3, 5, 1, 7}:
        others -= {"middle", "centre"}
    required = tuple(frozenset({word, *({"centre", "center"} if word == "middle" else ())}) for word in words)
    return Answer("where", f"The {obj.kind} is {place(cell)}.", required, frozenset(others))


def _background(text: str, scene: Scene) -> Answer | None:
    fits = re.fullmatch(
        rf"{_LOOK}(?:(?:what|which|how) (?:is )?(?:the )?(?:background|weather|time of (?:the )?day|place|season|"
        rf"setting)(?: is (?:it|this|that|there))?(?:{_HERE})|"
        r"where (?:does (?:this|it) (?:happen|take place)|is this|are we)|what time (?:of (?:the )?day )?is it|"
        r"what is in the background|name the background)",
        text,
    )
    if fits is None:
        found = re.fullmatch(
            rf"is (?:it|this|the background|the scene)(?: (?:in|on|at|by|a|an|the))* "
            rf"(?P<ground>{'|'.join(BACKGROUNDS)})",
            text,
        )
        if found is None:
            return None
        yes = found["ground"] == scene.background
        where = BACKGROUND_PHRASES[scene.background][0]
        return Answer(
            "exists", f"{'Yes' if yes else 'No'}, the picture is {where}.", (frozenset({"yes" if yes else "no"}),)
        )
    others = frozenset(BACKGROUNDS) - {scene.background}
    return Answer(
        "background",
        f"The picture is {BACKGROUND_PHRASES[scene.background][0]}.",
        (frozenset({scene.background}),),
        others,
    )


def _exists(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:is there|are there|do you see|can you see|does the picture (?:show|contain|have)|do we have|"
        rf"have we)(?: any| also)? (?P<rest>.+?)(?: here| there| in (?:the|this) (?:picture|image))?",
        text,
    )
    rest = match["rest"] if match else None
    if rest is None:
        subject = re.fullmatch(r"(?:is|are) (?P<who>(?:the|this|that) .+)", text)
        return None if subject is None else _predicate(subject["who"], scene)
    phrase = _phrase(rest)
    if phrase is None or not phrase.kind:
        return None
    found = [cell for cell, obj in scene.objects.items() if _matches(phrase, cell, obj)]
    if phrase.count > 1 and len(found) < phrase.count and not rest.split()[0].endswith("s"):
        found = []
    if not found:
        return Answer(
            "exists",
            f"No, there is no {_phrase_words(phrase)}.",
            (frozenset({"no", "not", "none"}),),
            frozenset({"yes"}),
        )
    obj = scene.cells[found[0]]
    assert obj is not None  # noqa: S101 - an occupied cell
    shown = f"{with_article(name(obj))} {place(found[0])}"
    return Answer("exists", f"Yes, there is {shown}.", (frozenset({"yes"}),), frozenset({"no"}))


def _predicate(text: str, scene: Scene) -> Answer | None:
    """Answers "is the ball red", "is the cat on the left"."""
    reader = PhraseReader(tuple(text.split()))
    for phrase, end in sorted(reader.phrases(0), key=lambda one: one[1]):
        rest = text[end:]
        if not rest or phrase.where:
            continue
        _, obj = _one_of(phrase, scene)
        cell = next(at for at, other in scene.objects.items() if other is obj)
        if rest in COLOURS or rest in SIZES:
            yes = rest in obj.named
            text = f"{'Yes' if yes else 'No'}, the {obj.kind} is {obj.colour if rest in COLOURS else obj.size}."
        else:
            where = [one for one, last in reader.wheres(end) if last >= len(reader.text) and one.cells]
            if not where:
                return None
            yes = cell in where[0].cells
            text = f"{'Yes' if yes else 'No'}, the {obj.kind} is {place(cell)}."
        return Answer("exists", text, (frozenset({"yes" if yes else "no"}),), frozenset({"no" if yes else "yes"}))
    return None


def _what(text: str, scene: Scene) -> Answer | None:
    text = re.sub(r"^look (?P<place>.+?)(?: :| ,) what is it$", r"what is \g<place>", text)
    match = re.fullmatch(
        rf"{_LOOK}(?:what|which (?:thing|object))? ?(?:is|are|thing is|do you see|do we have|can you see|lies|"
        rf"stands|can be seen|the (?:thing|object))? ?(?:there )?(?P<place>(?:in|on|at|next|left|right|above|"
        rf"below|to|between|beside|under|over) .+?)(?: ,? ?what can be seen)?",
        text,
    )
    if match is None:
        return None
    reader = PhraseReader(tuple(match["place"].split()))
    for where, end in reader.wheres(0):
        if end < len(reader.text):
            continue
        cells = set(where.cells)
        if where.relation:
            anchors = [_one_of(anchor, scene)[0] for anchor in where.anchors]
            from .required_scene import Relation

            relation = Relation(where.relation, tuple(range(len(anchors) + 1)))  # type: ignore[arg-type]
            cells = {cell for cell in scene.objects if cell not in anchors and relation.holds((cell, *anchors))}
        found = [(cell, scene.cells[cell]) for cell in sorted(cells) if scene.cells[cell] is not None]
        if not found:
            return Answer(
                "what",
                f"There is nothing {match['place']}.",
                (frozenset({"nothing", "no", "empty", "none"}),),
                frozenset(KINDS) - set(match["place"].split()),
            )
        shown = " and ".join(with_article(name(obj)) for _, obj in found if obj)
        required = tuple(frozenset({word}) for _, obj in found if obj for word in (obj.kind, obj.colour))
        kinds = {obj.kind for _, obj in found if obj}
        verb = "It is" if len(found) == 1 else "There are"
        return Answer(
            "what", f"{verb} {shown}.", required, frozenset(KINDS) - kinds if not where.relation else frozenset()
        )
    return None


def _describe(text: str, scene: Scene) -> Answer | None:
    fits = re.fullmatch(
        rf"{_LOOK}(?:describe(?: (?:this|the|my|it))?(?: (?:picture|image|scene))?|what (?:is|are) (?:this|that|"
        rf"these|it|here|there)(?: (?:picture|image|scene|a picture of))?(?: about)?|"
        r"what (?:does|do|can|could|is|are|you|i|we|the|this|see|seen|be|show|shown|shows|on|in|it|picture|image|"
        r"scene|there|here|to|of|a| )+|"
        r"put (?:this|the) (?:picture|image) into words|about (?:this|the) (?:picture|image)|write a (?:text|"
        r"caption) for (?:this|the) (?:picture|image)|words for (?:this|the) (?:picture|image)(?: ,? ?please)?|"
        r"what this (?:picture|image) shows|list (?:the|all|all the)? ?(?:things|objects)|which (?:things|"
        r"objects) (?:are there|do you see|are in (?:the|this) picture)|"
        r"what (?:things|objects) (?:are there|do you see|are in (?:the|this) picture|are here)|who (?:is|are) "
        r"(?:this|that|there|here))(?: in (?:the|this) (?:picture|image))?(?: please)?",
        text.rstrip(" ,"),
    )
    if fits is None:
        return None
    required = tuple(
        frozenset({word}) for obj in scene.objects.values() for word in dict.fromkeys((obj.kind, obj.colour))
    )
    named = {obj.kind for obj in scene.objects.values()}
    return Answer(
        "describe",
        f"The picture shows {describe(scene)}.",
        (*required, frozenset({scene.background})),
        (frozenset(KINDS) - named) | (frozenset(BACKGROUNDS) - {scene.background}),
    )


def _phrase(text: str) -> Phrase | None:
    reader = PhraseReader(tuple(text.split()))
    return next((phrase for phrase, end in reader.phrases(0) if end >= len(reader.text)), None)


def _one(text: str, scene: Scene) -> tuple[int, SceneObject]:
    phrase = _phrase(text.strip(" ,"))
    if phrase is None or phrase.parts:
        raise InputError(
            f"The question does not name an object that the micro world knows: {text!r}.", code="not_understood"
        )
    return _one_of(phrase, scene)


def _one_of(phrase: Phrase, scene: Scene) -> tuple[int, SceneObject]:
    found = [(cell, obj) for cell, obj in scene.objects.items() if _matches(phrase, cell, obj)]
    if not phrase.kind and phrase.pronoun and len(scene.objects) != 1:
        found = []
    if len(found) == 1:
        return found[0]
    words = _phrase_words(phrase)
    if not found:
        raise InputError(f"The image does not contain the {words}; it contains {describe(scene)}.", code="not_there")
    places = " or ".join(f"the {name(obj)} {place(cell)}" for cell, obj in found)
    raise InputError(f'Ambiguous: "the {words}" could be {places}. Add a color, size or position.', code="ambiguous")


def _matches(phrase: Phrase, cell: int, obj: SceneObject) -> bool:
    if any(where.relation for where in phrase.where):
        raise InputError("Name the object by its color, size or position in the image.", code="not_understood")
    return (
        phrase.kind in {"", obj.kind}
        and (not phrase.colours or obj.colour in phrase.colours)
        and (not phrase.sizes or obj.size in phrase.sizes)
        and all(cell in where.cells for where in phrase.where)
    )


def _phrase_words(phrase: Phrase) -> str:
    words = [*(sorted(phrase.sizes)), *(sorted(phrase.colours)), phrase.kind or "object"]
    return " ".join(words) + "".join(f" {place(min(where.cells))}" for where in phrase.where if where.cells)
