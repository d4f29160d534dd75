"""Wordings for synthetic natural requests: how people frame a request and narrate a change. Tables only.

Slots: `{old}` a definite description or pronoun, `{new}` an indefinite one, `{to}` a place with its preposition,
`{colour}`, `{size}`, `{ground}` a background. Everything here is for training; evaluations have texts of their own.
"""

__all__ = [
    "BACKGROUND_EVENTS",
    "CLAUSES",
    "CLOSINGS",
    "CONNECTORS",
    "DIFFERENCES",
    "FILLERS",
    "GUIDES",
    "IMAGE_LEADS",
    "NEARBY",
    "NEGATIONS",
    "OPENINGS",
    "QUESTIONS",
    "SINGLES",
    "SMALL_WORDS",
]

SINGLES: tuple[str, ...] = (
    "{}", "{}", "{}", "draw {}", "draw me {}", "please draw {}", "show {}", "show me {}", "paint {}", "{} please",
    "a picture of {}", "make a picture of {}", "an image of {}", "generate {}", "i want {}", "i would like {}",
    "can you draw {}", "could you paint {} for me", "give me {}", "let me see {}", "just {}", "one picture: {}",
    "create an image with {}", "a drawing of {}", "sketch {}", "there is {}", "make {}", "i need a picture with {}",
    "imagine {}", "we need {}", "my daughter wants {}", "for a card: {}", "a scene with {}", "it shows {}",
    "draw one image that shows {}", "illustrate {}", "hello, draw {}", "try {}", "maybe {}", "only {}",
)  # fmt: skip

GUIDES: tuple[str, ...] = (
    "how do i draw {}", "how can i paint {}", "show me how to draw {}", "explain step by step how to make {}",
    "step by step: {}", "a tutorial for {}", "teach me to draw {}", "i want to learn to draw {}",
    "how would you build {}", "walk me through {}", "draw {} one after another", "draw {} one at a time",
    "build {} bit by bit", "guide me through drawing {}", "what are the steps to draw {}", "instructions for {}",
)  # fmt: skip

OPENINGS: tuple[str, ...] = (
    "", "", "", "first ", "first, ", "at first ", "we begin with ", "start with ", "begin with ", "begin: ",
    "once there was ", "there was ", "there is ", "here is ", "draw ", "show ",
    "tell a story: ", "tell me a story about ", "a story about ", "make a comic: ", "picture 1: ", "step 1: ",
    "1. ", "1) ", "- ", "scene one: ", "image 1: ", "page 1: ", "my story starts with ", "it all begins with ",
    "a short story. ", "a picture story. first ", "illustrate this: ", "one day there was ", "i see ", "imagine ",
    "let us start with ", "storyboard: ", "in the beginning ", "open with ", "to begin, ", "the tale of ",
)  # fmt: skip

CONNECTORS: tuple[str, ...] = (
    "", "", "", "then ", "then, ", "next ", "next, ", "after that ", "after that, ", "and then ", "now ", "later ",
    "later, ", "afterwards ", "suddenly ", "soon ", "a moment later ", "in the next picture ", "on the next page ",
    "picture {n}: ", "step {n}: ", "{n}. ", "{n}) ", "- ", "image {n}: ", "page {n}: ", "scene {n}: ", "second, ",
    "what happens next: ", "meanwhile ", "one hour later ", "when that is done, ", "followed by this: ", "so ",
    "continue: ", "go on, ", "also ", "but then ", "the next day ", "this time ",
)  # fmt: skip

CLOSINGS: tuple[str, ...] = (
    "finally ", "finally, ", "at the end ", "in the end ", "at last ", "last ", "lastly, ", "to finish, ",
    "in the last picture ", "and finally ", "it ends like this: ", "as a last step, ", "to close, ",
)  # fmt: skip

IMAGE_LEADS: tuple[str, ...] = (
    "", "", "", "please ", "can you ", "could you ", "in this picture ", "in my image ", "edit this: ",
    "change this image: ", "i want you to ", "would you ", "here is my picture. ", "take this photo. ", "now ",
    "starting from this picture, ", "continue this story: ", "what happens next: ", "use this image and ", "just ",
)  # fmt: skip

CLAUSES: dict[str, tuple[str, ...]] = {
    "add": (
        "{new} appears {to}", "{new} comes {to}", "{new} arrives {to}", "there is also {new} {to}", "{new} {to}",
        "{new} joins in {to}", "we see {new} {to}", "put {new} {to}", "add {new} {to}", "draw {new} {to}",
        "place {new} {to}", "{to} {new} appears", "{to} there is {new}", "along comes {new} {to}", "also {new} {to}",
        "{new} shows up {to}", "let {new} appear {to}", "with {new} {to}", "bring in {new} {to}", "include {new} {to}",
        "{new} is added {to}", "a visitor: {new} {to}", "{new} sits {to}", "{new} stands {to}", "set {new} {to}",
    ),
    "remove": (
        "{old} goes away", "{old} leaves", "{old} disappears", "{old} vanishes", "{old} is gone", "{old} runs away",
        "take {old} away", "remove {old}", "delete {old}", "erase {old}", "get rid of {old}", "hide {old}",
        "{old} has left", "{old} goes home", "without {old}", "let {old} disappear", "{old} is no longer there",
        "take away {old}", "{old} is taken away", "clear away {old}", "drop {old}", "{old} flies off",
    ),
    "move": (
        "{old} moves {to}", "{old} goes {to}", "{old} walks {to}", "{old} runs {to}", "{old} jumps {to}",
        "{old} drives {to}", "{old} swims {to}", "{old} flies {to}", "move {old} {to}", "bring {old} {to}",
        "{old} is now {to}", "now {old} is {to}", "shift {old} {to}", "put {old} {to}", "push {old} {to}",
        "{old} rolls {to}", "{old} wanders {to}", "let {old} go {to}", "{old} travels {to}", "slide {old} {to}",
    ),
    "recolour": (
        "{old} turns {colour}", "{old} becomes {colour}", "{old} is {colour} now", "{old} gets {colour}",
        "make {old} {colour}", "paint {old} {colour}", "turn {old} {colour}", "colour {old} {colour}",
        "color {old} {colour}", "{old} changes to {colour}", "{old} should be {colour}", "change {old} to {colour}",
        "now {old} is {colour}", "i want {old} in {colour}", "{old} is painted {colour}",
        "give {old} a {colour} colour",
    ),
    "resize": (
        "make {old} {size}", "{old} becomes {size}", "{old} gets {er}", "{old} {grows}", "make {old} {er}",
        "{old} is {size} now", "{old} turns {size}", "now {old} is {size}", "let {old} get {er}", "i want {old} {er}",
    ),
    "replace": (
        "{old} turns into {new}", "{old} becomes {new}", "replace {old} with {new}", "swap {old} for {new}",
        "instead of {old} there is {new}", "{old} changes into {new}", "{old} is replaced by {new}",
        "change {old} into {new}", "exchange {old} for {new}", "{old} is now {new}", "turn {old} into {new}",
    ),
    "background": (
        "make it {ground}", "it is {ground} now", "change the background to {word}", "make the background {word}",
        "set the scene {ground}", "now we are {ground}", "everything is {ground} now", "switch to {word}",
        "the same {ground}", "put everything {ground}", "it is now {word}", "turn the background into {word}",
    ),
}  # fmt: skip

BACKGROUND_EVENTS: dict[str, tuple[str, ...]] = {
    "meadow": ("we come to a meadow", "the grass is green again", "everyone goes to the meadow", "the meadow again"),
    "night": (
        "night falls",
        "it gets dark",
        "night comes",
        "it becomes night",
        "darkness falls",
        "it is late at night",
    ),
    "sunset": ("the sun goes down", "the sun sets", "the sun is setting", "evening comes", "sunset comes"),
    "beach": ("we go to the beach", "everyone goes to the beach", "we reach the sea", "we arrive at the beach"),
    "snow": ("snow falls", "it snows", "it starts to snow", "winter comes", "snow covers everything"),
    "forest": ("we go into the forest", "we enter the forest", "a forest grows around", "we walk into the woods"),
}
"""Events that change the background."""

DIFFERENCES: tuple[str, ...] = (
    "what is different", "what changed", "what is different between the two pictures", "compare these two images",
    "find the difference", "what has changed between them", "how do these pictures differ", "compare both",
    "what happened between the first and the second picture", "tell me the difference", "what is not the same",
    "is there a difference and which one", "which change do you see", "how is the second image different",
)  # fmt: skip

NEARBY: tuple[str, ...] = ("next to {}", "beside {}", "near {}", "close to {}", "by {}", "at the side of {}")
"""Places that name another object. Slot: a definite description."""

NEGATIONS: tuple[str, ...] = (
    "{} without a {other}", "{}, no {other}", "{} but no {other}", "{}, and no {other}s", "{} and nothing else",
    "{}, nothing else", "{}, but without {other}s", "only {}", "{} alone", "{}, there is no {other}",
)  # fmt: skip
"""Ways to say what an image must not show. Slot `{other}`: a kind that it does not show."""

QUESTIONS: dict[str, tuple[str, ...]] = {
    "describe": (
        "what is this", "what do you see", "what is in this picture", "describe this", "describe the image",
        "tell me what you see", "what is on this photo", "which things are in the picture", "caption this",
    ),
    "count": (
        "how many things are there", "how many objects do you see", "count everything", "how many things",
        "what is the number of objects", "are there many things and how many", "how many objects does it show",
    ),
    "count_kind": (
        "how many {kinds} are there", "how many {kinds} do you see", "count the {kinds}", "how many {kinds}",
        "what is the number of {kinds}",
    ),
    "exists": (
        "is there a {kind}", "do you see a {kind}", "does it show a {kind}", "can you see a {kind}",
        "is a {kind} in the picture", "is there any {kind}",
    ),
    "where": (
        "where is the {kind}", "where do you see the {kind}", "tell me where the {kind} is", "where is that {kind}",
        "on which side is the {kind}", "which place has the {kind}",
    ),
    "colour": (
        "what colour is the {kind}", "what color is the {kind}", "which color does the {kind} have",
        "is the {kind} red or blue or what", "tell me the colour of the {kind}", "the color of the {kind}",
    ),
    "place": (
        "what is {place}", "what do you see {place}", "which object is {place}", "what stands {place}",
        "tell me what is {place}",
    ),
    "ground": (
        "where does this picture play", "is it day or night", "what is the background", "what place is this",
        "which scene is this", "describe the background",
    ),
}  # fmt: skip
"""Questions about one image."""

FILLERS: tuple[str, ...] = tuple(
    """
    nice lovely pretty cute my our little please thanks ok well so very really just quite maybe today tomorrow morning
    everyone somebody friend mum dad kids teacher class book card birthday party holiday dream happy sad funny quiet
    magic wonderful simple easy quick favourite old young good new great beautiful calm strange once again always never
    someone because while who which this that these those here there about for some any all both each other own
    """.split()
)
"""Words without meaning for the micro world, from which random frames are made."""

SMALL_WORDS: tuple[str, ...] = tuple(
    """
    it this that them its their he she they you we me us i before following upon during since until further more
    thing things part moment hour day week page pages frame done ready made story tale picture image
    edit wish wishes needs need want let do does did has have had will would should could must may might
    """.split()
)
"""Pronouns, auxiliaries and nouns that occur between sentences, for random connectors: none decides what is drawn."""
