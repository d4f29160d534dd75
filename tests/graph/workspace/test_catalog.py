"""IDs and keys that no database takes, and the order of trajectories when the clock is set back."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta, tzinfo

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


class ClockSetBack(datetime):
    """A clock that an hour is taken from before each reading."""

    hours = 0

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "ClockSetBack":
        cls.hours += 1
        return super().now(tz) - timedelta(hours=cls.hours)


async def test_the_newest_trajectory_comes_first_though_the_clock_was_set_back(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interleavethinker.graph.workspace.catalog.datetime", ClockSetBack)
    async with opened() as workspace:
        made = [await workspace.create(f"request {number}") for number in range(5)]
        created = [(await workspace.summary(name)).created for name in made]
        assert created == sorted(created, reverse=True)
        await workspace.run(made[1])
        await workspace.delete(made[2])
        await workspace.vacuum()
        made.append(await workspace.create("the last one"))
        expected = [made[5], made[4], made[3], made[1], made[0]]
        assert await workspace.ids() == [one.id for one in await workspace.list()] == expected
        assert [one.id for one in await workspace.list(limit=1)] == [made[5]]
        assert [one.id for one in await workspace.list(limit=2, statuses={"ready"})] == [made[5], made[4]]
