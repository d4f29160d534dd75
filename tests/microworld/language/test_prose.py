"""What a told story may leave out, and what it must keep."""

import pytest

from interleavethinker.microworld.language.reader.prose import without_prose


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("A girl and a box. She is curious. The box turns red.", "A girl and a box. The box turns red."),
        ("A boat. The waves are loud and the wind is strong. Night falls.", "A boat. Night falls."),
        ("A cat. Then a bird appears, and the cat is happy at last.", "A cat. Then a bird appears."),
        ("A box. Nobody knew what was inside. It turned white.", "A box. It turned white."),
        ("A car. It stops on the right because it is out of gas.", "A car. It stops on the right."),
        ("A tree in the winter and everything was covered in snow. Night falls.", "A tree in the winter. Night falls."),
        ("A bird. It was so cold that the bird flew away.", "A bird. the bird flew away."),
        ("A car. A house. The car says it is tired and drives home.", "A car. A house. The car drives home."),
        ("A girl has a box. She puts it down and waits. It turns red.", "A girl has a box. It turns red."),
        ("Let me tell you about my family. A tree.", "A tree."),
        ("A bird. The bird gets scared and flies away.", "A bird. The bird flies away."),
    ],
)
def test_feelings_thoughts_sounds_and_reasons_are_left_out(text: str, rest: str) -> None:
    shortened, left_out = without_prose(text)
    assert shortened == rest
    assert left_out, "the document names what was left out"


@pytest.mark.parametrize(
    "text",
    [
        "She is happy.",
        "I like to have picture with many bird: five. All birds are orange.",
        "I would like a cat. It is white.",
        "A cat. The dragon is angry. The cat leaves.",
        "A cat. The girl is happy. The cat leaves.",
        "A cat and a ball. The ball is nice. It turns red.",
        "A cat. She loves a red ball.",
        "The orange cat and the white cat are friends. It starts to snow.",
        "A girl. She plays in the snow.",
        "A tree. It is big. A cat comes.",
        "A cat. It is alone. A bird comes because the sun goes down.",
    ],
)
def test_what_names_counts_places_or_changes_something_stays(text: str) -> None:
    assert without_prose(text) == (text, ())
