"""IDs and keys that no database takes."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from interleavethinker.graph import Workspace
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.tools.errors import InputError, TrajectoryError

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


@pytest.mark.parametrize("name", ["\udcff", "26\ud800", "２６"], ids=["a byte", "half a character", "wide digits"])
async def test_an_id_that_no_trajectory_can_have_is_unknown(name: str, opened: Opened) -> None:
    async with opened() as workspace:
        await workspace.create("x")
        uses: list[Callable[[str], Awaitable[object]]] = [
            workspace.get,
            workspace.summary,
            workspace.pause,
            workspace.cancel,
            workspace.run,
            workspace.delete,
        ]
        for use in uses:
            with pytest.raises(TrajectoryError, match="No trajectory begins with") as caught:
                await use(name)
            assert caught.value.code == "unknown_trajectory"
        assert len(await workspace.list()) == 1


async def test_a_key_that_is_not_valid_unicode_creates_nothing(opened: Opened) -> None:
    async with opened() as workspace:
        with pytest.raises(InputError, match="half a character"):
            await workspace.create("x", key=RequestKey("\ud800"))
        assert await workspace.list() == []
        assert (await workspace.run(await workspace.create("x"))).status == "done"
