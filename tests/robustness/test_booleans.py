"""A boolean is never read as a number, wherever people and programs write one."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from interleavethinker.graph.batch.manifest import read_manifest, sweep
from interleavethinker.graph.limits import DriftGuard, Limits
from interleavethinker.graph.profiles.profile import Role
from interleavethinker.graph.workspace.human_review import HumanVerdict
from interleavethinker.servers.studio.messages import NewTrajectory
from interleavethinker.tools.errors import InputError
from interleavethinker.tools.mcp.config import GeneratorConfig
from interleavethinker.tools.prices import Price
from interleavethinker.tools.strict_numbers import StrictNumbers


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (Limits, "max_attempts"),
        (Limits, "time_limit"),
        (Limits, "max_calls"),
        (DriftGuard, "threshold"),
        (Role, "max_answers"),
        (Role, "timeout"),
        (GeneratorConfig, "max_resends"),
        (Price, "input"),
        (HumanVerdict, "step"),
        (NewTrajectory, "seed"),
    ],
)
def test_a_boolean_is_no_number(model: type[BaseModel], field: str) -> None:
    with pytest.raises(ValidationError, match=f"{field} is a number; got true"):
        model.model_validate({field: True})


def test_numbers_within_a_sequence_make_the_sequence_no_number() -> None:
    class Sizes(StrictNumbers):
        sides: tuple[int | None, ...] = ()

    with pytest.raises(ValidationError, match="valid tuple"):
        Sizes.model_validate({"sides": True})


def test_booleans_and_numbers_keep_their_places() -> None:
    assert Limits.model_validate({"judge_last_attempt": False, "max_attempts": 3}).max_attempts == 3
    assert Limits.model_validate({"max_calls": None}) == Limits()


@pytest.mark.parametrize("fields", [{"seed": True}, {"limits": {"max_attempts": True}}])
def test_a_line_of_a_manifest_with_a_boolean_for_a_number_is_refused(fields: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text(json.dumps({"text": "a red ball"} | fields))
    with pytest.raises(InputError, match="is a number; got true"):
        read_manifest(path)


def test_a_sweep_over_booleans_for_a_number_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_text('{"text": "a red ball"}')
    with pytest.raises(InputError, match="max_attempts is a number; got true"):
        sweep(read_manifest(path), {"max_attempts": [True, 2]})
