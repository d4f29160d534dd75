"""Answers questions about scenes: what there is, where, how many, which color, and how two scenes differ.

Rules over plain words; a question that no rule fits is refused. Knows no images.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.phrases import PhraseReader
from interleavethinker.microworld.language.plain_text import Sentence, canonical
from interleavethinker.microworld.language.templates import count_phrase, describe, name, place, with_article
from interleavethinker.microworld.language.vocabulary import plural
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS, SIZES
from interleavethinker.tools.errors import InputError

from .answers import Answer, background_answer, colour_answer, joined, number_words, size_answer, where_answer
from .asked_objects import GROUPS, all_of, asked, cells_at, one_of
from .comparisons import compare, in_all
from .first_reading import text_of
from .object_questions import OBJECT_QUESTIONS, listed
from .pair_questions import PAIR_QUESTIONS
from .question_forms import is_question
from .question_wordings import TWO_PLACES, plain_question
from .scene_questions import SCENE_QUESTIONS, whether_seen, whether_there, with_extreme
from .yes_no import YES_NO

__all__ = ["answer", "check_question", "is_question"]

_TWO = re.compile(
    r"\b(?:differ\w*|changed?|changes|compare\w*|new in the second|was done|has happened|happened|between the "
    r"(?:two|first)|missing|disappeared|appeared|added|removed|same(?! (?:colour|size) as the)|moved|"
    r"(?:first|second) (?:picture|image))\b|\bwhich (?:picture|image)\b"
)
"""Questions that need a second image."""


def answer(sentences: Sequence[Sentence], scenes: Sequence[Scene]) -> Answer:
    """Answers questions about the last of the scenes, or about how the last two differ.

    Raises:
        InputError: There is no image (`no_image`), no rule fits the question (`not_understood`), or what it asks about
            is not there (`not_there`) or not unique (`ambiguous`).
    """
    if not scenes:
        msg = f'This request asks about an image ("{text_of(sentences)}"), but no image was given; add --image FILE.'
        raise InputError(msg, code="no_image")
    texts = [" ".join(map(canonical, sentence.words)) for sentence in sentences]
    found, problem = _tried(" ".join(texts), scenes)
    if found is not None:
        return found
    answers: list[Answer] = []
    named = ""
    parts = [part for text in texts for part in _PARTS.split(plain_question(_LEAD.sub("", text)))]
    for text in parts if len(parts) > 1 else ():
        named = named or (_the_one(answers[-1]) if answers else "")
        part = re.sub(r"\b(?:it|he|she)\b", named, text) if named else text
        named = next(iter(re.findall(rf"the (?:[a-z]+ ){{0,2}}?(?:{_NAMES})\b", part)), named)
        if (found := _tried(part, scenes)[0]) is not None:
            answers.append(found)
    if answers and len(answers) == len(parts):
        return joined(answers)
    if problem is not None:
        raise problem
    msg = (
        f'Could not understand the question {" ".join(texts)!r}. Ask, for example, "What is on the left?", "Where is '
        'the cat?", "Which colour has the ball?", "How many stars are there?", "Is there a tree?", or "Describe this '
        'picture.".'
    )
    raise InputError(msg, code="not_understood")


def _the_one(found: Answer) -> str:
    """Names the one object that an answer lists: "it" of the next question."""
    one = re.fullmatch(r"It is an? (.+)\.", found.text)
    return f"the {one[1]}" if one is not None and " and " not in one[1] else ""


def _tried(text: str, scenes: Sequence[Scene]) -> tuple[Answer | None, InputError | None]:
    """Returns the answer, or why a rule that fits the question could not read it."""
    plain = _LEAD.sub("", _TAIL.sub("", _LEAD.sub("", text)))
    problem = None
    for wording in dict.fromkeys((text, plain_question(plain))):
        try:
            if (found := _answer(wording, scenes)) is not None:
                return found, None
        except InputError as error:
            problem = problem or error
    if problem is not None and problem.code != "not_understood":
        raise problem
    return None, problem


_WAS = re.compile(
    r"(?P<ask>where|what colour|(?:how many|which|what) \w+|how (?:big|large|small)|what|who) (?P<be>was|were)(?= )"
)
"""Asks what the image before shows: "where was the ball"."""
_NAMES = "|".join((*KINDS, *GROUPS))
_PARTS = re.compile(
    r"(?: ,)? and (?=(?:what|where|which|who|how|is|are|does|do|the (?:colour|size|place|number|background))\b)|"
    r" , (?=(?:what|where|which|who|how|is|are)\b)"
)
"""Between two questions of one sentence."""
_LEAD = re.compile(r"^(?:(?:please|and|so|now|then|but|,|ok|hi|hello|hey|well|could you please|can you please) )+")
_TAIL = re.compile(
    r"(?:(?: ,)?(?: (?:because|since|as|but|and|sorry|,))? (?:please|i (?:just |have |completely )?(?:forgot(?:ten)?|"
    r"lost track)(?: (?:it|that|again))?|i (?:do|can) not (?:remember|recall|know|see(?: it)?|tell|find it|make it out)"
    r"(?: (?:any ?more|well|so well|anymore|it|that))?|i am not sure|i (?:want|would like|need) to know|exactly|"
    r"briefly|shortly|again|for (?:me|us|someone|somebody|a friend|my \w+|the \w+)(?: who .+)?|"
    r"to (?:me|us|someone|somebody)(?: who .+)?|in (?:detail|words|a few words|your own words|one sentence|short|full|"
    r"simple words|general)|in as much detail as possible|as well as you can|if you can))+$"
)


def _asks_of_two(text: str) -> bool:
    if re.search(r"\b(?:swap(?:ped)?|switch(?:ed)?|exchanged?) (?:their )?(?:places|positions)\b", text):
        return True
    if re.match(
        r"how many (?:(?:things|objects) (?:have|has|are|did) (?:been )?(?:chang|diff|alter)|diff|chang)", text
    ):
        return True
    return _TWO.search(text) is not None and not re.search(r"\bhow many\b|\band\b", text)


def _answer(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers one question; None if no rule fits."""
    text, scene = whether_seen(_TAIL.sub("", _LEAD.sub("", text))), scenes[-1]
    if TWO_PLACES.search(text) and re.match(r"(?:is|are|what)\b", text):
        return None  # two questions in one
    if len(scenes) > 1 and (found := compare(text, scenes) or in_all(text, scenes, _count)) is not None:
        return found
    match = re.search(r"\b(?:first|second|third|last) (?:picture|image|one)\b", text)
    if match and len(scenes) > 1:
        number = {"first": 0, "second": 1, "third": 2, "last": len(scenes) - 1}[match.group().split()[0]]
        if number < len(scenes):
            scene = scenes[number]
        before = re.sub(r"(?<=\w) (?:in|on|of|from) the $", " ", text[: match.start()])
        before = re.sub(r"^(is|was|does) the $", r"\1 it ", before)
        text = " ".join((before + text[match.end() :]).split())
        text = _LEAD.sub("", re.sub(r"^(?:in|on) (?:the )?|(?: ,)? (?:in|on|of)(?: the)?$", "", text))
        text = whether_there(text)
    elif len(scenes) > 1 and (was := _WAS.match(text)) is not None:
        found = _answer(
            f"{was['ask']} {'is' if was['be'] == 'was' else 'are'}{text[was.end() :]}".strip(), scenes[-2:-1]
        )
        return None if found is None else replace(found, text=f"In the first picture: {found.text}")
    elif len(scenes) > 1:
        text = re.sub(r" now$", "", text)
    asked_of_two = len(scenes) == 1 and _asks_of_two(text)
    text = re.sub(r" (?:in|on) (?:the|this|my|that|your) (?:picture|image|scene)$", "", text)
    text = with_extreme(text, scene)
    for rule in (
        *PAIR_QUESTIONS,
        *SCENE_QUESTIONS,
        *OBJECT_QUESTIONS,
        _count,
        _colour,
        _size,
        _where,
        _background,
        *YES_NO,
        _kind,
        _which_are,
        _what,
        _describe,
    ):
        found = rule(text, scene)
        if found is not None:
            return found
    if asked_of_two:
        raise InputError(
            "This question compares two images, but the request has one. Add a second image with --image FILE.",
            code="no_image",
        )
    return None


def check_question(sentences: Sequence[Sentence], images: int) -> None:
    """Checks that a rule fits a question, without knowing what the images show.

    Raises:
        InputError: No rule fits (`not_understood`), or the question needs more images (`no_image`).
    """
    try:
        answer(sentences, [Scene(BACKGROUNDS[0])] * images)
    except InputError as error:
        if error.code in {"not_understood", "no_image"}:
            raise


_LOOK = (
    r"(?:(?:can|could) you (?:please )?)?"
    r"(?:(?:please |and |so )?(?:say|tell|name|look|find|explain|see)(?: (?:me|us|for))?(?: ,| :)? )?"
)
_HERE = (
    r"(?: (?:are there|is there|there are|there is|do (?:you|i|we) (?:see|count|find|spot)|can (?:you|i|we) "
    r"(?:see|count|find|spot)|are|is|have we|do we have|does (?:the picture|it|this) (?:show|have|contain)|here|there|"
    r"now|in (?:the|this) (?:picture|image|scene)|on (?:the|this) (?:picture|image)|can be (?:seen|found|counted)|"
    r"this is|in total|altogether|in all|visible|shown))*"
)
_AT = r"(?: (?:are|is|stand|sit|lie|stands|sits|lies))? (?:in|on|at|next|above|below|left|right|beside|between) .+?"


def _count(text: str, scene: Scene) -> Answer | None:
    """Answers "how many cats are there", "count the red things", "how many are on the left"."""
    match = re.fullmatch(
        rf"{_LOOK}(?:how many|count(?: up)?|(?:what is )?(?:the )?number of)(?: (?:all|of|the|these|different))*"
        rf"(?: (?P<what>(?!are|is|do|can|have)\w+(?: \w+){{0,2}}?))?(?P<at>{_AT})?{_HERE}|"
        r"count what is here|how many is this",
        text,
    )
    if match is None:
        return None
    what = "things" if match["what"] in {None, "what", "everything"} else match["what"]
    if what in {"colours", "colour"}:
        number = len({obj.colour for obj in scene.objects.values()})
        return Answer(
            "count", f"There {'is 1 colour' if number == 1 else f'are {number} colours'}.", (number_words(number),)
        )
    at = re.sub(r"^ (?:are|is|stands?|sits?|lies?)\b", "", match["at"] or "")
    if asked(f"{what}{at}") is None:
        return None
    named, found = all_of(f"{what}{at}", scene)
    number, phrase = len(found), named.phrase
    if named.noun == "thing" and not (phrase.colours or phrase.sizes or phrase.where):
        return Answer("count", f"{count_phrase(number)}.", (number_words(number),))
    noun = named.noun if number == 1 or named.noun == "people" else plural(named.noun)
    words = " ".join((*sorted(phrase.sizes), *sorted(phrase.colours), noun)) + at
    return Answer("count", f"There {'is' if number == 1 else 'are'} {number or 'no'} {words}.", (number_words(number),))


def _colour(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:(?:what|which) (?:is the )?colours? (?:has|is|of|does|are|do)(?! there| you| we| i\b)(?P<a> .+?)"
        r"(?: have| has| show)?|(?:what is )?(?:the )?colour of(?P<b> .+)|"
        r"how (?:is|are)(?P<c> .+) (?:painted|coloured)|(?P<d>.+) has which colour|"
        r"(?:which|what) colour(?P<e> .+) (?:has|is)|(?P<f>.+) is which colour|in (?:what|which) colour is(?P<g> .+))",
        text,
    )
    if match is None:
        if re.fullmatch(rf"{_LOOK}(?:what|which|name the|list the) colours(?:{_HERE}| are used)", text) is None:
            return None
        colours = list(dict.fromkeys(obj.colour for obj in scene.objects.values()))
        listed = " and ".join(colours) or "no object"
        return Answer("colour", f"There is {listed}.", tuple(frozenset({one}) for one in colours))
    words = next(group for group in match.groups() if group).strip()
    named, found = all_of(words, scene)
    if len(found) > 1 and (named.phrase.every or named.phrase.some):
        return joined([_of_many("colour", cell, obj) for cell, obj in found])
    return colour_answer(one_of(words, scene)[1])


def _of_many(kind: str, cell: int, obj: SceneObject) -> Answer:
    text = f"The {obj.kind} {place(cell)} is {obj.colour}."
    return Answer(kind, text, (frozenset({obj.colour}),))


def _size(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:how (?:big|large|small) (?:is|are) (?P<a>.+)|"
        r"(?:what|which) size (?:has|is|does) (?P<b>.+?)(?: have)?|(?:what is )?the size of (?P<c>.+))",
        text,
    )
    return None if match is None else size_answer(one_of(next(group for group in match.groups() if group), scene)[1])


def _where(text: str, scene: Scene) -> Answer | None:
    match = re.fullmatch(
        rf"{_LOOK}(?:where (?:is|are|can i (?:find|see)|do you see|do i find) (?P<a>.+?)|"
        r"where (?:does|do) (?P<h>.+?) (?:sit|stand|lie|live|wait|swim|float|play|fly|sleep)|"
        r"where (?P<b>.+?) (?:is|are|sits?|stands?|lies?|lives?|waits?|swims?|floats?|flies|sleeps?)|in (?:which|what) "
        r"(?:place|corner|spot|part) (?:is|are|do you see) (?P<c>.+)|on (?:which|what) side (?:is|are) (?P<i>.+)|"
        r"(?:which|what) place has (?P<j>.+)|the (?:place|position) of (?P<d>.+)|find (?P<e>.+)|i look for (?P<f>.+?)"
        r" ?,? where is it|(?P<g>the .+) is where)(?: in (?:the|this) picture| now| exactly| placed| located)?",
        text,
    ) or re.fullmatch(r"(?:please )?(?:can you )?find (?P<a>the .+)", text)
    if match is None:
        return None
    words = next(group for group in match.groups() if group)
    named, found = all_of(words, scene)
    if len(found) > 1 and (named.phrase.every or named.phrase.some):
        return joined(
            [replace(where_answer(cell, obj), text=f"The {name(obj)} is {place(cell)}.") for cell, obj in found]
        )
    return where_answer(*one_of(words, scene))


def _background(text: str, scene: Scene) -> Answer | None:
    fits = re.fullmatch(
        rf"{_LOOK}(?:(?:what|which|how) (?:is )?(?:the )?"
        r"(?:background|weather|time of (?:the )?day|place|season|setting)(?: is (?:it|this|that|there))?(?: like)?"
        rf"(?:{_HERE})|where (?:does (?:this|it) (?:happen|take place)|is this|are we)|"
        r"what time (?:of (?:the )?day )?is it|what is in the background|name the background)",
        text,
    )
    return None if fits is None else background_answer(scene)


def _kind(text: str, scene: Scene) -> Answer | None:
    """Answers "what is the animal", "which animals do you see", "what kind of plant is it"."""
    match = re.fullmatch(
        rf"{_LOOK}(?:what (?:is|are) (?:the|this|that|these) (?P<a>{'|'.join(GROUPS)})|"
        rf"what (?:the|this) (?P<b>{'|'.join(GROUPS)}) is|"
        rf"(?:what|which)(?: (?:kind|sort|type) of)? (?P<c>{'|'.join(GROUPS)})(?: is (?:it|this|that))?(?:{_HERE}))",
        text,
    )
    word = None if match is None else next(group for group in match.groups() if group)
    if word is None or word in {"thing", "things"}:
        return None
    found = [(cell, obj) for cell, obj in scene.objects.items() if obj.kind in GROUPS[word]]
    if not found:
        return Answer("what", f"There is no {word.removesuffix('s')}.", (frozenset({"no", "none", "not"}),))
    return listed(found)


def _which_are(text: str, scene: Scene) -> Answer | None:
    """Answers "what is red", "which things are big"."""
    match = re.fullmatch(
        rf"{_LOOK}(?:what|who|which(?: (?:of )?(?:the |these )*(?:things?|objects?|ones?))?) (?:is|are|else is) "
        rf"(?P<how>{'|'.join((*COLOURS, *SIZES))})",
        text,
    )
    if match is None:
        return None
    found = [(cell, obj) for cell, obj in scene.objects.items() if match["how"] in obj.named]
    if not found:
        return Answer("what", f"Nothing is {match['how']}.", (frozenset({"nothing", "no", "none"}),), frozenset(KINDS))
    return listed(found)


def _what(text: str, scene: Scene) -> Answer | None:
    text = re.sub(r"^look (?P<place>.+?)(?: :| ,) what is it$", r"what is \g<place>", text)
    match = re.fullmatch(
        rf"{_LOOK}(?:what|who|which(?: of)?(?: (?:the|these))?(?: (?:thing|object|one)s?)?)? ?"
        r"(?:is|are|thing is|do you see|do we have|can you see|lies|stands|can be seen|the (?:thing|object))? ?"
        r"(?:there )?(?P<place>(?:in|on|at|next|left|right|above|below|to|between|beside|under|over) .+?)"
        r"(?: ,? ?what can be seen)?",
        text,
    )
    if match is None:
        return None
    reader = PhraseReader(tuple(match["place"].split()))
    for where, end in reader.wheres(0):
        if end < len(reader.text):
            continue
        cells = cells_at(where, scene)
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
        rf"{_LOOK}(?:describe(?: (?:this|the|my|it))?(?: (?:picture|image|scene))?|what (?:is|are) (?:this|that|these|"
        r"it|here|there)(?: (?:picture|image|scene|a picture of))?(?: about)?|what (?:does|do|can|could|is|are|you|i|"
        r"we|the|this|see|seen|be|show|shown|shows|on|in|it|picture|image|scene|there|here|to|of|a| )+|put (?:this|the)"
        r" (?:picture|image) into words|about (?:this|the) (?:picture|image)|write a (?:text|caption) for (?:this|the) "
        r"(?:picture|image)|words for (?:this|the) (?:picture|image)(?: ,? ?please)?|what this (?:picture|image) shows|"
        r"list (?:the|all|all the)? ?(?:things|objects)|which (?:things|objects) (?:are there|do you see|are in "
        r"(?:the|this) picture)|what (?:things|objects) (?:are there|do you see|are in (?:the|this) picture|are here)|"
        r"who (?:is|are) (?:this|that|there|here)|(?:name|list) everything|(?:name|list)(?: all)?(?: the| of the)? "
        r"(?:things|objects)(?: (?:with|and) their colours?)?|(?:give|write|make)(?: me)? a "
        r"(?:caption|description|title|list)(?: (?:for|of) (?:it|(?:this|the|my) (?:picture|image|scene)))?|"
        r"caption(?: (?:it|(?:this|the|my) (?:picture|image)))?|describe (?:what you see|everything))"
        r"(?: in (?:the|this) (?:picture|image))?(?: please)?",
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
