"""Import strings and field names of version 0.1 still mean something."""

from importlib import import_module
from importlib.resources import files

import pytest

from interleavethinker.tools.moved_names import _MOVED, present_name
from interleavethinker.tools.renamed_fields import with_new_names


@pytest.mark.parametrize("old", sorted(_MOVED))
def test_every_old_import_string_leads_to_something_that_exists(old: str) -> None:
    module, _, attribute = present_name(old).partition(":")
    assert hasattr(import_module(module), attribute) or (files(module) / attribute).is_dir()


def test_other_import_strings_are_left_alone() -> None:
    assert present_name("my_package.agents:Planner") == "my_package.agents:Planner"


def test_old_field_names_are_read_and_what_is_no_mapping_is_left_to_pydantic() -> None:
    assert with_new_names({"deadline": 60}, {"deadline": "time_limit"}) == {"time_limit": 60}
    assert with_new_names(3, {"deadline": "time_limit"}) == 3


def test_the_old_and_the_new_name_together_are_refused() -> None:
    with pytest.raises(ValueError, match="deadline is the old name of time_limit"):
        with_new_names({"deadline": 60, "time_limit": 30}, {"deadline": "time_limit"})
