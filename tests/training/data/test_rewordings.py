"""The restater's pairs of wordings, and the variants that training makes of them."""

import numpy as np
import pytest

from interleavethinker.microworld.agents.restating import question_of
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.tools.errors import InputError
from interleavethinker.training.data.rewordings import Composer, Rewording, parse_rewordings, shipped_rewordings, varied


def variants(line: str, count: int = 200) -> set[tuple[str, str | None]]:
    (pair,) = parse_rewordings(line, "test")
    rng = np.random.default_rng(0)
    return {varied(pair, rng) for _ in range(count)}


def read(text: str, images: int) -> None:
    if images:
        check_text(text, images)
    else:
        interpret(text)


def test_the_rules_read_what_the_shipped_pairs_restate() -> None:
    pairs = shipped_rewordings()
    assert len(pairs) > 10_000
    rng = np.random.default_rng(1)
    for at in rng.choice(len(pairs), 300, replace=False):
        pair = pairs[int(at)]
        if pair.restated is not None:
            read(pair.restated, pair.images)
    refused = sum(pair.restated is None for pair in pairs)
    assert 0.05 < refused / len(pairs) < 0.3, "a model that has seen no refusals restates everything"


def test_the_rules_read_nearly_every_variant_of_a_pair() -> None:
    """A number or a place that contradicts another word of the pair can make a variant impossible."""
    pairs = [pair for pair in shipped_rewordings() if pair.restated is not None]
    rng = np.random.default_rng(2)
    unread = 0
    for at in rng.choice(len(pairs), 300, replace=False):
        pair = pairs[int(at)]
        _, restated = varied(pair, rng)
        assert restated is not None
        try:
            read(restated, pair.images)
        except InputError:
            unread += 1
    assert unread <= 6


def test_variants_name_the_same_things_on_both_sides() -> None:
    found = variants("0 | mia wants two {tiny |}red balls by the sea, not blue! => Two red balls, at the beach.")
    restated = {text for _, text in found}
    assert len(restated) > 50
    for wording, text in found:
        assert text is not None
        color = text.split()[1]
        assert wording.count("not") <= 1
        if f"not {color}" in wording:
            pytest.fail(f"the color that is not wanted became the wanted one: {wording!r} => {text!r}")


def test_words_that_mean_something_else_are_kept() -> None:
    for wording, text in variants("0 | a boat under the stars, all right? => A boat, at night."):
        assert text is not None
        assert "boats" not in wording
        assert text.endswith("at night.")
    for _, text in variants("0 | draw a lighthouse {pls|now} => REFUSE", 20):
        assert text is None


def test_plurals_of_fish_become_plurals() -> None:
    plurals = {text for _, text in variants("0 | five fish in the snow => Five fish, in the snow.")}
    assert any(text and "boxes" in text for text in plurals)
    assert not any(text and text.split()[1] in {"box,", "cat,", "star,"} for text in plurals)


def test_the_same_generator_gives_the_same_variants() -> None:
    pair = Rewording(0, "a {red|blue} cat", "A cat.")
    assert [varied(pair, np.random.default_rng(3)) for _ in range(2)] == [varied(pair, np.random.default_rng(3))] * 2


def test_every_stage_adds_pairs_and_a_missing_stage_is_an_error() -> None:
    first, second, everything = shipped_rewordings(1), shipped_rewordings(2), shipped_rewordings()
    assert second[: len(first)] == first
    assert len(first) < len(second) < len(everything)
    with pytest.raises(InputError, match="3 stages, but 9"):
        shipped_rewordings(9)


@pytest.mark.parametrize("line", ["a cat => A cat.", "3 | a cat => A cat.", "0 | a cat"])
def test_a_line_of_another_form_is_an_error_that_names_it(line: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        parse_rewordings(f"# comment\n{line}", "test")


def test_a_question_to_the_model_has_one_spelling() -> None:
    assert question_of("  A “Red”  BALL — now\nplease ", 1) == '1 images: a "red" ball - now\nplease'


def test_composed_requests_are_read_as_far_as_their_parts_fit_each_other() -> None:
    composer, rng = Composer(shipped_rewordings()), np.random.default_rng(4)
    texts = [composer.compose(rng) for _ in range(100)]
    assert {one.images for one in texts} == {0, 1}
    for one in texts:
        assert one.restated is not None
        if one.images:
            check_text(one.restated, 1)
        else:
            steps = one.restated.split(". ")[1::2]
            assert len(steps) >= 2
            assert one.restated.startswith("1. ")
