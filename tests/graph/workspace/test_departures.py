"""Streams that their reader leaves without ending them."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.events import Event, ImageGenerated, Planned, StepFinished
from interleavethinker.tools.images.store import ImageStore
from interleavethinker.tools.testing.generator import MemoryGenerator

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.mark.parametrize("kind", [Planned, ImageGenerated, StepFinished])
@pytest.mark.parametrize("held", [True, False], ids=["held by a variable", "dropped"])
async def test_closing_the_workspace_pauses_what_was_left(
    opened: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: type[Event], held: bool
) -> None:
    generator = MemoryGenerator(ImageStore(tmp_path / "workspace" / "images"))
    caplog.set_level(logging.WARNING)
    async with opened(generator=generator) as workspace:
        trajectory = await workspace.create("x")
        events = workspace.stream(trajectory)
        async for event in events:
            if isinstance(event, kind):
                break
        if not held:
            del events
    async with opened(generator=generator) as workspace:
        assert (await workspace.summary(trajectory)).status == "paused"
        assert (await workspace.run(trajectory)).stop_reason == "complete"
    assert len(generator.calls) == len(set(generator.calls)) == 3
    assert not caplog.records
