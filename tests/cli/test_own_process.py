"""What a command creates to run it in its own process is taken by no worker first, however long that takes."""

from collections.abc import Callable
from typing import Any

import pytest

from interleavethinker.cli import execution
from interleavethinker.cli import exit_codes as exits
from interleavethinker.graph import Trajectory, Workspace
from interleavethinker.graph.workspace.worker import Worker

Run = Callable[..., tuple[int, str, str]]
REQUEST = "a big red ball on the left, then make it blue"


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Trajectory]:
    """What a worker takes between the recording of a trajectory and its run by the command."""
    answered: list[Trajectory] = []

    async def after_a_worker(workspace: Workspace, trajectory: str, *arguments: Any, **options: Any) -> int:
        await Worker(workspace, answered.append, poll=0.01).run(until_empty=True)
        return await execution.run_trajectory(workspace, trajectory, *arguments, **options)

    for command in ("run", "trajectories"):
        monkeypatch.setattr(f"interleavethinker.cli.{command}.run_trajectory", after_a_worker)
    return answered


def test_a_new_trajectory_and_a_branch_run_in_the_process_of_their_command(run: Run, taken: list[Trajectory]) -> None:
    for words in ("run", REQUEST, "--profile", "cells.toml", "--no-worker"), ("branch", "last", "2"):
        code, _, err = run(*words)
        assert (code, taken) == (exits.OK, [])
        assert "Another worker" not in err
        assert "step 2, attempt 1" in err, "its view shows what happens"


def test_a_queued_request_is_the_workers(run: Run, taken: list[Trajectory]) -> None:
    assert run("run", REQUEST, "--profile", "cells.toml", "--queue")[0] == exits.OK
    assert run("run", "a red ball", "--profile", "cells.toml", "--no-worker")[0] == exits.OK
    assert [one.title for one in taken] == [REQUEST]
