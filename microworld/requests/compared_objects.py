"""Answers what two images have in common, what only one of them has, how many objects each has, and how one changed.

Rules over plain words; each returns None for questions of other forms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from interleavethinker.microworld.language.templates import describe, name, place, with_article
from interleavethinker.microworld.language.vocabulary import BACKGROUND_PHRASES, plural
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.microworld.scenes.sprites import COLOURS, SIZES

from .answers import COUNT_WORDS, Answer, difference_between, said_yes
from .asked_objects import Asked, Found, all_of, asked

__all__ = ["COMPARED_OBJECTS", "alike"]

_PICTURES = "(?:pictures|images|scenes|ones|photos)"
_BOTH = (
    r"(?: (?:in|on|of|between|from|across))?(?: (?:the|these|those|my))?(?: (?:both|two|each|either|every|all))+"
    rf"(?: of (?:the(?: two)?|these|them))?(?: (?:{_PICTURES}|picture|image|scene|one))?|"
    rf"(?: (?:in|on|of|between)) (?:the|these) {_PICTURES}"
)
_TOGETHER = "(?:total|altogether|together|in all|combined)"
_AFTER = (
    rf"(?:{_BOTH}| (?:in|on|from|to|between|than|and|the|first|second|picture|image|one|other|it|there|here|now|then|"
    r"before|after|have|has|had|is|are|was|were|does|do|did|show|shows|contain|contains|you|we|i|see|can|change|"
    r"changed|changes|stay|stayed|same|different|differ|increase|increased|decrease|decreased|grow|go|up|down|or|each|"
    r"both|two|these|pictures|images|more|fewer|together|altogether|in total|in all|combined))*"
)


def _parts(before: Scene, after: Scene) -> tuple[Found, Found, list[tuple[int, int, SceneObject]]]:
    """Returns the objects that only the first image has, those that only the second has, and those that moved."""
    gone = [(c, o) for c, o in before.objects.items() if (n := after.cells[c]) is None or n.kind != o.kind]
    new = [(c, o) for c, o in after.objects.items() if (n := before.cells[c]) is None or n.kind != o.kind]
    moved = []
    for cell, obj in list(gone):
        to = next((one for one in new if one[1].named == obj.named), None)
        if to is not None:
            moved.append((cell, to[0], obj))
            gone.remove((cell, obj))
            new.remove(to)
    return gone, new, moved


def _some(found: Found, verb: str) -> Answer:
    """Lists objects of which something is said."""
    shown = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)
    verb = verb if len(found) == 1 else re.sub("^is", "are", verb)
    required = tuple(frozenset({obj.kind}) for _, obj in found)
    return Answer("difference", f"{shown[:1].upper()}{shown[1:]} {verb}.", required)


def _moves(moved: Sequence[tuple[int, int, SceneObject]]) -> str:
    return " and ".join(f"the {name(obj)} has moved from {place(one)} to {place(two)}" for one, two, obj in moved)


def _changed_objects(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "what was added", "which animal is missing", "what moved"."""
    gone, new, moved = _parts(scenes[-2], scenes[-1])
    lead = (
        r"(?:(?:say|tell|name|list|show|find|spot)(?: me)? )?"
        r"(?:what|which (?P<what>\w+(?: \w+)?)|who|the (?P<of>things?|objects?))(?: \w+)*? "
    )
    rest = (
        r"(?: (?:in|on|from|to|of|between|the|second|first|other|last|picture|image|one|now|there|here|two|these|"
        r"pictures|images|and))*"
    )
    added = "added|new|appeared|appears|appear|put in|inserted|joined|arrived|came|turned up"
    lost = (
        "removed|gone|missing|disappeared|disappears|disappear|vanished|vanish|deleted|erased|taken away|taken out|"
        "lost|has left|went away"
    )
    only = re.fullmatch(
        r"(?:.*\b)?(?:(?:is|are|be) (?:only|just) (?:in|on|to be seen in) the (?P<a>first|second)|"
        r"(?:only|just) the (?P<b>first|second)|"
        r"the (?P<c>first|second)(?: picture| image| one)? (?:that|which|but)(?: \w+)* not|(?:does|has) the "
        r"(?P<d>first|second)(?: picture| image| one)? (?:have |show |contain )?(?:that|which|but)(?: \w+)* not)\b.*",
        text,
    )
    if (
        only is not None
        and text.startswith(("what", "which", "who", "name", "list", "tell", "say"))
        and " picture has" not in text
    ):
        which = next(group for group in only.groups() if group)
        found = gone if which == "first" else new
        if found or moved:
            return _some(found or [(one, obj) for one, _, obj in moved], f"is only in the {which} picture")
        nothing = f"Nothing is only in the {which} picture."
        return Answer("difference", nothing, (frozenset({"nothing", "no", "none"}),))
    for words, found, verb in ((added, new, "is new"), (lost, gone, "is gone")):
        match = re.fullmatch(rf"{lead}(?:{words}){rest}", text)
        if match is None:
            continue
        if not found:
            differ = difference_between(scenes[-2], scenes[-1])
            return (
                replace(differ, text=f"Nothing {verb}. {differ.text}") if differ.text.startswith("In the") else differ
            )
        named = asked(f"the {match['what'].split()[0]}") if match["what"] else None
        if match["what"] and named is None:
            return None  # "which color is new"
        fits = [one for one in found if named is None or one[1].kind in named.kinds]
        return _some(fits or found, verb)
    if moved and re.fullmatch(rf"{lead}(?:moved?|moves|changed (?:its |their )?(?:place|position)){rest}", text):
        required = tuple(frozenset({obj.kind}) for _, _, obj in moved)
        return Answer("difference", f"{_moves(moved)}.".capitalize(), required)
    return None


def _counts(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "compare the number of flowers", "how many cats are in each picture"."""
    match = re.search(
        rf"\b(?:number|amount|count|quantity) of (?P<a>\w+(?: \w+)?){_AFTER}$|\bhow many (?P<more>more |fewer |less )?"
        rf"(?P<b>\w+(?: \w+)?)(?P<more2> more| fewer| less)?(?P<tail>{_AFTER})$|"
        rf"^(?:count|compare the counts? of) (?:the |all )?(?P<c>\w+(?: \w+)?)(?:{_BOTH})(?: (?P<sum>{_TOGETHER}))?$|"
        rf"^(?:are|is) there (?:as many|equally many|the same number of) (?P<d>\w+(?: \w+)?)(?: as .+)?{_AFTER}$",
        text,
    )
    if match is None:
        return None
    words = next(match[key] for key in "abcd" if match[key])
    both = re.search(
        rf"{_BOTH}|\bcompare|\bchanged?\b|\bsame\b|\bmore\b|\bfewer\b|\bless\b|\bdiffer|\bbefore\b|"
        r"\bnumber\b|\bamount\b",
        text,
    )
    if both is None or (
        match["tail"] and not re.search(rf"{_BOTH}|\bcompare", text) and not (match["more"] or match["more2"])
    ):
        return None
    named = asked(words)
    while named is None and " " in words:
        words = words.rsplit(" ", 1)[0]
        named = asked(words)
    if named is None:
        return None
    counts = [len(all_of(words, scene)[1]) for scene in scenes[-2:]]
    nouns = [named.noun if count == 1 else plural(named.noun) for count in counts]
    step = counts[1] - counts[0]
    change = "the same number" if not step else f"{COUNT_WORDS[abs(step)]} {'more' if step > 0 else 'fewer'}"
    shown = f"the first picture has {counts[0]} {nouns[0]} and the second {counts[1]} {nouns[1]}, {change}"
    if re.search(rf"\b(?:{_TOGETHER}|in the two)\b", text):
        shown += f"; {sum(counts)} in all"
    answer = Answer("count", f"{shown[:1].upper()}{shown[1:]}.", tuple(frozenset({str(count)}) for count in counts))
    if re.match(r"(?:do|does|did|is|are|has|have)\b", text):
        changed = re.search(r"\b(?:changed?|differ\w*)\b", text) is not None
        return said_yes((step != 0) == changed, answer)
    return answer


def _common(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "what do the pictures have in common", "which objects are in both"."""
    if (
        re.search(
            r"\bin common\b|\bshare\b|\b(?:stayed|stays|remained|remains|is|are|did) (?:\w+ )?"
            r"(?:the same|unchanged|not changed?)\b",
            text,
        )
        is None
        and re.fullmatch(
            rf"(?:what|which \w+|who)(?: (?:is|are|can|be|seen|appears?|do|you|see|there|occurs?))*{_BOTH}", text
        )
        is None
    ) or not text.startswith(
        ("what", "which", "who", "name", "list", "tell", "say", "do the", "do they", "is there anything")
    ):
        return None
    if re.search(
        r"\bsame (?:place|position|spot|colour|size)\b|\bdifferen(?:t|ces?)\b|\b(?:what|which)\b.+\b(?:what|which)\b",
        text,
    ):
        return None
    before, after = scenes[-2], scenes[-1]
    unchanged = re.search(r"\b(?:stay\w*|remain\w*|unchanged|not changed?)\b", text) is not None
    shared = []
    left = list(after.objects.items())
    for cell, obj in before.objects.items():
        same = [one for one in left if one[1].named == obj.named] or [one for one in left if one[1].kind == obj.kind]
        best = next((one for one in same if one[0] == cell), same[0] if same else None)
        if best is not None:
            left.remove(best)
            exact = best[1].named == obj.named
            if unchanged and not (exact and best[0] == cell):
                continue
            shared.append(
                (
                    with_article(name(obj) if exact else obj.kind) + (f" {place(cell)}" if best[0] == cell else ""),
                    obj.kind,
                )
            )
    ground = BACKGROUND_PHRASES[after.background][0] if before.background == after.background else ""
    if not shared and not ground:
        return Answer("difference", "They have nothing in common.", (frozenset({"nothing", "no", "none"}),))
    listed = " and ".join(words for words, _ in shared)
    text = f"Both pictures show {listed}" if shared else "Both pictures are"
    required = tuple(frozenset({kind}) for _, kind in shared) or (frozenset({before.background}),)
    return Answer(
        "difference", f"{text}{f', {ground}' if ground and shared else f' {ground}' if ground else ''}.", required
    )


def _described(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "describe both pictures"."""
    if (
        re.fullmatch(rf"(?:describe|what (?:is|do you see|can you see|is shown|do we see))(?: (?:in|on))?{_BOTH}", text)
        is None
    ):
        return None
    texts = [
        f"The {which} picture shows {describe(scene)}."
        for which, scene in zip(("first", "second"), scenes[-2:], strict=True)
    ]
    required = tuple(frozenset({obj.kind}) for scene in scenes[-2:] for obj in scene.objects.values())
    return Answer("describe", " ".join(texts), required)


def _in_both(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "do both pictures contain a bird", "is there a ball in either picture"."""
    match = re.fullmatch(
        r"(?:do|does|have|has)(?: (?:the|these|they))?(?: (?P<one>both|two|each|either|all))*"
        rf"(?: of (?:the(?: two)?|these|them))?(?: (?:{_PICTURES}|picture|image))? (?:both )?(?:contain|show|have|"
        r"include|feature|has) (?P<a>(?:an?|any|the|some) .+)|(?:is|are)(?: there)? (?P<b>(?:an?|any|the|some) .+?)"
        r"(?: (?:shown|visible|present|there|seen|to be seen))?(?: (?:in|on))(?: the| these)? (?P<two>both|either|each|"
        rf"all|two)(?: of (?:the(?: two)?|these|them))?(?: (?:{_PICTURES}|picture|image|one))?",
        text,
    )
    words = None if match is None else match["a"] or match["b"]
    if match is None or words is None or (named := asked(words)) is None or words.startswith("the same"):
        return None
    counts = [len(named.found_in(scene)) for scene in scenes[-2:]]
    yes = any(counts) if "either" in {match["one"], match["two"]} else all(counts)
    shown = (
        "both pictures have"
        if all(counts)
        else "only the first picture has"
        if counts[0]
        else "only the second picture has"
    )
    shown = shown if any(counts) else "neither picture has"
    words = " ".join((*sorted(named.phrase.sizes), *sorted(named.phrase.colours), named.noun))
    end = "it" if match["b"] and match["b"].startswith("the ") else with_article(words)
    return said_yes(yes, Answer("exists", f"{shown} {end}.", ()))


def _one_attribute(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "is the cat the same color in both", "did the cat get bigger", "what colour was the cat before"."""
    look = "|".join((*COLOURS, *SIZES, "bigger", "smaller"))
    match = re.fullmatch(
        r"(?P<yes>is|are|does|do|did|has|have) (?P<a>the .+?) (?:still )?"
        r"(?:(?:have|has|of|in|at|on|keep|kept|be|also) )*(?P<same>the same|another|a different|its|the|identical)? ?"
        rf"(?P<what>colour|size|place|position|spot|kind)?(?P<after>{_AFTER})|(?P<yes2>is|are|did|has|have|does) "
        r"(?P<b>the .+?) (?:(?:get|got|gotten|become|became|turn|turned|grow|grown|now|been|painted|changed|to) )*"
        rf"(?P<how>{look}){_AFTER}|what (?P<what3>colour|size|place) (?:was|is|did|does|has) (?P<c>the .+?)(?: have)?"
        rf"(?: (?:before|after|and|now|then|first|at|in)){_AFTER}|(?:how|where) (?:did|has|does|is|was) (?P<d>the .+?) "
        rf"(?:go|gone|move|moved|change|changed|different|differ|been moved|changes)(?: to)?{_AFTER}|"
        rf"compare (?P<e>the .+?)(?:{_BOTH})",
        text,
    )
    if match is None:
        return None
    words = next(match[key] for key in "abcde" if match[key])
    named = asked(words)
    if named is None or re.search(r"\b(?:picture|image|scene|background)s?\b", words):
        return None
    first, second = (named.found_in(scene) for scene in scenes[-2:])
    answer = _told(named, first, second)
    if (
        match["yes"]
        and match["same"] in {"the same", "identical", "another", "a different"}
        and re.search(_BOTH + "|picture|image|before", text)
    ):
        return said_yes(alike(first, second, match["what"]) == (match["same"] in {"the same", "identical"}), answer)
    if match["yes"] and re.search(r"\b(?:changed?|different|differ)\b", match["after"] or ""):
        return said_yes(not alike(first, second, match["what"]), answer)
    if match["how"] and re.search(
        r"\b(?:get|got|gotten|become|became|turn|turned|grow|grown|now|painted|changed|second|before|first)\b", text
    ):
        wanted = {"bigger": "big", "smaller": "small"}.get(match["how"], match["how"])
        if "first" in text and "second" not in text:
            first, second = second, first
        yes = any(wanted in obj.named for _, obj in second) and not any(wanted in obj.named for _, obj in first)
        return said_yes(yes, answer)
    two = match["what3"] and re.search(rf"\b(?:before|after|then)\b|{_BOTH}", text)
    return answer if two or match["d"] or match["e"] else None


def alike(first: Found, second: Found, what: str | None) -> bool:
    """Whether objects of two images have the same color, size or place; without one of these words, the same of all."""
    if what == "colour":
        return sorted(obj.colour for _, obj in first) == sorted(obj.colour for _, obj in second)
    if what == "size":
        return sorted(obj.size for _, obj in first) == sorted(obj.size for _, obj in second)
    if what in {"place", "position", "spot"}:
        return [cell for cell, _ in first] == [cell for cell, _ in second]
    return [(cell, *obj.named) for cell, obj in first] == [(cell, *obj.named) for cell, obj in second]


def _told(named: Asked, first: Found, second: Found) -> Answer:
    texts, required = [], []
    for found, which in ((first, "first"), (second, "second")):
        shown = " and ".join(f"{with_article(name(obj))} {place(cell)}" for cell, obj in found)
        texts.append(f"in the {which} picture there is {shown or f'no {named.noun}'}")
        required += [frozenset({value}) for cell, obj in found for value in (obj.colour, *place(cell).split()[-1:])]
    if not second and first:
        texts[-1] += "; it is gone"
    return Answer("difference", f"{', '.join(texts)}.".capitalize(), tuple(required))


def _whether(text: str, scenes: Sequence[Scene]) -> Answer | None:
    """Answers "are the pictures identical", "did anything change"."""
    they = (
        rf"(?:they|these(?: two)?|the two|both|(?:the|these|both)(?: two)? {_PICTURES}|"
        r"(?:the )?first and (?:the )?second(?: picture| image)?)"
    )
    same = re.fullmatch(
        rf"(?:are|is|do|does) {they}(?: both)?(?: (?:look|show|exactly|be|completely|all))*(?: (?:the|exactly))* "
        r"(?:same|identical|equal|alike|match)(?: (?:picture|image|scene|thing|things))?|(?:do|does) "
        r"(?:they|the two|the pictures|the images|both pictures) match|is (?:everything|it all|all) the same",
        text,
    )
    other = re.fullmatch(
        rf"(?:are|do|does|is) {they} (?:different|differ)(?: from each other)?|"
        rf"(?:is|are) there (?:a|any|some|an) (?:differences?|changes?)(?:{_BOTH})?|(?:did|has|have|is) "
        r"(?:anything|something|it|things?) (?:change|changed|different|been changed)"
        rf"(?: (?:at all|here|there|now|from (?:one|the first) to (?:the other|the second))|{_BOTH})*",
        text,
    )
    if same is None and other is None:
        return None
    answer = difference_between(scenes[-2], scenes[-1])
    equal = answer.text.startswith("Nothing")
    if equal and same is not None:
        return Answer(
            "difference", "Yes, they are the same. Nothing that words can tell is different.", answer.required
        )
    return replace(said_yes(equal == (same is not None), answer), required=answer.required)


COMPARED_OBJECTS = (_whether, _counts, _common, _described, _in_both, _changed_objects, _one_attribute)
"""The rules, in the order in which they are tried."""
