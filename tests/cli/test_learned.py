"""The default profile, whose planner, critic and generator are learned, from the command line."""

import json
from collections.abc import Callable

from interleavethinker.cli import exit_codes as exits
from interleavethinker.graph.profiles.profile import load_profile

Run = Callable[..., tuple[int, str, str]]


def test_a_request_becomes_a_document_by_learned_models(run: Run) -> None:
    code, out, err = run("run", load_profile("micro").example or "", "--seed", "3", "--json")
    assert code == exits.OK, err
    assert "stand-in" not in err
    told = json.loads(out)
    assert told["status"] == "done"
    assert len(told["images"]) == 4


def test_words_that_the_models_never_met_are_refused_before_anything_is_recorded(run: Run) -> None:
    code, _, err = run("run", "Tell a picture story. First a zebra on the left.")
    assert code == exits.BAD_INPUT
    assert "zebra" in err
    assert json.loads(run("list", "--json")[1]) == []
