"""One studio process: opens the workspace, assembles service, application and access control, serves on loopback."""

import asyncio
import contextlib
import socket
import sys
import webbrowser
from functools import partial
from pathlib import Path

from interleavethinker.graph.context import Components
from interleavethinker.graph.workspace.workspace import Workspace
from interleavethinker.servers.trajectories.options import ServiceOptions
from interleavethinker.servers.trajectories.service import TrajectoryService
from interleavethinker.servers.transport.ending_signals import DEFAULT_SHUTDOWN_TIMEOUT, check_shutdown_timeout
from interleavethinker.servers.transport.http import listening_socket, run_app
from interleavethinker.tools.errors import InputError

from .access import AccessMiddleware, load_key, own_hosts
from .app import StudioApp

__all__ = ["DEFAULT_PORT", "serve_studio"]

DEFAULT_PORT = 8767
_HOST = "127.0.0.1"


async def serve_studio(
    folder: str | Path | None,
    options: ServiceOptions,
    *,
    port: int | None = None,
    renew_key: bool = False,
    open_browser: bool = True,
    shutdown_timeout: float = DEFAULT_SHUTDOWN_TIMEOUT,
    components: Components | None = None,
) -> None:
    """Serves until SIGINT, SIGTERM or SIGHUP; prints the link with the key to stdout.

    Args:
        folder: The workspace's folder or database; None: the default one.
        options: Profiles that a request may choose, and limits.
        port: None: the usual one, or a free one if another program uses that; 0: a free one.
        renew_key: Lock out pages that are open, and links that were given away.
        open_browser: Whether to open the link.
        shutdown_timeout: Seconds that the calls in flight get after a signal.
        components: Used for every trajectory instead of its profile's.

    Raises:
        InputError: The port is in use, or an option cannot be used.
        StoreError: The workspace or the key's file cannot be used.
    """
    check_shutdown_timeout(shutdown_timeout)
    await asyncio.to_thread(options.check)
    async with Workspace.open(folder, components) as workspace:
        key = await asyncio.to_thread(load_key, workspace.root, renew=renew_key)
        with _socket(port) as listening:
            own_port: int = listening.getsockname()[1]
            address = f"http://{_HOST}:{own_port}/"
            service = TrajectoryService(workspace, options, lambda name: f"{address}#/t/{name}")
            async with service:
                app = StudioApp(service, key)
                link = f"{address}#key={key}"
                sys.stdout.write(f"Studio: {link}\nWorkspace: {workspace.root}\nStop it with Ctrl-C.\n")
                sys.stdout.flush()
                if open_browser:
                    with contextlib.suppress(webbrowser.Error):
                        webbrowser.open(link)
                try:
                    guarded = AccessMiddleware(app.asgi, key, own_hosts(own_port))
                    await run_app(
                        guarded, listening, on_exit=app.feed.close, drain=partial(service.drain, shutdown_timeout)
                    )
                finally:
                    await app.close()


def _socket(port: int | None) -> socket.socket:
    if port is not None:
        return listening_socket(_HOST, port)
    try:
        return listening_socket(_HOST, DEFAULT_PORT)
    except InputError:
        return listening_socket(_HOST, 0)
