"""One trajectory server process: opens the workspace, assembles service and MCP server, and serves."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.servers.transport.ending_signals import DEFAULT_SHUTDOWN_TIMEOUT, check_shutdown_timeout
from interleavethinker.servers.transport.http import HttpOptions, serve_http
from interleavethinker.servers.transport.stdio import serve_stdio

from .options import ServiceOptions
from .service import TrajectoryService

__all__ = ["serve_trajectories"]


async def serve_trajectories(
    workspace: str | Path | None,
    options: ServiceOptions,
    *,
    http: HttpOptions | None = None,
    shutdown_timeout: float = DEFAULT_SHUTDOWN_TIMEOUT,
    board: Callable[[], str] | None = None,
) -> None:
    """Serves a workspace until the client closes the connection (stdio) or a signal arrives (HTTP).

    Nothing is loaded before the first trajectory runs. Trajectories that run at the end are paused.

    Args:
        workspace: The folder or database; None: the user's.
        options: What clients may do.
        http: Where to listen; None means stdio.
        shutdown_timeout: Seconds that the calls in flight get after a signal.
        board: Returns the HTML of the storyboard; None: there is none.

    Raises:
        InputError: The options cannot be used, would expose the server without a token, or the address is taken.
        ProfileError: A profile cannot be read.
    """
    options.check()
    check_shutdown_timeout(shutdown_timeout)
    if http is not None:
        http.check()
    from .server import build_server

    async with Workspace.open(workspace) as opened, TrajectoryService(opened, options) as service:
        server = build_server(service, board=None if board is None else board())
        drain = partial(service.drain, shutdown_timeout)
        if http is None:
            await serve_stdio(server, drain)
        else:
            await serve_http(server, http, drain=drain)
