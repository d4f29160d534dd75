"""The components that embedded graphs share in one process: opened once, closed once, and opened again after that."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from langgraph.runtime import Runtime

from interleavethinker.graph import Components
from interleavethinker.graph.event_loop import loop_thread
from interleavethinker.graph.profiles import opening
from interleavethinker.graph.profiles.opening import close_shared_components, shared_components
from interleavethinker.graph.profiles.profile import Profile, load_profile
from interleavethinker.tools.chat.agents import ChatCritic, ChatPlanner
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.agents import FixedPlanner, RuleCritic, plan_of
from interleavethinker.tools.testing.generator import MemoryGenerator
from interleavethinker.tools.types import GenerationRequest


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Records which profiles are opened and closed; nothing heavy is built."""
    events: list[str] = []

    @contextlib.asynccontextmanager
    async def open_in_memory(profile: Profile, store: ImageStore) -> AsyncIterator[Components]:
        events.append(f"open {profile.name}")
        await asyncio.sleep(0)  # Lets a concurrent first run get in between, as a real server's start would.
        assert asyncio.get_running_loop() is loop_thread().loop
        yield Components(FixedPlanner(plan_of("a")), RuleCritic(), MemoryGenerator(store), profile.limits)
        events.append(f"close {profile.name}")

    close_shared_components()
    monkeypatch.setenv("INTERLEAVETHINKER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(opening, "open_components", open_in_memory)
    yield events
    close_shared_components()


async def first_runs(*profiles: str) -> list[Components]:
    return list(await asyncio.gather(*(shared_components(name, Runtime()) for name in profiles)))


def test_concurrent_first_runs_open_a_profile_once(log: list[str]) -> None:
    first, second, other = asyncio.run(first_runs("micro", "micro", "klein"))
    assert first is second
    assert first is not other
    assert sorted(log) == ["open klein", "open micro"]


def test_closing_ends_every_profile_and_the_next_run_opens_it_again(log: list[str]) -> None:
    (before,) = asyncio.run(first_runs("micro"))
    close_shared_components()
    assert log == ["open micro", "close micro"]
    (after,) = asyncio.run(first_runs("micro"))
    assert after is not before
    assert log == ["open micro", "close micro", "open micro"]


def test_closing_without_open_profiles_does_nothing(log: list[str]) -> None:
    close_shared_components()
    assert log == []


def test_shared_components_work_from_any_loop(log: list[str]) -> None:
    async def generate() -> str:
        (components,) = await first_runs("micro")
        return (await components.generator.generate(GenerationRequest(prompt="a", seed=1))).sha256

    assert asyncio.run(generate()) == asyncio.run(generate())
    assert log == ["open micro"]


async def test_a_run_with_components_in_its_context_opens_no_profile(log: list[str]) -> None:
    planner = FixedPlanner(plan_of("a"))
    own = Components(planner, RuleCritic(), MemoryGenerator(opening.shared_store()))
    assert await shared_components("micro", Runtime(context=own)) is own
    assert log == []


def test_the_prompts_that_the_image_model_reads_are_named_to_planner_and_critic(tmp_path: Path) -> None:
    path = tmp_path / "told.toml"
    path.write_text(
        'description = "d"\nprompt_words = 40\ngenerator = { model = "fake" }\n'
        'planner = { model = "openai:x", options = { api_key = "k" } }\n'
        'critic = { model = "openai:y", options = { api_key = "k" } }\n'
    )
    store = ImageStore(tmp_path / "images")
    components = opening._build_roles(load_profile(str(path)), store)(generator=MemoryGenerator(store))
    assert isinstance(components.planner, ChatPlanner)
    assert isinstance(components.critic, ChatCritic)
    assert (components.planner._words, components.critic._words) == (40, 40)
