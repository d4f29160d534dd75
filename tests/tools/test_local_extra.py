"""What a slim installation, one without the `[local]` extra, says when a model is to be loaded."""

import sys

import pytest

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.local_extra import missing_local, require_local
from interleavethinker.tools.qwen3vl.batching import Prompt, SamplingParams
from interleavethinker.tools.qwen3vl.inference import LocalModel, ModelIdentity


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


def test_nothing_is_missing_here() -> None:
    assert missing_local() == ()
    require_local("Local models")


def test_missing_libraries_are_named_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "torch", "diffusers")
    with pytest.raises(ProfileError) as caught:
        require_local("Local models", ("torch", "diffusers"))
    assert str(caught.value) == (
        "Local models need torch and diffusers, which are not installed. "
        "Install them with: pip install -c constraints.txt '.[local]'"
    )
    assert caught.value.code == "local_extra_missing"


def test_a_single_missing_library_is_named_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "transformers")
    with pytest.raises(ProfileError, match=r"need transformers, which is not installed\. Install it with"):
        require_local("Local models")


def test_a_local_chat_model_without_the_extra_fails_with_that_line(monkeypatch: pytest.MonkeyPatch) -> None:
    hide(monkeypatch, "torch", "transformers")
    prompt = Prompt(conversation=(), images=(), sampling=SamplingParams())
    with pytest.raises(ProfileError, match=r"pip install -c constraints.txt '.\[local\]'"):
        LocalModel(ModelIdentity("qwen/anything")).complete([prompt])
