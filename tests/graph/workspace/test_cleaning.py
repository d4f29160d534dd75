"""What is being created is no garbage."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from interleavethinker.graph import Workspace

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


async def test_garbage_of_any_age_does_not_take_along_the_state_of_a_trajectory_that_is_being_created(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as ws:
        add = ws._catalog.add

        async def after_a_collection(*values: Any, **more: Any) -> Any:
            await ws.collect_garbage(older_than=-60)
            return await add(*values, **more)

        monkeypatch.setattr(ws._catalog, "add", after_a_collection)
        assert (await ws.run(await ws.create("x"))).stop_reason == "complete"
