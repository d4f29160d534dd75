"""The default profile from the command line: planner, critic and generator are trained models."""

import json
from collections.abc import Callable

from interleavethinker.cli import exit_codes as exits
from interleavethinker.graph.profiles.profile import load_profile

Run = Callable[..., tuple[int, str, str]]


def test_trained_models_turn_a_request_into_a_document(run: Run) -> None:
    code, out, err = run("run", load_profile("micro").example or "", "--seed", "3", "--json")
    assert code == exits.OK, err
    assert "baseline" not in err
    result = json.loads(out)
    assert result["status"] == "done"
    assert len(result["images"]) == 4


def test_a_request_with_unknown_words_is_refused_before_anything_is_recorded(run: Run) -> None:
    code, _, err = run("run", "Tell a picture story. First a zebra on the left.")
    assert code == exits.BAD_INPUT
    assert "zebra" in err
    assert json.loads(run("list", "--json")[1]) == []
