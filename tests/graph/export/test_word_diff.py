"""Comparing two prompts marks the words that changed, and nothing else."""

import pytest

from interleavethinker.graph.export.word_diff import word_diff


def marked(before: str, after: str) -> str:
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[passage.kind].format(passage.text) for passage in word_diff(before, after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a white kitten on the left", "a white cat on the left", "a white [-kitten-] [+cat+] on the left"),
        ("a red ball", "a big red ball", "a [+big+] red ball"),
        ("a very big red ball", "a red ball", "a [-very big-] red ball"),
        ("a ball.", "a ball, at night.", "a ball[+, at night+]."),
        ("the cat's hat", "the dog's hat", "the [-cat's-] [+dog's+] hat"),
        ("a ball", "a ball", "a ball"),
        ("", "a ball", "[+a ball+]"),
        ("a red ball", "nothing of it kept, nothing", "[-a red ball-] [+nothing of it kept, nothing+]"),
        ("一只白色的小猫", "一只白色的小狗", "一只白色的小[-猫-] [+狗+]"),
        ("كرة حمراء كبيرة", "كرة زرقاء كبيرة", "كرة [-حمراء-] [+زرقاء+] كبيرة"),
    ],
)  # fmt: skip
def test_changed_words_are_marked(before: str, after: str, expected: str) -> None:
    assert marked(before, after) == expected


def test_without_the_removed_words_the_new_prompt_remains() -> None:
    before, after = "put a tiny golden bird\nat the top", "add a small yellow bird\nat  the very top, please"
    kept = "".join(passage.text for passage in word_diff(before, after) if passage.kind != "removed")
    assert kept.split() == after.split()


def test_very_long_prompts_are_compared_as_a_whole() -> None:
    assert [one.kind for one in word_diff("a " * 3000, "a " * 2999)] == ["removed", "same", "added"]
