"""A chat model that cannot be loaded: the error says what to do, in words of this project."""

import pytest

from interleavethinker.tools.chat.loading import load_chat_model
from interleavethinker.tools.errors import ProfileError


def test_a_missing_key_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ProfileError) as failure:
        load_chat_model("openai:gpt-5-mini")
    assert str(failure.value) == (
        "No API key found for the chat model 'openai:gpt-5-mini'. Set the environment variable OPENAI_API_KEY."
    )


def test_another_fault_keeps_the_librarys_words() -> None:
    with pytest.raises(ProfileError, match="'nobody:x' cannot be used: "):
        load_chat_model("nobody:x")
