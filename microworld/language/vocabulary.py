"""The words of the micro world: those that its generator is trained on, and synonyms that it never sees in training.

Tables, and plurals. A test checks that no spelling in `SYNONYMS` occurs in anything the generator is trained on.
"""

from interleavethinker.microworld.scenes.sprites import BACKGROUNDS, COLOURS, KINDS

__all__ = [
    "BACKGROUND_PHRASES",
    "CANONICAL",
    "POSITION_PHRASES",
    "SYNONYMS",
    "USUAL_COLOURS",
    "known_words",
    "plural",
    "regular_plural",
]

POSITION_PHRASES: tuple[tuple[str, ...], ...] = (
    ("in the top left", "in the top left corner"),
    ("at the top", "in the top middle"),
    ("in the top right", "in the top right corner"),
    ("on the left", "on the left side"),
    ("in the middle", "in the centre"),
    ("on the right", "on the right side"),
    ("in the bottom left", "in the bottom left corner"),
    ("at the bottom", "in the bottom middle"),
    ("in the bottom right", "in the bottom right corner"),
)
"""Phrases for each cell in the training texts; the first is the canonical one."""

BACKGROUND_PHRASES: dict[str, tuple[str, ...]] = {
    "meadow": ("in a meadow", "on a meadow"),
    "night": ("at night", "by night"),
    "sunset": ("at sunset", "during sunset"),
    "beach": ("at the beach", "on a beach"),
    "snow": ("in the snow", "in snow"),
    "forest": ("in a forest", "in the forest"),
}
"""Phrases for each background in the training texts; the first is the canonical one."""

USUAL_COLOURS: dict[str, str] = {
    "ball": "red", "bird": "blue", "boat": "white", "box": "orange", "car": "red", "cat": "orange", "fish": "blue",
    "flower": "pink", "girl": "purple", "house": "red", "star": "yellow", "tree": "green",
}  # fmt: skip
"""The color of an object whose color a text leaves open."""

SYNONYMS: dict[str, tuple[str, ...]] = {
    # objects
    "ball": ("sphere", "orb"),
    "bird": ("sparrow", "finch"),
    "boat": ("ship", "dinghy"),
    "box": ("crate", "parcel"),
    "car": ("automobile", "vehicle"),
    "cat": ("kitten", "feline"),
    "fish": ("trout", "herring"),
    "flower": ("blossom", "bloom"),
    "girl": ("child", "lass"),
    "house": ("cottage", "hut"),
    "star": ("starburst", "asterisk"),
    "tree": ("sapling", "oak"),
    # colors
    "red": ("crimson", "scarlet"),
    "orange": ("tangerine", "amber"),
    "yellow": ("golden", "lemon"),
    "green": ("emerald", "lime"),
    "blue": ("azure", "navy"),
    "purple": ("violet", "lavender"),
    "pink": ("rose", "salmon"),
    "white": ("ivory", "pearly"),
    # sizes
    "big": ("large", "huge"),
    "small": ("tiny", "little"),
    # places and times
    "meadow": ("pasture", "grassland"),
    "night": ("midnight", "nighttime"),
    "sunset": ("dusk", "twilight"),
    "beach": ("seaside", "shore"),
    "snow": ("winter", "frost"),
    "forest": ("woods", "woodland"),
}
"""Trained words, each with synonyms that are kept out of training."""

CANONICAL: dict[str, str] = {other: word for word, others in SYNONYMS.items() for other in others}
"""Maps each synonym to its trained word."""

_IRREGULAR_PLURALS = {"fish": "fish", "child": "children", "dinghy": "dinghies"}
_STRUCTURE = """
a an the and with in at on of to by during into as it so is are there this that
picture image scene background nothing else empty left right top bottom middle centre side corner
add put draw place remove delete take away erase make turn paint colour recolour move bring resize replace swap
change set show exchange bigger smaller
""".split()


def known_words() -> frozenset[str]:
    """Returns every word of plain instructions (the generator is trained on most of them) and all synonyms."""
    return frozenset((*_STRUCTURE, *KINDS, *COLOURS, *BACKGROUNDS, *SYNONYMS, *CANONICAL))


def plural(noun: str) -> str:
    """Returns the plural of an object or of one of its synonyms, for example "boxes", "fish"."""
    return _IRREGULAR_PLURALS.get(noun, regular_plural(noun))


def regular_plural(noun: str) -> str:
    """Returns the plural by the rule, which people also write where it is wrong, for example "fishes"."""
    return f"{noun}es" if noun.endswith(("x", "s", "sh", "ch")) else f"{noun}s"
