"""A clean-up in one process never takes the images or the state that another process is about to use."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from interleavethinker.graph import BranchPoint, Workspace
from interleavethinker.graph.workspace.catalog import RequestKey
from interleavethinker.tools.errors import TrajectoryError
from interleavethinker.tools.testing.generator import fake_image
from interleavethinker.tools.types import GenerationRequest, ImagePart, TextPart

Opened = Callable[..., AbstractAsyncContextManager[Workspace]]


async def finished_long_ago(workspace: Workspace) -> str:
    """Returns a finished trajectory whose images are old enough for a clean-up to take them."""
    trajectory = await workspace.create("x")
    await workspace.run(trajectory)
    for image in workspace.store:
        os.utime(workspace.store.path(image), (1, 1))
    return trajectory


async def test_a_branch_of_a_trajectory_that_is_deleted_meanwhile_has_its_images(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace, opened() as other:
        parent = await finished_long_ago(workspace)
        create = workspace._checkpoints.create

        async def delayed(*arguments: Any) -> str:
            await other.delete(parent)
            await other.collect_garbage()
            return await create(*arguments)

        monkeypatch.setattr(workspace._checkpoints, "create", delayed)
        branch = await workspace.get(await workspace.branch(parent, BranchPoint(step=1)))
        assert branch.attempts
        assert all(attempt.image in workspace.store for attempt in branch.attempts)


async def test_a_branch_of_a_trajectory_whose_images_are_being_removed_is_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace, opened() as other:
        parent = await finished_long_ago(workspace)
        state = workspace._state

        async def delayed(trajectory: str) -> Any:
            found = await state(trajectory)
            await other.delete(parent)
            await other.collect_garbage()
            return found

        monkeypatch.setattr(workspace, "_state", delayed)
        with pytest.raises(TrajectoryError, match="No trajectory begins"):
            await workspace.branch(parent, BranchPoint(step=1))
        assert await workspace.list() == []


async def test_an_old_image_that_a_request_is_about_to_use_is_not_removed(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace, opened() as other:
        image = await workspace.add_image(fake_image(GenerationRequest(prompt="mine", seed=1)))
        os.utime(workspace.store.path(image), (1, 1))
        create = workspace._checkpoints.create

        async def delayed(*arguments: Any) -> str:
            assert await other.collect_garbage() == []
            return await create(*arguments)

        monkeypatch.setattr(workspace._checkpoints, "create", delayed)
        name = await workspace.create([TextPart(text="x"), ImagePart(sha256=image)])
        assert (await workspace.run(name)).status == "done"


async def test_a_clean_up_of_any_age_spares_trajectories_that_are_being_created(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as workspace, opened() as other:
        parent = await finished_long_ago(workspace)
        write = workspace._database.write

        async def followed_by_a_clean_up(*arguments: Any, **options: Any) -> Any:
            result = await write(*arguments, **options)
            await other.collect_garbage(older_than=-60)
            return result

        with monkeypatch.context() as patch:
            patch.setattr(workspace._database, "write", followed_by_a_clean_up)
            made = [
                await workspace.create("y"),
                await workspace.create("z", key=RequestKey("k")),
                await workspace.branch(parent, BranchPoint(step=1)),
            ]
            assert await workspace.create("z", key=RequestKey("k")) == made[1]
        assert [(await workspace.run(one)).status for one in made] == ["done"] * 3


async def test_purging_spares_what_somebody_else_has_stored_since(opened: Opened) -> None:
    async with opened() as workspace:
        name = await workspace.create("x")
        await workspace.run(name)
        ended = (await workspace.summary(name)).updated.timestamp()
        first, *others = workspace.store
        for image in others:
            os.utime(workspace.store.path(image), (ended - 1, ended - 1))
        os.utime(workspace.store.path(first), (ended + 1, ended + 1))
        await workspace.delete(name)
        removed = await workspace.collect_garbage(also=[first, *others], also_until=ended)
        assert others
        assert set(removed) == set(others)
