"""Any text is understood or refused with an error for people, in time that grows linearly with its length."""

import contextlib
import os
import string
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interleavethinker.microworld.agents.scripted_planner import plan_by_rules
from interleavethinker.microworld.language.plain_text import plain_text
from interleavethinker.microworld.requests.interpretation import check_text, interpret
from interleavethinker.microworld.requests.plan_outcome import plan_satisfies
from interleavethinker.microworld.requests.refusals import rule_words
from interleavethinker.microworld.requests.validation import check_request
from interleavethinker.microworld.scenes.scene import Scene, SceneObject
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.types import ImagePart, Plan, Request, TextPart

SCENE = Scene("meadow").put(3, SceneObject("cat", "white", "small")).put(5, SceneObject("tree", "green", "big"))
WORDS = [*sorted(rule_words()), *". , ; : ? ! 1. 2) - 🐱 5".split(), "\n"]
COMMON = (
    "a an the two three all both every no not it them cat cats ball balls fish tree red blue white big small left "
    "right top middle night snow beach on in at to of and then next but make add remove move swap turn is are appears "
    "grows goes away between above with without where what how many , ."
).split()
EXAMPLES = int(os.environ.get("INTERLEAVETHINKER_EXAMPLES", "60"))
"""`make robustness` sets a larger number."""
SETTINGS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Coverage is that of the tests with a chosen sentence: measuring it here as well would double the time.
pytestmark = pytest.mark.no_cover
KNOWN = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


def plan(text: str, *scenes: Scene) -> Plan | None:
    images = (ImagePart(sha256="a" * 64) for _ in scenes)
    try:
        return plan_by_rules(Request(parts=(*images, TextPart(text=text))), scenes)
    except InputError:
        return None


@SETTINGS
@given(st.lists(st.sampled_from(COMMON), max_size=14).map(" ".join), st.booleans())
def test_sentences_of_common_words_give_a_plan_that_does_what_they_say_or_an_input_error(
    text: str, with_image: bool
) -> None:
    scenes = (SCENE,) if with_image else ()
    found = plan(text, *scenes)
    if found is not None:
        assert found.steps
        assert plan_satisfies(interpret(text, scenes), found) == []


@settings(SETTINGS, max_examples=3 * EXAMPLES)
@given(KNOWN, st.booleans())
def test_sentences_of_all_known_words_raise_nothing_but_input_errors(text: str, with_image: bool) -> None:
    scenes = (SCENE,) if with_image else ()
    with contextlib.suppress(InputError):
        check_text(text, len(scenes))
    with contextlib.suppress(InputError):
        interpret(text, scenes)
        plan(text, *scenes)


@settings(SETTINGS, max_examples=EXAMPLES // 10)  # each refusal tries about a hundred other requests
@given(KNOWN, st.booleans())
def test_refusals_of_such_sentences_raise_nothing_but_input_errors(text: str, with_image: bool) -> None:
    plan(text, *((SCENE,) if with_image else ()))


@SETTINGS
@given(st.text(max_size=200))
def test_arbitrary_text_raises_nothing_but_input_errors(text: str) -> None:
    plan(text)
    plan(text, SCENE, SCENE)
    with contextlib.suppress(InputError):
        check_request(Request(parts=(TextPart(text=text),)))
    assert plain_text(plain_text(text)) == plain_text(plain_text(plain_text(text)))


@pytest.mark.parametrize(
    "unit",
    [
        "a red ball, ",
        "a cat and ",
        "make the ball blue and ",
        "the cat next to ",
        "two balls, one on the left and one on the right, ",
        "not ",
        "then ",
        "a a ",
        ", ",
        "a big, red, ",
        "on the left ",
        "1) ",
        "between a cat and ",
        " \n ",
        string.ascii_lowercase,
        "with a red ball and ",
        "the cat goes away. ",
        "keep only the cat and the ",
        "all cats but not the ",
        "replace the cat with ",
        "from red to ",
    ],
)
def test_the_time_is_bounded_for_long_repetitive_texts(unit: str) -> None:
    start = time.process_time()
    for count in (10, 100, 1000):
        plan(unit * count)
        plan(unit * count, SCENE)
    assert time.process_time() - start < 30  # a quadratic step takes minutes
