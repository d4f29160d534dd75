"""Rewards use a profile's real image server, from any event loop that a trainer runs them in."""

import asyncio
from pathlib import Path

import pytest

from interleavethinker.tools.errors import ProfileError
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.types import GeneratedImage, GenerationRequest
from interleavethinker.training.agents.profile_generator import ProfileGenerator

PROFILE = """
description = "for a test"
planner = {{ model = "openai:none" }}
critic = {{ model = "openai:none" }}
generator = {{ model = "cells", server_store = {store!r} }}
"""


def test_calls_from_several_event_loops_share_one_server_and_its_store(tmp_path: Path) -> None:
    profile = tmp_path / "test.toml"
    profile.write_text(PROFILE.format(store=str(tmp_path / "server")).replace("'", '"'))
    store = ImageStore(tmp_path / "images")
    generator = ProfileGenerator(str(profile), store)
    reported: list[float] = []

    async def generate_two() -> list[GeneratedImage]:
        call = GenerationRequest(prompt="a ball", seed=1, width=64, height=64)
        return list(
            await asyncio.gather(*(generator.generate(call, lambda done, _: reported.append(done)) for _ in "ab"))
        )

    try:
        first, again = asyncio.run(generate_two()), asyncio.run(generate_two())
    finally:
        asyncio.run(generator.close())
    assert {one.sha256 for one in (*first, *again)} == {first[0].sha256}
    assert all(one.cached for one in again)
    assert store.get(first[0].sha256)


def test_an_unknown_profile_is_reported_before_training_starts(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="profile"):
        ProfileGenerator("nobody", ImageStore(tmp_path))
