"""Rewrites questions in the words of the rules: "who or what is standing in the snow" becomes "what is in the snow".

Works on canonical words and knows no scene.
"""

from __future__ import annotations

import re

from interleavethinker.microworld.language.compiled_patterns import Rule, compiled
from interleavethinker.microworld.language.phrase_patterns import COLOUR, KIND, SIZE

__all__ = ["TWO_PLACES", "plain_question"]

_KIND = f"{KIND}|things?|animals?|plants?|people|buildings?"
_PICTURE = "(?:the|this|my|that|your|our) (?:picture|image|scene)"
_DOING = (
    "(?:standing|sitting|lying|floating|swimming|flying|shining|hiding|waiting|parked|growing|placed|located|situated|"
    "positioned|shown|visible|found|seen|displayed|depicted|resting|sleeping|living|playing|to be found|to be seen)"
)
_PLACE = "(?:at|on|in) the (?:top |bottom )?(?:left|right|top|bottom|middle|centre)(?: corner)?"
TWO_PLACES = re.compile(rf" {_PLACE} and {_PLACE}$")
"""The end of a question that asks about two places at once."""
_DOES = "(?:stands?|sits?|lies|lie|floats?|swims?|flies|fly|shines?|hides?|waits?|grows?|rests?|sleeps?|lives?)"


def _stage(match: re.Match[str]) -> str:
    about = re.search(r"\b(?:this|it|that|we|everything|things|all|picture|image|scene)\b", match.group())
    return "what is the background" if about else match.group()


_RULES: tuple[Rule, ...] = (
    # Talk around a question
    ((r"^(?:can|could|would|will) you (?:please )?(?=(?:describe|list|name|count|compare|find|say|tell) "
     r"(?:the|my|this|that|all|both)\b)"), ""),
    ((r"^(?:(?:can|could|would|will) you (?:please )?|please |kindly )*(?:i (?:want|would like|need|would love|wish)"
     r" to know|i (?:wonder|am wondering|was wondering|am curious|ask(?: you)?)|do you know|"
     r"(?:any idea|tell me|say|find out|check|explain|see|look|let me know|guess)(?: (?:to )?me)?)(?: please| ,| :)*"
     r"(?: about)? (?=(?:what|who|where|which|how (?:many|big|large|small)|if|whether)\b)"),
     ""),
    (r"^(what|who|where|which(?: \w+)?|how many(?: \w+)?) do you (?:think|believe|guess) ", r"\1 "),
    (r"^(?:if|whether) there (is|are) ", r"\1 there "),
    (r"^(?:if|whether) (the .+?|it) (is|are) ", r"\2 \1 "),
    (r" (?:please|exactly|precisely|right now|currently|at the moment|actually|for me|by the way)$", ""),
    ((r"^there (is|are) (?:also )?(an? .+?|.+?s)(?: (?:in|on) (?:the|this|my) (?:picture|image|scene))?(?: ,)?"
     r"(?: (?:right|correct|is not there|is there|are not there|is not it|no|or not|true))+$"), r"\1 there \2"),
    (r"^(the .+?) (is|are) (.+?) , (?:right|correct|is not it|is it|are they|are not they)$", r"\2 \1 \3"),
    (r"\b(?:picture|image|photo) (?:number )?(one|two|three)\b", r"the \1 picture"),
    (r"\bthe one picture\b", "the first picture"), (r"\bthe two picture\b(?!s)", "the second picture"),
    (r"\bthe three picture\b(?!s)", "the third picture"),
    (r"\bare the fish\b", "are all the fish"),
    (rf"^what (?:is|are) the (?:\w+) {_DOING} (?:in|on|at|by)$", "what is the background"),
    (r"^what is (?:the thing|the object|that) (?P<at>.+?) called$", r"what is \g<at>"),
    ((r" (?:to|for) (?:a|an|the|my) (?:\w+ )?(?:person|man|woman|girl|kid|friend|reader|listener)"
     r"(?: (?:who|that) .+)?$"), ""),
    # What there is
    ((r"\b(?:who or what|what or who|who and what|what and who|which things or (?:people|animals)|who or which thing)"
     r"\b"), "what"),
    (rf"\b(is|are|was|were) {_DOING}(?= |$)(?! (?:in|on) both)", r"\1"),
    ((rf"^(what|who|which (?!colour)(?:\w+)) (?:can|could) (?:be|i|we|you|one)(?: {_DOING}| see| find| spot)*"
     r"(?: there)?(?= (?:in|on|at|next|above|below|left|right|between|beside|under|over|to)\b)"), r"\1 is"),
    ((rf"^(what|who|which (?:thing|things|object|objects)) {_DOES}"
     r"(?= (?:in|on|at|next|above|below|left|right|between|beside|under|over|to)\b)"), r"\1 is"),
    ((r"^(what|who|which (?!colour)\w+) (?:do|can|could|does) (?:you|we|i|one) (?:see|find|spot|have|notice)(?: there)?"
     r"(?= (?:in|on|at|next|above|below|left|right|between|beside|under|over|to)\b"
     r"(?! (?:the|this|my) (?:picture|image|scene)$))"), r"\1 is"),
    ((r"^(what|which things?|which objects?|who) (?:is|are|does|do|can|could|has|have)"
     rf"(?: (?:there|be|i|we|you|one|it|{_PICTURE}))*(?: (?:{_DOING}|see|find|spot|show|contain|have|include|depict|"
     r"display|appear|appears|here|there|going on|happening|happens|recognise|recognize|notice|exist|exists))*"
     rf"(?: (?:in|on|inside|within|from) {_PICTURE})?(?: here| there)?$"), "what is here"),
    ((r"^what (?:things|objects|items|elements|stuff) (?:is|are|does|do|can|could)(?: (?:there|be|i|we|you|one|it|"
     rf"{_PICTURE}))*(?: (?:{_DOING}|see|find|spot|show|contain|have|include|depict|display|here|there))*"
     rf"(?: (?:in|on) {_PICTURE})?$"), "what is here"),
    ((r"^(?:(?:can|could|would|will) you (?:please )?)?(?:describe|explain|summarise|summarize|say|tell|show|report|"
     r"give|list|name|note|write)(?: (?:to )?(?:me|us))?(?: (?:down|out|everything|all|exactly|in words|briefly|what|"
     r"which (?:things|objects)|that|you|i|we|can|could|is|are|be|see|seen|find|happens|happening|going on|shown|there|"
     r"here|visible|in|on|of|about|a|an|the|this|my|your|list|short|brief|full|detailed|summary|description|overview|"
     r"inventory|contents?|picture|image|scene))+$"), "describe the picture"),
    (rf"^(?:what|how) (?:does|do) (?:it|this|{_PICTURE}) look(?: like)?$", "describe the picture"),
    ((r"^(?:list|name|give me|show me|enumerate|what are|tell me|mention|write down)(?: me)?(?: (?:a list of|all|every|"
     r"each|each of|the|of|these|different))* (?:things?|objects?|items?)(?: (?:(?:that )?(?:you|i|we) (?:can )?see|"
     rf"there (?:is|are)|here|(?:that )?(?:is|are) (?:here|there|visible|shown)|(?:in|on) {_PICTURE}))?"
     r"(?:(?: ,)? (?:and|with|including|together with|along with) (?:its|their|the|what|all)?(?: \w+)*? "
     r"(?:colours?|sizes?|places?|positions?|is|are)(?: \w+)*)?$"), "describe the picture"),
    ((r"^(?:list|name|give me|show me|enumerate|tell me|mention|find|spot|point out)(?: me)?"
     r"(?: (?:all|every|each|each of|the|of|these))* "
     rf"(?P<what>animals?|creatures?|pets?|plants?|people|buildings?|toys?)(?: .*(?:see|there|here|{_PICTURE}))?$"),
     r"which \g<what> are there"),
    ((r"^(?:list|name|give me|show me|enumerate|tell me|mention|find|spot|point out|what are|which are)(?: me)?"
     rf"(?: (?:all|every|each|each of|the|of|these|things|that))* (?:are |is )?(?P<how>{COLOUR}|{SIZE}) "
     rf"(?:things?|objects?|items?|ones?)(?: .*(?:see|there|here|{_PICTURE}))?$"),
     r"what is \g<how>"),
    (rf"^(?:what|which)(?: \w+)? is the (?P<how>{COLOUR}|{SIZE}) (?:thing|object|one|item)$", r"what is \g<how>"),
    ((r"^(?:what|which)(?: of (?:the|these))? (?:things?|objects?|items?|ones?) (?:do you see (?:that )?)?(?:is|are) "
     rf"(?P<how>{COLOUR}|{SIZE})$"),
     r"what is \g<how>"),
    (r"^what is the (?:thing|object|item|one) (?=(?:in|on|at|next|above|below|between|under|over|to)\b)", "what is "),
    ((r"^what is the name of the (?:thing|object|item) "
     r"(?=(?:in|on|at|next|above|below|between|under|over|to)\b)"), "what is "),
    (r"^(?:which|what) (?:shape|item|figure|element|thing|object) is ", "what is "),
    (r"^(?:what|who) (?:else )?is (?=(?:in|on|at|next|above|below|left|right|between|beside|under|over) )", "what is "),
    ((r"^(?:is|are)(?: there)? (?:anyone|anybody|somebody|someone|any person|any people)"
     rf"(?: (?:there|here|(?:in|on) {_PICTURE}))?$"),
     "is there a girl"),
    (r"^who (?:is|are)(?: there| here| it| that| this)?$", "what is here"),
    # Whether
    ((rf"^(?:does|do|has) (?:it|this|that|{_PICTURE}|i|we|you) (?:show|contain|have|include|feature)(?: any)? "
     rf"(?P<what>.+?)(?: (?:in|on) {_PICTURE})?$"), r"is there \g<what>"),
    ((r"^(?:can|could|do|did) (?:you|we|i|one) (?:see|spot|find|notice|recognise|recognize|detect)(?: there)? "
     r"(?P<what>(?:an?|any|one|two|three|four|some) .+?)(?: there| here| anywhere)?$"), r"is there \g<what>"),
    ((rf"^(?:is|are) (?P<what>(?:an?|any|some|two|three|four) [a-z ]+?)(?: {_DOING})? "
     rf"(?:in|on) {_PICTURE}$"), r"is there \g<what>"),
    (r"^(?:is|are) there (?P<what>.+?) (?:to be )?(?:seen|found|visible|shown)$", r"is there \g<what>"),
    (rf"^any (?P<what>.+?)(?: (?:in )?(?:there|here)| (?:in|on) {_PICTURE})?$", r"are there any \g<what>"),
    ((r"^(?:does|do|did) (the .+?) (?:sit|stand|lie|float|swim|fly|wait|live|sleep)"
     r"(?= (?:in|on|at|next|above|below|between|under|over|to)\b)"),
     r"is \1"),
    (r" (?:any ?where|outside|inside|over there|in there)$", ""),
    (rf"^(?:does|do) (the .+?) have (?:the same|an? (?P<c>{COLOUR}) colour)(?= |$)", r"is \1 \g<c>"),
    (rf"^where are (the (?:\w+ )?(?:{_KIND})) and (the (?:\w+ )?(?:{_KIND}))$", r"where is \1 and where is \2"),
    (rf"^is (?:this|it|that) (an? (?:(?:{COLOUR}|{SIZE}) ){{0,2}}(?:{_KIND}))$", r"is there \1"),
    (rf"^are (the (?:\w+ )?(?:{_KIND})) and (the (?:\w+ )?(?:{_KIND})) next to each other$", r"is \1 next to \2"),
    (rf"^is everything (?:in|on) {_PICTURE} (.+)$", r"is everything \1"),
    (r"^is there anything (?:besides|apart from|other than|except) (the .+)$", r"what else is there besides \1"),
    # Counting
    (rf"^how many (?:of (?:them|these|those) )?(?:are|is) (?P<how>{COLOUR}|{SIZE})$",
     r"how many \g<how> things are there"),
    ((rf"^(how many (?:\w+ )?(?:{_KIND})) (?:swims?|sits?|stands?|flies|fly|floats?|are {_DOING})"
     r"(?: (?:here|there|around))?$"),
     r"\1 are there"),
    ((r"^(?:give me|tell me|say|what is|name)?(?: me)? ?(?:the )?(?:total )?"
     r"(?:number|amount|count|quantity) of (?P<what>.+?)$"),
     r"how many \g<what> are there"),
    (rf"^how many (?P<a>(?:\w+ )?(?:{_KIND})) and (?:how many )?(?P<b>(?:\w+ )?(?:{_KIND}))(?: (?:are|is|do|can) .*)?$",
     r"how many \g<a> are there and how many \g<b> are there"),
    ((rf"^count (?P<a>(?:\w+ ){{0,2}}(?:{_KIND})) and "
     rf"(?P<b>(?:\w+ ){{0,2}}(?:{_KIND}))$"), r"how many \g<a> and how many \g<b>"),
    ((r"^how many (?P<a>.+?) (?:can|could) (?:be|you|i|we|one) "
     r"(?:seen|see|find|found|spot|counted|count)$"), r"how many \g<a> are there"),
    (r"^how many (?P<a>[a-z ]+?)(?: are there)? in total$", r"how many \g<a> are there"),
    (r"^how many new (?P<a>[a-z ]+?)(?: are there| are here)?$", r"how many \g<a> were added"),
    (r"^from where to where (?:did|has) (?P<a>the .+?) (?:move|moved|go|gone)$", r"what happened to \g<a>"),
    # Two places
    (rf"^(?P<q>(?:is|are) there [a-z ]+?|what(?: is| are)?(?: there)?) (?P<a>{_PLACE}) and (?P<b>{_PLACE})$",
     r"\g<q> \g<a> and \g<q> \g<b>"),
    # Colors and sizes
    (r"^(?:what|which) colours? (?:do|are|have|has|is) (the [^,]+?) and (the [^,]+?)(?: have)?$",
     r"what colour is \1 and what colour is \2"),
    ((r"^(?:(?:list|name|give me|tell me|show me|enumerate|mention|say|which|what)(?: me| are)?"
     r"(?: (?:all(?: of)?|every|each|the|different|various))*) colours?(?: (?:that|you|i|we|one|is|are|can|could|do|"
     r"does|be|the|of|on|in|all|these|those|this|my|your|there|here|see|seen|find|found|spot|used|use|shown|visible|"
     r"present|appear|appears|things|objects|items|picture|image|scene|have|has|everything))*$"),
     "which colours are there"),
    (r"^(?:of|in) (what|which) colour is (.+)$", r"what colour is \2"),
    (r"^(the .+?) (?:is|has) (?:what|which) colour$", r"what colour is \1"),
    (r"^what colour(?:ed)? (?P<kind>\w+) is (?:it|that|this|there)$", r"what colour is the \g<kind>"),
    (r"^(?:what|which) (?:is|are) the (?:colours?|hue|shade) of (?P<a>.+)$", r"what colour is \g<a>"),
    (r"^how (?:big|large|small|tall) (?:is|are) (.+)$", r"how big is \1"),
    (r"^(?:what|which) size (?:is|are|does) (.+?)(?: have)?$", r"how big is \1"),
    (r"^how (?:is|are) (the .+?) coloured(?: in)?$", r"what colour is \1"),
    # Places
    ((r"^(?:on|in|at) (?:which|what) "
     rf"(side|part|corner|area|half|spot|place|position) (?:of {_PICTURE} )?(?:is|are|do you see|can i see) (.+)$"),
     r"where is \2"),
    (r"^(?:whereabouts|at what place|in what position) (?:is|are) (.+)$", r"where is \1"),
    (r"^what is the (?:place|position|location|spot) of (.+)$", r"where is \1"),
    (r"^(?:locate|search for|look for|spot|point to|point out|show me where) (the .+?)(?: is)?$", r"where is \1"),
    (r"^which (?:side|corner|spot|place|part|position) (?:is|are) (.+?) (?:in|on|at)$", r"where is \1"),
    (r"^where (?:do i|can i|can you|do you|could i) (?:see|find|spot|locate) ", "where is "),
    (rf"^where (?:is|are) (.+?) {_DOING}$", r"where is \1"),
    # Backgrounds
    ((rf"^(?:where|when)(?: (?:is|was|were|does|do|did|has|{_PICTURE}|this|it|that|taken|set|happen|take place|play|"
     r"everything|are|we|the|things|all))+$"), _stage),
    ((r"^(?:what|which)(?: (?:kind|sort|type|part|time))*(?: of)?(?: (?:a|the))?(?: day| background| landscape| place|"
     r" setting| scenery| surroundings| environment| location| weather| season| time)+"
     r"(?: (?:is|are|does|do|it|this|that|there|here|shown|show|shows|have|has|in|on|we|you|see|can|"
     rf"depicted|like|{_PICTURE}))*$"), "what is the background"),
    ((r"^(?:describe|name|say|tell me)(?: about)? the "
     r"(?:background|landscape|setting|scenery|weather|season|surroundings|time of day)$"), "what is the background"),
    ((r"^(?:what|how) is the "
     r"(?:weather|background|setting|season|landscape|scenery)(?: like)?$"), "what is the background"),
    ((rf"^is (?:it|this|that|{_PICTURE})(?: set| taken| happening| taking place| in the)? "
     r"(?=(?:at|in|on|during|by) )"), "is it "),
    (rf"^(?:is (?:it|this|that|there) )?(?:the )?same (?P<what>{_KIND}) (?:in|on) both(?: (?:of them|\w+))?$",
     r"is the \g<what> the same in both pictures"),
    # Which of two
    (r"\btaller than\b", "bigger than"),
    (r"^is (the .+?) (?:bigger or smaller|smaller or bigger) than (the .+)$", r"which is bigger , \1 or \2"),
    (rf"^how many (?P<a>{COLOUR}|{SIZE}) and (?:how many )?(?P<b>{COLOUR}|{SIZE}) (?P<what>{_KIND})(?: are there)?$",
     r"how many \g<a> \g<what> are there and how many \g<b> \g<what> are there"),
    (r"^(?:which|what|who)(?: \w+)? is (bigger|smaller)(?: ,)? (the .+?) or (the .+)$", r"which is \1 , \2 or \3"),
    ((r"^(?:what|which) (?:is|are) there more(?: of)?(?: ,| :)? "
     r"(?P<a>.+?) or (?P<b>.+)$"), r"are there more \g<a> than \g<b>"),
    ((rf"^are there more (?P<a>(?:\w+ )?(?:{_KIND})) or (?:more )?"
     rf"(?P<b>(?:\w+ )?(?:{_KIND}))$"), r"are there more \g<a> than \g<b>"),
)  # fmt: skip


def plain_question(text: str) -> str:
    """Returns a question in the words of the rules; the same text if nothing fits.

    Examples:
        >>> plain_question("who or what is standing in the snow")
        'what is in the snow'
    """
    for pattern, plain in _RULES:
        text = compiled(pattern).sub(plain, text).strip(" ,:")
    return text
