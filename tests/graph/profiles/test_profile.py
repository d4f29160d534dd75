from pathlib import Path

import pytest

from interleavethinker.graph.limits import Limits
from interleavethinker.graph.profiles.profile import import_object, load_profile, shipped_profiles
from interleavethinker.tools.errors import ProfileError

GOOD = """
description = "d"
planner = { object = "interleavethinker.tools.testing.agents:FixedPlanner", prompts = "words" }
critic = { model = "qwen3-vl:some/where" }
generator = { model = "cells" }
"""
INTEGERS = [name for name, field in Limits.model_fields.items() if field.annotation in {int, int | None}]


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_is_valid_and_describes_itself(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == profile.source == name
    assert profile.description
    assert {"micro", "klein", "api"} <= set(shipped_profiles())


def test_a_profile_file_is_found_from_any_folder_with_prompts_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    profile = load_profile("mine.toml")
    assert profile.source == str(tmp_path / "mine.toml")
    assert profile.planner.prompts == str(tmp_path / "words")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace("planner", "planer"), "planner"),
        (GOOD + "[limits]\nmax_iterations = 0", "max_attempts"),
        (GOOD.replace('model = "qwen3-vl:some/where"', ""), "give exactly one of model and object"),
        (GOOD.replace('prompts = "words"', "max_rephrasings = 2"), "max_rephrasings is only for a critic"),
        (GOOD.replace("some/where", 'some/where", rephrasing_temperature = "0'), "critic.rephrasing_temperature"),
        (
            GOOD.replace('{ model = "qwen3-vl:some/where" }', '{ object = "a:b" }\nverdict_check = "c:d"'),
            "verdict_check is only for a critic that is a chat model",
        ),
        (
            GOOD.replace(
                '{ model = "qwen3-vl:some/where" }', '{ object = "a:b" }\nfallback_critic = { object = "c:d" }'
            ),
            "fallback_critic is only for a critic that is a chat model",
        ),
        *((GOOD + f"[limits]\n{name} = {2**64}", f"limits.{name}") for name in INTEGERS),
        (GOOD + f"[limits.drift]\nmax_words = {2**64}", "limits.drift.max_words"),
        ("[", "is not valid TOML"),
    ],
)
def test_an_invalid_profile_is_an_error_that_names_the_problem(text: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ProfileError, match=complaint) as error:
        load_profile(str(path))
    assert "pydantic" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_profile_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(GOOD.replace('"d"', '"é"').encode("latin-1"))
    with pytest.raises(ProfileError, match="is not UTF-8"):
        load_profile(str(path))


def test_the_error_for_an_unknown_profile_lists_the_shipped_ones() -> None:
    with pytest.raises(ProfileError, match="klein"):
        load_profile("gigantic")
    with pytest.raises(ProfileError, match="Cannot read the profile file"):
        load_profile("nowhere/at/all.toml")


@pytest.mark.parametrize("target", ["no.such.module:x", "json:no_such_thing", "json"])
def test_an_import_string_that_cannot_be_imported_is_a_profile_error(target: str) -> None:
    with pytest.raises(ProfileError, match="Cannot import"):
        import_object(target)


def test_a_profile_with_the_names_of_version_0_1_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    old = GOOD.replace('"qwen3-vl:some/where"', '"qwen3-vl:some/where", questions = 2')
    old = old.replace('generator = { model = "cells" }', 'generator = { model = "cells", deadline = 60, resends = 1 }')
    path.write_text(old)
    profile = load_profile(str(path))
    assert profile.critic.max_answers == 2
    assert (profile.generator.call_timeout, profile.generator.max_resends) == (60, 1)


def test_a_profile_of_version_0_1_loads_with_its_old_names(tmp_path: Path) -> None:
    path = tmp_path / "old.toml"
    path.write_text("""
description = "old"
request_check = "interleavethinker.microworld.asking:check_request"
planner = { object = "interleavethinker.microworld.scripted_planner:ScriptedPlanner", questions = 2 }
critic = { object = "interleavethinker.tools.doubles:lenient_critic" }
generator = { model = "cells", deadline = 60 }
limits = { max_iterations = 2, deadline = 50 }
""")
    profile = load_profile(str(path))
    assert (profile.limits.max_attempts, profile.limits.time_limit) == (2, 50)
    assert (profile.planner.max_answers, profile.generator.call_timeout) == (2, 60)
    for target in (profile.request_check, profile.planner.object, profile.critic.object):
        assert callable(import_object(target or ""))


def test_critics_that_were_trained_on_one_form_of_question_are_not_told_what_was_tried() -> None:
    """The micro critic is not asked again until that is measured to help; the released ones are sampled."""
    settings = {name: load_profile(name).critic for name in ("micro", "released", "klein", "api")}
    assert {name: (one.max_rephrasings, one.rephrasing_temperature) for name, one in settings.items()} == {
        "micro": (0, None), "released": (1, 1.0), "klein": (1, None), "api": (1, None)
    }  # fmt: skip
