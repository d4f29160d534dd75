"""What happens to a deleted trajectory that another program continues while its deletion can be undone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from interleavethinker.servers.studio.app import StudioApp

from ..trajectories.agents import open_studio


@pytest.mark.parametrize("finishes", [True, False], ids=["finished", "still running"])
async def test_a_trajectory_that_continued_elsewhere_is_back_and_the_page_is_told(
    tmp_path: Path, finishes: bool
) -> None:
    async with open_studio(tmp_path) as studio:
        app, service = StudioApp(studio.service, "key"), studio.service
        studio.generator.close_after = 1
        name = await service.start("a story")
        await studio.until(name, lambda view: view.finished == 1)
        await service.pause(name)
        studio.generator.open_gate()
        await studio.until(name, lambda view: view.status == "paused")
        if not finishes:
            studio.generator.close_after = len(studio.generator.generated)
        await app.deletions.add(name)
        news = app.feed.listen()
        assert await anext(news) is None
        await service.resume(name)  # As another program does, which does not ask the studio's page.
        await studio.until(name, lambda view: view.status == ("done" if finishes else "running"))
        await app.deletions.close()
        told: Any = {}
        async with asyncio.timeout(60):
            while "kept" not in told:
                told = await anext(news) or {}
        assert (told["kept"]["trajectory"], told["kept"]["title"]) == (name, "a story")
        assert "in the meantime" in told["kept"]["reason"]
        assert name not in app.deletions
        assert [one.id for one in await service.list()] == [name]
        studio.generator.open_gate()
        await news.aclose()
