"""A decorator that turns an async function of an open workspace into a command."""

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from interleavethinker.tools.errors import TrajectoryError

from .exit_codes import OK
from .options import WorkspaceFolder

if TYPE_CHECKING:
    from interleavethinker.graph import Workspace

__all__ = ["LAST", "newest_trajectory", "workspace_command"]

LAST = "last"
"""Stands for the most recent trajectory wherever an ID is expected; IDs begin with a digit."""


def workspace_command(
    body: "Callable[..., Awaitable[int | None]]",
    around: Callable[[Mapping[str, Any]], AbstractAsyncContextManager[object]] | None = None,
) -> Callable[..., None]:
    """Makes a command from an async function whose first parameter is an open workspace.

    The command has the function's other parameters and the option `--workspace`. It opens the workspace, awaits the
    function, and exits with the code that the function returns; None means success. `last` as the `trajectory`, or
    among the `trajectories`, becomes the ID of the most recent one.

    Args:
        body: The function.
        around: Takes the options and, as `folder`, the workspace's place. Returns a context in which the agent is
            imported and the function runs; the function gets what the context returns as its second parameter.

    Examples:
        >>> @workspace_command
        ... async def pause(workspace: "Workspace", trajectory: TrajectoryId, json_output: Json = False) -> None:
        ...     \"\"\"Pause a trajectory.\"\"\"
        ...     await workspace.pause(trajectory)

        Typer sees `def pause(trajectory: TrajectoryId, json_output: Json = False, folder: WorkspaceFolder = None)`.
    """

    @wraps(body)
    def command(folder: str | None = None, **options: Any) -> None:
        async def run() -> int:
            async with contextlib.nullcontext() if around is None else around({**options, "folder": folder}) as begun:
                # In a thread, so that the event loop can do meanwhile what the context has begun.
                module = await asyncio.to_thread(import_module, "interleavethinker.graph.workspace.workspace")
                async with module.Workspace.open(folder) as workspace:
                    await _replace_last(workspace, options)
                    return await body(workspace, *(() if around is None else (begun,)), **options) or OK

        raise typer.Exit(asyncio.run(run()))

    parameters = list(inspect.signature(body).parameters.values())[1 if around is None else 2 :]
    keyword = inspect.Parameter("folder", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=WorkspaceFolder)
    # Typer reads the signature and the type hints; neither may mention the workspace, which is not an option.
    command.__signature__ = inspect.Signature([*parameters, keyword])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in (*parameters, keyword)}
    del command.__wrapped__
    return command


async def _replace_last(workspace: "Workspace", options: dict[str, Any]) -> None:
    if options.get("trajectory") == LAST:
        options["trajectory"] = await newest_trajectory(workspace)
    if LAST in (options.get("trajectories") or ()):
        newest = await newest_trajectory(workspace)
        options["trajectories"] = [newest if one == LAST else one for one in options["trajectories"]]


async def newest_trajectory(workspace: "Workspace") -> str:
    """Returns the ID of the trajectory that was created last.

    Raises:
        TrajectoryError: There is none.
    """
    summaries = await workspace.list(limit=1)
    if not summaries:
        raise TrajectoryError("No trajectories yet. Create one with: interleavethinker run", code="unknown_trajectory")
    return summaries[0].id
