"""IDs and keys that no database takes, and the order of trajectories when the clock is set back."""

import time
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


@pytest.mark.parametrize("behind", [-600.0, 600.0])
async def test_a_process_whose_clock_is_off_knows_a_call_that_is_repeated(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, behind: float
) -> None:
    true_time = time.time
    key = RequestKey("k", seconds=60.0)
    async with opened() as workspace:
        made = set()
        for off in (0.0, behind, 0.0):
            monkeypatch.setattr(time, "time", lambda off=off: true_time() - off)
            made.add(await workspace.create("x", key=key))
        assert len(made) == 1


async def test_a_call_is_the_same_though_the_clock_was_set_back_and_only_once(opened: Opened) -> None:
    key = RequestKey("k", seconds=60.0)
    async with opened() as workspace:

        async def set_clock(seconds: float) -> None:
            query = "UPDATE request_keys SET created = created - ?"
            await workspace._database.write(lambda connection: connection.execute(query, (seconds,)))

        first = await workspace.create("x", key=key)
        await set_clock(-600.0)
        assert await workspace.create("x", key=key) == first
        await set_clock(50.0)
        assert await workspace.create("x", key=key) == first
        await set_clock(15.0)
        second = await workspace.create("x", key=key)
        assert second != first
        await set_clock(-10 * 365 * 86400.0)  # The clock had been wrong by years.
        assert await workspace.create("x", key=key) not in {first, second}


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
