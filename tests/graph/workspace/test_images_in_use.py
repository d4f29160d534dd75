"""A clean-up in one process never takes the images that another process is about to use."""

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from interleavethinker.graph import BranchPoint, Workspace
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
        write = workspace._checkpoints.write

        async def delayed(*arguments: Any) -> None:
            await other.delete(parent)
            await other.collect_garbage()
            await write(*arguments)

        monkeypatch.setattr(workspace._checkpoints, "write", delayed)
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
        write = workspace._checkpoints.write

        async def delayed(*arguments: Any) -> None:
            assert await other.collect_garbage() == []
            await write(*arguments)

        monkeypatch.setattr(workspace._checkpoints, "write", delayed)
        name = await workspace.create([TextPart(text="x"), ImagePart(sha256=image)])
        assert (await workspace.run(name)).status == "done"


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
