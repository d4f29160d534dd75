"""Words by what they do in a picture: verbs by their effect, words that say nothing, words that must be understood.

Tables, and the inflections of verbs. Knows no grammar.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["DANGER", "GLUE", "SIMPLE", "VERBS", "VISIBLE", "verb_forms"]

_IRREGULAR = {
    "be": "am is are was were been being",
    "become": "becomes became becoming",
    "begin": "begins began begun beginning",
    "blow": "blows blew blown blowing",
    "bring": "brings brought bringing",
    "buy": "buys bought buying",
    "catch": "catches caught catching",
    "come": "comes came coming",
    "creep": "creeps crept creeping",
    "dive": "dives dived dove diving",
    "draw": "draws drew drawn drawing",
    "drive": "drives drove driven driving",
    "fall": "falls fell fallen falling",
    "find": "finds found finding",
    "fly": "flies flew flown flying",
    "get": "gets got gotten getting",
    "give": "gives gave given giving",
    "go": "goes went going",
    "grow": "grows grew grown growing",
    "hang": "hangs hung hanging",
    "have": "has had having",
    "hide": "hides hid hidden hiding",
    "hold": "holds held holding",
    "keep": "keeps kept keeping",
    "leap": "leaps leapt leaped leaping",
    "leave": "leaves leaving",
    "let": "lets letting",
    "lie": "lies lay lain lying",
    "lose": "loses losing",
    "make": "makes made making",
    "meet": "meets met meeting",
    "put": "puts putting",
    "ride": "rides rode ridden riding",
    "rise": "rises rose risen rising",
    "run": "runs ran running",
    "see": "sees saw seen seeing",
    "send": "sends sent sending",
    "set": "sets setting",
    "shine": "shines shone shining",
    "shrink": "shrinks shrank shrunk shrinking",
    "sing": "sings sang sung singing",
    "sink": "sinks sank sunk sinking",
    "sit": "sits sat sitting",
    "sleep": "sleeps slept sleeping",
    "slide": "slides slid sliding",
    "spring": "springs sprang sprung springing",
    "stand": "stands stood standing",
    "stick": "sticks stuck sticking",
    "swim": "swims swam swum swimming",
    "swell": "swells swelled swollen swelling",
    "take": "takes took taken taking",
    "throw": "throws threw thrown throwing",
    "wake": "wakes woke woken waking",
}
_DOUBLED = frozenset(
    "hop drop skip slip trot step swap stop pop jog zip chop wag rub scrub strip bob hug chat drag nap".split()
)


def verb_forms(verb: str) -> Iterator[str]:
    """Yields all forms of a verb; words after the first, as in "show up", stay."""
    head, _, rest = verb.partition(" ")
    tail = f" {rest}" if rest else ""
    yield verb
    if head in _IRREGULAR:
        yield from (f"{form}{tail}" for form in _IRREGULAR[head].split())
        return
    stem = f"{head}{head[-1]}" if head in _DOUBLED else head
    if head.endswith("y") and head[-2] not in "aeou":
        yield f"{head[:-1]}ies{tail}"
        yield f"{head[:-1]}ied{tail}"
    else:
        yield f"{head}es{tail}" if head.endswith(("s", "x", "sh", "ch", "z", "o")) else f"{head}s{tail}"
        yield f"{stem}d{tail}" if head.endswith("e") else f"{stem}ed{tail}"
    yield f"{stem[:-1] if head.endswith('e') and not head.endswith('ee') else stem}ing{tail}"


_LISTED = {
    "appear": (
        "appear, arrive, show up, turn up, pop up, come along, come by, come over, join, enter, emerge, drop by, "
        "stop by, come to visit, visit, spawn, sprout, spring up, come into view, come into the picture, come "
        "out, materialise, materialize, drop in, come up, show itself, come around, come round, turns up, pass "
        "by, come in, hatch, surface, crop up, bloom, blossom, shoot up"
    ),
    "vanish": (
        "disappear, vanish, depart, go away, go home, take off, melt, fade, exit, escape, melt away, fade away, "
        "say goodbye, go missing, move out, go off, go out, head home, head off, drive home, walk home, run home, "
        "fly home, swim home, evaporate, go back home, walk out, dissolve, go indoors"
    ),
    "leave": "leave",
    "go": (
        "go, move, walk, run, jump, fly, swim, drive, sail, hop, roll, wander, climb, travel, crawl, ride, float, "
        "bounce, return, head, slide, drift, glide, trot, dash, skip, race, sink, hurry, descend, ascend, tumble, "
        "dive, plunge, soar, creep, sneak, march, stroll, paddle, flutter, swoop, zoom, speed, rush, scoot, "
        "retreat, proceed, slip, bob, whizz, leap, shift, fall, rise, drop, relocate, migrate, advance, stride, "
        "tiptoe, jog, sprint, waddle, scurry, gallop, cruise, steer, swing, scamper, prance, dart, make-its-way, "
        "blow, land, dock"
    ),
    "come": "come",
    "become": (
        "become, turn, change, transform, morph, switch, convert, modify, alter, adjust, update, edit, attain, "
        "assume, acquire, take on"
    ),
    "get": "get",
    "grow": "grow, scale up, expand, swell, inflate",
    "shrink": "shrink",
    "stay": (
        "sit, stand, lie, wait, sleep, rest, shine, glow, smile, watch, look, play, live, stay, remain, hover, "
        "lurk, park, dance, sing, hang, twinkle, sparkle, perch, nap, relax, laugh, giggle, wag, purr, chirp, "
        "tweet, meow, hide, anchor, linger, exist, chill, snooze, doze, wave, wonder, think, cheer, cry, blink, "
        "glitter, gleam, glimmer, lounge, settle, pose, appear to be, bathe, camp, tower, loom, nestle, reside, "
        "dwell, lean, lay, stop, pause, halt, work, read, eat, chat, talk, speak, shout, whisper, "
        "say, ask, call, swim, float, fly, grow, rise, wander, occupy, fill, bob, drift, appear to sit, keep "
        "watch, face, guard, keep, belong, bask, grin, gaze, stare, peek, yawn, stretch, breathe, dream, "
        "daydream, rock"
    ),
    "have": "have, hold, carry, find, see, meet, discover, spot, receive, buy, notice, own, catch",
    "draw": (
        "draw, show, create, generate, sketch, design, produce, render, depict, illustrate, demonstrate, imagine, "
        "include, picture, doodle, display, compose"
    ),
    "put": (
        "add, put, place, insert, position, stick, pop, set, plant, drop, park, hang, throw in, bring in, put in, "
        "drop in, introduce, sprinkle, throw, lay, fit, put down"
    ),
    "make": "make, have, want, get, let, need",
    "paint": "paint, colour, recolour, dye, tint, repaint, shade",
    "move": (
        "move, bring, shift, push, send, drag, slide, pull, relocate, transfer, carry, roll, nudge, take, fly, "
        "drive, reposition, scoot"
    ),
    "remove": (
        "remove, delete, erase, take away, take out, get rid of, clear, clear away, wipe out, throw away, throw "
        "out, eliminate, lose, rub out, cut, cut out, ditch, drop, discard, scrap, wipe away, wipe, take off, "
        "kick out, scrub, hide, do away with, cross out, dump, send away, banish, strip out, leave out, omit, "
        "nix, bin, chuck"
    ),
    "replace": (
        "replace, substitute, turn over, exchange, swap out, swap, trade, switch, switch out, change out, "
        "change places, trade places, change positions, trade positions"
    ),
    "enlarge": "enlarge, increase, scale up, magnify, grow, expand, upsize, blow up, embiggen",
    "reduce": "shrink, decrease, scale down, reduce, downsize, minimise, minimize, miniaturise, miniaturize",
    "keep": "keep, leave, preserve",
    "give": "give",
    "start": "start, begin, open",
    "be": "be",
}
VERBS: dict[str, tuple[str, ...]] = {name: tuple(verbs.split(", ")) for name, verbs in _LISTED.items()}
"""Verbs by effect. A verb may be in several classes; the clause decides."""

SIMPLE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("a", "an"), ("DET", "a")),
    **dict.fromkeys(("the", "this", "that", "these", "those"), ("DET", "the")),
    **dict.fromkeys(("my", "your", "its", "our", "their"), ("DET", "my")),
    **dict.fromkeys(("his", "her"), ("HIS", "")),
    **dict.fromkeys(("it", "he", "she", "him"), ("PRO", "it")),
    **dict.fromkeys(("they", "them"), ("PRO", "them")),
    "everything": ("PRO", "everything"),
    "both": ("ALL", "both"),
    "all": ("ALL", "all"),
    "every": ("ALL", "each"),
    "each": ("ALL", "each"),
    "one": ("NUM", "1"),
    "ones": ("ONES", ""),
    "another": ("MORE", "another"),
    "other": ("ELSE", ""),
    "some": ("SOME", "2"),
    "several": ("SOME", "3"),
    "and": ("AND", "and"),
    "plus": ("AND", "and"),
    "but": ("AND", "but"),
    "while": ("AND", "while"),
    "where": ("WHERE", ""),
    "so": ("AND", "so"),
    ",": ("COMMA", ""),
    ":": ("COLON", ""),
    "with": ("WITH", ""),
    "without": ("NO", "without"),
    "no": ("NO", "no"),
    "zero": ("NO", "no"),
    "not": ("NOT", ""),
    "never": ("NOT", ""),
    "only": ("ONLY", ""),
    "just": ("ONLY", "just"),
    **dict.fromkeys(("which", "who"), ("WHO", "")),
    **dict.fromkeys("should will would must shall can could might may ought".split(), ("MODAL", "")),
    **dict.fromkeys("in on at against amid among within upon to into of from by for onto during as through".split(),
                    ("PREP", "")),
    **dict.fromkeys(("away", "off", "home"), ("GONE", "")),
    "identical": ("ALIKE", ""),
    **dict.fromkeys(("bigger", "larger", "taller", "huger"), ("CMP", "big")),
    **dict.fromkeys(("smaller", "tinier", "littler"), ("CMP", "small")),
    **dict.fromkeys(("thing", "object", "item"), ("THING", "1")),
    **dict.fromkeys(("things", "objects", "items"), ("THING", "2")),
    **dict.fromkeys(("background", "backdrop", "setting", "scenery", "surroundings"), ("STAGE", "")),
    "alone": ("ALONE", ""),
    **dict.fromkeys(("gone", "absent", "missing"), ("ABSENT", "")),
    "there": ("THERE", ""),
    "i": ("I", ""),
    "we": ("I", ""),
    "you": ("I", ""),
    "do": ("DO", ""),
    "does": ("DO", ""),
    "did": ("DO", ""),
}  # fmt: skip
"""Other single words: tag and value."""

GLUE = frozenset(
    """
    please pray kindly now also too again just me us here ok okay hi hello hey hiya howdy heya well
    meanwhile simply maybe perhaps
    suddenly soon slowly quickly still already together finally instead actually once around back meantime today ago
    hence asleep awake itself himself herself themselves goodbye bye asleep awake eventually immediately nearby
    directly right exactly somewhere anywhere exact yes
    """.split()
) - {"right", "instead", "back", "finally"}
"""Words that change nothing and need no report."""

DANGER = frozenset(
    """
    not no never without except instead half unless only or if than more fewer less same other each every most least
    neither nor none nothing nobody either rather but else whichever any otherwise before after until when since
    because though although whether who whose why how what which first second third last previous former latter
    different opposite mirror upside rotate rotated flip flipped twice double triple remaining rest majority few
    many lots plenty dozen hundred times equal equally behind inside through around front opposite copy duplicate
    clone merge combine split divide overlap zoom crop blur forget forgot skip ignore minus lacking lacks lack avoid
    exclude excluding stop cancel undo refuse hate outta nowhere hardly barely scarcely rarely seldom free lost
    unlike wrong mistake ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty
    forty fifty sixty seventy eighty ninety thousand million rejected forbidden prohibited banned unwanted disallowed
    """.split()
)
"""Words that change the meaning: a rule reads them, or the request is refused."""
VISIBLE = frozenset(
    """
    black brown grey gray turquoise teal cyan magenta beige maroon gold silver bronze khaki indigo burgundy olive
    peach coral mint cream charcoal ebony multicolored multicoloured multicolour colorful colourful rainbow
    transparent invisible translucent glowing neon pastel dark bright light pale striped spotted dotted checkered
    checked plaid patterned polka stripy spotty furry hairy woolly feathered scaly round square triangular oval flat
    rectangular pointed pointy curly straight long short tall thin fat thick skinny wide narrow slim chubby plump
    wooden metal metallic glass golden stone brick plastic paper rusty broken cracked open closed shut burning
    flaming frozen icy melted wet muddy dirty clean torn empty full hollow ruined haunted abandoned bearded bald
    winged headless legged eyed armed dressed naked bare leafless leafy blooming wilted dead skeletal robotic cyborg
    upside sideways slanted tilted crooked inverted reversed blurred blurry realistic cubist pixelated sketchy
    watercolor watercolour cartoonish parked medium midsize mediumsized average tiniest biggest smallest largest
    middle-sized giantess dozens hundreds
    """.split()
) - {"golden", "gold", "short", "full", "clean", "parked", "light", "bright", "wide", "long"}
"""Looks that images of the micro world cannot show: never left out."""
