"""Removes what introduces the images of a story that goes on: "these are pages one and two", "finish my story".

Works on sentences in plain words; a word with content is never dropped. Knows no scene.
"""

from __future__ import annotations

import re

from .compiled_patterns import compiled
from .plain_text import NUMBER_WORDS

__all__ = ["without_lead"]

_COUNT = rf"(?:\d+|{'|'.join(NUMBER_WORDS)})"
_UNIT = "(?:pictures?|images?|photos?|drawings?|panels?|pages?|scenes?|frames?|steps?|parts?|chapters?|slides?)"
_ORDER = (
    "(?:first|second|third|fourth|fifth|sixth|last|next|final|previous|closing|opening|following|missing|new|another)"
)
_STORY = "(?:story|tale|comic|cartoon|film|movie|book|picture book|picture story|adventure|storyboard|series|sequence)"
_OWN = "(?:(?:my|the|our|this|that|a|an|your|its|these|those|all) )*"
_ONE = (
    rf"(?:{_OWN}(?:(?:{_ORDER}|{_COUNT}|short|little|whole|existing|given|attached) )*(?:{_UNIT}|{_STORY}|beginning|"
    rf"start|ending|end|rest|opening|part)(?: (?:number )?{_COUNT}(?: ?(?:,|and|to) {_COUNT})*)?"
    rf"(?: (?:of|from|to|in|for|with) {_OWN}(?:{_ORDER} |{_COUNT} )*(?:{_UNIT}|{_STORY}))*)"
)
_FAR = (
    "(?: (?:so far|until now|up to now|already|now|here|below|above|attached|as you see|for you|please|done|ready|"
    "finished|given|there))*"
)
_WHOLE = (
    r"^(?:(?:please|and|so|now|ok|look|hello|hi|:|,) )*(?:(?:these|this|those|here|there|that|they|it) (?:is|are|was|"
    rf"were|you (?:see|have|find)|i have){_FAR}(?: {_ONE}(?:(?: ,)? and {_ONE})?)+{_FAR}|(?:this|that|it|here) is "
    rf"(?:how|where|what|when) (?:it|everything|(?:{_OWN}{_STORY}))?(?: ?(?:starts?|begins?|happens|has happened|"
    r"happened|goes|went|looks|we are|we (?:stopped|left off)|i (?:stopped|am)|is|was|came|ended))+(?: like(?: this)?)?"
    rf"{_FAR}|{_ONE}(?: (?:and|,) {_ONE})*(?: (?:is|are|was|were)(?: (?:in|on|above|below|shown|given|{_ONE}))*)?"
    rf"{_FAR}|{_OWN}{_STORY} (?:starts?|begins?|goes|opens)(?: (?:like|with|as|from|in))?"
    rf"(?: (?:this|that|these|here|{_ONE}|follows))*|(?:you (?:see|have|get|know|can see)|"
    r"i (?:have|made|drew|draws?|give you|gave you|show you|attach(?:ed)?|sent you|upload(?:ed)?)|we have|look at|see|"
    rf"use|take|start (?:with|from)|begin with|based on|remember) (?:{_ONE}|this|these|it|that|them)"
    rf"(?:(?: ,)? and {_ONE})?(?: as (?:{_ONE}))?{_FAR}|(?:please |can you |could you |would you |will you |help me |"
    r"let us |i want you to |i would like you to |now )*(?:finish|complete|continue|end|close|extend|go on with|carry "
    r"on with|keep on with|conclude|proceed with|write|draw|make|add|tell|show|create|give|invent|imagine|illustrate)"
    rf"(?: me| us)?(?: with)? {_ONE}{_FAR}(?: for (?:me|us))?|(?:please )?(?:let |keep )?{_OWN}{_STORY} "
    r"(?:goes on|go on|going|continues?|is not over|is not finished|ends?(?: like this)?|carries on)(?: from here)?|"
    r"(?:now|so|and|but)?(?: ?(?:what|then what|what then|what now|what next|what comes next|what happens(?: now| next|"
    rf" then)?|how does it (?:go on|end|continue)|how does {_OWN}{_STORY} (?:go on|end|continue)|and {_ONE})))$"
)
_LEADS = tuple(
    rf"^(?:(?:please|and|so|now|ok|then|hello|hi) )*(?:{pattern})"
    for pattern in (
        (
            r"(?:finish|complete|continue|end|close|extend|go on with|carry on with|keep on with|conclude|proceed with|"
            r"starting (?:from|with)|start(?:ing)? (?:from|with|at)|going on from|continuing from|following on from|"
            rf"after|use|take|using) {_ONE}(?: (?:as|for) {_ONE})?{_FAR}(?: ,| :|(?= and ))"
            r"(?: (?:then|and|that|tell|show|draw|make|me|us|a|the|story|what|comes|happens|next|continue|go|on|please|"
            r"in which|where))*(?: :| ,)? (?=\w)"
        ),
        (
            rf"(?:continue|extend|finish|end|complete|close|go on with|carry on with|add to) {_ONE} (?:by|with)"
            rf"(?: {_ONE})?(?: :| ,)? ?(?:in which |where |that shows |showing |: |how )(?=\w)"
        ),
        (
            r"(?:take it|carry on|go on|continue|proceed|keep going|pick up)(?: the story)? from "
            r"(?:here|there|this|that)(?: ,| :) (?=\w)"
        ),
        rf"(?:in|on|for|at) (?:{_UNIT}) (?:number )?{_COUNT}(?: ,| :)? (?=\w)",
        (
            rf"(?:the )?(?:{_ORDER} )+{_UNIT}(?: of {_OWN}{_STORY})?(?: ,)? (?:should|must|could|has to|is to)"
            r"(?: then)? (?:show|contain|be)(?: that| how)? (?=\w)"
        ),
        (
            r"(?:show|draw|tell|paint|make|illustrate|imagine|see)(?: me| us)? "
            rf"(?:what happens|how it (?:looks|goes on)|what it looks like|the moment|the scene|the picture|{_ONE})"
            r"(?: (?:when|after|where|in which|once|as soon as|how|that|as|if))+ (?=\w)"
        ),
        (
            r"(?:show|draw|paint|make)(?: me| us)? the (?:same )?(?:place|scene|picture|spot)(?: (?:again|but))? "
            r"(?=(?:a|an|one|some) (?:moment|hour|minute|day|while|time|bit) later\b)"
        ),
        (
            rf"(?:how )?{_OWN}{_STORY} (?:goes on|continues|ends|ends with|finishes|goes on with|continues with|"
            r"carries on)(?: like this| this way| as follows)?(?: :| ,| with| when| as| by| because)+ (?=\w)"
        ),
        (
            r"(?:draw|add|make|show|give me|create|paint|write)(?: me)? (?:an?|the|one|my)"
            r"(?: (?:next|last|final|new|more|good|happy|sad))* ?(?:ending|end|finale|continuation|closing|third|"
            r"second|fourth|fifth)(?: one)?(?: :| ,| where| in which)+ (?=\w)"
        ),
        r"imagine(?: that| how| if)? (?=(?:the|it|a|my) )",
        r"later (?:that|the same|on that) (?:day|night|evening|morning|week)(?: ,)? (?=\w)",
        r"(?:what (?:happens|comes)(?: next| then| now)?|and then|then what|now)(?: is(?: that)?)?(?: :| that) (?=\w)",
    )
)
_AFTER = re.compile(
    r"^(?:(?:then|and|now) )*show(?: me| us)? (?:it|this|the (?:picture|scene)|the same)(?: again)?(?: but)? with "
    r"(?P<what>(?:the|my|all|both) [a-z ]+?) (?P<how>gone|removed|missing|turned (?P<colour>[a-z]+))$"
)


def without_lead(text: str) -> str:
    """Returns a sentence without what introduces the given images or the next one; empty if it says nothing else.

    Examples:
        >>> without_lead("these are pages one and two"), without_lead("in picture two the cat is pink")
        ('', 'the cat is pink')
    """
    if compiled(_WHOLE).match(text):
        return ""
    for pattern in _LEADS:
        found = compiled(pattern).match(text)
        if found is not None:
            rest = text[found.end() :]
            later = "then " if re.match(rf"(?:in|on|for|at) {_UNIT}", found.group()) else ""
            return f"{later}{rest}"
    shown = _AFTER.match(text)
    if shown is not None:
        return f"turn {shown['what']} {shown['colour']}" if shown["colour"] else f"remove {shown['what']}"
    return text
